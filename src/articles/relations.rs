//! What `include=` adds to an article.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Row;
use super::view::{ArticleCard, Neighbors};
use super::view_context::ViewContext;
use super::{answer_tags, queries, related};
use crate::app::App;
use crate::cache::tags::Tag;
use crate::db::visibility::Notices;
use crate::error::Result;
use crate::http::modified::ListTimes;
use crate::notices::answer_tags::tag_notices;
use crate::notices::queries::lists::load_first;
use crate::notices::queries::load_times;
use crate::notices::view::NoticeCard;

/// Notices beside an article.
const MAX_NOTICES: i64 = 5;

/// What `include=` can add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The articles just before and after it in its category.
    Neighbors,
    /// Up to six others about the same.
    Related,
    /// The first five notices for everybody, pinned first.
    Notices,
}

/// What goes with an article, as far as it is wanted.
pub struct Relations {
    /// The articles beside it.
    pub neighbors: Option<Neighbors>,
    /// Others about the same.
    pub related: Option<Vec<ArticleCard>>,
    /// The first notices.
    pub notices: Option<Vec<NoticeCard>>,
    /// The categories of the related articles.
    categories: Vec<Option<Uuid>>,
    notice_times: Option<ListTimes>,
}

impl Relations {
    /// Loads what is `wanted` with the article in `row`: one query a relation, but for related articles.
    pub async fn load(app: &App, context: &ViewContext, row: &Row, wanted: &[Relation]) -> Result<Self> {
        let includes = |one| wanted.contains(&one);
        let neighbors = match includes(Relation::Neighbors) {
            true => Some(queries::neighbors(&*app.reader().await?, row).await?.into_iter().collect()),
            false => None,
        };
        let related =
            if includes(Relation::Related) { Some(related::load_related(app, row).await?) } else { None };
        let categories = related.iter().flatten().map(|row| row.content.category_id).collect();
        let related = related.map(|rows| rows.into_iter().map(|row| context.card(row)).collect());
        let (mut notices, mut notice_times) = (None, None);
        if includes(Relation::Notices) {
            // Before the notices are read.
            notice_times = Some(load_times(app, Notices::Public).await?.0);
            let rows = load_first(&*app.reader().await?, None, Notices::Public, MAX_NOTICES).await?;
            notices = Some(rows.into_iter().map(NoticeCard::from).collect());
        }
        Ok(Self { neighbors, related, notices, categories, notice_times })
    }

    /// Whether the times of articles tell when all of it changed.
    pub fn change_with_articles(&self) -> bool {
        self.related.is_none() && self.notices.is_none()
    }

    /// For how long it stays right, if nothing changes.
    pub fn lifetime(&self, now: DateTime<Utc>) -> Option<Duration> {
        self.notice_times.as_ref().map_or(Some(Duration::MAX), |times| times.lifetime(now))
    }

    /// Adds what it is made from.
    pub fn add_tags(&self, tags: &mut Vec<Tag>, context: &ViewContext) {
        if self.related.is_some() {
            answer_tags::add_search(tags);
            answer_tags::add_breadcrumbs(tags, context.tree(), self.categories.iter().copied());
        }
        if self.notices.is_some() {
            tags.extend(tag_notices());
        }
    }
}
