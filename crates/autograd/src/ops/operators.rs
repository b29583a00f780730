//! `+ − * /` on variables, tensors and numbers, by reference and by value. They panic where the
//! `try_` methods return an error, with the same text.

use std::ops::{Add, Div, Mul, Neg, Sub};

use wengert_tensor::{Float, Tensor};

use crate::error::Result;
use crate::rule::apply;
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

macro_rules! operator {
    ($Trait:ident $method:ident $try_method:ident |$x:ident, $s:ident| $scalar:expr, |$s2:ident, $x2:ident| $scalar_first:expr) => {
        impl<T: Float> $Trait<&Var<T>> for &Var<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: &Var<T>) -> Var<T> {
                unwrap(self.$try_method(rhs))
            }
        }
        impl<T: Float> $Trait<Var<T>> for &Var<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: Var<T>) -> Var<T> {
                if self.node.is_none() && rhs.node.is_none() {
                    return Var::constant($Trait::$method(&self.value, rhs.value));
                }
                unwrap(self.$try_method(&rhs))
            }
        }
        impl<T: Float> $Trait<&Var<T>> for Var<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: &Var<T>) -> Var<T> {
                if self.node.is_none() && rhs.node.is_none() {
                    return Var::constant($Trait::$method(self.value, &rhs.value));
                }
                unwrap(self.$try_method(rhs))
            }
        }
        impl<T: Float> $Trait<Var<T>> for Var<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: Var<T>) -> Var<T> {
                if self.node.is_none() && rhs.node.is_none() {
                    return Var::constant($Trait::$method(self.value, rhs.value));
                }
                unwrap(self.$try_method(&rhs))
            }
        }
        impl<T: Float> $Trait<&Tensor<T>> for &Var<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: &Tensor<T>) -> Var<T> {
                unwrap(self.$try_method(&Var::from(rhs)))
            }
        }
        impl<T: Float> $Trait<&Tensor<T>> for Var<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: &Tensor<T>) -> Var<T> {
                unwrap(self.$try_method(&Var::from(rhs)))
            }
        }
        impl<T: Float> $Trait<&Var<T>> for &Tensor<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: &Var<T>) -> Var<T> {
                unwrap(Var::from(self).$try_method(rhs))
            }
        }
        impl<T: Float> $Trait<Var<T>> for &Tensor<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: Var<T>) -> Var<T> {
                unwrap(Var::from(self).$try_method(&rhs))
            }
        }
        impl<T: Float> $Trait<Tensor<T>> for &Var<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: Tensor<T>) -> Var<T> {
                $Trait::$method(self, Var::constant(rhs))
            }
        }
        impl<T: Float> $Trait<Tensor<T>> for Var<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: Tensor<T>) -> Var<T> {
                $Trait::$method(self, Var::constant(rhs))
            }
        }
        impl<T: Float> $Trait<&Var<T>> for Tensor<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: &Var<T>) -> Var<T> {
                $Trait::$method(Var::constant(self), rhs)
            }
        }
        impl<T: Float> $Trait<Var<T>> for Tensor<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: Var<T>) -> Var<T> {
                $Trait::$method(Var::constant(self), rhs)
            }
        }
        impl<T: Float> $Trait<T> for &Var<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: T) -> Var<T> {
                let ($x, $s) = (self, rhs.to_f64());
                $scalar
            }
        }
        impl<T: Float> $Trait<T> for Var<T> {
            type Output = Var<T>;
            #[track_caller]
            fn $method(self, rhs: T) -> Var<T> {
                let ($x, $s) = (&self, rhs.to_f64());
                $scalar
            }
        }
        operator!(@first $Trait $method f32 |$s2, $x2| $scalar_first);
        operator!(@first $Trait $method f64 |$s2, $x2| $scalar_first);
    };
    (@first $Trait:ident $method:ident $t:ident |$s:ident, $x:ident| $scalar_first:expr) => {
        impl $Trait<&Var<$t>> for $t {
            type Output = Var<$t>;
            #[track_caller]
            fn $method(self, rhs: &Var<$t>) -> Var<$t> {
                let ($s, $x) = (f64::from(self), rhs);
                $scalar_first
            }
        }
        impl $Trait<Var<$t>> for $t {
            type Output = Var<$t>;
            #[track_caller]
            fn $method(self, rhs: Var<$t>) -> Var<$t> {
                let ($s, $x) = (f64::from(self), &rhs);
                $scalar_first
            }
        }
    };
}

operator!(Add add try_add |x, s| x.affine(1.0, s), |s, x| x.affine(1.0, s));
operator!(Sub sub try_sub |x, s| x.affine(1.0, -s), |s, x| x.affine(-1.0, s));
operator!(Mul mul try_mul |x, s| x.affine(s, 0.0), |s, x| x.affine(s, 0.0));
operator!(Div div try_div |x, s| x.div_scalar(s), |s, x| unwrap(Var::scalar(Float_::narrow(s)).try_div(x)));

/// A number of the variable's type, from the `f64` it was widened to.
trait Float_ {
    fn narrow(v: f64) -> Self;
}
impl<T: Float> Float_ for T {
    fn narrow(v: f64) -> Self {
        T::from_f64(v)
    }
}

impl<T: Float> Var<T> {
    /// `x / s` for one number: a division, not a product with the rounded reciprocal.
    #[track_caller]
    fn div_scalar(&self, s: f64) -> Var<T> {
        let y = &self.value / T::from_f64(s);
        apply([self], y, |_, _| crate::ops::scalar::Affine(1.0 / s, 0.0))
    }
}

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
        Var::neg(&self)
    }
}
