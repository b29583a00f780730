"""Optimizers, gradient clipping, whole networks and initialisers from PyTorch. Each function here
makes one key of `pytorch_goldens.json`.
"""

import itertools
import math

import torch
import torch.nn.functional as F

from goldens.cases import array, attribute, ints, number, positive, spread

INF = math.inf


def optimizers(steps=20):
    """`start` parameters (a [2, 3] and a [3]), `gradients[step][parameter]` that every run is given, and
    `runs[i].parameters[step][parameter]` after each step. The gradients are those of the loss
    sum(c * (w - target)^2) / 2 on a fixed path, with one element that is always 0 and a last step of all zeros."""
    start = [spread(2, 3), spread(3)]
    target, curve = [spread(2, 3), spread(3)], [positive(2, 3), positive(3)]
    grads = []
    for step in range(steps):
        at = [w + (t - w) * (1 - 0.8**step) + spread(*w.shape, low=-0.3, high=0.3) for w, t in zip(start, target)]
        grads.append([torch.round(c * (a - t), decimals=4) for a, t, c in zip(at, target, curve)])
        grads[-1][0][0, 1] = 0.0
    grads[-1] = [torch.zeros_like(g) for g in grads[-1]]

    sgd, adam, adamw, rmsprop = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop
    configurations = [
        (sgd, {"lr": 0.1}),
        (sgd, {"lr": 0.1, "momentum": 0.9}),
        (sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        (sgd, {"lr": 0.1, "weight_decay": 0.05}),
        (sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
        (sgd, {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.02}),
        (sgd, {"lr": 0.1, "maximize": True}),
        (adam, {"lr": 0.001}),
        (adam, {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-6}),
        (adam, {"lr": 0.05, "weight_decay": 0.1}),
        (adam, {"lr": 0.05, "amsgrad": True}),
        (adam, {"lr": 0.05, "eps": 0.1}),
        (adamw, {"lr": 0.001}),
        (adamw, {"lr": 0.05, "weight_decay": 0.1}),
        (adamw, {"lr": 0.05, "weight_decay": 0.0, "amsgrad": True}),
        (rmsprop, {"lr": 0.01}),
        (rmsprop, {"lr": 0.05, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
        (rmsprop, {"lr": 0.01, "momentum": 0.9}),
        (rmsprop, {"lr": 0.01, "momentum": 0.5, "centered": True}),
    ]
    grouped = [
        (sgd, {"lr": 0.1, "momentum": 0.9}, [{}, {"lr": 0.01, "weight_decay": 0.2}]),
        (adamw, {"lr": 0.05}, [{"weight_decay": 0.3}, {"weight_decay": 0.0, "lr": 0.02}]),
    ]
    runs = []
    for kind, options, groups in [(k, o, None) for k, o in configurations] + grouped:
        parameters = [torch.nn.Parameter(w.clone()) for w in start]
        members = parameters if groups is None else [{"params": [p], **g} for p, g in zip(parameters, groups)]
        optimizer = kind(members, foreach=False, **options)
        path = []
        for step in grads:
            for p, g in zip(parameters, step):
                p.grad = g.clone()
            optimizer.step()
            path.append([array(p) for p in parameters])
        defaults = {
            k: attribute(v)
            for k, v in optimizer.defaults.items()
            if k not in ("foreach", "fused", "capturable", "differentiable", "decoupled_weight_decay")
        }
        runs.append({"optimizer": kind.__name__, "attrs": defaults, "groups": groups, "parameters": path})
    return {
        "start": [array(w) for w in start],
        "gradients": [[array(g) for g in step] for step in grads],
        "runs": runs,
    }


def clip_grad_norm():
    """Gradients before and after, and the total norm that the call returned."""
    rows = []
    for max_norm, norm_type in itertools.product((0.5, 100.0), (2.0, 1.0, INF, 3.0)):
        parameters = [torch.nn.Parameter(torch.zeros(2, 3)), torch.nn.Parameter(torch.zeros(4))]
        before = [spread(2, 3), spread(4)]
        for p, g in zip(parameters, before):
            p.grad = g.clone()
        total = torch.nn.utils.clip_grad_norm_(parameters, max_norm, norm_type)
        rows.append(
            {
                "max_norm": max_norm,
                "norm_type": number(norm_type),
                "before": [array(g) for g in before],
                "after": [array(p.grad) for p in parameters],
                "total_norm": total.item(),
            }
        )
    return rows


def modules():
    """Whole networks: state dict by PyTorch's names, input, target, output, loss, gradients by name."""
    nn, rows = torch.nn, []
    classes, regression = ints([1, 0, 2]), spread(3, 2)
    for text, net, loss, target in (
        ("Linear(3, 2)", nn.Linear(3, 2), "mse_loss", regression),
        ("Linear(3, 2, bias=False)", nn.Linear(3, 2, bias=False), "mse_loss", regression),
        (
            "Sequential(Linear(3, 4), Tanh, Linear(4, 3))",
            nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)),
            "cross_entropy",
            classes,
        ),
        (
            "Sequential(Linear(3, 4), ReLU, Linear(4, 2), Sigmoid)",
            nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.Sigmoid()),
            "mse_loss",
            regression,
        ),
        (
            "Sequential(Linear(3, 4), GELU, Linear(4, 3), LeakyReLU(0.01), Linear(3, 3), SiLU)",
            nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 3), nn.LeakyReLU(), nn.Linear(3, 3), nn.SiLU()),
            "cross_entropy",
            classes,
        ),
        (
            "Sequential(Linear(3, 4), Softplus, Linear(4, 2), Softmax(-1))",
            nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 2), nn.Softmax(-1)),
            "mse_loss",
            regression,
        ),
    ):
        with torch.no_grad():
            for p in net.parameters():
                p.copy_(spread(*p.shape, low=-1, high=1))
        x = spread(3, 3).requires_grad_()
        output = net(x)
        value = getattr(F, loss)(output, target)
        value.backward()
        rows.append(
            {
                "module": text,
                "state_dict": {k: array(v) for k, v in net.state_dict().items()},
                "input": array(x),
                "output": array(output),
                "loss": loss,
                "target": array(target),
                "loss_value": value.item(),
                "input_grad": array(x.grad),
                "grads": {k: array(p.grad) for k, p in net.named_parameters()},
            }
        )
    return rows


def init():
    """Gains, and what the random initialisers promise: the bound of a uniform draw, the deviation of a
    normal one. Bounds are those that PyTorch draws with, read from the call it makes to its generator."""
    gains = {k: torch.nn.init.calculate_gain(k) for k in ("linear", "sigmoid", "tanh", "relu", "selu")}
    gains["leaky_relu(0.01)"] = torch.nn.init.calculate_gain("leaky_relu")
    gains["leaky_relu(0.2)"] = torch.nn.init.calculate_gain("leaky_relu", 0.2)
    rows = []

    class Spy(torch.Tensor):
        drawn = None

        def uniform_(self, low=0.0, high=1.0, **_):
            assert low == -high
            Spy.drawn = ("uniform", high)
            return self

        def normal_(self, mean=0.0, std=1.0, **_):
            assert mean == 0
            Spy.drawn = ("normal", std)
            return self

    for shape, (name, attrs) in itertools.product(
        ([4, 2], [3, 5], [2, 3, 2]),
        (
            ("xavier_uniform", {"gain": 1.0}),
            ("xavier_normal", {"gain": 5 / 3}),
            ("kaiming_uniform", {"a": math.sqrt(5), "mode": "fan_in", "nonlinearity": "leaky_relu"}),
            ("kaiming_uniform", {"a": 0.0, "mode": "fan_out", "nonlinearity": "relu"}),
            ("kaiming_normal", {"a": 0.0, "mode": "fan_in", "nonlinearity": "relu"}),
            ("kaiming_normal", {"a": 0.2, "mode": "fan_out", "nonlinearity": "leaky_relu"}),
        ),
    ):
        with torch._C.DisableTorchFunctionSubclass():
            getattr(torch.nn.init, name + "_")(torch.empty(shape).as_subclass(Spy), **attrs)
        kind, value = Spy.drawn
        rows.append(
            {"name": name, "shape": shape, "attrs": attrs, "draw": kind, "bound" if kind == "uniform" else "std": value}
        )
    return {"gains": gains, "draws": rows}
