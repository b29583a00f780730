//! Softmax and sorting against naive versions, along every axis of several layouts.
use wengert_tensor::*;

fn noise(n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| ((i * 7919 + 13) % 1009) as f64 / 100.0 - 5.0)
        .collect()
}

fn layouts() -> Vec<Tensor<f64>> {
    let t = |s: &[usize]| Tensor::from_vec(noise(s.iter().product()), s).unwrap();
    vec![
        t(&[1]),
        t(&[50]),
        t(&[2000]),
        t(&[6, 700]),
        t(&[6, 700]).t().unwrap(),
        t(&[5, 8, 9])
            .narrow(1, 2, 4)
            .unwrap()
            .transpose(0, 2)
            .unwrap(),
        t(&[3, 1]).expand([3, 5]).unwrap(),
        t(&[5, 8, 9]).flip([0, 2]).unwrap(),
        t(&[2, 0]),
    ]
}

/// Applies `f` to every row along an axis, in place.
fn rows(x: &Tensor<f64>, axis: usize, f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut out = x.to_vec();
    let n = x.shape()[axis];
    let inner: usize = x.shape()[axis + 1..].iter().product();
    for start in (0..out.len()).filter(|i| (i / inner).is_multiple_of(n)) {
        let row: Vec<f64> = (0..n).map(|k| out[start + k * inner]).collect();
        for (k, v) in f(&row).into_iter().enumerate() {
            out[start + k * inner] = v;
        }
    }
    out
}

fn close(got: &Tensor<f64>, want: &[f64]) {
    let got = got.to_vec();
    assert_eq!(got.len(), want.len());
    for (g, w) in got.iter().zip(want) {
        assert!((g - w).abs() <= 1e-12 * (1.0 + w.abs()), "{g} {w}");
    }
}

fn softmax(r: &[f64]) -> Vec<f64> {
    let s: f64 = r.iter().map(|x| x.exp()).sum();
    r.iter().map(|x| x.exp() / s).collect()
}

#[test]
fn softmax_and_its_gradients() {
    for x in layouts() {
        for axis in 0..x.rank() {
            let a = axis as isize;
            let y = x.softmax(a).unwrap();
            close(&y, &rows(&x, axis, softmax));
            let ln = x.log_softmax(a - x.rank() as isize).unwrap();
            close(
                &ln,
                &rows(&x, axis, |r| softmax(r).iter().map(|v| v.ln()).collect()),
            );
            // The gradients, from their formulas in whole-tensor operations.
            let dy = x.sin();
            let want = &y * &(&dy - &(&y * &dy).sum_keepdim(a).unwrap());
            close(&y.softmax_grad(&dy, a).unwrap(), &want.to_vec());
            let want = &dy - &(&ln.exp() * &dy.sum_keepdim(a).unwrap());
            close(&ln.log_softmax_grad(&dy, a).unwrap(), &want.to_vec());
        }
    }
}

#[test]
fn softmax_in_f32_on_every_isa() {
    let x = Tensor::from_vec(noise(3000), [3, 1000]).unwrap();
    let want = x.softmax(1).unwrap();
    for isa in IsaKind::available() {
        let got = with_isa(isa, || x.cast::<f32>().softmax(1).unwrap());
        for (g, w) in got.to_vec().iter().zip(want.to_vec()) {
            assert!(
                (*g as f64 - w).abs() <= 1e-6 * w + 1e-12,
                "{isa:?}: {g} {w}"
            );
        }
    }
}

fn naive_order<T: Element>(row: &[T], descending: bool) -> Vec<i64> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    let nan = |v: T| v.partial_cmp(&v).is_none();
    order.sort_by(|&i, &j| {
        let o = row[i]
            .partial_cmp(&row[j])
            .unwrap_or_else(|| nan(row[i]).cmp(&nan(row[j])));
        if descending { o.reverse() } else { o }
    });
    order.into_iter().map(|i| i as i64).collect()
}

fn sorts<T: Element>(v: Vec<T>) {
    let x = Tensor::from_vec(v.clone(), v.len()).unwrap();
    for descending in [false, true] {
        let order = naive_order(&v, descending);
        let (values, indices) = x.sort(0, descending).unwrap();
        assert_eq!(indices.to_vec(), order);
        let text = |v: Vec<T>| format!("{v:?}"); // NaN and −0 compared as they print
        let sorted: Vec<T> = order.iter().map(|&i| v[i as usize]).collect();
        assert_eq!(text(values.to_vec()), text(sorted.clone()));
        assert_eq!(x.argsort(-1, descending).unwrap().to_vec(), order);
        for k in [0, v.len().min(1), v.len() / 3, v.len()] {
            let (top, at) = x.topk(k, 0, descending).unwrap();
            assert_eq!(at.to_vec(), order[..k]);
            assert_eq!(text(top.to_vec()), text(sorted[..k].to_vec()));
        }
    }
}

#[test]
fn sorts_are_stable_for_every_type() {
    let ints: Vec<i64> = (0..500).map(|i| (i * 7919 + 11) % 37 - 18).collect();
    let mut floats: Vec<f64> = ints.iter().map(|v| *v as f64 / 4.0).collect();
    for (i, v) in [
        f64::NAN,
        0.0,
        -0.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -f64::NAN,
        f64::MAX,
        f64::MIN,
    ]
    .into_iter()
    .enumerate()
    {
        floats[i * 31] = v;
        floats[499 - i] = v;
    }
    sorts(floats.iter().map(|v| *v as f32).collect());
    sorts(floats);
    sorts(ints.iter().map(|v| *v as i32).collect());
    sorts(ints.iter().map(|v| *v as u8).collect());
    sorts(ints.iter().map(|v| *v > 0).collect());
    sorts([ints, vec![i64::MIN, i64::MAX, 0]].concat());
    sorts(Vec::<f32>::new());
}

#[test]
fn sorts_along_any_axis() {
    for x in layouts() {
        for axis in 0..x.rank() {
            let a = axis as isize;
            let (values, indices) = x.sort(a, true).unwrap();
            assert_eq!(values.shape(), x.shape());
            let want = rows(&x, axis, |r| {
                naive_order(r, true)
                    .iter()
                    .map(|&i| r[i as usize])
                    .collect()
            });
            assert_eq!(values.to_vec(), want);
            let at = rows(&x, axis, |r| {
                naive_order(r, true).iter().map(|&i| i as f64).collect()
            });
            let got: Vec<f64> = indices.to_vec().iter().map(|&i| i as f64).collect();
            assert_eq!(got, at);
            let k = x.shape()[axis].min(2);
            let (top, _) = x.topk(k, a, true).unwrap();
            assert_eq!(top.to_vec(), values.narrow(a, 0, k).unwrap().to_vec());
        }
    }
}

#[test]
fn long_columns_are_summed_in_blocks() {
    let n = 1_000_000;
    let x = Tensor::<f32>::zeros([n, 2]);
    let y = x.softmax(0).unwrap();
    assert!(y.iter().all(|v| (v * 1e6 - 1.0).abs() < 1e-6), "{y}");
    let dy = Tensor::<f32>::full([n, 2], 0.1);
    let dx = x
        .affine(0.0, -(n as f64).ln())
        .log_softmax_grad(&dy, 0)
        .unwrap();
    assert!(dx.iter().all(|v| v.abs() < 1e-6), "{dx}");
}
