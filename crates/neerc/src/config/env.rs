//! The configuration as the environment gives it, in the shape of the file.

use super::error::{ConfigError, Origin};
use super::keys::{KEYS, RawLayer, variables};
use confique::meta::{Expr, Field, FieldKind, LeafKind};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

/// Refuses a variable of ours that is given and cannot be used.
pub fn check_variables(environment: impl Iterator<Item = (OsString, OsString)>) -> Result<(), ConfigError> {
    let mut broken = environment.filter(|(_, value)| value.to_str().is_none());
    match broken.find_map(|(name, _)| variables().find(|known| name == *known)) {
        Some(name) => Err(ConfigError::NotText { origin: Origin::Variable(name) }),
        None => Ok(()),
    }
}

/// What the environment says, in the shape of the file. The names of the variables used are added to `variables`.
///
/// Not confique's own reading of the environment: that takes the process's, which tests cannot change.
pub(super) fn layer(
    path: &Path,
    env: &impl Fn(&str) -> Option<String>,
    variables: &mut BTreeSet<&'static str>,
) -> Result<RawLayer, ConfigError> {
    let mut object = Map::new();
    for field in KEYS.fields {
        match field.kind {
            FieldKind::Leaf { .. } => field_into(field, env, variables, &mut object)?,
            FieldKind::Nested { meta } => {
                let mut section = Map::new();
                for field in meta.fields {
                    field_into(field, env, variables, &mut section)?;
                }
                object.insert(field.name.to_owned(), Value::Object(section));
            }
        }
    }
    // The values have the shapes that the keys ask for, so this does not fail.
    serde_json::from_value(Value::Object(object)).map_err(|error| ConfigError::Syntax {
        origin: Origin::File(path.to_owned(), None),
        message: format!("the environment does not fit: {error}"),
    })
}

fn field_into(
    field: &Field,
    env: &impl Fn(&str) -> Option<String>,
    variables: &mut BTreeSet<&'static str>,
    section: &mut Map<String, Value>,
) -> Result<(), ConfigError> {
    let FieldKind::Leaf { env: Some(name), kind } = field.kind else { return Ok(()) };
    let Some(text) = env(name).filter(|text| !text.is_empty()) else { return Ok(()) };
    let wrong = |wanted: &str| ConfigError::WrongType {
        origin: Origin::Variable(name),
        key: "its value".to_owned(),
        found: format!("{text:?}"),
        wanted: wanted.to_owned(),
    };
    let value = match kind {
        LeafKind::Required { default: Some(Expr::Bool(_)) } => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Value::Bool(true),
            "false" | "no" | "0" => Value::Bool(false),
            _ => return Err(wrong("true or false")),
        },
        LeafKind::Required { default: Some(Expr::Integer(_)) } => {
            Value::from(text.trim().parse::<i64>().map_err(|_| wrong("a whole number"))?)
        }
        LeafKind::Required { default: Some(Expr::Array(_)) } => list(&text),
        _ if field.name == "groups" => {
            groups(&text).ok_or_else(|| wrong("NAME=USER,USER or NAME=room:ROOM, with semicolons between groups"))?
        }
        _ if field.name == "clocks" => {
            clocks(&text).ok_or_else(|| wrong("ROOM,ROOM=SOURCE:WHERE, with semicolons between clocks"))?
        }
        _ if field.name == "webhooks" => webhooks(&text).ok_or_else(|| ConfigError::WrongType {
            origin: Origin::Variable(name),
            key: "its value".to_owned(),
            found: "(hidden)".to_owned(),
            wanted: "URL SECRET, with semicolons between webhooks".to_owned(),
        })?,
        _ => Value::String(text),
    };
    variables.insert(name);
    section.insert(field.name.to_owned(), value);
    Ok(())
}

/// `a, b` as a list.
fn list(text: &str) -> Value {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect()
}

/// `Halls=hall*,aux?; Jury=room:jury` as `[[groups]]`.
fn groups(text: &str) -> Option<Value> {
    let groups = text.split(';').map(str::trim).filter(|group| !group.is_empty());
    let group = |group: &str| {
        let (name, members) = group.split_once('=')?;
        let (key, members) = match members.trim().strip_prefix("room:") {
            Some(room) => ("room", Value::from(room.trim())),
            None => ("members", list(members)),
        };
        let pairs = [("name".to_owned(), Value::from(name.trim())), (key.to_owned(), members)];
        Some(Value::Object(pairs.into_iter().collect()))
    };
    groups.map(group).collect()
}

/// `school=manual; jury=json:https://host/clock` as `[[clocks]]`.
fn clocks(text: &str) -> Option<Value> {
    let clocks = text.split(';').map(str::trim).filter(|clock| !clock.is_empty());
    let clock = |clock: &str| {
        let (rooms, source) = clock.split_once('=')?;
        let (source, at) = source.split_once(':').map_or((source, None), |(source, at)| (source, Some(at.trim())));
        let key = if at.is_some_and(|at| at.contains("://")) { "url" } else { "path" };
        let at = at.map(|at| (key.to_owned(), Value::from(at)));
        let pairs = [("rooms".to_owned(), list(rooms)), ("source".to_owned(), Value::from(source.trim()))];
        Some(Value::Object(pairs.into_iter().chain(at).collect()))
    };
    clocks.map(clock).collect()
}

/// `https://host/path whsec_...; ...` as `[[webhooks]]`. A semicolon in a URL is written `%3B`.
fn webhooks(text: &str) -> Option<Value> {
    let webhooks = text.split(';').map(str::trim).filter(|webhook| !webhook.is_empty());
    let webhook = |webhook: &str| {
        let (url, secret) = webhook.split_once(char::is_whitespace)?;
        let pairs = [("url".to_owned(), Value::from(url)), ("secret".to_owned(), Value::from(secret.trim()))];
        Some(Value::Object(pairs.into_iter().collect()))
    };
    webhooks.map(webhook).collect()
}
