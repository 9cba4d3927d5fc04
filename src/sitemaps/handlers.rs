//! The operations of sitemaps.

use std::time::Duration;

use actix_web::{Responder, get, web};

use super::answer_tags::{tag_file, tag_index};
use super::loading::SitemapContext;
use super::model::SitemapFile;
use super::names::parse_name;
use crate::app::App;
use crate::categories::queries::load_article_times;
use crate::db::visibility::Notices;
use crate::error::{Error, Result};
use crate::http::reply::Rendered;
use crate::notices::queries::load_times;
use crate::operations::Operation;

const MEDIA_TYPE: &str = "application/xml";

/// The entry of [`get_sitemap_index`].
pub const GET_SITEMAP_INDEX: Operation = Operation::file("get_sitemap_index");

/// Get the index of the sitemap
///
/// The files that name the addresses of all public articles, categories and notices, as far as these are on the host of
/// `base_url`.
#[utoipa::path(tag = "feeds", responses((status = 200, description = "The index", body = String, content_type = "application/xml")))]
#[get("/sitemap.xml")]
pub async fn get_sitemap_index(app: web::Data<App>) -> Result<impl Responder> {
    // Before the rows are read.
    let (articles, now) = (load_article_times(&app).await?, app.now());
    let (notices, _) = load_times(&app, Notices::Public).await?;
    let body = SitemapContext::load(&app).await?.write_index(&app, now).await?;
    let lifetimes = articles.lifetime(now).zip(notices.lifetime(now));
    let lifetime = lifetimes.map(|(articles, notices)| articles.min(notices));
    // The times do not tell of notices.
    let modified = articles.modified(now).proving_nothing();
    Ok(Rendered::document(MEDIA_TYPE, body, modified, (lifetime, tag_index())))
}

/// The entry of [`get_sitemap`].
pub const GET_SITEMAP: Operation = Operation::file("get_sitemap");

/// Get a file of the sitemap
///
/// At most 10,000 addresses with the times of their last change. `news.xml` has the articles of the last two days, at most
/// 1,000, for Google News.
#[utoipa::path(tag = "feeds", params(("file" = String, Path, description = "The name that the index gives it", max_length = 60)), responses((status = 200, description = "The addresses", body = String, content_type = "application/xml")))]
#[get("/sitemaps/{file}")]
pub async fn get_sitemap(app: web::Data<App>, file: web::Path<String>) -> Result<impl Responder> {
    let file = parse_name(&file).ok_or_else(Error::not_found)?;
    // Before the rows are read.
    let times = match file {
        SitemapFile::Notices(_) => load_times(&app, Notices::Public).await?.0,
        _ => load_article_times(&app).await?,
    };
    let now = app.now();
    let body = SitemapContext::load(&app).await?.write_file(&app, file).await?;
    let modified = match file {
        SitemapFile::Articles(..) | SitemapFile::Categories(_) => times.modified(now),
        // News grow old by themselves, and the times of notices do not tell of the site.
        SitemapFile::News | SitemapFile::Notices(_) => times.modified(now).proving_nothing(),
    };
    let lifetime = match file {
        SitemapFile::Categories(_) => Some(Duration::MAX),
        _ => times.lifetime(now),
    };
    Ok(Rendered::document(MEDIA_TYPE, body, modified, (lifetime, tag_file(file))))
}
