//! Bodies: rendering of HTML, markdown and text to safe HTML, and summaries.

use std::sync::LazyLock;

use ammonia::Builder;

use crate::db::types::BodyFormat;

pub mod addresses;
mod anchors;
pub mod bounds;
pub mod changes;
mod embeds;
pub mod html_text;
pub mod images;
pub mod own_media;
mod raw_elements;
mod sanitiser;

pub use anchors::ID_PREFIX;
pub use raw_elements::{Stripped, attribute, opens_raw_text, rewrite_tags, strip_raw_elements, tokens};
pub use sanitiser::{Refusal, SANITIZER, Sanitiser};

use changes::MarkupChanges;

/// The most characters of a summary made from a body.
const SUMMARY_CHARS: usize = 140;
/// The beginning of a body in which its summary is looked for. A body can have megabytes of pictures before its text.
const MAX_SUMMARY_SOURCE_BYTES: usize = 160 << 10;
/// The deepest nesting of quotes and lists in markdown.
const MAX_MARKDOWN_DEPTH: usize = 200;

/// A rendered body, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Sanitised HTML.
    pub html: String,
    /// The source, if it was not HTML.
    pub source: Option<String>,
    /// The format of the source.
    pub format: BodyFormat,
    /// A summary made from the HTML.
    pub summary: String,
    /// What the sanitiser changed.
    pub changes: MarkupChanges,
}

impl Body {
    /// Renders `source` to safe HTML: without scripts, styles, event handlers, URLs other than http, https, mailto
    /// and tel, and frames of other hosts than those of `sanitiser`.
    ///
    /// The HTML is a fixpoint: rendered again as HTML, it stays as it is. It has at most `max_chars`
    /// characters, so that it can be sent again; that of markdown and text four times as many.
    ///
    /// # Errors
    ///
    /// Refuses a body that exceeds one of the [`bounds`], or whose HTML is too long.
    pub fn render(
        sanitiser: &Sanitiser,
        source: String,
        format: BodyFormat,
        max_chars: usize,
    ) -> Result<Self, Refusal> {
        let max_chars = if format == BodyFormat::Html { max_chars } else { 4 * max_chars };
        let (html, changes) = match format {
            BodyFormat::Html => {
                sanitiser.sanitise(&own_media::shorten(&source, sanitiser.media_bases()), max_chars)?
            }
            BodyFormat::Markdown => {
                let html = render_markdown(&source)?;
                sanitiser.sanitise(&own_media::shorten(&html, sanitiser.media_bases()), max_chars)?
            }
            BodyFormat::Text => sanitiser.sanitise(&render_text(&source), max_chars)?,
        };
        let source = (format != BodyFormat::Html).then_some(source);
        let summary = summarise(&html);
        Ok(Self { html, source, format, summary, changes })
    }
}

/// Whether a line of markdown opens more than [`MAX_MARKDOWN_DEPTH`] quotes and lists.
fn is_deep_line(line: &str) -> bool {
    let marks =
        line.chars().take_while(|c| matches!(c, '>' | ' ' | '\t' | '-' | '*' | '+' | '.' | ')' | '0'..='9'));
    let marks: String = marks.collect();
    let quotes = marks.matches('>').count();
    quotes + marks.split_whitespace().filter(|mark| !mark.contains('>')).count() > MAX_MARKDOWN_DEPTH
}

/// Renders markdown to HTML. Raw HTML is kept: the result is not safe before it is sanitised. Refuses what is nested
/// too deep.
pub fn render_markdown(source: &str) -> Result<String, Refusal> {
    if source.lines().any(is_deep_line) {
        return Err(Refusal::Unreadable(format!("is nested more than {MAX_MARKDOWN_DEPTH} deep")));
    }
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    // Raw HTML is kept here, and sanitised with the rest.
    options.render.r#unsafe = true;
    let html = drop_code_languages(&comrak::markdown_to_html(source, &options))
        .replace("<input type=\"checkbox\" checked=\"\" disabled=\"\" /> ", "☑ ")
        .replace("<input type=\"checkbox\" disabled=\"\" /> ", "☐ ");
    Ok(html)
}

/// Removes the classes that markdown gives to code, for no class is kept.
fn drop_code_languages(html: &str) -> String {
    let mut pieces = html.split("<code class=\"language-");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.split_once('"').map_or(piece, |(_, rest)| rest);
        plain.extend(["<code", rest]);
    }
    plain
}

/// Renders plain text: a blank line ends a paragraph, a single line break becomes `<br>`.
fn render_text(source: &str) -> String {
    let normalised = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut html = String::with_capacity(normalised.len() + 64);
    let mut paragraph: Vec<String> = Vec::new();
    for line in normalised.lines().chain([""]) {
        if !line.trim().is_empty() {
            paragraph.push(html_escape::encode_text(line).into_owned());
        } else if !paragraph.is_empty() {
            html.push_str("<p>");
            html.push_str(&paragraph.join("<br>"));
            html.push_str("</p>\n");
            paragraph.clear();
        }
    }
    html
}

/// Returns the text of sanitised HTML, with white space folded.
fn extract_text(html: &str) -> String {
    // Sanitised HTML is canonical, so the ends of blocks can be found as text.
    // Without a space there, the words of two paragraphs would be joined.
    const BLOCK_ENDS: &[&str] = &[
        "/p>",
        "br>",
        "/li>",
        "/td>",
        "/th>",
        "/div>",
        "/h1>",
        "/h2>",
        "/h3>",
        "/h4>",
        "/h5>",
        "/h6>",
        "/blockquote>",
        "/pre>",
    ];
    static TAG_REMOVER: LazyLock<Builder<'static>> = LazyLock::new(Builder::empty);
    let mut pieces = html.split('<');
    let mut spaced = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let ends_block = BLOCK_ENDS.iter().any(|end| piece.starts_with(end));
        spaced.extend([if ends_block { " <" } else { "<" }, piece]);
    }
    let text = TAG_REMOVER.clean(&spaced).to_string();
    let words = html_escape::decode_html_entities(&text);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the beginning of sanitised HTML as plain text, at most 140 characters.
///
/// A longer text is cut at the end of a word (Latin) or at any character (Han), and ends with `…`.
pub fn summarise(html: &str) -> String {
    let text = extract_leading_text(html);
    let Some((cut, next)) = text.char_indices().nth(SUMMARY_CHARS) else {
        return text;
    };
    let head = &text[..cut];
    let in_word = next.is_ascii_alphanumeric() && head.ends_with(|last: char| last.is_ascii_alphanumeric());
    let head = match head.rfind(|c: char| !c.is_ascii_alphanumeric()) {
        Some(word) if in_word => &head[..word],
        _ => head,
    };
    format!("{}…", head.trim_end())
}

/// The given summary, or the one made from the body; and whether it was made.
pub fn choose_summary(given: Option<String>, made: impl FnOnce() -> String) -> (String, bool) {
    match given.filter(|given| !given.trim().is_empty()) {
        Some(given) => (given, false),
        None => (made(), true),
    }
}

/// Returns the beginning of the text of sanitised HTML, long enough for a summary.
fn extract_leading_text(html: &str) -> String {
    // The cut, which may split an entity, lies after the end of the summary.
    const ENOUGH_CHARS: usize = SUMMARY_CHARS + 16;
    let mut length = 640;
    loop {
        let text = extract_text(&html[..html.floor_char_boundary(length)]);
        if length >= html.len().min(MAX_SUMMARY_SOURCE_BYTES) || text.chars().nth(ENOUGH_CHARS).is_some() {
            return text;
        }
        length *= 4;
    }
}

#[cfg(test)]
mod tests;
