//! A client for the API of a running Inkstone.

use std::error::Error;
use std::io;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use chrono_tz::Tz;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use rustls::CertificateError;
use url::Url;

use super::trust::build_tls;
use crate::config::bulk::Remote;
use crate::config::timezones::find_timezone;

/// How long a server may take to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

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
        // A redirected POST would lose its body; the person is told instead.
        // A connection that waits while a file is looked through has been closed by the server when it is used again.
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).pool_max_idle_per_host(0);
        // A server that is busy takes nothing for a while, and its machine says so: that is no lost connection.
        #[cfg(target_os = "linux")]
        let client = client.tcp_user_timeout(None);
        let mut client = client.redirect(Policy::none());
        if let Some(file) = &remote.ca {
            client = client.tls_backend_preconfigured(build_tls(file)?);
        }
        let client = client.build()?;
        Ok(Some(Self { client, base, key: remote.key.clone() }))
    }

    /// Builds a POST request to a path of the API.
    pub fn post(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<RequestBuilder> {
        Ok(self.with_key(self.client.post(self.build_url(path, query)?)))
    }

    /// Builds a PATCH request to a path of the API.
    pub fn patch(&self, path: &str) -> anyhow::Result<RequestBuilder> {
        Ok(self.with_key(self.client.patch(self.build_url(path, &[])?)))
    }

    /// Builds a GET request to a path of the API.
    pub fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<RequestBuilder> {
        Ok(self.with_key(self.client.get(self.build_url(path, query)?)))
    }

    /// Finds why the server refuses an import before it has read a row. A server that refuses one while it is sent may
    /// close the connection before the reason is read; an import of no rows is refused for the same reason.
    pub async fn find_refusal(&self, path: &str, query: &[(&str, String)]) -> Option<anyhow::Error> {
        let mut query = query.to_vec();
        query.retain(|(name, _)| *name != "dry_run");
        query.push(("dry_run", "true".to_owned()));
        let request = self.post(path, &query).ok()?.header(CONTENT_TYPE, "application/x-ndjson").body("");
        let failure = send_request(request).await.err()?;
        (!failure.is_lost).then_some(failure.cause)
    }

    /// Loads the time zone of the site. `None` if the server has no such setting.
    pub async fn load_timezone(&self) -> anyhow::Result<Option<Tz>> {
        let response = send_request(self.get("site", &[])?).await?;
        let site: serde_json::Value =
            serde_json::from_slice(&response.bytes().await?).context("the server's site")?;
        Ok(site["data"]["timezone"].as_str().and_then(find_timezone))
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

/// Why a request brought no answer, or a refusal.
pub struct SendFailure {
    /// What to tell.
    pub cause: anyhow::Error,
    /// Whether the connection was lost, and nothing was answered.
    pub is_lost: bool,
}

impl From<SendFailure> for anyhow::Error {
    fn from(failure: SendFailure) -> Self {
        failure.cause
    }
}

/// Sends a request. Returns the response, or the text of its problem as an error.
pub async fn send_request(request: RequestBuilder) -> Result<Response, SendFailure> {
    let response = request
        .send()
        .await
        .map_err(|cause| SendFailure { is_lost: !cause.is_builder(), cause: explain_failure(cause) })?;
    check_status(response).await.map_err(|cause| SendFailure { cause, is_lost: false })
}

/// Returns the response, or the text of its problem as an error.
async fn check_status(response: Response) -> anyhow::Result<Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !media_type.is_some_and(|media_type| media_type.starts_with("application/problem+json")) {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        bail!("{}", explain_foreign_answer(status, location));
    }
    let problem: serde_json::Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
    let faults = problem["errors"].as_array().into_iter().flatten().map(|fault| {
        let location = fault["pointer"].as_str().or(fault["parameter"].as_str()).unwrap_or_default();
        format!("\n  {location} {}", fault["detail"].as_str().unwrap_or_default())
    });
    let faults: String = faults.collect();
    let detail = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or_default();
    bail!("the server responded {status}: {detail}{faults}")
}

/// Explains an answer that is not of Inkstone: all of its failures are problem documents.
fn explain_foreign_answer(status: StatusCode, location: Option<&str>) -> String {
    let cause = match status.as_u16() {
        413 => "a proxy in front of the server refuses a body of this size; raise its limit (nginx: \
                `client_max_body_size 0;`)"
            .to_owned(),
        502..=504 => {
            "the proxy in front of the server got no answer from Inkstone; is it running, at the address \
                      that the proxy has?"
                .to_owned()
        }
        301 | 302 | 303 | 307 | 308 => {
            format!(
                "the server is elsewhere; give the address that it redirects to as --url: {}",
                location.unwrap_or("none")
            )
        }
        _ => "the answer is not of Inkstone; is --url its address?".to_owned(),
    };
    format!("{status}: {cause}")
}

/// Explains why a request got no answer.
fn explain_failure(cause: reqwest::Error) -> anyhow::Error {
    let refusal = match find_tls_error(&cause) {
        Some(rustls::Error::InvalidCertificate(refusal)) => Some(refusal),
        _ => None,
    };
    let explained = match refusal {
        None => {
            let text = "the server cannot be reached, or closed the connection (a proxy that refuses large bodies \
                        may do so)";
            return anyhow::Error::new(cause).context(text);
        }
        Some(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            "the server's certificate is for another name than that in --url"
        }
        Some(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the server's certificate has expired"
        }
        Some(_) => {
            "the server's certificate is not signed by an authority that this machine knows; if it is your own, \
             name it, or the authority that signed it, with --ca FILE"
        }
    };
    anyhow!("{explained} ({cause})")
}

/// Finds the refusal of TLS below an error. An error of I/O hides what it is made of from `source`.
fn find_tls_error<'e>(cause: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut next: Option<&'e (dyn Error + 'static)> = Some(cause);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
