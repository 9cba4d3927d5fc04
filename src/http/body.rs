//! Request bodies: one extractor that says everything that is wrong, and where.

use std::any::{TypeId, type_name};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use actix_web::web::{Data, Payload};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::head::BODY_TOO_LARGE;
use super::json;
use super::matched::Matched;
use super::schema::{Checker, Compiled, compiled};
use crate::app::App;
use crate::error::{Code, Error, Fault, Result, Sentence};
use crate::operations::{BODY_ARRIVAL_TIMEOUT, RequestBody};

/// The name that a client gives to a request (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Bodies up to this length are parsed at once, in less time than a hop to another thread and back takes.
const MAX_INLINE_BYTES: usize = 64 << 10;

/// A JSON body that meets its published schema.
///
/// Named as actix's own, so that utoipa sees the request body. Refuses with 415
/// what is not JSON by its label, 413 what is too large, 400 what does not
/// parse, and 422 what breaks the schema, every fault with its JSON pointer.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(req: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let reading = read_body(req, payload);
        Box::pin(async move {
            let (value, faults) = reading.await?;
            checked(value, faults).map(Self)
        })
    }
}

/// A JSON body whose faults wait for those that no schema can say, so that all are told together.
#[derive(Debug)]
pub struct Unchecked<T> {
    value: Value,
    faults: Vec<Fault>,
    kind: PhantomData<T>,
}

impl<T: DeserializeOwned + ToSchema + 'static> Unchecked<T> {
    /// The text under a key of the body. `None` if it is something else.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.value[key].as_str()
    }

    /// The text under a key, for a check after the body itself was consumed.
    pub fn clone_text(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// The body, if it meets its schema. If not, `find_faults` looks for what no schema can say, and all is told at
    /// once, each place once.
    ///
    /// `find_faults` gets the body without its faulty fields, of which the required ones have the values of the
    /// schema's example. So nothing of it may be stored; only the faults that it fails with count. A body that meets
    /// its schema goes on: what is made of it finds the other faults.
    pub async fn check(self, find_faults: impl AsyncFnOnce(T) -> Result<()>) -> Result<T> {
        let checker = checker::<T>()?;
        let mut faults = self.faults;
        faults.extend(checker.faults(&self.value));
        if faults.is_empty() {
            return into_type(self.value);
        }
        let mended = checker.mend(&self.value, &faults);
        if let Some(mended) = mended.and_then(|mended| into_type(mended).ok())
            && let Err(Error::Faults(_, more)) = find_faults(mended).await
        {
            let is_new = |fault: &Fault| faults.iter().all(|known| known.at != fault.at);
            let more: Vec<Fault> = more.into_iter().filter(is_new).collect();
            faults.extend(more);
        }
        Error::body(faults)?;
        Err(Error::Internal(anyhow::anyhow!("faults that are none")))
    }
}

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for Unchecked<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(req: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let reading = read_body(req, payload);
        Box::pin(async move {
            let (value, faults) = reading.await?;
            Ok(Self { value, faults, kind: PhantomData })
        })
    }
}

/// The value of a body that is labelled as JSON, and not larger than the operation takes; with the faults of its text.
fn read_body(
    req: &HttpRequest,
    payload: &mut dev::Payload,
) -> impl Future<Output = Result<(Value, Vec<Fault>)>> + 'static {
    let labelled = check_labels(req);
    let named = req.headers().contains_key(IDEMPOTENCY_KEY).then(|| req.clone());
    let limit = Matched::of(req).and_then(|matched| match matched.operation().body {
        RequestBody::Json { max_bytes } => Ok(max_bytes),
        other => Err(Error::Internal(anyhow::anyhow!("the entry says {other:?} of a JSON body"))),
    });
    let app = req.app_data::<Data<App>>().cloned();
    let payload = Payload::from_request(req, payload);
    async move {
        labelled?;
        let limit = limit?;
        let payload =
            payload.await.map_err(|cause| Error::Refused(Code::BadRequest, cause.to_string().into()))?;
        let bytes = tokio::time::timeout(BODY_ARRIVAL_TIMEOUT, payload.to_bytes_limited(limit))
            .await
            .map_err(|_| Error::Refused(Code::RequestTimeout, "The body took too long to arrive.".into()))?
            .map_err(|_| {
                Error::Refused(Code::PayloadTooLarge, Sentence::from(BODY_TOO_LARGE).with("max", limit))
            })?
            .map_err(|cause| {
                tracing::debug!(%cause, "A body ended early");
                Error::Refused(Code::BadRequest, "The body ended early.".into())
            })?;
        if let Some(req) = named {
            req.extensions_mut().insert(BodyDigest(Sha256::digest(&bytes).to_vec()));
        }
        match app.filter(|_| bytes.len() > MAX_INLINE_BYTES) {
            // Readers whose connections are on this thread do not wait for it.
            Some(app) => Ok(app.renderers.run(move || json::parse(&bytes)).await??),
            None => Ok(json::parse(&bytes)?),
        }
    }
}

/// A digest of the body of a request that has an `Idempotency-Key`.
struct BodyDigest(Vec<u8>);

/// Notes the digest of a body that was read in another way than as JSON.
pub fn note_digest(req: &HttpRequest, digest: Vec<u8>) {
    req.extensions_mut().insert(BodyDigest(digest));
}

/// The digest of the body of `req`, which has an `Idempotency-Key`. Empty without a body.
pub fn digest_of(req: &HttpRequest) -> Vec<u8> {
    req.extensions().get::<BodyDigest>().map(|digest| digest.0.clone()).unwrap_or_default()
}

fn check_labels(req: &HttpRequest) -> Result<()> {
    let refused = |detail: &str| Err(Error::Refused(Code::UnsupportedMediaType, detail.into()));
    if req.headers().contains_key(CONTENT_ENCODING) {
        return refused("Send the body as it is, without Content-Encoding.");
    }
    let label = req.headers().get(CONTENT_TYPE).and_then(|label| label.to_str().ok()).unwrap_or_default();
    let label = label.to_ascii_lowercase();
    let (essence, parameters) = label.split_once(';').unwrap_or((&label, ""));
    let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
    if charset.is_some_and(|charset| charset.trim_matches('"') != "utf-8") {
        return refused("Send the body as UTF-8.");
    }
    match essence.trim() {
        "application/json" | "application/merge-patch+json" => Ok(()),
        _ => refused("Send JSON, labelled `Content-Type: application/json`."),
    }
}

/// The `T` in `value`, if it meets the schema of `T`; all faults at once, with those already found.
pub fn checked<T: DeserializeOwned + ToSchema + 'static>(value: Value, mut faults: Vec<Fault>) -> Result<T> {
    faults.extend(checker::<T>()?.faults(&value));
    Error::body(faults)?;
    into_type(value)
}

/// The `T` in `value`, which meets the schema of `T`.
fn into_type<T: DeserializeOwned>(value: Value) -> Result<T> {
    let value = with_whole_numbers(value);
    serde_json::from_value(value).map_err(|cause| {
        // The schema let through what the type does not take: our fault, yet the client must know.
        tracing::warn!(body = type_name::<T>(), %cause, "A schema is wider than its type");
        Error::Refused(Code::InvalidBody, "The body is not valid.".into())
    })
}

/// Writes the numbers of a body's own fields that are whole as integers: to JSON Schema
/// `7.0` is one. What lies deeper is the client's, and stays as it was sent.
fn with_whole_numbers(mut value: Value) -> Value {
    for (_, field) in value.as_object_mut().into_iter().flatten() {
        if let Some(number) = field.as_f64().filter(|number| field.is_f64() && number.fract() == 0.0)
            && let Ok(whole) = format!("{number:.0}").parse::<i64>()
        {
            *field = whole.into();
        }
    }
    value
}

/// The checker of `T`.
fn checker<T: ToSchema + 'static>() -> Result<Arc<Checker>> {
    static CHECKERS: Compiled<TypeId, Checker> = Compiled::new(Default::default);
    compiled(&CHECKERS, TypeId::of::<T>(), Checker::of::<T>)
}
