//! From the checked configuration to what each part of the program takes.

use crate::config::{self, Config};
use crate::{i18n, secret};
use neerc_core::notice::Visibility;
use neerc_core::people::GroupRule;
use neerc_store::Url;
use neerc_xmpp::front::FrontSettings;
use neerc_xmpp::room::groups::GroupSettings;
use neerc_xmpp::stanza::address::{self, Address};
use neerc_xmpp::throttle::{Budget, Rate};
use std::sync::Arc;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A setting that reads like a JID and is none.
    #[error("{key} = \"{value}\" is not a valid JID")]
    NotAJid {
        /// Its key in the file.
        key: &'static str,
        /// What is written there.
        value: String,
    },
    /// Nothing unguessable can be made.
    #[error("there is no randomness to be had from /dev/urandom")]
    NoRandomness(#[source] std::io::Error),
}

/// The settings of the XMPP side.
pub fn front(config: &Config) -> Result<FrontSettings, SettingsError> {
    let jid =
        |key, value: &str| Address::parse(value).ok_or_else(|| SettingsError::NotAJid { key, value: value.to_owned() });
    let component = jid("component.jid", &config.component.jid)?;
    let rooms_service = jid("rooms.service", &config.rooms.service)?;
    let nickname = address::nick(&config.rooms.nickname)
        .ok_or_else(|| SettingsError::NotAJid { key: "rooms.nickname", value: config.rooms.nickname.clone() })?;
    let mut groups = GroupSettings::default();
    for group in &config.groups {
        match &group.members {
            config::Members::Names(patterns) => {
                groups.rules.push(GroupRule { group: group.name.as_str().into(), patterns: patterns.clone() });
            }
            config::Members::Room(room) => {
                let room = jid("groups.room", &format!("{room}@{}", rooms_service.domain()))?;
                groups.rooms.push((group.name.as_str().into(), room));
            }
        }
    }
    if let Some(directory) = &config.directory {
        let poll_ms = i64::try_from(directory.poll_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
        groups.directory = Some((jid("directory.jid", &directory.jid)?, poll_ms));
    }
    Ok(FrontSettings {
        component: component.as_str().to_owned(),
        host: jid("component.host", &config.component.host)?,
        secret: config.component.secret.expose().to_owned(),
        rooms_service: rooms_service.as_str().to_owned(),
        rooms: config.rooms.join.iter().map(|room| room.as_str().into()).collect(),
        nickname,
        nick_seed: secret::hex(16).map_err(SettingsError::NoRandomness)?,
        rooms_jid: jid("rooms.jid", &config.rooms.jid)?.as_str().to_owned(),
        owners: config.rooms.owners.iter().map(|owner| jid("rooms.owners", owner)).collect::<Result<_, _>>()?,
        admit_unaffiliated: config.rooms.unaffiliated == config::Unaffiliated::Admitted,
        groups,
        visibility: match config.tasks.visibility {
            config::Visibility::All => Visibility::All,
            config::Visibility::Own => Visibility::Own,
        },
        wiki_packet: config.tasks.wiki_packet == config::WikiPacket::Sent,
        spacing_ms: i64::try_from(config.tasks.spacing_ms).unwrap_or(i64::MAX),
        max_stanza_bytes: config.tasks.max_stanza_bytes,
        rate: Rate {
            per_second: config.limits.requests_per_second,
            burst: config.limits.requests_burst,
            burst_of_power: config.limits.requests_burst_of_power,
        },
        budget: Budget {
            bytes_per_second: config.limits.answers_kib_per_second.saturating_mul(1_024),
            burst_bytes: config.limits.answers_burst_kib.saturating_mul(1_024),
        },
        words: Arc::new(i18n::Files),
        language: config.language,
        contacts: config.contacts.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// A store whose path cannot be said.
#[derive(Debug, thiserror::Error)]
#[error("store.url: the path {} is not UTF-8: give one that is, or move the configuration to a folder whose name is", path.display())]
pub struct NotText {
    path: std::path::PathBuf,
}

/// Where the store is.
pub fn store_url(config: &Config) -> Result<&Url, NotText> {
    let Url::Sqlite(path) = &config.store;
    path.to_str().map(|_| &config.store).ok_or_else(|| NotText { path: path.clone() })
}
