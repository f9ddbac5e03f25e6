//! The table of rights (P5), written down once for every way in: everything that can be asked, and what has to come of
//! it for whom. It is made from the closed lists of the core, so a new query or command does not compile until it has
//! its place here. Not the ways in, which the tests have that use this.

use neerc_core::clock::hand::ClockAct;
use neerc_core::command::{Amendment, Command, Manner, Named, NewPlan, NewRun, Query, WholeTask};
use neerc_core::doors::{DoorCommand, Leaving, TokenId, TokenScope};
use neerc_core::links::LinksWish;
use neerc_core::moment::When;
use neerc_core::plan::{PlanId, Timing};
use neerc_core::refusal::Refusal;
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use neerc_core::view::Visibility;
use neerc_core::watch::Watched;

/// A member of every room, who never asks and has the tasks [`OWN`] and [`OTHERS`].
pub const KEEPER: &str = "keeper";
/// A task that the asker has, where they can have one.
pub const OWN: TaskId = TaskId(1);
/// A task that the asker does not have.
pub const OTHERS: TaskId = TaskId(2);
/// A task that was removed.
pub const REMOVED: TaskId = TaskId(3);
/// A task that never was.
pub const NEVER: TaskId = TaskId(1_000_000);
/// A task that is planned, where a way in can plan one.
pub const PLANNED: PlanId = PlanId(1);
/// One that never was.
pub const UNPLANNED: PlanId = PlanId(1_000_000);

/// What no checklist is called.
pub const NO_CHECKLIST: &str = "nothing";

/// Something that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To read.
    Query(Query),
    /// To change.
    Command(Command),
}

/// What somebody is in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Owner or admin.
    Power,
    /// Member, or admitted.
    Ordinary,
    /// Whoever else.
    Nobody,
}

/// Who asks, as far as it decides what comes of it.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// What they are in the room.
    pub standing: Standing,
    /// Their name, if they are a user of the room.
    pub user: Option<&'a str>,
    /// Whether they have the task [`OWN`].
    pub has_own: bool,
}

/// What has to come of it.
pub fn expected(asker: Asker<'_>, asked: &Asked, visibility: Visibility) -> Result<(), Refusal> {
    let power = match asker.standing {
        Standing::Nobody => return Err(Refusal::NotInRoom),
        Standing::Ordinary => false,
        Standing::Power => true,
    };
    let admins_only = || if power { Ok(()) } else { Err(Refusal::AdminsOnly) };
    let task_is_there = |task: &TaskId| match *task {
        OWN | OTHERS => Ok(()),
        REMOVED => Err(Refusal::RemovedTask { task: task.to_string() }),
        _ => Err(Refusal::UnknownTask { task: task.to_string() }),
    };
    let plan_is_there = |plan: &PlanId| match *plan {
        PLANNED => Ok(()),
        _ => Err(Refusal::UnknownPlan { plan: plan.to_string() }),
    };
    match asked {
        Asked::Query(Query::Users | Query::Clock | Query::Tasks { of: None }) => Ok(()),
        Asked::Query(Query::Tasks { of: Some(of) }) => match (power, visibility) {
            _ if *of != KEEPER && asker.user != Some(of) => Err(Refusal::UnknownUser { name: of.clone() }),
            (false, Visibility::Own) if asker.user != Some(of) => Err(Refusal::OwnTasksOnly),
            _ => Ok(()),
        },
        Asked::Query(Query::Show { task }) => admins_only().and_then(|()| task_is_there(task)),
        // Also of a task that was removed.
        Asked::Query(Query::History { task: REMOVED }) => admins_only(),
        Asked::Query(Query::History { task }) => admins_only().and_then(|()| task_is_there(task)),
        Asked::Query(Query::Late | Query::Plans | Query::Checklists) => admins_only(),
        Asked::Query(Query::Tokens) => admins_only(),
        Asked::Query(Query::Sessions) => Ok(()),
        Asked::Command(Command::Links(_)) => Ok(()),
        Asked::Command(
            Command::Create(_)
            | Command::CreateDue { .. }
            | Command::Plan(_)
            | Command::Clock(_)
            | Command::Watch(Watched::All | Watched::Failures)
            | Command::Unwatch(_),
        ) => admins_only(),
        Asked::Command(Command::Door(DoorCommand::Give { .. })) => admins_only(),
        Asked::Command(Command::Door(DoorCommand::Revoke { token })) => {
            admins_only().and(Err(Refusal::UnknownToken { token: token.to_string() }))
        }
        Asked::Command(Command::Door(_)) => Ok(()), // of oneself
        // Nobody can ask these: they are the service's.
        Asked::Command(Command::NoteOverdue { .. } | Command::NoteLapsed { .. }) => Ok(()),
        Asked::Command(Command::Watch(Watched::Task(task))) => admins_only().and_then(|()| task_is_there(task)),
        Asked::Command(
            Command::Edit { task, .. }
            | Command::Amend { task, .. }
            | Command::SetStatus { task, .. } // of the keeper, who has all tasks
            | Command::Remove { task }
            | Command::Assign { task, .. }
            | Command::Unassign { task, .. }
            | Command::Reset { task, .. }
            | Command::Rename { task, .. }
            | Command::SetDeadline { task, .. }
            | Command::Remind { task }
            | Command::Restore { task },
        ) => admins_only().and_then(|()| task_is_there(task)),
        Asked::Command(Command::Begin(NewRun { name, .. })) => {
            admins_only().and(Err(Refusal::UnknownChecklist { checklist: name.clone() }))
        }
        Asked::Command(Command::Stop { name }) => admins_only().and(Err(Refusal::RunsNot { checklist: name.clone() })),
        Asked::Command(Command::Unplan { plan } | Command::Replan { plan, .. } | Command::Fulfil { plan, .. }) => {
            admins_only().and_then(|()| plan_is_there(plan))
        }
        Asked::Command(Command::Answer { task, .. }) => {
            task_is_there(task)?;
            let has_it = *task == OWN && asker.has_own;
            if has_it { Ok(()) } else { Err(Refusal::NotAssigned { task: task.to_string() }) }
        }
    }
}

/// Everything that can be asked, of each kind of task and plan and of each kind of user; `me` is the asker's name.
pub fn everything(me: &str) -> Vec<Asked> {
    let mut all = vec![Asked::Query(Query::Users)];
    while let Some(next) = after(&all[all.len() - 1], me) {
        all.push(next);
    }
    all
}

/// What comes after that in the list of everything.
fn after(asked: &Asked, me: &str) -> Option<Asked> {
    Some(match asked {
        Asked::Query(query) => match after_query(query, me) {
            Some(next) => Asked::Query(next),
            None => Asked::Command(Command::Create(wanted())),
        },
        Asked::Command(command) => Asked::Command(after_command(command)?),
    })
}

fn after_query(query: &Query, me: &str) -> Option<Query> {
    Some(match query {
        Query::Users => Query::Tasks { of: None },
        Query::Tasks { of } => match of.as_deref() {
            None => Query::Tasks { of: Some(me.to_owned()) },
            Some(of) if of == me => Query::Tasks { of: Some(KEEPER.to_owned()) },
            Some(KEEPER) => Query::Tasks { of: Some("nobody".to_owned()) },
            Some(_) => Query::Clock,
        },
        Query::Clock => Query::Show { task: OWN },
        Query::Show { task } => match another(*task) {
            Some(task) => Query::Show { task },
            None => Query::History { task: OWN },
        },
        Query::History { task } => match another(*task) {
            Some(task) => Query::History { task },
            None => Query::Late,
        },
        Query::Late => Query::Plans,
        Query::Plans => Query::Checklists,
        Query::Checklists => Query::Sessions,
        Query::Sessions => Query::Tokens,
        Query::Tokens => return None,
    })
}

fn after_command(command: &Command) -> Option<Command> {
    let names = || vec![KEEPER.to_owned()];
    let edit = |task| Command::Edit { task, wanted: wanted() };
    let amend = |task| Command::Amend { task, amendment: amendment() };
    let set = |task| Command::SetStatus { task, name: KEEPER.to_owned(), status: status() };
    let remove = |task| Command::Remove { task };
    let answer = |task| Command::Answer { task, status: status() };
    let assign = |task| Command::Assign { task, names: names() };
    let unassign = |task| Command::Unassign { task, names: names() };
    let reset = |task| Command::Reset { task, names: names() };
    let rename = |task| Command::Rename { task, title: title() };
    let next = |task, same: &dyn Fn(TaskId) -> Command, other: &dyn Fn(TaskId) -> Command| {
        another(task).map_or_else(|| other(OWN), same)
    };
    let by = When::Within { minutes: 20 };
    let plan = |_| {
        let timing = Timing::required("start").expect("a moment of the contest");
        Command::Plan(NewPlan { title: title(), kind: Kind::Todo, names: names(), timing })
    };
    Some(match command {
        Command::Create(_) => Command::CreateDue { wanted: wanted(), by },
        Command::CreateDue { .. } => edit(OWN),
        Command::Edit { task, .. } => next(*task, &edit, &amend),
        Command::Amend { task, .. } => next(*task, &amend, &set),
        Command::SetStatus { task, .. } => next(*task, &set, &remove),
        Command::Remove { task } => next(*task, &remove, &answer),
        Command::Answer { task, .. } => next(*task, &answer, &assign),
        Command::Assign { task, .. } => next(*task, &assign, &unassign),
        Command::Unassign { task, .. } => next(*task, &unassign, &reset),
        Command::Reset { task, .. } => next(*task, &reset, &rename),
        Command::Rename { task, .. } => next(*task, &rename, &plan),
        Command::Plan(_) => Command::Replan { plan: PLANNED, timing: later() },
        Command::Replan { plan: PLANNED, .. } => Command::Replan { plan: UNPLANNED, timing: later() },
        Command::Replan { .. } => Command::Unplan { plan: PLANNED },
        Command::Unplan { plan: PLANNED } => Command::Unplan { plan: UNPLANNED },
        Command::Unplan { .. } => Command::Fulfil { plan: PLANNED, due: None },
        Command::Fulfil { plan: PLANNED, .. } => Command::Fulfil { plan: UNPLANNED, due: None },
        Command::Fulfil { .. } => Command::Clock(ClockAct::Length { total_ms: 14_400_000 }),
        Command::Clock(_) => Command::Remind { task: OWN },
        Command::Remind { task } => match another(*task) {
            Some(task) => Command::Remind { task },
            None => Command::Restore { task: OWN },
        },
        // What was removed would be there for whoever asks next.
        Command::Restore { task: OWN } => Command::Restore { task: NEVER },
        Command::Restore { .. } => Command::Watch(Watched::All),
        Command::Watch(Watched::All) => Command::Watch(Watched::Failures),
        Command::Watch(Watched::Failures) => Command::Watch(Watched::Task(OTHERS)),
        Command::Watch(Watched::Task(OTHERS)) => Command::Watch(Watched::Task(REMOVED)),
        Command::Watch(Watched::Task(REMOVED)) => Command::Watch(Watched::Task(NEVER)),
        Command::Watch(Watched::Task(_)) => Command::Unwatch(None),
        Command::Unwatch(_) => Command::SetDeadline { task: OWN, by: Some(by) },
        Command::SetDeadline { task, .. } => {
            let begin = || Command::Begin(NewRun { name: NO_CHECKLIST.to_owned(), steps: Vec::new() });
            another(*task).map_or_else(begin, |task| Command::SetDeadline { task, by: Some(by) })
        }
        Command::NoteOverdue { .. } | Command::NoteLapsed { .. } => return None,
        Command::Begin(_) => Command::Stop { name: NO_CHECKLIST.to_owned() },
        Command::Stop { .. } => Command::Links(LinksWish::Off),
        Command::Links(_) => Command::Door(DoorCommand::OfferLink { secret: None }),
        Command::Door(command) => Command::Door(after_door(command)?),
    })
}

fn after_door(command: &DoorCommand) -> Option<DoorCommand> {
    Some(match command {
        DoorCommand::OfferLink { .. } => DoorCommand::Leave(Leaving::All),
        DoorCommand::Leave(_) => DoorCommand::Give { scope: TokenScope::Display, name: None, secret: None },
        DoorCommand::Give { .. } => DoorCommand::Revoke { token: TokenId(1) },
        // What is left nobody can ask by a command of the menu alone.
        DoorCommand::Revoke { .. }
        | DoorCommand::Admit { .. }
        | DoorCommand::Redeem { .. }
        | DoorCommand::Issue { .. } => return None,
    })
}

fn status() -> Status {
    Status::new(Progress::Running, "").expect("a status")
}

fn amendment() -> Amendment {
    Amendment { title: Some(title()), ..Amendment::default() }
}

fn wanted() -> WholeTask {
    WholeTask { title: title(), kind: Kind::Todo, statuses: keeper(), manner: Manner::Replacing }
}

fn later() -> Timing {
    Timing::required("start+15").expect("a moment")
}

fn title() -> Title {
    Title::parse("Asked").expect("a title")
}

fn keeper() -> Vec<Named> {
    vec![Named { name: KEEPER.to_owned(), status: Status::NONE }]
}

fn another(task: TaskId) -> Option<TaskId> {
    match task {
        OWN => Some(OTHERS),
        OTHERS => Some(REMOVED),
        REMOVED => Some(NEVER),
        _ => None,
    }
}

/// How a packet says it (PROTOCOL.md, section 4); `None` if no packet does.
pub fn packet(asked: &Asked) -> Option<String> {
    const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";
    let query = |name: &str, attributes: &str| Some(format!("<query xmlns='{NS}#{name}'{attributes}/>"));
    let task = |attributes: String, statuses: &[Named]| {
        let status = |named: &Named| format!("<status for='{}' type='none' value=''/>", named.name);
        let statuses: String = statuses.iter().map(status).collect();
        Some(format!("<task xmlns='{NS}#task'{attributes}>{statuses}</task>"))
    };
    match asked {
        Asked::Query(Query::Users) => query("users", ""),
        Asked::Query(Query::Clock) => query("clock", ""),
        Asked::Query(Query::Tasks { of: None }) => query("tasks", ""),
        Asked::Query(Query::Tasks { of: Some(of) }) => query("tasks", &format!(" for='{of}'")),
        Asked::Query(
            Query::Show { .. }
            | Query::History { .. }
            | Query::Late
            | Query::Plans
            | Query::Checklists
            | Query::Sessions
            | Query::Tokens,
        ) => None,
        Asked::Command(Command::Create(WholeTask { title, kind, statuses, .. })) => {
            task(format!(" title='{}' type='{}'", title.as_str(), kind.name()), statuses)
        }
        Asked::Command(Command::Edit { task: id, wanted: WholeTask { title, kind, statuses, .. } }) => {
            task(format!(" id='{id}' title='{}' type='{}'", title.as_str(), kind.name()), statuses)
        }
        Asked::Command(Command::Remove { task: id }) => task(format!(" id='{id}' title='' type='remove'"), &[]),
        Asked::Command(Command::Answer { task, status }) => {
            let (kind, value) = (status.progress.name(), status.value());
            Some(format!("<taskstatus xmlns='{NS}#taskstatus' id='{task}' type='{kind}' value='{value}'/>"))
        }
        Asked::Command(
            Command::Amend { .. }
            | Command::SetStatus { .. }
            | Command::Assign { .. }
            | Command::Unassign { .. }
            | Command::Reset { .. }
            | Command::Rename { .. }
            | Command::Plan(_)
            | Command::Unplan { .. }
            | Command::Replan { .. }
            | Command::NoteLapsed { .. }
            | Command::Fulfil { .. }
            | Command::Clock(_)
            | Command::Remind { .. }
            | Command::CreateDue { .. }
            | Command::SetDeadline { .. }
            | Command::NoteOverdue { .. }
            | Command::Restore { .. }
            | Command::Watch(_)
            | Command::Unwatch(_)
            | Command::Begin(_)
            | Command::Stop { .. }
            | Command::Links(_)
            | Command::Door(_),
        ) => None,
    }
}

/// The condition of the error with which XMPP says it (PROTOCOL.md, section 12).
pub fn condition(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NotInRoom | Refusal::AdminsOnly | Refusal::NotAssigned { .. } | Refusal::OwnTasksOnly => "forbidden",
        _ => "item-not-found", // of the refusals that `expected` knows
    }
}
