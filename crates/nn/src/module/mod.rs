//! Modules: things that hold parameters. Names, parameters, buffers, counts, state, training mode and
//! freezing all come from one method, `visit`.

mod buffer;
mod containers;
mod load;
mod mode;
pub(crate) mod param;
mod path;
pub(crate) mod state;
mod stream;
mod visitor;

use std::panic::Location;
use std::path::Path;
use std::sync::Arc;

use wengert_autograd::{Var, cloning_shared, type_name};
use wengert_tensor::{Float, Result, on_behalf_of};

pub use buffer::{AnyBuffer, Buffer};
pub use load::{Load, LoadReport};
pub use mode::Training;
pub use param::AnyParam;
pub(crate) use path::{in_list, in_module};
pub use state::StateDict;
pub use stream::Stream;
pub use visitor::{Entry, Visitor};
pub(crate) use visitor::{Visit, walk};

/// Something that holds parameters: a layer, a model.
///
/// Derive it, or write one line a field:
///
/// ```
/// use wengert::prelude::*;
///
/// struct Mlp { hidden: Linear, output: Linear }
/// impl Module for Mlp {
///     fn visit(&self, v: &mut Visitor<'_>) {
///         v.field("hidden", &self.hidden);
///         v.field("output", &self.output);
///     }
/// }
/// let mut rng = Rng::seed(0);
/// let mlp = Mlp { hidden: Linear::new(2, 4, &mut rng), output: Linear::new(4, 1, &mut rng) };
/// let names: Vec<String> = mlp.named_parameters().into_iter().map(|(n, _)| n).collect();
/// assert_eq!(names, ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]);
/// assert_eq!(mlp.num_parameters(), 17);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Module`",
    label = "a field of a module must be a module, a `Param`, or an `Option`, `Vec`, array or tuple of them",
    note = "mark a field that holds none with `#[module(skip)]`"
)]
pub trait Module {
    /// Shows every field that holds parameters, buffers or modes to the visitor, in a fixed order.
    fn visit(&self, v: &mut Visitor<'_>);

    /// What kind of module it is, for messages: the name of its type, with its sizes where they help (`Linear 2 -> 1`).
    fn kind(&self) -> String {
        type_name::<Self>().to_string()
    }

    /// The parameters, each once (a parameter shared by two layers counts once), for an optimizer.
    fn parameters(&self) -> Vec<AnyParam> {
        self.named_parameters()
            .into_iter()
            .map(|(_, p)| p)
            .collect()
    }

    /// The parameters with their names (`encoder.0.weight`), each once, under its first name.
    fn named_parameters(&self) -> Vec<(String, AnyParam)> {
        parameters(&|v| self.visit(v))
    }

    /// The buffers (tensors that are part of the state but not trained) with their names.
    fn named_buffers(&self) -> Vec<(String, AnyBuffer)> {
        let mut out = Vec::new();
        walk(&|v| self.visit(v), &mut |name, entry| {
            if let Entry::Buffer(b) = entry {
                out.push((name.to_string(), b));
            }
        });
        out
    }

    /// How many numbers the parameters hold.
    fn num_parameters(&self) -> usize {
        self.parameters()
            .iter()
            .map(|p| p.shape().iter().product::<usize>())
            .sum()
    }

    /// Forgets the gradients of all parameters.
    fn zero_grad(&self) {
        self.parameters().iter().for_each(AnyParam::zero_grad);
    }

    /// A model of its own with the same values: a target network, an average, a start to go back to. As `clone`, but what
    /// layers of this one share ([`Param::share`](wengert_autograd::Param::share)), those of the copy share too.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// #[derive(Module, Clone)]
    /// struct Tied { encode: Linear, decode: Linear }
    /// let encode = Linear::new(2, 2, &mut Rng::seed(0));
    /// let decode = Linear { weight: encode.weight.share(), bias: None };
    /// let model = Tied { encode, decode };
    /// let target = model.deep_clone();
    /// model.encode.weight.set_value(Tensor::zeros([2, 2]))?;
    /// assert_ne!(target.encode.weight.value(), model.encode.weight.value());
    /// assert!(target.encode.weight.same(&target.decode.weight));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    fn deep_clone(&self) -> Self
    where
        Self: Clone,
    {
        cloning_shared(|| self.clone())
    }

    /// Puts every layer into training mode (dropout drops).
    fn train(&self) {
        self.set_training(true);
    }

    /// Puts every layer into evaluation mode (dropout passes).
    fn eval(&self) {
        self.set_training(false);
    }

    /// Training or evaluation mode.
    fn set_training(&self, training: bool) {
        walk(&|v| self.visit(v), &mut |_, entry| {
            if let Entry::Training(t) = entry {
                t.set(training);
            }
        });
    }

    /// Freezes (`false`) or thaws all parameters: frozen ones get no gradient and are not updated.
    fn set_trainable(&self, trainable: bool) {
        self.parameters()
            .iter()
            .for_each(|p| p.set_trainable(trainable));
    }

    /// The values of all parameters and buffers under their names, sharing memory until one changes.
    ///
    /// # Errors
    /// If two of them have one name.
    #[track_caller]
    fn state_dict(&self) -> Result<StateDict> {
        state::state_dict(&|v| self.visit(v))
    }

    /// Takes the values of a state: all of them or, where names, types or shapes differ, none.
    ///
    /// # Errors
    /// If the state does not fit: missing, unexpected and mis-shaped names in one report.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let mut rng = Rng::seed(0);
    /// let (a, b) = (Linear::new(2, 3, &mut rng), Linear::new(2, 3, &mut rng));
    /// b.load_state_dict(&a.state_dict()?)?;
    /// assert_eq!(a.weight.value(), b.weight.value());
    /// let small = Linear::new(2, 1, &mut rng).without_bias();
    /// let report = small.load_state_dict(&a.state_dict()?).unwrap_err().to_string();
    /// assert!(report.contains("unexpected  bias"));
    /// assert!(report.contains("mismatched  weight: f32 [1, 2] here, f32 [3, 2] in the state"));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    fn load_state_dict(&self, state: &StateDict) -> Result<()> {
        state::load_state_dict(&|v| self.visit(v), state)
    }

    /// Where the layers' streams of random numbers stand (dropout's), each as 56 bytes. They are no part
    /// of [`Module::state_dict`], so that PyTorch's files load; a resumed training needs them.
    ///
    /// # Errors
    /// If two of them have one name.
    #[track_caller]
    fn streams(&self) -> Result<StateDict> {
        state::streams(&|v| self.visit(v))
    }

    /// Puts the streams where [`Module::streams`] says.
    ///
    /// # Errors
    /// If names, types or shapes differ: all of them in one report, and nothing is changed.
    #[track_caller]
    fn load_streams(&self, state: &StateDict) -> Result<()> {
        state::load_streams(&|v| self.visit(v), state)
    }

    /// Writes the state as a safetensors file, whole or not at all. PyTorch reads it unchanged.
    ///
    /// # Errors
    /// If the file cannot be written.
    #[track_caller]
    fn save(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        state::save_state(&self.state_dict()?, path)
    }

    /// Reads a safetensors file into the parameters and buffers; one that PyTorch wrote will do. [`Load`] reads parts, other
    /// names and other float types.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`Module::load_state_dict`].
    #[track_caller]
    fn load(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        let path = path.as_ref();
        self.load_state_dict(&state::load_state(path)?)
            .map_err(|e| e.in_file(path))
    }
}

/// See [`Module::named_parameters`].
fn parameters(visit: Visit<'_>) -> Vec<(String, AnyParam)> {
    let mut out: Vec<(String, AnyParam)> = Vec::new();
    walk(visit, &mut |name, entry| {
        if let Entry::Param(p) = entry
            && !out.iter().any(|(_, q)| q.id() == p.id())
        {
            p.visited_as(name);
            out.push((name.to_string(), p.named(name)));
        }
    });
    out
}

/// A module of one input and one output, to call and to put into a [`Sequential`](crate::Sequential).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Layer<{T}>`",
    note = "write its `forward` in `impl Layer for {Self}`: a method of the type's own is not seen by `Sequential`, `fit` and `predict`"
)]
pub trait Layer<T: Float = f32>: Module {
    /// The output for an input.
    ///
    /// # Errors
    /// If the input does not fit.
    fn forward(&self, x: &Var<T>) -> Result<Var<T>>;
}

/// A layer behind a pointer: one that is lent, shared, or chosen at run time.
macro_rules! forwarded {
    ($(($($g:tt)*) $t:ty),*) => {$(
        impl<T: Float, $($g)*> Layer<T> for $t {
            #[track_caller]
            fn forward(&self, x: &Var<T>) -> Result<Var<T>> {
                on_behalf_of(Location::caller(), || (**self).forward(x))
            }
        }
    )*};
}
forwarded!((L: Layer<T> + ?Sized) Box<L>, (L: Layer<T> + ?Sized) Arc<L>, (L: Layer<T> + ?Sized) &L);
