"""PyTorch on the workloads."""

import torch
import torch.nn.functional as F
from torch import nn

from timing import THREADS, WORKLOAD, done, product, timed

torch.set_num_threads(THREADS)
torch.manual_seed(0)
XOR = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), torch.tensor([[0.0], [1], [1], [0]])


def train(model, x, y, loss_of, opt):
    def step():
        opt.zero_grad(set_to_none=True)
        loss = loss_of(model(x), y)
        loss.backward()
        opt.step()
        return loss.detach()

    return step


def w1():
    m = nn.Sequential(nn.Linear(2, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid())
    return train(m, *XOR, nn.MSELoss(), torch.optim.SGD(m.parameters(), lr=0.5))


def w2():
    m = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1), nn.Sigmoid())
    x = torch.rand(32, 2)
    y = ((x[:, :1] > 0.5) ^ (x[:, 1:] > 0.5)).float()
    return train(m, x, y, nn.BCELoss(), torch.optim.Adam(m.parameters(), lr=1e-2))


def mlp(sizes, batch, **options):
    def setup():
        a, b, c, d = sizes
        m = nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Linear(b, c), nn.ReLU(), nn.Linear(c, d))
        x, y = torch.randn(batch, a), torch.randint(0, d, (batch,))
        opt = torch.optim.Adam(m.parameters(), lr=1e-3, **options)
        return train(m, x, y, nn.CrossEntropyLoss(), opt)

    return setup


def differentiate(leaves, loss_of):
    def step():
        loss = loss_of()
        loss.backward()
        for leaf in leaves:
            leaf.grad = None
        return loss.detach()

    return step


def chain(n):
    def setup():
        x = torch.ones(16, requires_grad=True)

        def loss():
            y = x
            for _ in range(n):
                y = y * 1.0001 + 0.001
            return y.sum()

        return differentiate([x], loss)

    return setup


def w10():
    x = torch.randn(4194304, requires_grad=True)
    return differentiate([x], lambda: (torch.tanh(x) * torch.sigmoid(x) + torch.exp(-x * x)).sum())


def w11():
    x = torch.randn(4096, 1024, requires_grad=True)
    g, b = torch.ones(1024, requires_grad=True), torch.zeros(1024, requires_grad=True)
    w = torch.randn(4096, 1024)
    return differentiate([x, g, b], lambda: (F.softmax(F.layer_norm(x, (1024,), g, b), -1) * w).sum())


def op(workload, f, *shapes):
    def setup():
        inputs = [torch.randn(*s) for s in shapes]

        def rep():
            with torch.inference_mode():
                f(*inputs)

        return rep

    timed("torch", workload, setup)


def matmul():
    kind, m, k, n = product(WORKLOAD)
    dtype = torch.float64 if kind == "d" else torch.float32
    a = torch.randn(k, m, dtype=dtype).t() if kind == "tn" else torch.randn(m, k, dtype=dtype)
    b = torch.randn(n, k, dtype=dtype).t() if kind == "nt" else torch.randn(k, n, dtype=dtype)
    out = torch.empty(m, n, dtype=dtype)

    def rep():
        with torch.inference_mode():
            torch.mm(a, b, out=out)

    return rep


timed("torch", "W1", w1)
timed("torch", "W2", w2)
for name, sizes, batch in [("W3", (784, 256, 128, 10), 64), ("W3b", (784, 1024, 1024, 10), 512)]:
    timed("torch", name, mlp(sizes, batch))
    timed("torch-fused", name, mlp(sizes, batch, fused=True))
timed("torch", "W8", chain(1000))
timed("torch", "W9", chain(100000))
timed("torch", "W10", w10)
timed("torch", "W11", w11)
if product(WORKLOAD):
    timed("torch", WORKLOAD, matmul)
op("O2", lambda a, b: a + b, (1024, 1024), (1024, 1024))
op("O3a", lambda a, b: a + b, (1024, 1024), (1024,))
op("O3b", lambda a, b: a + b.t(), (1024, 1024), (1024, 1024))
op("O4a", lambda a: a.sum(0), (4096, 1024))
op("O4b", lambda a: a.sum(1), (4096, 1024))
op("O5e", lambda a: a.exp(), (1048576,))
op("O5t", lambda a: a.tanh(), (1048576,))
op("O5s", lambda a: a.sigmoid(), (1048576,))
op("O6", lambda a: F.softmax(a, -1), (4096, 1024))
op("O8", lambda a: a.permute(0, 2, 1, 3).contiguous(), (8, 128, 8, 64))
op("O9", torch.bmm, (64, 128, 64), (64, 64, 128))
done("torch")
