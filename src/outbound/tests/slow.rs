//! Peers that are slow on purpose. The clock is paused: it goes on when nothing else can.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep, sleep};

use super::server::{LIMITS, Step, TestServer, fetch, fetch_within, redirect, send, test_client, url};
use crate::outbound::download::DownloadLimits;
use crate::outbound::error::FetchError;

const SECOND: Duration = Duration::from_secs(1);

/// Downloads what a server sends. Returns the failure and the seconds until it.
async fn fail(steps: Vec<Step>, limits: DownloadLimits) -> (FetchError, u64) {
    let server = TestServer::start(move |_| steps.clone()).await;
    let begun = Instant::now();
    let failure = fetch_within(&test_client(), &server.url("/"), limits).await.unwrap_err();
    (failure, begun.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_answer_is_left() {
    let (failure, seconds) = fail(vec![Step::Hold], LIMITS).await;
    assert_eq!(failure.to_string(), "127.0.0.1 took too long");
    assert!(failure.is_retryable());
    assert_eq!(seconds, 30);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_stops_within_a_body_is_left() {
    let (failure, seconds) =
        fail(vec![send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234"), Step::Hold], LIMITS).await;
    assert!(matches!(failure, FetchError::TimedOut { .. }), "{failure:?}");
    assert_eq!(seconds, 30);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_drips_its_headers_is_left() {
    for drip in ["A", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
        let (failure, seconds) = fail(vec![send("HTTP/1.1 "), Step::Drip(drip, SECOND)], LIMITS).await;
        assert!(
            matches!(failure, FetchError::TimedOut { .. } | FetchError::ConnectionLost { .. }),
            "{failure:?}"
        );
        assert!(seconds <= 30, "{seconds}");
    }
    let (failure, seconds) = fail(vec![Step::Drip("HTTP/1.1 103 Early Hints\r\n\r\n", SECOND)], LIMITS).await;
    assert!(matches!(failure, FetchError::TimedOut { .. }), "{failure:?}");
    assert_eq!(seconds, 30);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_drips_its_body_is_left_after_ten_seconds() {
    let limits = DownloadLimits { min_rate: 100, ..LIMITS };
    let drip = vec![send("HTTP/1.1 200 OK\r\n\r\n"), Step::Drip("a", SECOND)];
    let (failure, seconds) = fail(drip, limits).await;
    assert_eq!(failure.to_string(), "the file came at less than 100 bytes per second");
    assert!(failure.is_retryable());
    assert!((10..=12).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_begins_fast_and_then_drips_is_left() {
    let limits = DownloadLimits { min_rate: 100, ..LIMITS };
    let steps = vec![send("HTTP/1.1 200 OK\r\n\r\n"), send(vec![b'a'; 100_000]), Step::Drip("a", SECOND)];
    let (failure, seconds) = fail(steps, limits).await;
    assert!(matches!(failure, FetchError::TooSlow { .. }), "{failure:?}");
    assert!((20..=24).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn the_whole_is_bounded_whatever_comes() {
    let limits = DownloadLimits { timeout: 60 * SECOND, ..LIMITS };
    let (failure, seconds) =
        fail(vec![send("HTTP/1.1 200 OK\r\n\r\n"), Step::Drip("a", SECOND)], limits).await;
    assert!(matches!(failure, FetchError::TimedOut { .. }), "{failure:?}");
    assert_eq!(seconds, 60);
}

#[tokio::test(start_paused = true)]
async fn redirects_count_against_the_whole() {
    let steps = [vec![Step::Wait(20 * SECOND)], redirect("/")].concat();
    let (failure, seconds) = fail(steps, DownloadLimits { timeout: 50 * SECOND, ..LIMITS }).await;
    assert!(matches!(failure, FetchError::TimedOut { .. }), "{failure:?}");
    assert_eq!(seconds, 50);
}

#[tokio::test(start_paused = true)]
async fn a_slow_but_steady_host_is_heard_out() {
    let steps = vec![
        send("HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"),
        Step::Drip("abcdefghij", Duration::from_secs(5)),
    ];
    let server = TestServer::start(move |_| steps.clone()).await;
    let limits = DownloadLimits { min_rate: 1, ..LIMITS };
    let begun = Instant::now();
    let (downloaded, _) = fetch_within(&test_client(), &server.url("/"), limits).await.unwrap();
    assert_eq!(downloaded.bytes, 200);
    assert!(begun.elapsed() >= 90 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_does_not_end_is_left() {
    let begun = Instant::now();
    let failure = fetch(&test_client(), &url("http://slow.test/")).await.unwrap_err();
    assert!(matches!(failure, FetchError::TimedOut { .. }), "{failure:?}");
    assert_eq!(begun.elapsed().as_secs(), 10);
}

/// A disk that takes its time with each write.
#[derive(Default)]
struct SlowDisk {
    sleep: Option<Pin<Box<Sleep>>>,
    writes: usize,
}

impl AsyncWrite for SlowDisk {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let pause = self.sleep.get_or_insert_with(|| Box::pin(sleep(20 * SECOND)));
        if pause.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.sleep = None;
        self.writes += 1;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_disk_is_not_taken_for_a_slow_host() {
    let steps = vec![send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), send(vec![b'a'; 1_000_000])];
    let server = TestServer::start(move |_| steps.clone()).await;
    let limits = DownloadLimits { max_bytes: 1 << 20, timeout: 10_000 * SECOND, min_rate: 1 << 20 };
    let mut disk = SlowDisk::default();
    let downloaded = test_client().download(&server.url("/"), &mut disk, limits).await.unwrap();
    assert_eq!(downloaded.bytes, 1_000_000);
    assert!(disk.writes > 1);
}
