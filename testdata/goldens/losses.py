"""Losses, with each reduction."""

import itertools

import torch.nn.functional as F

from goldens.cases import case, given, ints, positive, spread


def losses():
    for reduction in ("mean", "sum", "none"):
        a, b = spread(2, 3), spread(2, 3) + 0.0005
        case("mse_loss", lambda p, t: F.mse_loss(p, t, reduction=reduction), a, b, reduction=reduction)
        case("l1_loss", lambda p, t: F.l1_loss(p, t, reduction=reduction), a, b, reduction=reduction)
        for delta in (1.0, 0.4):
            case(
                "huber_loss",
                lambda p, t: F.huber_loss(p, t, reduction=reduction, delta=delta),
                a,
                b,
                reduction=reduction,
                delta=delta,
            )
            case(
                "smooth_l1_loss",
                lambda p, t: F.smooth_l1_loss(p, t, reduction=reduction, beta=delta),
                a,
                b,
                reduction=reduction,
                beta=delta,
            )
        fixed = {"tracked": [True, False, False]}
        p, t, w = spread(2, 3, low=0.05, high=0.95), given([[0.0, 1.0, 1.0], [0.25, 0.0, 1.0]]), positive(2, 3)
        case(
            "bce_loss",
            lambda p, t: F.binary_cross_entropy(p, t, reduction=reduction),
            p,
            t,
            reduction=reduction,
            **fixed,
        )
        case(
            "bce_loss",
            lambda p, t, w: F.binary_cross_entropy(p, t, w, reduction=reduction),
            p,
            t,
            w,
            reduction=reduction,
            weighted=True,
            **fixed,
        )
        z = spread(2, 3)
        case(
            "bce_with_logits",
            lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction=reduction),
            z,
            t,
            reduction=reduction,
            **fixed,
        )
        case(
            "bce_with_logits",
            lambda z, t, w: F.binary_cross_entropy_with_logits(z, t, w, reduction=reduction),
            z,
            t,
            w,
            reduction=reduction,
            weighted=True,
            **fixed,
        )
        case(
            "bce_with_logits",
            lambda z, t, w: F.binary_cross_entropy_with_logits(z, t, pos_weight=w, reduction=reduction),
            z,
            t,
            positive(3),
            reduction=reduction,
            pos_weighted=True,
            **fixed,
        )
    case("l1_loss", F.l1_loss, given([1.0, 2.0]), given([1.0, 3.0]), reduction="mean", note="equal: gradient 0")
    case(
        "huber_loss",
        lambda p, t: F.huber_loss(p, t, reduction="none"),
        given([1.0, -1.0, 0.0]),
        given([0.0, 0.0, 0.0]),
        reduction="none",
        delta=1.0,
        note="at delta and at 0",
    )
    edges = given([0.0, 0.0, 1.0, 1.0]), given([0.0, 1.0, 0.0, 1.0])
    case(
        "bce_loss",
        lambda p, t: F.binary_cross_entropy(p, t, reduction="none"),
        *edges,
        tracked=[True, False],
        reduction="none",
        note="PyTorch clamps the logarithm at -100 and the gradient's denominator at 1e-12",
    )
    case(
        "bce_with_logits",
        lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction="none"),
        given([-800.0, 800.0, -800.0, 800.0, 0.0]),
        given([0.0, 1.0, 1.0, 0.0, 0.5]),
        tracked=[True, False],
        reduction="none",
        note="large logits",
    )

    flat, deep = ints([2, 0, 3]), ints([[1, 0], [2, 2]])
    for reduction in ("mean", "sum", "none"):
        for weighted, ignore in itertools.product((False, True), (-100, 0, 2)):
            weight = positive(4) if weighted else None
            extra = [weight] if weighted else []
            attrs = {"reduction": reduction, "weighted": weighted, "ignore_index": ignore}
            tracked = [True, False, False]

            def nll(x, t, w=None):
                return F.nll_loss(x, t, w, ignore_index=ignore, reduction=reduction)

            case("nll_loss", nll, spread(3, 4, low=-3, high=-0.1), flat, *extra, tracked=tracked, **attrs)
            for smoothing in (0.0, 0.1):

                def cross(x, t, w=None):
                    return F.cross_entropy(x, t, w, ignore_index=ignore, reduction=reduction, label_smoothing=smoothing)

                case(
                    "cross_entropy",
                    cross,
                    spread(3, 4),
                    flat,
                    *extra,
                    tracked=tracked,
                    label_smoothing=smoothing,
                    **attrs,
                )
        weight = positive(3)
        case(
            "nll_loss",
            lambda x, t, w: F.nll_loss(x, t, w, reduction=reduction),
            spread(2, 3, 2, low=-3, high=-0.1),
            deep,
            weight,
            tracked=[True, False, False],
            reduction=reduction,
            weighted=True,
            ignore_index=-100,
        )
        case(
            "cross_entropy",
            lambda x, t, w: F.cross_entropy(x, t, w, reduction=reduction, label_smoothing=0.2),
            spread(2, 3, 2),
            deep,
            weight,
            tracked=[True, False, False],
            reduction=reduction,
            weighted=True,
            ignore_index=-100,
            label_smoothing=0.2,
        )
        probabilities = given([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
        for smoothing, weighted in itertools.product((0.0, 0.3), (False, True)):
            extra = [positive(3)] if weighted else []
            case(
                "cross_entropy_probabilities",
                lambda x, t, w=None: F.cross_entropy(x, t, w, reduction=reduction, label_smoothing=smoothing),
                spread(2, 3),
                probabilities,
                *extra,
                tracked=[True, True, False],
                reduction=reduction,
                weighted=weighted,
                label_smoothing=smoothing,
            )
    case(
        "cross_entropy",
        lambda x, t: F.cross_entropy(x, t),
        spread(4),
        ints(2),
        tracked=[True, False],
        reduction="mean",
        weighted=False,
        ignore_index=-100,
        label_smoothing=0.0,
    )
    case(
        "cross_entropy",
        lambda x, t: F.cross_entropy(x, t),
        given([[1000.0, -1000.0], [-1000.0, 1000.0]]),
        ints([0, 0]),
        tracked=[True, False],
        reduction="mean",
        weighted=False,
        ignore_index=-100,
        label_smoothing=0.0,
        note="large logits",
    )
    case(
        "cross_entropy",
        lambda x, t: F.cross_entropy(x, t, ignore_index=1),
        spread(2, 3),
        ints([1, 1]),
        tracked=[True, False],
        reduction="mean",
        weighted=False,
        ignore_index=1,
        label_smoothing=0.0,
        note="all ignored: mean of nothing is NaN",
        values_only=True,
    )
