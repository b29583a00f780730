//! Matrices of counts.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use wengert_tensor::Result;

use super::canvas::*;

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
            .caption(line_of(title, 60), ("sans-serif", 20))
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
