//! What to change where a server lets nobody in, if its words and the driver's do not say it. A server may speak any language,
//! so what it means is told by its codes where they are enough.

use super::{TlsProblem, own};
use crate::encryption::TlsMode;
use crate::servers::Server;
use rustls::AlertDescription;
use std::error::Error as _;
use std::io;
use tokio_postgres::Error;
use tokio_postgres::config::ChannelBinding;
use tokio_postgres::error::SqlState;

/// Whether it may be another one without TLS: the handshake failed, or the server lets nobody in by TLS.
pub(super) fn is_of_tls(error: &Error) -> bool {
    let is_handshake = error.source().is_some_and(|source| source.is::<TlsProblem>()) || alert(error).is_some();
    is_handshake || (is_barred(error) && !is_between(error))
}

/// What to change, as it follows the words of an error.
pub(super) fn of(error: &Error, server: &Server) -> String {
    let own = server.encryption.own.as_ref();
    if let Some(alert) = alert(error) {
        return own::advice(own, alert);
    }
    let is_password = error.code() == Some(&SqlState::INVALID_PASSWORD);
    match own {
        Some(own) if is_password || (is_barred(error) && is_by(error, &["auth_failed"])) => format!(
            "; if pg_hba.conf has cert or clientcert=verify-full, sslcert {} must be for that user: its common name (CN) is \
             compared, or mapped by pg_ident.conf",
            own.certificate.display()
        ),
        _ => by_mode(error, server).to_owned(),
    }
}

fn by_mode(error: &Error, server: &Server) -> &'static str {
    let (is_barred, requires) = (is_barred(error), server.config.get_channel_binding() == ChannelBinding::Require);
    let wants_certificate = error.as_db_error().is_some_and(|said| said.message().contains("client certificate"));
    match server.encryption.mode {
        _ if is_between(error) => {
            "; somebody ends TLS between this machine and the server: it may be an attacker. Only if it is a proxy of yours, \
             write channel_binding=disable in store.url, and use sslmode=verify-full"
        }
        TlsMode::Disable if is_barred => {
            "; if pg_hba.conf lets in by hostssl only, leave sslmode=disable out of store.url"
        }
        _ if is_barred && wants_certificate => "; give it as sslcert and sslkey in store.url",
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull if is_barred => {
            "; if pg_hba.conf lets in by hostnossl only, write hostssl or host there"
        }
        // The driver has no names for these, only words.
        _ if is_said(error, "server does not support TLS") && requires => {
            ": set ssl = on there, with ssl_cert_file and ssl_key_file, or leave channel_binding=require out of store.url"
        }
        _ if is_said(error, "server does not support TLS") => {
            ": set ssl = on there, with ssl_cert_file and ssl_key_file, or use sslmode=prefer in store.url where nobody can \
             listen in"
        }
        _ if is_said(error, "server did not use channel binding") => {
            ": channel_binding=require wants scram-sha-256 in pg_hba.conf, and a password of the user that was set with \
             password_encryption = 'scram-sha-256'; if both is so, somebody ends TLS in between"
        }
        _ => "",
    }
}

/// Whether the server lets nobody in who comes like that.
fn is_barred(error: &Error) -> bool {
    error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

/// Whether the server knows of another connection than this machine does: that another certificate was shown here, or that it
/// was said to bind no logins.
fn is_between(error: &Error) -> bool {
    is_barred(error) && is_by(error, &["read_client_first_message", "read_client_final_message"])
}

/// Whether one of these functions of the server says it.
fn is_by(error: &Error, routines: &[&str]) -> bool {
    let routine = error.as_db_error().and_then(|said| said.routine());
    routine.is_some_and(|routine| routines.contains(&routine))
}

fn is_said(error: &Error, words: &str) -> bool {
    error.source().is_some_and(|source| source.to_string() == words)
}

/// What the server has ended TLS with: of version 1.3, it looks at a certificate only after the handshake.
fn alert(error: &Error) -> Option<AlertDescription> {
    let source = error.source()?.downcast_ref::<io::Error>()?.get_ref()?;
    match source.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}
