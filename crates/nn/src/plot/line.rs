//! Points, and a line through them.

use std::path::Path;

use plotters::prelude::*;
use wengert_tensor::{Error, Float, Number, Result, Tensor};

use super::canvas::*;

/// Points, and the line (or curve) of a function through them.
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
    let points: Vec<(f64, f64)> = xs.iter().copied().zip(ys.iter().copied()).collect();
    let (ends, steps) = (range(&xs), 100);
    let at = |i: usize| ends.start + (ends.end - ends.start) * i as f64 / steps as f64;
    let mut line: Vec<(f64, f64)> = (0..=steps).map(|i| (at(i), f(at(i)))).collect();
    let (from, to) = (line[0].1, line[steps].1);
    let straight = |i: usize| from + (to - from) * i as f64 / steps as f64;
    let off = |(i, p): (usize, &(f64, f64))| (p.1 - straight(i)).abs();
    if line.iter().enumerate().map(off).fold(0.0, f64::max) <= 1e-9 * (to - from).abs() {
        // In one stroke: short ones would show that they end on whole pixels.
        line = vec![line[0], line[steps]];
    }
    let ys: Vec<f64> = points.iter().chain(&line).map(|p| p.1).collect();
    let (x, y) = (range(&xs), range(&ys));
    let legend = emptiest(&shares(points.iter().copied(), &x, &y));
    save(path.as_ref(), SIZE, |area| {
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
            .x_desc("x")
            .y_desc("y")
            .draw()?;
        let (dot, ink) = (INKS[0], INKS[1]);
        chart
            .draw_series(
                points
                    .iter()
                    .map(|p| Circle::new(*p, 3, dot.mix(0.6).filled())),
            )?
            .label("data")
            .legend(move |(x, y)| Circle::new((x + 10, y), 3, dot.filled()));
        chart
            .draw_series(LineSeries::new(line.iter().copied(), ink.stroke_width(2)))?
            .label("fit")
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], ink.stroke_width(2)));
        chart
            .configure_series_labels()
            .position(legend)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.4))
            .draw()?;
        Ok(())
    })
}
