//! What was probably meant by a name that is not there.

/// The name among `names` that is nearly `wanted`: it differs in case, in blanks around it, or in few letters (one of three;
/// letters are added, left out, changed, or swapped with their neighbour). The first of the nearest ones.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Of longer names this part is compared.
    const LONGEST: usize = 64;
    let letters = |text: &str| -> Vec<char> {
        let text = text.trim().chars().flat_map(char::to_lowercase);
        text.take(LONGEST).collect()
    };
    let own = letters(wanted);
    let mut best: Option<(usize, &str)> = None;
    for name in names {
        let other = letters(name);
        let most = own.len().max(other.len()).div_ceil(3);
        // What differs in every letter is not near.
        let most = most.min(own.len().max(other.len()).saturating_sub(1));
        if own.len().abs_diff(other.len()) > most {
            continue;
        }
        let found = distance(&own, &other);
        if found <= most && best.is_none_or(|(least, _)| found < least) {
            best = Some((found, name));
        }
    }
    best.map(|(_, name)| name)
}

/// The number of letters to add, leave out, change or swap (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        (before, last) = (last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_nearly_right_are_found() {
        let names = ["petal", "Sepal width", "kind", "x1", "x2"];
        for (wanted, found) in [
            ("petal", Some("petal")),
            ("Petal ", Some("petal")),
            ("patel", Some("petal")),
            ("petla", Some("petal")),
            ("petals", Some("petal")),
            ("sepal_width", Some("Sepal width")),
            ("knid", Some("kind")),
            ("x", Some("x1")),
            ("x3", Some("x1")),
            ("y", None),
            ("", None),
            ("label", None),
            ("weight", None),
        ] {
            assert_eq!(nearest(wanted, names), found, "{wanted}");
        }
        assert_eq!(nearest("a", []), None);
        let long = "a".repeat(100_000);
        assert_eq!(nearest(&long, [long.as_str()]), Some(long.as_str()));
    }

    #[test]
    fn distances_are_those_of_the_definition() {
        for (a, b, d) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
            ("abc", "abc", 0),
        ] {
            let letters = |s: &str| s.chars().collect::<Vec<_>>();
            assert_eq!(distance(&letters(a), &letters(b)), d);
            assert_eq!(distance(&letters(b), &letters(a)), d);
        }
    }
}
