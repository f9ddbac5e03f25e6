//! The certificate that is shown to a server, and its key. What is demanded of the key's file is what PostgreSQL's own
//! programs demand.

use super::read_file;
use crate::encryption::Own;
use rustls::crypto::KeyProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{AlertDescription, Error, InconsistentKeys};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// Both. The error says what is wrong with them.
pub(super) fn read(own: &Own, keys: &dyn KeyProvider) -> Result<Arc<SingleCertAndKey>, String> {
    let (certificate, file) = (own.certificate.display(), own.key.display());
    let certificates = read_file(&own.certificate).map_err(|why| {
        format!(
            "cannot read sslcert {certificate}: {why}; it must hold a certificate in PEM, and those between it and its CA"
        )
    })?;
    let key = read_key(&own.key).map_err(|why| format!("cannot use sslkey {file}: {why}"))?;
    let key = keys.load_private_key(key).map_err(|error| {
        format!(
            "cannot use sslkey {file}: {error}; take an RSA key of 2048 bits or more, or one on the curve P-256 or P-384"
        )
    })?;
    let both = CertifiedKey::new(certificates, key);
    match both.keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(format!("sslkey {file} is not the key of sslcert {certificate}: give the two that belong together"))
        }
        // What openssl x509 makes is of version 1, which cannot be compared here; a server looks all the same.
        _ => Ok(Arc::new(both.into())),
    }
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let found = fs::metadata(file).map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err(String::from("it is no file"));
    }
    let withheld = if found.uid() == 0 { 0o037 } else { 0o077 }; // the group of what is root's may read it
    if found.mode() & withheld != 0 {
        return Err(String::from(
            "others have access to it: chmod 600 if it belongs to the user of the service, 640 if it belongs to root",
        ));
    }
    let text = fs::read(file).map_err(|error| error.to_string())?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match text.windows(9).any(|part| part == b"ENCRYPTED") {
        true => {
            String::from("it is encrypted, and nobody is there to give its password: store it without, by openssl pkey")
        }
        false => format!("{error}; it must hold a private key in PEM"),
    })
}

/// What to change where a server does not take it.
pub(super) fn advice(own: Option<&Own>, alert: AlertDescription) -> String {
    let Some(own) = own else { return String::new() };
    let certificate = own.certificate.display();
    match alert {
        AlertDescription::CertificateExpired => format!("; sslcert {certificate} has expired: renew it"),
        AlertDescription::UnknownCA => {
            format!("; ssl_ca_file there must hold the certificate of the CA that issued sslcert {certificate}")
        }
        _ => format!("; the server does not take sslcert {certificate}, and its log says why"),
    }
}

#[cfg(test)]
mod tests;
