//! Bodies: from what was written to HTML that is safe to show, and to a short summary.

use std::sync::LazyLock;

use ammonia::Builder;

use crate::db::types::BodyFormat;

pub mod bounds;
mod raw_elements;

pub use raw_elements::{RAW, Stripped, strip_raw_elements, tokens};

/// The sanitiser's version, stored with each body so that a stricter one can be applied later.
pub const SANITIZER: i16 = 2;
/// Length of a summary made from a body, in characters.
const SUMMARY_CHARS: usize = 140;

static SANITIZE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .add_tags(["section", "u"])
        .add_tag_attributes("p", ["align"])
        .add_tag_attributes("a", ["title"])
        .add_clean_content_tags(
            RAW.iter().filter_map(|name| str::from_utf8(name).ok()).filter(|name| *name != "title"),
        )
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

/// Most elements that a body may make.
const MOST_ELEMENTS: usize = 500_000;
/// A body of this many bytes and tags is little work even where its parts are held against each
/// other, all with all: it need not be counted.
const SMALL: (usize, usize) = (16 << 10, 400);
/// How deep the quotes and lists of markdown may be nested.
const DEEPEST: usize = 200;

impl Body {
    /// The body written as `source`: safe HTML, whatever it holds. Scripts, styles, event
    /// handlers and URLs other than http, https, mailto and tel are gone.
    ///
    /// # Errors
    ///
    /// The body is beyond the [`bounds`] of what a parser bears; the phrase says which.
    pub fn written(source: String, format: BodyFormat) -> Result<Self, String> {
        let html = match format {
            BodyFormat::Html => sanitise(&source)?,
            BodyFormat::Markdown if source.lines().any(is_deep_line) => {
                return Err(format!("is nested more than {DEEPEST} deep"));
            }
            BodyFormat::Markdown => sanitise(&from_markdown(&source))?,
            BodyFormat::Text => sanitise(&from_text(&source))?,
        };
        let source = (format != BodyFormat::Html).then_some(source);
        Ok(Self { html, source, format })
    }
}

fn sanitise(html: &str) -> Result<String, String> {
    let tags = || html.bytes().filter(|byte| *byte == b'<').count();
    if html.len() <= SMALL.0 && tags() <= SMALL.1 {
        return Ok(SANITIZE.clean(html).to_string());
    }
    bounds::check(html, MOST_ELEMENTS)?;
    Ok(SANITIZE.clean(&strip_raw_elements(html).html).to_string())
}

/// Whether a line of markdown opens more quotes and lists than may be nested.
fn is_deep_line(line: &str) -> bool {
    let marks =
        line.chars().take_while(|c| matches!(c, '>' | ' ' | '\t' | '-' | '*' | '+' | '.' | ')' | '0'..='9'));
    let marks: String = marks.collect();
    let quotes = marks.matches('>').count();
    quotes + marks.split_whitespace().filter(|mark| !mark.contains('>')).count() > DEEPEST
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
    static BARE: LazyLock<Builder<'static>> = LazyLock::new(Builder::empty);
    let mut pieces = html.split('<');
    let mut spaced = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let ends_block = BLOCK_ENDS.iter().any(|end| piece.starts_with(end));
        spaced.extend([if ends_block { " <" } else { "<" }, piece]);
    }
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
    let mut length = 640;
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
    use proptest::prelude::*;

    use super::*;

    fn html(source: &str, format: BodyFormat) -> String {
        Body::written(source.to_owned(), format).unwrap().html
    }

    #[test]
    fn nothing_that_runs_survives() {
        let dirty = r#"<p onclick="x()">a<script>x()</script><a href="javascript:x()">b</a><img src="data:text/html,x" onerror=x()><svg><animate onbegin=x()></svg></p><style>p{}</style><iframe src="https://example.org"></iframe>"#;
        assert_eq!(html(dirty, BodyFormat::Html), r#"<p>a<a rel="noopener noreferrer">b</a><img></p>"#);
    }

    #[test]
    fn han_paragraphs_come_back_as_sent() {
        let sent = "<p>“拉高线”和“守底线”并重——近3年来,培训1.1万名。</p>";
        assert_eq!(html(sent, BodyFormat::Html), sent);
    }

    #[test]
    fn text_becomes_paragraphs_and_cannot_smuggle_markup() {
        let html = html("one <b>\r\ntwo\r\n\r\n  \r\nthree & four", BodyFormat::Text);
        assert_eq!(html, "<p>one &lt;b&gt;<br>two</p>\n<p>three &amp; four</p>\n");
    }

    #[test]
    fn markdown_is_rendered_and_then_sanitised() {
        let html = html("# T\n\n<script>x()</script>\n\n[a](javascript:x)", BodyFormat::Markdown);
        assert!(html.contains("<h1>T</h1>"), "{html}");
        assert!(!html.contains("script"), "{html}");
    }

    #[test]
    fn nesting_without_end_is_refused_and_plain_length_is_not() {
        let is_taken = |source: String, format| Body::written(source, format).is_ok();
        let hidden = [
            "<div><!--</div>-->",
            "<div><img alt='</div>'>",
            "<div><table><tr><td></div></table>",
            "<span><p></span></p>",
            "<b><div></b>",
            "<dd><li>",
            "<dt><li>",
            "<li></div><dd></div>",
            "<li><td><dd><td>",
            "<li><tr><dd><tr>",
        ];
        for open in ["<div>", "<div><x></x>", "<B><i>"].into_iter().chain(hidden) {
            assert!(!is_taken(open.repeat(5_000), BodyFormat::Html), "{open}");
            assert!(!is_taken(open.repeat(5_000), BodyFormat::Markdown), "{open}");
        }
        for deep in [">", "> ", "- "] {
            assert!(!is_taken(deep.repeat(5_000), BodyFormat::Markdown), "{deep}");
        }
        let plain = [
            "<p>a<br>",
            "<div><b>a</b></div>",
            "<li>a<p>b",
            "<div><p>a</div>",
            "<a name=x><p>a</p>",
            "<table><tr><td>a<td><p>b<tr><td><ul><li>c</ul></table>",
            "<dl><dt>a<dd>b<p>c</dl>",
            "<select><option>a<option>b</select>",
        ];
        for plain in plain {
            assert!(is_taken(plain.repeat(5_000), BodyFormat::Html), "{plain}");
        }
        assert!(is_taken("-".repeat(5_000), BodyFormat::Markdown));
    }

    #[test]
    fn nothing_hides_where_parsers_disagree() {
        for hidden in ["<svg><style>", "<select><title>", "<noscript>", "<math><xmp>", "<template><textarea>"]
        {
            let opened = html(&format!("a{hidden}<div>b").repeat(5_000), BodyFormat::Html);
            assert!(!opened.contains("<div>"), "{hidden}");
        }
    }

    #[test]
    fn what_takes_a_parser_the_square_of_its_length_is_refused() {
        let refusal = |source: &str, format| Body::written(source.to_owned(), format).unwrap_err();
        let attributes: String = (0..5_000).map(|n| format!(" a{n}")).collect();
        for tag in [format!("<p{attributes}>"), format!("</p{attributes}>"), format!("<br{attributes}/>")] {
            assert_eq!(refusal(&tag, BodyFormat::Html), "has an element with more than 200 attributes");
        }
        for format in [BodyFormat::Html, BodyFormat::Markdown, BodyFormat::Text] {
            assert_eq!(
                refusal(&"&".repeat(60_000), format),
                "has more than 50000 character references, or characters that need one"
            );
        }
        let marks: String = (0..100).map(|n| format!("<b id=b{n}>")).collect();
        let reopened = marks + &"<p>x".repeat(10_000);
        assert_eq!(refusal(&reopened, BodyFormat::Html), "makes more than 500000 elements");
        for hidden in [
            "<object></b></object>",
            "<table><td></b></table>",
            "<div></div><ul><li><ul><li><ul><li><ul><li></b></ul></ul></ul></ul>",
        ] {
            let marks: String = (0..400).map(|n| format!("<b id=b{n}>{hidden}")).collect();
            let reopened = marks + &"<p>x".repeat(10_000);
            let refused = refusal(&reopened, BodyFormat::Html);
            assert!(refused.contains("elements") || refused.contains("deep"), "{hidden}: {refused}");
        }
        for fostered in ["<p>x", "x<tr>", "<br>", "<i>x</i>", "x</p>"] {
            let refused = refusal(&("<table>".to_owned() + &fostered.repeat(20_000)), BodyFormat::Html);
            assert!(refused.ends_with("in tables but in no cell"), "{fostered}: {refused}");
        }
        let cells = "<table>".to_owned() + &"<tr><td>x<td><p>x</p></tr>\n".repeat(20_000);
        assert!(Body::written(cells, BodyFormat::Html).is_ok());
    }

    #[test]
    fn a_small_body_and_a_large_one_are_cleaned_alike() {
        let text = "质量".repeat(SMALL.0);
        for hidden in ["iframe", "noembed", "noscript", "script", "style", "textarea"] {
            let body = format!("<p>a<{hidden}><b>x</b> &lt;</{hidden}>b</p>");
            let large = html(&format!("{body}{text}"), BodyFormat::Html);
            assert!(html(&body, BodyFormat::Html) + &text == large, "{hidden}");
            assert!(!large.contains('x'), "{hidden}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

        #[test]
        fn what_is_read_by_the_same_rules_comes_through_as_it_is(pieces in prop::collection::vec(piece(), 0..40)) {
            let source = pieces.concat();
            prop_assert_eq!(SANITIZE.clean(&strip_raw_elements(&source).html).to_string(), SANITIZE.clean(&source).to_string());
        }
    }

    /// A piece of HTML, whole or broken, without an element that is dropped.
    fn piece() -> impl Strategy<Value = String> {
        let tag = "</?(p|div|b|a|td|table|tr|li|ul|br|img|h2|span|select|x)( (href|src|title)=[\"']?[^ \"'>]{0,9}[\"'>]?)?/?>?";
        let text = "[a-z 质量&;<>\r\n\"'=/#0-9-]{0,12}|&(amp|nbsp|#x4e00|lt)|<!(--)?[a-z<>-]{0,9}(--)?>?";
        prop_oneof![tag, text]
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
