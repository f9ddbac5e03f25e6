//! A checklist in the hands of two admins and two halls, with the process killed in its middle; and a file that cannot be
//! read.

use crate::servers::{Kind, Server, unique};
use crate::service::Neerc;
use crate::slix::{Slix, User};

const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";
const FILE: &str = "
- name: seating
  steps:
  - - '@todo listhall1 Open the doors'
    - '@confirm listhall2 Are you there?'
  - '@todo listhall1,listhall2 Close the doors'
- '@todo listhall1 Water'
";

fn done(user: &User<'_>, to: &str, task: u64) {
    let status = format!("<taskstatus xmlns='{NS}#taskstatus' id='{task}' type='success'/>");
    assert_eq!(user.iq(to, "set", &status).kind(), "result", "task {task}");
}

fn a_checklist_goes_on_where_it_was_when_the_process_was_killed(kind: Kind) {
    let server = Server::shared(kind);
    let names = ["listboss", "listjury", "listhall1", "listhall2"];
    server.register_many(&names);
    let room = server.room(&[(names[0], "owner"), (names[1], "admin"), (names[2], "member"), (names[3], "member")]);
    let settings = "[limits]\nrequests_per_second = 0\n[checklists]\nfile = \"scripts.yaml\"\n";
    let mut neerc = Neerc::prepare(server, &[&room], settings);
    std::fs::write(neerc.dir.join("scripts.yaml"), FILE).unwrap();
    neerc.restart();
    let to = neerc.room_jid(&room);
    let [boss, jury, hall1, hall2] = names.map(|name| Slix::shared().connect(server, name, &unique("r")));
    let listed = jury.asks(&to, "checklists");
    assert!(listed.contains("seating · 3 tasks, 2 steps: @todo listhall1 Open the doors"), "{listed}");
    assert!(listed.contains("2 · 1 task: @todo listhall1 Water"), "{listed}");
    assert_eq!(boss.asks(&to, "run seating"), "The checklist is under way: 3 tasks in 2 steps.");
    assert!(jury.asks(&to, "run Seating").contains("is under way already"));
    jury.reads(&to, "tasks all", "Are you there?");
    done(&hall1, &to, 1);
    neerc.kill9();
    neerc.restart();
    let said = jury.reads(&to, "checklists", "seating · under way since");
    assert!(said.contains("step 1 of 2, by listboss"), "{said}");
    done(&hall2, &to, 2);
    jury.reads(&to, "tasks all", "3 · Close the doors");
    neerc.kill9();
    neerc.restart();
    jury.reads(&to, "checklists", "step 2 of 2");
    done(&hall1, &to, 3);
    done(&hall2, &to, 3);
    jury.reads(&to, "checklists", "seating · finished");
    let tasks = jury.asks(&to, "tasks all");
    assert_eq!(tasks.lines().count(), 4, "a heading, and each task once: {tasks}");
    assert_eq!(jury.asks(&to, "plans"), "Nothing is planned.");
}

fn a_file_of_checklists_that_cannot_be_read_is_said_with_its_line(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("listboss", "owner")]);
    let neerc = Neerc::prepare(server, &[&room], "[checklists]\nfile = \"scripts.yaml\"\n");
    std::fs::write(neerc.dir.join("scripts.yaml"), "- '@todo halls Water'\n- @todo halls Bread\n").unwrap();
    for command in ["run", "check"] {
        let ended = neerc.command().arg(command).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{command}: {said}");
        for part in ["scripts.yaml", "line 2: ", "a text that begins with @ has to stand in quotes"] {
            assert!(said.contains(part), "{command}: no {part:?} in {said}");
        }
    }
    std::fs::write(neerc.dir.join("scripts.yaml"), "- '@todo halls Water'\n- Hello\n").unwrap();
    let checked = neerc.command().arg("check").output().unwrap();
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("1 checklists, 1 tasks") && said.contains("line 2: 'Hello' makes no task"), "{said}");
}

fn a_changed_file_is_read_again_and_what_is_under_way_goes_on_as_it_was_begun(kind: Kind) {
    let server = Server::shared(kind);
    let names = ["againboss", "againhall"];
    server.register_many(&names);
    let room = server.room(&[(names[0], "owner"), (names[1], "member")]);
    let settings = "[limits]\nrequests_per_second = 0\n[checklists]\nfile = \"scripts.yaml\"\n";
    let mut neerc = Neerc::prepare(server, &[&room], settings);
    let file = neerc.dir.join("scripts.yaml");
    std::fs::write(
        &file,
        "- name: doors\n  steps:\n  - '@todo againhall Open them'\n  - '@todo againhall Close them'\n",
    )
    .unwrap();
    neerc.restart();
    let to = neerc.room_jid(&room);
    let [boss, hall] = names.map(|name| Slix::shared().connect(server, name, &unique("r")));
    assert_eq!(boss.asks(&to, "run doors"), "The checklist is under way: 2 tasks in 2 steps.");
    std::fs::write(
        &file,
        "- name: doors\n  lines: '@todo againhall Paint them'\n- name: bread\n  lines: '@todo againhall Bread'\n",
    )
    .unwrap();
    boss.reads(&to, "checklists", "bread · 1 task");
    let before = neerc.log().len();
    std::fs::write(&file, "- name: doors\n  lines: @todo againhall Paint them\n").unwrap();
    neerc.wait_for_log("was changed and cannot be taken, so those from before stay: line 2: ", before);
    let listed = boss.asks(&to, "checklists");
    assert!(listed.contains("bread · 1 task") && listed.contains("step 1 of 2, by againboss"), "{listed}");
    let checked = neerc.command().arg("check").output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.code() == Some(2) && said.contains("line 2: "), "{said}");
    done(&hall, &to, 1);
    boss.reads(&to, "tasks all", "Close them");
    assert_eq!(neerc.log().matches("cannot be taken").count(), 1, "it is said once");
}

on_both!(
    a_changed_file_is_read_again_and_what_is_under_way_goes_on_as_it_was_begun,
    a_checklist_goes_on_where_it_was_when_the_process_was_killed,
    a_file_of_checklists_that_cannot_be_read_is_said_with_its_line
);
