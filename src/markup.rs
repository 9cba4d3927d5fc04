//! Bodies: from what was written to HTML that is safe to show, and to a short summary.

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

impl Body {
    /// The body written as `source`.
    pub fn written(source: String, format: BodyFormat) -> Self {
        let html = to_html(&source, format);
        let source = (format != BodyFormat::Html).then_some(source);
        Self { html, source, format }
    }
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
    let spaced = BLOCK_ENDS.iter().fold(html.to_owned(), |text, end| text.replace(end, " "));
    let bare = Builder::empty().clean(&spaced).to_string();
    let words = html_escape::decode_html_entities(&bare);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of sanitised HTML as plain text: at most 140 characters, cut
/// at the end of a word (Latin) or anywhere (Han), with `…` where it was cut.
pub fn summarise(html: &str) -> String {
    let text = to_text(html);
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
    fn a_summary_ends_at_a_word_and_knows_entities() {
        assert_eq!(summarise("<p>Tom &amp; Ann</p><p>met</p>"), "Tom & Ann met");
        let long = summarise(&format!("<p>{}</p>", "calibration ".repeat(40)));
        assert!(long.ends_with("calibration…"), "{long}");
        assert!(long.chars().count() <= SUMMARY_CHARS + 1);
        let han = summarise(&"质量".repeat(200));
        assert_eq!(han.chars().count(), SUMMARY_CHARS + 1);
    }
}
