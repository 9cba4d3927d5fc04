//! Which articles a list shows, and in which order.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::Row;
use super::queries::listing::Listing;
use super::queries::popular::Window;
use super::view::ArticleField;
use crate::categories::model::Tree;
use crate::db::rows::{Conditions, SortColumn, Value};
use crate::db::types::Status;
use crate::db::visibility::Articles;
use crate::error::{Code, Error, Fault, Result};
use crate::http::id_or_slug::IdOrSlug;
use crate::members::guard::{CurrentMember, Reader};
use crate::search::finding::RELEVANCE;

/// A tag that articles are listed by.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 64)]
pub struct WantedTag(
    /// Its text.
    pub String,
);

/// A category that articles are listed by.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 120)]
pub struct WantedCategory(
    /// Its id or slug.
    pub String,
);

/// The id of an article of a list.
#[derive(ToSchema)]
#[schema(format = Uuid, max_length = 36)]
pub struct WantedId(
    /// Its text.
    pub String,
);

/// How several tags are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = "any")]
pub enum TagMode {
    /// At least one of them.
    Any,
    /// All of them.
    All,
}

/// What an article can be asked to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Having {
    /// A cover.
    Cover,
}

/// Which articles to list. Without `status` or `deleted`, those the public may read now.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ArticleFilter {
    /// Only those in these categories (ids, slugs or former slugs, comma-separated) and the categories below them.
    #[param(inline, value_type = Option<Vec<WantedCategory>>, style = Form, explode = false, min_items = 1, max_items = 20, nullable = false)]
    pub category: Option<Vec<String>>,
    /// Whether categories below count too.
    #[param(default = true, nullable = false)]
    pub descendants: Option<bool>,
    /// Only those with at least one of these tags, comma-separated; with all of them if `tag_mode=all`.
    #[param(inline, value_type = Option<Vec<WantedTag>>, style = Form, explode = false, min_items = 1, max_items = 20, nullable = false)]
    pub tag: Option<Vec<String>>,
    /// Whether one of the tags is enough.
    #[param(inline, nullable = false)]
    pub tag_mode: Option<TagMode>,
    /// Only those with exactly this byline.
    #[param(max_length = 200, nullable = false)]
    pub author: Option<String>,
    /// Only those taken from exactly this source.
    #[param(max_length = 200, nullable = false)]
    pub source: Option<String>,
    /// Only those published at or after this time.
    #[param(value_type = Option<String>, format = DateTime, max_length = 64, nullable = false)]
    pub published_from: Option<DateTime<Utc>>,
    /// Only those published before this time.
    #[param(value_type = Option<String>, format = DateTime, max_length = 64, nullable = false)]
    pub published_to: Option<DateTime<Utc>>,
    /// Only those changed at or after this time.
    #[param(value_type = Option<String>, format = DateTime, max_length = 64, nullable = false)]
    pub updated_since: Option<DateTime<Utc>>,
    /// Only those that have this: `cover`.
    #[param(inline, nullable = false)]
    pub has: Option<Having>,
    /// Not these, by id, comma-separated: what a page shows elsewhere.
    #[param(inline, value_type = Option<Vec<WantedId>>, style = Form, explode = false, min_items = 1, max_items = 100, nullable = false)]
    pub exclude: Option<Vec<Uuid>>,
    /// Those in one of these states, comma-separated (staff: authors get their own; published includes scheduled).
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 10, nullable = false)]
    pub status: Option<Vec<Status>>,
    /// Those in the trash instead (staff).
    #[param(nullable = false)]
    pub deleted: Option<bool>,
}

/// In which order to list articles, and how much of each.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ArticleShape {
    /// The order, by up to three columns, comma-separated; `-` is largest or newest first. Default: `-published_at`, with
    /// `q` `relevance`, which ends at 500 articles.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 3, nullable = false)]
    pub sort: Option<Vec<ArticleSort>>,
    /// Those that were viewed within this time, the most popular first: a view counts half after half of the time. In place
    /// of `sort`, and of what the public may read.
    #[param(inline, nullable = false)]
    pub popular: Option<Popular>,
    /// Only these, by id, comma-separated, in this order and on one page. Ids of what is not in the list are passed over.
    /// Not with `sort`, `q` or paging.
    #[param(inline, value_type = Option<Vec<WantedId>>, style = Form, explode = false, min_items = 1, max_items = 100, nullable = false)]
    pub ids: Option<Vec<Uuid>>,
    /// Only these keys of each article, comma-separated; `id` always comes along. With `body`, the body too. The
    /// answer then has fewer keys than its schema requires: in typed clients, the others are absent.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 30, nullable = false)]
    pub fields: Option<Vec<ArticleField>>,
}

impl ArticleShape {
    /// Fails with what cannot be combined. `with_q`: whether words are searched for; `is_paged`: whether a certain page is
    /// asked for.
    pub fn check(&self, with_q: bool, is_paged: bool, visible: Articles) -> Result<()> {
        let has_bodies = self.fields.iter().flatten().any(|field| *field == ArticleField::Body);
        let mut faults = Vec::new();
        let mut refuse = |is_wrong: bool, parameter, detail| {
            let fault = || Fault::parameter(parameter, Code::InvalidParameter, detail);
            faults.extend(is_wrong.then(fault));
        };
        let (popular, ids) = (self.popular.is_some(), self.ids.is_some());
        refuse(popular && self.sort.is_some(), "popular", "is an order: leave sort away");
        refuse(popular && with_q, "popular", "cannot be combined with q");
        refuse(popular && ids, "popular", "cannot be combined with ids");
        refuse(
            popular && visible != Articles::Public,
            "popular",
            "lists what the public may read: leave status and deleted away",
        );
        refuse(ids && self.sort.is_some(), "ids", "is an order: leave sort away");
        refuse(ids && with_q, "ids", "cannot be combined with q");
        refuse(ids && is_paged, "ids", "gives one page: leave page_size, page and cursor away");
        refuse(
            (popular || ids) && has_bodies,
            "fields",
            "with popular or ids, the body is not to be had; read the article itself",
        );
        Error::query(faults)
    }

    /// Whether the order is one of views.
    pub fn is_by_views(&self) -> bool {
        let sort = self.sort.iter().flatten();
        self.popular.is_some()
            || sort.into_iter().any(|sort| matches!(sort, ArticleSort::ViewsDown | ArticleSort::ViewsUp))
    }
}

/// For how long views make an article popular.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub enum Popular {
    /// A day.
    #[serde(rename = "1d")]
    Day,
    /// Seven days.
    #[serde(rename = "7d")]
    Week,
    /// Thirty days.
    #[serde(rename = "30d")]
    Month,
}

impl Popular {
    /// The window of the views that count.
    pub fn window(self) -> Window {
        match self {
            Self::Day => Window::Day,
            Self::Week => Window::Week,
            Self::Month => Window::Month,
        }
    }
}

/// What articles can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ArticleSort {
    #[serde(rename = "-published_at")]
    PublishedDown,
    #[serde(rename = "published_at")]
    PublishedUp,
    #[serde(rename = "-updated_at")]
    UpdatedDown,
    #[serde(rename = "updated_at")]
    UpdatedUp,
    #[serde(rename = "-created_at")]
    CreatedDown,
    #[serde(rename = "created_at")]
    CreatedUp,
    #[serde(rename = "-title")]
    TitleDown,
    #[serde(rename = "title")]
    TitleUp,
    #[serde(rename = "-views")]
    ViewsDown,
    #[serde(rename = "views")]
    ViewsUp,
    /// Best first: the default with `q`, and only with it.
    #[serde(rename = "relevance")]
    Relevance,
}

impl ArticleSort {
    /// The column. Where drafts may be listed, one without a publication time counts as newest.
    fn column(self, all_have_time: bool) -> SortColumn {
        let (name, sql, cast, descending) = match self {
            Self::PublishedDown | Self::PublishedUp if all_have_time => {
                ("published_at", "articles.published_at", "timestamptz", self == Self::PublishedDown)
            }
            Self::PublishedDown | Self::PublishedUp => (
                "published_at",
                "coalesce(articles.published_at, 'infinity')",
                "timestamptz",
                self == Self::PublishedDown,
            ),
            Self::UpdatedDown | Self::UpdatedUp => {
                ("updated_at", "articles.updated_at", "timestamptz", self == Self::UpdatedDown)
            }
            Self::CreatedDown | Self::CreatedUp => {
                ("created_at", "articles.created_at", "timestamptz", self == Self::CreatedDown)
            }
            Self::ViewsDown | Self::ViewsUp => {
                ("views", "coalesce(article_views.views, 0)", "bigint", self == Self::ViewsDown)
            }
            Self::Relevance => return RELEVANCE,
            Self::TitleDown | Self::TitleUp => {
                ("title", "articles.title", "text COLLATE \"C\"", self == Self::TitleDown)
            }
        };
        SortColumn { name, sql, cast, descending }
    }
}

/// The columns of a list's order: those asked for, and the id to tell rows apart.
///
/// `all_have_time`: whether all articles of the list have a publication time.
pub fn order(sort: Option<&[ArticleSort]>, all_have_time: bool) -> Result<Vec<SortColumn>> {
    let sort = sort.unwrap_or(&[ArticleSort::PublishedDown]);
    let mut order: Vec<SortColumn> = Vec::with_capacity(sort.len() + 1);
    for column in sort.iter().map(|sort| sort.column(all_have_time)) {
        if order.iter().any(|earlier| earlier.name == column.name) {
            let fault = Fault::parameter("sort", Code::InvalidParameter, "names {column} twice")
                .with("column", column.name);
            return Err(Error::Faults(fault.code, vec![fault]));
        }
        order.push(column);
    }
    let descending = order.first().is_none_or(|first| first.descending);
    order.push(SortColumn { name: "id", sql: "articles.id", cast: "uuid", descending });
    Ok(order)
}

/// The order columns of a row, as a cursor keeps them.
pub fn cursor_keys(order: &[SortColumn], row: &Row) -> Vec<String> {
    let content = &row.content;
    let key = |column: &SortColumn| match column.name {
        "published_at" => content.published_at.map_or_else(|| "infinity".to_owned(), |at| at.to_rfc3339()),
        "updated_at" => row.updated_at.to_rfc3339(),
        "created_at" => row.created_at.to_rfc3339(),
        "title" => content.title.clone(),
        "views" => row.views.to_string(),
        _ => row.id.to_string(),
    };
    order.iter().map(key).collect()
}

impl ArticleFilter {
    /// Which articles the list may show: what is public, unless staff ask for more.
    pub fn visible(&self, reader: &Reader) -> Result<Articles> {
        let trash = self.deleted == Some(true);
        match reader.staff() {
            Some(member) if trash => member.trashed_articles().ok_or_else(Error::not_found),
            Some(member) if self.status.is_some() => Ok(member.articles()),
            None if (trash || self.status.is_some()) && reader.0.is_none() => Err(Error::unauthenticated()),
            None if trash || self.status.is_some() => {
                Err(Error::forbidden("Asking by status or deleted takes the role author, editor or admin."))
            }
            _ => Ok(Articles::Public),
        }
    }

    /// Whether all articles of the list have a publication time.
    pub fn all_have_time(&self, visible: Articles) -> bool {
        visible == Articles::Public || self.status.as_deref() == Some(&[Status::Published])
    }

    /// Whether reading the list is short work: an index has the order of all that it shows.
    pub fn is_short(&self, listing: &Listing, shape: &ArticleShape, visible: Articles) -> bool {
        const MAX_CATEGORIES: usize = 50;
        let sort = shape.sort.as_deref().unwrap_or(&[ArticleSort::PublishedDown]);
        let in_time_order = matches!(sort, [ArticleSort::PublishedDown | ArticleSort::PublishedUp]);
        let is_bounded = self.published_from.is_some() || self.published_to.is_some();
        let filters = [self.tag.is_some(), self.author.is_some(), self.source.is_some()];
        let is_plain =
            self.updated_since.is_none() && self.has.is_none() && self.tag_mode != Some(TagMode::All);
        visible == Articles::Public
            && is_plain
            && match filters.into_iter().filter(|is_given| *is_given).count() {
                0 => {
                    let categories = listing.categories.as_ref().map_or(0, Vec::len);
                    sort.len() == 1 && categories <= MAX_CATEGORIES && (in_time_order || !is_bounded)
                }
                1 => in_time_order && listing.categories.is_none(),
                _ => false,
            }
    }

    /// Which articles an export of `member`, one of the staff, holds: all they may see.
    pub fn visible_to_staff(&self, member: &CurrentMember) -> Result<Articles> {
        match self.deleted {
            Some(true) => member.trashed_articles().ok_or_else(Error::not_found),
            _ => Ok(member.articles()),
        }
    }

    /// What the list shows.
    pub fn listing(&self, tree: &Tree, visible: Articles) -> Result<Listing> {
        let mut conditions = Conditions::default();
        // Indexes of what is not published have the coalesced time.
        let from = "articles.published_at >= ? AND coalesce(articles.published_at, 'infinity') >= ?";
        conditions.and_if(from, self.published_from.map(Value::Time));
        let to = "articles.published_at < ? AND coalesce(articles.published_at, 'infinity') < ?";
        conditions.and_if(to, self.published_to.map(Value::Time));
        conditions.and_if("NOT (articles.id = ANY(?))", self.exclude.clone().map(Value::Ids));
        let parts = visible.parts(self.status.as_deref(), &mut conditions);
        Ok(Listing {
            conditions,
            parts,
            categories: self.categories(tree)?,
            tags: self.tag.clone(),
            has_all_tags: self.tag_mode == Some(TagMode::All),
            author: self.author.clone(),
            source: self.source.clone(),
            updated_since: self.updated_since,
            has_cover: self.has == Some(Having::Cover),
        })
    }

    /// The categories asked for. One that does not exist is a fault: an empty list would hide a typo.
    fn categories(&self, tree: &Tree) -> Result<Option<Vec<Uuid>>> {
        let Some(roots) = self.roots(tree)? else { return Ok(None) };
        if self.descendants == Some(false) {
            return Ok(Some(roots));
        }
        let mut seen = HashSet::new();
        Ok(Some(
            roots.into_iter().flat_map(|root| tree.subtree(root)).filter(|id| seen.insert(*id)).collect(),
        ))
    }

    /// The categories that the filter names.
    pub fn roots(&self, tree: &Tree) -> Result<Option<Vec<Uuid>>> {
        let Some(names) = &self.category else { return Ok(None) };
        let found = names.iter().map(|name| find_category(tree, name)).collect::<Result<Vec<_>>>()?;
        let mut seen = HashSet::new();
        Ok(Some(found.into_iter().filter(|id| seen.insert(*id)).collect()))
    }
}

/// The category that a parameter names.
pub fn find_category(tree: &Tree, category: &str) -> Result<Uuid> {
    let found = tree.find(&IdOrSlug::parse(category)).map(|row| row.id);
    found.ok_or_else(|| Fault::parameter("category", Code::InvalidParameter, "unknown category").into())
}
