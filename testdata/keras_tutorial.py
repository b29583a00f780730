"""The Keras tutorial network on a fixed toy set, trained for exactly 100 steps in float32.

Produces `keras_tutorial.json`: the data, the batch order, starting weights, the loss of each of the
first 100 batches (before its update), the weights after them, and the accuracy over all the data.

    python testdata/keras_tutorial.py > testdata/keras_tutorial.json

The network:  Dense(4, relu) -> Dense(1, sigmoid), kernels `[in, out]` glorot_uniform, zero bias
The training: Adam(0.01), Keras's defaults otherwise (beta 0.9 and 0.999, epsilon 1e-7), binary
              cross-entropy, batches of 32 in a recorded order, the last of an epoch smaller

Four conventions of Keras that a port has to know.
- Adam's epsilon is added to the *uncorrected* root: w -= alpha * m / (sqrt(v) + eps) with
  alpha = lr * sqrt(1 - beta2^t) / (1 - beta1^t). PyTorch adds it after the correction. `meta.checks`
  says how much of a difference that makes on these losses.
- Adam takes beta^t and 1 - beta^t in float32. 1 - 0.999 is then 1.3e-5 too small at the first step, an
  error that float32 arithmetic with corrections computed in float64 does not share. The replay in this
  script takes the powers in float32 too; `meta.checks` says what float64 powers make of it.
- Given probabilities, binary cross-entropy clips them to [1e-7, 1 - 1e-7] in float32. The gradient is zero
  outside and passes at the bounds. `bce_edges` holds values and gradients there.
- Given the output of a layer whose activation is sigmoid, Keras 3 on TensorFlow does not clip: it finds the
  logits behind the tensor and uses the stable form. That is what `fit` prints; it is the run `from_logits`.
  The run `clipped` hides the logits, so that the clipping loss is what is trained. They agree here
  to float32 rounding, because no prediction comes near the bounds.
"""

import json
import os
import platform

os.environ.update(
    TF_ENABLE_ONEDNN_OPTS="0", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", KERAS_BACKEND="tensorflow"
)

import keras
import numpy as np
import tensorflow as tf

SEED, POINTS, BATCH, STEPS, LEARNING_RATE = 7, 200, 32, 100, 0.01
NAMES = ("hidden.kernel", "hidden.bias", "output.kernel", "output.bias")


def moons(rng):
    """Two interleaved half circles with a little noise, `[200, 2]` and `[200, 1]`."""
    angle = rng.uniform(0, np.pi, POINTS)
    label = (np.arange(POINTS) % 2).astype(np.float64)
    x = np.where(label == 0, np.cos(angle), 1 - np.cos(angle))
    y = np.where(label == 0, np.sin(angle), 0.5 - np.sin(angle))
    points = np.stack([x, y], axis=1) + rng.normal(0, 0.1, (POINTS, 2))
    return points.astype(np.float32), label.astype(np.float32)[:, None]


def network():
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(4, activation="relu", name="hidden"),
            keras.layers.Dense(1, activation="sigmoid", name="output"),
        ]
    )


def batches(orders):
    """Row indices of each of the 100 steps."""
    per_epoch = [order[i : i + BATCH] for order in orders for i in range(0, POINTS, BATCH)]
    return per_epoch[:STEPS]


def accuracy(model, x, y):
    return float(np.mean(keras.metrics.binary_accuracy(y, model(x))))


def train(start, x, y, steps, clipped):
    model = network()
    model.set_weights(start)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    loss_fn = keras.losses.BinaryCrossentropy()
    before, losses = accuracy(model, x, y), []
    for rows in steps:
        with tf.GradientTape() as tape:
            predicted = model(x[rows], training=True)
            if clipped:
                predicted = tf.identity(predicted)  # a tensor without the memory of its logits
            loss = loss_fn(y[rows], predicted)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        losses.append(float(loss))
    return {
        "losses": losses,
        "final_weights": named(model.get_weights()),
        "accuracy_before": before,
        "accuracy_after": accuracy(model, x, y),
        "predictions": as_list(model(x).numpy()),
    }


def train_on_batch(start, x, y, steps):
    """The same through Keras's own step, as a check on the loop above."""
    model = network()
    model.set_weights(start)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "binary_crossentropy")
    losses = []
    for rows in steps:
        model.reset_metrics()  # or the loss would be a running mean
        losses.append(float(model.train_on_batch(x[rows], y[rows])))
    return losses


def replay(start, x, y, steps, keras_epsilon=True, float32_powers=True):
    """The same in NumPy float64 from the formulas in the docstring."""
    w = [a.astype(np.float64) for a in start]
    m, v = [np.zeros_like(a) for a in w], [np.zeros_like(a) for a in w]
    x, y, losses = x.astype(np.float64), y.astype(np.float64), []
    for t, rows in enumerate(steps, 1):
        bx, by = x[rows], y[rows]
        hidden = np.maximum(bx @ w[0] + w[1], 0)
        p = 1 / (1 + np.exp(-(hidden @ w[2] + w[3])))
        q = np.clip(p, 1e-7, 1 - 1e-7)
        losses.append(-np.mean(by * np.log(q) + (1 - by) * np.log(1 - q)))
        d2 = (p - by) / len(rows)
        d1 = (d2 @ w[2].T) * (hidden > 0)
        grads = [bx.T @ d1, d1.sum(0), hidden.T @ d2, d2.sum(0)]
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        if float32_powers:
            c1, c2 = (float(np.float32(1) - np.float32(b) ** np.float32(t)) for b in (0.9, 0.999))
        for i, g in enumerate(grads):
            m[i] += (g - m[i]) * (1 - 0.9)
            v[i] += (g * g - v[i]) * (1 - 0.999)
            root = np.sqrt(v[i]) + 1e-7 if keras_epsilon else np.sqrt(v[i]) + 1e-7 * np.sqrt(c2)
            w[i] = w[i] - LEARNING_RATE * np.sqrt(c2) / c1 * m[i] / root
    return np.array(losses)


def bce_edges():
    """Keras's clipping, element by element: predictions at, near and beyond the bounds."""
    eps = np.float32(1e-7)
    one = np.float32(1)
    points = [0.0, 1e-9, eps, np.nextafter(eps, one), 1e-6, 0.25, 0.5, 0.75, 1 - 1e-6]
    points += [np.nextafter(one - eps, np.float32(0)), one - eps, 1.0]
    rows = [(np.float32(p), np.float32(t)) for p in points for t in (0.0, 1.0, 0.25)]
    p = tf.constant([[r[0]] for r in rows])
    y = tf.constant([[r[1]] for r in rows])
    with tf.GradientTape() as tape:
        tape.watch(p)
        losses = keras.losses.binary_crossentropy(y, p)
        total = tf.reduce_sum(losses)
    return {
        "reduction": "none",
        "epsilon": float(keras.config.epsilon()),
        "predictions": as_list(p.numpy()[:, 0]),
        "targets": as_list(y.numpy()[:, 0]),
        "losses": as_list(losses.numpy()),
        "gradients": as_list(tape.gradient(total, p).numpy()[:, 0]),
    }


def worst(a, b):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.max(np.abs(a - b) / np.abs(b)))


def as_list(a):
    """float32 as the shortest decimal that reads back to the same float32."""
    return [as_list(row) for row in a] if np.ndim(a) else float(str(np.float32(a)))


def named(weights):
    return {name: as_list(w) for name, w in zip(NAMES, weights)}


def main():
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(SEED)
    rng = np.random.default_rng(SEED)
    x, y = moons(rng)
    epochs = -(-STEPS // -(-POINTS // BATCH))
    orders = [rng.permutation(POINTS) for _ in range(epochs)]
    steps = batches(orders)
    assert len(steps) == STEPS
    start = network().get_weights()
    assert [a.shape for a in start] == [(2, 4), (4,), (4, 1), (1,)]
    assert not start[1].any() and not start[3].any()

    from_logits = train(start, x, y, steps, clipped=False)
    clipped = train(start, x, y, steps, clipped=True)

    # What this file claims of itself, checked before it is written.
    exact = replay(start, x, y, steps)
    checks = {
        "train_on_batch_vs_from_logits": worst(train_on_batch(start, x, y, steps), from_logits["losses"]),
        "clipped_vs_from_logits": worst(clipped["losses"], from_logits["losses"]),
        "from_logits_vs_float64_replay": worst(from_logits["losses"], exact),
        "clipped_vs_float64_replay": worst(clipped["losses"], exact),
        "float64_powers_vs_from_logits": worst(replay(start, x, y, steps, float32_powers=False), from_logits["losses"]),
        "pytorch_epsilon_vs_from_logits": worst(replay(start, x, y, steps, keras_epsilon=False), from_logits["losses"]),
        "pytorch_epsilon_float64_powers_vs_from_logits": worst(
            replay(start, x, y, steps, False, False), from_logits["losses"]
        ),
    }
    for name in list(checks)[:4]:
        assert checks[name] < 3e-6, (name, checks)

    document = {
        "meta": {
            "script": "testdata/keras_tutorial.py",
            "python": platform.python_version(),
            "numpy": np.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "backend": keras.backend.backend(),
            "machine": platform.machine(),
            "dtype": "float32",
            "seed": SEED,
            "network": "Dense(4, relu) -> Dense(1, sigmoid), glorot_uniform kernels [in, out], zero bias",
            "optimizer": {
                "name": "Adam",
                "learning_rate": LEARNING_RATE,
                "beta_1": 0.9,
                "beta_2": 0.999,
                "epsilon": 1e-7,
            },
            "loss": "binary_crossentropy, mean over the batch",
            "batch_size": BATCH,
            "steps": STEPS,
            "losses": "losses[k] is the loss of batch k before its update, not a running mean",
            "checks": checks,
            "checks_are": "largest relative difference over the 100 losses",
        },
        "x": as_list(x),
        "y": as_list(y),
        "epoch_orders": [order.tolist() for order in orders],
        "starting_weights": named(start),
        "from_logits": from_logits,
        "clipped": clipped,
        "bce_edges": bce_edges(),
    }
    print(compact(document))


def compact(document):
    """One line per key of the top two levels."""
    parts = []
    for key, value in document.items():
        if isinstance(value, dict):
            inner = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in value.items())
            parts.append(f" {json.dumps(key)}: {{\n{inner}\n }}")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}")
    return "{\n" + ",\n".join(parts) + "\n}"


if __name__ == "__main__":
    main()
