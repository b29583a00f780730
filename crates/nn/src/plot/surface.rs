//! The value of a function over the plane.

use std::path::Path;

use plotters::prelude::*;
use wengert_tensor::{DType, Error, Float, Num, Number, Result, Tensor};

use super::axis::Axis;
use super::canvas::*;

/// The value of `f` around some points of the plane as colour (0 blue, 1 red), its ½ contour, and the points
/// in the colour of their class. `f` is called once, with the cells' centres `[n, 2]`, for n values. A value that is NaN
/// leaves its cell white, and a point that is not finite is left out.
///
/// # Shapes
/// `points [n, 2]`, `classes [n]` or `[n, 1]`: 1 above ½, else 0.
///
/// # Errors
/// If the shapes are not those, `f` fails or gives another number of values, or the file cannot be
/// written.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::plot;
/// let (x, y) = data::xor();
/// let model = Linear::new(2, 1, &mut Rng::seed(0));
/// let file = std::env::temp_dir().join("wengert_surface.svg");
/// plot::decision_surface(&file, "Untrained", &x, &y, |grid| predict(&model, grid, 1024))?;
/// assert!(std::fs::read_to_string(&file).unwrap().contains("Untrained"));
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn decision_surface<T: Float>(
    path: impl AsRef<Path>,
    title: &str,
    points: &Tensor<T>,
    classes: &Tensor<impl Num>,
    f: impl FnOnce(&Tensor<T>) -> Result<Tensor<T>>,
) -> Result<()> {
    const CELLS: usize = 60;
    let n = points.shape().first().copied().unwrap_or(0);
    if points.shape()[..] != [n, 2] || classes.len() != n {
        let value = format!("{} and {}", points.shape(), classes.shape());
        let rule = "points [n, 2] and classes [n]";
        return Err(Error::invalid("decision_surface", "shapes", value, rule));
    }
    let flat: Vec<f64> = points.iter().map(Number::to_f64).collect();
    let classes = classes.iter().map(|c| c.to_f64() > 0.5);
    let points: Vec<(&[f64], bool)> = flat.chunks_exact(2).zip(classes).collect();
    let finite = |(p, _): &(&[f64], bool)| p.iter().all(|v| v.is_finite());
    let points: Vec<(&[f64], bool)> = points.into_iter().filter(finite).collect();
    // What `f` is called with is of type `T`.
    let most = match T::DTYPE {
        DType::F32 => f64::from(f32::MAX),
        _ => f64::MAX,
    };
    let [x, y] = [0, 1].map(|axis| {
        let values = points.iter().map(|(p, _)| p[axis]);
        Axis::around(values, 0.256).within(most)
    });
    let edge = |axis: &Axis, i: f64| axis.at(i / CELLS as f64);
    let centre = |k: usize| {
        let (i, j) = ((k % CELLS) as f64, (k / CELLS) as f64);
        [edge(&x, i + 0.5), edge(&y, j + 0.5)]
    };
    let grid: Vec<[f64; 2]> = (0..CELLS * CELLS).map(centre).collect();
    let values = f(&Tensor::new(&grid[..]).cast::<T>())?;
    if values.len() != grid.len() {
        let rule = "one value for each point of the grid";
        return Err(Error::invalid(
            "decision_surface",
            "f(grid)",
            values.shape(),
            rule,
        ));
    }
    let values: Vec<f64> = values.iter().map(Number::to_f64).collect();
    save(path.as_ref(), (560, 560), |area| {
        let frame = Frame {
            title,
            x: &x,
            y: &y,
            labels: ("", ""),
            mesh: false,
        };
        let mut chart = frame.on(area)?;
        let cells = values.iter().enumerate().filter(|(_, v)| !v.is_nan());
        chart.draw_series(cells.map(|(k, v)| {
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
            let (i, j) = ((k % CELLS) as f64, (k / CELLS) as f64);
            let corner = |d: f64| (edge(&x, i + d), edge(&y, j + d));
            Rectangle::new([corner(0.0), corner(1.0)], color.filled())
        }))?;
        chart.draw_series(
            contour(CELLS, &values)
                .into_iter()
                .map(|e| e.map(|(i, j)| (edge(&x, i + 0.5), edge(&y, j + 0.5))))
                .map(|e| PathElement::new(e.to_vec(), BLACK.stroke_width(1))),
        )?;
        chart.draw_series(points.iter().map(|(p, class)| {
            let fill = match class {
                false => RGBColor(30, 70, 200),
                true => RGBColor(200, 40, 40),
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

/// The ½ contour of values on a square grid, in steps of the grid: marching squares, linear between
/// neighbours. None goes through a square with a corner that is NaN.
pub(super) fn contour(cells: usize, values: &[f64]) -> Vec<[(f64, f64); 2]> {
    // So far out that differences are finite.
    let at = |i: usize, j: usize| values[j * cells + i].clamp(-1e300, 1e300);
    let mut lines = Vec::new();
    for j in 0..cells.saturating_sub(1) {
        for i in 0..cells - 1 {
            let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)];
            if corners.iter().any(|(i, j)| at(*i, *j).is_nan()) {
                continue;
            }
            let mut crossings = Vec::with_capacity(4);
            for k in 0..4 {
                let ((ai, aj), (bi, bj)) = (corners[k], corners[(k + 1) % 4]);
                let (a, b) = (at(ai, aj), at(bi, bj));
                if (a >= 0.5) != (b >= 0.5) {
                    let t = (0.5 - a) / (b - a);
                    let between = |p: usize, q: usize| p as f64 + t * (q as f64 - p as f64);
                    crossings.push((between(ai, bi), between(aj, bj)));
                }
            }
            // Two crossings, or four at a saddle.
            lines.extend(crossings.chunks_exact(2).map(|c| [c[0], c[1]]));
        }
    }
    lines
}
