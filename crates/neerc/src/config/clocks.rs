//! `[clock]` and `[[clocks]]`: which room's contest clock is read from where.

use super::check::Check;
use super::error::ConfigError;
use super::keys::{RawClock, RawRoomClock};
use crate::clocks::{ClockSource, Clockwork, Format, Served};
use crate::http::{self, HttpAddress};
use neerc_core::change::Room;
use std::collections::BTreeMap;

/// The keys as errors name them: in `[clock]` and in `[[clocks]]`.
const KEYS: [(&str, &str, &str); 8] = [
    ("source", "clock.source", "clocks.source"),
    ("path", "clock.path", "clocks.path"),
    ("url", "clock.url", "clocks.url"),
    ("user", "clock.user", "clocks.user"),
    ("password", "clock.password", "clocks.password"),
    ("password_file", "clock.password_file", "clocks.password_file"),
    ("ca_file", "clock.ca_file", "clocks.ca_file"),
    ("fingerprint", "clock.fingerprint", "clocks.fingerprint"),
];

/// Which of the sections.
#[derive(Clone, Copy)]
struct Section {
    is_other: bool,
    nth: usize,
}

impl Section {
    fn key(self, name: &str) -> &'static str {
        let row = KEYS.iter().find(|(known, ..)| *known == name);
        row.map_or("clock", |(_, main, other)| if self.is_other { other } else { main })
    }
}

impl Check<'_> {
    pub(super) fn clocks(
        &self,
        clock: RawClock,
        others: Vec<RawRoomClock>,
        rooms: &[Room],
    ) -> Result<Clockwork, ConfigError> {
        let RawClock { source, path, url, user, password, password_file, ca_file, fingerprint, file } = clock;
        let of_rest =
            RawRoomClock { rooms: None, source, path, url, user, password, password_file, ca_file, fingerprint };
        let main = match (file, &of_rest) {
            (None, _) => self.clock(of_rest, Section { is_other: false, nth: 0 })?,
            (Some(file), RawRoomClock { source, path: None, url: None, .. })
                if source.as_deref().is_none_or(|source| source == "file") =>
            {
                ClockSource::File(self.beside("clock.file", &file)?, Format::Pcms)
            }
            (Some(file), _) => {
                let wanted =
                    "is source = \"file\" and path in one, so neither another source nor path or url fits beside it";
                return Err(self.invalid("clock.file", &file, wanted));
            }
        };
        let (mut sources, mut of_room) = (vec![main], BTreeMap::new());
        for (nth, mut other) in others.into_iter().enumerate() {
            let named = other.rooms.take().unwrap_or_default();
            if named.is_empty() {
                return Err(self.nth_missing(
                    "clocks.rooms",
                    nth,
                    "name the rooms that have this clock, such as [\"school\"]",
                ));
            }
            for name in &named {
                let room = name.to_ascii_lowercase();
                let Some(room) = rooms.iter().find(|known| ***known == *room) else {
                    return Err(self.nth_invalid("clocks.rooms", nth, name, "is not among rooms.join"));
                };
                if of_room.insert(room.clone(), sources.len()).is_some() {
                    return Err(self.nth_invalid("clocks.rooms", nth, name, "has a clock already"));
                }
            }
            sources.push(self.clock(other, Section { is_other: true, nth })?);
        }
        Ok(Clockwork { sources, of_room })
    }

    fn clock(&self, raw: RawRoomClock, at: Section) -> Result<ClockSource, ConfigError> {
        let wrong = |name: &str, value: &str, wanted: &str| self.nth_invalid(at.key(name), at.nth, value, wanted);
        let missing = |name: &str, wanted: &str| self.nth_missing(at.key(name), at.nth, wanted);
        let sources = "must be \"file\", \"clics\", \"json\" or \"manual\"";
        match (raw.source.as_deref(), &raw.path, &raw.url) {
            (None | Some("manual"), None, None) => Ok(ClockSource::Manual),
            (None, _, _) => Err(missing("source", "say what the path or url is: \"file\", \"clics\" or \"json\"")),
            (Some("manual"), Some(path), _) => {
                Err(wrong("path", path, "is for a clock that is read; source is \"manual\""))
            }
            (Some("manual"), _, Some(url)) => {
                Err(wrong("url", url, "is for a clock that is read; source is \"manual\""))
            }
            (Some("file"), Some(path), None) => {
                Ok(ClockSource::File(self.nth_beside(at.key("path"), at.nth, path)?, Format::Pcms))
            }
            (Some("file"), None, _) => Err(missing("path", "source is \"file\": give the path of the clock file")),
            (Some("json"), Some(path), None) => {
                Ok(ClockSource::File(self.nth_beside(at.key("path"), at.nth, path)?, Format::Json))
            }
            (Some("json" | "file"), Some(_), Some(url)) => Err(wrong("url", url, "stands beside path: keep one")),
            (Some("json"), None, Some(_)) => self.served(raw, at, Served::Json),
            (Some("json"), None, None) => Err(missing("url", "source is \"json\": give a url, or the path of a file")),
            (Some("clics"), None, Some(_)) => self.served(raw, at, Served::Clics),
            (Some("clics"), Some(path), _) => Err(wrong("path", path, "is not for source \"clics\", which has a url")),
            (Some("clics"), None, None) => Err(missing(
                "url",
                "source is \"clics\": give the contest's own address, https://host/api/contests/demo",
            )),
            (Some(other), _, _) => Err(wrong("source", other, sources)),
        }
    }

    fn served(&self, raw: RawRoomClock, at: Section, served: Served) -> Result<ClockSource, ConfigError> {
        let url = raw.url.unwrap_or_default();
        http::check(&url).map_err(|why| {
            let why = why.strip_prefix(&format!("\"{url}\" ")).unwrap_or(&why).to_owned();
            self.nth_invalid(at.key("url"), at.nth, &url, &why)
        })?;
        let password = match (raw.password, raw.password_file) {
            (Some(_), Some(file)) => {
                return Err(self.nth_invalid(
                    at.key("password_file"),
                    at.nth,
                    &file,
                    "stands beside password: keep one",
                ));
            }
            (Some(password), None) => Some(password),
            (None, Some(file)) => {
                let path = self.secret_path(at.key("password_file"), at.nth, &file)?;
                Some(self.read_secret(at.key("password_file"), at.nth, &path)?)
            }
            (None, None) => None,
        };
        let login = match (raw.user, password) {
            (Some(user), Some(password)) => Some((user, password.expose().to_owned())),
            (None, None) => None,
            (Some(_), None) => {
                return Err(self.nth_missing(at.key("password"), at.nth, "give password or password_file"));
            }
            (None, Some(_)) => {
                return Err(self.nth_missing(at.key("user"), at.nth, "there is a password, and no user"));
            }
        };
        let ca_file = raw.ca_file.map(|file| self.nth_beside(at.key("ca_file"), at.nth, &file)).transpose()?;
        let fingerprint = self.fingerprint(at.key("fingerprint"), at.nth, raw.fingerprint)?;
        Ok(ClockSource::Http(HttpAddress { url, login, ca_file, fingerprint }, served))
    }

    /// The SHA-256 of a certificate.
    pub(super) fn fingerprint(
        &self,
        key: &'static str,
        nth: usize,
        text: Option<String>,
    ) -> Result<Option<[u8; 32]>, ConfigError> {
        let wanted = "must be the SHA-256 of the certificate: 64 hexadecimal digits, with or without colons";
        let read = |text: String| fingerprint(&text).ok_or_else(|| self.nth_invalid(key, nth, &text, wanted));
        text.map(read).transpose()
    }
}

fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    let exact = digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit);
    if exact { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_with_and_without_colons() {
        let plain = "0f".repeat(32);
        let colons = vec!["0F"; 32].join(":");
        assert_eq!((fingerprint(&plain), fingerprint(&colons)), (Some([15; 32]), Some([15; 32])));
        for wrong in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &"+f".repeat(32), &"é".repeat(32)] {
            assert_eq!(fingerprint(wrong), None, "{wrong}");
        }
    }
}
