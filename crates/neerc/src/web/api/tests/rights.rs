//! The table of rights (P5) by this way in: everything that can be asked, by everybody.

use super::{Site, problem};
use neerc_core::command::{Amendment, Command, Query, WholeTask};
use neerc_core::refusal::Refusal;
use neerc_core::task::TaskId;
use neerc_core::view::Visibility;
use neerc_testing::rights::{Asked, Asker, KEEPER, PLANNED, REMOVED, Standing, everything, expected};
use serde_json::{Value, json};

/// How it is asked: the method, the address and the body; `None` where there is no such request.
fn request(asked: &Asked) -> Option<(&'static str, String, Value)> {
    let at = |task: &TaskId| format!("/tasks/{}", task.wire_id());
    let given = |verb: &str, body: Value| Some(("POST", format!("/do/{verb}"), body));
    match asked {
        Asked::Query(Query::Users) => Some(("GET", "/users".to_owned(), Value::Null)),
        Asked::Query(Query::Tasks { of }) => {
            let query = of.as_ref().map_or_else(String::new, |of| format!("?for={of}"));
            Some(("GET", format!("/tasks{query}"), Value::Null))
        }
        Asked::Query(Query::Late) => Some(("GET", "/late".to_owned(), Value::Null)),
        Asked::Query(Query::Plans) => Some(("GET", "/plans".to_owned(), Value::Null)),
        Asked::Query(Query::History { task }) => Some(("GET", format!("/history?task={task}"), Value::Null)),
        Asked::Query(_) => None,
        Asked::Command(Command::Create(WholeTask { title, kind, .. })) => {
            let body = json!({"title": title.as_str(), "kind": kind.name(), "for": [KEEPER]});
            Some(("POST", "/tasks".to_owned(), body))
        }
        Asked::Command(Command::CreateDue { wanted, .. }) => {
            let body = json!({"title": wanted.title.as_str(), "kind": "todo", "for": [KEEPER], "deadline": "20m"});
            Some(("POST", "/tasks".to_owned(), body))
        }
        Asked::Command(Command::Plan(plan)) => {
            let body = json!({"title": plan.title.as_str(), "kind": "todo", "for": [KEEPER], "schedule": "start"});
            Some(("POST", "/plans".to_owned(), body))
        }
        Asked::Command(Command::Amend { task, amendment: Amendment { title, .. } }) => {
            Some(("PATCH", at(task), json!({"title": title.as_ref().map(|title| title.as_str())})))
        }
        Asked::Command(Command::Assign { task, names }) => Some(("PATCH", at(task), json!({"assign": names}))),
        Asked::Command(Command::Unassign { task, names }) => Some(("PATCH", at(task), json!({"unassign": names}))),
        Asked::Command(Command::Reset { task, names }) => Some(("PATCH", at(task), json!({"reset": names}))),
        Asked::Command(Command::Rename { task, title }) => Some(("PATCH", at(task), json!({"title": title.as_str()}))),
        Asked::Command(Command::Remove { task }) => Some(("DELETE", at(task), Value::Null)),
        Asked::Command(Command::SetStatus { task, name, status }) => {
            Some(("PUT", format!("{}/statuses/{name}", at(task)), json!({"status": status.progress.name()})))
        }
        Asked::Command(Command::Answer { task, status }) => {
            Some(("PUT", format!("{}/statuses/@me", at(task)), json!({"status": status.progress.name()})))
        }
        Asked::Command(Command::Unplan { plan }) => Some(("DELETE", format!("/plans/{plan}"), Value::Null)),
        Asked::Command(Command::Fulfil { plan, .. }) => given("now", json!({"plan": plan.to_string()})),
        Asked::Command(Command::Remind { task }) => given("remind", json!({"task": task.to_string()})),
        Asked::Command(Command::Restore { task }) => given("restore", json!({"task": task.to_string()})),
        Asked::Command(Command::Clock(_)) => {
            Some(("PUT", "/clock".to_owned(), json!({"act": "length", "time": "4:00"})))
        }
        _ => None,
    }
}

/// A room with the tasks and the planned task of the table.
fn prepared(visibility: Visibility) -> Site {
    let site = Site::seen(visibility);
    for names in [&["hall1", "keeper"][..], &["keeper"], &["keeper"]] {
        site.made("Task", names);
    }
    let removed = site.call("DELETE", &format!("/tasks/{}", REMOVED.wire_id()), "boss", &Value::Null);
    let plan = json!({"title": "Plan", "kind": "todo", "for": [KEEPER], "schedule": "end-60"});
    let planned = site.call("POST", "/plans", "boss", &plan);
    assert_eq!((removed.status, planned.body["id"].as_str()), (204, Some(&*PLANNED.to_string())));
    site
}

#[test]
fn everybody_may_do_here_what_they_may_do_elsewhere_and_nothing_else() {
    for visibility in [Visibility::All, Visibility::Own] {
        for (token, name, standing) in [
            ("boss", "admin", Standing::Power),
            ("hall", "hall1", Standing::Ordinary),
            ("gone", "stranger", Standing::Nobody),
        ] {
            let user = (standing != Standing::Nobody).then_some(name);
            let asker = Asker { standing, user, has_own: name == "hall1" };
            let requests: Vec<_> =
                everything(name).into_iter().filter_map(|asked| Some((request(&asked)?, asked))).collect();
            assert!(requests.len() > 40, "{}", requests.len());
            // A removed task stays removed, and what is done changes nothing for whoever asks next.
            let mut site = prepared(visibility);
            for ((method, path, body), asked) in requests {
                let mut wanted = expected(asker, &asked, visibility);
                if matches!(&asked, Asked::Query(Query::Tasks { of: Some(of) }) if of == "nobody" && standing != Standing::Nobody)
                {
                    wanted = Err(Refusal::UnknownUser { name: "nobody".to_owned() });
                }
                let got = site.call(method, &path, token, &body);
                let wanted = match wanted {
                    Ok(()) => (true, String::new()),
                    Err(refusal) => (false, format!("{} {}", problem::status(&refusal).as_u16(), refusal.key())),
                };
                let came = match (200..300).contains(&got.status) {
                    true => (true, String::new()),
                    false => (false, format!("{} {}", got.outcome().0, got.outcome().1)),
                };
                assert_eq!(came, wanted, "{token} {visibility:?} {method} {path} {body}: {asked:?}");
                if came.0 && method != "GET" {
                    site = prepared(visibility);
                }
            }
        }
    }
}
