//! Accounts that volunteers share: several sessions under one nick, of which each is in the room and is told. Real servers
//! show and say different things of them.

use std::time::Duration;

use crate::raw::Raw;
use crate::said::{NS, Said};
use crate::servers::{Kind, ROOMS, Server, unique};
use crate::service::Neerc;
use crate::wait::poll_for;

on_both!(
    after_each_start_only_one_session_of_a_shared_account_was_told,
    one_device_took_another_nick_and_the_other_left,
    a_session_went_over_to_a_nick_of_its_account,
    a_nick_was_put_out_and_came_back,
    a_session_that_was_cut_is_forgotten_in_time,
);

/// A room with an admin who is not in it, and a shared account.
struct Hall<'a> {
    server: &'static Server,
    room: String,
    /// The shared account.
    account: String,
    chief: String,
    neerc: Neerc<'a>,
    jury: Raw,
    created: u32,
}

impl Hall<'_> {
    fn new(kind: Kind) -> Self {
        let server = Server::shared(kind);
        let [account, chief] = ["shared", "chief"].map(unique);
        let room = server.room(&[(&chief, "owner"), (&account, "member")]);
        let neerc = Neerc::start(server, &[&room], "");
        let jury = Raw::login(server, &chief, "desk");
        Hall { server, room, account, chief, neerc, jury, created: 0 }
    }

    fn device(&self, name: &str) -> Raw {
        Raw::login(self.server, &self.account, name)
    }

    /// Three devices under one nick, all of which are told of news.
    #[track_caller]
    fn three_at(&mut self, nick: &str) -> [Raw; 3] {
        let mut devices = ["a", "b", "c"].map(|name| self.device(name));
        for device in &mut devices {
            device.enter(&self.room, nick);
        }
        self.settle();
        self.assert_told(&mut devices.each_mut());
        devices
    }

    fn leave(&self, device: &mut Raw, nick: &str) {
        let at = format!("{}@{ROOMS}/{nick}", self.room);
        device.send(&format!("<presence type='unavailable' to='{at}'/>"));
        device.expect(|text| text.starts_with("<presence") && text.contains(&at) && text.contains("unavailable"));
    }

    /// Everything that the room has said so far has reached the service, and what it asked then is answered.
    fn settle(&mut self) {
        for _ in 0..3 {
            self.ask(&format!("<iq to='{}' type='get' id='s'><query xmlns='{NS}#ping'/></iq>", self.neerc.jid), "s");
        }
    }

    fn ask(&mut self, iq: &str, id: &str) -> Said {
        self.jury.send(iq);
        Said::read(&self.jury.expect(|text| {
            let said = Said::read(text);
            said.name == "iq" && said.id == id
        }))
    }

    /// Creates a task; its title.
    fn create(&mut self) -> String {
        self.created += 1;
        let title = format!("Number {}", self.created);
        let to = self.neerc.room_jid(&self.room);
        let task =
            format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='{}'/></task>", self.account);
        let answer = self.ask(&format!("<iq to='{to}' type='set' id='c'>{task}</iq>"), "c");
        assert_eq!(answer.kind, "result", "{}", answer.xml);
        title
    }

    /// All these sessions are told of a new task.
    #[track_caller]
    fn assert_told(&mut self, devices: &mut [&mut Raw]) {
        let title = self.create();
        for device in devices {
            device.expect(|text| text.starts_with("<message") && text.contains(&title));
        }
    }

    /// Soon this session is told nothing more, while others are told.
    #[track_caller]
    fn assert_quiet(&mut self, device: &mut Raw, other: &mut Raw) {
        let quiet = poll_for(Duration::from_secs(40), || {
            let title = self.create();
            other.expect(|text| text.starts_with("<message") && text.contains(&title));
            // What was sent to the one before the other has arrived by now.
            device.send("<iq to='localhost' type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>");
            let mut is_told = false;
            device.expect(|text| {
                is_told |= text.starts_with("<message") && text.contains(&title);
                text.starts_with("<iq") && (text.contains("id='q'") || text.contains("id=\"q\""))
            });
            (!is_told).then_some(())
        });
        assert!(quiet.is_some(), "{} is still told", device.jid);
    }
}

fn after_each_start_only_one_session_of_a_shared_account_was_told(kind: Kind) {
    let mut hall = Hall::new(kind);
    let [mut a, mut b, mut c] = hall.three_at("x");
    for _ in 0..3 {
        hall.neerc.kill9();
        hall.neerc.restart();
        hall.assert_told(&mut [&mut a, &mut b, &mut c]);
    }
    assert!(hall.neerc.terminate().0.success());
    hall.neerc.restart();
    hall.assert_told(&mut [&mut a, &mut b, &mut c]);
}

fn one_device_took_another_nick_and_the_other_left(kind: Kind) {
    let mut hall = Hall::new(kind);
    let [mut a, mut b] = ["a", "b"].map(|name| hall.device(name));
    a.enter(&hall.room, "x");
    b.enter(&hall.room, "x");
    hall.settle();
    hall.assert_told(&mut [&mut a, &mut b]);
    b.enter(&hall.room, "z");
    hall.leave(&mut a, "x");
    hall.settle();
    hall.assert_told(&mut [&mut b]);
    hall.assert_quiet(&mut a, &mut b);
    hall.assert_told(&mut [&mut b]);
}

fn a_session_went_over_to_a_nick_of_its_account(kind: Kind) {
    let mut hall = Hall::new(kind);
    let [mut a, mut b, mut c] = ["a", "b", "c"].map(|name| hall.device(name));
    a.enter(&hall.room, "x");
    b.enter(&hall.room, "z");
    c.enter(&hall.room, "z");
    hall.settle();
    for round in 0..5 {
        // Told in the same moment in which the nicks change.
        let nick = ["z", "x"][round % 2];
        a.enter(&hall.room, nick);
        hall.assert_told(&mut [&mut a, &mut b, &mut c]);
    }
    hall.leave(&mut b, "z");
    hall.settle();
    hall.assert_told(&mut [&mut a, &mut c]);
    hall.assert_quiet(&mut b, &mut a);
    hall.assert_told(&mut [&mut a, &mut c]);
}

fn a_nick_was_put_out_and_came_back(kind: Kind) {
    let mut hall = Hall::new(kind);
    let [mut a, mut b, mut c] = ["a", "b", "c"].map(|name| hall.device(name));
    a.enter(&hall.room, "x");
    b.enter(&hall.room, "x");
    c.enter(&hall.room, "y");
    hall.device("watch").enter(&hall.room, "y");
    hall.settle();
    let kick = "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='x' role='none'/></query>";
    let mut owner = Raw::login(hall.server, &hall.chief, "owner");
    owner.enter(&hall.room, "owner");
    owner.send(&format!("<iq to='{}@{ROOMS}' type='set' id='k'>{kick}</iq>", hall.room));
    for device in [&mut a, &mut b] {
        device.expect(|text| text.starts_with("<presence") && text.contains("307"));
    }
    hall.settle();
    hall.assert_told(&mut [&mut c]);
    hall.assert_quiet(&mut a, &mut c);
    hall.assert_quiet(&mut b, &mut c);
    a.enter(&hall.room, "x");
    hall.settle();
    hall.assert_told(&mut [&mut a, &mut c]);
}

fn a_session_that_was_cut_is_forgotten_in_time(kind: Kind) {
    let mut hall = Hall::new(kind);
    let [mut a, mut b, c] = hall.three_at("x");
    drop(c);
    hall.leave(&mut b, "x");
    hall.assert_quiet(&mut b, &mut a);
    hall.assert_told(&mut [&mut a]);
}
