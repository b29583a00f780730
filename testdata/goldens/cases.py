"""Inputs for the PyTorch goldens, how an array is written down, how a case is recorded.

Every value has three decimals, so that the file stays small and reads back to the same bits, and comes
from one seeded generator, so that the file does not change from run to run.
"""

import math
import random

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

CASES = []
RNG = random.Random(0)


def spread(*shape, low=-2.0, high=2.0):
    """Distinct values with three decimals, none within 0.01 of zero or of each other."""
    count, values = math.prod(shape), []
    while len(values) < count:
        value = round(RNG.uniform(low, high), 3)
        if abs(value) > 0.01 and all(abs(value - other) > 0.01 for other in values):
            values.append(value)
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def positive(*shape, high=3.0):
    return spread(*shape, low=0.1, high=high)


def given(*values):
    return torch.tensor(values if len(values) > 1 else values[0])


def ints(values):
    return torch.tensor(values, dtype=torch.int64)


def bools(values):
    return torch.tensor(values, dtype=torch.bool)


def seed_for(output):
    values = [round(RNG.uniform(0.2, 1.5), 3) * RNG.choice((-1, 1)) for _ in range(output.numel())]
    return torch.tensor(values, dtype=torch.float64).reshape(output.shape)


def number(value):
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
    return value


DTYPES = {torch.float64: "f64", torch.int64: "i64", torch.bool: "bool"}


def array(tensor):
    flat = tensor.detach().reshape(-1).tolist()
    return {"shape": list(tensor.shape), "dtype": DTYPES[tensor.dtype], "data": [number(v) for v in flat]}


def attribute(value):
    return [attribute(v) for v in value] if isinstance(value, (list, tuple)) else number(value)


def first(output):
    return output if isinstance(output, torch.Tensor) else output[0]


def gradients(call, inputs, tracked, seed):
    leaves = [x.clone().requires_grad_(t) for x, t in zip(inputs, tracked)]
    output = call(*leaves)
    # PyTorch's None is a gradient of zero: an output that does not depend on a tracked input.
    wanted = [leaf for leaf, t in zip(leaves, tracked) if t]
    grads = iter(torch.autograd.grad(first(output), wanted, seed, allow_unused=True))
    return output, [
        None if not t else (torch.zeros_like(leaf) if (g := next(grads)) is None else g)
        for leaf, t in zip(leaves, tracked)
    ]


def case(op, call, *inputs, tracked=None, note=None, values_only=False, differs=None, **attrs):
    """`differs` is (why, a call whose gradient is Wengert's convention)."""
    floats = [x.dtype == torch.float64 for x in inputs]
    tracked = floats if tracked is None else [t and f for t, f in zip(tracked, floats)]
    plain = first(call(*inputs))
    row = {"op": op, "attrs": {k: attribute(v) for k, v in attrs.items()}, "inputs": [array(x) for x in inputs]}
    if any(tracked) and plain.dtype == torch.float64:
        seed = seed_for(plain)
        output, grads = gradients(call, inputs, tracked, seed)
        row |= {"seed": array(seed), "output": array(first(output))}
        row["grads"] = [None if g is None else array(g) for g in grads]
        if not isinstance(output, torch.Tensor):
            row["indices"] = array(output[1])
        if differs:
            why, convention = differs
            wengert = [None if g is None else array(g) for g in gradients(convention, inputs, tracked, seed)[1]]
            assert wengert != row["grads"], f"{op}: tagged as different, and is not"
            row["differs"] = {"why": why, "wengert_grads": wengert}
        if not note and plain.numel():
            leaves = [x.clone().requires_grad_(t) for x, t in zip(inputs, tracked)]
            torch.autograd.gradcheck(lambda *v: first(call(*v)), leaves)
    else:
        row |= {"seed": None, "output": array(plain), "grads": [None] * len(inputs)}
    if note:
        row["note"] = note
    if values_only:
        row["values_only"] = True
    CASES.append(row)
