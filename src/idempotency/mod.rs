//! Requests that act once however often they are sent (draft-ietf-httpapi-idempotency-key-header).
//!
//! A client names its request by an `Idempotency-Key`. The answer is stored in the transaction of
//! what the request did: both are there, or neither. A repetition gets the stored answer, also from
//! another process, and after a crash. A request that failed has stored nothing, and runs again.

pub mod queries;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, LOCATION};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::{IDEMPOTENCY_KEY, digest_of};
use crate::http::matched::Matched;
use crate::http::reply::Rendered;
use crate::tx::Tx;
use queries::Stored;

/// Characters of a key at most.
const MAX_KEY_CHARS: usize = 255;
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A request that its client has named.
#[derive(Clone, Debug)]
pub struct NamedRequest {
    /// Who sent it: names of two callers have nothing to do with each other.
    caller: Uuid,
    key: String,
    digest: Vec<u8>,
}

impl NamedRequest {
    /// The name of `req`, which `caller` sent; `None` without an `Idempotency-Key`.
    pub fn read(app: &App, req: &HttpRequest, caller: Uuid) -> Result<Option<Self>> {
        let matched = Matched::of(req)?;
        let operation = matched.operation();
        if !operation.takes_idempotency_key {
            let id = operation.id;
            return Err(Error::Internal(anyhow::anyhow!("{id}: the entry takes no Idempotency-Key")));
        }
        let Some(key) = req.headers().get(IDEMPOTENCY_KEY) else { return Ok(None) };
        let key = key.to_str().unwrap_or_default();
        let is_plain = key.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain || !(1..=MAX_KEY_CHARS).contains(&key.len()) {
            let detail = "must be 1 to {max} visible ASCII characters";
            let fault = Fault::parameter("Idempotency-Key", Code::InvalidParameter, detail);
            let fault = fault.with("max", MAX_KEY_CHARS);
            return Err(Error::Faults(fault.code, vec![fault]));
        }
        let body = digest_of(req);
        let digest = app.keys.seal(&[req.method().as_str().as_bytes(), req.path().as_bytes(), &body]);
        Ok(Some(Self { caller, key: key.to_owned(), digest }))
    }
}

/// Runs `work` in a transaction, as [`App::write`] does; a named request acts once.
///
/// Fails with 409 while the same request is being worked on, with 422 if its name was given to
/// another request.
pub async fn write_once<F>(app: &App, named: Option<NamedRequest>, work: F) -> Result<Rendered>
where
    F: AsyncFn(&mut Tx) -> Result<Rendered> + 'static,
{
    app.write(async move |tx| {
        let Some(named) = &named else { return work(tx).await };
        if let Some(stored) = find_answer(tx, named).await? {
            return Ok(replay(stored));
        }
        let answer = work(tx).await?;
        queries::store_answer(tx, named.caller, &named.key, &named.digest, &answer).await?;
        Ok(answer)
    })
    .await
}

/// The answer that the request has had before, if it has.
async fn find_answer(tx: &Tx, named: &NamedRequest) -> Result<Option<Stored>> {
    let (is_alone, stored) = queries::claim(tx, named.caller, &named.key).await?;
    if !is_alone {
        return Err(Error::Refused(
            Code::IdempotencyInFlight,
            "A request with this Idempotency-Key is still being worked on.".into(),
        ));
    }
    match stored {
        Some(stored) if stored.digest != named.digest => Err(Error::Refused(
            Code::IdempotencyMismatch,
            "This Idempotency-Key was sent with another request.".into(),
        )),
        other => Ok(other),
    }
}

fn replay(stored: Stored) -> Rendered {
    let mut headers = vec![(IDEMPOTENCY_REPLAYED, "true".to_owned())];
    headers.extend(stored.location.map(|location| (LOCATION, location)));
    Rendered::stored(stored.status, headers, stored.etag, stored.body, stored.language)
}
