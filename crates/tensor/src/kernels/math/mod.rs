//! Elementary functions.
use super::isa::Isa;

/// Elementary functions, branch-free, compiled for an instruction set.
#[allow(missing_docs)]
pub trait Math: Copy {
    fn exp<I: Isa>(self) -> Self;
    fn exp2<I: Isa>(self) -> Self;
    fn exp_m1<I: Isa>(self) -> Self;
    fn ln<I: Isa>(self) -> Self;
    fn ln_1p<I: Isa>(self) -> Self;
    fn log2<I: Isa>(self) -> Self;
    fn log10<I: Isa>(self) -> Self;
    fn sin<I: Isa>(self) -> Self;
    fn cos<I: Isa>(self) -> Self;
    fn tan<I: Isa>(self) -> Self;
    fn asin<I: Isa>(self) -> Self;
    fn acos<I: Isa>(self) -> Self;
    fn atan<I: Isa>(self) -> Self;
    fn sinh<I: Isa>(self) -> Self;
    fn cosh<I: Isa>(self) -> Self;
    fn tanh<I: Isa>(self) -> Self;
    fn asinh<I: Isa>(self) -> Self;
    fn acosh<I: Isa>(self) -> Self;
    fn atanh<I: Isa>(self) -> Self;
    fn sigmoid<I: Isa>(self) -> Self;
    fn softplus<I: Isa>(self) -> Self;
    fn log_sigmoid<I: Isa>(self) -> Self;
    fn erf<I: Isa>(self) -> Self;
    fn gelu<I: Isa>(self) -> Self;
    fn gelu_tanh<I: Isa>(self) -> Self;
    fn silu<I: Isa>(self) -> Self;
    fn rsqrt<I: Isa>(self) -> Self;
    fn pow<I: Isa>(self, e: Self) -> Self;
}
macro_rules! std_math { ($t:ident; $($f:ident)*) => { impl Math for $t {
    $(#[inline(always)] fn $f<I: Isa>(self) -> Self { <$t>::$f(self) })*
    #[inline(always)] fn sigmoid<I: Isa>(self) -> Self { 1.0 / (1.0 + (-self).exp()) }
    #[inline(always)] fn softplus<I: Isa>(self) -> Self { if self.is_nan() { self } else { self.max(0.0) + (-self.abs()).exp().ln_1p() } }
    #[inline(always)] fn log_sigmoid<I: Isa>(self) -> Self { if self.is_nan() { self } else { self.min(0.0) - (-self.abs()).exp().ln_1p() } }
    #[inline(always)] fn erf<I: Isa>(self) -> Self {
        // Series / continued fraction in f64: a placeholder of full accuracy.
        let x = self as f64; if x.is_nan() { return self; }
        let a = x.abs();
        if a > 6.0 { return x.signum() as $t; }
        let mut sum = a; let mut term = a; let mut n = 0.0;
        while term.abs() > 1e-18 * sum.abs() { n += 1.0; term *= 2.0 * a * a / (2.0 * n + 1.0); sum += term; }
        (x.signum() * sum * (-a * a).exp() * 2.0 / std::f64::consts::PI.sqrt()).clamp(-1.0, 1.0) as $t
    }
    #[inline(always)] fn gelu<I: Isa>(self) -> Self { 0.5 * self * (1.0 + Math::erf::<I>(self * std::f64::consts::FRAC_1_SQRT_2 as $t)) }
    #[inline(always)] fn gelu_tanh<I: Isa>(self) -> Self { 0.5 * self * (1.0 + (0.7978845608028654 as $t * (self + 0.044715 * self * self * self)).tanh()) }
    #[inline(always)] fn silu<I: Isa>(self) -> Self { self / (1.0 + (-self).exp()) }
    #[inline(always)] fn rsqrt<I: Isa>(self) -> Self { 1.0 / self.sqrt() }
    #[inline(always)] fn pow<I: Isa>(self, e: Self) -> Self { self.powf(e) }
} } }
std_math!(f32; exp exp2 exp_m1 ln ln_1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh);
std_math!(f64; exp exp2 exp_m1 ln ln_1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh);
