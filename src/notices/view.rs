//! Notices as clients see and send them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{Audience, Content, NoticeKind, Row};
use crate::db::types::{BodyFormat, Status, as_stored};
use crate::error::{Code, Error, Fault, Result};
use crate::http::patch::Patch;
use crate::http::render_body::keep_fault;
use crate::markup::changes::MarkupChanges;
use crate::markup::{Body, SANITIZER};
use crate::search::highlights::Highlight;

/// A notice.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Notice {
    /// Never changes.
    pub id: Uuid,
    /// Its name in the system it was imported from.
    #[schema(required)]
    pub external_id: Option<String>,
    /// `notice` (通知) or `announcement` (公告).
    pub kind: NoticeKind,
    /// Its title.
    #[schema(example = "关于春节期间检定业务安排的通知")]
    pub title: String,
    /// Safe HTML.
    #[schema(example = "<p>2月1日至7日暂停受理。</p>")]
    pub body: String,
    /// What it was written in.
    pub body_format: BodyFormat,
    /// What was written, when that was not HTML (editors and admins only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_source: Option<String>,
    /// Whether it comes before the others.
    pub pinned: bool,
    /// Whom it is for.
    pub audience: Audience,
    /// Where it stands in its life.
    pub status: Status,
    /// From when it is up.
    #[schema(required)]
    pub published_at: Option<DateTime<Utc>>,
    /// Until when it is up; null for good.
    #[schema(required)]
    pub expires_at: Option<DateTime<Utc>>,
    /// For `If-Match`.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Where it has the words that were searched for (with `highlight=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub highlight: Option<Highlight>,
}

impl Notice {
    /// The notice in `row`.
    pub fn new(row: Row, for_staff: bool) -> Self {
        let content = row.content;
        Self {
            id: row.id,
            external_id: content.external_id,
            kind: content.kind,
            title: content.title,
            body: content.body,
            body_format: content.body_format,
            body_source: content.body_source.filter(|_| for_staff),
            pinned: content.pinned,
            audience: content.audience,
            status: content.status,
            published_at: content.published_at,
            expires_at: content.expires_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            highlight: None,
        }
    }
}

/// Longest body, in characters.
pub const MAX_BODY_CHARS: usize = 200_000;

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
    /// What the new notice will be, with its rendered body, at the time `now`. Refuses what no schema can say.
    pub fn into_content(self, body: Result<Body, Fault>, now: DateTime<Utc>) -> Result<Content> {
        let mut faults = Vec::new();
        let body = keep_fault(body, BodyFormat::Html, &mut faults);
        let status = self.status.unwrap_or(Status::Draft);
        let content = Content {
            external_id: self.external_id,
            kind: self.kind,
            title: self.title,
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
        let mut faults = Vec::new();
        if body.is_none() && self.body_format.is_some_and(|format| format != current.body_format) {
            faults.push(Fault::body("/body_format", Code::InvalidFormat, "cannot change without the body"));
        }
        let sanitizer = if body.is_some() { SANITIZER } else { current.sanitizer };
        let body = match body {
            Some(body) => keep_fault(body, current.body_format, &mut faults),
            None => Body {
                html: current.body,
                source: current.body_source,
                format: current.body_format,
                summary: String::new(),
                changes: MarkupChanges::default(),
            },
        };
        let status = self.status.unwrap_or(current.status);
        let content = Content {
            external_id: self.external_id.over(current.external_id),
            kind: self.kind.unwrap_or(current.kind),
            title: self.title.unwrap_or(current.title),
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

/// Which notices to list. Without `status` or `deleted`, those that are up now.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NoticeFilter {
    /// Only this kind.
    #[param(inline, nullable = false)]
    pub kind: Option<NoticeKind>,
    /// Only those in one of these states, comma-separated (editors and admins).
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 10, nullable = false)]
    pub status: Option<Vec<Status>>,
    /// Those in the trash instead (editors and admins).
    #[param(nullable = false)]
    pub deleted: Option<bool>,
}
