//! Converts WordPress posts to rows.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

use super::body::{Body, convert_body};
use super::links::{is_web_address, make_absolute};
use super::names::plain_name;
use super::record::{Element, Parsed};
use super::site::Site;
use super::terms::{add_terms, find_meta, find_metas};
use crate::interchange::origins::dates;
use crate::interchange::origins::found::{Found, FoundRow};
use crate::interchange::origins::reader_options::ReaderOptions;
use crate::interchange::origins::row_builder::{RowBuilder, accept_slug, fold_whitespace};
use crate::markup::html_text::html_to_lines;

/// Longest address of an article, in characters.
const MAX_URL_CHARS: usize = 2000;
/// Longest slug of an article, in bytes.
const MAX_SLUG_BYTES: usize = 120;
/// Most former slugs of an article.
const MAX_FORMER_SLUGS: usize = 50;
/// Longest title that is made from a text, in characters.
const MADE_TITLE_CHARS: usize = 60;
/// The meta key of the id of a post's picture.
pub const THUMBNAIL_KEY: &str = "_thumbnail_id";
/// The meta key of a slug that a post has had.
pub const OLD_SLUG_KEY: &str = "_wp_old_slug";

/// A post and what it refers to.
struct Post<'a> {
    item: &'a Element,
    id: &'a str,
    status: &'a str,
    site: &'a Site,
    options: &'a ReaderOptions,
    /// The address of the post, or of its site.
    page: Option<Url>,
}

/// Whether items of type `kind` are asked for. By default these are posts.
pub fn is_wanted(kind: &str, options: &ReaderOptions) -> bool {
    let types = &options.origin.types;
    match kind {
        "" | "post" if types.is_empty() => true,
        _ => types.iter().any(|wanted| wanted.trim().eq_ignore_ascii_case(kind)),
    }
}

/// Converts an item to a row, if it is of a type that is asked for and not in the trash.
pub fn convert_item(parsed: &Parsed, place: String, site: &Site, options: &ReaderOptions) -> Found {
    let Some(item) = parsed.elements.iter().find(|element| element.name == "item") else {
        return Found::Unreadable { reason: format!("{place}: it is empty."), place };
    };
    let (kind, status) = (item.text("wp:post_type"), item.text("wp:status"));
    if !is_wanted(kind, options) {
        return Found::PassedOver { kind: kind.to_owned() };
    }
    if matches!(status, "trash" | "inherit") {
        return Found::PassedOver {
            kind: if status == "trash" { "trashed post" } else { "revision" }.to_owned(),
        };
    }
    let id = item.text("wp:post_id");
    if id.is_empty() || id.len() > 20 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        let reason = format!("{place}: it has no wp:post_id. Perhaps the file is no export of WordPress.");
        return Found::Unreadable { place, reason };
    }
    let post = Post { item, id, status, site, options, page: find_page(item, site, options) };
    match post.build_row(parsed.removed_chars, place.clone()) {
        Ok(row) => Found::Row(row),
        Err(reason) => Found::Unreadable { reason: format!("{place}: {reason}"), place },
    }
}

/// The address that relative ones in a post start from: that of the post, if it is on the site, else the site's.
fn find_page(item: &Element, site: &Site, options: &ReaderOptions) -> Option<Url> {
    let given = options.origin.base_url.as_deref().and_then(|url| Url::parse(url).ok());
    let base = given.or_else(|| site.base_url()).map(|mut base| {
        // What is relative to a site is in its folder.
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        base
    });
    let link = item.text("link");
    match base {
        Some(base) => match base.join(link) {
            Ok(page) if page.host() == base.host() => Some(page),
            _ => Some(base),
        },
        None => Url::parse(link).ok().filter(|url| url.has_host()),
    }
}

impl Post<'_> {
    fn build_row(&self, removed_chars: usize, place: String) -> Result<FoundRow, String> {
        let item = self.item;
        let body = convert_body(item, self.site, self.page.as_ref());
        let external_id = format!("{}:{}", self.site.id_prefix(self.options, item.text("link")), self.id);
        // Earlier versions named posts by their number alone.
        let former_id = Some(format!("wordpress:{}", self.id)).filter(|id| *id != external_id);
        let mut row = RowBuilder::new(external_id).with("former_external_id", former_id);
        row = self.add_title(row, &body);
        row = self.add_slug(row);
        row = self.add_summary(row, &body);
        row = row.with_body(body.html, "html");
        row = add_terms(
            row,
            item,
            &self.site.categories,
            self.options.origin.extra_categories.unwrap_or_default(),
        );
        row = self.add_author(row);
        row = self.add_addresses(row);
        row = self.add_state(row)?;
        for (code, detail) in body.warnings {
            row = row.warn("/body", code, detail);
        }
        if removed_chars > 0 {
            row = row.warn("", "characters_removed", format!("lost {removed_chars} control characters"));
        }
        Ok(row.build(place))
    }

    fn add_title(&self, row: RowBuilder, body: &Body) -> RowBuilder {
        let title = plain_name(self.item.text("title"));
        if !title.is_empty() {
            return row.with_title(&title);
        }
        let title = make_title(&body.html)
            .or_else(|| make_title(self.item.text("excerpt:encoded")))
            .or_else(|| Some(decode_slug(self.item.text("wp:post_name"))).filter(|slug| !slug.is_empty()))
            .unwrap_or_else(|| format!("Post {}", self.id));
        row.with("title", Some(title)).warn("/title", "title_made", "was empty and is made from the text")
    }

    /// Sets the slug if it is of letters and digits, or nearly. For a slug in another script, one is made from the
    /// title. What the slugs were still leads to the article.
    fn add_slug(&self, row: RowBuilder) -> RowBuilder {
        let old = decode_slug(self.item.text("wp:post_name"));
        let words = old.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut plain = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
        plain.truncate(MAX_SLUG_BYTES);
        let slug = accept_slug(plain.trim_end_matches('-')).filter(|_| old.is_ascii());
        let mut former: Vec<Value> = Vec::new();
        for old in [old.clone()].into_iter().chain(find_metas(self.item, OLD_SLUG_KEY).map(decode_slug)) {
            let is_segment = !old.contains(|c: char| "/?#".contains(c) || c.is_control());
            let is_new = Some(old.as_str()) != slug && !former.contains(&old.as_str().into());
            if is_segment && is_new && !old.is_empty() && former.len() < MAX_FORMER_SLUGS {
                former.push(old.into());
            }
        }
        row.with("slug", slug).with_list("former_slugs", former)
    }

    fn add_summary(&self, row: RowBuilder, body: &Body) -> RowBuilder {
        let excerpt = fold_whitespace(&html_to_lines(self.item.text("excerpt:encoded")));
        match body.teaser.clone().filter(|_| excerpt.is_empty()) {
            Some(teaser) => row.with("summary", Some(teaser)),
            None => row.with_summary(&excerpt),
        }
    }

    fn add_author(&self, row: RowBuilder) -> RowBuilder {
        row.with_author(self.site.find_author(self.item.text("dc:creator")))
    }

    fn add_addresses(&self, mut row: RowBuilder) -> RowBuilder {
        let link = self.item.text("link");
        let source = self.accept_url(link);
        if source.is_none() && !link.is_empty() {
            row = row.warn("/source_url", "address_dropped", format!("cannot be an address: {link}"));
        }
        row = row.with("source_url", source);
        let Some(id) = find_meta(self.item, THUMBNAIL_KEY).filter(|id| *id != "0") else { return row };
        match self.site.find_attachment(id).map(|cover| (&cover.url, self.accept_url(&cover.url))) {
            Some((_, Some(url))) => row.with("cover_url", Some(url)),
            Some((url, None)) => {
                row.warn("/cover_url", "address_dropped", format!("cannot be an address: {url}"))
            }
            None => {
                let detail = format!("is attachment {id}, which is not in the file");
                row.warn("/cover_url", "attachments_missing", detail)
            }
        }
    }

    /// An absolute address of the web that an article can have.
    fn accept_url(&self, text: &str) -> Option<String> {
        let text = text.trim();
        let absolute = self.page.as_ref().and_then(|page| make_absolute(text, page));
        let url = absolute.unwrap_or_else(|| text.to_owned());
        let parsed = Url::parse(&url).ok()?;
        let is_plain = is_web_address(&url) && !url.contains('\\');
        let url = if is_plain { url } else { parsed.to_string() };
        let is_valid = is_web_address(&url) && parsed.username().is_empty() && parsed.password().is_none();
        (is_valid && url.chars().count() <= MAX_URL_CHARS).then_some(url)
    }

    /// Sets the status and the dates.
    fn add_state(&self, mut row: RowBuilder) -> Result<RowBuilder, String> {
        let at = self.find_date();
        let is_open = self.item.text("wp:post_password").is_empty();
        let is_published = is_open && matches!(self.status, "publish" | "future");
        let was = match self.status {
            _ if !is_open => "was protected by a password",
            "private" => "was private",
            "publish" | "future" | "draft" | "pending" | "auto-draft" | "" => "",
            _ => "had a status of a plugin",
        };
        if !was.is_empty() {
            row = row.warn(
                "/status",
                "status_changed",
                format!("{was} ({:?}) and is a draft now", self.status),
            );
        }
        let row = row.with_time("created_at", at);
        if !is_published {
            return Ok(row.with("status", Some("draft")));
        }
        let row = row.with("status", Some("published"));
        let undated = self.options.origin.undated.unwrap_or_default();
        row.with_publication(at, undated).ok_or_else(|| "it has no date.".to_owned())
    }

    fn find_date(&self) -> Option<DateTime<Utc>> {
        let parse = |name| dates::parse_date(self.item.text(name), self.options.timezone);
        dates::parse_utc(self.item.text("wp:post_date_gmt"))
            .or_else(|| parse("pubDate"))
            .or_else(|| parse("wp:post_date"))
    }
}

/// A title from the first line of a text.
fn make_title(html: &str) -> Option<String> {
    let text = html_to_lines(html);
    let line = text.lines().map(fold_whitespace).find(|line| !line.is_empty())?;
    let Some((end, _)) = line.char_indices().nth(MADE_TITLE_CHARS) else { return Some(line) };
    let line = &line[..end];
    // Ends after a sentence, or before the word that would be cut.
    let sentence = line
        .rfind(['。', '！', '？', '；', '!', '?'])
        .map(|at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    let word = || line.rfind(' ').filter(|_| line.is_ascii());
    let end = sentence.or_else(word).unwrap_or(line.len());
    Some(format!("{}…", line[..end].trim_end()))
}

/// A slug as people read it.
fn decode_slug(slug: &str) -> String {
    let decoded: Cow<'_, str> = percent_decode_str(slug).decode_utf8_lossy();
    decoded.trim().to_owned()
}
