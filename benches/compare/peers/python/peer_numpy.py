"""NumPy on the workloads that need no gradients, and on the two nets with gradients written by hand."""

import numpy as np

from timing import WORKLOAD, done, product, timed

rng = np.random.default_rng(0)


def randn(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def w1():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([[0], [1], [1], [0]], np.float32)
    w1, b1 = randn(2, 4), np.zeros(4, np.float32)
    w2, b2 = randn(4, 1), np.zeros(1, np.float32)
    lr = np.float32(0.5)

    def rep():
        h = 1 / (1 + np.exp(-(x @ w1 + b1)))
        o = 1 / (1 + np.exp(-(h @ w2 + b2)))
        e = o - y
        loss = (e * e).mean()
        do = e * (2 / 4) * o * (1 - o)
        dh = (do @ w2.T) * h * (1 - h)
        w2[...] -= lr * (h.T @ do)
        b2[...] -= lr * do.sum(0)
        w1[...] -= lr * (x.T @ dh)
        b1[...] -= lr * dh.sum(0)
        return loss

    return rep


def mlp(sizes, batch):
    def setup():
        f = np.float32
        weights = [(randn(i, o) / np.sqrt(i)).astype(f) for i, o in zip(sizes, sizes[1:])]
        biases = [np.zeros(s, f) for s in sizes[1:]]
        params = weights + biases
        means, squares = ([np.zeros_like(p) for p in params] for _ in range(2))
        x, y = randn(batch, sizes[0]), rng.integers(0, sizes[-1], batch)
        steps = [0]

        def rep():
            a = [x]
            for i in range(3):
                z = a[-1] @ weights[i] + biases[i]
                a.append(np.maximum(z, 0) if i < 2 else z)
            z = a[-1] - a[-1].max(1, keepdims=True)
            e = np.exp(z)
            p = e / e.sum(1, keepdims=True)
            rows = np.arange(batch)
            loss = -np.log(p[rows, y]).mean()
            p[rows, y] -= 1
            d = p / f(batch)
            grads = [None] * 6
            for i in (2, 1, 0):
                grads[i], grads[3 + i] = a[i].T @ d, d.sum(0)
                if i:
                    d = (d @ weights[i].T) * (a[i] > 0)
            steps[0] += 1
            c1, c2 = f(1 - 0.9 ** steps[0]), f(1 - 0.999 ** steps[0])
            for q, g, m, v in zip(params, grads, means, squares):
                m *= f(0.9)
                m += f(0.1) * g
                v *= f(0.999)
                v += f(0.001) * g * g
                q -= f(1e-3) * (m / c1) / (np.sqrt(v / c2) + f(1e-8))
            return loss

        return rep

    return setup


def op(workload, f, *shapes):
    def setup():
        inputs = [randn(*s) for s in shapes]
        return lambda: f(*inputs)

    timed("numpy", workload, setup)


def matmul():
    kind, m, k, n = product(WORKLOAD)
    dtype = np.float64 if kind == "d" else np.float32
    a = randn(k, m).T if kind == "tn" else randn(m, k).astype(dtype)
    b = randn(n, k).T if kind == "nt" else randn(k, n).astype(dtype)
    out = np.empty((m, n), dtype)
    return lambda: np.matmul(a, b, out=out)


def softmax(a):
    e = np.exp(a - a.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


timed("numpy", "W1", w1)
timed("numpy", "W3", mlp((784, 256, 128, 10), 64))
timed("numpy", "W3b", mlp((784, 1024, 1024, 10), 512))
if product(WORKLOAD):
    timed("numpy", WORKLOAD, matmul)
op("O2", np.add, (1024, 1024), (1024, 1024))
op("O3a", np.add, (1024, 1024), (1024,))
op("O3b", lambda a, b: a + b.T, (1024, 1024), (1024, 1024))
op("O4a", lambda a: a.sum(0), (4096, 1024))
op("O4b", lambda a: a.sum(1), (4096, 1024))
op("O5e", np.exp, (1048576,))
op("O5t", np.tanh, (1048576,))
op("O5s", lambda a: 1 / (1 + np.exp(-a)), (1048576,))
op("O6", softmax, (4096, 1024))
op("O8", lambda a: np.ascontiguousarray(a.transpose(0, 2, 1, 3)), (8, 128, 8, 64))
op("O9", np.matmul, (64, 128, 64), (64, 64, 128))
done("numpy")
