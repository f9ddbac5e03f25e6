//! What admins are told of how changes are kept.

use super::*;
use neerc_core::keeping::{CopyLack, Keeping, LostChanges, OneCopy};

/// An admin comes into the room with a chat client; what they are told of it.
fn comes(bench: &mut Bench, of: &str) -> Vec<String> {
    bench.hear(format!(
        "<presence from='neerc@conference.localhost/{of}' to='neerc.localhost'>\
         <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='v'/>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{ADMIN}' affiliation='owner' role='moderator'/>\
         </x></presence>"
    ));
    bench.pass(10_000);
    said(bench)
}

fn goes(bench: &mut Bench, of: &str) {
    bench.hear(format!(
        "<presence type='unavailable' from='neerc@conference.localhost/{of}' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{ADMIN}' affiliation='owner' role='none'/>\
         </x></presence><presence type='unavailable' from='{ADMIN}' to='neerc.localhost'/>"
    ));
    bench.said();
}

fn said(bench: &mut Bench) -> Vec<String> {
    let texts = texts(bench.said()).into_iter();
    texts.filter(|text| ["[one-", "[two-", "[changes-lost"].iter().any(|key| text.starts_with(key))).collect()
}

fn stands(bench: &mut Bench, keeping: Keeping) -> Vec<String> {
    bench.front.keeping_stands(keeping);
    bench.pass(1_000);
    said(bench)
}

fn alone(lack: CopyLack) -> Keeping {
    Keeping { one_copy: Some(OneCopy { since_ms: 0, lack }), lost: None }
}

const NONE: [&str; 0] = [];

#[test]
fn admins_are_told_once_that_there_is_one_copy_and_once_that_there_are_two() {
    let mut bench = ready(Flavour::Prosody);
    assert_eq!(comes(&mut bench, "chief"), NONE);
    assert_eq!(stands(&mut bench, Keeping::default()), NONE);
    let waits = stands(&mut bench, alone(CopyLack::Waits));
    assert!(waits.len() == 1 && waits[0].starts_with("[one-copy-waits time="), "{waits:?}");
    for _ in 0..3 {
        assert_eq!(stands(&mut bench, alone(CopyLack::Waits)), NONE);
        bench.pass(60_000);
    }
    let goes_on = stands(&mut bench, alone(CopyLack::GoesOn));
    assert!(goes_on.len() == 1 && goes_on[0].starts_with("[one-copy time="), "{goes_on:?}");
    assert_eq!(stands(&mut bench, Keeping::default()), ["[two-copies]"]);
    assert_eq!(stands(&mut bench, Keeping::default()), NONE);
    assert_eq!(stands(&mut bench, alone(CopyLack::GoesOn)).len(), 1, "it is another time");
}

#[test]
fn whoever_comes_later_is_told_if_it_is_still_so_and_not_of_an_end_without_a_beginning() {
    let mut bench = ready(Flavour::Prosody);
    assert_eq!(stands(&mut bench, alone(CopyLack::Waits)), NONE);
    assert_eq!(comes(&mut bench, "chief").len(), 1);
    goes(&mut bench, "chief");
    assert_eq!(comes(&mut bench, "chief"), NONE);
    goes(&mut bench, "chief");
    assert_eq!(stands(&mut bench, Keeping::default()), NONE);
    assert_eq!(comes(&mut bench, "chief"), NONE);
}

#[test]
fn admins_are_told_once_which_changes_may_be_missing_and_of_no_end_of_that() {
    let mut bench = ready(Flavour::Prosody);
    let lost = |last| Some(LostChanges { first: 18, last, since_ms: 0, found_ms: 0 });
    assert_eq!(stands(&mut bench, Keeping { lost: lost(20), one_copy: None }), NONE);
    let told = comes(&mut bench, "chief");
    assert!(told.len() == 1 && told[0].ends_with(" first=18 last=20]"), "{told:?}");
    let both = Keeping { lost: lost(20), ..alone(CopyLack::GoesOn) };
    assert_eq!(stands(&mut bench, both).len(), 1, "of the copies alone");
    assert_eq!(stands(&mut bench, Keeping { lost: lost(31), ..both }).len(), 1, "it is another loss");
    assert_eq!(stands(&mut bench, Keeping { lost: None, ..both }), NONE);
}
