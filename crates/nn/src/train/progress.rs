//! Progress bars, drawn where the error stream is a terminal and silent elsewhere.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `steps` steps that shows a message, such as the loss.
///
/// ```
/// let bar = wengert::nn::progress(100, "epoch");
/// for step in 0..100 {
///     bar.set_message(format!("loss {:.4}", 1.0 / (step + 1) as f64));
///     bar.inc(1);
/// }
/// bar.finish_and_clear();
/// ```
pub fn progress(steps: u64, name: &str) -> ProgressBar {
    let bar = ProgressBar::new(steps).with_prefix(name.to_string());
    match ProgressStyle::with_template("{prefix} {pos}/{len} [{bar:30}] {elapsed} < {eta}  {msg}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}
