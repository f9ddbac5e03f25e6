//! The whole table of rights (P5): every kind of person, every thing that can be asked, every way in. Each cell says
//! exactly what has to come of it, and that nothing else does.
//!
//! A new way in is one more row of [`WAYS`].

use super::*;
use crate::table::{Asked, Asker, KEEPER, Standing, condition, everything, expected, packet};
use crate::trust;
use bench::server::BOTH;
use bench::{attr, canonical};
use neerc_core::board::Board;
use neerc_core::clock::Phase;
use neerc_core::command::{Command, NewPlan, NewRun, Query, WholeTask};
use neerc_core::doors::DoorCommand;
use neerc_core::face::menu::{self, Act};
use neerc_core::people::Person;
use neerc_core::refusal::Refusal;
use neerc_core::task::{Progress, Title};
use neerc_core::view::Visibility;
use neerc_core::watch::Watched;
use neerc_xmpp::stanza::address::Address;

const LISTS: [&str; 5] = ["owner", "admin", "member", "none", "outcast"];
/// What only users may ever be told.
const SECRET: &str = "Kept between us";

/// Who asks.
#[derive(Clone, Copy, Debug)]
enum Who {
    /// With that affiliation all along, out of the room or in it.
    Listed(&'static str, Place),
    /// Given another affiliation while the service runs.
    Moved(&'static str, &'static str, Place),
    /// In the room without an affiliation, where the configuration admits such people, and after they have left.
    Admitted,
    Dismissed,
    /// Banned, where the configuration admits occupants.
    BannedOccupant,
    /// Of a domain that is on the member list, and an outcast of it.
    OfListedDomain,
    OutcastOfListedDomain,
    /// The owner of another room of the same service.
    OwnerOfAnotherRoom,
    /// Somebody of another server, also under the owner's name.
    Stranger,
    Namesake,
    /// Cyrillic letters that look like the owner's name.
    Homograph,
    /// The owner's address in capitals, which is the same address.
    Capitals,
    /// The owner by their address in the room; the room itself; the server; the service itself.
    OccupantAddress,
    RoomAddress,
    ServerAddress,
    ServiceAddress,
    /// Somebody who has said in every way they can that they are an owner.
    Forger(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Out,
    In,
}

impl Who {
    fn all() -> Vec<Who> {
        let places = [Place::Out, Place::In];
        let mut all: Vec<Who> = places.iter().flat_map(|at| LISTS.map(|list| Who::Listed(list, *at))).collect();
        for (n, before) in LISTS.into_iter().enumerate() {
            let moves = LISTS.into_iter().filter(|now| *now != before).enumerate();
            all.extend(moves.map(|(m, now)| Who::Moved(before, now, places[(n + m) % 2])));
        }
        all.extend([Who::Admitted, Who::Dismissed, Who::BannedOccupant, Who::OfListedDomain]);
        all.extend([Who::OutcastOfListedDomain, Who::OwnerOfAnotherRoom, Who::Stranger, Who::Namesake]);
        all.extend([Who::Homograph, Who::Capitals, Who::OccupantAddress, Who::RoomAddress, Who::ServerAddress]);
        all.extend([Who::ServiceAddress, Who::Forger("member"), Who::Forger("none")]);
        all
    }

    fn jid(self) -> &'static str {
        match self {
            Who::Listed(..) | Who::Moved(..) | Who::Admitted | Who::Dismissed => "asker@localhost/Phone",
            Who::BannedOccupant | Who::Forger(_) => "asker@localhost/Phone",
            Who::OfListedDomain => "max@partner.example/Phone",
            Who::OutcastOfListedDomain => "moritz@partner.example/Phone",
            Who::OwnerOfAnotherRoom => "chief@localhost/Desk",
            Who::Stranger => "zoe@elsewhere.example/Web",
            Who::Namesake => "admin@elsewhere.example/Desk",
            Who::Homograph => "\u{430}dmin@localhost/Desk",
            Who::Capitals => "ADMIN@LocalHost/Desk",
            Who::OccupantAddress => "neerc@conference.localhost/admin",
            Who::RoomAddress => "neerc@conference.localhost",
            Who::ServerAddress => "localhost",
            Who::ServiceAddress => "neerc@neerc.localhost/admin",
        }
    }

    /// The affiliation that counts at first, and the one that counts in the end.
    fn affiliations(self) -> (&'static str, &'static str) {
        match self {
            Who::Listed(list, _) | Who::Forger(list) => (list, list),
            Who::Moved(before, now, _) => (before, now),
            Who::Admitted | Who::OfListedDomain => ("member", "member"),
            Who::Dismissed => ("member", "none"),
            Who::BannedOccupant => ("outcast", "outcast"),
            Who::Capitals => ("owner", "owner"),
            Who::OutcastOfListedDomain | Who::OwnerOfAnotherRoom | Who::Stranger | Who::Namesake => ("none", "none"),
            Who::Homograph | Who::OccupantAddress | Who::RoomAddress => ("none", "none"),
            Who::ServerAddress | Who::ServiceAddress => ("none", "none"),
        }
    }

    fn standing(self) -> Standing {
        match self.affiliations().1 {
            "owner" | "admin" => Standing::Power,
            "member" => Standing::Ordinary,
            _ => Standing::Nobody,
        }
    }

    /// The name under which they are a user of the room in the end.
    fn user(self) -> Option<&'static str> {
        let listed = self.standing() != Standing::Nobody && !matches!(self, Who::OfListedDomain);
        listed.then_some(if matches!(self, Who::Capitals) { "admin" } else { "asker" })
    }

    fn asker(self) -> Asker<'static> {
        let was_user = !matches!(self.affiliations().0, "none" | "outcast");
        let user = self.user();
        Asker { standing: self.standing(), user, has_own: was_user && user.is_some() }
    }

    fn is_in_room(self) -> bool {
        match self {
            Who::Listed(_, at) | Who::Moved(_, _, at) => at == Place::In,
            _ => matches!(self, Who::Admitted | Who::Dismissed | Who::BannedOccupant),
        }
    }

    /// Their address in the form in which addresses are compared.
    fn address(self) -> Address {
        Address::parse(self.jid()).unwrap()
    }

    fn person(self) -> Person {
        self.address().person()
    }
}

/// Makes the room in which they ask: with the tasks of the table, and the asker as they are in the end.
fn prepare(who: Who, flavour: Flavour, visibility: Visibility) -> Bench {
    let mut settings = settings();
    settings.visibility = visibility;
    settings.wiki_packet = false;
    settings.rooms = vec!["neerc".into(), "lounge".into()];
    settings.admit_unaffiliated = matches!(who, Who::Admitted | Who::Dismissed | Who::BannedOccupant);
    let mut server = Server::new(flavour);
    server.list("neerc", &format!("{KEEPER}@localhost"), "member");
    server.list("lounge", "chief@localhost", "owner");
    server.list("neerc", "partner.example", "member");
    server.list("neerc", "moritz@partner.example", "outcast");
    if let Who::Listed(list, _) | Who::Moved(list, ..) | Who::Forger(list) = who {
        server.list("neerc", "asker@localhost", list);
    }
    if matches!(who, Who::BannedOccupant) {
        server.list("neerc", "asker@localhost", "outcast");
    }
    let mut bench = Bench::served(settings, server);
    bench.open_web(&[]);
    if who.is_in_room() {
        bench.joins("asker", who.jid());
    }
    bench.clock(0, 18_000_000, Phase::Before);
    for names in [&["asker", "admin", KEEPER][..], &[KEEPER], &[KEEPER]] {
        // As a `get`, so that an asker who is no user is left out.
        let said = bench.on(&iq("get", ADMIN, &task(&format!("title='{SECRET}' type='todo'"), names)));
        assert!(said.iter().any(|stanza| stanza.starts_with("<iq type='result'")), "{said:?}");
    }
    bench.on(&iq("set", ADMIN, &task("id='3' title='' type='remove'", &[])));
    bench.hear(line(ADMIN, &format!("@todo {KEEPER} start {SECRET}")));
    assert_eq!(bench.boards()["neerc"].plan().len(), 1);
    if let Who::Moved(_, now, _) = who {
        bench.server_says(|server| server.affiliate("neerc", "asker@localhost", now));
    }
    match who {
        Who::Dismissed => bench.leaves("asker", who.jid()),
        Who::Forger(_) => forge(&mut bench, who.jid()),
        _ => {}
    }
    bench.pass(61_000); // whoever has asked for the tasks is not told of changes for that any more
    bench.said();
    bench
}

/// Everything by which somebody could try to pass for an owner.
fn forge(bench: &mut Bench, jid: &str) {
    let user = "http://jabber.org/protocol/muc#user";
    let x = format!("<x xmlns='{user}'><item jid='asker@localhost' affiliation='owner' role='moderator'/></x>");
    let list =
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item jid='asker@localhost' affiliation='owner'/></query>";
    for to in ["neerc.localhost", ROOM] {
        for id in 0..40 {
            bench.hear(format!("<iq type='result' id='n{id}' from='{jid}' to='{to}'>{list}</iq>"));
            bench.hear(format!("<iq type='error' id='n{id}' from='{jid}' to='{to}'>{list}</iq>"));
        }
        for from in [jid, "neerc@conference.localhost/asker", "neerc@conference.localhost.elsewhere.example"] {
            bench.hear(format!("<message from='{from}' to='{to}'>{x}</message>"));
            bench.hear(format!("<message type='groupchat' from='{from}' to='{to}'>{x}</message>"));
        }
        // As one server hands on what strangers write: from the room itself.
        let declined = x.replace("<item ", &format!("<decline from='{jid}'/><item "));
        bench.hear(format!("<message from='neerc@conference.localhost' to='{to}'>{declined}</message>"));
        bench.hear(format!("<presence from='{jid}' to='{to}'>{x}</presence>"));
    }
}

fn line(from: &str, line: &str) -> String {
    format!("<message type='chat' id='i' from='{from}' to='{ROOM}'><body>{line}</body></message>")
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// Refused, with the whole error, or with what it is called.
    Refused(String),
    Silence,
}

/// What has to come of a refusal.
type Refused = fn(Who, &Refusal) -> String;

/// How it is asked; `None` if it cannot be asked in this way.
type Ask = fn(&mut Bench, Who, &Asked) -> Option<Outcome>;

/// Every way in, with how a refusal is said there; nothing is said where nothing is heard.
const WAYS: [(&str, Option<Refused>, Ask); 6] = [
    ("packet in a get", Some(by_error), |bench, who, asked| by_packet(bench, who, asked, "get")),
    ("packet in a set", Some(by_error), |bench, who, asked| by_packet(bench, who, asked, "set")),
    ("packet in a result", None, |bench, who, asked| by_packet(bench, who, asked, "result")),
    ("packet in an error", None, |bench, who, asked| by_packet(bench, who, asked, "error")),
    ("chat line", Some(by_words), by_line),
    ("command in one step", Some(by_words_or_error), by_command),
];

/// The only answer in what was said, and that nobody else is told anything, nor this one what they may not hear.
fn answer(who: Who, asked: &Asked, said: &[String], is_answer: fn(&str) -> bool) -> Option<String> {
    let is_told = |stanza: &String| attr(stanza, "to").as_deref() == Some(who.address().as_it_came());
    assert!(said.iter().all(is_told), "{who:?} {asked:?}: others are told: {said:?}");
    let (answers, told): (Vec<_>, Vec<_>) = said.iter().partition(|stanza| is_answer(stanza));
    assert!(answers.len() < 2, "{who:?} {asked:?}: answered twice: {said:?}");
    if who.standing() == Standing::Nobody || answers.is_empty() {
        assert!(
            told.is_empty() && !answers.iter().any(|answer| answer.contains(SECRET)),
            "{who:?} {asked:?}: {said:?}"
        );
    }
    answers.first().map(|answer| (*answer).clone())
}

fn by_packet(bench: &mut Bench, who: Who, asked: &Asked, kind: &str) -> Option<Outcome> {
    let said = bench.on(&iq(kind, who.jid(), &packet(asked)?));
    let Some(answer) = answer(who, asked, &said, |stanza| stanza.starts_with("<iq")) else {
        return Some(Outcome::Silence);
    };
    let done = attr(&answer, "type").as_deref() == Some("result");
    Some(if done { Outcome::Done } else { Outcome::Refused(canonical(&answer).unwrap()) })
}

/// The error that has to be said for a refusal.
fn by_error(who: Who, refusal: &Refusal) -> String {
    let condition = condition(refusal);
    let (code, kind) = if condition == "forbidden" { (403, "auth") } else { (404, "cancel") };
    let to = who.address();
    canonical(&error(to.as_it_came(), code, kind, condition, &refusal.to_string())).unwrap()
}

fn by_line(bench: &mut Bench, who: Who, asked: &Asked) -> Option<Outcome> {
    let (act, values) = row(asked)?;
    let words: Vec<String> = values.into_iter().map(|(_, value)| value).collect();
    let said = bench.on(&line(who.jid(), &format!("{} {}", menu::by_act(act).verb, words.join(" "))));
    let is_answer = |stanza: &str| matches!(attr(stanza, "type").as_deref(), Some("chat" | "error"));
    match answer(who, asked, &said, is_answer) {
        None => Some(Outcome::Silence),
        // Through the room: not carried out, and told once in a while where to write.
        Some(answer) if answer.contains("<body>[write-to ") => Some(Outcome::Silence),
        Some(answer) => Some(in_words(&answer)),
    }
}

/// What words say of it; the bench has their keys in place of the words.
fn in_words(answer: &str) -> Outcome {
    if attr(answer, "type").as_deref() == Some("error") {
        assert!(answer.contains("<forbidden "), "{answer}");
        return Outcome::Refused("forbidden".to_owned());
    }
    match answer.split_once("[refusal-") {
        Some((_, key)) => Outcome::Refused(key.split([' ', ']']).next().unwrap().to_owned()),
        None => Outcome::Done,
    }
}

fn by_words(_: Who, refusal: &Refusal) -> String {
    if *refusal == Refusal::NotInRoom { "forbidden" } else { refusal.key() }.to_owned()
}

fn by_command(bench: &mut Bench, who: Who, asked: &Asked) -> Option<Outcome> {
    let (act, values) = row(asked)?;
    let field = |(var, value): (&str, String)| format!("<field var='{var}'><value>{value}</value></field>");
    let fields: String = values.into_iter().map(field).collect();
    let payload = format!(
        "<command xmlns='http://jabber.org/protocol/commands' node='{}' action='complete'>\
         <x xmlns='jabber:x:data' type='submit'>{fields}</x></command>",
        menu::by_act(act).node
    );
    let said = bench.on(&iq("set", who.jid(), &payload));
    let Some(answer) = answer(who, asked, &said, |stanza| stanza.starts_with("<iq")) else {
        return Some(Outcome::Silence);
    };
    Some(in_words(&answer))
}

fn by_words_or_error(_: Who, refusal: &Refusal) -> String {
    let unoffered = matches!(refusal, Refusal::NotInRoom | Refusal::AdminsOnly);
    if unoffered { "forbidden" } else { refusal.key() }.to_owned()
}

/// The row of the menu that says it, with its fields in the order of a line.
fn row(asked: &Asked) -> Option<(Act, Vec<(&'static str, String)>)> {
    let task = |task: &neerc_core::task::TaskId| ("task", task.to_string());
    let plan = |plan: &neerc_core::plan::PlanId| ("plan", plan.to_string());
    let watched = |what: &Watched| {
        let what = match what {
            Watched::All => "all".to_owned(),
            Watched::Failures => "failures".to_owned(),
            Watched::Task(task) => task.to_string(),
        };
        ("watched", what)
    };
    let names = |names: &[String]| ("names", names.join(" "));
    let title = |title: &Title| ("title", title.as_str().to_owned());
    Some(match asked {
        Asked::Query(Query::Users) => (Act::Who, vec![]),
        Asked::Query(Query::Tasks { of }) => (Act::Tasks, of.iter().map(|of| ("of", of.clone())).collect()),
        Asked::Query(Query::Clock) => (Act::Clock, vec![]),
        Asked::Query(Query::Show { task: id }) => (Act::Show, vec![task(id)]),
        Asked::Query(Query::History { task: id }) => (Act::History, vec![task(id)]),
        Asked::Query(Query::Late) => (Act::Late, vec![]),
        Asked::Query(Query::Plans) => (Act::Plans, vec![]),
        Asked::Command(Command::Create(WholeTask { title: given, kind, .. })) => {
            (Act::Create, vec![("kind", kind.name().to_owned()), names(&[KEEPER.to_owned()]), title(given)])
        }
        Asked::Command(Command::Plan(NewPlan { title: given, kind, timing, names: whose })) => {
            let (kind, schedule) = (("kind", kind.name().to_owned()), ("schedule", timing.to_string()));
            (Act::Create, vec![kind, names(whose), schedule, title(given)])
        }
        Asked::Command(Command::CreateDue { wanted: WholeTask { title: given, kind, .. }, by }) => {
            let (kind, due) = (("kind", kind.name().to_owned()), ("deadline", by.to_string()));
            (Act::Create, vec![kind, names(&[KEEPER.to_owned()]), due, title(given)])
        }
        Asked::Command(Command::SetDeadline { task: id, by }) => {
            (Act::Deadline, vec![task(id), ("deadline", by.map_or_else(|| "off".to_owned(), |by| by.to_string()))])
        }
        Asked::Command(Command::NoteOverdue { .. } | Command::NoteLapsed { .. }) => return None, // the service's own
        // These are for programs.
        Asked::Command(Command::Edit { .. } | Command::Amend { .. } | Command::SetStatus { .. }) => return None,
        Asked::Command(Command::Remove { task: id }) => (Act::Remove, vec![task(id)]),
        Asked::Command(Command::Answer { task: id, status }) => {
            assert_eq!(status.progress, Progress::Running);
            (Act::Start, vec![task(id)])
        }
        Asked::Command(Command::Assign { task: id, names: given }) => (Act::Assign, vec![task(id), names(given)]),
        Asked::Command(Command::Unassign { task: id, names: given }) => (Act::Unassign, vec![task(id), names(given)]),
        Asked::Command(Command::Reset { task: id, names: given }) => (Act::Reset, vec![task(id), names(given)]),
        Asked::Command(Command::Rename { task: id, title: given }) => (Act::Rename, vec![task(id), title(given)]),
        Asked::Command(Command::Replan { plan: id, timing }) => {
            (Act::Replan, vec![plan(id), ("schedule", timing.to_string())])
        }
        Asked::Command(Command::Unplan { plan: id }) => (Act::Unplan, vec![plan(id)]),
        Asked::Command(Command::Fulfil { plan: id, .. }) => (Act::Now, vec![plan(id)]),
        Asked::Command(Command::Restore { task: id }) => (Act::Restore, vec![task(id)]),
        Asked::Command(Command::Remind { task: id }) => (Act::Remind, vec![task(id)]),
        Asked::Command(Command::Watch(what)) => (Act::Watch, vec![watched(what)]),
        Asked::Query(Query::Checklists) => (Act::Checklists, vec![]),
        Asked::Command(Command::Begin(NewRun { name, .. })) => (Act::Run, vec![("checklist", name.clone())]),
        Asked::Command(Command::Stop { name }) => (Act::Stop, vec![("running", name.clone())]),
        Asked::Command(Command::Unwatch(what)) => (Act::Unwatch, what.iter().map(watched).collect()),
        Asked::Command(Command::Links(wish)) => (Act::Links, vec![("links", wish.name().to_owned())]),
        Asked::Query(Query::Sessions) => (Act::Sessions, vec![]),
        Asked::Query(Query::Tokens) => (Act::Tokens, vec![]),
        Asked::Command(Command::Door(DoorCommand::OfferLink { .. })) => (Act::Board, vec![]),
        Asked::Command(Command::Door(DoorCommand::Leave(_))) => (Act::Logout, vec![("session", "all".to_owned())]),
        Asked::Command(Command::Door(DoorCommand::Give { scope, .. })) => {
            (Act::Token, vec![("scope", scope.name().to_owned())])
        }
        Asked::Command(Command::Door(DoorCommand::Revoke { token })) => {
            (Act::Revoke, vec![("token", token.to_string())])
        }
        Asked::Command(Command::Door(_)) => return None, // the browser's, or the machine's
        Asked::Command(Command::Clock(_)) => {
            (Act::SetClock, vec![("act", "length".to_owned()), ("time", "4:00".to_owned())])
        }
    })
}

/// What has to come of it in that way.
fn wanted(way: &str, refused: Option<Refused>, who: Who, asked: &Asked, visibility: Visibility) -> Outcome {
    let is_heard = match who {
        Who::ServiceAddress => false,
        Who::OccupantAddress | Who::RoomAddress => way != "chat line", // a room says nothing to the service by chat
        _ => true,
    };
    let Some(refused) = refused.filter(|_| is_heard) else { return Outcome::Silence };
    match expected(who.asker(), asked, visibility) {
        Ok(()) => Outcome::Done,
        Err(refusal) => Outcome::Refused(refused(who, &refusal)),
    }
}

/// That it was done, and nothing else; for whatever was not done, that nothing was.
fn assert_done(who: Who, asked: &Asked, before: &Board, after: &Board, done: bool) {
    let Asked::Command(command) = asked else { return assert_eq!(before, after, "{who:?}: reading changes nothing") };
    if !done {
        return assert_eq!(before, after, "{who:?} {asked:?}: refused, and done");
    }
    let changed = |task: &neerc_core::task::Task| after.task(task.id) != Some(task);
    let changed: Vec<_> = before.tasks().filter(|task| changed(task)).map(|task| task.id).collect();
    match command {
        Command::Create(_) => assert_eq!((after.len(), &changed[..]), (before.len() + 1, &[][..])),
        Command::Remove { task } => assert!(after.task(*task).is_none() && changed == [*task]),
        Command::Answer { task, status } => {
            assert_eq!(changed, [*task]);
            let mut alone = before.task(*task).unwrap().statuses.clone();
            alone.insert(who.person(), status.clone());
            assert_eq!(after.task(*task).unwrap().statuses, alone, "{who:?} answers for nobody else");
        }
        Command::Plan(_) => assert_eq!(after.plan().len(), before.plan().len() + 1),
        Command::Replan { plan, .. } => assert_ne!(after.plan().entry(*plan), before.plan().entry(*plan)),
        Command::Unplan { plan } | Command::Fulfil { plan, .. } => assert!(after.plan().entry(*plan).is_none()),
        _ => assert!(changed.iter().all(|task| Some(*task) == command.task()), "{who:?} {asked:?}: {changed:?}"),
    }
}

#[test]
fn nobody_acts_beyond_their_rights() {
    let (mut cells, mut refused) = (0, 0);
    for who in Who::all() {
        let me = if matches!(who, Who::Capitals) { "admin" } else { "asker" };
        let rooms = BOTH.into_iter().flat_map(|flavour| [Visibility::All, Visibility::Own].map(|v| (flavour, v)));
        for (flavour, visibility) in rooms {
            let mut bench = prepare(who, flavour, visibility);
            for asked in everything(me) {
                for (way, refused_by, ask) in WAYS {
                    let before = bench.boards()["neerc"].clone();
                    let Some(outcome) = ask(&mut bench, who, &asked) else { continue };
                    let wanted = wanted(way, refused_by, who, &asked, visibility);
                    assert_eq!(outcome, wanted, "{who:?} by {way} at {flavour:?}, {visibility:?}: {asked:?}");
                    assert_done(who, &asked, &before, &bench.boards()["neerc"], outcome == Outcome::Done);
                    cells += 1;
                    refused += usize::from(outcome != Outcome::Done);
                    if bench.boards()["neerc"] != before {
                        bench = prepare(who, flavour, visibility);
                    }
                }
            }
        }
    }
    assert!(cells > 20_000, "{cells} cells");
    let outcome = format!("{refused} refused or unheard, 0 let through, 0 wrongly refused");
    trust::report("P5", "who x what x way in, on the bench", cells, &outcome);
}
