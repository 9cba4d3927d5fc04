//! The list of categories, with the newest articles of each if they are wanted.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use actix_web::{Responder, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::queries::found;
use super::queries::latest::{self, Newest};
use super::view::ArticleCard;
use super::view_context::ViewContext;
use crate::app::App;
use crate::cache::tags::Tag;
use crate::categories::answer_tags::{CATEGORIES, tag_articles_in_any};
use crate::categories::model::{Row, Tree};
use crate::categories::queries::{CategoryChange, load_article_times};
use crate::categories::view::{Category, CategoryListing};
use crate::db::visibility::Articles;
use crate::error::{Code, Fault, Result};
use crate::http::modified::ListTimes;
use crate::http::paging::List;
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::members::guard::Reader;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};

/// Articles of a category where no other number is asked for.
const DEFAULT_SIZE: usize = 5;
/// Articles of all categories at most.
const MAX_ARTICLES: usize = 2_000;

/// What `include=` can add to each category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CategoryRelation {
    /// Its newest articles, and how many there are.
    Latest,
    /// How many articles the public finds in it and below.
    ArticleCount,
}

/// What to add to each category.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CategoryRelations {
    /// Relations to add, comma-separated.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 10, nullable = false)]
    pub include: Option<Vec<CategoryRelation>>,
    /// Articles of a category, with `include=latest`. All categories together have at most 2,000: where there are many, fewer
    /// than five by default.
    #[param(minimum = 1, maximum = 20, default = 5, nullable = false)]
    pub latest_size: Option<usize>,
}

/// A category in the list of all.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ListedCategory {
    /// The category.
    #[serde(flatten)]
    pub category: Category,
    /// The categories directly in it (with `tree=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion, nullable = false)]
    pub children: Option<Vec<ListedCategory>>,
    /// The newest articles in it and below (with `include=latest`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub latest: Option<Vec<ArticleCard>>,
}

/// The entry of [`list_categories`].
pub const LIST_CATEGORIES: Operation = Operation::read("list_categories", Caller::Reader)
    .for_keys_with(Scope::CategoriesRead)
    .same_as_visitors_for(Role::Admin);

/// List categories
///
/// The whole tree: flat, parents before children, or nested with `tree=true`. With `include=latest`, each category has the
/// newest articles in it and below: what a home page shows, in one request.
#[utoipa::path(tag = "categories", params(CategoryListing, CategoryRelations), responses((status = 200, description = "All categories", body = List<ListedCategory>)))]
#[get("/categories")]
pub async fn list_categories(
    app: web::Data<App>,
    _: Reader,
    listing: Query<CategoryListing>,
    relations: Query<CategoryRelations>,
) -> Result<impl Responder> {
    let (wanted, is_nested) = (relations.0, listing.0.tree == Some(true));
    let mut tags = vec![Tag::all(CATEGORIES)];
    // Before the tree and the articles are read.
    let times = match wanted.include {
        Some(_) => {
            tags.extend(tag_articles_in_any(None));
            tags.push(Tag::all("site"));
            load_article_times(&app).await?
        }
        None => ListTimes::new(app.snapshot::<CategoryChange>().await?.0, Arc::default()),
    };
    let now = app.now();
    let tree = app.snapshot::<Tree>().await?;
    let mut contents = Contents::load(&app, &tree, &wanted).await?;
    let categories = match is_nested {
        true => contents.nest(&tree, None),
        false => tree.in_order().into_iter().map(|row| contents.list(&tree, row, None)).collect(),
    };
    let reply = Reply::list(List::unpaged(categories)).with_last_modified(times.modified(now));
    Ok(reply.as_visitors_get(true).kept_for(times.lifetime(now), tags))
}

/// What categories have in them.
struct Contents {
    counts: Option<HashMap<Uuid, i64>>,
    newest: Option<HashMap<Uuid, Vec<ArticleCard>>>,
}

impl Contents {
    async fn load(app: &App, tree: &Tree, wanted: &CategoryRelations) -> Result<Self> {
        let includes = |one| wanted.include.as_ref().is_some_and(|all| all.contains(&one));
        let with_latest = includes(CategoryRelation::Latest);
        let most = MAX_ARTICLES / tree.len().max(1);
        let size = wanted.latest_size.unwrap_or(DEFAULT_SIZE.min(most));
        if wanted.latest_size.is_some() && !with_latest {
            return Err(
                Fault::parameter("latest_size", Code::InvalidParameter, "needs include=latest").into()
            );
        }
        if with_latest && size > most {
            let detail = "with so many categories it can be at most {max}";
            let fault = Fault::parameter("latest_size", Code::InvalidParameter, detail);
            return Err(fault.with("max", most).into());
        }
        if !with_latest && !includes(CategoryRelation::ArticleCount) {
            return Ok(Self { counts: None, newest: None });
        }
        let counts = latest::count_public_in_each(&*app.costly_reader().await?).await?;
        let newest = if with_latest { Some(load_latest(app, tree, size).await?) } else { None };
        Ok(Self { counts: Some(counts), newest })
    }

    /// The categories directly in `parent`, each with all that is in it.
    fn nest(&mut self, tree: &Tree, parent: Option<Uuid>) -> Vec<ListedCategory> {
        tree.children(parent)
            .map(|row| {
                let children = self.nest(tree, Some(row.id));
                self.list(tree, row, Some(children))
            })
            .collect()
    }

    fn list(&mut self, tree: &Tree, row: &Row, children: Option<Vec<ListedCategory>>) -> ListedCategory {
        let own = |counts: &HashMap<Uuid, i64>| {
            tree.subtree(row.id).iter().filter_map(|id| counts.get(id)).sum::<i64>()
        };
        let category = Category { article_count: self.counts.as_ref().map(own), ..Category::flat(tree, row) };
        let latest = self.newest.as_mut().map(|newest| newest.remove(&row.id).unwrap_or_default());
        ListedCategory { category, children, latest }
    }
}

/// The newest articles of every category and what is below it.
async fn load_latest(app: &App, tree: &Tree, size: usize) -> Result<HashMap<Uuid, Vec<ArticleCard>>> {
    let all: Vec<Uuid> = tree.in_order().iter().map(|row| row.id).collect();
    let conn = app.costly_reader().await?;
    let newest = latest::load_newest(&conn, all.clone(), size).await?;
    let chosen: Vec<(Uuid, Vec<Uuid>)> =
        all.into_iter().map(|id| (id, merge_newest(&newest, &tree.subtree(id), size))).collect();
    let ids: HashSet<Uuid> = chosen.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    let conditions = Articles::Public.conditions();
    let rows = found::load_cards(&conn, conditions, ids.into_iter().collect(), None).await?;
    drop(conn);
    let context = ViewContext::load(app).await?;
    let cards: HashMap<Uuid, ArticleCard> = rows.into_iter().map(|row| (row.id, context.card(row))).collect();
    let pick = |ids: Vec<Uuid>| ids.iter().filter_map(|id| cards.get(id).cloned()).collect();
    Ok(chosen.into_iter().map(|(id, ids)| (id, pick(ids))).collect())
}

/// The newest articles of all `categories` together, of the newest of each.
pub fn merge_newest(newest: &[Newest], categories: &[Uuid], size: usize) -> Vec<Uuid> {
    let categories: HashSet<&Uuid> = categories.iter().collect();
    let mut merged: Vec<&Newest> =
        newest.iter().filter(|one| categories.contains(&one.category_id)).collect();
    merged.sort_by_key(|one| std::cmp::Reverse((one.published_at, one.id)));
    merged.into_iter().take(size).map(|one| one.id).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn the_newest_of_several_categories_are_merged_by_time() {
        let one = |category: u128, second, id: u128| Newest {
            category_id: Uuid::from_u128(category),
            published_at: DateTime::from_timestamp(second, 0).unwrap(),
            id: Uuid::from_u128(id),
        };
        let newest = [one(1, 30, 1), one(1, 10, 2), one(2, 20, 3), one(3, 40, 4)];
        let [first, second] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let ids = [1, 3, 2].map(Uuid::from_u128);
        assert_eq!(merge_newest(&newest, &[first, second], 3), ids);
        assert_eq!(merge_newest(&newest, &[first, second], 2), ids[..2]);
        assert!(merge_newest(&newest, &[], 2).is_empty());
    }
}
