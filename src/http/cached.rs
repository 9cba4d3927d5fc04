//! Answers to visitors from the cache.
//!
//! The key of an answer is the path and the query as they were understood: in one spelling, in one order, and without the
//! credential. What is under it is what every visitor gets, and every member of whom the operation says so.

use std::sync::Arc;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::ACCEPT;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};

use super::cross_origin::{Asked, CrossOrigin};
use super::encoding::{MIN_BYTES, is_plain_text};
use super::matched::Matched;
use super::page_headers;
use super::ready::{AnswerNumbers, ReadyAnswer, add_vary, make_private};
use super::reply::{ForKeeping, Keeping};
use super::target::normalize_path;
use crate::app::App;
use crate::cache::{Cache, Entry, Fill, FillState, Turn};
use crate::operations::{CacheClass, Caller};
use crate::ranges::parse_ranges;

/// The answers that are ready.
pub type AnswerCache = Cache<ReadyAnswer>;

/// How often a request waits for the answer to another one before it makes its own.
const MAX_WAITS: usize = 3;

/// Marks an answer to which nothing is to be added any more.
#[derive(Clone, Copy, Debug)]
pub struct Finished;

/// The key of the answer to a request that was matched; `None` if the answer is for nobody else.
pub fn find_key(req: &HttpRequest) -> Option<Arc<str>> {
    let matched = Matched::of(req).ok()?;
    let is_kept = matched.operation().cache == CacheClass::Public && *req.method() == Method::GET;
    is_kept.then(|| {
        let (path, query) = (normalize_path(req.uri().path()), matched.parameters.to_query());
        let mut key = if query.is_empty() { path.to_string() } else { format!("{path}?{query}") };
        if matched.operation().varies_by_accept {
            // A fragment is never in a target, so that no other key is like this one.
            key.push('#');
            key.push_str(if takes_webp(req) { "webp" } else { "plain" });
        }
        key.into()
    })
}

/// Whether a client says that it takes pictures in WebP.
pub fn takes_webp(req: &HttpRequest) -> bool {
    let accepted = req.headers().get_all(ACCEPT).filter_map(|accept| accept.to_str().ok());
    accepted
        .flat_map(parse_ranges)
        .any(|(name, weight)| name.eq_ignore_ascii_case("image/webp") && weight > 0.0)
}

/// Answers a request from the cache, or as `next` does, and then keeps the answer under `key`. `is_private`: whether the
/// request has a credential.
pub async fn answer<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
    key: Arc<str>,
    is_private: bool,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let app = req.app_data::<Data<App>>().cloned();
    let cache = req.app_data::<Data<AnswerCache>>().map(|cache| cache.clone().into_inner());
    let (Some(app), Some(cache)) = (app, cache) else {
        return next.call(req).await.map(ServiceResponse::map_into_boxed_body);
    };
    for _ in 0..MAX_WAITS {
        if !app.follower.is_current() || !cache.is_enabled() {
            break;
        }
        if let Some(entry) = cache.get(&key) {
            let is_found_by_target =
                Matched::of(req.request()).is_ok_and(|matched| !matched.operation().varies_by_accept);
            if let Some(target) = req.uri().path_and_query().filter(|_| is_found_by_target) {
                cache.add_alias(target.as_str(), &key);
            }
            cache.numbers().hits.inc();
            return Ok(respond(req, &entry, is_private).await);
        }
        match cache.take_turn(&key) {
            Turn::Mine(fill) => return fill_answer(req, next, &app, fill, is_private).await,
            Turn::Others(wait) => {
                if wait.finish().await == FillState::NotForKeeping {
                    break;
                }
            }
        }
    }
    cache.numbers().misses.inc();
    next.call(req).await.map(ServiceResponse::map_into_boxed_body)
}

/// Makes an answer, and keeps it if it can be kept.
async fn fill_answer<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
    app: &App,
    fill: Fill<ReadyAnswer>,
    is_private: bool,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    req.extensions_mut().insert(ForKeeping);
    let (req, mut response) = next.call(req).await.map(ServiceResponse::map_into_boxed_body)?.into_parts();
    let is_final = matches!(response.status(), StatusCode::OK | StatusCode::MOVED_PERMANENTLY);
    let keeping = response.extensions_mut().remove::<Keeping>().filter(|_| is_final);
    let Some(keeping) = keeping else {
        // What fails may succeed for the next one.
        if !response.status().is_server_error() {
            fill.give_up();
        }
        if is_private && is_final {
            make_private(response.headers_mut());
        }
        return Ok(ServiceResponse::new(req, response));
    };
    let operation = Matched::of(&req).map(|matched| *matched.operation())?;
    complete_headers(&req, operation.caller, &mut response);
    let numbers = |status| app.metrics.find_numbers(operation.id, status);
    let numbers = AnswerNumbers { whole: numbers(response.status().as_u16()), not_modified: numbers(304) };
    let answer = match ReadyAnswer::new(response, numbers) {
        Ok(answer) => answer,
        Err(response) => return Ok(ServiceResponse::new(req, *response)),
    };
    app.metrics.cache.misses.inc();
    let bytes = answer.bytes();
    let entry = fill.finish(answer, bytes, &keeping.tags, keeping.lifetime);
    Ok(respond(ServiceRequest::from_request(req), &entry, is_private).await)
}

/// Adds the headers that an answer to a visitor gets on its way out, so that an answer from the cache needs no more.
fn complete_headers(req: &HttpRequest, caller: Caller, response: &mut HttpResponse) {
    let is_encodable = is_plain_text(response.headers())
        && matches!(response.body().size(), BodySize::Sized(bytes) if bytes >= MIN_BYTES as u64);
    let headers = response.headers_mut();
    if is_encodable {
        add_vary(headers);
    }
    if let Some(rules) = req.app_data::<Data<CrossOrigin>>() {
        let asked = Asked::by_page(None, None);
        rules.open_to_all(&asked, headers);
        rules.write_vary(&asked, Some(caller), headers);
    }
    page_headers::write_headers(headers);
}

async fn respond(
    req: ServiceRequest,
    entry: &Entry<ReadyAnswer>,
    is_private: bool,
) -> ServiceResponse<BoxBody> {
    let mut response = match entry.value.respond(req.headers()).await {
        Ok(response) => HttpResponse::from(response),
        Err(refusal) => return req.into_response(refusal.error_response()),
    };
    if is_private {
        make_private(response.headers_mut());
    }
    response.extensions_mut().insert(Finished);
    req.into_response(response)
}
