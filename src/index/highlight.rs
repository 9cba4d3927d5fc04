//! The words of a query in a text: where they are, marked, and cut out with what is around them.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;

use super::Field;
use super::query::{Query, Word};
use super::tokens::{Kind, Unit, Units};

/// Bytes of texts after which no better part is looked for, if there are enough.
const MAX_SNIPPET_BYTES: usize = 256 << 10;

/// Parts of one text that are looked at.
const MAX_WINDOWS: usize = 200;

/// The words of a query in a text of `field`, in the script that the text has.
///
/// The ranges are bytes of `text`, at the borders of characters; they are in order and do not overlap. `None` if there
/// are none.
pub fn highlight(query: &Query, field: Field, text: &str) -> Option<Vec<Range<usize>>> {
    let places = find_places(query, field, &Units::cut(text));
    (!places.is_empty()).then(|| merge(places.into_iter().map(|(range, _)| range)))
}

/// Where the words of a query are in a text, in order, each with the number of its word.
fn find_places(query: &Query, field: Field, text: &Units) -> Vec<(Range<usize>, usize)> {
    let words =
        query.words.iter().enumerate().filter(|(_, word)| word.field.is_none_or(|only| only == field));
    let mut places: Vec<(Range<usize>, usize)> =
        words.flat_map(|(i, word)| find_word(word, text).into_iter().map(move |range| (range, i))).collect();
    places.sort_by_key(|(range, _)| (range.start, range.end));
    places
}

/// Joins ranges that touch each other.
fn merge(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// All occurrences of a word, as bytes of the original text.
pub fn find_word(word: &Word, text: &Units) -> Vec<Range<usize>> {
    let wanted = &word.units.units;
    let ends_at = |start: usize| {
        let found = text.units.get(start..start + wanted.len())?;
        let last = wanted.len() - 1;
        let fits = |(i, (wanted, found)): (usize, (&Unit, &Unit))| {
            matches_unit(word, wanted, text, found, i == last)
        };
        let all = wanted.iter().zip(found).enumerate().all(fits);
        all.then(|| found[0].source.start..found[last].source.end)
    };
    (0..text.units.len()).filter_map(ends_at).collect()
}

/// Whether a unit of a text is what a unit of a word asks for.
fn matches_unit(word: &Word, wanted: &Unit, text: &Units, found: &Unit, is_last: bool) -> bool {
    let is_gap = |unit: &Unit| matches!(unit.kind, Kind::Gap | Kind::DottedGap);
    if is_gap(wanted) {
        // A gap at the beginning of a word is its full stop.
        let is_first = word.units.units.first().is_some_and(|first| first == wanted);
        return if is_first { found.kind == Kind::DottedGap } else { is_gap(found) };
    }
    if wanted.kind != found.kind {
        return false;
    }
    let (wanted, found) = (word.units.text(wanted), text.text(found));
    wanted == found
        || (is_last && word.is_prefix && found.starts_with(wanted))
        || (word.is_tolerant && is_one_typo_away(wanted, found))
}

/// Whether one letter more, less, other, or exchanged with its neighbour makes `a` from `b`.
pub fn is_one_typo_away(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if !b.is_ascii() || a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    let is_swapped = a.len() == b.len() && a.len() > 1 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..];
    match (a, b) {
        ([], []) => false,
        ([_, rest @ ..], [_, other @ ..]) if rest == other => true,
        ([_, rest @ ..], b) if rest == b => true,
        (a, [_, rest @ ..]) if a == rest => true,
        _ => is_swapped,
    }
}

/// Writes `text` as HTML, with the `ranges` in `<mark>`.
pub fn mark(text: &str, ranges: &[Range<usize>]) -> String {
    let mut html = String::with_capacity(text.len() + ranges.len() * 13);
    let mut at = 0;
    for range in ranges {
        let (Some(before), Some(inside)) = (text.get(at..range.start), text.get(range.clone())) else {
            continue;
        };
        html.push_str(&html_escape::encode_quoted_attribute(before));
        html.push_str("<mark>");
        html.push_str(&html_escape::encode_quoted_attribute(inside));
        html.push_str("</mark>");
        at = range.end;
    }
    html.push_str(&html_escape::encode_quoted_attribute(text.get(at..).unwrap_or_default()));
    html
}

/// Parts of the texts that have words of the query, as HTML with `<mark>`.
///
/// At most `max` parts of at most `chars` characters: those with the most different words, in the order of the texts.
/// `…` stands where a text was cut.
pub fn cut_snippets(blocks: &[String], query: &Query, max: usize, chars: usize) -> Vec<String> {
    let mut parts: Vec<(usize, usize, String)> = Vec::new();
    let mut read = 0;
    for block in blocks {
        if read > MAX_SNIPPET_BYTES && parts.len() >= max {
            break;
        }
        read += block.len();
        let places = find_places(query, Field::Body, &Units::cut(block));
        let ranges = merge(places.iter().map(|(range, _)| range.clone()));
        let mut rest: &[Range<usize>] = &ranges;
        let mut windows = 0;
        while let Some(first) = rest.first().filter(|_| windows < MAX_WINDOWS) {
            let window = cut_window(block, first, chars);
            let inside = rest.iter().take_while(|range| range.end <= window.end).count().max(1);
            let from = places.partition_point(|(range, _)| range.start < window.start);
            let begun = places[from..].iter().take_while(|(range, _)| range.start < window.end);
            let seen = begun.filter(|(range, _)| range.end <= window.end);
            let words: BTreeSet<usize> = seen.map(|(_, word)| *word).collect();
            parts.push((words.len(), parts.len(), mark_window(block, &window, &rest[..inside])));
            rest = &rest[inside..];
            windows += 1;
        }
    }
    parts.sort_by_key(|(words, at, _)| (Reverse(*words), *at));
    parts.truncate(max);
    parts.sort_by_key(|(_, at, _)| *at);
    parts.into_iter().map(|(.., html)| html).collect()
}

/// At most `chars` characters of `text` around `range`, or of its beginning if it is longer.
fn cut_window(text: &str, range: &Range<usize>, chars: usize) -> Range<usize> {
    if let Some((longer, _)) = text[range.clone()].char_indices().nth(chars) {
        return range.start..range.start + longer;
    }
    let inside = text[range.clone()].chars().count();
    let room = chars.saturating_sub(inside);
    let before: usize = text[..range.start].chars().rev().take(room / 3).map(char::len_utf8).sum();
    let taken = text[range.start - before..range.end].chars().count();
    let after: usize = text[range.end..].chars().take(chars.saturating_sub(taken)).map(char::len_utf8).sum();
    range.start - before..range.end + after
}

/// The part of `text` in `window`, marked.
fn mark_window(text: &str, window: &Range<usize>, ranges: &[Range<usize>]) -> String {
    let inside =
        ranges.iter().map(|range| range.start - window.start..range.end.min(window.end) - window.start);
    let inside: Vec<Range<usize>> = inside.collect();
    let start = if window.start > 0 { "…" } else { "" };
    let end = if window.end < text.len() { "…" } else { "" };
    format!("{start}{}{end}", mark(&text[window.clone()], &inside))
}
