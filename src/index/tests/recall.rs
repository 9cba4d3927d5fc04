use proptest::prelude::*;

use super::*;
use crate::index::fold::fold;

/// Whether `text` has `word` as a reader would find it: by characters, and by whole words of letters and digits.
fn stands_in(text: &str, word: &str) -> bool {
    let (text, word): (Vec<char>, Vec<char>) = (fold(text).chars().collect(), fold(word).chars().collect());
    has_word(&text, &word)
}

/// Whether the folded `text` has the folded `word`.
fn has_word(text: &[char], word: &[char]) -> bool {
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

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    /// The next number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    /// One of the parts of `from`, which white space separates.
    fn pick<'f>(&mut self, from: &'f str) -> &'f str {
        let parts: Vec<&str> = from.split_whitespace().collect();
        parts[self.below(parts.len())]
    }
}

/// How many of something there are, unless the environment says so.
fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

/// The numbers of all that is found, however many, in order.
fn find_all(site: &Site, word: &str) -> Vec<u128> {
    let (query, none) = (Query::parse(word).unwrap(), HashSet::new());
    let found = site.index.find_all(&query, &Filter::Everything, &none, usize::MAX).unwrap().unwrap();
    let mut found: Vec<u128> = found.into_iter().map(number).collect();
    found.sort_unstable();
    found
}

#[test]
fn every_search_of_many_finds_exactly_what_stands_in_the_texts() {
    const WORDS: &str = "质量 品質 管理 標準 标准 国家 國家 市场 市場 监督 監督 总局 發布 头发 頭髮 后面 皇后 後來 里面 裏面 \
        台湾 臺灣 的 了 在 和 关于 印发 通知 GB/T 19001-2016 ISO 9001 AI 5G COVID19 2.29万 ２０１９年 C++ Ｘ射线 ";
    let mut numbers = Numbers(15);
    let text = |numbers: &mut Numbers| {
        let parts = (0..40).map(|_| match numbers.below(9) {
            0 => numbers.pick("， 。 、 （ ）").to_owned(),
            1 => " ".to_owned(),
            _ => numbers.pick(WORDS).to_owned(),
        });
        parts.collect::<String>()
    };
    let texts: Vec<String> = (0..setting("RECALL_TEXTS", 250)).map(|_| text(&mut numbers)).collect();
    let folded: Vec<Vec<char>> = texts.iter().map(|text| fold(text).chars().collect()).collect();
    let documents = texts.iter().zip(1..).map(|(text, number)| document(number, "", text));
    let site = Site::with(documents);
    let mut searches = 0;
    while searches < setting("RECALL_SEARCHES", 400) {
        let text: Vec<char> = texts[numbers.below(texts.len())].chars().collect();
        let start = numbers.below(text.len() - 8);
        let word: String = text[start..start + 2 + numbers.below(7)].iter().collect();
        // Only rows of characters, letters and digits: gaps are tested elsewhere.
        let is_row = word.chars().all(char::is_alphanumeric);
        let last = word.chars().last().unwrap_or_default();
        let first = word.chars().next().unwrap_or_default();
        if !is_row || fold(&last.to_string()).is_ascii() || fold(&first.to_string()).is_ascii() {
            continue;
        }
        searches += 1;
        let word_chars: Vec<char> = fold(&word).chars().collect();
        let expected: Vec<u128> = (1..)
            .zip(&folded)
            .filter(|(_, text)| has_word(text, &word_chars))
            .map(|(number, _)| number)
            .collect();
        assert_eq!(find_all(&site, &word), expected, "{word}");
        assert!(!expected.is_empty());
    }
}
