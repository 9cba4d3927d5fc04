//! The HTTP body of an import: its format, and a blocking reader of its bytes.

use std::io::{self, Read};
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::{HttpRequest, rt, web};
use encoding_rs::Encoding;
use tokio::sync::mpsc;

use super::csv_columns::ColumnMapping;
use super::params::ImportParams;
use super::rows::Format;
use crate::config::charsets::{find_charset, suggest_charsets};
use crate::error::{Code, Error, Fault, Result};
use crate::http::slow_body::SlowBody;
use crate::interchange::decode::Compression;

/// The rest of the body of an import that has stopped is discarded for this long.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(30);
/// Chunks that wait to be read. Receiving pauses while the queue is full.
const MAX_QUEUED_CHUNKS: usize = 16;

/// The format of a request's body.
pub struct PayloadFormat {
    /// The format of its rows.
    pub format: Format,
    /// Its compression.
    pub compression: Compression,
    /// Its character set, if the request names one. Else a byte-order mark does, or it is UTF-8.
    pub encoding: Option<&'static Encoding>,
}

impl PayloadFormat {
    /// Reads the format from the headers and parameters. Returns 415 for unsupported formats.
    pub fn from_request(
        req: &HttpRequest,
        params: &ImportParams,
        known_keys: &'static [&'static str],
    ) -> Result<Self> {
        let header =
            |name| req.headers().get(name).and_then(|header| header.to_str().ok()).unwrap_or_default();
        let content_type = header(CONTENT_TYPE).to_ascii_lowercase();
        let (media_type, parameters) = content_type.split_once(';').unwrap_or((&content_type, ""));
        let charset = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            (name.trim() == "charset").then(|| value.trim().trim_matches('"'))
        });
        let unsupported = |detail: &str| Error::Refused(Code::UnsupportedMediaType, detail.into());
        let encoding = match (params.encoding.as_deref(), charset) {
            (Some(name), _) => Some(find_charset(name).ok_or_else(|| {
                let fault = Fault::parameter("encoding", Code::InvalidParameter, "unknown character set");
                let fault = fault.suggest(suggest_charsets(name).first().copied());
                Error::Faults(fault.code, vec![fault])
            })?),
            (None, Some(name)) => {
                Some(find_charset(name).ok_or_else(|| unsupported("The charset is unknown."))?)
            }
            (None, None) => None,
        };
        let compression = match header(CONTENT_ENCODING).trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Compression::Identity,
            "gzip" | "x-gzip" => Compression::Gzip,
            "zstd" => Compression::Zstd,
            _ => return Err(unsupported("Send the body uncompressed, or as gzip or zstd.")),
        };
        let format = find_format(media_type.trim(), params.parse_columns()?.with_known_keys(known_keys));
        let format = format
            .ok_or_else(|| unsupported("Send rows as application/x-ndjson, application/json or text/csv."))?;
        Ok(Self { format, compression, encoding })
    }
}

/// Finds the row format of a media type.
fn find_format(media_type: &str, columns: ColumnMapping) -> Option<Format> {
    match media_type {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Format::Ndjson),
        "application/json" => Some(Format::Json),
        "text/csv" => Some(Format::Csv(columns)),
        _ => None,
    }
}

/// Reads the bytes of a body, on a thread that may block.
///
/// Fails with `ConnectionAborted` if the client disconnects early, and with `TimedOut` if
/// nothing arrives for 30 seconds, or less than 6,000 bytes in a minute.
pub struct PayloadReader {
    chunks: mpsc::Receiver<io::Result<web::Bytes>>,
    current: web::Bytes,
}

impl PayloadReader {
    /// Starts to receive `payload`, as fast as it is read.
    pub fn new(payload: web::Payload) -> Self {
        let (sender, chunks) = mpsc::channel(MAX_QUEUED_CHUNKS);
        rt::spawn(async move {
            let mut body = SlowBody::new(payload);
            while let Some(chunk) = body.next().await {
                let is_last = chunk.is_err();
                if sender.send(chunk).await.is_err() {
                    // The import has stopped. Discard the rest of the body, so that the client
                    // reads the response.
                    body.discard(DISCARD_TIMEOUT).await;
                    return;
                }
                if is_last {
                    return;
                }
            }
        });
        Self { chunks, current: web::Bytes::new() }
    }
}

impl Read for PayloadReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => self.current = chunk?,
            }
        }
        let length = into.len().min(self.current.len());
        into[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}
