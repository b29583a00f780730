//! Pictures of training, as SVG: curves, decision surfaces, scatter plots, matrices. (Feature `plot`.)

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::error::{Error, Result};

const SIZE: (u32, u32) = (640, 480);

fn fail(path: &Path, e: impl std::fmt::Display) -> Error {
    Error::Io {
        path: path.display().to_string(),
        reason: e.to_string(),
    }
}

/// Draws into a string first: a file is written whole or not at all.
fn save(
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
fn range<'a>(values: impl IntoIterator<Item = &'a f64>) -> std::ops::Range<f64> {
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

/// Curves over their index, with a legend.
///
/// # Errors
/// If the file cannot be written.
pub fn curves(
    path: impl AsRef<Path>,
    title: &str,
    labels: (&str, &str),
    curves: &[(&str, &[f64])],
) -> Result<()> {
    curves_from(path.as_ref(), title, labels, 0.0, curves)
}

/// As [`curves`], the index counted from `first`.
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
    let y = range(curves.iter().flat_map(|(_, v)| v.iter()));
    save(path, SIZE, |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(first..first + (longest - 1) as f64, y)?;
        chart
            .configure_mesh()
            .x_desc(x_label)
            .y_desc(y_label)
            .draw()?;
        for (i, (name, values)) in curves.iter().enumerate() {
            let color = Palette99::pick(i).to_rgba();
            let points = values
                .iter()
                .enumerate()
                .filter(|(_, v)| v.is_finite())
                .map(|(i, v)| (first + i as f64, *v));
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| {
                    PathElement::new(vec![(x, y), (x + 20, y)], color.stroke_width(2))
                });
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .draw()?;
        Ok(())
    })
}

/// Points of a plane with their class.
pub type Labelled<'a> = &'a [([f64; 2], usize)];

/// The value of `f` over a rectangle as colour (0 blue, 1 red), its ½ contour, and labelled points.
///
/// # Errors
/// If `f` fails or the file cannot be written.
pub fn decision_surface(
    path: impl AsRef<Path>,
    title: &str,
    [x, y]: [std::ops::Range<f64>; 2],
    points: Labelled<'_>,
    f: impl Fn(&[[f64; 2]]) -> Result<Vec<f64>>,
) -> Result<()> {
    const CELLS: usize = 60;
    let (dx, dy) = (
        (x.end - x.start) / CELLS as f64,
        (y.end - y.start) / CELLS as f64,
    );
    let centre = |i: usize, j: usize| {
        [
            x.start + (i as f64 + 0.5) * dx,
            y.start + (j as f64 + 0.5) * dy,
        ]
    };
    let grid: Vec<[f64; 2]> = (0..CELLS * CELLS)
        .map(|k| centre(k % CELLS, k / CELLS))
        .collect();
    let values = f(&grid)?;
    save(path.as_ref(), (560, 560), |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(30)
            .y_label_area_size(40)
            .build_cartesian_2d(x.clone(), y.clone())?;
        chart.configure_mesh().disable_mesh().draw()?;
        chart.draw_series(grid.iter().zip(&values).map(|([cx, cy], v)| {
            let v = v.clamp(0.0, 1.0);
            let mix = |a: f64, b: f64| (a + (b - a) * v) as u8;
            // Blue to white to red, lighter towards the decision at one half.
            let fade = 1.0 - (2.0 * v - 1.0).abs();
            let soften =
                |c: u8| (f64::from(c) + (245.0 - f64::from(c)) * (0.35 + 0.6 * fade)) as u8;
            let color = RGBColor(
                soften(mix(40.0, 210.0)),
                soften(80),
                soften(mix(210.0, 40.0)),
            );
            Rectangle::new(
                [
                    (cx - dx / 2.0, cy - dy / 2.0),
                    (cx + dx / 2.0, cy + dy / 2.0),
                ],
                color.filled(),
            )
        }))?;
        // The contour: cell borders between values on either side of one half.
        let mut edges = Vec::new();
        for j in 0..CELLS {
            for i in 0..CELLS {
                let v = values[j * CELLS + i] >= 0.5;
                let [cx, cy] = centre(i, j);
                if i + 1 < CELLS && (values[j * CELLS + i + 1] >= 0.5) != v {
                    edges.push([
                        (cx + dx / 2.0, cy - dy / 2.0),
                        (cx + dx / 2.0, cy + dy / 2.0),
                    ]);
                }
                if j + 1 < CELLS && (values[(j + 1) * CELLS + i] >= 0.5) != v {
                    edges.push([
                        (cx - dx / 2.0, cy + dy / 2.0),
                        (cx + dx / 2.0, cy + dy / 2.0),
                    ]);
                }
            }
        }
        chart.draw_series(
            edges
                .into_iter()
                .map(|e| PathElement::new(e.to_vec(), BLACK.stroke_width(1))),
        )?;
        chart.draw_series(points.iter().map(|(p, class)| {
            let fill = if *class == 0 {
                RGBColor(30, 70, 200)
            } else {
                RGBColor(200, 40, 40)
            };
            Circle::new((p[0], p[1]), 6, fill.filled())
        }))?;
        chart.draw_series(
            points
                .iter()
                .map(|(p, _)| Circle::new((p[0], p[1]), 6, BLACK.stroke_width(1))),
        )?;
        Ok(())
    })
}

/// Points and a line through them.
///
/// # Errors
/// If the file cannot be written.
pub fn fit_line(
    path: impl AsRef<Path>,
    title: &str,
    points: &[(f64, f64)],
    line: &[(f64, f64)],
) -> Result<()> {
    let xs: Vec<f64> = points.iter().chain(line).map(|p| p.0).collect();
    let ys: Vec<f64> = points.iter().chain(line).map(|p| p.1).collect();
    save(path.as_ref(), SIZE, |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(range(&xs), range(&ys))?;
        chart.configure_mesh().x_desc("x").y_desc("y").draw()?;
        let dot = RGBColor(30, 70, 200);
        chart
            .draw_series(
                points
                    .iter()
                    .map(|p| Circle::new(*p, 3, dot.mix(0.6).filled())),
            )?
            .label("data")
            .legend(move |(x, y)| Circle::new((x + 10, y), 3, dot.filled()));
        chart
            .draw_series(LineSeries::new(line.iter().copied(), RED.stroke_width(2)))?
            .label("fit")
            .legend(|(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], RED.stroke_width(2)));
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .draw()?;
        Ok(())
    })
}

/// A confusion matrix: rows are the truth, columns the prediction.
///
/// # Errors
/// If the file cannot be written.
pub fn confusion(path: impl AsRef<Path>, title: &str, counts: &[Vec<usize>]) -> Result<()> {
    let n = counts.len().max(1);
    save(path.as_ref(), (560, 560), |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(40)
            .build_cartesian_2d(0f64..n as f64, n as f64..0f64)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_desc("predicted")
            .y_desc("true")
            .draw()?;
        for (i, row) in counts.iter().enumerate() {
            let total = row.iter().sum::<usize>().max(1) as f64;
            for (j, &c) in row.iter().enumerate() {
                let share = c as f64 / total;
                let shade = |from: f64| (from + (255.0 - from) * (1.0 - share.sqrt())) as u8;
                let (x, y) = (j as f64, i as f64);
                chart.draw_series(std::iter::once(Rectangle::new(
                    [(x, y), (x + 1.0, y + 1.0)],
                    RGBColor(shade(30.0), shade(90.0), shade(180.0)).filled(),
                )))?;
                if c > 0 {
                    let ink = if share > 0.4 { WHITE } else { BLACK };
                    let style = ("sans-serif", 14).into_font().color(&ink);
                    chart.draw_series(std::iter::once(Text::new(
                        c.to_string(),
                        (x + 0.3, y + 0.4),
                        style,
                    )))?;
                }
            }
        }
        Ok(())
    })
}
