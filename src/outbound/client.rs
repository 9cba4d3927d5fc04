//! The HTTP client for servers that somebody else chose.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ipnet::IpNet;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::causes::explain_failure;
use super::error::FetchError;
use super::guard::Guard;
use super::lookup::{GuardedResolver, NameLookup, SystemLookup};

/// Redirects in a row that are followed unless a setting says otherwise.
pub const MAX_REDIRECTS: u8 = 5;
/// How long a host may take to be looked up, to take a connection and to agree on TLS, unless a setting says otherwise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a host may take to send its next bytes, unless a setting says otherwise.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Unused connections that are kept for each host.
const MAX_IDLE_PER_HOST: usize = 2;
/// An unused connection is closed after this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Settings of an [`OutboundClient`].
#[derive(Clone)]
pub struct ClientSettings {
    /// The `User-Agent` of all requests. It should name the software and an address where its people can be found.
    pub user_agent: String,
    /// Networks that may be reached though they are not public.
    pub allowed_networks: Vec<IpNet>,
    /// How long a host may take to be looked up, to take a connection and to agree on TLS.
    pub connect_timeout: Duration,
    /// How long a host may take to begin its answer, and then to send its next bytes.
    pub read_timeout: Duration,
    /// Redirects in a row that a download follows. 0: a redirect is an error.
    pub max_redirects: u8,
    /// TLS with other authorities than those of the machine.
    pub tls: Option<ClientConfig>,
}

impl ClientSettings {
    /// The usual settings, with the `User-Agent` of the caller.
    pub fn new(user_agent: impl Into<String>) -> Self {
        Self {
            user_agent: user_agent.into(),
            allowed_networks: Vec::new(),
            connect_timeout: CONNECT_TIMEOUT,
            read_timeout: READ_TIMEOUT,
            max_redirects: MAX_REDIRECTS,
            tls: None,
        }
    }
}

/// A client for servers that somebody else chose. Cloning is cheap; clones share their connections.
///
/// It connects only to IP addresses that its [`Guard`] lets through: exactly those that were judged, since a name is
/// looked up once for each connection, by the client's own resolver. It takes no proxy from the environment, keeps no
/// cookies, sends no `Referer`, asks for bodies without compression and undoes none, and speaks HTTP/1.1.
#[derive(Clone)]
pub struct OutboundClient {
    http: Client,
    guard: Arc<Guard>,
    pub(super) max_redirects: u8,
}

impl OutboundClient {
    /// Builds a client that looks names up as all programs of the machine do.
    ///
    /// Reads the certificates of the machine unless the settings have TLS of their own. Fails if the `User-Agent` is
    /// not a header, or TLS cannot be set up.
    pub fn new(settings: ClientSettings) -> anyhow::Result<Self> {
        Self::with_lookup(settings, Arc::new(SystemLookup))
    }

    /// Builds a client that looks names up by `lookup`.
    pub fn with_lookup(settings: ClientSettings, lookup: Arc<dyn NameLookup>) -> anyhow::Result<Self> {
        let guard = Arc::new(Guard::new(settings.allowed_networks));
        let tls = match settings.tls {
            Some(tls) => tls,
            None => build_tls()?,
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        // Decompression and the rest are off in this build; another crate's features must not turn them on.
        let http = Client::builder()
            .user_agent(settings.user_agent)
            .default_headers(headers)
            .dns_resolver(GuardedResolver::new(lookup, guard.clone()))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .http1_only()
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tls_backend_preconfigured(tls)
            .build()
            .context("building the client for other servers")?;
        Ok(Self { http, guard, max_redirects: settings.max_redirects })
    }

    /// What decides which addresses may be reached.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Begins a request. Fails if the URL may not be reached. [`Self::send`] sends it.
    pub fn request(&self, method: Method, url: &Url) -> Result<RequestBuilder, FetchError> {
        self.guard.check_url(url)?;
        Ok(self.http.request(method, url.clone()))
    }

    /// Sends a request. Returns the head of the answer, whatever its status; redirects are not followed.
    ///
    /// It gives up only where the host sends nothing for the time of the settings. The caller bounds the whole time.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, FetchError> {
        let (_, request) = request.build_split();
        let request = request.map_err(FetchError::InvalidRequest)?;
        // A builder has parts that change the query; the guard has the last word.
        self.guard.check_url(request.url())?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        self.http.execute(request).await.map_err(|cause| explain_failure(&host, cause))
    }
}

/// TLS that trusts the authorities of the machine.
fn build_tls() -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
