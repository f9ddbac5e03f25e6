//! Old copies of a task, as the deployed clients send them back: nobody's work is undone by one.

use super::{Stage, done, expect_push, login, packet, pushes, refused, shared};
use crate::servers::Kind;
use crate::slix::User;

on_both!(
    the_desktops_old_copy_undoes_nothing,
    androids_unassignment_is_meant,
    what_is_removed_stays_removed,
    an_old_title_is_not_an_edit,
    many_at_once_lose_nothing,
);

const PEOPLE: [(&str, &str); 6] = [
    ("jury1", "owner"),
    ("jury2", "admin"),
    ("hall1", "member"),
    ("hall2", "member"),
    ("hall3", "member"),
    ("hall4", "member"),
];

fn stage(kind: Kind) -> (Stage<'static>, User<'static>, User<'static>) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let (desktop, android) = (stage.join("jury1"), stage.join("jury2"));
    (stage, desktop, android)
}

fn the_desktops_old_copy_undoes_nothing(kind: Kind) {
    let (stage, desktop, android) = stage(kind);
    let hall1 = stage.join("hall1");
    let id = stage.create(&desktop, "Do it", "todo", &[("hall1", "none", ""), ("hall2", "running", "")]);
    // The dialog is open on the desktop. Meanwhile a hall answers and somebody else assigns.
    stage.answer(&hall1, &id, "success", "42");
    let seen = [("hall1", "success", "42"), ("hall2", "running", ""), ("hall3", "none", "")];
    stage.edit(&android, &id, "Do it", "todo", &seen);
    let old = [("hall4", "none", ""), ("hall2", "running", ""), ("hall1", "none", "")];
    done(&desktop.iq(&stage.at(), "get", &packet(Some(&id), "Do it", "todo", &old)));
    let truth = format!("{id} todo 'Do it': hall1 success '42', hall2 running, hall3 none, hall4 none");
    assert_eq!(stage.list(&hall1), [truth.as_str()]);
    for session in [&desktop, &android, &hall1] {
        expect_push(session, &truth);
    }
    // The same copy once more changes nothing and is told to nobody.
    let before = stage.tasks(&hall1);
    stage.settle(&desktop, &[&hall1]);
    hall1.clear();
    done(&desktop.iq(&stage.at(), "get", &packet(Some(&id), "Do it", "todo", &old)));
    stage.settle(&desktop, &[&hall1]);
    assert_eq!(stage.tasks(&hall1), before);
    assert_eq!(pushes(&hall1, Some(&id)), [""; 0]);
}

fn androids_unassignment_is_meant(kind: Kind) {
    let (stage, desktop, android) = stage(kind);
    let hall1 = login(stage.server, "hall1");
    let id = stage.create(&desktop, "New", "okfail", &[("hall1", "none", ""), ("hall2", "none", "")]);
    stage.answer(&hall1, &id, "fail", "no paper");
    // It saw everything; hall2 is deselected, hall3 is new.
    let selected = [("hall1", "fail", "no paper"), ("hall3", "none", "")];
    stage.edit(&android, &id, "New", "okfail", &selected);
    assert_eq!(stage.list(&android), [format!("{id} okfail 'New': hall1 fail 'no paper', hall3 none")]);
    // A copy from before the answer takes hall3 out, and the answer stays.
    stage.answer(&hall1, &id, "success", "");
    stage.edit(&android, &id, "New", "okfail", &[("hall1", "fail", "no paper")]);
    assert_eq!(stage.list(&android), [format!("{id} okfail 'New': hall1 success")]);
    // The same as a get, which is the desktop's way, takes nobody out.
    stage.edit(&android, &id, "New", "okfail", &[("hall1", "success", ""), ("hall4", "none", "")]);
    done(&desktop.iq(&stage.at(), "get", &packet(Some(&id), "New", "okfail", &[("hall1", "success", "")])));
    assert_eq!(stage.list(&android), [format!("{id} okfail 'New': hall1 success, hall4 none")]);
    // Nobody left: the task stays, and comes last.
    stage.edit(&android, &id, "New", "okfail", &[]);
    let other = stage.create(&desktop, "Other", "todo", &[("hall1", "none", "")]);
    assert_eq!(stage.list(&android), [format!("{other} todo 'Other': hall1 none"), format!("{id} okfail 'New'")]);
}

fn what_is_removed_stays_removed(kind: Kind) {
    let (stage, desktop, android) = stage(kind);
    let id = stage.create(&desktop, "Gone", "todo", &[("hall1", "none", "")]);
    stage.remove(&android, &id);
    for (admin, kind) in [(&desktop, "get"), (&android, "set")] {
        let old = packet(Some(&id), "Gone", "todo", &[("hall1", "none", ""), ("hall2", "none", "")]);
        refused(&admin.iq(&stage.at(), kind, &old), "item-not-found");
        expect_push(admin, &format!("{id} remove ''"));
        assert_eq!(stage.list(admin), [""; 0]);
    }
    let next = stage.create(&desktop, "Gone", "todo", &[]);
    assert_ne!(next, id);
}

fn an_old_title_is_not_an_edit(kind: Kind) {
    let (stage, desktop, android) = stage(kind);
    let id = stage.create(&desktop, "Old", "todo", &[("hall1", "none", "")]);
    stage.edit(&android, &id, "New", "confirm", &[("hall1", "none", "")]);
    // The dialog with the old title and type assigns somebody.
    let old = [("hall1", "none", ""), ("hall2", "none", "")];
    done(&desktop.iq(&stage.at(), "get", &packet(Some(&id), "Old", "todo", &old)));
    assert_eq!(stage.list(&desktop), [format!("{id} confirm 'New': hall1 none, hall2 none")]);
    stage.edit(&android, &id, "Newest", "confirm", &old);
    assert_eq!(stage.list(&desktop), [format!("{id} confirm 'Newest': hall1 none, hall2 none")]);
}

fn many_at_once_lose_nothing(kind: Kind) {
    let (stage, desktop, android) = stage(kind);
    let halls: Vec<_> = ["hall1", "hall2", "hall3", "hall4"].map(|hall| login(stage.server, hall)).into();
    let id = stage.create(&desktop, "Many", "todo", &[("hall1", "none", ""), ("hall2", "none", "")]);
    // All at once, each on what was true at the start.
    let old = [("hall1", "none", ""), ("hall2", "none", "")];
    std::thread::scope(|scope| {
        let (stage, id) = (&stage, &id);
        scope.spawn(|| stage.answer(&halls[0], id, "success", "1"));
        scope.spawn(|| stage.answer(&halls[1], id, "fail", "2"));
        scope.spawn(|| {
            let more = [old[0], old[1], ("hall3", "none", "")];
            done(&desktop.iq(&stage.at(), "get", &packet(Some(id), "Many", "todo", &more)));
        });
        scope.spawn(|| {
            let more = [old[0], old[1], ("hall4", "none", "")];
            done(&android.iq(&stage.at(), "get", &packet(Some(id), "Many", "todo", &more)));
        });
    });
    let all = "hall1 success '1', hall2 fail '2', hall3 none, hall4 none";
    assert_eq!(stage.list(&halls[3]), [format!("{id} todo 'Many': {all}")]);
}
