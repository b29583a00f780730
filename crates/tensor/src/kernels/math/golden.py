#!/usr/bin/env python3
"""Writes golden.txt: the functions of f64 by mpmath, for tests.rs.

Run in this folder: `python golden.py [points a function] > golden.txt`. A line is a function, the
bits of its argument (pow: of both), the bits of the result rounded to f64, and those of what the
rounding left, so that errors below half a unit in the last place can be told.
"""
import random
import struct
import sys
from mpmath import mp, mpf, inf, nan, isnan, isinf
import mpmath as m

mp.prec = 200


def bits(v):
    return "%016x" % struct.unpack("Q", struct.pack("d", v))[0]


def rounded(v):
    """The nearest f64 (subnormals too) and the rest."""
    if v == 0:
        return 0.0, 0.0
    e = max(m.frexp(v)[1] - 53, -1074)
    n = m.nint(m.ldexp(v, -e))
    hi = m.ldexp(n, e)
    if abs(hi) >= mpf(2) ** 1024:
        return (float("inf") if hi > 0 else float("-inf")), 0.0
    return float(hi), float(v - hi)


def sigmoid(x):
    return 1 / (1 + m.exp(-x))


def gelu(x):
    return x / 2 * m.erfc(-x / m.sqrt(2))


FUNCTIONS = {
    # name: (function, smallest and largest magnitude as powers of two, both signs)
    "exp": (m.exp, -30, 9.6, True),
    "exp2": (lambda x: mpf(2) ** x, -30, 10.1, True),
    "exp_m1": (m.expm1, -60, 9.6, True),
    "ln": (m.log, -1070, 1024, False),
    "ln_1p": (m.log1p, -60, 1024, False),
    "log2": (lambda x: m.log(x) / m.log(2), -1070, 1024, False),
    "log10": (m.log10, -1070, 1024, False),
    "sin": (m.sin, -30, 20.5, True),
    "cos": (m.cos, -30, 20.5, True),
    "tan": (m.tan, -30, 20.5, True),
    "asin": (m.asin, -30, 0, True),
    "acos": (m.acos, -30, 0, True),
    "atan": (m.atan, -30, 60, True),
    "sinh": (m.sinh, -30, 9.5, True),
    "cosh": (m.cosh, -30, 9.5, True),
    "tanh": (m.tanh, -30, 5, True),
    "asinh": (m.asinh, -30, 1000, True),
    "acosh": (m.acosh, 0, 1000, False),
    "atanh": (m.atanh, -30, 0, True),
    "sigmoid": (sigmoid, -30, 9.6, True),
    "softplus": (lambda x: m.log1p(m.exp(x)), -30, 9.6, True),
    "log_sigmoid": (lambda x: -m.log1p(m.exp(-x)), -30, 9.6, True),
    "erf": (m.erf, -60, 2.7, True),
    "erfc": (m.erfc, -30, 4.75, True),
    "gelu": (gelu, -30, 5.3, True),
    "gelu_tanh": (lambda x: x * sigmoid(2 * m.sqrt(2 / m.pi) * (x + mpf(0.044715) * x**3)), -30, 4, True),
    "silu": (lambda x: x * sigmoid(x), -30, 9.6, True),
    "mish": (lambda x: x * m.tanh(m.log1p(m.exp(x))), -30, 9.6, True),
    "rsqrt": (lambda x: 1 / m.sqrt(x), -1070, 1024, False),
}
# Where an error would hide: near the zero of a logarithm, the edges of an interval, multiples of π/2.
NEAR_ONE = ["ln", "log2", "log10", "acosh", "acos", "asin", "erf", "tanh", "sigmoid", "atan"]


def main(count):
    rng = random.Random(1964)
    for name, (f, lo, hi, signed) in FUNCTIONS.items():
        xs = []
        wide = hi - lo
        for i in range(count):
            # Half over all magnitudes, half where most arguments are.
            top = min(hi, 3.3 if hi < 100 else 10)
            low = max(lo, -4)
            e = rng.uniform(lo, hi) if i % 2 or top <= low else rng.uniform(low, top)
            x = float(mpf(2) ** mpf(e))
            if signed and rng.random() < 0.5:
                x = -x
            if name in NEAR_ONE and i % 8 == 2:
                x = 1 + rng.uniform(-1, 1) * 2.0 ** rng.uniform(-40, -1)
                if name in ("acosh",):
                    x = 2 - x if x < 1 else x
                if name in ("asin", "acos"):
                    x = min(x, 2 - x)
            if name in ("sin", "cos", "tan") and i % 8 == 2:
                k = rng.randrange(1, 1 << 20)
                x = float(k * m.pi / 2)
            xs.append(x)
        for x in xs:
            h, l = rounded(f(mpf(x)))
            print(name, bits(x), bits(h), bits(l))
    for i in range(count):
        x = float(mpf(2) ** mpf(rng.uniform(-1070, 1020) if i % 2 else rng.uniform(-2, 2)))
        # |y ln x| up to what overflows.
        y = rng.uniform(-1, 1) * float(745 / max(abs(m.log(x)), mpf(2) ** -40))
        if i % 4 == 0:
            y = float(rng.randrange(-9, 10))
        h, l = rounded(mpf(x) ** mpf(y))
        print("pow", bits(x), bits(y), bits(h), bits(l))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 120)
