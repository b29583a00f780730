//! Operators with numbers of any type, in place, and sums of iterators.

use wengert_tensor::{Float, Num, Tensor};

#[test]
fn a_tensor_of_floats_takes_numbers_of_any_type() {
    let x = Tensor::new([1.0f32, 7.0]);
    assert_eq!((&x + 1).to_vec(), [2.0, 8.0]);
    assert_eq!((&x - 1usize + 1u8 + 0i64).to_vec(), [1.0, 7.0]);
    assert_eq!((&x * 0.5_f64).to_vec(), [0.5, 3.5]);
    assert_eq!((&x % 4).to_vec(), [1.0, 3.0]);
    assert_eq!((1 - (2 * &x)).to_vec(), [-1.0, -13.0]);
    assert_eq!((2.0 / (&x + 1)).recip().to_vec(), [1.0, 4.0]);
    let d = Tensor::new([1.0f64, 7.0]);
    assert_eq!((1 / d * 7.0_f32).to_vec(), [7.0, 1.0]);
    fn generic<T: Float>(x: &Tensor<T>) -> Tensor<T> {
        x * 2.0 + 1 + T::ONE
    }
    assert_eq!(generic(&x).to_vec(), [4.0, 16.0]);
}

#[test]
fn a_tensor_of_integers_takes_its_own_numbers() {
    // Literals are of the tensor's type: this one is no i32.
    let big = Tensor::new([1i64, 2]) * 3_000_000_000;
    assert_eq!(big.to_vec(), [3_000_000_000, 6_000_000_000]);
    assert_eq!((200 - Tensor::new([1u8])).to_vec(), [199]);
    fn generic<T: Num>(x: Tensor<T>) -> Tensor<T> {
        (&x + T::ONE) * x
    }
    assert_eq!(generic(Tensor::new([3i32])).to_vec(), [12]);
}

#[test]
fn assignments_work_in_place() {
    let mut x = Tensor::new([[1.0f32, 2.0], [3.0, 4.0]]);
    let at = x.as_slice().unwrap().as_ptr();
    x += 1;
    x *= 0.5_f64;
    x -= Tensor::new([1.0, 0.0]);
    x /= &Tensor::new([[1.0], [2.0]]);
    assert_eq!(x.to_vec(), [0.0, 1.5, 0.5, 1.25]);
    assert_eq!(x.as_slice().unwrap().as_ptr(), at);
    // Memory that somebody else holds is left alone.
    let before = x.clone();
    x += 1usize;
    assert_eq!(before.to_vec(), [0.0, 1.5, 0.5, 1.25]);
    // The operand is itself.
    let twice = x.clone();
    x += &twice;
    assert_eq!(x.to_vec(), [2.0, 5.0, 3.0, 4.5]);
    let mut n = Tensor::new([7i64, 8]);
    n %= 4;
    n /= Tensor::new([1, 2]);
    assert_eq!(n.to_vec(), [3, 0]);
}

#[test]
fn iterators_sum_to_a_tensor() {
    let rows = Tensor::new([[1i64, 2], [3, 4], [5, 6]]).unbind(0).unwrap();
    assert_eq!(rows.iter().sum::<Tensor<i64>>().to_vec(), [9, 12]);
    assert_eq!(rows.into_iter().sum::<Tensor<i64>>().to_vec(), [9, 12]);
    let nothing: Tensor = std::iter::empty::<Tensor>().sum();
    assert_eq!((nothing.rank(), nothing.item().unwrap()), (0, 0.0));
}
