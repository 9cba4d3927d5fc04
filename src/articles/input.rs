//! Articles as clients send them.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::former_slugs::FormerSlug;
use super::model::Content;
use crate::db::types::{BodyFormat, Status};
use crate::error::{Code, Error, Fault, Result};
use crate::http::patch::Patch;
use crate::http::render_body::keep_fault;
use crate::markup::changes::MarkupChanges;
use crate::markup::{Body, SANITIZER, choose_summary, summarise};
use crate::media::covers::store_cover;
use crate::slug;

/// Longest body, in characters.
pub const MAX_BODY_CHARS: usize = 1_000_000;
/// Largest `extra`, in bytes of JSON.
const EXTRA_MAX: usize = 16 * 1024;

/// A word to find an article by; without commas, which separate tags in `tag=`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(format = "plain-text", max_length = 64, pattern = r"^[^,]*[^,\s][^,]*$", example = "质量")]
pub struct Tag(String);

/// A new article, or what an article is replaced with.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "质量提升行动取得新进展", "body": "<p>全省抽查合格率稳步提高。</p>", "tags": ["质量"], "status": "published", "published_at": "2019-09-20T00:00:00Z"}))]
pub struct NewArticle {
    /// Its title.
    #[schema(format = "plain-text", min_length = 1, max_length = 300, pattern = r"\S")]
    pub title: String,
    /// The slug, used in URLs; made from the title when absent.
    #[schema(max_length = 120, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    pub slug: Option<String>,
    /// Slugs that lead to it besides its own, like those of its addresses on another site. They are added to those it has. Set by editors and admins only.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub former_slugs: Vec<FormerSlug>,
    /// Its name in the system it comes from; no other article has it. Set by editors and admins only.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    pub external_id: Option<String>,
    /// A short version of it; made from the body when absent or empty.
    #[schema(max_length = 1000)]
    pub summary: Option<String>,
    /// The text, in `body_format`. HTML is sanitised: scripts, styles and event handlers are removed.
    #[serde(default)]
    #[schema(max_length = 1_000_000)]
    pub body: String,
    /// What the body is written in; `html` when absent.
    pub body_format: Option<BodyFormat>,
    /// The category it is in: id or slug.
    #[schema(min_length = 1, max_length = 120)]
    pub category: Option<String>,
    /// Words to find it by; repeated ones count once.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub tags: Vec<Tag>,
    /// The byline.
    #[serde(default)]
    #[schema(format = "plain-text", max_length = 200)]
    pub author: String,
    /// Where it was taken from.
    #[serde(default)]
    #[schema(format = "plain-text", max_length = 200)]
    pub source_name: String,
    /// The address it was taken from (http or https).
    #[schema(max_length = 2000, pattern = r"^https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?$")]
    pub source_url: Option<String>,
    /// Its picture: the id of media, an address (http or https), or a path on the site.
    #[schema(
        max_length = 2000,
        pattern = r"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?|/([^\s/\\<>\x22][^\s<>\x22]*)?)$"
    )]
    pub cover: Option<String>,
    /// Its picture as an address, for clients that do not know `cover`.
    #[schema(
        max_length = 2000,
        pattern = r"^(https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?|/([^\s/\\<>\x22][^\s<>\x22]*)?)$"
    )]
    pub cover_url: Option<String>,
    /// A frontend's own fields, up to 16 KiB of JSON.
    #[schema(value_type = Option<Object>)]
    pub extra: Option<Value>,
    /// Where it stands in its life; `draft` when absent. Authors write drafts only.
    pub status: Option<Status>,
    /// From when it is out; the present when it is published without one. In the future: scheduled.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64, pattern = "^[12]")]
    pub published_at: Option<DateTime<Utc>>,
    /// How often it was read before it came here (admins only).
    #[schema(minimum = 0, maximum = 1_000_000_000_000i64)]
    pub views: Option<i64>,
}

impl NewArticle {
    /// Brings `cover` and `cover_url` together, as the cover is stored. `media_bases`: where readers find media.
    pub fn settle_cover(&mut self, media_bases: &[String]) -> Option<Fault> {
        let cover = self.cover.take().map(|cover| store_cover(&cover, media_bases));
        let address = self.cover_url.take().map(|address| store_cover(&address, media_bases));
        let fault = contradict(cover.as_ref(), address.as_ref());
        self.cover_url = cover.or(address);
        fault
    }

    /// Whether it is published at the time of writing, which has to be asked for then.
    pub fn is_published_now(&self) -> bool {
        self.status == Some(Status::Published) && self.published_at.is_none()
    }

    /// The slug, or one made from the title.
    pub fn slug(&self) -> String {
        self.slug.clone().unwrap_or_else(|| slug::from_title(&self.title, "article"))
    }

    /// The format of the body.
    pub fn format(&self) -> BodyFormat {
        self.body_format.unwrap_or(BodyFormat::Html)
    }

    /// The article in the category `category_id`, with its rendered body and its slug, or one made from the title.
    ///
    /// Published without a time, it is published at `now`, which is needed for nothing else. Refuses what no schema can say, together
    /// with the `faults` already found.
    pub fn into_content(
        self,
        body: Result<Body, Fault>,
        category_id: Option<Uuid>,
        now: Option<DateTime<Utc>>,
        mut faults: Vec<Fault>,
    ) -> Result<Content> {
        let (format, slug) = (self.format(), self.slug());
        let body = keep_fault(body, format, &mut faults);
        let (summary, summary_made) = choose_summary(self.summary, || body.summary);
        let status = self.status.unwrap_or(Status::Draft);
        validate(
            Content {
                slug,
                external_id: self.external_id,
                title: self.title,
                summary,
                summary_made,
                body: body.html,
                body_source: body.source,
                body_format: body.format,
                sanitizer: SANITIZER,
                author: self.author,
                source_name: self.source_name,
                source_url: self.source_url,
                category_id,
                tags: distinct_tags(self.tags),
                cover_url: self.cover_url,
                extra: self.extra.map_or_else(|| json!({}), numbers_as_stored),
                status,
                published_at: status.default_published_at(self.published_at, now),
            },
            faults,
        )
    }
}

/// A change to an article. Absent: kept.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "质量提升行动再进一步", "status": "published"}))]
pub struct ArticlePatch {
    /// Its title.
    #[schema(format = "plain-text", min_length = 1, max_length = 300, pattern = r"\S", nullable = false)]
    pub title: Option<String>,
    /// The slug, used in URLs.
    #[schema(max_length = 120, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", nullable = false)]
    pub slug: Option<String>,
    /// Slugs that lead to it besides its own, all of them: one that is left out is free again. The slug that a change replaces is always among them. Set by editors and admins only.
    #[schema(max_items = 50, nullable = false)]
    pub former_slugs: Option<Vec<FormerSlug>>,
    /// Its name in the system it comes from. Set by editors and admins only.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = r"\S")]
    pub external_id: Patch<String>,
    /// A short version of it; null makes one from the body.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub summary: Patch<String>,
    /// The text, in `body_format`.
    #[schema(max_length = 1_000_000, nullable = false)]
    pub body: Option<String>,
    /// What the new body is written in; as before when absent.
    #[schema(nullable = false)]
    pub body_format: Option<BodyFormat>,
    /// The category it is in (id or slug); null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 120)]
    pub category: Patch<String>,
    /// Words to find it by, all of them.
    #[schema(max_items = 50, nullable = false)]
    pub tags: Option<Vec<Tag>>,
    /// The byline.
    #[schema(format = "plain-text", max_length = 200, nullable = false)]
    pub author: Option<String>,
    /// Where it was taken from.
    #[schema(format = "plain-text", max_length = 200, nullable = false)]
    pub source_name: Option<String>,
    /// The address it was taken from.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = r"^https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?$")]
    pub source_url: Patch<String>,
    /// Its picture: the id of media, or an address.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = r"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?|/([^\s/\\<>\x22][^\s<>\x22]*)?)$")]
    pub cover: Patch<String>,
    /// Its picture as an address, for clients that do not know `cover`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = r"^(https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?|/([^\s/\\<>\x22][^\s<>\x22]*)?)$")]
    pub cover_url: Patch<String>,
    /// Changes to a frontend's own fields: merged into them, null removes one.
    #[schema(value_type = Option<Object>, nullable = false)]
    pub extra: Option<Value>,
    /// Where it stands in its life.
    #[schema(nullable = false)]
    pub status: Option<Status>,
    /// From when it is out.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64, pattern = "^[12]")]
    pub published_at: Patch<DateTime<Utc>>,
    /// How often it was read (admins only).
    #[schema(minimum = 0, maximum = 1_000_000_000_000i64, nullable = false)]
    pub views: Option<i64>,
}

impl ArticlePatch {
    /// As [`NewArticle::settle_cover`].
    pub fn settle_cover(&mut self, media_bases: &[String]) -> Option<Fault> {
        let store = |cover: &mut Patch<String>| {
            if let Patch::Set(given) = cover {
                *given = store_cover(given, media_bases);
            }
        };
        store(&mut self.cover);
        store(&mut self.cover_url);
        let fault = match (&self.cover, &self.cover_url) {
            (Patch::Set(cover), Patch::Set(address)) => contradict(Some(cover), Some(address)),
            (Patch::Set(_), Patch::Clear) | (Patch::Clear, Patch::Set(_)) => Some(two_covers()),
            _ => None,
        };
        if !matches!(self.cover, Patch::Keep) {
            self.cover_url = std::mem::take(&mut self.cover);
        }
        fault
    }

    /// The article after the change, at the time `now`, with the rendered new body if there is one,
    /// and in the category that `category` names.
    ///
    /// Refuses what no schema can say, together with the `faults` already found.
    pub fn apply(
        self,
        current: Content,
        body: Option<Result<Body, Fault>>,
        category: Patch<Uuid>,
        now: DateTime<Utc>,
        mut faults: Vec<Fault>,
    ) -> Result<Content> {
        if body.is_none() && self.body_format.is_some_and(|format| format != current.body_format) {
            faults.push(Fault::body("/body_format", Code::InvalidFormat, "cannot change without the body"));
        }
        let sanitizer = if body.is_some() { SANITIZER } else { current.sanitizer };
        let body = match body {
            Some(body) => keep_fault(body, current.body_format, &mut faults),
            None => current_body(&current),
        };
        let given = Some(current.summary).filter(|_| !current.summary_made);
        let (summary, summary_made) = choose_summary(self.summary.over(given), || body.summary);
        let status = self.status.unwrap_or(current.status);
        validate(
            Content {
                slug: self.slug.unwrap_or(current.slug),
                external_id: self.external_id.over(current.external_id),
                title: self.title.unwrap_or(current.title),
                summary,
                summary_made,
                body: body.html,
                body_source: body.source,
                body_format: body.format,
                sanitizer,
                author: self.author.unwrap_or(current.author),
                source_name: self.source_name.unwrap_or(current.source_name),
                source_url: self.source_url.over(current.source_url),
                category_id: category.over(current.category_id),
                tags: self.tags.map_or(current.tags, distinct_tags),
                cover_url: self.cover_url.over(current.cover_url),
                extra: match self.extra {
                    Some(patch) => merge_json(current.extra, numbers_as_stored(patch)),
                    None => current.extra,
                },
                status,
                published_at: status
                    .default_published_at(self.published_at.over(current.published_at), Some(now)),
            },
            faults,
        )
    }
}

fn contradict(cover: Option<&String>, address: Option<&String>) -> Option<Fault> {
    (cover.is_some() && address.is_some() && cover != address).then(two_covers)
}

fn two_covers() -> Fault {
    Fault::body("/cover_url", Code::InvalidFormat, "is another picture than cover; leave one of them away")
}

/// The body that an article has, with a summary made from it.
fn current_body(content: &Content) -> Body {
    Body {
        html: content.body.clone(),
        source: content.body_source.clone(),
        format: content.body_format,
        summary: if content.summary_made { content.summary.clone() } else { summarise(&content.body) },
        changes: MarkupChanges::default(),
    }
}

fn distinct_tags(tags: Vec<Tag>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::with_capacity(tags.len());
    for Tag(tag) in tags {
        if !distinct.contains(&tag) {
            distinct.push(tag);
        }
    }
    distinct
}

/// `value` as `jsonb` gives it back: a large whole figure written with an
/// exponent comes back written out, and is then an integer.
fn numbers_as_stored(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(numbers_as_stored).collect(),
        Value::Object(object) => {
            Value::Object(object.into_iter().map(|(key, value)| (key, numbers_as_stored(value))).collect())
        }
        Value::Number(number)
            if number.is_f64() && number.as_f64().is_some_and(|figure| figure.abs() >= 1e16) =>
        {
            let written_out = format!("{:.0}", number.as_f64().unwrap_or_default());
            written_out.parse().map_or(Value::Number(number), Value::Number)
        }
        other => other,
    }
}

/// `patch` merged into `current` (RFC 7396): null removes a key, objects are merged in turn.
fn merge_json(current: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut merged_into = match current {
        Value::Object(current) => current,
        _ => Map::new(),
    };
    for (key, value) in patch {
        if value.is_null() {
            merged_into.shift_remove(&key);
        } else {
            let before = merged_into.get(&key).cloned().unwrap_or_default();
            merged_into.insert(key, merge_json(before, value));
        }
    }
    Value::Object(merged_into)
}

/// What no schema can say about an article.
fn validate(content: Content, mut faults: Vec<Fault>) -> Result<Content> {
    if let Some(detail) = slug::refusal(&content.slug) {
        faults.push(Fault::body("/slug", Code::InvalidFormat, detail));
    }
    if content.extra.to_string().len() > EXTRA_MAX {
        let fault = Fault::body("/extra", Code::TooLong, "must have at most {max} bytes of JSON");
        faults.push(fault.with("max", EXTRA_MAX));
    }
    Error::body(faults)?;
    Ok(content)
}
