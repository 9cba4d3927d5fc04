//! The HTTP server: what wraps every request, and how it starts and stops.

pub mod background;
pub mod shared;

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ResponseHead, Server, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderValue, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Condition, Next, from_fn};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Responder, ResponseError, get, web};
use utoipa_actix_web::AppExt;

use crate::app::App;
use crate::contract::Contract;
use crate::deadline::{Deadline, Late};
use crate::edge;
use crate::edge::access_log::AccessLine;
use crate::edge::connections::Connections;
use crate::edge::descriptors::count_free_descriptors;
use crate::edge::exchange::follow_exchange;
use crate::edge::hits::Hits;
use crate::error::{Error, Result};
use crate::http::cached::{self, Finished, find_key};
use crate::http::client::{X_REQUEST_ID, find_request_id};
use crate::http::conditional::tag_encoded;
use crate::http::cross_origin::{Asked, CrossOrigin, find_operation};
use crate::http::encoding::{Effort, Encoding};
use crate::http::finish::finish_answer;
use crate::http::head::{check_host, check_length};
use crate::http::matched::Matched;
use crate::http::page_headers;
use crate::language::{LANGUAGE, Language};
use crate::members::guard::{authenticate, read_as_visitor};
use crate::monitoring::{get_guarded_metrics, get_metrics};
use crate::operations::{Conditional, RequestBody};
use crate::pages;
use crate::permits::count_cores;
use crate::routes::routes;
use crate::telemetry::REQUEST_ID;
use crate::throttle;
use crate::throttle::model::LimitState;
use shared::Shared;

/// Serves on `listener` until the handle of the returned server stops it.
///
/// Stopping gracefully lets requests in flight finish, within the configured time.
pub fn start(shared: &Shared, listener: TcpListener) -> std::io::Result<Server> {
    let settings = settings_of_edge(shared);
    let shared = shared.clone();
    background::start(&shared);
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
            .app_data(shared.answers.clone())
            .app_data(shared.live_feed.clone())
            .service(get_document)
            .route("/metrics", web::get().to(get_guarded_metrics))
            .default_service(web::to(reply_not_found))
            .wrap(from_fn(handle_request))
            .wrap(Condition::new(shared.cross_origin.is_open(), shared.cross_origin.build_middleware()))
            .wrap(from_fn(wrap_request))
            .wrap(from_fn(follow_exchange))
    })
}

/// How connections are served.
fn settings_of_edge(shared: &Shared) -> edge::Settings {
    let config = &shared.app.config.http;
    let connections = Connections::new(
        config.max_connections.min(count_free_descriptors(2 * shared.app.config.database.pool_size)),
        config.max_connections_per_network,
        &config.trusted_proxies,
    );
    edge::Settings {
        connections: Arc::new(connections),
        cross_origin: shared.cross_origin.clone().into_inner(),
        hits: Hits {
            app: shared.app.clone(),
            cache: shared.answers.clone().into_inner(),
            rules: shared.cross_origin.clone().into_inner(),
        },
        patience: shared.patience,
        workers: config.workers.unwrap_or_else(count_cores).max(1),
        shutdown_timeout: config.shutdown_timeout,
    }
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
    let id = find_request_id(req.headers());
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
        Ok(response) => {
            let response = match rules {
                Some(rules) => rules.finish(asked, response),
                None => response,
            };
            let mut response = finish_response(response).await;
            // A refused condition has taken the place of an answer that pages may read.
            if let Some(rules) = rules
                && response.status() == StatusCode::PRECONDITION_FAILED
            {
                rules.open_to_page(asked, response.headers_mut());
            }
            Ok(response)
        }
        Err(cause) => Err(DetachedError { response: cause.error_response(), cause: cause.to_string() }),
    }
}

/// Judges the conditions of the request, and encodes the body, unless that was done.
async fn finish_response(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if response.response().extensions().get::<Finished>().is_some() {
        return response;
    }
    let operation = find_operation(&response);
    let is_read = operation.is_none_or(|operation| operation.conditional == Conditional::Read);
    let may_encode = operation.is_none_or(|operation| !operation.tells_secret);
    let (req, response) = response.into_parts();
    let is_read = is_read && *req.method() == Method::GET;
    let finished = finish_answer(req.headers(), is_read, may_encode, response).await;
    ServiceResponse::new(req, finished)
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
    if head.status != StatusCode::NOT_MODIFIED {
        page_headers::write_headers(head.headers_mut());
    }
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
        let is_private = req.headers().contains_key(AUTHORIZATION);
        match authenticate(req.request()).await {
            Ok(()) => match read_as_visitor(req.request()).then(|| find_key(req.request())).flatten() {
                Some(key) => cached::answer(req, next, key, is_private).await,
                None => next.call(req).await.map(ServiceResponse::map_into_boxed_body),
            },
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

/// The OpenAPI document.
#[get("/openapi.json")]
async fn get_document(req: HttpRequest, contract: web::Data<Contract>) -> impl Responder {
    let (encoding, body) = contract.document.make(Encoding::negotiate(req.headers(), Effort::Thorough)).await;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((ETAG, tag_encoded(&contract.etag, encoding, Effort::Thorough)));
    answer.insert_header((CACHE_CONTROL, "public, max-age=60"));
    answer.insert_header((VARY, "Accept-Encoding"));
    if encoding != Encoding::Identity {
        answer.insert_header((CONTENT_ENCODING, encoding.name()));
    }
    answer.content_type("application/json").body(body)
}

/// Everything that no route serves.
async fn reply_not_found() -> Result<HttpResponse> {
    Err(Error::not_found())
}
