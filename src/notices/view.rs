//! Notices as clients see them.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{NeighborRow, NoticeKind, Row};
use crate::db::types::{Audience, BodyFormat, Status};
use crate::media::addresses::{AddressesByAudience, UsedMedia};
use crate::media::bodies::complete_body;
use crate::search::highlights::Highlight;

/// A notice in a list: complete, but for its body.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoticeCard {
    /// Never changes.
    pub id: Uuid,
    /// The slug, used in URLs.
    #[schema(example = "chun-jie-qi-jian-ye-wu-an-pai")]
    pub slug: String,
    /// Its name in the system it was imported from.
    #[schema(required)]
    pub external_id: Option<String>,
    /// `notice` (通知) or `announcement` (公告).
    pub kind: NoticeKind,
    /// Its title.
    #[schema(example = "关于春节期间检定业务安排的通知")]
    pub title: String,
    /// A short version of it, as plain text: escape it where HTML is expected.
    pub summary: String,
    /// What the body is written in.
    pub body_format: BodyFormat,
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

impl From<Row> for NoticeCard {
    fn from(row: Row) -> Self {
        let content = row.content;
        Self {
            id: row.id,
            slug: content.slug,
            external_id: content.external_id,
            kind: content.kind,
            title: content.title,
            summary: content.summary,
            body_format: content.body_format,
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

/// A notice.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Notice {
    /// All that a list shows.
    #[serde(flatten)]
    pub card: NoticeCard,
    /// Safe HTML.
    #[schema(example = "<p>2月1日至7日暂停受理。</p>")]
    pub body: String,
    /// What was written, when that was not HTML (editors and admins only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_source: Option<String>,
    /// The notices next to it of its kind (with `include=neighbors`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub neighbors: Option<NoticeNeighbors>,
}

impl Notice {
    /// The notice in `row`.
    pub fn new(mut row: Row, for_staff: bool, addresses: &AddressesByAudience) -> Self {
        let addresses = addresses.of(row.content.audience);
        let body = std::mem::take(&mut row.content.body);
        let body = complete_body(body, &UsedMedia::read_all(row.media.take()), addresses);
        let body_source = row.content.body_source.take().filter(|_| for_staff);
        Self { card: row.into(), body, body_source, neighbors: None }
    }
}

/// The notices that came out just before and after another of its kind, of those that the reader may see now.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct NoticeNeighbors {
    /// The one that came out just before (older).
    #[schema(required)]
    pub previous: Option<NoticeNeighbor>,
    /// The one that came out just after (newer).
    #[schema(required)]
    pub next: Option<NoticeNeighbor>,
}

/// A notice next to another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoticeNeighbor {
    /// Its id.
    id: Uuid,
    /// The slug, used in URLs.
    slug: String,
    /// Its title.
    title: String,
    /// From when it is up.
    #[schema(required)]
    published_at: Option<DateTime<Utc>>,
}

impl FromIterator<NeighborRow> for NoticeNeighbors {
    fn from_iter<I: IntoIterator<Item = NeighborRow>>(rows: I) -> Self {
        let mut neighbors = Self::default();
        for NeighborRow { id, slug, title, published_at, is_previous, .. } in rows {
            let side = if is_previous { &mut neighbors.previous } else { &mut neighbors.next };
            *side = Some(NoticeNeighbor { id, slug, title, published_at });
        }
        neighbors
    }
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

/// How much of the notices of a list is wanted.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NoticeShape {
    /// So many of each kind at most, in one answer that has no further pages: first the notices, then the announcements,
    /// pinned ones first. Not together with `q`, `cursor`, `page`, `page_size` or `count`.
    #[param(minimum = 1, maximum = 20, nullable = false, example = 5)]
    pub per_kind: Option<i64>,
    /// Only these keys of each notice, comma-separated; `id` always comes along. With `body`, the body too. The
    /// answer then has fewer keys than its schema requires: in typed clients, the others are absent.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 30, nullable = false)]
    pub fields: Option<Vec<NoticeField>>,
}

impl NoticeShape {
    /// Whether the bodies are wanted.
    pub fn with_body(&self) -> bool {
        self.fields.as_ref().is_some_and(|fields| fields.contains(&NoticeField::Body))
    }
}

/// How much of a single notice is wanted.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NoticeDetail {
    /// Relations to add, comma-separated.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 10, nullable = false)]
    pub include: Option<Vec<NoticeRelation>>,
    /// Only these keys, comma-separated; `id` always comes along. The answer then has fewer keys than its schema
    /// requires: in typed clients, the others are absent.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 30, nullable = false)]
    pub fields: Option<Vec<NoticeField>>,
}

/// What `include=` can add to a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeRelation {
    /// The notices of its kind that came out just before and after it.
    Neighbors,
}

/// The keys of a notice that `fields=` can pick. `id` always comes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented where it stands in a notice")]
pub enum NoticeField {
    Id,
    Slug,
    ExternalId,
    Kind,
    Title,
    Summary,
    Body,
    BodyFormat,
    Pinned,
    Audience,
    Status,
    PublishedAt,
    ExpiresAt,
    Version,
    CreatedAt,
    UpdatedAt,
}

/// A notice cut down to the keys that `fields=` picks. Its relations stay.
#[derive(Clone, Debug)]
pub struct PickedNotice {
    notice: Notice,
    fields: Rc<[NoticeField]>,
}

impl PickedNotice {
    /// `notice` cut down to `fields`, and the id.
    pub fn new(notice: Notice, fields: Rc<[NoticeField]>) -> Self {
        Self { notice, fields }
    }
}

impl Serialize for PickedNotice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Notice { card, body, neighbors, .. } = &self.notice;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &card.id)?;
        for (at, field) in self.fields.iter().enumerate() {
            if self.fields[..at].contains(field) {
                continue;
            }
            match field {
                NoticeField::Id => {}
                NoticeField::Slug => map.serialize_entry(field, &card.slug)?,
                NoticeField::ExternalId => map.serialize_entry(field, &card.external_id)?,
                NoticeField::Kind => map.serialize_entry(field, &card.kind)?,
                NoticeField::Title => map.serialize_entry(field, &card.title)?,
                NoticeField::Summary => map.serialize_entry(field, &card.summary)?,
                NoticeField::Body => map.serialize_entry(field, body)?,
                NoticeField::BodyFormat => map.serialize_entry(field, &card.body_format)?,
                NoticeField::Pinned => map.serialize_entry(field, &card.pinned)?,
                NoticeField::Audience => map.serialize_entry(field, &card.audience)?,
                NoticeField::Status => map.serialize_entry(field, &card.status)?,
                NoticeField::PublishedAt => map.serialize_entry(field, &card.published_at)?,
                NoticeField::ExpiresAt => map.serialize_entry(field, &card.expires_at)?,
                NoticeField::Version => map.serialize_entry(field, &card.version)?,
                NoticeField::CreatedAt => map.serialize_entry(field, &card.created_at)?,
                NoticeField::UpdatedAt => map.serialize_entry(field, &card.updated_at)?,
            }
        }
        if let Some(highlight) = &card.highlight {
            map.serialize_entry("highlight", highlight)?;
        }
        if let Some(neighbors) = neighbors {
            map.serialize_entry("neighbors", neighbors)?;
        }
        map.end()
    }
}
