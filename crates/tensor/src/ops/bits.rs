//! Integers: bits, shifts, powers and products of matrices. Masks have `& | ^ !` too (`ops/operators.rs`).

use std::ops::{BitAnd, BitOr, BitXor, Not, Shl, Shr};

use crate::element::{Element, Int};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::kernels::ints::Int2;
use crate::kernels::par;
use crate::kernels::strided::Params;
use crate::ops::elementwise::{MaybeOwned, zip_owned};
use crate::ops::operand::{IntoOperand, TensorOrNumber};
use crate::shape::Shape;
use crate::tensor::{Tensor, refuse};

impl<T: Int> Tensor<T> {
    #[track_caller]
    fn int2(
        code: Int2,
        op: &'static str,
        a: MaybeOwned<'_, T>,
        b: TensorOrNumber<'_, T>,
    ) -> Result<Tensor<T>> {
        let b = match b {
            TensorOrNumber::Tensor(b) => b,
            TensorOrNumber::Number(b) => MaybeOwned::Owned(Tensor::scalar(b)),
        };
        zip_owned(T::int2(code), Params::default(), op, a, b)
    }
}

macro_rules! bits {
    ($($(#[$doc:meta])* $name:ident $Trait:ident $method:ident $Code:ident $sign:literal;)*) => {
        /// # Integers: bits and shifts
        impl<T: Int> Tensor<T> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// If the shapes do not broadcast.
            ///
            /// ```
            /// use wengert::Tensor;
            /// let a = Tensor::new([12i64, 10]);
            #[doc = concat!("let t = a.", stringify!($name), "(3)?;")]
            #[doc = concat!("assert_eq!(t.to_vec(), [12 ", $sign, " 3, 10 ", $sign, " 3]);")]
            #[doc = concat!("assert_eq!(&a ", $sign, " 3, t);")]
            /// # Ok::<(), wengert::Error>(())
            /// ```
            #[track_caller]
            pub fn $name(&self, other: impl IntoOperand<T>) -> Result<Tensor<T>> {
                Tensor::int2(Int2::$Code, stringify!($name), MaybeOwned::Ref(self), other.into_operand())
            }
        )*}
        $(
        impl<T: Int, R: IntoOperand<T>> $Trait<R> for &Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, rhs: R) -> Tensor<T> {
                let (op, rhs) = (stringify!($name), rhs.into_operand());
                match Tensor::int2(Int2::$Code, op, MaybeOwned::Ref(self), rhs) {
                    Ok(t) => t,
                    Err(e) => refuse(e),
                }
            }
        }
        impl<T: Int, R: IntoOperand<T>> $Trait<R> for Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, rhs: R) -> Tensor<T> {
                let (op, rhs) = (stringify!($name), rhs.into_operand());
                match Tensor::int2(Int2::$Code, op, MaybeOwned::Owned(self), rhs) {
                    Ok(t) => t,
                    Err(e) => refuse(e),
                }
            }
        }
        )*
    };
}

bits! {
    /// The bits that both have, with broadcasting: what `&` does, without its panic.
    bitwise_and BitAnd bitand And "&";
    /// The bits that either has, with broadcasting: what `|` does, without its panic.
    bitwise_or BitOr bitor Or "|";
    /// The bits that one alone has, with broadcasting: what `^` does, without its panic.
    bitwise_xor BitXor bitxor Xor "^";
    /// The bits moved up, with broadcasting: what `<<` does, without its panic. A shift by the width of the type or more, or
    /// by less than 0, leaves 0.
    bitwise_left_shift Shl shl Shl "<<";
    /// The bits moved down, the sign filled in, with broadcasting: what `>>` does, without its panic. A shift by the width
    /// of the type or more, or by less than 0, leaves 0, or −1 of a negative number.
    bitwise_right_shift Shr shr Shr ">>";
}

/// # Integers: bits and shifts
impl<T: Int> Tensor<T> {
    /// Every bit the other way round: what `!` does.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!((!Tensor::new([0i64, 5])).to_vec(), [-1, -6]);
    /// assert_eq!(Tensor::new([5u8]).bitwise_not().to_vec(), [250]);
    /// ```
    #[track_caller]
    pub fn bitwise_not(&self) -> Tensor<T> {
        self.zip_scalar(T::int2(Int2::Xor), "bitwise_not", T::ONES, false)
    }
}

impl<T: Int> Not for &Tensor<T> {
    type Output = Tensor<T>;
    #[track_caller]
    fn not(self) -> Tensor<T> {
        self.bitwise_not()
    }
}
impl<T: Int> Not for Tensor<T> {
    type Output = Tensor<T>;
    #[track_caller]
    fn not(self) -> Tensor<T> {
        self.zip_scalar_owned(T::int2(Int2::Xor), "bitwise_not", T::ONES, false)
    }
}

impl<T: Int> Tensor<T> {
    #[track_caller]
    fn int_pow(&self, exponent: TensorOrNumber<'_, T>) -> Result<Tensor<T>> {
        let exponent = match exponent {
            TensorOrNumber::Tensor(t) => t,
            TensorOrNumber::Number(n) => MaybeOwned::Owned(Tensor::scalar(n)),
        };
        if let Some(low) = exponent.get().iter().find(|v| *v < T::ZERO) {
            return Err(self
                .site("pow")
                .operand("exponent", T::DTYPE, exponent.get().shape())
                .hint("cast::<f64>() first: a power of negative exponent is no integer")
                .error(ErrorKind::InvalidArgument {
                    name: "exponent",
                    value: low.to_string(),
                    rule: "an exponent of integers is at least 0",
                }));
        }
        let (run, base) = (T::int2(Int2::Pow), MaybeOwned::Ref(self));
        zip_owned(run, Params::default(), "pow", base, exponent)
    }

    /// Rows of `self` times columns of `other`, in 64 bits.
    #[track_caller]
    fn int_matmul(&self, other: &Tensor<T>) -> Result<Tensor<i64>> {
        let (ra, rb) = (self.rank(), other.rank());
        if ra == 0 || rb == 0 {
            return Err(product_error(self, other, Fault::Scalar));
        }
        // A vector is a row on the left and a column on the right.
        let a = if ra == 1 {
            self.unsqueeze(0)?
        } else {
            self.clone()
        };
        let b = if rb == 1 {
            other.unsqueeze(1)?
        } else {
            other.clone()
        };
        let split = |t: &Tensor<T>| {
            let (lead, last) = t.shape().split_at(t.rank() - 2);
            (Shape::from_slice(lead), last[0], last[1])
        };
        let ((la, m, k), (lb, rows, n)) = (split(&a), split(&b));
        if k != rows {
            return Err(product_error(self, other, Fault::Inner));
        }
        let Some(batch) = la.broadcast(&lb) else {
            return Err(product_error(self, other, Fault::Batch));
        };
        let shaped = |last: [usize; 2]| batch.iter().copied().chain(last).collect::<Shape>();
        let rename = |e: Error| e.rename("matmul");
        let (a, b) = (
            a.expand(shaped([m, k]))
                .map_err(rename)?
                .try_contiguous("matmul")?,
            b.expand(shaped([k, n]))
                .map_err(rename)?
                .try_contiguous("matmul")?,
        );
        let mut out = Tensor::<i64>::try_zeros(shaped([m, n])).map_err(rename)?;
        let (av, bv) = (a.as_slice().unwrap_or(&[]), b.as_slice().unwrap_or(&[]));
        if m * n * k > 0 {
            let most = (par::chunk_len(COST) / (n * k)).max(1);
            par::for_rows_mut(out.as_mut_slice(), n, most, |first, part| {
                for (i, row) in part.chunks_exact_mut(n).enumerate() {
                    let at = first + i;
                    let b = &bv[at / m * k * n..][..k * n];
                    for (x, b) in av[at * k..][..k].iter().zip(b.chunks_exact(n)) {
                        let x = x.wide();
                        for (y, b) in row.iter_mut().zip(b) {
                            *y = y.wrapping_add(x.wrapping_mul(b.wide()));
                        }
                    }
                }
            });
        }
        let mut shape: Shape = batch;
        if ra > 1 {
            shape.push(m);
        }
        if rb > 1 {
            shape.push(n);
        }
        Ok(out.in_shape(shape))
    }
}

/// Tenths of a nanosecond that a product of two integers costs.
const COST: u32 = 5;

enum Fault {
    Scalar,
    Inner,
    Batch,
}

#[track_caller]
#[cold]
fn product_error<T: Element>(a: &Tensor<T>, b: &Tensor<T>, fault: Fault) -> Error {
    let site = Site::new("matmul")
        .operand("lhs", T::DTYPE, a.shape())
        .operand("rhs", T::DTYPE, b.shape());
    let (what, rule) = match fault {
        Fault::Scalar => ("a scalar is no matrix", "lhs and rhs have an axis at least"),
        Fault::Inner => (
            "inner sizes differ",
            "lhs's last size equals rhs's last but one",
        ),
        Fault::Batch => (
            "leading axes do not broadcast",
            "sizes are equal or one of them is 1",
        ),
    };
    site.error(ErrorKind::ShapeMismatch { what, rule })
}

/// What integers have under the names of floats.
macro_rules! integers {
    ($($t:ident)*) => {$(
        /// # Integers: powers and products
        impl Tensor<$t> {
            /// Elementwise `x^y` with broadcasting, wrapping.
            ///
            /// # Errors
            /// If an exponent is negative, or the shapes do not broadcast.
            ///
            /// ```
            /// use wengert::Tensor;
            #[doc = concat!("let x = Tensor::new([2", stringify!($t), ", 3, 0]);")]
            /// assert_eq!(x.pow(&Tensor::new([5, 2, 0]))?.to_vec(), [32, 9, 1]);
            /// assert_eq!(x.pow(3)?.to_vec(), [8, 27, 0]);
            /// # Ok::<(), wengert::Error>(())
            /// ```
            #[track_caller]
            pub fn pow(&self, exponent: impl IntoOperand<$t>) -> Result<Tensor<$t>> {
                self.int_pow(exponent.into_operand())
            }

            /// Matrix product in `i64`, wrapping, with broadcast batch axes.
            ///
            /// # Shapes
            /// As of the product of floats: `[…, m, k]` × `[…, k, n]` → `[…, m, n]`.
            ///
            /// # Errors
            /// If an operand is a scalar, the inner sizes differ, or the leading axes do not broadcast.
            ///
            /// ```
            /// use wengert::Tensor;
            #[doc = concat!("let a = Tensor::new([[1", stringify!($t), ", 2], [3, 4]]);")]
            /// assert_eq!(a.matmul(&a)?.to_vec(), [7i64, 10, 15, 22]);
            /// assert_eq!(a.matmul(&Tensor::new([1, 1]))?.to_vec(), [3i64, 7]);
            /// # Ok::<(), wengert::Error>(())
            /// ```
            #[track_caller]
            pub fn matmul(&self, other: &Tensor<$t>) -> Result<Tensor<i64>> {
                self.int_matmul(other)
            }
        }
    )*};
}
integers!(i64 i32 u8);
