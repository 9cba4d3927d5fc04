//! Answers: the envelope, the validators, and how long caches may keep them.

use std::borrow::Cow;
use std::hash::Hash;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue, HttpDate};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::conditional::{etag, if_none_match_names};
use super::matched::Matched;
use super::paging::List;
use crate::error::Error;
use crate::operations::CacheClass;

/// One thing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Data<T> {
    /// The thing.
    pub data: T,
}

/// The media type of a [`Receipt`].
pub const RECEIPT: &str = "application/vnd.inkstone.receipt+json";

/// What a key that may not read learns of a thing it has changed, unless the thing is public.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// The id of the changed thing.
    pub id: Uuid,
    /// Its version, for `If-Match`.
    pub version: i32,
    /// The time of its last change.
    pub updated_at: DateTime<Utc>,
}

impl Reply<Data<Receipt>> {
    /// 200 without the content of the thing.
    pub fn receipt(id: Uuid, version: i32, updated_at: DateTime<Utc>) -> Self {
        let receipt = Receipt { id, version, updated_at };
        let tag = etag(version, &(id, updated_at));
        Self::one(receipt).with_etag(tag).with_media_type(RECEIPT)
    }
}

/// A JSON answer.
pub struct Reply<T> {
    body: T,
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    media_type: Cow<'static, str>,
    etag: Option<String>,
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

impl<T: Hash> Reply<List<T>> {
    /// 200 with a page of a list, and its entity tag.
    pub fn list(list: List<T>) -> Self {
        let (link, tag) = (list.link.clone(), etag(0, &(&list.data, &list.page)));
        let reply = Self::new(StatusCode::OK, list).with_etag(tag);
        if link.is_empty() { reply } else { reply.with_header(header::LINK, link) }
    }
}

impl<T> Reply<T> {
    /// `status` with any body.
    pub fn new(status: StatusCode, body: T) -> Self {
        Self { body, status, headers: Vec::new(), media_type: Cow::Borrowed("application/json"), etag: None }
    }

    /// The same with a header.
    pub fn with_header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with an entity tag, so that clients can ask conditionally.
    pub fn with_etag(mut self, etag: String) -> Self {
        self.etag = Some(etag);
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
        let read = *req.method() == actix_web::http::Method::GET;
        let anonymous = !req.headers().contains_key(header::AUTHORIZATION);
        let known = read && self.etag.as_deref().is_some_and(|etag| if_none_match_names(req, etag));
        let status = if known { StatusCode::NOT_MODIFIED } else { self.status };
        let mut response = HttpResponseBuilder::new(status);
        let is_public = Matched::of(req).is_ok_and(|matched| matched.operation().cache == CacheClass::Public);
        let rules = if is_public && anonymous && self.etag.is_some() {
            PUBLIC_CACHE_CONTROL
        } else {
            PRIVATE_CACHE_CONTROL
        };
        response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static(rules)));
        response.insert_header((header::VARY, HeaderValue::from_static("Authorization")));
        for (name, value) in self.headers {
            // Text that no header can carry (never made by us) is left out rather than failing the answer.
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.insert_header((name, value));
            }
        }
        if let Some(etag) = self.etag {
            response.insert_header((header::ETAG, etag));
        }
        if known {
            return response.finish();
        }
        match serde_json::to_vec(&self.body) {
            Ok(bytes) => response.content_type(self.media_type.as_ref()).body(bytes),
            Err(cause) => HttpResponse::from_error(Error::Internal(cause.into())),
        }
    }
}

/// 204: done, nothing to show.
pub struct NoContent;

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, PRIVATE_CACHE_CONTROL)).finish()
    }
}
