//! Instances of generic code for each float type, compiled here: a crate downstream links to an instance that is there, if the
//! function is never inlined, and compiles its own of everything else. (Those of the ops come with their samples.)

use std::hint::black_box;

use wengert_tensor::{Float, Tensor};

use crate::param::Param;
use crate::tape::backward::Backward;
use crate::transform::grad::{Grad, grad};
use crate::var::Var;

/// What is never called: its code is what counts.
#[doc(hidden)]
pub static INSTANCES: &[fn()] = &[of::<f32>, of::<f64>];

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
