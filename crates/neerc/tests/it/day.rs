//! A hall's and an admin's day by ad-hoc commands only, in a standard client that knows nothing of the service: its list
//! of commands, its forms, its notes.

use crate::profanity::Profanity;
use crate::servers::{Kind, Server};
use crate::service::Neerc;
use crate::wait::{PATIENCE, poll_for};

/// Somebody with profanity before its console.
struct Person {
    client: Profanity,
    /// The room's address at the service.
    to: String,
}

impl Person {
    fn new(server: &Server, neerc: &Neerc<'_>, room: &str, user: &str) -> Person {
        let client = Profanity::login(server, user);
        let to = neerc.room_jid(room);
        // It offers commands once it has found something at the server that takes them; nothing on its screen says when.
        let listed = poll_for(PATIENCE, || {
            client.types("/clear");
            client.types(&format!("/cmd list {to}"));
            let answers = ["Ad hoc commands:", "does not support ad hoc commands"];
            let screen = poll_for(PATIENCE, || Some(client.screen()).filter(|s| answers.iter().any(|a| s.contains(a))));
            screen.filter(|screen| screen.contains(answers[0]))
        });
        assert!(listed.is_some(), "no commands are listed:\n{}", client.screen());
        Person { client, to }
    }

    /// Begins a command; waits for what is shown of it.
    #[track_caller]
    fn begins(&self, verb: &str, shown: &str) {
        self.client.types("/win 1");
        self.client.types("/clear");
        let node = format!("http://neerc.ifmo.ru/protocol/neerc/commands#{verb}");
        self.client.says(&format!("/cmd exec {node} {}", self.to), shown);
    }

    /// Fills in the form that is shown and sends it; waits for what is answered.
    #[track_caller]
    fn fills(&self, fields: &[&str], answered: &str) {
        for field in fields {
            self.client.says(field, "Field updated");
        }
        self.client.types("/form submit");
        self.client.wait_for(answered);
    }

    /// Looks at the console, where the notes of commands stand: of tables profanity shows the title only.
    #[track_caller]
    fn reads(&self, note: &str) {
        let seen = poll_for(PATIENCE, || {
            self.client.types("/win 1"); // again and again: an answer opens its own window over it
            self.client.screen().contains(note).then_some(())
        });
        assert!(seen.is_some(), "no {note:?} in the console:\n{}", self.client.screen());
    }
}

fn a_day_by_forms(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("dayadmin", "owner"), ("dayhall", "member")]);
    let neerc = Neerc::start(server, &[&room], "");
    let admin = Person::new(server, &neerc, &room, "dayadmin");
    let hall = Person::new(server, &neerc, &room, "dayhall");

    hall.client.says(&format!("/cmd list {}", hall.to), "commands#undo");
    assert!(!hall.client.screen().contains("commands#create"), "{}", hall.client.screen());
    hall.begins("done", "Nothing to do for you.");

    admin.begins("create", "Hand out a task now");
    admin.fills(&["/field1 okfail", "/field3 add dayhall"], "Title: please fill in.");
    let title = "/field2 \"Wallpapers set?\"";
    admin.fills(&[title], "Task 1 is handed out to 1 person: Wallpapers set?");
    admin.begins("late", "Form title: Who is late");
    admin.reads("1 · Wallpapers set? · dayhall");

    hall.begins("tasks", "Form title: Tasks");
    hall.fills(&[], "");
    hall.reads("1 · Wallpapers set? · yes or no · no answer");
    hall.begins("fail", "[1] 1: Wallpapers set?");
    hall.fills(&["/field2 \"none of them\""], "Task 1: no: none of them.");

    admin.begins("show", "[1] 1: Wallpapers set?");
    admin.fills(&[], "");
    admin.reads("dayhall · no: none of them");
    admin.begins("reset", "Form title: Reset");
    admin.fills(&[], "For whom");
    admin.fills(&["/field1 add dayhall"], "Task 1 is changed.");

    hall.begins("ok", "[1] 1: Wallpapers set?");
    hall.fills(&[], "Task 1: yes.");
    hall.begins("create", "only owners and admins of the");

    admin.begins("late", "Everybody has answered.");
    admin.begins("remove", "[1] 1: Wallpapers set?");
    admin.fills(&[], "Task 1 is removed.");
}

#[test]
fn a_day_by_forms_on_prosody() {
    a_day_by_forms(Kind::Prosody);
}
