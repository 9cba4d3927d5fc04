//! The body of a post as the HTML that WordPress would show.

use url::Url;

use super::autop::make_paragraphs;
use super::blocks::{has_blocks, unwrap_blocks};
use super::links::complete_links;
use super::record::Element;
use super::shortcodes::Expander;
use super::site::Site;
use crate::interchange::origins::row_builder::make_summary;
use crate::markup::html_text::html_to_text;

/// The body of a post.
#[derive(Debug, Default)]
pub struct Body {
    /// Its HTML.
    pub html: String,
    /// The text before `<!--more-->`.
    pub teaser: Option<String>,
    /// What of it is not in the HTML, or was changed: codes and clauses.
    pub warnings: Vec<(&'static str, String)>,
}

/// Converts the body of `item`. Relative addresses are those of `page`.
pub fn convert_body(item: &Element, site: &Site, page: Option<&Url>) -> Body {
    let content = item.text("content:encoded");
    let mut expander = Expander::new(site, item.text("wp:post_id"));
    let expanded = expander.expand(content);
    let notes = expander.into_notes();
    let mut body = Body::default();
    let (more, pages) = (find_mark(&expanded, "more"), count_marks(&expanded, "nextpage"));
    let mut convert = |part: &str| match has_blocks(content) {
        true => {
            let unwrapped = unwrap_blocks(part);
            for (name, count) in unwrapped.dropped {
                body.add_dropped_block(&name, count);
            }
            unwrapped.html
        }
        false => make_paragraphs(part),
    };
    let html = convert(&expanded.replace("<!--nextpage-->", "\n\n"));
    body.html = complete_links(&html, page);
    if let Some(at) = more {
        let teaser = make_summary(&html_to_text(&make_paragraphs(&expanded[..at])));
        body.teaser = Some(teaser).filter(|teaser| !teaser.is_empty());
    }
    if pages > 0 {
        body.warn("pages_joined", format!("had {} pages, which are one now", pages + 1));
    }
    if !notes.kept.is_empty() {
        let list: Vec<String> = notes.kept.iter().map(|(name, count)| format!("[{name}] ×{count}")).collect();
        body.warn("shortcodes_kept", format!("has shortcodes, which stay as text: {}", list.join(", ")));
    }
    if !notes.missing.is_empty() {
        let ids = notes.missing.join(", ");
        body.warn("attachments_missing", format!("shows attachments that are not in the file: {ids}"));
    }
    if notes.has_empty_gallery {
        let detail = "has a gallery of its attachments, none of which is in the file".to_owned();
        body.warn("attachments_missing", detail);
    }
    body
}

impl Body {
    fn warn(&mut self, code: &'static str, detail: String) {
        self.warnings.push((code, detail));
    }

    fn add_dropped_block(&mut self, name: &str, count: usize) {
        let list = format!("{name} ×{count}");
        match self.warnings.iter_mut().find(|(code, _)| *code == BLOCKS_DROPPED) {
            Some((_, detail)) => detail.extend([", ", &list]),
            None => self.warn(BLOCKS_DROPPED, format!("lost blocks that have no HTML in the file: {list}")),
        }
    }
}

const BLOCKS_DROPPED: &str = "blocks_dropped";

/// Where the comment `<!--name-->`, perhaps with further text, begins.
fn find_mark(content: &str, name: &str) -> Option<usize> {
    marks(content, name).next()
}

fn count_marks(content: &str, name: &str) -> usize {
    marks(content, name).count()
}

fn marks<'c>(content: &'c str, name: &'c str) -> impl Iterator<Item = usize> + 'c {
    content.match_indices("<!--").filter_map(move |(at, _)| {
        let rest = content[at + 4..].strip_prefix(name)?;
        let is_whole = rest.starts_with("-->") || rest.starts_with(char::is_whitespace);
        is_whole.then_some(at)
    })
}
