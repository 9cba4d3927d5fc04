//! A running Inkstone, worked through by its API.

use anyhow::{Context, bail};
use reqwest::{Client, RequestBuilder, Response};
use url::Url;

use crate::config::bulk::Remote;

/// An Inkstone somewhere else.
pub struct Server {
    client: Client,
    base: Url,
    key: Option<String>,
}

impl Server {
    /// The server named on the command line, if one is.
    pub fn of(remote: &Remote) -> anyhow::Result<Option<Self>> {
        let Some(url) = &remote.url else { return Ok(None) };
        // Whoever was first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = Url::parse(url).with_context(|| format!("{url} is no address"))?;
        let client = Client::builder().connect_timeout(std::time::Duration::from_secs(10)).build()?;
        Ok(Some(Self { client, base, key: remote.key.clone() }))
    }

    /// A POST to a path of the API.
    pub fn post(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<RequestBuilder> {
        Ok(self.with_key(self.client.post(self.address(path, query)?)))
    }

    /// A GET of a path of the API.
    pub fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<RequestBuilder> {
        Ok(self.with_key(self.client.get(self.address(path, query)?)))
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    fn address(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Url> {
        let mut url = self.base.join(&format!("/api/v1/{path}"))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

/// The answer, or the problem it tells, in words.
pub async fn answered(request: RequestBuilder) -> anyhow::Result<Response> {
    let response = request.send().await.context("the server cannot be reached, or hung up")?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let problem: serde_json::Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
    let mut faults = problem["errors"].as_array().cloned().unwrap_or_default();
    faults.truncate(5);
    let faults = faults.iter().map(|fault| {
        let place = fault["pointer"].as_str().or(fault["parameter"].as_str()).unwrap_or_default();
        format!("; {place} {}", fault["detail"].as_str().unwrap_or_default())
    });
    let faults: String = faults.collect();
    bail!("the server answered {status}: {}{faults}", problem["detail"].as_str().unwrap_or_default())
}
