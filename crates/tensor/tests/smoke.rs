//! The spine: views, broadcasting, operators.
use wengert_tensor::*;

#[test]
fn operators_and_views() {
    let a = Tensor::<f32>::new([[1., 2., 3.], [4., 5., 6.]]);
    let b = Tensor::new([10., 20., 30.]);
    assert_eq!((&a + &b).to_vec(), [11., 22., 33., 14., 25., 36.]);
    assert_eq!((2.0 * &a - 1.0).to_vec(), [1., 3., 5., 7., 9., 11.]);
    let t = a.t().unwrap();
    assert_eq!(t.to_vec(), [1., 4., 2., 5., 3., 6.]);
    assert_eq!((&t + &t).to_vec(), [2., 8., 4., 10., 6., 12.]);
    let big = Tensor::<f64>::full([300, 70], 2.0);
    let v = big.t().unwrap().narrow(0, 3, 60).unwrap();
    let s = &v * &Tensor::full([300], 3.0);
    assert!(s.to_vec().iter().all(|x| *x == 6.0));
    assert_eq!(s.shape(), &[60, 300][..]);
    let e = a.try_add(&Tensor::new([1., 2.])).unwrap_err();
    assert!(
        e.to_string().starts_with("add: shapes do not broadcast"),
        "{e}"
    );
    assert!(Tensor::<f32>::try_zeros([1 << 32, 1 << 32]).is_err());
}
