//! The export's HTTP operation.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, get, web};

use super::article_row::ArticleRow;
use super::export::{self, ExportParams};
use crate::app::App;
use crate::articles::listing::ArticleFilter;
use crate::error::Result;
use crate::http::query::Query;
use crate::members::guard::Author;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`export_articles`].
pub const EXPORT_ARTICLES: Operation =
    Operation::export("export_articles", Caller::Role(Role::Author)).for_keys_with(Scope::ArticlesRead);

/// Export articles
///
/// Returns all articles that the caller may read, of any status, in order of creation.
/// The filters are those of the list. Importing the export makes the same articles again.
/// The rows are streamed from one consistent state of the database.
#[utoipa::path(tag = "imports", params(ArticleFilter, ExportParams), responses((status = 200, description = "The articles, a row each", content((ArticleRow = "application/x-ndjson"), (String = "text/csv")))))]
#[get("/articles/export")]
pub async fn export_articles(
    app: web::Data<App>,
    author: Author,
    filter: Query<ArticleFilter>,
    params: Query<ExportParams>,
) -> Result<HttpResponse> {
    let turn = app.exports.take(author.0.id)?;
    let format = params.0.format();
    let visible = filter.0.visible_to_staff(&author.0)?;
    let rows = export::start_export(app, visible, filter.0, format, Some(turn)).await?;
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"articles.{}\"", format.extension()),
        ))
        .streaming(rows))
}
