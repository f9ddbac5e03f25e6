//! What works and is still not as it should be, said by `run` and by `check`. Not what stops them: that is an error.

use crate::config::{self, Config};
use neerc_core::board::Boards;
use neerc_core::near::nearest;
use neerc_core::units::DAY_MS;
use neerc_store::Url;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The right of every user of a machine to read a file.
const EVERYBODY_READS: u32 = 0o004;
/// The right of somebody to run a program.
const ANYBODY_RUNS: u32 = 0o111;
/// What the command line reads the token of a program from.
pub const TOKEN_VARIABLE: &str = "NEERC_TOKEN";

/// All of them, for the environment that is given.
pub fn all(config: &Config, environment: impl Iterator<Item = (OsString, OsString)>) -> Vec<String> {
    let names = environment.map(|(name, _)| name.to_string_lossy().into_owned());
    let unknown = names.filter(|name| name.starts_with("NEERC_")).filter_map(|name| unknown(&name));
    let secret = config.component.secret_at.as_deref().and_then(|file| open_to_all(file, "holds the secret"));
    let store = match &config.store {
        Url::Sqlite(file) => [open_to_all(file, "holds what people write"), several_names(file)],
        Url::Postgres(_) => {
            let file =
                config.store_secret_at.as_deref().filter(|file| Some(*file) != config.component.secret_at.as_deref());
            [file.and_then(|file| open_to_all(file, "holds the password of the store")), None]
        }
    };
    unknown.chain(secret).chain(store.into_iter().flatten()).chain(fence(config)).collect()
}

/// What would not end whoever serves on another machine.
fn fence(config: &Config) -> Option<String> {
    let program = config.fence.first()?;
    if let Url::Sqlite(file) = &config.store {
        let file = file.display();
        return Some(format!("store.fence is never run, since only one machine has {file}: take it out"));
    }
    let is_program = fs::metadata(program).is_ok_and(|found| found.is_file() && found.mode() & ANYBODY_RUNS != 0);
    (!is_program).then(|| format!("store.fence cannot be run: {program} is no program on this machine"))
}

/// Rooms whose newest timestamp is more than a day ahead of the clock: the clock was once far ahead, or is behind now.
/// Timestamps only go up, as the deployed clients need it, so those of new tasks follow it closely.
pub fn ahead(boards: &Boards, wall_ms: i64) -> Vec<String> {
    let days = |ms: i64| ms.saturating_sub(wall_ms) / DAY_MS;
    let ahead = boards.iter().filter(|(_, board)| days(board.last_timestamp_ms()) > 0);
    let said = |(room, board): (&neerc_core::change::Room, &neerc_core::board::Board)| {
        let days = days(board.last_timestamp_ms());
        format!(
            "the newest timestamp of room {room} is {days} days ahead of this machine's clock, and new tasks get later ones: \
             set the clock if it is wrong; if it was wrong before, the order of tasks stays right, and only another \
             store.url in neerc.toml begins anew"
        )
    };
    ahead.map(said).collect()
}

/// A variable that looks as if it were meant for the program.
fn unknown(name: &str) -> Option<String> {
    if config::variables().chain([TOKEN_VARIABLE]).any(|known| known == name) {
        return None;
    }
    let meant = nearest(name, config::variables()).map(|meant| format!("; is {meant} meant?")).unwrap_or_default();
    Some(format!("the environment variable {name} is no setting and is not used{meant}"))
}

fn open_to_all(file: &Path, what: &str) -> Option<String> {
    let is_open = fs::metadata(file).is_ok_and(|found| found.is_file() && found.mode() & EVERYBODY_READS != 0);
    let file = file.display();
    is_open.then(|| format!("{file} {what} and can be read by every user of this machine: chmod o-rwx {file}"))
}

/// SQLite keeps its write-ahead log beside the name by which a database was opened.
fn several_names(file: &Path) -> Option<String> {
    let names = fs::metadata(file).ok().filter(|found| found.is_file())?.nlink();
    let file = file.display();
    (names > 1).then(|| {
        format!("{file} has {names} names (hard links): what is opened by another of them lacks the newest changes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_that_a_clock_once_left_far_ahead_are_said() {
        let at = |last_ms| neerc_core::board::Board::restore([], 1, last_ms, 1);
        let boards = Boards::from([("neerc".into(), at(31 * DAY_MS)), ("test".into(), at(DAY_MS))]);
        let said = ahead(&boards, DAY_MS / 2);
        assert!(said.len() == 1 && said[0].contains("room neerc is 30 days ahead"), "{said:?}");
    }

    #[test]
    fn a_variable_that_was_mistyped_is_said_with_the_one_that_was_meant() {
        let said = |name| unknown(name).unwrap_or_default();
        assert_eq!(said("NEERC_LOG_LEVEL"), "");
        assert!(said("NEERC_STORE_ULR").ends_with("; is NEERC_STORE_URL meant?"));
        assert!(said("NEERC_TRUST").ends_with("NEERC_TRUST is no setting and is not used"));
    }

    #[test]
    fn a_program_that_could_never_end_another_service_is_said() {
        let said = |url: &str, program: &str| {
            let text = format!(
                "[component]\njid = \"n.x.org\"\nsecret = \"s\"\n[store]\nurl = \"{url}\"\nfence = [\"{program}\"]\n"
            );
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("neerc.toml");
            fs::write(&file, text).unwrap();
            fence(&Config::load(&file, |_| None).unwrap())
        };
        assert_eq!(said("postgres://n@a,b/n", "/bin/sh"), None);
        let missing = said("postgres://n@a,b/n", "/etc/neerc/nowhere").unwrap();
        assert!(missing.ends_with("/etc/neerc/nowhere is no program on this machine"), "{missing}");
        assert!(said("sqlite:neerc.db", "/bin/sh").unwrap().starts_with("store.fence is never run"));
    }
}
