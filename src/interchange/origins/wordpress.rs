//! WordPress exports: WXR 1.0 to 1.2, an extension of RSS with posts, terms and authors.
//!
//! An export is cut into items, each of which is parsed alone: a fault costs the post that it is in. It is read
//! twice, because the pictures of posts are items too, and may come later.

mod autop;
mod blocks;
mod body;
mod descriptions;
mod links;
mod media;
mod names;
mod post;
mod record;
mod shortcode_tag;
mod shortcodes;
mod site;
mod splitter;
mod tags;
mod terms;
#[cfg(test)]
mod tests;

use std::io::BufRead;
use std::ops::ControlFlow;

use super::found::{Found, ReaderWarning, Sink};
use super::reader_options::ReaderOptions;
use super::row_builder;
use descriptions::tell_descriptions;
use record::{Element, XmlFault, parse_piece};
use site::Site;
use splitter::{CUT_OFF, Piece, PieceKind, Splitter};

/// Longest title that is shown to name a post, in characters.
const MAX_SHOWN_CHARS: usize = 80;

/// Reads an export and calls `each` with what it finds, in the file's order, until `each` breaks.
///
/// `open` opens the file from its beginning; it is called twice. Holds one item in memory at a time, of at most
/// 16 MiB, and the addresses of the attachments.
///
/// # Errors
///
/// The file is not RSS, declares a document type, cannot be read further, or ends in the middle.
pub fn read_export<R: BufRead>(
    open: impl Fn() -> Result<R, String>,
    options: &ReaderOptions,
    each: &mut Sink,
) -> Result<(), String> {
    let site = read_site(Splitter::open(open()?)?);
    for _ in 0..site.unreadable_records {
        if pass_over("unreadable author or term", each).is_break() {
            return Ok(());
        }
    }
    let mut splitter = Splitter::open(open()?)?;
    let root = splitter.root().to_owned();
    let mut is_complete = false;
    while let Some(piece) = splitter.next_piece()? {
        if piece.kind == PieceKind::Channel {
            is_complete |= memchr::memmem::find(&piece.text, b"</channel").is_some();
            if tell_descriptions(&root, &piece, each).is_break() {
                return Ok(());
            }
        } else if piece.fault == Some(CUT_OFF) {
            return Err(format!("The file ends in the middle of {}.", describe_place(&piece)));
        } else if read_item(&root, &piece, &site, options, each).is_break() {
            return Ok(());
        }
    }
    if tell_unused_categories(&site, each).is_break() {
        return Ok(());
    }
    if is_complete { Ok(()) } else { Err("The file ends in the middle.".to_owned()) }
}

/// Tells the descriptions of categories that no post is in: an import creates none of them.
fn tell_unused_categories(site: &Site, each: &mut Sink) -> ControlFlow<()> {
    site.categories.list_undescribed().into_iter().try_for_each(|(name, description)| {
        let text = row_builder::fold_whitespace(description);
        let detail = format!("is the category of no post; its description is left out: {text}");
        let warning = ReaderWarning::new("", "description_dropped", detail);
        each(Found::Warning { place: format!("category {name:?}"), warning })
    })
}

/// Collects what posts refer to. A fault of the file is found again with the posts.
fn read_site(mut splitter: Splitter<impl BufRead>) -> Site {
    let mut site = Site::default();
    let root = splitter.root().to_owned();
    while let Ok(Some(piece)) = splitter.next_piece() {
        site.add_piece(&root, &piece);
    }
    site
}

fn read_item(
    root: &str,
    piece: &Piece,
    site: &Site,
    options: &ReaderOptions,
    each: &mut Sink,
) -> ControlFlow<()> {
    let fault = match (piece.fault, str::from_utf8(&piece.text)) {
        (Some(detail), _) => XmlFault { offset: 0, detail: detail.to_owned() },
        (_, Err(cut)) => {
            let offset = cut.valid_up_to();
            XmlFault { offset, detail: format!("byte {:#04x} in it is not UTF-8", piece.text[offset]) }
        }
        (None, Ok(text)) => match parse_piece(root, text) {
            Ok(parsed) => {
                let found = post::convert_item(&parsed, describe_place(piece), site, options);
                let is_post = matches!(found, Found::Row(_));
                each(found)?;
                return parsed.elements.iter().try_for_each(|item| count_parts(item, is_post, each));
            }
            Err(fault) => fault,
        },
    };
    let kind = find_raw_text(&piece.text, b":post_type");
    if !kind.is_empty() && !post::is_wanted(&kind, options) {
        return pass_over(&kind, each);
    }
    let place = describe_place(piece);
    let line = piece.line + memchr::memchr_iter(b'\n', &piece.text[..fault.offset]).count() as u64;
    let reason = format!("{place} cannot be read: {} (line {line}).", fault.detail);
    each(Found::Unreadable { place, reason })
}

/// Counts what belongs to an item and is not imported: comments, and of posts the meta data.
fn count_parts(item: &Element, is_post: bool, each: &mut Sink) -> ControlFlow<()> {
    for child in &item.children {
        let key = child.text("wp:meta_key");
        let is_read =
            [post::THUMBNAIL_KEY, post::OLD_SLUG_KEY].contains(&key) || terms::is_category_meta(key);
        match child.name.as_ref() {
            "wp:comment" => pass_over("comment", each)?,
            "wp:postmeta" if is_post && !is_read => pass_over("meta", each)?,
            "wp:is_sticky" if is_post && child.text.trim() == "1" => pass_over("sticky", each)?,
            "category" if is_post && child.domain == "post_format" => pass_over("post_format", each)?,
            name if is_post && !record::is_known(name) => pass_over(name, each)?,
            _ => {}
        }
    }
    ControlFlow::Continue(())
}

fn pass_over(kind: &str, each: &mut Sink) -> ControlFlow<()> {
    each(Found::PassedOver { kind: kind.to_owned() })
}

/// Where an item is, for a person: its line, its id and its title.
fn describe_place(piece: &Piece) -> String {
    let (id, title) = (find_raw_text(&piece.text, b":post_id"), find_raw_text(&piece.text, b"<title"));
    let title: String = names::plain_name(&title).chars().take(MAX_SHOWN_CHARS).collect();
    let id = if id.is_empty() { "without an id".to_owned() } else { id };
    format!("line {}: post {id} {title:?}", piece.line)
}

/// The text of the first element whose start tag ends with `tag`, in XML that may be broken.
fn find_raw_text(text: &[u8], tag: &[u8]) -> String {
    let find = || {
        let start = memchr::memmem::find(text, tag)? + tag.len();
        let start = start + memchr::memchr(b'>', &text[start..])? + 1;
        let rest = text[start..].trim_ascii_start();
        let rest = rest.strip_prefix(b"<![CDATA[").unwrap_or(rest);
        let end =
            memchr::memmem::find(rest, b"]]>").into_iter().chain(memchr::memmem::find(rest, b"</")).min()?;
        Some(String::from_utf8_lossy(&rest[..end.min(1000)]).trim().to_owned())
    };
    find().unwrap_or_default()
}
