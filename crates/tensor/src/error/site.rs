//! Where a call failed, and on what.

use std::fmt;
use std::panic::Location;

use super::{Error, ErrorKind, user_line};
use crate::dtype::DType;
use crate::shape::Shape;

/// One operand of a failed call, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Its role in the call: `lhs`, `rhs`, `self`, `index` …
    pub role: &'static str,
    /// Its element type.
    pub dtype: DType,
    /// Its shape.
    pub shape: Shape,
    /// The axis that broke the rule, if it was one.
    pub axis: Option<usize>,
}

/// Where a call failed, and on what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// The operation; empty where none is known.
    pub op: &'static str,
    /// The file that was read.
    pub file: Option<String>,
    /// Its operands.
    pub operands: Vec<Operand>,
    /// The caller's line, where it is known.
    pub at: Option<&'static Location<'static>>,
    /// The modules around the call, innermost first: `fc1 (Linear 6272 -> 10)`.
    pub within: Vec<String>,
    /// Whether the outermost of them has the path that it has in the whole model.
    pub rooted: bool,
    /// What would probably mend it.
    pub hint: Option<String>,
}

impl Site {
    /// A site without operands at the caller's line.
    #[track_caller]
    pub fn new(op: &'static str) -> Site {
        Site::at(op, Location::caller())
    }

    /// A site without operands at a line, or at that of the user whom the call is made for.
    pub fn at(op: &'static str, at: &'static Location<'static>) -> Site {
        Site {
            op,
            at: Some(user_line(at)),
            ..Site::default()
        }
    }

    /// A site whose line is not the caller's business: within a file, say.
    pub fn unplaced(op: &'static str) -> Site {
        Site {
            op,
            ..Site::default()
        }
    }

    /// Adds an operand.
    pub fn operand(mut self, role: &'static str, dtype: DType, shape: &Shape) -> Site {
        self.operands.push(Operand {
            role,
            dtype,
            shape: shape.clone(),
            axis: None,
        });
        self
    }

    /// Adds an operand and the axis of it that broke the rule.
    pub fn operand_axis(
        mut self,
        role: &'static str,
        dtype: DType,
        shape: &Shape,
        axis: usize,
    ) -> Site {
        self.operands.push(Operand {
            role,
            dtype,
            shape: shape.clone(),
            axis: Some(axis),
        });
        self
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Site {
        self.hint = Some(hint.into());
        self
    }

    /// The error of this kind here.
    #[cold]
    #[inline(never)]
    pub fn error(self, kind: ErrorKind) -> Error {
        Error::of(kind, self)
    }

    /// Writes what failed here: the operation and `what`, then a line each for the operands, the rule, the place, the hint.
    pub(super) fn render(
        &self,
        f: &mut fmt::Formatter<'_>,
        what: &dyn fmt::Display,
        rule: Option<&str>,
        hint: Option<&str>,
    ) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        if !self.op.is_empty() {
            write!(f, "{}: ", self.op)?;
        }
        write!(f, "{what}")?;
        let roles = self.operands.iter().map(|o| o.role.len());
        let width = roles.max().unwrap_or(0).max(4);
        for o in &self.operands {
            write!(f, "\n  {:width$}  {} {}", o.role, o.dtype, o.shape)?;
            if let Some(axis) = o.axis {
                let size = o.shape.get(axis).copied().unwrap_or(1);
                write!(f, "    axis {axis} = {size}")?;
            }
        }
        if let Some(rule) = rule {
            write!(f, "\n  {:width$}  {rule}", "rule")?;
        }
        match (self.within.is_empty(), self.at) {
            (true, Some(at)) => write!(f, "\n  {:width$}  {at}", "at")?,
            (true, None) => {}
            (false, at) => {
                write!(f, "\n  {:width$}  {}", "in", self.within.join(", in "))?;
                if let Some(at) = at {
                    write!(f, "  at {at}")?;
                }
            }
        }
        if let Some(hint) = self.hint.as_deref().or(hint) {
            write!(f, "\n  {:width$}  {hint}", "hint")?;
        }
        Ok(())
    }
}
