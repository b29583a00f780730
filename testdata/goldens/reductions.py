"""Reductions, scans, sorts, and linear algebra."""

import itertools
import math

import torch
import torch.nn.functional as F

from goldens.cases import case, given, spread

INF = math.inf
NAN = math.nan


DIMS = [
    ((2, 3), 0, False),
    ((2, 3), -1, True),
    ((2, 3, 2), (0, 2), False),
    ((2, 3, 2), (-1, 0), True),
    ((2, 3), None, False),
    ((4,), 0, False),
]


def every(x, dim):
    return tuple(range(x.dim())) if dim is None else dim


def reductions():
    calls = {
        "sum": lambda x, d, k: x.sum(every(x, d), k),
        "mean": lambda x, d, k: x.mean(every(x, d), k),
        "amax": lambda x, d, k: x.amax(every(x, d), k),
        "amin": lambda x, d, k: x.amin(every(x, d), k),
        "logsumexp": lambda x, d, k: x.logsumexp(every(x, d), k),
    }
    for (name, call), (shape, dim, keep) in itertools.product(calls.items(), DIMS):
        case(name, lambda x: call(x, dim, keep), spread(*shape), dim=dim, keepdim=keep)
    case("sum", lambda x: x.sum(), spread(), dim=None, keepdim=False)
    case("sum", lambda x: x.sum(0), spread(0, 3), dim=0, keepdim=False)
    case("sum", lambda x: x.sum(-1), spread(2, 0), dim=-1, keepdim=False)
    case("prod", lambda x: x.prod(), spread(0), dim=None, keepdim=False)
    case(
        "logsumexp",
        lambda x: x.logsumexp(0),
        given([1000.0, 1001.0, -1000.0]),
        dim=0,
        keepdim=False,
        note="large arguments",
    )
    case("logsumexp", lambda x: x.logsumexp(0), given([0.5, -INF, 1.0]), dim=0, keepdim=False, note="-inf adds nothing")

    tied = given([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    for name in ("amax", "amin"):
        for dim, keep in ((1, False), (0, True), (None, False)):
            case(name, lambda x: calls[name](x, dim, keep), tied, dim=dim, keepdim=keep, note="ties split evenly")
        case(
            name,
            lambda x: calls[name](x, 0, False),
            given([1.0, NAN, 3.0]),
            dim=0,
            keepdim=False,
            note="NaN wins",
            values_only=True,
        )
    for name, over in (("max_dim", torch.max), ("min_dim", torch.min)):
        for shape, dim, keep in (((2, 3), 1, False), ((3, 2), 0, True), ((2, 2, 2), -2, False)):
            case(name, lambda x: over(x, dim, keep), spread(*shape), dim=dim, keepdim=keep)
        amalgam = "amax" if name == "max_dim" else "amin"
        case(
            name,
            lambda x: over(x, 1),
            tied,
            dim=1,
            keepdim=False,
            note="ties",
            differs=(
                "ties split evenly; PyTorch's max and min over a dim give all to one index",
                lambda x: calls[amalgam](x, 1, False),
            ),
        )

    for shape, dim, keep in (((2, 3), 0, False), ((2, 3), -1, True), ((2, 2, 3), 1, False), ((2, 3), None, False)):
        call = (lambda x: x.prod()) if dim is None else (lambda x: x.prod(dim, keep))
        case("prod", call, spread(*shape), dim=dim, keepdim=keep)
    zeros = given([[2.0, 0.0, 3.0], [0.0, 0.0, 4.0], [1.0, -2.0, 0.5]])
    case("prod", lambda x: x.prod(1), zeros, dim=1, keepdim=False, note="none, one and two zeros")
    case("prod", lambda x: x.prod(0, True), zeros, dim=0, keepdim=True, note="one and two zeros")
    case("prod", lambda x: x.prod(), given([2.0, 0.0, 3.0]), dim=None, keepdim=False, note="one zero")

    for (name, correction), (shape, dim, keep) in itertools.product(
        (("var", 1), ("var", 0), ("std", 1), ("std", 0)), DIMS[:5]
    ):
        over = getattr(torch, name)
        case(
            name,
            lambda x: over(x, dim=every(x, dim), correction=correction, keepdim=keep),
            spread(*shape),
            dim=dim,
            keepdim=keep,
            correction=correction,
        )
    case("var", lambda x: torch.var(x, 0), given([2.0, 2.0, 2.0]), dim=0, keepdim=False, correction=1, note="all equal")
    case(
        "std",
        lambda x: torch.std(x, 0),
        given([2.0, 2.0, 2.0]),
        dim=0,
        keepdim=False,
        correction=1,
        note="all equal: gradient 0",
    )

    norm = torch.linalg.vector_norm
    for p, (shape, dim, keep) in itertools.product((1.0, 2.0, 3.0, INF), DIMS[:5]):
        case("norm", lambda x: norm(x, p, every(x, dim), keep), spread(*shape), p=p, dim=dim, keepdim=keep)
    for p in (1.0, 2.0, 3.0):
        case(
            "norm",
            lambda x: norm(x, p, 1),
            given([[0.0, 0.0], [0.0, 3.0]]),
            p=p,
            dim=1,
            keepdim=False,
            note="norm'(0) = 0",
        )
    case(
        "norm",
        lambda x: norm(x, INF, 0),
        given([-2.0, 2.0, 1.0]),
        p=INF,
        dim=0,
        keepdim=False,
        note="ties split evenly",
    )

    for shape, dim in (((5,), 0), ((2, 3), 0), ((2, 3), -1), ((2, 3, 2), 1)):
        case("cumsum", lambda x: x.cumsum(dim), spread(*shape), dim=dim)
        case("cumprod", lambda x: x.cumprod(dim), spread(*shape), dim=dim)
    case("cumprod", lambda x: x.cumprod(0), given([2.0, 0.0, 3.0, 0.0, 4.0]), dim=0, note="two zeros")
    case("cumprod", lambda x: x.cumprod(1), given([[2.0, 0.0, 3.0], [1.0, 2.0, 0.0]]), dim=1, note="one zero")
    case("cumsum", lambda x: x.cumsum(1), spread(2, 0), dim=1)

    for descending, (shape, dim) in itertools.product((False, True), (((5,), 0), ((2, 4), -1), ((3, 2), 0))):
        case(
            "sort",
            lambda x: torch.sort(x, dim=dim, descending=descending, stable=True),
            spread(*shape),
            dim=dim,
            descending=descending,
        )
    for descending in (False, True):
        case(
            "sort",
            lambda x: torch.sort(x, dim=0, descending=descending, stable=True),
            given([2.0, 1.0, 2.0, 1.0]),
            dim=0,
            descending=descending,
            note="stable: equal elements keep their order",
        )
    for largest, (shape, k, dim) in itertools.product((True, False), (((5,), 2, 0), ((2, 4), 3, -1), ((3, 2), 1, 0))):
        case("topk", lambda x: torch.topk(x, k, dim, largest, True), spread(*shape), k=k, dim=dim, largest=largest)


def linear_algebra():
    for a, b in (
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((2, 2, 3), (3, 2)),
        ((2, 2, 3), (2, 3, 2)),
        ((3,), (2, 3, 2)),
        ((2, 2, 3), (3,)),
        ((2, 1, 2, 3), (3, 3, 2)),
        ((0, 3), (3, 2)),
        ((2, 0), (0, 3)),
        ((1, 1), (1, 1)),
    ):
        case("matmul", torch.matmul, spread(*a), spread(*b))
    case("matmul", lambda a, b: a.t() @ b.t(), spread(3, 2), spread(4, 3), after="t of both")
    case("matmul", lambda a: a @ a, spread(3, 3), aliased=True)
    case("dot", torch.dot, spread(4), spread(4))
    case("outer", torch.outer, spread(3), spread(4))
    case("linear", F.linear, spread(2, 3), spread(4, 3), spread(4))
    case("linear", F.linear, spread(2, 3), spread(4, 3))
    case("linear", F.linear, spread(2, 2, 3), spread(2, 3), spread(2))
    case("linear", F.linear, spread(3), spread(2, 3), spread(2))
    case(
        "layer_norm",
        lambda x, w, b: F.layer_norm(x, (4,), w, b),
        spread(3, 4),
        spread(4),
        spread(4),
        normalized_shape=[4],
        eps=1e-5,
    )
    case("layer_norm", lambda x: F.layer_norm(x, (4,)), spread(3, 4), normalized_shape=[4], eps=1e-5)
    case(
        "layer_norm",
        lambda x, w, b: F.layer_norm(x, (2, 3), w, b, 1e-3),
        spread(2, 2, 3),
        spread(2, 3),
        spread(2, 3),
        normalized_shape=[2, 3],
        eps=1e-3,
    )
