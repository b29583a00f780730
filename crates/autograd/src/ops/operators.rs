//! `+ − * /` on variables, tensors and numbers, by reference and by value. They panic where the
//! `try_` methods return an error, with the same text.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use wengert_tensor::{AnyOperand, Float, IntoOperand, Result, Tensor, TensorOrNumber};

use super::scalar::Affine;
use super::{binary, unary};
use crate::tape::rule::{apply, apply_owned};
use crate::var::Var;

/// Panics with an error's text, at the caller's line.
#[track_caller]
fn unwrap<T: Float>(r: Result<Var<T>>) -> Var<T> {
    match r {
        Ok(v) => v,
        Err(e) => refuse(&e),
    }
}

#[track_caller]
#[cold]
fn refuse(e: &crate::Error) -> ! {
    panic!("{e}")
}

/// What a method of two operands takes as its second: a variable, a tensor or a number.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not calculate with variables of type `{T}`",
    note = "give a `Var` or `Tensor` of the same element type, or a number: `.cast::<{T}>()` converts"
)]
pub trait IntoVar<T: Float> {
    /// The variable.
    #[doc(hidden)]
    fn into_var(self) -> Var<T>;
}
impl<T: Float> IntoVar<T> for Var<T> {
    #[inline]
    fn into_var(self) -> Var<T> {
        self
    }
}
impl<T: Float> IntoVar<T> for &Var<T> {
    #[inline]
    fn into_var(self) -> Var<T> {
        self.clone()
    }
}
impl<T: Float, R: AnyOperand + IntoOperand<T>> IntoVar<T> for R {
    #[inline]
    fn into_var(self) -> Var<T> {
        match self.into_operand() {
            TensorOrNumber::Number(n) => Var::scalar(n),
            TensorOrNumber::Tensor(t) => Var::constant(t.into_tensor()),
        }
    }
}

/// `a·x + b`, `x/s` and `s/x` of a variable given by reference, or by value, whose memory may be reused.
trait Scale<T: Float> {
    fn scale(self, a: f64, b: f64) -> Var<T>;
    fn over(self, s: f64) -> Var<T>;
    fn under(self, s: f64) -> Var<T>;
}

impl<T: Float> Scale<T> for &Var<T> {
    #[track_caller]
    #[inline]
    fn scale(self, a: f64, b: f64) -> Var<T> {
        self.affine(a, b)
    }
    /// A division, not a product with the rounded reciprocal.
    #[track_caller]
    #[inline(never)]
    fn over(self, s: f64) -> Var<T> {
        let y = &self.value / T::from_f64(s);
        apply([self], y, |_, _| Affine(1.0 / s, 0.0))
    }
    #[track_caller]
    #[inline(never)]
    fn under(self, s: f64) -> Var<T> {
        unwrap(Var::scalar(T::from_f64(s)).try_div(self))
    }
}

impl<T: Float> Scale<T> for Var<T> {
    #[track_caller]
    #[inline]
    fn scale(self, a: f64, b: f64) -> Var<T> {
        self.into_affine(a, b)
    }
    #[track_caller]
    #[inline(never)]
    fn over(self, s: f64) -> Var<T> {
        let y = self.value / T::from_f64(s);
        apply_owned([self.node], y, || Affine(1.0 / s, 0.0))
    }
    #[track_caller]
    #[inline(never)]
    fn under(self, s: f64) -> Var<T> {
        (&self).under(s)
    }
}

/// `saves` says whether the rule keeps its inputs' values; `with (Rule)` where it does not, and operands
/// given by value may lend their memory though they are tracked.
macro_rules! operator {
    ($Trait:ident $method:ident $try_method:ident $Assign:ident $assign:ident $saves:ident $Rule:tt
     |$x:ident, $s:ident| $scalar:expr, |$s2:ident, $x2:ident| $scalar_first:expr) => {
        impl<T: Float> $Trait<&Var<T>> for &Var<T> {
            type Output = Var<T>;
            #[track_caller]
            #[inline(never)]
            fn $method(self, rhs: &Var<T>) -> Var<T> {
                unwrap(self.$try_method(rhs))
            }
        }
        impl<T: Float> $Trait<Var<T>> for &Var<T> {
            type Output = Var<T>;
            #[track_caller]
            #[inline(never)]
            fn $method(self, rhs: Var<T>) -> Var<T> {
                operator!(@$saves $Rule $Trait $method $try_method self rhs
                    (&self.value, self.node.clone()) (rhs.value, rhs.node))
            }
        }
        impl<T: Float> $Trait<&Var<T>> for Var<T> {
            type Output = Var<T>;
            #[track_caller]
            #[inline(never)]
            fn $method(self, rhs: &Var<T>) -> Var<T> {
                operator!(@$saves $Rule $Trait $method $try_method self rhs
                    (self.value, self.node) (&rhs.value, rhs.node.clone()))
            }
        }
        impl<T: Float> $Trait<Var<T>> for Var<T> {
            type Output = Var<T>;
            #[track_caller]
            #[inline(never)]
            fn $method(self, rhs: Var<T>) -> Var<T> {
                operator!(@$saves $Rule $Trait $method $try_method self rhs
                    (self.value, self.node) (rhs.value, rhs.node))
            }
        }
        impl<T: Float> $Trait<&Var<T>> for &Tensor<T> {
            type Output = Var<T>;
            #[track_caller]
            #[inline(never)]
            fn $method(self, rhs: &Var<T>) -> Var<T> {
                unwrap(Var::from(self).$try_method(rhs))
            }
        }
        impl<T: Float> $Trait<Var<T>> for &Tensor<T> {
            type Output = Var<T>;
            #[track_caller]
            #[inline(never)]
            fn $method(self, rhs: Var<T>) -> Var<T> {
                unwrap(Var::from(self).$try_method(&rhs))
            }
        }
        impl<T: Float> $Trait<&Var<T>> for Tensor<T> {
            type Output = Var<T>;
            #[track_caller]
            #[inline(never)]
            fn $method(self, rhs: &Var<T>) -> Var<T> {
                $Trait::$method(Var::constant(self), rhs)
            }
        }
        impl<T: Float> $Trait<Var<T>> for Tensor<T> {
            type Output = Var<T>;
            #[track_caller]
            #[inline(never)]
            fn $method(self, rhs: Var<T>) -> Var<T> {
                $Trait::$method(Var::constant(self), rhs)
            }
        }
        // Tensors and numbers. What is compiled for each type of them is the choice between the two.
        impl<T: Float, R: AnyOperand + IntoOperand<T>> $Trait<R> for &Var<T> {
            type Output = Var<T>;
            #[track_caller]
            #[inline]
            fn $method(self, rhs: R) -> Var<T> {
                match rhs.into_operand() {
                    TensorOrNumber::Number(s) => {
                        let ($x, $s) = (self, s.to_f64());
                        $scalar
                    }
                    TensorOrNumber::Tensor(t) => $Trait::$method(self, Var::constant(t.into_tensor())),
                }
            }
        }
        impl<T: Float, R: AnyOperand + IntoOperand<T>> $Trait<R> for Var<T> {
            type Output = Var<T>;
            #[track_caller]
            #[inline]
            fn $method(self, rhs: R) -> Var<T> {
                match rhs.into_operand() {
                    TensorOrNumber::Number(s) => {
                        let ($x, $s) = (self, s.to_f64());
                        $scalar
                    }
                    TensorOrNumber::Tensor(t) => $Trait::$method(self, Var::constant(t.into_tensor())),
                }
            }
        }
        operator!(@first $Trait $method f32 f32 |$s2, $x2| $scalar_first);
        operator!(@first $Trait $method f64 f64 |$s2, $x2| $scalar_first);
        // One integer type, so that `2 * x` has one meaning.
        operator!(@first $Trait $method i32 f32 |$s2, $x2| $scalar_first);
        operator!(@first $Trait $method i32 f64 |$s2, $x2| $scalar_first);
        impl<T: Float> $Assign<&Var<T>> for Var<T> {
            /// `self` becomes the result, on the tape where either is; its shape must stay.
            #[track_caller]
            #[inline(never)]
            fn $assign(&mut self, rhs: &Var<T>) {
                self.value.check_assign(concat!(stringify!($method), "_assign"), &rhs.value);
                if self.node.is_none() && rhs.node.is_none() {
                    $Assign::$assign(&mut self.value, &rhs.value);
                } else {
                    *self = unwrap(self.$try_method(rhs));
                }
            }
        }
        impl<T: Float> $Assign<Var<T>> for Var<T> {
            #[track_caller]
            #[inline(never)]
            fn $assign(&mut self, rhs: Var<T>) {
                $Assign::$assign(self, &rhs);
            }
        }
        impl<T: Float, R: AnyOperand + IntoOperand<T>> $Assign<R> for Var<T> {
            #[track_caller]
            #[inline]
            fn $assign(&mut self, rhs: R) {
                match rhs.into_operand() {
                    TensorOrNumber::Number(s) if self.node.is_none() => $Assign::$assign(&mut self.value, s),
                    TensorOrNumber::Number(s) => {
                        let ($x, $s) = (&*self, s.to_f64());
                        *self = $scalar;
                    }
                    TensorOrNumber::Tensor(t) => $Assign::$assign(self, &Var::constant(t.into_tensor())),
                }
            }
        }
    };
    (@saves $Rule:tt $Trait:ident $method:ident $try_method:ident $a:ident $b:ident
     ($av:expr, $an:expr) ($bv:expr, $bn:expr)) => {{
        if $a.node.is_none() && $b.node.is_none() {
            return Var::constant($Trait::$method($av, $bv));
        }
        unwrap($a.$try_method(&$b))
    }};
    (@with ($Rule:expr) $Trait:ident $method:ident $try_method:ident $a:ident $b:ident
     ($av:expr, $an:expr) ($bv:expr, $bn:expr)) => {
        apply_owned([$an, $bn], $Trait::$method($av, $bv), || $Rule)
    };
    (@first $Trait:ident $method:ident $n:ident $t:ident |$s:ident, $x:ident| $scalar_first:expr) => {
        impl $Trait<&Var<$t>> for $n {
            type Output = Var<$t>;
            #[track_caller]
            #[inline(never)]
            fn $method(self, rhs: &Var<$t>) -> Var<$t> {
                let ($s, $x) = (f64::from(self), rhs);
                $scalar_first
            }
        }
        impl $Trait<Var<$t>> for $n {
            type Output = Var<$t>;
            #[track_caller]
            #[inline(never)]
            fn $method(self, rhs: Var<$t>) -> Var<$t> {
                let ($s, $x) = (f64::from(self), rhs);
                $scalar_first
            }
        }
    };
}

operator!(Add add try_add AddAssign add_assign with (binary::Add) |x, s| x.scale(1.0, s), |s, x| x.scale(1.0, s));
operator!(Sub sub try_sub SubAssign sub_assign with (binary::Sub) |x, s| x.scale(1.0, -s), |s, x| x.scale(-1.0, s));
operator!(Mul mul try_mul MulAssign mul_assign saves () |x, s| x.scale(s, 0.0), |s, x| x.scale(s, 0.0));
operator!(Div div try_div DivAssign div_assign saves () |x, s| x.over(s), |s, x| x.under(s));

impl<T: Float> Neg for &Var<T> {
    type Output = Var<T>;
    #[track_caller]
    fn neg(self) -> Var<T> {
        Var::neg(self)
    }
}
impl<T: Float> Neg for Var<T> {
    type Output = Var<T>;
    #[track_caller]
    fn neg(self) -> Var<T> {
        apply_owned([self.node], -self.value, || unary::Neg)
    }
}

/// The sum of variables that broadcast, from the first on; of none the scalar 0.
///
/// ```
/// use wengert::Var;
/// let x = Var::new([1.0f32, 2.0]).tracked();
/// let total: Var = [&x * 2, x.square()].iter().sum();
/// total.sum_all().backward()?;
/// assert_eq!(x.grad().unwrap().to_vec(), [4.0, 6.0]);
/// # Ok::<(), wengert::Error>(())
/// ```
impl<'a, T: Float> Sum<&'a Var<T>> for Var<T> {
    #[track_caller]
    #[inline(never)]
    fn sum<I: Iterator<Item = &'a Var<T>>>(iter: I) -> Var<T> {
        iter.cloned().sum()
    }
}
/// The sum of variables that broadcast, from the first on; of none the scalar 0.
impl<T: Float> Sum for Var<T> {
    #[track_caller]
    #[inline(never)]
    fn sum<I: Iterator<Item = Var<T>>>(iter: I) -> Var<T> {
        iter.reduce(|a, b| a + b)
            .unwrap_or_else(|| Var::scalar(T::ZERO))
    }
}
