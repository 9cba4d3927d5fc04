//! The home page as clients see and send it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Block, BlockKind};
use crate::articles::view::ArticleCard;
use crate::categories::view::CategorySummary;
use crate::menus::view::MenuItem;
use crate::notices::model::NoticeKind;
use crate::notices::view::NoticeCard;

/// The home page, filled.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Home {
    /// Its blocks, in order.
    #[schema(max_items = 30)]
    pub blocks: Vec<HomeBlock>,
    /// That of the composition; 0 until somebody has composed it.
    pub version: i32,
}

/// A block with what it shows.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HomeBlock {
    /// The newest articles.
    Latest(LatestBlock),
    /// The articles that were viewed most in the last days.
    Popular(PopularBlock),
    /// Articles that staff have picked.
    Articles(ArticlesBlock),
    /// Notices, pinned first.
    Notices(NoticesBlock),
    /// A piece of HTML.
    Html(HtmlBlock),
    /// The items of a menu.
    Links(LinksBlock),
}

/// The newest articles, of a category and those below it or of the whole site.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LatestBlock {
    /// Its heading, if it has one of its own.
    #[schema(required)]
    pub title: Option<String>,
    /// The category; null for the whole site.
    #[schema(required)]
    pub category: Option<CategorySummary>,
    /// The articles, newest first.
    #[schema(max_items = 20)]
    pub items: Vec<ArticleCard>,
}

/// The articles that were viewed most in the last days.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PopularBlock {
    /// Its heading, if it has one of its own.
    #[schema(required)]
    pub title: Option<String>,
    /// How many days: 1, 7 or 30.
    pub days: i64,
    /// The articles, most popular first.
    #[schema(max_items = 20)]
    pub items: Vec<ArticleCard>,
}

/// Articles that staff have picked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ArticlesBlock {
    /// Its heading, if it has one of its own.
    #[schema(required)]
    pub title: Option<String>,
    /// The articles as they were picked, without those that readers do not see.
    #[schema(max_items = 50)]
    pub items: Vec<ArticleCard>,
}

/// Notices for everybody, pinned first, then newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoticesBlock {
    /// Its heading, if it has one of its own.
    #[schema(required)]
    pub title: Option<String>,
    /// Their kind; null for both.
    #[schema(required)]
    pub notice_kind: Option<NoticeKind>,
    /// The notices.
    #[schema(max_items = 20)]
    pub items: Vec<NoticeCard>,
}

/// A piece of HTML.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HtmlBlock {
    /// Its heading, if it has one of its own.
    #[schema(required)]
    pub title: Option<String>,
    /// Safe HTML.
    pub body: String,
}

/// The items of a menu.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LinksBlock {
    /// Its heading, if it has one of its own.
    #[schema(required)]
    pub title: Option<String>,
    /// The name of the menu.
    pub menu: String,
    /// Its items; none if there is no such menu.
    #[schema(max_items = 500)]
    pub items: Vec<MenuItem>,
}

/// How the home page is composed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HomeComposition {
    /// Its blocks, to be edited and sent again. Until somebody composes them: those that `GET /home` has by default.
    #[schema(max_items = 30)]
    pub blocks: Vec<Block>,
    /// For `If-Match`; 0 until somebody has composed it.
    pub version: i32,
    /// When it was last composed.
    #[schema(required)]
    pub updated_at: Option<DateTime<Utc>>,
}

/// The blocks of the home page.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"blocks": [{"kind": "latest", "size": 5}, {"kind": "popular", "days": 7, "size": 10}, {"kind": "notices", "notice_kind": "notice", "size": 5}, {"kind": "html", "title": "关于我们", "body": "<p>计量与质量资讯。</p>"}]}))]
pub struct HomeContent {
    /// The blocks, in order.
    #[schema(max_items = 30)]
    pub blocks: Vec<NewBlock>,
}

/// An article that staff pick.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 120)]
pub struct WantedArticle(
    /// Its id or slug.
    pub String,
);

/// A block. Each kind takes its own keys.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBlock {
    /// What it shows.
    pub kind: BlockKind,
    /// Its heading.
    #[schema(format = "plain-text", min_length = 1, max_length = 200, pattern = r"\S")]
    pub title: Option<String>,
    /// `latest`: the category (id or slug), with those below it. Absent: the whole site.
    #[schema(min_length = 1, max_length = 120)]
    pub category: Option<String>,
    /// `popular`: for how many days views count: 1, 7 or 30. Absent: 7.
    pub days: Option<i64>,
    /// `articles`: the articles (ids or slugs), in order.
    #[schema(inline, value_type = Option<Vec<WantedArticle>>, min_items = 1, max_items = 50)]
    pub ids: Option<Vec<String>>,
    /// `notices`: their kind. Absent: both.
    pub notice_kind: Option<NoticeKind>,
    /// `latest`, `popular` and `notices`: how many items. Absent: 5.
    #[schema(minimum = 1, maximum = 20)]
    pub size: Option<i64>,
    /// `html`: what is shown, which is made safe.
    #[schema(min_length = 1, max_length = 50000)]
    pub body: Option<String>,
    /// `links`: the name of the menu.
    #[schema(min_length = 1, max_length = 60)]
    pub menu: Option<String>,
}

impl NewBlock {
    /// The ids and slugs of the articles it names.
    pub fn article_names(&self) -> impl Iterator<Item = String> {
        self.ids.iter().flatten().cloned()
    }
}
