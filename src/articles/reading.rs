//! Reading articles.

use std::rc::Rc;
use std::time::Duration;

use actix_web::{Either, HttpRequest, Responder, get, web};
use diesel::OptionalExtension;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use utoipa::IntoParams;

use super::list_pages::ListReader;
use super::listing::{ArticleFilter, ArticleShape};
use super::model::Row;
use super::queries::{self, ArticleRef};
use super::relations::{Relation, Relations};
use super::searching::{ArticleSearch, FoundPage};
use super::view::{Article, ArticleCard, ArticleField, PickedArticle};
use super::view_context::ViewContext;
use super::{answer_tags, former_slugs};
use crate::app::App;
use crate::categories::model::Tree;
use crate::categories::queries::load_article_times;
use crate::db::visibility::Articles;
use crate::error::{Error, Result};
use crate::http::id_or_slug::IdOrSlug;
use crate::http::matched::Matched;
use crate::http::modified::Modified;
use crate::http::moved::Moved;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::{CacheFacts, Data, MAX_COUNTER_LIFETIME, Reply};
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
    let lifetime = times.lifetime(now);
    let lifetime = if shape.is_by_views() { lifetime.min(Some(MAX_COUNTER_LIFETIME)) } else { lifetime };
    let facts = CacheFacts { is_as_visitors_get, modified, lifetime, tags };
    Ok(reply_page(&ViewContext::new(&app, tree, site), found, shape.fields, facts))
}

/// The page, with the `fields` of each article if these are given.
fn reply_page(
    context: &ViewContext,
    found: FoundPage,
    fields: Option<Vec<ArticleField>>,
    facts: CacheFacts,
) -> Either<Reply<List<ArticleCard>>, Reply<List<PickedArticle>>> {
    let FoundPage { page, mut highlights } = found;
    let mut highlight = |row: &Row| highlights.remove(&row.id);
    let Some(fields) = fields else {
        let view = |row: Row| ArticleCard { highlight: highlight(&row), ..context.card(row) };
        return Either::Left(Reply::list(page.map(view)).told_to_caches(facts));
    };
    let fields: Rc<[ArticleField]> = fields.into();
    let pick = |row: Row| {
        let highlight = highlight(&row);
        let mut article = context.view(row, false);
        article.card.highlight = highlight;
        PickedArticle::new(article, fields.clone())
    };
    Either::Right(Reply::list(page.map(pick)).told_to_caches(facts))
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
    Ok(Moved {
        location: Matched::of(req)?.locate(&format!("/api/v1/articles/{}", moved.slug)),
        tag: answer_tags::tag_article(moved.id),
        is_as_visitors_get: reader.articles() == Articles::Public,
        lifetime: Some(Duration::MAX),
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
pub async fn find_single(
    app: &App,
    reader: &Reader,
    article: ArticleRef,
    detail: Detail,
) -> Result<Option<Either<Reply<Data<Article>>, Reply<Data<PickedArticle>>>>> {
    // Before the row is read.
    let (times, now) = (load_article_times(app).await?, app.now());
    let found = queries::get(&*app.reader().await?, &article, reader.articles()).await.optional()?;
    let Some(row) = found else { return Ok(None) };
    let context = ViewContext::load(app).await?;
    let relations =
        Relations::load(app, &context, &row, detail.include.as_deref().unwrap_or_default()).await?;
    let with_neighbors = relations.neighbors.is_some();
    // Staff get the former slugs too.
    let is_as_visitors_get = reader.articles() == Articles::Public;
    let modified = match is_as_visitors_get {
        true if relations.change_with_articles() => times.modified(now),
        true => times.modified(now).proving_nothing(),
        false => Modified::of_row(row.updated_at),
    };
    let mut tags = answer_tags::tag_single(context.tree(), row.id, row.content.category_id, with_neighbors);
    relations.add_tags(&mut tags, &context);
    let lifetime = times.lifetime(now).min(relations.lifetime(now));
    let Relations { neighbors, related, notices, .. } = relations;
    let article = Article { neighbors, related, notices, ..context.view(row, reader.staff().is_some()) };
    let version = article.card.version;
    let facts = CacheFacts { is_as_visitors_get, modified, lifetime, tags };
    Ok(Some(match detail.fields {
        None => Either::Left(Reply::one(article).with_version(version).told_to_caches(facts)),
        Some(fields) => {
            let picked = Reply::one(PickedArticle::new(article, fields.into()));
            Either::Right(picked.with_version(version).told_to_caches(facts))
        }
    }))
}
