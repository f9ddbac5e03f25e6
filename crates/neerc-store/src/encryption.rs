//! Whether a connection to a database is encrypted, whom it believes and what it shows of itself: `sslmode`, `sslrootcert`,
//! `sslcert` and `sslkey` of an address, as PostgreSQL's own programs take them. The driver knows only some of it, so it is
//! taken out of the address before.

use std::fmt;
use std::path::{Path, PathBuf};

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encryption {
    pub mode: TlsMode,
    /// Who is believed; `None` means everybody.
    pub roots: Option<Roots>,
    /// What is shown to a server that asks for it.
    pub own: Option<Own>,
}

/// `sslcert` and `sslkey`: a certificate for us, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsMode {
    Disable,
    /// Encrypted if the server agrees to it.
    Prefer,
    Require,
    /// The certificate must be issued by somebody who is believed.
    VerifyCa,
    /// And be for the server by its name.
    VerifyFull,
}

/// `sslrootcert`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Roots {
    /// What this machine believes.
    System,
    /// A file with certificates.
    File(PathBuf),
}

const MODES: [(&str, TlsMode); 5] = [
    ("disable", TlsMode::Disable),
    ("prefer", TlsMode::Prefer),
    ("require", TlsMode::Require),
    ("verify-ca", TlsMode::VerifyCa),
    ("verify-full", TlsMode::VerifyFull),
];

impl Encryption {
    /// Takes it out of an address, of which the rest is returned. A file is relative to that folder.
    pub fn take(address: &str, folder: &Path) -> Result<(Encryption, String), String> {
        let (mut mode, mut roots, mut certificate, mut key) = (TlsMode::Prefer, None, None, None);
        // A password may have a ? in it.
        let login = address.find('@').unwrap_or(0);
        let begins = address[login..].find('?').map_or(address.len(), |at| login + at);
        let mut rest = Vec::new();
        for option in address.get(begins + 1..).unwrap_or_default().split('&') {
            match option.split_once('=') {
                Some(("sslmode", given)) => mode = mode_of(given)?,
                Some(("sslrootcert", given)) => roots = Some(roots_of(given, folder)?),
                Some(("sslcert", given)) => certificate = Some(file_of("sslcert", given, folder)?),
                Some(("sslkey", given)) => key = Some(file_of("sslkey", given, folder)?),
                _ => rest.push(option),
            }
        }
        let own = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(Own { certificate, key }),
            (None, None) => None,
            (Some(_), None) => {
                return Err(String::from("its sslcert needs a key: give the file with it as sslkey=/path"));
            }
            (None, Some(_)) => return Err(String::from("its sslkey is for a certificate: give that as sslcert=/path")),
        };
        let (mut bare, rest) = (address[..begins].to_owned(), rest.join("&"));
        if !rest.is_empty() {
            bare.push_str(&format!("?{rest}"));
        }
        Ok((Encryption { mode, roots, own }.checked()?, bare))
    }

    /// The same where each login is to be bound to its connection (`channel_binding=require`), so that there is none without TLS.
    pub fn bound(self) -> Result<Encryption, String> {
        match self.mode {
            TlsMode::Disable => Err(String::from("channel_binding=require needs TLS: leave sslmode=disable out")),
            TlsMode::Prefer => Ok(Encryption { mode: TlsMode::Require, ..self }),
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => Ok(self),
        }
    }

    fn checked(self) -> Result<Encryption, String> {
        match (self.mode, &self.roots) {
            (TlsMode::VerifyCa | TlsMode::VerifyFull, None) => Err(String::from(
                "its sslmode checks certificates: give a file with that of your CA as sslrootcert=/path, or sslrootcert=system \
                 with sslmode=verify-full for those that this machine believes",
            )),
            (TlsMode::Disable | TlsMode::Prefer | TlsMode::Require | TlsMode::VerifyCa, Some(Roots::System)) => {
                // Anybody gets a certificate of a public CA for a name of their own.
                Err(String::from("sslrootcert=system protects only with sslmode=verify-full"))
            }
            (TlsMode::Require, Some(_)) => Ok(Encryption { mode: TlsMode::VerifyCa, ..self }),
            _ => Ok(self),
        }
    }
}

fn mode_of(given: &str) -> Result<TlsMode, String> {
    let mode = MODES.into_iter().find(|(name, _)| *name == given);
    let wanted = || String::from("its sslmode must be disable, prefer, require, verify-ca or verify-full");
    mode.map(|(_, mode)| mode).ok_or_else(wanted)
}

fn roots_of(given: &str, folder: &Path) -> Result<Roots, String> {
    match given {
        "system" => Ok(Roots::System),
        _ => match file_of("sslrootcert", given, folder) {
            Ok(file) => Ok(Roots::File(file)),
            Err(why) => Err(format!("{why}, or system")),
        },
    }
}

/// A file, which is relative to that folder.
fn file_of(option: &str, given: &str, folder: &Path) -> Result<PathBuf, String> {
    let path = decoded(given).filter(|path| !path.is_empty() && !path.contains('\0'));
    path.map(|path| folder.join(path)).ok_or_else(|| format!("its {option} must be the path of a file"))
}

/// A text without %XX.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    loop {
        match rest {
            [] => return String::from_utf8(bytes).ok(),
            [b'%', high, low, after @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                bytes.push(digit(*high)? * 16 + digit(*low)?);
                rest = after;
            }
            [b'%', ..] => return None,
            [byte, after @ ..] => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
}

impl fmt::Display for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Roots::System => f.write_str("the certificates of this machine"),
            Roots::File(file) => file.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(address: &str) -> Result<(TlsMode, Option<String>, String), String> {
        let (Encryption { mode, roots, .. }, rest) = Encryption::take(address, Path::new("/etc/neerc"))?;
        Ok((mode, roots.map(|roots| roots.to_string()), rest))
    }

    #[test]
    fn what_an_address_says_of_encryption_is_taken_out_of_it() {
        let own = |mode, roots: Option<&str>, rest: &str| Ok((mode, roots.map(str::to_owned), rest.to_owned()));
        assert_eq!(taken("postgres://n@a/d"), own(TlsMode::Prefer, None, "postgres://n@a/d"));
        assert_eq!(taken("postgres://n@a/d?sslmode=disable"), own(TlsMode::Disable, None, "postgres://n@a/d"));
        let both = taken("postgres://n@a/d?sslrootcert=my%20ca.pem&options=-c%20a%3Db&sslmode=verify-full");
        let rest = "postgres://n@a/d?options=-c%20a%3Db";
        assert_eq!(both, own(TlsMode::VerifyFull, Some("/etc/neerc/my ca.pem"), rest));
        let old = taken("postgres://n@a/d?sslmode=require&sslrootcert=/ca.pem");
        assert_eq!(old, own(TlsMode::VerifyCa, Some("/ca.pem"), "postgres://n@a/d"), "as libpq has it");
        let password = "postgres://n:?sslmode=x@a/d?sslmode=require";
        assert_eq!(taken(password), own(TlsMode::Require, None, "postgres://n:?sslmode=x@a/d"));
        let system = taken("postgres://n@a/d?sslmode=verify-full&sslrootcert=system");
        assert_eq!(system, own(TlsMode::VerifyFull, Some("the certificates of this machine"), "postgres://n@a/d"));
    }

    #[test]
    fn a_certificate_and_its_key_are_taken_out_of_an_address() {
        let (encryption, rest) =
            Encryption::take("postgres://n@a/d?sslkey=own.key&sslcert=/own%20crt", Path::new("/etc/neerc")).unwrap();
        let own = Own { certificate: "/own crt".into(), key: "/etc/neerc/own.key".into() };
        assert_eq!((encryption.own, rest.as_str()), (Some(own), "postgres://n@a/d"));
    }

    #[test]
    fn what_would_protect_nobody_is_refused() {
        for (options, says) in [
            ("sslmode=allow", "must be disable, prefer"),
            ("sslmode=verify-full", "give a file with that of your CA"),
            ("sslmode=verify-ca&sslrootcert=", "must be the path of a file"),
            ("sslmode=verify-ca&sslrootcert=%ff", "must be the path of a file"),
            ("sslmode=verify-ca&sslrootcert=system", "only with sslmode=verify-full"),
            ("sslrootcert=system", "only with sslmode=verify-full"),
            ("sslcert=neerc.pem", "give the file with it as sslkey"),
            ("sslkey=neerc.key&sslmode=require", "give that as sslcert"),
            ("sslcert=&sslkey=neerc.key", "its sslcert must be the path of a file"),
        ] {
            let why = taken(&format!("postgres://n@a/d?{options}")).unwrap_err();
            assert!(why.contains(says), "{options}: {why}");
        }
    }
}
