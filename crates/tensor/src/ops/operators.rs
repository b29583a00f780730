//! Arithmetic with broadcasting: named methods that return `Result`, and the operators, which panic
//! with the same text.

use std::iter::Sum;
use std::ops::{
    Add, AddAssign, BitAnd, BitOr, BitXor, Div, DivAssign, Mul, MulAssign, Not, Rem, RemAssign,
    Sub, SubAssign,
};

use crate::element::{Float, Num};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::kernels::strided::Params;
use crate::kernels::tables::{Float2, FloatKernels, Num2, NumKernels};
use crate::kernels::unary::Float1;
use crate::ops::elementwise::{MaybeOwned, zip, zip_owned};
use crate::ops::operand::{IntoOperand, TensorOrNumber};
use crate::tensor::{Tensor, refuse};

/// What an operator computes: as a method that returns `Result`, and for the operator itself.
macro_rules! arithmetic {
    ($($method:ident $try_method:ident $assign:ident $Kernel:ident $divides:literal $what:literal;)*) => {
        /// # Arithmetic
        impl<T: Num> Tensor<T> {$(
            #[doc = concat!("Elementwise ", $what, " with broadcasting: what the operator does, without its panic.")]
            ///
            /// # Errors
            /// If the shapes do not broadcast (or an integer is divided by zero).
            #[track_caller]
            pub fn $try_method(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
                if $divides {
                    check_divisor(stringify!($method), other)?;
                }
                self.num2(Num2::$Kernel, stringify!($method), other)
            }

            #[track_caller]
            fn $assign(a: MaybeOwned<'_, T>, b: MaybeOwned<'_, T>) -> Tensor<T> {
                let op = stringify!($method);
                if $divides && let Err(e) = check_divisor(op, b.get()) {
                    refuse(e);
                }
                match Tensor::num2_owned(Num2::$Kernel, op, a, b) {
                    Ok(t) => t,
                    Err(e) => refuse(e),
                }
            }
        )*}
    };
}

arithmetic! {
    add try_add add_assign Add false "sum";
    sub try_sub sub_assign Sub false "difference";
    mul try_mul mul_assign Mul false "product";
    div try_div div_assign Div true "quotient";
    rem try_rem rem_assign Rem true "remainder (of the sign of `self`)";
}

macro_rules! named {
    ($(#[$family:meta])* $Bound:ident $call:ident $Code:ident; $($(#[$doc:meta])* $name:ident $Kernel:ident;)*) => {
        $(#[$family])*
        impl<T: $Bound> Tensor<T> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// If the shapes do not broadcast.
            ///
            /// ```
            /// use wengert::Tensor;
            /// let (x, y) = (Tensor::new([2.0f64, -1.0]), Tensor::scalar(0.5));
            #[doc = concat!("assert_eq!(x.", stringify!($name), "(&y)?.shape(), &[2][..]);")]
            /// # Ok::<(), wengert::Error>(())
            /// ```
            #[track_caller]
            pub fn $name(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
                self.$call($Code::$Kernel, stringify!($name), other)
            }
        )*}
    };
}

/// # Arithmetic: floored remainders
impl<T: Num> Tensor<T> {
    /// The remainder of the sign of the divisor, with broadcasting: `x − y·⌊x/y⌋` in exact arithmetic, Python's `%`. Of floats
    /// a remainder of 0 has the divisor's sign, `x` and an infinite `y` of the same sign give `x`, of the other sign `y`, and
    /// by 0 it is NaN.
    ///
    /// # Errors
    /// If the shapes do not broadcast, or an integer is divided by zero.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([-7i64, 7]).remainder(3)?.to_vec(), [2, 1]);
    /// assert_eq!(Tensor::new([-7.5f32, 7.5]).remainder(&Tensor::scalar(-2.0))?.to_vec(), [-1.5, -0.5]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn remainder(&self, other: impl IntoOperand<T>) -> Result<Tensor<T>> {
        let op = "remainder";
        let divisor = match other.into_operand() {
            TensorOrNumber::Tensor(t) => t,
            TensorOrNumber::Number(n) => MaybeOwned::Owned(Tensor::scalar(n)),
        };
        check_divisor(op, divisor.get())?;
        self.num2(Num2::Remainder, op, divisor.get())
    }
}

named! {
    /// # Arithmetic: functions of two tensors
    Float float2 Float2;

    /// Elementwise `x^y` with broadcasting, with C99's special cases (`x^0 = 1`, `1^y = 1`).
    pow Pow;
    /// The angle of the point `(x, y)`, `self` being y, in radians from −π to π.
    atan2 Atan2;
    /// `√(x² + y²)` with broadcasting, without overflow on the way; ∞ where one of them is infinite.
    hypot Hypot;
    /// `ln(eˣ + eʸ)` with broadcasting, without overflow.
    logaddexp LogAddExp;
    /// `eˣ·y` with broadcasting, in one pass.
    #[doc(hidden)]
    exp_mul ExpMul;
}

/// # Arithmetic: powers
impl<T: Float> Tensor<T> {
    /// `xᵖ` for one exponent, with C99's special cases. Of the exponents 0, 1, 2, 3, −1 and ½ it is what a product, a
    /// division or a root gives, 30 times as fast; a cube has two roundings.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([3.0f64]).powf(2.0).to_vec(), [9.0]);
    /// ```
    #[track_caller]
    pub fn powf(&self, p: f64) -> Tensor<T> {
        match p {
            0.0 => return self.ones_like(),
            1.0 => return self.clone(),
            2.0 => return self.square(),
            -1.0 => return self.recip(),
            3.0 => return self.float1(Float1::Cube, Params::default(), "powf"),
            0.5 => return self.float1(Float1::Root, Params::default(), "powf"),
            _ => {}
        }
        let run = <T as crate::kernels::tables::FloatKernels>::float2(Float2::Pow);
        self.zip_scalar(run, "powf", T::from_f64(p), false)
    }
}

named! {
    /// # Losses, element by element
    Float float2 Float2;

    /// Squared error, `(x − t)²` with broadcasting, in one pass.
    squared_error SquaredError;
    /// Binary cross-entropy of probabilities, `−(t·ln x + (1 − t)·ln(1 − x))` with broadcasting, in one
    /// pass; the logarithms are cut off at −100.
    bce_error BceError;
    /// Binary cross-entropy of logits, `(1 − t)·x + ln(1 + e⁻ˣ)` with broadcasting, in one pass. Nothing cancels: for
    /// targets within [0, 1] it is right to the last digits for any x, also infinite ones.
    bce_with_logits_error BceLogitsError;
}

// Gradients of one pass are for the rules of the tape.
macro_rules! gradients {
    ($($(#[$doc:meta])* $name:ident $Kernel:ident;)*) => {
        #[doc(hidden)]
        impl<T: Float> Tensor<T> {$(
            $(#[$doc])*
            /// `dy` given by value lends its memory.
            ///
            /// # Errors
            /// If the shapes do not broadcast.
            #[track_caller]
            pub fn $name<'a>(&'a self, dy: impl Into<MaybeOwned<'a, T>>) -> Result<Tensor<T>> {
                let run = <T as FloatKernels>::float2(Float2::$Kernel);
                zip_owned(run, Params::default(), stringify!($name), MaybeOwned::Ref(self), dy.into())
            }
        )*}
    };
}

gradients! {
    /// `2·dy·x`: the gradient of the square from its input (`self`).
    square_grad SquareGrad;
    /// `dy·(1 − y²)`: the gradient of tanh from its output (`self`).
    tanh_grad TanhGrad;
    /// `dy·y·(1 − y)`: the gradient of the sigmoid from its output (`self`).
    sigmoid_grad SigmoidGrad;
    /// `dy` where `self` is positive, 0 elsewhere: the gradient of relu from its in- or output.
    relu_grad ReluGrad;
    /// `dy·sigmoid(x)`: the gradient of softplus from its input (`self`).
    softplus_grad SoftplusGrad;
    /// `dy·sigmoid(−x)`: the gradient of log_sigmoid from its input (`self`).
    log_sigmoid_grad LogSigmoidGrad;
    /// `dy·s(1 + x(1 − s))` with `s = sigmoid(x)`: the gradient of silu from its input (`self`).
    silu_grad SiluGrad;
    /// `dy·(Φ(x) + x·φ(x))`: the gradient of gelu from its input (`self`).
    gelu_grad GeluGrad;
    /// The gradient of gelu_tanh from its input (`self`).
    gelu_tanh_grad GeluTanhGrad;
    /// The gradient of mish from its input (`self`).
    mish_grad MishGrad;
}

/// # Losses: the Huber error
impl<T: Float> Tensor<T> {
    /// `dy` where `self` is positive, `slope·dy` elsewhere: the gradient of leaky_relu from its input. `dy` given by value
    /// lends its memory.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::new([3.0f64, -1.0, 0.0]);
    /// assert_eq!(x.leaky_relu_grad(0.5, Tensor::ones([3]))?.to_vec(), [1.0, 0.5, 0.5]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(hidden)]
    #[track_caller]
    pub fn leaky_relu_grad<'a>(
        &'a self,
        slope: f64,
        dy: impl Into<MaybeOwned<'a, T>>,
    ) -> Result<Tensor<T>> {
        let run = <T as FloatKernels>::float2(Float2::LeakyReluGrad);
        zip_owned(
            run,
            (slope, 0.0),
            "leaky_relu_grad",
            MaybeOwned::Ref(self),
            dy.into(),
        )
    }

    /// Huber's loss of each element with broadcasting: `½d²` for `d = x − t` within `±delta`, `delta·(|d| − ½delta)`
    /// beyond, in one pass.
    ///
    /// # Errors
    /// If the shapes do not broadcast, or `delta` is not above 0 and finite.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::new([1.0f64, -4.0]);
    /// assert_eq!(x.huber_error(&Tensor::scalar(0.0), 2.0)?.to_vec(), [0.5, 6.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn huber_error(&self, target: &Tensor<T>, delta: f64) -> Result<Tensor<T>> {
        check_delta("huber_error", self, delta)?;
        let run = <T as FloatKernels>::float2(Float2::HuberError);
        zip(run, (delta, 0.0), "huber_error", self, target)
    }

    /// `factor` times `d = x − t` within `±delta`, with broadcasting: the gradient of
    /// [`huber_error`](Tensor::huber_error) times a factor, in one pass.
    ///
    /// # Errors
    /// If the shapes do not broadcast, or `delta` is not above 0 and finite.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::new([1.0f64, -4.0]);
    /// assert_eq!(x.huber_error_grad(&Tensor::scalar(0.0), 2.0, 0.5)?.to_vec(), [0.5, -1.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(hidden)]
    #[track_caller]
    pub fn huber_error_grad(
        &self,
        target: &Tensor<T>,
        delta: f64,
        factor: f64,
    ) -> Result<Tensor<T>> {
        check_delta("huber_error_grad", self, delta)?;
        let run = <T as FloatKernels>::float2(Float2::HuberErrorGrad);
        zip(run, (delta, factor), "huber_error_grad", self, target)
    }

    /// `2·factor·(x − t)` with broadcasting: the gradient of [`squared_error`](Tensor::squared_error) times
    /// a factor, in one pass.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::new([3.0f64, 1.0]);
    /// assert_eq!(x.squared_error_grad(&Tensor::new([1.0, 1.0]), 0.5)?.to_vec(), [2.0, 0.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(hidden)]
    #[track_caller]
    pub fn squared_error_grad(&self, target: &Tensor<T>, factor: f64) -> Result<Tensor<T>> {
        let run = <T as FloatKernels>::float2(Float2::SquaredErrorGrad);
        zip(run, (2.0 * factor, 0.0), "squared_error_grad", self, target)
    }

    /// `factor·(sigmoid(x) − t)` with broadcasting: the gradient of
    /// [`bce_with_logits_error`](Tensor::bce_with_logits_error) times a factor, in one pass; with `1 − sigmoid(x)` as
    /// `sigmoid(−x)`, which keeps its digits.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::new([0.0f64, -1000.0]);
    /// assert_eq!(x.bce_with_logits_error_grad(&Tensor::new([1.0]), 3.0)?.to_vec(), [-1.5, -3.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(hidden)]
    #[track_caller]
    pub fn bce_with_logits_error_grad(&self, target: &Tensor<T>, factor: f64) -> Result<Tensor<T>> {
        let run = <T as FloatKernels>::float2(Float2::BceLogitsErrorGrad);
        zip(
            run,
            (factor, 0.0),
            "bce_with_logits_error_grad",
            self,
            target,
        )
    }

    /// `factor·(x − t)/(x·(1 − x))` with broadcasting, the denominator at least 1e-12: the gradient of
    /// [`bce_error`](Tensor::bce_error) times a factor, in one pass.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::new([0.5f64]);
    /// assert_eq!(x.bce_error_grad(&Tensor::new([1.0]), 3.0)?.to_vec(), [-6.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(hidden)]
    #[track_caller]
    pub fn bce_error_grad(&self, target: &Tensor<T>, factor: f64) -> Result<Tensor<T>> {
        let run = <T as FloatKernels>::float2(Float2::BceErrorGrad);
        zip(run, (factor, 0.0), "bce_error_grad", self, target)
    }
}

/// Refuses a Huber loss without a quadratic part, or without a linear one.
#[track_caller]
fn check_delta<T: Float>(op: &'static str, x: &Tensor<T>, delta: f64) -> Result<()> {
    if delta > 0.0 && delta.is_finite() {
        return Ok(());
    }
    Err(x.site(op).error(ErrorKind::InvalidArgument {
        name: "delta",
        value: delta.to_string(),
        rule: "0 < delta < inf",
    }))
}

/// Refuses an integer divisor of zero.
#[track_caller]
fn check_divisor<T: Num>(op: &'static str, divisor: &Tensor<T>) -> Result<()> {
    if matches!(T::DTYPE, crate::DType::F32 | crate::DType::F64) {
        return Ok(());
    }
    let zero = match divisor.as_slice() {
        Some(values) => values.contains(&T::ZERO),
        None => divisor.iter().any(|v| v == T::ZERO),
    };
    if !zero {
        return Ok(());
    }
    Err(Site::new(op)
        .operand("rhs", T::DTYPE, divisor.shape())
        .hint("cast::<f64>() first, where ∞ and NaN are meant")
        .error(ErrorKind::InvalidArgument {
            name: "divisor",
            value: "0".into(),
            rule: "integers are not divided by zero",
        }))
}

/// A number as the operand of an operator that divides or not.
#[track_caller]
fn check_number<T: Num>(divides: bool, op: &'static str, number: T) {
    if divides
        && number == T::ZERO
        && let Err(e) = check_divisor(op, &Tensor::scalar(number))
    {
        refuse(e);
    }
}

/// Panics unless `rhs` fits into `lhs`, and divides it where it is to.
#[track_caller]
fn check_assign<T: Num>(divides: bool, op: &'static str, lhs: &Tensor<T>, rhs: &Tensor<T>) {
    let fits = lhs.shape() == rhs.shape()
        || lhs.shape().broadcast(rhs.shape()).as_ref() == Some(lhs.shape());
    if !fits {
        refuse(does_not_fit(op, lhs, rhs));
    }
    if divides && let Err(e) = check_divisor(op, rhs) {
        refuse(e);
    }
}

#[track_caller]
#[cold]
fn does_not_fit<T: Num>(op: &'static str, lhs: &Tensor<T>, rhs: &Tensor<T>) -> Error {
    Site::new(op)
        .operand("lhs", T::DTYPE, lhs.shape())
        .operand("rhs", T::DTYPE, rhs.shape())
        .error(ErrorKind::ShapeMismatch {
            what: "the result does not fit into lhs",
            rule: "rhs broadcasts to lhs.shape",
        })
}

impl<T: Num> Tensor<T> {
    /// Panics, as `self += rhs` does, where the sum has not the shape of `self`.
    #[doc(hidden)]
    #[track_caller]
    pub fn check_assign(&self, op: &'static str, rhs: &Tensor<T>) {
        check_assign(false, op, self, rhs);
    }
}

macro_rules! operator {
    ($Trait:ident $method:ident $Assign:ident $assign:ident $Kernel:ident $divides:literal) => {
        impl<T: Num, R: IntoOperand<T>> $Trait<R> for &Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, rhs: R) -> Tensor<T> {
                match rhs.into_operand() {
                    TensorOrNumber::Tensor(rhs) => Tensor::$assign(MaybeOwned::Ref(self), rhs),
                    TensorOrNumber::Number(rhs) => {
                        let op = stringify!($method);
                        check_number($divides, op, rhs);
                        self.zip_scalar(<T as NumKernels>::num2(Num2::$Kernel), op, rhs, false)
                    }
                }
            }
        }
        impl<T: Num, R: IntoOperand<T>> $Trait<R> for Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, rhs: R) -> Tensor<T> {
                match rhs.into_operand() {
                    TensorOrNumber::Tensor(rhs) => Tensor::$assign(MaybeOwned::Owned(self), rhs),
                    TensorOrNumber::Number(rhs) => {
                        let op = stringify!($method);
                        check_number($divides, op, rhs);
                        self.zip_scalar_owned(<T as NumKernels>::num2(Num2::$Kernel), op, rhs, false)
                    }
                }
            }
        }
        operator!(@scalar $Trait $method $Kernel $divides f32 f32);
        operator!(@scalar $Trait $method $Kernel $divides f64 f64);
        operator!(@scalar $Trait $method $Kernel $divides i64 i64);
        operator!(@scalar $Trait $method $Kernel $divides i32 i32);
        operator!(@scalar $Trait $method $Kernel $divides u8 u8);
        // One integer type, so that `2 * x` has one meaning.
        operator!(@scalar $Trait $method $Kernel $divides i32 f32);
        operator!(@scalar $Trait $method $Kernel $divides i32 f64);
        impl<T: Num, R: IntoOperand<T>> $Assign<R> for Tensor<T> {
            /// In place where the memory is held alone and the shapes agree.
            #[track_caller]
            fn $assign(&mut self, rhs: R) {
                let op = concat!(stringify!($method), "_assign");
                // Checked before `self` is taken: who catches the panic finds it as it was.
                let rhs = rhs.into_operand();
                match &rhs {
                    TensorOrNumber::Tensor(rhs) => check_assign($divides, op, self, rhs.get()),
                    TensorOrNumber::Number(rhs) => check_number($divides, op, *rhs),
                }
                let lhs = match self.is_unique() && self.is_contiguous() {
                    true => MaybeOwned::Owned(std::mem::replace(self, Tensor::placeholder())),
                    // This may be refused memory, so it must not have been taken either.
                    false => MaybeOwned::Ref(&*self),
                };
                *self = match (lhs, rhs) {
                    // Not in the memory of `rhs`: `self` has it still where it was.
                    (lhs, TensorOrNumber::Tensor(rhs)) => Tensor::$assign(lhs, MaybeOwned::Ref(rhs.get())),
                    (MaybeOwned::Owned(lhs), TensorOrNumber::Number(rhs)) => $Trait::$method(lhs, rhs),
                    (MaybeOwned::Ref(lhs), TensorOrNumber::Number(rhs)) => $Trait::$method(lhs, rhs),
                };
            }
        }
    };
    (@scalar $Trait:ident $method:ident $Kernel:ident $divides:literal $s:ident $t:ident) => {
        impl $Trait<&Tensor<$t>> for $s {
            type Output = Tensor<$t>;
            #[track_caller]
            fn $method(self, rhs: &Tensor<$t>) -> Tensor<$t> {
                let op = stringify!($method);
                if $divides && let Err(e) = check_divisor(op, rhs) {
                    refuse(e);
                }
                rhs.zip_scalar(<$t as NumKernels>::num2(Num2::$Kernel), op, self as $t, true)
            }
        }
        impl $Trait<Tensor<$t>> for $s {
            type Output = Tensor<$t>;
            #[track_caller]
            fn $method(self, rhs: Tensor<$t>) -> Tensor<$t> {
                let op = stringify!($method);
                if $divides && let Err(e) = check_divisor(op, &rhs) {
                    refuse(e);
                }
                rhs.zip_scalar_owned(<$t as NumKernels>::num2(Num2::$Kernel), op, self as $t, true)
            }
        }
    };
}

operator!(Add add AddAssign add_assign Add false);
operator!(Sub sub SubAssign sub_assign Sub false);
operator!(Mul mul MulAssign mul_assign Mul false);
operator!(Div div DivAssign div_assign Div true);
operator!(Rem rem RemAssign rem_assign Rem true);

/// The sum of tensors that broadcast, from the first on; of none the scalar 0.
impl<T: Num> Sum for Tensor<T> {
    #[track_caller]
    fn sum<I: Iterator<Item = Tensor<T>>>(iter: I) -> Tensor<T> {
        iter.reduce(|a, b| a + b)
            .unwrap_or_else(|| Tensor::scalar(T::ZERO))
    }
}
/// The sum of tensors that broadcast, from the first on; of none the scalar 0.
impl<'a, T: Num> Sum<&'a Tensor<T>> for Tensor<T> {
    #[track_caller]
    fn sum<I: Iterator<Item = &'a Tensor<T>>>(iter: I) -> Tensor<T> {
        iter.cloned().sum()
    }
}

macro_rules! mask_operator {
    ($Trait:ident $method:ident $logical:ident) => {
        mask_operator!(@one $Trait $method $logical &Tensor<bool>, &Tensor<bool>);
        mask_operator!(@one $Trait $method $logical &Tensor<bool>, Tensor<bool>);
        mask_operator!(@one $Trait $method $logical Tensor<bool>, &Tensor<bool>);
        mask_operator!(@one $Trait $method $logical Tensor<bool>, Tensor<bool>);
    };
    (@one $Trait:ident $method:ident $logical:ident $lhs:ty, $rhs:ty) => {
        impl $Trait<$rhs> for $lhs {
            type Output = Tensor<bool>;
            #[track_caller]
            fn $method(self, rhs: $rhs) -> Tensor<bool> {
                let rhs: &Tensor<bool> = std::borrow::Borrow::borrow(&rhs);
                match self.$logical(rhs) {
                    Ok(t) => t,
                    Err(e) => refuse(e),
                }
            }
        }
    };
}
mask_operator!(BitAnd bitand logical_and);
mask_operator!(BitOr bitor logical_or);
mask_operator!(BitXor bitxor logical_xor);

impl Not for &Tensor<bool> {
    type Output = Tensor<bool>;
    #[track_caller]
    fn not(self) -> Tensor<bool> {
        self.logical_not()
    }
}
impl Not for Tensor<bool> {
    type Output = Tensor<bool>;
    #[track_caller]
    fn not(self) -> Tensor<bool> {
        self.logical_not()
    }
}
