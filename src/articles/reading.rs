//! Reading articles.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{Either, HttpRequest, Responder, get, web};
use diesel::OptionalExtension;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::list_pages::ListReader;
use super::listing::{ArticleFilter, ArticleShape};
use super::model::Row;
use super::queries::{self, ArticleRef};
use super::searching::{ArticleSearch, FoundPage};
use super::view::{Article, ArticleCard, ArticleField, Neighbors, PickedArticle};
use super::{answer_tags, former_slugs, related};
use crate::app::App;
use crate::cache::tags::Tag;
use crate::categories::model::Tree;
use crate::categories::queries::load_article_times;
use crate::db::visibility::Articles;
use crate::error::{Error, Result};
use crate::http::id_or_slug::IdOrSlug;
use crate::http::matched::Matched;
use crate::http::modified::Modified;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::{Data, Moved, Reply};
use crate::members::guard::Reader;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};
use crate::site::model::Row as Site;

/// How much of a single article is wanted.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Detail {
    /// Relations to add, comma-separated.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 10, nullable = false)]
    include: Option<Vec<Relation>>,
    /// Only these keys, comma-separated; `id` always comes along. The answer then has fewer keys than its schema
    /// requires: in typed clients, the others are absent.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 30, nullable = false)]
    fields: Option<Vec<ArticleField>>,
}

/// What `include=` can add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The articles just before and after it in its category.
    Neighbors,
    /// Up to six others about the same.
    Related,
}

/// The entry of [`list_articles`].
pub const LIST_ARTICLES: Operation = Operation::list("list_articles", Caller::Reader)
    .for_keys_with(Scope::ArticlesRead)
    .same_as_visitors_for(Role::Member);

/// List articles
///
/// What the public may read now, newest first, unless the parameters say otherwise. With `q`, those that have the words,
/// best first.
#[utoipa::path(tag = "articles", params(ArticleFilter, ArticleSearch, ArticleShape, PagingParams), responses((status = 200, description = "A page of articles", body = List<ArticleCard>)))]
#[get("")]
pub async fn list_articles(
    app: web::Data<App>,
    reader: Reader,
    filter: Query<ArticleFilter>,
    search: Query<ArticleSearch>,
    shape: Query<ArticleShape>,
    paging: Paging,
) -> Result<impl Responder> {
    let (Query(filter), Query(search), Query(shape)) = (filter, search, shape);
    let visible = filter.visible(&reader)?;
    // Before the rows are read.
    let (times, now) = (load_article_times(&app).await?, app.now());
    let is_as_visitors_get = visible == Articles::Public;
    let (tree, site) = (app.snapshot::<Tree>().await?, app.snapshot::<Site>().await?);
    let order = search.order(&shape, filter.all_have_time(visible));
    let slice = Error::join(search.parse(&filter, &shape), order.and_then(|order| paging.page_slice(order)));
    let ((query, slice), listing) = Error::join(slice, filter.listing(&tree, visible))?;
    shape.check(query.is_some(), paging.is_asked_for(), visible)?;
    // Staff see changes of which the times tell nothing, the index has a change a moment later, and views tell nothing.
    let proves = is_as_visitors_get && query.is_none() && !shape.is_by_views();
    let modified = if proves { times.modified(now) } else { times.modified(now).proving_nothing() };
    let mut tags = answer_tags::tag_list(&tree, &filter, &listing);
    if query.is_some() {
        answer_tags::add_search(&mut tags);
    }
    let lists = ListReader {
        app: &app,
        reader: &reader,
        paging: &paging,
        slice: &slice,
        filter: &filter,
        shape: &shape,
        visible,
    };
    let found = match query {
        Some(query) => query.load_page(&app, &paging, &slice, &filter, visible, listing).await?,
        None => lists.load_page(listing).await?.into(),
    };
    let categories = found.page.data.iter().map(|row| row.content.category_id);
    answer_tags::add_breadcrumbs(&mut tags, &tree, categories);
    let keeping = (is_as_visitors_get, modified, times.lifetime(now), tags);
    Ok(reply_page(&ViewContext { tree, site }, found, shape.fields, keeping))
}

/// The page, with the `fields` of each article if these are given.
fn reply_page(
    context: &ViewContext,
    found: FoundPage,
    fields: Option<Vec<ArticleField>>,
    keeping: Keeping,
) -> Either<Reply<List<ArticleCard>>, Reply<List<PickedArticle>>> {
    let FoundPage { page, mut highlights } = found;
    let mut view = |row: Row| {
        let highlight = highlights.remove(&row.id);
        ArticleCard { highlight, ..context.card(row) }
    };
    let Some(fields) = fields else { return Either::Left(keep(Reply::list(page.map(view)), keeping)) };
    let fields: Rc<[ArticleField]> = fields.into();
    let pick = |mut row: Row| {
        let body = std::mem::take(&mut row.content.body);
        PickedArticle::new(Article::of_card(view(row), body), fields.clone())
    };
    Either::Right(keep(Reply::list(page.map(pick)), keeping))
}

/// Whether visitors get an answer, when it last changed, for how long it stays right, and what it is made from.
type Keeping = (bool, Modified, Option<Duration>, Vec<Tag>);

/// The answer with what is said of it to caches.
fn keep<T>(reply: Reply<T>, (is_as_visitors_get, modified, lifetime, tags): Keeping) -> Reply<T> {
    reply.with_last_modified(modified).as_visitors_get(is_as_visitors_get).kept_for(lifetime, tags)
}

/// The entry of [`get_article`].
pub const GET_ARTICLE: Operation = Operation::read("get_article", Caller::Reader)
    .for_keys_with(Scope::ArticlesRead)
    .same_as_visitors_for(Role::Member);

/// Get an article
///
/// By id or slug, with its body and its category's breadcrumb.
///
/// A slug that the article has had, or one of its addresses on another site, is answered with 301 and the path of the
/// present slug.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "Id, slug or former slug", max_length = 200), Detail), responses((status = 200, description = "The article", body = Data<Article>), (status = 301, description = "The article has another slug now")))]
#[get("/{id}")]
pub async fn get_article(
    req: HttpRequest,
    app: web::Data<App>,
    reader: Reader,
    detail: Query<Detail>,
) -> Result<impl Responder> {
    let key = IdOrSlug::from_segment(req.match_info().query("id"));
    if let Some(key) = &key
        && let Some(reply) = find_single(&app, &reader, ArticleRef::IdOrSlug(key.clone()), detail.0).await?
    {
        return Ok(Either::Left(reply));
    }
    match key {
        Some(IdOrSlug::Id(_)) => Err(Error::not_found()),
        _ => find_moved(&req, &app, &reader).await.map(Either::Right),
    }
}

/// The answer to a former slug in the path.
async fn find_moved(req: &HttpRequest, app: &App, reader: &Reader) -> Result<Moved> {
    let former = former_slugs::normalize(req.match_info().query("id"));
    if former_slugs::refusal(&former, "").is_some() {
        return Err(Error::not_found());
    }
    let moved = queries::slugs::find_moved(&*app.reader().await?, former, reader.articles()).await?;
    let moved = moved.ok_or_else(Error::not_found)?;
    let query = Some(Matched::of(req)?.parameters.to_query()).filter(|query| !query.is_empty());
    Ok(Moved {
        location: format!(
            "/api/v1/articles/{}{}",
            moved.slug,
            query.map(|query| format!("?{query}")).unwrap_or_default()
        ),
        tag: answer_tags::tag_article(moved.id),
        is_as_visitors_get: reader.articles() == Articles::Public,
    })
}

/// The entry of [`get_article_by_external_id`].
pub const GET_ARTICLE_BY_EXTERNAL_ID: Operation =
    Operation::read("get_article_by_external_id", Caller::Reader)
        .for_keys_with(Scope::ArticlesRead)
        .same_as_visitors_for(Role::Member);

/// Get an article by its external id
///
/// For scripts that know an article by its id in the system it comes from. The answer is that of the
/// article by id or slug.
#[utoipa::path(tag = "articles", params(("external_id" = String, Path, description = "The id it has in the system it was imported from", max_length = 200), Detail), responses((status = 200, description = "The article", body = Data<Article>)))]
#[get("/by-external-id/{external_id}")]
pub async fn get_article_by_external_id(
    req: HttpRequest,
    app: web::Data<App>,
    reader: Reader,
    detail: Query<Detail>,
) -> Result<impl Responder> {
    let article = ArticleRef::ExternalId(external_id(&req)?);
    find_single(&app, &reader, article, detail.0).await?.ok_or_else(Error::not_found)
}

/// The `{external_id}` of a path; what none can be is a 404.
pub fn external_id(req: &HttpRequest) -> Result<String> {
    // The router leaves `%`, `/` and `+` encoded.
    let text = percent_decode_str(req.match_info().query("external_id")).decode_utf8();
    let text = text.map_err(|_| Error::not_found())?;
    let fits = (1..=200).contains(&text.chars().count()) && !text.contains('\0') && !text.trim().is_empty();
    if fits { Ok(text.into_owned()) } else { Err(Error::not_found()) }
}

/// The answer to the reading of one article. `None` if there is none that the reader may see.
async fn find_single(
    app: &App,
    reader: &Reader,
    article: ArticleRef,
    detail: Detail,
) -> Result<Option<Either<Reply<Data<Article>>, Reply<Data<PickedArticle>>>>> {
    let includes = |one| detail.include.as_ref().is_some_and(|relations| relations.contains(&one));
    let (with_neighbors, with_related) = (includes(Relation::Neighbors), includes(Relation::Related));
    // Before the row is read.
    let (times, now) = (load_article_times(app).await?, app.now());
    let found = queries::get(&*app.reader().await?, &article, reader.articles()).await.optional()?;
    let Some(row) = found else { return Ok(None) };
    let context = ViewContext::load(app).await?;
    let neighbors = if with_neighbors { Some(load_neighbors(app, &row).await?) } else { None };
    let related = if with_related { Some(related::load_related(app, &row).await?) } else { None };
    let category_id = row.content.category_id;
    let beside = related.iter().flatten().map(|row| row.content.category_id).collect::<Vec<_>>();
    let related = related.map(|rows| rows.into_iter().map(|row| context.card(row)).collect());
    let article = Article { neighbors, related, ..context.view(row, reader.staff().is_some()) };
    // Staff get the former slugs too.
    let is_as_visitors_get = reader.articles() == Articles::Public;
    let modified = match is_as_visitors_get {
        true if with_related => times.modified(now).proving_nothing(),
        true => times.modified(now),
        false => Modified::of_row(article.card.updated_at),
    };
    let version = article.card.version;
    let mut tags = answer_tags::tag_single(&context.tree, article.card.id, category_id, with_neighbors);
    if with_related {
        answer_tags::add_search(&mut tags);
        answer_tags::add_breadcrumbs(&mut tags, &context.tree, beside);
    }
    let keeping = (is_as_visitors_get, modified, times.lifetime(now), tags);
    Ok(Some(match detail.fields {
        None => Either::Left(keep(Reply::one(article).with_version(version), keeping)),
        Some(fields) => {
            let picked = Reply::one(PickedArticle::new(article, fields.into()));
            Either::Right(keep(picked.with_version(version), keeping))
        }
    }))
}

async fn load_neighbors(app: &App, row: &Row) -> Result<Neighbors> {
    Ok(queries::neighbors(&*app.reader().await?, row).await?.into_iter().collect())
}

/// What the view of an article takes from outside its row.
pub struct ViewContext {
    tree: Arc<Tree>,
    site: Arc<Site>,
}

impl ViewContext {
    /// Loads it. To be done before a change: after the commit nothing may fail any more.
    pub async fn load(app: &App) -> Result<Self> {
        Ok(Self { tree: app.snapshot().await?, site: app.snapshot().await? })
    }

    /// The tree of categories.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The article in `row` as a card.
    pub fn card(&self, row: Row) -> ArticleCard {
        ArticleCard::new(&self.tree, &self.site.content.base_url, row)
    }

    /// The newest context that is to be had, after the change.
    pub async fn renew(self, app: &App) -> Self {
        Self::load(app).await.unwrap_or(self)
    }

    /// The article in `row`, as the staff or a visitor sees it.
    pub fn view(&self, row: Row, for_staff: bool) -> Article {
        Article::new(&self.tree, &self.site.content.base_url, row, for_staff)
    }
}
