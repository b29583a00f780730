//! Where an example's pictures and other files go.

use std::path::PathBuf;

/// The file of this name in `target/pictures`, which it says on the terminal.
pub fn output(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let path = PathBuf::from(target).join("pictures").join(name);
    println!("writes  {}", path.display());
    path
}
