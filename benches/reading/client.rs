//! Single requests, and what a server says of itself.

use std::net::SocketAddr;

use anyhow::{Context, ensure};

use crate::connection::Connection;
use crate::support::{Server, block_on};

/// The address of a server.
pub fn address(server: &Server) -> anyhow::Result<SocketAddr> {
    Ok(server.url.trim_start_matches("http://").parse()?)
}

/// The bytes of a GET of `path`.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()
}

/// The head and the body of the answer to a GET of `path`, which must be 200.
pub fn fetch(address: SocketAddr, path: &str) -> anyhow::Result<(String, String)> {
    block_on(async {
        let mut connection = Connection::open(address).await?;
        let status = connection.send(&get(path)).await?;
        ensure!(status == 200, "{path} answers {status}");
        let answer = connection.text();
        let (head, body) = answer.split_once("\r\n\r\n").context("a head")?;
        Ok((head.to_owned(), body.to_owned()))
    })
}

/// What a server has counted under `name`.
pub fn read_metric(metrics: SocketAddr, name: &str) -> anyhow::Result<u64> {
    let (_, text) = fetch(metrics, "/metrics")?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(value.with_context(|| format!("{name} is not counted"))?.parse::<f64>()? as u64)
}

/// Hits and misses of the cache.
pub fn read_hits(metrics: SocketAddr) -> anyhow::Result<(u64, u64)> {
    let read = |name| read_metric(metrics, name);
    Ok((read("inkstone_cache_hits_total")?, read("inkstone_cache_misses_total")?))
}
