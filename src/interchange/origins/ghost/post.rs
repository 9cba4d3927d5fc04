//! Converts a post of a Ghost export to a row.

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::addresses::{SiteAddress, accept_address, accept_cover};
use super::body::choose_body;
use super::names::{Links, Names, read_id};
use crate::config::origins::OriginOptions;
use crate::interchange::origins::dates;
use crate::interchange::origins::found::FoundRow;
use crate::interchange::origins::row_builder::{RowBuilder, accept_slug, fold_whitespace};
use crate::markup::html_text::html_to_text;

/// Longest title made from a text, in characters.
const MAX_MADE_TITLE_CHARS: usize = 60;
/// Numbers below this are seconds since 1970, others milliseconds.
const FIRST_MILLIS: i64 = 100_000_000_000;

/// What is not carried over of a post: its field, in the post or beside it, and its kind.
const PASSED_OVER: &[(&str, &str)] = &[
    ("codeinjection_head", "code injection"),
    ("codeinjection_foot", "code injection"),
    ("newsletter_id", "newsletter"),
    ("email_subject", "newsletter"),
    ("custom_template", "template"),
    ("meta_title", "text for search engines"),
    ("og_title", "text for networks"),
    ("og_description", "text for networks"),
    ("twitter_title", "text for networks"),
    ("twitter_description", "text for networks"),
    ("feature_image_alt", "text of a cover"),
    ("feature_image_caption", "text of a cover"),
];

/// What all posts of an export share.
pub struct Export<'e> {
    /// The tags and authors.
    pub names: Names,
    /// The address of the site.
    pub site: SiteAddress,
    /// Whether the file breaks off before the tables of tags and authors end.
    pub lacks_names: bool,
    /// The options of the command line.
    pub options: &'e OriginOptions,
}

/// A post as a row, and the kinds of what is not in it.
pub struct ConvertedPost {
    /// The row. `None` if the type of the post was not asked for.
    pub row: Option<FoundRow>,
    /// The kinds of what was passed over.
    pub passed_over: Vec<String>,
}

/// The type of a post: `post`, `page` or another.
fn read_type(post: &Value) -> &str {
    let is_page = post["page"] == Value::Bool(true) || post["page"].as_i64() == Some(1);
    if is_page { "page" } else { post["type"].as_str().unwrap_or("post") }
}

fn text<'p>(post: &'p Value, key: &str) -> &'p str {
    post[key].as_str().unwrap_or_default()
}

/// Reads a time. One without a zone is in UTC.
fn read_time(value: &Value) -> Option<DateTime<Utc>> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => match text.trim().parse() {
            Ok(number) => Some(number),
            Err(_) => return dates::parse_date(text, chrono_tz::UTC),
        },
        _ => return None,
    }?;
    dates::parse_millis(if number.abs() < FIRST_MILLIS { number.checked_mul(1000)? } else { number })
}

impl Export<'_> {
    /// Converts a post. Fails if it cannot be read.
    pub fn convert(&self, post: &Value, place: &str) -> Result<ConvertedPost, String> {
        let kind = read_type(post);
        let types = &self.options.types;
        let is_wanted =
            if types.is_empty() { kind == "post" } else { types.iter().any(|wanted| wanted.trim() == kind) };
        if !is_wanted {
            return Ok(ConvertedPost { row: None, passed_over: vec![kind.to_owned()] });
        }
        let id = read_id(&post["id"]).or_else(|| read_id(&post["uuid"]));
        let id = id.ok_or("A post has neither an id nor a uuid.")?;
        let (tags, authors) = (self.names.tags(&id, post), self.names.authors(&id, post));
        let mut passed_over = self.list_passed_over(&id, post);
        passed_over.extend((0..tags.internal).map(|_| "internal tag".to_owned()));
        let mut row = self.begin_row(&id).with_title(&fold_whitespace(text(post, "title")));
        row = self.add_body(row, post)?;
        row = self.add_slug(row, post);
        row = self.add_summary(row, &id, post);
        row = add_names(row, tags, &authors);
        row = self.add_cover(row, &id, post);
        row = self.add_state(row, post)?;
        if self.lacks_names {
            row = row.warn(
                "",
                "incomplete",
                "may lack tags and authors: the file breaks off before their tables end",
            );
        }
        Ok(ConvertedPost { row: Some(row.build(place)), passed_over })
    }

    fn begin_row(&self, id: &str) -> RowBuilder {
        let former = format!("ghost:{id}");
        let full = match (&self.options.id_prefix, self.site.host()) {
            (Some(prefix), _) => format!("{}:{id}", prefix.trim_end_matches(':')),
            (None, Some(host)) => format!("ghost:{host}:{id}"),
            (None, None) => former.clone(),
        };
        let former = Some(former).filter(|former| *former != full);
        RowBuilder::new(full).with("former_external_id", former)
    }

    /// The kinds of what a post holds and a row cannot.
    fn list_passed_over(&self, id: &str, post: &Value) -> Vec<String> {
        let meta = self.names.meta(id);
        let holds = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        let found = PASSED_OVER.iter().filter(|(key, _)| holds(&post[*key]) || holds(&meta[*key]));
        let kinds = found.map(|(_, kind)| (*kind).to_owned());
        kinds.collect()
    }

    /// Adds the body, and a title if the post has none.
    fn add_body(&self, mut row: RowBuilder, post: &Value) -> Result<RowBuilder, String> {
        let body = choose_body(post)?;
        for (code, detail) in body.warnings {
            row = row.warn("/body", code, detail);
        }
        let text = if body.format == "html" { self.site.complete_html(&body.text) } else { body.text };
        if !self.site.is_known() && text.contains("/content/") && lacks_site(&text) {
            let detail = "holds addresses of the old site without its host; --base-url completes them";
            row = row.warn("/body", "relative_address", detail);
        }
        let title = self::text(post, "title").trim();
        let plain = if body.format == "html" { html_to_text(&text) } else { fold_whitespace(&text) };
        if title.is_empty() {
            let made: String = plain.chars().take(MAX_MADE_TITLE_CHARS).collect();
            let made = if made.is_empty() { self::text(post, "slug").to_owned() } else { made };
            row = row.with("title", Some(made)).warn(
                "/title",
                "title_made",
                "was empty; it was made from the text",
            );
        }
        Ok(row.with_body(text, body.format))
    }

    /// Adds the slug, and the address that it makes with the site's.
    fn add_slug(&self, row: RowBuilder, post: &Value) -> RowBuilder {
        let slug = text(post, "slug").trim();
        let canonical = text(post, "canonical_url");
        let (address, row) = match self.site.complete(canonical) {
            empty if empty.is_empty() => (self.site.page(slug).filter(|_| !slug.is_empty()), row),
            address => match accept_address(&address) {
                Some(address) => (Some(address), row),
                None => {
                    let detail = format!("is no web address, and was left out: {canonical}");
                    (self.site.page(slug), row.warn("/source_url", "address_dropped", detail))
                }
            },
        };
        let row = row.with("source_url", address.as_deref().and_then(accept_address));
        if slug.is_empty() || accept_slug(slug).is_some() {
            return row.with("slug", accept_slug(slug));
        }
        let decoded = percent_decode_str(slug).decode_utf8_lossy().into_owned();
        row.with_list("former_slugs", vec![decoded.into()])
    }

    fn add_summary(&self, row: RowBuilder, id: &str, post: &Value) -> RowBuilder {
        let meta = self.names.meta(id);
        let texts =
            [text(post, "custom_excerpt"), text(post, "meta_description"), text(meta, "meta_description")];
        let whole =
            fold_whitespace(texts.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default());
        row.with_summary(&whole)
    }

    /// Adds the cover: the first picture that one of the generations of Ghost names.
    fn add_cover(&self, row: RowBuilder, id: &str, post: &Value) -> RowBuilder {
        let meta = self.names.meta(id);
        let covers = [
            text(post, "feature_image"),
            text(post, "image"),
            text(post, "og_image"),
            text(meta, "og_image"),
            text(post, "twitter_image"),
            text(meta, "twitter_image"),
        ];
        let Some(cover) = covers.into_iter().find(|cover| !cover.trim().is_empty()) else { return row };
        match accept_cover(&self.site.complete(cover)) {
            Some(address) => row.with("cover_url", Some(address)),
            None => row.warn(
                "/cover_url",
                "address_dropped",
                format!("is no web address, and was left out: {cover}"),
            ),
        }
    }

    /// Adds the status and the times. What is not public in Ghost is a draft.
    fn add_state(&self, row: RowBuilder, post: &Value) -> Result<RowBuilder, String> {
        let (published, created) = (read_time(&post["published_at"]), read_time(&post["created_at"]));
        let row = row.with_time("created_at", created.or(published));
        let status = post["status"].as_str().unwrap_or("draft");
        let visibility = post["visibility"].as_str().unwrap_or("public");
        let since = published.map_or(String::new(), |at| format!(", since {}", dates::format_rfc3339(at)));
        let hidden = match status {
            "published" | "scheduled" if visibility == "public" => None,
            "published" | "scheduled" => {
                Some(format!("was for {visibility} only{since}; the article is a draft"))
            }
            "draft" => {
                let row = row.with("status", Some("draft"));
                return Ok(match published {
                    Some(_) => {
                        row.warn("/published_at", "date_dropped", format!("of a draft was left out{since}"))
                    }
                    None => row,
                });
            }
            other => Some(format!("was {other}{since}; the article is a draft")),
        };
        if let Some(detail) = hidden {
            return Ok(row.with("status", Some("draft")).warn("/status", "kept_as_draft", detail));
        }
        self.add_date(row.with("status", Some("published")), published, created)
    }

    /// Adds the date of a public post, or what becomes of one without a date.
    fn add_date(
        &self,
        row: RowBuilder,
        published: Option<DateTime<Utc>>,
        created: Option<DateTime<Utc>>,
    ) -> Result<RowBuilder, String> {
        match (published, created) {
            (None, Some(at)) => {
                let detail = "is not in the file; it is the time at which the post was made";
                Ok(row.with_time("published_at", Some(at)).warn("/published_at", "date_made", detail))
            }
            _ => {
                let row = row.with_publication(published, self.options.undated.unwrap_or_default());
                row.ok_or_else(|| "The post has no date of publication.".to_owned())
            }
        }
    }
}

/// Whether HTML has an attribute with a path of the site.
fn lacks_site(html: &str) -> bool {
    ["=\"/content/", "='/content/", "=/content/", ", /content/"].iter().any(|mark| html.contains(mark))
        || html.contains("](/content/")
}

/// Adds tags and the author, and tells of those that have no place.
fn add_names(row: RowBuilder, tags: Links, authors: &Links) -> RowBuilder {
    let mut row = row.with_author(&fold_whitespace(authors.names.first().map_or("", String::as_str)));
    if authors.names.len() > 1 {
        let others = authors.names[1..].join(", ");
        row = row.warn("/author", "authors_dropped", format!("is the first of several; left out: {others}"));
    }
    if authors.dangling > 0 {
        row = row.warn("/author", "author_unknown", "is not in the file");
    }
    if tags.dangling > 0 {
        let detail = format!("lack {} that are not in the file", tags.dangling);
        row = row.warn("/tags", "tags_unknown", detail);
    }
    row.with_tags(tags.names)
}
