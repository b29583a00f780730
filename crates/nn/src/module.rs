//! Modules: things that hold parameters. Names, parameters, buffers, counts, state, training mode and
//! freezing all come from one method, `visit`.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use wengert_autograd::{Param, Var};
use wengert_tensor::{AnyTensor, DType, Element, Float, Shape, Tensor};

use crate::dropout::Stream;
use crate::error::Result;
use crate::state::{self, StateDict};

/// Something that holds parameters: a layer, a model.
///
/// Derive it, or write one line a field:
///
/// ```
/// use wengert_nn::{Linear, Module, Visitor};
/// use wengert_tensor::Rng;
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
    fn state_dict(&self) -> StateDict {
        state::state_dict(&|v| self.visit(v))
    }

    /// Takes the values of a state: all of them or, where names, types or shapes differ, none.
    ///
    /// # Errors
    /// If the state does not fit: missing, unexpected and mis-shaped names in one report.
    ///
    /// ```
    /// use wengert_nn::{Linear, Module};
    /// use wengert_tensor::Rng;
    /// let mut rng = Rng::seed(0);
    /// let (a, b) = (Linear::new(2, 3, &mut rng), Linear::new(2, 3, &mut rng));
    /// b.load_state_dict(&a.state_dict())?;
    /// assert_eq!(a.weight.value(), b.weight.value());
    /// let small = Linear::new(2, 1, &mut rng).without_bias();
    /// let report = small.load_state_dict(&a.state_dict()).unwrap_err().to_string();
    /// assert!(report.contains("unexpected  bias"));
    /// assert!(report.contains("mismatched  weight: f32 [1, 2] here, f32 [3, 2] in the state"));
    /// # Ok::<(), wengert_nn::Error>(())
    /// ```
    fn load_state_dict(&self, state: &StateDict) -> Result<()> {
        state::load_state_dict(&|v| self.visit(v), state)
    }

    /// Where the layers' streams of random numbers stand (dropout's), each as 56 bytes. They are no part
    /// of [`Module::state_dict`], so that PyTorch's files load; a resumed training needs them.
    fn streams(&self) -> StateDict {
        state::streams(&|v| self.visit(v))
    }

    /// Puts the streams where [`Module::streams`] says.
    ///
    /// # Errors
    /// If names, types or shapes differ: all of them in one report, and nothing is changed.
    fn load_streams(&self, state: &StateDict) -> Result<()> {
        state::load_streams(&|v| self.visit(v), state)
    }

    /// Writes the state as a safetensors file, whole or not at all. PyTorch reads it unchanged.
    ///
    /// # Errors
    /// If the file cannot be written.
    fn save(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        state::save_state(self.state_dict(), path)
    }

    /// Reads a safetensors file into the parameters and buffers; one that PyTorch wrote will do.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`Module::load_state_dict`].
    fn load(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        self.load_state_dict(&state::load_state(path)?)
    }
}

/// A module's [`Module::visit`]. What goes through modules takes this and not the module, to be there once and not for
/// every type of module.
pub(crate) type Visit<'a> = &'a dyn Fn(&mut Visitor<'_>);

pub(crate) fn walk(visit: Visit<'_>, sink: &mut dyn FnMut(&str, Entry<'_>)) {
    visit(&mut Visitor {
        path: String::new(),
        sink,
    });
}

/// See [`Module::named_parameters`].
fn parameters(visit: Visit<'_>) -> Vec<(String, AnyParam)> {
    let mut out: Vec<(String, AnyParam)> = Vec::new();
    walk(visit, &mut |name, entry| {
        if let Entry::Param(p) = entry
            && !out.iter().any(|(_, q)| q.id() == p.id())
        {
            p.set_name(name);
            out.push((name.to_string(), p));
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

/// What a module shows its fields to.
pub struct Visitor<'a> {
    path: String,
    sink: &'a mut dyn FnMut(&str, Entry<'_>),
}

/// A leaf of the tree of modules.
pub enum Entry<'a> {
    /// A parameter.
    Param(AnyParam),
    /// A buffer.
    Buffer(AnyBuffer),
    /// A mode flag.
    Training(&'a Training),
    /// A layer's stream of random numbers.
    Stream(&'a Stream),
}

impl Visitor<'_> {
    /// Visits a field under its name.
    pub fn field<M: Module + ?Sized>(&mut self, name: &str, field: &M) {
        let before = self.path.len();
        if before > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        field.visit(self);
        self.path.truncate(before);
    }

    /// Reports a leaf under the present name.
    pub fn entry(&mut self, entry: Entry<'_>) {
        (self.sink)(&self.path, entry);
    }
}

/// A parameter of either float type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyParam {
    /// Of `f32`.
    F32(Param<f32>),
    /// Of `f64`.
    F64(Param<f64>),
}

macro_rules! each_param {
    ($self:expr, $p:ident => $body:expr) => {
        match $self {
            AnyParam::F32($p) => $body,
            AnyParam::F64($p) => $body,
        }
    };
}

impl AnyParam {
    /// The same for clones of one parameter, different between parameters.
    pub fn id(&self) -> usize {
        each_param!(self, p => p.id())
    }
    /// The name it was first visited under.
    pub fn name(&self) -> Option<&str> {
        each_param!(self, p => p.name())
    }
    /// Names it; the first name stays.
    pub fn set_name(&self, name: &str) {
        each_param!(self, p => p.set_name(name));
    }
    /// The size of each axis.
    pub fn shape(&self) -> &Shape {
        each_param!(self, p => p.shape())
    }
    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            AnyParam::F32(_) => DType::F32,
            AnyParam::F64(_) => DType::F64,
        }
    }
    /// The present value.
    pub fn value(&self) -> AnyTensor {
        each_param!(self, p => p.value().into())
    }
    /// Forgets the gradient.
    pub fn zero_grad(&self) {
        each_param!(self, p => p.zero_grad());
    }
    /// Whether it gets gradients.
    pub fn is_trainable(&self) -> bool {
        each_param!(self, p => p.is_trainable())
    }
    /// Freezes or thaws it.
    pub fn set_trainable(&self, trainable: bool) {
        each_param!(self, p => p.set_trainable(trainable));
    }
}

impl From<Param<f32>> for AnyParam {
    fn from(p: Param<f32>) -> AnyParam {
        AnyParam::F32(p)
    }
}
impl From<Param<f64>> for AnyParam {
    fn from(p: Param<f64>) -> AnyParam {
        AnyParam::F64(p)
    }
}

/// `p` as a parameter of either type (the two are all that `Float` has).
fn any_param<T: Float>(p: &Param<T>) -> Option<AnyParam> {
    let any: &dyn std::any::Any = p;
    match any.downcast_ref::<Param<f32>>() {
        Some(p) => Some(AnyParam::F32(p.clone())),
        None => any
            .downcast_ref::<Param<f64>>()
            .map(|p| AnyParam::F64(p.clone())),
    }
}

impl<T: Float> Module for Param<T> {
    fn visit(&self, v: &mut Visitor<'_>) {
        if let Some(p) = any_param(self) {
            v.entry(Entry::Param(p));
        }
    }
}

/// A tensor that is part of a module's state but not trained; clones are the same buffer.
#[derive(Debug)]
pub struct Buffer<T: Element = f32>(Arc<Mutex<Tensor<T>>>);

impl<T: Element> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Buffer(Arc::clone(&self.0))
    }
}

impl<T: Element> Buffer<T> {
    /// A buffer of this value.
    pub fn new(value: Tensor<T>) -> Buffer<T> {
        Buffer(Arc::new(Mutex::new(value)))
    }
    /// The present value.
    pub fn value(&self) -> Tensor<T> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
    /// Replaces the value.
    pub fn set(&self, value: Tensor<T>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

/// A buffer of one of the types that state files hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyBuffer {
    /// Of `f32`.
    F32(Buffer<f32>),
    /// Of `f64`.
    F64(Buffer<f64>),
    /// Of `i64`.
    I64(Buffer<i64>),
}

impl<T: Element> Module for Buffer<T> {
    fn visit(&self, v: &mut Visitor<'_>) {
        let any: &dyn std::any::Any = self;
        if let Some(b) = any.downcast_ref::<Buffer<f32>>() {
            v.entry(Entry::Buffer(AnyBuffer::F32(b.clone())));
        } else if let Some(b) = any.downcast_ref::<Buffer<f64>>() {
            v.entry(Entry::Buffer(AnyBuffer::F64(b.clone())));
        } else if let Some(b) = any.downcast_ref::<Buffer<i64>>() {
            v.entry(Entry::Buffer(AnyBuffer::I64(b.clone())));
        }
    }
}

/// Whether a layer trains or evaluates; for layers that differ, like dropout.
#[derive(Debug)]
pub struct Training(AtomicBool);

impl Default for Training {
    /// Training.
    fn default() -> Training {
        Training(AtomicBool::new(true))
    }
}

impl Training {
    /// Whether it trains.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
    /// Changes it.
    pub fn set(&self, training: bool) {
        self.0.store(training, Ordering::Relaxed);
    }
}

impl Module for Training {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.entry(Entry::Training(self));
    }
}

impl<M: Module> Module for Option<M> {
    fn visit(&self, v: &mut Visitor<'_>) {
        if let Some(m) = self {
            m.visit(v);
        }
    }
}

impl<M: Module> Module for [M] {
    fn visit(&self, v: &mut Visitor<'_>) {
        for (i, m) in self.iter().enumerate() {
            v.field(&i.to_string(), m);
        }
    }
}
impl<M: Module> Module for Vec<M> {
    fn visit(&self, v: &mut Visitor<'_>) {
        self.as_slice().visit(v);
    }
}
impl<M: Module, const N: usize> Module for [M; N] {
    fn visit(&self, v: &mut Visitor<'_>) {
        self.as_slice().visit(v);
    }
}

macro_rules! transparent {
    ($($t:ty),*) => {$(
        impl<M: Module + ?Sized> Module for $t {
            fn visit(&self, v: &mut Visitor<'_>) {
                (**self).visit(v);
            }
        }
    )*};
}
transparent!(Box<M>, Arc<M>, &M);

macro_rules! tuples {
    ($(($($t:ident $i:tt),*))*) => {$(
        impl<$($t: Module),*> Module for ($($t,)*) {
            fn visit(&self, v: &mut Visitor<'_>) {
                $(v.field(stringify!($i), &self.$i);)*
            }
        }
    )*};
}
tuples!((A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) (A 0, B 1, C 2, D 3, E 4) (A 0, B 1, C 2, D 3, E 4, F 5));

/// Plain settings beside the layers hold no parameters.
macro_rules! plain {
    ($($t:ty),*) => {$(
        impl Module for $t {
            fn visit(&self, _: &mut Visitor<'_>) {}
        }
    )*};
}
plain!(
    (),
    bool,
    u8,
    i32,
    i64,
    u32,
    u64,
    usize,
    isize,
    f32,
    f64,
    String,
    &'static str
);
