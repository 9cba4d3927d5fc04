//! Addresses of the pages that a frontend has, made from the templates of the site.
//!
//! A template is an address, or a path below the site's own, with a placeholder like `{slug}` for each part that differs.

use std::fmt::Write;

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use uuid::Uuid;

use super::model::Row;
use crate::error::{Code, Fault};

/// Characters of a value that are percent-encoded: all that may mean something in an address.
const IN_VALUES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Characters of a template that are percent-encoded: those that no address may hold.
const IN_TEMPLATES: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'^').add(b'|');

/// What has a page of its own on the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// An article.
    Article,
    /// A category.
    Category,
    /// A notice.
    Notice,
    /// The articles of a tag.
    Tag,
}

use Placeholder::{Category, CategoryPath, Day, Id, Kind, Month, Slug, Tag, Year};

impl PageKind {
    /// What a template may hold.
    const fn placeholders(self) -> &'static [Placeholder] {
        match self {
            Self::Article => &[Id, Slug, Category, CategoryPath, Year, Month, Day],
            Self::Category => &[Id, Slug, Category, CategoryPath],
            Self::Notice => &[Id, Slug, Kind, Year, Month, Day],
            Self::Tag => &[Tag],
        }
    }

    /// What tells two pages apart. A template holds one of these.
    const fn distinctive(self) -> &'static [Placeholder] {
        match self {
            Self::Article | Self::Notice => &[Id, Slug],
            Self::Category => &[Id, Slug, Category, CategoryPath],
            Self::Tag => &[Tag],
        }
    }

    /// The template of a site that has set none.
    fn default_template(self) -> Template {
        let (path, placeholder) = match self {
            Self::Article => ("/articles/", Slug),
            Self::Category => ("/categories/", Slug),
            Self::Notice => ("/notices/", Slug),
            Self::Tag => ("/tags/", Tag),
        };
        Template { origin: None, pieces: vec![Piece::Text(path.to_owned()), Piece::Value(placeholder)] }
    }
}

/// A part of an address that differs from page to page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    Id,
    Slug,
    Category,
    CategoryPath,
    Year,
    Month,
    Day,
    Tag,
    Kind,
}

impl Placeholder {
    /// Its name between braces.
    const fn name(self) -> &'static str {
        match self {
            Id => "id",
            Slug => "slug",
            Category => "category",
            CategoryPath => "category_path",
            Year => "year",
            Month => "month",
            Day => "day",
            Tag => "tag",
            Kind => "kind",
        }
    }
}

/// The names of placeholders for people.
fn list_names(placeholders: &[Placeholder]) -> String {
    let names = placeholders.iter().map(|one| format!("{{{}}}", one.name()));
    names.collect::<Vec<_>>().join(", ")
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

/// How the addresses of a kind of pages are made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Template {
    /// Scheme and host; `None` for those of the site.
    origin: Option<String>,
    pieces: Vec<Piece>,
}

/// Why a text is no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    NoAddress,
    UnpairedBrace,
    UnknownPlaceholder,
    NotDistinctive,
}

impl Template {
    fn parse(kind: PageKind, text: &str) -> Result<Self, Refusal> {
        let (origin, path) = split_origin(text)?;
        if path.contains('#') || path.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Refusal::NoAddress);
        }
        let mut pieces = Vec::new();
        let mut rest = path;
        while let Some(at) = rest.find(['{', '}']) {
            let (text, from_brace) = rest.split_at(at);
            let inside = from_brace.strip_prefix('{').ok_or(Refusal::UnpairedBrace)?;
            let (name, after) = inside.split_once('}').ok_or(Refusal::UnpairedBrace)?;
            let known = kind.placeholders().iter().find(|one| one.name() == name);
            pieces.push(Piece::Text(utf8_percent_encode(text, IN_TEMPLATES).to_string()));
            pieces.push(Piece::Value(*known.ok_or(Refusal::UnknownPlaceholder)?));
            rest = after;
        }
        pieces.push(Piece::Text(utf8_percent_encode(rest, IN_TEMPLATES).to_string()));
        let is_distinctive =
            pieces.iter().any(|piece| matches!(piece, Piece::Value(one) if kind.distinctive().contains(one)));
        if is_distinctive { Ok(Self { origin, pieces }) } else { Err(Refusal::NotDistinctive) }
    }

    /// The address of the page of `thing`. A placeholder without a value takes the slash after it away.
    fn fill(&self, base: &str, timezone: Tz, thing: &Thing<'_>) -> String {
        let mut address = self.origin.as_deref().unwrap_or(base).to_owned();
        let mut is_gap = false;
        for piece in &self.pieces {
            let length = address.len();
            match piece {
                Piece::Text(text) if is_gap => address.push_str(text.strip_prefix('/').unwrap_or(text)),
                Piece::Text(text) => address.push_str(text),
                Piece::Value(placeholder) => thing.write_value(*placeholder, timezone, &mut address),
            }
            let is_empty = matches!(piece, Piece::Value(_)) && address.len() == length;
            is_gap = is_empty && address.ends_with('/');
        }
        address
    }
}

/// Scheme and host of a template, as browsers write them, and what comes after them.
fn split_origin(text: &str) -> Result<(Option<String>, &str), Refusal> {
    if text.starts_with('/') && !text.starts_with("//") && !text.starts_with("/\\") {
        return Ok((None, text));
    }
    let (scheme, rest) = text.split_once("://").ok_or(Refusal::NoAddress)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let is_plain = !authority.is_empty() && !authority.contains(['{', '}', '@', '\\']);
    let is_web = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let origin = find_origin(&format!("{scheme}://{authority}")).filter(|_| is_plain && is_web);
    origin.map(|origin| (Some(origin), path)).ok_or(Refusal::NoAddress)
}

/// Scheme and host of an address, as browsers write them.
fn find_origin(address: &str) -> Option<String> {
    Url::parse(address).ok().map(|url| url.origin().ascii_serialization())
}

/// The fault of a template at `pointer`, if it has one. An empty one stands for the default.
pub fn check_template(kind: PageKind, text: &str, pointer: &str) -> Option<Fault> {
    let refusal = Template::parse(kind, text).err().filter(|_| !text.is_empty())?;
    Some(match refusal {
        Refusal::NoAddress => {
            let detail = "must be an http or https address, or a path that begins with /";
            Fault::body(pointer, Code::InvalidFormat, detail)
        }
        Refusal::UnpairedBrace => {
            Fault::body(pointer, Code::InvalidFormat, "has a brace without its other half")
        }
        Refusal::UnknownPlaceholder => {
            let detail = "has an unknown placeholder; there are {options}";
            Fault::body(pointer, Code::UnknownValue, detail).with("options", list_names(kind.placeholders()))
        }
        Refusal::NotDistinctive => {
            let detail = "must hold what tells two pages apart: one of {options}";
            Fault::body(pointer, Code::InvalidFormat, detail).with("options", list_names(kind.distinctive()))
        }
    })
}

/// What a page is about, as far as its address tells.
#[derive(Clone, Debug, Default)]
pub struct Thing<'t> {
    /// Its id.
    pub id: Uuid,
    /// Its slug.
    pub slug: &'t str,
    /// The slugs of its category and of those above, the root first.
    pub category_path: &'t [&'t str],
    /// From when it is out.
    pub published_at: Option<DateTime<Utc>>,
    /// A tag.
    pub tag: &'t str,
    /// The kind of a notice.
    pub kind: &'t str,
}

impl Thing<'_> {
    fn write_value(&self, placeholder: Placeholder, timezone: Tz, address: &mut String) {
        let date = self.published_at.map(|at| at.with_timezone(&timezone));
        let encode = |text| utf8_percent_encode(text, IN_VALUES);
        // Writing to a string does not fail.
        let _ = match placeholder {
            Id => write!(address, "{}", self.id),
            Slug => write!(address, "{}", encode(self.slug)),
            Category => self.category_path.last().map_or(Ok(()), |slug| write!(address, "{}", encode(slug))),
            CategoryPath => self.category_path.iter().enumerate().try_for_each(|(at, slug)| {
                write!(address, "{}{}", if at == 0 { "" } else { "/" }, encode(slug))
            }),
            Year => date.map_or(Ok(()), |date| write!(address, "{:04}", date.year())),
            Month => date.map_or(Ok(()), |date| write!(address, "{:02}", date.month())),
            Day => date.map_or(Ok(()), |date| write!(address, "{:02}", date.day())),
            Tag => write!(address, "{}", encode(self.tag)),
            Kind => write!(address, "{}", encode(self.kind)),
        };
    }
}

/// Makes the addresses of the site's pages.
#[derive(Clone, Debug)]
pub struct Links {
    base: String,
    timezone: Tz,
    article: Template,
    category: Template,
    notice: Template,
    tag: Template,
}

impl Links {
    /// The links of the site.
    pub fn new(site: &Row) -> Self {
        let content = &site.content;
        // One that a later version has stored and this one does not know gives way to the default.
        let template = |kind: PageKind, text: &str| {
            Template::parse(kind, text).unwrap_or_else(|_| kind.default_template())
        };
        Self {
            base: find_origin(&content.base_url).unwrap_or_else(|| content.base_url.clone()),
            timezone: site.timezone(),
            article: template(PageKind::Article, &content.article_url),
            category: template(PageKind::Category, &content.category_url),
            notice: template(PageKind::Notice, &content.notice_url),
            tag: template(PageKind::Tag, &content.tag_url),
        }
    }

    /// The address of the site, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address of a path on the site.
    pub fn own(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The address of the page about `thing`.
    pub fn page(&self, kind: PageKind, thing: &Thing<'_>) -> String {
        self.template(kind).fill(&self.base, self.timezone, thing)
    }

    /// Whether the pages of a kind are on the host of the site.
    pub fn is_on_site(&self, kind: PageKind) -> bool {
        self.template(kind).origin.as_ref().is_none_or(|origin| *origin == self.base)
    }

    const fn template(&self, kind: PageKind) -> &Template {
        match kind {
            PageKind::Article => &self.article,
            PageKind::Category => &self.category,
            PageKind::Notice => &self.notice,
            PageKind::Tag => &self.tag,
        }
    }
}

/// A text as a segment of a path.
pub fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, IN_VALUES).to_string()
}

#[cfg(test)]
mod tests;
