//! Modules of modules: options, lists, tuples, pointers; and plain settings, which hold none.

use std::sync::Arc;

use super::{Module, Visitor};

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
            fn kind(&self) -> String {
                (**self).kind()
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
