//! Answers: the envelope, the validators, and how long caches may keep them.

use std::borrow::Cow;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue, HttpDate};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::conditional::if_none_match_names;
use super::matched::Matched;
use super::paging::List;
use super::tagged_body::TaggedBody;
use crate::error::Error;
use crate::operations::CacheClass;

/// One thing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Data<T> {
    /// The thing.
    pub data: T,
}

/// A JSON answer.
pub struct Reply<T> {
    body: T,
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    media_type: Cow<'static, str>,
    /// The version in the entity tag; without one there is no tag.
    version: Option<i32>,
}

impl<T> Reply<Data<T>> {
    /// 200 with one thing.
    pub fn one(thing: T) -> Self {
        Self::new(StatusCode::OK, Data { data: thing })
    }

    /// 201 with the thing that was made, and where it is.
    pub fn created(location: String, thing: T) -> Self {
        Self::new(StatusCode::CREATED, Data { data: thing }).with_header(header::LOCATION, location)
    }
}

impl<T> Reply<List<T>> {
    /// 200 with a page of a list, which has an entity tag.
    pub fn list(list: List<T>) -> Self {
        let link = list.link.clone();
        let reply = Self::new(StatusCode::OK, list).with_version(0);
        if link.is_empty() { reply } else { reply.with_header(header::LINK, link) }
    }
}

impl<T> Reply<T> {
    /// `status` with any body.
    pub fn new(status: StatusCode, body: T) -> Self {
        Self {
            body,
            status,
            headers: Vec::new(),
            media_type: Cow::Borrowed("application/json"),
            version: None,
        }
    }

    /// The same with a header.
    pub fn with_header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with an entity tag that carries `version`, so that clients can ask conditionally.
    pub fn with_version(mut self, version: i32) -> Self {
        self.version = Some(version);
        self
    }

    /// The same with the time of the last change.
    pub fn with_last_modified(self, at: Option<DateTime<Utc>>) -> Self {
        match at {
            Some(at) => self.with_header(
                header::LAST_MODIFIED,
                HttpDate::from(std::time::SystemTime::from(at)).to_string(),
            ),
            None => self,
        }
    }

    /// The same with the cache's tags: a change to any of them makes the answer stale.
    pub fn with_surrogate_keys(self, tags: &[String]) -> Self {
        self.with_header(HeaderName::from_static("surrogate-key"), tags.join(" "))
    }

    /// The same under another media type.
    pub fn with_media_type(mut self, media_type: &'static str) -> Self {
        self.media_type = Cow::Borrowed(media_type);
        self
    }
}

/// Cache rules of what a visitor reads: shared caches keep it a minute, and may
/// show it a little longer while they ask again (RFC 9111, RFC 5861).
const PUBLIC_CACHE_CONTROL: &str = "public, max-age=0, s-maxage=60, stale-while-revalidate=300";
/// Cache rules of what a credential had a part in.
const PRIVATE_CACHE_CONTROL: &str = "private, no-store";

impl<T: Serialize> Responder for Reply<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let body = match TaggedBody::from_json(&self.body) {
            Ok(body) => body,
            Err(cause) => return HttpResponse::from_error(Error::Internal(cause.into())),
        };
        let etag = self.version.map(|version| body.etag(version));
        let read = *req.method() == actix_web::http::Method::GET;
        let known = read && etag.as_deref().is_some_and(|etag| if_none_match_names(req, etag));
        let status = if known { StatusCode::NOT_MODIFIED } else { self.status };
        let mut response = HttpResponseBuilder::new(status);
        let rules = cache_control(req, etag.is_some());
        response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static(rules)));
        response.insert_header((header::VARY, HeaderValue::from_static("Authorization")));
        for (name, value) in self.headers {
            // Text that no header can carry (never made by us) is left out rather than failing the answer.
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.insert_header((name, value));
            }
        }
        if let Some(etag) = etag {
            response.insert_header((header::ETAG, etag));
        }
        if known {
            return response.finish();
        }
        response.content_type(self.media_type.as_ref()).body(body.into_bytes())
    }
}

/// Who may keep the answer to `req`.
fn cache_control(req: &HttpRequest, has_etag: bool) -> &'static str {
    let is_anonymous = !req.headers().contains_key(header::AUTHORIZATION);
    let is_public = Matched::of(req).is_ok_and(|matched| matched.operation().cache == CacheClass::Public);
    if is_public && is_anonymous && has_etag { PUBLIC_CACHE_CONTROL } else { PRIVATE_CACHE_CONTROL }
}

/// 204: done, nothing to show.
pub struct NoContent;

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, PRIVATE_CACHE_CONTROL)).finish()
    }
}
