//! What happened in a room, page by page, for its admins.

use super::caller::Caller;
use super::problem::ApiProblem;
use super::shown::{Parameters, parameter, position, revision};
use super::{Answer, Api, address, put};
use crate::web::history::{newest, person};
use crate::web::log;
use crate::web::picture::Position;
use crate::webhooks::message::change;
use axum::http::StatusCode;
use axum::http::header::LINK;
use neerc_core::command::Query;
use neerc_core::refusal::Refusal;
use neerc_core::task::TaskId;
use serde_json::json;
use std::fmt::Write;

/// One page of it, with the address of the next one.
pub async fn page(api: &Api, caller: &Caller, parameters: &Parameters) -> Result<Answer, ApiProblem> {
    let view = caller.view()?;
    let task = parameter(parameters, "task").map(TaskId::parse).transpose()?;
    match task {
        Some(task) => _ = view.answer(&Query::History { task })?,
        None if !view.is_admin() => return Err(Refusal::AdminsOnly.into()),
        None => {}
    }
    let before = revision(parameters, "before")?;
    let since = match position(&caller.picture, parameters, "since")? {
        Some(Position::Elsewhere) => return Err(ApiProblem::of_another_log()),
        Some(Position::Known(since)) => Some(since),
        None => None,
    };
    let by = parameter(parameters, "by");
    let who = by.map(|by| person(&caller.picture.people, by));
    let name = caller.picture.room.clone();
    let read =
        api.site.library.read(move |reader| Ok((newest(reader, &name, (task, who, before))?, log::floor(reader)?)));
    let ((mut entries, mut older), floor) = read.await?;
    // What is in archives is missing from the last page, unless what was asked for is after it.
    let is_short = older.is_none() && floor.revision > since.unwrap_or(0);
    if let Some(since) = since {
        let all = entries.len();
        entries.retain(|entry| entry.revision > since);
        older = older.filter(|older| entries.len() == all && *older > since.saturating_add(1));
    }
    let people = &caller.picture.people;
    let history: Vec<_> = entries.iter().map(|entry| change(people.host(), entry)).collect();
    let mut shown = json!({"generation": caller.picture.history_name(), "history": history});
    if is_short {
        put(&mut shown, "archived", json!(floor.revision));
    }
    let next = older.map(|older| {
        let mut query = format!("before={older}");
        let given = [
            ("since", since.map(|since| caller.picture.position(since))),
            ("task", task.map(TaskId::wire_id)),
            ("by", by.map(encoded)),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                _ = write!(query, "&{name}={value}"); // a string takes everything
            }
        }
        (LINK, format!("<{}?{query}>; rel=\"next\"", address(&caller.picture.room, "/history")))
    });
    Ok(Answer::With(next.into_iter().collect(), StatusCode::OK, shown))
}

/// A value as it stands in an address.
fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => text.push(char::from(byte)),
            byte => _ = write!(text, "%{byte:02X}"), // a string takes everything
        }
        text
    })
}
