//! Articles as clients see them.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::former_slugs::FormerSlug;
use super::model::{NeighborRow, Row};
use crate::categories::model::Tree;
use crate::categories::view::CategorySummary;
use crate::db::types::{BodyFormat, Status};
use crate::http::tagged_body::Counter;
use crate::media::addresses::{Addresses, Image, UsedMedia};
use crate::media::bodies::complete_body;
use crate::media::covers::Cover;
use crate::notices::view::NoticeCard;
use crate::search::highlights::Highlight;

/// An article in a list: complete, but for its body.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ArticleCard {
    /// Never changes.
    pub id: Uuid,
    /// The slug, used in URLs.
    #[schema(example = "zhi-liang-ti-sheng-xing-dong")]
    pub slug: String,
    /// Its name in the system it was imported from.
    #[schema(required)]
    pub external_id: Option<String>,
    /// Its title.
    #[schema(example = "质量提升行动取得新进展")]
    pub title: String,
    /// A short version of it, as plain text: escape it where HTML is expected.
    pub summary: String,
    /// What the body is written in.
    pub body_format: BodyFormat,
    /// The category it is in, with the breadcrumb.
    #[schema(required)]
    pub category: Option<CategorySummary>,
    /// Words to find it by.
    #[schema(example = json!(["质量"]))]
    pub tags: Vec<String>,
    /// The byline; may be empty.
    pub author: String,
    /// Where it was taken from; may be empty.
    pub source_name: String,
    /// The address it was taken from.
    #[schema(required)]
    pub source_url: Option<String>,
    /// Its picture: the id of media, or an address.
    #[schema(required, example = "019378c4-8a3e-7d10-b1b5-9f7c2f1f3c00")]
    pub cover: Option<String>,
    /// Its picture, as an absolute address.
    #[schema(required)]
    pub cover_url: Option<String>,
    /// Its picture, with all that an `<img>` needs.
    #[schema(required)]
    pub image: Option<Image>,
    /// A frontend's own fields.
    #[schema(value_type = Object)]
    pub extra: Value,
    /// Where it stands in its life.
    pub status: Status,
    /// From when it is out; null for a draft without a publication time.
    #[schema(required)]
    pub published_at: Option<DateTime<Utc>>,
    /// How often it was read.
    #[schema(value_type = i64, minimum = 0)]
    pub views: Counter,
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

impl ArticleCard {
    /// The article in `row`, in its place in the tree; paths become absolute below `base_url`.
    pub fn new(tree: &Tree, base_url: &str, addresses: &Addresses, mut row: Row) -> Self {
        let media = UsedMedia::read_all(row.media.take());
        Self::with_media(tree, base_url, addresses, row, &media)
    }

    /// The same with the media of `row`, which are read already.
    fn with_media(tree: &Tree, base_url: &str, addresses: &Addresses, row: Row, media: &[UsedMedia]) -> Self {
        let content = row.content;
        let cover = Cover::new(content.cover_url, base_url, addresses, media);
        Self {
            id: row.id,
            slug: content.slug,
            external_id: content.external_id,
            title: content.title,
            summary: content.summary,
            body_format: content.body_format,
            category: content.category_id.and_then(|id| CategorySummary::of(tree, id)),
            tags: content.tags,
            author: content.author,
            source_name: content.source_name,
            source_url: content.source_url,
            cover: cover.cover,
            cover_url: cover.address,
            image: cover.image,
            extra: content.extra,
            status: content.status,
            published_at: content.published_at,
            views: Counter(row.views),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            highlight: None,
        }
    }
}

/// An article.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Article {
    /// All that a list shows.
    #[serde(flatten)]
    pub card: ArticleCard,
    /// Safe HTML.
    #[schema(example = "<p>质量提升行动取得新进展。</p>")]
    pub body: String,
    /// What was written, when that was not HTML (author, editor and admin only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_source: Option<String>,
    /// Slugs that lead to it besides its own (author, editor and admin only). Absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Vec<FormerSlug>, example = json!(["质量提升行动"]))]
    pub former_slugs: Option<Vec<String>>,
    /// The articles next to it in its category (with `include=neighbors`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub neighbors: Option<Neighbors>,
    /// Other articles about the same, the nearest first (with `include=related`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 6)]
    pub related: Option<Vec<ArticleCard>>,
    /// The first notices for everybody, pinned first (with `include=notices`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 5)]
    pub notices: Option<Vec<NoticeCard>>,
}

impl Article {
    /// The article in `row`, in its place in the tree; paths become absolute below `base_url`.
    pub fn new(tree: &Tree, base_url: &str, addresses: &Addresses, mut row: Row, for_staff: bool) -> Self {
        let media = UsedMedia::read_all(row.media.take());
        let body = complete_body(std::mem::take(&mut row.content.body), &media, addresses);
        let body_source = row.content.body_source.take().filter(|_| for_staff);
        let former_slugs = std::mem::take(&mut row.former_slugs);
        let former_slugs = Some(former_slugs).filter(|slugs| for_staff && !slugs.is_empty());
        Self {
            card: ArticleCard::with_media(tree, base_url, addresses, row, &media),
            body,
            body_source,
            former_slugs,
            neighbors: None,
            related: None,
            notices: None,
        }
    }
}

/// The public articles just before and after another in its category.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Neighbors {
    /// The one that came out just before (older).
    #[schema(required)]
    pub previous: Option<Neighbor>,
    /// The one that came out just after (newer).
    #[schema(required)]
    pub next: Option<Neighbor>,
}

/// An article next to another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Neighbor {
    /// Its id.
    id: Uuid,
    /// The slug, used in URLs.
    slug: String,
    /// Its title.
    title: String,
    /// From when it is out.
    #[schema(required)]
    published_at: Option<DateTime<Utc>>,
}

impl FromIterator<NeighborRow> for Neighbors {
    fn from_iter<I: IntoIterator<Item = NeighborRow>>(rows: I) -> Self {
        let mut neighbors = Self::default();
        for row in rows {
            let side = if row.is_previous { &mut neighbors.previous } else { &mut neighbors.next };
            *side = Some(Neighbor {
                id: row.id,
                slug: row.slug,
                title: row.title,
                published_at: row.published_at,
            });
        }
        neighbors
    }
}

/// The keys that `fields=` can pick. `id` always comes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented where it stands in an article")]
pub enum ArticleField {
    Id,
    Slug,
    ExternalId,
    Title,
    Summary,
    Body,
    BodyFormat,
    Category,
    Tags,
    Author,
    SourceName,
    SourceUrl,
    Cover,
    CoverUrl,
    Image,
    Extra,
    Status,
    PublishedAt,
    Views,
    Version,
    CreatedAt,
    UpdatedAt,
}

/// An article cut down to the keys that `fields=` picks. Its relations stay.
#[derive(Clone, Debug)]
pub struct PickedArticle {
    article: Article,
    fields: Rc<[ArticleField]>,
}

impl PickedArticle {
    /// `article` cut down to `fields`, and the id.
    pub fn new(article: Article, fields: Rc<[ArticleField]>) -> Self {
        Self { article, fields }
    }
}

impl Serialize for PickedArticle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Article { card, body, neighbors, related, notices, .. } = &self.article;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &card.id)?;
        for (at, field) in self.fields.iter().enumerate() {
            if self.fields[..at].contains(field) {
                continue;
            }
            match field {
                ArticleField::Id => {}
                ArticleField::Slug => map.serialize_entry(field, &card.slug)?,
                ArticleField::ExternalId => map.serialize_entry(field, &card.external_id)?,
                ArticleField::Title => map.serialize_entry(field, &card.title)?,
                ArticleField::Summary => map.serialize_entry(field, &card.summary)?,
                ArticleField::Body => map.serialize_entry(field, body)?,
                ArticleField::BodyFormat => map.serialize_entry(field, &card.body_format)?,
                ArticleField::Category => map.serialize_entry(field, &card.category)?,
                ArticleField::Tags => map.serialize_entry(field, &card.tags)?,
                ArticleField::Author => map.serialize_entry(field, &card.author)?,
                ArticleField::SourceName => map.serialize_entry(field, &card.source_name)?,
                ArticleField::SourceUrl => map.serialize_entry(field, &card.source_url)?,
                ArticleField::Cover => map.serialize_entry(field, &card.cover)?,
                ArticleField::Image => map.serialize_entry(field, &card.image)?,
                ArticleField::CoverUrl => map.serialize_entry(field, &card.cover_url)?,
                ArticleField::Extra => map.serialize_entry(field, &card.extra)?,
                ArticleField::Status => map.serialize_entry(field, &card.status)?,
                ArticleField::PublishedAt => map.serialize_entry(field, &card.published_at)?,
                ArticleField::Views => map.serialize_entry(field, &card.views)?,
                ArticleField::Version => map.serialize_entry(field, &card.version)?,
                ArticleField::CreatedAt => map.serialize_entry(field, &card.created_at)?,
                ArticleField::UpdatedAt => map.serialize_entry(field, &card.updated_at)?,
            }
        }
        serialize_if_there(&mut map, "highlight", card.highlight.as_ref())?;
        serialize_if_there(&mut map, "neighbors", neighbors.as_ref())?;
        serialize_if_there(&mut map, "related", related.as_ref())?;
        serialize_if_there(&mut map, "notices", notices.as_ref())?;
        map.end()
    }
}

fn serialize_if_there<M: SerializeMap>(
    map: &mut M,
    key: &str,
    value: Option<&impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, value))
}
