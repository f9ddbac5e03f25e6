//! The echo job of the bench with tokio-xmpp's `Component`: answers `#ping`, and `#tasks` from a model in memory.
//! Usage: peer-tokio-xmpp PORT

use futures::StreamExt;
use std::process::ExitCode;
use std::time::Duration;
use tokio_xmpp::connect::DnsConfig;
use tokio_xmpp::minidom::Element;
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::xmlstream::Timeouts;
use tokio_xmpp::{Component, Stanza};

const NS_PING: &str = "http://neerc.ifmo.ru/protocol/neerc#ping";
const NS_TASKS: &str = "http://neerc.ifmo.ru/protocol/neerc#tasks";

struct Status {
    who: String,
    type_: &'static str,
    value: String,
}

struct Task {
    id: u64,
    title: String,
    type_: &'static str,
    timestamp_ms: i64,
    statuses: Vec<Status>,
}

fn model() -> Vec<Task> {
    let types = ["none", "running", "success", "fail"];
    let status = |id: u64, hall: u64| Status {
        who: format!("hall{hall}"),
        type_: types[(id + hall) as usize % 4],
        value: String::new(),
    };
    let task = |id: u64| Task {
        id,
        title: format!(
            "Bring the balloons of problem {} from the store to its hall",
            char::from(b'A' + ((id - 1) % 13) as u8)
        ),
        type_: "todo",
        timestamp_ms: 1_512_700_000_000 + id as i64,
        statuses: (1..=17).map(|hall| status(id, hall)).collect(),
    };
    (1..=16).map(task).collect()
}

fn tasks(model: &[Task]) -> Element {
    let status = |status: &Status| {
        Element::builder("status", NS_TASKS)
            .attr("for".try_into().expect("a name"), status.who.as_str())
            .attr("type".try_into().expect("a name"), status.type_)
            .attr("value".try_into().expect("a name"), status.value.as_str())
            .build()
    };
    let task = |task: &Task| {
        Element::builder("task", NS_TASKS)
            .attr("id".try_into().expect("a name"), task.id)
            .attr("title".try_into().expect("a name"), task.title.as_str())
            .attr("type".try_into().expect("a name"), task.type_)
            .attr("timestamp".try_into().expect("a name"), task.timestamp_ms)
            .append_all(task.statuses.iter().map(status))
            .build()
    };
    Element::builder("query", NS_TASKS).append_all(model.iter().map(task)).build()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(port) = std::env::args().nth(1) else { return ExitCode::from(2) };
    let model = model();
    let patience = Duration::from_secs(600);
    let timeouts = Timeouts { read_timeout: patience, response_timeout: patience };
    let address = DnsConfig::addr(&format!("127.0.0.1:{port}"));
    let mut component = match Component::new_plaintext("neerc.localhost", "secret", address, timeouts).await {
        Ok(component) => component,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    while let Some(stanza) = component.next().await {
        let Stanza::Iq(Iq::Get { from, to, id, payload }) = stanza else { continue };
        let answer = if payload.is("query", NS_PING) {
            None
        } else if payload.is("query", NS_TASKS) {
            Some(tasks(&model))
        } else {
            continue;
        };
        let result = Iq::Result { from: to, to: from, id, payload: answer };
        if component.send_stanza(Stanza::Iq(result)).await.is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}
