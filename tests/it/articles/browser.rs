//! Reads HTML as a browser does, and says what in it could run.

/// Tags that only show something.
const HARMLESS: &[&str] = &[
    "a",
    "abbr",
    "area",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "map",
    "mark",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "category",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "tfoot",
    "td",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];
/// Attributes that only say something.
const QUIET: &[&str] = &[
    "align",
    "alt",
    "class",
    "controls",
    "default",
    "height",
    "id",
    "kind",
    "label",
    "lang",
    "loop",
    "media",
    "muted",
    "playsinline",
    "poster",
    "preload",
    "rel",
    "srclang",
    "title",
    "type",
    "width",
];

/// A tag's name and its attributes.
type Tag = (String, Vec<(String, String)>);

/// What in `html` could run, be loaded as a page, or restyle one.
pub fn dangers(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, attributes) in tags(html) {
        if !HARMLESS.contains(&name.as_str()) && !is_tame_embed(&name, &attributes) {
            found.push(format!("<{name}>"));
        }
        if name == "iframe" {
            continue;
        }
        for (attribute, value) in attributes {
            let is_link = matches!(attribute.as_str(), "href" | "src");
            let is_quiet = QUIET.contains(&attribute.as_str()) || (is_link && leads_to_a_page(&value));
            if !is_quiet {
                found.push(format!("{name} {attribute}={value}"));
            }
        }
    }
    found
}

/// Whether a tag shows something of another address that cannot harm: media by https, and a frame of a known
/// player in its sandbox.
fn is_tame_embed(name: &str, attributes: &[(String, String)]) -> bool {
    const PLAYERS: [&str; 2] = ["https://player.bilibili.com/", "https://www.youtube.com/"];
    const FRAME: [&str; 8] =
        ["src", "width", "height", "title", "allowfullscreen", "sandbox", "loading", "referrerpolicy"];
    let get =
        |name: &str| attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let is_https = |name| get(name).is_none_or(|address| address.starts_with("https://"));
    match name {
        "audio" | "source" | "track" | "video" => is_https("src") && is_https("poster"),
        // An end tag has no attributes.
        "iframe" if attributes.is_empty() => true,
        "iframe" => {
            attributes.iter().all(|(name, _)| FRAME.contains(&name.as_str()))
                && get("src").is_some_and(|address| PLAYERS.iter().any(|player| address.starts_with(player)))
                && get("sandbox") == Some("allow-scripts allow-same-origin allow-presentation allow-popups")
        }
        _ => false,
    }
}

/// Whether an address opens by http, https, mailto, tel, or on the site itself.
fn leads_to_a_page(address: &str) -> bool {
    let address = html_escape::decode_html_entities(address);
    // Browsers drop these before they look for the scheme.
    let bare: String = address.chars().filter(|c| *c > ' ').collect::<String>().to_ascii_lowercase();
    match bare.split_once(':') {
        Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => {
            ["http", "https", "mailto", "tel"].contains(&scheme)
        }
        _ => true,
    }
}

/// Every tag, start or end; comments and the like count as tags named `!`.
fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        let inner = after.strip_prefix('/').unwrap_or(after);
        if inner.starts_with(['!', '?']) {
            found.push(("!".to_owned(), Vec::new()));
        } else if inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let end = inner.find(|c: char| c.is_whitespace() || "/>".contains(c)).unwrap_or(inner.len());
            let (attributes, after) = attributes(&inner[end..]);
            found.push((inner[..end].to_ascii_lowercase(), attributes));
            rest = after;
        }
    }
    found
}

/// The attributes at the start of `rest`, and what follows the tag.
fn attributes(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (found, rest.get(1..).unwrap_or_default());
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=/>".contains(c)).unwrap_or(rest.len());
        // A stray `=` begins a name.
        let end = if end == 0 { 1 } else { end };
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = quoted(after.trim_start());
        }
        found.push((name, value.to_owned()));
    }
}

/// The attribute value at the start of `rest`, and what follows it.
fn quoted(rest: &str) -> (&str, &str) {
    match rest.chars().next() {
        Some(mark @ ('"' | '\'')) => rest[1..].split_once(mark).unwrap_or((&rest[1..], "")),
        _ => rest.split_at(rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len())),
    }
}

#[test]
fn it_sees_what_runs() {
    let running = [
        "<script>x()</script>",
        "<IMG SRC=a.png OnError = x()>",
        "<img src='a'/onerror=x()>",
        "<a href=\" java\tscript&#58;x()\">a</a>",
        "<a href='data:text/html,x'>a</a>",
        "<p style=\"color:red\">a</p>",
        "<svg>",
        "<!-- a -->",
        "<p title=\"a\">b</p><iframe src=x",
        "<iframe src=\"https://player.bilibili.com/a\">",
        "<iframe src=\"https://e.org/a\" sandbox=\"allow-scripts allow-same-origin allow-presentation allow-popups\">",
        "<video src=\"http://e.org/a.mp4\">",
    ];
    for html in running {
        assert!(!dangers(html).is_empty(), "{html}");
    }
}

#[test]
fn it_passes_what_only_shows() {
    let showing = [
        "1 < 2 <",
        "<p title=\"<script>\">a</p>",
        "<a href=\"https://e.org/?a=b:c\" rel=x>a</a>",
        "<a href=/a:b>c</a>",
    ];
    for html in showing {
        assert_eq!(dangers(html), [""; 0], "{html}");
    }
}
