//! The HTTP server: what wraps every request, and how it starts and stops.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ResponseHead, Server, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Condition, Next, from_fn};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Responder, ResponseError, get, rt, web};
use tokio::time::timeout;
use utoipa_actix_web::AppExt;

use crate::app::App;
use crate::articles::view_counter::{FLUSH_EVERY, ViewCounter};
use crate::categories::{self, moving};
use crate::changes;
use crate::contract::Contract;
use crate::deadline::{Deadline, Late};
use crate::edge::access_log::AccessLine;
use crate::edge::connections::Connections;
use crate::edge::descriptors::count_free_descriptors;
use crate::edge::exchange::follow_exchange;
use crate::edge::{self, Patience};
use crate::error::{Error, Result};
use crate::http::conditional::if_none_match_names;
use crate::http::cross_origin::{Asked, CrossOrigin, find_operation};
use crate::http::head::{check_host, check_length};
use crate::http::matched::Matched;
use crate::http::page_headers;
use crate::language::{LANGUAGE, Language};
use crate::members::guard::authenticate;
use crate::members::passwords::Hasher;
use crate::members::{outbox, sessions};
use crate::monitoring::{get_guarded_metrics, get_metrics};
use crate::operations::RequestBody;
use crate::pages;
use crate::permits::count_cores;
use crate::routes::routes;
use crate::telemetry::{REQUEST_ID, make_request_id};
use crate::throttle;
use crate::throttle::model::LimitState;
use crate::{idempotency, jobs};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What the handlers of a running server share.
#[derive(Clone)]
pub struct Shared {
    /// The process.
    pub app: web::Data<App>,
    /// For passwords.
    pub hasher: web::Data<Hasher>,
    /// For views.
    pub counter: web::Data<ViewCounter>,
    /// How long connections wait for their clients.
    pub patience: Patience,
    contract: web::Data<Contract>,
    cross_origin: web::Data<CrossOrigin>,
}

impl Shared {
    /// Shares `app`, `hasher` and `contract`.
    pub fn new(app: App, hasher: Hasher, contract: web::Data<Contract>) -> Self {
        Self {
            hasher: web::Data::new(hasher),
            counter: web::Data::new(ViewCounter::new(app.config.http.view_window)),
            cross_origin: web::Data::new(CrossOrigin::new(&app.config.http.cors_origins)),
            app: web::Data::new(app),
            patience: Patience::default(),
            contract,
        }
    }
}

/// Serves on `listener` until the handle of the returned server stops it.
///
/// Stopping gracefully lets requests in flight finish, within the configured time.
pub fn start(shared: &Shared, listener: TcpListener) -> std::io::Result<Server> {
    let config = &shared.app.config.http;
    let connections = Connections::new(
        config.max_connections.min(count_free_descriptors(2 * shared.app.config.database.pool_size)),
        config.max_connections_per_network,
        &config.trusted_proxies,
    );
    let settings = edge::Settings {
        connections: Arc::new(connections),
        cross_origin: shared.cross_origin.clone().into_inner(),
        patience: shared.patience,
        workers: config.workers.unwrap_or_else(count_cores).max(1),
        shutdown_timeout: config.shutdown_timeout,
    };
    let shared = shared.clone();
    rt::spawn(flush_views(shared.clone()));
    rt::spawn(housekeeping_loop(shared.clone()));
    rt::spawn(run_jobs(shared.clone()));
    // Two, so that one slow mailbox does not hold up the others.
    rt::spawn(outbox::worker::run_worker(shared.app.clone()));
    rt::spawn(outbox::worker::run_worker(shared.app.clone()));
    edge::serve(listener, &settings, move || {
        let (app, _) = actix_web::App::new()
            .configure(pages::routes)
            .into_utoipa_app()
            .configure(routes)
            .split_for_parts();
        app.app_data(shared.app.clone())
            .app_data(shared.hasher.clone())
            .app_data(shared.counter.clone())
            .app_data(shared.contract.clone())
            .app_data(shared.cross_origin.clone())
            .service(get_document)
            .route("/metrics", web::get().to(get_guarded_metrics))
            .default_service(web::to(reply_not_found))
            .wrap(from_fn(handle_request))
            .wrap(Condition::new(shared.cross_origin.is_open(), shared.cross_origin.build_middleware()))
            .wrap(from_fn(wrap_request))
            .wrap(from_fn(follow_exchange))
    })
}

/// Serves the numbers of the process on an address of their own, until the process ends.
pub fn start_metrics(shared: &Shared, listener: TcpListener) -> std::io::Result<Server> {
    let app = shared.app.clone();
    let server = actix_web::HttpServer::new(move || {
        actix_web::App::new().app_data(app.clone()).route("/metrics", web::get().to(get_metrics))
    });
    Ok(server.workers(1).disable_signals().listen(listener)?.run())
}

/// What wraps every request: a request id, headers, and one log line.
async fn wrap_request(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let id = request_id(&req);
    let line = AccessLine::begin(&req, &id);
    let app = req.app_data::<web::Data<App>>().cloned();
    if req.method() == Method::HEAD {
        // Answered as GET; the body is left out on the wire.
        req.head_mut().method = Method::GET;
    }
    let rules = req.app_data::<web::Data<CrossOrigin>>().cloned();
    let asked = Asked::read(&req);
    let language = find_language(&req);
    let cross_origin = rules.as_ref().map(web::Data::get_ref);
    let answering = LANGUAGE.scope(language, call_inner(req, next, cross_origin, &asked));
    let mut answered = REQUEST_ID.scope(Some(id.clone()), answering).await;
    let operation = answered.as_ref().ok().and_then(find_operation);
    let state = answered.as_ref().ok().and_then(find_limit_state);
    let head = match &mut answered {
        Ok(response) => response.response_mut().head_mut(),
        Err(lost) => lost.response.head_mut(),
    };
    write_headers(head, &id, state);
    if let Some(rules) = rules {
        rules.open_to_all(&asked, head.headers_mut());
        rules.write_vary(&asked, operation.map(|operation| operation.caller), head.headers_mut());
    }
    let status = head.status;
    if let Some(app) = app {
        let name = operation.map(|operation| operation.id);
        app.metrics.count_request(name, status.as_u16(), line.began().elapsed());
    }
    match answered {
        Ok(response) => Ok(line.finish(response)),
        Err(lost) => {
            line.finish_lost(status);
            Err(InternalError::from_response(lost.cause, lost.response).into())
        }
    }
}

fn find_limit_state(response: &ServiceResponse<BoxBody>) -> Option<LimitState> {
    response.request().extensions().get::<LimitState>().cloned()
}

/// Calls what is inside, and finishes what the cross-origin rules have answered.
async fn call_inner(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    rules: Option<&CrossOrigin>,
    asked: &Asked,
) -> Result<ServiceResponse<BoxBody>, DetachedError> {
    match next.call(req).await.map(ServiceResponse::map_into_boxed_body) {
        Ok(response) => Ok(match rules {
            Some(rules) => rules.finish(asked, response),
            None => response,
        }),
        Err(cause) => Err(DetachedError { response: cause.error_response(), cause: cause.to_string() }),
    }
}

/// Adds the headers that every answer has.
fn write_headers(head: &mut ResponseHead, id: &str, state: Option<LimitState>) {
    if let Ok(value) = HeaderValue::from_str(id) {
        head.headers_mut().insert(X_REQUEST_ID, value);
    }
    // A refusal names the rule that refused.
    if let Some(state) = state
        && head.status != StatusCode::TOO_MANY_REQUESTS
    {
        throttle::headers::write_headers(&state, head.headers_mut());
    }
    page_headers::write_headers(head.headers_mut());
}

/// An answer that has lost its request, and why.
struct DetachedError {
    response: HttpResponse,
    cause: String,
}

impl From<Error> for DetachedError {
    fn from(error: Error) -> Self {
        Self { response: error.error_response(), cause: error.to_string() }
    }
}

/// The contract's rules and the time limit, inside of the cross-origin rules.
async fn handle_request(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let answered = answer_request(req, next).await;
    answered.map_err(|lost| InternalError::from_response(lost.cause, lost.response).into())
}

async fn answer_request(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, DetachedError> {
    let limit =
        req.app_data::<web::Data<App>>().map(|app| app.config.http.request_timeout).unwrap_or_default();
    let has_time_limit = match match_request(&req) {
        Ok(has_time_limit) => has_time_limit,
        Err(refusal) => return Ok(req.into_response(refusal.error_response())),
    };
    // In a box: the work of an operation is some kilobytes, and is passed on several times.
    let answering = Box::pin(async {
        match authenticate(req.request()).await {
            Ok(()) => next.call(req).await.map(ServiceResponse::map_into_boxed_body),
            Err(refusal) => Ok(req.into_response(refusal.error_response())),
        }
    });
    if !has_time_limit {
        return answering.await.map_err(|cause| Error::Internal(anyhow::anyhow!("{cause}")).into());
    }
    match Deadline::after(limit).bound(answering).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(cause)) => Err(Error::Internal(anyhow::anyhow!("{cause}")).into()),
        Err(Late::NothingHappened) => Err(Error::Unavailable("the request took too long".to_owned()).into()),
        Err(Late::OutcomeUnknown) => {
            Err(Error::OutcomeUnknown("the commit has not come back".to_owned()).into())
        }
    }
}

/// Matches the request to its operation, which everything after this reads from its extensions.
/// Returns whether the request timeout ends it.
fn match_request(req: &ServiceRequest) -> Result<bool> {
    let contract = req.app_data::<web::Data<Contract>>();
    let contract = contract.ok_or_else(|| Error::Internal(anyhow::anyhow!("no Contract in app_data")))?;
    check_host(req.headers(), req.uri())?;
    let found = Matched::find(&contract.table, req.method(), req.path(), req.query_string(), req.headers())?;
    let Some(matched) = found else {
        check_length(req.headers(), RequestBody::None)?;
        return Ok(true);
    };
    check_length(req.headers(), matched.operation().body)?;
    let has_time_limit = matched.operation().has_time_limit;
    req.extensions_mut().insert(matched);
    Ok(has_time_limit)
}

/// The language that the client likes best.
fn find_language(req: &ServiceRequest) -> Language {
    let accepted: Vec<&str> =
        req.headers().get_all(ACCEPT_LANGUAGE).filter_map(|accepted| accepted.to_str().ok()).collect();
    Language::negotiate(&accepted.join(","))
}

/// The client's id of this request, or a new one.
fn request_id(req: &ServiceRequest) -> String {
    let given = req.headers().get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    given.filter(plain).map_or_else(make_request_id, str::to_owned)
}

/// The OpenAPI document.
#[get("/openapi.json")]
async fn get_document(req: HttpRequest, contract: web::Data<Contract>) -> impl Responder {
    let tag = contract.etag.as_str();
    if if_none_match_names(&req, tag) {
        return HttpResponse::NotModified().insert_header(("etag", tag)).finish();
    }
    HttpResponse::Ok()
        .insert_header(("etag", tag))
        .insert_header(("cache-control", "public, max-age=60"))
        .content_type("application/json")
        .body(contract.json.clone())
}

/// Everything that no route serves.
async fn reply_not_found() -> Result<HttpResponse> {
    Err(Error::not_found())
}

async fn flush_views(shared: Shared) {
    let mut ticks = rt::time::interval(FLUSH_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = shared.counter.flush(&shared.app).await {
            tracing::warn!(%error, "Views are kept for later");
        }
    }
}

async fn run_jobs(shared: Shared) {
    loop {
        let _ = timeout(moving::JOB_INTERVAL, shared.app.job_begun.notified()).await;
        if let Err(error) = moving::run_jobs(&shared.app).await {
            tracing::warn!(%error, "Jobs are left for later");
        }
    }
}

/// How often ended sessions and forgiven attempts are deleted.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(600);

async fn housekeeping_loop(shared: Shared) {
    let mut ticks = rt::time::interval(HOUSEKEEPING_INTERVAL);
    loop {
        ticks.tick().await;
        if let Err(error) = run_housekeeping(&shared.app).await {
            tracing::warn!(%error, "Housekeeping is left for later");
        }
    }
}

async fn run_housekeeping(app: &App) -> Result<()> {
    app.write(async |tx| Ok(throttle::queries::delete_ended_windows(tx).await?)).await?;
    app.write(async |tx| Ok(categories::queries::join_article_counts(tx).await?)).await?;
    app.write(async |tx| Ok(jobs::queries::delete_old_jobs(tx).await?)).await?;
    app.write(async |tx| Ok(idempotency::queries::delete_old_answers(tx).await?)).await?;
    let days = app.config.access.session_retention_days;
    app.write(async move |tx| Ok(sessions::queries::delete_ended_sessions(tx, days).await?)).await?;
    match app.config.access.audit_retention_days {
        Some(days) => delete_old_changes(app, days).await,
        None => Ok(()),
    }
}

/// Deletes the entries of the change log that are older than so many days, a bounded number at a time.
async fn delete_old_changes(app: &App, days: i32) -> Result<()> {
    while app.write(async move |tx| Ok(changes::queries::delete_old(tx, days).await?)).await? {}
    Ok(())
}
