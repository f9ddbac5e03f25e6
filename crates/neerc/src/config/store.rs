//! Where the tasks are kept.

use super::check::Check;
use super::error::ConfigError;
use super::keys::RawStore;
use neerc_store::{Servers, Url};

impl Check<'_> {
    /// The store, with what is needed to reach it.
    pub(super) fn store(&self, raw: RawStore) -> Result<Url, ConfigError> {
        let url = Url::parse(&raw.url, self.source.folder())
            .map_err(|error| self.invalid_raw("store.url", &error.value, &error.wanted))?;
        let url = match url {
            Url::Sqlite(_) => url, // all is beside it, and nobody logs in
            Url::Postgres(servers) => {
                Url::Postgres(self.login((*servers).clone(), raw.folder, raw.password_file)?.into())
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
