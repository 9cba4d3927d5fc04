//! What is found, as clients see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::articles::listing::WantedTag;
use crate::articles::view::ArticleCard;
use crate::http::paging::PageInfo;
use crate::notices::model::{NoticeKind, Row as NoticeRow};
use crate::search::highlights::Highlight;
use crate::tags::view::TagCount;

/// What the site is searched for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SiteSearch {
    /// The words, all of which must be there. Chinese is found wherever it stands, in Simplified or Traditional spelling; the
    /// last Latin word may be unfinished, and those of five letters and more may have one typo. `"…"` is exact, `-word` is
    /// excluded, `title:`, `tag:` and `author:` before a word name where it stands.
    #[param(min_length = 1, max_length = 500, example = "质量")]
    pub q: String,
    /// Only articles, or only notices.
    #[param(inline, nullable = false)]
    pub r#type: Option<FoundType>,
    /// Only articles in this category (id or slug) and the categories below it.
    #[param(min_length = 1, max_length = 120, nullable = false)]
    pub category: Option<String>,
    /// Only articles with at least one of these tags, comma-separated.
    #[param(inline, value_type = Option<Vec<WantedTag>>, style = Form, explode = false, min_items = 1, max_items = 20, nullable = false)]
    pub tag: Option<Vec<String>>,
    /// Only what was published in this year, in the time zone of the site.
    #[param(minimum = 1, maximum = 9999, nullable = false)]
    pub year: Option<i32>,
    /// Whether `highlight` comes along: where the words are.
    #[param(default = false, nullable = false)]
    pub highlight: Option<bool>,
}

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FoundType {
    /// An article.
    Article,
    /// A notice.
    Notice,
}

/// What was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Found {
    /// An article.
    Article(Box<FoundArticle>),
    /// A notice.
    Notice(FoundNotice),
}

/// An article that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundArticle {
    /// How well it fits: to be compared within one answer only.
    pub score: f64,
    /// The article, with `highlight` if that was asked for.
    #[serde(flatten)]
    pub card: ArticleCard,
}

/// A notice that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundNotice {
    /// How well it fits: to be compared within one answer only.
    pub score: f64,
    /// Never changes.
    pub id: Uuid,
    /// The slug, used in URLs.
    #[schema(example = "chun-jie-qi-jian-ye-wu-an-pai")]
    pub slug: String,
    /// `notice` (通知) or `announcement` (公告).
    pub kind: NoticeKind,
    /// Its title.
    #[schema(example = "关于春节期间检定业务安排的通知")]
    pub title: String,
    /// A short version of it, as plain text.
    pub summary: String,
    /// Whether it comes before the others.
    pub pinned: bool,
    /// From when it is up.
    #[schema(required)]
    pub published_at: Option<DateTime<Utc>>,
    /// Until when it is up; null for good.
    #[schema(required)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Where it has the words that were searched for (with `highlight=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub highlight: Option<Highlight>,
}

impl FoundNotice {
    /// The notice in `row`.
    pub fn new(score: f64, row: NoticeRow, highlight: Option<Highlight>) -> Self {
        let content = row.content;
        Self {
            score,
            id: row.id,
            slug: content.slug,
            kind: content.kind,
            title: content.title,
            summary: content.summary,
            pinned: content.pinned,
            published_at: content.published_at,
            expires_at: content.expires_at,
            updated_at: row.updated_at,
            highlight,
        }
    }
}

/// What a search has found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SearchResults {
    /// The best hits of this page.
    pub data: Vec<Found>,
    /// All hits, counted in several ways.
    pub facets: Facets,
    /// If nothing was found: a spelling with which something would be.
    #[schema(required)]
    pub did_you_mean: Option<String>,
    /// Where the page stands. `total` counts all hits; the list ends at 500.
    pub page: PageInfo,
}

/// Hits, counted in several ways.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Facets {
    /// By category, those below it included; most first, at most 50.
    #[schema(max_items = 50)]
    pub category: Vec<CategoryCount>,
    /// By tag; most first, at most 50.
    #[schema(max_items = 50)]
    pub tag: Vec<TagCount>,
    /// By the year of publication, in the time zone of the site; latest first, at most 50.
    #[schema(max_items = 50)]
    pub year: Vec<YearCount>,
    /// By type; most first.
    #[schema(max_items = 2)]
    pub r#type: Vec<TypeCount>,
}

/// Hits in a category and below it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CategoryCount {
    /// The category's id.
    pub id: Uuid,
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// Hits of a year.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct YearCount {
    /// The year.
    pub year: i32,
    /// How many.
    pub count: u64,
}

/// Hits of a type.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TypeCount {
    /// The type.
    pub r#type: FoundType,
    /// How many.
    pub count: u64,
}
