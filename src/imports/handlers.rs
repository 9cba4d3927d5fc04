//! The HTTP operations of imports.

use std::convert::Infallible;
use std::io::Read;
use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, VARY};
use actix_web::{HttpRequest, HttpResponse, Responder, post, rt, web};
use futures_util::StreamExt;

use super::event_stream::open_stream;
use super::job::{Job, Resource};
use super::params::ImportParams;
use super::payload::{PayloadFormat, PayloadReader};
use super::pipeline::{ImportEnd, run_import};
use super::view::{Ending, Event, PlacedFault, Summary};
use crate::app::App;
use crate::categories::view::NewCategory;
use crate::error::{Code, Error, Result, Sentence};
use crate::http::accept::find_quality;
use crate::http::pointer::MAX_FAULTS;
use crate::http::query::Query;
use crate::http::reply::{Data, Reply};
use crate::http::streamed::UNBUFFERED;
use crate::interchange::article_row::ArticleRow;
use crate::language::{LANGUAGE, Language};
use crate::members::guard::{Editor, require_scope};
use crate::notices::input::NewNotice;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};
use crate::permits::Turn;
use crate::site::model::Row as Site;
use crate::telemetry::{self, REQUEST_ID};

/// What the answer of an import varies by.
const VARIES: &str = "Accept, Accept-Language";

/// The entry of [`import_articles`].
pub const IMPORT_ARTICLES: Operation =
    Operation::import("import_articles", Caller::Role(Role::Editor)).for_keys_with(Scope::ArticlesImport);

/// Import articles
///
/// Takes rows as NDJSON, a JSON array or CSV, optionally compressed, in any character set.
/// Each row creates the article with its external id, replaces it, or leaves it unchanged.
/// Batches are committed one after another, so that the same body can be sent again after an
/// interruption. With `Accept: application/x-ndjson` the response is a live stream of events that
/// ends with the summary; a client that takes `application/json` as gladly gets the summary alone.
#[utoipa::path(tag = "imports", params(ImportParams), request_body(content((ArticleRow = "application/x-ndjson"), (Vec<ArticleRow> = "application/json"), (String = "text/csv"))), responses((status = 200, description = "The outcome of the rows", content((Data<Summary> = "application/json"), (Event = "application/x-ndjson")))))]
#[post("/articles/import")]
pub async fn import_articles(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    params: Query<ImportParams>,
    body: web::Payload,
) -> Result<HttpResponse> {
    start_import(&req, app, editor, params.0, body, Resource::Articles).await
}

/// The entry of [`import_categories`].
pub const IMPORT_CATEGORIES: Operation =
    Operation::import("import_categories", Caller::Role(Role::Editor)).for_keys_with(Scope::CategoriesImport);

/// Import categories
///
/// Works like the import of articles. A category is found by its slug, or else by its name and
/// its parent. `parent` is a slug, an id or a breadcrumb; parents must precede their children.
#[utoipa::path(tag = "imports", params(ImportParams), request_body(content((NewCategory = "application/x-ndjson"), (Vec<NewCategory> = "application/json"), (String = "text/csv"))), responses((status = 200, description = "The outcome of the rows", content((Data<Summary> = "application/json"), (Event = "application/x-ndjson")))))]
#[post("/categories/import")]
pub async fn import_categories(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    params: Query<ImportParams>,
    body: web::Payload,
) -> Result<HttpResponse> {
    start_import(&req, app, editor, params.0, body, Resource::Categories).await
}

/// The entry of [`import_notices`].
pub const IMPORT_NOTICES: Operation =
    Operation::import("import_notices", Caller::Role(Role::Editor)).for_keys_with(Scope::NoticesImport);

/// Import notices
///
/// Works like the import of articles. A notice is found by its external id.
#[utoipa::path(tag = "imports", params(ImportParams), request_body(content((NewNotice = "application/x-ndjson"), (Vec<NewNotice> = "application/json"), (String = "text/csv"))), responses((status = 200, description = "The outcome of the rows", content((Data<Summary> = "application/json"), (Event = "application/x-ndjson")))))]
#[post("/notices/import")]
pub async fn import_notices(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    params: Query<ImportParams>,
    body: web::Payload,
) -> Result<HttpResponse> {
    start_import(&req, app, editor, params.0, body, Resource::Notices).await
}

async fn start_import(
    req: &HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    mut params: ImportParams,
    body: web::Payload,
    resource: Resource,
) -> Result<HttpResponse> {
    params.site_timezone = Some(app.snapshot::<Site>().await?.timezone());
    if params.creates_categories() {
        require_scope(req, Scope::CategoriesWrite)?;
    }
    let format = PayloadFormat::from_request(req, &params, resource.keys())?;
    let turn = app.imports.take(editor.0.id)?;
    let (actor, readable) = (editor.0.actor(), editor.0.readable_articles());
    let job = Job { app, params: Rc::new(params), actor, readable, resource };
    job.check_index()?;
    let source = PayloadReader::new(body);
    if wants_events(req) {
        return Ok(stream_events(job, source, format, turn));
    }
    // A separate task: if the client disconnects, the import still ends with a whole batch.
    let importing = async move {
        let end = run_import(job, source, format, async |_| {}).await;
        drop(turn);
        end
    };
    let importing = LANGUAGE.scope(Language::current(), importing);
    let running = rt::spawn(REQUEST_ID.scope(telemetry::request_id(), importing));
    let end = running.await.map_err(|cause| Error::Internal(cause.into()))?;
    Ok(build_response(req, end))
}

/// Whether the client prefers the live stream to the summary.
///
/// Some generated clients accept all types that the document names, and can read the summary only.
fn wants_events(req: &HttpRequest) -> bool {
    let quality = |media_type: &str| find_quality(req, media_type).unwrap_or(0.0);
    quality("application/x-ndjson") > quality("application/json")
}

/// Builds the response of a finished import: the summary, or a problem that includes the summary.
fn build_response(req: &HttpRequest, end: ImportEnd) -> HttpResponse {
    let ImportEnd { summary, stopped_by, .. } = end;
    let error = stopped_by.or_else(|| abort_error(&summary));
    match error {
        None => Reply::new(StatusCode::OK, Data { data: summary })
            .with_header(CONTENT_LANGUAGE, Language::current().tag().to_owned())
            .with_header(VARY, VARIES.to_owned())
            .respond_to(req),
        Some(error) => error.answer(serde_json::to_value(&summary).ok()),
    }
}

/// The error of an import that a failed row has stopped.
fn abort_error(summary: &Summary) -> Option<Error> {
    let effect = match summary.ending {
        Ending::Completed | Ending::DryRun => return None,
        Ending::Aborted => Sentence::from("Line {line} failed; the first {rows} rows are done.")
            .with("rows", summary.committed_rows),
        Ending::RolledBack => "Line {line} failed; nothing was written.".into(),
    };
    let line = summary.errors.first().map_or(0, |error| error.line);
    Some(Error::Refused(Code::ImportAborted, effect.with("line", line)))
}

/// Runs the import and responds with its events as a live stream.
fn stream_events(
    job: Job,
    source: impl Read + Send + 'static,
    format: PayloadFormat,
    turn: Turn,
) -> HttpResponse {
    let waits = !job.params.is_one_transaction();
    let (mut sender, lines) = open_stream(waits, &job.app.config.database.data_dir);
    let importing = async move {
        let end = run_import(job, source, format, async |events| sender.send(events).await).await;
        let error = end.stopped_by.or_else(|| abort_error(&end.summary));
        let mut last = vec![Event::Summary(Box::new(end.summary))];
        last.extend(error.map(|error| {
            tracing::warn!(%error, "An import stopped");
            Event::Problem {
                code: error.code().as_str().to_owned(),
                detail: error.detail(),
                errors: error.faults().iter().take(MAX_FAULTS).map(PlacedFault::from).collect(),
            }
        }));
        sender.finish(last).await;
        drop(turn);
    };
    let importing = LANGUAGE.scope(Language::current(), importing);
    rt::spawn(REQUEST_ID.scope(telemetry::request_id(), importing));
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header(UNBUFFERED)
        .insert_header((CONTENT_LANGUAGE, Language::current().tag()))
        .insert_header((VARY, VARIES))
        .streaming(lines.map(Ok::<_, Infallible>))
}
