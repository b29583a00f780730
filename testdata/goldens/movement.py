"""Views, joining, indexing, and the calls that have no gradient."""

import itertools
import math

import torch
import torch.nn.functional as F

from goldens.cases import bools, case, given, ints, spread

INF = math.inf
NAN = math.nan


def python_slice(x, dim, start, stop, step):
    rows = list(range(x.shape[dim]))[slice(start, stop, step)]
    return x.index_select(dim, ints(rows))


def views():
    case("reshape", lambda x: x.reshape(3, 4), spread(2, 6), shape=[3, 4])
    case("reshape", lambda x: x.reshape(-1, 2), spread(2, 3, 2), shape=[-1, 2])
    case("reshape", lambda x: x.t().reshape(6), spread(2, 3), shape=[6], after="t")
    case("flatten", lambda x: x.flatten(1), spread(2, 3, 2), start_dim=1, end_dim=-1)
    case("flatten", lambda x: x.flatten(), spread(2, 3), start_dim=0, end_dim=-1)
    case("flatten", lambda x: x.flatten(0, 1), spread(2, 3, 2), start_dim=0, end_dim=1)
    case("squeeze", lambda x: x.squeeze(), spread(1, 3, 1), dim=None)
    case("squeeze", lambda x: x.squeeze(-1), spread(1, 3, 1), dim=-1)
    for dim in (0, 1, -1):
        case("unsqueeze", lambda x: x.unsqueeze(dim), spread(2, 3), dim=dim)
    case("transpose", lambda x: x.transpose(0, -1), spread(2, 3, 2), dim0=0, dim1=-1)
    case("t", lambda x: x.t(), spread(2, 3))
    case("permute", lambda x: x.permute(2, 0, 1), spread(2, 3, 2), dims=[2, 0, 1])
    case("permute", lambda x: x.permute(-1, 0, 1), spread(2, 3, 2), dims=[-1, 0, 1])
    case("movedim", lambda x: x.movedim(0, -1), spread(2, 3, 2), source=[0], destination=[-1])
    case("movedim", lambda x: x.movedim((0, 1), (2, 0)), spread(2, 3, 2), source=[0, 1], destination=[2, 0])
    case("expand", lambda x: x.expand(2, 3), spread(3), shape=[2, 3])
    case("expand", lambda x: x.expand(2, 3, 4), spread(3, 1), shape=[2, 3, 4])
    case("expand", lambda x: x.expand(2, 2), spread(), shape=[2, 2])
    case("narrow", lambda x: x.narrow(1, 1, 2), spread(2, 4), dim=1, start=1, length=2)
    case("narrow", lambda x: x.narrow(-1, 2, 0), spread(2, 4), dim=-1, start=2, length=0)
    case("select", lambda x: x.select(0, 1), spread(3, 2), dim=0, index=1)
    case("select", lambda x: x.select(-1, -1), spread(3, 2), dim=-1, index=-1)
    for shape, dim, start, stop, step in (
        ((5, 2), 0, 1, 4, 1),
        ((5, 2), 0, 0, None, 2),
        ((2, 5), 1, -3, None, 1),
        ((2, 5), -1, None, None, -1),
        ((2, 5), 1, 4, 0, -2),
        ((7,), 0, -1, None, -3),
        ((4,), 0, 3, 1, 1),
        ((6,), 0, None, -1, 2),
    ):
        case(
            "slice",
            lambda x: python_slice(x, dim, start, stop, step),
            spread(*shape),
            dim=dim,
            start=start,
            stop=stop,
            step=step,
        )
    for dims in ([0], [-1], [0, 1]):
        case("flip", lambda x: x.flip(dims), spread(2, 3), dims=dims)
    for shape, offset, a, b in (
        ((3, 3), 0, 0, 1),
        ((3, 4), 1, 0, 1),
        ((4, 2), -1, 0, 1),
        ((2, 3, 3), 0, -2, -1),
        ((2, 3, 2), 1, 2, 1),
    ):
        case("diagonal", lambda x: x.diagonal(offset, a, b), spread(*shape), offset=offset, dim1=a, dim2=b)
    for shape, dim, size, step in (((6,), 0, 3, 1), ((7,), 0, 2, 3), ((2, 5), -1, 3, 2), ((4, 2), 0, 2, 2)):
        case("unfold", lambda x: x.unfold(dim, size, step), spread(*shape), dimension=dim, size=size, step=step)


def joining():
    for shapes, dim in ((((2, 2), (1, 2), (3, 2)), 0), (((2, 1), (2, 3)), -1), (((2, 0), (2, 2)), 1), (((2,),), 0)):
        case("cat", lambda *xs: torch.cat(xs, dim), *[spread(*s) for s in shapes], dim=dim)
    for count, shape, dim in ((2, (2, 3), 0), (3, (2,), -1), (2, (2, 3), 1), (2, (), 0)):
        case("stack", lambda *xs: torch.stack(xs, dim), *[spread(*shape) for _ in range(count)], dim=dim)
    for sizes, dim in ((2, 0), ([1, 3, 1], 0), (2, -1)):
        shape = (5, 2) if dim == 0 else (2, 5)
        for piece in range(3):
            case("split", lambda x: x.split(sizes, dim)[piece], spread(*shape), split_size=sizes, dim=dim, piece=piece)
    for piece in range(3):
        case("chunk", lambda x: x.chunk(3, 1)[piece], spread(2, 5), chunks=3, dim=1, piece=piece)
    for shape, repeats in (((2, 2), [2, 1]), ((3,), [2, 2]), ((2, 1), [1, 3]), ((2,), [0])):
        case("repeat", lambda x: x.repeat(*repeats), spread(*shape), repeats=repeats)
    for shape, shifts, dims in (((5,), [2], [0]), ((2, 3), [-1], [1]), ((3, 2), [1, 1], [0, 1]), ((5,), [7], [-1])):
        case("roll", lambda x: x.roll(shifts, dims), spread(*shape), shifts=shifts, dims=dims)
    case("roll", lambda x: x.roll(1), spread(2, 3), shifts=[1], dims=None)
    for name, diagonal, shape in itertools.product(("tril", "triu"), (-1, 0, 1), ((3, 3), (2, 4))):
        case(name, lambda x: getattr(torch, name)(x, diagonal), spread(*shape), diagonal=diagonal)
    case("tril", torch.tril, spread(2, 2, 3), diagonal=0)
    case("triu", torch.triu, spread(2, 2, 3), diagonal=0)


def indexing():
    for shape, dim, index in (((4, 2), 0, [2, 0, 2, 3]), ((2, 4), -1, [1]), ((2, 3), 1, []), ((5,), 0, [4, 4, 4])):
        case("index_select", lambda x, i: x.index_select(dim, i), spread(*shape), ints(index), dim=dim)
    for shape, dim, index in (
        ((3, 2), 0, [[0, 2], [0, 1]]),
        ((2, 4), 1, [[0, 0, 3], [1, 2, 2]]),
        ((5,), 0, [4, 0, 4, 4]),
        ((3, 3), -1, [[2], [0]]),
    ):
        case("gather", lambda x, i: x.gather(dim, i), spread(*shape), ints(index), dim=dim)
    for shape, dim, index, source in (
        ((3, 2), 0, [[0, 2], [0, 1]], (2, 2)),
        ((2, 4), 1, [[0, 0, 3], [1, 2, 2]], (2, 3)),
        ((4,), 0, [1, 1, 1, 3, 0], (5,)),
        ((3, 3), -1, [[2], [0]], (2, 1)),
    ):
        case(
            "scatter_add",
            lambda x, i, s: x.scatter_add(dim, i, s),
            spread(*shape),
            ints(index),
            spread(*source),
            dim=dim,
        )


def non_differentiable():
    x = given([[1.0, 3.0, 2.0], [-1.0, 0.0, 5.0]])
    y = given([1.0, 2.0, 2.0])
    for name in "eq ne lt le gt ge".split():
        case(name, getattr(torch, name), x, y)
        case(name, getattr(torch, name), given([NAN, 1.0, INF]), given([NAN, NAN, INF]), note="NaN compares unequal")
    for name in ("argmax", "argmin"):
        for dim, keep in ((0, False), (-1, True), (None, False)):
            case(name, lambda v: getattr(torch, name)(v, dim, keep), x, dim=dim, keepdim=keep)
    mask = bools([[True, False], [False, False], [True, True]])
    for name in ("any", "all"):
        for dim, keep in ((0, False), (1, True)):
            case(name, lambda m: getattr(torch, name)(m, dim, keep), mask, dim=dim, keepdim=keep)
        case(name, lambda m: getattr(torch, name)(m), mask, dim=None, keepdim=False)
        case(name, lambda m: getattr(torch, name)(m), bools([]), dim=None, keepdim=False)
    case("one_hot", lambda i: F.one_hot(i, 4), ints([0, 3, 1]), num_classes=4)
    case("one_hot", lambda i: F.one_hot(i, 3), ints([[0, 2], [1, 1]]), num_classes=3)
    case("isnan", torch.isnan, given([NAN, INF, 0.0]))
    case("isinf", torch.isinf, given([NAN, INF, -INF]))
    case("isfinite", torch.isfinite, given([NAN, INF, 0.0]))
