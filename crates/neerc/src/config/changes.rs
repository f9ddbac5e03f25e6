//! What differs between two readings of the configuration, by key, and what of it can be taken while the service runs.

use super::Config;
use super::keys::RawLayer;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The keys and sections that can be changed while the service runs. Any other needs a restart.
pub const LIVE: [&str; 17] = [
    "checklists",
    "clock",
    "clocks",
    "directory",
    "groups",
    "limits",
    "log.level",
    "rooms.admit_unaffiliated",
    "rooms.owners",
    "store.keep_days",
    "tasks.max_stanza_bytes",
    "tasks.plan_lapses_min",
    "tasks.remind_min",
    "tasks.spacing_ms",
    "tasks.visibility",
    "tasks.wiki_packet",
    "texts",
];

/// What a process that stands by goes by already. It serves by what any other key says by then.
const OF_STANDBY: [&str; 8] =
    ["log.format", "log.time", "operations", "store.fence", "store.folder", "store.password_file", "store.url", "web"];

/// Each key as it was given, or by its default. Of secrets only whether they are the same is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenKeys(BTreeMap<String, Value>);

impl GivenKeys {
    pub(super) fn of(layer: &RawLayer) -> GivenKeys {
        let mut keys = BTreeMap::new();
        collect("", serde_json::to_value(layer).unwrap_or_default(), &mut keys);
        GivenKeys(keys)
    }
}

fn collect(name: &str, value: Value, keys: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(section) => {
            for (key, value) in section {
                let key = if name.is_empty() { key } else { format!("{name}.{key}") };
                collect(&key, value, keys);
            }
        }
        Value::Null => {}
        value => drop(keys.insert(name.to_owned(), value)),
    }
}

/// The keys that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyChanges {
    /// Those that can be taken at once.
    pub live: Vec<String>,
    /// Those that need a restart.
    pub restart: Vec<String>,
}

impl KeyChanges {
    /// The same for a process that stands by.
    pub fn standing_by(self) -> KeyChanges {
        let (restart, live) = self.live.into_iter().chain(self.restart).partition(|name| is_below(&OF_STANDBY, name));
        KeyChanges { live, restart }
    }
}

/// What differs between two configurations. A file that a key names is part of it where `Config` holds what is in it.
pub fn between(old: (&Config, &GivenKeys), new: (&Config, &GivenKeys)) -> KeyChanges {
    let ((old, GivenKeys(old_keys)), (new, GivenKeys(new_keys))) = (old, new);
    let keys: BTreeSet<&String> = old_keys.keys().chain(new_keys.keys()).collect();
    let differing = keys.into_iter().filter(|key| old_keys.get(*key) != new_keys.get(*key));
    let mut names: BTreeSet<String> = differing.cloned().collect();
    let in_files = [
        ("component.secret", old.component.secret != new.component.secret),
        ("clock", old.clocks != new.clocks),
        ("groups", old.lists != new.lists),
        ("webhooks", old.webhooks != new.webhooks),
    ];
    for (section, is_other) in in_files {
        if is_other && !names.iter().any(|name| name.starts_with(section)) {
            names.insert(section.to_owned());
        }
    }
    let (live, restart) = names.into_iter().partition(|name| is_below(&LIVE, name));
    KeyChanges { live, restart }
}

/// Whether a key is one of these, or in a section of them.
fn is_below(sections: &[&str], key: &str) -> bool {
    let is_below =
        |section: &&str| key == *section || key.strip_prefix(*section).is_some_and(|rest| rest.starts_with('.'));
    sections.iter().any(is_below)
}

#[cfg(test)]
mod tests {
    use super::super::{KEYS, keys::variable};
    use super::*;
    use std::path::Path;

    const BASE: &str = "[component]\njid = \"neerc.localhost\"\nsecret_file = \"secret\"\n";

    fn load(folder: &Path, text: &str) -> (Config, GivenKeys) {
        let file = folder.join("neerc.toml");
        std::fs::write(&file, format!("{BASE}{text}")).unwrap();
        Config::load_given(&file, |_| None).unwrap()
    }

    #[test]
    fn what_differs_is_named_and_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        std::fs::write(folder.join("secret"), "one").unwrap();
        let (old, old_keys) = load(folder, "");
        let changes = |text: &str| {
            let (new, new_keys) = load(folder, text);
            let KeyChanges { live, restart } = between((&old, &old_keys), (&new, &new_keys));
            (live.join(" "), restart.join(" "))
        };
        let table = [
            ("", "", ""),
            ("[tasks]\nspacing_ms = 50\n", "", ""),
            ("[limits]\nrequests_burst = 7\n[log]\nlevel = \"debug\"\n", "limits.requests_burst log.level", ""),
            ("[[groups]]\nname = \"A\"\nmembers = [\"a\"]\n", "groups", ""),
            ("[directory]\njid = \"d@localhost\"\n", "directory.jid", ""),
            ("[clock]\nfile = \"c.xml\"\n[texts]\nlanguage = \"ru\"\n", "clock.file texts.language", ""),
            ("[[clocks]]\nrooms = [\"neerc\"]\nsource = \"manual\"\n", "clocks", ""),
            ("[tasks]\nremind_min = 7\n[store]\nkeep_days = 3\n", "store.keep_days tasks.remind_min", ""),
            ("[rooms]\njoin = [\"a\"]\nowners = [\"a@b\"]\n", "rooms.owners", "rooms.join"),
            ("[web]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:b.db\"\n", "", "store.url web.listen"),
        ];
        for (text, live, restart) in table {
            assert_eq!(changes(text), (live.to_owned(), restart.to_owned()), "{text}");
        }
        let (new, new_keys) =
            load(folder, "[rooms]\njoin = [\"a\"]\n[web]\nlisten = \"127.0.0.1:0\"\n[store]\nkeep_days = 3\n");
        let KeyChanges { live, restart } = between((&old, &old_keys), (&new, &new_keys)).standing_by();
        assert_eq!((live.join(" "), restart.join(" ")), ("store.keep_days rooms.join".into(), "web.listen".into()));
        std::fs::write(folder.join("secret"), "two").unwrap();
        assert_eq!(changes(""), (String::new(), "component.secret".to_owned()), "what is in the file counts");
    }

    #[test]
    fn what_can_be_changed_while_it_runs_are_keys_and_stands_in_the_documentation() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../doc/operations.md");
        let documentation = std::fs::read_to_string(file).unwrap();
        for key in LIVE.into_iter().chain(OF_STANDBY) {
            let is_section = KEYS.fields.iter().any(|field| field.name == key);
            assert!(is_section || variable(key).is_some(), "{key}");
            let shown = [format!("`{key}`"), format!("`[{key}]`"), format!("`[[{key}]]`")];
            assert!(shown.iter().any(|shown| documentation.contains(shown)), "{key} is not documented");
        }
    }
}
