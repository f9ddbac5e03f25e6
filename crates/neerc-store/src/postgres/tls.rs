//! TLS to a server of the database, by the rules of PostgreSQL's own programs: whom to believe depends on `sslmode` and
//! `sslrootcert`, what is shown to the server on `sslcert`, and whether a login is bound to the connection on
//! `channel_binding`. What is wrong is said with what to change.

mod advice;
mod binding;
mod last_words;
mod own;

use crate::encryption::{Encryption, Roots, TlsMode};
use crate::error::postgres::words;
use crate::servers::Server;
use last_words::LastWords;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{self, SslMode};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{Client, Connection, Socket};

/// Connects to one server. The error says why not.
pub(super) async fn connect(server: &Server) -> Result<(Client, Connection<Socket, Encrypted>), String> {
    let connector = Connector::new(server)?;
    let mut config = server.config.clone();
    let error = match config.connect(connector.clone()).await {
        Ok(connected) => return Ok(connected),
        Err(error) => error,
    };
    let why = format!("{}{}", words(&error), advice::of(&error, server));
    if server.encryption.mode != TlsMode::Prefer || !advice::is_of_tls(&error) {
        return Err(why);
    }
    let bare = config.ssl_mode(SslMode::Disable).connect(connector).await;
    bare.map_err(|error| format!("{why}; without TLS: {}", words(&error)))
}

/// Opens TLS over a connection.
#[derive(Clone)]
struct Connector {
    config: Arc<ClientConfig>,
    /// As the address has it.
    host: Arc<str>,
    name: ServerName<'static>,
    encryption: Encryption,
    binding: config::ChannelBinding,
}

impl Connector {
    fn new(server: &Server) -> Result<Connector, String> {
        let (Encryption { mode, roots, own }, binding) = (&server.encryption, server.config.get_channel_binding());
        let provider = ring::default_provider();
        let (algorithms, keys) = (provider.signature_verification_algorithms, provider.key_provider);
        let believed = match roots {
            Some(roots) if *mode != TlsMode::Prefer && *mode != TlsMode::Disable => Some(read(roots)?),
            _ => None,
        };
        // There are old certificates that cannot be read here. Where none is compared with anything, they do no harm.
        let takes_unreadable = believed.is_none() && binding != config::ChannelBinding::Require;
        let verifier = Verifier { checks_name: *mode == TlsMode::VerifyFull, believed, takes_unreadable, algorithms };
        let builder = ClientConfig::builder_with_provider(provider.into()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let config = match own {
            Some(own) if *mode != TlsMode::Disable => builder.with_client_cert_resolver(own::read(own, keys)?),
            _ => builder.with_no_client_auth(),
        };
        let host = server.host.clone();
        let name = match ServerName::try_from(host.clone()) {
            Ok(name) => name,
            Err(_) if *mode == TlsMode::VerifyFull => {
                return Err(format!("no certificate can be for {host}: use its name in DNS, or sslmode=verify-ca"));
            }
            Err(_) => ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0, 0, 0, 0]))), // it is not compared
        };
        Ok(Connector { config: config.into(), host: host.into(), name, encryption: server.encryption.clone(), binding })
    }

    /// What the login may be bound to.
    fn end_point(&self, shown: Option<&[CertificateDer<'_>]>) -> Result<Option<Vec<u8>>, TlsProblem> {
        // Only with one that can be read it was checked that the other side has its key.
        let readable = shown.and_then(<[_]>::first).filter(|shown| ParsedCertificate::try_from(*shown).is_ok());
        match (readable.and_then(binding::end_point), self.binding) {
            (None, config::ChannelBinding::Require) => Err(TlsProblem(String::from(
                "no login can be bound to its certificate: issue one that is signed by an RSA key or one on a curve P, with SHA-256, \
                 or leave channel_binding=require out of store.url",
            ))),
            (end_point, _) => Ok(end_point),
        }
    }

    /// Why the handshake failed, and what to change.
    fn problem(&self, error: &io::Error) -> TlsProblem {
        let Connector { host, encryption: Encryption { roots, own, .. }, .. } = self;
        let why = match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(why)) => why,
            Some(rustls::Error::AlertReceived(alert)) => {
                return TlsProblem(format!("{error}{}", own::advice(own.as_ref(), *alert)));
            }
            _ => return TlsProblem(error.to_string()),
        };
        TlsProblem(match (why, roots) {
            (CertificateError::BadSignature, None) => String::from(
                "whoever answers does not show that the key of its certificate is theirs: if it is an RSA key, it must have 2048 \
                 bits or more",
            ),
            (CertificateError::UnknownIssuer | CertificateError::BadSignature, Some(roots)) => format!(
                "its certificate was not issued by anybody in {roots}: sslrootcert must hold the certificate of the CA that \
                 issued it"
            ),
            (CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }, _) => format!(
                "its certificate is not for {host} ({why}): write the name that it is for in store.url, issue one with {host} as \
                 subjectAltName, or use sslmode=verify-ca"
            ),
            (CertificateError::Expired | CertificateError::ExpiredContext { .. }, _) => {
                format!("its certificate has expired ({why}): renew it")
            }
            (CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }, _) => {
                format!("its certificate is not valid yet ({why}): set the clock of this machine, or issue another one")
            }
            (why, _) => format!(
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
/// out whoever only listens. A server always shows that the key of its certificate is its own, since anybody has the
/// certificate itself.
#[derive(Debug)]
struct Verifier {
    believed: Option<Believed>,
    checks_name: bool,
    /// A certificate that cannot be read is taken as it is.
    takes_unreadable: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn takes_unread(&self, certificate: &CertificateDer<'_>) -> bool {
        self.takes_unreadable && ParsedCertificate::try_from(certificate).is_err()
    }
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
        match self.takes_unread(certificate) {
            false => rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms),
            true => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.takes_unread(certificate) {
            false => rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms),
            true => Ok(HandshakeSignatureValid::assertion()),
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
            let connecting =
                tokio_rustls::TlsConnector::from(self.config.clone()).connect(self.name.clone(), LastWords(socket));
            let stream = connecting.await.map_err(|error| self.problem(&error))?;
            let end_point = self.end_point(stream.get_ref().1.peer_certificates())?;
            Ok(Encrypted { stream, end_point })
        })
    }
}

/// A connection under TLS.
pub(super) struct Encrypted {
    stream: tokio_rustls::client::TlsStream<LastWords<Socket>>,
    /// What a login may be bound to.
    end_point: Option<Vec<u8>>,
}

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        self.end_point.clone().map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
