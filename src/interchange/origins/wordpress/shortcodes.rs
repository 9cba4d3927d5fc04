//! Shortcodes: those of WordPress become HTML, others stay as text.

use std::collections::{BTreeMap, HashMap};

use super::links::{is_web_address, write_link};
use super::media;
use super::shortcode_tag::{LastEnds, Shortcode, escaped_length, parse_shortcode};
use super::site::Site;

/// Deepest nesting.
const MAX_DEPTH: usize = 4;
/// The shortcodes of WordPress that hold something.
const KNOWN: [&str; 7] = ["audio", "caption", "embed", "gallery", "playlist", "video", "wp_caption"];

/// What became of the shortcodes of a body.
#[derive(Debug, Default)]
pub struct ShortcodeNotes {
    /// How many shortcodes of each name stay as text.
    pub kept: BTreeMap<String, usize>,
    /// The ids of pictures and recordings that are not in the file.
    pub missing: Vec<String>,
    /// Whether a gallery shows the pictures of its post, of which the file has none.
    pub has_empty_gallery: bool,
}

/// Expands the shortcodes of a post's body.
pub struct Expander<'a> {
    site: &'a Site,
    post: &'a str,
    notes: ShortcodeNotes,
}

impl<'a> Expander<'a> {
    /// An expander for the post with this id.
    pub fn new(site: &'a Site, post: &'a str) -> Self {
        Self { site, post, notes: ShortcodeNotes::default() }
    }

    /// What became of the shortcodes.
    pub fn into_notes(self) -> ShortcodeNotes {
        self.notes
    }

    /// Writes the shortcodes of WordPress in `content` as HTML.
    pub fn expand(&mut self, content: &str) -> String {
        self.expand_within(content, 0)
    }

    fn expand_within(&mut self, content: &str, depth: usize) -> String {
        let mut html = String::with_capacity(content.len());
        let (mut at, mut closers) = (0, HashMap::new());
        let last_ends = LastEnds::find(content);
        while let Some(next) = content[at..].find(['[', '<']) {
            html.push_str(&content[at..at + next]);
            at += next;
            let rest = &content[at..];
            if rest.starts_with('<') {
                let length = last_ends.skip_tag(content, at);
                html.push_str(&rest[..length]);
                at += length;
            } else if let Some(length) = escaped_length(rest) {
                html.push_str(&rest[1..length - 1]);
                at += length;
            } else if let Some(code) = parse_shortcode(rest) {
                let inner = find_inner(content, at + code.length, &code, &mut closers);
                let (text, length) = match inner.filter(|_| !code.closes_itself) {
                    Some(inner) => (inner, code.length + inner.len() + code.name.len() + 3),
                    None => ("", code.length),
                };
                match self.write(&code, text, depth) {
                    Some(written) => {
                        html.push_str(&written);
                        at += length;
                    }
                    None => {
                        if is_counted(&code, rest, inner.is_some()) {
                            *self.notes.kept.entry(code.name.to_owned()).or_default() += 1;
                        }
                        html.push_str(&rest[..code.length]);
                        at += code.length;
                    }
                }
            } else {
                html.push('[');
                at += 1;
            }
        }
        html.push_str(&content[at..]);
        html
    }

    /// The HTML of a shortcode with this text in it. Returns `None` for those that stay.
    fn write(&mut self, code: &Shortcode<'_>, text: &str, depth: usize) -> Option<String> {
        if depth >= MAX_DEPTH {
            return None;
        }
        match code.name {
            "caption" | "wp_caption" => {
                let text = self.expand_within(text, depth + 1);
                Some(media::write_caption(&text, code.attribute("caption").unwrap_or_default()))
            }
            "embed" => {
                let address = Some(text.trim()).filter(|text| !text.is_empty()).or(code.attribute("src"))?;
                is_web_address(address).then(|| format!("\n<p>{}</p>\n", write_link(address)))
            }
            "video" | "audio" => media::write_player(code, code.name, text),
            "gallery" | "playlist" => self.write_gallery(code),
            _ => None,
        }
    }

    fn write_gallery(&mut self, code: &Shortcode<'_>) -> Option<String> {
        let list = |name: &str| -> Option<Vec<String>> {
            let ids = code.attribute(name)?.split(',').map(|id| id.trim().to_owned());
            Some(ids.filter(|id| !id.is_empty()).collect())
        };
        let excluded = list("exclude").unwrap_or_default();
        let is_playlist = code.name == "playlist";
        let given = list("ids").or_else(|| list("include"));
        let ids = given.clone().unwrap_or_else(|| {
            let mut ids = self.site.list_children(code.attribute("id").unwrap_or(self.post));
            ids.retain(|id| !excluded.contains(id));
            ids
        });
        let mut html = String::new();
        for id in &ids {
            match self.site.find_attachment(id) {
                Some(attachment) if is_playlist => html.push_str(&media::write_track(attachment)),
                Some(attachment) if given.is_some() || media::is_picture(&attachment.url) => {
                    html.push_str(&media::write_picture(attachment));
                }
                Some(_) => {}
                None => self.notes.missing.push(id.clone()),
            }
        }
        self.notes.has_empty_gallery |= given.is_none() && html.is_empty();
        Some(format!("\n{html}"))
    }
}

/// Whether a shortcode that stays is counted: `[toc]` and `[button link=""]` are, `[1]` and `[Update]` are not.
fn is_counted(code: &Shortcode<'_>, rest: &str, has_end: bool) -> bool {
    let is_code_name = code.name.len() > 2 && code.name.bytes().all(|byte| !byte.is_ascii_uppercase());
    let is_link = rest[code.length..].starts_with('(');
    !is_link && (is_code_name || has_end || code.name.contains(['_', '-']) || !code.attributes.is_empty())
}

/// The text between an opening tag and its end tag `[/name]`, if that comes before the next opening tag.
///
/// `closers` remembers where the next end tags are.
fn find_inner<'c>(
    content: &'c str,
    from: usize,
    code: &Shortcode<'c>,
    closers: &mut HashMap<&'c str, Option<usize>>,
) -> Option<&'c str> {
    let known = closers.get(code.name).copied().filter(|known| known.is_none_or(|known| known >= from));
    let closer = known.unwrap_or_else(|| {
        let found = content[from..].find(&format!("[/{}]", code.name)).map(|found| from + found);
        closers.insert(code.name, found);
        found
    })?;
    let inner = &content[from..closer];
    let is_next = !KNOWN.contains(&code.name) || !inner.contains(&format!("[{}", code.name));
    is_next.then_some(inner)
}
