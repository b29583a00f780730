//! Modules of modules: options, lists, maps, tuples, pointers; and plain settings, which hold none.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Display;
use std::hash::BuildHasher;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use wengert_tensor::{DType, Shape};

use super::{Module, Visitor};

macro_rules! perhaps {
    ($(($m:ident $t:ty) $get:expr;)*) => {$(
        /// The module, where there is one.
        impl<$m: Module> Module for $t {
            fn visit(&self, v: &mut Visitor<'_>) {
                let get: fn(&$t) -> Option<&$m> = $get;
                if let Some(m) = get(self) {
                    m.visit(v);
                }
            }
        }
    )*};
}
perhaps! {
    (M Option<M>) Option::as_ref;
    (M OnceCell<M>) OnceCell::get;
    (M OnceLock<M>) OnceLock::get;
}

fn list<'a, M: Module + 'a>(items: impl Iterator<Item = &'a M>, v: &mut Visitor<'_>) {
    for (i, m) in items.enumerate() {
        v.field(&i.to_string(), m);
    }
}

/// Items under their indices.
impl<M: Module> Module for [M] {
    fn visit(&self, v: &mut Visitor<'_>) {
        list(self.iter(), v);
    }
}
/// Items under their indices.
impl<M: Module> Module for Vec<M> {
    fn visit(&self, v: &mut Visitor<'_>) {
        list(self.iter(), v);
    }
}
/// Items under their indices.
impl<M: Module> Module for VecDeque<M> {
    fn visit(&self, v: &mut Visitor<'_>) {
        list(self.iter(), v);
    }
}
/// Items under their indices.
impl<M: Module, const N: usize> Module for [M; N] {
    fn visit(&self, v: &mut Visitor<'_>) {
        list(self.iter(), v);
    }
}

/// Values under their keys, in the order of the keys. A key is a name: not empty, and without a dot.
impl<K: Display, M: Module> Module for BTreeMap<K, M> {
    fn visit(&self, v: &mut Visitor<'_>) {
        for (key, m) in self {
            v.field(&key.to_string(), m);
        }
    }
}

/// As a `BTreeMap`: values under their keys, in the order of the keys, not in the map's own, which differs from run to run.
impl<K: Display + Ord, M: Module, S: BuildHasher> Module for HashMap<K, M, S> {
    fn visit(&self, v: &mut Visitor<'_>) {
        let mut entries: Vec<(&K, &M)> = self.iter().collect();
        entries.sort_by_key(|(key, _)| *key);
        for (key, m) in entries {
            v.field(&key.to_string(), m);
        }
    }
}

macro_rules! transparent {
    ($($t:ty),*) => {$(
        /// What it points to, under the same names.
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
transparent!(Box<M>, Rc<M>, Arc<M>, &M, &mut M);

macro_rules! tuples {
    ($(($($t:ident $i:tt),*))*) => {$(
        /// Items under their indices.
        impl<$($t: Module),*> Module for ($($t,)*) {
            fn visit(&self, v: &mut Visitor<'_>) {
                $(v.field(stringify!($i), &self.$i);)*
            }
        }
    )*};
}
tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}

/// Plain settings beside the layers hold no parameters.
macro_rules! plain {
    ($($t:ty),* $(,)?) => {$(
        /// A setting, which holds no parameters.
        impl Module for $t {
            fn visit(&self, _: &mut Visitor<'_>) {}
        }
    )*};
}
plain! {
    (), bool, char, str, String,
    u8, u16, u32, u64, u128, usize,
    i8, i16, i32, i64, i128, isize,
    f32, f64,
    std::num::NonZeroU8, std::num::NonZeroU16, std::num::NonZeroU32, std::num::NonZeroU64, std::num::NonZeroUsize,
    std::num::NonZeroI32, std::num::NonZeroI64,
    std::time::Duration, std::time::Instant, std::time::SystemTime,
    std::path::Path, std::path::PathBuf, std::ffi::OsString,
    std::ops::Range<usize>, std::ops::RangeInclusive<usize>,
    std::sync::atomic::AtomicBool, std::sync::atomic::AtomicUsize, std::sync::atomic::AtomicU64,
    DType, Shape,
}

/// It holds nothing.
impl<T: ?Sized> Module for PhantomData<T> {
    fn visit(&self, _: &mut Visitor<'_>) {}
}
