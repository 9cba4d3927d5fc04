//! What posts refer to: the site's address, authors, categories and attachments.

use std::collections::HashMap;

use memchr::memmem;
use url::Url;

use super::names::plain_name;
use super::record::{Element, parse_piece};
use super::splitter::{Piece, PieceKind};
use super::terms::{Categories, find_meta};
use crate::interchange::origins::reader_options::ReaderOptions;

/// Most bytes of what is known of attachments: about a million of them.
const MAX_ATTACHMENT_BYTES: usize = 192 << 20;
/// Bytes of an attachment beside its texts, about.
const ATTACHMENT_OVERHEAD: usize = 96;

/// What posts refer to. An export lists the attachments among its posts, so it is collected first.
#[derive(Debug, Default)]
pub struct Site {
    /// Display names by login.
    authors: HashMap<String, String>,
    /// The categories.
    pub categories: Categories,
    attachments: HashMap<u64, Attachment>,
    /// The attachments of each post, in the file's order.
    children: HashMap<u64, Vec<u64>>,
    attachment_bytes: usize,
    /// Addresses of the channel: that of the blog, that of the site, its link.
    blog_url: String,
    site_url: String,
    link: String,
    /// How many authors and terms cannot be read.
    pub unreadable_records: usize,
}

/// A picture or another file of the site.
#[derive(Debug)]
pub struct Attachment {
    /// Its address.
    pub url: Box<str>,
    /// Its caption, as HTML.
    pub caption: Box<str>,
    /// Its title.
    pub title: Box<str>,
    /// What is said of a picture to those who cannot see it.
    pub alt: Box<str>,
}

impl Site {
    /// Adds what `piece` says of the site.
    pub fn add_piece(&mut self, root: &str, piece: &Piece) {
        match piece.kind {
            PieceKind::Item if memmem::find(&piece.text, b"attachment").is_none() => {}
            PieceKind::Item => {
                let parsed = parse_piece(root, &String::from_utf8_lossy(&piece.text)).unwrap_or_default();
                parsed.elements.iter().for_each(|item| self.add_attachment(item));
            }
            PieceKind::Channel if piece.text.trim_ascii().is_empty() => {}
            PieceKind::Channel => self.add_channel(root, &String::from_utf8_lossy(&piece.text)),
        }
    }

    fn add_channel(&mut self, root: &str, text: &str) {
        match parse_piece(root, text) {
            Ok(parsed) => parsed.elements.iter().for_each(|element| self.add_element(element)),
            // A bad `&` in a name is meant as one.
            Err(_) => match parse_piece(root, &escape_ampersands(text)) {
                Ok(parsed) => parsed.elements.iter().for_each(|element| self.add_element(element)),
                Err(_) => self.unreadable_records += 1,
            },
        }
    }

    fn add_element(&mut self, element: &Element) {
        let address = match element.name.as_ref() {
            "wp:author" => {
                let name = plain_name(element.text("wp:author_display_name"));
                self.authors.insert(element.text("wp:author_login").to_owned(), name);
                return;
            }
            "wp:category" | "wp:term" => return self.categories.add(element),
            "wp:base_blog_url" => &mut self.blog_url,
            "wp:base_site_url" => &mut self.site_url,
            "link" => &mut self.link,
            _ => return,
        };
        if address.is_empty() {
            element.text.trim().clone_into(address);
        }
    }

    fn add_attachment(&mut self, item: &Element) {
        let id = item.text("wp:post_id").parse();
        if item.text("wp:post_type") != "attachment" || self.attachment_bytes > MAX_ATTACHMENT_BYTES {
            return;
        }
        let address = [item.text("wp:attachment_url"), item.text("guid")];
        let Some((Ok(id), url)) = address.into_iter().find(|url| !url.is_empty()).map(|url| (id, url)) else {
            return;
        };
        let attachment = Attachment {
            url: url.into(),
            caption: item.text("excerpt:encoded").into(),
            title: plain_name(item.text("title")).into(),
            alt: find_meta(item, "_wp_attachment_image_alt").unwrap_or_default().into(),
        };
        let texts = [&attachment.url, &attachment.caption, &attachment.title, &attachment.alt];
        self.attachment_bytes += ATTACHMENT_OVERHEAD + texts.map(|text| text.len()).iter().sum::<usize>();
        self.attachments.insert(id, attachment);
        if let Ok(parent @ 1..) = item.text("wp:post_parent").parse() {
            self.children.entry(parent).or_default().push(id);
        }
    }

    /// The name of the author with this login.
    pub fn find_author<'a>(&'a self, login: &'a str) -> &'a str {
        self.authors.get(login).filter(|name| !name.is_empty()).map_or(login, String::as_str)
    }

    /// The attachment with this id.
    pub fn find_attachment(&self, id: &str) -> Option<&Attachment> {
        self.attachments.get(&id.trim().parse().ok()?)
    }

    /// The ids of the attachments of a post, in the file's order.
    pub fn list_children(&self, post: &str) -> Vec<String> {
        let children = post.parse().ok().and_then(|post: u64| self.children.get(&post));
        children.into_iter().flatten().map(u64::to_string).collect()
    }

    /// The base URL of the site, as far as it is known.
    pub fn base_url(&self) -> Option<Url> {
        [&self.blog_url, &self.site_url, &self.link].into_iter().find_map(|text| parse_base(text))
    }

    /// The beginning of the external ids of this site's posts: `wordpress:news.example.org`.
    ///
    /// A site in a folder of a host has the folder in it. A file that does not name its site takes that of
    /// `link`, the address of the post.
    pub fn id_prefix(&self, options: &ReaderOptions, link: &str) -> String {
        if let Some(prefix) = &options.origin.id_prefix {
            return prefix.trim_end_matches(':').to_owned();
        }
        let base = self.base_url().map(|url| describe_site(&url, url.path()));
        let site = base.or_else(|| parse_base(link).map(|url| describe_site(&url, "")));
        site.map_or_else(|| "wordpress".to_owned(), |site| format!("wordpress:{site}"))
    }
}

fn parse_base(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host_str().is_some()).then_some(url)
}

/// The host of a site, with its port if that is not the usual one, and its folder.
fn describe_site(url: &Url, path: &str) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}{}", url.host_str().unwrap_or_default(), path.trim_end_matches('/'))
}

/// Writes each `&` that begins no reference as `&amp;`.
fn escape_ampersands(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut escaped = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let name = piece.split_once(';').map_or("", |(name, _)| name);
        let is_reference = !name.is_empty()
            && name.len() < 12
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#');
        escaped.push_str(if is_reference { "&" } else { "&amp;" });
        escaped.push_str(piece);
    }
    escaped
}
