//! The menu: everything that people can ask for, in one table, from which every face is drawn - chat lines, ad-hoc
//! commands, web forms. A new command is a new row here. Not the words people read: those are kept by key in the
//! binary; the words people type are here, in every language at once.

mod rows;

pub(in crate::face) use self::rows::find_word;
pub use self::rows::{by_act, by_node, by_word, offered};

use crate::clock::hand::ClockAct;
use crate::command::{Command, Manner, Named, NewPlan, Query, WholeTask};
use crate::deadline::Deadline;
use crate::doors::{DoorCommand, Leaving, TokenId, TokenScope};
use crate::face::help::Topic;
use crate::face::login::{Confirmation, LoginRequest};
use crate::links::LinksWish;
use crate::moment::When;
use crate::plan::{PlanId, Timing};
use crate::refusal::{Refusal, excerpt};
use crate::task::{Kind, Progress, Status, TaskId, Title};
use crate::view::View;
use crate::watch::Watched;

/// What a row of the menu is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is the row of the same name
pub enum Act {
    Tasks,
    Start,
    Done,
    Ok,
    Fail,
    Answer,
    Undo,
    Who,
    Clock,
    Links,
    Help,
    Create,
    Show,
    History,
    Assign,
    Unassign,
    Reset,
    Rename,
    Remove,
    Late,
    Plans,
    Now,
    Unplan,
    Replan,
    Restore,
    Remind,
    Watch,
    Unwatch,
    Checklists,
    Run,
    Stop,
    SetClock,
    Deadline,
    Board,
    Login,
    Sessions,
    Logout,
    Token,
    Tokens,
    Revoke,
}

/// Who a row is for. It decides what is offered; what is allowed is decided by the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Every user of the room.
    User,
    /// Its owners and admins.
    Admin,
}

/// What stands in a field, and what a form offers for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// One of the asker's own tasks that are not done.
    OwnOpenTask,
    /// One of the asker's own tasks of which they have said something.
    OwnAnsweredTask,
    /// A task of the room.
    Task,
    /// A task that was removed a short while ago.
    RemovedTask,
    /// Users, groups or occupants of the room, one in each value.
    Names,
    /// The same, of those who have the task.
    Assigned,
    /// One user of the room.
    User,
    /// A kind of task.
    TaskKind,
    /// The title of a task.
    Title,
    /// Any text.
    Text,
    /// The moment of a plan: a time of day, or one of the contest.
    Schedule,
    /// By when a task is to be answered.
    Deadline,
    /// A planned task.
    Plan,
    /// A verb of the menu.
    Verb,
    /// What is done to the contest clock.
    ClockAct,
    /// A time of day, or a length of time.
    Time,
    /// Whether links are wanted.
    LinksWish,
    /// Answers that somebody is told of: all, failures, or those to one task.
    Watched,
    /// A checklist.
    Checklist,
    /// A checklist that is gone through.
    Running,
    /// A code that a page shows.
    Code,
    /// Whether the browser that shows it is the asker's.
    Confirmation,
    /// A browser with which the asker is logged in, or all.
    Session,
    /// What a token is good for.
    TokenScope,
    /// A token.
    Token,
    /// The user in whose name a token is.
    Owner,
}

/// Whether a field may be left empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has to be filled in.
    Required,
    /// It may be left empty.
    Optional,
}

/// One field of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, the same in all forms and among the keys of words.
    pub var: &'static str,
    /// What stands in it.
    pub kind: FieldKind,
    /// Whether it may be left empty.
    pub presence: Presence,
}

const fn required(var: &'static str, kind: FieldKind) -> Field {
    Field { var, kind, presence: Presence::Required }
}

const fn optional(var: &'static str, kind: FieldKind) -> Field {
    Field { var, kind, presence: Presence::Optional }
}

const OWN: Field = required("task", FieldKind::OwnOpenTask);
const TASK: Field = required("task", FieldKind::Task);
const NAMES: Field = required("names", FieldKind::Names);
const ASSIGNED: Field = required("names", FieldKind::Assigned);
const PLAN: Field = required("plan", FieldKind::Plan);
const WATCHED: Field = optional("watched", FieldKind::Watched);
const CREATE: [Field; 5] = [
    required("kind", FieldKind::TaskKind),
    required("title", FieldKind::Title),
    optional("names", FieldKind::Names),
    optional("schedule", FieldKind::Schedule),
    optional("deadline", FieldKind::Deadline),
];

/// One row of the menu.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is for.
    pub act: Act,
    /// The English verb, which is also its name among the keys of words.
    pub verb: &'static str,
    /// The node of its ad-hoc command (XEP-0050).
    pub node: &'static str,
    /// Who it is for.
    pub needs: Needs,
    /// What it has to be told, in this order.
    pub fields: &'static [Field],
    /// Other words for it in English.
    pub english: &'static [&'static str],
    /// The words for it in Russian, the one to be shown first.
    pub russian: &'static [&'static str],
}

macro_rules! item {
    ($act:ident $verb:literal $needs:ident $fields:expr, $english:expr, $russian:expr) => {
        Item {
            act: Act::$act,
            verb: $verb,
            node: concat!("http://neerc.ifmo.ru/protocol/neerc/commands#", $verb),
            needs: Needs::$needs,
            fields: &$fields,
            english: &$english,
            russian: &$russian,
        }
    };
}

/// Everything that people can ask for, in the order in which it is shown.
#[rustfmt::skip] // one row each
pub const MENU: [Item; 40] = [
    item!(Tasks "tasks" User [optional("of", FieldKind::User)], ["list"], ["задачи", "список"]),
    item!(Start "start" User [OWN], ["begin", "started"], ["начал", "начала", "начать", "начинаю", "взял", "взяла"]),
    item!(Done "done" User [OWN], ["finish", "finished", "ready"],
        ["готово", "готов", "сделано", "сделал", "сделала", "закончил", "закончила"]),
    item!(Ok "ok" User [OWN], ["okay", "yes"], ["да", "ок", "хорошо", "понял", "поняла", "принято"]),
    item!(Fail "fail" User [OWN, optional("text", FieldKind::Text)], ["failed", "no"],
        ["нет", "ошибка", "неудача", "провал"]),
    item!(Answer "answer" User [OWN, required("text", FieldKind::Text)], ["reply"], ["ответ", "ответить", "отвечаю"]),
    item!(Undo "undo" User [required("task", FieldKind::OwnAnsweredTask)], ["cancel"], ["отмена", "отменить"]),
    item!(Who "who" User [], ["users", "people"], ["кто", "люди"]),
    item!(Clock "clock" User [], ["time"], ["время", "часы"]),
    item!(Links "links" User [required("links", FieldKind::LinksWish)], ["link"], ["ссылки", "ссылка"]),
    item!(Help "help" User [optional("verb", FieldKind::Verb)], ["?", "commands"], ["помощь", "справка", "команды"]),
    item!(Create "create" Admin CREATE, ["new"], ["создать", "создай", "новая"]),
    item!(Show "show" Admin [TASK], ["details"], ["показать", "покажи"]),
    item!(History "history" Admin [TASK], ["events"], ["история", "журнал"]),
    item!(Assign "assign" Admin [TASK, NAMES], ["give"], ["назначить", "назначь", "дать", "дай"]),
    item!(Unassign "unassign" Admin [TASK, ASSIGNED], ["take"], ["снять", "сними", "забрать"]),
    item!(Reset "reset" Admin [TASK, ASSIGNED], [], ["сбросить", "сбрось", "сброс"]),
    item!(Rename "rename" Admin [TASK, required("title", FieldKind::Title)], ["retitle"],
        ["переименовать", "переименуй"]),
    item!(Remove "remove" Admin [TASK], ["delete"], ["удалить", "удали"]),
    item!(Restore "restore" Admin [required("task", FieldKind::RemovedTask)], ["undelete", "unremove"],
        ["восстановить", "восстанови", "вернуть", "верни"]),
    item!(Late "late" Admin [], ["waiting"], ["ждем", "должники", "опоздавшие"]),
    item!(Plans "plans" Admin [], ["plan", "scheduled"], ["план", "планы", "расписание"]),
    item!(Now "now" Admin [PLAN], [], ["сейчас", "пора"]),
    item!(Unplan "unplan" Admin [PLAN], ["unschedule"], ["вычеркнуть", "вычеркни"]),
    item!(Replan "replan" Admin [PLAN, required("schedule", FieldKind::Schedule)], ["reschedule", "move"],
        ["перенести", "перенеси"]),
    item!(Remind "remind" Admin [TASK], ["nudge"], ["напомнить", "напомни"]),
    item!(Watch "watch" Admin [WATCHED], ["follow"], ["следить", "следи", "слежу"]),
    item!(Unwatch "unwatch" Admin [WATCHED], ["unfollow"], ["хватит", "неследить"]),
    item!(Checklists "checklists" Admin [], ["checklist", "scripts"],
        ["чеклисты", "чек-листы", "чеклист", "чек-лист", "сценарии"]),
    item!(Run "run" Admin [required("checklist", FieldKind::Checklist)], ["launch"],
        ["запустить", "запусти", "запуск"]),
    item!(Stop "stop" Admin [required("running", FieldKind::Running)], ["halt"],
        ["остановить", "останови", "прервать", "прерви"]),
    item!(SetClock "setclock" Admin [required("act", FieldKind::ClockAct), optional("time", FieldKind::Time)],
        ["set-clock"], ["перевести", "переведи"]),
    item!(Deadline "deadline" Admin [TASK, required("deadline", FieldKind::Deadline)], ["due"], ["срок", "дедлайн"]),
    item!(Board "board" User [], ["web", "browser"], ["доска", "браузер"]),
    item!(Login "login" User [required("code", FieldKind::Code), optional("confirm", FieldKind::Confirmation)],
        ["log-in", "signin"], ["войти", "вход"]),
    item!(Sessions "sessions" User [], ["browsers", "logins"], ["сеансы", "браузеры"]),
    item!(Logout "logout" User [required("session", FieldKind::Session)], ["log-out", "signout"], ["выйти", "выход"]),
    item!(Token "token" Admin [required("scope", FieldKind::TokenScope), optional("name", FieldKind::Owner)],
        ["key"], ["ключ", "токен"]),
    item!(Tokens "tokens" Admin [], ["keys"], ["ключи", "токены"]),
    item!(Revoke "revoke" Admin [required("token", FieldKind::Token)], ["invalidate"], ["отозвать", "отзови"]),
];

static ROWS: [Item; MENU.len()] = MENU;

impl Item {
    /// Whether it is offered to somebody with this view of the room.
    pub fn is_offered(&self, view: &View<'_>) -> bool {
        self.withheld(view).is_none()
    }

    /// Why it is not offered to somebody with this view of the room; nothing if it is.
    pub fn withheld(&self, view: &View<'_>) -> Option<Refusal> {
        if self.needs == Needs::Admin && !view.is_admin() {
            return Some(Refusal::AdminsOnly);
        }
        (self.is_of_web() && !view.scene().entrance.is_open()).then_some(Refusal::NoWeb)
    }

    /// Whether it is about the web side, without which it is not offered.
    pub fn is_of_web(&self) -> bool {
        matches!(
            self.act,
            Act::Board | Act::Login | Act::Sessions | Act::Logout | Act::Token | Act::Tokens | Act::Revoke
        )
    }

    /// Whether it only asks to be told something.
    pub fn is_query(&self) -> bool {
        matches!(
            self.act,
            Act::Tasks
                | Act::Who
                | Act::Clock
                | Act::Help
                | Act::Show
                | Act::History
                | Act::Late
                | Act::Plans
                | Act::Checklists
                | Act::Sessions
                | Act::Tokens
        )
    }

    /// All words for it, in all languages.
    pub fn words(&self) -> impl Iterator<Item = &'static str> + use<> {
        [self.verb].into_iter().chain(self.english.iter().copied()).chain(self.russian.iter().copied())
    }
}

/// What somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// To be told something.
    Query(Query),
    /// To have something done.
    Command(Command),
    /// To have the checklist of that name gone through; what that is to change is said by [`begin`](super::begin::begin).
    Begin(String),
    /// To have a browser let in; whether that is done is said by [`login`](super::login::login).
    Login(LoginRequest),
    /// To be told what can be asked.
    Help(Topic),
}

/// Makes the request of a row and the values of its fields, wherever they were filled in. Values of fields that the
/// row does not have are ignored, and so are blank ones.
pub fn build(item: &Item, values: &[(&str, Vec<String>)]) -> Result<Request, Refusal> {
    let filled = Values { item, values };
    filled.check()?;
    let answer = |progress| {
        let text = filled.one("text").unwrap_or("");
        Ok(Request::Command(Command::Answer { task: filled.task()?, status: Status::new(progress, text)? }))
    };
    let query = |query| Ok(Request::Query(query));
    let command = |command| Ok(Request::Command(command));
    match item.act {
        Act::Tasks => query(Query::Tasks { of: filled.one("of").map(str::to_owned) }),
        Act::Start => answer(Progress::Running),
        Act::Done | Act::Ok | Act::Answer => answer(Progress::Success),
        Act::Fail => answer(Progress::Fail),
        Act::Undo => answer(Progress::None),
        Act::Who => query(Query::Users),
        Act::Clock => query(Query::Clock),
        Act::Help => Ok(Request::Help(filled.one("verb").map_or(Ok(Topic::Everything), Topic::parse)?)),
        Act::Create => command(filled.create()?),
        Act::Show => query(Query::Show { task: filled.task()? }),
        Act::History => query(Query::History { task: filled.task()? }),
        Act::Assign => command(Command::Assign { task: filled.task()?, names: filled.many("names") }),
        Act::Unassign => command(Command::Unassign { task: filled.task()?, names: filled.many("names") }),
        Act::Reset => command(Command::Reset { task: filled.task()?, names: filled.many("names") }),
        Act::Rename => command(Command::Rename { task: filled.task()?, title: filled.title()? }),
        Act::Remove => command(Command::Remove { task: filled.task()? }),
        Act::Late => query(Query::Late),
        Act::Plans => query(Query::Plans),
        Act::Now => command(Command::Fulfil { plan: filled.plan()?, due: None }),
        Act::Unplan => command(Command::Unplan { plan: filled.plan()? }),
        Act::Replan => {
            let timing = Timing::required(filled.trimmed("schedule")?)?;
            command(Command::Replan { plan: filled.plan()?, timing })
        }
        Act::Restore => command(Command::Restore { task: filled.task()? }),
        Act::Remind => command(Command::Remind { task: filled.task()? }),
        Act::Watch => command(Command::Watch(filled.watched()?.unwrap_or(Watched::All))),
        Act::Unwatch => command(Command::Unwatch(filled.watched()?)),
        Act::Deadline => command(Command::SetDeadline { task: filled.task()?, by: filled.new_deadline()? }),
        Act::Checklists => query(Query::Checklists),
        Act::Run => Ok(Request::Begin(filled.trimmed("checklist")?.to_owned())),
        Act::Stop => command(Command::Stop { name: filled.trimmed("running")?.to_owned() }),
        Act::Links => command(Command::Links(LinksWish::parse(filled.trimmed("links")?)?)),
        Act::Board => command(Command::Door(DoorCommand::OfferLink { secret: None })),
        Act::Login => Ok(Request::Login(filled.login()?)),
        Act::Sessions => query(Query::Sessions),
        Act::Logout => command(Command::Door(DoorCommand::Leave(Leaving::parse(filled.trimmed("session")?)?))),
        Act::Token => command(Command::Door(filled.token()?)),
        Act::Tokens => query(Query::Tokens),
        Act::Revoke => {
            let token = TokenId::parse(filled.trimmed("token")?)?;
            command(Command::Door(DoorCommand::Revoke { token }))
        }
        Act::SetClock => command(Command::Clock(ClockAct::parse(filled.trimmed("act")?, filled.one("time"))?)),
    }
}

/// A row whose fields are filled in.
struct Values<'a> {
    item: &'a Item,
    values: &'a [(&'a str, Vec<String>)],
}

impl Values<'_> {
    /// Whether everything that has to be filled in is.
    fn check(&self) -> Result<(), Refusal> {
        let missing = |field: &&Field| field.presence == Presence::Required && self.one(field.var).is_none();
        match self.item.fields.iter().find(missing) {
            Some(field) => Err(Refusal::MissingField { field: field.var }),
            None => Ok(()),
        }
    }

    fn all(&self, var: &str) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(name, _)| *name == var).flat_map(|(_, values)| values).map(String::as_str)
    }

    fn one(&self, var: &str) -> Option<&str> {
        self.all(var).find(|value| !value.trim().is_empty())
    }

    fn many(&self, var: &str) -> Vec<String> {
        self.all(var).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    fn trimmed(&self, var: &'static str) -> Result<&str, Refusal> {
        self.one(var).map(str::trim).ok_or(Refusal::MissingField { field: var })
    }

    fn task(&self) -> Result<TaskId, Refusal> {
        TaskId::parse(self.trimmed("task")?)
    }

    fn plan(&self) -> Result<PlanId, Refusal> {
        PlanId::parse(self.trimmed("plan")?)
    }

    fn title(&self) -> Result<Title, Refusal> {
        Title::parse(self.one("title").unwrap_or(""))
    }

    fn watched(&self) -> Result<Option<Watched>, Refusal> {
        self.one("watched").map(Watched::parse).transpose()
    }

    fn create(&self) -> Result<Command, Refusal> {
        let (kind, title, names) = (Kind::parse(self.trimmed("kind")?)?, self.title()?, self.many("names"));
        if let Some(schedule) = self.one("schedule") {
            let timing = Timing::required(schedule)?;
            if let Some(deadline) = self.one("deadline") {
                return Err(Refusal::DeadlineOfPlan { deadline: excerpt(deadline.trim()) });
            }
            return Ok(Command::Plan(NewPlan { title, kind, names, timing }));
        }
        let statuses = names.into_iter().map(|name| Named { name, status: Status::NONE }).collect();
        let wanted = WholeTask { title, kind, statuses, manner: Manner::Replacing };
        Ok(match self.one("deadline") {
            Some(deadline) => Command::CreateDue { wanted, by: Deadline::required(deadline.trim())? },
            None => Command::Create(wanted),
        })
    }

    fn login(&self) -> Result<LoginRequest, Refusal> {
        let code = self.trimmed("code")?.to_owned();
        let confirmation = match self.one("confirm") {
            Some(word) => Confirmation::parse(word).ok_or_else(|| Refusal::Surplus { text: excerpt(word) })?,
            None => Confirmation::Missing,
        };
        Ok(LoginRequest { code, confirmation })
    }

    fn token(&self) -> Result<DoorCommand, Refusal> {
        let scope = TokenScope::parse(self.trimmed("scope")?)?;
        let name = self.one("name").map(|name| name.trim().to_owned());
        Ok(DoorCommand::Give { scope, name, secret: None })
    }

    /// The deadline that a task gets; `None` if it is to have none.
    fn new_deadline(&self) -> Result<Option<When>, Refusal> {
        const NONE: [&str; 6] = ["off", "none", "no", "нет", "снять", "убрать"];
        let text = self.trimmed("deadline")?;
        if NONE.contains(&&*text.to_lowercase()) { Ok(None) } else { Deadline::required(text).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Amendment, NewRun};
    use crate::face::line::look;
    use crate::plan::Schedule;
    use std::collections::{BTreeSet, HashSet};
    use std::mem::{Discriminant, discriminant};

    fn example(kind: FieldKind) -> &'static str {
        match kind {
            FieldKind::OwnOpenTask | FieldKind::OwnAnsweredTask | FieldKind::Task | FieldKind::RemovedTask => "#3",
            FieldKind::Names | FieldKind::Assigned | FieldKind::User => "hall1",
            FieldKind::TaskKind => "okfail",
            FieldKind::Title | FieldKind::Text => "42",
            FieldKind::Schedule => "end-60!",
            FieldKind::Deadline => "20m",
            FieldKind::Plan => "s3",
            FieldKind::Verb => "done",
            FieldKind::ClockAct => "start",
            FieldKind::Time => "10:30",
            FieldKind::Watched => "failures",
            FieldKind::Checklist | FieldKind::Running => "seating",
            FieldKind::LinksWish => "off",
            FieldKind::Code => "482193",
            FieldKind::Confirmation => "yes",
            FieldKind::Session => "all",
            FieldKind::TokenScope => "display",
            FieldKind::Token => "k1",
            FieldKind::Owner => "hall1",
        }
    }

    fn filled(item: &Item, wanted: impl Fn(&Field) -> bool) -> Vec<(&'static str, Vec<String>)> {
        let fields = item.fields.iter().filter(|field| wanted(field));
        fields.map(|field| (field.var, vec![" ".to_owned(), example(field.kind).to_owned()])).collect()
    }

    fn whole(item: &Item) -> Request {
        build(item, &filled(item, |field| item.act != Act::Create || field.kind != FieldKind::Deadline)).unwrap()
    }

    /// With a deadline instead of a moment.
    fn due(item: &Item) -> Request {
        build(item, &filled(item, |field| item.act != Act::Create || field.kind != FieldKind::Schedule)).unwrap()
    }

    fn least(item: &Item) -> Request {
        build(item, &filled(item, |field| field.presence == Presence::Required)).unwrap()
    }

    #[test]
    fn every_row_can_be_built_whole_and_with_the_least_but_with_nothing_less() {
        for item in &MENU {
            whole(item);
            least(item);
            for lacking in item.fields.iter().filter(|field| field.presence == Presence::Required) {
                let refused = build(item, &filled(item, |field| field != lacking));
                assert_eq!(refused, Err(Refusal::MissingField { field: lacking.var }), "{}", item.verb);
            }
        }
    }

    #[test]
    fn no_two_rows_share_an_act_a_node_or_a_word() {
        let acts: HashSet<_> = MENU.iter().map(|item| item.act).collect();
        let nodes: BTreeSet<_> = MENU.iter().map(|item| item.node).collect();
        assert_eq!((acts.len(), nodes.len()), (MENU.len(), MENU.len()));
        let words: Vec<_> = MENU.iter().flat_map(Item::words).collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
        for item in &MENU {
            assert_eq!((by_act(item.act), by_node(item.node)), (item, Some(item)));
            assert!(!item.russian.is_empty());
            for word in item.words() {
                assert_eq!(by_word(&word.to_uppercase()), Ok(item));
                assert_eq!(word, word.to_lowercase().replace('ё', "е"), "it would never be found");
            }
        }
        assert_eq!(by_word("ждём").unwrap().act, Act::Late);
        assert_eq!(by_word("d\u{43e}ne").unwrap().act, Act::Done, "with a Cyrillic letter in it");
        let looks: BTreeSet<_> =
            MENU.iter().flat_map(|item| item.words().map(move |word| (look(word), item.verb))).collect();
        let distinct: BTreeSet<_> = looks.iter().map(|(look, _)| look).collect();
        assert_eq!(looks.len(), distinct.len(), "two rows have words that look the same");
    }

    /// Every query and command that people can ask, by hand: one that is missing here does not compile.
    fn expected() -> (HashSet<Discriminant<Query>>, HashSet<Discriminant<Command>>) {
        let (task, plan) = (TaskId(1), PlanId(1));
        let (title, kind, manner) = (Title::parse("t").unwrap(), Kind::Todo, Manner::Replacing);
        let timing = Timing::required("start").unwrap();
        let mut queries = vec![Query::Users];
        while let Some(next) = match queries[queries.len() - 1] {
            Query::Users => Some(Query::Tasks { of: None }),
            Query::Tasks { .. } => Some(Query::Clock),
            Query::Clock => Some(Query::Show { task }),
            Query::Show { .. } => Some(Query::History { task }),
            Query::History { .. } => Some(Query::Late),
            Query::Late => Some(Query::Plans),
            Query::Plans => Some(Query::Checklists),
            Query::Checklists => Some(Query::Sessions),
            Query::Sessions => Some(Query::Tokens),
            Query::Tokens => None,
        } {
            queries.push(next);
        }
        let (names, title) = (Vec::new, || title.clone());
        let wanted = || WholeTask { title: title(), kind, statuses: vec![], manner };
        let by = Deadline::required("20m").unwrap();
        let mut commands = vec![Command::Create(wanted())];
        while let Some(next) = match commands[commands.len() - 1] {
            Command::Create(_) => Some(Command::CreateDue { wanted: wanted(), by }),
            Command::CreateDue { .. } => Some(Command::Edit { task, wanted: wanted() }),
            Command::Edit { .. } => Some(Command::Amend { task, amendment: Amendment::default() }),
            Command::Amend { .. } => Some(Command::SetStatus { task, name: String::new(), status: Status::NONE }),
            Command::SetStatus { .. } => Some(Command::Remove { task }),
            Command::Remove { .. } => Some(Command::Answer { task, status: Status::NONE }),
            Command::Answer { .. } => Some(Command::Assign { task, names: names() }),
            Command::Assign { .. } => Some(Command::Unassign { task, names: names() }),
            Command::Unassign { .. } => Some(Command::Reset { task, names: names() }),
            Command::Reset { .. } => Some(Command::Rename { task, title: title() }),
            Command::Rename { .. } => Some(Command::Plan(NewPlan { title: title(), kind, names: names(), timing })),
            Command::Plan(_) => Some(Command::Unplan { plan }),
            Command::Unplan { .. } => Some(Command::Replan { plan, timing }),
            Command::Replan { .. } => Some(Command::NoteLapsed { plan, due: Schedule::AT_ITS_TURN }),
            Command::NoteLapsed { .. } => Some(Command::Fulfil { plan, due: None }),
            Command::Fulfil { .. } => Some(Command::Clock(ClockAct::Start)),
            Command::Clock(_) => Some(Command::Restore { task }),
            Command::Restore { .. } => Some(Command::Remind { task }),
            Command::Remind { .. } => Some(Command::Watch(Watched::All)),
            Command::Watch(_) => Some(Command::Unwatch(None)),
            Command::Unwatch(_) => Some(Command::SetDeadline { task, by: None }),
            Command::SetDeadline { .. } => Some(Command::NoteOverdue { task, round: 1 }),
            Command::NoteOverdue { .. } => Some(Command::Begin(NewRun { name: String::new(), steps: Vec::new() })),
            Command::Begin(_) => Some(Command::Stop { name: String::new() }),
            Command::Stop { .. } => Some(Command::Links(LinksWish::On)),
            Command::Links(_) => Some(Command::Door(DoorCommand::OfferLink { secret: None })),
            Command::Door(_) => None,
        } {
            commands.push(next);
        }
        // A packet of a whole task and several changes at once are for programs; people assign, unassign, reset and rename. What
        // is overdue is noted by the service.
        let is_for_programs = |command: &Command| {
            matches!(command, Command::Edit { .. } | Command::Amend { .. } | Command::SetStatus { .. })
        };
        commands.retain(|command| {
            !is_for_programs(command) && !matches!(command, Command::NoteOverdue { .. } | Command::NoteLapsed { .. })
        });
        (queries.iter().map(discriminant).collect(), commands.iter().map(discriminant).collect())
    }

    #[test]
    fn everything_that_people_can_ask_is_in_the_menu() {
        let (mut queries, mut commands, mut help) = (HashSet::new(), HashSet::new(), false);
        for request in MENU.iter().flat_map(|item| [whole(item), due(item), least(item)]) {
            match request {
                Request::Query(query) => _ = queries.insert(discriminant(&query)),
                Request::Command(command) => _ = commands.insert(discriminant(&command)),
                // What it is to change is known once the checklist is read.
                Request::Begin(name) => {
                    _ = commands.insert(discriminant(&Command::Begin(NewRun { name, steps: vec![] })))
                }
                Request::Help(_) => help = true,
                Request::Login(_) => {} // what it is to change is known once the code is looked up
            }
        }
        assert_eq!((queries, commands), expected());
        assert!(help);
    }

    #[test]
    fn answers_say_what_their_verbs_mean() {
        for (act, progress, value) in [
            (Act::Start, Progress::Running, ""),
            (Act::Done, Progress::Success, ""),
            (Act::Ok, Progress::Success, ""),
            (Act::Fail, Progress::Fail, "42"),
            (Act::Answer, Progress::Success, "42"),
            (Act::Undo, Progress::None, ""),
        ] {
            let status = Status::new(progress, value).unwrap();
            assert_eq!(whole(by_act(act)), Request::Command(Command::Answer { task: TaskId(3), status }));
        }
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        let refusal = |act, values: &[(&str, &str)]| {
            let values: Vec<_> = values.iter().map(|(var, value)| (*var, vec![(*value).to_owned()])).collect();
            build(by_act(act), &values).unwrap_err()
        };
        assert!(matches!(refusal(Act::Done, &[("task", "x")]), Refusal::UnknownTask { .. }));
        assert!(matches!(refusal(Act::Now, &[("plan", "3")]), Refusal::UnknownPlan { .. }));
        assert_eq!(refusal(Act::Rename, &[("task", "3"), ("title", " ")]), Refusal::MissingField { field: "title" });
        assert!(matches!(refusal(Act::Help, &[("verb", "doen")]), Refusal::UnknownVerb { nearest: Some("done"), .. }));
        let bad = [("kind", "todo"), ("title", "t"), ("schedule", "noon")];
        assert!(matches!(refusal(Act::Create, &bad), Refusal::BadSchedule { .. }));
        assert!(matches!(refusal(Act::Deadline, &[("task", "3"), ("deadline", "noon")]), Refusal::BadDeadline { .. }));
        let both = [("kind", "todo"), ("title", "t"), ("schedule", "end-60!"), ("deadline", "20m")];
        assert!(matches!(refusal(Act::Create, &both), Refusal::DeadlineOfPlan { .. }));
    }

    #[test]
    fn what_is_offered_to_whom() {
        assert_eq!(offered(Needs::Admin).count(), MENU.len());
        assert!(offered(Needs::User).all(|item| item.needs == Needs::User));
        assert_eq!(offered(Needs::User).count(), 15);
    }
}
