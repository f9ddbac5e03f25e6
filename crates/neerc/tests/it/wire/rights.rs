//! Rights follow the room within a second, in both directions.

use std::time::Duration;

use neerc_core::command::Command;
use neerc_core::refusal::Refusal;
use neerc_core::view::Visibility;

use super::{
    PROMPT, Stage, done, expect_push, login, muc, packet, query, refused, shared, status_packet, users_of, within,
};
use crate::raw::Raw;
use crate::servers::{Kind, Options, Server, unique};
use crate::slix::User;
use crate::table::{self, Asked, Asker, KEEPER, Standing};
use crate::trust;
use crate::wait::PATIENCE;

on_both!(
    rights_follow_what_the_server_sets,
    rights_follow_what_an_owner_sets,
    the_servers_administrators_have_power,
    somebody_elsewhere_is_somebody_else,
    an_occupants_address_has_no_rights_of_its_own,
    a_nick_stands_for_its_account,
    unaffiliated_people_may_be_admitted,
    everything_is_judged_by_the_table,
    nobody_speaks_for_somebody_else,
);

/// Every step up and down that there is, somewhere in one walk.
const WALK: [&str; 17] = [
    "member", "admin", "owner", "member", "owner", "admin", "member", "none", "admin", "none", "owner", "none",
    "member", "outcast", "admin", "outcast", "owner",
];

/// How an affiliation is set.
enum By<'a> {
    Server,
    Client(&'a User<'static>),
}

fn rights_follow_what_the_server_sets(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner")], "");
    walk(&stage, &By::Server);
}

fn rights_follow_what_an_owner_sets(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner")], "");
    let owner = login(stage.server, "jury1");
    owner.join(&stage.room, "jury1");
    walk(&stage, &By::Client(&owner));
}

fn walk(stage: &Stage<'_>, by: &By<'_>) {
    stage.server.register_many(&["absent", "present"]);
    let jury = login(stage.server, "jury1");
    let [absent, present] = ["absent", "present"].map(|user| login(stage.server, user));
    let mut slowest = Duration::ZERO;
    let mut in_room = false;
    for affiliation in WALK {
        for target in [&absent, &present] {
            set(stage, by, target.bare_jid(), affiliation);
            let what = format!("{} to be {affiliation}", target.jid);
            slowest = slowest.max(within(PROMPT, &what, || standing(stage, target) == power_of(affiliation)));
            let name = target.bare_jid().split('@').next().unwrap();
            let listed = users_of(&jury.iq(&stage.at(), "get", &query("users")));
            let listed = listed.iter().find(|user| user.starts_with(&format!("{name} ")));
            assert_eq!(
                listed.map(|user| if user.ends_with("yes") { "yes" } else { "no" }),
                power_of(affiliation),
                "{what}"
            );
            writes_are_judged(stage, target, power_of(affiliation));
        }
        // A members-only room puts out who is no member any more.
        match (in_room, power_of(affiliation)) {
            (true, None) => {
                present.expect_presence(|presence| presence.kind() == "unavailable", PATIENCE);
                in_room = false;
            }
            (false, Some(_)) => {
                present.join(&stage.room, "present");
                in_room = true;
                assert_eq!(standing(stage, &present), power_of(affiliation), "joining changes nothing");
            }
            _ => {}
        }
    }
    let kind = stage.server.kind;
    println!("{kind:?}: rights followed within {slowest:?} at most");
    let by = match by {
        By::Server => "the server",
        By::Client(_) => "an owner",
    };
    let outcome =
        format!("0 acts beyond the affiliation; rights followed within {:.0} ms", slowest.as_secs_f64() * 1e3);
    trust::report("P5", &format!("affiliations set by {by}, {kind:?}"), WALK.len() * 2, &outcome);
}

fn power_of(affiliation: &str) -> Option<&'static str> {
    match affiliation {
        "owner" | "admin" => Some("yes"),
        "member" => Some("no"),
        _ => None,
    }
}

fn set(stage: &Stage<'_>, by: &By<'_>, bare_jid: &str, affiliation: &str) {
    match by {
        By::Server => stage.server.set_affiliation(&stage.room, bare_jid, affiliation),
        By::Client(owner) => {
            let item = format!("<item jid='{bare_jid}' affiliation='{affiliation}'/>");
            let query = format!("<query xmlns='http://jabber.org/protocol/muc#admin'>{item}</query>");
            let answer = owner.iq(&muc(&stage.room), "set", &query);
            assert_eq!(answer.kind(), "result", "{}", answer.xml);
        }
    }
}

/// The power that a user is told to have, if they are told anything.
fn standing(stage: &Stage<'_>, user: &User<'_>) -> Option<&'static str> {
    let answer = user.iq(&stage.at(), "get", &query("users"));
    if answer.kind() == "error" {
        refused(&answer, "forbidden");
        return None;
    }
    let name = user.bare_jid().split('@').next().unwrap();
    let line = users_of(&answer).into_iter().find(|line| line.starts_with(&format!("{name} ")));
    Some(if line.expect("who may ask is listed").ends_with(" yes") { "yes" } else { "no" })
}

/// What a user may do agrees with what the list says of them.
fn writes_are_judged(stage: &Stage<'_>, user: &User<'_>, power: Option<&str>) {
    // Only who has power hears that there is no such task.
    let expected = if power == Some("yes") { "item-not-found" } else { "forbidden" };
    refused(&user.iq(&stage.at(), "set", &packet(Some("9999"), "", "remove", &[])), expected);
    let expected = if power.is_some() { "item-not-found" } else { "forbidden" };
    refused(&user.iq(&stage.at(), "set", &status_packet("9999", "success", "")), expected);
}

fn the_servers_administrators_have_power(kind: Kind) {
    let server = Server::launch(kind, Options { service_admins: vec![String::from("chief")], ..Options::default() });
    server.register("chief");
    let stage = Stage::new(&server, &[("jury1", "owner"), ("hall1", "member")], "");
    // Nobody's list names them, so they are known from the moment they are in the room.
    let chief = login(stage.server, "chief");
    chief.join(&stage.room, "Chief");
    let took = within(PROMPT, "the administrator to have power", || standing(&stage, &chief) == Some("yes"));
    println!("{kind:?}: an implicit owner has power {took:?} after joining");
    let listed = users_of(&chief.iq(&stage.at(), "get", &query("users")));
    assert_eq!(listed, ["chief Admins yes", "jury1 Admins yes", "hall1 Users no"]);
    let id = stage.create(&chief, "by the chief", "todo", &[("hall1", "none", ""), ("chief", "none", "")]);
    stage.answer(&chief, &id, "success", "");
}

/// What a session of somebody from elsewhere would be told is tested in core: these servers know one host only.
fn somebody_elsewhere_is_somebody_else(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner"), ("hall1", "member")], "");
    let jury = stage.join("jury1");
    let listed = || users_of(&jury.iq(&stage.at(), "get", &query("users")));
    for (foreign, affiliation, line) in [
        ("jury1@elsewhere", "member", "jury1@elsewhere Users no"),
        ("hall1@elsewhere", "owner", "hall1@elsewhere Admins yes"),
    ] {
        stage.server.set_affiliation(&stage.room, foreign, affiliation);
        within(PROMPT, line, || listed().contains(&String::from(line)));
    }
    let hall = login(stage.server, "hall1");
    assert_eq!([standing(&stage, &jury), standing(&stage, &hall)], [Some("yes"), Some("no")]);
    let id = stage.create(&jury, "abroad", "todo", &[("jury1@elsewhere", "none", ""), ("HALL1@elsewhere", "none", "")]);
    for user in [&jury, &hall] {
        refused(&user.iq(&stage.at(), "set", &status_packet(&id, "success", "")), "forbidden");
    }
    refused(&hall.iq(&stage.at(), "set", &packet(None, "x", "todo", &[])), "forbidden");
    assert_eq!(stage.list(&jury), [format!("{id} todo 'abroad': hall1@elsewhere none, jury1@elsewhere none")]);
    trust::report("P5", &format!("namesakes of people on another domain, {kind:?}"), 3, "0 acts in their name");
}

fn an_occupants_address_has_no_rights_of_its_own(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner")], "");
    let jury = stage.join("jury1");
    let service = format!("{}/neerc", muc(&stage.room));
    let tried = [query("users"), query("tasks"), packet(None, "x", "todo", &[])];
    // The room passes the request on from jury1's occupant JID, which is nobody's account.
    for child in &tried {
        refused(&jury.iq(&service, "set", child), "forbidden");
    }
    done(&jury.iq(&service, "get", "<ping xmlns='urn:xmpp:ping'/>"));
    assert_eq!(stage.list(&jury), [""; 0]);
    super::answered_once(&jury);
    trust::report("P5", &format!("requests through a room's address, {kind:?}"), tried.len(), "0 let through");
}

fn a_nick_stands_for_its_account(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner"), ("hall1", "member")], "");
    let jury = stage.join("jury1");
    let hall = login(stage.server, "hall1");
    hall.join(&stage.room, "Big Hall");
    hall.sync(stage.svc());
    let id = stage.create(&jury, "by nick", "todo", &[("Big Hall", "none", "")]);
    expect_push(&hall, &format!("{id} todo 'by nick': hall1 none"));
    stage.answer(&hall, &id, "success", "");
    // After a change of nick the new one counts.
    hall.join(&stage.room, "Small Hall");
    jury.expect_presence(|presence| presence.attr("from").ends_with("/Small Hall"), PATIENCE);
    jury.sync(stage.svc());
    stage.create(&jury, "by new nick", "todo", &[("Small Hall", "none", "")]);
    refused(&jury.iq(&stage.at(), "set", &packet(None, "x", "todo", &[("Big Hall", "none", "")])), "bad-request");
    expect_push(&hall, "t2 todo 'by new nick': hall1 none");
}

fn unaffiliated_people_may_be_admitted(kind: Kind) {
    let server = shared(kind);
    let toml = "[rooms]\nadmit_unaffiliated = true\n";
    let stage = Stage::new(server, &[("jury1", "owner")], toml);
    server.register("guest");
    let jury = stage.join("jury1");
    let form = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>\
                <field var='muc#roomconfig_membersonly'><value>0</value></field>";
    let query_ns = "http://jabber.org/protocol/muc#owner";
    let open = format!("<query xmlns='{query_ns}'><x xmlns='jabber:x:data' type='submit'>{form}</x></query>");
    assert_eq!(jury.iq(&muc(&stage.room), "set", &open).kind(), "result");
    let guest = login(server, "guest");
    assert_eq!(standing(&stage, &guest), None, "only occupants are admitted");
    guest.join(&stage.room, "guest");
    within(PROMPT, "the guest to be admitted", || standing(&stage, &guest) == Some("no"));
    let id = stage.create(&jury, "for a guest", "todo", &[("guest", "none", "")]);
    stage.answer(&guest, &id, "success", "");
    guest.leave(&stage.room, "guest");
    within(PROMPT, "the guest to be gone", || standing(&stage, &guest).is_none());
}

/// Who asks in [`everything_is_judged_by_the_table`]: name, affiliation before, and in the end. The last is written with
/// a Cyrillic letter.
const ASKERS: [(&str, &str, &str); 10] = [
    ("jury1", "owner", "owner"),
    ("jury2", "admin", "admin"),
    ("hall1", "member", "member"),
    ("passer", "none", "none"),
    ("banned", "outcast", "outcast"),
    ("fallen", "owner", "member"),
    ("left", "member", "none"),
    ("barred", "admin", "outcast"),
    ("raised", "member", "admin"),
    ("jur\u{443}1", "none", "none"),
];

/// The whole table is tried on the bench of neerc-xmpp; here what ordinary clients can be and ask.
fn everything_is_judged_by_the_table(kind: Kind) {
    let (mut cells, mut let_through) = (0, 0);
    for (visibility, word) in [(Visibility::All, "all"), (Visibility::Own, "own")] {
        let before = ASKERS.map(|(name, before, _)| (name, before));
        let people = [&before[..], &[(KEEPER, "member")]].concat();
        let stage = Stage::new(shared(kind), &people, &format!("[tasks]\nvisibility = \"{word}\"\n"));
        let keeper = stage.join("jury1");
        let removed = stage.create(&keeper, "Removed", "todo", &[]);
        stage.remove(&keeper, &removed);
        for (name, before, now) in ASKERS {
            let user = login(stage.server, name);
            let task = Tasks::create(&stage, &keeper, name, before);
            if now != before {
                stage.server.set_affiliation(&stage.room, user.bare_jid(), now);
                within(PROMPT, &format!("{name} to be {now}"), || standing(&stage, &user) == power_of(now));
            }
            let done = judge(&stage, &keeper, &user, (name, before, now), visibility, task);
            cells += done.0;
            let_through += done.1;
        }
    }
    let outcome = format!("{} refused or unheard, 0 let through, 0 wrongly refused", cells - let_through);
    trust::report("P5", &format!("who x what by packets, through {kind:?}"), cells, &outcome);
}

/// The tasks of the table, by their true ids.
struct Tasks {
    own: String,
    others: String,
}

impl Tasks {
    fn create(stage: &Stage<'_>, keeper: &User<'_>, asker: &str, affiliation: &str) -> Tasks {
        let all = [(asker, "none", ""), (KEEPER, "none", "")];
        let own = if power_of(affiliation).is_some() { &all[..] } else { &all[1..] };
        let [own, others] = [own, &all[1..]].map(|people| stage.create(keeper, &unique("Kept "), "todo", people));
        Tasks { own, others }
    }

    /// The packet with the true ids.
    fn packet(&self, asked: &Asked) -> Option<String> {
        let [own, others] = [table::OWN, table::OTHERS].map(|id| format!(" id='{id}'"));
        let packet = table::packet(asked)?;
        // Task 1 is the one that was removed.
        let packet = if packet.contains(&own) {
            packet.replace(&own, &format!(" id='{}'", self.own))
        } else if packet.contains(&others) {
            packet.replace(&others, &format!(" id='{}'", self.others))
        } else {
            packet.replace(&format!(" id='{}'", table::REMOVED), " id='1'")
        };
        Some(packet)
    }
}

/// All that one user can ask by packets; how many cells that was, and how many were let through.
fn judge(
    stage: &Stage<'_>,
    keeper: &User<'_>,
    user: &User<'_>,
    (name, before, now): (&str, &str, &str),
    visibility: Visibility,
    mut tasks: Tasks,
) -> (usize, usize) {
    let (mut cells, mut let_through) = (0, 0);
    let standing = match power_of(now) {
        Some("yes") => Standing::Power,
        Some(_) => Standing::Ordinary,
        None => Standing::Nobody,
    };
    let listed = power_of(now).is_some();
    let mut has_own = listed && power_of(before).is_some();
    for asked in table::everything(name) {
        for kind in ["get", "set", "result", "error"] {
            let Some(packet) = tasks.packet(&asked) else { continue };
            cells += 1;
            if matches!(kind, "result" | "error") {
                let id = unique("forged");
                user.send(&format!("<iq type='{kind}' id='{id}' to='{}'>{packet}</iq>", stage.at()));
                user.sync(stage.svc());
                assert!(!user.stanzas().iter().any(|stanza| stanza.attr("id") == id), "{name}: a {kind} is answered");
                continue;
            }
            let answer = user.iq(&stage.at(), kind, &packet);
            let asker = Asker { standing, user: listed.then_some(name), has_own };
            match table::expected(asker, &asked, visibility) {
                // The service has no contest clock.
                Ok(()) if packet.contains("#clock") => _ = refused(&answer, "item-not-found"),
                Ok(()) => {
                    assert_eq!(answer.kind(), "result", "{name}: {asked:?}: {}", answer.xml);
                    let_through += 1;
                }
                Err(refusal) => {
                    let said = refused(&answer, table::condition(&refusal));
                    if matches!(refusal, Refusal::NotInRoom | Refusal::AdminsOnly | Refusal::OwnTasksOnly) {
                        assert_eq!(said, refusal.to_string(), "{name}: {asked:?}");
                    }
                }
            }
            if matches!(&asked, Asked::Command(Command::Edit { .. } | Command::Remove { .. }))
                && standing == Standing::Power
            {
                tasks = Tasks::create(stage, keeper, name, now);
                has_own = true;
            }
        }
    }
    let asked = stage.tasks(keeper).into_iter().filter(|task| task.title == "Asked").count();
    // Created by a get and by a set; edited by both, and replaced by fresh tasks each time.
    let created = if standing == Standing::Power { 2 + 2 * 2 } else { 0 };
    assert_eq!(asked % 6, created % 6, "{name}: tasks by the title that is asked for");
    (cells, let_through)
}

/// That no client can write another's address into a stanza is the server's work; the table relies on it.
fn nobody_speaks_for_somebody_else(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner"), ("hall1", "member")], "");
    let jury = stage.join("jury1");
    for forged in [jury.jid.as_str(), "jury1@localhost", &format!("{}/jury1", muc(&stage.room)), stage.svc()] {
        let mut hall = Raw::login(stage.server, "hall1", &unique("r"));
        let create = packet(None, "forged", "todo", &[]);
        let id = unique("forged");
        hall.send(&format!("<iq type='set' id='{id}' from='{forged}' to='{}'>{create}</iq>", stage.at()));
        // One server ends the stream, the other says who it really was.
        if let Ok(answer) = hall.stanza(PATIENCE) {
            assert!(!answer.contains("type='result'") && !answer.contains("type=\"result\""), "{forged}: {answer}");
        }
    }
    assert_eq!(stage.list(&jury), [""; 0]);
}
