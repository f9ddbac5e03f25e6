//! What is to be changed: bodies of requests as commands of the core, and what is answered once they are done.

use super::caller::Caller;
use super::problem::ApiProblem;
use super::routes::{Endpoint, Found};
use super::shown;
use super::{Answer, Api, address, put};
use crate::web::asks::WebWish;
use crate::web::picture::{Picture, Position};
use axum::http::StatusCode;
use axum::http::header::{IF_MATCH, LOCATION};
use axum::http::request::Parts;
use neerc_core::board::Done;
use neerc_core::change::Effect;
use neerc_core::clock::hand::ClockAct;
use neerc_core::command::{Amendment, Command};
use neerc_core::face::begin::begin;
use neerc_core::face::lines::Lines;
use neerc_core::face::menu::{self, Act, Item, MENU, Request};
use neerc_core::plan::PlanId;
use neerc_core::refusal::{Refusal, excerpt};
use neerc_core::requests::KeyedRequest;
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A request that is to change something.
#[derive(Debug)]
pub struct Asked<'r> {
    pub parts: &'r Parts,
    pub body: &'r [u8],
    pub found: &'r Found<'r>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTaskBody {
    title: String,
    kind: String,
    #[serde(default)]
    r#for: Vec<String>,
    deadline: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPlanBody {
    title: String,
    kind: String,
    #[serde(default)]
    r#for: Vec<String>,
    schedule: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AmendmentBody {
    title: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    assign: Vec<String>,
    #[serde(default)]
    unassign: Vec<String>,
    #[serde(default)]
    reset: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusBody {
    status: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    act: String,
    time: Option<String>,
}

/// Has a request done, once, and says what came of it.
pub async fn change(api: &Arc<Api>, caller: Caller, asked: Asked<'_>) -> Result<Answer, ApiProblem> {
    let command = command(&caller, &asked)?;
    let request = keyed(&caller, &asked)?;
    let seen = Seen::by(&caller.picture, asked.parts)?;
    let task = command.task();
    let (room, who) = (caller.picture.room.clone(), caller.who.clone());
    let seen_revision = match seen.map(Seen::position) {
        Some(Position::Elsewhere) => return Err(refused(&caller, task, seen, Refusal::Outdated)),
        Some(Position::Known(revision)) => Some(revision),
        None => None,
    };
    let wish = WebWish { room, who, command, request, seen: seen_revision };
    let done = api.site.bridge.change(wish).await?;
    // The token may have been revoked meanwhile: what was done is said all the same.
    let caller = caller.again(&api.site).unwrap_or(caller);
    let done = done.map_err(|refusal| refused(&caller, task, seen, refusal))?;
    answered(api, &caller, asked.found.route.endpoint, task, &done)
}

/// What a caller says it has seen: a revision of the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// By the header of HTTP for that, `If-Match`.
    Matched(Position),
    /// By a parameter of the address.
    Named(Position),
}

impl Seen {
    fn by(picture: &Picture, parts: &Parts) -> Result<Option<Seen>, ApiProblem> {
        let query = crate::web::board::form(parts.uri.query().unwrap_or_default());
        let named = shown::position(picture, &query, "seen")?.map(Seen::Named);
        let Some(matched) = parts.headers.get(IF_MATCH) else { return Ok(named) };
        let matched = matched.to_str().map(str::trim).unwrap_or_default();
        if matched == "*" {
            return Ok(named); // whatever it is, as long as it is there
        }
        let revision = matched.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(matched);
        let malformed = || ApiProblem::malformed("If-Match has to be one revision");
        Ok(Some(Seen::Matched(picture.brought(revision).ok_or_else(malformed)?)))
    }

    fn position(self) -> Position {
        match self {
            Seen::Matched(position) | Seen::Named(position) => position,
        }
    }
}

/// Why something was not done; where what would be replaced is not what the caller has seen, with the task as it is now.
fn refused(caller: &Caller, task: Option<TaskId>, seen: Option<Seen>, refusal: Refusal) -> ApiProblem {
    let is_outdated = refusal == Refusal::Outdated;
    let mut problem = ApiProblem::from(refusal);
    if is_outdated {
        let task = task.and_then(|task| caller.picture.board.task(task));
        problem.task = task.and_then(|task| shown::task(caller, task));
        if matches!(seen, Some(Seen::Matched(_))) {
            problem.status = StatusCode::PRECONDITION_FAILED;
        }
    }
    problem
}

/// The command that is asked for.
fn command(caller: &Caller, asked: &Asked<'_>) -> Result<Command, ApiProblem> {
    let found = asked.found;
    let task = || TaskId::parse(found.value(0));
    Ok(match found.route.endpoint {
        Endpoint::CreateTask => {
            let NewTaskBody { title, kind, r#for, deadline } = body(asked.body)?;
            let deadline = deadline.into_iter().collect();
            built(
                Act::Create,
                &[("kind", vec![kind]), ("title", vec![title]), ("names", r#for), ("deadline", deadline)],
            )?
        }
        Endpoint::Plan => {
            let NewPlanBody { title, kind, r#for, schedule } = body(asked.body)?;
            if schedule.trim().is_empty() {
                return Err(Refusal::MissingField { field: "schedule" }.into());
            }
            let schedule = vec![schedule];
            built(
                Act::Create,
                &[("kind", vec![kind]), ("title", vec![title]), ("names", r#for), ("schedule", schedule)],
            )?
        }
        Endpoint::AmendTask => {
            let AmendmentBody { title, kind, assign, unassign, reset } = body(asked.body)?;
            let title = title.map(|title| Title::parse(&title)).transpose()?;
            let kind = kind.map(|kind| Kind::parse(&kind)).transpose()?;
            Command::Amend { task: task()?, amendment: Amendment { title, kind, assign, unassign, reset } }
        }
        Endpoint::RemoveTask => Command::Remove { task: task()? },
        Endpoint::SetStatus => {
            let StatusBody { status, value } = body(asked.body)?;
            let status = Status::new(Progress::parse(&status)?, &value)?;
            // No name is like this.
            let name = match found.value(1) {
                "@me" => caller.picture.people.name(&caller.who),
                name => name,
            };
            Command::SetStatus { task: task()?, name: name.to_owned(), status }
        }
        Endpoint::SetClock => {
            let ClockBody { act, time } = body(asked.body)?;
            Command::Clock(ClockAct::parse(act.trim(), time.as_deref())?)
        }
        Endpoint::Unplan => Command::Unplan { plan: PlanId::parse(found.value(0))? },
        Endpoint::Do => of_menu(caller, found.value(0), asked.body)?,
        _ => return Err(ApiProblem::no_such_address()), // the others are read
    })
}

fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiProblem> {
    serde_json::from_slice(bytes).map_err(|error| ApiProblem::malformed(&format!("the body: {error}")))
}

fn built(act: Act, values: &[(&str, Vec<String>)]) -> Result<Command, ApiProblem> {
    match menu::build(menu::by_act(act), values)? {
        Request::Command(command) => Ok(command),
        _ => Err(ApiProblem::no_such_address()), // these rows are commands
    }
}

/// The rows of the menu that are given as commands: not questions, and nothing that lets somebody in, since a token must
/// not make another one.
pub fn given() -> impl Iterator<Item = &'static Item> {
    static ROWS: [Item; MENU.len()] = MENU;
    ROWS.iter().filter(|item| !item.is_query() && !item.is_of_web())
}

/// A row of the menu with its fields filled in: each a text or a list of texts.
fn of_menu(caller: &Caller, verb: &str, bytes: &[u8]) -> Result<Command, ApiProblem> {
    let item = given().find(|item| item.verb == verb).ok_or_else(ApiProblem::no_such_address)?;
    let fields: Map<String, Value> = if bytes.is_empty() { Map::new() } else { body(bytes)? };
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        _ => Err(ApiProblem::malformed("each field has to be a text, or a list of texts")),
    };
    let mut values = Vec::new();
    for (name, value) in fields {
        let field = item.fields.iter().find(|field| field.var == name);
        let field =
            field.ok_or_else(|| ApiProblem::malformed(&format!("'{verb}' has no field '{}'", excerpt(&name))))?;
        let all = match value {
            Value::Array(all) => all.into_iter().map(text).collect::<Result<_, _>>()?,
            Value::Null => Vec::new(),
            value => vec![text(value)?],
        };
        values.push((field.var, all));
    }
    match menu::build(item, &values)? {
        Request::Command(command) => Ok(command),
        Request::Begin(name) => Ok(begin(&caller.view()?, &name).map_err(|not_begun| not_begun.refusal)?),
        _ => Err(ApiProblem::no_such_address()),
    }
}

/// The key of a request, if it has one, with a print of all that is asked.
fn keyed(caller: &Caller, asked: &Asked<'_>) -> Result<Option<Arc<KeyedRequest>>, ApiProblem> {
    let Some(key) = asked.parts.headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().map_err(|_| ApiProblem::malformed("Idempotency-Key has to be a text of ASCII"))?.trim();
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    let head = format!("{} {}\n", asked.parts.method, asked.parts.uri.path());
    let hash = hash_of_parts(head.as_bytes(), asked.body);
    Ok(Some(Arc::new(KeyedRequest::new(caller.token, key, hash)?)))
}

fn hash_of_parts(head: &[u8], body: &[u8]) -> u128 {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(head);
    context.update(body);
    let mut print = [0; 16];
    print.iter_mut().zip(context.finish().as_ref()).for_each(|(byte, known)| *byte = *known);
    u128::from_be_bytes(print)
}

/// What is said once it is done.
fn answered(
    api: &Api,
    caller: &Caller,
    endpoint: Endpoint,
    task: Option<TaskId>,
    done: &Done,
) -> Result<Answer, ApiProblem> {
    let made = |kind: &str, id: String| {
        let location = vec![(LOCATION, address(&caller.picture.room, &format!("/{kind}/{id}")))];
        Ok(Answer::With(location, StatusCode::CREATED, json!({"id": id})))
    };
    match (endpoint, done.effect) {
        (Endpoint::CreateTask, Effect::Created { task, .. }) => made("tasks", task.wire_id()),
        (Endpoint::Plan, Effect::Planned { plan }) => made("plans", plan.to_string()),
        (Endpoint::AmendTask | Endpoint::SetStatus, _) => {
            let task = task.and_then(|task| caller.picture.board.task(task));
            let shown = task.and_then(|task| shown::task(caller, task));
            Ok(shown.map_or(Answer::Done, |task| Answer::Json(StatusCode::OK, task)))
        }
        (Endpoint::SetClock, _) => match shown::clock(caller) {
            Ok(clock) => Ok(Answer::Json(StatusCode::OK, clock)),
            Err(_) => Ok(Answer::Done), // it follows a feed that says nothing
        },
        (Endpoint::Do, effect) => {
            let scene = caller.picture.scene(caller.time);
            let (words, language) = (api.site.words(), api.site.language());
            let lines = Lines { words, language, links: None, scene, who: &caller.who };
            let mut said = json!({"said": lines.done(done)});
            match effect {
                Effect::Created { task, .. } => put(&mut said, "id", json!(task.wire_id())),
                Effect::Planned { plan } => put(&mut said, "id", json!(plan.to_string())),
                _ => {}
            }
            Ok(Answer::Json(StatusCode::OK, said))
        }
        _ => Ok(Answer::Done),
    }
}
