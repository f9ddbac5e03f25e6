//! Certificates for what the service speaks to over TLS.

use ring::digest::{SHA256, digest};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;

/// What a server shows, and by what it can be believed.
pub struct Identity {
    pub config: Arc<ServerConfig>,
    /// Its certificate.
    pub pem: String,
    /// The certificate's SHA-256, in hexadecimal.
    pub fingerprint: String,
}

impl Identity {
    /// A new one for a server of that name, which nobody else has issued.
    pub fn of(name: &str) -> Identity {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let fingerprint = digest(&SHA256, made.cert.der()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Identity { config: Arc::new(config), pem: made.cert.pem(), fingerprint }
    }
}
