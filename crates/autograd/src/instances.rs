//! Instances of generic code for each float type, compiled here: a crate downstream links to an instance that is there, if the
//! function is never inlined, and compiles its own of everything else.

use std::hint::black_box;

use wengert_tensor::{Float, Rng, Scan, ScatterReduce, Tensor};

use crate::ops::classify::ClassLoss;
use crate::ops::reduction::Reduction;
use crate::param::Param;
use crate::tape::backward::Backward;
use crate::transform::grad::{Grad, grad};
use crate::var::Var;

/// What is never called: its code is what counts.
#[doc(hidden)]
pub static INSTANCES: &[fn()] = &[of::<f32>, of::<f64>, ops::<f32>, ops::<f64>];

fn of<T: Float>() {
    let x = black_box(Var::<T>::zeros([1]).tracked());
    let y = black_box(Var::<T>::ones([1]));
    let back = || {
        x.backward()?;
        x.backward_seeded(x.value())?;
        Backward::new().run(&x)?;
        Backward::new().run_seeded(&x, x.value())?;
        Grad::new().of_seeded(&[(&x, &y)], &[&x])?;
        grad(&x, &[&x])
    };
    black_box(back().ok());
    let text = format!("{x} {x:?} {}", x.tape());
    x.zero_grad();
    black_box((text, x.item().ok(), x.grad(), x.to_vec()));
    let p = Param::new(Tensor::<T>::zeros([1]));
    black_box((p.set_value(Tensor::ones([1])).ok(), p.set_grad(None).ok()));
    p.set_trainable(false);
    black_box(format!("{p:?}"));
    // Operators, by reference and by value.
    let sum = &x + &y - (&x * y.clone()) / x.clone();
    black_box(-&sum + -sum);
}

/// Every op, called once.
fn ops<T: Float>() {
    /// Calls of methods.
    macro_rules! call {
        ($x:ident: $($name:ident $arguments:tt)+) => { $(let _ = black_box($x.$name $arguments);)+ };
    }
    let (x, y) = &black_box((Var::<T>::zeros([1]), Var::<T>::ones([1])));
    let (mask, index) = &black_box((Tensor::new([true]), Tensor::<i64>::zeros([1])));
    let (mean, classes) = (Reduction::Mean, &ClassLoss::new());
    let scan = Scan::new();
    call! { x:
        neg() recip() square() sqrt() rsqrt() abs() exp() exp2() exp_m1() ln() ln_1p() log2() log10() erf() sin()
        cos() tan() asin() acos() atan() sinh() cosh() tanh() asinh() acosh() atanh() sigmoid() relu() log_sigmoid()
        softplus() silu() mish() gelu() gelu_tanh() softsign() sign() floor() ceil() round() trunc()
        leaky_relu(0.1) elu(1.0) affine(2.0, 1.0) powf(2.0) clamp(0.0, 1.0) clamp_min(0.0) clamp_max(1.0)
        try_add(y) try_sub(y) try_mul(y) try_div(y) pow(y) atan2(y) hypot(y) logaddexp(y) maximum(y) minimum(y) remainder(y)
        masked_fill(mask, T::ZERO) masked_select(mask) eq(y) ne(y) lt(y) le(y) gt(y) ge(y)
        eq_scalar(T::ZERO) ne_scalar(T::ZERO) lt_scalar(T::ZERO) le_scalar(T::ZERO) gt_scalar(T::ZERO) ge_scalar(T::ZERO)
        argmax(0) argmin(0) sort(0, true) topk(1, 0, true)
        sum(0) sum_keepdim(0) sum_all() mean(0) mean_keepdim(0) mean_all() prod(0) prod_keepdim(0) prod_all()
        max(0) max_keepdim(0) max_all() min(0) min_keepdim(0) min_all()
        var(0, 1) var_keepdim(0, 1) var_all(1) std(0, 1) std_keepdim(0, 1) std_all(1)
        norm(0) norm_keepdim(0) norm_all() norm_p(2.0, 0) norm_p_keepdim(2.0, 0) logsumexp(0) logsumexp_keepdim(0) logsumexp_all()
        sum(-1) sum_keepdim(-1) mean(-1) mean_keepdim(-1) sum_to([1])
        cumsum(0) cumprod(0) cumsum_with(0, scan) cumprod_with(0, scan) max_or(0, T::ZERO) min_or(0, T::ZERO) linear_scan(y, 0) softmax(0) log_softmax(0)
        index_select(0, index) index_add(0, index, y) gather(0, index) scatter_add(0, index, y)
        scatter(0, index, y) scatter_reduce(0, index, y, ScatterReduce::Sum, true) pad(&[(1, 1)], T::ZERO) dropout(0.5, &mut Rng::seed(0))
        reshape([1]) reshape([1, 1]) reshape([1, 1, 1]) permute([0]) permute([1, 0]) expand([1]) expand([1, 1])
        unsqueeze(0) squeeze(0) squeeze_all() flatten(0, -1) transpose(0, 1) t() movedim(0, 1)
        narrow(0, 0, 1) select(0, 0) slice(0, 0..1) flip(0) diagonal(0, 0, 1) unfold(0, 1, 1)
        tril(0) triu(0) split(1, 0) split_sizes(&[1], 0) chunk(1, 0) unbind(0) repeat([1]) roll(1, 0)
        matmul(y) dot(y) outer(y) linear(y, Some(y)) layer_norm([1], Some(y), Some(y), 1e-5)
        mse_loss(y) mse_loss_with(y, mean) l1_loss(y) l1_loss_with(y, mean) huber_loss(y, 1.0) huber_loss_with(y, 1.0, mean)
        bce_loss(y) bce_loss_with(y, mean) bce_loss_clipped(y, 1e-7) bce_with_logits(y) bce_with_logits_with(y, mean)
        cross_entropy(index) cross_entropy_with(index, classes) nll_loss(index) nll_loss_with(index, classes)
        cross_entropy_probs(y, classes)
    }
    black_box((x.cast::<f32>(), x.cast::<f64>()));
    black_box(Var::where_(mask, x, y).ok());
    black_box((Var::cat(&[x, y], 0).ok(), Var::stack(&[x, y], 0).ok()));
    // Operators with what is given by value.
    black_box((
        x * y - x.clone() * y,
        x + y / x.clone(),
        x.clone() / y,
        x / y,
        x.clone() - y,
        x.clone() + y,
    ));
}
