//! TLS to PostgreSQL: verified for `sslmode=require`, opportunistic for `sslmode=prefer`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::Socket;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Connects by TLS, and remembers whether it was asked to: only a server that offers TLS asks.
#[derive(Clone)]
pub struct Tls<T = MakeRustlsConnect> {
    inner: T,
    has_begun: Arc<AtomicBool>,
}

impl Tls {
    /// TLS that checks the server's certificate against the roots of the system.
    pub fn verified() -> Self {
        static CONFIG: LazyLock<ClientConfig> = LazyLock::new(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
        });
        Self::new(CONFIG.clone())
    }

    /// TLS that takes any certificate, as PostgreSQL's own clients do for `sslmode=prefer`.
    ///
    /// It keeps out those who listen, and not those who pretend to be the server.
    pub fn opportunistic() -> Self {
        static CONFIG: LazyLock<ClientConfig> = LazyLock::new(|| {
            let verifier = Arc::new(AnyCertificate(ring::default_provider()));
            let builder = ClientConfig::builder().dangerous();
            builder.with_custom_certificate_verifier(verifier).with_no_client_auth()
        });
        Self::new(CONFIG.clone())
    }

    fn new(config: ClientConfig) -> Self {
        Self { inner: MakeRustlsConnect::new(config), has_begun: Arc::default() }
    }

    /// Whether a server has offered TLS.
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }
}

impl<T: MakeTlsConnect<Socket>> MakeTlsConnect<Socket> for Tls<T> {
    type Stream = T::Stream;
    type TlsConnect = Tls<T::TlsConnect>;
    type Error = T::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, Self::Error> {
        Ok(Tls { inner: self.inner.make_tls_connect(host)?, has_begun: self.has_begun.clone() })
    }
}

impl<T: TlsConnect<Socket>> TlsConnect<Socket> for Tls<T> {
    type Stream = T::Stream;
    type Error = T::Error;
    type Future = T::Future;

    fn connect(self, stream: Socket) -> Self::Future {
        self.has_begun.store(true, Ordering::Release);
        self.inner.connect(stream)
    }
}

/// Takes any certificate; the server still has to prove that it has the certificate's key.
#[derive(Debug)]
struct AnyCertificate(CryptoProvider);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
