//! A client for the API of a running Inkstone.

use anyhow::{Context, bail};
use reqwest::{Client, RequestBuilder, Response};
use url::Url;

use crate::config::bulk::Remote;

/// A running Inkstone.
pub struct Server {
    client: Client,
    base: Url,
    key: Option<String>,
}

impl Server {
    /// The server named on the command line, if one is.
    pub fn of(remote: &Remote) -> anyhow::Result<Option<Self>> {
        let Some(url) = &remote.url else { return Ok(None) };
        // Fails if a provider is installed already. That is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = Url::parse(url).with_context(|| format!("{url} is not an address"))?;
        let client = Client::builder().connect_timeout(std::time::Duration::from_secs(10)).build()?;
        Ok(Some(Self { client, base, key: remote.key.clone() }))
    }

    /// Builds a POST request to a path of the API.
    pub fn post(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<RequestBuilder> {
        Ok(self.with_key(self.client.post(self.build_url(path, query)?)))
    }

    /// Builds a GET request to a path of the API.
    pub fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<RequestBuilder> {
        Ok(self.with_key(self.client.get(self.build_url(path, query)?)))
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    fn build_url(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Url> {
        let mut url = self.base.join(&format!("/api/v1/{path}"))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

/// Sends a request. Returns the response, or the text of its problem as an error.
pub async fn send_request(request: RequestBuilder) -> anyhow::Result<Response> {
    let response = request.send().await.context("the server cannot be reached, or closed the connection")?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let problem: serde_json::Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
    let mut faults = problem["errors"].as_array().cloned().unwrap_or_default();
    faults.truncate(5);
    let faults = faults.iter().map(|fault| {
        let location = fault["pointer"].as_str().or(fault["parameter"].as_str()).unwrap_or_default();
        format!("; {location} {}", fault["detail"].as_str().unwrap_or_default())
    });
    let faults: String = faults.collect();
    bail!("the server responded {status}: {}{faults}", problem["detail"].as_str().unwrap_or_default())
}
