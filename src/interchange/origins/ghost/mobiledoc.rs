//! Renders the documents of Ghost's editor from 1.0 to 5: Mobiledoc 0.2 and 0.3.

use html_escape::{encode_double_quoted_attribute, encode_text};
use serde_json::Value;

use super::cards::{Rendered, wrap};

/// The elements of sections and of marked text.
const ELEMENTS: &[&str] = &[
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "pull-quote",
    "aside",
    "ul",
    "ol",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "strike",
    "del",
    "sub",
    "sup",
    "code",
    "mark",
    "a",
];

/// A document, with the indexes of the version it has.
struct Document<'d> {
    markups: &'d Value,
    atoms: &'d Value,
    cards: &'d Value,
    /// Whether text and cards stand in the sections themselves, as in 0.2.
    is_old: bool,
}

/// Renders a document. Fails if it is none.
pub fn render(text: &str) -> Result<Rendered, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let is_old = value["version"].as_str().is_some_and(|version| version.starts_with("0.2"));
    let (markups, sections) = match is_old {
        true => (&value["sections"][0], &value["sections"][1]),
        false => (&value["markups"], &value["sections"]),
    };
    let document = Document { markups, atoms: &value["atoms"], cards: &value["cards"], is_old };
    let sections = sections.as_array().ok_or("it has no sections")?;
    let mut rendered = Rendered::default();
    sections.iter().for_each(|section| document.render_section(section, &mut rendered));
    Ok(rendered)
}

/// The element for a name. Others become a paragraph or a span.
fn element(name: &Value, default: &'static str) -> &'static str {
    let name = name.as_str().unwrap_or_default().to_ascii_lowercase();
    match ELEMENTS.iter().find(|known| **known == name) {
        Some(&"pull-quote" | &"aside") => "blockquote",
        Some(known) => known,
        None => default,
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn index(list: &Value, at: &Value) -> Option<Value> {
    list.get(usize::try_from(at.as_u64()?).ok()?).cloned()
}

impl Document<'_> {
    fn render_section(&self, section: &Value, rendered: &mut Rendered) {
        match section[0].as_u64() {
            Some(1) => {
                let html = self.render_markers(&section[2], rendered);
                rendered.html.push_str(&wrap(element(&section[1], "p"), &html));
            }
            Some(2) => rendered.add_card("image", &serde_json::json!({ "src": section[1] })),
            Some(3) => {
                let lines =
                    items(&section[2]).map(|markers| wrap("li", &self.render_markers(markers, rendered)));
                let html: String = lines.collect();
                rendered.html.push_str(&wrap(element(&section[1], "ul"), &html));
            }
            Some(10) => {
                let card = match self.is_old {
                    true => Some(serde_json::json!([section[1], section[2]])),
                    false => index(self.cards, &section[1]),
                };
                let card = card.unwrap_or_default();
                return rendered.add_card(card[0].as_str().unwrap_or("card without a kind"), &card[1]);
            }
            _ => rendered.add_card("unknown section", section),
        }
        rendered.html.push('\n');
    }

    /// Renders the markers of a section: text and atoms, with the markups that each opens and closes.
    fn render_markers(&self, markers: &Value, rendered: &mut Rendered) -> String {
        let (mut html, mut open) = (String::new(), Vec::new());
        for marker in items(markers) {
            // Markers of 0.2 have no kind.
            let (kind, rest) = match self.is_old {
                true => (0, [&marker[0], &marker[1], &marker[2]]),
                false => (marker[0].as_u64().unwrap_or(0), [&marker[1], &marker[2], &marker[3]]),
            };
            let [opened, closed, value] = rest;
            for markup in items(opened).filter_map(|at| index(self.markups, at)) {
                let name = element(&markup[0], "span");
                html.push_str(&open_markup(name, &markup[1]));
                open.push(name);
            }
            if kind == 1 {
                html.push_str(&self.render_atom(value, rendered));
            } else {
                html.push_str(&encode_text(value.as_str().unwrap_or_default()));
            }
            for _ in 0..closed.as_u64().unwrap_or(0).min(open.len() as u64) {
                html.extend(open.pop().map(|name| format!("</{name}>")));
            }
        }
        html.extend(open.into_iter().rev().map(|name| format!("</{name}>")));
        html
    }

    fn render_atom(&self, at: &Value, rendered: &mut Rendered) -> String {
        let atom = index(self.atoms, at).unwrap_or_default();
        let name = atom[0].as_str().unwrap_or_default();
        if name == "soft-return" {
            return "<br>".to_owned();
        }
        rendered.unknown.insert(format!("atom {name}"));
        encode_text(atom[1].as_str().unwrap_or_default()).into_owned()
    }
}

/// The start tag of a markup, with its address if it is a link.
fn open_markup(name: &str, attributes: &Value) -> String {
    let mut pairs = attributes.as_array().map(|list| list.chunks(2)).into_iter().flatten();
    let address = pairs.find(|pair| pair[0] == "href").and_then(|pair| pair.get(1)?.as_str());
    match address {
        Some(address) => format!("<{name} href=\"{}\">", encode_double_quoted_attribute(address)),
        None => format!("<{name}>"),
    }
}
