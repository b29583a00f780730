//! `#[derive(Module)]` for Wengert: shows every field to the visitor, under its
//! name. `wengert` re-exports it; there is no need to name this crate.
//!
//! ```text
//! #[derive(Module)]
//! struct Encoder {
//!     layers: Vec<Linear>,          // layers.0.weight, layers.0.bias, …
//!     scale: Param,                 // scale
//!     #[module(rename = "head")]
//!     output: Option<Linear>,       // head.weight, head.bias, where there is one
//!     width: usize,                 // a setting
//!     #[module(skip)]
//!     log: std::fs::File,
//! }
//! ```

mod expand;
mod options;

use syn::{DeriveInput, parse_macro_input};

/// Implements `Module` for a struct, or for an enum, whose active variant is visited.
///
/// Every field must be a module, a `Param`, a `Buffer`, or an `Option`, `Vec`, array, tuple, map or pointer of them;
/// numbers, booleans, texts, durations, paths and `PhantomData` pass as settings. A field has its name, one of a tuple
/// its index. The name of a variant is no part of a name: the variants of an enum are alternatives for one place.
///
/// For generics no bound has to be written: the implementation asks that the types of the fields are modules.
///
/// | on a field | |
/// |---|---|
/// | `#[module(skip)]` | leaves the field out |
/// | `#[module(rename = "name")]` | visits it under another name |
///
/// On the type, `#[module(crate = path)]` names the crate that `Module` comes from, where it is not `wengert`. An option in
/// a place where it means nothing is an error, and so are two fields of one name.
#[proc_macro_derive(Module, attributes(module))]
pub fn derive_module(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::expand(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
