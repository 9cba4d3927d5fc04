//! What pages of other origins may do, and what an answer varies by.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_cors::Cors;
use actix_web::HttpMessage;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE,
    HOST, HeaderMap, HeaderValue, ORIGIN, VARY,
};

use super::matched::Matched;
use crate::error::{Code, Error};
use crate::operations::{Caller, Operation};

/// Headers that pages of other origins may read.
const EXPOSED: [&str; 18] = [
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "X-Request-Id",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotency-Replayed",
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Media",
    "Upload-Metadata",
    "Upload-Offset",
];
/// The headers of a request that the answer to a preflight depends on.
const PREFLIGHT_VARY: [&str; 2] = ["Access-Control-Request-Method", "Access-Control-Request-Headers"];
/// The most bytes of an origin that the log shows.
const MAX_LOGGED_BYTES: usize = 200;

/// The cross-origin rules of a server.
pub struct CrossOrigin {
    origins: Vec<String>,
    has_reported: AtomicBool,
}

/// What the rules need to know of a request when it has been answered.
pub struct Asked {
    origin: Option<String>,
    is_same_origin: bool,
    is_preflight: bool,
}

impl CrossOrigin {
    /// The rules for a list of origins: none, exact ones, or `*`.
    pub fn new(origins: &[String]) -> Self {
        Self { origins: origins.to_vec(), has_reported: AtomicBool::new(false) }
    }

    /// Whether pages of any other origin may do anything.
    pub fn is_open(&self) -> bool {
        !self.origins.is_empty()
    }

    /// Whether pages of all origins may read without a credential.
    fn is_for_all(&self) -> bool {
        self.origins.iter().any(|origin| origin == "*")
    }

    /// Builds what answers preflights and marks answers that pages may read.
    pub fn build_middleware(&self) -> Cors {
        let cors = Cors::default().block_on_origin_mismatch(false).expose_headers(EXPOSED).max_age(3600);
        // The header is written with what else an answer varies by.
        let cors = cors.disable_vary_header();
        if self.is_for_all() {
            let reading = cors.allow_any_origin().send_wildcard().allowed_methods(["GET", "HEAD"]);
            return reading.allowed_headers(["Accept", "If-None-Match", "X-Request-Id"]);
        }
        let cors = cors.allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).allowed_headers([
            "Accept",
            "Authorization",
            "Content-Disposition",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "Tus-Resumable",
            "Upload-Checksum",
            "Upload-Length",
            "Upload-Metadata",
            "Upload-Offset",
            "X-Request-Id",
        ]);
        self.origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
    }

    /// Replaces the plain text of a refused preflight by a problem, and reports the first origin that is refused.
    pub fn finish(&self, asked: &Asked, response: ServiceResponse) -> ServiceResponse {
        let is_problem = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
        let is_refused = asked.is_preflight && !response.status().is_success();
        if !asked.is_same_origin && !self.allows(asked) {
            self.report(asked);
        }
        if !is_refused || is_problem {
            return response;
        }
        let detail = "Pages of this origin may not send this method with these headers.";
        let refusal = Error::Refused(Code::Forbidden, detail.into());
        response.into_response(actix_web::HttpResponse::from_error(refusal))
    }

    fn allows(&self, asked: &Asked) -> bool {
        let Some(origin) = &asked.origin else { return true };
        self.is_for_all() || self.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }

    fn report(&self, asked: &Asked) {
        let Some(origin) = &asked.origin else { return };
        if !self.has_reported.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                origin,
                "Pages of {origin} were refused: INKSTONE_CORS_ORIGINS (--cors-origins) does not name that origin. \
                 Further refusals are not logged."
            );
        }
    }

    /// Says of an answer that was made without the middleware that the page which asked may read it, if it may.
    pub fn open_to_page(&self, asked: &Asked, headers: &mut HeaderMap) {
        let origin = asked.origin.as_deref().filter(|_| !self.is_for_all() && self.allows(asked));
        if let Some(Ok(origin)) = origin.map(HeaderValue::from_str) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            expose(headers);
        }
    }

    /// Says of an answer that was ready that the page which asked may read it, if it may; reports the first origin that is
    /// refused.
    pub fn open_ready(&self, asked: &Asked, headers: &mut HeaderMap) {
        if !asked.is_same_origin && !self.allows(asked) {
            self.report(asked);
        }
        self.open_to_page(asked, headers);
    }

    /// Says of an answer to whomever that pages of all origins may read it, if they may.
    ///
    /// A shared cache that was filled by a request without `Origin` gives the answer to pages too.
    pub fn open_to_all(&self, asked: &Asked, headers: &mut HeaderMap) {
        if self.is_for_all() && !asked.is_preflight {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            expose(headers);
        }
        // The middleware adds it for requests that are from no page too.
        if !headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
        }
    }

    /// Adds to `Vary` what the answer varies by.
    ///
    /// With a list of origins every answer varies by the origin, as any of them may say that a page can read it.
    pub fn write_vary(&self, asked: &Asked, caller: Option<Caller>, headers: &mut HeaderMap) {
        let varies_by_credential = caller.is_some_and(|caller| caller != Caller::Anyone);
        let mut names: Vec<&str> = Vec::new();
        names.extend(Some("Authorization").filter(|_| varies_by_credential));
        names.extend(Some("Origin").filter(|_| self.is_open() && !self.is_for_all()));
        names.extend(PREFLIGHT_VARY.into_iter().filter(|_| asked.is_preflight && self.is_open()));
        let given: Vec<String> =
            headers.get_all(VARY).filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
        let given = given.join(", ");
        let is_given = |name: &str| given.split(',').any(|other| other.trim().eq_ignore_ascii_case(name));
        let mut all: Vec<&str> = Some(given.as_str()).filter(|given| !given.is_empty()).into_iter().collect();
        all.extend(names.into_iter().filter(|name| !is_given(name)));
        if let Ok(value) = HeaderValue::from_str(&all.join(", "))
            && !all.is_empty()
        {
            headers.insert(VARY, value);
        }
    }
}

fn expose(headers: &mut HeaderMap) {
    if let Ok(exposed) = HeaderValue::from_str(&EXPOSED.join(", ")) {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

impl Asked {
    /// What is known of a request that is no preflight, by its `Origin` and its `Host`.
    pub fn by_page(origin: Option<&str>, host: Option<&str>) -> Self {
        let authority = origin.and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
        Self {
            origin: origin.map(|origin| origin.chars().take(MAX_LOGGED_BYTES).collect()),
            is_same_origin: authority
                .is_some_and(|authority| authority.eq_ignore_ascii_case(host.unwrap_or_default())),
            is_preflight: false,
        }
    }

    /// Reads what the rules need from a request.
    pub fn read(req: &ServiceRequest) -> Self {
        let header = |name| req.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let origin = header(ORIGIN);
        Self {
            is_preflight: req.method() == Method::OPTIONS
                && origin.is_some()
                && req.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD),
            ..Self::by_page(origin, header(HOST))
        }
    }
}

/// Returns the entry of the operation of an answered request, if it was matched.
pub fn find_operation<B>(response: &ServiceResponse<B>) -> Option<Operation> {
    response.request().extensions().get::<Matched>().map(|matched| *matched.operation())
}
