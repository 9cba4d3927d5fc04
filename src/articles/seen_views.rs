//! Who has been counted as a reader of which article, for a while.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use isbot::Bots;
use lru::LruCache;
use uuid::Uuid;

use crate::http::client::Client;

/// Readers remembered at most: some 10 MB. Beyond, those longest ago are forgotten, and counted again.
const MAX_REMEMBERED: NonZeroUsize = NonZeroUsize::new(100_000).expect("100,000 is not zero");

/// Counts a client once for an article within a window of time.
///
/// A client is a network and a user agent. Only a digest of both is kept, in memory, under a key
/// that ends with the process.
pub struct SeenViews {
    window: Duration,
    key: RandomState,
    seen: Mutex<LruCache<u64, Instant>>,
    bots: Bots,
}

impl SeenViews {
    /// Remembers clients for `window`. With a window of zero every view counts.
    pub fn new(window: Duration) -> Self {
        Self {
            window,
            key: RandomState::new(),
            seen: Mutex::new(LruCache::new(MAX_REMEMBERED)),
            bots: Bots::default(),
        }
    }

    /// Whether a view of `article` by `client` counts: not by a known bot, nor again within the window.
    pub fn counts(&self, client: &Client, article: Uuid) -> bool {
        if self.bots.is_bot(&client.device) {
            return false;
        }
        if self.window.is_zero() {
            return true;
        }
        let reader = self.key.hash_one(Reader { network: &client.network, device: &client.device, article });
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.peek(&reader).is_some_and(|at| now.duration_since(*at) < self.window) {
            return false;
        }
        seen.put(reader, now);
        true
    }
}

#[derive(Hash)]
struct Reader<'c> {
    network: &'c str,
    device: &'c str,
    article: Uuid,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(network: &str, device: &str) -> Client {
        Client { network: network.to_owned(), device: device.to_owned() }
    }

    #[test]
    fn a_client_counts_once_for_each_article() {
        let seen = SeenViews::new(Duration::from_secs(600));
        let (one, other) = (client("10.0.0.1", "Firefox"), client("10.0.0.1", "Safari"));
        let [first, second] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        assert!(seen.counts(&one, first));
        assert!(!seen.counts(&one, first));
        assert!(seen.counts(&one, second) && seen.counts(&other, first));
    }

    #[test]
    fn without_a_window_every_view_counts_but_those_of_bots() {
        let seen = SeenViews::new(Duration::ZERO);
        let reader =
            client("10.0.0.1", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
        assert!(seen.counts(&reader, Uuid::nil()) && seen.counts(&reader, Uuid::nil()));
        for bot in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
            "Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)",
        ] {
            assert!(!seen.counts(&client("10.0.0.1", bot), Uuid::nil()), "{bot}");
        }
    }

    #[test]
    fn a_crowd_does_not_fill_the_memory() {
        let seen = SeenViews::new(Duration::from_secs(600));
        for number in 0..MAX_REMEMBERED.get() as u128 + 10 {
            assert!(seen.counts(&client("10.0.0.1", "Firefox"), Uuid::from_u128(number)));
        }
        assert_eq!(seen.seen.lock().unwrap().len(), MAX_REMEMBERED.get());
    }
}
