//! Numeric proof of gradients.

/// What a gradient check found.
#[derive(Clone, Debug)]
pub struct Report {
    text: String,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
