//! The operations of feeds.

use std::time::Duration;

use actix_web::{Either, HttpRequest, Responder, get, web};

use super::answer_tags::tag_notice_feed;
use super::loading::FeedContext;
use super::model::ArticleSet;
use super::names::{FeedFormat, parse_file};
use crate::app::App;
use crate::categories::answer_tags::tag_category;
use crate::categories::queries::load_article_times;
use crate::db::visibility::Notices;
use crate::error::{Error, Result};
use crate::http::id_or_slug::IdOrSlug;
use crate::http::modified::ListTimes;
use crate::http::moved::Moved;
use crate::http::reply::Rendered;
use crate::notices::model::NoticeKind;
use crate::notices::queries::load_times;
use crate::operations::Operation;

/// The feed of a set of articles. `times` were had before the context.
async fn reply_with_articles(
    app: &App,
    context: FeedContext,
    times: ListTimes,
    set: ArticleSet,
    format: FeedFormat,
) -> Result<Rendered> {
    let now = app.now();
    let (body, tags) = context.write_article_feed(app, set, format).await?;
    Ok(Rendered::document(format.media_type(), body, times.modified(now), (times.lifetime(now), tags)))
}

/// The feed of a set of articles that needs no looking up.
async fn reply_with_set(app: &App, set: ArticleSet, format: FeedFormat) -> Result<Rendered> {
    let times = load_article_times(app).await?;
    reply_with_articles(app, FeedContext::load(app).await?, times, set, format).await
}

/// The name and the format in the last segment of the path.
fn find_file(req: &HttpRequest) -> Result<(String, FeedFormat)> {
    parse_file(req.match_info().query("file")).ok_or_else(Error::not_found)
}

/// The entry of [`get_article_feed`].
pub const GET_ARTICLE_FEED: Operation = Operation::file("get_article_feed");

/// Get the feed of all articles
///
/// The newest 30 as Atom, RSS or JSON Feed, with their bodies or summaries as the site says.
#[utoipa::path(tag = "feeds", params(("format" = String, Path, description = "`atom`, `rss` or `json`", max_length = 4)), responses((status = 200, description = "The feed", content((String = "application/atom+xml"), (String = "application/rss+xml"), (Object = "application/feed+json")))))]
#[get("/feeds/articles.{format}")]
pub async fn get_article_feed(app: web::Data<App>, format: web::Path<String>) -> Result<impl Responder> {
    let format = FeedFormat::find(&format).ok_or_else(Error::not_found)?;
    reply_with_set(&app, ArticleSet::All, format).await
}

/// The entry of [`get_category_feed`].
pub const GET_CATEGORY_FEED: Operation = Operation::file("get_category_feed");

/// Get the feed of a category
///
/// The newest 30 articles in it and in the categories below it. A slug that the category has had is answered with 301 and
/// the path of the present slug.
#[utoipa::path(tag = "feeds", params(("file" = String, Path, description = "The category's id, slug or former slug, a dot, and `atom`, `rss` or `json`", max_length = 205)), responses((status = 200, description = "The feed", content((String = "application/atom+xml"), (String = "application/rss+xml"), (Object = "application/feed+json"))), (status = 301, description = "The category has another slug now")))]
#[get("/feeds/categories/{file}")]
pub async fn get_category_feed(req: HttpRequest, app: web::Data<App>) -> Result<impl Responder> {
    let (name, format) = find_file(&req)?;
    let key = IdOrSlug::parse(&name);
    // Before the rows are read.
    let times = load_article_times(&app).await?;
    let context = FeedContext::load(&app).await?;
    let row = context.find_category(&key)?;
    if matches!(&key, IdOrSlug::Slug(slug) if *slug != row.content.slug) {
        let location = format!("/feeds/categories/{}.{}", row.content.slug, format.ending());
        return Ok(Either::Right(Moved {
            location,
            tag: tag_category(row.id),
            is_as_visitors_get: true,
            lifetime: Some(Duration::MAX),
        }));
    }
    let set = ArticleSet::Category(row.id);
    reply_with_articles(&app, context, times, set, format).await.map(Either::Left)
}

/// The entry of [`get_tag_feed`].
pub const GET_TAG_FEED: Operation = Operation::file("get_tag_feed");

/// Get the feed of a tag
///
/// The newest 30 articles with it; none for a tag that no article has.
#[utoipa::path(tag = "feeds", params(("file" = String, Path, description = "The tag, a dot, and `atom`, `rss` or `json`", max_length = 205)), responses((status = 200, description = "The feed", content((String = "application/atom+xml"), (String = "application/rss+xml"), (Object = "application/feed+json")))))]
#[get("/feeds/tags/{file}")]
pub async fn get_tag_feed(req: HttpRequest, app: web::Data<App>) -> Result<impl Responder> {
    let (name, format) = find_file(&req)?;
    reply_with_set(&app, ArticleSet::Tag(name), format).await
}

/// The entry of [`get_author_feed`].
pub const GET_AUTHOR_FEED: Operation = Operation::file("get_author_feed");

/// Get the feed of an author
///
/// The newest 30 articles with exactly this byline; none for one that no article has.
#[utoipa::path(tag = "feeds", params(("file" = String, Path, description = "The byline, a dot, and `atom`, `rss` or `json`", max_length = 205)), responses((status = 200, description = "The feed", content((String = "application/atom+xml"), (String = "application/rss+xml"), (Object = "application/feed+json")))))]
#[get("/feeds/authors/{file}")]
pub async fn get_author_feed(req: HttpRequest, app: web::Data<App>) -> Result<impl Responder> {
    let (name, format) = find_file(&req)?;
    reply_with_set(&app, ArticleSet::Author(name), format).await
}

/// The entry of [`get_notice_feed`].
pub const GET_NOTICE_FEED: Operation = Operation::file("get_notice_feed");

/// Get the feed of a kind of notices
///
/// The newest 30 that are up for everybody.
#[utoipa::path(tag = "feeds", params(("file" = String, Path, description = "`notice` or `announcement`, a dot, and `atom`, `rss` or `json`", max_length = 20)), responses((status = 200, description = "The feed", content((String = "application/atom+xml"), (String = "application/rss+xml"), (Object = "application/feed+json")))))]
#[get("/feeds/notices/{file}")]
pub async fn get_notice_feed(req: HttpRequest, app: web::Data<App>) -> Result<impl Responder> {
    let (name, format) = find_file(&req)?;
    let kinds = [NoticeKind::Notice, NoticeKind::Announcement];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == name).ok_or_else(Error::not_found)?;
    // Before the rows are read.
    let ((times, _), now) = (load_times(&app, Notices::Public).await?, app.now());
    let body = FeedContext::load(&app).await?.write_notice_feed(&app, kind, format).await?;
    // The times do not tell of changes of the site.
    let modified = times.modified(now).proving_nothing();
    Ok(Rendered::document(format.media_type(), body, modified, (times.lifetime(now), tag_notice_feed())))
}
