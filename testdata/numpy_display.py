"""How NumPy prints arrays, for `numpy_display.txt`.

Each block is a line `dtype shape = values`, where the values are a list, `arange first step`, or `cycle` and a list, and
then the lines of the text, each behind `| `. The text is `numpy.array2string`'s, which for arrays of one axis or more is
`str`'s; of truth values it is in lower case, as Rust writes them.
"""

import numpy as np

NAN, INF = float("nan"), float("inf")


def block(dtype, shape, spec, values):
    kind = {"f32": "float32", "f64": "float64", "i64": "int64", "i32": "int32", "u8": "uint8", "bool": "bool"}[dtype]
    a = np.resize(np.array(values, dtype=kind), shape)
    text = np.array2string(a)
    if dtype == "bool":
        text = text.lower()
    print(f"{dtype} {list(shape)} = {spec}")
    for line in text.split("\n"):
        print(f"| {line}")
    print()


def given(dtype, values, shape=None):
    shape = (len(values),) if shape is None else shape
    spec = " ".join(str(v).lower() if dtype == "bool" else repr(v) for v in values)
    block(dtype, shape, spec if np.prod(shape, dtype=int) == len(values) else "cycle " + spec, values)


def arange(dtype, shape, first, step):
    n = int(np.prod(shape, dtype=int))
    block(dtype, shape, f"arange {first!r} {step!r}", [first + i * step for i in range(n)])


print(f"# NumPy {np.__version__}\n")
for t in ["f32", "f64"]:
    given(t, [1.23456789e8, 1.0])
    given(t, [1.2345678e-4, 0.5])
    given(t, [1.23456789e-5], ())
    given(t, [0.25], ())
    given(t, [-0.0], ())
    given(t, [NAN], ())
    given(t, [1.0, 2.0, 3.0])
    given(t, [1.0, 1000.0])
    given(t, [1.0, 1001.0])
    given(t, [0.1, 0.2, 0.30000001])
    given(t, [0.1, 1234.5678])
    given(t, [1 / 3, 2 / 3, 1.0])
    given(t, [1 / 3, 1e5])
    given(t, [0.0001, 0.05])
    given(t, [0.00009999, 0.05])
    given(t, [99999.0, 100.0])
    given(t, [999999.0, 1000.0])
    given(t, [1000000.0, 1001.0])
    given(t, [1234567.0, 9999.5])
    given(t, [99999999.0, 1e6])
    given(t, [1e8, 1e6])
    given(t, [1e8])
    given(t, [-1.5, 2.25, -0.0])
    given(t, [0.0, 0.0])
    given(t, [0.0, -0.0])
    given(t, [NAN, 1.0])
    given(t, [INF, -INF, NAN])
    given(t, [INF, 1.0])
    given(t, [-INF, 1.5, 100.125])
    given(t, [NAN, 1e10])
    given(t, [-INF, 1e-10, 1.0])
    given(t, [INF, NAN])
    given(t, [1e-30, 1e30])
    given(t, [3.4e38, -1e-38])
    given(t, [123456.789, 0.001])
    given(t, [1.5, 2.5, 3.5, 4.5, 5.5, 6.5], (2, 3))
    given(t, [1e-3, 2.0, -3.0, 4.0], (2, 2))
    given(t, [0.1, 0.7, 12.0, -3.25], (2, 1, 2))
    given(t, [1.123456789, 2.1, 3.0])
    given(t, [1.41246555e-05, 0.1, 0.3, 1e-3])
    given(t, [0.1, 0.2, 0.3], (30,))
    given(t, [0.12345678, -1.5], (3, 20))
    given(t, [1e-9, 1.0, 5e5], (2, 11))
    arange(t, (1001,), 0.0, 0.5)
    arange(t, (40, 40), 0.0, 1.0)
    arange(t, (12, 10, 12), -700.0, 1.0)
    arange(t, (2, 3, 2, 2), 0.0, 0.25)
given("f64", [1e300, 1e-300])
given("f64", [1e100, 1.0])
given("f64", [5e-324, 1e-323])
given("f64", [0.1 + 0.2, 1.0])
given("f64", [1234567.891, 12.0])
for t in ["i64", "i32"]:
    given(t, [1, -20, 300])
    given(t, [-(2**31), 2**31 - 1])
    given(t, [7], ())
    arange(t, (30,), 0, 1)
    arange(t, (1001,), -500, 1)
    arange(t, (2, 600), 0, 7)
    arange(t, (7, 1, 200), 0, 1)
given("u8", [0, 255])
given("u8", [1, 2, 3, 4], (2, 2))
given("bool", [True, False])
given("bool", [True, True])
given("bool", [True], ())
given("bool", [True, False], (2, 20))
