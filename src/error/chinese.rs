//! The server's sentences in Chinese.

mod refusals;
mod values;

use std::collections::HashMap;
use std::sync::LazyLock;

/// The Chinese of an English sentence, with the same parameters. `None` if it has none of its own.
pub fn translate(english: &str) -> Option<&'static str> {
    static CHINESE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| list_sentences().collect());
    CHINESE.get(english).copied()
}

/// English sentences and their Chinese.
fn list_sentences() -> impl Iterator<Item = (&'static str, &'static str)> {
    values::SENTENCES.iter().chain(refusals::SENTENCES).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parameters that a sentence names, in order.
    fn parameters(sentence: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            sentence.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn both_languages_hold_the_same_parameters() {
        let mut known = std::collections::HashSet::new();
        for (english, chinese) in list_sentences() {
            assert_eq!(parameters(english), parameters(chinese), "{english}");
            assert!(chinese.chars().any(|c| c >= '\u{4e00}'), "{chinese}");
            assert!(known.insert(english), "{english} is there twice");
        }
    }
}
