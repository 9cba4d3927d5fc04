//! Fetching many addresses. The clock is paused: it goes on when nothing else can.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::StatusCode;
use tokio::time::{Instant, sleep};
use url::Url;

use super::script::{
    Attempt, Record, SECOND, addresses, collect, script, status, timed_out, without_interval,
};
use super::server::{TestServer, fetch, head, ok, test_client, url};
use crate::outbound::polite::{PoliteFetcher, PoliteSettings};

#[tokio::test(start_paused = true)]
async fn four_run_at_a_time_and_two_of_a_host() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(without_interval());
    let attempt = script(&record, SECOND, |_, _| Ok(()));
    let fetched = collect(&fetcher, addresses(&["a.test", "b.test", "c.test"], 20), &attempt).await;
    assert_eq!(fetched.len(), 60);
    assert!(fetched.values().all(Result::is_ok));
    let record = record.lock().unwrap();
    assert_eq!((record.max_running, record.max_running_of_host), (4, 2));
    // Nothing was waited for that was free.
    assert_eq!((record.starts[59].1 - record.starts[0].1).as_secs(), 14);
}

#[tokio::test(start_paused = true)]
async fn single_fetches_keep_to_the_same_bounds() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(without_interval());
    let attempt = script(&record, SECOND, |_, _| Ok(()));
    let addresses = [addresses(&["a.test"], 10), addresses(&["b.test", "c.test"], 10)].concat();
    let fetches = addresses.iter().map(|(_, url)| fetcher.fetch(url, &attempt));
    futures_util::future::join_all(fetches).await;
    let record = record.lock().unwrap();
    assert_eq!(record.starts.len(), 30);
    assert_eq!((record.max_running, record.max_running_of_host), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn fetches_of_a_host_start_at_intervals() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(PoliteSettings { min_interval: SECOND, ..PoliteSettings::default() });
    let attempt = script(&record, Duration::from_millis(10), |_, _| Ok(()));
    collect(&fetcher, addresses(&["a.test"], 10), &attempt).await;
    for pause in record.lock().unwrap().pauses() {
        assert!((1.0..1.1).contains(&pause), "{pause}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_interval_is_kept_where_all_permits_are_taken() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let settings = PoliteSettings { max_parallel: 2, min_interval: SECOND, ..PoliteSettings::default() };
    let fetcher = PoliteFetcher::new(settings);
    // Both permits come free at once, when the interval of the host is long over.
    let attempt = script(&record, 10 * SECOND, |_, _| Ok(()));
    collect(&fetcher, addresses(&["a.test", "b.test", "c.test"], 6), &attempt).await;
    let record = record.lock().unwrap();
    for host in ["a.test", "b.test", "c.test"] {
        let starts: Vec<Instant> =
            record.starts.iter().filter(|(url, _)| url.host_str() == Some(host)).map(|(_, at)| *at).collect();
        assert_eq!(starts.len(), 6);
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= SECOND), "{host}: {starts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_may_pass_is_tried_again_after_growing_pauses() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(without_interval());
    let attempt = script(&record, Duration::ZERO, |url, number| match number {
        5 => Ok(()),
        _ => Err(status(url, StatusCode::INTERNAL_SERVER_ERROR, None)),
    });
    fetcher.fetch(&url("http://a.test/"), attempt).await.unwrap();
    let pauses = record.lock().unwrap().pauses();
    assert_eq!(pauses.len(), 4);
    for (pause, least) in pauses.iter().zip([2.0, 4.0, 8.0, 16.0]) {
        // A timer has a precision of a millisecond.
        assert!((least..=2.0 * least + 0.01).contains(pause), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn addresses_that_failed_together_are_not_tried_together() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(PoliteSettings { max_tries: 2, ..without_interval() });
    let attempt =
        script(&record, Duration::ZERO, |url, _| Err(status(url, StatusCode::INTERNAL_SERVER_ERROR, None)));
    let hosts: Vec<String> = (0..20).map(|i| format!("{i}.test")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    collect(&fetcher, addresses(&hosts, 1), &attempt).await;
    let starts = record.lock().unwrap().starts.clone();
    let mut second: Vec<Instant> = starts[20..].iter().map(|(_, at)| *at).collect();
    second.dedup();
    assert!(second.len() > 10, "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_told_after_five_tries() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(without_interval());
    let attempt = script(&record, Duration::ZERO, |url, number| match number {
        5 => Err(status(url, StatusCode::TOO_MANY_REQUESTS, None)),
        _ => Err(timed_out(url)),
    });
    let failure = fetcher.fetch(&url("http://a.test/"), attempt).await.unwrap_err();
    assert_eq!(failure.to_string(), "the server responded 429 Too Many Requests");
    assert_eq!(record.lock().unwrap().starts.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_stays_is_not_tried_again() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(without_interval());
    let attempt = script(&record, Duration::ZERO, |url, _| Err(status(url, StatusCode::NOT_FOUND, None)));
    assert!(fetcher.fetch(&url("http://a.test/"), attempt).await.is_err());
    assert_eq!(record.lock().unwrap().starts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_wants_to_be_left_alone_is_left_alone_with_all_its_addresses() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(without_interval());
    let attempt = script(&record, Duration::ZERO, |url, number| match number {
        1 => Err(status(url, StatusCode::TOO_MANY_REQUESTS, Some(90))),
        _ => Ok(()),
    });
    let (first, other, elsewhere) = (url("http://a.test/1"), url("http://a.test/2"), url("http://b.test/"));
    tokio::join!(biased;
        async { fetcher.fetch(&first, &attempt).await.unwrap() },
        async {
            sleep(SECOND).await;
            fetcher.fetch(&other, &attempt).await.unwrap();
        },
        async {
            sleep(SECOND).await;
            fetcher.fetch(&elsewhere, &attempt).await.unwrap();
        },
    );
    let record = record.lock().unwrap();
    let begun = record.starts[0].1;
    for (url, at) in &record.starts[1..] {
        let expected = if *url == elsewhere { 1 } else { 90 };
        assert_eq!((*at - begun).as_secs(), expected, "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_is_not_left_alone_for_longer_than_two_minutes() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(without_interval());
    let attempt = script(&record, Duration::ZERO, |url, number| match number {
        1 => Err(status(url, StatusCode::SERVICE_UNAVAILABLE, Some(1_000_000))),
        _ => Ok(()),
    });
    fetcher.fetch(&url("http://a.test/"), attempt).await.unwrap();
    assert_eq!(record.lock().unwrap().pauses()[0] as u64, 120);
}

#[tokio::test(start_paused = true)]
async fn a_slow_host_delays_only_its_own_addresses() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(without_interval());
    let fast = script(&record, Duration::from_millis(10), |_, _| Ok(()));
    let attempt = |url: Url| -> Attempt {
        if url.host_str() == Some("slow.test") { Box::pin(pending()) } else { fast(url) }
    };
    let mut list = addresses(&["slow.test"], 100);
    list.extend(addresses(&["fast.test"], 50));
    let fetched: Vec<_> = fetcher.fetch_all(list, &attempt).take(50).collect().await;
    assert!(fetched.iter().all(|(key, result)| key.starts_with("fast.test") && result.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_pauses_holds_no_permit() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let settings = PoliteSettings { max_parallel: 1, max_parallel_per_host: 1, ..without_interval() };
    let fetcher = PoliteFetcher::new(settings);
    let attempt = script(&record, Duration::ZERO, |url, number| match number {
        1 => Err(status(url, StatusCode::SERVICE_UNAVAILABLE, Some(100))),
        _ => Ok(()),
    });
    let begun = Instant::now();
    let (first, other) = (url("http://a.test/"), url("http://b.test/"));
    tokio::join!(biased;
        async { fetcher.fetch(&first, &attempt).await.unwrap() },
        async {
            // The pause of the address is over by then, that of its host is not.
            sleep(10 * SECOND).await;
            fetcher.fetch(&other, &attempt).await.unwrap();
            assert_eq!(begun.elapsed().as_secs(), 10);
        },
    );
    assert_eq!(begun.elapsed().as_secs(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_ends_its_fetches() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(without_interval());
    let attempt = script(&record, SECOND, |_, _| Ok(()));
    let fetched: Vec<_> = fetcher.fetch_all(addresses(&["a.test"], 10), &attempt).take(1).collect().await;
    assert_eq!(fetched.len(), 1);
    let started = record.lock().unwrap().starts.len();
    sleep(100 * SECOND).await;
    assert_eq!(record.lock().unwrap().starts.len(), started);
    // The permits are free again.
    fetcher.fetch(&url("http://a.test/"), &attempt).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_by_the_real_client() {
    let asked = Mutex::new(0);
    let server = TestServer::start(move |_| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        if *asked < 3 { head("503 Service Unavailable", "Retry-After: 20\r\n") } else { ok("body") }
    });
    let server = server.await;
    let client = test_client();
    let fetcher = PoliteFetcher::new(PoliteSettings::default());
    let begun = Instant::now();
    let fetch_once = |url: Url| {
        let client = client.clone();
        async move { fetch(&client, &url).await }
    };
    let list = vec![("key", server.url("/a")), ("other", server.url("/b"))];
    let fetched: Vec<_> = fetcher.fetch_all(list, &fetch_once).collect().await;
    assert!(fetched.iter().all(|(_, result)| result.as_ref().unwrap().1 == b"body"));
    assert!(begun.elapsed() >= 20 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_fetcher_may_run_in_a_task() {
    let server = TestServer::start(|_| ok("body")).await;
    let (client, target) = (test_client(), server.url("/"));
    let task = tokio::spawn(async move {
        let fetcher = PoliteFetcher::new(PoliteSettings::default());
        let fetch_once = |url: Url| {
            let client = client.clone();
            async move { fetch(&client, &url).await }
        };
        let mut fetched = fetcher.fetch_all(vec![((), target)], &fetch_once);
        fetched.next().await.unwrap().1.unwrap().1
    });
    assert_eq!(task.await.unwrap(), b"body");
}
