//! The HTTP server.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;

use super::seconds::{parse_seconds, parse_seconds_or_none};

/// The HTTP server.
#[derive(Args, Clone, Debug)]
pub struct Http {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "INKSTONE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The site's public URL (http or https). If given, each start stores it in /api/v1/site.
    #[arg(long, env = "INKSTONE_BASE_URL", value_name = "URL")]
    pub base_url: Option<String>,
    /// Origins whose pages may call the API, comma-separated. `*` allows all origins to read without credentials.
    #[arg(long, env = "INKSTONE_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub cors_origins: Vec<String>,
    /// Networks of trusted proxies, comma-separated (10.0.0.0/8). Only their X-Forwarded-For is used.
    #[arg(long, env = "INKSTONE_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORKS")]
    pub trusted_proxies: Vec<IpNet>,
    /// Seconds a request may take before it is answered with 503.
    #[arg(long, env = "INKSTONE_REQUEST_TIMEOUT", default_value = "15", value_parser = parse_seconds, value_name = "SECONDS")]
    pub request_timeout: Duration,
    /// Seconds within which a client counts once as a reader of an article; 0 counts every view.
    #[arg(long, env = "INKSTONE_VIEW_WINDOW", default_value = "600", value_parser = parse_seconds_or_none, value_name = "SECONDS")]
    pub view_window: Duration,
    /// Seconds that requests in flight may take to finish at shutdown.
    #[arg(long, env = "INKSTONE_SHUTDOWN_TIMEOUT", default_value_t = 30, value_name = "SECONDS")]
    pub shutdown_timeout: u64,
    /// Worker threads; by default one per core.
    #[arg(long, env = "INKSTONE_WORKERS")]
    pub workers: Option<usize>,
    /// Refuse a change without If-Match (428). By default such a change overwrites any version.
    #[arg(long, env = "INKSTONE_REQUIRE_IF_MATCH")]
    pub require_if_match: bool,
}
