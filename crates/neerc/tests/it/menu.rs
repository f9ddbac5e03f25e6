//! Every row of the menu, used by everybody who can be, by every face for ordinary clients: the table of who x command x
//! face. A row that is added to the menu, or a face to [`Face`], has to be given its outcomes here.

use neerc_core::face::menu::{Act, FieldKind, Item, MENU, Needs};
use serde_json::{Value, json};

use crate::servers::{Kind, Server};
use crate::service::Neerc;
use crate::slix::{Element, Slix, Stanza, User};

/// How a command is given.
#[derive(Clone, Copy, Debug)]
enum Face {
    /// An ad-hoc command, its form filled in from the start.
    Step,
    /// An ad-hoc command by forms.
    Forms,
    /// A line of chat.
    Line,
}

impl Face {
    const ALL: [Face; 3] = [Face::Step, Face::Forms, Face::Line];

    /// Gives a command; what comes of it.
    fn run(self, user: &User<'_>, to: &str, item: &Item, values: &Value) -> String {
        let way = match self {
            Face::Step => "step",
            Face::Forms => "forms",
            Face::Line => return answered(user, to, &line(item, values)),
        };
        told(&user.command(to, item.node, way, values))
    }
}

/// The line of chat for a command.
fn line(item: &Item, values: &Value) -> String {
    let word = |var: &str| match &values[var] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        value => value.as_str().unwrap_or_default().to_owned(),
    };
    if item.act == Act::Create {
        return format!("@{} {} {} {}", word("kind"), word("names"), word("schedule"), word("title"));
    }
    let words = item.fields.iter().map(|field| word(field.var));
    [item.verb.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// The answer to a line of chat, without links.
fn answered(user: &User<'_>, to: &str, line: &str) -> String {
    let answer = user.replied(to, line);
    user.clear();
    match answer.error() {
        Some(error) => error.condition,
        None => {
            let body = answer.body();
            let words = body.split_whitespace().filter(|word| !word.starts_with("xmpp:")).collect::<Vec<_>>().join(" ");
            match words.split_once(" · since ") {
                Some((before, since)) => format!("{before}{}", since.get("10:30".len()..).unwrap_or_default()),
                None => words,
            }
        }
    }
}

/// What an answer to an ad-hoc command says: its status, its notes, its values, its table.
fn told(answer: &Stanza) -> String {
    if let Some(error) = answer.error() {
        return error.condition;
    }
    let command = answer.child("command").expect("a command is answered by a command");
    let mut told = vec![command.attr("status").to_owned()];
    let of = |element: &Element, name: &str| {
        let named: Vec<Element> = element.children.iter().filter(|child| child.name == name).cloned().collect();
        named
    };
    told.extend(of(command, "note").iter().map(|note| format!("{}: {}", note.attr("type"), note.text)));
    let texts = |field: &Element| of(field, "value").into_iter().map(|value| value.text).collect::<Vec<_>>();
    if let Some(x) = command.child("x") {
        told.extend(of(x, "instructions").into_iter().map(|instructions| instructions.text));
        let notes: Vec<String> = of(command, "note").into_iter().map(|note| note.text).collect();
        match of(x, "field").iter().any(|field| field.attr("var") == "said") {
            true => assert_eq!(
                of(x, "field").iter().flat_map(texts).collect::<Vec<_>>(),
                notes.iter().flat_map(|note| note.lines()).collect::<Vec<_>>(),
                "the form says what the notes say"
            ),
            false => {
                let (rows, single): (Vec<Element>, _) =
                    of(x, "field").into_iter().partition(|field| field.attr("var") == "table");
                let single: Vec<String> = single.iter().map(|field| texts(field).concat()).collect();
                told.extend(Some(single.join(" | ")).filter(|values| !values.is_empty()));
                told.extend(rows.iter().flat_map(texts).map(|row| format!("| {row}")));
            }
        }
    }
    told.join("\n")
}

/// The same without times of day, which may look like numbers of tasks.
fn without_times(said: &str) -> String {
    let is_time = |word: &str| {
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|c| c.is_ascii_digit());
        word.split_once(':').is_some_and(|(hours, minutes)| digits(hours) && digits(minutes))
    };
    said.split(' ').map(|word| if is_time(word) { "when" } else { word }).collect::<Vec<_>>().join(" ")
}

/// The room with its people: those of [`WHO`], `chief`, who prepares everything, and `hall2` and `hall3`.
struct World<'a> {
    to: String,
    chief: User<'a>,
    /// The task and the planned task of the current cell.
    task: String,
    /// A task that was removed.
    removed: String,
    plan: String,
}

/// Who tries everything, with their affiliation.
const WHO: [(&str, &str); 5] =
    [("boss", "owner"), ("jury", "admin"), ("hall1", "member"), ("guest", "none"), ("banned", "outcast")];

impl World<'_> {
    /// Runs a command as the chief does, in one step.
    #[track_caller]
    fn chief(&self, act: Act, values: &Value) -> String {
        let said = Face::Step.run(&self.chief, &self.to, neerc_core::face::menu::by_act(act), values);
        assert!(said.starts_with("completed"), "{act:?} {values}: {said}");
        said
    }

    /// The number behind a word in an answer.
    #[track_caller]
    fn number(said: &str, before: &str) -> String {
        let rest = said.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {said}")).1;
        rest.chars().take_while(|c| c.is_ascii_alphanumeric()).collect()
    }

    /// A task that `who` has begun and `hall2` has refused, and something planned.
    fn prepare(&mut self, who: &User<'_>) {
        let name = who.bare_jid().split('@').next().unwrap();
        let status = |name: &str, kind: &str| format!("<status for='{name}' type='{kind}' value='x'/>");
        let packet = format!(
            "<task xmlns='http://neerc.ifmo.ru/protocol/neerc#task' title='Water' type='question'>{}{}</task>",
            status(name, "running"),
            status("hall2", "fail")
        );
        let juice = self.chief(Act::Create, &json!({"kind": "todo", "title": "Juice"}));
        self.removed = Self::number(&juice, "Task ");
        self.chief(Act::Remove, &json!({"task": self.removed}));
        assert_eq!(self.chief.iq(&self.to, "set", &packet).kind(), "result");
        let tasks = self.chief(Act::Tasks, &json!({}));
        let row = tasks.lines().find(|line| line.starts_with("| ")).expect("the task that was just made");
        self.task = Self::number(row, "| ");
        let planned = json!({"kind": "todo", "title": "Freeze", "names": ["hall2"], "schedule": "end-60!"});
        self.chief(Act::Run, &json!({"checklist": "drill"}));
        self.plan = Self::number(&self.chief(Act::Create, &planned), "Planned as ");
    }

    /// Makes the room empty again.
    fn clear(&self) {
        for row in self.chief(Act::Tasks, &json!({})).lines().skip(1).filter(|row| row.starts_with("| ")) {
            self.chief(Act::Remove, &json!({"task": Self::number(row, "| ")}));
        }
        for row in self.chief(Act::Checklists, &json!({})).lines().filter(|row| row.contains("under way")) {
            if let Some(row) = row.strip_prefix("| ") {
                self.chief(Act::Stop, &json!({"running": Self::number(&format!("| {row}"), "| ")}));
            }
        }
        for row in self.chief(Act::Plans, &json!({})).lines().skip(1).filter(|row| row.starts_with("| ")) {
            self.chief(Act::Unplan, &json!({"plan": Self::number(row, "| ")}));
        }
        self.chief(Act::SetClock, &json!({"act": "follow"}));
    }

    fn values(&self, item: &Item) -> Value {
        let value = |kind| match kind {
            FieldKind::OwnOpenTask | FieldKind::OwnAnsweredTask | FieldKind::Task => json!(self.task),
            FieldKind::RemovedTask => json!(self.removed),
            FieldKind::Plan => json!(self.plan),
            FieldKind::Names => json!(["hall3", "chief"]),
            FieldKind::Assigned => json!(["hall2"]),
            FieldKind::User => json!("hall2"),
            FieldKind::TaskKind => json!("okfail"),
            FieldKind::Title => json!("Bread"),
            FieldKind::Text => json!("42"),
            FieldKind::Schedule => json!("start+15"),
            FieldKind::Verb => json!("done"),
            FieldKind::ClockAct => json!("length"),
            FieldKind::Time => json!("4:00"),
            FieldKind::LinksWish => json!("off"),
            FieldKind::Code => json!("482193"),
            FieldKind::Confirmation => json!("yes"),
            FieldKind::Session => json!("all"),
            FieldKind::TokenScope => json!("display"),
            FieldKind::Token => json!("k1"),
            FieldKind::Owner => json!("hall1"),
            FieldKind::Watched => json!(self.task),
            FieldKind::Deadline if item.act == Act::Create => json!(""), // what is planned takes none
            FieldKind::Deadline => json!("20m"),
            FieldKind::Checklist => json!("seating"),
            FieldKind::Running => json!("drill"),
        };
        item.fields
            .iter()
            .map(|field| (field.var.to_owned(), value(field.kind)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// An answer without the numbers that differ from cell to cell: `T` is the task of the cell, `S` its planned one,
    /// `T+1` and `S+1` are those that came after them.
    fn plain(&self, said: &str) -> String {
        let said = &without_times(said);
        let next = |number: &str| (number.parse::<u64>().unwrap_or(0) + 1).to_string();
        let plan = self.plan.trim_start_matches('s');
        let before = format!("s{}", plan.parse::<u64>().unwrap_or(1) - 1);
        let known = [
            (self.task.clone(), "T"),
            (next(&self.task), "T+1"),
            (self.removed.clone(), "R"),
            (self.plan.clone(), "S"),
            (format!("s{}", next(plan)), "S+1"),
            (before, "S-1"),
        ];
        let word =
            |word: &str| known.iter().find(|(number, _)| number == word).map_or(word, |(_, name)| name).to_owned();
        let mut plain = String::new();
        let mut rest = said.as_str();
        while let Some(at) = rest.find(|c: char| !c.is_alphanumeric()) {
            let width = rest[at..].chars().next().map_or(1, char::len_utf8);
            plain.push_str(&word(&rest[..at]));
            plain.push_str(&rest[at..at + width]);
            rest = &rest[at + width..];
        }
        plain += &word(rest);
        if let Some((task, rest)) = plain.split_once("is to be answered by ")
            && let Some((_, rest)) = rest.split_once(';')
        {
            return format!("{task}is to be answered by D;{rest}");
        }
        while let Some((before, since)) = plain.split_once("under way since ") {
            plain = format!("{before}under way, {}", since.split_once(", ").map_or(since, |(_, behind)| behind));
        }
        match plain.split_once(" By hand since ") {
            Some((clock, _)) => format!("{clock} By hand."), // and then when, and by whom
            None => plain,
        }
    }
}

fn everybody_uses_every_command_by_every_face(kind: Kind) {
    let server = Server::shared(kind);
    let mut people = WHO.to_vec();
    people.extend([("chief", "owner"), ("hall2", "member"), ("hall3", "member")]);
    server.register_many(&WHO.map(|(name, _)| name));
    let room =
        server.room(&people.iter().copied().filter(|(_, affiliation)| *affiliation != "none").collect::<Vec<_>>());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("scripts.yaml");
    let lines = |name: &str| format!("- name: {name}\n  lines: '@todo hall2 end! Pack up'\n");
    std::fs::write(&file, lines("drill") + &lines("seating")).expect("a file of checklists");
    let settings = format!("[limits]\nrequests_per_second = 0\n[checklists]\nfile = \"{}\"\n", file.display());
    let neerc = Neerc::start(server, &[&room], &settings);
    let chief = Slix::shared().connect(server, "chief", "menu");
    let mut world =
        World { to: neerc.room_jid(&room), chief, task: String::new(), removed: String::new(), plan: String::new() };
    // Numbers of tasks are to be told from numbers of people.
    for _ in 0..10 {
        world.chief(Act::Create, &json!({"kind": "todo", "title": "x"}));
    }
    world.clear();
    let mut wrong = Vec::new();
    for (name, affiliation) in WHO {
        let user = Slix::shared().connect(server, name, "menu");
        let belongs = !matches!(affiliation, "none" | "outcast");
        let power = matches!(affiliation, "owner" | "admin");
        if belongs {
            world.prepare(&user);
        }
        for (item, face) in MENU.iter().flat_map(|item| Face::ALL.map(|face| (item, face))) {
            let permitted = power || (belongs && item.needs == Needs::User);
            let allowed = permitted && !item.is_of_web();
            let expected = match (face, allowed) {
                (Face::Step | Face::Forms, true) => outcome(item.act, name),
                (Face::Line, true) => line_outcome(item.act, name),
                (Face::Line, false) if permitted => "There is no board in a browser here.".to_owned(),
                (Face::Line, false) if belongs => "Only owners and admins of the room may do this.".to_owned(),
                (_, false) if permitted => "item-not-found".to_owned(),
                (_, false) => "forbidden".to_owned(),
            };
            let said = world.plain(&face.run(&user, &world.to, item, &world.values(item)));
            if said != expected {
                wrong.push(format!("{name} {} {face:?}\n  expected {expected:?}\n  but {said:?}", item.verb));
            }
            if allowed && item.act == Act::Links {
                Face::Step.run(&user, &world.to, item, &json!({"links": "on"}));
            }
            if allowed && !is_query(item.act) {
                world.clear();
                world.prepare(&user);
            }
        }
        world.clear();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What comes of a row for `who`, to whom it is offered.
fn outcome(act: Act, who: &str) -> String {
    let mut statuses = [format!("{who} | in progress: x"), "hall2 | no answer possible: x".to_owned()];
    statuses.sort();
    let mut people = [who, "hall2"];
    people.sort_unstable();
    let table = |values: &str, rows: &str| {
        let filled = |row: &str| row.split(" | ").filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" · ");
        let rows: Vec<String> = rows.lines().map(filled).collect();
        let shown: Vec<String> = rows.iter().map(|row| format!("| {row}")).collect();
        format!("info: {}\n{values}{}", rows.join("\n"), shown.join("\n"))
    };
    let changed = |title: &str, others: &[&str]| {
        let mut people = vec![format!("{who} (in progress: x)")];
        people.extend(others.iter().map(|other| (*other).to_owned()));
        people.sort();
        format!("info: Task T is changed. It is now: {title} — {}.", people.join(", "))
    };
    let said = match act {
        Act::Tasks => &table("", "T | Water | question | no answer possible: x"),
        Act::Start => "info: Task T: in progress.",
        Act::Done | Act::Ok => "info: Task T: answered.",
        Act::Fail => "info: Task T: no answer possible: 42.",
        Act::Answer => "info: Answer to T: \"42\"",
        Act::Undo => "info: Task T: no answer.",
        Act::Who => &table(
            "",
            "boss | Admins | admin\nchief | Admins | admin\njury | Admins | admin\nhall1 | Users | \n\
             hall2 | Users | \nhall3 | Users | ",
        ),
        Act::Clock => "error: There is no contest clock.",
        Act::Help => {
            "info: done ‹task› — You have finished a task\n\
             done, finish, finished, ready, готово, готов, сделано, сделал, сделала, закончил, закончила"
        }
        Act::Create => {
            "info: Planned as S+1 for start+15, 15 minutes after the start, if you say so then: Bread\n\
             warn: There is no contest clock now, so what is planned for a moment of the contest is not handed out by itself. \
             To hand it out, write \"now S+1\"."
        }
        Act::Links => "info: From now on without links.",
        // There is no web side here.
        Act::Board | Act::Login | Act::Sessions | Act::Logout | Act::Token | Act::Tokens | Act::Revoke => "",
        Act::History => &table("T\n", &format!("when | chief | new task: Water — {}", people.join(", "))),
        Act::Show => &table("T | Water | question | 1 of 2 answered\n", &statuses.join("\n")),
        Act::Assign => &changed("Water", &["chief (no answer)", "hall2 (no answer possible: x)", "hall3 (no answer)"]),
        Act::Unassign => &changed("Water", &[]),
        Act::Reset => &changed("Water", &["hall2 (no answer)"]),
        Act::Rename => &changed("Bread", &["hall2 (no answer possible: x)"]),
        Act::Remove => "info: Task T is removed.",
        Act::Late => &table("", &format!("T | Water |  | in progress: {who}")),
        Act::Plans => &table("", "S-1 | end+0! | Pack up | to do | hall2\nS | end-60! | Freeze | to do | hall2"),
        Act::Checklists => &table(
            "",
            "drill | 1 task: @todo hall2 end! Pack up | under way, step 1 of 1, by chief\n\
             seating | 1 task: @todo hall2 end! Pack up | ",
        ),
        Act::Run => "info: The checklist is under way: 1 task in 1 step.",
        Act::Stop => "info: The checklist is stopped. What is handed out stays.",
        Act::Now => "info: Task T+1 is handed out to 1 person: Freeze",
        Act::Unplan => "info: S is out of the plan.",
        Act::Replan => {
            "info: S is now planned 15 minutes after the start, if you say so then: Freeze\n\
             warn: There is no contest clock now, so what is planned for a moment of the contest is not handed out by itself. \
             To hand it out, write \"now S\"."
        }
        Act::Restore => "info: Task R is back: Juice — nobody.",
        Act::Remind => &format!("info: Task T waits for {who}; whoever of them is online is reminded."),
        Act::Deadline => "info: Task T is to be answered by D; whoever is late is reminded.",
        Act::Watch => "info: You are told of answers to these tasks: T.",
        Act::Unwatch => "info: Nothing to change.",
        Act::SetClock => "info: The contest has not begun yet. By hand.",
    };
    format!("completed\n{said}")
}

/// What a line of chat is answered for `who`, to whom the row is offered: lists in words of their own, all else as a
/// note says it.
fn line_outcome(act: Act, who: &str) -> String {
    match act {
        Act::Tasks => "Tasks of hall2: T · Water · no answer possible: x".to_owned(),
        Act::Who => "People: Admins: boss (admin), chief (admin), jury (admin) Users: hall1, hall2, hall3".to_owned(),
        Act::Show => format!("T · Water · question {who}: in progress: x hall2: no answer possible: x"), // one's own first
        Act::History => {
            let mut people = [who, "hall2"];
            people.sort_unstable();
            format!("Task T, the latest first: when · chief · new task: Water — {}", people.join(", "))
        }
        Act::Late => format!("Not answered yet: T · Water · in progress: {who}"),
        Act::Plans => "Planned: S-1 · @todo hall2 end+0! Pack up · in step 1 of drill, at the end \
             S · @todo hall2 end-60! Freeze · 60 minutes before the end There is no contest clock now, so \
             what is planned for a moment of the contest is not handed out by itself. To hand it out, write \"now S-1\"."
            .to_owned(),
        Act::Checklists => {
            "Checklists (\"run\" and the name hands one out): drill · under way, step 1 of 1, by chief · 1 task: @todo \
             hall2 end! Pack up seating · 1 task: @todo hall2 end! Pack up"
                .to_owned()
        }
        _ => {
            let note = outcome(act, who);
            let words = note.split_whitespace().skip(2); // the status, and the kind of note
            words.filter(|word| *word != "warn:").collect::<Vec<_>>().join(" ")
        }
    }
}

/// Whether a row only reads.
fn is_query(act: Act) -> bool {
    matches!(
        act,
        Act::Tasks
            | Act::Who
            | Act::Clock
            | Act::Help
            | Act::Show
            | Act::History
            | Act::Late
            | Act::Plans
            | Act::Checklists
    )
}

/// Who did what, and who wants no links, is known after a restart, also of one that was killed.
fn history_and_links_are_kept_over_a_restart(kind: Kind) {
    let server = Server::shared(kind);
    server.register_many(&["boss", "hall1"]);
    let room = server.room(&[("boss", "owner"), ("hall1", "member")]);
    let mut neerc = Neerc::start(server, &[&room], "");
    let to = neerc.room_jid(&room);
    let [boss, hall] = ["boss", "hall1"].map(|name| Slix::shared().connect(server, name, "kept"));
    let links = || hall.asks(&to, "tasks").matches("xmpp:").count();
    assert!(answered(&boss, &to, "@okfail hall1 Seated?").starts_with("Task 1 is handed out"));
    assert_eq!(answered(&hall, &to, "no 1 two are missing"), "Task 1: no: two are missing.");
    assert_eq!(answered(&boss, &to, "@todo hall1 Water"), "Task 2 is handed out to 1 person: Water");
    assert_eq!(links(), 1);
    assert_eq!(answered(&hall, &to, "links off"), "From now on without links.");
    neerc.kill9();
    neerc.restart();
    assert_eq!(links(), 0);
    assert_eq!(
        without_times(&answered(&boss, &to, "history 1")),
        "Task 1, the latest first: when · hall1 · no: two are missing when · boss · new task: Seated? — hall1"
    );
}

on_both!(everybody_uses_every_command_by_every_face, history_and_links_are_kept_over_a_restart);
