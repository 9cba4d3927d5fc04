use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::server::{TestNames, TestServer, fetch, ok, read_head, redirect, test_settings};
use crate::outbound::client::OutboundClient;
use crate::outbound::error::{FetchError, RedirectRefusal};

/// A certificate of `secure.test` that it signed itself, until 2126. Its key protects nothing.
const CERTIFICATE: &[u8] = include_bytes!("tls/secure.pem");
const KEY: &[u8] = include_bytes!("tls/secure.key");

/// Starts a server with TLS that answers one request. Returns its URL by `name`.
async fn start_tls(name: &str, answer: String) -> Url {
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let acceptor =
        TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        read_head(&mut stream).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    Url::parse(&format!("https://{name}:{port}/")).unwrap()
}

/// A client that knows two names of the server, and trusts its certificate if it is told to.
fn build_client(is_trusting: bool) -> OutboundClient {
    let mut settings = test_settings();
    if is_trusting {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let tls =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        settings.tls = Some(tls.with_root_certificates(roots).with_no_client_auth());
    }
    let names = TestNames::of(&[("secure.test", &[&["127.0.0.1"]]), ("other.test", &[&["127.0.0.1"]])]);
    OutboundClient::with_lookup(settings, names).unwrap()
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";

#[tokio::test]
async fn a_trusted_certificate_is_taken() {
    let target = start_tls("secure.test", ANSWER.to_owned()).await;
    assert_eq!(fetch(&build_client(true), &target).await.unwrap().1, b"body");
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let target = start_tls("secure.test", ANSWER.to_owned()).await;
    let failure = fetch(&build_client(false), &target).await.unwrap_err();
    assert!(matches!(failure, FetchError::TlsFailed { .. }), "{failure:?}");
    assert!(!failure.is_retryable());
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused() {
    let target = start_tls("other.test", ANSWER.to_owned()).await;
    let failure = fetch(&build_client(true), &target).await.unwrap_err();
    assert!(matches!(failure, FetchError::TlsFailed { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("https://secure.test:{}/", plain.local_addr().unwrap().port());
    let answering = tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    });
    let failure = fetch(&build_client(true), &Url::parse(&target).unwrap()).await.unwrap_err();
    assert!(matches!(failure, FetchError::TlsFailed { .. }), "{failure:?}");
    answering.await.unwrap();
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_refused() {
    let plain = TestServer::start(|_| ok("body")).await;
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", plain.url("/"));
    let target = start_tls("secure.test", answer).await;
    let failure = fetch(&build_client(true), &target).await.unwrap_err();
    assert!(matches!(failure, FetchError::RedirectRefused(RedirectRefusal::Downgrade { .. })), "{failure:?}");
    assert_eq!(plain.heads().len(), 0);
}

#[tokio::test]
async fn a_redirect_from_http_to_https_is_followed() {
    let target = start_tls("secure.test", ANSWER.to_owned()).await;
    let location = target.to_string();
    let plain = TestServer::start(move |_| redirect(&location)).await;
    let (downloaded, _) = fetch(&build_client(true), &plain.url("/")).await.unwrap();
    assert_eq!(downloaded.url, target);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_end_is_left() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let begun = Instant::now();
    let target = Url::parse(&format!("https://secure.test:{port}/")).unwrap();
    let failure = fetch(&build_client(true), &target).await.unwrap_err();
    assert!(matches!(failure, FetchError::TimedOut { .. }), "{failure:?}");
    assert_eq!(begun.elapsed().as_secs(), 10);
}
