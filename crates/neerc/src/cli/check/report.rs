//! What a check says of how a service is: causes first, nothing that follows from another line, nothing twice. Each says
//! what to change where. Not how it was found out: that is check.rs.

use crate::cli::init::lines;
use crate::limits;
use crate::service::health::{ClockHealth, Health, RoomHealth};
use neerc_xmpp::server::Software;
use neerc_xmpp::server::probe::RoundTrips;

/// One line of the report.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding {
    /// It works.
    Ok(String),
    /// It works, and is still not as it should be.
    Warn(String),
    /// It does not work.
    Wrong(String),
}

impl Finding {
    /// The line as it is printed.
    pub fn line(&self) -> String {
        match self {
            Finding::Ok(text) => format!("ok    {text}"),
            Finding::Warn(text) => format!("WARN  {text}"),
            Finding::Wrong(text) => format!("WRONG {text}"),
        }
    }
}

/// What is known of the configuration besides.
#[derive(Clone, Copy, Debug)]
pub struct Configured<'a> {
    /// The component's JID.
    pub jid: &'a str,
    /// The domain of the users.
    pub host: &'a str,
    /// The domain of the rooms.
    pub rooms: &'a str,
    /// Whether any group is configured.
    pub has_groups: bool,
}

/// The whole report.
pub fn report(health: &Health, configured: Configured<'_>) -> Vec<Finding> {
    let Health { server, .. } = health;
    if !health.online {
        let why = health.lost.clone();
        return vec![Finding::Wrong(why.unwrap_or_else(|| {
            format!("the server {server} takes the connection, but does not accept {} in time", configured.jid)
        }))];
    }
    let software = software(health);
    let name = software.map(|software| format!(" ({})", software.name())).unwrap_or_default();
    let mut found = vec![Finding::Ok(format!("server {server} accepts {}{name}", configured.jid))];
    let of_rooms = |text: &str| health.rooms.iter().any(|room| text.contains(&room.jid));
    let general = health.troubles.iter().filter(|trouble| !of_rooms(&trouble.text));
    let general: Vec<Finding> = general.map(|trouble| Finding::Wrong(trouble.text.clone())).collect();
    // Where something is wrong with all of them, a room that is not ready follows from that.
    let is_explained = !general.is_empty();
    found.extend(general);
    for room in &health.rooms {
        found.extend(of_room(health, room, is_explained, configured));
    }
    found.extend(health.clocks.iter().map(of_clock));
    found.extend(times(health, software));
    found.extend(advice(health, software, configured));
    found
}

fn software(health: &Health) -> Option<Software> {
    Software::ALL.into_iter().find(|software| health.software.as_deref() == Some(software.name()))
}

/// A contest clock, as a running service has read it.
fn of_clock(clock: &ClockHealth) -> Finding {
    let ClockHealth { source, shows, age_ms, trouble } = clock;
    let age = age_ms.map(|age_ms| format!(", heard {} s ago", age_ms / 1_000)).unwrap_or_default();
    let shows = shows.as_deref().unwrap_or("nothing yet");
    match trouble {
        None => Finding::Ok(format!("clock {source}: {shows}{age}")),
        Some(why) => Finding::Warn(format!("clock {source}: {shows}{age}, and cannot be read now: {why}")),
    }
}

fn of_room(health: &Health, room: &RoomHealth, is_explained: bool, configured: Configured<'_>) -> Vec<Finding> {
    let RoomHealth { room: name, users, power, tasks, .. } = room;
    let own = health.troubles.iter().filter(|trouble| trouble.text.contains(&room.jid));
    let own: Vec<Finding> = own.map(|trouble| Finding::Wrong(trouble.text.clone())).collect();
    if !own.is_empty() {
        return own;
    }
    if !room.ready {
        let silence = format!("room {name}: the service is not in it yet; the server has not answered in time");
        return if is_explained { Vec::new() } else { vec![Finding::Wrong(silence)] };
    }
    if is_explained && *users == 0 {
        return Vec::new(); // nobody is known for what was said before
    }
    if *power == 0 {
        return vec![Finding::Wrong(format!(
            "room {name}: {users} users, none of them with power, so nobody can hand out a task or give anybody a place. \
             Name yourself in rooms.owners of neerc.toml, or have the server do it: {}",
            commands(software(health), name, configured, "owner")
        ))];
    }
    let mut found = vec![Finding::Ok(format!("room {name}: {users} users, {power} of them with power; {tasks} tasks"))];
    if users == power {
        found.push(Finding::Warn(format!(
            "room {name}: it has no members besides, so there is no hall to give a task to; make them members: {}",
            commands(software(health), name, configured, "member")
        )));
    }
    found
}

fn commands(software: Option<Software>, room: &str, configured: Configured<'_>, affiliation: &str) -> String {
    let who = if affiliation == "owner" { "admin" } else { "hall1" };
    let jid = format!("{who}@{}", configured.host);
    let of = |software: Software| lines::place(software, room, configured.rooms, &jid, affiliation);
    let all: Vec<String> = match software {
        Some(software) => of(software),
        None => Software::ALL.into_iter().flat_map(of).collect(),
    };
    all.iter().map(|line| format!("\n          {line}")).collect()
}

fn times(health: &Health, software: Option<Software>) -> Option<Finding> {
    let RoundTrips { short_ms, long_ms } = health.round_trips?;
    let text = format!("a short stanza takes {short_ms} ms through the server, one of 20 KB {long_ms} ms");
    if long_ms <= limits::CHECK_SLOW_MS + short_ms {
        return Some(Finding::Ok(text));
    }
    let prosody = "in Prosody, put network_settings = { nagle = false } into prosody.cfg.lua, above the first VirtualHost \
                   or Component";
    let openfire = "in Openfire up to 4.7, set xmpp.socket.tcp-nodelay = true under System Properties and restart it";
    let how = match software {
        Some(Software::Prosody) => prosody.to_owned(),
        Some(Software::Openfire) => openfire.to_owned(),
        Some(Software::Ejabberd) => "the machine may be busy; check again".to_owned(),
        None => format!("{prosody}; {openfire}"),
    };
    Some(Finding::Warn(format!("{text}: long ones wait for acknowledgements; {how}")))
}

/// What would be better otherwise.
fn advice(health: &Health, software: Option<Software>, configured: Configured<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if health.keeps_messages && software == Some(Software::Prosody) {
        found.push(Finding::Warn(
            "Prosody keeps what a vanished device was told and hands it to the account's next login, which then shows \
             tasks as they were: add \"offline\" to modules_disabled in prosody.cfg.lua, unless people need their messages \
             kept"
                .to_owned(),
        ));
    }
    if !health.ready {
        return found; // who is in the groups is not known
    }
    for group in &health.empty_groups {
        found.push(Finding::Warn(format!(
            "group {group}: nobody is in it; correct its members in neerc.toml ({group} under [[groups]]), or make those \
             people members of the room"
        )));
    }
    if !configured.has_groups {
        found.push(Finding::Warn(
            "there are no groups, so a task for all halls has to name each of them: [[groups]] in neerc.toml, such as name = \
             \"Halls\", members = [\"hall*\"]"
                .to_owned(),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::health::Trouble;

    const CONFIGURED: Configured<'_> =
        Configured { jid: "neerc.localhost", host: "localhost", rooms: "conference.localhost", has_groups: true };

    fn fine() -> Health {
        let room = |name: &str| RoomHealth {
            room: name.to_owned(),
            jid: format!("{name}@conference.localhost"),
            ready: true,
            users: 3,
            power: 1,
            tasks: 2,
            trouble: None,
        };
        Health {
            server: "127.0.0.1:5347".to_owned(),
            online: true,
            ready: true,
            software: Some("ejabberd".to_owned()),
            rooms: vec![room("neerc"), room("school")],
            ..Health::default()
        }
    }

    fn lines(health: &Health) -> Vec<String> {
        report(health, CONFIGURED).iter().map(Finding::line).collect()
    }

    #[test]
    fn all_is_well() {
        assert_eq!(
            lines(&fine()),
            [
                "ok    server 127.0.0.1:5347 accepts neerc.localhost (ejabberd)",
                "ok    room neerc: 3 users, 1 of them with power; 2 tasks",
                "ok    room school: 3 users, 1 of them with power; 2 tasks",
            ]
        );
    }

    #[test]
    fn where_there_is_no_connection_only_that_is_said() {
        let why = "no connection to the server 127.0.0.1:5347: refused".to_owned();
        let mut health = Health { online: false, ready: false, lost: Some(why.clone()), ..fine() };
        health.note(why.clone(), 0);
        health.rooms.iter_mut().for_each(|room| (room.ready, room.users, room.power) = (false, 0, 0));
        assert_eq!(lines(&health), [format!("WRONG {why}")]);
    }

    #[test]
    fn one_bad_room_made_the_healthy_ones_wrong() {
        let mut health = Health { ready: false, ..fine() };
        health.note("school@conference.localhost cannot be joined (forbidden): do this".to_owned(), 0);
        (health.rooms[1].ready, health.rooms[1].power) = (false, 0);
        assert_eq!(
            lines(&health)[1..],
            [
                "ok    room neerc: 3 users, 1 of them with power; 2 tasks",
                "WRONG school@conference.localhost cannot be joined (forbidden): do this",
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_all_rooms_is_said_once() {
        let mut health = Health { ready: false, ..fine() };
        health.rooms[0].ready = false;
        (health.rooms[1].users, health.rooms[1].power) = (0, 0);
        health.troubles.push(Trouble { text: "the server answers none of its requests".to_owned(), at_ms: 0 });
        assert_eq!(lines(&health)[1..], ["WRONG the server answers none of its requests"]);
    }

    #[test]
    fn nobody_with_power_was_said_to_be_fine() {
        let mut health = fine();
        (health.rooms[0].users, health.rooms[0].power) = (2, 0);
        let said = lines(&health).join("\n");
        assert!(said.contains("WRONG room neerc: 2 users, none of them with power"), "{said}");
        assert!(
            said.contains(
                "\n          ejabberdctl set_room_affiliation neerc conference.localhost admin@localhost owner"
            )
        );
        assert!(!said.contains("prosodyctl"), "{said}");
        health.software = None;
        assert!(lines(&health).join("\n").contains("prosodyctl shell 'muc:room(\"neerc@conference.localhost\")"));
    }

    #[test]
    fn groups_that_match_nobody_and_servers_that_keep_or_hold_back_are_warned_of() {
        let mut health = fine();
        health.empty_groups = vec!["Halls".to_owned()];
        health.keeps_messages = true;
        health.round_trips = Some(RoundTrips { short_ms: 0, long_ms: 42 });
        assert_eq!(lines(&health).iter().filter(|line| line.starts_with("WARN")).count(), 2);
        health.software = Some("Prosody".to_owned());
        let said = lines(&health).join("\n");
        for part in ["nagle = false", "add \"offline\" to modules_disabled", "group Halls: nobody is in it"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("WRONG") && !said.contains("Openfire"), "{said}");
    }
}
