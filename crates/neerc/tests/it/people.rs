//! Who people are, by lists from outside: a table that is imported while the service runs, a program, and the volunteers
//! service as a server of this test speaks it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::servers::{Kind, Server, unique};
use crate::service::Neerc;
use crate::slix::Slix;

/// The service as its page says: two halls, of which one has an alias, and one volunteer who is in the second.
fn volunteers() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (mut stream, mut request) = (BufReader::new(stream), String::new());
            while !request.ends_with("\r\n\r\n") && stream.read_line(&mut request).is_ok_and(|read| read > 0) {}
            let (status, body) = match request.split(' ').nth(1) {
                _ if !request.contains("uthorization: Bearer sesame\r\n") => ("401 Unauthorized", ""),
                Some("/api/halls?year=12") => (
                    "200 OK",
                    r#"[{"id":1,"name":"Hall1","curName":"Main building","description":"","chatAlias":""},
                        {"id":2,"name":"Left wing","description":"By the stairs","chatAlias":"HALL2"}]"#,
                ),
                Some("/api/user?username=ivan%40example.org&day=7") => {
                    ("200 OK", r#"{"username":"ivan@example.org","hall":"hall2"}"#)
                }
                _ => ("404 Not Found", ""),
            };
            let length = body.len();
            _ = write!(
                stream.get_mut(),
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
        }
    });
    port
}

const VOLUNTEER: &str = "ivan\\40example.org";

fn people_are_called_and_grouped_by_lists_from_outside(kind: Kind) {
    let server = Server::shared(kind);
    let names = ["jury1", "hall1", "hall2", VOLUNTEER];
    server.register_many(&names);
    let room = server.room(&[(names[0], "owner"), (names[1], "member"), (names[2], "member"), (names[3], "member")]);
    let settings = format!(
        "[[groups]]\nfile = \"people.csv\"\n[[groups]]\nname = \"Called\"\ncommand = [\"/bin/cat\", \"PROGRAM\"]\n\
         [[groups]]\nvolunteers = \"http://127.0.0.1:{}\"\ntoken_file = \"token\"\nyear = 12\nday = 7\npoll_s = 1\n",
        volunteers()
    );
    let mut neerc = Neerc::prepare(server, &[&room], "");
    let printed = neerc.dir.canonicalize().unwrap().join("printed.json");
    neerc.lay(&settings.replace("PROGRAM", &printed.display().to_string()));
    fs::write(&printed, r#"[{"name":"jury1","display":"Chief judge"}]"#).unwrap();
    fs::write(neerc.dir.join("token"), "sesame\n").unwrap();
    fs::set_permissions(neerc.dir.join("token"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(neerc.dir.join("people.csv"), "name,display,groups\nhall1,Room 305,Ground floor\n").unwrap();
    neerc.restart();
    let to = neerc.room_jid(&room);
    let jury = Slix::shared().connect(server, "jury1", &unique("r"));
    jury.reads(&to, "who", "hall1 (Room 305)");
    jury.reads(&to, "who", "jury1 (Chief judge)");
    jury.reads(&to, "who", "hall2 (By the stairs)");
    jury.reads(&to, "who", "ivan@example.org (hall2)");

    let table = neerc.dir.join("new.csv");
    fs::write(&table, "name;display;groups\nhall2;Room 306;Ground floor\nhall1;Room 404;\n").unwrap();
    let mut import = neerc.command();
    let done = import.args(["groups", "import"]).arg(&table).arg("--config").arg(neerc.config()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && said.contains("1 are new, 1 are other than before, 0 are gone"), "{said}");
    jury.reads(&to, "who", "hall1 (Room 404)");
    jury.reads(&to, "who", "hall2 (Room 306)");
    let done = jury.asks(&to, "@todo \"Ground floor\": Bring water");
    assert!(done.contains("1 is handed out to 1 person"), "{done}");
    let done = jury.asks(&to, "@todo halls Bring bread");
    assert!(done.contains("2 is handed out to 3 people"), "{done}");
    let done = jury.asks(&to, "@todo called Judge");
    assert!(done.contains("3 is handed out to 1 person"), "{done}");
    jury.reads(&to, "show 1", "hall2 (Room 306)");
    jury.reads(&to, "show 3", "jury1 (Chief judge)");

    // A table that cannot be taken changes nothing, wherever it comes from.
    fs::write(&table, "name,display\nhall1,Room 1\nhall1,Room 2\n").unwrap();
    let mut import = neerc.command();
    let refused = import.args(["groups", "import"]).arg(&table).arg("--config").arg(neerc.config()).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    fs::write(neerc.dir.join("people.csv"), "name,display\nhall1,Room 1\nhall1,Room 2\n").unwrap();
    neerc.wait_for_log("hall1 stands in it twice", 0);
    assert!(jury.asks(&to, "who").contains("hall1 (Room 404)"));
}

on_both!(people_are_called_and_grouped_by_lists_from_outside);
