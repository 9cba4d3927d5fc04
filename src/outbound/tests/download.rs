use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::io::AsyncWrite;

use super::server::{LIMITS, Step, TestServer, fetch, fetch_within, head, ok, send, test_client};
use crate::outbound::download::{DownloadLimits, read_retry_after};
use crate::outbound::error::FetchError;

/// Limits of `bytes`.
fn within(max_bytes: u64) -> DownloadLimits {
    DownloadLimits { max_bytes, ..LIMITS }
}

/// Downloads at most four bytes. Returns the failure, and what was written before it.
async fn fail(steps: Vec<Step>) -> (FetchError, Vec<u8>) {
    let server = TestServer::start(move |_| steps.clone()).await;
    let mut body = Vec::new();
    let fetched = test_client().download(&server.url("/"), &mut body, within(4)).await;
    (fetched.unwrap_err(), body)
}

#[tokio::test]
async fn a_file_comes_with_its_facts() {
    let steps =
        vec![send("HTTP/1.1 200 OK\r\nContent-Type: image/png; a=b\r\nContent-Length: 4\r\n\r\nbody")];
    let server = TestServer::start(move |_| steps.clone()).await;
    let (downloaded, body) = fetch_within(&test_client(), &server.url("/a.png"), within(4)).await.unwrap();
    assert_eq!(body, b"body");
    assert_eq!(downloaded.bytes, 4);
    assert_eq!(downloaded.url, server.url("/a.png"));
    assert_eq!(downloaded.content_type.as_deref(), Some("image/png; a=b"));
}

#[tokio::test]
async fn a_long_media_type_is_cut() {
    let kind = format!("Content-Type: {}\r\n", "a".repeat(5000));
    let server = TestServer::start(move |_| head("200 OK", &kind)).await;
    let (downloaded, _) = fetch(&test_client(), &server.url("/")).await.unwrap();
    assert_eq!(downloaded.content_type.unwrap().len(), 255);
}

#[tokio::test]
async fn a_body_that_is_declared_too_large_is_not_read() {
    let (failure, body) = fail(vec![send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), Step::Hold]).await;
    assert_eq!(failure.to_string(), "the file is larger than 4 bytes");
    assert!(!failure.is_retryable());
    assert!(body.is_empty());
}

#[tokio::test]
async fn a_body_of_undeclared_size_is_counted() {
    for steps in [
        // As long as the connection lasts.
        vec![send("HTTP/1.1 200 OK\r\n\r\n"), send("12345"), Step::Hold],
        vec![
            send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Step::Drip("2\r\n12\r\n", Duration::from_millis(1)),
        ],
    ] {
        let (failure, body) = fail(steps).await;
        assert!(matches!(failure, FetchError::TooLarge { max_bytes: 4 }), "{failure:?}");
        assert!(body.len() <= 4);
    }
}

#[tokio::test]
async fn a_body_without_end_uses_no_more_than_its_limit() {
    let endless = vec![send("HTTP/1.0 200 OK\r\n\r\n"), send(vec![b'a'; 8 << 20]), Step::Hold];
    let server = TestServer::start(move |_| endless.clone()).await;
    let mut body = Vec::new();
    let failure = test_client().download(&server.url("/"), &mut body, within(1 << 20)).await.unwrap_err();
    assert!(matches!(failure, FetchError::TooLarge { .. }), "{failure:?}");
    assert!(body.len() <= 1 << 20);
}

#[tokio::test]
async fn a_body_that_ends_too_early_is_lost() {
    let (failure, _) = fail(vec![send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n123")]).await;
    assert_eq!(failure.to_string(), "the connection to 127.0.0.1 was lost");
    assert!(failure.is_retryable());
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n";
    assert!(matches!(fail(vec![send(chunked)]).await.0, FetchError::ConnectionLost { .. }));
}

#[tokio::test]
async fn a_body_that_goes_on_is_cut_at_its_declared_size() {
    let steps = vec![send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1234567890")];
    let server = TestServer::start(move |_| steps.clone()).await;
    let client = test_client();
    assert_eq!(fetch_within(&client, &server.url("/"), within(4)).await.unwrap().1, b"12");
    // What was too much is not taken for the beginning of the next answer.
    assert_eq!(fetch_within(&client, &server.url("/"), within(4)).await.unwrap().1, b"12");
}

#[tokio::test]
async fn two_sizes_or_a_size_that_is_no_number_are_an_error() {
    for size in ["2\r\nContent-Length: 3", "99999999999999999999999", "-1", "0x4", "4 4"] {
        let (failure, _) =
            fail(vec![send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n12"))]).await;
        assert!(matches!(failure, FetchError::ConnectionLost { .. }), "{size}: {failure:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_an_error() {
    for text in ["SSH-2.0-OpenSSH_9.6\r\n", "\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "<html>", ""] {
        let (failure, _) = fail(vec![send(text)]).await;
        assert!(matches!(failure, FetchError::ConnectionLost { .. }), "{text:?}: {failure:?}");
    }
}

#[tokio::test]
async fn headers_without_end_are_an_error() {
    for header in ["A: b\r\n", "a"] {
        let (failure, _) =
            fail(vec![send("HTTP/1.1 200 OK\r\n"), send(header.repeat(1 << 20)), Step::Hold]).await;
        assert!(matches!(failure, FetchError::ConnectionLost { .. }), "{failure:?}");
    }
}

#[tokio::test]
async fn an_encoded_body_is_refused_and_not_unpacked() {
    for encoding in ["gzip", "GZIP", "br", "zstd", "deflate", "x-gzip", "identity, gzip"] {
        let headers =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 2\r\n\r\n\x1f\x01");
        let (failure, body) = fail(vec![send(headers)]).await;
        assert!(matches!(failure, FetchError::Encoded { .. }), "{encoding}: {failure:?}");
        assert!(!failure.is_retryable());
        assert!(body.is_empty());
    }
}

#[tokio::test]
async fn the_name_of_an_encoding_does_not_fill_a_report() {
    let (failure, _) = fail(head("200 OK", &format!("Content-Encoding: {}\r\n", "g".repeat(5000)))).await;
    assert!(failure.to_string().len() < 120, "{failure}");
}

#[tokio::test]
async fn a_compressed_file_stays_as_it_is() {
    let file = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for encoding in ["", "Content-Encoding: identity\r\n", "Content-Encoding: aws-chunked\r\n"] {
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\n{encoding}Content-Length: 20\r\n\r\n"
        )
        .into_bytes();
        answer.extend(file);
        let server = TestServer::start(move |_| vec![Step::Send(answer.clone())]).await;
        assert_eq!(fetch(&test_client(), &server.url("/")).await.unwrap().1, file);
    }
}

#[tokio::test]
async fn only_a_whole_file_is_taken() {
    for status in
        ["201 Created", "202 Accepted", "204 No Content", "205 Reset", "206 Partial Content", "404 Not Found"]
    {
        let (failure, body) = fail(head(status, "")).await;
        assert!(matches!(failure, FetchError::Status { .. }), "{status}: {failure:?}");
        assert!(!failure.is_retryable(), "{status}");
        assert!(body.is_empty());
    }
    let (failure, _) = fail(head("404 Not Found", "")).await;
    assert_eq!(failure.to_string(), "the server responded 404 Not Found");
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        let (failure, _) = fail(head(&format!("{status} X"), "Retry-After: 7\r\n")).await;
        assert!(failure.is_retryable(), "{status}");
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(7)), "{status}");
    }
    for status in [400, 401, 403, 404, 410, 451] {
        assert!(!fail(head(&format!("{status} X"), "")).await.0.is_retryable(), "{status}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let read = |text: &str| read_retry_after(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]));
    assert_eq!(read("120"), Some(Duration::from_secs(120)));
    assert_eq!(read(" 0 "), Some(Duration::ZERO));
    assert_eq!(read("99999999999999999999999"), Some(Duration::from_secs(u64::from(u32::MAX))));
    let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(1000));
    let found = read(&later).unwrap();
    assert!(found > Duration::from_secs(900) && found <= Duration::from_secs(1000), "{found:?}");
    assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
    for text in ["", "-1", "1.5", "soon", "Wed, 99 Oct 2015"] {
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(read_retry_after(&HeaderMap::new()), None);
}

/// A disk without space.
struct FullDisk;

impl AsyncWrite for FullDisk {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::StorageFull.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_no_fault_of_the_host() {
    let server = TestServer::start(|_| ok("body")).await;
    let failure = test_client().download(&server.url("/"), &mut FullDisk, LIMITS).await.unwrap_err();
    assert!(matches!(&failure, FetchError::NotWritten(cause) if cause.kind() == io::ErrorKind::StorageFull));
    assert!(!failure.is_retryable());
    assert_eq!(failure.find_down_host(), None);
}
