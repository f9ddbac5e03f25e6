//! Ad-hoc commands: every row of the menu in one step and by forms, and what is tried against them.

use super::*;
use bench::{Disk, canonical};
use neerc_core::checklist::{Checklist, ChecklistLine};
use neerc_core::face::menu::{self, Act, FieldKind, Item, MENU, Needs, Presence};
use neerc_core::view::Visibility;
use neerc_xmpp::limits;
use neerc_xmpp::ns;
use neerc_xmpp::xml::{self, Element, TreeLimits};
use std::collections::BTreeMap;

const COMMANDS: &str = "http://jabber.org/protocol/commands";
const TK: &str = "tk@localhost/Desk";

/// What a client reads in an answer.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shown {
    /// `executing`, `completed`, `canceled`; or the condition of an error, with the one of XEP-0050 behind it.
    status: String,
    session: String,
    actions: Vec<String>,
    notes: Vec<String>,
    /// Fields by name, each with its type, its values and the values it offers.
    fields: BTreeMap<String, (String, Vec<String>, Vec<String>)>,
    instructions: String,
    rows: Vec<Vec<String>>,
}

fn texts(element: &Element<'_>, name: &str) -> Vec<String> {
    element.elements().filter(|child| child.name == name).map(Element::text).collect()
}

fn shown(stanza: &str) -> Shown {
    let stanza = xml::parse(stanza.as_bytes(), ns::COMPONENT, &TreeLimits::default()).unwrap();
    let mut shown = Shown::default();
    if let Some(error) = stanza.child("error", ns::COMPONENT) {
        let conditions = error.elements().filter(|child| child.name != "text");
        shown.status = conditions.map(|child| child.name).collect::<Vec<_>>().join(" ");
        return shown;
    }
    let command = stanza.child("command", COMMANDS).expect("a command is answered by a command");
    shown.status = command.attr("status").unwrap().to_owned();
    shown.session = command.attr("sessionid").unwrap().to_owned();
    for child in command.elements() {
        match child.name {
            "actions" => {
                shown.actions = child.elements().map(|action| action.name.to_owned()).collect();
                assert_eq!(child.attr("execute"), shown.actions.first().map(|usual| &**usual));
            }
            "note" => shown.notes.push(format!("{} {}", child.attr("type").unwrap(), child.text())),
            "x" => {
                shown.instructions = texts(child, "instructions").concat();
                for field in child.elements().filter(|field| field.name == "field") {
                    let offered = field.elements().filter(|option| option.name == "option");
                    let offered = offered.flat_map(|option| texts(option, "value")).collect();
                    let (var, kind) = (field.attr("var").unwrap(), field.attr("type").unwrap());
                    shown.fields.insert(var.to_owned(), (kind.to_owned(), texts(field, "value"), offered));
                }
                if let Some((_, rows, _)) = shown.fields.get("table") {
                    shown.rows = rows.iter().map(|row| row.split(" · ").map(str::to_owned).collect()).collect();
                }
            }
            other => panic!("<{other}/> in a command"),
        }
    }
    shown
}

fn submit(values: &[(&str, &[&str])]) -> String {
    let field = |(var, values): &(&str, &[&str])| {
        let values: String = values.iter().map(|value| format!("<value>{value}</value>")).collect();
        format!("<field var='{var}'>{values}</field>")
    };
    format!("<x xmlns='jabber:x:data' type='submit'>{}</x>", values.iter().map(field).collect::<String>())
}

/// Commands, given and answered.
trait Commands {
    /// A command with these attributes and this inside; what is answered, and not what is told besides.
    fn ask_command(&mut self, from: &str, node: &str, attributes: &str, inside: &str) -> Shown;
    fn verb(&mut self, from: &str, verb: &str, attributes: &str, inside: &str) -> Shown;
    /// A command in one step.
    fn at_once(&mut self, from: &str, verb: &str, values: &[(&str, &[&str])]) -> Shown;
    fn goes_on(&mut self, from: &str, verb: &str, shown: &Shown, action: &str, values: &[(&str, &[&str])]) -> Shown;
}

impl Commands for Bench {
    fn ask_command(&mut self, from: &str, node: &str, attributes: &str, inside: &str) -> Shown {
        let payload = format!("<command xmlns='{COMMANDS}' node='{node}' {attributes}>{inside}</command>");
        let said = self.on(&iq("set", from, &payload));
        let answers: Vec<_> = said.iter().filter(|stanza| stanza.starts_with("<iq")).collect();
        assert_eq!(answers.len(), 1, "{payload}: {said:?}");
        shown(answers[0])
    }

    fn verb(&mut self, from: &str, verb: &str, attributes: &str, inside: &str) -> Shown {
        let node = menu::by_word(verb).unwrap().node;
        self.ask_command(from, node, attributes, inside)
    }

    fn at_once(&mut self, from: &str, verb: &str, values: &[(&str, &[&str])]) -> Shown {
        self.verb(from, verb, "action='execute'", &submit(values))
    }

    fn goes_on(&mut self, from: &str, verb: &str, shown: &Shown, action: &str, values: &[(&str, &[&str])]) -> Shown {
        let action = if action.is_empty() { String::new() } else { format!("action='{action}'") };
        self.verb(from, verb, &format!("sessionid='{}' {action}", shown.session), &submit(values))
    }
}

/// A checklist of one line, for the end of the contest.
fn checklist(name: &str) -> Checklist {
    let line = ChecklistLine { text: "@todo hall1 end! Pack up".to_owned(), number: 1 };
    Checklist { name: name.to_owned(), steps: vec![vec![line]] }
}

/// Task 1 "Water" for hall1 and hall2, with which hall1 has begun; task 2 "Door?" for tk, who has said yes; the plan s1.
fn world() -> Bench {
    let mut settings = settings();
    settings.wiki_packet = false;
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    bench.checklists(["drill", "seating"].map(checklist));
    for (who, verb, values) in [
        (ADMIN, "create", &[("kind", &["todo"][..]), ("title", &["Water"]), ("names", &["hall1", "hall2"])][..]),
        (ADMIN, "create", &[("kind", &["okfail"]), ("title", &["Door?"]), ("names", &["tk"])]),
        (ADMIN, "create", &[("kind", &["todo"]), ("title", &["Freeze"]), ("schedule", &["end-60!"])]),
        (HALL1, "start", &[("task", &["1"])]),
        (TK, "ok", &[("task", &["2"])]),
    ] {
        let shown = bench.at_once(who, verb, values);
        assert_eq!(shown.status, "completed", "{verb}: {shown:?}");
    }
    bench.clock(3_600_000, 18_000_000, neerc_core::clock::Phase::Running);
    bench.pass(1_000);
    bench.said();
    bench
}

/// What stands in each field of a row where tk is to use it in [`world`].
fn value(item: &Item, kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::OwnOpenTask | FieldKind::OwnAnsweredTask => "2",
        FieldKind::Task => "1",
        FieldKind::RemovedTask => "3",
        FieldKind::Names => "hall3",
        FieldKind::Assigned => "hall1",
        FieldKind::User => "hall1",
        FieldKind::TaskKind => "question",
        FieldKind::Title if item.act == Act::Rename => "Wine",
        FieldKind::Title => "Bread",
        FieldKind::Text => "42",
        FieldKind::Schedule => "start+15",
        FieldKind::Plan => "s1",
        FieldKind::Verb => "done",
        FieldKind::ClockAct => "length",
        FieldKind::Time => "4:00",
        FieldKind::LinksWish => "off",
        FieldKind::Code => "482193",
        FieldKind::Confirmation => "yes",
        FieldKind::Session => "1",
        FieldKind::TokenScope => "display",
        FieldKind::Token => "k1",
        FieldKind::Owner => "hall1",
        FieldKind::Watched if item.act == Act::Watch => "failures",
        FieldKind::Watched => "all",
        FieldKind::Deadline if item.act == Act::Create => "", // what is planned takes none
        FieldKind::Deadline => "20m",
        FieldKind::Checklist => "seating",
        FieldKind::Running => "drill",
    }
}

/// The world where tk has something to do as well.
fn world_for_all() -> Bench {
    let mut bench = world();
    bench.at_once(ADMIN, "reset", &[("task", &["2"]), ("names", &["tk"])]);
    bench.at_once(TK, "start", &[("task", &["2"])]);
    bench.at_once(ADMIN, "create", &[("kind", &["todo"]), ("title", &["Juice"])]);
    bench.at_once(ADMIN, "remove", &[("task", &["3"])]);
    bench.at_once(ADMIN, "run", &[("checklist", &["drill"])]);
    bench.open_web(&[("111111", "Lynx, 192.0.2.7"), ("482193", "Firefox, 192.0.2.8")]);
    bench.at_once(TK, "login", &[("code", &["111111"]), ("confirm", &["yes"])]);
    bench.at_once(ADMIN, "token", &[("scope", &["read"])]);
    bench.pass(1_000);
    bench.said();
    bench
}

fn filled(item: &'static Item) -> Vec<(&'static str, Vec<&'static str>)> {
    item.fields.iter().map(|field| (field.var, vec![value(item, field.kind)])).collect()
}

/// What the answer to a row says when tk uses it with [`value`].
fn outcome(act: Act) -> &'static str {
    match act {
        Act::Tasks => "1 Water",
        Act::Who => "admin",
        Act::Clock => "[clock-running elapsed=1:00:02 total=5:00:00]",
        Act::Help => "[item-done-help]",
        Act::Show => "hall1 [status-running]",
        Act::History => "admin [history-created title=Water",
        Act::Late => "1 Water hall2 hall1",
        Act::Plans => "s1 end-60! Freeze",
        Act::Start => "[said-unchanged]",
        Act::Done | Act::Ok => "[said-answered task=2 status=[status-success]]",
        Act::Fail => "[said-answered task=2 status=[status-fail]: 42]",
        Act::Answer => "[said-answered task=2 status=[status-success]: 42]",
        Act::Undo => "[said-answered task=2 status=[status-none]]",
        Act::Create => "[said-planned plan=s3 schedule=start+15 title=Bread]",
        Act::Assign | Act::Unassign | Act::Reset | Act::Rename => "[said-changed task=1 title=",
        Act::Remove => "[said-removed task=1]",
        Act::Now => "[said-created task=4 count=0 title=Freeze]",
        Act::Unplan => "[said-unplanned plan=s1]",
        Act::Replan => "[said-replanned plan=s1 when=",
        Act::Restore => "[said-restored task=3 title=Juice",
        Act::Remind => "[said-reminded task=1 people=hall1",
        Act::Watch => "[said-watching-failures]",
        Act::Unwatch => "[said-unchanged]",
        Act::Deadline => "[said-deadline task=1 when=",
        Act::Checklists => {
            "drill [count-lines count=1]: @todo hall1 end! Pack up [run-since step=1 steps=1 name=admin time="
        }
        Act::Run => "[said-begun count=1 steps=1]",
        Act::Stop => "[said-stopped]",
        Act::Links => "[said-links-off]",
        Act::Board => "[said-login-link url=https://board.example.org/l/secret",
        Act::Login => "[said-admitted]",
        Act::Sessions => "1 Lynx",
        Act::Logout => "[said-logged-out count=1]",
        Act::Token => "[said-token-display token=k2 secret=https://board.example.org/wall/secret",
        Act::Tokens => "k1 [scope-read]",
        Act::Revoke => "[said-token-revoked token=k1]",
        Act::SetClock => "[clock-running elapsed=1:00:02 total=4:00:00] [clock-by-hand time=",
    }
}

#[track_caller]
fn check_outcome(item: &Item, shown: &Shown) {
    assert_eq!(shown.status, "completed", "{}: {shown:?}", item.verb);
    assert!(shown.actions.is_empty(), "{shown:?}");
    let rows = shown.rows.iter().map(|row| row.join(" "));
    let fields = shown.fields.values().flat_map(|(_, values, _)| values.clone());
    let all: Vec<String> = rows.chain(fields).chain(shown.notes.clone()).collect();
    let squeezed = |text: &str| text.split([' ', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let found = all.iter().any(|text| {
        let words = squeezed(outcome(item.act));
        let mut rest = squeezed(text);
        words.split(' ').all(|word| match rest.split_once(word) {
            Some((_, after)) => {
                rest = after.to_owned();
                true
            }
            None => false,
        })
    });
    assert!(found, "{}: {all:?}", item.verb);
}

#[test]
fn every_row_of_the_menu_in_one_step() {
    for item in &MENU {
        for attributes in ["action='execute'", "action='complete'", "", "action='next'"] {
            let mut bench = world_for_all();
            let values = filled(item);
            let values: Vec<_> = values.iter().map(|(var, values)| (*var, &values[..])).collect();
            let shown = bench.ask_command(TK, item.node, attributes, &submit(&values));
            check_outcome(item, &shown);
        }
    }
}

#[test]
fn every_row_of_the_menu_by_forms() {
    for item in &MENU {
        for onward in ["next", "complete", "", "execute"] {
            let mut bench = world_for_all();
            let mut shown = bench.ask_command(TK, item.node, "", "");
            assert_eq!(shown.status == "completed", item.fields.is_empty(), "{}: {shown:?}", item.verb);
            let mut forms = Vec::new();
            while shown.status == "executing" {
                assert!(shown.notes.is_empty(), "{}: {shown:?}", item.verb);
                let mut values = Vec::new();
                for (var, (kind, _, offered)) in &shown.fields {
                    let field = item.fields.iter().find(|field| field.var == var).unwrap();
                    let value = value(item, field.kind);
                    if kind.starts_with("list") {
                        assert!(offered.iter().any(|one| one == value), "{} {var}: {offered:?}", item.verb);
                    }
                    values.push((var.clone(), [value]));
                }
                let values: Vec<_> = values.iter().map(|(var, values)| (&**var, &values[..])).collect();
                forms.push(shown.fields.keys().cloned().collect::<Vec<_>>().join(" "));
                shown = bench.goes_on(TK, item.verb, &shown, onward, &values);
            }
            check_outcome(item, &shown);
            let first = item.fields.iter().any(|field| field.kind == FieldKind::Assigned);
            let fields: usize = forms.iter().map(|form| form.split(' ').count()).sum();
            assert_eq!(
                (forms.len(), fields),
                match item.fields.len() {
                    0 => (0, 0),
                    count => (1 + usize::from(first), count),
                },
                "{}: {forms:?}",
                item.verb
            );
        }
    }
}

#[test]
fn every_row_is_a_forbidden_error_to_whom_it_is_not_offered() {
    let mut bench = world_for_all();
    for item in &MENU {
        for (from, allowed) in [
            (ADMIN, true),
            (TK, true),
            (HALL1, item.needs == Needs::User),
            ("visitor@localhost/Web", false),
            ("neerc@conference.localhost/admin", false),
        ] {
            for (attributes, inside) in [("", ""), ("action='complete'", &*submit(&[]))] {
                let shown = bench.ask_command(from, item.node, attributes, inside);
                assert_eq!(shown.status != "forbidden", allowed, "{from} {}: {shown:?}", item.verb);
            }
            let session = bench.ask_command(from, item.node, "action='cancel' sessionid='1-1'", "");
            assert_eq!(session.status == "forbidden", !allowed, "{from} {}: {session:?}", item.verb);
        }
    }
}

#[test]
fn the_list_of_commands_is_what_is_offered() {
    let mut bench = ready(Flavour::Prosody);
    let listed = |bench: &mut Bench, from: &str| {
        let query = format!("<query xmlns='http://jabber.org/protocol/disco#items' node='{COMMANDS}'/>");
        let said = bench.on(&iq("get", from, &query)).concat();
        said.matches("<item ").count()
    };
    let people = [ADMIN, TK, HALL1, "visitor@localhost/Web"];
    let without_web = MENU.iter().filter(|item| !item.is_of_web()).count();
    assert_eq!(people.map(|from| listed(&mut bench, from)), [without_web, without_web, 11, 0]);
    bench.open_web(&[]);
    assert_eq!(people.map(|from| listed(&mut bench, from)), [MENU.len(), MENU.len(), 15, 0]);
    let info = |node: &str| format!("<query xmlns='http://jabber.org/protocol/disco#info' node='{node}'/>");
    for item in &MENU {
        let said = bench.on(&iq("get", HALL1, &info(item.node))).concat();
        if item.needs == Needs::Admin {
            assert!(said.contains("<item-not-found "), "{said}");
            continue;
        }
        let expected = format!(
            "<query xmlns='http://jabber.org/protocol/disco#info' node='{}'><identity category='automation' \
             type='command-node' name='[item-{}]'/><feature var='{COMMANDS}'/><feature var='jabber:x:data'/>\
             <feature var='http://jabber.org/protocol/xdata-validate'/></query>",
            item.node, item.verb
        );
        assert_eq!(canonical(&said), canonical(&result(HALL1, &expected)));
    }
    assert!(bench.on(&iq("get", HALL1, &info(COMMANDS))).concat().contains("type='command-list'"));
    assert!(bench.on(&iq("get", HALL1, &info("other"))).concat().contains("<item-not-found "));
    assert_eq!(bench.ask_command(HALL1, "other", "", "").status, "item-not-found");
    assert_eq!(bench.ask_command(HALL1, "", "", "").status, "item-not-found");
}

#[test]
fn what_is_wrong_is_said_in_the_form_which_can_be_corrected() {
    let mut bench = world();
    let form = bench.verb(ADMIN, "create", "", "");
    assert_eq!(form.actions, ["complete"]);
    assert_eq!(form.fields["kind"].1, ["todo"]);
    assert_eq!(form.fields["names"].2, ["Admins", "Users", "admin", "tk", "hall1", "hall2", "hall3"]);
    let values: &[(&str, &[&str])] = &[("kind", &["okfail"]), ("names", &["hall1", "tk"]), ("schedule", &["noon"])];
    let again = bench.goes_on(ADMIN, "create", &form, "complete", values);
    assert_eq!((&*again.status, &*again.session), ("executing", &*form.session));
    assert_eq!(again.notes, ["error [refusal-missing-field field=[field-title]]"]);
    assert_eq!(again.instructions, "[refusal-missing-field field=[field-title]]\n[item-create-help]");
    assert_eq!(again.fields["kind"].1, ["okfail"]);
    assert_eq!(again.fields["names"].1, ["hall1", "tk"]);
    assert_eq!(again.fields["schedule"].1, ["noon"]);
    let values: &[(&str, &[&str])] = &[("kind", &["okfail"]), ("title", &["T"]), ("schedule", &["noon"])];
    let again = bench.goes_on(ADMIN, "create", &again, "complete", values);
    assert_eq!(again.notes, ["error [refusal-bad-schedule schedule=noon limit=10080]"]);
    // what only the board can see
    let values: &[(&str, &[&str])] = &[("kind", &["okfail"]), ("title", &["T"]), ("names", &["hall1", "hal2"])];
    let again = bench.goes_on(ADMIN, "create", &again, "complete", values);
    assert_eq!(again.notes, ["error [refusal-unknown-name name=hal2] [did-you-mean name=hall2]"]);
    assert_eq!((&*again.status, &again.fields["title"].1[..]), ("executing", &["T".to_owned()][..]));
    assert_eq!(again.fields["names"].1, ["hall1"], "what the list does not offer is not in it");
    bench.disk = Disk::Full;
    let values: &[(&str, &[&str])] = &[("kind", &["okfail"]), ("title", &["T"]), ("names", &["hall1"])];
    let again = bench.goes_on(ADMIN, "create", &again, "complete", values);
    assert_eq!(again.notes, ["error [refusal-not-durable]"]);
    bench.disk = Disk::Good;
    let done = bench.goes_on(ADMIN, "create", &again, "complete", values);
    assert_eq!(done.notes, ["info [said-created task=3 count=1 title=T]"]);
    assert_eq!(done.session, form.session);
}

#[test]
fn a_command_in_one_step_that_is_wrong_becomes_a_form() {
    let mut bench = world();
    let again = bench.at_once(HALL1, "done", &[("task", &["2"])]);
    assert_eq!(again.notes, ["error [refusal-not-assigned task=2] [your-open-tasks tasks=1]"]);
    assert_eq!((&*again.status, &again.fields["task"].2[..]), ("executing", &["1".to_owned()][..]));
    assert_eq!(bench.goes_on(HALL1, "done", &again, "", &[("task", &["1"])]).status, "completed");
    // where there is nothing to choose from there is no form either
    let none = bench.verb(HALL1, "done", "", "");
    assert_eq!((&*none.status, &none.notes[..]), ("completed", &["info [no-open-tasks]".to_owned()][..]));
    let none = bench.at_once(HALL1, "done", &[("task", &["99"])]);
    assert_eq!(
        (&*none.status, &none.notes[..]),
        ("completed", &["error [refusal-unknown-task task=99]".to_owned()][..])
    );
    let mut bench = ready(Flavour::Prosody);
    for (verb, note) in [
        ("start", "info [no-open-tasks]"),
        ("undo", "info [no-answered-tasks]"),
        ("show", "info [no-tasks]"),
        ("unassign", "info [no-tasks]"),
        ("now", "info [no-plans]"),
    ] {
        assert_eq!(bench.verb(ADMIN, verb, "", "").notes, [note]);
    }
    let clock = bench.verb(HALL1, "clock", "", "");
    assert_eq!((&*clock.status, &clock.notes[..]), ("completed", &["error [refusal-no-clock]".to_owned()][..]));
}

#[test]
fn a_session_is_its_owners_and_does_what_it_does_once() {
    let mut bench = world();
    let form = bench.verb(ADMIN, "create", "", "");
    let values: &[(&str, &[&str])] = &[("kind", &["todo"]), ("title", &["Once"])];
    for thief in [TK, HALL1, "admin@localhost/Other"] {
        let stolen = bench.goes_on(thief, "create", &form, "complete", values);
        let expected = if thief == HALL1 { "forbidden" } else { "bad-request bad-sessionid" };
        assert_eq!(stolen.status, expected, "{thief}");
    }
    assert_eq!(bench.goes_on(ADMIN, "rename", &form, "complete", values).status, "bad-request bad-sessionid");
    for odd in ["", "x", "1-1-1", "99999999999999999999", "&lt;"] {
        let shown = Shown { session: odd.to_owned(), ..Shown::default() };
        assert_eq!(bench.goes_on(ADMIN, "create", &shown, "complete", values).status, "bad-request bad-sessionid");
    }
    assert_eq!(bench.goes_on(ADMIN, "create", &form, "complete", values).status, "completed");
    for action in ["complete", "next", "prev", "cancel", ""] {
        let repeated = bench.goes_on(ADMIN, "create", &form, action, values);
        assert_eq!(repeated.status, "not-allowed session-expired", "{action}");
    }
    let tasks = bench.at_once(ADMIN, "tasks", &[]).rows;
    assert_eq!(tasks.iter().filter(|row| row[1] == "Once").count(), 1, "{tasks:?}");
}

#[test]
fn a_second_complete_while_the_first_is_on_its_way_to_the_disk_does_nothing() {
    let mut bench = world();
    let form = bench.verb(ADMIN, "create", "", "");
    let node = menu::by_act(Act::Create).node;
    let complete = iq(
        "set",
        ADMIN,
        &format!(
            "<command xmlns='{COMMANDS}' node='{node}' sessionid='{}' action='complete'>{}</command>",
            form.session,
            submit(&[("kind", &["todo"]), ("title", &["Once"])])
        ),
    );
    bench.hear_only(&complete);
    bench.hear_only(&complete);
    bench.pump();
    let said = bench.said();
    let statuses: Vec<_> = said.iter().filter(|stanza| stanza.starts_with("<iq")).map(|iq| shown(iq).status).collect();
    assert_eq!(statuses, ["not-allowed session-expired", "completed"]);
    assert_eq!(bench.boards()["neerc"].len(), 3);
}

#[test]
fn a_session_ends_after_ten_minutes_or_when_its_owner_begins_too_many() {
    let mut bench = world();
    let begin = |bench: &mut Bench| bench.verb(HALL1, "done", "", "");
    let last =
        |bench: &mut Bench, form: &Shown| bench.goes_on(HALL1, "done", form, "complete", &[("task", &["9"])]).status;
    let forms: Vec<_> = (0..=limits::FORMS_PER_USER).map(|_| begin(&mut bench)).collect();
    assert_eq!(last(&mut bench, &forms[0]), "not-allowed session-expired");
    assert_eq!(last(&mut bench, &forms[1]), "executing");
    bench.pass(limits::FORM_MS - 1);
    assert_eq!(last(&mut bench, &forms[1]), "executing", "it goes on from there");
    bench.pass(1);
    assert_eq!(last(&mut bench, &forms[2]), "not-allowed session-expired");
    assert_eq!(last(&mut bench, &forms[1]), "executing");
    // after a restart of the service too
    bench.restart(100);
    bench.said();
    assert_eq!(last(&mut bench, &forms[1]), "not-allowed session-expired");
}

#[test]
fn a_crowd_of_sessions_pushes_nobody_out() {
    let mut server = Server::new(Flavour::Prosody);
    for user in 0..limits::FORMS {
        server.list("neerc", &format!("u{user}@localhost"), "member");
    }
    let mut bench = Bench::served(settings(), server);
    let first = bench.verb(HALL1, "help", "", "");
    for user in 0..limits::FORMS {
        let shown = bench.verb(&format!("u{user}@localhost/x"), "help", "", "");
        let expected = if user + 1 < limits::FORMS { "executing" } else { "resource-constraint" };
        assert_eq!(shown.status, expected, "{user}");
    }
    assert_eq!(
        bench.verb("u9@localhost/y", "help", "", &submit(&[])).status,
        "completed",
        "in one step it still works"
    );
    assert_eq!(bench.goes_on(HALL1, "help", &first, "", &[]).status, "completed");
}

#[test]
fn odd_invocations() {
    let mut bench = world();
    for (attributes, inside, status) in [
        ("action='jump'", String::new(), "bad-request malformed-action"),
        ("action='prev'", String::new(), "bad-request bad-action"),
        ("action='cancel'", String::new(), "bad-request bad-action"),
        ("action='complete'", String::new(), "executing"),
        ("action='next'", String::new(), "executing"),
        ("", submit(&[]).replace("submit", "form"), "bad-request bad-payload"),
        ("", submit(&[]).replace("submit", "result"), "bad-request bad-payload"),
        ("", submit(&[]).replace("submit", "cancel"), "bad-request bad-action"),
        ("", submit(&[]).repeat(2), "bad-request bad-payload"),
        ("", "<x xmlns='other' type='odd'/>text".to_owned(), "executing"),
        ("", submit(&[("title", &["x"]), ("unknown", &["y"])]), "executing"),
        ("xml:lang='tlh'", submit(&[("kind", &["todo"]), ("title", &["x"]), ("unknown", &["y"; 500])]), "completed"),
    ] {
        assert_eq!(bench.verb(ADMIN, "create", attributes, &inside).status, status, "{attributes} {inside}");
    }
    let form = bench.verb(ADMIN, "create", "", "");
    assert_eq!(bench.goes_on(ADMIN, "create", &form, "prev", &[]).status, "bad-request bad-action");
    assert_eq!(bench.goes_on(ADMIN, "create", &form, "jump", &[]).status, "bad-request malformed-action");
    let cancelled = bench.goes_on(ADMIN, "create", &form, "cancel", &[]);
    assert_eq!((&*cancelled.status, &*cancelled.session), ("canceled", &*form.session));
    assert_eq!(bench.goes_on(ADMIN, "create", &form, "cancel", &[]).status, "not-allowed session-expired");
    // a form that was put away cancels as well
    let form = bench.verb(ADMIN, "create", "", "");
    let away = submit(&[]).replace("submit", "cancel");
    let away = bench.verb(ADMIN, "create", &format!("sessionid='{}' action='complete'", form.session), &away);
    assert_eq!(away.status, "canceled");
}

#[test]
fn values_that_no_list_offers_and_values_that_are_too_big() {
    let mut bench = world();
    let long = "x".repeat(50_000);
    for (verb, values) in [
        ("create", &[("kind", &["riddle"][..]), ("title", &["T"])][..]),
        ("create", &[("kind", &["todo"]), ("title", &[&long])]),
        ("create", &[("kind", &["todo"]), ("title", &["T"]), ("names", &[&long])]),
        ("create", &[("kind", &["todo"]), ("title", &["T"]), ("schedule", &[&long])]),
        ("create", &[("kind", &[&long, &long, &long]), ("title", &["T"])]),
        ("show", &[("task", &["99"])]),
        ("show", &[("task", &[&long])]),
        ("rename", &[("task", &["1"]), ("title", &[" \n "])]),
        ("unassign", &[("task", &["1"]), ("names", &["hall3"])]),
        ("unassign", &[("task", &["-1"]), ("names", &["hall1"])]),
        ("now", &[("plan", &["s99"])]),
        ("help", &[("verb", &["dnoe"])]),
        ("tasks", &[("of", &["nobody"])]),
    ] {
        let before = bench.boards().clone();
        let shown = bench.at_once(ADMIN, verb, values);
        assert_eq!(shown.status, "executing", "{verb}: {shown:?}");
        assert_eq!(shown.notes.len(), 1, "{shown:?}");
        assert!(shown.notes[0].starts_with("error [refusal-") && shown.notes[0].len() < 500, "{verb}: {shown:?}");
        assert_eq!(*bench.boards(), before);
    }
    // many names, and the same again and again
    let names = vec!["hall1"; 5_000];
    let shown = bench.at_once(ADMIN, "create", &[("kind", &["todo"]), ("title", &["T"]), ("names", &names[..4_000])]);
    assert_eq!(shown.notes, ["info [said-created task=3 count=1 title=T]"]);
}

#[test]
fn a_form_that_would_be_too_long_has_lines_to_type_into() {
    let mut settings = settings();
    settings.max_stanza_bytes = 16_384;
    let mut server = Server::new(Flavour::Prosody);
    for user in 0..250 {
        server.list("neerc", &format!("user{user}@localhost"), "member");
    }
    let mut bench = Bench::served(settings, server);
    let form = bench.verb(ADMIN, "create", "", "");
    assert_eq!(form.fields["names"].0, "text-multi");
    assert_eq!(form.fields["kind"].0, "list-single");
    let values: &[(&str, &[&str])] = &[("kind", &["todo"]), ("title", &["T"]), ("names", &["user7", "user8"])];
    let done = bench.goes_on(ADMIN, "create", &form, "complete", values);
    assert_eq!(done.notes, ["info [said-created task=1 count=2 title=T]"]);
    for _ in 0..100 {
        let title = "&quot;".repeat(900);
        bench.at_once(ADMIN, "create", &[("kind", &["todo"]), ("title", &[&title]), ("names", &["user7"])]);
    }
    bench.pass(60_000);
    bench.said();
    assert_eq!(bench.verb(ADMIN, "show", "", "").fields["task"].0, "text-single");
    let long = vec!["x&lt;x"; 3_000];
    let payload = submit(&[("title", &["T"]), ("names", &long)]);
    let node = menu::by_act(Act::Create).node;
    let said = bench.on(&iq("set", ADMIN, &format!("<command xmlns='{COMMANDS}' node='{node}'>{payload}</command>")));
    assert!(said.concat().len() < 16_384 && shown(&said[0]).status == "executing", "{}", said.concat().len());
    // and a table that would be too long says how much is missing
    let node = menu::by_act(Act::Tasks).node;
    let said =
        bench.on(&iq("set", ADMIN, &format!("<command xmlns='{COMMANDS}' node='{node}'>{}</command>", submit(&[]))));
    assert!(said.concat().len() < 16_384, "{}", said.concat().len());
    let table = shown(&said[0]);
    let more = format!("warn [and-more count={}]", 101 - table.rows.len());
    assert_eq!((&*table.status, table.notes.clone()), ("completed", vec![table.notes[0].clone(), more]));
}

#[test]
fn unassigning_asks_for_the_task_first_and_offers_those_who_have_it() {
    let mut bench = world();
    let first = bench.verb(ADMIN, "unassign", "", "");
    assert_eq!(first.actions, ["next"]);
    assert_eq!(first.fields["task"].2, ["1", "2"]);
    let wrong = bench.goes_on(ADMIN, "unassign", &first, "next", &[("task", &["7"])]);
    assert_eq!(wrong.notes, ["error [refusal-unknown-task task=7]"]);
    assert_eq!(wrong.actions, ["next"]);
    let second = bench.goes_on(ADMIN, "unassign", &wrong, "next", &[("task", &["1"])]);
    assert_eq!(second.actions, ["complete", "prev"]);
    assert_eq!(second.fields["names"].2, ["Users", "hall1", "hall2"]);
    assert_eq!(second.instructions, "[item-unassign-help]\n1: Water");
    let back = bench.goes_on(ADMIN, "unassign", &second, "prev", &[]);
    assert_eq!((&back.fields, &back.actions), (&first.fields, &first.actions));
    let second = bench.goes_on(ADMIN, "unassign", &back, "complete", &[("task", &["1"])]);
    assert_eq!(second.actions, ["complete", "prev"]);
    let nothing = bench.goes_on(ADMIN, "unassign", &second, "complete", &[]);
    assert_eq!(nothing.notes, ["error [refusal-missing-field field=[field-names]]"]);
    let done = bench.goes_on(ADMIN, "unassign", &nothing, "complete", &[("names", &["Users"])]);
    assert_eq!(done.notes, ["info [said-changed task=1 title=Water people=[nobody]]"]);
    assert!(bench.boards()["neerc"].tasks().next().unwrap().statuses.is_empty());
}

#[test]
fn a_form_without_its_task_says_which_can_be_meant() {
    let mut bench = world();
    bench.at_once(ADMIN, "create", &[("kind", &["todo"]), ("title", &["Bread"]), ("names", &["tk"])]);
    for (verb, tasks) in [("done", "[your-open-tasks tasks=3]"), ("undo", "[your-answered-tasks tasks=2]")] {
        let first = bench.verb(TK, verb, "", "");
        let again = bench.goes_on(TK, verb, &first, "complete", &[]);
        assert_eq!(again.notes, [format!("error [refusal-missing-field field=[field-task]] {tasks}")]);
    }
}

#[test]
fn whose_tasks_are_listed() {
    let mut bench = world();
    let tasks = |bench: &mut Bench, from, values: &[(&str, &[&str])]| {
        let shown = bench.at_once(from, "tasks", values);
        assert_eq!(shown.status, "completed", "{shown:?}");
        shown.rows.into_iter().map(|row| [&row[..1], &row[3..]].concat().join(" ")).collect::<Vec<_>>()
    };
    let own = ["1 [status-running]"];
    let everybodys = ["1 [count-answered count=0 total=2]", "2 [count-answered count=1 total=1]"];
    assert_eq!(tasks(&mut bench, HALL1, &[]), own);
    assert_eq!(tasks(&mut bench, ADMIN, &[]), everybodys);
    assert_eq!(tasks(&mut bench, HALL1, &[("of", &["all"])]), everybodys);
    assert_eq!(tasks(&mut bench, ADMIN, &[("of", &["hall1"])]), own);
    let form = bench.verb(HALL1, "tasks", "", "");
    assert_eq!(form.fields["of"].1, ["hall1"]);
    assert_eq!(form.fields["of"].2[..2], ["all", "admin"]);
    assert_eq!(bench.verb(ADMIN, "tasks", "", "").fields["of"].1, ["all"]);
    let mut settings = settings();
    settings.visibility = Visibility::Own;
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    bench.at_once(ADMIN, "create", &[("kind", &["todo"]), ("title", &["T"]), ("names", &["hall1", "hall2"])]);
    bench.at_once(ADMIN, "create", &[("kind", &["todo"]), ("title", &["U"]), ("names", &["hall2"])]);
    assert_eq!(tasks(&mut bench, HALL1, &[("of", &["all"])]), ["1 [status-none]"]);
    assert_eq!(bench.verb(HALL1, "tasks", "", "").fields["of"].2, ["hall1"]);
    let refused = bench.at_once(HALL1, "tasks", &[("of", &["hall2"])]);
    assert_eq!(refused.notes, ["error [refusal-own-tasks-only]"]);
}

#[test]
fn rights_that_are_lost_between_two_forms_are_lost() {
    let mut bench = world();
    let form = bench.verb(TK, "create", "", "");
    bench.joins("admin", ADMIN);
    bench.joins("tk", TK);
    bench.server_says(|server| server.affiliate("neerc", "tk@localhost", "member"));
    bench.pass(1_000);
    bench.said();
    let values: &[(&str, &[&str])] = &[("kind", &["todo"]), ("title", &["T"])];
    assert_eq!(bench.goes_on(TK, "create", &form, "complete", values).status, "forbidden");
    assert_eq!(bench.at_once(TK, "create", values).status, "forbidden");
}

#[test]
fn the_language_is_that_of_the_command_or_of_the_stanza_or_the_setting() {
    let mut settings = settings();
    settings.language = neerc_core::face::words::Language::Russian;
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    let node = menu::by_act(Act::Start).node;
    for (stanza, command, expected) in [
        ("", "", "ru[no-open-tasks]"),
        ("xml:lang='en-GB'", "", "[no-open-tasks]"),
        ("xml:lang='en'", "xml:lang='ru'", "ru[no-open-tasks]"),
        ("xml:lang='de'", "xml:lang='fr'", "ru[no-open-tasks]"),
    ] {
        let xml = iq("set", HALL1, &format!("<command xmlns='{COMMANDS}' node='{node}' {command}/>"));
        let said = bench.on(&xml.replacen("<iq ", &format!("<iq {stanza} "), 1));
        assert_eq!(shown(&said[0]).notes, [format!("info {expected}")]);
    }
}

#[test]
fn whoever_belongs_to_several_rooms_chooses_one_at_the_service_itself() {
    let mut settings = settings();
    settings.rooms = vec!["neerc".into(), "school".into()];
    let mut server = Server::new(Flavour::Prosody);
    for (who, affiliation) in
        [("admin@localhost", "owner"), ("hall1@localhost", "member"), ("guest@localhost", "member")]
    {
        server.list("school", who, affiliation);
    }
    let mut bench = Bench::served(settings, server);
    let ask = |bench: &mut Bench, from: &str, verb: &str, attributes: &str, inside: &str| {
        let node = menu::by_word(verb).unwrap().node;
        let payload = format!("<command xmlns='{COMMANDS}' node='{node}' {attributes}>{inside}</command>");
        let said = bench.on(&iq("set", from, &payload).replace(ROOM, "neerc.localhost"));
        shown(said.iter().find(|stanza| stanza.starts_with("<iq")).unwrap())
    };
    let on = |form: &Shown| format!("sessionid='{}'", form.session);
    // one step: the default room, or the one that is named
    let values: &[(&str, &[&str])] = &[("kind", &["todo"]), ("title", &["T"]), ("names", &["hall1"])];
    assert_eq!(ask(&mut bench, ADMIN, "create", "", &submit(values)).status, "completed");
    let named = [&[("room", &["School"][..])], values].concat();
    assert_eq!(ask(&mut bench, ADMIN, "create", "", &submit(&named)).status, "completed");
    assert_eq!((bench.boards()["neerc"].len(), bench.boards()["school"].len()), (1, 1));
    // by forms
    let first = ask(&mut bench, HALL1, "done", "", "");
    assert_eq!(
        first.fields["room"],
        ("list-single".into(), vec!["neerc".into()], vec!["neerc".into(), "school".into()])
    );
    assert_eq!(first.actions, ["next"]);
    let wrong = ask(&mut bench, HALL1, "done", &on(&first), &submit(&[("room", &["cellar"])]));
    assert_eq!(wrong.notes, ["error [refusal-unknown-room room=cellar]"]);
    let wrong = ask(&mut bench, HALL1, "done", &on(&wrong), "");
    assert_eq!(wrong.notes, ["error [refusal-missing-field field=[field-room]]"]);
    let second = ask(&mut bench, HALL1, "done", &on(&wrong), &submit(&[("room", &["school"])]));
    assert_eq!(
        (&second.fields["task"].2[..], &second.actions[..]),
        (&["1".to_owned()][..], &["complete".to_owned(), "prev".to_owned()][..])
    );
    let back = ask(&mut bench, HALL1, "done", &format!("{} action='prev'", on(&second)), "");
    assert!(back.fields.contains_key("room"), "{back:?}");
    let second = ask(&mut bench, HALL1, "done", &on(&back), &submit(&[("room", &["school"])]));
    assert_eq!(ask(&mut bench, HALL1, "done", &on(&second), &submit(&[("task", &["1"])])).status, "completed");
    assert!(bench.boards()["school"].tasks().all(|task| task.is_finished()));
    assert!(!bench.boards()["neerc"].tasks().any(|task| task.is_finished()));
    // a command without fields asks for the room and nothing else
    let first = ask(&mut bench, ADMIN, "late", "", "");
    assert_eq!(first.actions, ["complete"]);
    let late = ask(&mut bench, ADMIN, "late", &on(&first), &submit(&[("room", &["neerc"])]));
    assert_eq!((&*late.status, late.rows.len()), ("completed", 1));
    // who belongs to one room is not asked, and a session of one room is none of another
    assert_eq!(ask(&mut bench, "guest@localhost/Web", "who", "", "").rows.len(), 3);
    let form = ask(&mut bench, HALL1, "undo", "", "");
    let form = ask(&mut bench, HALL1, "undo", &on(&form), &submit(&[("room", &["school"])]));
    let astray = bench.verb(HALL1, "undo", &on(&form), &submit(&[("task", &["1"])]));
    assert_eq!(astray.status, "bad-request bad-sessionid");
}

#[test]
fn receipts_are_given_to_users_who_ask_for_them() {
    let mut bench = ready(Flavour::Prosody);
    let request = "<request xmlns='urn:xmpp:receipts'/>";
    let message = |from: &str, attributes: &str, inside: &str| {
        format!("<message from='{from}' to='{ROOM}' {attributes}>{inside}</message>")
    };
    let received = format!(
        "<message type='chat' from='{ROOM}' to='{HALL1}'><received xmlns='urn:xmpp:receipts' id='m'/></message>"
    );
    let receipts = |bench: &mut Bench, xml: &str| {
        let said = bench.on(xml);
        said.into_iter().filter(|stanza| stanza.contains("<received")).collect::<Vec<_>>()
    };
    assert_eq!(receipts(&mut bench, &message(HALL1, "type='chat' id='m'", request)), [received]);
    for (from, attributes, inside) in [
        (HALL1, "type='error' id='m'", request),
        (HALL1, "type='groupchat' id='m'", request),
        (HALL1, "type='chat'", request),
        (HALL1, "type='chat' id='m'", ""),
        (HALL1, "type='chat' id='m'", "<received xmlns='urn:xmpp:receipts' id='m'/>"),
        ("visitor@localhost/Web", "type='chat' id='m'", request),
        ("neerc@conference.localhost/admin", "type='chat' id='m'", request),
        ("neerc.localhost", "type='chat' id='m'", request),
    ] {
        assert_eq!(
            receipts(&mut bench, &message(from, attributes, inside)),
            Vec::<String>::new(),
            "{from} {attributes}"
        );
    }
    let composing = message(HALL1, "type='chat'", "<composing xmlns='http://jabber.org/protocol/chatstates'/>");
    assert_eq!(bench.on(&composing), Vec::<String>::new());
}

#[test]
fn required_fields_are_marked() {
    let mut bench = world_for_all();
    for item in MENU.iter().filter(|item| !item.fields.is_empty()) {
        let payload = format!("<command xmlns='{COMMANDS}' node='{}'/>", item.node);
        let said = bench.on(&iq("set", TK, &payload)).concat();
        let first = item.fields.iter().any(|field| field.kind == FieldKind::Assigned);
        let needed = item.fields.iter().filter(|field| field.presence == Presence::Required).count();
        assert_eq!(said.matches("<required/>").count(), if first { 1 } else { needed }, "{said}");
    }
}
