//! Points, and a line through them.

use std::path::Path;

use plotters::prelude::*;
use wengert_tensor::{Error, Float, Number, Result, Tensor};

use super::axis::Axis;
use super::canvas::*;

/// Points, and the line (or curve) of a function through them.
///
/// A point that is not finite is left out; where the function is not finite, its line is broken.
///
/// # Shapes
/// `x` and `y` have as many elements as there are points.
///
/// # Errors
/// If they have not, or the file cannot be written.
#[track_caller]
pub fn fit_line<T: Float>(
    path: impl AsRef<Path>,
    title: &str,
    x: &Tensor<T>,
    y: &Tensor<T>,
    f: impl Fn(f64) -> f64,
) -> Result<()> {
    if x.len() != y.len() {
        let value = format!("{} and {}", x.shape(), y.shape());
        let rule = "as many x as y";
        return Err(Error::invalid("fit_line", "shapes", value, rule));
    }
    let [xs, ys] = [x, y].map(|t| t.iter().map(Number::to_f64).collect::<Vec<f64>>());
    let points: Vec<(f64, f64)> = xs.into_iter().zip(ys).collect();
    let finite = |p: &(f64, f64)| p.0.is_finite() && p.1.is_finite();
    let points: Vec<(f64, f64)> = points.into_iter().filter(finite).collect();
    const STEPS: usize = 100;
    let x = Axis::around(points.iter().map(|p| p.0), 0.04);
    let part = |i: usize| i as f64 / STEPS as f64;
    let at = |i: usize| (x.at(part(i)), f(x.at(part(i))));
    let mut curve: Vec<(f64, f64)> = (0..=STEPS).map(at).collect();
    let y = Axis::around(points.iter().chain(&curve).map(|p| p.1), 0.04);
    let [start, end] = [curve[0], curve[STEPS]].map(|p| y.share(p.1));
    let off = |i: usize| (y.share(curve[i].1) - start - (end - start) * part(i)).abs();
    if (0..=STEPS).all(|i| off(i) <= 1e-9 * (end - start).abs()) {
        // In one stroke: short ones would show that they end on whole pixels.
        curve = vec![curve[0], curve[STEPS]];
    }
    let place = emptiest(points.iter().copied(), &x, &y);
    save(path.as_ref(), SIZE, |area| {
        let frame = Frame {
            title,
            x: &x,
            y: &y,
            labels: ("x", "y"),
            mesh: true,
        };
        let mut chart = frame.on(area)?;
        let (dot, ink) = (INKS[0], INKS[1]);
        let style = dot.mix(0.6).filled();
        chart.draw_series(points.iter().map(|p| Circle::new(*p, 3, style)))?;
        line(&mut chart, &curve, ink.stroke_width(2))?;
        let names = [("data", Mark::Dot(dot)), ("fit", Mark::Line(ink))];
        legend(&mut chart, place, &names)
    })
}
