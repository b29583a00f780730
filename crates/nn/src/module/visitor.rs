//! The visitor that a module shows its fields to, under their names.

use super::{AnyBuffer, AnyParam, Module, Stream, Training};

/// A module's [`Module::visit`]. What goes through modules takes this and not the module, to be there once and not for
/// every type of module.
pub(crate) type Visit<'a> = &'a dyn Fn(&mut Visitor<'_>);

pub(crate) fn walk(visit: Visit<'_>, report: &mut dyn FnMut(&str, Entry<'_>)) {
    visit(&mut Visitor {
        path: String::new(),
        report,
    });
}

/// What a module shows its fields to.
pub struct Visitor<'a> {
    path: String,
    report: &'a mut dyn FnMut(&str, Entry<'_>),
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
        (self.report)(&self.path, entry);
    }
}
