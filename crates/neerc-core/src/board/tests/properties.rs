//! What must hold whatever is said, in any order: random stories of halls that answer, admins that hold old copies,
//! admins that hold current ones, and clocks that jump.

use super::*;

const HALLS: usize = 4; // as many as the group Halls has in the room
const TITLES: [&str; 3] = ["A", "B", "C"];
const KINDS: [Kind; 3] = [Kind::Todo, Kind::Confirm, Kind::OkFail];

/// One thing somebody does. Numbers choose among what there is at that moment; sets of halls are bit masks.
#[derive(Clone, Debug)]
enum Move {
    /// A new task for these halls.
    Create { halls: u8, status: usize },
    /// The desktop: a copy that was shown some changes ago, plus these halls; with another title or type now and then.
    AddToOldCopy { back: usize, add: u8, group: bool, words: usize },
    /// Android: the task as it is, without some and with other halls.
    ChooseAnew { task: usize, keep: u8, add: u8 },
    /// The same from an old copy.
    ChooseFromOldCopy { back: usize, keep: u8, add: u8, group: bool },
    /// A packet with statuses that an admin made up.
    Decree { task: usize, halls: u8, status: usize, add: u8, manner: Manner },
    /// A hall says how far it is.
    Answer { task: usize, hall: usize, status: usize },
    /// An admin says by name what to change: 0 assign, 1 unassign, 2 reset, 3 rename.
    Say { task: usize, verb: usize, hall: usize, group: bool },
    /// A task is removed.
    Remove { task: usize },
    /// Time goes by, or back.
    Wait { ms: i64 },
}

/// What was asked, and the board before and after.
struct Seen<'a> {
    who: &'a Person,
    command: &'a Command,
    before: &'a Board,
    after: &'a Board,
    refused: Option<&'a Refusal>,
}

fn hall(n: usize) -> Person {
    Person::named(&format!("hall{}", n + 1), HOST)
}

fn status(n: usize) -> Status {
    let (progress, value) = [("none", ""), ("running", ""), ("success", ""), ("fail", "x"), ("none", "x")][n % 5];
    Status::new(Progress::parse(progress).unwrap(), value).unwrap()
}

fn masked(mask: u8) -> impl Iterator<Item = Person> {
    (0..HALLS).filter(move |n| mask >> n & 1 == 1).map(hall)
}

fn packet(statuses: BTreeMap<Person, Status>, group: bool) -> Vec<Named> {
    let named = statuses.into_iter().map(|(person, status)| Named { name: person.name(HOST).to_owned(), status });
    let group = group.then(|| Named { name: "halls".to_owned(), status: Status::NONE });
    named.chain(group).collect()
}

/// What a move asks, given every state of every task that was ever shown; `None` if there is nothing to do it to.
fn asked(step: &Move, board: &Board, shown: &[Task]) -> Option<(Person, Command)> {
    let current = |n: usize| board.tasks().nth(n % board.len().max(1));
    let old = |back: usize| shown.iter().rev().nth(back % shown.len().max(1));
    let none = |mask: u8| masked(mask).map(|person| (person, Status::NONE));
    let admin = Person::named("admin", HOST);
    let edit = |copy: &Task, title: Title, statuses: Vec<Named>, manner| Command::Edit {
        task: copy.id,
        wanted: WholeTask { title, kind: copy.kind, statuses, manner },
    };
    let chosen = |copy: &Task, keep: u8, add: u8| {
        let kept = copy.statuses.clone().into_iter().filter(|(person, _)| masked(keep).any(|hall| hall == *person));
        none(add).filter(|(person, _)| !copy.statuses.contains_key(person)).chain(kept).collect::<BTreeMap<_, _>>()
    };
    Some(match *step {
        Move::Create { halls, status: n } => {
            let statuses = packet(masked(halls).map(|person| (person, status(n))).collect(), false);
            let title = Title::parse(TITLES[n % TITLES.len()]).unwrap();
            let kind = KINDS[n % KINDS.len()];
            (admin, Command::Create(WholeTask { title, kind, statuses, manner: Manner::Adding }))
        }
        Move::AddToOldCopy { back, add, group, words } => {
            let copy = old(back)?;
            let statuses = packet(none(add).chain(copy.statuses.clone()).collect(), group);
            let title = TITLES.get(words).map_or(copy.title.clone(), |title| Title::parse(title).unwrap());
            let kind = *KINDS.get(words.wrapping_sub(TITLES.len())).unwrap_or(&copy.kind);
            let wanted = WholeTask { title, kind, statuses, manner: Manner::Adding };
            (admin, Command::Edit { task: copy.id, wanted })
        }
        Move::ChooseAnew { task, keep, add } => {
            let copy = current(task)?;
            (admin, edit(copy, copy.title.clone(), packet(chosen(copy, keep, add), false), Manner::Replacing))
        }
        Move::ChooseFromOldCopy { back, keep, add, group } => {
            let copy = old(back)?;
            (admin, edit(copy, copy.title.clone(), packet(chosen(copy, keep, add), group), Manner::Replacing))
        }
        Move::Decree { task, halls, status: n, add, manner } => {
            let copy = current(task)?;
            let statuses = none(add).chain(masked(halls).map(|person| (person, status(n)))).collect();
            (admin, edit(copy, copy.title.clone(), packet(statuses, false), manner))
        }
        Move::Answer { task, hall: n, status: s } => {
            let copy = current(task)?;
            // Somebody assigned if there is anybody, so that most answers are taken.
            let who = copy.statuses.keys().nth(n % copy.statuses.len().max(1)).cloned().unwrap_or(hall(n));
            (who, Command::Answer { task: copy.id, status: status(s) })
        }
        Move::Say { task, verb, hall: n, group } => {
            let task = current(task)?;
            let name = if group { "halls".to_owned() } else { hall(n).name(HOST).to_owned() };
            let (id, names) = (task.id, vec![name]);
            let command = match verb {
                0 => Command::Assign { task: id, names },
                1 => Command::Unassign { task: id, names },
                2 => Command::Reset { task: id, names },
                _ => Command::Rename { task: id, title: Title::parse(TITLES[n % TITLES.len()]).unwrap() },
            };
            (admin, command)
        }
        Move::Remove { task } => (admin, Command::Remove { task: current(task)?.id }),
        Move::Wait { .. } => return None,
    })
}

/// Plays a story and shows each request with the board before and after it.
fn play(moves: &[Move], mut watch: impl FnMut(Seen)) -> World {
    let mut world = World::new();
    let mut shown: Vec<Task> = Vec::new();
    for step in moves {
        if let Move::Wait { ms } = step {
            world.now_ms += ms;
        }
        let Some((who, command)) = asked(step, &world.board, &shown) else { continue };
        let before = world.board.clone();
        let decision = world.ask(&who, &command);
        if let Ok(Decision { change: Some(change), .. }) = &decision {
            shown.extend(change.task().and_then(|id| world.board.task(id)).cloned());
        }
        watch(Seen {
            who: &who,
            command: &command,
            before: &before,
            after: &world.board,
            refused: decision.as_ref().err(),
        });
    }
    world
}

/// A naive telling of what packets change: full copies of all versions, searched from the newest.
#[derive(Default)]
struct Model {
    versions: BTreeMap<TaskId, Vec<BTreeMap<Person, Status>>>,
    titles: BTreeMap<TaskId, Vec<Title>>,
    kinds: BTreeMap<TaskId, Vec<Kind>>,
}

impl Model {
    /// The people that a packet names themselves, and whether it names the group.
    fn said(statuses: &[Named]) -> (BTreeMap<Person, Status>, bool) {
        let (halls, group): (Vec<_>, Vec<_>) = statuses.iter().partition(|named| named.name != "halls");
        let halls = halls.into_iter().map(|named| (Person::named(&named.name, HOST), named.status.clone()));
        (halls.collect(), !group.is_empty())
    }

    fn explaining(&self, id: TaskId, said: &BTreeMap<Person, Status>) -> Option<&BTreeMap<Person, Status>> {
        let explains = |version: &&BTreeMap<Person, Status>| {
            said.iter().all(|(person, status)| version.get(person).unwrap_or(&Status::NONE) == status)
        };
        self.versions[&id].iter().rev().find(explains)
    }

    fn edited(&self, id: TaskId, statuses: &[Named], manner: Manner) -> BTreeMap<Person, Status> {
        let (said, group) = Model::said(statuses);
        let now = self.versions[&id].last().unwrap();
        let mut next = now.clone();
        match self.explaining(id, &said) {
            None => next.extend(said.clone()),
            Some(version) => {
                for (person, status) in &said {
                    if !version.contains_key(person) && !now.contains_key(person) {
                        next.insert(person.clone(), status.clone());
                    }
                }
                let leaves_out = |person: &Person| version.contains_key(person) && !said.contains_key(person) && !group;
                if manner == Manner::Replacing {
                    next.retain(|person, _| !leaves_out(person));
                }
            }
        }
        if group {
            for person in (0..HALLS).map(hall).filter(|person| !now.contains_key(person) && !said.contains_key(person))
            {
                next.insert(person, Status::NONE);
            }
        }
        next
    }

    /// Tells a request; the statuses, title and kind that the task has after it, `None` if it is gone.
    fn tell(&mut self, seen: &Seen) {
        if seen.refused.is_some() {
            return;
        }
        let id = seen.command.task().unwrap_or(TaskId(seen.before.next_id()));
        match seen.command {
            Command::Create(WholeTask { title, kind, statuses, .. }) => {
                self.versions.insert(id, vec![Model::said(statuses).0]);
                self.titles.insert(id, vec![title.clone()]);
                self.kinds.insert(id, vec![*kind]);
            }
            Command::Edit { wanted: WholeTask { title, kind, statuses, manner }, .. } => {
                let next = self.edited(id, statuses, *manner);
                self.push(id, next);
                let titles = self.titles.get_mut(&id).unwrap();
                if !titles.contains(title) {
                    titles.push(title.clone());
                }
                let kinds = self.kinds.get_mut(&id).unwrap();
                if !kinds.contains(kind) {
                    kinds.push(*kind);
                }
            }
            Command::Answer { status, .. } => {
                let mut next = self.versions[&id].last().unwrap().clone();
                next.insert(seen.who.clone(), status.clone());
                self.push(id, next);
            }
            Command::Remove { .. } => _ = self.versions.remove(&id),
            Command::Assign { names, .. } | Command::Unassign { names, .. } | Command::Reset { names, .. } => {
                let mut next = self.versions[&id].last().unwrap().clone();
                let of = |person: &Person| names[0] == "halls" || person.name(HOST) == names[0];
                for person in (0..HALLS).map(hall).filter(of) {
                    match seen.command {
                        Command::Assign { .. } => _ = next.entry(person).or_insert(Status::NONE),
                        Command::Unassign { .. } => _ = next.remove(&person),
                        _ => next.get_mut(&person).into_iter().for_each(|status| *status = Status::NONE),
                    }
                }
                self.push(id, next);
            }
            Command::Rename { title, .. } => {
                let titles = self.titles.get_mut(&id).unwrap();
                titles.retain(|earlier| earlier != title);
                titles.push(title.clone());
            }
            Command::Plan(_)
            | Command::Unplan { .. }
            | Command::Replan { .. }
            | Command::NoteLapsed { .. }
            | Command::Fulfil { .. }
            | Command::Clock(_)
            | Command::Restore { .. }
            | Command::Remind { .. }
            | Command::CreateDue { .. }
            | Command::Amend { .. }
            | Command::SetStatus { .. }
            | Command::SetDeadline { .. }
            | Command::NoteOverdue { .. }
            | Command::Watch(_)
            | Command::Unwatch(_)
            | Command::Begin(_)
            | Command::Stop { .. }
            | Command::Links(_)
            | Command::Door(_) => {
                unreachable!("no such move")
            }
        }
    }

    fn push(&mut self, id: TaskId, next: BTreeMap<Person, Status>) {
        let versions = self.versions.get_mut(&id).unwrap();
        if versions.last() != Some(&next) {
            versions.push(next);
        }
    }
}

fn create() -> BoxedStrategy<Move> {
    (any::<u8>(), 0usize..5).prop_map(|(halls, status)| Move::Create { halls, status }).boxed()
}

fn add_to_old_copy() -> BoxedStrategy<Move> {
    let numbers = (0usize..40, any::<u8>(), any::<u8>(), prop::bool::weighted(0.1), 0usize..18);
    let moved = |(back, a, b, group, words)| Move::AddToOldCopy { back, add: a & b, group, words };
    numbers.prop_map(moved).boxed()
}

fn choose() -> BoxedStrategy<Move> {
    let anew = (0usize..3, any::<u8>(), any::<u8>()).prop_map(|(task, keep, add)| Move::ChooseAnew { task, keep, add });
    let old = (0usize..40, any::<u8>(), any::<u8>(), prop::bool::weighted(0.1));
    let old = old.prop_map(|(back, keep, add, group)| Move::ChooseFromOldCopy { back, keep, add, group });
    prop_oneof![2 => anew, 1 => old].boxed()
}

fn decree() -> BoxedStrategy<Move> {
    let manner = prop_oneof![Just(Manner::Adding), Just(Manner::Replacing)];
    let numbers = (0usize..3, any::<u8>(), 0usize..5, any::<u8>(), manner);
    let moved = |(task, halls, status, add, manner)| Move::Decree { task, halls, status, add, manner };
    numbers.prop_map(moved).boxed()
}

fn answer() -> BoxedStrategy<Move> {
    (0usize..3, 0..HALLS, 0usize..5).prop_map(|(task, hall, status)| Move::Answer { task, hall, status }).boxed()
}

fn say() -> BoxedStrategy<Move> {
    let numbers = (0usize..3, 0usize..4, 0..HALLS, prop::bool::weighted(0.2));
    numbers.prop_map(|(task, verb, hall, group)| Move::Say { task, verb, hall, group }).boxed()
}

fn remove() -> BoxedStrategy<Move> {
    (0usize..3).prop_map(|task| Move::Remove { task }).boxed()
}

fn wait() -> BoxedStrategy<Move> {
    (-20i64..30).prop_map(|ms| Move::Wait { ms }).boxed()
}

/// Every kind of move.
fn anything() -> impl Strategy<Value = Vec<Move>> {
    let step = prop_oneof![
        1 => create(), 6 => add_to_old_copy(), 3 => choose(), 2 => decree(), 8 => answer(), 3 => say(), 1 => remove(),
        2 => wait()
    ];
    prop::collection::vec(step, 1..80)
}

/// Only the desktop among the admins: copies once shown, plus additions.
fn desktops() -> impl Strategy<Value = Vec<Move>> {
    let step = prop_oneof![1 => create(), 6 => add_to_old_copy(), 8 => answer(), 1 => remove(), 1 => wait()];
    prop::collection::vec(step, 1..80)
}

/// The last answer of each hall to each task, as far as it must stand.
#[derive(Default)]
struct Answers(BTreeMap<(TaskId, Person), Status>);

impl Answers {
    fn note(&mut self, seen: &Seen) {
        if let (Command::Answer { task, status }, None) = (seen.command, seen.refused) {
            self.0.insert((*task, seen.who.clone()), status.clone());
        }
    }

    fn assert_shown(&self, board: &Board) {
        for ((id, person), status) in &self.0 {
            if let Some(task) = board.task(*id) {
                assert_eq!(task.statuses.get(person), Some(status), "the answer of {person:?} in {}", show(task));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_is_lost_to_copies_that_were_once_shown(moves in desktops()) {
        let mut answers = Answers::default();
        play(&moves, |seen| {
            answers.note(&seen);
            answers.assert_shown(seen.after);
        });
    }

    #[test]
    fn an_answer_stands_until_a_deliberate_edit_or_until_its_hall_is_unassigned(moves in anything()) {
        let mut answers = Answers::default();
        let mut model = Model::default();
        play(&moves, |seen| {
            answers.note(&seen);
            if let (Command::Edit { task: id, wanted }, None) = (seen.command, seen.refused) {
                let WholeTask { statuses, manner, .. } = wanted;
                let (said, _) = Model::said(statuses);
                let deliberate = model.explaining(*id, &said).is_none();
                let unassigned = |person: &Person| {
                    *manner == Manner::Replacing && !seen.after.task(*id).unwrap().statuses.contains_key(person)
                };
                answers.0.retain(|(of, person), _| {
                    of != id || !(deliberate && said.contains_key(person) || unassigned(person))
                });
            }
            if let Command::Unassign { task: id, .. } | Command::Reset { task: id, .. } = seen.command {
                let said = |person: &Person| seen.after.task(*id).and_then(|task| task.statuses.get(person));
                answers.0.retain(|(of, person), _| of != id || said(person).is_some_and(|said| *said != Status::NONE));
            }
            model.tell(&seen);
            answers.assert_shown(seen.after);
        });
    }

    #[test]
    fn nobody_assigned_is_lost_through_a_get(moves in anything()) {
        play(&moves, |seen| {
            let Command::Edit { task, wanted: WholeTask { manner: Manner::Adding, .. } } = seen.command else { return };
            let (before, after) = (seen.before.task(*task), seen.after.task(*task));
            for person in before.iter().flat_map(|task| task.statuses.keys()) {
                assert!(after.is_some_and(|task| task.statuses.contains_key(person)), "{person:?}");
            }
        });
    }

    #[test]
    fn a_number_is_given_once_and_a_removed_one_never_comes_back(moves in anything()) {
        let (mut given, mut removed) = (BTreeSet::new(), BTreeSet::new());
        play(&moves, |seen| {
            if let Command::Create(_) = seen.command {
                let new: Vec<_> = seen.after.tasks().filter(|task| seen.before.task(task.id).is_none()).collect();
                assert!(new.len() == 1 && given.insert(new[0].id), "{new:?}");
            }
            if let Some(id) = seen.command.task().filter(|id| removed.contains(id)) {
                assert_eq!(seen.refused, Some(&Refusal::RemovedTask { task: id.to_string() }));
            }
            if let (Command::Remove { task }, None) = (seen.command, seen.refused) {
                removed.insert(*task);
            }
            for id in &given {
                assert_eq!(seen.after.task(*id).is_none(), removed.contains(id));
                assert_eq!(seen.after.was_removed(*id), removed.contains(id));
            }
        });
    }

    #[test]
    fn timestamps_grow_strictly_and_move_only_for_somebody_new(moves in anything()) {
        let mut last_ms = 0;
        play(&moves, |seen| {
            for task in seen.after.tasks() {
                let before = seen.before.task(task.id);
                let known = |person| before.is_some_and(|before| before.statuses.contains_key(person));
                if before.is_some() && task.statuses.keys().all(known) {
                    assert_eq!(Some(task.timestamp_ms), before.map(|before| before.timestamp_ms));
                } else {
                    assert!(task.timestamp_ms > last_ms, "{} after {last_ms}", show(task));
                    last_ms = task.timestamp_ms;
                }
            }
        });
    }

    #[test]
    fn the_log_tells_the_same_story_alone_in_batches_and_from_a_snapshot(moves in anything(), cut in 0usize..80) {
        let world = play(&moves, |_| ());
        prop_assert_eq!(&world.folded(), &world.board);

        // A batch is decided on a clone; the board itself takes the changes once they are on disk.
        let (mut now_ms, mut revision) = (1000, 0);
        let (mut board, mut shown, mut batch) = (Board::default(), Vec::new(), Vec::new());
        let mut staged = board.clone();
        let mut followed = board.clone();
        for (n, step) in moves.iter().enumerate() {
            if let Move::Wait { ms } = step {
                now_ms += ms;
            }
            if let Some((who, command)) = asked(step, &staged, &shown)
                && let Ok(Decision { change: Some(change), .. }) = staged.decide(now_ms, &who, &world.people, &command)
            {
                revision += 1;
                staged.apply(revision, &change);
                shown.extend(change.task().and_then(|id| staged.task(id)).cloned());
                batch.push((revision, change));
            }
            if n % 7 == 0 {
                for (revision, change) in batch.drain(..) {
                    followed.follow(revision, &change, &staged);
                    board.apply(revision, &change);
                }
                prop_assert_eq!(&board, &staged);
                prop_assert_eq!(&followed, &staged);
                staged = board.clone();
            }
        }

        // A snapshot and what came after it.
        let (head, tail) = world.log.split_at(cut.min(world.log.len()));
        let mut old = Board::default();
        head.iter().for_each(|entry| old.apply(entry.revision, &entry.change));
        let tasks: Vec<Task> = old.tasks().cloned().collect();
        let mut restored = Board::restore(tasks, old.next_id(), old.last_timestamp_ms(), old.revision())
            .with_removed(old.removed().clone());
        prop_assert_eq!(&restored, &old);
        tail.iter().for_each(|entry| restored.apply(entry.revision, &entry.change));
        prop_assert_eq!(&restored, &world.board);
    }

    #[test]
    fn packets_change_what_the_naive_model_says(moves in anything()) {
        let mut model = Model::default();
        play(&moves, |seen| {
            model.tell(&seen);
            let living: Vec<_> = model.versions.keys().copied().collect();
            assert_eq!(seen.after.tasks().map(|task| task.id).collect::<Vec<_>>(), living);
            for task in seen.after.tasks() {
                assert_eq!(Some(&task.statuses), model.versions[&task.id].last(), "{:?}", seen.command);
                assert_eq!(Some(&task.title), model.titles[&task.id].last());
                assert_eq!(Some(&task.kind), model.kinds[&task.id].last());
            }
        });
    }
}
