//! Comparisons, logic on masks, choice by a mask.

use crate::element::Element;
use crate::error::{ErrorKind, Result};
use crate::kernels::tables::{Bool2, Compare, ElementKernels};
use crate::tensor::Tensor;

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $scalar:ident $Code:ident $sign:literal;)*) => {
        /// # Comparisons and choice
        impl<T: Element> Tensor<T> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// If the shapes do not broadcast.
            ///
            /// ```
            /// use wengert::Tensor;
            /// let (a, b) = (Tensor::new([1i64, 2, 3]), Tensor::scalar(2));
            #[doc = concat!("let t = a.", stringify!($name), "(&b)?;")]
            #[doc = concat!("assert_eq!(t.to_vec(), [1 ", $sign, " 2, 2 ", $sign, " 2, 3 ", $sign, " 2]);")]
            /// # Ok::<(), wengert::Error>(())
            /// ```
            #[track_caller]
            pub fn $name(&self, other: &Tensor<T>) -> Result<Tensor<bool>> {
                self.compare(Compare::$Code, stringify!($name), other)
            }
            /// The same against one value.
            #[track_caller]
            pub fn $scalar(&self, value: T) -> Tensor<bool> {
                self.zip_scalar(<T as ElementKernels>::compare(Compare::$Code), stringify!($name), value, false)
            }
        )*}
    };
}

comparisons! {
    /// Where elements are equal, with broadcasting; NaN equals nothing.
    eq eq_scalar Eq "==";
    /// Where elements differ, with broadcasting.
    ne ne_scalar Ne "!=";
    /// Where `self < other`, with broadcasting.
    lt lt_scalar Lt "<";
    /// Where `self <= other`, with broadcasting.
    le le_scalar Le "<=";
    /// Where `self > other`, with broadcasting.
    gt gt_scalar Gt ">";
    /// Where `self >= other`, with broadcasting.
    ge ge_scalar Ge ">=";
}

macro_rules! logic {
    ($($(#[$doc:meta])* $name:ident $Code:ident $sign:literal;)*) => {
        /// # Comparisons and choice: logic of masks
        impl Tensor<bool> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// If the shapes do not broadcast.
            ///
            /// ```
            /// use wengert::Tensor;
            /// let a = Tensor::new([true, false]);
            #[doc = concat!("let t = a.", stringify!($name), "(&Tensor::scalar(true))?;")]
            #[doc = concat!("assert_eq!(t.to_vec(), [true ", $sign, " true, false ", $sign, " true]);")]
            /// # Ok::<(), wengert::Error>(())
            /// ```
            #[track_caller]
            pub fn $name(&self, other: &Tensor<bool>) -> Result<Tensor<bool>> {
                self.bool2(Bool2::$Code, stringify!($name), other)
            }
        )*}
    };
}

logic! {
    /// Where both are true, with broadcasting.
    logical_and And "&";
    /// Where either is true, with broadcasting.
    logical_or Or "|";
    /// Where just one is true, with broadcasting.
    logical_xor Xor "^";
}

/// # Comparisons and choice: negation and choice by a mask
impl Tensor<bool> {
    /// Where this is false.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([true, false]).logical_not().to_vec(), [false, true]);
    /// ```
    #[track_caller]
    pub fn logical_not(&self) -> Tensor<bool> {
        self.zip_scalar(
            crate::kernels::tables::bool2(Bool2::Xor),
            "logical_not",
            true,
            false,
        )
    }

    /// Elements of `a` where this mask is true, of `b` elsewhere; all three broadcast (PyTorch's
    /// `torch.where`).
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let mask = Tensor::new([true, false]);
    /// let t = mask.where_(&Tensor::new([1i64, 2]), &Tensor::scalar(9))?;
    /// assert_eq!(t.to_vec(), [1, 9]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn where_<T: Element>(&self, a: &Tensor<T>, b: &Tensor<T>) -> Result<Tensor<T>> {
        Tensor::select_where(self, a, b)
    }
}

/// # Comparisons and choice: filling under a mask
impl<T: Element> Tensor<T> {
    /// `value` where the mask is true, this tensor's elements elsewhere; the two broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([1.0f32, f32::NAN]);
    /// assert_eq!(t.masked_fill(&t.is_nan(), 0.0)?.to_vec(), [1.0, 0.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn masked_fill(&self, mask: &Tensor<bool>, value: T) -> Result<Tensor<T>> {
        if self.shape().broadcast(mask.shape()).is_none() {
            return Err(self
                .site("masked_fill")
                .operand("mask", mask.dtype(), mask.shape())
                .error(ErrorKind::Broadcast));
        }
        Tensor::select_where(mask, &Tensor::scalar(value), self)
            .map_err(|e| e.rename("masked_fill"))
    }
}
