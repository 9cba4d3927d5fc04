use proptest::prelude::*;

use super::sanitiser::SMALL_BODY_BYTES;
use super::*;

static SANITISER: LazyLock<Sanitiser> =
    LazyLock::new(|| Sanitiser::new(&["player.bilibili.com".to_owned(), "www.youtube.com".to_owned()]));

fn render(source: String, format: BodyFormat, max_chars: usize) -> Result<Body, Refusal> {
    Body::render(&SANITISER, source, format, max_chars)
}

fn render_html(source: &str, format: BodyFormat) -> String {
    render(source.to_owned(), format, 1_000_000).unwrap().html
}

#[test]
fn scripts_are_removed() {
    let dirty = r#"<p onclick="x()">a<script>x()</script><a href="javascript:x()">b</a><img src="data:text/html,x" onerror=x()><svg><animate onbegin=x()></svg></p><style>p{}</style><iframe src="https://example.org"></iframe>"#;
    assert_eq!(
        render_html(dirty, BodyFormat::Html),
        r#"<p>a<a rel="noopener noreferrer">b</a><img></p><a href="https://example.org/" rel="noopener noreferrer">https://example.org/</a>"#
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
    let is_accepted = |source: String, format| render(source, format, 1_000_000).is_ok();
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
    let opened = render_html(&"a<svg><style><div>b".repeat(5_000), BodyFormat::Html);
    assert!(!opened.contains("<div>"), "{opened}");
    // What is not closed hides nothing, so the depth of what follows is seen.
    for hidden in ["<select><title>", "<noscript>", "<math><xmp>", "<template><textarea>", "<plaintext>"] {
        let refusal = render(format!("a{hidden}<div>b").repeat(5_000), BodyFormat::Html, 1_000_000);
        assert!(
            matches!(&refusal, Err(Refusal::Unreadable(why)) if why.contains("deep")),
            "{hidden} {refusal:?}"
        );
    }
}

#[test]
fn bodies_that_take_quadratic_time_are_refused() {
    let refusal = |source: &str, format| match render(source.to_owned(), format, 1_000_000) {
        Err(Refusal::Unreadable(reason)) => reason,
        other => panic!("{other:?}"),
    };
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
    assert!(render(cells, BodyFormat::Html, 2_000_000).is_ok());
}

#[test]
fn small_and_large_bodies_are_sanitised_alike() {
    let text = "质量".repeat(SMALL_BODY_BYTES);
    for hidden in ["iframe", "noembed", "noframes", "noscript", "script", "style", "textarea"] {
        let body = format!("<p>a<{hidden}><b>x</b> &lt;</{hidden}>b</p>");
        let large = render_html(&format!("{body}{text}"), BodyFormat::Html);
        assert!(render_html(&body, BodyFormat::Html) + &text == large, "{hidden}");
        assert!(!large.contains('x'), "{hidden}");
    }
}

/// Attributes that hold a URL, in some element of some version of HTML.
const URL_ATTRIBUTES: &str = "href src cite longdesc background action formaction data poster ping usemap \
     profile manifest icon srcset xlink:href codebase classid dynsrc";

#[test]
fn urls_of_other_schemes_are_removed_from_every_attribute() {
    let elements = "a area blockquote q del ins img table td video object p";
    let schemes = [
        "javascript:x()",
        "JavaScript:x()",
        " java\tscript:x()",
        "&#106;avascript:x()",
        "\u{1}javascript:x()",
        "vbscript:x",
        "data:text/html,x",
        "blob:x",
        "file:///x",
    ];
    for element in elements.split_whitespace() {
        for attribute in URL_ATTRIBUTES.split_whitespace() {
            for scheme in schemes {
                let source = format!("<{element} {attribute}=\"{scheme}\">t</{element}>");
                let html = render_html(&source, BodyFormat::Html);
                assert!(!html.contains(':') && !html.contains("script"), "{html}");
            }
        }
    }
    for kept in [
        "<q cite=\"https://example.org/\">a</q>",
        "<blockquote cite=\"/source?a=1\"></blockquote>",
        "<ins cite=\"mailto:a@example.org\">a</ins>",
    ] {
        assert_eq!(render_html(kept, BodyFormat::Html), kept);
    }
}

#[test]
fn clean_html_stays_as_it_is() {
    // Each took two passes or more.
    for source in [
        "<a href=x><p><a href=y>b</a></p></a>",
        "<a><table><a>x</table></a>",
        "<b><x><p></b>y</x>",
        "<h1><font><h2>a</font></h1>b",
        "<table><x><tr><td>a</x></table>",
        "<p><x><table><p>a</table></x>",
        "<ul><x><li>a<x><li>b</x></ul>",
        "<button><p>a<button>b</button></p>",
        "<dl><form><dt>a<dd></form><dt>b</dl>",
        "<nobr>a<nobr>b<p>c",
        "<select><p>a<table><tr><td>b</select>",
        "<pre>\n\na</pre>",
        "<pre><x>\na</x></pre>",
        "<p><b><iframe src=\"https://e.org/\"></iframe><a href=x>y</a></b>",
        "<a href=y><iframe src=\"https://e.org/\"></iframe></a>",
        "<table><iframe src=\"https://player.bilibili.com/\"></iframe><tr><td>a</table>",
        "<select><iframe src=\"https://player.bilibili.com/\"><p>a</select>",
        "<a href=#x>a</a><td id=x>b</td>",
        "<video src=x><p>a</video>",
        "<p><video><p>a</video>",
    ] {
        let once = render_html(source, BodyFormat::Html);
        assert_eq!(render_html(&once, BodyFormat::Html), once, "{source}");
    }
}

#[test]
fn a_body_with_many_names_tells_few_of_them() {
    let source: String = (0..5_000).map(|n| format!("<x{n} a{n}></x{n}><p b{n}></p>")).collect();
    let body = render(source, BodyFormat::Html, 1_000_000).unwrap();
    assert_eq!(body.changes.elements.len(), 31);
    assert_eq!(body.changes.elements.values().sum::<u64>(), 5_000);
    assert_eq!(body.changes.attributes["other"], 4_970);
}

#[test]
fn clean_html_is_not_longer_than_a_body_may_be() {
    let too_long = |source: String, format, max_chars| {
        matches!(render(source, format, max_chars), Err(Refusal::TooLong(_)))
    };
    for source in ["<a href=\"/\">x</a>", "\u{a0}"] {
        let source = source.repeat(2_000);
        let length = source.chars().count();
        assert!(too_long(source.clone(), BodyFormat::Html, length), "{}", &source[..20]);
        assert!(!too_long(source, BodyFormat::Html, 100 * length));
    }
    assert!(too_long("a\n\n".repeat(2_000), BodyFormat::Text, 1_000));
    assert!(!too_long("a\n\n".repeat(2_000), BodyFormat::Text, 6_000));
    assert!(too_long("* * *\n".repeat(2_000), BodyFormat::Markdown, 1_000));
    assert!(!too_long("质".repeat(1_000), BodyFormat::Html, 1_000));
}

#[test]
fn a_summary_is_looked_for_in_the_beginning_of_a_body_only() {
    let pictures = "<img src=\"https://example.org/a.png\">".repeat(10_000);
    assert_eq!(summarise(&format!("{pictures}<p>late</p>")), "");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn clean_html_is_a_fixpoint(pieces in prop::collection::vec(piece(), 0..40), repeat in prop_oneof![Just(1_usize), Just(60)]) {
        let source = pieces.concat().repeat(repeat);
        if let Ok(body) = render(source, BodyFormat::Html, 1_000_000) {
            let again = render(body.html.clone(), BodyFormat::Html, 1_000_000);
            prop_assert_eq!(again.map(|again| again.html), Ok(body.html));
        }
    }

    #[test]
    fn html_without_raw_elements_is_not_changed_by_stripping(pieces in prop::collection::vec(plain_piece(), 0..40)) {
        let source = pieces.concat();
        prop_assert_eq!(SANITISER.clean_unchecked(&strip_raw_elements(&source).html), SANITISER.clean_unchecked(&source));
    }
}

/// Generates a piece of HTML, complete or broken, with frames, media and links to places.
fn piece() -> impl Strategy<Value = String> {
    let embed = "<(iframe|video|audio|source|track)( (src|title|width|poster|id)=[\"']?(https://player\\.bilibili\\.com/|https://e\\.org/|//www\\.youtube\\.com/|/|[^ \"'>]{0,5})[^ \"'>]{0,5}[\"'>]?){0,3}/?>?|</(iframe|video|audio|source|track)>";
    let place = "<(a|p|h2|b|td|li|a href=#)( (id|name|href)=[\"']?#?(user-content-)?[xy%7]{0,3}[\"']?){0,3}>";
    let dropped = "</?(svg|math|template|mi|ms|line|text|desc|title|style|textarea|noframes|image|foreignobject|option|form|tfoot)/?>?";
    prop_oneof![8 => plain_piece(), 1 => embed, 1 => place, 1 => dropped]
}

/// Generates a piece of HTML, complete or broken, without elements that are dropped.
fn plain_piece() -> impl Strategy<Value = String> {
    let tag = "</?(p|div|b|a|td|table|tr|li|ul|br|img|h2|span|select|x|form|button|nobr|pre|dd|dt|caption|font|center|ruby|rt)( (href|src|title)=[\"']?[^ \"'>]{0,9}[\"'>]?)?/?>?";
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
