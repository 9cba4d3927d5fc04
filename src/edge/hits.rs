//! Requests whose answer is ready: answered before anything else looks at them.
//!
//! A hit is one look-up by the target as the client wrote it. What is not plain (a credential, a body, media types that have
//! to be weighed) goes the long way, where the cache is asked again by what the request means.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_http::{Request, Response};
use actix_web::body::BoxBody;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderValue, ORIGIN, TRANSFER_ENCODING,
    UPGRADE,
};
use actix_web::web::Data;

use super::exchange::{ExchangeState, deliver};
use crate::app::App;
use crate::http::cached::AnswerCache;
use crate::http::client::{X_REQUEST_ID, find_request_id};
use crate::http::cross_origin::{Asked, CrossOrigin};
use crate::http::head::check_host;

/// Answers from the cache.
#[derive(Clone)]
pub struct Hits {
    /// The process.
    pub app: Data<App>,
    /// The answers.
    pub cache: Arc<AnswerCache>,
    /// Which pages may read them.
    pub rules: Arc<CrossOrigin>,
}

impl Hits {
    /// The answer to a request, if it is ready.
    pub fn answer(&self, req: &Request) -> Option<Response<BoxBody>> {
        let began = Instant::now();
        let head = req.head();
        let is_read = head.method == Method::GET || head.method == Method::HEAD;
        if !is_read || head.uri.authority().is_some() || !is_plain(&head.headers) {
            return None;
        }
        let entry = self.cache.get(head.uri.path_and_query()?.as_str())?;
        check_host(&head.headers, &head.uri).ok()?;
        // Asked after the look-up: an answer that is found is then as new as the last look at the log.
        if !self.app.follower.is_current() {
            return None;
        }
        let mut response = entry.value.respond_now(&head.headers)?;
        if let Some(origin) = head.headers.get(ORIGIN) {
            let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
            let (origin, host) = (text(origin), head.headers.get(HOST).and_then(text));
            self.rules
                .open_ready(&Asked::by_page(origin.as_deref(), host.as_deref()), response.headers_mut());
        }
        let request_id = HeaderValue::try_from(find_request_id(&head.headers)).ok()?;
        response.headers_mut().insert(X_REQUEST_ID, request_id);
        let status = response.status();
        if let Some(state) = req.conn_data::<Rc<ExchangeState>>() {
            response = deliver(state, response, self.app.is_leaving()).ok()?;
        }
        self.cache.numbers().hits.inc();
        entry.value.numbers(status).count(began.elapsed());
        Some(response)
    }
}

fn is_plain(headers: &HeaderMap) -> bool {
    let special = [AUTHORIZATION, TRANSFER_ENCODING, EXPECT, UPGRADE];
    !special.iter().any(|name| headers.contains_key(name))
        && headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0")
        && headers.get_all(ACCEPT).all(takes_json)
}

/// Whether a value of `Accept` takes JSON without any weighing.
fn takes_json(accept: &HeaderValue) -> bool {
    accept == "*/*" || accept.as_bytes().split(|byte| *byte == b',').any(|range| range == b"application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_no_weighing_is_plain() {
        for (accept, is_plain) in [
            ("*/*", true),
            ("application/json", true),
            ("application/json, text/plain, */*", true),
            ("text/plain,application/json", true),
            ("application/json;q=0", false),
            ("application/json;q=0, */*", false),
            ("text/html,*/*;q=0.8", false),
            ("text/html", false),
            ("", false),
        ] {
            assert_eq!(takes_json(&HeaderValue::from_static(accept)), is_plain, "{accept}");
        }
    }
}
