//! Pictures of training, as SVG: curves, decision surfaces, scatter plots, matrices. (Feature `plot`.)

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use wengert_tensor::{Error, ErrorKind, Float, Num, Number, Result, Site, Tensor};

const SIZE: (u32, u32) = (640, 480);

#[track_caller]
fn fail(path: &Path, e: impl std::fmt::Display) -> Error {
    Site::unplaced("").error(ErrorKind::Io {
        path: Some(path.display().to_string()),
        kind: std::io::ErrorKind::Other,
        reason: e.to_string(),
    })
}

/// Draws into a string first: a file is written whole or not at all.
#[track_caller]
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

/// Colours that tell apart on white, also for the colour-blind (Okabe and Ito, 2008).
const INKS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

/// Writes the ticks of an axis: as many places as its span needs, no trailing zeros, no negative zero.
fn tick(span: &std::ops::Range<f64>) -> impl Fn(&f64) -> String + use<> {
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
fn coincide(a: &[f64], b: &[f64], axis: &std::ops::Range<f64>) -> bool {
    let near = 0.01 * (axis.end - axis.start);
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < near)
}

/// The corner or side that hides the fewest of these points (shares of width and height).
fn emptiest(points: &[(f64, f64)]) -> SeriesLabelPosition {
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
fn shares<'a>(
    points: impl Iterator<Item = (f64, f64)> + 'a,
    x: &std::ops::Range<f64>,
    y: &std::ops::Range<f64>,
) -> Vec<(f64, f64)> {
    let share = |v: f64, r: &std::ops::Range<f64>| (v - r.start) / (r.end - r.start);
    points.map(|(a, b)| (share(a, x), share(b, y))).collect()
}

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

/// The value of `f` around some points of the plane as colour (0 blue, 1 red), its ½ contour, and the points
/// in the colour of their class. `f` is called once, with the corners' grid `[n, 2]`, for n values.
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
    let [x, y] = [0, 1].map(|axis| {
        let seen = range(points.iter().map(|(p, _)| &p[axis]));
        let margin = 0.2 * (seen.end - seen.start);
        seen.start - margin..seen.end + margin
    });
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
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(30)
            .y_label_area_size(40)
            .build_cartesian_2d(x.clone(), y.clone())?;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_label_formatter(&tick(&x))
            .y_label_formatter(&tick(&y))
            .draw()?;
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
        chart.draw_series(
            contour(CELLS, &values)
                .into_iter()
                .map(|e| e.map(|(i, j)| (x.start + (i + 0.5) * dx, y.start + (j + 0.5) * dy)))
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
/// neighbours.
fn contour(cells: usize, values: &[f64]) -> Vec<[(f64, f64); 2]> {
    let at = |i: usize, j: usize| values[j * cells + i];
    let mut lines = Vec::new();
    for j in 0..cells.saturating_sub(1) {
        for i in 0..cells - 1 {
            let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)];
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

/// A confusion matrix: rows are the truth, columns the prediction.
///
/// # Errors
/// If the file cannot be written.
#[track_caller]
pub(crate) fn confusion(path: impl AsRef<Path>, title: &str, counts: &[Vec<usize>]) -> Result<()> {
    let n = counts.len().max(1) as f64;
    // Room for the names, in cells, and letters that fit into a cell.
    let (near, far, edge) = (0.02 * n, 0.07 * n, 0.1 * n);
    let size = (480.0 / n * 0.32).clamp(6.0, 15.0);
    save(path.as_ref(), (560, 560), |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 20))
            .margin(16)
            .build_cartesian_2d(-edge..n, n + edge..0.0)?;
        let written = |text: String, at: (f64, f64), ink: &RGBColor, h: HPos, v: VPos| {
            let style = ("sans-serif", size).into_font().color(ink);
            Text::new(text, at, style.pos(Pos::new(h, v)))
        };
        let mut texts = Vec::new();
        for (i, row) in counts.iter().enumerate() {
            let total = row.iter().sum::<usize>().max(1) as f64;
            let y = i as f64;
            texts.push(written(
                i.to_string(),
                (-near, y + 0.5),
                &BLACK,
                HPos::Right,
                VPos::Center,
            ));
            texts.push(written(
                i.to_string(),
                (y + 0.5, n + near),
                &BLACK,
                HPos::Center,
                VPos::Top,
            ));
            for (j, &c) in row.iter().enumerate() {
                let share = c as f64 / total;
                let shade = |from: f64| (from + (255.0 - from) * (1.0 - share.sqrt())) as u8;
                let x = j as f64;
                let cell = [(x, y), (x + 1.0, y + 1.0)];
                let fill = RGBColor(shade(30.0), shade(90.0), shade(180.0));
                chart.draw_series([
                    Rectangle::new(cell, fill.filled()),
                    Rectangle::new(cell, BLACK.mix(0.1).stroke_width(1)),
                ])?;
                if c > 0 {
                    let ink = if share > 0.4 { WHITE } else { BLACK };
                    let at = (x + 0.5, y + 0.5);
                    texts.push(written(c.to_string(), at, &ink, HPos::Center, VPos::Center));
                }
            }
        }
        chart.draw_series(texts)?;
        let name = ("sans-serif", 14).into_font().color(&BLACK);
        let name = name.pos(Pos::new(HPos::Center, VPos::Center));
        let upright = name.transform(FontTransform::Rotate270);
        chart.draw_series([
            Text::new("predicted", (n / 2.0, n + far), name),
            Text::new("true", (-far, n / 2.0), upright),
        ])?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_the_places_that_they_need() {
        let ticks = |lo: f64, hi: f64, v: &[f64]| {
            let write = tick(&(lo..hi));
            v.iter().map(write).collect::<Vec<_>>()
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
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let text = |r: Result<()>| r.unwrap_err().to_string();
        let (x, y) = crate::data::xor::<f64>();
        let surface = |x: &Tensor<f64>, n: usize| {
            decision_surface("unused.svg", "", x, &y, |_| Ok(Tensor::zeros([n])))
        };
        assert!(text(surface(&y, 3600)).contains("shapes = [4, 1] and [4, 1]"));
        assert!(text(surface(&x, 7)).contains("f(grid) = [7]"));
        let line = fit_line("unused.svg", "", &x, &y, |x| x);
        assert!(text(line).contains("shapes = [4, 2] and [4, 1]"));
    }

    #[test]
    fn the_contour_is_where_the_values_cross_one_half() {
        // v = x/3 on a grid of 4: one half at x = 1.5, in each of the three rows of squares.
        let values: Vec<f64> = (0..16).map(|k| (k % 4) as f64 / 3.0).collect();
        let lines = contour(4, &values);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().flatten().all(|p| (p.0 - 1.5).abs() < 1e-12));
        assert!(contour(4, &[0.0; 16]).is_empty() && contour(0, &[]).is_empty());
    }
}
