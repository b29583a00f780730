//! Pictures of training, as SVG: curves, decision surfaces, scatter plots, matrices. (Feature `plot`.)

mod axis;
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

    use super::surface::contour;
    use super::*;

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

    #[test]
    fn the_contour_has_no_part_where_a_value_is_nan() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert!(contour(2, &[0.0, nan, 1.0, 1.0]).is_empty());
        let lines = contour(2, &[-inf, inf, -inf, inf]);
        assert_eq!(lines, [[(0.5, 0.0), (0.5, 1.0)]]);
    }

    /// The text of a picture.
    fn svg(draw: impl FnOnce(&std::path::Path) -> Result<()>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("picture.svg");
        draw(&path).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        for wrong in ["NaN", "inf", "2147483647", "-2147483648"] {
            assert!(!text.contains(wrong), "{wrong} in {text}");
        }
        text
    }

    fn of_values(values: &[f64]) -> String {
        svg(|path| curves(path, "", ("epoch", "loss"), &[("a curve", values)]))
    }

    const INK: &str = "#0072B2";

    /// How many lines (but for the legend's) and dots have the first colour.
    fn marks(svg: &str) -> (usize, usize) {
        let of = |tag: &str| {
            let all = svg
                .lines()
                .filter(|l| l.starts_with(tag) && l.contains(INK));
            all.count()
        };
        (of("<polyline").saturating_sub(1), of("<circle"))
    }

    #[test]
    fn a_value_that_is_not_finite_breaks_its_curve_and_a_single_one_is_a_dot() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        for (values, lines, dots) in [
            (&[1.0, 2.0, 3.0][..], 1, 0),
            (&[1.0], 0, 1),
            (&[], 0, 0),
            (&[nan], 0, 0),
            (&[inf, -inf, nan], 0, 0),
            (&[1.0, 2.0, nan, 3.0, 4.0], 2, 0),
            (&[nan, 1.0, 2.0, inf, 3.0, -inf], 1, 1),
            (&[1.0, nan, 2.0, nan, 3.0], 0, 3),
            (&[5.0; 4], 1, 0),
        ] {
            assert_eq!(marks(&of_values(values)), (lines, dots), "{values:?}");
        }
    }

    #[test]
    fn ranges_that_overflow_or_have_no_width_are_drawn() {
        let tiny = 5e-324;
        for values in [
            &[1e308, -1e308][..],
            &[1.75e308, 0.0],
            &[1e308, -7e307],
            &[f64::MAX, f64::MIN],
            &[f64::MAX, f64::MAX],
            &[tiny, 0.0],
            &[1e-310, 3e-310],
            &[1.0, 1.0 + f64::EPSILON],
            &[1e300, 1e300],
            &[1e16, 1e16 + 2.0],
        ] {
            let text = of_values(values);
            assert_eq!(marks(&text), (1, 0), "{values:?}");
        }
        let text = of_values(&[1e308, -1e308]);
        assert!(
            ["-1e308", "0", "1e308"]
                .iter()
                .all(|tick| text.lines().any(|l| l == *tick)),
            "{text}"
        );
        // From near the top to near the bottom.
        let points = text.lines().rfind(|l| {
            l.starts_with("<polyline") && l.contains(INK) && l.contains("stroke-width=\"2\"")
        });
        assert!(points.is_some());

        let far = Tensor::new([[1e308, -1e308], [-1e308, 1e308]]);
        let far32 = Tensor::new([[3.4e38f32, -3.4e38], [-3.4e38, 3.4e38]]);
        let flags = Tensor::new([0i64, 1]);
        let ones = |n: usize| Ok(Tensor::ones([n]));
        svg(|p| {
            decision_surface(p, "", &far, &flags, |g| {
                assert!(g.iter().all(f64::is_finite));
                ones(g.shape()[0])
            })
        });
        svg(|p| {
            decision_surface(p, "", &far32, &flags, |g| {
                assert!(g.iter().all(f32::is_finite));
                Ok(Tensor::ones([g.shape()[0]]))
            })
        });
        let ends = Tensor::new([1e308, -1e308]);
        svg(|p| fit_line(p, "", &ends, &ends, |x| x));
        svg(|p| fit_line(p, "", &ends, &ends, |x| x * 10.0));
        let same = Tensor::new([2.0, 2.0]);
        svg(|p| fit_line(p, "", &same, &same, |x| x));
        svg(|p| {
            decision_surface(
                p,
                "",
                &Tensor::new([[2.0, 2.0]]),
                &Tensor::new([1i64]),
                |g| ones(g.shape()[0]),
            )
        });
    }

    #[test]
    fn points_and_values_that_are_nan_are_left_out() {
        let nan = f64::NAN;
        let (x, y) = (
            Tensor::new([0.0, nan, 1.0, 2.0]),
            Tensor::new([0.0, 1.0, f64::INFINITY, 2.0]),
        );
        let text = svg(|p| fit_line(p, "", &x, &y, |x| if x < 1.0 { x } else { nan }));
        // Two points and the legend's.
        assert_eq!(marks(&text).1, 3, "{text}");
        // What is NaN everywhere is no straight line.
        svg(|p| fit_line(p, "", &x, &y, |_| nan));
        let none = Tensor::<f64>::zeros([0]);
        svg(|p| fit_line(p, "", &none, &none, |x| x));

        let cells = |value: f64| {
            let points = Tensor::new([[0.0, 0.0], [1.0, 1.0], [nan, 1.0]]);
            let classes = Tensor::new([0i64, 1, 1]);
            let text = svg(|p| {
                decision_surface(p, "", &points, &classes, |grid| {
                    let n = grid.shape()[0];
                    let values = (0..n).map(|i| if i < 60 { value } else { 1.0 });
                    Tensor::from_vec(values.collect(), [n])
                })
            });
            let count = |tag: &str| text.matches(tag).count();
            assert_eq!(count("<circle"), 4);
            count("<rect")
        };
        assert_eq!(cells(0.0) - cells(nan), 60);
        svg(|p| {
            decision_surface(
                p,
                "",
                &Tensor::<f64>::zeros([0, 2]),
                &Tensor::<i64>::zeros([0]),
                |g| Ok(Tensor::zeros([g.shape()[0]])),
            )
        });
    }

    #[test]
    fn names_of_any_text_and_curves_of_any_number() {
        let names = ["", "a<b>&\"c\"", "tab\tline\nnul\0", &"long".repeat(100)];
        let all: Vec<(&str, [f64; 2])> = names.iter().map(|n| (*n, [0.0, 1.0])).collect();
        let text = svg(|p| curves(p, "\u{1}<title>", ("", "\u{ffff}"), &all));
        assert!(!text.contains(['\0', '\u{1}', '\t', '\u{ffff}']));
        assert!(text.contains("a&lt;b&gt;&amp;&quot;c&quot;") && text.contains("&lt;title&gt;"));
        assert!(text.contains("longlong") && !text.contains(&"long".repeat(11)));
        let nameless = svg(|p| curves(p, "", ("", ""), &[("", [0.0, 1.0])]));
        assert_eq!(nameless.matches(INK).count(), 1, "{nameless}");
        svg(|p| curves(p, "", ("", ""), &[] as &[(&str, [f64; 1])]));

        let names: Vec<String> = (0..3000).map(|i| format!("curve {i}.")).collect();
        let many: Vec<(&str, [f64; 3])> = names
            .iter()
            .enumerate()
            .map(|(i, n)| (n.as_str(), [i as f64, 0.0, 1.0]))
            .collect();
        let text = svg(|p| curves(p, "", ("", ""), &many));
        assert!(text.contains("curve 12.") && !text.contains("curve 13."));
        assert!(text.contains("… and 2987 more"));
        assert!(text.matches("<polyline").count() >= 3000);
    }

    #[test]
    fn matrices_of_any_size_are_drawn() {
        for n in [0, 1, 40] {
            let counts = vec![vec![usize::from(n == 1) * usize::MAX / 2; n]; n];
            svg(|p| confusion(p, "a\nb", &counts));
        }
    }
}
