//! The feed, as clients see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{Entity, Kind};
use crate::articles::view::{Article, ArticleCard};
use crate::categories::view::Category;
use crate::notices::view::{Notice, NoticeCard};

/// Which changes are told, and how much of each.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FeedParams {
    /// What is known already: the `next_cursor` of an answer; or `now`, to learn from here on. Required without `snapshot`.
    #[param(min_length = 1, max_length = 8000, pattern = "^[A-Za-z0-9_-]*$", nullable = false)]
    pub since: Option<String>,
    /// Whether to begin with all that can be seen, as changes.
    #[param(default = false, nullable = false)]
    pub snapshot: Option<bool>,
    /// Only these kinds of things, comma-separated. A cursor keeps them, and can be gone on from with fewer.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 3, nullable = false)]
    pub entity: Option<Vec<Entity>>,
    /// What comes along with each thing that can be seen. Without it, `data` is absent.
    #[param(inline, nullable = false)]
    pub include: Option<Included>,
    /// Changes at most.
    #[param(minimum = 1, maximum = 1000, default = 200, nullable = false)]
    pub limit: Option<i64>,
    /// Seconds to wait for something new, if there is nothing.
    #[param(minimum = 0, maximum = 30, default = 0, nullable = false)]
    pub wait: Option<u64>,
}

/// Which changes are told to a listener.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// What is known already: the `next_cursor` of `GET /api/v1/changes`, or the id of an event. The header `Last-Event-ID` takes
    /// its place. Without either, the events are those from now on.
    #[param(min_length = 1, max_length = 8000, pattern = "^[A-Za-z0-9_-]*$", nullable = false)]
    pub since: Option<String>,
    /// Only these kinds of things, comma-separated.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 3, nullable = false)]
    pub entity: Option<Vec<Entity>>,
}

/// What comes along with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Included {
    /// What lists have: complete, but for the body.
    Card,
    /// The body too. A page then ends after 4 MiB of bodies, with fewer changes than `limit`.
    Body,
}

/// An article that comes along with its change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ArticleCopy {
    /// All that a list shows.
    #[serde(flatten)]
    pub card: ArticleCard,
    /// Safe HTML, with `include=body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<String>,
}

impl From<ArticleCard> for ArticleCopy {
    fn from(card: ArticleCard) -> Self {
        Self { card, body: None }
    }
}

impl From<Article> for ArticleCopy {
    fn from(article: Article) -> Self {
        Self { card: article.card, body: Some(article.body) }
    }
}

/// A notice that comes along with its change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoticeCopy {
    /// All that a list shows.
    #[serde(flatten)]
    pub card: NoticeCard,
    /// Safe HTML, with `include=body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<String>,
}

impl From<NoticeCard> for NoticeCopy {
    fn from(card: NoticeCard) -> Self {
        Self { card, body: None }
    }
}

impl From<Notice> for NoticeCopy {
    fn from(notice: Notice) -> Self {
        Self { card: notice.card, body: Some(notice.body) }
    }
}

/// What has become of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// It can be seen: add it, or replace the copy.
    Upsert,
    /// It cannot be seen any more: remove the copy, if there is one.
    Delete,
}

impl Changed {
    /// Which thing it is about.
    pub const fn id(&self) -> Uuid {
        match self {
            Self::Article(line) => line.id,
            Self::Notice(line) => line.id,
            Self::Category(line) => line.id,
        }
    }

    /// Its version, if it can be seen.
    pub const fn version(&self) -> Option<i32> {
        match self {
            Self::Article(line) => line.version,
            Self::Notice(line) => line.version,
            Self::Category(line) => line.version,
        }
    }

    /// What has become of it.
    pub const fn op(&self) -> Op {
        match self {
            Self::Article(line) => line.op,
            Self::Notice(line) => line.op,
            Self::Category(line) => line.op,
        }
    }

    /// What it is about.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Article(_) => Kind::Article,
            Self::Notice(_) => Kind::Notice,
            Self::Category(_) => Kind::Category,
        }
    }
}

/// A thing that has changed for the reader.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Changed {
    /// An article.
    Article(Box<ChangedArticle>),
    /// A notice.
    Notice(Box<ChangedNotice>),
    /// A category.
    Category(Box<ChangedCategory>),
}

macro_rules! changes {
    ($($(#[$doc:meta])* $name:ident of $card:ty;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, ToSchema)]
        pub struct $name {
            /// Which one.
            pub id: Uuid,
            /// What has become of it.
            pub op: Op,
            /// Its version; null with `delete`.
            #[schema(required)]
            pub version: Option<i32>,
            /// When that was: the time of the transaction, or the hour at which it came into sight or went out of it. Lines
            /// are not in this order.
            pub at: DateTime<Utc>,
            /// The thing as it is now, with `include`.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(nullable = false)]
            pub data: Option<$card>,
        }

        impl ChangeOf<$card> for $name {
            fn new(id: Uuid, op: Op, version: Option<i32>, at: DateTime<Utc>, data: Option<$card>) -> Self {
                Self { id, op, version, at, data }
            }
        }
    )+};
}

/// A line of the feed about a thing that is shown as `T`. Each kind has a type of its own, which clients name.
pub trait ChangeOf<T> {
    /// The line.
    fn new(id: Uuid, op: Op, version: Option<i32>, at: DateTime<Utc>, data: Option<T>) -> Self;
}

changes! {
    /// What has become of an article.
    ChangedArticle of ArticleCopy;
    /// What has become of a notice.
    ChangedNotice of NoticeCopy;
    /// What has become of a category.
    ChangedCategory of Category;
}

/// A page of the feed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Feed {
    /// What has changed, each thing once.
    #[schema(max_items = 1000)]
    pub data: Vec<Changed>,
    /// How to go on.
    pub page: FeedPage,
}

/// How to go on after a page of the feed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FeedPage {
    /// What to send as `since`: now if there is more, else next time.
    #[schema(max_length = 8000)]
    pub next_cursor: String,
    /// Whether there is more.
    pub has_next: bool,
}
