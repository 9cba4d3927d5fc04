//! The body of an import over HTTP: its labels, and its bytes as they arrive.

use std::io::{self, Read};
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::{HttpRequest, rt, web};
use encoding_rs::Encoding;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::params::ImportParams;
use super::rows::{Columns, Format};
use crate::error::{Code, Error, Fault, Result};
use crate::interchange::decode::Compression;

/// How long a body may make us wait for its next bytes.
const STALL: Duration = Duration::from_secs(30);
/// Chunks that wait to be read.
const WAITING: usize = 16;

/// What a request says of its body.
pub struct PayloadFormat {
    /// How rows are written.
    pub format: Format,
    /// How it is compressed.
    pub compression: Compression,
    /// Its character set, if that is said.
    pub encoding: Option<&'static Encoding>,
}

impl PayloadFormat {
    /// The labels of a request; 415 for those that no import takes.
    pub fn of(req: &HttpRequest, params: &ImportParams, known: &'static [&'static str]) -> Result<Self> {
        let label = |name| req.headers().get(name).and_then(|label| label.to_str().ok()).unwrap_or_default();
        let kind = label(CONTENT_TYPE).to_ascii_lowercase();
        let (essence, parameters) = kind.split_once(';').unwrap_or((&kind, ""));
        let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
        let charset = charset.map(|charset| charset.trim_matches('"'));
        let unsupported = |detail: &str| Error::Refused(Code::UnsupportedMediaType, detail.to_owned());
        let encoding = match (params.encoding.as_deref(), charset) {
            (Some(name), _) => Some(encoding(name).ok_or_else(|| {
                let fault = Fault::parameter("encoding", Code::InvalidParameter, "names no character set");
                Error::Faults(fault.code, vec![fault])
            })?),
            (None, Some(name)) => {
                Some(encoding(name).ok_or_else(|| unsupported("The charset is not a known one."))?)
            }
            (None, None) => None,
        };
        let compression = match label(CONTENT_ENCODING).trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Compression::Identity,
            "gzip" | "x-gzip" => Compression::Gzip,
            "zstd" => Compression::Zstd,
            _ => return Err(unsupported("Send the body as it is, or as gzip or zstd.")),
        };
        let format = format(essence.trim(), params.columns()?.of(known));
        let format = format.ok_or_else(|| {
            unsupported("Send rows, labelled application/x-ndjson, application/json or text/csv.")
        })?;
        Ok(Self { format, compression, encoding })
    }
}

/// The format with this media type.
fn format(media_type: &str, columns: Columns) -> Option<Format> {
    match media_type {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Format::Ndjson),
        "application/json" => Some(Format::Json),
        "text/csv" => Some(Format::Csv(columns)),
        _ => None,
    }
}

/// The character set of this name.
pub fn encoding(name: &str) -> Option<&'static Encoding> {
    Encoding::for_label(name.trim().as_bytes())
}

/// The bytes of a body, to be read on a thread that may wait for them.
///
/// Reading fails with `ConnectionAborted` when the client hangs up before the
/// end, and with `TimedOut` when nothing arrives for 30 seconds.
pub struct PayloadReader {
    chunks: mpsc::Receiver<io::Result<web::Bytes>>,
    current: web::Bytes,
}

impl PayloadReader {
    /// The bytes of `payload`, taken as fast as they are read.
    pub fn new(mut payload: web::Payload) -> Self {
        let (sender, chunks) = mpsc::channel(WAITING);
        rt::spawn(async move {
            loop {
                let chunk = match tokio::time::timeout(STALL, payload.next()).await {
                    Ok(None) => return,
                    Ok(Some(Ok(chunk))) => Ok(chunk),
                    Ok(Some(Err(_))) => Err(io::ErrorKind::ConnectionAborted.into()),
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                };
                let is_last = chunk.is_err();
                // Nobody reads on: what still arrives is let go, so that the client gets its answer.
                if sender.send(chunk).await.is_err() {
                    while let Ok(Some(Ok(_))) = tokio::time::timeout(STALL, payload.next()).await {}
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
