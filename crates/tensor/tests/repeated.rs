//! Views that repeat elements are reduced, multiplied and compared without a copy of their size. One test in a process of
//! its own, whose allocator counts.

#[path = "common/counting.rs"]
mod counting;

use wengert_tensor::{Tensor, Tolerance, memory};

fn peak<X>(f: impl FnOnce() -> X) -> usize {
    counting::peak(f).0
}

#[test]
fn repeated_elements_are_not_copied() {
    memory::set_cache_limit(0); // every block is the allocator's
    let n = 4096;
    let row = Tensor::<f32>::ones([1, n]).expand([n, n]).unwrap();
    let column = Tensor::<f32>::ones([n, 1]).expand([n, n]).unwrap();
    let one = Tensor::<f32>::ones([1, 1]).expand([n, n]).unwrap();
    drop((row.sum_all(), column.copied())); // the threads of the pool
    let little = 1 << 20;
    for (name, x) in [("row", &row), ("column", &column), ("one", &one)] {
        macro_rules! light {
            ($($call:expr;)*) => {$(
                let bytes = peak(|| $call);
                assert!(bytes < little, "{name}: {} takes {bytes} bytes", stringify!($call));
            )*};
        }
        light! {
            x.sum_all(); x.prod_all(); x.max_all(); x.min_all(); x.mean_all(); x.var_all(1); x.std_all(1);
            x.norm_all(); x.logsumexp_all(); x.argmax_all(); x.argmin_all();
            x.norm_p(3.0, [0, 1]); x.norm_p(1.0, [0, 1]); x.norm_p(f64::INFINITY, [0, 1]);
            x.sum(0); x.sum(1); x.prod(0); x.max(1); x.min(0); x.mean(1); x.var(0, 1); x.std(1, 1);
            x.norm(0); x.norm(1); x.logsumexp(0); x.logsumexp(1); x.argmax(0); x.argmin(1);
            x.sum_to([1, n]); x.sum_to([n, 1]); x.sum_keepdim([0, 1]);
            x.allclose(x, Tolerance::default());
        }
        // A product packs an operand whose elements do not lie side by side, some of it at a time.
        let vector = peak(|| x.matmul(&Tensor::ones([n])));
        let turned = peak(|| x.t()?.matmul(&Tensor::ones([n, 1])));
        assert!(
            vector.max(turned) < 20 * little,
            "{name}: {vector}, {turned}"
        );
    }
    // Masks, of an eighth of that each byte.
    let mask = Tensor::new([[true]]).expand([n, n]).unwrap();
    for bytes in [
        peak(|| mask.any_all()),
        peak(|| mask.all(0)),
        peak(|| mask.count_nonzero()),
    ] {
        assert!(bytes < little, "{bytes}");
    }
    // The result alone.
    let whole = 4 * n * n;
    for (name, bytes) in [
        ("softmax", peak(|| row.softmax(0))),
        ("log_softmax", peak(|| column.log_softmax(0))),
        ("copied", peak(|| one.copied())),
        ("add", peak(|| &row + &column)),
        (
            "matmul",
            peak(|| row.narrow(1, 0, 8)?.matmul(&column.narrow(0, 0, 8)?)),
        ),
    ] {
        assert!(bytes < whole + 4 * little, "{name} takes {bytes} bytes");
    }
    let compared = peak(|| row.eq(&column));
    assert!(compared < n * n + little, "{compared}");
    // A gradient that one number makes, over three axes.
    let dy = one.reshape([64, 64, n]).unwrap();
    let x = Tensor::<f32>::ones([64, 64, 8]);
    let bytes = peak(|| dy.linear_weight_grad(&x));
    assert!(bytes < 20 * little, "{bytes}");
}
