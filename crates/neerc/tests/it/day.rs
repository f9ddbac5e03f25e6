//! A hall's and an admin's day by ad-hoc commands only, in a standard client that knows nothing of the service: its list
//! of commands, its forms, its notes.

use crate::profanity::Profanity;
use crate::servers::{HOST, Kind, Server};
use crate::service::Neerc;

/// Somebody with profanity before its console.
struct Person {
    client: Profanity,
    /// The room's address at the service.
    to: String,
}

impl Person {
    fn new(server: &Server, neerc: &Neerc<'_>, room: &str, user: &str) -> Person {
        let client = Profanity::login(server, user);
        // It offers commands once it has heard what the server can, which this is answered after.
        client.says(&format!("/disco info {HOST}"), "http://jabber.org/protocol/commands");
        Person { client, to: neerc.room_jid(room) }
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
            self.client.says(field, "Field updated...");
        }
        self.client.types("/form submit");
        self.client.wait_for(answered);
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
    admin.begins("late", "1 · Wallpapers set? · dayhall");

    hall.begins("tasks", "Form title: Tasks");
    hall.fills(&[], "1 · Wallpapers set? · yes or no · no answer");
    hall.begins("fail", "[1] 1: Wallpapers set?");
    hall.fills(&["/field2 \"none of them\""], "Task 1: failed: none of them.");

    admin.begins("show", "[1] 1: Wallpapers set?");
    admin.fills(&[], "dayhall · failed: none of them");
    admin.begins("reset", "Form title: Reset");
    admin.fills(&[], "For whom");
    admin.fills(&["/field1 add dayhall"], "Task 1 is changed.");

    hall.begins("ok", "[1] 1: Wallpapers set?");
    hall.fills(&[], "Task 1: done.");
    hall.begins("create", "forbidden");

    admin.begins("late", "Everybody has answered.");
    admin.begins("remove", "[1] 1: Wallpapers set?");
    admin.fills(&[], "Task 1 is removed.");
}

#[test]
fn a_day_by_forms_on_prosody() {
    a_day_by_forms(Kind::Prosody);
}
