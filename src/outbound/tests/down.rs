//! Hosts that are down, or seem to be.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::Instant;

use super::script::{Record, SECOND, addresses, collect, script, status, timed_out, without_interval};
use super::server::url;
use crate::outbound::error::FetchError;
use crate::outbound::guard::UrlRefusal;
use crate::outbound::polite::{PoliteFetcher, PoliteSettings};

#[tokio::test(start_paused = true)]
async fn a_host_that_is_down_is_given_up_and_the_others_are_not() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(without_interval());
    let attempt = script(&record, SECOND, |url, _| match url.host_str() {
        Some("down.test") => Err(timed_out(url)),
        _ => Ok(()),
    });
    let fetched = collect(&fetcher, addresses(&["down.test", "up.test"], 100), &attempt).await;
    assert_eq!(fetched.len(), 200);
    let (mut tried, mut given_up) = (0, 0);
    for (key, result) in &fetched {
        match result {
            Ok(()) => assert!(key.starts_with("up.test"), "{key}"),
            Err(FetchError::TimedOut { .. }) => tried += 1,
            Err(FetchError::HostGivenUp { host, .. }) => {
                assert_eq!(host, "down.test");
                given_up += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(tried + given_up, 100);
    assert!(given_up >= 97, "{given_up}");
    let all_starts = record.lock().unwrap().starts.clone();
    let starts: Vec<Instant> =
        all_starts.iter().filter(|(url, _)| url.host_str() == Some("down.test")).map(|(_, at)| *at).collect();
    // The tenth failure decides; another try may be under way then.
    assert!((10..=11).contains(&starts.len()), "{}", starts.len());
    // A host that only restarts is given the time to do so.
    assert!(starts[9] - starts[0] >= 30 * SECOND);
    let failure = fetcher.fetch(&url("http://down.test/more"), attempt).await.unwrap_err();
    let sentence =
        "down.test was given up after too many failures in a row; the last: down.test took too long";
    assert_eq!(failure.to_string(), sentence);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_between_keeps_a_host_from_being_given_up() {
    for answer in [None, Some(StatusCode::NOT_FOUND), Some(StatusCode::TOO_MANY_REQUESTS)] {
        let record: Arc<Mutex<Record>> = Arc::default();
        let settings = PoliteSettings { max_tries: 1, max_host_failures: 3, ..without_interval() };
        let fetcher = PoliteFetcher::new(settings);
        let attempt = script(&record, Duration::ZERO, move |url, number| match answer {
            _ if number % 3 != 0 => Err(timed_out(url)),
            Some(code) => Err(status(url, code, None)),
            None => Ok(()),
        });
        collect(&fetcher, addresses(&["a.test"], 30), &attempt).await;
        assert_eq!(record.lock().unwrap().starts.len(), 30, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_other_hosts_and_of_our_own_are_not_counted() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let settings = PoliteSettings { max_tries: 1, max_host_failures: 2, ..without_interval() };
    let fetcher = PoliteFetcher::new(settings);
    let attempt = script(&record, Duration::ZERO, |_, number| match number % 3 {
        // The host answered: it redirected to one that is down.
        0 => Err(FetchError::TimedOut { host: "elsewhere.test".to_owned() }),
        1 => Err(FetchError::NotWritten(std::io::ErrorKind::StorageFull.into())),
        _ => Err(FetchError::RefusedUrl(UrlRefusal::Scheme)),
    });
    collect(&fetcher, addresses(&["a.test"], 30), &attempt).await;
    assert_eq!(record.lock().unwrap().starts.len(), 30);
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_of_a_host_does_not_clear_its_failures() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let settings =
        PoliteSettings { max_tries: 1, max_host_failures: 3, max_parallel_per_host: 1, ..without_interval() };
    let fetcher = PoliteFetcher::new(settings);
    let attempt = script(&record, Duration::ZERO, |url, number| match number % 2 {
        0 => Err(FetchError::NotWritten(std::io::ErrorKind::StorageFull.into())),
        _ => Err(timed_out(url)),
    });
    collect(&fetcher, addresses(&["a.test"], 30), &attempt).await;
    assert_eq!(record.lock().unwrap().starts.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_address_that_shows_that_a_host_is_down_is_not_tried_again() {
    let record: Arc<Mutex<Record>> = Arc::default();
    let fetcher = PoliteFetcher::new(PoliteSettings { max_host_failures: 2, ..without_interval() });
    let attempt = script(&record, SECOND, |url, _| Err(timed_out(url)));
    let begun = Instant::now();
    let failure = fetcher.fetch(&url("http://a.test/"), attempt).await.unwrap_err();
    assert!(matches!(failure, FetchError::TimedOut { .. }), "{failure:?}");
    assert_eq!(record.lock().unwrap().starts.len(), 2);
    // Two tries and the pause between them.
    assert!(begun.elapsed() < 7 * SECOND);
}
