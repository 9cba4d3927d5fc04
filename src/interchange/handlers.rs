//! Exporting over HTTP.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, get, web};

use super::article_row::ArticleRow;
use super::export::{self, ExportParams};
use super::turns::turn;
use crate::app::App;
use crate::articles::listing::ArticleFilter;
use crate::error::Result;
use crate::http::query::Query;
use crate::members::guard::Author;

/// Export articles
///
/// All that the caller may read, of any status, in the order in which they were
/// made; the filters are those of the list. An import of the export makes the
/// same articles again. Sent as it is read, in one consistent state.
#[utoipa::path(tag = "imports", params(ArticleFilter, ExportParams), security(("bearer" = [])), responses((status = 200, description = "The articles, a row each", content((ArticleRow = "application/x-ndjson"), (String = "text/csv")))))]
#[get("/articles/export")]
pub async fn export_articles(
    app: web::Data<App>,
    author: Author,
    filter: Query<ArticleFilter>,
    params: Query<ExportParams>,
) -> Result<HttpResponse> {
    let turn = turn()?;
    let format = params.0.format();
    let visible = filter.0.visible_to_staff(&author.0)?;
    let rows = export::start(app, visible, filter.0, format, Some(turn)).await?;
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"articles.{}\"", format.extension()),
        ))
        .streaming(rows))
}
