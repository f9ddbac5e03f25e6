//! What happened, as `neerc log` and `neerc export` read it from the store of a service that runs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::fake::FakeServer;
use crate::guard::Process;
use crate::said::NS;
use crate::service::Neerc;

fn said(neerc: &Neerc<'_>, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = neerc.command().args(arguments).arg("--config").arg(neerc.config()).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), out, err)
}

/// Does something to the tasks.
fn does(fake: &mut FakeServer, who: &str, id: &str, payload: &str) {
    fake.send(&fake.iq(who, "set", id, payload));
    assert_eq!(fake.expect(|said| said.id == id).kind, "result");
}

#[test]
fn what_happened_is_listed_filtered_followed_and_exported_while_the_service_runs() {
    const JURY: &str = "jury1@localhost/desk";
    const HALL: &str = "hall2@localhost/desk";
    let (mut fake, neerc) = FakeServer::start();
    let task = |title: &str| {
        format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='hall1'/><status for='hall2'/></task>")
    };
    let answer = |task: u64| {
        format!("<taskstatus xmlns='{NS}#taskstatus' id='{task}' type='success' value='=all &quot;done&quot;'/>")
    };
    does(&mut fake, JURY, "one", &task("Bring water"));
    does(&mut fake, HALL, "two", &answer(1));
    let (code, all, _) = said(&neerc, &["log"]);
    let lines: Vec<&str> = all.lines().collect();
    assert_eq!((code, lines.len()), (Some(0), 3), "{all}");
    assert!(lines[0].ends_with("fake jury1 created 1 \"Bring water\" todo hall1 none"), "{all}");
    assert!(lines[2].ends_with("fake hall2 answered 1 hall2 success \"=all \"done\"\""), "{all}");
    assert_eq!(said(&neerc, &["log", "--by", "hall2"]).1.lines().count(), 1);
    assert_eq!(said(&neerc, &["log", "--task", "2"]).1, "");
    assert_eq!(said(&neerc, &["log", "--since", "10m", "--until", "r1"]).1.lines().count(), 2);
    let (code, _, why) = said(&neerc, &["log", "--since", "soon"]);
    assert!(code == Some(2) && why.contains("--since is \"soon\""), "{why}");

    let mut follow = neerc.command();
    follow.args(["log", "--follow", "--json", "--by", "jury1", "--config"]).arg(neerc.config()).stdout(Stdio::piped());
    let mut follow = Process::spawn("neerc log", &mut follow);
    let mut heard = BufReader::new(follow.child().stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(heard.by_ref().take(2).filter(|line| line.contains("\"task\":1")).count(), 2);
    does(&mut fake, JURY, "three", &task("Bring bread"));
    let line = heard.next().unwrap();
    assert!(line.contains("\"task\":2") && line.contains("\"title\":\"Bring bread\""), "{line}");

    let table = neerc.dir.join("contest.csv");
    let name = table.display().to_string();
    assert_eq!(said(&neerc, &["export", "--output", &name]).0, Some(0));
    let text = fs::read_to_string(&table).unwrap();
    assert!(text.starts_with("\u{feff}revision,time,room,by,what") && text.lines().count() == 6, "{text}");
    assert!(text.contains("'=all"), "no cell is a formula: {text}");
    let (code, _, why) = said(&neerc, &["export", "--output", &name]);
    assert!(code == Some(1) && why.contains("contest.csv"), "nothing is replaced: {why}");
    assert_eq!(said(&neerc, &["export", "--format", "jsonl", "--room", "another"]).1, "");
    assert_eq!(said(&neerc, &["export", "--format", "jsonl"]).1.lines().count(), 5);

    let report = neerc.dir.join("contest.html");
    let (code, _, why) = said(&neerc, &["export", "--format", "html", "--output", &report.display().to_string()]);
    assert_eq!(code, Some(0), "{why}");
    let page = fs::read_to_string(&report).unwrap();
    for part in ["<!doctype html>", "Report · fake", "<svg ", "1 Bring water", "new task: Bring bread — hall1, hall2"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.trim_end().ends_with("</html>") && page.contains("=all &#34;done&#34;"), "{page}");
    for outside in ["src=", "href=", "url(", "@import", "<script"] {
        assert!(!page.contains(outside), "a report needs nothing else: {outside}");
    }
    let (code, page, _) = said(&neerc, &["export", "--format", "html", "--room", "Another"]);
    assert!(code == Some(0) && page.contains("Nobody has answered anything") && !page.contains("Bring"), "{page}");
}
