//! `neerc task`, `tasks`, `answer`, `late` and `clock`: what programs ask of a service that runs anywhere, by its interface
//! over HTTP and a token. Not what may be asked, which the service decides.

use super::args::{AnswerArgs, ApiArgs, ClockArgs, LateArgs, TaskArgs, TasksArgs};
use super::{Outcome, failure, out, usage};
use crate::http::{self, HttpAddress};
use crate::limits;
use crate::warnings::TOKEN_VARIABLE;
use anyhow::{Context, anyhow};
use neerc_core::clock::hand::clock_face;
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use ureq::Agent;
use ureq::http::{Method, Request};

/// The tasks of a room, or of somebody.
pub fn tasks(args: &TasksArgs) -> Outcome {
    let query = args.name.as_ref().map(|name| format!("?for={}", encoded(name)));
    let got = Client::open(&args.api)?.ask(Method::GET, &format!("/tasks{}", query.unwrap_or_default()), None)?;
    print(&args.api, &got, || {
        lines(member(&got, "tasks"), |task| [text(member(task, "kind")), &said(member(task, "statuses"))].join(" · "))
    })
}

/// Makes a task, and prints its id.
pub fn task(args: TaskArgs) -> Outcome {
    let TaskArgs { title, kind, names, deadline, api } = args;
    let names: Vec<&str> = names.iter().flat_map(|names| names.split(',')).map(str::trim).collect();
    let body = json!({"title": title, "kind": kind, "for": names, "deadline": deadline});
    let got = Client::open(&api)?.ask(Method::POST, "/tasks", Some(body))?;
    print(&api, &got, || text(member(&got, "id")).to_owned() + "\n")
}

/// Says what somebody says of a task.
pub fn answer(args: &AnswerArgs) -> Outcome {
    let name = args.name.as_deref().unwrap_or("@me");
    let path = format!("/tasks/{}/statuses/{}", encoded(&args.task), encoded(name));
    let body = json!({"status": args.status, "value": args.value.clone().unwrap_or_default()});
    let got = Client::open(&args.api)?.ask(Method::PUT, &path, Some(body))?;
    print(&args.api, &got, || lines(&json!([got]), |task| said(member(task, "statuses"))))
}

/// Who has not answered what.
pub fn late(args: &LateArgs) -> Outcome {
    let got = Client::open(&args.api)?.ask(Method::GET, "/late", None)?;
    let who = |task: &Value| {
        let all =
            [member(task, "silent"), member(task, "unfinished")].into_iter().filter_map(Value::as_array).flatten();
        all.map(text).collect::<Vec<_>>().join(", ")
    };
    print(&args.api, &got, || lines(member(&got, "tasks"), who))
}

/// Shows the contest clock, or sets it.
pub fn clock(args: &ClockArgs) -> Outcome {
    let client = Client::open(&args.api)?;
    let got = match &args.act {
        Some(act) => {
            let body = args.time.as_ref().map_or_else(|| json!({"act": act}), |time| json!({"act": act, "time": time}));
            client.ask(Method::PUT, "/clock", Some(body))?
        }
        None => client.ask(Method::GET, "/clock", None)?,
    };
    let shown = |name: &str| clock_face(member(&got, name).as_i64().unwrap_or_default());
    print(&args.api, &got, || match &got {
        Value::Null => String::new(),
        _ => format!("{} · {} / {}\n", text(member(&got, "phase")), shown("elapsed_ms"), shown("total_ms")),
    })
}

/// Prints what was answered, as it came or for people.
fn print(api: &ApiArgs, got: &Value, people: impl FnOnce() -> String) -> Outcome {
    if api.json { out::line(&got.to_string()) } else { out::text(&people()) }
}

/// A line for each task.
fn lines(tasks: &Value, rest: impl Fn(&Value) -> String) -> String {
    let tasks = tasks.as_array().into_iter().flatten();
    tasks.fold(String::new(), |mut lines, task| {
        _ = writeln!(lines, "{} · {} · {}", text(member(task, "id")), text(member(task, "title")), rest(task)); // a string takes all
        lines
    })
}

/// What an answer says under that name; nothing if it does not.
fn member<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What the people of a task say.
fn said(statuses: &Value) -> String {
    let one = |status: &Value| {
        let (name, progress, value) =
            (text(member(status, "for")), text(member(status, "status")), text(member(status, "value")));
        if value.is_empty() { format!("{name} {progress}") } else { format!("{name} {progress}: {value}") }
    };
    statuses.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(", ")
}

/// A text as it stands in an address.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) => encoded.push(char::from(byte)),
            byte => _ = write!(encoded, "%{byte:02X}"), // a string takes everything
        }
        encoded
    })
}

/// The interface of a service.
struct Client {
    agent: Agent,
    room: String,
    token: String,
}

impl Client {
    fn open(args: &ApiArgs) -> Result<Client, (super::Exit, anyhow::Error)> {
        let url = args.url.trim_end_matches('/');
        http::check(url).map_err(|why| usage(anyhow!(why)))?;
        let token = match &args.token_file {
            Some(file) => fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display())),
            None => std::env::var(TOKEN_VARIABLE).map_err(|_| anyhow!("set {TOKEN_VARIABLE}, or name a --token-file")),
        };
        let token = token.map_err(usage)?.trim().to_owned();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(usage(anyhow!("the token is empty or no token; make one by: neerc token")));
        }
        let agent = http::agent(&HttpAddress { url: url.to_owned(), ..HttpAddress::default() });
        let agent = agent.map_err(|why| failure(anyhow!(why)))?;
        Ok(Client { agent, room: format!("{url}/api/v1/rooms/{}", encoded(&args.room)), token })
    }

    /// Asks for something; what changes something is asked once more if no answer comes, and done once.
    fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, (super::Exit, anyhow::Error)> {
        let address = format!("{}{path}", self.room);
        let key = format!("\"{:032x}\"", fastrand::u128(..));
        let asked = || {
            let request = Request::builder().method(method.clone()).uri(&address);
            let request = request.header("Authorization", format!("Bearer {}", self.token));
            match &body {
                Some(body) => {
                    let request = request.header("Content-Type", "application/json").header("Idempotency-Key", &key);
                    self.agent.run(request.body(body.to_string())?)
                }
                None => self.agent.run(request.body(())?),
            }
        };
        let mut answer =
            asked().or_else(|_| asked()).with_context(|| format!("no answer from {address}")).map_err(failure)?;
        let read = answer.body_mut().with_config().limit(limits::API_ANSWER_BYTES).read_to_string();
        let text = read.with_context(|| format!("no whole answer from {address}")).map_err(failure)?;
        let value = if text.trim().is_empty() { Ok(Value::Null) } else { serde_json::from_str::<Value>(&text) };
        let status = answer.status();
        match value {
            Ok(value) if status.is_success() => Ok(value),
            Ok(value) if member(&value, "detail").is_string() => {
                Err(failure(anyhow!("{}", member(&value, "detail").as_str().unwrap_or_default())))
            }
            _ => Err(failure(anyhow!("{address} answers {status}, which is none of neerc's answers; is --url right?"))),
        }
    }
}
