//! The cards of Ghost's editors: pictures, embeds, code and so on. Both editors have the same.

use std::collections::BTreeSet;

use html_escape::{encode_double_quoted_attribute as attribute, encode_text};
use serde_json::Value;

use crate::markup::html_text::html_to_text;
use crate::markup::render_markdown;

/// Cards for newsletters and paying readers, which Ghost does not show on its pages.
const HIDDEN_CARDS: &[&str] = &["email", "email-cta", "paywall"];
/// Keys of cards whose text is no text of the article.
const SETTINGS: &[&str] = &[
    "type",
    "version",
    "format",
    "direction",
    "style",
    "cardwidth",
    "width",
    "layout",
    "size",
    "alignment",
    "tag",
    "mode",
    "detail",
    "visibility",
    "backgroundcolor",
    "buttoncolor",
    "textcolor",
    "buttontextcolor",
    "rel",
    "target",
    "indent",
    "segment",
    "mimetype",
    "uuid",
    "id",
];

/// A body of one of Ghost's editors as HTML, and what was not rendered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The HTML.
    pub html: String,
    /// Kinds of cards and nodes that have no rendering. Their text is in the HTML.
    pub unknown: BTreeSet<String>,
    /// Cards that readers of the site did not see, each with its text. They are not in the HTML.
    pub hidden: Vec<String>,
}

impl Rendered {
    /// Adds a card.
    pub fn add_card(&mut self, kind: &str, card: &Value) {
        if HIDDEN_CARDS.contains(&kind) {
            let text =
                collect_texts(card).iter().map(|text| html_to_text(text)).collect::<Vec<_>>().join(" ");
            self.hidden.push(format!("{kind} {text:?}"));
        } else if let Some(html) = render_card(kind, card) {
            self.html.push_str(&html);
        } else {
            self.unknown.insert(kind.to_owned());
            for text in collect_texts(card) {
                self.html.push_str(&wrap("p", &text));
            }
        }
        self.html.push('\n');
    }
}

/// An element around HTML. Empty HTML gives none.
pub fn wrap(tag: &str, html: &str) -> String {
    if html.trim().is_empty() { String::new() } else { format!("<{tag}>{html}</{tag}>") }
}

/// A link. Without an address it is its HTML alone.
pub fn link(address: &str, html: &str) -> String {
    let html = if html.trim().is_empty() { encode_text(address) } else { html.into() };
    if address.is_empty() {
        html.into_owned()
    } else {
        format!("<a href=\"{}\">{html}</a>", attribute(address))
    }
}

fn text<'c>(card: &'c Value, key: &str) -> &'c str {
    card[key].as_str().unwrap_or_default()
}

/// The first of the keys that holds text.
fn first_text<'c>(card: &'c Value, keys: &[&str]) -> &'c str {
    keys.iter().map(|key| text(card, key)).find(|text| !text.trim().is_empty()).unwrap_or_default()
}

fn image(card: &Value) -> String {
    let (address, words) = (first_text(card, &["src", "url"]), text(card, "alt"));
    if address.is_empty() {
        return String::new();
    }
    let title = text(card, "title");
    let title = if title.is_empty() { String::new() } else { format!(" title=\"{}\"", attribute(title)) };
    format!("<img src=\"{}\" alt=\"{}\"{title}>", attribute(address), attribute(words))
}

/// A figure around HTML, with the card's caption.
fn figure(html: &str, card: &Value) -> String {
    let caption = wrap("figcaption", text(card, "caption"));
    if html.is_empty() { caption } else { format!("<figure>{html}{caption}</figure>") }
}

/// The HTML of a card. `None` if its kind is not known.
fn render_card(kind: &str, card: &Value) -> Option<String> {
    Some(match kind {
        // What is nested too deep for markdown stays as text.
        "markdown" | "card-markdown" => render_markdown(text(card, "markdown"))
            .unwrap_or_else(|_| format!("<pre>{}</pre>", encode_text(text(card, "markdown")))),
        "html" => text(card, "html").to_owned(),
        "hr" | "horizontalrule" => "<hr>".to_owned(),
        "code" | "codeblock" => {
            let code = format!("<pre><code>{}</code></pre>", encode_text(text(card, "code")));
            format!("{code}{}", wrap("p", text(card, "caption")))
        }
        "callout" => {
            let emoji = text(card, "calloutEmoji");
            wrap("blockquote", &wrap("p", &format!("{emoji} {}", text(card, "calloutText"))))
        }
        "toggle" => format!("{}{}", wrap("h4", text(card, "heading")), text(card, "content")),
        "bookmark" => render_bookmark(card),
        "product" => [
            wrap("h4", text(card, "productTitle")),
            wrap("p", &picture(text(card, "productImageSrc"))),
            text(card, "productDescription").to_owned(),
            wrap("p", &link(text(card, "productUrl"), &escape_first(card, &["productButton"]))),
        ]
        .concat(),
        "header" => [
            wrap("h2", text(card, "header")),
            wrap("p", text(card, "subheader")),
            wrap("p", &picture(text(card, "backgroundImageSrc"))),
            render_button(card),
        ]
        .concat(),
        "button" => render_button(card),
        _ => return render_medium(kind, card),
    })
}

/// The HTML of a card that shows a file or another page. `None` if its kind is not known.
fn render_medium(kind: &str, card: &Value) -> Option<String> {
    let address = text(card, "src");
    Some(match kind {
        "image" => {
            let (image, target) = (image(card), text(card, "href"));
            figure(&if target.is_empty() { image } else { link(target, &image) }, card)
        }
        "gallery" => {
            let images = card["images"].as_array().into_iter().flatten().map(image);
            figure(&images.collect::<String>(), card)
        }
        "embed" => match text(card, "html") {
            html if html.trim().is_empty() => figure(&wrap("p", &link(text(card, "url"), "")), card),
            html => figure(html, card),
        },
        "file" => {
            let name = escape_first(card, &["fileTitle", "title", "fileName"]);
            let caption = escape_first(card, &["fileCaption", "caption"]);
            wrap("p", format!("{} {caption}", link(address, &name)).trim_end())
        }
        "audio" => {
            let sound = format!("<audio controls src=\"{}\"></audio>", attribute(address));
            format!("<figure>{sound}{}</figure>", wrap("figcaption", &escape_first(card, &["title"])))
        }
        "video" => figure(&format!("<video controls src=\"{}\"></video>", attribute(address)), card),
        _ => return None,
    })
}

fn escape_first(card: &Value, keys: &[&str]) -> String {
    encode_text(first_text(card, keys)).into_owned()
}

fn render_button(card: &Value) -> String {
    wrap("p", &link(text(card, "buttonUrl"), &escape_first(card, &["buttonText"])))
}

/// A picture without words.
fn picture(address: &str) -> String {
    image(&serde_json::json!({ "src": address }))
}

fn render_bookmark(card: &Value) -> String {
    let about = if card["metadata"].is_object() { &card["metadata"] } else { card };
    let address = first_text(card, &["url"]);
    let title = encode_text(first_text(about, &["title"])).into_owned();
    let line = |key: &str| encode_text(text(about, key)).into_owned();
    let source = [line("author"), line("publisher")]
        .iter()
        .filter(|text| !text.is_empty())
        .cloned()
        .collect::<Vec<_>>();
    let parts = [link(address, &title), line("description"), source.join(", ")];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let picture = picture(text(about, "thumbnail"));
    format!("{}{}{}", wrap("p", &picture), wrap("p", &parts.join("<br>")), wrap("p", text(card, "caption")))
}

/// All texts of a card that may be the article's, as HTML. Addresses become links.
fn collect_texts(card: &Value) -> Vec<String> {
    let mut texts = Vec::new();
    collect_into(card, &mut texts);
    texts
}

fn collect_into(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text)
            if ["http://", "https://", "__GHOST_URL__", "/content/"]
                .iter()
                .any(|start| text.starts_with(start)) =>
        {
            texts.push(link(text, ""));
        }
        Value::String(text) if !text.trim().is_empty() => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect_into(item, texts)),
        Value::Object(members) => {
            let told =
                members.iter().filter(|(key, _)| !SETTINGS.contains(&key.to_ascii_lowercase().as_str()));
            told.for_each(|(_, value)| collect_into(value, texts));
        }
        _ => {}
    }
}
