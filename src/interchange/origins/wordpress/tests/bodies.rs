//! What becomes of the bodies of posts.

use super::*;

/// The row of a post with this body, and the codes of its warnings.
fn convert(content: &str) -> (Value, Vec<ReaderWarning>) {
    let fields = format!(
        "<title>T</title><link>https://example.org/2020/t/</link><content:encoded><![CDATA[{content}]]></content:encoded>"
    );
    row_with(&options(), &fields)
}

/// The body, without line breaks.
fn body(content: &str) -> String {
    convert(content).0["body"].as_str().unwrap().replace('\n', "")
}

const PARAGRAPHS: &[(&str, &str)] = &[
    ("a\nb\n\nc", "<p>a<br>b</p><p>c</p>"),
    ("a\r\n\r\nb\rc", "<p>a</p><p>b<br>c</p>"),
    ("a\n \t\nb", "<p>a</p><p>b</p>"),
    ("a<br />\nb<br><br>c", "<p>a<br />b</p><p>c</p>"),
    ("<pre>a\n\nb</pre>\n\nc", "<pre>ab</pre><p>c</p>"),
    ("<p>a</p>\n\nb\n\n<p class=\"x\">c\n\nd</p>", "<p>a</p><p>b</p><p class=\"x\">c</p><p>d</p>"),
    (
        "a\n<ul>\n\n<li>b</li>\n\n<li>c\nd</li>\n</ul>\ne",
        "<p>a</p><ul><li>b</li><li>c<br>d</li></ul><p>e</p>",
    ),
    ("<ul><li>a\n\nb</li></ul>", "<ul><li><p>a</p><p>b</p></li></ul>"),
    (
        "<table>\n<tr>\n\n<td>a\nb</td>\n<td>\n\nc\n\n</td></tr>\n\n</table>",
        "<table><tr><td>a<br>b</td><td><p>c</p></td></tr></table>",
    ),
    ("<blockquote>a\n\nb</blockquote>", "<blockquote><p>a</p><p>b</p></blockquote>"),
    ("<div>a</div>\nb\n<div>\n\nc\n\nd</div>", "<div>a</div><p>b</p><div><p>c</p><p>d</p></div>"),
    ("<h2>a\n\nb</h2>c\n<hr>\nd", "<h2>a<br>b</h2><p>c</p><hr><p>d</p>"),
    (
        "<strong>a</strong>\n<em>b</em>\n\n<img src=\"https://x.example/a\">",
        "<p><strong>a</strong><br><em>b</em></p><p><img src=\"https://x.example/a\"></p>",
    ),
    (
        "<picture><img src=\"https://x.example/a\"></picture>\n\na<param>b",
        "<p><picture><img src=\"https://x.example/a\"></picture></p><p>a<param>b</p>",
    ),
    ("<script>\na\n\nb\n</script>\n\nc", "<p><script>ab</script></p><p>c</p>"),
    ("<pre>never closed\n\nb", "<p><pre>never closed</p><p>b</p>"),
    ("a <!-- b --> c\n\n<!-- d -->\n\ne", "<p>a  c</p><p>e</p>"),
    (
        "<video src=\"https://x.example/a.mp4\">\n\n</video>\n\nb",
        "<p><video src=\"https://x.example/a.mp4\"></video></p><p>b</p>",
    ),
    ("if x < y\n\nz > 1 & 2", "<p>if x < y</p><p>z > 1 & 2</p>"),
    ("", ""),
    (" \n\n ", ""),
];

#[test]
fn paragraphs_follow_the_rules_of_the_classic_editor() {
    for (content, expected) in PARAGRAPHS {
        assert_eq!(body(content), *expected, "{content:?}");
    }
    assert_eq!(convert("<pre>\na\n\n  b</pre>").0["body"], "<pre>\na\n\n  b</pre>\n");
}

#[test]
fn comments_of_blocks_go_and_their_html_stays() {
    let content = "<!-- wp:paragraph {\"align\":\"left\"} -->\n<p>a\nb</p>\n<!-- /wp:paragraph -->\n\nfree\n\ntext\n\n\
                   <!-- wp:group --><div><!-- wp:list -->\n<ul>\n\n<li>c</li></ul>\n<!-- /wp:list --></div><!-- /wp:group -->\n\
                   <!-- wp:latest-posts {\"n\":5} /--><!-- wp:block {\"ref\":12} /--><!-- wp:block {\"ref\":13} /-->\
                   <!-- wp:embed {\"url\":\"https://v.example/1\"} /-->";
    assert_eq!(
        body(content),
        "<p>ab</p><p>free</p><p>text</p><div><ul><li>c</li></ul></div>\
         <p><a href=\"https://v.example/1\">https://v.example/1</a></p>"
    );
    let warnings = convert(content).1;
    assert_eq!(codes(&warnings), ["blocks_dropped"]);
    assert!(warnings[0].detail.ends_with("block ×2, latest-posts ×1"), "{warnings:?}");
}

#[test]
fn an_embed_of_a_block_is_a_link() {
    let content = "<!-- wp:core-embed/youtube {\"url\":\"https://youtu.be/x\"} --><figure class=\"wp-block-embed\">\
                   <div class=\"wp-block-embed__wrapper\">\nhttps://youtu.be/x?a=1&amp;b=2\n</div></figure><!-- /wp:core-embed/youtube -->";
    assert!(
        body(content)
            .contains("<a href=\"https://youtu.be/x?a=1&amp;b=2\">https://youtu.be/x?a=1&amp;b=2</a>")
    );
}

#[test]
fn addresses_alone_on_a_line_are_links() {
    let link = "<a href=\"https://v.example/1\">https://v.example/1</a>";
    for (content, expected) in [
        ("a\n\nhttps://v.example/1\n\nb", format!("<p>a</p><p>{link}</p><p>b</p>")),
        ("a\nhttps://v.example/1\nb", format!("<p>a<br>{link}<br>b</p>")),
        ("<p>https://v.example/1</p>", format!("<p>{link}</p>")),
        ("see https://v.example/1", "<p>see https://v.example/1</p>".to_owned()),
        ("<b>x</b>https://v.example/1", "<p><b>x</b>https://v.example/1</p>".to_owned()),
        (
            "<a href=\"https://v.example/1\">\nhttps://v.example/1\n</a>",
            "<p><a href=\"https://v.example/1\"><br>https://v.example/1<br></a></p>".to_owned(),
        ),
        ("<pre>\nhttps://v.example/1\n</pre>", "<pre>https://v.example/1</pre>".to_owned()),
    ] {
        assert_eq!(body(content), expected, "{content:?}");
    }
}

#[test]
fn relative_addresses_are_those_of_the_post() {
    for (content, expected) in [
        (
            "<img src=\"/a.png\" alt=\"x &amp; y\">",
            "<p><img alt=\"x &amp; y\" src=\"https://example.org/a.png\"></p>",
        ),
        ("<img src='a.png'>", "<p><img src=\"https://example.org/2020/t/a.png\"></p>"),
        ("<a href=\"//cdn.example/x\">x</a>", "<p><a href=\"https://cdn.example/x\">x</a></p>"),
        (
            "<a href=\"#n\">x</a><a href=\"mailto:a@b.example\">y</a>",
            "<p><a href=\"#n\">x</a><a href=\"mailto:a@b.example\">y</a></p>",
        ),
        ("<img src=\"https://img.example/a b.png\">", "<p><img src=\"https://img.example/a b.png\"></p>"),
    ] {
        assert_eq!(body(content), expected, "{content:?}");
    }
}

#[test]
fn shortcodes_of_wordpress_become_html() {
    let image = "<img src=\"https://i.example/a.png\">";
    for (content, expected) in [
        (format!("a\n[caption width=\"3\"]{image} Words <b>b</b>[/caption]\nb"),
         format!("<p>a</p><figure>{image}<figcaption>Words <b>b</b></figcaption></figure><p>b</p>")),
        (format!("[caption caption=\"Old ] words\"]<a href=\"https://x.example/\">{image}</a>[/caption]"),
         format!("<figure><a href=\"https://x.example/\">{image}</a><figcaption>Old ] words</figcaption></figure>")),
        (format!("[wp_caption]{image}[/wp_caption]"), format!("<p>{image}</p>")),
        ("[embed width=\"3\"]https://v.example/1[/embed]".into(), "<p><a href=\"https://v.example/1\">https://v.example/1</a></p>".into()),
        ("[video src=\"/v.mp4\" poster='p.jpg' width=640][/video]".into(),
         "<p><video controls=\"\" poster=\"https://example.org/2020/t/p.jpg\" src=\"https://example.org/v.mp4\" width=\"640\"></video></p>".into()),
        ("[audio mp3=\"https://x.example/a.mp3\" ogg=\"https://x.example/a.ogg\"]b".into(),
         "<p><audio controls><source src=\"https://x.example/a.mp3\"><source src=\"https://x.example/a.ogg\"></audio></p><p>b</p>".into()),
        ("[video src=\"https://youtu.be/x\"]".into(), "<p><a href=\"https://youtu.be/x\">https://youtu.be/x</a></p>".into()),
        ("[[caption]] and [[x y=\"1\"]]".into(), "<p>[caption] and [x y=\"1\"]</p>".into()),
    ] {
        let (row, warnings) = convert(&content);
        assert_eq!(row["body"].as_str().unwrap().replace('\n', ""), expected, "{content:?}");
        assert_eq!(warnings, [], "{content:?}");
    }
}

#[test]
fn other_shortcodes_stay_and_are_counted() {
    let content = "[toc] a [su_button url=\"x\"]b[/su_button] [su_button url=\"y\"]c[/su_button] [1] [注] [Update] [x](y) [youtube=https://youtu.be/x]";
    let (row, warnings) = convert(content);
    assert_eq!(row["body"], format!("<p>{content}</p>\n"));
    assert!(warnings[0].detail.ends_with("[su_button] ×2, [toc] ×1, [youtube] ×1"), "{warnings:?}");
    assert_eq!(codes(&warnings), ["shortcodes_kept"]);
}

#[test]
fn missing_pictures_are_named() {
    let (_, warnings) = convert("[gallery ids=\"5, 6\"]\n\n[gallery]");
    assert_eq!(codes(&warnings), ["attachments_missing", "attachments_missing"]);
    assert!(warnings[0].detail.ends_with(": 5, 6"), "{warnings:?}");
    let (row, warnings) = row_with(
        &options(),
        "<title>T</title><wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>9</wp:meta_value></wp:postmeta>",
    );
    assert_eq!(
        (row.get("cover_url"), codes(&warnings), warnings[0].pointer.as_ref()),
        (None, vec!["attachments_missing"], "/cover_url")
    );
}

#[test]
fn a_teaser_is_the_summary_and_pages_are_joined() {
    let (row, warnings) = convert("One <b>two</b>.\n\n<!--more Read on-->\n\nThree<!--nextpage-->Four");
    assert_eq!(row["summary"], "One two.");
    assert_eq!(row["body"], "<p>One <b>two</b>.</p>\n<p>Three</p>\n<p>Four</p>\n");
    assert_eq!(codes(&warnings), ["pages_joined"]);
    let block = "<!-- wp:paragraph --><p>One</p><!-- /wp:paragraph --><!-- wp:more --><!--more--><!-- /wp:more --><p>Two</p>";
    assert_eq!(convert(block).0["summary"], "One");
    assert_eq!(body(block), "<p>One</p><p>Two</p>");
    let given = row_with(
        &options(),
        "<title>T</title><excerpt:encoded>Given</excerpt:encoded><content:encoded><![CDATA[a<!--more-->b]]></content:encoded>",
    );
    assert_eq!(given.0["summary"], "Given");
}

#[test]
fn a_body_of_many_shortcodes_or_tags_is_read_in_linear_time() {
    for piece in [
        "[video src=\"https://x.example/a.mp4\"]",
        "[caption]",
        "<pre>",
        "<div>",
        "[",
        "<!--",
        "[gallery ids=\"",
        "<video>",
        "\n<br>",
    ] {
        convert(&piece.repeat(20_000));
    }
    // What looks for the end of each of these reads ten gigabytes.
    for piece in ["<a ", "<!--"] {
        convert(&piece.repeat(100_000));
        row_with(&options(), &format!("<title><![CDATA[{}>]]></title>", piece.repeat(100_000)));
    }
}

/// Markup between words.
const PIECES: &[&str] = &[
    "\n",
    "\n\n",
    "<br>",
    "<br/><br />",
    "<p>",
    "</p>",
    "<p class=\"x\">",
    "<pre>",
    "</pre>",
    "<ul>",
    "</ul>",
    "<li>",
    "</li>",
    "<div>",
    "</div>",
    "<blockquote>",
    "</blockquote>",
    "<table>",
    "</table>",
    "<tr><td>",
    "</td></tr>",
    "<b>",
    "</b>",
    "<hr>",
    "<h2>",
    "</h2>",
    "<!-- x -->",
    "<!-->",
    "<!--more-->",
    "<!--nextpage-->",
    "<!-- wp:paragraph -->",
    "<!-- /wp:paragraph -->",
    "<!-- wp:freeform -->",
    "<!-- wp:x {\"a\":[\"b\"]} /-->",
    "[caption]",
    "[caption caption='质']",
    "[/caption]",
    "[embed]",
    "[/embed]",
    "https://v.example/1",
    "[video src=\"/a.mp4\"]",
    "[/video]",
    "[注]",
    "[",
    "]",
    "[[x]]",
    "[gallery]",
    "<a href=\"/x\">",
    "</a>",
    "<img src='a'>",
    "<",
    "&",
    "&amp;",
    "\"",
    "'",
    "/",
    "=",
    "[x 质='",
    "[x “",
    "<video>",
    "</video>",
    "<figure>",
    "</figure>",
    "字，",
];

proptest::proptest! {
    #![proptest_config(crate::interchange::origins::tests::cases(400))]

    #[test]
    fn no_word_of_a_body_is_lost(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        let words: Vec<String> = (0..pieces.len()).map(|at| format!("word{at}z")).collect();
        let content: String = pieces.iter().zip(&words).flat_map(|(piece, word)| [*piece, " ", word, " "]).collect();
        let body = body(&content);
        for word in words {
            proptest::prop_assert!(body.contains(&word), "{} {:?} {}", word, content, body);
        }
    }
}
