"""Maths of one and two arrays, choices between them, activations."""

import itertools
import math

import torch
import torch.nn.functional as F

from goldens.cases import bools, case, given, positive, spread

INF = math.inf
NAN = math.nan


def unary():
    anywhere = "neg exp exp2 expm1 sin cos tan atan sinh cosh tanh asinh sigmoid erf square reciprocal abs relu".split()
    for name in anywhere:
        call = getattr(torch, name)
        case(name, call, spread(2, 3))
        case(name, call, spread())
    for name in "log log2 log10 log1p sqrt rsqrt".split():
        case(name, getattr(torch, name), positive(2, 3))
        case(name, getattr(torch, name), given([1e-3, 1.0, 250.0]))
    for name in "asin acos atanh".split():
        case(name, getattr(torch, name), spread(2, 3, low=-0.95, high=0.95))
    case("acosh", torch.acosh, spread(2, 3, low=1.1, high=4))

    case("relu", torch.relu, given([0.0, -0.0, 1.0, -1.0]), note="relu'(0) = 0")
    case("abs", torch.abs, given([0.0, -0.0, 1.0, -1.0]), note="abs'(0) = 0")
    case("sqrt", torch.sqrt, given([0.0, 4.0]), note="sqrt'(0) = inf")
    case("rsqrt", torch.rsqrt, given([0.0, 4.0]), note="infinite at 0")
    case("reciprocal", torch.reciprocal, given([0.0, -0.0, 2.0]), note="infinite at 0")
    case("log", torch.log, given([0.0, 1.0]), note="log'(0) = inf")
    case("log1p", torch.log1p, given([-1.0, 1e-12, -1e-12]), note="log1p'(-1) = inf; keeps tiny arguments")
    case("expm1", torch.expm1, given([1e-12, -1e-12, 0.0, 40.0]), note="keeps tiny arguments")
    case("exp", torch.exp, given([-800.0, -745.0, 0.0, 700.0, 800.0]), note="under- and overflow")
    case("sigmoid", torch.sigmoid, given([-800.0, -40.0, 0.0, 40.0, 800.0]), note="saturates, never NaN")
    case("tanh", torch.tanh, given([-800.0, -20.0, 0.0, 1e-9, 20.0, 800.0]), note="saturates, never NaN")
    for name in "exp log sqrt tanh sigmoid relu abs".split():
        case(name, getattr(torch, name), given([NAN, 1.0]), note="NaN in, NaN out", values_only=True)

    for name in "sign floor ceil round trunc".split():
        values = given([-2.5, -1.5, -0.5, -0.2, 0.0, 0.5, 1.5, 2.5, 3.7])
        case(name, getattr(torch, name), values, note="gradient 0 everywhere; round goes to even")

    for p in (2.0, 3.0, 0.5, -1.0, -2.0, 1.0, 0.0):
        base = positive(2, 3) if p in (0.5,) else spread(2, 3)
        case("pow_scalar", lambda x, p=p: torch.pow(x, p), base, exponent=p)
    case("pow_scalar", lambda x: torch.pow(x, 0.0), given([0.0, 2.0]), exponent=0.0, note="x^0 = 1, zero gradient")
    case("pow_scalar", lambda x: torch.pow(x, 2.0), given([0.0, -3.0]), exponent=2.0, note="zero base")
    case("pow_scalar", lambda x: torch.pow(x, 0.5), given([0.0, 4.0]), exponent=0.5, note="gradient inf at 0")

    bounds_differ = "a clamp passes its gradient at the bounds; this PyTorch gives 0 there, older ones passed it"

    def clamp(x, low, high):
        return torch.clamp(x, low, high)

    def clamp_that_passes(x, low, high):
        low, high = -INF if low is None else low, INF if high is None else high
        return torch.where((x >= low) & (x <= high), x, x.detach().clamp(low, high))

    for low, high in ((-0.7, 0.9), (None, 0.5), (-0.5, None)):
        attrs = {"min": low, "max": high}
        case("clamp", lambda x: clamp(x, low, high), spread(2, 4), **attrs)
        case(
            "clamp",
            lambda x: clamp(x, low, high),
            given([low if low is not None else -9.0, high if high is not None else 9.0, 0.0]),
            note="at the bounds",
            differs=(bounds_differ, lambda x: clamp_that_passes(x, low, high)),
            **attrs,
        )
        case(
            "clamp", lambda x: clamp(x, low, high), given([NAN, 0.1]), note="NaN in, NaN out", values_only=True, **attrs
        )


def binary():
    shapes = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((2, 1, 3), (4, 1)), ((), (2, 2)), ((3,), ())]
    plain = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "maximum": torch.maximum, "minimum": torch.minimum}
    for (name, call), (a, b) in itertools.product(plain.items(), shapes):
        case(name, call, spread(*a), spread(*b) + 0.0005)
    for a, b in shapes:
        case("div", torch.div, spread(*a), positive(*b))
        case("pow", torch.pow, positive(*a), spread(*b))
        case("atan2", torch.atan2, spread(*a), positive(*b))
    for a, b in shapes[:3]:
        case("hypot", torch.hypot, spread(*a), spread(*b))
        case("logaddexp", torch.logaddexp, spread(*a), spread(*b))
    case("mul", lambda a: a * a, spread(2, 2), aliased=True)
    case("add", torch.add, spread(0, 3), spread(3))
    case("mul", torch.mul, spread(2, 0), spread(2, 1))

    ties = given([1.0, 2.0, 3.0, -1.0]), given([1.0, 3.0, 2.0, -1.0])
    case("maximum", torch.maximum, *ties, note="ties split evenly")
    case("minimum", torch.minimum, *ties, note="ties split evenly")
    case("maximum", torch.maximum, given([NAN, 1.0]), given([0.0, NAN]), note="NaN wins", values_only=True)
    case("minimum", torch.minimum, given([NAN, 1.0]), given([0.0, NAN]), note="NaN wins", values_only=True)
    case("div", torch.div, given([1.0, -1.0]), given([0.0, 0.0]), note="division by zero")
    case("pow", torch.pow, given([0.0, 2.0, 0.0, 3.0]), given([0.0, 0.0, 2.0, 1.0]), note="x^0 = 1; 0^2")
    case(
        "pow",
        torch.pow,
        given([-2.0, -1.5, -2.0]),
        given([2.0, 3.0, -1.0]),
        tracked=[True, False],
        note="negative base, whole exponent that is not tracked",
    )
    values = given([-5.5, -3.0, 3.0, 5.5, 7.25]), given([3.0, 3.5, -2.0, 2.0, -3.5])
    case("remainder", torch.remainder, *values, tracked=[True, False])
    case("fmod", torch.fmod, *values, tracked=[True, False])

    case("where", torch.where, bools([[True, False, True], [False, False, True]]), spread(2, 3), spread(2, 3))
    case("where", torch.where, bools([[True], [False]]), spread(3), spread(2, 1))
    case(
        "where",
        torch.where,
        bools([True, False]),
        given([1.0, NAN]),
        given([INF, 2.0]),
        note="the branch not taken does not leak",
    )
    mask = bools([[True, False, True], [False, False, True]])
    case("masked_fill", lambda x, m: x.masked_fill(m, 0.0), spread(2, 3), mask, value=0.0)
    case("masked_fill", lambda x, m: x.masked_fill(m, -INF), spread(2, 3), mask, value=-INF, note="filled with -inf")
    case("masked_fill", lambda x, m: x.masked_fill(m, 7.0), spread(2, 3), bools([True, False, True]), value=7.0)


def activations():
    x, edge = (2, 4), given([0.0, -0.0, 1.0, -1.0])
    for slope in (0.01, 0.2):
        case("leaky_relu", lambda v: F.leaky_relu(v, slope), spread(*x), negative_slope=slope)
    case("leaky_relu", lambda v: F.leaky_relu(v, 0.1), edge, negative_slope=0.1, note="slope at 0")
    case("elu", lambda v: F.elu(v, 1.3), spread(*x), alpha=1.3)
    for name, call in {
        "gelu": F.gelu,
        "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"),
        "silu": F.silu,
        "logsigmoid": F.logsigmoid,
        "softsign": F.softsign,
    }.items():
        case(name, call, spread(*x))
        case(name, call, given([-30.0, -5.0, 0.0, 5.0, 30.0]), note="tails and 0")
    for beta in (1.0, 2.5):
        case("softplus", lambda v: F.softplus(v, beta), spread(*x), beta=beta)
    case("softplus", F.softplus, given([-800.0, -40.0, 0.0, 15.0, 40.0, 800.0]), beta=1.0, note="tails")
    for name, call in {"softmax": F.softmax, "log_softmax": F.log_softmax}.items():
        for shape, dim in (((2, 4), -1), ((3, 2), 0), ((2, 3, 2), 1), ((5,), 0), ((2, 1), -1)):
            case(name, lambda v: call(v, dim), spread(*shape), dim=dim)
        case(
            name,
            lambda v: call(v, -1),
            given([[1000.0, 1001.0, 999.0], [-1000.0, 0.0, 0.0]]),
            dim=-1,
            note="large arguments",
        )
        case(name, lambda v: call(v, 0), given([0.5, -INF, 1.0]), dim=0, note="-inf is a masked element")
