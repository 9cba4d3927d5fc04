//! Bodies: rendering of HTML, markdown and text to safe HTML, and summaries.

use std::sync::LazyLock;

use ammonia::Builder;

use crate::db::types::BodyFormat;

pub mod bounds;
mod raw_elements;

pub use raw_elements::{RAW, Stripped, strip_raw_elements, tokens};

/// The version of the sanitiser, stored with each body so that a stricter version can be applied later.
pub const SANITIZER: i16 = 2;
/// The most characters of a summary made from a body.
const SUMMARY_CHARS: usize = 140;

/// Keeps the allowed elements, attributes and URL schemes of HTML, and drops all others.
static HTML_FILTER: LazyLock<Builder<'static>> = LazyLock::new(|| {
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

/// A rendered body, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Sanitised HTML.
    pub html: String,
    /// The source, if it was not HTML.
    pub source: Option<String>,
    /// The format of the source.
    pub format: BodyFormat,
}

/// The most elements of a body.
const MAX_ELEMENTS: usize = 500_000;
/// The most bytes of a body that is parsed without checking its bounds.
///
/// A body within both limits is parsed fast even in quadratic time.
const SMALL_BODY_BYTES: usize = 16 << 10;
/// The most tags of a body that is parsed without checking its bounds.
const SMALL_BODY_TAGS: usize = 400;
/// The deepest nesting of quotes and lists in markdown.
const MAX_MARKDOWN_DEPTH: usize = 200;

impl Body {
    /// Renders `source` to safe HTML: without scripts, styles, event handlers, and URLs other than
    /// http, https, mailto and tel.
    ///
    /// # Errors
    ///
    /// Returns a phrase that names the exceeded limit if the body exceeds one of the [`bounds`].
    pub fn render(source: String, format: BodyFormat) -> Result<Self, String> {
        let html = match format {
            BodyFormat::Html => sanitise(&source)?,
            BodyFormat::Markdown if source.lines().any(is_deep_line) => {
                return Err(format!("is nested more than {MAX_MARKDOWN_DEPTH} deep"));
            }
            BodyFormat::Markdown => sanitise(&render_markdown(&source))?,
            BodyFormat::Text => sanitise(&render_text(&source))?,
        };
        let source = (format != BodyFormat::Html).then_some(source);
        Ok(Self { html, source, format })
    }
}

fn sanitise(html: &str) -> Result<String, String> {
    let count_tags = || html.bytes().filter(|byte| *byte == b'<').count();
    if html.len() <= SMALL_BODY_BYTES && count_tags() <= SMALL_BODY_TAGS {
        return Ok(HTML_FILTER.clean(html).to_string());
    }
    bounds::check(html, MAX_ELEMENTS)?;
    Ok(HTML_FILTER.clean(&strip_raw_elements(html).html).to_string())
}

/// Whether a line of markdown opens more than [`MAX_MARKDOWN_DEPTH`] quotes and lists.
fn is_deep_line(line: &str) -> bool {
    let marks =
        line.chars().take_while(|c| matches!(c, '>' | ' ' | '\t' | '-' | '*' | '+' | '.' | ')' | '0'..='9'));
    let marks: String = marks.collect();
    let quotes = marks.matches('>').count();
    quotes + marks.split_whitespace().filter(|mark| !mark.contains('>')).count() > MAX_MARKDOWN_DEPTH
}

fn render_markdown(source: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    // Raw HTML is kept here, and sanitised with the rest.
    options.render.r#unsafe = true;
    comrak::markdown_to_html(source, &options)
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

/// Returns the text of sanitised HTML, or a beginning of it that is long enough for a summary.
fn extract_leading_text(html: &str) -> String {
    // The cut, which may split an entity, lies after the end of the summary.
    const ENOUGH_CHARS: usize = SUMMARY_CHARS + 16;
    let mut length = 640;
    while length < html.len() {
        let text = extract_text(&html[..html.floor_char_boundary(length)]);
        if text.chars().nth(ENOUGH_CHARS).is_some() {
            return text;
        }
        length *= 4;
    }
    extract_text(html)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn render_html(source: &str, format: BodyFormat) -> String {
        Body::render(source.to_owned(), format).unwrap().html
    }

    #[test]
    fn scripts_are_removed() {
        let dirty = r#"<p onclick="x()">a<script>x()</script><a href="javascript:x()">b</a><img src="data:text/html,x" onerror=x()><svg><animate onbegin=x()></svg></p><style>p{}</style><iframe src="https://example.org"></iframe>"#;
        assert_eq!(
            render_html(dirty, BodyFormat::Html),
            r#"<p>a<a rel="noopener noreferrer">b</a><img></p>"#
        );
    }

    #[test]
    fn han_paragraphs_are_kept_unchanged() {
        let sent = "<p>“拉高线”和“守底线”并重——近3年来,培训1.1万名。</p>";
        assert_eq!(render_html(sent, BodyFormat::Html), sent);
    }

    #[test]
    fn text_becomes_paragraphs_and_its_markup_is_escaped() {
        let html = render_html("one <b>\r\ntwo\r\n\r\n  \r\nthree & four", BodyFormat::Text);
        assert_eq!(html, "<p>one &lt;b&gt;<br>two</p>\n<p>three &amp; four</p>\n");
    }

    #[test]
    fn markdown_is_rendered_and_then_sanitised() {
        let html = render_html("# T\n\n<script>x()</script>\n\n[a](javascript:x)", BodyFormat::Markdown);
        assert!(html.contains("<h1>T</h1>"), "{html}");
        assert!(!html.contains("script"), "{html}");
    }

    #[test]
    fn deep_nesting_is_refused_and_length_is_not() {
        let is_accepted = |source: String, format| Body::render(source, format).is_ok();
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
            assert!(!is_accepted(open.repeat(5_000), BodyFormat::Html), "{open}");
            assert!(!is_accepted(open.repeat(5_000), BodyFormat::Markdown), "{open}");
        }
        for deep in [">", "> ", "- "] {
            assert!(!is_accepted(deep.repeat(5_000), BodyFormat::Markdown), "{deep}");
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
            assert!(is_accepted(plain.repeat(5_000), BodyFormat::Html), "{plain}");
        }
        assert!(is_accepted("-".repeat(5_000), BodyFormat::Markdown));
    }

    #[test]
    fn elements_that_parsers_read_differently_hide_no_tags() {
        for hidden in ["<svg><style>", "<select><title>", "<noscript>", "<math><xmp>", "<template><textarea>"]
        {
            let opened = render_html(&format!("a{hidden}<div>b").repeat(5_000), BodyFormat::Html);
            assert!(!opened.contains("<div>"), "{hidden}");
        }
    }

    #[test]
    fn bodies_that_take_quadratic_time_are_refused() {
        let refusal = |source: &str, format| Body::render(source.to_owned(), format).unwrap_err();
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
        assert!(Body::render(cells, BodyFormat::Html).is_ok());
    }

    #[test]
    fn small_and_large_bodies_are_sanitised_alike() {
        let text = "质量".repeat(SMALL_BODY_BYTES);
        for hidden in ["iframe", "noembed", "noscript", "script", "style", "textarea"] {
            let body = format!("<p>a<{hidden}><b>x</b> &lt;</{hidden}>b</p>");
            let large = render_html(&format!("{body}{text}"), BodyFormat::Html);
            assert!(render_html(&body, BodyFormat::Html) + &text == large, "{hidden}");
            assert!(!large.contains('x'), "{hidden}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

        #[test]
        fn html_without_raw_elements_is_not_changed_by_stripping(pieces in prop::collection::vec(piece(), 0..40)) {
            let source = pieces.concat();
            prop_assert_eq!(HTML_FILTER.clean(&strip_raw_elements(&source).html).to_string(), HTML_FILTER.clean(&source).to_string());
        }
    }

    /// Generates a piece of HTML, complete or broken, without elements that are dropped.
    fn piece() -> impl Strategy<Value = String> {
        let tag = "</?(p|div|b|a|td|table|tr|li|ul|br|img|h2|span|select|x)( (href|src|title)=[\"']?[^ \"'>]{0,9}[\"'>]?)?/?>?";
        let text = "[a-z 质量&;<>\r\n\"'=/#0-9-]{0,12}|&(amp|nbsp|#x4e00|lt)|<!(--)?[a-z<>-]{0,9}(--)?>?";
        prop_oneof![tag, text]
    }

    #[test]
    fn a_summary_ends_at_a_word_and_decodes_entities() {
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
