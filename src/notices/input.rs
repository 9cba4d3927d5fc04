//! Notices as clients send them.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use super::model::{Content, NoticeKind};
use crate::db::types::{Audience, BodyFormat, Status, as_stored};
use crate::error::{Code, Error, Fault, Result};
use crate::http::patch::Patch;
use crate::http::render_body::keep_fault;
use crate::markup::changes::MarkupChanges;
use crate::markup::{Body, SANITIZER, choose_summary, summarise};
use crate::slug;

/// Longest body, in characters.
pub const MAX_BODY_CHARS: usize = 200_000;

/// The slug of a notice whose title has no letter that a slug can have.
pub const FALLBACK_SLUG: &str = "notice";

/// A new notice.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "notice", "title": "关于春节期间检定业务安排的通知", "body": "<p>2月1日至7日暂停受理。</p>", "pinned": true, "status": "published"}))]
pub struct NewNotice {
    /// Its name in the system it comes from; no other notice has it.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    pub external_id: Option<String>,
    /// `notice` (通知) or `announcement` (公告).
    pub kind: NoticeKind,
    /// Its title.
    #[schema(format = "plain-text", min_length = 1, max_length = 300, pattern = r"\S")]
    pub title: String,
    /// The slug, used in URLs; made from the title when absent.
    #[schema(max_length = 120, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    pub slug: Option<String>,
    /// A short version of it; made from the body when absent or empty.
    #[schema(max_length = 1000)]
    pub summary: Option<String>,
    /// The text, in `body_format`.
    #[serde(default)]
    #[schema(max_length = 200_000)]
    pub body: String,
    /// What the body is written in; `html` when absent.
    pub body_format: Option<BodyFormat>,
    /// Whether it comes before the others.
    #[serde(default)]
    pub pinned: bool,
    /// Whom it is for; `public` when absent.
    pub audience: Option<Audience>,
    /// Where it stands in its life; `draft` when absent.
    pub status: Option<Status>,
    /// From when it is up; the present when it is published without one.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64, pattern = "^[12]")]
    pub published_at: Option<DateTime<Utc>>,
    /// Until when it is up; null for good. Later than `published_at`.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64, pattern = "^[12]")]
    pub expires_at: Option<DateTime<Utc>>,
}

impl NewNotice {
    /// The slug, or one made from the title.
    pub fn slug(&self) -> String {
        self.slug.clone().unwrap_or_else(|| slug::from_title(&self.title, FALLBACK_SLUG))
    }

    /// What the new notice will be, with its rendered body, at the time `now`. Refuses what no schema can say.
    pub fn into_content(self, body: Result<Body, Fault>, now: DateTime<Utc>) -> Result<Content> {
        let mut faults: Vec<Fault> = refuse_slug(self.slug.as_deref()).into_iter().collect();
        let slug = self.slug();
        let body = keep_fault(body, BodyFormat::Html, &mut faults);
        let (summary, summary_made) = choose_summary(self.summary, || body.summary);
        let status = self.status.unwrap_or(Status::Draft);
        let content = Content {
            slug,
            external_id: self.external_id,
            kind: self.kind,
            title: self.title,
            summary,
            summary_made,
            body: body.html,
            body_source: body.source,
            body_format: body.format,
            sanitizer: SANITIZER,
            pinned: self.pinned,
            audience: self.audience.unwrap_or(Audience::Public),
            status,
            published_at: status.default_published_at(self.published_at, Some(now)),
            expires_at: self.expires_at.map(as_stored),
        };
        validate(content, faults)
    }
}

/// A change to a notice. Absent: kept.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"pinned": false}))]
pub struct NoticePatch {
    /// Its name in the system it comes from.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = r"\S")]
    pub external_id: Patch<String>,
    /// `notice` (通知) or `announcement` (公告).
    #[schema(nullable = false)]
    pub kind: Option<NoticeKind>,
    /// Its title.
    #[schema(format = "plain-text", min_length = 1, max_length = 300, pattern = r"\S", nullable = false)]
    pub title: Option<String>,
    /// The slug, used in URLs. The one that it replaces leads to the notice from then on.
    #[schema(max_length = 120, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", nullable = false)]
    pub slug: Option<String>,
    /// A short version of it; null makes one from the body.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub summary: Patch<String>,
    /// The text, in `body_format`.
    #[schema(max_length = 200_000, nullable = false)]
    pub body: Option<String>,
    /// What the new body is written in; as before when absent.
    #[schema(nullable = false)]
    pub body_format: Option<BodyFormat>,
    /// Whether it comes before the others.
    #[schema(nullable = false)]
    pub pinned: Option<bool>,
    /// Whom it is for.
    #[schema(nullable = false)]
    pub audience: Option<Audience>,
    /// Where it stands in its life.
    #[schema(nullable = false)]
    pub status: Option<Status>,
    /// From when it is up.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64, pattern = "^[12]")]
    pub published_at: Patch<DateTime<Utc>>,
    /// Until when it is up; null for good.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64, pattern = "^[12]")]
    pub expires_at: Patch<DateTime<Utc>>,
}

impl NoticePatch {
    /// The notice after the change, with the rendered new body if there is one, at the time `now`. Refuses what no
    /// schema can say.
    pub fn apply(
        self,
        current: Content,
        body: Option<Result<Body, Fault>>,
        now: DateTime<Utc>,
    ) -> Result<Content> {
        let mut faults: Vec<Fault> = refuse_slug(self.slug.as_deref()).into_iter().collect();
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
        let content = Content {
            slug: self.slug.unwrap_or(current.slug),
            external_id: self.external_id.over(current.external_id),
            kind: self.kind.unwrap_or(current.kind),
            title: self.title.unwrap_or(current.title),
            summary,
            summary_made,
            body: body.html,
            body_source: body.source,
            body_format: body.format,
            sanitizer,
            pinned: self.pinned.unwrap_or(current.pinned),
            audience: self.audience.unwrap_or(current.audience),
            status,
            published_at: status
                .default_published_at(self.published_at.over(current.published_at), Some(now)),
            expires_at: self.expires_at.over(current.expires_at).map(as_stored),
        };
        validate(content, faults)
    }
}

/// The fault of a given slug that cannot be one.
fn refuse_slug(given: Option<&str>) -> Option<Fault> {
    given.and_then(slug::refusal).map(|detail| Fault::body("/slug", Code::InvalidFormat, detail))
}

/// The body that a notice has, with a summary made from it.
fn current_body(content: &Content) -> Body {
    Body {
        html: content.body.clone(),
        source: content.body_source.clone(),
        format: content.body_format,
        summary: if content.summary_made { content.summary.clone() } else { summarise(&content.body) },
        changes: MarkupChanges::default(),
    }
}

/// What no schema can say about a notice. The database refuses such a window too.
fn validate(content: Content, mut faults: Vec<Fault>) -> Result<Content> {
    if matches!((content.published_at, content.expires_at), (Some(from), Some(to)) if to <= from) {
        faults.push(ends_too_early());
    }
    Error::body(faults)?;
    Ok(content)
}

/// The fault of a notice that ends before it begins.
pub fn ends_too_early() -> Fault {
    Fault::body("/expires_at", Code::OutOfRange, "must be later than published_at")
}
