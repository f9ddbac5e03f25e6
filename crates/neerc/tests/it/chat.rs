//! A day by chat lines only, with a standard client that knows nothing of the service.

use crate::profanity::Profanity;
use crate::servers::{Kind, ROOMS, Server};
use crate::service::Neerc;

/// Somebody with profanity, in the room and with the window of the service before them.
fn person(server: &Server, neerc: &Neerc, room: &str, user: &str) -> Profanity {
    let profanity = Profanity::login(server, user);
    profanity.types(&format!("/join {room}@{ROOMS}"));
    profanity.wait_for("You have joined the room");
    profanity.types("/win 1"); // in a room `/msg` is for its occupants
    profanity.types(&format!("/msg {}", neerc.room_jid(room)));
    profanity
}

fn a_day_by_chat_lines(kind: Kind) {
    let server = Server::shared(kind);
    let (admin, hall) = ("chatchief", "chathall");
    let room = server.room(&[(admin, "owner"), (hall, "member")]);
    let neerc = Neerc::start(server, &[&room], "");
    let admin = person(server, &neerc, &room, admin);
    let hall = person(server, &neerc, &room, hall);
    hall.says("tasks", "Nothing to do for you.");
    admin.says("@okfail chathal Wallpapers set?", "There is nobody called \"chathal\" here; \"who\" shows");
    admin.says("@okfail chathall Wallpapers set?", "Task 1 is handed out to 1 person: Wallpapers set?");
    hall.wait_for("New task 1: Wallpapers set?");
    hall.wait_for("Reply \"yes 1\" or \"no 1 why\"");
    hall.says("tasks", "1 · Wallpapers set? · yes or no · since "); // and no link, which cannot be tapped there
    admin.says("late", "1 · Wallpapers set? · chathall");
    hall.says("no 1 none of them", "Task 1: no: none of them.");
    hall.says("@todo chatchief Bring beer", "Only owners and admins of the room may do this.");
    admin.says("show 1", "chathall: no: none of them");
    admin.says("reset 1 chathall", "Task 1 is changed. It is now: Wallpapers set?");
    hall.says("yes", "Task 1: yes.");
    admin.says("late", "Everybody has answered.");
    admin.says("who", "chatchief (admin) ●");
    admin.says("@todo chathall start+15! Announce", "Planned as s1 for start+15!, 15 minutes after the start");
}

fn a_day_by_chat_lines_in_russian(kind: Kind) {
    let server = Server::shared(kind);
    let (admin, hall) = ("ruchief", "ruhall");
    let room = server.room(&[(admin, "owner"), (hall, "member")]);
    let neerc = Neerc::start(server, &[&room], "[texts]\nlanguage = \"ru\"\n");
    let admin = person(server, &neerc, &room, admin);
    admin.says("создать задача ruhall Принести воды", "Задача 1 роздана, её получил 1 человек: Принести воды");
    // Nobody asks: a client that shows what it is, and asks nothing as NEERC clients do, is told in words.
    let hall = person(server, &neerc, &room, hall);
    hall.wait_for("1 задача ждёт вашего ответа:");
    hall.wait_for("Ответьте «начал 1» и «готово 1»");
    hall.says("начал", "Задача 1: в работе.");
    admin.says("ждём", "1 · Принести воды · в работе: ruhall");
    hall.says("готово 1", "Задача 1: готово.");
    hall.says("гоотво 1", "Может быть, «готово»?");
    admin.says("показать 1", "ruhall: готово");
    admin.says("удалить 1", "Задача 1 удалена.");
    hall.says("задачи", "Вам сейчас делать нечего.");
}

fn the_service_in_a_contact_list_reminds_who_comes_online(kind: Kind) {
    let server = Server::shared(kind);
    let (admin, hall) = ("listchief", "listhall");
    let room = server.room(&[(admin, "owner"), (hall, "member")]);
    let neerc = Neerc::start(server, &[&room], "");
    let service = neerc.room_jid(&room);
    let admin = person(server, &neerc, &room, admin);
    let hall = Profanity::login(server, hall);
    hall.types(&format!("/sub request {service}"));
    hall.wait_for("uthorization request"); // it wants to know when hall is online
    hall.types(&format!("/sub allow {service}"));
    // Not for what the service says of itself: Profanity 0.15 shows no presence of an address without a resource.
    hall.wait_for("Accepted subscription");
    admin.says("@todo listhall Water", "Task 1 is handed out to 1 person: Water");
    hall.types(&format!("/msg {service}"));
    hall.wait_for("Water"); // as a reminder or as a new task, whichever was first
    hall.says("done 1", "Task 1: done.");
}

fn whoever_has_not_answered_by_the_deadline_is_reminded(kind: Kind) {
    let server = Server::shared(kind);
    let (admin, hall) = ("duechief", "duehall");
    let room = server.room(&[(admin, "owner"), (hall, "member")]);
    let neerc = Neerc::start(server, &[&room], "");
    let admin = person(server, &neerc, &room, admin);
    let hall = person(server, &neerc, &room, hall);
    hall.says("tasks", "Nothing to do for you.");
    admin.says("clock start", "By hand since");
    admin.says("@okfail duehall by end-30 Seated?", "Task 1 is to be answered 30 minutes before the end");
    hall.wait_for("New task 1: Seated?");
    admin.says("deadline 1 off", "Task 1 has no deadline.");
    admin.says("clock set 4:40:00", "4:40:");
    admin.says("deadline 1 end-15", "Task 1 is to be answered 15 minutes before the end");
    admin.says("clock set 4:50:00", "4:50:");
    hall.wait_for("This was to be answered 15 minutes before the end:");
    admin.says("late", "due 15 minutes before the end");
    hall.says("yes 1", "Task 1: yes.");
    admin.says("late", "Everybody has answered.");
}

on_both!(
    a_day_by_chat_lines,
    a_day_by_chat_lines_in_russian,
    the_service_in_a_contact_list_reminds_who_comes_online,
    whoever_has_not_answered_by_the_deadline_is_reminded
);
