"""The 2-4-1 sigmoid network of the NumPy tutorial, with hand-written backpropagation, in float64.

Produces `numpy_tutorial.json`: starting weights, first gradients, 1000 losses and final weights of
full-batch gradient descent on XOR, once with the right backward pass and once with the one that the
tutorial published.

    python testdata/numpy_tutorial.py > testdata/numpy_tutorial.json

The network:  h = sigmoid(X W1 + b1),  o = sigmoid(h W2 + b2)
The loss:     L = 1/(2N) * sum((o - y)^2),  N = 4 rows

The published backward pass has two faults.
1. It computes `sigmoid(output) * (1 - sigmoid(output))` where `output` is already a sigmoid, in both
   layers, so that the derivative is taken at the wrong place.
2. It adds the `[N, 1]` output delta to the `[1, 1]` bias in place, which NumPy refuses; the refusal is
   recorded, and the `published` runs sum the bias gradient over the batch instead, so that they run.

Two step conventions, because the tutorial's step leaves out the 1/N of its own loss.
- `mean`: weights -= lr * dL/dw, plain gradient descent on L as it is written above.
- `sum`:  weights -= lr * N * dL/dw, the delta `(o - y) * o' ` summed over the batch and never divided by N.
  This is the tutorial's step, and the one that ends at 0.0039 (right) and 0.1206 (published). It is the
  same as descending L at a learning rate of 0.5 * N = 2.0.

`losses[k]` is the loss before step k; `final_loss` is the loss after the last step.
"""

import json
import platform

import numpy as np

SEED, LEARNING_RATE, EPOCHS = 0, 0.5, 1000

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
N = len(X)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def right_derivative(output):
    """sigmoid'(z), given output = sigmoid(z)."""
    return output * (1 - output)


def published_derivative(output):
    """What the tutorial published: it squashes what is a sigmoid already."""
    return sigmoid(output) * (1 - sigmoid(output))


def starting_weights():
    """W1 then W2 from the standard normal distribution, biases zero."""
    np.random.seed(SEED)
    return {
        "W1": np.random.randn(2, 4),
        "b1": np.zeros((1, 4)),
        "W2": np.random.randn(4, 1),
        "b2": np.zeros((1, 1)),
    }


def forward(w):
    hidden = sigmoid(X @ w["W1"] + w["b1"])
    return hidden, sigmoid(hidden @ w["W2"] + w["b2"])


def loss_of(output):
    return float(np.sum((output - Y) ** 2) / (2 * N))


def deltas(w, hidden, output, derivative, divisor):
    """The error at the two layers' pre-activations, `[N, 1]` and `[N, 4]`."""
    output_delta = (output - Y) / divisor * derivative(output)
    hidden_delta = output_delta @ w["W2"].T * derivative(hidden)
    return output_delta, hidden_delta


def gradients(w, hidden, output, derivative, divisor):
    output_delta, hidden_delta = deltas(w, hidden, output, derivative, divisor)
    return {
        "W1": X.T @ hidden_delta,
        "b1": hidden_delta.sum(axis=0, keepdims=True),
        "W2": hidden.T @ output_delta,
        "b2": output_delta.sum(axis=0, keepdims=True),
    }


def numeric_gradients(w, eps=1e-6):
    """Central differences of L, to show which backward pass is right."""
    out = {}
    for name in w:
        grad = np.zeros_like(w[name])
        for index in np.ndindex(*w[name].shape):
            sides = []
            for sign in (1, -1):
                moved = {k: v.copy() for k, v in w.items()}
                moved[name][index] += sign * eps
                sides.append(loss_of(forward(moved)[1]))
            grad[index] = (sides[0] - sides[1]) / (2 * eps)
        out[name] = grad
    return out


def train(derivative, divisor):
    w = starting_weights()
    losses, first = [], None
    for _ in range(EPOCHS):
        hidden, output = forward(w)
        losses.append(loss_of(output))
        grads = gradients(w, hidden, output, derivative, divisor)
        first = first or grads
        for name in w:
            w[name] = w[name] - LEARNING_RATE * grads[name]
    output = forward(w)[1]
    return {
        "first_gradients": lists(first),
        "losses": losses,
        "final_loss": loss_of(output),
        "final_weights": lists(w),
        "predictions": output.tolist(),
    }


def published_bias_error():
    """The published update of the output bias, in place and not summed: NumPy's own words."""
    w = starting_weights()
    hidden, output = forward(w)
    output_delta, _ = deltas(w, hidden, output, published_derivative, 1)
    try:
        w["b2"] -= LEARNING_RATE * output_delta
    except ValueError as error:
        return f"{type(error).__name__}: {error}"
    raise SystemExit("NumPy accepted the published bias update")


def lists(arrays):
    return {name: a.tolist() for name, a in arrays.items()}


def main():
    runs = {}
    for convention, divisor in (("mean", N), ("sum", 1)):
        runs[convention] = {
            "right": train(right_derivative, divisor),
            "published": train(published_derivative, divisor),
        }

    # What this file claims of itself, checked before it is written.
    start = starting_weights()
    numeric = numeric_gradients(start)
    right, published = (runs["mean"][k]["first_gradients"] for k in ("right", "published"))
    for name, value in numeric.items():
        assert np.allclose(right[name], value, rtol=1e-6, atol=1e-9), name
        assert not np.allclose(published[name], value, rtol=1e-2, atol=1e-4), name
    assert f"{runs['sum']['right']['final_loss']:.4f}" == "0.0039"
    assert f"{runs['sum']['published']['final_loss']:.4f}" == "0.1206"

    document = {
        "meta": {
            "script": "testdata/numpy_tutorial.py",
            "python": platform.python_version(),
            "numpy": np.__version__,
            "machine": platform.machine(),
            "dtype": "float64",
            "seed": SEED,
            "start": "np.random.seed(0); W1 = randn(2, 4); W2 = randn(4, 1); b1 = b2 = 0",
            "learning_rate": LEARNING_RATE,
            "epochs": EPOCHS,
            "loss": "1/(2N) * sum((output - y)^2)",
            "conventions": {
                "mean": "w -= lr * dL/dw",
                "sum": "w -= lr * N * dL/dw (the tutorial's step: the delta is not divided by N)",
            },
        },
        "x": X.tolist(),
        "y": Y.tolist(),
        "starting_weights": lists(start),
        "published_bias_error": published_bias_error(),
        "mean": runs["mean"],
        "sum": runs["sum"],
    }
    print(json.dumps(document, indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
