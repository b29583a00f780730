//! Curves over an index.

use std::path::Path;

use plotters::prelude::*;
use wengert_tensor::Result;

use super::canvas::*;

/// Curves over their index, with a legend; `labels` are those of the axes.
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
    (x_label, y_label): (&str, &str),
    first: f64,
    curves: &[(&str, &[f64])],
) -> Result<()> {
    let longest = curves
        .iter()
        .map(|(_, v)| v.len())
        .max()
        .unwrap_or(0)
        .max(2);
    let x = first..first + (longest - 1) as f64;
    let y = range(curves.iter().flat_map(|(_, v)| v.iter()));
    let points = |values: &'_ [f64]| -> Vec<(f64, f64)> {
        let numbered = values.iter().enumerate().filter(|(_, v)| v.is_finite());
        numbered.map(|(i, v)| (first + i as f64, *v)).collect()
    };
    let all = curves.iter().flat_map(|(_, v)| points(v));
    let legend = emptiest(&shares(all, &x, &y));
    save(path, SIZE, |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(x.clone(), y.clone())?;
        chart
            .configure_mesh()
            .max_light_lines(0)
            .x_label_formatter(&tick(&x))
            .y_label_formatter(&tick(&y))
            .x_desc(x_label)
            .y_desc(y_label)
            .draw()?;
        for (i, (name, values)) in curves.iter().enumerate() {
            let color = INKS[i % INKS.len()];
            // A curve that a later one covers shows as its border.
            let covers = |(_, later): &(&str, &[f64])| coincide(values, later, &y);
            let width = if curves[i + 1..].iter().any(covers) {
                6
            } else {
                2
            };
            chart
                .draw_series(LineSeries::new(points(values), color.stroke_width(width)))?
                .label(*name)
                .legend(move |(x, y)| {
                    PathElement::new(vec![(x, y), (x + 20, y)], color.stroke_width(2))
                });
        }
        chart
            .configure_series_labels()
            .position(legend)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.4))
            .draw()?;
        Ok(())
    })
}
