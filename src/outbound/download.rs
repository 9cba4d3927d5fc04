//! Downloads a file, with bounds on its size, its time and its speed.

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use url::Url;

use super::causes::explain_failure;
use super::client::OutboundClient;
use super::error::{FetchError, RedirectRefusal};

/// The speed of a download is judged each time that it was waited for this long.
const RATE_WINDOW: Duration = Duration::from_secs(10);
/// Of a declared media type at most this much is returned.
const MAX_CONTENT_TYPE_BYTES: usize = 255;
/// Of the name of an encoding at most this much is told.
const MAX_ENCODING_CHARS: usize = 40;

/// Bounds of a download.
#[derive(Clone, Copy, Debug)]
pub struct DownloadLimits {
    /// Bytes that the body may have.
    pub max_bytes: u64,
    /// How long the whole may take, redirects and writing included.
    pub timeout: Duration,
    /// Bytes per second that must come on average in each 10 s of waiting for the host. 0: any speed will do.
    pub min_rate: u64,
}

/// What was downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Where the file was in the end, after redirects.
    pub url: Url,
    /// The media type that the server declares. It proves nothing. At most 255 bytes.
    pub content_type: Option<String>,
    /// The size of the file, in bytes.
    pub bytes: u64,
}

impl OutboundClient {
    /// Downloads a file into `into`, which is flushed at the end.
    ///
    /// Redirects are followed, each checked as the first URL is, and never from `https` to `http`. Only the statuses
    /// 200 and 203 are a file. A file that ends before its declared size is an error; the end of a file without a
    /// declared size is the end of the connection (HTTP/1.0). After an error, `into` may hold the beginning of the
    /// file.
    pub async fn download(
        &self,
        url: &Url,
        into: &mut (impl AsyncWrite + Unpin),
        limits: DownloadLimits,
    ) -> Result<Downloaded, FetchError> {
        let whole = async {
            let (url, response) = self.get_following(url).await?;
            check_answer(&url, &response, limits)?;
            let content_type = read_content_type(response.headers());
            let bytes = copy_body(&url, response, into, limits).await?;
            Ok(Downloaded { url, content_type, bytes })
        };
        let host = || url.host_str().unwrap_or_default().to_owned();
        timeout(limits.timeout, whole).await.unwrap_or_else(|_| Err(FetchError::TimedOut { host: host() }))
    }

    /// Requests a URL, and then those that it redirects to. Returns the last URL and the head of its answer.
    async fn get_following(&self, url: &Url) -> Result<(Url, Response), FetchError> {
        let mut url = url.clone();
        let mut followed = 0;
        loop {
            let response = self.send(self.request(Method::GET, &url)?).await?;
            if !is_redirect(response.status()) {
                return Ok((url, response));
            }
            if self.max_redirects == 0 {
                return Err(RedirectRefusal::Disabled.into());
            }
            if followed == self.max_redirects {
                return Err(FetchError::TooManyRedirects { max_redirects: self.max_redirects });
            }
            url = self.read_redirect(&url, response.headers())?;
            followed += 1;
        }
    }

    /// Reads where a redirect leads to. Fails if it must not be followed.
    fn read_redirect(&self, from: &Url, headers: &HeaderMap) -> Result<Url, RedirectRefusal> {
        // Many servers send letters beyond ASCII as they are.
        let location = headers.get(LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
        let to = location.and_then(|location| from.join(location).ok()).ok_or(RedirectRefusal::Invalid)?;
        if let Err(cause) = self.guard().check_url(&to) {
            return Err(RedirectRefusal::Url { to: Box::new(to), cause });
        }
        if from.scheme() == "https" && to.scheme() != "https" {
            return Err(RedirectRefusal::Downgrade { to: Box::new(to) });
        }
        Ok(to)
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Checks the head of an answer. Fails if it announces no file, or one that is not wanted.
fn check_answer(url: &Url, response: &Response, limits: DownloadLimits) -> Result<(), FetchError> {
    let status = response.status();
    if !matches!(status.as_u16(), 200 | 203) {
        let host = url.host_str().unwrap_or_default().to_owned();
        return Err(FetchError::Status { host, status, retry_after: read_retry_after(response.headers()) });
    }
    if let Some(encoding) = find_encoding(response.headers()) {
        return Err(FetchError::Encoded { encoding });
    }
    if response.content_length().is_some_and(|bytes| bytes > limits.max_bytes) {
        return Err(FetchError::TooLarge { max_bytes: limits.max_bytes });
    }
    Ok(())
}

/// Finds the encoding of a body. Object stores keep `aws-chunked` from the upload; what they send is not encoded so.
fn find_encoding(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let mut values =
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase());
    let found = values.find(|value| !matches!(value.as_str(), "" | "identity" | "aws-chunked"))?;
    Some(found.chars().take(MAX_ENCODING_CHARS).collect())
}

/// Reads how long a server wants to be left alone: seconds, or a date (RFC 9110 §10.2.3). A date in the past is 0.
pub fn read_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

fn read_content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    // A header that is text has only ASCII, so that it can be cut anywhere.
    value.get(..value.len().min(MAX_CONTENT_TYPE_BYTES)).map(str::to_owned)
}

/// Copies a body, and counts it.
async fn copy_body(
    url: &Url,
    mut response: Response,
    into: &mut (impl AsyncWrite + Unpin),
    limits: DownloadLimits,
) -> Result<u64, FetchError> {
    let host = url.host_str().unwrap_or_default();
    let mut bytes: u64 = 0;
    let mut rate = RateMeter::default();
    loop {
        let asked = Instant::now();
        let Some(chunk) = response.chunk().await.map_err(|cause| explain_failure(host, cause))? else {
            break;
        };
        bytes += chunk.len() as u64;
        if bytes > limits.max_bytes {
            return Err(FetchError::TooLarge { max_bytes: limits.max_bytes });
        }
        if !rate.record(chunk.len() as u64, asked.elapsed(), limits.min_rate) {
            return Err(FetchError::TooSlow { min_rate: limits.min_rate });
        }
        into.write_all(&chunk).await.map_err(FetchError::NotWritten)?;
    }
    into.flush().await.map_err(FetchError::NotWritten)?;
    Ok(bytes)
}

/// Measures how fast a host sends. The time that its bytes take to be written does not count.
#[derive(Default)]
struct RateMeter {
    waited: Duration,
    bytes: u64,
}

impl RateMeter {
    /// Counts bytes and how long they were waited for. `false` if they came too slowly over the last window.
    fn record(&mut self, bytes: u64, waited: Duration, min_rate: u64) -> bool {
        self.bytes += bytes;
        self.waited += waited;
        if self.waited < RATE_WINDOW {
            return true;
        }
        let is_fast_enough = self.bytes as f64 >= min_rate as f64 * self.waited.as_secs_f64();
        *self = Self::default();
        is_fast_enough
    }
}
