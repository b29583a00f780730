"""JAX on the workloads, each repetition one compiled call."""

import math
import os

from timing import WORKLOAD, done, product, timed

os.environ["JAX_PLATFORMS"] = "cpu"
# Doubles have to be allowed before the first use, and only where they are asked for.
os.environ["JAX_ENABLE_X64"] = "1" if WORKLOAD.startswith("O1d") else "0"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax import lax  # noqa: E402

rng = np.random.default_rng(0)
tree_map = jax.tree_util.tree_map


def randn(*shape):
    return jnp.asarray(rng.standard_normal(shape).astype(np.float32))


def linear(i, o):
    k = 1 / math.sqrt(i)
    uniform = lambda *s: jnp.asarray(rng.uniform(-k, k, s).astype(np.float32))  # noqa: E731
    return dict(w=uniform(i, o), b=uniform(o))


def apply(p, x):
    return x @ p["w"] + p["b"]


def sgd(lr):
    return lambda p: (), lambda g, s, p: (tree_map(lambda a, b: a - lr * b, p, g), ())


def adam(lr):
    def init(p):
        return jnp.zeros(()), tree_map(jnp.zeros_like, p), tree_map(jnp.zeros_like, p)

    def update(g, s, p):
        t, m, v = s
        t = t + 1
        m = tree_map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = tree_map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        p = tree_map(lambda w, a, b: w - lr * (a / c1) / (jnp.sqrt(b / c2) + 1e-8), p, m, v)
        return p, (t, m, v)

    return init, update


def train(params, loss_of, opt, *data):
    init, update = opt
    state = [params, init(params)]

    @jax.jit
    def step(p, s, *d):
        loss, g = jax.value_and_grad(loss_of)(p, *d)
        p, s = update(g, s, p)
        return p, s, loss

    def rep():
        state[0], state[1], loss = step(*state, *data)
        jax.block_until_ready((state, loss))

    return rep


def w1():
    x = jnp.asarray([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = jnp.asarray([[0.0], [1], [1], [0]])

    def loss(p, x, y):
        h = jax.nn.sigmoid(apply(p[0], x))
        return jnp.mean((jax.nn.sigmoid(apply(p[1], h)) - y) ** 2)

    return train([linear(2, 4), linear(4, 1)], loss, sgd(0.5), x, y)


def w2():
    x = jnp.asarray(rng.random((32, 2), dtype=np.float32))
    y = ((x[:, :1] > 0.5) ^ (x[:, 1:] > 0.5)).astype(jnp.float32)

    def loss(p, x, y):
        o = jax.nn.sigmoid(apply(p[1], jax.nn.relu(apply(p[0], x))))
        o = jnp.clip(o, 1e-7, 1 - 1e-7)
        return -jnp.mean(y * jnp.log(o) + (1 - y) * jnp.log(1 - o))

    return train([linear(2, 4), linear(4, 1)], loss, adam(1e-2), x, y)


def mlp(sizes, batch):
    def setup():
        params = [linear(i, o) for i, o in zip(sizes, sizes[1:])]
        x, y = randn(batch, sizes[0]), jnp.asarray(rng.integers(0, sizes[-1], (batch,)))

        def loss(p, x, y):
            for q in p[:-1]:
                x = jax.nn.relu(apply(q, x))
            logp = jax.nn.log_softmax(apply(p[-1], x))
            return -jnp.mean(jnp.take_along_axis(logp, y[:, None], 1))

        return train(params, loss, adam(1e-3), x, y)

    return setup


def differentiate(f, *inputs):
    g = jax.jit(jax.value_and_grad(f, argnums=tuple(range(len(inputs)))))
    return lambda: jax.block_until_ready(g(*inputs))


def unrolled():
    def f(x):
        for _ in range(1000):
            x = x * 1.0001 + 0.001
        return x.sum()

    return differentiate(f, jnp.ones(16))


def scanned(n):
    body = lambda c, _: (c * 1.0001 + 0.001, None)  # noqa: E731
    return lambda: differentiate(lambda x: lax.scan(body, x, None, length=n)[0].sum(), jnp.ones(16))


def w10():
    return differentiate(
        lambda x: (jnp.tanh(x) * jax.nn.sigmoid(x) + jnp.exp(-x * x)).sum(), randn(4194304)
    )


def w11():
    w = randn(4096, 1024)

    def f(x, g, b):
        m = x.mean(-1, keepdims=True)
        v = ((x - m) ** 2).mean(-1, keepdims=True)
        return (jax.nn.softmax((x - m) * lax.rsqrt(v + 1e-5) * g + b, -1) * w).sum()

    return differentiate(f, randn(4096, 1024), jnp.ones(1024), jnp.zeros(1024))


def op(workload, f, *shapes):
    def setup():
        g, inputs = jax.jit(f), [randn(*s) for s in shapes]
        return lambda: g(*inputs).block_until_ready()

    timed("jax-jit", workload, setup)


def matmul():
    kind, m, k, n = product(WORKLOAD)
    dtype = np.float64 if kind == "d" else np.float32
    a = jnp.asarray(rng.standard_normal((k, m) if kind == "tn" else (m, k)).astype(dtype))
    b = jnp.asarray(rng.standard_normal((n, k) if kind == "nt" else (k, n)).astype(dtype))
    assert a.dtype == dtype
    f = {
        "tn": lambda a, b: a.T @ b,
        "nt": lambda a, b: a @ b.T,
    }.get(kind, lambda a, b: a @ b)
    g = jax.jit(f)
    return lambda: g(a, b).block_until_ready()


timed("jax-jit", "W1", w1)
timed("jax-jit", "W2", w2)
timed("jax-jit", "W3", mlp((784, 256, 128, 10), 64))
timed("jax-jit", "W3b", mlp((784, 1024, 1024, 10), 512))
timed("jax-jit", "W8", unrolled)
timed("jax-scan", "W8", scanned(1000))
timed("jax-scan", "W9", scanned(100000))
timed("jax-jit", "W10", w10)
timed("jax-jit", "W11", w11)
if product(WORKLOAD):
    timed("jax-jit", WORKLOAD, matmul)
op("O2", jnp.add, (1024, 1024), (1024, 1024))
op("O3a", jnp.add, (1024, 1024), (1024,))
op("O3b", lambda a, b: a + b.T, (1024, 1024), (1024, 1024))
op("O4a", lambda a: a.sum(0), (4096, 1024))
op("O4b", lambda a: a.sum(1), (4096, 1024))
op("O5e", jnp.exp, (1048576,))
op("O5t", jnp.tanh, (1048576,))
op("O5s", jax.nn.sigmoid, (1048576,))
op("O6", lambda a: jax.nn.softmax(a, -1), (4096, 1024))
op("O8", lambda a: a.transpose(0, 2, 1, 3), (8, 128, 8, 64))
op("O9", jnp.matmul, (64, 128, 64), (64, 64, 128))
done("jax-jit")
