//! Those who have to know of endpoints in trouble: the admins of the rooms by chat, and whoever asks `neerc status`.

use super::*;

use crate::clock::steps;

/// After how long admins are told that an endpoint takes nothing.
const LONG_S: i64 = 60 * 60;

/// Where the admin chats.
const PHONE: &str = "jury1@localhost/phone";

fn status(neerc: &Neerc<'_>) -> String {
    let output = neerc.command().args(["status", "--config"]).arg(neerc.config()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn admins_are_told_of_endpoints_that_take_nothing_for_long_or_want_nothing_more() {
    let [slow, gone] = [Endpoint::open(), Endpoint::open()];
    let (listener, mut neerc) = FakeServer::prepare(&(slow.toml() + &gone.toml()));
    let step = neerc.dir.join("step");
    neerc.env = vec![("LD_PRELOAD", steps()), ("CLOCK_STEP", step.clone())];
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    let (slow_at, gone_at) = (format!("http://{}", slow.at), format!("http://{}", gone.at));
    fake.chats(PHONE);
    slow.answers(&["503 Busy"; 100]);
    gone.answers(&["410 Gone"]);
    make(&mut fake, "one");
    let said = fake.hears(&gone_at);
    assert!(said.xml.contains("wants to be told nothing more"), "{}", said.xml);
    // It takes nothing once and again, which happens; and then for an hour.
    let tried = [slow.next(), slow.next()];
    assert_eq!(tried[0].id, tried[1].id);
    wait_for("the trouble in the standing", || {
        status(&neerc).contains(&format!("webhook   {slow_at}: FAILING since "))
    });
    let standing = status(&neerc);
    assert!(standing.contains("1 changes behind: it answers 503\n"), "{standing}");
    assert!(standing.contains(&format!("webhook   {gone_at}: OFF, ")) && !standing.contains("hidden"), "{standing}");
    std::fs::write(&step, LONG_S.to_string()).unwrap();
    let said = fake.hears(&slow_at);
    assert!(
        said.xml.contains("has not taken what happens here since ") && !said.xml.contains("hidden"),
        "{}",
        said.xml
    );
    slow.answers.lock().unwrap().clear();
    let said = fake.hears("takes what happens here again");
    assert!(said.xml.contains(&slow_at), "{}", said.xml);
    wait_for("the end of the trouble", || status(&neerc).contains(&format!("webhook   {slow_at}: told of all\n")));
}
