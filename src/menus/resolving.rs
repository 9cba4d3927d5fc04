//! What the items of menus lead to, as readers see it.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::model::{Row, StoredItem};
use super::view::{LinkedArticle, LinkedNotice, Menu, MenuItem};
use crate::app::App;
use crate::articles::queries::found::{self, ArticleLink};
use crate::categories::model::Tree;
use crate::categories::queries::load_article_times;
use crate::categories::view::CategorySummary;
use crate::db::visibility::{Articles, Notices};
use crate::error::{Error, Result};
use crate::http::modified::{ListTimes, Modified};
use crate::notices;
use crate::notices::queries::links::{NoticeLink, load_links};

/// What items lead to, as far as everybody may see it.
pub struct Targets<'t> {
    tree: &'t Tree,
    articles: HashMap<Uuid, ArticleLink>,
    notices: HashMap<Uuid, NoticeLink>,
}

impl<'t> Targets<'t> {
    /// Loads what the items of `menus` lead to: two queries at most.
    pub async fn load(app: &App, tree: &'t Tree, menus: &[Vec<StoredItem>]) -> Result<Self> {
        let (mut articles, mut notices) = (Vec::new(), Vec::new());
        for items in menus {
            StoredItem::visit_all(items, &mut |item| {
                articles.extend(item.article);
                notices.extend(item.notice);
            });
        }
        let articles = match articles.is_empty() {
            true => Vec::new(),
            false => found::load_links(&*app.reader().await?, articles, Articles::Public).await?,
        };
        let notices = match notices.is_empty() {
            true => Vec::new(),
            false => load_links(&*app.reader().await?, notices, Notices::Public).await?,
        };
        Ok(Self {
            tree,
            articles: articles.into_iter().map(|link| (link.id, link)).collect(),
            notices: notices.into_iter().map(|link| (link.id, link)).collect(),
        })
    }

    /// The menu in `row` with its `items` as readers see them. With `source` for the staff.
    pub fn view(&self, row: Row, items: Vec<StoredItem>, for_staff: bool) -> Menu {
        Menu {
            name: row.name,
            items: self.resolve(&items),
            source: for_staff.then_some(items),
            version: row.version,
            updated_at: row.updated_at,
        }
    }

    /// The items that readers see. One that leads to something hidden is left out; if there are items below it and it has
    /// a title, it stays as their heading.
    pub fn resolve(&self, items: &[StoredItem]) -> Vec<MenuItem> {
        items.iter().filter_map(|item| self.resolve_item(item)).collect()
    }

    fn resolve_item(&self, item: &StoredItem) -> Option<MenuItem> {
        let category = item.category.and_then(|id| CategorySummary::of(self.tree, id));
        let article = item.article.and_then(|id| self.articles.get(&id));
        let notice = item.notice.and_then(|id| self.notices.get(&id));
        let has_target = item.category.is_some() || item.article.is_some() || item.notice.is_some();
        let is_hidden = has_target && category.is_none() && article.is_none() && notice.is_none();
        let items = self.resolve(&item.items);
        if is_hidden && items.is_empty() {
            return None;
        }
        let names = [
            item.title.as_ref(),
            category.as_ref().map(|category| &category.name),
            article.map(|link| &link.title),
            notice.map(|link| &link.title),
        ];
        let title = names.into_iter().flatten().next()?.clone();
        let article = article.map(|link| LinkedArticle {
            id: link.id,
            slug: link.slug.clone(),
            title: link.title.clone(),
        });
        let notice = notice.map(|link| LinkedNotice {
            id: link.id,
            kind: link.kind,
            slug: link.slug.clone(),
            title: link.title.clone(),
        });
        Some(MenuItem { title, category, article, notice, url: item.url.clone(), items })
    }
}

/// The menus in `rows` as readers see them. With `source` for the staff.
pub async fn view_menus(app: &App, tree: &Tree, rows: Vec<Row>, for_staff: bool) -> Result<Vec<Menu>> {
    let items = rows.iter().map(Row::items).collect::<Result<Vec<_>, _>>();
    let items = items.map_err(|cause| Error::Internal(cause.into()))?;
    let targets = Targets::load(app, tree, &items).await?;
    Ok(rows.into_iter().zip(items).map(|(row, items)| targets.view(row, items, for_staff)).collect())
}

/// When things that menus and home pages show change by time alone. To be loaded before they are read.
pub struct LinkTimes {
    articles: ListTimes,
    notices: ListTimes,
    now: DateTime<Utc>,
}

impl LinkTimes {
    /// Loads the times.
    pub async fn load(app: &App) -> Result<Self> {
        let (notices, _) = notices::queries::load_times(app, Notices::Public).await?;
        Ok(Self { articles: load_article_times(app).await?, notices, now: app.now() })
    }

    /// For how long what is read now stays right.
    pub fn lifetime(&self) -> Option<Duration> {
        self.articles.lifetime(self.now).min(self.notices.lifetime(self.now))
    }

    /// When it last changed, which proves nothing: other things are in it too.
    pub fn modified(&self) -> Modified {
        self.articles.modified(self.now).proving_nothing()
    }
}
