//! Logins that are bound to their connection, with a real server, and with somebody who stands in between.

use super::end_point;
use crate::Url;
use crate::postgres::tls::Connector;
use crate::postgres::tls::tests::Place;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, crypto::ring};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::{TlsAcceptor, TlsConnector};

const NETWORK: &str = "127.0.0.1";
/// A key, as OpenSSL takes it; the ones that are made here are of a later version.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDsiM+6HXLNMkiWTXO6CGgY4mrMb9UpFJ1ut/LuatSIS\n-----END PRIVATE KEY-----";
/// What a client asks whether there is TLS with.
const ASK_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// How a server offers to bind a login.
const BOUND: &[u8] = b"SCRAM-SHA-256-PLUS\0";

/// What somebody in between does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trick {
    /// Hands everything on.
    Pass,
    /// Says that the server binds no logins.
    Unbind,
}

/// Somebody between a client and a server, who ends TLS with this certificate and key.
struct Between {
    address: String,
    _runtime: Runtime,
}

#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

impl Between {
    fn new(place: &Place, certificate: CertificateDer<'static>, key: &KeyPair, trick: Trick) -> Between {
        let provider = Arc::new(ring::default_provider());
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let shows = Shows(CertifiedKey::new(vec![certificate], key).into()); // they need not belong together
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_cert_resolver(Arc::new(shows))));
        let to = place.at(NETWORK);
        let Url::Postgres(servers) = place.url(&to, "sslmode=require") else { panic!("{to}") };
        let Connector { config, name, .. } = Connector::new(&servers.each()[0]).unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind((NETWORK, 0))).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (to, connector, name) = (to.clone(), TlsConnector::from(config.clone()), name.clone());
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    answered(&mut client).await?;
                    let mut client = acceptor.accept(client).await?;
                    let mut server = TcpStream::connect(&to).await?;
                    server.write_all(&ASK_FOR_TLS).await?;
                    server.read_exact(&mut [0]).await?;
                    let mut server = connector.connect(name, server).await?;
                    if trick == Trick::Unbind {
                        unbind(&mut client, &mut server).await?;
                    }
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Between { address, _runtime: runtime }
    }
}

/// Says to a client that there is TLS.
async fn answered(client: &mut TcpStream) -> io::Result<()> {
    client.read_exact(&mut [0; ASK_FOR_TLS.len()]).await?;
    client.write_all(b"S").await
}

/// Hands on the first message in each direction, but without what the server says of bound logins.
async fn unbind(
    client: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin),
    server: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin),
) -> io::Result<()> {
    let mut hello = vec![0; 4];
    client.read_exact(&mut hello).await?;
    let length = u32::from_be_bytes(hello[..4].try_into().unwrap()) as usize;
    hello.resize(length, 0);
    client.read_exact(&mut hello[4..]).await?;
    server.write_all(&hello).await?;
    let mut head = [0; 5];
    server.read_exact(&mut head).await?;
    let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize - 4;
    let mut offer = vec![0; length];
    server.read_exact(&mut offer).await?;
    let at = offer.windows(BOUND.len()).position(|part| part == BOUND).expect("it is offered");
    offer.drain(at..at + BOUND.len());
    client.write_all(&head[..1]).await?;
    client.write_u32(u32::try_from(offer.len()).unwrap() + 4).await?;
    client.write_all(&offer).await
}

#[test]
fn a_certificate_has_the_hash_that_belongs_to_its_signature() {
    let certificates = include_str!("certificates.pem");
    let labels = certificates.lines().skip(1).filter(|line| !line.starts_with('-'));
    let hashes: Vec<_> = labels.filter_map(|line| line.split_once(' ')).collect();
    let found: Vec<_> = CertificateDer::pem_slice_iter(certificates.as_bytes()).map(Result::unwrap).collect();
    assert_eq!((hashes.len(), found.len()), (14, 14));
    for ((name, hash), certificate) in hashes.into_iter().zip(found) {
        let made =
            end_point(&certificate).map(|made| made.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        assert_eq!(made.as_deref().unwrap_or("-"), hash, "{name}");
        for length in 0..certificate.len() {
            assert_eq!(end_point(&certificate[..length].into()), None, "{name} is cut at {length}");
        }
    }
}

#[test]
fn a_login_is_bound_where_the_server_can() {
    let place = Place::new();
    place.set("on", "hostssl", "scram-sha-256");
    place.opens("localhost", "sslmode=verify-full&sslrootcert=ca.pem&channel_binding=require");
    for binding in ["require", "prefer", "disable"] {
        place.opens(NETWORK, &format!("sslmode=require&channel_binding={binding}"));
    }
    place.opens(NETWORK, "channel_binding=require");

    for method in ["password", "trust"] {
        place.set("on", "hostssl", method);
        place.opens(NETWORK, "channel_binding=prefer");
        place.refuses(NETWORK, "channel_binding=require", "wants scram-sha-256 in pg_hba.conf");
    }
    place.cluster.sql("postgres", "SET password_encryption = 'md5'; ALTER ROLE postgres PASSWORD 'secret'");
    place.set("on", "hostssl", "md5");
    place.opens(NETWORK, "channel_binding=prefer");
    place.refuses(NETWORK, "channel_binding=require", "password_encryption = 'scram-sha-256'");
    place.cluster.sql("postgres", "SET password_encryption = 'scram-sha-256'; ALTER ROLE postgres PASSWORD 'secret'");
    place.opens(NETWORK, "channel_binding=require"); // md5 stands for both

    let (long, other) = (KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(), KeyPair::from_pem(ED25519).unwrap());
    let own = CertificateParams::new(["localhost".to_owned()]).unwrap();
    place.use_certificate(&own.self_signed(&long).unwrap(), &long);
    place.set("on", "hostssl", "scram-sha-256");
    place.opens(NETWORK, "channel_binding=require");
    place.use_certificate(&own.self_signed(&other).unwrap(), &other);
    place.set("on", "hostssl", "scram-sha-256");
    place.opens(NETWORK, "sslmode=require");
    place.refuses(NETWORK, "channel_binding=require", "no login can be bound to its certificate");
    place.set("off", "host", "scram-sha-256");
    place.refuses(NETWORK, "channel_binding=require", "or leave channel_binding=require out");
}

#[test]
fn somebody_in_between_is_noticed() {
    let place = Place::new();
    place.set("on", "hostssl", "scram-sha-256");
    let key = KeyPair::generate().unwrap();
    let theirs = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let tries = |between: &Between, options: &str| place.tries(&between.address, options);
    let passes = Between::new(&place, theirs.der().clone(), &key, Trick::Pass);
    assert_eq!(tries(&passes, "sslmode=require&channel_binding=disable"), Ok(()), "nobody looks");
    for options in ["sslmode=require&channel_binding=require", "sslmode=require", "sslmode=prefer"] {
        let why = tries(&passes, options).unwrap_err();
        assert!(why.contains("somebody ends TLS between this machine and the server"), "{options}: {why}");
    }
    let unbinds = Between::new(&place, theirs.der().clone(), &key, Trick::Unbind);
    let why = tries(&unbinds, "channel_binding=require").unwrap_err();
    assert!(why.contains("if both is so, somebody ends TLS in between"), "{why}");
    let why = tries(&unbinds, "sslmode=require").unwrap_err();
    assert!(why.contains("somebody ends TLS between this machine and the server"), "{why}");

    let shown = CertificateDer::from_pem_file(place.cluster.data().join("server.crt")).unwrap();
    let pretends = Between::new(&place, shown, &key, Trick::Pass);
    for options in ["sslmode=require&channel_binding=disable", "channel_binding=require"] {
        let why = tries(&pretends, options).unwrap_err();
        assert!(why.contains("does not show that the key of its certificate is theirs"), "{options}: {why}");
    }
}

#[test]
fn what_cannot_be_bound_is_refused_at_once() {
    for (url, says) in [
        ("postgres://n@a/d?sslmode=disable&channel_binding=require", "leave sslmode=disable out"),
        ("postgres://n@%2Frun/d?channel_binding=require", "which a Unix socket has not"),
        ("postgres:///d?user=n&channel_binding=require", "which a Unix socket has not"),
        ("postgres://n@a/d?channel_binding=always", "channel_binding"),
    ] {
        let why = Url::parse(url, ".".as_ref()).unwrap_err().to_string();
        assert!(why.contains(says), "{url}: {why}");
    }
}
