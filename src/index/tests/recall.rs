use proptest::prelude::*;

use super::*;
use crate::index::fold::fold;

/// Whether `text` has `word` as a reader would find it: by characters, and by whole words of letters and digits.
fn stands_in(text: &str, word: &str) -> bool {
    let (text, word): (Vec<char>, Vec<char>) = (fold(text).chars().collect(), fold(word).chars().collect());
    let same_kind = |a: char, b: char| {
        (a.is_ascii_alphabetic() && b.is_ascii_alphabetic()) || (a.is_ascii_digit() && b.is_ascii_digit())
    };
    (0..text.len()).any(|start| {
        let Some(found) = text.get(start..start + word.len()) else { return false };
        let end = start + word.len();
        found == word
            && (start == 0 || !same_kind(text[start - 1], word[0]))
            && (end == text.len() || !same_kind(word[word.len() - 1], text[end]))
    })
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[质質量标準流程发發髮后後里裏万a-c1-2Ａé ，。]{0,24}", 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_stands_in_a_text_is_found_and_nothing_else(texts in texts(), words in proptest::collection::vec("[质質量标準流程发發髮后後里裏万]{1,6}|[质量标万]{1,3}[a-c]{1,2}[量1-2]{1,2}|[1-2]{1,2}[万里]{1,2}|[a-c]{1,3}[1-2]", 30)) {
        let bodies: Vec<&str> = texts.iter().map(String::as_str).collect();
        let site = Site::of(&bodies);
        for word in words {
            let expected: Vec<u128> =
                (1..).zip(&texts).filter(|(_, text)| stands_in(text, &word)).map(|(number, _)| number).collect();
            prop_assert_eq!(site.found(&word), expected.clone(), "{} in {:?}", word, texts);
            let query = Query::parse(&format!("\"{word}\"")).unwrap();
            let marked = |text: &&String| highlight(&query, Field::Body, text).is_some();
            prop_assert_eq!(texts.iter().filter(marked).count(), expected.len(), "{} in {:?}", word, texts);
        }
    }

    #[test]
    fn every_part_of_a_text_finds_it(text in "[质質量标準流程发發髮后後里裏]{8,30}", start in 0_usize..20, length in 2_usize..9) {
        let chars: Vec<char> = text.chars().collect();
        let start = start.min(chars.len() - 2);
        let part: String = chars[start..(start + length).min(chars.len())].iter().collect();
        let site = Site::of(&[&format!("前{text}后，别的")]);
        prop_assert_eq!(site.found(&part), [1]);
    }
}
