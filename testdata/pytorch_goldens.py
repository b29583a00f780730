"""Values and gradients from PyTorch, float64, for every differentiable op, loss and optimizer.

Produces `pytorch_goldens.json`.

    python testdata/pytorch_goldens.py > testdata/pytorch_goldens.json

`cases` is a list of op calls:

    {"op": PyTorch's name, "attrs": {...}, "inputs": [array...], "seed": array | null,
     "output": array, "grads": [array | null per input]}

An array is {"shape": [...], "dtype": "f64" | "i64" | "bool", "data": [flat, row-major]}; NaN and the
infinities are the strings "NaN", "Infinity", "-Infinity". `seed` is the gradient of the output;
`grads[i]` is null where input i is not tracked. `seed` null: the op has no gradient. Further keys:

    "note"     the inputs sit at a tie, a kink or an edge, and why that is interesting;
               every case without a note has passed `torch.autograd.gradcheck` in this script
    "indices"  the second output of sort, topk and max_dim
    "values_only"  the gradient at these inputs is no convention of anyone's (NaN inputs): compare values
    "differs"  {"why", "wengert_grads"}: Wengert's documented convention is another than this PyTorch's.
               `grads` is what PyTorch gave, `wengert_grads` what the convention says, always different

In `attrs`, `aliased` says that input 0 is both operands, `after: "t"` that each input is transposed before
the call, `weighted` and `pos_weighted` that the last input is that weight. `slice` has Python's meaning,
negative steps included. `split` and `chunk` give the piece that `piece` names. `pow_scalar`'s exponent is an
attribute, `pow`'s an input. `max_dim` and `min_dim` are `max` and `min` over one dim, `amax` and `amin`
those over several. `cross_entropy` takes class indices, `cross_entropy_probabilities` a distribution.

`optimizers`, `clip_grad_norm`, `modules` and `init` are described where they are made, in `goldens/training.py`.
"""

import json
import platform

import torch

from goldens.cases import CASES
from goldens.elementwise import activations, binary, unary
from goldens.losses import losses
from goldens.movement import indexing, joining, non_differentiable, views
from goldens.reductions import linear_algebra, reductions
from goldens.training import clip_grad_norm, init, modules, optimizers


def compact(document):
    """One line per case, so that a change is a readable diff."""

    def lines(rows):
        return "[\n" + ",\n".join(json.dumps(r, allow_nan=False, separators=(",", ":")) for r in rows) + "\n]"

    parts = []
    for key, value in document.items():
        if key == "optimizers":
            inner = {k: lines(v) for k, v in value.items()}
            text = "{\n" + ",\n".join(f'"{k}":{v}' for k, v in inner.items()) + "\n}"
        else:
            text = lines(value) if isinstance(value, list) else json.dumps(value, indent=1, allow_nan=False)
        parts.append(f'"{key}":{text}')
    return "{\n" + ",\n".join(parts) + "\n}"


def main():
    for family in (
        unary,
        binary,
        activations,
        reductions,
        views,
        joining,
        indexing,
        linear_algebra,
        losses,
        non_differentiable,
    ):
        family()
    document = {
        "meta": {
            "script": "testdata/pytorch_goldens.py",
            "python": platform.python_version(),
            "torch": torch.__version__,
            "machine": platform.machine(),
            "dtype": "float64",
            "ops": sorted({c["op"] for c in CASES}),
            "cases": len(CASES),
            "cases_with_gradients": sum(c["seed"] is not None for c in CASES),
            "cases_that_differ": sum("differs" in c for c in CASES),
        },
        "cases": CASES,
        "optimizers": optimizers(),
        "clip_grad_norm": clip_grad_norm(),
        "modules": modules(),
        "init": init(),
    }
    print(compact(document))


if __name__ == "__main__":
    main()
