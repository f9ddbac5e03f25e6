//! TLS to a server of the database, by the rules of PostgreSQL's own programs: whom to believe depends on `sslmode` and
//! `sslrootcert`. What is wrong is said with what to change.

use crate::encryption::{Encryption, Roots, TlsMode};
use crate::error::postgres::words;
use crate::servers::Server;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::convert::Infallible;
use std::error::Error as _;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{Client, Connection, Error, Socket};

/// Connects to one server. The error says why not.
pub(super) async fn connect(server: &Server) -> Result<(Client, Connection<Socket, Encrypted>), String> {
    let connector = Connector::new(server)?;
    let mut config = server.config.clone();
    let is_optional = server.encryption.mode == TlsMode::Prefer;
    match config.connect(connector.clone()).await {
        Err(error) if is_optional && is_of_tls(&error) => {
            config.ssl_mode(SslMode::Disable).connect(connector).await.map_err(|error| words(&error))
        }
        Err(error) => Err(format!("{}{}", words(&error), advice(&error, server.encryption.mode))),
        Ok(connected) => Ok(connected),
    }
}

/// Whether it may be another one without TLS: the handshake failed, or the server lets nobody in by TLS.
fn is_of_tls(error: &Error) -> bool {
    let is_handshake = error.source().is_some_and(|source| source.is::<TlsProblem>());
    is_handshake || error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

/// What to change, where the words of the server or the driver do not say it.
fn advice(error: &Error, mode: TlsMode) -> &'static str {
    let is_barred = error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    // The driver has no name for this one, only words.
    let has_none = error.source().is_some_and(|source| source.to_string() == "server does not support TLS");
    match mode {
        TlsMode::Disable if is_barred => {
            "; if pg_hba.conf lets in by hostssl only, leave sslmode=disable out of store.url"
        }
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull if is_barred => {
            "; if pg_hba.conf lets in by hostnossl only, write hostssl or host there"
        }
        _ if has_none => {
            ": set ssl = on there, with ssl_cert_file and ssl_key_file, or use sslmode=prefer in store.url where nobody can \
             listen in"
        }
        _ => "",
    }
}

/// Opens TLS over a connection.
#[derive(Clone)]
struct Connector {
    config: Arc<ClientConfig>,
    /// As the address has it.
    host: Arc<str>,
    name: ServerName<'static>,
    roots: Arc<str>,
}

impl Connector {
    fn new(server: &Server) -> Result<Connector, String> {
        let Encryption { mode, roots } = &server.encryption;
        let provider = ring::default_provider();
        let algorithms = provider.signature_verification_algorithms;
        let believed = match roots {
            Some(roots) if *mode != TlsMode::Prefer && *mode != TlsMode::Disable => Some(read(roots)?),
            _ => None,
        };
        let verifier = Verifier { checks_name: *mode == TlsMode::VerifyFull, believed, algorithms };
        let builder = ClientConfig::builder_with_provider(provider.into()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
        let config = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
        let host = server.host.clone();
        let name = match ServerName::try_from(host.clone()) {
            Ok(name) => name,
            Err(_) if *mode == TlsMode::VerifyFull => {
                return Err(format!("no certificate can be for {host}: use its name in DNS, or sslmode=verify-ca"));
            }
            Err(_) => ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0, 0, 0, 0]))), // it is not compared
        };
        let roots = roots.as_ref().map(Roots::to_string).unwrap_or_default().into();
        Ok(Connector { config: config.into(), host: host.into(), name, roots })
    }

    /// Why the handshake failed, and what to change.
    fn problem(&self, error: &io::Error) -> TlsProblem {
        let Connector { host, roots, .. } = self;
        let of_tls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
        let Some(rustls::Error::InvalidCertificate(why)) = of_tls else { return TlsProblem(error.to_string()) };
        TlsProblem(match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
                "its certificate was not issued by anybody in {roots}: sslrootcert must hold the certificate of the CA that \
                 issued it"
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
                "its certificate is not for {host} ({why}): write the name that it is for in store.url, issue one with {host} as \
                 subjectAltName, or use sslmode=verify-ca"
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("its certificate has expired ({why}): renew it")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("its certificate is not valid yet ({why}): set the clock of this machine, or issue another one")
            }
            why => format!(
                "its certificate cannot be checked ({why}): issue one of version 3 with subjectAltName, signed by an RSA key of \
                 2048 bits or more or by an elliptic one"
            ),
        })
    }
}

/// The certificates that are believed.
fn read(roots: &Roots) -> Result<Believed, String> {
    let mut store = RootCertStore::empty();
    let mut own = Vec::new();
    match roots {
        Roots::System => drop(store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        Roots::File(file) => {
            own = read_file(file).map_err(|why| {
                format!("cannot read sslrootcert {}: {why}; it must hold certificates in PEM", file.display())
            })?;
            store.add_parsable_certificates(own.iter().cloned());
        }
    }
    if store.is_empty() && own.is_empty() {
        return Err(format!(
            "there is no certificate to believe in {roots}: give a file with that of your CA as sslrootcert"
        ));
    }
    Ok(Believed { store, own })
}

fn read_file(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())?;
    let found = certificates.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    if found.is_empty() { Err(String::from("it holds none")) } else { Ok(found) }
}

/// Whoever issues certificates that are believed, and those that are believed as they are.
#[derive(Debug)]
struct Believed {
    store: RootCertStore,
    own: Vec<CertificateDer<'static>>,
}

/// Believes a server by its certificate. Where nothing is known that it could be compared with, all are believed: that keeps
/// out whoever only listens.
#[derive(Debug)]
struct Verifier {
    believed: Option<Believed>,
    checks_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(Believed { store, own }) = &self.believed else { return Ok(ServerCertVerified::assertion()) };
        let parsed = ParsedCertificate::try_from(certificate)?;
        // A server may have a certificate that it has issued itself.
        if !own.iter().any(|own| own.as_ref() == certificate.as_ref()) {
            verify_server_cert_signed_by_trust_anchor(&parsed, store, between, now, self.algorithms.all)?;
        }
        if self.checks_name {
            verify_server_name(&parsed, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.believed {
            Some(_) => rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.believed {
            Some(_) => rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Why there is no TLS, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct TlsProblem(String);

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Encrypted;
    type TlsConnect = Connector;
    type Error = Infallible;

    fn make_tls_connect(&mut self, _: &str) -> Result<Connector, Infallible> {
        Ok(self.clone())
    }
}

impl TlsConnect<Socket> for Connector {
    type Stream = Encrypted;
    type Error = TlsProblem;
    type Future = Pin<Box<dyn Future<Output = Result<Encrypted, TlsProblem>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let connecting = tokio_rustls::TlsConnector::from(self.config.clone()).connect(self.name.clone(), socket);
            connecting.await.map(Encrypted).map_err(|error| self.problem(&error))
        })
    }
}

/// A connection under TLS.
pub(super) struct Encrypted(tokio_rustls::client::TlsStream<Socket>);

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
