//! Settings from environment variables.
//!
//! Invariant: what is not understood is said on standard error, once for each variable, and the default holds.

/// The value of an environment variable; `None` where it is not set, or is not understood.
pub(crate) fn setting<T>(
    name: &str,
    rule: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let text = std::env::var_os(name)?;
    match read(name, &text.to_string_lossy(), rule, parse) {
        Ok(value) => value,
        Err(message) => {
            eprintln!("{message}");
            None
        }
    }
}

/// The value that a text stands for, `None` for an empty one; or what to say of it.
fn read<T>(
    name: &str,
    text: &str,
    rule: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match parse(text) {
        Ok(value) => Ok(Some(value)),
        Err(why) => Err(format!(
            "wengert: {name}={text} is ignored: {why}\n  rule  {rule}"
        )),
    }
}

/// A whole number that is at least `least`.
pub(crate) fn number(text: &str, least: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n >= least => Ok(n),
        _ => Err(format!("{text} is not such a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_said() {
        let threads = |text| read("N", text, "at least 1", |t| number(t, 1));
        assert_eq!(threads(" 3 "), Ok(Some(3)));
        assert_eq!(threads(" "), Ok(None));
        for wrong in ["0", "-1", "2.5", "many", "99999999999999999999999"] {
            let message = threads(wrong).unwrap_err();
            let want = format!(
                "wengert: N={wrong} is ignored: {wrong} is not such a number\n  rule  at least 1"
            );
            assert_eq!(message, want);
        }
    }
}
