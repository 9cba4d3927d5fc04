//! Answers: the envelope, the validators, and for how long they may be kept.

use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, Responder};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::matched::Matched;
use super::modified::Modified;
use super::paging::List;
use super::tagged_body::{TaggedBody, tag_bytes};
use crate::cache::tags::{Tag, write_surrogate_keys};
use crate::error::{Error, Fault, ProblemFault, Result};
use crate::language::Language;
use crate::operations::CacheClass;

/// One thing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Data<T> {
    /// The thing.
    pub data: T,
}

/// One thing that was written.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Written<T> {
    /// The thing, as it is now.
    pub data: T,
    /// What was changed of what was sent, like markup that is not allowed. Absent if nothing was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<ProblemFault>,
}

/// What a key that may not read learns of a thing it has changed, unless the thing is public.
///
/// The document describes it in words. As a schema it would make every answer of these operations a union.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    /// The id of the changed thing.
    pub id: Uuid,
    /// Its version, for `If-Match`.
    pub version: i32,
    /// The time of its last change.
    pub updated_at: DateTime<Utc>,
}

impl Reply<Data<Receipt>> {
    /// 201 without the content of the thing that was made.
    pub fn created_receipt(location: String, id: Uuid, version: i32, updated_at: DateTime<Utc>) -> Self {
        Self::created(location, Receipt { id, version, updated_at }).with_version(version)
    }

    /// 200 without the content of the thing.
    pub fn receipt(id: Uuid, version: i32, updated_at: DateTime<Utc>) -> Self {
        Self::one(Receipt { id, version, updated_at }).with_version(version)
    }
}

/// A JSON answer.
pub struct Reply<T> {
    body: T,
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    /// The version in the entity tag; without one there is no tag.
    version: Option<i32>,
    modified: Option<Modified>,
    /// Whether a visitor gets the same bytes.
    is_as_visitors_get: bool,
    keeping: Option<Keeping>,
    /// What was changed of what was sent. It is no part of what the entity tag is of.
    warnings: Vec<ProblemFault>,
}

impl<T> Reply<Data<T>> {
    /// The same with what was changed of what was sent, beside the thing. [`Written`] describes it.
    pub fn with_warnings(mut self, warnings: &[Fault]) -> Self {
        self.warnings = warnings.iter().map(ProblemFault::from).collect();
        self
    }

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
    /// 201 with a body of its own shape, and where the thing is that was made.
    pub fn created_with(location: String, body: T) -> Self {
        Self::new(StatusCode::CREATED, body).with_header(header::LOCATION, location)
    }

    /// `status` with any body.
    pub fn new(status: StatusCode, body: T) -> Self {
        Self {
            body,
            status,
            headers: Vec::new(),
            version: None,
            modified: None,
            is_as_visitors_get: false,
            keeping: None,
            warnings: Vec::new(),
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
    pub fn with_last_modified(mut self, modified: Modified) -> Self {
        self.modified = Some(modified);
        self
    }

    /// The same, of which is known whether a visitor gets the same bytes.
    pub fn as_visitors_get(mut self, is_as_visitors_get: bool) -> Self {
        self.is_as_visitors_get = is_as_visitors_get;
        self
    }

    /// The same with what it was made from, and for how long it stays right if nothing of that changes; `None` if it
    /// does not.
    pub fn kept_for(self, lifetime: Option<Duration>, tags: Vec<Tag>) -> Self {
        let keys = write_surrogate_keys(&tags);
        let keeping = lifetime.map(|lifetime| Keeping { tags, lifetime });
        Self { keeping, ..self }.with_header(SURROGATE_KEY, keys)
    }

    /// The same with all that is said of it to caches.
    pub fn told_to_caches(self, facts: CacheFacts) -> Self {
        let CacheFacts { is_as_visitors_get, modified, lifetime, tags } = facts;
        self.with_last_modified(modified).as_visitors_get(is_as_visitors_get).kept_for(lifetime, tags)
    }

    /// The same, made from `more` too.
    pub fn made_from(mut self, more: Vec<Tag>) -> Self {
        let Some(keeping) = &mut self.keeping else { return self };
        keeping.tags.extend(more);
        let keys = write_surrogate_keys(&keeping.tags);
        self.headers.retain(|(name, _)| *name != SURROGATE_KEY);
        self.with_header(SURROGATE_KEY, keys)
    }
}

/// What caches have to know of an answer.
#[derive(Debug)]
pub struct CacheFacts {
    /// Whether visitors get the same.
    pub is_as_visitors_get: bool,
    /// When it last changed.
    pub modified: Modified,
    /// For how long it stays right, if nothing changes. `None`: it is not kept.
    pub lifetime: Option<Duration>,
    /// What it is made from.
    pub tags: Vec<Tag>,
}

/// How an answer to visitors can be kept.
#[derive(Debug)]
pub struct Keeping {
    /// What it was made from.
    pub tags: Vec<Tag>,
    /// For how long it stays right, if nothing of that changes.
    pub lifetime: Duration,
}

/// The longest time that an answer is kept.
pub const MAX_LIFETIME: Duration = Duration::from_secs(60);
/// The longest time that an answer with counters is kept. They are flushed once a second, and may be 10 s old.
pub const MAX_COUNTER_LIFETIME: Duration = Duration::from_secs(8);

/// Marks a request whose answer is made for visitors, in full, and kept for others.
#[derive(Clone, Copy, Debug)]
pub struct ForKeeping;

/// The media type of every JSON answer. Generated clients branch on it, and proxies compress it.
pub const JSON: &str = "application/json";

/// The header that tells shared caches by which tags they can drop an answer.
pub const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// Cache rules of what a visitor reads: shared caches keep it a minute, and may
/// show it a little longer while they ask again (RFC 9111, RFC 5861).
const PUBLIC_CACHE_CONTROL: &str = "public, max-age=0, s-maxage=60, stale-while-revalidate=300";
/// Cache rules of what a visitor reads too, asked for with a credential: the client may keep it and ask again.
pub const REVALIDATED_CACHE_CONTROL: &str = "private, no-cache";
/// Cache rules of what a credential had a part in.
const PRIVATE_CACHE_CONTROL: &str = "private, no-store";

/// An answer as it is sent, but for what the request decides: 304, and the cache's rules.
#[derive(Debug)]
pub struct Rendered {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    etag: Option<String>,
    modified: Option<Modified>,
    is_as_visitors_get: bool,
    keeping: Option<Keeping>,
    media_type: &'static str,
    /// `Cache-Control`, where it does not follow from the operation.
    cache_rules: Option<&'static str>,
    body: Vec<u8>,
}

impl<T: Serialize> Reply<T> {
    /// Writes the body, and makes its entity tag.
    pub fn render(mut self) -> Result<Rendered> {
        let body = TaggedBody::from_json(&self.body).map_err(|cause| Error::Internal(cause.into()))?;
        let etag = self.version.map(|version| body.etag(version));
        let longest = if body.has_counters() { MAX_COUNTER_LIFETIME } else { MAX_LIFETIME };
        let longest = self.modified.map_or(longest, |modified| longest.min(modified.holds_for()));
        let keeping =
            self.keeping.map(|keeping| Keeping { lifetime: keeping.lifetime.min(longest), ..keeping });
        let mut body = body.into_bytes();
        if !self.warnings.is_empty() && body.pop_if(|last| *last == b'}').is_some() {
            body.extend_from_slice(b",\"warnings\":");
            serde_json::to_writer(&mut body, &self.warnings)
                .map_err(|cause| Error::Internal(cause.into()))?;
            body.push(b'}');
            self.headers.extend(say_language(Language::current().tag().to_owned()));
        }
        Ok(Rendered {
            status: self.status,
            headers: self.headers,
            etag,
            modified: self.modified,
            is_as_visitors_get: self.is_as_visitors_get,
            keeping,
            media_type: JSON,
            cache_rules: None,
            body,
        })
    }
}

/// The headers of an answer with sentences in the language that the request likes best.
fn say_language(tag: String) -> [(HeaderName, String); 2] {
    [(header::CONTENT_LANGUAGE, tag), (header::VARY, "Accept-Language".to_owned())]
}

impl Rendered {
    /// An answer that was stored, with the language of the sentences in it.
    pub fn stored(
        status: i16,
        mut headers: Vec<(HeaderName, String)>,
        etag: Option<String>,
        body: Vec<u8>,
        language: Option<String>,
    ) -> Self {
        headers.extend(language.map(say_language).into_iter().flatten());
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        Self {
            status: status.unwrap_or(StatusCode::OK),
            headers,
            etag,
            modified: None,
            is_as_visitors_get: false,
            keeping: None,
            media_type: JSON,
            cache_rules: None,
            body,
        }
    }

    /// 200 with a file of this media type and with these rules for caches; made from tags, it is kept for a time.
    pub fn file(
        (media_type, cache_rules): (&'static str, &'static str),
        headers: Vec<(HeaderName, String)>,
        body: Vec<u8>,
        kept: Option<(Duration, Vec<Tag>)>,
    ) -> Self {
        let keeping = kept.map(|(lifetime, tags)| Keeping { tags, lifetime });
        let rendered = Self::stored(200, headers, Some(tag_bytes(&body)), body, None);
        Self { media_type, cache_rules: Some(cache_rules), keeping, is_as_visitors_get: true, ..rendered }
    }

    /// 200 with a document of another format, which everybody gets; made from `tags`, it stays right for `lifetime`.
    pub fn document(
        media_type: &'static str,
        body: Vec<u8>,
        modified: Modified,
        (lifetime, tags): (Option<Duration>, Vec<Tag>),
    ) -> Self {
        let longest = MAX_LIFETIME.min(modified.holds_for());
        let headers = vec![(SURROGATE_KEY, write_surrogate_keys(&tags))];
        let keeping = lifetime.map(|lifetime| Keeping { tags, lifetime: lifetime.min(longest) });
        let rendered = Self::stored(200, headers, Some(tag_bytes(&body)), body, None);
        Self { modified: Some(modified), is_as_visitors_get: true, keeping, media_type, ..rendered }
    }

    /// The status as a number.
    pub fn status_code(&self) -> i16 {
        i16::try_from(self.status.as_u16()).unwrap_or_default()
    }

    /// The `Location` header.
    pub fn location(&self) -> Option<&str> {
        self.header(header::LOCATION)
    }

    /// The language of the sentences in the body.
    pub fn language(&self) -> Option<&str> {
        self.header(header::CONTENT_LANGUAGE)
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The entity tag.
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl<T: Serialize> Responder for Reply<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        self.render().map_or_else(HttpResponse::from_error, |rendered| rendered.respond_to(req))
    }
}

impl Responder for Rendered {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let is_read = *req.method() == actix_web::http::Method::GET;
        let mut response = HttpResponseBuilder::new(self.status);
        let rules = self
            .cache_rules
            .unwrap_or_else(|| cache_control(req, self.etag.is_some(), self.is_as_visitors_get));
        response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static(rules)));
        // Tags of caches, like the time of the last change, are of what a cache may keep.
        let headers = self.headers.into_iter().filter(|(name, _)| is_read || *name != SURROGATE_KEY);
        for (name, value) in headers {
            // Text that no header can carry (never made by us) is left out rather than failing the answer.
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.insert_header((name, value));
            }
        }
        if let Some(modified) = self.modified.filter(|_| is_read) {
            response.insert_header((header::LAST_MODIFIED, modified.to_header()));
        }
        if let Some(etag) = self.etag {
            response.insert_header((header::ETAG, etag));
        }
        let mut response = response.content_type(self.media_type).body(self.body);
        let mut extensions = response.extensions_mut();
        if let Some(modified) = self.modified.filter(|_| is_read) {
            extensions.insert(modified);
        }
        if let Some(keeping) = self.keeping.filter(|_| is_read) {
            extensions.insert(keeping);
        }
        drop(extensions);
        response
    }
}

/// Who may keep the answer to `req`, as the value of `Cache-Control`.
pub fn cache_control(req: &HttpRequest, has_etag: bool, is_as_visitors_get: bool) -> &'static str {
    let is_for_keeping = req.extensions().get::<ForKeeping>().is_some();
    let is_anonymous = is_for_keeping || !req.headers().contains_key(header::AUTHORIZATION);
    let is_public = Matched::of(req).is_ok_and(|matched| matched.operation().cache == CacheClass::Public);
    match is_public && has_etag {
        true if is_anonymous => PUBLIC_CACHE_CONTROL,
        true if is_as_visitors_get => REVALIDATED_CACHE_CONTROL,
        _ => PRIVATE_CACHE_CONTROL,
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
