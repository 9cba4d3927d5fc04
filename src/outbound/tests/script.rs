//! Fetches that only take their time, and what became of them.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::StatusCode;
use tokio::time::{Instant, sleep};
use url::Url;

use super::server::url;
use crate::outbound::error::FetchError;
use crate::outbound::polite::{PoliteFetcher, PoliteSettings};

pub const SECOND: Duration = Duration::from_secs(1);

/// Settings without pauses between fetches.
pub fn without_interval() -> PoliteSettings {
    PoliteSettings { min_interval: Duration::ZERO, ..PoliteSettings::default() }
}

pub fn timed_out(url: &Url) -> FetchError {
    FetchError::TimedOut { host: url.host_str().unwrap().to_owned() }
}

pub fn status(url: &Url, status: StatusCode, retry_after: Option<u64>) -> FetchError {
    let host = url.host_str().unwrap().to_owned();
    FetchError::Status { host, status, retry_after: retry_after.map(Duration::from_secs) }
}

/// Addresses of hosts, with their path as key.
pub fn addresses(hosts: &[&str], count: usize) -> Vec<(String, Url)> {
    let paths = (0..count).flat_map(|i| hosts.iter().map(move |host| format!("{host}/{i}")));
    paths.map(|path| (path.clone(), url(&format!("http://{path}")))).collect()
}

/// What happened to fetches, and when.
#[derive(Default)]
pub struct Record {
    pub starts: Vec<(Url, Instant)>,
    running: HashMap<String, usize>,
    pub max_running: usize,
    pub max_running_of_host: usize,
}

impl Record {
    fn begin(&mut self, url: &Url) {
        self.starts.push((url.clone(), Instant::now()));
        *self.running.entry(url.host_str().unwrap().to_owned()).or_default() += 1;
        self.max_running = self.max_running.max(self.running.values().sum());
        self.max_running_of_host = self.max_running_of_host.max(*self.running.values().max().unwrap());
    }

    fn end(&mut self, url: &Url) {
        *self.running.get_mut(url.host_str().unwrap()).unwrap() -= 1;
    }

    /// The times from each start to the next, in seconds.
    pub fn pauses(&self) -> Vec<f64> {
        self.starts.windows(2).map(|pair| (pair[1].1 - pair[0].1).as_secs_f64()).collect()
    }
}

pub type Attempt = Pin<Box<dyn Future<Output = Result<(), FetchError>> + Send>>;

/// A fetch that takes `duration` and then has the outcome that `outcome` finds for the number of the start, from 1.
pub fn script(
    record: &Arc<Mutex<Record>>,
    duration: Duration,
    outcome: impl Fn(&Url, usize) -> Result<(), FetchError> + Clone + Send + 'static,
) -> impl Fn(Url) -> Attempt {
    let record = record.clone();
    move |url| {
        let (record, outcome) = (record.clone(), outcome.clone());
        Box::pin(async move {
            record.lock().unwrap().begin(&url);
            let number = record.lock().unwrap().starts.len();
            sleep(duration).await;
            record.lock().unwrap().end(&url);
            outcome(&url, number)
        })
    }
}

pub async fn collect(
    fetcher: &PoliteFetcher,
    addresses: Vec<(String, Url)>,
    attempt: &impl Fn(Url) -> Attempt,
) -> HashMap<String, Result<(), FetchError>> {
    fetcher.fetch_all(addresses, attempt).collect().await
}
