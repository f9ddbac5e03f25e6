//! Where the tasks are kept.

use super::check::{Check, is_program};
use super::error::{ConfigError, Origin};
use super::keys::RawStore;
use crate::follow::Alone;
use neerc_store::{Servers, Url};
use std::path::PathBuf;

impl Check<'_> {
    /// The store, with what is needed to reach it.
    pub(super) fn store(&self, raw: RawStore) -> Result<Url, ConfigError> {
        let url = Url::parse(&raw.url, self.source.folder())
            .map_err(|error| self.invalid_raw("store.url", &error.value, &error.wanted))?;
        let url = match url {
            Url::Sqlite(_) => url, // all is beside it, and nobody logs in
            Url::Postgres(servers) => {
                let servers = match self.alone(&raw.alone)? {
                    Alone::GoOn => (*servers).clone().going_on(),
                    Alone::Wait => (*servers).clone(),
                };
                Url::Postgres(self.login(servers, raw.folder, raw.password_file)?.into())
            }
        };
        match url.local().to_str() {
            Some(_) => Ok(url),
            None => {
                let wanted =
                    "the path is not UTF-8: give one that is, or move the configuration to a folder whose name is";
                Err(self.invalid_raw("store.url", &url.to_string(), wanted))
            }
        }
    }

    /// What ends whoever served on another machine.
    pub(super) fn fence(&self, raw: &RawStore) -> Result<Vec<String>, ConfigError> {
        if raw.fence.is_empty() || is_program(&raw.fence) {
            return Ok(raw.fence.clone());
        }
        let wanted = "must be a list that begins with the whole path of a program, such as [\"/etc/neerc/fence\"]";
        Err(self.invalid("store.fence", &raw.fence.join(" "), wanted))
    }

    /// The file in which the password of a store stands, if it stands in one.
    pub(super) fn store_secret_at(&self, raw: &RawStore) -> Result<Option<PathBuf>, ConfigError> {
        if let Some(file) = &raw.password_file {
            return self.secret_path("store.password_file", 0, file).map(Some);
        }
        let has_password = match Url::parse(&raw.url, self.source.folder()) {
            Ok(Url::Postgres(servers)) => servers.has_password(),
            Ok(Url::Sqlite(_)) | Err(_) => false, // what is wrong with it is said where it is used
        };
        Ok(match self.origin("store.url") {
            Origin::File(path, _) if has_password => Some(path),
            Origin::File(..) | Origin::Variable(_) => None,
        })
    }

    fn login(
        &self,
        servers: Servers,
        folder: Option<String>,
        password_file: Option<String>,
    ) -> Result<Servers, ConfigError> {
        let servers = match folder {
            Some(folder) => servers.in_folder(&self.beside("store.folder", &folder)?),
            None => servers,
        };
        let Some(file) = password_file else { return Ok(servers) };
        let key = "store.password_file";
        if servers.has_password() {
            let wanted = "stands beside a password in store.url: keep one";
            return Err(self.invalid_raw(key, &format!("{file:?}"), wanted));
        }
        let path = self.secret_path(key, 0, &file)?;
        Ok(servers.with_password(self.read_secret(key, 0, &path)?.expose()))
    }
}
