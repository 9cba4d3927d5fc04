//! What somebody typed, as a query.
//!
//! Words are all required. `"…"` is one phrase, `-word` is excluded, `title:`, `tag:` and `author:` name the field of a
//! word. Everything else is literal, so that nothing that is typed is a mistake of syntax.

use std::fmt;
use std::ops::Range;

use super::Field;
use super::fold::fold;
use super::tokens::{Kind, Units};

/// Words that a query may have.
pub const MAX_WORDS: usize = 20;
/// Folded characters that a query may have.
pub const MAX_CHARS: usize = 200;
/// Bytes beyond which a query is not looked at.
const MAX_BYTES: usize = 16 << 10;
/// Letters from which a word may have a typo.
const MIN_TYPO_CHARS: usize = 5;
/// Letters up to which a word may have a typo.
const MAX_TYPO_CHARS: usize = 40;

/// A parsed query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What a hit must have.
    pub words: Vec<Word>,
    /// What a hit must not have.
    pub excluded: Vec<Word>,
    /// The query as it was typed.
    pub typed: String,
}

/// A word or a phrase of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The only field it is searched in, if one was named.
    pub field: Option<Field>,
    /// Its units, without gaps at its ends.
    pub units: Units,
    /// Its bytes of [`Query::typed`], without operators and quotes.
    pub source: Range<usize>,
    /// Whether its last letters may be the beginning of a word.
    pub is_prefix: bool,
    /// Whether one letter may be wrong.
    pub is_tolerant: bool,
}

/// Why a text is no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryFault {
    /// Nothing in it can be searched for.
    Nothing,
    /// It says only what is excluded.
    OnlyExclusions,
    /// It has more than [`MAX_WORDS`] words.
    TooManyWords,
    /// It has more than [`MAX_CHARS`] characters.
    TooLong,
}

impl fmt::Display for QueryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("has nothing to search for"),
            Self::OnlyExclusions => f.write_str("has only excluded words"),
            Self::TooManyWords => write!(f, "has more than {MAX_WORDS} words"),
            Self::TooLong => write!(f, "is longer than {MAX_CHARS} characters"),
        }
    }
}

impl std::error::Error for QueryFault {}

impl Query {
    /// Parses `text`.
    pub fn parse(text: &str) -> Result<Self, QueryFault> {
        if text.len() > MAX_BYTES || fold(text).chars().count() > MAX_CHARS {
            return Err(QueryFault::TooLong);
        }
        let mut query = Self { words: Vec::new(), excluded: Vec::new(), typed: text.to_owned() };
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let typed = Typed::read(rest);
            rest = typed.rest.trim_start();
            let end = text.len() - typed.rest.len();
            if let Some(word) = typed.make_word(end, rest.is_empty()) {
                let list = if typed.is_excluded { &mut query.excluded } else { &mut query.words };
                list.push(word);
            }
        }
        match (query.words.len(), query.excluded.len()) {
            (0, 0) => Err(QueryFault::Nothing),
            (0, _) => Err(QueryFault::OnlyExclusions),
            (words, excluded) if words + excluded > MAX_WORDS => Err(QueryFault::TooManyWords),
            _ => Ok(query),
        }
    }
}

/// A word with its operators, and what follows it.
struct Typed<'t> {
    is_excluded: bool,
    field: Option<Field>,
    is_quoted: bool,
    text: &'t str,
    rest: &'t str,
}

/// `text` without a field's name and colon at its beginning.
fn strip_field(text: &str) -> Option<(Field, &str)> {
    [("title:", Field::Title), ("tag:", Field::Tags), ("author:", Field::Author)].into_iter().find_map(
        |(name, field)| {
            let (start, rest) = text.split_at_checked(name.len())?;
            let is_named = start.eq_ignore_ascii_case(name) && starts_word(rest);
            is_named.then_some((field, rest))
        },
    )
}

/// Whether a word or a phrase that can be found begins here.
fn starts_word(text: &str) -> bool {
    let typed = Typed::read_plain(text);
    !text.starts_with(char::is_whitespace) && Units::cut(typed.text).has_words()
}

impl<'t> Typed<'t> {
    /// Reads the first word of `text`, which begins with no white space.
    fn read(text: &'t str) -> Self {
        let operand = text.strip_prefix('-').filter(|rest| !rest.starts_with('-') && starts_word(rest));
        let (field, word) = match strip_field(operand.unwrap_or(text)) {
            Some((field, word)) => (Some(field), word),
            None => (None, operand.unwrap_or(text)),
        };
        Self { is_excluded: operand.is_some(), field, ..Self::read_plain(word) }
    }

    /// Reads a phrase in quotes, or up to the next white space.
    fn read_plain(text: &'t str) -> Self {
        let quoted = text.strip_prefix('"').and_then(|inside| inside.split_once('"'));
        let (word, rest) =
            quoted.unwrap_or_else(|| text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())));
        Self { is_excluded: false, field: None, is_quoted: quoted.is_some(), text: word, rest }
    }

    /// The word, unless nothing in it can be found. It ends, with its quote, at `end`.
    fn make_word(&self, end: usize, is_last: bool) -> Option<Word> {
        let mut units = Units::cut(self.text);
        let ends = |kind| matches!(kind, Kind::Gap | Kind::Break);
        while units.units.last().is_some_and(|unit| ends(unit.kind)) {
            units.units.pop();
        }
        let is_stop = |unit: &super::tokens::Unit| unit.kind == Kind::DottedGap && unit.text.len() == 1;
        let first = units
            .units
            .iter()
            .position(|unit| is_stop(unit) || !(ends(unit.kind) || unit.kind == Kind::DottedGap))?;
        units.units.drain(..first);
        let last = units.units.last()?;
        let is_free = !self.is_quoted && !self.is_excluded;
        let letters = units.text(last);
        let is_tolerant = is_free
            && units.units.len() == 1
            && letters.bytes().all(|c| c.is_ascii_lowercase())
            && (MIN_TYPO_CHARS..=MAX_TYPO_CHARS).contains(&letters.len());
        let is_prefix = is_free && is_last && last.kind == Kind::Letters;
        let end = end - usize::from(self.is_quoted);
        let source = end - self.text.len()..end;
        Some(Word { field: self.field, units, source, is_prefix, is_tolerant })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The words of a query, as field, units and whether it is a prefix; excluded ones after a hyphen.
    fn read(text: &str) -> Result<Vec<String>, QueryFault> {
        let query = Query::parse(text)?;
        let describe = |word: &Word| {
            let field = word.field.map(|field| format!("{field:?}:")).unwrap_or_default();
            let units: Vec<&str> = word.units.units.iter().map(|unit| word.units.text(unit)).collect();
            format!("{field}{}{}", units.join("|"), if word.is_prefix { "*" } else { "" })
        };
        let words = query.words.iter().map(describe);
        Ok(words.chain(query.excluded.iter().map(|word| format!("-{}", describe(word)))).collect())
    }

    #[test]
    fn operators_count_only_where_they_stand_before_a_word() {
        for (text, words) in [
            ("质量 管理", vec!["质|量", "管|理"]),
            ("质量\u{3000}管理", vec!["质|量", "管|理"]),
            ("foo bar", vec!["foo", "bar*"]),
            ("\"foo bar\"", vec!["foo| |bar"]),
            ("foo -bar", vec!["foo", "-bar"]),
            ("foo -\"bar baz\" x", vec!["foo", "x*", "-bar| |baz"]),
            ("foo-bar", vec!["foo|-|bar*"]),
            ("- foo", vec!["foo*"]),
            ("--foo", vec!["foo*"]),
            ("a -- b", vec!["a", "b*"]),
            ("title:质量 tag:\"a b\" Author:李", vec!["Title:质|量", "Tags:a| |b", "Author:李"]),
            ("-title:x y", vec!["y*", "-Title:x"]),
            ("title: x", vec!["title", "x*"]),
            ("title:\"\" x", vec!["title", "x*"]),
            ("title：x", vec!["title|:|x*"]),
            ("url:x", vec!["url|:|x*"]),
            ("\"foo bar", vec!["foo", "bar*"]),
            ("foo\" bar", vec!["foo", "bar*"]),
            ("\"\" foo", vec!["foo*"]),
            ("\"foo\"bar", vec!["foo", "bar*"]),
            ("a AND (b OR c)", vec!["a", "and", "b", "or", "c*"]),
            ("foo* \\bar [x] {y} ~z^2", vec!["foo", "bar", "x", "y", "z|^|2"]),
            ("c++ .net 2.29万", vec!["c|+|+", ".|net", "2|.|29|万"]),
            ("👍 ❤️", vec!["👍", "❤"]),
        ] {
            let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
            assert_eq!(read(text), Ok(words), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_searched_for_is_a_fault() {
        for text in ["", "  ", "，。", "\"\"", "-", "*", "\\", "()", "\u{200b}", "。，\"…\""] {
            assert_eq!(read(text), Err(QueryFault::Nothing), "{text:?}");
        }
        for text in ["-foo", "-\"foo bar\" -x", "-title:质量"] {
            assert_eq!(read(text), Err(QueryFault::OnlyExclusions), "{text:?}");
        }
        assert_eq!(read(&"a ".repeat(20)).map(|words| words.len()), Ok(20));
        assert_eq!(read(&"a ".repeat(21)), Err(QueryFault::TooManyWords));
        assert_eq!(read(&"质".repeat(200)).map(|words| words.len()), Ok(1));
        assert_eq!(read(&"质".repeat(201)), Err(QueryFault::TooLong));
        assert_eq!(read(&"x".repeat(1 << 20)), Err(QueryFault::TooLong));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,40}|[-\": a-b质量\\\\*()]{0,30}") {
            if let Ok(query) = Query::parse(&text) {
                for word in query.words.iter().chain(&query.excluded) {
                    let typed = &query.typed[word.source.clone()];
                    prop_assert!(fold(typed).contains(word.units.text(&word.units.units[0])));
                }
            }
        }
    }
}
