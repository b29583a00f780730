#!/usr/bin/env python3
"""Fits the polynomials of coef32.rs and coef64.rs: minimax by Remez exchange on a dense grid.

Needs mpmath. Run in this folder: `python fit.py`; it rewrites both files.

The leading coefficients are rounded one at a time and the rest fitted again around them, so that
rounding them costs no accuracy; of several such tries the best is taken.
"""
import struct
from mpmath import mp, mpf as M, matrix, lu_solve, sin, cos, exp, log, atan, asin, sqrt, erf, erfc, pi, cos as mcos

mp.dps = 60


def r32(v):
    return M(struct.unpack("f", struct.pack("f", float(v)))[0])


def r64(v):
    return M(float(v))


def remez(f, w, n, xs, fixed):
    """Coefficients len(fixed).. n-1 of the polynomial nearest to f in w * |p - f| on the grid."""
    k = n - len(fixed)
    g = [fi - sum(c * x**i for i, c in enumerate(fixed)) for fi, x in zip(f, xs)]
    basis = [[x ** (i + len(fixed)) for i in range(k)] for x in xs]
    idx = [int((1 - float(mcos(pi * i / k))) / 2 * (len(xs) - 1) + 0.5) for i in range(k + 1)]
    best = None
    for _ in range(25):
        a = matrix(k + 1, k + 1)
        b = matrix(k + 1, 1)
        for row, j in enumerate(idx):
            for i in range(k):
                a[row, i] = basis[j][i]
            a[row, k] = (-1) ** row / w[j]
            b[row] = g[j]
        sol = lu_solve(a, b)
        c = [sol[i] for i in range(k)]
        err = [wi * (sum(p * q for p, q in zip(c, bs)) - gi) for wi, bs, gi in zip(w, basis, g)]
        worst = max(abs(e) for e in err)
        if best is None or worst < best[0]:
            best = (worst, c)
        if worst <= abs(sol[k]) * (1 + M(10) ** -3):
            break
        # one extremum from each run of equal sign
        ext, start = [], 0
        for j in range(1, len(xs) + 1):
            if j == len(xs) or (err[j] > 0) != (err[start] > 0):
                ext.append(max(range(start, j), key=lambda q: abs(err[q])))
                start = j
        while len(ext) > k + 1:
            ext.pop(0 if abs(err[ext[0]]) < abs(err[ext[-1]]) else -1)
        if len(ext) < k + 1:
            break
        idx = ext
    return best


def fit(f, w, deg, a, b, rnd):
    pts = 24 * (deg + 2)
    a, b = M(a), M(b)
    xs = [(a + b) / 2 - (b - a) / 2 * mcos(pi * (2 * i + 1) / (2 * pts)) for i in range(pts)]
    fs = [f(x) for x in xs]
    ws = [abs(w(x)) for x in xs]

    def error(cs):
        return max(wi * abs(sum(c * x**i for i, c in enumerate(cs)) - fi) for wi, x, fi in zip(ws, xs, fs))

    plain = [rnd(c) for c in remez(fs, ws, deg + 1, xs, [])[1]]
    tries = [(error(plain), plain)]
    for lead in (2, 3, 5, deg + 1):
        fixed = []
        for _ in range(min(lead, deg + 1)):
            fixed.append(rnd(remez(fs, ws, deg + 1, xs, fixed)[1][0]))
        if len(fixed) <= deg:
            fixed += [rnd(c) for c in remez(fs, ws, deg + 1, xs, fixed)[1]]
        tries.append((error(fixed), fixed))
    worst, cs = min(tries)
    return cs, worst


def lit(c, rnd):
    v = float(c)
    if rnd is r64:
        s = repr(v)
    else:
        s = next(t for d in range(6, 12) for t in ["%.*g" % (d, v)] if r32(t) == c)
    return s if any(ch in s for ch in ".e") else s + ".0"


def scheme(bits, v, terms):
    """The polynomial in two or four interleaved chains: one long chain of Horner's would leave the
    units waiting, for a core holds only two or three iterations of such a loop in its scheduler."""
    n = len(terms)
    if n <= 4:
        return f"    horner{bits}!(I, {v}, {', '.join(terms)})\n"
    chains = 2 if n <= 12 else 4
    step = f"{v}{chains}"
    out = f"    let {v}2 = {v} * {v};\n"
    if chains == 4:
        out += f"    let {v}4 = {v}2 * {v}2;\n"
    for i in range(chains):
        out += f"    let p{i} = horner{bits}!(I, {step}, {', '.join(terms[i::chains])});\n"
    fma = f"I::fma_f{bits}"
    low = f"{fma}(p1, {v}, p0)"
    return out + (f"    {low}\n" if chains == 2 else f"    {fma}({fma}(p3, {v}, p2), {v}2, {low})\n")


LN2 = log(2)


def erfcx(x):
    return exp(x * x) * erfc(x)


def cf(K):
    def g(t):
        x = K * (1 + t) / (1 - t)
        # For large x the continued fraction of erfc is the asymptote; mpmath's erfc is exact anyway.
        return (x + K) * erfcx(x)
    return g


H = LN2 / 2 * M("1.001")
LO, HI = sqrt(M(1) / 2) - 1, sqrt(M(2)) - 1
S2 = ((sqrt(M(2)) - 1) / (sqrt(M(2)) + 1)) ** 2 * M("1.0001")
Q = (pi / 4 * M("1.003")) ** 2
T8 = ((sqrt(M(2)) - 1) * M("1.0001")) ** 2
EPS = M(10) ** -12


def e_q(r):
    return (exp(r) - 1 - r) / r**2


def l_p(f):
    return (log(1 + f) - f + f * f / 2) / f**3


def s_q(z):
    r = sqrt(z)
    return (sin(r) - r) / r**3


def c_q(z):
    r = sqrt(z)
    return (cos(r) - 1 + z / 2) / z**2


def lg(z):
    s = sqrt(z)
    return (log((1 + s) / (1 - s)) - 2 * s) / s**3


def lg5(z):
    s = sqrt(z)
    return (log((1 + s) / (1 - s)) - 2 * s - 2 * s**3 / 3) / s**5 * 3 / 2


def erf_q(z):
    x = sqrt(z)
    return erf(x) / x


def atan_q(z):
    x = sqrt(z)
    return (atan(x) - x) / x**3


def asin_q(z):
    x = sqrt(z)
    return (asin(x) - x) / x**3


K32, K64 = M(3), M(3)

# name, what it is, function, error weight, degree, interval, text of the interval
FITS = {
    "32": (r32, [
        ("exp_q", "(e^r - 1 - r) / r²", e_q, lambda r: r, 5, -H, H * M("1.01"), "|r| <= ln 2 / 2", "of e^r - 1"),
        ("ln_p", "(ln(1 + f) - f + f²/2) / f³", l_p, lambda f: f**3 / log(1 + f), 8, LO, HI, "sqrt ½ - 1 <= f <= sqrt 2 - 1", "of ln(1 + f)"),
        ("sin_q", "(sin r - r) / r³, z = r²", s_q, lambda z: z ** 1.5 / sin(sqrt(z)), 3, EPS, Q, "|r| <= pi/4", "of sin r"),
        ("cos_q", "(cos r - 1 + r²/2) / r⁴, z = r²", c_q, lambda z: z**2 / cos(sqrt(z)), 3, EPS, Q, "|r| <= pi/4", "of cos r"),
        ("erf_q", "erf(x) / x - 1, z = x²", lambda z: erf_q(z) - 1, lambda z: 1 / erf_q(z), 6, EPS, M(1), "|x| <= 1", "of erf x"),
        ("erf_tail", "-ln erfc(a), u = a - 1", lambda u: -log(erfc(u + 1)), lambda u: erfc(u + 1), 7, M(0), M(3), "1 <= a <= 4", "absolute, of erf a"),
        ("erfcx_q", "(a + 3) e^(a²) erfc(a), t = (a - 3) / (a + 3)", cf(K32), lambda t: 1 / cf(K32)(t), 9, M(-1), M("0.58"), "0 <= a <= 11", "of erfc a"),
    ]),
    "64": (r64, [
        ("exp_q", "(e^r - 1 - r) / r²", e_q, lambda r: r, 10, -H, H, "|r| <= ln 2 / 2", "of e^r - 1"),
        ("ln_r", "(ln((1 + s)/(1 - s)) - 2s) / s³, z = s²", lg, lambda z: z / 2, 6, EPS, S2, "|s| <= 3 - 2 sqrt 2", "of ln"),
        ("pow_r", "1.5 (ln((1 + s)/(1 - s)) - 2s - ⅔s³) / s⁵, z = s²", lg5, lambda z: z * z / 3, 8, EPS, S2, "|s| <= 3 - 2 sqrt 2", "of ln"),
        ("sin_q", "(sin r - r) / r³, z = r²", s_q, lambda z: z ** 1.5 / sin(sqrt(z)), 5, EPS, Q, "|r| <= pi/4", "of sin r"),
        ("cos_q", "(cos r - 1 + r²/2) / r⁴, z = r²", c_q, lambda z: z**2 / cos(sqrt(z)), 5, EPS, Q, "|r| <= pi/4", "of cos r"),
        ("erf_q", "erf(x) / x - 1, z = x²", lambda z: erf_q(z) - 1, lambda z: 1 / erf_q(z), 10, EPS, M("0.85") ** 2, "|x| <= 0.85", "of erf x"),
        ("erfcx_q", "(a + 3) e^(a²) erfc(a), t = (a - 3) / (a + 3)", cf(K64), lambda t: 1 / cf(K64)(t), 22, M(-1), M("0.81"), "0 <= a <= 28", "of erfc a"),
        ("atan_q", "(atan x - x) / x³, z = x²", atan_q, lambda z: z ** 1.5 / atan(sqrt(z)), 10, EPS, T8, "|x| <= tan pi/8", "of atan x"),
        ("asin_q", "(asin x - x) / x³, z = x²", asin_q, lambda z: z ** 1.5 / asin(sqrt(z)), 11, EPS, M("0.2501"), "|x| <= 1/2", "of asin x"),
    ]),
}


def main():
    for bits, (rnd, fits) in FITS.items():
        out = [
            f"//! Polynomials of the `f{bits}` functions. Written by `fit.py`: change that, not this.\n",
            "use super::Isa;\n",
        ]
        for name, what, f, w, deg, a, b, on, of in fits:
            c, e = fit(f, w, deg, a, b, rnd)
            e2 = float(log(e, 2))
            print(bits, name, deg, "2^%.1f" % e2, flush=True)
            v = what.split(", ")[-1].split(" = ")[0].strip() if "=" in what else ("r" if name == "exp_q" else "f")
            terms = [lit(k, rnd) for k in c]
            out.append(
                f"\n/// {what}; on {on}, within 2^{e2:.1f} {of}.\n"
                "#[inline(always)]\n"
                f"pub(super) fn {name}<I: Isa>({v}: f{bits}) -> f{bits} {{\n"
                f"{scheme(bits, v, terms)}"
                "}\n"
            )
        open(f"coef{bits}.rs", "w").write("".join(out))


if __name__ == "__main__":
    main()
