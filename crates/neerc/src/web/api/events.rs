//! What changes, as it happens (server-sent events): first everything, or nothing if the program knows it, then what differs.
//! A slow reader is sent the difference to what they have, so nothing piles up for them. The stream ends with its token.

use super::caller::Caller;
use super::problem::ApiProblem;
use super::shown::{self, Parameters, parameter};
use super::{Api, put};
use crate::web::limits;
use crate::web::live::{Events, event, id_of};
use crate::web::server::end;
use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use neerc_core::task::Task;
use neerc_core::view::Sight;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Opens a stream.
pub fn open(
    api: &Arc<Api>,
    caller: &Caller,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Response, ApiProblem> {
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let known = resumed.or_else(|| parameter(parameters, "since")) == Some(&id_of(&caller.picture));
    let reading = (api.streams.begin(caller)?, api.site.crowd.streams.enter());
    let (sender, events) = mpsc::channel(1);
    let read = read(api.clone(), caller.clone(), known, sender);
    tokio::spawn(async {
        read.await;
        drop(reading);
    });
    let kept = (CACHE_CONTROL, "no-store");
    // A proxy that gathers what it passes on would hold events back.
    let headers = [(CONTENT_TYPE, "text/event-stream"), kept, (HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, Body::from_stream(Events(events))).into_response())
}

async fn read(api: Arc<Api>, mut caller: Caller, known: bool, sender: mpsc::Sender<Bytes>) {
    let (mut albums, mut stopped) = (api.site.bridge.albums(), api.site.stopped.clone());
    let mut first = format!("retry: {}\n\n", limits::RETRY_MS);
    if !known {
        first.push_str(&whole(&caller));
    }
    if sender.send(first.into()).await.is_err() {
        return;
    }
    let mut beat = interval(limits::BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    albums.mark_changed();
    loop {
        let is_beat = tokio::select! {
            biased;
            () = end(&mut stopped) => return,
            () = sender.closed() => return,
            changed = albums.changed() => if changed.is_ok() { false } else { return },
            _ = beat.tick() => true,
        };
        // What happens until there is room again is sent together.
        let Ok(Ok(place)) = timeout(limits::STALLED, sender.reserve()).await else { return };
        albums.mark_unchanged();
        let Ok(now) = caller.again(&api.site) else { return };
        if now.view().is_err() {
            return;
        }
        let mut news = difference(&caller, &now);
        if is_beat {
            news.push_str(&event("beat", None, &clock(&now).to_string()));
        }
        caller = now;
        if !news.is_empty() {
            place.send(news.into());
        }
    }
}

/// Everything there is.
fn whole(caller: &Caller) -> String {
    let tasks = shown::tasks(caller, &Vec::new()).unwrap_or_else(|_| json!({}));
    let mut whole = tasks;
    put(&mut whole, "clock", clock(caller));
    event("snapshot", Some(&id_of(&caller.picture)), &whole.to_string())
}

fn clock(caller: &Caller) -> Value {
    shown::clock(caller).unwrap_or(Value::Null)
}

/// What is different now.
fn difference(old: &Caller, new: &Caller) -> String {
    let mut news = tasks(old, new).unwrap_or_default();
    if old.picture.clock != new.picture.clock {
        news.push_str(&event("clock", Some(&id_of(&new.picture)), &clock(new).to_string()));
    }
    news
}

/// The tasks that are different now, and those that are gone.
fn tasks(old: &Caller, new: &Caller) -> Option<String> {
    let (old_view, view) = (old.view().ok()?, new.view().ok()?);
    if Arc::ptr_eq(&old.picture.board, &new.picture.board) && old_view.rights() == view.rights() {
        return None;
    }
    let is_seen_anew = |task: &Task| match old.picture.board.task(task.id) {
        Some(known) => known.revision != task.revision || old_view.sight(known) != view.sight(task),
        None => true,
    };
    let changed = new.picture.board.listed().into_iter().filter(|task| is_seen_anew(task));
    let tasks: Vec<Value> = changed.filter_map(|task| shown::task(new, task)).collect();
    let is_gone = |task: &&Task| {
        let now = new.picture.board.task(task.id).map_or(Sight::Nothing, |task| view.sight(task));
        now == Sight::Nothing && old_view.sight(task) != Sight::Nothing
    };
    let removed = old.picture.board.tasks().filter(is_gone).map(|task| task.id.wire_id());
    let removed: Vec<String> = removed.collect();
    if tasks.is_empty() && removed.is_empty() {
        return None; // something else of the room is different
    }
    let (generation, revision) = (new.picture.history_name(), new.picture.board.revision());
    let data = json!({"generation": generation, "revision": revision, "tasks": tasks, "removed": removed});
    Some(event("tasks", Some(&id_of(&new.picture)), &data.to_string()))
}
