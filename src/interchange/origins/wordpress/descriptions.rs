//! The descriptions of categories, tags and other terms. A category that an import creates gets its own; articles
//! have no place for the others.

use std::ops::ControlFlow;

use super::names::plain_name;
use super::record::{Element, parse_piece};
use super::splitter::Piece;
use crate::interchange::origins::found::{Found, ReaderWarning, Sink};
use crate::interchange::origins::row_builder::fold_whitespace;
use crate::markup::html_text::html_to_lines;

/// Longest description of a category, in characters.
const MAX_DESCRIPTION_CHARS: usize = 1000;

/// A term of a taxonomy, as a record of the channel has it.
pub struct Term<'e> {
    /// Its taxonomy: `category`, `tag` or another.
    pub taxonomy: &'e str,
    /// WordPress' word for a slug.
    pub nicename: &'e str,
    /// Its name, as HTML.
    pub name: &'e str,
    /// The nicename, name or id of the term that it is in.
    pub parent: &'e str,
    /// Its description, as HTML.
    description: &'e str,
}

impl<'e> Term<'e> {
    /// The term of a record. `None` if the record is of something else.
    pub fn of(record: &'e Element) -> Option<Self> {
        let (taxonomy, keys) = match record.name.as_ref() {
            "wp:category" => (
                "category",
                ["wp:category_nicename", "wp:cat_name", "wp:category_parent", "wp:category_description"],
            ),
            "wp:tag" => ("tag", ["wp:tag_slug", "wp:tag_name", "", "wp:tag_description"]),
            "wp:term" => (
                record.text("wp:term_taxonomy"),
                ["wp:term_slug", "wp:term_name", "wp:term_parent", "wp:term_description"],
            ),
            _ => return None,
        };
        let [nicename, name, parent, description] = keys.map(|key| record.text(key));
        Some(Self { taxonomy, nicename, name, parent, description })
    }

    /// The description as text, as far as a category can have it, and the rest of it.
    pub fn split_description(&self) -> (String, String) {
        // Line breaks of WordPress are line breaks, as in its posts.
        let lines = html_to_lines(&self.description.replace('\n', "<br>"));
        let lines: Vec<_> = lines.lines().map(fold_whitespace).filter(|line| !line.is_empty()).collect();
        let mut text = lines.join("\n");
        let end = text.char_indices().nth(MAX_DESCRIPTION_CHARS).map_or(text.len(), |(end, _)| end);
        let rest = fold_whitespace(&text.split_off(end));
        (text.trim_end().to_owned(), rest)
    }

    /// Whether the description has addresses, which its text has not.
    fn has_addresses(&self) -> bool {
        let html = self.description.to_ascii_lowercase();
        html.contains('<') && ["href=", "src="].iter().any(|name| html.contains(name))
    }
}

/// Tells of the terms in a piece of the channel what cannot be the description of a category, and counts their meta
/// data.
pub fn tell_descriptions(root: &str, piece: &Piece, each: &mut Sink) -> ControlFlow<()> {
    if [&b"_description"[..], b"termmeta"]
        .iter()
        .all(|part| memchr::memmem::find(&piece.text, part).is_none())
    {
        return ControlFlow::Continue(());
    }
    // A record that cannot be read is counted as such.
    let parsed = parse_piece(root, &String::from_utf8_lossy(&piece.text)).unwrap_or_default();
    for record in &parsed.elements {
        for _ in record.find_children("wp:termmeta") {
            each(Found::PassedOver { kind: "term meta".to_owned() })?;
        }
    }
    let mut terms = parsed.elements.iter().filter_map(Term::of);
    terms.try_for_each(|term| tell_description(&term, piece.line, each))
}

/// Tells what of a term's description is in no category. `line` is that of its record.
fn tell_description(term: &Term, line: u64, each: &mut Sink) -> ControlFlow<()> {
    let (text, rest) = term.split_description();
    let mut warn = |code, detail: String| {
        let place = format!("line {line}: {} {:?}", term.taxonomy, plain_name(term.name));
        each(Found::Warning { place, warning: ReaderWarning::new("", code, detail) })
    };
    if term.taxonomy != "category" {
        if text.is_empty() {
            return ControlFlow::Continue(());
        }
        let text = fold_whitespace(&text);
        return warn("description_dropped", format!("has a description, which is left out: {text}{rest}"));
    }
    if !rest.is_empty() {
        let max = MAX_DESCRIPTION_CHARS;
        let detail = format!("has a description of more than {max} characters; left out: {rest}");
        warn("description_cut", detail)?;
    }
    if term.has_addresses() {
        let detail = "has links or pictures in its description; only their text is kept";
        warn("description_changed", detail.to_owned())?;
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_in_lines_and_cut_where_a_category_ends() {
        let split = |description: &str| {
            let none = "";
            Term { taxonomy: none, nicename: none, name: none, parent: none, description }.split_description()
        };
        assert_eq!(
            split("<p>计量 &amp; <b>质量</b></p>\n\n 二 "),
            ("计量 & 质量\n二".to_owned(), String::new())
        );
        assert_eq!(split(&"长".repeat(1003)), ("长".repeat(1000), "长长长".to_owned()));
        assert_eq!(split(" \n "), Default::default());
    }
}
