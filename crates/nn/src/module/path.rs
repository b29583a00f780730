//! Where in a model an error happened: `in net.2 (Linear 2 -> 1)`.

use wengert_tensor::Error;

use super::Module;

/// Adds the module that a call was made in, and its path in the whole model where that is known (a parameter knows it, once
/// the model has been asked for its parameters).
pub(crate) fn in_module(mut e: Error, module: &dyn Module, path: Option<&str>) -> Error {
    let kind = module.kind();
    e.site_mut().rooted = path.is_some();
    match path {
        Some(path) => e.within(format!("{path} ({kind})")),
        None => e.within(kind),
    }
}

/// Adds the place of a layer in a list of layers, unless the path in the whole model is known.
pub(crate) fn in_list(mut e: Error, i: usize, layer: &dyn Module) -> Error {
    if e.site().rooted {
        return e;
    }
    let kind = layer.kind();
    match e.site_mut().within.last_mut() {
        Some(inner) if *inner == kind => *inner = format!("{i} ({kind})"),
        // The layer is a list itself.
        Some(inner) if kind == LIST => *inner = format!("{i}.{inner}"),
        _ => return e.within(format!("{i} ({kind})")),
    }
    e
}

/// The kind of a list of layers.
pub(crate) const LIST: &str = "Sequential";
