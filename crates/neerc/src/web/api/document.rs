//! The description of the interface (OpenAPI 3.1), made from its table of routes and from the core's menu.

use super::asked::given;
use super::routes::{Endpoint, ROOT, ROUTES, Route};
use super::{problem, put};
use crate::i18n::Files;
use neerc_core::clock::hand::ClockAct;
use neerc_core::face::menu::{FieldKind, Item, Presence};
use neerc_core::face::words::{Language, Words};
use neerc_core::limits::{TITLE_CHARS, VALUE_CHARS};
use neerc_core::task::{Kind, Progress};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const SEEN: &str = "The revision of the tasks, or of the task, that you have seen, alone or as `GENERATION-REVISION`: what has changed after it \
     is not replaced, and what you have seen of a log that was lost counts as outdated";

/// The whole description.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in &ROUTES {
        if route.endpoint == Endpoint::Do {
            given().for_each(|item| add(&mut paths, route, &route.path.replace("{command}", item.verb), command(item)));
        } else {
            add(&mut paths, route, route.path, operation(route, route.path));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "neerc",
            "version": "1",
            "description": "Tasks of contest staff. Tokens are made by an admin of the room: `token read` or `token write` in \
                the chat, or `neerc token` on the machine of the service. A request that changes something may carry \
                `Idempotency-Key`: it is done once, however often it comes within a day; with `If-Match` or `seen` it \
                replaces nothing that you have not seen.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas(),
        },
    })
}

fn add(paths: &mut Map<String, Value>, route: &Route, path: &str, operation: Value) {
    let at = paths.entry(format!("{ROOT}{path}")).or_insert_with(|| json!({}));
    put(at, &route.method.to_lowercase(), operation);
}

fn operation(route: &Route, path: &str) -> Value {
    let (status, schema) = route.answer;
    let mut answer = json!({"description": answer_of(route)});
    if let Some(schema) = schema {
        put(&mut answer, "content", json!({"application/json": {"schema": reference(schema)}}));
    } else if route.endpoint == Endpoint::Events {
        put(&mut answer, "content", json!({"text/event-stream": {"schema": {"type": "string"}}}));
    }
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters(route, path),
        "responses": {
            status.to_string(): answer,
            "default": {
                "description": "Why it was not done",
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            },
        },
    });
    if matches!(route.endpoint, Endpoint::Document | Endpoint::Problem) {
        put(&mut operation, "security", json!([]));
    }
    if let Some(body) = route.body {
        let schema = reference(body);
        put(
            &mut operation,
            "requestBody",
            json!({"required": true, "content": {"application/json": {"schema": schema}}}),
        );
    }
    operation
}

fn answer_of(route: &Route) -> &'static str {
    match (route.endpoint, route.answer.0) {
        (Endpoint::Events, _) => {
            "Events: `snapshot` with everything, unless Last-Event-ID or `since` names what is there; `tasks` with those that \
             have changed and the ids of those that are gone; `clock`; `beat` every ten seconds"
        }
        (_, 201) => "Created; Location says where",
        (_, 204) => "Done",
        _ => "As asked",
    }
}

/// The name of an endpoint, as programs that are made from the description call it.
fn operation_id(route: &Route) -> String {
    let name = format!("{:?}", route.endpoint);
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn parameters(route: &Route, path: &str) -> Value {
    let text = |name: &str, place: &str, about: &str, is_required: bool| json!({"name": name, "in": place, "required": is_required, "description": about, "schema": {"type": "string"}});
    let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = in_path.map(|name| text(name, "path", about(name), true)).collect();
    let mut query = |name: &str, about: &str| all.push(text(name, "query", about, false));
    match route.endpoint {
        Endpoint::Tasks => {
            query("for", "The name of a user: only their tasks, each with their status only");
            query("since", "A revision: only tasks that have changed after it, with the ids of all");
        }
        Endpoint::History => {
            query("since", "A revision: only what happened after it");
            query("before", "A revision: only what happened before it");
            query("task", "Only what happened to this task");
            query("by", "Only what this user did");
        }
        Endpoint::Events => {
            query("since", "The id of the last event that is known");
            all.push(text("Last-Event-ID", "header", "The same", false));
        }
        _ if route.method != "GET" => {
            all.push(text("Idempotency-Key", "header", "A name of this request: it is done once", false));
            if !matches!(route.endpoint, Endpoint::CreateTask | Endpoint::Plan) {
                all.push(text("If-Match", "header", SEEN, false));
                all.push(text("seen", "query", "The same, refused with 409 instead of 412", false));
            }
        }
        _ => {}
    }
    json!(all)
}

fn about(parameter: &str) -> &'static str {
    match parameter {
        "room" => "The name of the room",
        "task" => "The id of a task, such as t17",
        "name" => "The name of a user",
        "plan" => "The id of a planned task, such as s3",
        _ => "The code of a problem",
    }
}

/// A command of the menu.
fn command(item: &Item) -> Value {
    let say = |key: &str| Files.find(Language::English, key, &[]).unwrap_or_default();
    let field = |var: &str, kind: FieldKind| {
        let mut schema = match kind {
            FieldKind::Names | FieldKind::Assigned => json!({"type": "array", "items": {"type": "string"}}),
            FieldKind::TaskKind => reference("Kind"),
            FieldKind::ClockAct => json!({"type": "string", "enum": ClockAct::WORDS.map(|(name, _)| name)}),
            _ => json!({"type": "string"}),
        };
        let label = say(&format!("field-{var}"));
        if !label.is_empty() && schema.get("$ref").is_none() {
            put(&mut schema, "description", json!(label));
        }
        (var.to_owned(), schema)
    };
    let properties: Map<String, Value> = item.fields.iter().map(|f| field(f.var, f.kind)).collect();
    let required = item.fields.iter().filter(|field| field.presence == Presence::Required).map(|field| field.var);
    let required: Vec<_> = required.collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        put(&mut schema, "required", json!(required));
    }
    let text = |name: &str, place: &str, about: &str, is_required: bool| json!({"name": name, "in": place, "required": is_required, "description": about, "schema": {"type": "string"}});
    json!({
        "operationId": format!("do{}{}", item.verb.get(..1).unwrap_or_default().to_uppercase(), item.verb.get(1..).unwrap_or_default()),
        "summary": say(&format!("item-{}", item.verb)),
        "parameters": [
            text("room", "path", about("room"), true),
            text("Idempotency-Key", "header", "A name of this request: it is done once", false),
            text("If-Match", "header", SEEN, false),
            text("seen", "query", "The same, refused with 409 instead of 412", false),
        ],
        "requestBody": {"required": !required.is_empty(), "content": {"application/json": {"schema": schema}}},
        "responses": {
            "200": {"description": "What was done", "content": {"application/json": {"schema": reference("Said")}}},
            "default": {
                "description": "Why it was not done",
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            },
        },
    })
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// An object whose members are these; those of `optional` may be missing.
fn object(members: &[(&str, Value)], optional: &[&str]) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).filter(|name| !optional.contains(name)).collect();
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let mut object = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        put(&mut object, "required", json!(required));
    }
    object
}

fn schemas() -> Value {
    let all = answers().into_iter().chain(reports()).chain(bodies());
    Value::Object(all.map(|(name, schema)| (name.to_owned(), schema)).collect())
}

fn text() -> Value {
    json!({"type": "string"})
}

fn number() -> Value {
    json!({"type": "integer"})
}

fn list(of: &Value) -> Value {
    json!({"type": "array", "items": of})
}

fn maybe_text() -> Value {
    json!({"type": ["string", "null"]})
}

fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn maybe_moment() -> Value {
    json!({"type": ["string", "null"], "format": "date-time"})
}

fn of_task(more: &[(&'static str, Value)]) -> Value {
    let head = [("id", text()), ("title", text()), ("kind", reference("Kind")), ("timestamp", moment())];
    object(&head.into_iter().chain(more.iter().cloned()).collect::<Vec<_>>(), &[])
}

/// What is answered of people and tasks.
fn answers() -> Vec<(&'static str, Value)> {
    let flag = json!({"type": "boolean"});
    let kinds = [Kind::Todo, Kind::TodoFail, Kind::Confirm, Kind::OkFail, Kind::Question].map(Kind::name);
    let (group, display) = (("group", maybe_text()), ("display", maybe_text()));
    let user = [("name", text()), display, group, ("power", flag.clone()), ("online", flag.clone())];
    let status = [("for", text()), ("status", reference("Progress")), ("value", text()), ("at", maybe_moment())];
    let tasks =
        [("generation", text()), ("revision", number()), ("tasks", list(&reference("Task"))), ("ids", list(&text()))];
    let late = [("overdue", flag), ("silent", list(&text())), ("unfinished", list(&text()))];
    vec![
        ("Kind", json!({"type": "string", "enum": kinds})),
        ("Progress", json!({"type": "string", "enum": Progress::ALL.map(Progress::name)})),
        ("Users", object(&[("users", list(&object(&user, &[])))], &[])),
        // In the history it is not said since when.
        ("Status", object(&status, &["at"])),
        ("Task", of_task(&[("revision", number()), ("statuses", list(&reference("Status")))])),
        ("Tasks", object(&tasks, &["ids"])),
        ("LateTasks", object(&[("tasks", list(&of_task(&late)))], &[])),
        ("Made", object(&[("id", text())], &[])),
        ("Said", object(&[("said", list(&text())), ("id", text())], &["id"])),
    ]
}

/// What else is answered.
fn reports() -> Vec<(&'static str, Value)> {
    let phases = ["before", "counting", "running", "paused", "over"];
    let codes: BTreeSet<&str> = problem::all().map(|(code, _)| code).collect();
    let plan = [
        ("id", text()),
        ("title", text()),
        ("kind", reference("Kind")),
        ("for", list(&text())),
        ("schedule", maybe_text()),
        ("by", text()),
    ];
    let entry = [
        ("revision", number()),
        ("at", moment()),
        ("by", text()),
        ("what", text()),
        ("task", text()),
        ("plan", text()),
        ("title", text()),
        ("kind", reference("Kind")),
        ("statuses", list(&reference("Status"))),
        ("unassigned", list(&text())),
    ];
    let history = [("generation", text()), ("history", list(&reference("HistoryEntry"))), ("archived", number())];
    let clock = [
        ("phase", json!({"type": "string", "enum": phases})),
        ("elapsed_ms", number()),
        ("total_ms", number()),
        ("set_by", maybe_text()),
        ("silent_since", maybe_moment()),
    ];
    let problem = [
        ("type", text()),
        ("title", text()),
        ("status", number()),
        ("detail", text()),
        ("instance", text()),
        ("code", json!({"type": "string", "enum": codes})),
        ("task", reference("Task")),
    ];
    vec![
        ("Clock", object(&clock, &[])),
        ("Plans", object(&[("plans", list(&object(&plan, &[])))], &[])),
        ("HistoryEntry", object(&entry, &["task", "plan", "title", "kind", "statuses", "unassigned"])),
        ("History", object(&history, &["archived"])),
        ("ProblemType", object(&[("code", text()), ("title", text()), ("status", number())], &[])),
        // The task stands there where the caller has seen another one.
        ("Problem", object(&problem, &["task"])),
    ]
}

/// What is sent.
fn bodies() -> Vec<(&'static str, Value)> {
    let title = json!({"type": "string", "minLength": 1, "maxLength": TITLE_CHARS});
    let names = json!({"type": "array", "items": text(), "description": "Users, groups or occupants of the room"});
    let schedule = json!({"type": "string", "examples": ["start+15", "end-60!"]});
    let deadline = json!({"type": "string", "examples": ["20m", "10:45", "end-30"]});
    let value = json!({"type": "string", "maxLength": VALUE_CHARS});
    let act = json!({"type": "string", "enum": ClockAct::WORDS.map(|(name, _)| name)});
    let time = json!({"type": "string", "examples": ["1:23:00", "10:30"]});
    let strict = |members: &[(&str, Value)], optional: &[&str]| {
        let mut schema = object(members, optional);
        put(&mut schema, "additionalProperties", json!(false));
        schema
    };
    let task = [("title", title.clone()), ("kind", reference("Kind")), ("for", names.clone())];
    let with = |more: (&'static str, Value)| task.iter().cloned().chain([more]).collect::<Vec<_>>();
    let amendment = [
        ("title", title.clone()),
        ("kind", reference("Kind")),
        ("assign", names.clone()),
        ("unassign", names.clone()),
        ("reset", names.clone()),
    ];
    vec![
        ("NewTask", strict(&with(("deadline", deadline)), &["for", "deadline"])),
        ("NewPlan", strict(&with(("schedule", schedule)), &["for"])),
        ("Amendment", strict(&amendment, &["title", "kind", "assign", "unassign", "reset"])),
        ("NewStatus", strict(&[("status", reference("Progress")), ("value", value)], &["value"])),
        ("ClockAct", strict(&[("act", act), ("time", time)], &["time"])),
    ]
}
