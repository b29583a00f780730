//! Pictures of training, as SVG: curves, decision surfaces, scatter plots, matrices. (Feature `plot`.)

mod canvas;
mod curves;
mod line;
mod matrix;
mod surface;

pub use curves::curves;
pub(crate) use curves::curves_from;
pub use line::fit_line;
pub(crate) use matrix::confusion;
pub use surface::decision_surface;

#[cfg(test)]
mod tests {
    use wengert_tensor::{Result, Tensor};

    use super::canvas::tick;
    use super::surface::contour;
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
