//! The certificate that is shown to a server, and its key. What is demanded of the key's file is what PostgreSQL's own
//! programs demand.

use super::read_file;
use crate::encryption::Own;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, Error, InconsistentKeys};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Both. The error says what is wrong with them.
pub(super) fn read(own: &Own) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let certificates = read_file(&own.certificate).map_err(|why| {
        let file = own.certificate.display();
        format!("cannot read sslcert {file}: {why}; it must hold a certificate in PEM, and those between it and its CA")
    })?;
    let key = read_key(&own.key).map_err(|why| format!("cannot use sslkey {}: {why}", own.key.display()))?;
    Ok((certificates, key))
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

/// Why they cannot be used.
pub(super) fn problem(own: &Own, error: &Error) -> String {
    let (certificate, key) = (own.certificate.display(), own.key.display());
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            format!("sslkey {key} is not the key of sslcert {certificate}: give the two that belong together")
        }
        error => format!(
            "sslcert {certificate} cannot be used with sslkey {key} ({error}): take an RSA key of 2048 bits or more, or one on the \
             curve P-256 or P-384, and a certificate of version 3"
        ),
    }
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
