//! The HTTP server.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use ipnet::IpNet;

use super::values::{
    parse_base_url, parse_bound, parse_bytes, parse_folder, parse_listen, parse_network, parse_origin,
    parse_pause, parse_seconds, parse_threads, parse_token, parse_window,
};

/// The HTTP server.
#[derive(Args, Clone, Debug)]
pub struct Http {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "INKSTONE_LISTEN", default_value = "127.0.0.1:8080", value_parser = parse_listen)]
    pub listen: SocketAddr,
    /// The site's public URL (http or https). If given, each start stores it in /api/v1/site.
    #[arg(long, env = "INKSTONE_BASE_URL", value_parser = parse_base_url, value_name = "URL")]
    pub base_url: Option<String>,
    /// Origins whose pages may call the API, comma-separated. `*` allows all origins to read without credentials.
    #[arg(long, env = "INKSTONE_CORS_ORIGINS", value_parser = parse_origin, value_delimiter = ',', value_name = "ORIGINS")]
    pub cors_origins: Vec<String>,
    /// Address and port that serve /metrics to everybody who reaches them; not served elsewhere unless there is a token.
    #[arg(long, env = "INKSTONE_METRICS_LISTEN", value_parser = parse_listen, value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
    /// The bearer token with which the server itself serves /metrics.
    #[arg(long, env = "INKSTONE_METRICS_TOKEN", hide_env_values = true, value_parser = parse_token, value_name = "TOKEN")]
    pub metrics_token: Option<String>,
    /// Networks of trusted proxies, comma-separated (10.0.0.0/8). Only their X-Forwarded-For is used.
    #[arg(long, env = "INKSTONE_TRUSTED_PROXIES", value_parser = parse_network, value_delimiter = ',', value_name = "NETWORKS")]
    pub trusted_proxies: Vec<IpNet>,
    /// Seconds a request may take before it is answered with 503.
    #[arg(long, env = "INKSTONE_REQUEST_TIMEOUT", default_value = "15", value_parser = parse_seconds, value_name = "SECONDS")]
    pub request_timeout: Duration,
    /// Seconds within which a client counts once as a reader of an article; 0 counts every view.
    #[arg(long, env = "INKSTONE_VIEW_WINDOW", default_value = "600", value_parser = parse_window, value_name = "SECONDS")]
    pub view_window: Duration,
    /// Seconds from the signal to stop until the port closes. Meanwhile /readyz answers 503, so that balancers send
    /// no more requests. By default 2, and 0 on a terminal.
    #[arg(long, env = "INKSTONE_DRAIN_DELAY", value_parser = parse_pause, value_name = "SECONDS")]
    pub drain_delay: Option<u64>,
    /// Seconds that requests in flight may take to finish at shutdown.
    #[arg(long, env = "INKSTONE_SHUTDOWN_TIMEOUT", default_value_t = 30, value_parser = parse_pause, value_name = "SECONDS")]
    pub shutdown_timeout: u64,
    /// Worker threads; by default one per core.
    #[arg(long, env = "INKSTONE_WORKERS", value_parser = parse_threads)]
    pub workers: Option<usize>,
    /// Connections that are open at a time. Beyond them, the one that has waited longest for its client is closed for
    /// a new one. The limit of file descriptors can lower it.
    #[arg(long, env = "INKSTONE_MAX_CONNECTIONS", default_value_t = 10_000, value_parser = parse_bound, value_name = "N")]
    pub max_connections: usize,
    /// The same for the connections of one network (an IPv4 address, 64 bits of IPv6) that is not a trusted proxy.
    #[arg(long, env = "INKSTONE_MAX_CONNECTIONS_PER_NETWORK", default_value_t = 1_024, value_parser = parse_bound, value_name = "N")]
    pub max_connections_per_network: usize,
    /// Memory for answers that are kept ready, with a unit; 0 keeps none.
    #[arg(long, env = "INKSTONE_CACHE_SIZE", default_value = "64MiB", value_parser = parse_bytes, value_name = "BYTES")]
    pub cache_size: u64,
    /// Seconds between the log lines that sum up the answers from the cache, which have no lines of their own; 0 writes
    /// none.
    #[arg(long, env = "INKSTONE_CACHE_LOG_INTERVAL", default_value = "60", value_parser = parse_window, value_name = "SECONDS")]
    pub cache_log_interval: Duration,
    /// Folder for the search index, which each process builds for itself; by default `search` in the data directory.
    #[arg(long, env = "INKSTONE_INDEX_DIR", value_parser = parse_folder, value_name = "DIR")]
    pub index_dir: Option<PathBuf>,
    /// Refuse a change without If-Match (428). By default such a change overwrites any version.
    #[arg(long, env = "INKSTONE_REQUIRE_IF_MATCH", value_parser = BoolishValueParser::new())]
    pub require_if_match: bool,
}

/// The drain delay of a server without a terminal: balancers look at least once in this time.
const DEFAULT_DRAIN_DELAY: u64 = 2;

impl Http {
    /// Returns how long a server that leaves still takes connections.
    pub fn drain_delay(&self) -> Duration {
        let default = || if std::io::stdin().is_terminal() { 0 } else { DEFAULT_DRAIN_DELAY };
        Duration::from_secs(self.drain_delay.unwrap_or_else(default))
    }
}
