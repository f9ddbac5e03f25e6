//! Two processes of which one stands by: what it says meanwhile, and that it serves once the other one has ended.

mod board;
mod desk;
mod lost;
mod rig;
mod rounds;
mod tape;
mod way;

use crate::http::{Http, Reply};
use crate::servers::{Kind, Server};
use crate::service::Neerc;
use crate::supervised::Supervisor;
use crate::wait::wait_for;

on_both!(one_stands_by_until_the_other_one_has_ended);

fn one_stands_by_until_the_other_one_has_ended(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("jury1", "owner")]);
    let listening = "[operations]\nlisten = \"127.0.0.1:0\"\n[web]\nlisten = \"127.0.0.1:0\"\n";
    let mut first = Neerc::start(server, &[&room], listening);
    let mut second = first.second();
    let file = first.dir.join("neerc.db");
    second.lay(&format!("[store]\nurl = \"sqlite:{}\"\n", file.display()));
    let supervisor = Supervisor::of(&mut second);

    // Without being told to stand by it is a mistake, as ever.
    let refused = second.command().args(["run", "--config"]).arg(second.config()).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("is in use by another neerc"), "{said}");

    second.arguments = vec!["--standby"];
    second.spawn();
    let heard = supervisor.hears("STATUS=standing by");
    assert_eq!(heard, [format!("STATUS=standing by for process {}, revision 0\nREADY=1", first.pid())]);
    second.wait_for_log("browsers are told at", 0);
    let monitoring = Http::said(&second, "monitoring is answered at");
    let Reply { status, text, .. } = monitoring.get("/readyz");
    assert_eq!(status, 503);
    assert!(text.starts_with("this process stands by for process "), "{text}");
    assert_eq!(monitoring.get("/healthz").status, 200);
    assert!(monitoring.get("/metrics").text.contains("\nneerc_leader 0\n"));
    let serving = Http::said(&first, "monitoring is answered at").get("/metrics");
    assert!(serving.text.contains("\nneerc_leader 1\n"), "{}", serving.text);
    let page = Http::said(&second, "browsers are told at").get(&format!("/r/{room}"));
    assert_eq!((page.status, page.field("retry-after")), (503, Some("5")));
    assert!(page.text.contains("<h1>Another machine serves</h1>"), "{}", page.text);

    second.signal("HUP");
    second.wait_for_log("does not read its configuration again", 0);
    assert!(first.terminate().0.success());
    second.wait_for_log("ready: rooms", 0);
    supervisor.hears(&format!("STATUS=serving {room}"));
    assert!(Http::said(&second, "monitoring is answered at").get("/metrics").text.contains("\nneerc_leader 1\n"));
    let board = Http::board(&second);
    wait_for("the board of the one that serves now", || board.get("/healthz").status == 200);

    // It may be told to end while it stands by, too.
    first.arguments = vec!["--standby"];
    first.spawn();
    first.wait_for_log("standing by for process", 0);
    assert!(first.terminate().0.success());
    assert!(second.terminate().0.success());
}
