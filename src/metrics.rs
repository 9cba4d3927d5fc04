//! Numbers of this process, for Prometheus.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, Result, TextEncoder,
};

use crate::db::pool::PoolStatus;

/// The media type of the text format.
pub const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;
/// The operation of requests that no operation takes.
const NO_OPERATION: &str = "none";
/// The upper bounds of the durations that are counted, in seconds.
const DURATION_BOUNDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0];

/// What is looked up when the numbers are asked for.
#[derive(Debug)]
pub struct State {
    /// The pools by their names.
    pub pools: Vec<(&'static str, PoolStatus)>,
    /// Mails that wait to be sent; `None` if the database does not say.
    pub pending_mails: Option<i64>,
    /// How long ago the last completed look at the change log began.
    pub follower_lag: Duration,
    /// Seconds by which the database's clock is ahead.
    pub clock_skew: f64,
    /// The search index.
    pub search: SearchState,
    /// Bytes of the files of the search index.
    pub search_bytes: u64,
}

/// The search index at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchState {
    /// Whether it can be asked.
    pub is_ready: bool,
    /// Articles and notices in it.
    pub documents: u64,
    /// Articles and notices that are left out until it has their changes.
    pub touched: usize,
    /// How long ago the last completed look at the change log began.
    pub lag: Option<Duration>,
}

/// Numbers of the search index.
struct SearchNumbers {
    ready: IntGauge,
    documents: IntGauge,
    bytes: IntGauge,
    touched: IntGauge,
    lag: Gauge,
}

impl SearchNumbers {
    fn new(register: &Registering) -> Result<Self> {
        let touched = "Articles and notices that searches leave out until the index has their changes.";
        let lag = "Time since the last completed look of the search index at the change log began.";
        Ok(Self {
            ready: register.gauge("inkstone_search_ready", "Whether the search index can be asked.")?,
            documents: register
                .gauge("inkstone_search_documents", "Articles and notices in the search index.")?,
            bytes: register.gauge("inkstone_search_bytes", "Bytes of the files of the search index.")?,
            touched: register.gauge("inkstone_search_touched", touched)?,
            lag: register.seconds("inkstone_search_lag_seconds", lag)?,
        })
    }

    fn set(&self, state: &SearchState, bytes: u64) {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.ready.set(state.is_ready.into());
        self.documents.set(number(state.documents));
        self.bytes.set(number(bytes));
        self.touched.set(number(state.touched as u64));
        self.lag.set(state.lag.map_or(f64::INFINITY, |lag| lag.as_secs_f64()));
    }
}

/// What the cache of ready answers counts.
#[derive(Clone)]
pub struct CacheNumbers {
    /// Answers from the cache.
    pub hits: IntCounter,
    /// Answers that could have been there, and were not.
    pub misses: IntCounter,
    /// Requests that waited for the answer to another one.
    pub waits: IntCounter,
    /// Answers that had to go for others.
    pub evictions: IntCounter,
    /// Answers that were stale before they were kept.
    pub dropped_fills: IntCounter,
    /// Answers that are there.
    pub entries: IntGauge,
    /// Bytes that they take.
    pub bytes: IntGauge,
    invalidations: IntCounterVec,
}

impl CacheNumbers {
    fn new(register: &Registering) -> Result<Self> {
        let invalidations = "Tags whose answers were dropped, by their kind.";
        Ok(Self {
            hits: register.counter("inkstone_cache_hits_total", "Answers from the cache.")?,
            misses: register
                .counter("inkstone_cache_misses_total", "Answers that were made for the cache.")?,
            waits: register.counter(
                "inkstone_cache_waits_total",
                "Requests that waited for the answer to another one.",
            )?,
            evictions: register
                .counter("inkstone_cache_evictions_total", "Answers that had to go for others.")?,
            dropped_fills: register.counter(
                "inkstone_cache_dropped_fills_total",
                "Answers that were stale before they were kept.",
            )?,
            entries: register.gauge("inkstone_cache_entries", "Answers in the cache.")?,
            bytes: register.gauge("inkstone_cache_bytes", "Bytes of the answers in the cache.")?,
            invalidations: register.counters(
                "inkstone_cache_invalidations_total",
                invalidations,
                &["kind"],
            )?,
        })
    }

    /// Counts a tag whose answers were dropped, by the kind before its colon.
    pub fn count_invalidation(&self, tag: &str) {
        let kind = tag.split(':').next().unwrap_or_default();
        self.invalidations.with_label_values(&[kind]).inc();
    }
}

/// The numbers of one operation and one status, looked up once.
#[derive(Clone)]
pub struct RequestNumbers {
    requests: IntCounter,
    durations: Histogram,
}

impl RequestNumbers {
    /// Counts an answered request.
    pub fn count(&self, duration: Duration) {
        self.requests.inc();
        self.durations.observe(duration.as_secs_f64());
    }
}

/// The numbers of a process.
pub struct Metrics {
    /// The cache of ready answers.
    pub cache: CacheNumbers,
    /// Variants of pictures that were made.
    pub variants_made: IntCounter,
    /// Clients that listen to changes.
    pub listeners: IntGauge,
    webhook_attempts: IntCounterVec,
    search: SearchNumbers,
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    import_rows: IntCounterVec,
    pool_in_use: IntGaugeVec,
    pool_waiting: IntGaugeVec,
    database_up: IntGauge,
    pending_mails: IntGauge,
    follower_lag: Gauge,
    clock_skew: Gauge,
}

impl Metrics {
    /// Registers all numbers.
    pub fn new() -> Result<Self> {
        let registry = Registry::new();
        let register = Registering(&registry);
        register.build_info()?;
        let skew = "Seconds by which the clock of the database is ahead of that of this process.";
        let lag = "Time since the last completed look at the change log began.";
        let waiting = "Tasks that wait for a database connection.";
        Ok(Self {
            cache: CacheNumbers::new(&register)?,
            variants_made: register
                .counter("inkstone_media_variants_total", "Variants of pictures that were made.")?,
            listeners: register.gauge("inkstone_event_listeners", "Clients that listen to changes.")?,
            webhook_attempts: register.counters(
                "inkstone_webhook_attempts_total",
                "Tries of deliveries to webhooks by their outcome.",
                &["outcome"],
            )?,
            search: SearchNumbers::new(&register)?,
            requests: register.counters(
                "inkstone_http_requests_total",
                "Answered requests.",
                &["operation", "status"],
            )?,
            durations: register.durations()?,
            import_rows: register.counters(
                "inkstone_import_rows_total",
                "Rows of imports by their outcome.",
                &["outcome"],
            )?,
            pool_in_use: register.gauges(
                "inkstone_pool_connections_in_use",
                "Database connections in use.",
                "pool",
            )?,
            pool_waiting: register.gauges("inkstone_pool_waiting", waiting, "pool")?,
            database_up: register.gauge("inkstone_database_up", "Whether the database answers.")?,
            pending_mails: register.gauge("inkstone_outbox_pending", "Mails that wait to be sent.")?,
            follower_lag: register.seconds("inkstone_follower_lag_seconds", lag)?,
            clock_skew: register.seconds("inkstone_clock_skew_seconds", skew)?,
            registry,
        })
    }

    /// Counts an answered request of `operation`.
    pub fn count_request(&self, operation: Option<&str>, status: u16, duration: Duration) {
        self.find_numbers(operation.unwrap_or(NO_OPERATION), status).count(duration);
    }

    /// The numbers of an operation and a status.
    pub fn find_numbers(&self, operation: &str, status: u16) -> RequestNumbers {
        RequestNumbers {
            requests: self.requests.with_label_values(&[operation, &status.to_string()]),
            durations: self.durations.with_label_values(&[operation]),
        }
    }

    /// Counts a row of an import.
    pub fn count_import_row(&self, outcome: &str) {
        self.import_rows.with_label_values(&[outcome]).inc();
    }

    /// Counts a try of a delivery to a webhook.
    pub fn count_webhook_attempt(&self, is_success: bool) {
        let outcome = if is_success { "delivered" } else { "failed" };
        self.webhook_attempts.with_label_values(&[outcome]).inc();
    }

    /// Writes all numbers in the text format.
    pub fn render(&self, state: &State) -> Result<Vec<u8>> {
        for (pool, status) in &state.pools {
            let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
            self.pool_in_use.with_label_values(&[*pool]).set(number(status.in_use));
            self.pool_waiting.with_label_values(&[*pool]).set(number(status.waiting));
        }
        self.database_up.set(state.pending_mails.is_some().into());
        if let Some(mails) = state.pending_mails {
            self.pending_mails.set(mails);
        }
        self.follower_lag.set(state.follower_lag.as_secs_f64());
        self.clock_skew.set(state.clock_skew);
        self.search.set(&state.search, state.search_bytes);
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// Makes numbers and registers them.
struct Registering<'r>(&'r Registry);

impl Registering<'_> {
    fn build_info(&self) -> Result<()> {
        let build = self.gauges("inkstone_build_info", "The version of this build.", "version")?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(())
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter> {
        self.add(IntCounter::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauges(&self, name: &str, help: &str, label: &str) -> Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(Opts::new(name, help), &[label])?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge> {
        self.add(IntGauge::new(name, help)?)
    }

    fn seconds(&self, name: &str, help: &str) -> Result<Gauge> {
        self.add(Gauge::new(name, help)?)
    }

    fn durations(&self) -> Result<HistogramVec> {
        let options =
            HistogramOpts::new("inkstone_http_request_duration_seconds", "Time until an answer begins.");
        self.add(HistogramVec::new(options.buckets(DURATION_BOUNDS.into()), &["operation"])?)
    }

    fn add<C: Collector + Clone + 'static>(&self, collector: C) -> Result<C> {
        self.0.register(Box::new(collector.clone()))?;
        Ok(collector)
    }
}
