//! Curves over an index.

use std::path::Path;

use plotters::style::Color;
use wengert_tensor::Result;

use super::axis::Axis;
use super::canvas::*;

/// Curves over their index, with a legend; `labels` are those of the axes.
///
/// A value that is not finite breaks its curve, and a single value is a dot. A curve without a name is not in the legend.
///
/// # Errors
/// If the file cannot be written.
///
/// ```
/// let (train, test) = (vec![0.7, 0.4, 0.3], vec![0.8, 0.5, 0.45]);
/// let file = std::env::temp_dir().join("wengert_curves.svg");
/// let named = [("train", train), ("test", test)];
/// wengert::nn::plot::curves(&file, "Loss", ("epoch", "loss"), &named)?;
/// assert!(std::fs::read_to_string(&file).unwrap().contains("train"));
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn curves(
    path: impl AsRef<Path>,
    title: &str,
    labels: (&str, &str),
    curves: &[(&str, impl AsRef<[f64]>)],
) -> Result<()> {
    let curves: Vec<_> = curves.iter().map(|(name, v)| (*name, v.as_ref())).collect();
    curves_from(path.as_ref(), title, labels, 0.0, &curves)
}

/// As [`curves`], the index counted from `first`.
#[track_caller]
pub(crate) fn curves_from(
    path: &Path,
    title: &str,
    labels: (&str, &str),
    first: f64,
    curves: &[(&str, &[f64])],
) -> Result<()> {
    let longest = curves.iter().map(|(_, v)| v.len()).max();
    let x = Axis::new(first, first + longest.unwrap_or(0).max(2) as f64 - 1.0);
    let y = Axis::around(curves.iter().flat_map(|(_, v)| v.iter().copied()), 0.04);
    let points = |values: &[f64]| -> Vec<(f64, f64)> {
        let numbered = values.iter().enumerate();
        numbered.map(|(i, v)| (first + i as f64, *v)).collect()
    };
    let place = emptiest(curves.iter().flat_map(|(_, v)| points(v)), &x, &y);
    save(path, SIZE, |area| {
        let frame = Frame {
            title,
            x: &x,
            y: &y,
            labels,
            mesh: true,
        };
        let mut chart = frame.on(area)?;
        let ink = |i: usize| INKS[i % INKS.len()];
        for (i, (_, values)) in curves.iter().enumerate() {
            // A curve that a later one covers shows as its border.
            let covers = |(_, later): &(&str, &[f64])| coincide(values, later, &y);
            let width = match curves[i + 1..].iter().any(covers) {
                true => 6,
                false => 2,
            };
            line(&mut chart, &points(values), ink(i).stroke_width(width))?;
        }
        let names = curves.iter().enumerate();
        let names: Vec<_> = names.map(|(i, c)| (c.0, Mark::Line(ink(i)))).collect();
        legend(&mut chart, place, &names)
    })
}
