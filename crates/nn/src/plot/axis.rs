//! An axis: the range that it spans, its ticks, and how they are written.
//!
//! Invariant: it spans a finite range of more than one number, and nothing that is computed of it overflows: a range may be
//! wider than the largest number, or as narrow as two neighbours.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

#[derive(Clone, Debug)]
pub(super) struct Axis {
    from: f64,
    to: f64,
}

/// As many ticks as an axis has at most.
const TICKS: usize = 11;

impl Axis {
    /// Of two finite numbers, the lower first.
    pub fn new(from: f64, to: f64) -> Axis {
        debug_assert!(from < to && from.is_finite() && to.is_finite());
        Axis { from, to }
    }

    /// Around the values that are finite, with this share of their span as margin at each end; from 0 to 1 where there are
    /// none, with some room around a single one.
    pub fn around(values: impl IntoIterator<Item = f64>, margin: f64) -> Axis {
        let (mut from, mut to) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.into_iter().filter(|v| v.is_finite()) {
            (from, to) = (from.min(v), to.max(v));
        }
        if from > to {
            return Axis::new(0.0, 1.0);
        }
        let pad = match from < to {
            true => 2.0 * margin * (to / 2.0 - from / 2.0),
            false => (0.05 * to.abs()).max(0.5),
        };
        Axis {
            from: from - pad,
            to: to + pad,
        }
        .within(f64::MAX)
    }

    /// The part that numbers up to `most` reach.
    pub fn within(&self, most: f64) -> Axis {
        Axis::new(self.from.max(-most), self.to.min(most))
    }

    /// What numbers near the largest are multiplied by, so that their differences are finite.
    fn scale(&self) -> f64 {
        match self.largest() > 1e300 {
            true => 0.25,
            false => 1.0,
        }
    }

    fn largest(&self) -> f64 {
        self.from.abs().max(self.to.abs())
    }

    /// Where a value lies: 0 at the start, 1 at the end.
    pub fn share(&self, v: f64) -> f64 {
        let s = self.scale();
        (v * s - self.from * s) / (self.to * s - self.from * s)
    }

    /// The value that lies there.
    pub fn at(&self, share: f64) -> f64 {
        self.from * (1.0 - share) + self.to * share
    }

    /// A tenth of the span.
    fn tenth(&self) -> f64 {
        let s = self.scale();
        (self.to * s - self.from * s) / 10.0 / s
    }

    /// Round numbers in steps of 1, 2 or 5 times a power of ten; the ends where there are no two.
    pub fn ticks(&self) -> Vec<f64> {
        let tenth = self.tenth();
        let power = 10f64.powi(tenth.log10().floor() as i32);
        let steps = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
        let step = steps.into_iter().find(|s| *s >= 0.999 * tenth);
        let Some(step) = step.filter(|s| s.is_normal()) else {
            return vec![self.from, self.to];
        };
        // An end that is a tick but for rounding is one.
        let first = (self.from / step - 1e-9).ceil();
        let mut out: Vec<f64> = Vec::with_capacity(TICKS);
        for k in 0..=TICKS {
            let tick = (first + k as f64) * step;
            if !(-1e-8..=1.0 + 1e-8).contains(&self.share(tick)) {
                continue;
            }
            let tick = tick.clamp(self.from, self.to);
            // Where the step is below the distance of numbers, several are the same.
            if out.last() != Some(&tick) {
                out.push(tick);
            }
        }
        match out.len() {
            0 | 1 => vec![self.from, self.to],
            _ => out,
        }
    }

    /// Writes a tick: as many places as the span needs, no trailing zeros, no negative zero; very large and very small
    /// numbers with an exponent.
    pub fn label(&self, v: f64) -> String {
        let (largest, finest) = (self.largest(), self.tenth() / 10.0);
        let places = |x: f64| x.clamp(0.0, 17.0) as usize;
        let plain = |text: &str| match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
            false => text.to_string(),
        };
        if (1e-6..1e7).contains(&largest) {
            let places = places((-finest.log10()).ceil());
            return match plain(&format!("{v:.places$}")) {
                zero if zero == "-0" => "0".into(),
                text => text,
            };
        }
        if v.abs() < finest / 100.0 {
            return "0".into();
        }
        let places =
            places(largest.log10().floor() - finest.max(f64::MIN_POSITIVE).log10().floor());
        let text = format!("{v:.places$e}");
        match text.split_once('e') {
            Some((digits, power)) => format!("{}e{power}", plain(digits)),
            None => text,
        }
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, v: &f64, (from, to): (i32, i32)) -> i32 {
        let length = f64::from(to) - f64::from(from);
        // A little towards the end, so that a whole pixel is not lost to rounding.
        let moved = length * self.share(*v) + 1e-3 * length.signum();
        from.saturating_add(moved.trunc() as i32)
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<f64> {
        match hint.weight().allow_light_points() {
            true => Vec::new(),
            false => self.ticks(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_the_places_that_they_need() {
        let ticks = |from, to, v: &[f64]| {
            let axis = Axis::new(from, to);
            v.iter().map(|v| axis.label(*v)).collect::<Vec<_>>()
        };
        assert_eq!(
            ticks(0.0, 1000.0, &[0.0, 100.0, 900.0]),
            ["0", "100", "900"]
        );
        assert_eq!(
            ticks(-1.0, 1.0, &[-0.5, -1e-17, 0.25]),
            ["-0.5", "0", "0.25"]
        );
        assert_eq!(ticks(0.0, 1e-5, &[2e-6, 4.5e-6]), ["0.000002", "0.0000045"]);
        assert_eq!(ticks(0.0, 1e9, &[2e8, 1e9]), ["2e8", "1e9"]);
        assert_eq!(ticks(0.0, 1e-20, &[0.0, 2.5e-21]), ["0", "2.5e-21"]);
        assert_eq!(ticks(1e9, 1e9 + 10.0, &[1e9 + 1.0]), ["1.000000001e9"]);
    }

    #[test]
    fn ticks_are_round_few_and_within() {
        let labels = |from, to| {
            let axis = Axis::new(from, to);
            let ticks = axis.ticks();
            ticks.iter().map(|v| axis.label(*v)).collect::<Vec<_>>()
        };
        assert_eq!(
            labels(0.0, 1.0).join(" "),
            "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"
        );
        assert_eq!(labels(-0.3, 1.3).join(" "), "-0.2 0 0.2 0.4 0.6 0.8 1 1.2");
        assert_eq!(labels(0.0, 39.0).join(" "), "0 5 10 15 20 25 30 35");
        assert_eq!(
            labels(-1e308, 1e308).join(" "),
            "-1e308 -8e307 -6e307 -4e307 -2e307 0 2e307 4e307 6e307 8e307 1e308"
        );
        let next = 1.0 + f64::EPSILON;
        for (from, to) in [
            (-f64::MAX, f64::MAX),
            (0.0, f64::MAX),
            (0.0, 5e-324),
            (-5e-324, 5e-324),
            (1e-310, 3e-310),
            (1.0, next),
            (-next, -1.0),
            (1e300, 1e300 * next),
            (1e16, 1e16 + 4.0),
            (-1e-300, 1e300),
        ] {
            let axis = Axis::new(from, to);
            let ticks = axis.ticks();
            assert!((2..=TICKS).contains(&ticks.len()), "{axis:?} {ticks:?}");
            assert!(ticks.is_sorted_by(|a, b| a < b), "{axis:?} {ticks:?}");
            assert!(
                ticks.iter().all(|t| (from..=to).contains(t)),
                "{axis:?} {ticks:?}"
            );
            assert!(
                ticks.iter().all(|t| axis.label(*t).len() < 26),
                "{axis:?} {ticks:?}"
            );
            assert_eq!([axis.share(from), axis.share(to)], [0.0, 1.0]);
            assert_eq!(
                [axis.map(&from, (7, 100)), axis.map(&to, (7, 100))],
                [7, 100]
            );
            assert_eq!(
                [axis.map(&from, (100, 7)), axis.map(&to, (100, 7))],
                [100, 7]
            );
            assert_eq!([axis.at(0.0), axis.at(1.0)], [from, to]);
        }
    }

    #[test]
    fn a_range_is_around_what_is_finite() {
        let around = |v: &[f64]| {
            let axis = Axis::around(v.iter().copied(), 0.04);
            (axis.from, axis.to)
        };
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        assert_eq!(around(&[]), (0.0, 1.0));
        assert_eq!(around(&[nan, inf, -inf]), (0.0, 1.0));
        assert_eq!(around(&[nan, 3.0, inf]), (2.5, 3.5));
        assert_eq!(around(&[0.0, 100.0]), (-4.0, 104.0));
        assert_eq!(around(&[1e308, -1e308]), (-1.08e308, 1.08e308));
        assert_eq!(around(&[f64::MAX, -f64::MAX]), (-f64::MAX, f64::MAX));
        assert_eq!(around(&[f64::MAX]).1, f64::MAX);
        let (from, to) = around(&[1e300]);
        assert!(from < 1e300 && to > 1e300);
        assert_eq!(around(&[0.0, 5e-324]), (0.0, 5e-324));
    }
}
