//! What admins are told of the endpoints of webhooks.

use super::*;
use neerc_xmpp::front::{EndpointNews, EndpointTrouble};

/// An admin comes into the room with a chat client; what they are told of endpoints.
fn comes(bench: &mut Bench) -> Vec<String> {
    bench.hear(format!(
        "<presence from='neerc@conference.localhost/chief' to='neerc.localhost'>\
         <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='v'/>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{ADMIN}' affiliation='owner' role='moderator'/>\
         </x></presence>"
    ));
    bench.pass(10_000);
    texts(bench.said()).into_iter().filter(|text| text.starts_with("[webhook-")).collect()
}

fn goes(bench: &mut Bench) {
    bench.hear(format!(
        "<presence type='unavailable' from='neerc@conference.localhost/chief' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{ADMIN}' affiliation='owner' role='none'/>\
         </x></presence><presence type='unavailable' from='{ADMIN}' to='neerc.localhost'/>"
    ));
    bench.said();
}

fn stands(bench: &mut Bench, rooms: &[&str], trouble: Option<EndpointTrouble>) -> Vec<String> {
    let rooms = rooms.iter().map(|room| (*room).into()).collect();
    bench.front.endpoints_stand(vec![EndpointNews { host: "https://a".to_owned(), rooms, trouble }]);
    bench.pass(1_000);
    texts(bench.said())
}

const FAILING: Option<EndpointTrouble> = Some(EndpointTrouble::Failing { since_ms: 0 });

#[test]
fn admins_are_told_once_of_each_trouble_and_of_its_end() {
    let mut bench = ready(Flavour::Prosody);
    assert_eq!(comes(&mut bench), [""; 0]);
    assert_eq!(stands(&mut bench, &[], None), [""; 0]);
    let failing = stands(&mut bench, &[], FAILING);
    assert!(failing.len() == 1 && failing[0].starts_with("[webhook-failing host=https://a time="), "{failing:?}");
    for _ in 0..3 {
        assert_eq!(stands(&mut bench, &[], FAILING), [""; 0]);
        bench.pass(60_000);
    }
    assert_eq!(stands(&mut bench, &[], Some(EndpointTrouble::Off)), ["[webhook-off host=https://a]"]);
    assert_eq!(stands(&mut bench, &[], None), ["[webhook-well host=https://a]"]);
    assert_eq!(stands(&mut bench, &[], None), [""; 0]);
    assert_eq!(stands(&mut bench, &[], FAILING).len(), 1, "it is another trouble");
}

#[test]
fn whoever_is_away_is_told_when_they_come_if_it_is_still_so() {
    let mut bench = ready(Flavour::Prosody);
    assert_eq!(stands(&mut bench, &[], Some(EndpointTrouble::Off)), [""; 0]);
    assert_eq!(comes(&mut bench), ["[webhook-off host=https://a]"]);
    goes(&mut bench);
    assert_eq!(comes(&mut bench), [""; 0]);
    goes(&mut bench);
    assert_eq!(stands(&mut bench, &[], None), [""; 0]);
    assert_eq!(comes(&mut bench), [""; 0]);
}

#[test]
fn only_the_admins_of_the_rooms_that_it_is_told_of_hear_of_it() {
    let mut bench = ready(Flavour::Prosody);
    assert_eq!(comes(&mut bench), [""; 0]);
    assert_eq!(stands(&mut bench, &["elsewhere"], Some(EndpointTrouble::Off)), [""; 0]);
    assert_eq!(stands(&mut bench, &["elsewhere", "neerc"], Some(EndpointTrouble::Off)).len(), 1);
}
