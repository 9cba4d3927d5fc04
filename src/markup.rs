//! Bodies: from what was written to HTML that is safe to show, and to a short summary.

use std::collections::HashMap;
use std::sync::LazyLock;

use ammonia::Builder;

use crate::db::types::BodyFormat;

/// The sanitiser's version, stored with each body so that a stricter one can be applied later.
pub const SANITIZER: i16 = 1;
/// Length of a summary made from a body, in characters.
const SUMMARY_CHARS: usize = 140;

static SANITIZE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .add_tags(["section", "u"])
        .add_tag_attributes("p", ["align"])
        .add_tag_attributes("a", ["title"])
        .url_schemes(["http", "https", "mailto", "tel"].into());
    builder
});

/// A body as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Sanitised HTML.
    pub html: String,
    /// What was written, when that was not HTML.
    pub source: Option<String>,
    /// What it was written in.
    pub format: BodyFormat,
}

/// A body whose elements are nested deeper than any text is.
///
/// Parsing takes time with the square of the depth, so a body of one megabyte
/// could hold up a worker for minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooDeep;

/// How deep elements, or the quotes and lists of markdown, may be nested.
const DEEPEST: usize = 200;

impl Body {
    /// The body written as `source`.
    pub fn written(source: String, format: BodyFormat) -> Result<Self, TooDeep> {
        let is_deep = match format {
            BodyFormat::Html => is_deep_html(&source),
            BodyFormat::Markdown => is_deep_html(&source) || source.lines().any(is_deep_line),
            BodyFormat::Text => false,
        };
        if is_deep {
            return Err(TooDeep);
        }
        let html = to_html(&source, format);
        let source = (format != BodyFormat::Html).then_some(source);
        Ok(Self { html, source, format })
    }
}

/// Whether more elements are open at once than may be. Counts a little high,
/// never low by much: an end tag closes one open element of its own name.
fn is_deep_html(html: &str) -> bool {
    // Elements that hold nothing, or that end where the next of their kind begins.
    const SHALLOW: &[&str] = &[
        "area", "br", "col", "dd", "dt", "hr", "img", "input", "li", "option", "p", "source", "td", "th",
        "tr", "wbr",
    ];
    let mut open: HashMap<String, usize> = HashMap::new();
    let mut depth = 0;
    for tag in html.split('<').skip(1) {
        let (ends, name) = tag.strip_prefix('/').map_or((false, tag), |name| (true, name));
        let name: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        if name.is_empty() || SHALLOW.contains(&name.as_str()) {
            continue;
        }
        let count = open.entry(name).or_default();
        if !ends {
            *count += 1;
            depth += 1;
        } else if *count > 0 {
            *count -= 1;
            depth -= 1;
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

/// Whether a line of markdown opens more quotes and lists than may be nested.
fn is_deep_line(line: &str) -> bool {
    let marks =
        line.chars().take_while(|c| matches!(c, '>' | ' ' | '\t' | '-' | '*' | '+' | '.' | ')' | '0'..='9'));
    let marks: String = marks.collect();
    let quotes = marks.matches('>').count();
    quotes + marks.split_whitespace().filter(|mark| !mark.contains('>')).count() > DEEPEST
}

/// Safe HTML for `source`, whatever it holds: scripts, styles, event handlers
/// and URLs other than http, https, mailto and tel are gone.
pub fn to_html(source: &str, format: BodyFormat) -> String {
    match format {
        BodyFormat::Html => SANITIZE.clean(source).to_string(),
        BodyFormat::Markdown => SANITIZE.clean(&from_markdown(source)).to_string(),
        BodyFormat::Text => SANITIZE.clean(&from_text(source)).to_string(),
    }
}

fn from_markdown(source: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    // Raw HTML passes here and is sanitised with the rest.
    options.render.r#unsafe = true;
    comrak::markdown_to_html(source, &options)
}

/// A blank line ends a paragraph; a single line break stays one.
fn from_text(source: &str) -> String {
    let normal = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut html = String::with_capacity(normal.len() + 64);
    let mut paragraph: Vec<String> = Vec::new();
    for line in normal.lines().chain([""]) {
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

/// The words of sanitised HTML, white space folded.
fn to_text(html: &str) -> String {
    // Sanitised HTML is canonical, so the ends of blocks can be found as text;
    // without a space there, two paragraphs would run together.
    const BLOCK_ENDS: &[&str] = &[
        "</p>",
        "<br>",
        "</li>",
        "</td>",
        "</th>",
        "</div>",
        "</h1>",
        "</h2>",
        "</h3>",
        "</h4>",
        "</h5>",
        "</h6>",
        "</blockquote>",
        "</pre>",
    ];
    static BARE: LazyLock<Builder<'static>> = LazyLock::new(Builder::empty);
    let spaced = BLOCK_ENDS.iter().fold(html.to_owned(), |text, end| text.replace(end, " "));
    let bare = BARE.clean(&spaced).to_string();
    let words = html_escape::decode_html_entities(&bare);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of sanitised HTML as plain text: at most 140 characters, cut
/// at the end of a word (Latin) or anywhere (Han), with `…` where it was cut.
pub fn summarise(html: &str) -> String {
    let text = beginning(html);
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

/// The words of sanitised HTML, or as many of the first as a summary can need.
fn beginning(html: &str) -> String {
    // What is cut at the end, at worst in an entity, lies beyond the summary.
    const ENOUGH: usize = SUMMARY_CHARS + 16;
    let mut length = 1_024;
    while length < html.len() {
        let text = to_text(&html[..html.floor_char_boundary(length)]);
        if text.chars().nth(ENOUGH).is_some() {
            return text;
        }
        length *= 4;
    }
    to_text(html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_runs_survives() {
        let dirty = r#"<p onclick="x()">a<script>x()</script><a href="javascript:x()">b</a><img src="data:text/html,x" onerror=x()><svg><animate onbegin=x()></svg></p><style>p{}</style><iframe src="https://example.org"></iframe>"#;
        assert_eq!(to_html(dirty, BodyFormat::Html), r#"<p>a<a rel="noopener noreferrer">b</a><img></p>"#);
    }

    #[test]
    fn han_paragraphs_come_back_as_sent() {
        let sent = "<p>“拉高线”和“守底线”并重——近3年来,培训1.1万名。</p>";
        assert_eq!(to_html(sent, BodyFormat::Html), sent);
    }

    #[test]
    fn text_becomes_paragraphs_and_cannot_smuggle_markup() {
        let html = to_html("one <b>\r\ntwo\r\n\r\n  \r\nthree & four", BodyFormat::Text);
        assert_eq!(html, "<p>one &lt;b&gt;<br>two</p>\n<p>three &amp; four</p>\n");
    }

    #[test]
    fn markdown_is_rendered_and_then_sanitised() {
        let html = to_html("# T\n\n<script>x()</script>\n\n[a](javascript:x)", BodyFormat::Markdown);
        assert!(html.contains("<h1>T</h1>"), "{html}");
        assert!(!html.contains("script"), "{html}");
    }

    #[test]
    fn nesting_without_end_is_refused_and_plain_length_is_not() {
        let written = |source: String, format| Body::written(source, format).map(|_| ());
        for deep in ["<div>".repeat(5_000), "<div><x></x>".repeat(5_000), "<B><i>".repeat(5_000)] {
            assert_eq!(written(deep, BodyFormat::Html), Err(TooDeep));
        }
        for deep in [">".repeat(5_000), "> ".repeat(5_000), "- ".repeat(5_000), "<div>".repeat(5_000)] {
            assert_eq!(written(deep, BodyFormat::Markdown), Err(TooDeep));
        }
        for long in ["<p>a<br>".repeat(5_000), "<div><b>a</b></div>".repeat(5_000), "<li>a".repeat(5_000)] {
            assert_eq!(written(long, BodyFormat::Html), Ok(()));
        }
        assert_eq!(written("-".repeat(5_000), BodyFormat::Markdown), Ok(()));
    }

    #[test]
    fn a_summary_ends_at_a_word_and_knows_entities() {
        assert_eq!(summarise("<p>Tom &amp; Ann</p><p>met</p>"), "Tom & Ann met");
        let long = summarise(&format!("<p>{}</p>", "calibration ".repeat(40)));
        assert!(long.ends_with("calibration…"), "{long}");
        assert!(long.chars().count() <= SUMMARY_CHARS + 1);
        let late = format!(
            "<p>{}</p>{}",
            "<img src=\"https://example.org/a.png\">".repeat(200),
            "late &amp; ".repeat(500)
        );
        assert!(summarise(&late).starts_with("late & late &"), "{}", summarise(&late));
        let han = summarise(&"质量".repeat(200));
        assert_eq!(han.chars().count(), SUMMARY_CHARS + 1);
    }
}
