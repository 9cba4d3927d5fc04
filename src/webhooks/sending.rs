//! One try of a delivery.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Response};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::signing::{SigningSecret, sign};
use crate::app::App;
use crate::outbound::download::read_retry_after;
use crate::outbound::error::FetchError;

/// How long a receiver may take to answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of an answer's body that are read, so that the connection can be used again.
const MAX_BODY_BYTES: usize = 64 << 10;
/// How long the body of an answer is read.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);
/// Characters of an error that are logged at most.
const MAX_ERROR_CHARS: usize = 1_000;
/// Headers of an answer that are logged at most.
const MAX_HEADERS: usize = 32;
/// Bytes of a header that are logged at most.
const MAX_HEADER_BYTES: usize = 256;
/// Headers that may hold secrets of the receiver, which are not logged.
const SECRET_HEADERS: &[&str] =
    &["set-cookie", "authorization", "authentication-info", "proxy-authenticate", "www-authenticate"];

/// What a try has come to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
    /// The status that the receiver answered with.
    pub status: Option<u16>,
    /// Why there was no answer, or what was wrong with it.
    pub error: Option<String>,
    /// How long the receiver wants to be left alone.
    pub retry_after: Option<Duration>,
    /// The head of the answer.
    pub response_headers: Value,
}

impl Outcome {
    /// Whether the receiver has taken the delivery.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the receiver wants no deliveries any more (Standard Webhooks 1.0.0, "410 Gone").
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// A message to a receiver.
pub struct Message<'m> {
    /// Where to.
    pub url: &'m str,
    /// The id, which is the same in all tries.
    pub id: Uuid,
    /// The body.
    pub body: &'m str,
    /// What it is signed with: the newest secret first.
    pub secrets: Vec<SigningSecret>,
}

/// Sends a message once.
pub async fn send(app: &App, message: &Message<'_>) -> Outcome {
    let (began, began_at) = (Instant::now(), app.now());
    let answered = match timeout(ANSWER_TIMEOUT, post(app, message, began_at.timestamp())).await {
        Ok(answered) => answered,
        Err(_) => Err(anyhow::anyhow!("the receiver took longer than {} seconds", ANSWER_TIMEOUT.as_secs())),
    };
    let mut outcome = Outcome {
        began_at,
        duration_ms: 0,
        status: None,
        error: None,
        retry_after: None,
        response_headers: Value::Object(Map::new()),
    };
    match answered {
        Ok(response) => {
            outcome.status = Some(response.status().as_u16());
            if matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                outcome.error = Some("the receiver redirects, which is not followed".to_owned());
            }
            outcome.retry_after = read_retry_after(response.headers());
            outcome.response_headers = write_headers(response.headers());
            read_rest(response, began + ANSWER_TIMEOUT).await;
        }
        Err(cause) => outcome.error = Some(cause.to_string().chars().take(MAX_ERROR_CHARS).collect()),
    }
    outcome.duration_ms = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
    outcome
}

async fn post(app: &App, message: &Message<'_>, timestamp: i64) -> anyhow::Result<Response> {
    let url = app.webhook_client.guard().parse_url(message.url)?;
    let id = message.id.to_string();
    let signature = sign(&message.secrets, &id, timestamp, message.body)?;
    let request = app
        .webhook_client
        .request(Method::POST, &url)?
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", signature)
        .body(message.body.to_owned());
    app.webhook_client.send(request).await.map_err(|cause| {
        if let FetchError::RefusedAddress { refusal, .. } = &cause {
            // The address may be one of an inner network: it is for the log alone.
            tracing::warn!(%refusal, "A webhook leads to an address that may not be reached");
        }
        cause.into()
    })
}

/// The head of an answer as it is logged.
fn write_headers(headers: &HeaderMap) -> Value {
    let shown = headers.iter().filter(|(name, _)| !SECRET_HEADERS.contains(&name.as_str()));
    let written = shown.take(MAX_HEADERS).map(|(name, value)| {
        let bytes = value.as_bytes();
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_HEADER_BYTES)]);
        // A database keeps no NUL, which no header can have.
        (name.as_str().to_owned(), Value::String(text.into_owned()))
    });
    Value::Object(written.collect())
}

/// Reads a short body to its end. What it says does not matter.
async fn read_rest(mut response: Response, deadline: Instant) {
    let reading = async {
        let mut left = MAX_BODY_BYTES;
        while let Ok(Some(chunk)) = response.chunk().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    // A body that does not end is dropped, and its connection with it.
    let _ = timeout_at(deadline.min(Instant::now() + BODY_TIMEOUT), reading).await;
}
