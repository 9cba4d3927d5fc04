//! Importing over HTTP.

use std::convert::Infallible;
use std::io::Read;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CACHE_CONTROL};
use actix_web::{HttpRequest, HttpResponse, Responder, post, rt, web};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::body::{PayloadFormat, PayloadReader};
use super::job::{Job, Resource};
use super::params::ImportParams;
use super::pipeline::{Ended, run};
use super::view::{Ending, Event, Summary};
use crate::app::App;
use crate::categories::view::NewCategory;
use crate::error::{Code, Error, Result};
use crate::http::query::Query;
use crate::http::reply::{Data, Reply};
use crate::interchange::article_row::ArticleRow;
use crate::interchange::turns::turn;
use crate::members::guard::Editor;
use crate::notices::view::NewNotice;
use crate::telemetry::{self, REQUEST_ID};

/// Lines of a live stream that wait to be read.
const WAITING: usize = 10_000;
/// How long a client may leave them unread before it gets no more of them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Import articles
///
/// Rows in NDJSON, a JSON array or CSV, optionally compressed, in any character
/// set. Each is created, replaced or left alone by its external id; batches are
/// committed as they go, so that the same body can be sent again after whatever
/// interrupted it. With `Accept: application/x-ndjson` the answer is a live
/// stream of events, the summary last.
#[utoipa::path(tag = "imports", params(ImportParams), request_body(content((ArticleRow = "application/x-ndjson"), (Vec<ArticleRow> = "application/json"), (String = "text/csv"))), security(("bearer" = [])), responses((status = 200, description = "What became of the rows", content((Data<Summary> = "application/json"), (Event = "application/x-ndjson")))))]
#[post("/articles/import")]
pub async fn import_articles(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    params: Query<ImportParams>,
    body: web::Payload,
) -> Result<HttpResponse> {
    import(&req, app, editor, params.0, body, Resource::Articles).await
}

/// Import categories
///
/// As articles. A category is known by its slug, or else by its name in its
/// parent, which is named by slug, id or breadcrumb and stands before it.
#[utoipa::path(tag = "imports", params(ImportParams), request_body(content((NewCategory = "application/x-ndjson"), (Vec<NewCategory> = "application/json"), (String = "text/csv"))), security(("bearer" = [])), responses((status = 200, description = "What became of the rows", content((Data<Summary> = "application/json"), (Event = "application/x-ndjson")))))]
#[post("/categories/import")]
pub async fn import_categories(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    params: Query<ImportParams>,
    body: web::Payload,
) -> Result<HttpResponse> {
    import(&req, app, editor, params.0, body, Resource::Categories).await
}

/// Import notices
///
/// As articles, by external id.
#[utoipa::path(tag = "imports", params(ImportParams), request_body(content((NewNotice = "application/x-ndjson"), (Vec<NewNotice> = "application/json"), (String = "text/csv"))), security(("bearer" = [])), responses((status = 200, description = "What became of the rows", content((Data<Summary> = "application/json"), (Event = "application/x-ndjson")))))]
#[post("/notices/import")]
pub async fn import_notices(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    params: Query<ImportParams>,
    body: web::Payload,
) -> Result<HttpResponse> {
    import(&req, app, editor, params.0, body, Resource::Notices).await
}

async fn import(
    req: &HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    params: ImportParams,
    body: web::Payload,
    resource: Resource,
) -> Result<HttpResponse> {
    let labels = PayloadFormat::of(req, &params, resource.keys())?;
    let turn = turn()?;
    let job = Job { app, params: Rc::new(params), actor: editor.0.actor(), resource };
    let source = PayloadReader::new(body);
    if wants_events(req) {
        return Ok(streamed(job, source, labels, turn));
    }
    // In a task of its own: a client that hangs up leaves whole batches.
    let running = rt::spawn(REQUEST_ID.scope(telemetry::request_id(), async move {
        let ended = run(job, source, labels, async |_| {}).await;
        drop(turn);
        ended
    }));
    let ended = running.await.map_err(|cause| Error::Internal(cause.into()))?;
    Ok(answer(req, ended))
}

fn wants_events(req: &HttpRequest) -> bool {
    let accepted = req.headers().get_all(ACCEPT).filter_map(|accept| accept.to_str().ok());
    accepted.into_iter().any(|accept| accept.contains("application/x-ndjson"))
}

/// The answer when all is over: the summary, or the problem that stopped the import, with the summary.
fn answer(req: &HttpRequest, ended: Ended) -> HttpResponse {
    let Ended { summary, stopped_by } = ended;
    let error = stopped_by.or_else(|| aborted(&summary));
    match error {
        None => Reply::new(StatusCode::OK, Data { data: summary }).respond_to(req),
        Some(error) => error.answer(serde_json::to_value(&summary).ok()),
    }
}

/// What an import that rows have stopped ends with.
fn aborted(summary: &Summary) -> Option<Error> {
    let kept = match summary.ending {
        Ending::Completed | Ending::DryRun => return None,
        Ending::Aborted => format!("the first {} rows are done", summary.committed_rows),
        Ending::RolledBack => "nothing was written".to_owned(),
    };
    let line = summary.errors.first().map_or(0, |error| error.line);
    Some(Error::Refused(Code::ImportAborted, format!("Line {line} failed; {kept}.")))
}

/// The answer as a live stream.
fn streamed(
    job: Job,
    source: impl Read + Send + 'static,
    labels: PayloadFormat,
    turn: OwnedSemaphorePermit,
) -> HttpResponse {
    let (sender, receiver) = mpsc::channel::<Event>(WAITING);
    rt::spawn(REQUEST_ID.scope(telemetry::request_id(), async move {
        let mut listener = Some(sender);
        let ended = run(job, source, labels, async |events| tell(&mut listener, events).await).await;
        let error = ended.stopped_by.or_else(|| aborted(&ended.summary));
        let mut last = vec![Event::Summary(Box::new(ended.summary))];
        last.extend(error.map(|error| {
            tracing::warn!(%error, "An import stopped");
            Event::Problem { code: error.code().as_str().to_owned(), detail: error.detail() }
        }));
        tell(&mut listener, last).await;
        drop(turn);
    }));
    let lines = stream::unfold(receiver, |mut receiver| async move {
        let event = receiver.recv().await?;
        let mut line = serde_json::to_vec(&event).unwrap_or_default();
        line.push(b'\n');
        Some((Ok::<_, Infallible>(web::Bytes::from(line)), receiver))
    });
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .streaming(lines)
}

/// Hands events on while somebody listens: an import never waits long for a slow reader.
async fn tell(listener: &mut Option<mpsc::Sender<Event>>, events: Vec<Event>) {
    for event in events {
        let Some(sender) = listener else { return };
        if tokio::time::timeout(PATIENCE, sender.send(event)).await.is_ok_and(|sent| sent.is_ok()) {
            continue;
        }
        *listener = None;
    }
}
