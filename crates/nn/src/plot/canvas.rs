//! What all pictures share: the file, ranges of axes and their ticks, colours, the place of a legend.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use wengert_tensor::{Error, ErrorKind, Result, Site};

pub(super) const SIZE: (u32, u32) = (640, 480);

#[track_caller]
pub(super) fn fail(path: &Path, e: impl std::fmt::Display) -> Error {
    Site::unplaced("").error(ErrorKind::Io {
        path: Some(path.display().to_string()),
        kind: std::io::ErrorKind::Other,
        reason: e.to_string(),
    })
}

/// Draws into a string first: a file is written whole or not at all.
#[track_caller]
pub(super) fn save(
    path: &Path,
    size: (u32, u32),
    draw: impl FnOnce(
        &DrawingArea<SVGBackend<'_>, Shift>,
    ) -> std::result::Result<(), Box<dyn std::error::Error>>,
) -> Result<()> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(|e| fail(path, e))?;
        draw(&area).map_err(|e| fail(path, e))?;
        area.present().map_err(|e| fail(path, e))?;
    }
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| fail(path, e))?;
    }
    std::fs::write(path, svg).map_err(|e| fail(path, e))
}

/// The smallest and largest finite value, a little apart where they are equal.
pub(super) fn range<'a>(values: impl IntoIterator<Item = &'a f64>) -> std::ops::Range<f64> {
    let (lo, hi) = values
        .into_iter()
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), &v| {
            (lo.min(v), hi.max(v))
        });
    if lo > hi {
        return 0.0..1.0;
    }
    let pad = if hi > lo { 0.04 * (hi - lo) } else { 0.5 };
    lo - pad..hi + pad
}

/// Colours that tell apart on white, also for the colour-blind (Okabe and Ito, 2008).
pub(super) const INKS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

/// Writes the ticks of an axis: as many places as its span needs, no trailing zeros, no negative zero.
pub(super) fn tick(span: &std::ops::Range<f64>) -> impl Fn(&f64) -> String + use<> {
    let finest = (span.end - span.start).abs() / 100.0;
    let places = (-finest.log10()).ceil().clamp(0.0, 12.0) as usize;
    move |v| {
        let text = format!("{v:.places$}");
        let text = match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.'),
            false => text.as_str(),
        };
        if text == "-0" {
            "0".into()
        } else {
            text.into()
        }
    }
}

/// Whether two curves are within a hundredth of the axis of one another everywhere.
pub(super) fn coincide(a: &[f64], b: &[f64], axis: &std::ops::Range<f64>) -> bool {
    let near = 0.01 * (axis.end - axis.start);
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < near)
}

/// The corner or side that hides the fewest of these points (shares of width and height).
pub(super) fn emptiest(points: &[(f64, f64)]) -> SeriesLabelPosition {
    use SeriesLabelPosition::*;
    let places = [
        (UpperRight, 0.65, 0.7),
        (LowerRight, 0.65, 0.0),
        (MiddleRight, 0.65, 0.35),
        (UpperLeft, 0.0, 0.7),
        (LowerLeft, 0.0, 0.0),
        (UpperMiddle, 0.33, 0.7),
        (LowerMiddle, 0.33, 0.0),
    ];
    let hidden = |x: f64, y: f64| {
        let inside =
            |p: &&(f64, f64)| (x..=x + 0.35).contains(&p.0) && (y..=y + 0.3).contains(&p.1);
        points.iter().filter(inside).count()
    };
    let best = places.into_iter().min_by_key(|(_, x, y)| hidden(*x, *y));
    best.map_or(UpperRight, |(place, ..)| place)
}

/// Points within ranges as shares of them.
pub(super) fn shares<'a>(
    points: impl Iterator<Item = (f64, f64)> + 'a,
    x: &std::ops::Range<f64>,
    y: &std::ops::Range<f64>,
) -> Vec<(f64, f64)> {
    let share = |v: f64, r: &std::ops::Range<f64>| (v - r.start) / (r.end - r.start);
    points.map(|(a, b)| (share(a, x), share(b, y))).collect()
}
