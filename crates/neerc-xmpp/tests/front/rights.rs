//! The whole table of rights (P5): every kind of person, every thing that can be asked, every way in. Each cell says
//! exactly what has to come of it, and that nothing else does.
//!
//! A new way in is one more row of [`WAYS`].

use super::*;
use crate::table::{Asked, Asker, KEEPER, PLANNED, Standing, condition, everything, expected, packet};
use crate::trust;
use bench::server::BOTH;
use bench::{attr, canonical};
use neerc_core::board::Board;
use neerc_core::change::Change;
use neerc_core::clock::Phase;
use neerc_core::command::{Command, Query};
use neerc_core::line::{self, Unclear, Writer};
use neerc_core::menu::{self, Act, Request};
use neerc_core::notice::Visibility;
use neerc_core::people::Person;
use neerc_core::plan::{Planned, Schedule};
use neerc_core::refusal::Refusal;
use neerc_core::task::{Kind, Progress, Title};
use neerc_xmpp::address::Address;

const HOST: &str = "localhost";
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
        bench.hear(format!("<presence from='{jid}' to='{to}'>{x}</presence>"));
    }
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Refused(Refusal),
    /// An error that says so.
    Said(String),
    Silence,
}

/// How it is asked; `None` if it cannot be asked in this way.
type Ask = fn(&mut Bench, Who, &Asked) -> Option<Outcome>;

/// Every way in, with whether it is heard at all.
const WAYS: [(&str, bool, Ask); 6] = [
    ("packet in a get", true, |bench, who, asked| by_packet(bench, who, asked, "get")),
    ("packet in a set", true, |bench, who, asked| by_packet(bench, who, asked, "set")),
    ("packet in a result", false, |bench, who, asked| by_packet(bench, who, asked, "result")),
    ("packet in an error", false, |bench, who, asked| by_packet(bench, who, asked, "error")),
    ("row of the menu", true, |bench, who, asked| by_menu(bench, who, asked)),
    ("chat line", true, |bench, who, asked| by_line(bench, who, asked)),
];

fn by_packet(bench: &mut Bench, who: Who, asked: &Asked, kind: &str) -> Option<Outcome> {
    let said = bench.on(&iq(kind, who.jid(), &packet(asked)?));
    let mut answers = said.iter().filter(|stanza| stanza.starts_with("<iq"));
    let Some(answer) = answers.next() else {
        assert_eq!(said, [""; 0], "{who:?}: no answer, but");
        return Some(Outcome::Silence);
    };
    assert_eq!(answers.next(), None, "{who:?}: answered twice");
    let is_told = |stanza: &String| attr(stanza, "to").as_deref() == Some(who.address().as_str());
    assert!(said.iter().all(is_told), "{who:?} {asked:?}: others are told: {said:?}");
    let told: Vec<_> = said.iter().filter(|stanza| *stanza != answer).collect();
    if who.standing() == Standing::Nobody {
        assert!(told.is_empty() && !answer.contains(SECRET), "{who:?} {asked:?}: {said:?}");
    }
    Some(if attr(answer, "type").as_deref() == Some("result") {
        Outcome::Done
    } else {
        Outcome::Said(canonical(answer).unwrap())
    })
}

/// The error that has to be said for a refusal.
fn said(who: Who, refusal: &Refusal) -> Outcome {
    let condition = condition(refusal);
    let (code, kind) = if condition == "forbidden" { (403, "auth") } else { (404, "cancel") };
    let to = who.address();
    Outcome::Said(canonical(&error(to.as_str(), code, kind, condition, &refusal.to_string())).unwrap())
}

fn by_menu(bench: &mut Bench, who: Who, asked: &Asked) -> Option<Outcome> {
    let (act, values) = row(asked)?;
    let values: Vec<_> = values.into_iter().map(|(field, value)| (field, vec![value])).collect();
    Some(judged(bench, who, menu::build(menu::by_act(act), &values)))
}

fn by_line(bench: &mut Bench, who: Who, asked: &Asked) -> Option<Outcome> {
    let (act, values) = row(asked)?;
    let words: Vec<String> = values.into_iter().map(|(_, value)| value).collect();
    let line = format!("{} {}", menu::by_act(act).verb, words.join(" "));
    let (board, person) = (planned(bench), who.person());
    let read = line::read(&line, Writer { who: &person, people: bench.front.people("neerc"), board: &board });
    let [read] = &read[..] else { panic!("one line: {line}") };
    let request = match &read.asked {
        Ok(asked) => asked.build(),
        Err(Unclear::Refused(refusal)) => Err(refusal.clone()),
        Err(Unclear::Question(question)) => panic!("{line}: {question:?}"),
    };
    Some(judged(bench, who, request))
}

/// The row of the menu that says it, with its fields in the order of a line.
fn row(asked: &Asked) -> Option<(Act, Vec<(&'static str, String)>)> {
    let task = |task: &neerc_core::task::TaskId| ("task", task.to_string());
    let plan = |plan: &neerc_core::plan::PlanId| ("plan", plan.to_string());
    let names = |names: &[String]| ("names", names.join(" "));
    let title = |title: &Title| ("title", title.as_str().to_owned());
    Some(match asked {
        Asked::Query(Query::Users) => (Act::Who, vec![]),
        Asked::Query(Query::Tasks { of }) => (Act::Tasks, of.iter().map(|of| ("of", of.clone())).collect()),
        Asked::Query(Query::Clock) => (Act::Clock, vec![]),
        Asked::Query(Query::Show { task: id }) => (Act::Show, vec![task(id)]),
        Asked::Query(Query::Late) => (Act::Late, vec![]),
        Asked::Query(Query::Plans) => (Act::Plans, vec![]),
        Asked::Command(Command::Create { title: given, kind, .. }) => {
            (Act::Create, vec![("kind", kind.name().to_owned()), names(&[KEEPER.to_owned()]), title(given)])
        }
        Asked::Command(Command::Plan { title: given, kind, schedule, names: whose }) => {
            let (kind, schedule) = (("kind", kind.name().to_owned()), ("schedule", schedule.to_string()));
            (Act::Create, vec![kind, names(whose), schedule, title(given)])
        }
        Asked::Command(Command::Edit { .. }) => return None, // a whole task is for programs
        Asked::Command(Command::Remove { task: id }) => (Act::Remove, vec![task(id)]),
        Asked::Command(Command::Answer { task: id, status }) => {
            assert_eq!(status.progress, Progress::Running);
            (Act::Start, vec![task(id)])
        }
        Asked::Command(Command::Assign { task: id, names: given }) => (Act::Assign, vec![task(id), names(given)]),
        Asked::Command(Command::Unassign { task: id, names: given }) => (Act::Unassign, vec![task(id), names(given)]),
        Asked::Command(Command::Reset { task: id, names: given }) => (Act::Reset, vec![task(id), names(given)]),
        Asked::Command(Command::Rename { task: id, title: given }) => (Act::Rename, vec![task(id), title(given)]),
        Asked::Command(Command::Unplan { plan: id }) => (Act::Unplan, vec![plan(id)]),
        Asked::Command(Command::Fulfil { plan: id }) => (Act::Now, vec![plan(id)]),
    })
}

/// The board of the room with a planned task.
fn planned(bench: &Bench) -> Board {
    let mut board = bench.boards["neerc"].clone();
    let (by, title) = (Person::named("admin", HOST), Title::parse("Later").unwrap());
    let schedule = Schedule::required("start").unwrap();
    let later = Planned { id: PLANNED, by, title, kind: Kind::Todo, names: Vec::new(), schedule };
    board.apply(board.revision() + 1, &Change::Planned(later));
    board
}

/// What the core says to it, as every face has to.
fn judged(bench: &mut Bench, who: Who, request: Result<Request, Refusal>) -> Outcome {
    let (board, now_ms, person) = (planned(bench), bench.now_ms, who.person());
    let people = bench.front.people("neerc");
    let judged = request.and_then(|request| match request {
        Request::Command(command) => board.decide(now_ms, &person, people, &command).map(drop),
        Request::Query(query) => query.permit(people.rights(&person).ok_or(Refusal::NotInRoom)?),
        Request::Help(_) => Ok(()),
    });
    judged.map_or_else(Outcome::Refused, |()| Outcome::Done)
}

/// What has to come of it in that way.
fn wanted(way: &str, heard: bool, who: Who, asked: &Asked, visibility: Visibility) -> Outcome {
    if !heard || matches!((way, who), ("packet in a get" | "packet in a set", Who::ServiceAddress)) {
        return Outcome::Silence;
    }
    let asker = who.asker();
    match expected(asker, asked, visibility) {
        Ok(()) => Outcome::Done,
        Err(refusal) if way.starts_with("packet") => said(who, &refusal),
        // Whose tasks one may see is found out by whoever lists them, and that a task is there by whoever shows it.
        Err(_) if matches!(asked, Asked::Query(Query::Tasks { .. } | Query::Show { .. })) && may_ask(asker, asked) => {
            Outcome::Done
        }
        Err(refusal) => Outcome::Refused(refusal),
    }
}

fn may_ask(asker: Asker<'_>, asked: &Asked) -> bool {
    match asker.standing {
        Standing::Power => true,
        Standing::Ordinary => !matches!(asked, Asked::Query(Query::Show { .. })),
        Standing::Nobody => false,
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
        Command::Create { .. } => assert_eq!((after.len(), &changed[..]), (before.len() + 1, &[][..])),
        Command::Remove { task } => assert!(after.task(*task).is_none() && changed == [*task]),
        Command::Answer { task, status } => {
            assert_eq!(changed, [*task]);
            let mut alone = before.task(*task).unwrap().statuses.clone();
            alone.insert(who.person(), status.clone());
            assert_eq!(after.task(*task).unwrap().statuses, alone, "{who:?} answers for nobody else");
        }
        _ => assert_eq!(command.task().into_iter().collect::<Vec<_>>(), changed, "{who:?} {asked:?}"),
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
                for (way, heard, ask) in WAYS {
                    let before = bench.boards["neerc"].clone();
                    let Some(outcome) = ask(&mut bench, who, &asked) else { continue };
                    let wanted = wanted(way, heard, who, &asked, visibility);
                    assert_eq!(outcome, wanted, "{who:?} by {way} at {flavour:?}, {visibility:?}: {asked:?}");
                    let done = way.starts_with("packet") && outcome == Outcome::Done;
                    assert_done(who, &asked, &before, &bench.boards["neerc"], done);
                    cells += 1;
                    refused += usize::from(outcome != Outcome::Done);
                    if bench.boards["neerc"] != before {
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
