//! What programs change about a task at once, and what is said in somebody's name.

use super::decision::edited;
use super::names::{Resolved, assigned, resolve, unanswered, user_with};
use super::{Board, Decision, admin};
use crate::change::Change;
use crate::command::{Amendment, Manner};
use crate::limits;
use crate::people::{Admin, People, Person, Rights};
use crate::refusal::Refusal;
use crate::task::{Status, TaskId};

impl Board {
    pub(super) fn amend(
        &self,
        _: Admin,
        now_ms: i64,
        people: &People,
        id: TaskId,
        Amendment { title, kind, assign, unassign, reset }: &Amendment,
    ) -> Result<Decision, Refusal> {
        let task = self.existing(id)?;
        let Resolved { packet, .. } = resolve(people, Some(task), &unanswered(assign), Manner::Replacing)?;
        let left = assigned(people, task, unassign)?;
        let mut set: Vec<_> = packet.into_keys().filter(|person| !task.statuses.contains_key(person)).collect();
        // Only people who have the task are unassigned.
        if task.statuses.len() - left.len() + set.len() > limits::ASSIGNEES {
            return Err(Refusal::TooMany { what: "people assigned to a task", limit: limits::ASSIGNEES });
        }
        let timestamp_ms = (!set.is_empty()).then(|| self.next_timestamp_ms(now_ms));
        let answered = assigned(people, task, reset)?.into_iter().filter(|person| !left.contains(*person));
        set.extend(answered.filter(|person| task.statuses.get(*person) != Some(&Status::NONE)).cloned());
        let set: Vec<_> = set.into_iter().map(|person| (person, Status::NONE)).collect();
        let unassigned: Vec<_> = left.into_iter().cloned().collect();
        let kind = kind.filter(|kind| *kind != task.kind);
        let title = title.as_ref().map(|title| self.marked(title)).filter(|title| *title != task.title);
        if title.is_none() && kind.is_none() && set.is_empty() && unassigned.is_empty() {
            return Ok(Decision::default());
        }
        Ok(Change::Edited { task: id, title, kind, timestamp_ms, set, unassigned }.into())
    }

    pub(super) fn set_status(
        &self,
        rights: Rights,
        who: &Person,
        people: &People,
        id: TaskId,
        name: &str,
        status: &Status,
    ) -> Result<Decision, Refusal> {
        if people.name(who) == name || people.user(name).or_else(|| people.shown_as(name)) == Some(who) {
            return self.answer(who, id, status);
        }
        admin(rights)?;
        let task = self.existing(id)?;
        let person = user_with(people, task, name)?;
        let is_news = task.statuses.get(person) != Some(status);
        let set = is_news.then(|| (person.clone(), status.clone())).into_iter().collect();
        Ok(edited(task, None, None, set, Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Named, WholeTask};
    use crate::people::{Affiliation, GroupBook, Standing};
    use crate::task::{Kind, Progress, Title};
    use std::collections::HashMap;

    fn person(name: &str) -> Person {
        Person::named(name, "localhost")
    }

    fn people() -> People {
        let standing = |(name, affiliation)| Standing { person: person(name), affiliation };
        let member = |n| ["hall1", "hall2", "hall3"][n];
        let halls = (0..3).map(|n| (member(n), Affiliation::Member));
        let all = halls.chain([("admin", Affiliation::Owner)]).map(standing);
        People::build("localhost", "neerc", all, HashMap::new(), &GroupBook::default())
    }

    /// A room with a task that `hall1` and `hall2` have, of which the first has failed.
    fn room() -> Board {
        let named = |name: &str, status| Named { name: name.to_owned(), status };
        let failed = Status::new(Progress::Fail, "jam").unwrap();
        let statuses = vec![named("hall1", failed), named("hall2", Status::NONE)];
        let title = Title::parse("Printers").unwrap();
        let wanted = WholeTask { title, kind: Kind::Todo, statuses, manner: Manner::Replacing };
        let mut board = Board::default();
        done(&mut board, "admin", Command::Create(wanted)).unwrap();
        board
    }

    fn done(board: &mut Board, who: &str, command: Command) -> Result<Option<Change>, Refusal> {
        let change = board.decide(1_000, &person(who), &people(), &command)?.change;
        change.iter().for_each(|change| board.apply(board.revision() + 1, change));
        Ok(change)
    }

    fn amend(amendment: Amendment) -> Command {
        Command::Amend { task: TaskId(1), amendment }
    }

    #[test]
    fn everything_about_a_task_changes_at_once() {
        let mut board = room();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let title = Some(Title::parse("Printers and paper").unwrap());
        let (assign, unassign) = (names(&["hall3", "hall1"]), names(&["hall2"]));
        let wanted = Amendment { title, kind: Some(Kind::OkFail), assign, unassign, reset: names(&["hall1"]) };
        let change = done(&mut board, "admin", amend(wanted.clone())).unwrap();
        assert!(matches!(change, Some(Change::Edited { timestamp_ms: Some(1_001), .. })), "{change:?}");
        let task = board.task(TaskId(1)).unwrap();
        assert_eq!((task.title.as_str(), task.kind), ("Printers and paper", Kind::OkFail));
        let statuses: Vec<_> = task.statuses.iter().map(|(person, status)| (person.bare(), status.progress)).collect();
        assert_eq!(statuses, [("hall1@localhost", Progress::None), ("hall3@localhost", Progress::None)]);
        let again = Amendment { unassign: Vec::new(), ..wanted.clone() };
        assert_eq!(done(&mut board, "admin", amend(again)), Ok(None), "it is so already");
        assert_eq!(done(&mut board, "admin", amend(Amendment::default())), Ok(None));
        assert_eq!(done(&mut board, "hall1", amend(wanted)), Err(Refusal::AdminsOnly));
    }

    #[test]
    fn nothing_changes_if_one_name_is_wrong() {
        let mut board = room();
        let title = Some(Title::parse("Other").unwrap());
        let wrong = Amendment { title: title.clone(), assign: vec!["nobody".to_owned()], ..Amendment::default() };
        assert!(matches!(done(&mut board, "admin", amend(wrong)), Err(Refusal::UnknownName { .. })));
        let wrong = Amendment { title, unassign: vec!["hall3".to_owned()], ..Amendment::default() };
        assert!(matches!(done(&mut board, "admin", amend(wrong)), Err(Refusal::NotTheirs { .. })));
        assert_eq!(board, room());
    }

    #[test]
    fn an_admin_says_what_anybody_says_and_others_what_they_say() {
        let mut board = room();
        let said = |name: &str, progress| {
            let status = Status::new(progress, "").unwrap();
            Command::SetStatus { task: TaskId(1), name: name.to_owned(), status }
        };
        let change = done(&mut board, "hall2", said("hall2", Progress::Running)).unwrap();
        assert!(matches!(change, Some(Change::Answered { .. })));
        assert_eq!(done(&mut board, "hall2", said("hall1", Progress::Running)), Err(Refusal::AdminsOnly));
        let change = done(&mut board, "admin", said("hall1", Progress::Success)).unwrap();
        assert!(matches!(change, Some(Change::Edited { .. })));
        assert_eq!(board.task(TaskId(1)).unwrap().statuses[&person("hall1")].progress, Progress::Success);
        assert_eq!(done(&mut board, "admin", said("hall1", Progress::Success)), Ok(None), "it is so already");
        let refused = |who, name| done(&mut room(), who, said(name, Progress::Success)).unwrap_err();
        assert!(matches!(refused("admin", "hall3"), Refusal::NotTheirs { .. }));
        assert!(matches!(refused("admin", "admin"), Refusal::NotAssigned { .. }));
        assert!(matches!(refused("admin", "nobody"), Refusal::UnknownUser { .. }));
    }
}
