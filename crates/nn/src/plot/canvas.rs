//! What all pictures share: the file, the frame with its axes, lines, colours, the legend.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use wengert_tensor::{Error, ErrorKind, Result, Site};

use super::axis::Axis;

pub(super) const SIZE: (u32, u32) = (640, 480);

/// What a drawing gives: plotters' errors are of many types.
pub(super) type Drawn<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
pub(super) type Area<'s> = DrawingArea<SVGBackend<'s>, Shift>;
pub(super) type Chart<'a, 's> = ChartContext<'a, SVGBackend<'s>, Cartesian2d<Axis, Axis>>;

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
    draw: impl FnOnce(&Area<'_>) -> Drawn,
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

/// A text as a picture can hold it: one line, without what XML has no character for, and not longer than `most`.
pub(super) fn line_of(text: &str, most: usize) -> String {
    let shown = |c: char| match c {
        '\u{fffe}' | '\u{ffff}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    };
    match text.chars().count() > most {
        true => text.chars().take(most).map(shown).chain(['…']).collect(),
        false => text.chars().map(shown).collect(),
    }
}

/// What stands around a drawing: the title, the axes with their ticks and names.
pub(super) struct Frame<'a> {
    pub title: &'a str,
    pub x: &'a Axis,
    pub y: &'a Axis,
    /// The axes' names.
    pub labels: (&'a str, &'a str),
    /// Whether lines go through the ticks.
    pub mesh: bool,
}

impl Frame<'_> {
    /// Draws it, and gives the place within.
    pub fn on<'a, 's>(&self, area: &Area<'s>) -> Drawn<Chart<'a, 's>> {
        let (x, y) = (self.x, self.y);
        let wide = y.ticks().iter().map(|v| y.label(*v).len()).max();
        let name = |text: &str| u32::from(!text.is_empty()) * 20;
        let (x_name, y_name) = (line_of(self.labels.0, 80), line_of(self.labels.1, 60));
        let left = 20 + 7 * wide.unwrap_or(0) as u32 + name(&y_name);
        let mut chart = ChartBuilder::on(area)
            .caption(line_of(self.title, 60), ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(20 + name(&x_name))
            .y_label_area_size(left.max(40 + name(&y_name)))
            .build_cartesian_2d(x.clone(), y.clone())?;
        let (of_x, of_y) = (|v: &f64| x.label(*v), |v: &f64| y.label(*v));
        let mut mesh = chart.configure_mesh();
        if !self.mesh {
            mesh.disable_mesh();
        }
        mesh.max_light_lines(0)
            .x_label_formatter(&of_x)
            .y_label_formatter(&of_y)
            .x_desc(x_name)
            .y_desc(y_name)
            .draw()?;
        Ok(chart)
    }
}

/// Draws the points' line. It is broken where a point is not finite; a point between two breaks is a dot.
pub(super) fn line(chart: &mut Chart<'_, '_>, points: &[(f64, f64)], style: ShapeStyle) -> Drawn {
    let finite = |p: &(f64, f64)| p.0.is_finite() && p.1.is_finite();
    for run in points.split(|p| !finite(p)) {
        match run {
            [] => {}
            [dot] => {
                let radius = style.stroke_width.max(3) as i32;
                chart.draw_series([Circle::new(*dot, radius, style.color.filled())])?;
            }
            _ => {
                chart.draw_series([PathElement::new(run, style)])?;
            }
        }
    }
    Ok(())
}

/// A name in a legend, with its mark.
pub(super) enum Mark {
    Line(RGBColor),
    Dot(RGBColor),
    None,
}

/// The legend, at a place; of more names than it has room for, the first ones and how many there are more.
pub(super) fn legend<'a, 's: 'a>(
    chart: &mut Chart<'a, 's>,
    place: SeriesLabelPosition,
    names: &[(&str, Mark)],
) -> Drawn {
    const MOST: usize = 14;
    let named: Vec<_> = names.iter().filter(|(name, _)| !name.is_empty()).collect();
    let shown = match named.len() > MOST {
        true => MOST - 1,
        false => named.len(),
    };
    let rest = format!("… and {} more", named.len() - shown);
    let rest = (named.len() > shown).then_some((rest.as_str(), &Mark::None));
    let shown = named[..shown].iter().map(|(name, mark)| (*name, mark));
    for (name, mark) in shown.chain(rest) {
        let entry = chart.draw_series(std::iter::empty::<Circle<(f64, f64), i32>>())?;
        entry.label(line_of(name, 40));
        match *mark {
            Mark::Line(ink) => entry
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], ink.stroke_width(2))),
            Mark::Dot(ink) => entry.legend(move |(x, y)| Circle::new((x + 10, y), 3, ink.filled())),
            Mark::None => entry.legend(EmptyElement::at),
        };
    }
    if !named.is_empty() {
        chart
            .configure_series_labels()
            .position(place)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.4))
            .draw()?;
    }
    Ok(())
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

/// Whether two curves are within a hundredth of the axis of one another everywhere.
pub(super) fn coincide(a: &[f64], b: &[f64], axis: &Axis) -> bool {
    let near = |(a, b): (&f64, &f64)| (axis.share(*a) - axis.share(*b)).abs() < 0.01;
    a.len() == b.len() && a.iter().zip(b).all(near)
}

/// The corner or side that hides the fewest of these points.
pub(super) fn emptiest(
    points: impl Iterator<Item = (f64, f64)>,
    x: &Axis,
    y: &Axis,
) -> SeriesLabelPosition {
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
    let shares: Vec<(f64, f64)> = points.map(|(a, b)| (x.share(a), y.share(b))).collect();
    let hidden = |x: f64, y: f64| {
        let inside =
            |p: &&(f64, f64)| (x..=x + 0.35).contains(&p.0) && (y..=y + 0.3).contains(&p.1);
        shares.iter().filter(inside).count()
    };
    let best = places.into_iter().min_by_key(|(_, x, y)| hidden(*x, *y));
    best.map_or(UpperRight, |(place, ..)| place)
}
