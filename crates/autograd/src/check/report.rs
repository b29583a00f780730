//! What a gradient check found.

use std::fmt;

/// An element of a Jacobian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which input.
    pub input: usize,
    /// Which element of it (empty for a projection).
    pub input_index: Vec<usize>,
    /// Which output.
    pub output: usize,
    /// Which element of it (empty for a projection).
    pub output_index: Vec<usize>,
}

/// The element of the Jacobian that is furthest off.
#[derive(Clone, Debug, PartialEq)]
pub struct Worst {
    /// Where.
    pub place: Place,
    /// What the tape says.
    pub analytic: f64,
    /// What the differences say.
    pub numeric: f64,
}

/// What a gradient check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub(super) what: &'static str,
    /// The op that made the output.
    pub op: &'static str,
    /// Elements of the Jacobian (or projections) compared.
    pub compared: usize,
    /// How many of them were off.
    pub failed: usize,
    /// The one furthest off, relative to what is allowed; `None` if nothing was compared.
    pub worst: Option<Worst>,
    /// The seed that repeats the run.
    pub seed: u64,
    /// Whether projections were compared.
    pub fast: bool,
    pub(super) eps: f64,
    pub(super) atol: f64,
    pub(super) rtol: f64,
}

impl Report {
    /// How far off, in units of what is allowed; infinite where one of the two is not finite.
    fn excess(&self, analytic: f64, numeric: f64) -> f64 {
        if analytic == numeric || (analytic.is_nan() && numeric.is_nan()) {
            return 0.0;
        }
        let off = (analytic - numeric).abs() / (self.atol + self.rtol * numeric.abs());
        if off.is_nan() { f64::INFINITY } else { off }
    }

    pub(super) fn compare(&mut self, analytic: f64, numeric: f64, place: impl FnOnce() -> Place) {
        self.compared += 1;
        let excess = self.excess(analytic, numeric);
        if excess > 1.0 {
            self.failed += 1;
        }
        let before = self
            .worst
            .as_ref()
            .map_or(-1.0, |w| self.excess(w.analytic, w.numeric));
        if excess > before {
            self.worst = Some(Worst {
                place: place(),
                analytic,
                numeric,
            });
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failed == 0 {
            write!(
                f,
                "gradcheck: the {} of {} agrees in {} places",
                self.what, self.op, self.compared
            )?;
        } else {
            write!(
                f,
                "gradcheck: the {} of {} is wrong in {} of {} places",
                self.what, self.op, self.failed, self.compared
            )?;
        }
        if let Some(Worst {
            place,
            analytic,
            numeric,
        }) = &self.worst
        {
            let of = if self.fast {
                format!(
                    "projection of output {} on input {}",
                    place.output, place.input
                )
            } else {
                format!(
                    "d output {}{:?} / d input {}{:?}",
                    place.output, place.output_index, place.input, place.input_index
                )
            };
            write!(f, "\n  worst     {of}")?;
            write!(f, "\n  analytic  {analytic:e}")?;
            write!(f, "\n  numeric   {numeric:e}")?;
            write!(
                f,
                "\n  off by    {:e}, allowed {:e} (atol {:e} + rtol {:e} x |numeric|, eps {:e})",
                (analytic - numeric).abs(),
                self.atol + self.rtol * numeric.abs(),
                self.atol,
                self.rtol,
                self.eps
            )?;
        }
        write!(
            f,
            "\n  repeat    GradCheck::new().seed({}){}",
            self.seed,
            if self.fast { ".fast()" } else { "" }
        )?;
        match self.failed {
            0 => Ok(()),
            _ => write!(
                f,
                "\n  hint      look for `detach` or `no_grad`, a wrong rule of a `Function`, or a kink within eps of the input"
            ),
        }
    }
}

impl std::error::Error for Report {}
