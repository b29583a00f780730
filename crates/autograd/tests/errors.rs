//! The text of every error that an op on variables gives by itself: op, shapes as they were given,
//! rule and hint. (Those of the tensors' own are tested there.)

use wengert_autograd::{ClassLoss, Reduction, Result, Var};
use wengert_tensor::Tensor;

/// The message without the line that says where.
fn text<X>(r: Result<X>) -> String {
    let Err(e) = r else { panic!("no error") };
    let text = e.to_string();
    let lines = text.lines().filter(|l| {
        let at = l.trim_start();
        assert!(
            !at.starts_with("at ") || at.contains("errors.rs:"),
            "another line than the caller's: {l}"
        );
        !at.starts_with("at ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn zeros(shape: &[usize]) -> Var<f32> {
    Var::zeros(shape)
}

#[test]
fn weights_are_one_for_each_class() {
    let two = ClassLoss::new().weights([1.0, 2.0]);
    for (shape, targets, shown) in [
        (&[3][..], &[][..], "[3]    axis 0 = 3"),
        (&[1, 3], &[1], "[1, 3]    axis 1 = 3"),
        (&[1, 3, 1, 4], &[1, 1, 4], "[1, 3, 1, 4]    axis 1 = 3"),
    ] {
        let targets = Tensor::<i64>::zeros(targets);
        assert_eq!(
            text(zeros(shape).cross_entropy_with(&targets, &two)),
            format!(
                "cross_entropy: weights = 2 weights for 3 classes\n  input  f32 {shown}\n  rule   one weight for \
                 each class"
            )
        );
    }
}

#[test]
fn losses_never_broadcast() {
    let (column, row) = (zeros(&[4, 1]), zeros(&[4]));
    let squeeze = "  hint    target.unsqueeze(-1) (or input.squeeze(-1)) makes the shapes agree";
    let expected = |op: &str, input: &str, target: &str, hint: &str| {
        format!(
            "{op}: input and target differ\n  input   f32 {input}\n  target  f32 {target}\n  rule    \
             input.shape == target.shape (losses do not broadcast)\n{hint}"
        )
        .trim_end()
        .to_string()
    };
    assert_eq!(
        text(column.mse_loss(&row)),
        expected("mse_loss", "[4, 1]", "[4]", squeeze)
    );
    let squeeze = "  hint    input.unsqueeze(-1) (or target.squeeze(-1)) makes the shapes agree";
    assert_eq!(
        text(row.l1_loss(&column)),
        expected("l1_loss", "[4]", "[4, 1]", squeeze)
    );
    assert_eq!(
        text(row.huber_loss(&zeros(&[3]), 1.0)),
        expected("huber_loss", "[4]", "[3]", "")
    );
    let two = zeros(&[4, 2]);
    assert_eq!(
        text(two.bce_loss(&row)),
        expected("bce_loss", "[4, 2]", "[4]", "")
    );
    assert_eq!(
        text(row.bce_with_logits(&two)),
        expected("bce_with_logits", "[4]", "[4, 2]", "")
    );
    let other = zeros(&[5, 1]);
    assert_eq!(
        text(other.mse_loss(&row)),
        expected("mse_loss", "[5, 1]", "[4]", "")
    );
    assert_eq!(
        text(row.mse_loss(&other)),
        expected("mse_loss", "[4]", "[5, 1]", "")
    );
}

#[test]
fn arguments_of_losses() {
    let x = zeros(&[2]);
    for delta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let expected = format!(
            "huber_loss: delta = {delta}\n  input  f32 [2]\n  rule   0 < delta < inf\n  \
             hint   l1_loss() and mse_loss() are its limits, up to a factor"
        );
        assert_eq!(text(x.huber_loss_with(&x, delta, Reduction::Sum)), expected);
    }
}

#[test]
fn classes() {
    let logits = zeros(&[2, 3]);
    let index = |v: &[i64], shape: &[usize]| Tensor::from_slice(v, shape).unwrap();
    let message = text(logits.cross_entropy(&index(&[0, 3], &[2])));
    assert_eq!(
        message,
        "cross_entropy: target 3 is out of range\n  input  f32 [2, 3]    axis 1 = 3\n  rule   0 <= target < 3\n  \
         hint   rows whose target is -100 (ignore_index) are left out"
    );
    let message = text(logits.nll_loss(&index(&[-1, 0], &[2])));
    assert!(
        message.starts_with("nll_loss: target -1 is out of range"),
        "{message}"
    );
    let message = text(logits.cross_entropy(&index(&[0, 1], &[2, 1])));
    assert!(message.contains("target  i64 [2, 1]"), "{message}");
    assert!(
        message.ends_with("hint    targets.squeeze(1) makes the targets [n]"),
        "{message}"
    );
    let message = text(logits.cross_entropy(&index(&[0; 6], &[2, 3])));
    assert!(
        message.ends_with("hint    class probabilities go into cross_entropy_probs"),
        "{message}"
    );
    let message = text(logits.cross_entropy(&index(&[0; 3], &[3])));
    assert!(!message.contains("hint"), "{message}");
    let t = index(&[0, 1], &[2]);
    for smoothing in [-0.1, 1.1, f64::NAN] {
        let message =
            text(logits.cross_entropy_with(&t, &ClassLoss::new().label_smoothing(smoothing)));
        assert!(
            message.contains(&format!("label_smoothing = {smoothing}")),
            "{message}"
        );
    }
    let message = text(logits.cross_entropy_with(&t, &ClassLoss::new().weights([1.0, 2.0])));
    assert!(message.contains("weights"), "{message}");
}

#[test]
fn names_are_those_of_the_call() {
    let (a, b) = (zeros(&[2, 3]), zeros(&[4]));
    let broadcast = "shapes do not broadcast\n  lhs   f32 [2, 3]    axis 1 = 3\n  rhs   f32 [4]    axis 0 = 4\n  rule  aligned at the last axis, sizes are \
                     equal or one of them is 1";
    assert_eq!(text(a.hypot(&b)), format!("hypot: {broadcast}"));
    assert_eq!(text(a.logaddexp(&b)), format!("logaddexp: {broadcast}"));
    // Of several axes that do not meet, the last.
    for (other, left, right) in [
        ([5, 4], "axis 1 = 3", "axis 1 = 4"),
        ([5, 3], "axis 0 = 2", "axis 0 = 5"),
        ([5, 1], "axis 0 = 2", "axis 0 = 5"),
    ] {
        let message = text(a.hypot(&zeros(&other)));
        assert!(
            message.contains(left) && message.contains(right),
            "{message}"
        );
    }
    let mut wrong = Vec::new();
    for (r, op) in [
        (a.try_add(&b), "add"),
        (a.try_sub(&b), "sub"),
        (a.try_mul(&b), "mul"),
        (a.try_div(&b), "div"),
        (a.maximum(&b), "maximum"),
        (a.minimum(&b), "minimum"),
        (a.pow(&b), "pow"),
        (a.atan2(&b), "atan2"),
        (a.matmul(&b), "matmul"),
        (a.linear(&b, None), "linear"),
        (a.dot(&b), "dot"),
        (a.outer(&b), "outer"),
        (a.reshape([7]), "reshape"),
        (a.expand([4]), "expand"),
        (a.sum(2), "sum"),
        (a.mean_keepdim([0, 0]), "mean_keepdim"),
        (a.max(5), "max"),
        (a.var(-3, 1), "var"),
        (a.norm_p(0.0, 0), "norm_p"),
        (a.softmax(2), "softmax"),
        (a.log_softmax(-3), "log_softmax"),
        (a.cumsum(2), "cumsum"),
        (a.cumprod(2), "cumprod"),
        (a.linear_scan(&b, 0), "linear_scan"),
        (a.narrow(1, 2, 2), "narrow"),
        (a.select(0, 2), "select"),
        (a.slice(3, 0..1), "slice"),
        (a.flip(2), "flip"),
        (a.diagonal(0, 1, 1), "diagonal"),
        (a.unfold(1, 4, 1), "unfold"),
        (a.permute([0, 0]), "permute"),
        (a.transpose(0, 2), "transpose"),
        (a.movedim(0, 2), "movedim"),
        (a.unsqueeze(4), "unsqueeze"),
        (a.squeeze(2), "squeeze"),
        (a.flatten(1, 0), "flatten"),
        (a.clamp(1.0, 0.0), "clamp"),
        (a.tril(0).and_then(|_| b.tril(0)), "tril"),
        (b.triu(0), "triu"),
        (a.roll(1, 2), "roll"),
        (a.repeat([2]), "repeat"),
        (a.sort(2, false).map(|v| v.0), "sort"),
        (a.topk(4, 1, true).map(|v| v.0), "topk"),
        (a.gather(0, &Tensor::new([[9i64]])), "gather"),
        (a.index_select(0, &Tensor::new([2i64])), "index_select"),
        (
            a.masked_fill(&Tensor::new([true, false]), 0.0),
            "masked_fill",
        ),
        (
            a.masked_select(&Tensor::new([true, false])),
            "masked_select",
        ),
        (Var::cat(&[&a, &b], 0), "cat"),
        (Var::stack(&[&a, &b], 0), "stack"),
        (a.layer_norm(2, None, None, 1e-5), "layer_norm"),
        (a.layer_norm(3, Some(&b), None, 1e-5), "layer_norm"),
    ] {
        let Err(e) = r else { panic!("{op}: no error") };
        let message = e.to_string();
        let here = message.contains("tests/errors.rs:");
        if !(here && message.starts_with(&format!("{op}: ")) && message.contains("  rule")) {
            wrong.push(message);
        }
    }
    assert!(
        wrong.is_empty(),
        "another name, another line, or no rule:\n{}",
        wrong.join("\n")
    );
}
