//! Fetches many addresses without being a burden to their hosts.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{sleep, sleep_until};
use url::Url;

use super::error::FetchError;
use super::hosts::{Host, Start};

/// Settings of a [`PoliteFetcher`].
#[derive(Clone, Copy, Debug)]
pub struct PoliteSettings {
    /// Fetches at a time in all.
    pub max_parallel: usize,
    /// Fetches at a time of one host.
    pub max_parallel_per_host: usize,
    /// From the start of one fetch of a host to that of the next, at least.
    pub min_interval: Duration,
    /// Tries of one address, the first included.
    pub max_tries: usize,
    /// The pause before the second try. It doubles with each further one; up to as much again is added at random, so
    /// that addresses that failed together are not tried together.
    pub first_pause: Duration,
    /// The longest such pause, without what is added at random.
    pub max_pause: Duration,
    /// A host that asks to be left alone for longer (`Retry-After`) is left alone this long.
    pub max_retry_after: Duration,
    /// Failed tries in a row after which a host is given up, if they look as if it were down.
    pub max_host_failures: u32,
}

impl Default for PoliteSettings {
    /// Four fetches at a time, two of them of one host, four a second; a host that is down is given up after about
    /// half a minute.
    fn default() -> Self {
        Self {
            max_parallel: 4,
            max_parallel_per_host: 2,
            min_interval: Duration::from_millis(250),
            max_tries: 5,
            first_pause: Duration::from_secs(2),
            max_pause: Duration::from_secs(60),
            max_retry_after: Duration::from_secs(120),
            max_host_failures: 10,
        }
    }
}

/// Fetches addresses: few at a time, fewer of one host, with pauses, and again after a passing failure.
///
/// It remembers each host that it was asked for, so it should live as long as the work that needs it, not longer.
pub struct PoliteFetcher {
    settings: PoliteSettings,
    permits: Semaphore,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

impl PoliteFetcher {
    /// A fetcher that knows no host yet.
    pub fn new(settings: PoliteSettings) -> Self {
        Self { settings, permits: Semaphore::new(settings.max_parallel.max(1)), hosts: Mutex::default() }
    }

    /// Fetches many addresses. Yields each with its key as soon as it is done, in no order.
    ///
    /// Each host has a queue of its own, so that a slow one delays only its own addresses. The fetches go on
    /// only while the stream is polled: do long work with what it yields elsewhere. Dropping the stream ends all
    /// fetches. `attempt` fetches once, as in [`Self::fetch`]. Check the URLs by a [`super::guard::Guard`] before:
    /// those that it refuses would wait for their turns as others do.
    pub fn fetch_all<'f, K, T, F, Fut>(
        &'f self,
        addresses: Vec<(K, Url)>,
        attempt: &'f F,
    ) -> impl Stream<Item = (K, Result<T, FetchError>)> + 'f
    where
        K: 'f,
        T: 'f,
        F: Fn(Url) -> Fut,
        Fut: Future<Output = Result<T, FetchError>> + 'f,
    {
        let mut queues: HashMap<String, Vec<(K, Url)>> = HashMap::new();
        for (key, url) in addresses {
            queues.entry(url.host_str().unwrap_or_default().to_owned()).or_default().push((key, url));
        }
        let max_parallel = self.settings.max_parallel_per_host.max(1);
        let queues = queues.into_values().map(move |queue| {
            let fetches = queue
                .into_iter()
                .map(move |(key, url)| async move { (key, self.fetch(&url, attempt).await) });
            Box::pin(stream::iter(fetches).buffer_unordered(max_parallel))
        });
        stream::select_all(queues)
    }

    /// Fetches an address by `attempt`, again after each failure that may pass.
    ///
    /// `attempt` fetches once, from the beginning. While it runs it counts as one of the fetches at a time. Fails with
    /// the failure of the last try, or with [`FetchError::HostGivenUp`].
    pub async fn fetch<T, F, Fut>(&self, url: &Url, attempt: F) -> Result<T, FetchError>
    where
        F: Fn(Url) -> Fut,
        Fut: Future<Output = Result<T, FetchError>>,
    {
        let host = self.find_host(url);
        let mut pauses = self.build_pauses();
        loop {
            let failure = match self.try_once(&host, url, &attempt).await {
                Ok(fetched) => return Ok(fetched),
                Err(failure) => failure,
            };
            if !failure.is_retryable() || host.is_given_up() {
                return Err(failure);
            }
            let Some(pause) = pauses.next() else { return Err(failure) };
            sleep(pause).await;
        }
    }

    async fn try_once<T, F, Fut>(&self, host: &Host, url: &Url, attempt: &F) -> Result<T, FetchError>
    where
        F: Fn(Url) -> Fut,
        Fut: Future<Output = Result<T, FetchError>>,
    {
        // Neither semaphore is ever closed.
        let _turn = host.permits.acquire().await.ok();
        let _permit = self.wait_for_start(host).await?;
        let fetched = attempt(url.clone()).await;
        match &fetched {
            Ok(_) => host.record_success(),
            Err(failure) => {
                let PoliteSettings { max_host_failures, max_retry_after, .. } = self.settings;
                host.record_failure(failure, max_host_failures, max_retry_after);
            }
        }
        fetched
    }

    /// Waits until the host may be asked again, then for a permit. No permit is held while the host is waited for.
    async fn wait_for_start(&self, host: &Host) -> Result<Option<SemaphorePermit<'_>>, FetchError> {
        let mut next_start = host.find_next_start()?;
        loop {
            sleep_until(next_start).await;
            let permit = self.permits.acquire().await.ok();
            match host.start(self.settings.min_interval)? {
                Start::Now => return Ok(permit),
                Start::NotBefore(later) => next_start = later,
            }
        }
    }

    fn find_host(&self, url: &Url) -> Arc<Host> {
        let name = url.host_str().unwrap_or_default();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        match hosts.entry(name.to_owned()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => {
                new.insert(Arc::new(Host::new(name, self.settings.max_parallel_per_host))).clone()
            }
        }
    }

    fn build_pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::new()
            .with_min_delay(self.settings.first_pause)
            .with_max_delay(self.settings.max_pause)
            .with_max_times(self.settings.max_tries.saturating_sub(1))
            .with_jitter()
            .build()
    }
}
