//! Every address of the interface, in one table, from which requests are answered and its description is made.

use super::problem::ApiProblem;
use axum::http::Method;

/// Where it begins.
pub const ROOT: &str = "/api/v1";

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is the route of the same name
pub enum Endpoint {
    Document,
    Problem,
    Users,
    Tasks,
    CreateTask,
    AmendTask,
    RemoveTask,
    SetStatus,
    Late,
    Clock,
    SetClock,
    Plans,
    Plan,
    Unplan,
    History,
    Events,
    Do,
}

/// An address with a method.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub method: &'static str,
    /// Below [`ROOT`]; what stands in braces is any one segment.
    pub path: &'static str,
    pub endpoint: Endpoint,
    /// What it does.
    pub summary: &'static str,
    /// The schema of the body, if it takes one.
    pub body: Option<&'static str>,
    /// The status of an answer that is no problem, and the schema of its body, if it has one.
    pub answer: (u16, Option<&'static str>),
}

macro_rules! route {
    ($method:literal $path:literal $endpoint:ident, $body:expr => $status:literal $answer:expr, $summary:literal) => {
        Route {
            method: $method,
            path: $path,
            endpoint: Endpoint::$endpoint,
            summary: $summary,
            body: $body,
            answer: ($status, $answer),
        }
    };
}

/// All of them.
#[rustfmt::skip] // one row each
pub const ROUTES: [Route; 17] = [
    route!("GET" "/openapi.json" Document, None => 200 None, "This document"),
    route!("GET" "/problems/{code}" Problem, None => 200 Some("ProblemType"), "What a problem of that code is"),
    route!("GET" "/rooms/{room}/users" Users, None => 200 Some("Users"), "The users of the room"),
    route!("GET" "/rooms/{room}/tasks" Tasks, None => 200 Some("Tasks"),
        "The tasks of the room, or those of one user; since a revision, only those that have changed"),
    route!("POST" "/rooms/{room}/tasks" CreateTask, Some("NewTask") => 201 Some("Made"), "Create a task"),
    route!("PATCH" "/rooms/{room}/tasks/{task}" AmendTask, Some("Amendment") => 200 Some("Task"),
        "Change a task: what is not given stays"),
    route!("DELETE" "/rooms/{room}/tasks/{task}" RemoveTask, None => 204 None, "Remove a task"),
    route!("PUT" "/rooms/{room}/tasks/{task}/statuses/{name}" SetStatus, Some("NewStatus") => 200 Some("Task"),
        "Answer a task; an admin's token may for anybody"),
    route!("GET" "/rooms/{room}/late" Late, None => 200 Some("LateTasks"), "Who has not answered what"),
    route!("GET" "/rooms/{room}/clock" Clock, None => 200 Some("Clock"), "The contest clock"),
    route!("PUT" "/rooms/{room}/clock" SetClock, Some("ClockAct") => 200 Some("Clock"), "Set the contest clock"),
    route!("GET" "/rooms/{room}/plans" Plans, None => 200 Some("Plans"), "The planned tasks"),
    route!("POST" "/rooms/{room}/plans" Plan, Some("NewPlan") => 201 Some("Made"), "Plan a task"),
    route!("DELETE" "/rooms/{room}/plans/{plan}" Unplan, None => 204 None, "Take a task out of the plan"),
    route!("GET" "/rooms/{room}/history" History, None => 200 Some("History"),
        "What happened, newest first; Link leads to the next page"),
    route!("GET" "/rooms/{room}/events" Events, None => 200 None, "What changes, as it happens (server-sent events)"),
    route!("POST" "/rooms/{room}/do/{command}" Do, None => 200 Some("Said"), "Give a command of the menu"),
];

/// The route of a request, with what stands in its address.
#[derive(Debug)]
pub struct Found<'p> {
    pub route: &'static Route,
    /// The room; empty where there is none.
    pub room: &'p str,
    values: Vec<&'p str>,
}

impl<'p> Found<'p> {
    /// What stands in the braces of its path, but for the room.
    pub fn value(&self, index: usize) -> &'p str {
        self.values.get(index).copied().unwrap_or_default()
    }
}

static TABLE: [Route; ROUTES.len()] = ROUTES;

/// The route of a request for an address below `/api`.
pub fn find<'p>(method: &Method, path: &[&'p str]) -> Result<Found<'p>, ApiProblem> {
    let fitting: Vec<Found<'p>> = TABLE.iter().filter_map(|route| fit(route, path)).collect();
    let allowed: Vec<&str> = fitting.iter().map(|found| found.route.method).collect();
    let found = fitting.into_iter().find(|found| found.route.method == method.as_str());
    found.ok_or_else(
        || if allowed.is_empty() { ApiProblem::no_such_address() } else { ApiProblem::not_allowed(&allowed) },
    )
}

fn fit<'p>(route: &'static Route, path: &[&'p str]) -> Option<Found<'p>> {
    let root = ROOT.strip_prefix("/api/").into_iter();
    let wanted: Vec<&str> = root.chain(route.path.split('/').skip(1)).collect();
    if wanted.len() != path.len() {
        return None;
    }
    let (mut room, mut values) = ("", Vec::new());
    for (wanted, given) in wanted.into_iter().zip(path) {
        match wanted {
            "{room}" if !given.is_empty() => room = given,
            _ if wanted.starts_with('{') && !given.is_empty() => values.push(*given),
            _ if wanted != *given => return None,
            _ => {}
        }
    }
    Some(Found { route, room, values })
}
