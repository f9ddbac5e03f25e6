//! A changed configuration is taken by the service that runs, whole, or refused whole with the reason.

use std::fs;
use std::path::Path;

use crate::doors::printed;
use crate::http::Http;
use crate::raw::Raw;
use crate::said::{NS, Said};
use crate::servers::{Kind, Server};
use crate::service::Neerc;
use crate::wait::wait_for;

on_both!(a_changed_configuration_is_taken_whole_or_refused_whole, how_it_stands_is_shown_to_people_and_programs);

/// `neerc reload`: its exit code and all that it says.
fn reload(neerc: &Neerc<'_>) -> (Option<i32>, String) {
    let output = neerc.command().arg("reload").arg("--config").arg(neerc.config()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).trim().to_owned())
}

/// The group of a user, as an admin is told it.
pub fn group_of(raw: &mut Raw, to: &str, user: &str) -> String {
    raw.send(&format!("<iq to='{to}' type='get' id='users'><query xmlns='{NS}#users'/></iq>"));
    let answer = Said::read(&raw.expect(|text| text.starts_with("<iq") && text.contains("#users")));
    let found = answer.users.into_iter().find(|[name, ..]| name == user);
    found.unwrap_or_else(|| panic!("{user} is not in {}", answer.xml))[1].clone()
}

fn a_changed_configuration_is_taken_whole_or_refused_whole(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let mut neerc = Neerc::start(server, &[&room], "[clock]\nfile = \"clock.xml\"\n[web]\nlisten = \"127.0.0.1:0\"\n");
    let to = neerc.room_jid(&room);
    let mut jury = Raw::login(server, "jury1", "reload");
    jury.send(&format!("<message to='{to}' type='chat'><body>@todo jury1 Keys</body></message>"));
    jury.expect(|text| text.contains("is handed out"));
    let hall = printed(&neerc, &["token", "--room", &room, "--as", "hall1"]);
    let tasks_of_hall = |neerc: &Neerc<'_>| {
        let url = format!("http://{}", Http::board(neerc).0);
        let mut command = neerc.command();
        command.args(["tasks", "--room", &room, "--url", &url]).env("NEERC_TOKEN", hall.trim());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let sees_keys = |neerc: &Neerc<'_>, wanted| tasks_of_hall(neerc).contains("Keys") == wanted;
    wait_for("all tasks to be seen", || sees_keys(&neerc, true));
    let first = fs::read_to_string(neerc.config()).unwrap();
    assert_eq!(reload(&neerc), (Some(0), "nothing has changed in the configuration".to_owned()));
    // Taken whole.
    let lists = "- name: seating\n  steps:\n    - - '@todo Chairs hall1'\n";
    fs::write(neerc.dir.join("lists.yaml"), lists).unwrap();
    fs::write(neerc.dir.join("other.xml"), "<clock time='60000' length='18000000' status='PAUSED'/>").unwrap();
    let more = "[[groups]]\nname = \"Floor\"\nmembers = [\"hall1\"]\n[checklists]\nfile = \"lists.yaml\"\n[clock]\nfile = \"other.xml\"\n\
                [log]\nlevel = \"debug\"\n[texts]\nlanguage = \"ru\"\n[store]\nkeep_days = 3\n\
                [tasks]\nvisibility = \"own\"\nremind_min = 7\nplan_lapses_min = 0\n";
    neerc.lay(more);
    let taken = "the configuration was taken as it is now: checklists.file, clock.file, groups, log.level, store.keep_days, \
                 tasks.plan_lapses_min, tasks.remind_min, tasks.visibility, texts.language";
    assert_eq!(reload(&neerc), (Some(0), taken.to_owned()));
    wait_for("one's own tasks only to be seen", || sees_keys(&neerc, false));
    assert_eq!(group_of(&mut jury, &to, "hall1"), "Floor");
    shows(&neerc, "paused at 0:01:00");
    jury.send(&format!("<message to='{to}' type='chat'><body>run seating</body></message>"));
    jury.expect(|text| text.contains("Chairs"));
    // Refused whole: what is wrong, and what needs a restart.
    neerc.lay("[[groups]]\nname = \"Ground\"\nmembers = [\"hall1\"]\n[limits]\nrequests_burst = -1\n");
    let (code, said) = reload(&neerc);
    assert!(code == Some(2) && said.contains("limits.requests_burst is -1: must be 1 to 100000"), "{said}");
    let old_log = neerc.log().len();
    neerc.signal("HUP");
    neerc.wait_for_log("the changed configuration was not taken, and all stays as it was", old_log);
    neerc.lay("[limits]\nrequests_burst = 9\n[web]\nlisten = \"127.0.0.1:1\"\n");
    let refused = "neerc: the changed configuration was not taken, and all stays as it was: web.listen can be changed by a \
                   restart only";
    assert_eq!(reload(&neerc), (Some(2), refused.to_owned()));
    assert_eq!(group_of(&mut jury, &to, "hall1"), "Floor");
    // Back to what it was at first, by a signal.
    fs::write(neerc.config(), &first).unwrap();
    let old_log = neerc.log().len();
    neerc.signal("HUP");
    neerc.wait_for_log("the configuration was taken as it is now", old_log);
    assert_ne!(group_of(&mut jury, &to, "hall1"), "Floor");
    wait_for("all tasks to be seen again", || sees_keys(&neerc, true));
    // The file may have gone, and there may be no service.
    fs::remove_file(neerc.config()).unwrap();
    let old_log = neerc.log().len();
    neerc.signal("HUP");
    neerc.wait_for_log("was not taken, and all stays as it was: cannot read the configuration", old_log);
    fs::write(neerc.config(), &first).unwrap();
    neerc.terminate();
    let (code, said) = reload(&neerc);
    assert!(code == Some(1) && said.contains("no neerc serves from"), "{said}");
}

/// Waits until `neerc check` says that of the clock.
#[track_caller]
fn shows(neerc: &Neerc<'_>, words: &str) {
    let check = |config: &Path| neerc.command().arg("check").arg("--config").arg(config).output().unwrap();
    wait_for(words, || String::from_utf8_lossy(&check(&neerc.config()).stdout).contains(words));
}

/// `neerc status`: its exit code and all that it says.
fn status(neerc: &Neerc<'_>, arguments: &[&str]) -> (Option<i32>, String) {
    let output = neerc.command().arg("status").args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn how_it_stands_is_shown_to_people_and_programs(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let mut neerc = Neerc::prepare(server, &[&room], "[clock]\nfile = \"clock.xml\"\n");
    fs::write(neerc.dir.join("clock.xml"), "<clock time='60000' length='18000000' status='PAUSED'/>").unwrap();
    let (code, said) = status(&neerc, &[]);
    assert!(code == Some(1) && said.contains("no neerc serves from"), "{said}");
    neerc.restart();
    let mut jury = Raw::login(server, "jury1", "status");
    let task = format!("<task xmlns='{NS}#task' title='Chairs' type='todo'><status for='hall1'/></task>");
    jury.send(&format!("<iq to='{}' type='set' id='task'>{task}</iq>", neerc.room_jid(&room)));
    jury.expect(|text| text.starts_with("<iq") && text.contains("result"));
    let output = neerc.command().args(["backup", "copy.db"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown = || -> serde_json::Value { serde_json::from_str(&status(&neerc, &["--json"]).1).unwrap() };
    wait_for("the clock is read and all is told", || {
        shown()["rooms"][0]["clock"]["elapsed_s"] == 60 && shown()["untold_changes"] == 0
    });
    let standing = shown();
    let of_room = &standing["rooms"][0];
    for (key, value) in [("people", 2), ("admins", 1), ("tasks", 1), ("open", 1), ("late", 0)] {
        assert_eq!(of_room[key], value, "{key} in {standing}");
    }
    assert_eq!((&of_room["room"], &of_room["joined"]), (&room.clone().into(), &true.into()));
    assert_eq!((&standing["pid"], &standing["revision"]), (&neerc.pid().into(), &1.into()));
    assert_eq!(standing["link"]["connected"], true);
    assert_eq!((&standing["backup"]["file"], &standing["backup"]["revision"]), (&"copy.db".into(), &1.into()));
    assert!(standing["store"]["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{standing}");
    let (code, said) = status(&neerc, &[]);
    assert!(code == Some(0) && said.contains("changes   1, and everybody has been told of all"), "{said}");
    assert!(said.contains("paused at 0:01:00 of 5:00:00, heard "), "{said}");
}
