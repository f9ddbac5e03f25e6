//! Conversations with a board: who says what, and what stands on the board after it; then what must hold whatever is
//! said, in any order.

use super::*;
use crate::change::Entry;
use crate::command::NewPlan;
use crate::command::{Named, Query};
use crate::face::line::TaskLine;
use crate::moment::{DueAt, When};
use crate::notice::{Lost, Notice};
use crate::people::{Affiliation, GroupBook, GroupRule, Standing};
use crate::plan::{Planned, Timing};
use crate::task::{PastStep, Progress};
use crate::view::{Late, RoomScene, Shown, View, Visibility};
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap};

mod doors;
mod properties;

const HOST: &str = "localhost";

/// A room with its people, its board, and everything that happened on it.
struct World {
    now_ms: i64,
    absent: BTreeSet<String>,
    people: People,
    board: Board,
    log: Vec<Entry>,
}

impl World {
    fn new() -> World {
        let absent = BTreeSet::new();
        World { now_ms: 1000, people: people(&absent), absent, board: Board::default(), log: Vec::new() }
    }

    /// Decides and applies, as the service does.
    fn ask(&mut self, who: &Person, command: &Command) -> Result<Decision, Refusal> {
        let before = self.board.clone();
        let decision = self.board.decide(self.now_ms, who, &self.people, command);
        assert_eq!(self.board, before, "deciding changed the board");
        if let Ok(Decision { change: Some(change), .. }) = &decision {
            // Other rooms have changes too: the revisions of one room have gaps.
            let revision = self.board.revision() + 1 + self.log.len() as u64 % 3;
            self.board.apply(revision, change);
            assert_eq!(self.board.revision(), revision);
            assert!(change.task().and_then(|id| self.board.task(id)).is_none_or(|task| task.revision == revision));
            let entry = Entry {
                revision,
                room: "neerc".into(),
                at_ms: self.now_ms,
                by: who.clone(),
                change: change.clone(),
                request: None,
            };
            self.log.push(entry);
        }
        decision
    }

    fn folded(&self) -> Board {
        let mut board = Board::default();
        self.log.iter().for_each(|entry| board.apply(entry.revision, &entry.change));
        board
    }

    /// One line of a script; what it prints.
    fn line(&mut self, line: &str) -> Vec<String> {
        let (speech, tokens) = match line.split_once(": ") {
            Some((who, said)) => (Some(who), words(said)),
            None => (None, words(line)),
        };
        let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
        let Some(speaker) = speech else {
            match tokens[..] {
                ["at", now_ms] => self.now_ms = now_ms.parse().unwrap(),
                ["leave", name] => _ = self.absent.insert(name.to_owned()),
                ["join", name] => _ = self.absent.remove(name),
                ["list"] => return self.board.listed().into_iter().map(show).collect(),
                _ => panic!("no such line: {line}"),
            }
            self.people = people(&self.absent);
            return Vec::new();
        };
        let (name, manner) = match speaker.split_once(' ') {
            Some((name, "get")) => (name, Manner::Adding),
            Some(_) => panic!("no such speaker: {speaker}"),
            None => (speaker, Manner::Replacing),
        };
        let asked = command(&tokens, manner);
        let id = asked.as_ref().ok().and_then(Command::task);
        let decision = asked.and_then(|command| self.ask(&Person::named(name, HOST), &command));
        vec![match decision {
            Err(refusal) => format!("refused: {refusal}"),
            Ok(Decision { change, left_out, .. }) => {
                let Some(id) = change.as_ref().and_then(Change::task).or(id) else {
                    let plan = self.board.plan().entries().map(|p| format!("{} {}", p.id, shown_plan(p)));
                    return vec![format!(
                        "planned: {}",
                        plan.chain(["that is all".into()]).collect::<Vec<_>>().join("; ")
                    )];
                };
                let state = self.board.task(id).map_or_else(|| format!("#{id} removed"), show);
                let unchanged = if change.is_none() { "unchanged: " } else { "" };
                let left_out =
                    if left_out.is_empty() { String::new() } else { format!(" (left out: {})", left_out.join(", ")) };
                format!("{unchanged}{state}{left_out}")
            }
        }]
    }
}

/// owner and admin@elsewhere are owners, admin and admin2 admins; hall1 to hall4 (the group Halls), zoe and
/// max@elsewhere members, with everybody of members.org; bad@members.org is banned. Ivan is the nick of hall1, Zoë of
/// zoe, Guest of somebody without affiliation. The service's own nick is neerc.
fn people(absent: &BTreeSet<String>) -> People {
    let standings = [
        ("owner@localhost", Affiliation::Owner),
        ("admin@elsewhere", Affiliation::Owner),
        ("admin@localhost", Affiliation::Admin),
        ("admin2@localhost", Affiliation::Admin),
        ("hall1@localhost", Affiliation::Member),
        ("hall2@localhost", Affiliation::Member),
        ("hall3@localhost", Affiliation::Member),
        ("hall4@localhost", Affiliation::Member),
        ("zoe@localhost", Affiliation::Member),
        ("max@elsewhere", Affiliation::Member),
        ("members.org", Affiliation::Member),
        ("bad@members.org", Affiliation::Outcast),
        ("guest@localhost", Affiliation::None),
        ("banned@localhost", Affiliation::Outcast),
    ];
    let standings = standings.into_iter().map(|(jid, affiliation)| (Person::from_bare(jid), affiliation));
    let standings = standings.filter(|(person, _)| !absent.contains(person.name(HOST)));
    let standings = standings.map(|(person, affiliation)| Standing { person, affiliation });
    let nicks = [("Ivan", "hall1"), ("Zoë", "zoe"), ("Guest", "guest"), ("neerc", "service@neerc.localhost")];
    let nicks: HashMap<_, _> =
        nicks.into_iter().map(|(nick, name)| (nick.to_owned(), Person::named(name, HOST))).collect();
    let halls = GroupRule { group: "Halls".into(), patterns: vec!["hall*".into()] };
    People::build(HOST, "neerc", standings, nicks, &GroupBook { rules: vec![halls], ..GroupBook::default() })
}

/// Splits at blanks outside quotes, and drops the quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![None::<String>];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                words.last_mut().unwrap().get_or_insert_default();
            }
            ' ' if !quoted => words.push(None),
            c => words.last_mut().unwrap().get_or_insert_default().push(c),
        }
    }
    words.into_iter().flatten().collect()
}

/// `create KIND TITLE NAME=STATUS...`, `edit ID KIND TITLE NAME=STATUS...`, `remove ID`, `answer ID STATUS VALUE`;
/// a status is `none` unless given, and may be `fail:reason`. Beyond these the verbs of the menu, with one word for each
/// field.
fn command(words: &[&str], manner: Manner) -> Result<Command, Refusal> {
    let task = |id| TaskId::parse(id);
    let named = |words: &[&str]| words.iter().map(|word| named(word)).collect::<Result<Vec<_>, _>>();
    Ok(match *words {
        ["create", kind, title, ref names @ ..] => Command::Create(whole(title, kind, named(names)?, manner)?),
        ["edit", id, kind, title, ref names @ ..] => {
            Command::Edit { task: task(id)?, wanted: whole(title, kind, named(names)?, manner)? }
        }
        ["remove", id] => Command::Remove { task: task(id)? },
        ["answer", id, status, ref value @ ..] => {
            let status = Status::new(Progress::parse(status)?, value.first().unwrap_or(&""))?;
            Command::Answer { task: task(id)?, status }
        }
        ["assign", id, ref names @ ..] => Command::Assign { task: task(id)?, names: owned(names) },
        ["unassign", id, ref names @ ..] => Command::Unassign { task: task(id)?, names: owned(names) },
        ["reset", id, ref names @ ..] => Command::Reset { task: task(id)?, names: owned(names) },
        ["rename", id, title] => Command::Rename { task: task(id)?, title: Title::parse(title)? },
        ["plan", schedule, kind, title, ref names @ ..] => Command::Plan(NewPlan {
            title: Title::parse(title)?,
            kind: Kind::parse(kind)?,
            names: owned(names),
            timing: Timing::required(schedule)?,
        }),
        ["unplan", id] => Command::Unplan { plan: PlanId::parse(id)? },
        ["now", id] => Command::Fulfil { plan: PlanId::parse(id)?, due: None },
        _ => panic!("no such command: {words:?}"),
    })
}

fn whole(title: &str, kind: &str, statuses: Vec<Named>, manner: Manner) -> Result<WholeTask, Refusal> {
    Ok(WholeTask { title: Title::parse(title)?, kind: Kind::parse(kind)?, statuses, manner })
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn named(word: &str) -> Result<Named, Refusal> {
    let (name, status) = word.split_once('=').unwrap_or((word, "none"));
    let (progress, value) = status.split_once(':').unwrap_or((status, ""));
    Ok(Named { name: name.to_owned(), status: Status::new(Progress::parse(progress)?, value)? })
}

/// `#1 todo "Title" @1000: hall1 none, hall2 fail "reason"`.
fn show(task: &Task) -> String {
    let statuses = task.statuses.iter().map(|(person, status)| {
        let value = if status.value().is_empty() { String::new() } else { format!(" {:?}", status.value()) };
        format!("{} {}{value}", person.name(HOST), status.progress.name())
    });
    let statuses: Vec<_> = statuses.collect();
    let statuses = if statuses.is_empty() { "nobody".to_owned() } else { statuses.join(", ") };
    format!("#{} {} {:?} @{}: {statuses}", task.id, task.kind.name(), task.title.as_str(), task.timestamp_ms)
}

/// Plays a script: `NAME: COMMAND` (a `set`), `NAME get: COMMAND`, `at MS`, `leave NAME`, `join NAME`, `list`. Expects
/// what was said to each, line by line, and that the log tells the same story.
#[track_caller]
fn check(script: &str, expect: &str) {
    let lines = |text: &str| text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect::<Vec<_>>();
    let mut world = World::new();
    let said: Vec<String> = lines(script).iter().flat_map(|line| world.line(line)).collect();
    assert_eq!(said.join("\n"), lines(expect).join("\n"), "\n--- said:\n{}\n", said.join("\n"));
    assert_eq!(world.folded(), world.board, "the log tells another story");
}

// --- Rights (wire.md 2) -------------------------------------------------------------------------------------------

#[test]
fn owners_and_admins_may_do_everything_also_those_of_another_domain() {
    check(
        r#"
        owner: create todo "A" hall1
        admin: edit 1 todo "A" hall1 hall2
        admin@elsewhere: edit 1 todo "B" hall1 hall2
        admin2: remove 1
        "#,
        r#"
        #1 todo "A" @1000: hall1 none
        #1 todo "A" @1001: hall1 none, hall2 none
        #1 todo "B" @1001: hall1 none, hall2 none
        #1 removed
        "#,
    );
}

#[test]
fn members_answer_their_own_tasks_and_nothing_else() {
    check(
        r#"
        hall1: create todo "Mine" hall1
        admin: create todo "A" hall1
        hall1: edit 1 todo "A" hall1=success
        hall1 get: edit 1 todo "A" hall1=success
        hall1: remove 1
        hall1: edit 99 todo "A"
        hall2: answer 1 success
        admin: answer 1 success
        hall1: answer 1 success
        "#,
        r#"
        refused: only owners and admins of the room may do this
        #1 todo "A" @1000: hall1 none
        refused: only owners and admins of the room may do this
        refused: only owners and admins of the room may do this
        refused: only owners and admins of the room may do this
        refused: only owners and admins of the room may do this
        refused: task 1 is not assigned to you
        refused: task 1 is not assigned to you
        #1 todo "A" @1000: hall1 success
        "#,
    );
}

#[test]
fn without_affiliation_nothing_may_be_done_whatever_the_name() {
    check(
        r#"
        admin: create todo "A" hall1
        guest: answer 1 success
        banned: answer 1 success
        stranger: create todo "A"
        owner@elsewhere: create todo "A"
        hall1@elsewhere: answer 1 success
        admin@members.org: remove 1
        someone@members.org: answer 1 success
        "#,
        r#"
        #1 todo "A" @1000: hall1 none
        refused: you are neither owner, admin nor member of this room
        refused: you are neither owner, admin nor member of this room
        refused: you are neither owner, admin nor member of this room
        refused: you are neither owner, admin nor member of this room
        refused: you are neither owner, admin nor member of this room
        refused: only owners and admins of the room may do this
        refused: task 1 is not assigned to you
        "#,
    );
}

#[test]
fn an_outcast_of_a_member_domain_had_the_rights_of_the_domain() {
    check(
        "admin: create todo A hall1
         bad@members.org: answer 1 success",
        r#"#1 todo "A" @1000: hall1 none
        refused: you are neither owner, admin nor member of this room"#,
    );
}

#[test]
fn rights_follow_the_room_in_both_directions() {
    check(
        r#"
        admin: create todo "A" hall1
        leave admin
        leave hall1
        admin: remove 1
        hall1: answer 1 running
        join admin
        join hall1
        hall1: answer 1 running
        admin: remove 1
        "#,
        r#"
        #1 todo "A" @1000: hall1 none
        refused: you are neither owner, admin nor member of this room
        refused: you are neither owner, admin nor member of this room
        #1 todo "A" @1000: hall1 running
        #1 removed
        "#,
    );
}

// --- Requests and what is wrong with them (wire.md 3) ---------------------------------------------------------------

#[test]
fn a_new_task_has_the_statuses_it_was_given() {
    check(
        r#"
        admin: create todo "Nobody yet"
        admin: create okfail "Some" hall1=success hall2=fail:"no paper" zoe=acknowledged max@elsewhere hall3=running
        admin: create task "Alias" hall1
        admin: create ok "Alias" hall1
        admin: create reason "Alias" hall1
        admin: create q "Alias" hall1
        admin: create todofail "All kinds" hall1
        "#,
        r#"
        #1 todo "Nobody yet" @1000: nobody
        #2 okfail "Some" @1001: hall1 success, hall2 fail "no paper", hall3 running, max@elsewhere none, zoe acknowledged
        #3 todo "Alias" @1002: hall1 none
        #4 confirm "Alias" @1003: hall1 none
        #5 okfail "Alias" @1004: hall1 none
        #6 question "Alias" @1005: hall1 none
        #7 todofail "All kinds" @1006: hall1 none
        "#,
    );
}

#[test]
fn bad_requests_change_nothing_and_say_why() {
    check(
        r#"
        admin: create todo "A" hall1
        admin: create todo "" hall1
        admin: edit 1 todo "  " hall1
        admin: create Todo "B" hall1
        admin: edit 1 remove "B" hall1
        admin: create todo "B" hall1=done
        hall1: answer 1 done
        hall1: answer 1 ""
        list
        "#,
        r#"
        #1 todo "A" @1000: hall1 none
        refused: the title is empty; a task needs one
        refused: the title is empty; a task needs one
        refused: there is no task type 'Todo'; allowed are todo, todofail, confirm, okfail, question
        refused: there is no task type 'remove'; allowed are todo, todofail, confirm, okfail, question
        refused: there is no status type 'done'; allowed are none, running, success, fail, acknowledged
        refused: there is no status type 'done'; allowed are none, running, success, fail, acknowledged
        refused: there is no status type ''; allowed are none, running, success, fail, acknowledged
        #1 todo "A" @1000: hall1 none
        "#,
    );
    let mut world = World::new();
    let x = "x".repeat(limits::TITLE_CHARS + 1);
    assert_eq!(
        world.line(&format!("admin: create todo {x}")),
        ["refused: the title has 1001 characters; at most 1000 are allowed"]
    );
    assert_eq!(
        world.line(&format!("admin: create todo A hall1=fail:{x}")),
        ["refused: the value has 1001 characters; at most 1000 are allowed"]
    );
    assert_eq!(
        world.line("admin: create todo A\u{1}"),
        ["refused: the title holds the character U+0001, which XML does not allow"]
    );
    assert!(world.board.is_empty());
}

#[test]
fn unknown_and_removed_ids_are_told_apart_and_come_back_never() {
    check(
        r#"
        admin: remove 1
        admin: create todo "A" hall1
        admin: create todo "B" hall1
        admin: remove 2
        admin: remove 2
        admin: edit 2 todo "B" hall1
        admin get: edit 2 todo "B" hall1
        hall1: answer 2 success
        hall1: answer 3 success
        admin: edit 3 todo "C" hall1
        admin: edit 0 todo "C" hall1
        admin: edit 01 todo "C" hall1
        admin: edit 0f5c-uuid todo "C" hall1
        admin: create todo "C" hall1
        admin: remove 1
        admin: remove 3
        admin: create todo "D" hall1
        list
        "#,
        r#"
        refused: there is no task '1'
        #1 todo "A" @1000: hall1 none
        #2 todo "B" @1001: hall1 none
        #2 removed
        refused: task 2 was removed
        refused: task 2 was removed
        refused: task 2 was removed
        refused: task 2 was removed
        refused: there is no task '3'
        refused: there is no task '3'
        refused: there is no task '0'
        refused: there is no task '01'
        refused: there is no task '0f5c-uuid'
        #3 todo "C" @1002: hall1 none
        #1 removed
        #3 removed
        #4 todo "D" @1003: hall1 none
        #4 todo "D" @1003: hall1 none
        "#,
    );
}

#[test]
fn the_list_is_by_timestamp_with_nobodys_tasks_last() {
    check(
        r#"
        admin: create todo "A"
        admin: create todo "B" hall1
        admin: create todo "C" hall1
        admin: create todo "D"
        admin: edit 2 todo "B" hall1 hall2
        list
        "#,
        r#"
        #1 todo "A" @1000: nobody
        #2 todo "B" @1001: hall1 none
        #3 todo "C" @1002: hall1 none
        #4 todo "D" @1003: nobody
        #2 todo "B" @1004: hall1 none, hall2 none
        #3 todo "C" @1002: hall1 none
        #2 todo "B" @1004: hall1 none, hall2 none
        #1 todo "A" @1000: nobody
        #4 todo "D" @1003: nobody
        "#,
    );
}

#[test]
fn answers_may_change_and_saying_the_same_again_changes_nothing() {
    check(
        r#"
        admin: create confirm "A" hall1
        hall1 get: answer 1 success
        hall1: answer 1 success
        hall1: answer 1 success "with a word"
        hall1: answer 1 none
        hall1: answer 1 none
        "#,
        r#"
        #1 confirm "A" @1000: hall1 none
        #1 confirm "A" @1000: hall1 success
        unchanged: #1 confirm "A" @1000: hall1 success
        #1 confirm "A" @1000: hall1 success "with a word"
        #1 confirm "A" @1000: hall1 none
        unchanged: #1 confirm "A" @1000: hall1 none
        "#,
    );
}

// --- Names (wire.md 3, `for`) ---------------------------------------------------------------------------------------

#[test]
fn names_are_users_then_groups_then_nicks() {
    check(
        r#"
        admin: create todo "A" HALL2 zoe@localhost max@elsewhere
        admin: create todo "A" hAlLs
        admin: create todo "A" Ivan "Zoë"
        admin: create todo "A" halls=running hall2=success
        admin: create todo "A" hall2=success halls
        admin: create todo "A" admins Users
        "#,
        r#"
        #1 todo "A" @1000: hall2 none, max@elsewhere none, zoe none
        #2 todo "A" @1001: hall1 none, hall2 none, hall3 none, hall4 none
        #3 todo "A" @1002: hall1 none, zoe none
        #4 todo "A" @1003: hall1 running, hall2 success, hall3 running, hall4 running
        #5 todo "A" @1004: hall1 none, hall2 success, hall3 none, hall4 none
        #6 todo "A" @1005: admin2 none, admin@elsewhere none, admin none, max@elsewhere none, owner none, zoe none
        "#,
    );
}

#[test]
fn the_services_own_nick_is_dropped_silently() {
    check(
        r#"
        admin get: create todo "A" neerc hall1
        admin: create todo "A" neerc
        admin: edit 1 todo "A" hall1 neerc=success
        "#,
        r#"
        #1 todo "A" @1000: hall1 none
        #2 todo "A" @1001: nobody
        unchanged: #1 todo "A" @1000: hall1 none
        "#,
    );
}

#[test]
fn unknown_names_are_left_out_of_a_get_and_refused_in_a_set() {
    check(
        r#"
        admin: create todo "A" hall1 hall9
        admin get: create todo "A" hall1 hall9 "" x@y
        admin: edit 1 todo "A" hall1 Guest
        admin get: edit 1 todo "A" hall1 Guest
        admin get: edit 1 todo "A" hall1 Guest hall2
        admin: edit 1 todo "A" hall1 hall2 admin@members.org
        "#,
        r#"
        refused: there is no user, group or occupant 'hall9' in this room
        #1 todo "A" @1000: hall1 none (left out: hall9, , x@y)
        refused: there is no user, group or occupant 'Guest' in this room
        unchanged: #1 todo "A" @1000: hall1 none (left out: Guest)
        #1 todo "A" @1001: hall1 none, hall2 none (left out: Guest)
        refused: there is no user, group or occupant 'admin@members.org' in this room
        "#,
    );
}

#[test]
fn names_the_task_has_stay_valid_after_their_users_have_left() {
    check(
        r#"
        admin: create todo "A" hall1 max@elsewhere
        hall1: answer 1 success
        leave hall1
        leave max@elsewhere
        admin: edit 1 todo "A" hall1=success max@elsewhere hall2
        admin: edit 1 todo "A" Hall1=fail:gone max@elsewhere hall2
        admin: create todo "B" hall1
        admin: edit 1 todo "A" hall1=fail:gone hall2
        admin: edit 1 todo "A" hall1=fail:gone hall2 max@elsewhere
        "#,
        r#"
        #1 todo "A" @1000: hall1 none, max@elsewhere none
        #1 todo "A" @1000: hall1 success, max@elsewhere none
        #1 todo "A" @1001: hall1 success, hall2 none, max@elsewhere none
        #1 todo "A" @1001: hall1 fail "gone", hall2 none, max@elsewhere none
        refused: there is no user, group or occupant 'hall1' in this room
        #1 todo "A" @1001: hall1 fail "gone", hall2 none
        refused: there is no user, group or occupant 'max@elsewhere' in this room
        "#,
    );
}

#[test]
fn a_group_only_adds_those_not_yet_assigned() {
    check(
        r#"
        admin: create todo "A" hall1 hall2 hall4
        hall1: answer 1 success "done"
        hall2: answer 1 running
        leave hall4
        admin: edit 1 todo "A" halls
        admin: edit 1 todo "A" halls hall4
        admin2: edit 1 todo "A" halls zoe
        "#,
        r#"
        #1 todo "A" @1000: hall1 none, hall2 none, hall4 none
        #1 todo "A" @1000: hall1 success "done", hall2 none, hall4 none
        #1 todo "A" @1000: hall1 success "done", hall2 running, hall4 none
        #1 todo "A" @1001: hall1 success "done", hall2 running, hall3 none
        refused: there is no user, group or occupant 'hall4' in this room
        #1 todo "A" @1002: hall1 success "done", hall2 running, hall3 none, zoe none
        "#,
    );
}

#[test]
fn a_group_in_a_packet_made_from_an_old_copy_overwrites_no_answer() {
    check(
        r#"
        admin: create todo "A" hall1 hall2
        hall1: answer 1 success
        hall2: answer 1 running
        admin get: edit 1 todo "A" hall1=success hall2 HALLS
        hall2: answer 1 success
        admin get: edit 1 todo "A" hall1 halls
        admin get: edit 1 todo "A" hall1 hall2 halls=fail
        "#,
        r#"
        #1 todo "A" @1000: hall1 none, hall2 none
        #1 todo "A" @1000: hall1 success, hall2 none
        #1 todo "A" @1000: hall1 success, hall2 running
        #1 todo "A" @1001: hall1 success, hall2 running, hall3 none, hall4 none
        #1 todo "A" @1001: hall1 success, hall2 success, hall3 none, hall4 none
        unchanged: #1 todo "A" @1001: hall1 success, hall2 success, hall3 none, hall4 none
        unchanged: #1 todo "A" @1001: hall1 success, hall2 success, hall3 none, hall4 none
        "#,
    );
}

#[test]
fn a_group_in_an_old_copy_did_not_add_who_was_assigned_once() {
    check(
        r#"
        admin: create todo "A" hall2
        admin: edit 1 todo "A" hall1 hall2
        hall2: answer 1 success
        admin: edit 1 todo "A" hall2=success
        admin2 get: edit 1 todo "A" hall2 halls
        "#,
        r#"
        #1 todo "A" @1000: hall2 none
        #1 todo "A" @1001: hall1 none, hall2 none
        #1 todo "A" @1001: hall1 none, hall2 success
        #1 todo "A" @1001: hall2 success
        #1 todo "A" @1002: hall1 none, hall2 success, hall3 none, hall4 none
        "#,
    );
}

#[test]
fn a_nick_beside_the_name_of_the_same_user_undid_their_answer() {
    check(
        r#"
        admin: create todo "A" hall2=running hall1=success:done
        admin get: edit 1 todo "A" hall1=success:done hall2=running Ivan
        admin get: edit 1 todo "A" Ivan hall1=success:done hall2=running
        "#,
        r#"
        #1 todo "A" @1000: hall1 success "done", hall2 running
        unchanged: #1 todo "A" @1000: hall1 success "done", hall2 running
        unchanged: #1 todo "A" @1000: hall1 success "done", hall2 running
        "#,
    );
}

// --- What a task packet changes (wire.md 4) -------------------------------------------------------------------------

#[test]
fn the_desktops_old_copy_undoes_no_answer_and_loses_no_assignment() {
    check(
        r#"
        admin: create todo "Wallpapers" hall1 hall2
        hall1: answer 1 success "done"
        admin2 get: edit 1 todo "Wallpapers" hall1=success:done hall2 zoe
        hall2: answer 1 running
        admin get: edit 1 todo "Wallpapers" hall1=none hall2=none hall3=none
        admin get: edit 1 todo "Wallpapers" hall1=none
        admin get: edit 1 todo "Wallpapers"
        "#,
        r#"
        #1 todo "Wallpapers" @1000: hall1 none, hall2 none
        #1 todo "Wallpapers" @1000: hall1 success "done", hall2 none
        #1 todo "Wallpapers" @1001: hall1 success "done", hall2 none, zoe none
        #1 todo "Wallpapers" @1001: hall1 success "done", hall2 running, zoe none
        #1 todo "Wallpapers" @1002: hall1 success "done", hall2 running, hall3 none, zoe none
        unchanged: #1 todo "Wallpapers" @1002: hall1 success "done", hall2 running, hall3 none, zoe none
        unchanged: #1 todo "Wallpapers" @1002: hall1 success "done", hall2 running, hall3 none, zoe none
        "#,
    );
}

#[test]
fn two_admins_who_assign_the_same_hall_from_the_same_copy_undo_no_answer() {
    check(
        r#"
        admin: create todo "A" hall1
        hall1: answer 1 running
        admin get: edit 1 todo "A" hall1=running hall2
        hall2: answer 1 success
        hall1: answer 1 success
        admin2 get: edit 1 todo "A" hall1=running hall2
        admin2 get: edit 1 todo "A" hall1 hall2 hall3
        "#,
        r#"
        #1 todo "A" @1000: hall1 none
        #1 todo "A" @1000: hall1 running
        #1 todo "A" @1001: hall1 running, hall2 none
        #1 todo "A" @1001: hall1 running, hall2 success
        #1 todo "A" @1001: hall1 success, hall2 success
        unchanged: #1 todo "A" @1001: hall1 success, hall2 success
        #1 todo "A" @1002: hall1 success, hall2 success, hall3 none
        "#,
    );
}

#[test]
fn android_unassigns_whom_it_leaves_out_of_the_copy_it_was_shown() {
    check(
        r#"
        admin: create todo "A" hall1 hall2 hall3
        hall1: answer 1 success
        admin: edit 1 todo "A" hall1=success hall3
        admin: edit 1 todo "A"
        admin: edit 1 todo "A" hall2
        admin: create todo "B" hall1 hall2
        hall1: answer 2 success
        admin2: edit 2 todo "B" hall1=success hall2 zoe
        hall1: answer 2 running
        admin: edit 2 todo "B" hall1=success hall3
        "#,
        r#"
        #1 todo "A" @1000: hall1 none, hall2 none, hall3 none
        #1 todo "A" @1000: hall1 success, hall2 none, hall3 none
        #1 todo "A" @1000: hall1 success, hall3 none
        #1 todo "A" @1000: nobody
        #1 todo "A" @1001: hall2 none
        #2 todo "B" @1002: hall1 none, hall2 none
        #2 todo "B" @1002: hall1 success, hall2 none
        #2 todo "B" @1003: hall1 success, hall2 none, zoe none
        #2 todo "B" @1003: hall1 running, hall2 none, zoe none
        #2 todo "B" @1004: hall1 running, hall3 none
        "#,
    );
}

#[test]
fn an_old_set_unassigns_only_the_people_its_version_had() {
    check(
        r#"
        admin: create todo "A" hall1 hall2
        hall1: answer 1 running
        admin2: edit 1 todo "A" hall1=running hall2 hall3
        admin: edit 1 todo "A" hall1=none hall4
        "#,
        r#"
        #1 todo "A" @1000: hall1 none, hall2 none
        #1 todo "A" @1000: hall1 running, hall2 none
        #1 todo "A" @1001: hall1 running, hall2 none, hall3 none
        #1 todo "A" @1002: hall1 running, hall3 none, hall4 none
        "#,
    );
}

#[test]
fn what_no_version_explains_is_a_deliberate_edit_of_those_it_names() {
    check(
        r#"
        admin: create okfail "A" hall1 hall2 hall3
        hall1: answer 1 success "done"
        admin: edit 1 okfail "A" hall1=fail:"not done"
        admin get: edit 1 okfail "A" hall1=fail hall2=running
        admin: edit 1 okfail "A" hall1=fail hall2=running hall3 zoe=success
        hall2: answer 1 success
        admin get: edit 1 okfail "A" hall2=none hall1=success
        "#,
        r#"
        #1 okfail "A" @1000: hall1 none, hall2 none, hall3 none
        #1 okfail "A" @1000: hall1 success "done", hall2 none, hall3 none
        #1 okfail "A" @1000: hall1 fail "not done", hall2 none, hall3 none
        #1 okfail "A" @1000: hall1 fail, hall2 running, hall3 none
        #1 okfail "A" @1001: hall1 fail, hall2 running, hall3 none, zoe success
        #1 okfail "A" @1001: hall1 fail, hall2 success, hall3 none, zoe success
        #1 okfail "A" @1001: hall1 success, hall2 none, hall3 none, zoe success
        "#,
    );
}

#[test]
fn there_and_back_again() {
    check(
        r#"
        admin: create confirm "A" hall1 hall2
        hall1: answer 1 success
        hall1: answer 1 none
        admin get: edit 1 confirm "A" hall1=success hall2 zoe
        hall2: answer 1 success
        admin get: edit 1 confirm "A" hall1=success hall2=none
        admin: edit 1 confirm "A" hall1=success hall2=none
        admin get: edit 1 confirm "A" hall1=success hall2=success
        "#,
        r#"
        #1 confirm "A" @1000: hall1 none, hall2 none
        #1 confirm "A" @1000: hall1 success, hall2 none
        #1 confirm "A" @1000: hall1 none, hall2 none
        #1 confirm "A" @1001: hall1 none, hall2 none, zoe none
        #1 confirm "A" @1001: hall1 none, hall2 success, zoe none
        unchanged: #1 confirm "A" @1001: hall1 none, hall2 success, zoe none
        unchanged: #1 confirm "A" @1001: hall1 none, hall2 success, zoe none
        #1 confirm "A" @1001: hall1 success, hall2 success, zoe none
        "#,
    );
}

#[test]
fn an_old_copy_with_the_answer_of_somebody_since_unassigned_is_not_deliberate() {
    check(
        r#"
        admin: create todo "A" hall1 hall2
        hall1: answer 1 success
        admin: edit 1 todo "A" hall2
        admin2 get: edit 1 todo "A" hall1=success hall2 hall3
        admin2: edit 1 todo "A" hall1=success hall2
        admin: edit 1 todo "A" hall1 hall2 hall3
        "#,
        r#"
        #1 todo "A" @1000: hall1 none, hall2 none
        #1 todo "A" @1000: hall1 success, hall2 none
        #1 todo "A" @1000: hall2 none
        #1 todo "A" @1001: hall2 none, hall3 none
        unchanged: #1 todo "A" @1001: hall2 none, hall3 none
        #1 todo "A" @1002: hall1 none, hall2 none, hall3 none
        "#,
    );
}

#[test]
fn a_title_or_type_it_has_had_and_left_is_an_old_copy() {
    check(
        r#"
        admin: create todo "A" hall1
        admin: edit 1 todo "B" hall1
        admin get: edit 1 todofail "A" hall1 hall2
        admin get: edit 1 todo "A" hall1
        admin get: edit 1 todo "C" hall1
        admin: edit 1 confirm "B" hall1 hall2
        list
        "#,
        r#"
        #1 todo "A" @1000: hall1 none
        #1 todo "B" @1000: hall1 none
        #1 todofail "B" @1001: hall1 none, hall2 none
        unchanged: #1 todofail "B" @1001: hall1 none, hall2 none
        #1 todofail "C" @1001: hall1 none, hall2 none
        #1 confirm "C" @1001: hall1 none, hall2 none
        #1 confirm "C" @1001: hall1 none, hall2 none
        "#,
    );
}

#[test]
fn timestamps_move_only_for_somebody_new_and_never_back() {
    check(
        r#"
        at 5000
        admin: create todo "A" hall1
        at 6000
        hall1: answer 1 running
        admin: edit 1 confirm "B" hall1=running
        admin: edit 1 confirm "B" hall1=fail:no
        admin: edit 1 confirm "B" hall1=fail:no hall2
        at 7000
        admin: edit 1 confirm "B" hall2
        at 100
        admin: edit 1 confirm "B" hall2 hall3
        admin: create todo "C"
        at 6002
        admin: create todo "D"
        at -5
        admin: create todo "E"
        at 9000
        admin: create todo "F"
        admin: remove 5
        at 8000
        admin: create todo "G"
        "#,
        r#"
        #1 todo "A" @5000: hall1 none
        #1 todo "A" @5000: hall1 running
        #1 confirm "B" @5000: hall1 running
        #1 confirm "B" @5000: hall1 fail "no"
        #1 confirm "B" @6000: hall1 fail "no", hall2 none
        #1 confirm "B" @6000: hall2 none
        #1 confirm "B" @6001: hall2 none, hall3 none
        #2 todo "C" @6002: nobody
        #3 todo "D" @6003: nobody
        #4 todo "E" @6004: nobody
        #5 todo "F" @9000: nobody
        #5 removed
        #6 todo "G" @9001: nobody
        "#,
    );
}

#[test]
fn edits_that_say_what_is_so_already_change_nothing() {
    check(
        r#"
        admin: create todo "A" hall1 hall2=fail:x
        admin: edit 1 todo "A" hall1 hall2=fail:x
        admin get: edit 1 todo "A" hall1 hall2=fail:x
        admin: edit 1 task "A" Ivan HALL2=fail:x neerc
        admin get: edit 1 todo "A" hall2=fail:x
        admin: create todo "B"
        admin: edit 2 todo "B"
        "#,
        r#"
        #1 todo "A" @1000: hall1 none, hall2 fail "x"
        unchanged: #1 todo "A" @1000: hall1 none, hall2 fail "x"
        unchanged: #1 todo "A" @1000: hall1 none, hall2 fail "x"
        unchanged: #1 todo "A" @1000: hall1 none, hall2 fail "x"
        unchanged: #1 todo "A" @1000: hall1 none, hall2 fail "x"
        #2 todo "B" @1001: nobody
        unchanged: #2 todo "B" @1001: nobody
        "#,
    );
}

// --- Bounds, notices, and logs that were tampered with --------------------------------------------------------------

#[test]
fn copies_older_than_the_history_that_is_kept_count_as_deliberate() {
    let mut world = World::new();
    world.line("admin: create todo A hall1=fail:first hall2");
    // The step that undoes the first of these counts for what `first` takes, the others for what their numbers take.
    let kept = limits::HISTORY_BYTES / (limits::HISTORY_ENTRY_BYTES + 5);
    for n in 1..=kept {
        let status = Status::new(Progress::Running, &format!("{n:05}")).unwrap();
        world
            .board
            .apply(n as u64, &Change::Answered { task: TaskId(1), person: Person::named("hall1", HOST), status });
    }
    let old_copy = "admin get: edit 1 todo A hall1=fail:first";
    assert_eq!(world.line(old_copy), [r#"unchanged: #1 todo "A" @1000: hall1 running "00949", hall2 none"#]);
    world.line("hall1: answer 1 success");
    assert_eq!(world.board.task(TaskId(1)).unwrap().past.steps().count(), kept);
    assert_eq!(world.line(old_copy), [r#"#1 todo "A" @1000: hall1 fail "first", hall2 none"#]);
}

#[test]
fn a_copy_that_follows_shares_what_is_remembered() {
    let mut world = World::new();
    for line in ["admin: create todo A hall1 hall2", "hall1: answer 1 running", "hall2: answer 1 success"] {
        world.line(line);
    }
    let mut behind = Board::default();
    world.log.iter().for_each(|entry| behind.follow(entry.revision, &entry.change, &world.board));
    assert_eq!(behind, world.board);
    let steps = |board: &Board| -> Vec<Arc<PastStep>> {
        let past = &board.task(TaskId(1)).unwrap().past;
        world.log.iter().filter_map(|entry| past.step_at(entry.revision).cloned()).collect()
    };
    let (theirs, own) = (steps(&behind), steps(&world.board));
    assert_eq!(own.len(), 2);
    assert!(theirs.iter().zip(&own).all(|(theirs, own)| Arc::ptr_eq(theirs, own)));
}

#[test]
fn replacing_the_answers_of_a_full_task_was_refused_as_too_many_people() {
    let all = |status: &Status| {
        let person = |n| Person::named(&format!("p{n}"), HOST);
        (0..limits::ASSIGNEES).map(|n| (person(n), status.clone())).collect::<Vec<_>>()
    };
    let mut world = World::new();
    let (title, kind) = (Title::parse("A").unwrap(), Kind::Todo);
    let statuses = all(&Status::NONE);
    world.board.apply(
        1,
        &Change::Created {
            task: TaskId(1),
            title: title.clone(),
            kind,
            timestamp_ms: 1,
            statuses,
            plan: None,
            deadline: None,
        },
    );
    let edit = world
        .ask(&Person::named("admin", HOST), &command(&["edit", "1", "todo", "A", "p7=fail"], Manner::Adding).unwrap());
    assert!(edit.is_ok_and(|decision| decision.change.is_some()));
    assert_eq!(
        world.line("admin get: edit 1 todo A hall1"),
        ["refused: too many people assigned to a task; at most 10000 are allowed"]
    );
}

#[test]
fn a_notice_names_those_who_lost_the_task() {
    let mut world = World::new();
    world.line("admin: create todo A hall1 hall2");
    let lost = |world: &World, words: &[&str]| {
        let who = Person::named(if words[0] == "answer" { "hall1" } else { "admin" }, HOST);
        let command = command(words, Manner::Replacing).unwrap();
        let change = world.board.decide(1, &who, &world.people, &command).unwrap().change.unwrap();
        let Notice { task, lost, .. } = world.board.notices(&change).remove(0);
        assert_eq!(Some(task), change.task());
        let Lost::These(lost) = lost else { panic!("the task is there") };
        lost.iter().map(|person| person.name(HOST).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lost(&world, &["create", "todo", "B", "hall1"]), [""; 0]);
    assert_eq!(lost(&world, &["answer", "1", "running"]), [""; 0]);
    assert_eq!(lost(&world, &["edit", "1", "todo", "A", "hall2"]), ["hall1"]);
    assert_eq!(lost(&world, &["remove", "1"]), ["hall1", "hall2"]);
    let gone = Change::Removed { task: TaskId(7), at_ms: None };
    assert_eq!(world.board.notices(&gone), [Notice { task: TaskId(7), lost: Lost::Unknown, reminder: None }]);
}

#[test]
fn what_does_not_fit_the_board_is_left_undone() {
    let mut world = World::new();
    world.line("admin: create todo A hall1");
    world.line("admin: create todo B hall1");
    world.line("admin: remove 1");
    let created = |id| Change::Created {
        task: TaskId(id),
        title: Title::parse("Again").unwrap(),
        kind: Kind::Todo,
        timestamp_ms: 1,
        statuses: Vec::new(),
        plan: None,
        deadline: None,
    };
    let answered =
        |id, name| Change::Answered { task: TaskId(id), person: Person::named(name, HOST), status: Status::NONE };
    let edited = Change::Edited {
        task: TaskId(1),
        title: None,
        kind: None,
        timestamp_ms: Some(i64::MAX),
        set: Vec::new(),
        unassigned: Vec::new(),
    };
    let mut board = world.board.clone();
    for change in [
        created(1),
        created(2),
        answered(1, "hall1"),
        answered(2, "hall2"),
        edited,
        Change::Removed { task: TaskId(9), at_ms: None },
    ] {
        board.apply(world.board.revision(), &change);
        assert_eq!(board, world.board, "{change:?}");
    }
}

#[test]
fn a_change_that_names_somebody_twice_is_undone_in_the_opposite_order() {
    let mut world = World::new();
    world.line("admin: create todo A hall1=fail:first hall2");
    let set =
        ["second", "third"].map(|value| (Person::named("hall1", HOST), Status::new(Progress::Fail, value).unwrap()));
    let set = set.into();
    world.board.apply(
        7,
        &Change::Edited { task: TaskId(1), title: None, kind: None, timestamp_ms: None, set, unassigned: Vec::new() },
    );
    let said = world.line("admin get: edit 1 todo A hall1=fail:first hall2");
    assert_eq!(said, [r#"unchanged: #1 todo "A" @1000: hall1 fail "third", hall2 none"#]);
}

#[test]
fn a_snapshot_that_counts_too_low_gives_no_number_and_no_time_twice() {
    let mut world = World::new();
    world.line("admin: create todo A hall1");
    world.board = Board::restore(world.board.tasks().cloned().collect::<Vec<_>>(), 0, 0, 1);
    assert_eq!(world.line("admin: create todo B"), [r#"#2 todo "B" @1001: nobody"#]);
}

// --- What people say by name --------------------------------------------------------------------------------------

#[test]
fn a_name_of_50_000_characters_was_repeated_whole_in_the_refusal() {
    let mut world = World::new();
    world.line("admin: create todo A hall1");
    for ask in ["create todo B", "assign 1", "unassign 1", "reset 1"] {
        let said = world.line(&format!("admin: {ask} {}", "x".repeat(50_000))).concat();
        let start = "refused: there is no user, group or occupant 'xxx";
        assert!(said.starts_with(start) && said.len() < 200, "{ask}: {}", said.len());
    }
}

#[test]
fn people_are_assigned_by_name_group_and_nick_and_keep_their_answers() {
    check(
        r#"
        admin: create todo A hall1=success:ok
        at 2000
        admin: assign 1 HALL2 Ivan Zoë
        admin: assign 1 halls
        admin: assign 1 halls hall1 neerc
        admin: assign 1 hal5
        admin: assign 9 hall1
        hall1: assign 1 hall1
        leave hall2
        admin: assign 1 hall2
        "#,
        r#"
        #1 todo "A" @1000: hall1 success "ok"
        #1 todo "A" @2000: hall1 success "ok", hall2 none, zoe none
        #1 todo "A" @2001: hall1 success "ok", hall2 none, hall3 none, hall4 none, zoe none
        unchanged: #1 todo "A" @2001: hall1 success "ok", hall2 none, hall3 none, hall4 none, zoe none
        refused: there is no user, group or occupant 'hal5' in this room
        refused: there is no task '9'
        refused: only owners and admins of the room may do this
        unchanged: #1 todo "A" @2001: hall1 success "ok", hall2 none, hall3 none, hall4 none, zoe none
        "#,
    );
}

#[test]
fn people_are_unassigned_and_their_answers_undone_by_name() {
    check(
        r#"
        admin: create todo A halls=running zoe=fail:x
        hall3: answer 1 success
        admin: reset 1 hall3 Zoë
        admin: reset 1 hall3
        admin: unassign 1 hall3 zoe
        admin: unassign 1 hall3
        admin: reset 1 Zoë
        admin: unassign 1 nobody
        hall1: reset 1 hall1
        hall1: unassign 1 hall1
        leave hall1
        admin: reset 1 halls
        admin: unassign 1 hall1
        admin: unassign 1 halls
        admin: unassign 1 halls
        "#,
        r#"
        #1 todo "A" @1000: hall1 running, hall2 running, hall3 running, hall4 running, zoe fail "x"
        #1 todo "A" @1000: hall1 running, hall2 running, hall3 success, hall4 running, zoe fail "x"
        #1 todo "A" @1000: hall1 running, hall2 running, hall3 none, hall4 running, zoe none
        unchanged: #1 todo "A" @1000: hall1 running, hall2 running, hall3 none, hall4 running, zoe none
        #1 todo "A" @1000: hall1 running, hall2 running, hall4 running
        refused: task 1 is not assigned to 'hall3'
        refused: task 1 is not assigned to 'Zoë'
        refused: there is no user, group or occupant 'nobody' in this room
        refused: only owners and admins of the room may do this
        refused: only owners and admins of the room may do this
        #1 todo "A" @1000: hall1 running, hall2 none, hall4 none
        #1 todo "A" @1000: hall2 none, hall4 none
        #1 todo "A" @1000: nobody
        unchanged: #1 todo "A" @1000: nobody
        "#,
    );
}

#[test]
fn a_task_is_renamed_also_to_an_earlier_title_and_old_copies_stay_old() {
    check(
        r#"
        admin: create todo A hall1
        admin: rename 1 B
        admin: rename 1 A
        admin get: edit 1 todo B hall1
        admin get: edit 1 todo A hall1
        admin: rename 1 A
        admin: rename 1 C
        admin get: edit 1 todo A hall1
        admin get: edit 1 todo B hall1
        admin get: edit 1 todo D hall1
        hall1: rename 1 E
        "#,
        r#"
        #1 todo "A" @1000: hall1 none
        #1 todo "B" @1000: hall1 none
        #1 todo "A" @1000: hall1 none
        unchanged: #1 todo "A" @1000: hall1 none
        unchanged: #1 todo "A" @1000: hall1 none
        unchanged: #1 todo "A" @1000: hall1 none
        #1 todo "C" @1000: hall1 none
        unchanged: #1 todo "C" @1000: hall1 none
        unchanged: #1 todo "C" @1000: hall1 none
        #1 todo "D" @1000: hall1 none
        refused: only owners and admins of the room may do this
        "#,
    );
    let mut world = World::new();
    world.line("admin: create todo A");
    for title in ["B", "A", "B", "A"] {
        world.line(&format!("admin: rename 1 {title}"));
    }
    let titles = &world.board.task(TaskId(1)).unwrap().past.titles;
    assert_eq!(titles.iter().map(Title::as_str).collect::<Vec<_>>(), ["B"], "each earlier title is kept once");
}

#[test]
fn an_old_copy_undoes_no_reset() {
    check(
        r#"
        admin: create todo A hall1 hall2
        hall1: answer 1 success x
        admin: reset 1 hall1
        admin2 get: edit 1 todo A hall1=success:x hall2 hall3
        "#,
        r#"
        #1 todo "A" @1000: hall1 none, hall2 none
        #1 todo "A" @1000: hall1 success "x", hall2 none
        #1 todo "A" @1000: hall1 none, hall2 none
        #1 todo "A" @1001: hall1 none, hall2 none, hall3 none
        "#,
    );
}

#[test]
fn what_is_planned_is_handed_out_once_or_taken_out() {
    check(
        r#"
        admin: plan end-60! confirm "Hand in" halls
        admin: plan start todo B
        admin: plan start todo C nobody
        hall1: plan start todo C
        hall1: unplan s1
        hall1: now s1
        leave hall4
        admin2: now s1
        admin: now s1
        admin: unplan s2
        admin: unplan s2
        admin: plan start todo D hall1
        leave hall1
        admin: now s3
        "#,
        r#"
        planned: s1 @confirm halls end-60! Hand in; that is all
        planned: s1 @confirm halls end-60! Hand in; s2 @todo start+0 "B"; that is all
        refused: there is no user, group or occupant 'nobody' in this room
        refused: only owners and admins of the room may do this
        refused: only owners and admins of the room may do this
        refused: only owners and admins of the room may do this
        #1 confirm "Hand in" @1000: hall1 none, hall2 none, hall3 none
        refused: there is no planned task 's1'
        planned: that is all
        refused: there is no planned task 's2'
        planned: s3 @todo hall1 start+0 D; that is all
        #2 todo "D" @1001: nobody (left out: hall1)
        "#,
    );
}

#[test]
fn a_plan_that_does_not_fit_the_board_is_left_undone() {
    let mut world = World::new();
    world.line("admin: plan start todo A");
    world.line("admin: unplan s1");
    let mut board = world.board.clone();
    for Entry { change, .. } in &world.log {
        assert!(board.notices(change).is_empty());
        board.apply(world.board.revision(), change);
        assert_eq!(board, world.board, "{change:?}");
    }
    assert_eq!(Board::default().with_plan(board.plan().clone()).plan().next(), 2);
}

/// What an admin is shown who asks who is late.
/// A planned task as the line that plans it.
fn shown_plan(planned: &Planned) -> String {
    let when = planned.schedule.due.map(|due| match due {
        DueAt::Contest(moment) => When::Contest(moment),
        DueAt::Day { at_ms } => When::TimeOfDay { of_day_min: at_ms / 60_000 % 1_440 },
    });
    let timing = when.map(|when| Timing { when: Some(when), consent: planned.schedule.consent });
    let (title, assignees) = (planned.title.as_str().to_owned(), planned.names.clone());
    TaskLine { kind: planned.kind, assignees, timing, deadline: None, title }.to_string()
}

fn shown_late<'a>(World { people, board, .. }: &'a World, room: &'a Room, admin: &'a Person) -> Vec<&'a Task> {
    let scene = RoomScene {
        room,
        people,
        board,
        clock: None,
        visibility: Visibility::All,
        now: None,
        checklists: &[],
        trail: None,
        entrance: crate::doors::Entrance::closed(),
    };
    match View::of(scene, admin).unwrap().answer(&Query::Late) {
        Ok(Shown::Late(tasks)) => tasks,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_open_and_who_is_late() {
    let mut world = World::new();
    for line in [
        "admin: create todo A hall1 hall2 hall3",
        "admin: create confirm B hall1",
        "admin: create todo C",
        "hall1: answer 1 running",
        "hall2: answer 1 success",
        "admin: assign 1 hall4",
    ] {
        world.line(line);
    }
    let hall1 = Person::named("hall1", HOST);
    let ids = |tasks: Vec<&Task>| tasks.into_iter().map(|task| task.id.0).collect::<Vec<_>>();
    assert_eq!(ids(world.board.open_tasks(&hall1)), [2, 1], "the oldest first; task 1 was given to somebody new");
    assert_eq!(ids(world.board.answered_tasks(&hall1)), [1]);
    assert_eq!(world.board.lone_open_task(&hall1), None);
    assert_eq!(world.board.lone_open_task(&Person::named("hall3", HOST)).map(|task| task.id.0), Some(1));
    let names = |people: &[&Person]| people.iter().map(|p| p.name(HOST)).collect::<Vec<_>>().join(" ");
    let (room, admin) = ("neerc".into(), Person::named("admin", HOST));
    let late: Vec<_> = shown_late(&world, &room, &admin)
        .into_iter()
        .map(Late::of)
        .map(|l| (l.task.id.0, names(&l.silent), names(&l.unfinished)))
        .collect();
    assert_eq!(late, [(2, "hall1".into(), "".into()), (1, "hall3 hall4".into(), "hall1".into())]);
    world.line("hall1: answer 2 success");
    assert_eq!(shown_late(&world, &room, &admin).len(), 1);
    assert!(world.board.existing(TaskId(3)).is_ok() && world.board.existing(TaskId(4)).is_err());
}

/// admin, and so many members p0, p1, ..., who are the group Crowd.
fn crowd(members: usize) -> People {
    let members = (0..members).map(|n| (Person::named(&format!("p{n}"), HOST), Affiliation::Member));
    let all = members.chain([(Person::named("admin", HOST), Affiliation::Admin)]);
    let standings = all.map(|(person, affiliation)| Standing { person, affiliation });
    let rule = GroupRule { group: "Crowd".into(), patterns: vec!["p*".into()] };
    People::build(HOST, "neerc", standings, HashMap::new(), &GroupBook { rules: vec![rule], ..GroupBook::default() })
}

/// A board of one task, which these people have.
fn given_to(people: std::ops::Range<usize>) -> Board {
    let statuses = people.map(|n| (Person::named(&format!("p{n}"), HOST), Status::NONE)).collect();
    let (title, kind) = (Title::parse("T").unwrap(), Kind::Todo);
    let mut board = Board::default();
    board.apply(
        1,
        &Change::Created { task: TaskId(1), title, kind, timestamp_ms: 1, statuses, plan: None, deadline: None },
    );
    board
}

fn ask_as_admin(people: &People, board: &Board, command: &Command) -> Result<Decision, Refusal> {
    board.decide(1_000, &Person::named("admin", HOST), people, command)
}

#[test]
fn a_packet_of_ten_thousand_names_took_all_the_time_there_is() {
    const MOST: usize = limits::ASSIGNEES;
    let people = crowd(MOST);
    let named = |name: String| Named { name, status: Status::NONE };
    let (title, kind, manner) = (Title::parse("T").unwrap(), Kind::Todo, Manner::Adding);
    let create = |statuses| Command::Create(WholeTask { title: title.clone(), kind, statuses, manner });
    let began = std::time::Instant::now();
    let group = ["Crowd", "crowd", "CROWD"].iter().cycle().map(|name| named((*name).to_owned())).take(MOST).collect();
    assert!(ask_as_admin(&people, &Board::default(), &create(group)).is_ok(), "one group again and again");
    let unknown = (0..MOST - 1).map(|n| named(format!("nobody{n}"))).collect();
    assert!(ask_as_admin(&people, &Board::default(), &create(unknown)).is_ok(), "nobody's names");
    let full = given_to(0..MOST);
    let names = vec!["crowd".to_owned(); MOST];
    assert!(ask_as_admin(&people, &full, &Command::Unassign { task: TaskId(1), names }).is_ok());
    println!("{:.2?}", began.elapsed());
    // Far more than it takes, and far less than each name looking at everybody.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[test]
fn as_many_people_as_there_may_be_and_not_one_more() {
    const MOST: usize = limits::ASSIGNEES;
    let too_many = Err(Refusal::TooMany { what: "people assigned to a task", limit: MOST });
    let people = crowd(MOST + 1);
    let names = |names: std::ops::Range<usize>| names.map(|n| format!("p{n}")).collect::<Vec<_>>();
    let statuses = |names: Vec<String>| names.into_iter().map(|name| Named { name, status: Status::NONE }).collect();
    let (title, kind, manner) = (Title::parse("T").unwrap(), Kind::Todo, Manner::Replacing);

    let create = |names| Command::Create(WholeTask { title: title.clone(), kind, statuses: statuses(names), manner });
    assert!(ask_as_admin(&crowd(MOST), &Board::default(), &create(vec!["Crowd".into()])).is_ok());
    assert_eq!(ask_as_admin(&people, &Board::default(), &create(vec!["Crowd".into()])), too_many);

    let assign = |names| Command::Assign { task: TaskId(1), names };
    for had in [MOST - 1, MOST / 2] {
        assert!(ask_as_admin(&people, &given_to(0..had), &assign(names(had..MOST))).is_ok());
        assert_eq!(ask_as_admin(&people, &given_to(0..had), &assign(names(had..MOST + 1))), too_many);
    }

    let edit = |manner, names| Command::Edit {
        task: TaskId(1),
        wanted: WholeTask { title: title.clone(), kind, statuses: statuses(names), manner },
    };
    let full = given_to(0..MOST);
    assert!(ask_as_admin(&people, &full, &edit(Manner::Replacing, names(1..MOST + 1))).is_ok(), "one for another");
    assert_eq!(ask_as_admin(&people, &full, &edit(Manner::Adding, names(MOST..MOST + 1))), too_many);
}

#[test]
fn as_many_names_as_there_may_be_and_not_one_more() {
    const MOST: usize = limits::NAMES_PER_PACKET;
    let (people, board, task) = (crowd(1), given_to(0..1), TaskId(1));
    for command in [|task, names| Command::Assign { task, names }, |task, names| Command::Reset { task, names }] {
        let ask = |count| ask_as_admin(&people, &board, &command(task, vec!["p0".to_owned(); count]));
        assert_eq!(ask(MOST), Ok(Decision::default()));
        assert_eq!(ask(MOST + 1), Err(Refusal::TooMany { what: "names", limit: MOST }));
    }
}

#[test]
fn a_board_is_counted() {
    let mut board = given_to(0..2);
    assert_eq!(
        (board.len(), board.is_empty(), Board::default().len(), Board::default().is_empty()),
        (1, false, 0, true)
    );
    assert_eq!((board.next_id(), board.last_timestamp_ms(), board.revision()), (2, 1, 1));
    board.apply(2, &Change::Removed { task: TaskId(1), at_ms: None });
    assert_eq!((board.len(), board.is_empty(), board.next_id()), (0, true, 2));
}

fn plan_for(title: &str, names: Vec<String>) -> Command {
    let (kind, timing) = (Kind::Todo, Timing::required("start").unwrap());
    Command::Plan(NewPlan { title: Title::parse(title).unwrap(), kind, names, timing })
}

#[test]
fn a_thousand_plans_of_thousands_of_names_take_little() {
    let mut world = World::new();
    let admin = Person::from_bare("admin@localhost");
    let names: Vec<String> = (0..4_800).map(|n| if n % 2 == 0 { "hall1" } else { "HALL1" }.to_owned()).collect();
    for n in 0..10 {
        world.ask(&admin, &plan_for(&format!("{n}"), names.clone())).unwrap();
    }
    assert_eq!(world.board.plan().names_bytes(), 10 * 2 * (5 + limits::PLAN_NAME_BYTES));
    assert!(world.board.plan().entries().all(|planned| planned.names == ["hall1", "HALL1"]));
    assert_eq!(world.folded(), world.board);
}

#[test]
fn all_planned_tasks_together_have_a_bound_on_their_names() {
    let standings = (0..2_000).map(|n| Standing {
        person: Person::from_bare(&format!("{n:04}{}@localhost", "x".repeat(500))),
        affiliation: Affiliation::Member,
    });
    let admin = Person::from_bare("admin@localhost");
    let owner = Standing { person: admin.clone(), affiliation: Affiliation::Owner };
    let people = People::build(HOST, "neerc", standings.chain([owner]), HashMap::new(), &GroupBook::default());
    let names: Vec<String> = (0..2_000).map(|n| format!("{n:04}{}", "x".repeat(500))).collect();
    let mut board = Board::default();
    let mut planned = 0;
    let refusal = loop {
        match board.decide(0, &admin, &people, &plan_for("T", names.clone())) {
            Ok(Decision { change: Some(change), .. }) => board.apply(planned + 1, &change),
            other => break other.unwrap_err(),
        }
        planned += 1;
    };
    assert_eq!(planned, limits::PLAN_NAMES_BYTES as u64 / (2_000 * 536));
    assert!(matches!(refusal, Refusal::TooMany { what: "bytes of names in planned tasks", .. }), "{refusal}");
    board.apply(planned + 1, &Change::Unplanned { plan: PlanId(1) });
    assert!(board.decide(0, &admin, &people, &plan_for("T", names)).is_ok(), "one that is taken out makes room");
}

#[test]
fn a_group_that_is_named_thousands_of_times_is_looked_at_once() {
    let standings = (0..4_500).map(|n| Standing {
        person: Person::from_bare(&format!("p{n}@localhost")),
        affiliation: if n == 0 { Affiliation::Owner } else { Affiliation::Member },
    });
    let rules = vec![GroupRule { group: "All".into(), patterns: vec!["*".to_owned()] }];
    let book = GroupBook { rules, ..GroupBook::default() };
    let people = People::build(HOST, "neerc", standings, HashMap::new(), &book);
    let admin = Person::from_bare("p0@localhost");
    let names = vec!["All".to_owned(); 9_000];
    let statuses = unanswered(&names);
    let began = std::time::Instant::now();
    let (title, kind) = (Title::parse("T").unwrap(), Kind::Todo);
    let mut board = Board::default();
    let create = Command::Create(WholeTask { title, kind, statuses, manner: Manner::Adding });
    let created = board.decide(0, &admin, &people, &create).unwrap();
    board.apply(1, &created.change.unwrap());
    assert_eq!(board.task(TaskId(1)).unwrap().statuses.len(), 4_500);
    board.decide(0, &admin, &people, &Command::Unassign { task: TaskId(1), names: names.clone() }).unwrap();
    board.decide(0, &admin, &people, &Command::Reset { task: TaskId(1), names }).unwrap();
    assert!(began.elapsed().as_secs() < 10, "{:?}, and forty million people would take longer", began.elapsed());
}
