//! Gajim, from the first contact on: chat with links that are followed, a list, a form that is refused and one that works.

use std::fs;
use std::process::Command;

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::{Desktop, PYTHON, is_installed};
use crate::servers::{HOST, Kind, PASSWORD, Server};
use crate::service::Neerc;
use crate::slix::Slix;
use crate::wait::PATIENCE;

/// Gajim as its own starter does it, except that it may be root's, as everything is where tests run in a container.
const STARTER: &str = "
import os, sys
os.geteuid = lambda: 1
from gajim.gajim import main
sys.argv = ['gajim', '--verbose']
main()
";

const MAIN: &str = "Gajim";

/// A Gajim of one account, on a desktop of its own.
struct Gajim {
    desktop: Desktop,
    user: String,
}

impl Gajim {
    /// Starts it and waits until it is online.
    #[track_caller]
    fn login(server: &Server, user: &str) -> Self {
        server.register(user);
        let mut desktop = Desktop::new("gajim");
        settings(&desktop, server, user);
        desktop.start(Command::new(PYTHON).args(["-c", STARTER]));
        let mut gajim = Self { desktop, user: user.to_owned() };
        gajim.desktop.sees(MAIN, "Start Chatting");
        gajim.remote("get_status", &format!("'{user}'"), "'online'");
        gajim
    }

    /// Asks by its remote control until it says this.
    #[track_caller]
    fn remote(&mut self, method: &str, argument: &str, answer: &str) {
        let call = json!([
            "call",
            "org.gajim.Gajim",
            "/org/gajim/dbus/RemoteObject",
            format!("org.gajim.dbus.RemoteInterface.{method}"),
            if argument.is_empty() { "()".to_owned() } else { format!("({argument},)") }
        ]);
        self.desktop.until(&call, |said| said.as_str().is_some_and(|said| said.contains(answer)));
    }

    /// Chooses an item of its menus.
    #[track_caller]
    fn acts(&mut self, path: &str, action: &str, argument: &str) {
        let argument = if argument.is_empty() { String::new() } else { format!("<{argument}>") };
        let parameters = format!("('{action}', @av [{argument}], @a{{sv}} {{}})");
        let call = json!(["call", "org.gajim.Gajim", path, "org.gtk.Actions.Activate", parameters]);
        self.desktop.until(&call, Value::is_string);
    }

    /// Adds the service to the contacts.
    #[track_caller]
    fn adds(&mut self, contact: &str) {
        let user = self.user.clone();
        self.acts("/org/gajim/Gajim", &format!("{user}-add-contact"), &format!("['{user}', '{contact}']"));
        self.desktop.presses("Add Contact", "Next");
        self.desktop.presses("Add Contact", "Add Contact");
    }

    /// Follows a link that the service has sent: the line that it stands for is in the field then, and Enter sends it.
    #[track_caller]
    fn follows(&mut self, to: &str, body: &str, beside: &str, line: &str) {
        let link = format!("xmpp:{to}?message;body={body}");
        self.acts("/org/gajim/Gajim", "open-link", &format!("['{}', '{link}']", self.user));
        self.desktop.sees(MAIN, &format!("{beside} · {link}"));
        self.desktop.sees(MAIN, line);
        self.acts("/org/gajim/Gajim/window/1", "send-message", "");
    }

    /// Opens the window with the commands of the service, and runs one.
    #[track_caller]
    fn runs(&mut self, service: &str, command: &str) {
        self.acts("/org/gajim/Gajim", &format!("{}-execute-command", self.user), &format!("'{service}'"));
        self.desktop.chooses("Command List", command);
        self.desktop.presses("Command List", "Execute");
    }
}

impl Gajim {
    /// Fills in the form of a new task. Gajim looks some time after the last key whether a form is complete, and falls over
    /// its own feet if the form has gone by then. So the title comes last, and what comes of it is waited for.
    #[track_caller]
    fn fills_in(&mut self, when: &str, title: &str) {
        self.desktop.fills("Stage", "When", when);
        self.desktop.fills("Stage", "Title", "");
        self.desktop.until(&json!(["can_press", "Stage", "Complete"]), |can| *can == json!(false));
        self.desktop.fills("Stage", "Title", title);
        self.desktop.until(&json!(["can_press", "Stage", "Complete"]), |can| *can == json!(true));
    }
}

/// What it would have after its first start with an account.
fn settings(desktop: &Desktop, server: &Server, user: &str) {
    let folder = desktop.dir.join("gajim");
    fs::create_dir_all(&folder).unwrap();
    let file = Connection::open(folder.join("settings.sqlite")).unwrap();
    file.execute_batch(
        "CREATE TABLE settings (name TEXT UNIQUE, settings TEXT);
         CREATE TABLE account_settings (account TEXT UNIQUE, settings TEXT);
         PRAGMA user_version = 5;",
    )
    .unwrap();
    let app = json!({
        "use_keyring": false, "remote_control": true, "check_for_update": false, "show_notifications": false,
        "dark_theme": 0,
    });
    let none = json!({});
    let rows = [
        ("app", &app),
        ("soundevents", &none),
        ("status_presets", &none),
        ("proxies", &none),
        ("plugins", &none),
        ("workspaces", &json!({"8f1a9a3e-3b0c-4c5e-9a3c-0b6f5a4d3c2b": {}})),
    ];
    for (name, settings) in rows {
        file.execute("INSERT INTO settings VALUES (?1, ?2)", params![name, settings.to_string()]).unwrap();
    }
    let account = json!({
        "account": {
            "name": user, "hostname": HOST, "password": PASSWORD, "savepass": true, "active": true, "autoconnect": true,
            "use_custom_host": true, "custom_host": "127.0.0.1", "custom_port": server.c2s_port, "custom_type": "PLAIN",
            "use_plain_connection": true, "confirm_unencrypted_connection": false, "resource": "gajim",
        },
        "contact": {}, "group_chat": {},
    });
    file.execute("INSERT INTO account_settings VALUES (?1, ?2)", params![user, account.to_string()]).unwrap();
}

/// A line of chat.
fn line(to: &str, body: &str) -> String {
    format!("<message to='{to}' type='chat'><body>{body}</body></message>")
}

#[test]
fn gajim_shows_the_service_its_lists_and_its_forms() {
    if !is_installed("/usr/bin/gajim") {
        return;
    }
    let server = Server::shared(Kind::Prosody);
    let (chief, jury) = ("gajimchief", "gajimjury");
    let room = server.room(&[(chief, "owner"), (jury, "admin")]);
    let neerc = Neerc::start(server, &[&room], "");
    let to = neerc.room_jid(&room);
    let chief = Slix::shared().login(server, chief, "desk");
    chief.send(&line(&to, "@okfail gajimjury Wallpapers set?"));
    chief.expect_message(|message| message.body().starts_with("Task 1 is handed out"), PATIENCE);
    let mut gajim = Gajim::login(server, jury);

    // The contact is accepted at once, and online.
    gajim.adds(&to);
    gajim.remote("list_contacts", &format!("'{jury}'"), "'show': <'online'>");

    // Who comes is told what there is to do, with a link that puts the answer into the field.
    gajim.remote("get_unread_msgs_number", "", "'1'");
    gajim.follows(&to, "yes%201", "1 · Wallpapers set? · yes or no", "yes 1");
    gajim.desktop.sees(MAIN, "Task 1: yes.");
    chief.send(&line(&to, "show 1"));
    chief.expect_message(|message| message.body().contains("gajimjury: yes"), PATIENCE);

    // A list as the result of a command.
    gajim.runs(&to, "Tasks");
    gajim.desktop.presses("Stage", "Complete");
    gajim.desktop.sees("Completed", "1 · Wallpapers set? · yes or no · 1 of 1 answered");
    gajim.desktop.presses("Completed", "Commands");

    // A form that is refused comes back with the words of the refusal; mended, it works.
    gajim.desktop.chooses("Command List", "New task");
    gajim.desktop.presses("Command List", "Execute");
    gajim.fills_in("noon", "Bring water");
    gajim.desktop.presses("Stage", "Complete");
    gajim.desktop.sees("Stage", "\"noon\" is no moment.");
    gajim.fills_in("start+15!", "Bring water");
    gajim.desktop.presses("Stage", "Complete");
    gajim.desktop.sees("Completed", "Planned as s1 for start+15!");
    chief.send(&line(&to, "plans"));
    chief.expect_message(|message| message.body().contains("Bring water"), PATIENCE);
}
