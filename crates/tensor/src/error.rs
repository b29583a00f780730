//! Errors: one enum whose variants hold fields, and one renderer, so that every message names the
//! operation, the shapes as they were given, the rule, the caller's line and one hint.

use std::fmt::{self, Write as _};
use std::panic::Location;

use crate::dtype::DType;
use crate::shape::Shape;

/// The result of a call that can fail on its arguments.
pub type Result<T, E = Error> = std::result::Result<T, E>;

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

/// Where and on what a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The operation.
    pub op: &'static str,
    /// Its operands.
    pub operands: Vec<Operand>,
    /// The caller's line.
    pub at: &'static Location<'static>,
    /// The modules around the call, innermost first: `fc1 (Linear 6272 -> 10)`.
    pub within: Vec<String>,
    /// What would probably mend it.
    pub hint: Option<String>,
}

/// What went wrong in a tensor call.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two operands whose shapes must agree do not.
    #[error("{}", site.render(what, &[("rule", rule)]))]
    ShapeMismatch {
        /// Where.
        site: Box<Site>,
        /// What differs.
        what: &'static str,
        /// The rule that the shapes broke.
        rule: &'static str,
    },
    /// Two shapes that NumPy's rules cannot broadcast.
    #[error("{}", site.render("shapes do not broadcast", &[("rule", "aligned at the last axis, sizes are equal or one of them is 1")]))]
    Broadcast {
        /// Where.
        site: Box<Site>,
    },
    /// A tensor of the wrong number of axes.
    #[error("{}", site.render(&format!("needs {expected}"), &[("rule", rule)]))]
    Rank {
        /// Where.
        site: Box<Site>,
        /// What the call needs.
        expected: &'static str,
        /// The rank that was given.
        rank: usize,
        /// What it must satisfy.
        rule: &'static str,
    },
    /// An axis beyond the rank.
    #[error("{}", site.render(&format!("axis {axis} is out of range"), &[("rule", &axis_rule(*rank))]))]
    AxisOutOfRange {
        /// Where.
        site: Box<Site>,
        /// The axis as given.
        axis: isize,
        /// The tensor's rank.
        rank: usize,
    },
    /// The same axis named twice.
    #[error("{}", site.render(&format!("axis {axis} is named twice"), &[("rule", "each axis at most once")]))]
    RepeatedAxis {
        /// Where.
        site: Box<Site>,
        /// The axis, counted from the front.
        axis: usize,
    },
    /// An index outside its axis.
    #[error("{}", site.render(&format!("index {index} is out of range"), &[("rule", &format!("-{size} <= index < {size} on axis {axis}"))]))]
    IndexOutOfRange {
        /// Where.
        site: Box<Site>,
        /// The index as given.
        index: i64,
        /// The axis it indexes.
        axis: usize,
        /// That axis's size.
        size: usize,
    },
    /// A number that is no class: unlike an index, it does not count from the end.
    #[error("{}", site.render(&format!("{name} {class} is out of range"), &[("rule", &format!("0 <= {name} < {classes}"))]))]
    ClassOutOfRange {
        /// Where.
        site: Box<Site>,
        /// What it is in the call: `target`, `index`.
        name: &'static str,
        /// The number as given.
        class: i64,
        /// How many classes there are.
        classes: usize,
    },
    /// A shape of another number of elements.
    #[error("{}", site.render(&format!("cannot become {to}"), &[("rule", rule)]))]
    Reshape {
        /// Where.
        site: Box<Site>,
        /// The shape asked for, as text (an inferred axis shows as `?`).
        to: String,
        /// The rule that it broke.
        rule: &'static str,
    },
    /// A vector of data that does not fill the shape.
    #[error("{}", site.render(&format!("{len} values for shape {shape}"), &[("rule", "as many values as the shape has elements")]))]
    DataLength {
        /// Where.
        site: Box<Site>,
        /// How many values were given.
        len: usize,
        /// The shape they should fill.
        shape: Shape,
    },
    /// A shape whose size in bytes does not fit the address space.
    #[error("{}", site.render(&format!("shape {shape} is too large"), &[("rule", "elements times their size must not pass isize::MAX bytes")]))]
    SizeOverflow {
        /// Where.
        site: Box<Site>,
        /// The shape asked for.
        shape: Shape,
    },
    /// The system refused the memory.
    #[error("{}", site.render(&format!("out of memory: {bytes} bytes refused"), &[]))]
    OutOfMemory {
        /// Where.
        site: Box<Site>,
        /// The bytes asked for.
        bytes: usize,
    },
    /// A reduction without an identity, over no elements.
    #[error("{}", site.render("nothing to reduce", &[("rule", "the reduced axes must not be empty: there is no identity")]))]
    EmptyReduction {
        /// Where.
        site: Box<Site>,
    },
    /// Any other argument out of its domain.
    #[error("{}", site.render(&format!("{name} = {value}"), &[("rule", rule)]))]
    InvalidArgument {
        /// Where.
        site: Box<Site>,
        /// The argument.
        name: &'static str,
        /// Its value, as text.
        value: String,
        /// What it must satisfy.
        rule: &'static str,
    },
    /// A file that could not be read or written.
    #[error("{op}: {path}: {reason}")]
    Io {
        /// The call.
        op: &'static str,
        /// The file.
        path: String,
        /// The system's kind of failure.
        kind: std::io::ErrorKind,
        /// The system's words.
        reason: String,
    },
    /// Bytes that are not what their format says.
    #[error("{format}: {reason} (at byte {offset}){}", hint.as_ref().map(|h| format!("\n  hint {h}")).unwrap_or_default())]
    Format {
        /// The format: `npy`, `safetensors`, `IDX`, `CSV`.
        format: &'static str,
        /// Where in the file.
        offset: u64,
        /// What is wrong there.
        reason: String,
        /// What would probably mend it.
        hint: Option<String>,
    },
}

fn axis_rule(rank: usize) -> String {
    match rank {
        0 => "a scalar has no axes".to_string(),
        _ => format!("-{rank} <= axis < {rank}"),
    }
}

impl Site {
    /// A site without operands at the caller's line.
    #[track_caller]
    pub fn new(op: &'static str) -> Box<Site> {
        Box::new(Site {
            op,
            operands: Vec::new(),
            at: Location::caller(),
            within: Vec::new(),
            hint: None,
        })
    }

    /// Adds an operand.
    pub fn operand(
        mut self: Box<Self>,
        role: &'static str,
        dtype: DType,
        shape: &Shape,
    ) -> Box<Site> {
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
        mut self: Box<Self>,
        role: &'static str,
        dtype: DType,
        shape: &Shape,
        axis: usize,
    ) -> Box<Site> {
        self.operands.push(Operand {
            role,
            dtype,
            shape: shape.clone(),
            axis: Some(axis),
        });
        self
    }

    /// Adds a hint.
    pub fn hint(mut self: Box<Self>, hint: impl Into<String>) -> Box<Site> {
        self.hint = Some(hint.into());
        self
    }

    fn render(&self, what: &str, lines: &[(&str, &str)]) -> String {
        let mut s = format!("{}: {what}", self.op);
        let width = self
            .operands
            .iter()
            .map(|o| o.role.len())
            .max()
            .unwrap_or(0)
            .max(4);
        for o in &self.operands {
            let _ = write!(s, "\n  {:width$}  {} {}", o.role, o.dtype, o.shape);
            if let Some(axis) = o.axis {
                let _ = write!(
                    s,
                    "    axis {axis} = {}",
                    o.shape.get(axis).copied().unwrap_or(1)
                );
            }
        }
        for (key, text) in lines {
            let _ = write!(s, "\n  {key:width$}  {text}");
        }
        if self.within.is_empty() {
            let _ = write!(s, "\n  {:width$}  {}", "at", self.at);
        } else {
            let _ = write!(
                s,
                "\n  {:width$}  {}  at {}",
                "in",
                self.within.join(", in "),
                self.at
            );
        }
        if let Some(hint) = &self.hint {
            let _ = write!(s, "\n  {:width$}  {hint}", "hint");
        }
        s
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render("failed", &[]))
    }
}

/// As it prints: what ends a `main` or meets an `unwrap` is to be read.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// Where the call failed; `None` for files.
    pub fn site(&self) -> Option<&Site> {
        match self {
            Error::ShapeMismatch { site, .. }
            | Error::Broadcast { site }
            | Error::Rank { site, .. }
            | Error::AxisOutOfRange { site, .. }
            | Error::RepeatedAxis { site, .. }
            | Error::IndexOutOfRange { site, .. }
            | Error::ClassOutOfRange { site, .. }
            | Error::Reshape { site, .. }
            | Error::DataLength { site, .. }
            | Error::SizeOverflow { site, .. }
            | Error::OutOfMemory { site, .. }
            | Error::EmptyReduction { site }
            | Error::InvalidArgument { site, .. } => Some(site),
            Error::Io { .. } | Error::Format { .. } => None,
        }
    }

    /// The site, to add to it.
    pub fn site_mut(&mut self) -> Option<&mut Site> {
        match self {
            Error::ShapeMismatch { site, .. }
            | Error::Broadcast { site }
            | Error::Rank { site, .. }
            | Error::AxisOutOfRange { site, .. }
            | Error::RepeatedAxis { site, .. }
            | Error::IndexOutOfRange { site, .. }
            | Error::ClassOutOfRange { site, .. }
            | Error::Reshape { site, .. }
            | Error::DataLength { site, .. }
            | Error::SizeOverflow { site, .. }
            | Error::OutOfMemory { site, .. }
            | Error::EmptyReduction { site }
            | Error::InvalidArgument { site, .. } => Some(site),
            Error::Io { .. } | Error::Format { .. } => None,
        }
    }

    /// Adds the module that the call was made in (`fc1 (Linear 6272 -> 10)`), innermost first.
    pub fn within(mut self, module: impl Into<String>) -> Error {
        if let Some(site) = self.site_mut() {
            site.within.push(module.into());
        }
        self
    }

    /// Adds a hint where there is none yet.
    pub fn or_hint(mut self, hint: impl Into<String>) -> Error {
        if let Some(site) = self.site_mut() {
            site.hint.get_or_insert_with(|| hint.into());
        }
        self
    }

    /// Names the operation anew, for a call made of others.
    pub fn rename(mut self, op: &'static str) -> Error {
        if let Some(site) = self.site_mut() {
            site.op = op;
        }
        self
    }

    /// From an I/O failure on a path.
    pub fn io(op: &'static str, path: impl AsRef<std::path::Path>, e: &std::io::Error) -> Error {
        Error::Io {
            op,
            path: path.as_ref().display().to_string(),
            kind: e.kind(),
            reason: e.to_string(),
        }
    }

    /// An argument out of its domain.
    #[track_caller]
    pub fn invalid(
        op: &'static str,
        name: &'static str,
        value: impl fmt::Display,
        rule: &'static str,
    ) -> Error {
        Error::InvalidArgument {
            site: Site::new(op),
            name,
            value: value.to_string(),
            rule,
        }
    }
}
