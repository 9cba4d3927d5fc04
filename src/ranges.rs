//! Lists of ranges with weights, as `Accept` and `Accept-Language` have them (RFC 9110 §12.4.2, §12.5).

/// The ranges of a header, each with its weight, in their order.
///
/// Parameters before `q` are passed over. A weight that cannot be read is 0, which excludes the range.
pub fn parse_ranges(header: &str) -> Vec<(&str, f32)> {
    split_unquoted(header, ',').into_iter().map(parse_range).collect()
}

fn parse_range(range: &str) -> (&str, f32) {
    let mut parts = split_unquoted(range, ';').into_iter();
    let name = parts.next().unwrap_or_default().trim();
    let mut parameters = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    let weight = match parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("q")) {
        None => 1.0,
        Some((_, value)) => value.trim().parse().unwrap_or(0.0),
    };
    (name, if (0.0..=1.0).contains(&weight) { weight } else { 0.0 })
}

/// Splits `text` at each `separator` that is not in a quoted string (RFC 9110 §5.6.4).
fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(|c| {
        let splits = c == separator && !is_quoted;
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        splits
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_has_its_weight() {
        for (header, ranges) in [
            ("a", vec![("a", 1.0)]),
            ("a;q=0.5, b ; Q = 0.25", vec![("a", 0.5), ("b", 0.25)]),
            ("a;level=1;q=0.5;x=y", vec![("a", 0.5)]),
            ("a;level=1", vec![("a", 1.0)]),
            ("a;x=\"q=0.1, \\\";b\";q=0.5,c", vec![("a", 0.5), ("c", 1.0)]),
            (
                "a;q=x,b;q=2,c;q=-1,d;q=NaN,e;q,f;q=",
                vec![("a", 0.0), ("b", 0.0), ("c", 0.0), ("d", 0.0), ("e", 0.0), ("f", 0.0)],
            ),
            ("a;q=0.001,,*", vec![("a", 0.001), ("", 1.0), ("*", 1.0)]),
        ] {
            assert_eq!(parse_ranges(header), ranges, "{header}");
        }
    }
}
