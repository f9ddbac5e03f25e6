//! What users write into stanzas that reach the service from a room, a server or an account that it believes: through
//! the real servers, by a stranger, by a member who is in the room, and from another server. ARCHITECTURE.md has the table.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{NS, PROMPT, Stage, login, muc, packet, query, refused, shared, users_of, within};
use crate::raw::{Raw, Silence};
use crate::servers::{ELSEWHERE, HOST, Kind, Options, Server, unique};
use crate::slix::User;
use crate::trust;
use crate::wait::PATIENCE;

on_both!(
    a_declined_invitation_made_a_stranger_an_owner,
    a_flood_of_declined_invitations_hides_no_true_change,
    what_strangers_write_is_not_the_rooms_word,
    what_occupants_write_is_not_the_rooms_word,
    a_nick_is_taken_from_nobody_by_a_forged_change_of_nick,
    an_admin_hid_the_loss_of_power_in_a_long_presence,
    a_request_for_subscription_puts_nobody_into_a_group,
);

/// One test at a time is the other server: it has one connection.
static ELSEWHERE_TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    ELSEWHERE_TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

const USER: &str = "http://jabber.org/protocol/muc#user";

/// Somebody who forges.
struct Forger {
    raw: Raw,
    /// The bare JID that is to become an owner.
    me: String,
    /// The `from` of each stanza, where it is not the server that writes it.
    from: String,
    /// The nick in the room.
    nick: String,
}

impl Forger {
    fn local(stage: &Stage<'_>, user: &str) -> Self {
        let raw = Raw::login(stage.server, user, &unique("r"));
        Self { me: format!("{user}@{HOST}"), from: String::new(), nick: unique("Evil"), raw }
    }

    fn elsewhere(stage: &Stage<'_>) -> Self {
        let me = format!("boss@{ELSEWHERE}");
        Self { raw: Raw::elsewhere(stage.server), from: format!("from='{me}/x' "), nick: unique("Evil"), me }
    }

    /// Sends a stanza in which the places are filled in, and waits until the room has handed on what it hands on.
    fn forge(&mut self, stage: &Stage<'_>, stanza: &str) -> Result<(), Silence> {
        let stanza = self.fill(stage, stanza);
        let marker = unique("marker");
        let ping = format!(
            "<iq {}to='{}' type='get' id='{marker}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
            self.from,
            muc(&stage.room)
        );
        if self.raw.try_send_bytes(format!("{stanza}{ping}").as_bytes()).is_err() {
            return Err(Silence::Closed);
        }
        loop {
            if self.raw.stanza(PATIENCE)?.contains(&marker) {
                return Ok(());
            }
        }
    }

    fn fill(&self, stage: &Stage<'_>, text: &str) -> String {
        text.replace("FROM", &self.from)
            .replace("ME", &self.me)
            .replace("NICK", &self.nick)
            .replace("ROOM", &muc(&stage.room))
            .replace("SVC", stage.svc())
            .replace("ITEMS", &format!("<item jid='{}' affiliation='owner' role='moderator'/><item jid='jury1@localhost' affiliation='outcast'/>", self.me))
    }

    /// Comes into the room.
    fn join(&mut self, stage: &Stage<'_>) {
        let join = "<presence FROMto='ROOM/NICK'><x xmlns='http://jabber.org/protocol/muc'/></presence>";
        self.raw.send(&self.fill(stage, join));
        // The subject ends the entry (XEP-0045 section 7.2.15).
        self.raw.expect(|stanza| stanza.contains("110") || stanza.contains("<subject"));
    }

    /// What a request of theirs is answered.
    fn asks(&mut self, stage: &Stage<'_>, child: &str) -> String {
        let id = unique("ask");
        self.raw.send(&format!("<iq {}to='{}' type='set' id='{id}'>{child}</iq>", self.from, stage.at()));
        self.raw.expect(|stanza| stanza.contains(&id))
    }
}

/// What is forged without being in the room: what it is, and the stanza.
const OUTSIDE: [(&str, &str); 22] = [
    (
        "a declined invitation",
        "<message FROMto='ROOM'><x xmlns='USERNS'><decline to='SVC'><reason>no</reason></decline>ITEMS</x></message>",
    ),
    ("the items before it", "<message FROMto='ROOM'><x xmlns='USERNS'>ITEMS<decline to='SVC'/></x></message>"),
    (
        "a declined invitation beside the room's word",
        "<message FROMto='ROOM'><x xmlns='USERNS'><decline to='SVC'/></x><x xmlns='USERNS'>ITEMS</x></message>",
    ),
    (
        "the room's word before a declined invitation",
        "<message FROMto='ROOM'><x xmlns='USERNS'>ITEMS</x><x xmlns='USERNS'><decline to='SVC'/></x></message>",
    ),
    (
        "a prefixed declined invitation",
        "<message FROMto='ROOM'><u:x xmlns:u='USERNS'><u:decline to='SVC'/><u:item jid='ME' affiliation='owner'/></u:x></message>",
    ),
    (
        "a declined invitation to the room at the service",
        "<message FROMto='ROOM'><x xmlns='USERNS'><decline to='x@SVC/y'/>ITEMS</x></message>",
    ),
    (
        "a declined invitation with lines for the service",
        "<message FROMto='ROOM'><body>@todo hall1 Forged</body><x xmlns='USERNS'><decline to='SVC'/>ITEMS</x></message>",
    ),
    ("an invitation", "<message FROMto='ROOM'><x xmlns='USERNS'><invite to='SVC'>ITEMS</invite>ITEMS</x></message>"),
    (
        "an invitation and a declined one",
        "<message FROMto='ROOM'><x xmlns='USERNS'><invite to='SVC'/><decline to='SVC'/>ITEMS</x></message>",
    ),
    (
        "a direct invitation",
        "<message FROMto='SVC'><x xmlns='jabber:x:conference' jid='ROOM'/><x xmlns='USERNS'>ITEMS</x></message>",
    ),
    (
        "a request for voice",
        "<message FROMto='ROOM'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field var='muc#role'><value>participant</value></field></x><x xmlns='USERNS'>ITEMS</x></message>",
    ),
    ("a change of the room", "<message FROMto='ROOM'><x xmlns='USERNS'><status code='104'/>ITEMS</x></message>"),
    (
        "a change of the room for all",
        "<message type='groupchat' FROMto='ROOM'><x xmlns='USERNS'><status code='104'/>ITEMS</x></message>",
    ),
    ("an error of the room", "<message type='error' FROMto='ROOM'><x xmlns='USERNS'>ITEMS</x></message>"),
    ("a headline of the room", "<message type='headline' FROMto='ROOM'><x xmlns='USERNS'>ITEMS</x></message>"),
    (
        "a private message without being there",
        "<message type='chat' FROMto='ROOM/neerc'><body>x</body><x xmlns='USERNS'>ITEMS</x></message>",
    ),
    ("an error of an occupant", "<message type='error' FROMto='ROOM/neerc'><x xmlns='USERNS'>ITEMS</x></message>"),
    (
        "a message to all rooms",
        "<message FROMto='conference.localhost'><body>x</body><x xmlns='USERNS'>ITEMS</x></message>",
    ),
    ("a presence to the service", "<presence FROMto='SVC'><x xmlns='USERNS'>ITEMS<status code='110'/></x></presence>"),
    ("a request for subscription", "<presence type='subscribe' FROMto='SVC'><x xmlns='USERNS'>ITEMS</x></presence>"),
    (
        "a refused presence",
        "<presence type='error' FROMto='ROOM/neerc'><x xmlns='USERNS'>ITEMS<status code='110'/></x><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
    ),
    (
        "being put out",
        "<presence type='unavailable' FROMto='ROOM/neerc'><x xmlns='USERNS'>ITEMS<status code='110'/><destroy/></x></presence>",
    ),
];

/// What is forged by somebody who is in the room.
const INSIDE: [(&str, &str); 15] = [
    ("their presence", "<presence FROMto='ROOM/NICK'><x xmlns='USERNS'>ITEMS<status code='110'/></x></presence>"),
    (
        "their presence, twice",
        "<presence FROMto='ROOM/NICK'><x xmlns='USERNS'/><x xmlns='USERNS'>ITEMS</x><x xmlns='http://jabber.org/protocol/muc'/></presence>",
    ),
    (
        "their presence, prefixed",
        "<presence FROMto='ROOM/NICK'><u:x xmlns:u='USERNS'><u:item jid='ME' affiliation='owner'/></u:x></presence>",
    ),
    (
        "joining again",
        "<presence FROMto='ROOM/NICK'><x xmlns='http://jabber.org/protocol/muc'>ITEMS<history maxstanzas='0'/></x><x xmlns='USERNS'>ITEMS</x></presence>",
    ),
    ("an error presence", "<presence type='error' FROMto='ROOM/NICK'><x xmlns='USERNS'>ITEMS</x></presence>"),
    ("what they say", "<message type='groupchat' FROMto='ROOM'><body>x</body><x xmlns='USERNS'>ITEMS</x></message>"),
    (
        "what they say for the service",
        "<message type='groupchat' FROMto='ROOM'><body>@todo hall1 Forged</body><x xmlns='USERNS'>ITEMS</x></message>",
    ),
    (
        "a subject",
        "<message type='groupchat' FROMto='ROOM'><subject>@todo hall1 Forged</subject><x xmlns='USERNS'>ITEMS</x></message>",
    ),
    (
        "a private message",
        "<message type='chat' FROMto='ROOM/neerc'><body>x</body><x xmlns='USERNS'>ITEMS</x></message>",
    ),
    ("a private message without words", "<message FROMto='ROOM/neerc'><x xmlns='USERNS'>ITEMS</x></message>"),
    (
        "an answer with the id of a request",
        "<iq type='result' id='n1' FROMto='ROOM/neerc'><query xmlns='http://jabber.org/protocol/muc#admin'>ITEMS</query></iq>",
    ),
    (
        "an answer to the service",
        "<iq type='result' id='n2' FROMto='SVC'><query xmlns='http://jabber.org/protocol/muc#admin'>ITEMS</query></iq>",
    ),
    (
        "an answer to the room",
        "<iq type='result' id='n3' FROMto='ROOM'><query xmlns='http://jabber.org/protocol/muc#admin'>ITEMS</query></iq>",
    ),
    (
        "a request to change the lists",
        "<iq type='set' id='n4' FROMto='ROOM'><query xmlns='http://jabber.org/protocol/muc#admin'>ITEMS</query></iq>",
    ),
    (
        "leaving as if renamed",
        "<presence type='unavailable' FROMto='ROOM/NICK'><x xmlns='USERNS'><item nick='jury1' jid='ME' affiliation='owner'/><status code='303'/></x></presence>",
    ),
];

/// Who the people are, as the jury is told.
fn people(stage: &Stage<'_>, jury: &User<'_>) -> Vec<String> {
    users_of(&jury.iq(&stage.at(), "get", &query("users")))
}

/// Nothing has come of it: the people are as before, the jury has its power and the forger none.
fn assert_unmoved(stage: &Stage<'_>, jury: &User<'_>, before: &[String], forger: Option<&mut Forger>, what: &str) {
    assert_eq!(people(stage, jury), before, "{what}");
    refused(&jury.iq(&stage.at(), "set", &packet(Some("9999"), "", "remove", &[])), "item-not-found");
    if let Some(forger) = forger {
        let answer = forger.asks(stage, &packet(None, "forged", "todo", &[]));
        assert!(answer.contains("<forbidden"), "{what}: {answer}");
    }
    assert_eq!(stage.list(jury), [""; 0], "{what}");
}

/// Forges all of it; how often.
fn forge_all(stage: &Stage<'_>, jury: &User<'_>, forgeries: &[(&str, &str)], forger: impl Fn() -> Forger) -> usize {
    let before = people(stage, jury);
    let mut current = forger();
    for (what, stanza) in forgeries {
        let told = current.forge(stage, &stanza.replace("USERNS", USER));
        let left = stanza.contains("type='unavailable'") || stanza.contains("<presence type='error'");
        if told.is_err() || left {
            // The server has ended the stream for it, or the forger has left.
            let what = format!("{what}, by {}", current.me);
            drop(current);
            current = forger();
            assert_unmoved(stage, jury, &before, Some(&mut current), &what);
            continue;
        }
        let what = format!("{what}, by {}", current.me);
        assert_unmoved(stage, jury, &before, Some(&mut current), &what);
    }
    forgeries.len()
}

/// A members-only room with a jury in it and halls; `boss@elsewhere` is in no list.
fn stage(kind: Kind) -> (Stage<'static>, User<'static>) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner"), ("hall1", "member"), ("hall2", "member")], "");
    stage.server.register("stranger");
    let jury = stage.join("jury1");
    (stage, jury)
}

fn a_declined_invitation_made_a_stranger_an_owner(kind: Kind) {
    let _turn = turn();
    let (stage, jury) = stage(kind);
    let before = people(&stage, &jury);
    for mut forger in [Forger::local(&stage, "stranger"), Forger::elsewhere(&stage)] {
        let declined = OUTSIDE[0].1.replace("USERNS", USER);
        forger.forge(&stage, &declined).unwrap();
        let who = forger.me.clone();
        assert_unmoved(&stage, &jury, &before, Some(&mut forger), &who);
    }
}

fn a_flood_of_declined_invitations_hides_no_true_change(kind: Kind) {
    const FLOOD: usize = 2_000;
    let (stage, jury) = stage(kind);
    let hall = login(stage.server, "hall1");
    let mut forger = Forger::local(&stage, "stranger");
    let declined = forger.fill(&stage, &OUTSIDE[0].1.replace("USERNS", USER));
    for _ in 0..FLOOD {
        forger.raw.send(&declined);
    }
    let may = |expected: &'static str| {
        move |hall: &User<'_>, at: &str| {
            let answer = hall.iq(at, "set", &packet(Some("9999"), "", "remove", &[]));
            answer.error().is_some_and(|error| error.condition == expected)
        }
    };
    for (affiliation, expected) in [("admin", "item-not-found"), ("member", "forbidden")] {
        stage.server.set_affiliation(&stage.room, hall.bare_jid(), affiliation);
        let may = may(expected);
        within(PROMPT, affiliation, || may(&hall, &stage.at()));
    }
    let what = "the flood";
    assert_unmoved(&stage, &jury, &people(&stage, &jury), Some(&mut forger), what);
    trust::report("P5", &format!("declined invitations with lists in them, {kind:?}"), FLOOD, "0 believed");
}

fn what_strangers_write_is_not_the_rooms_word(kind: Kind) {
    let _turn = turn();
    let (stage, jury) = stage(kind);
    let mut tried = forge_all(&stage, &jury, &OUTSIDE, || Forger::local(&stage, "stranger"));
    tried += forge_all(&stage, &jury, &OUTSIDE, || Forger::elsewhere(&stage));
    tried += forge_all(&stage, &jury, &INSIDE[10..14], || Forger::local(&stage, "stranger"));
    trust::report("P5", &format!("the room's word forged by strangers, {kind:?}"), tried, "0 believed");
}

fn what_occupants_write_is_not_the_rooms_word(kind: Kind) {
    let _turn = turn();
    let (stage, jury) = stage(kind);
    stage.server.set_affiliation(&stage.room, &format!("boss@{ELSEWHERE}"), "member");
    let listed = |jury: &User<'_>| people(&stage, jury).iter().any(|line| line.starts_with("boss@"));
    within(PROMPT, "the member from elsewhere", || listed(&jury));
    let inside = |mut forger: Forger| {
        forger.join(&stage);
        forger
    };
    let mut tried = 0;
    for forgeries in [&INSIDE[..], &OUTSIDE[..]] {
        tried += forge_all(&stage, &jury, forgeries, || inside(Forger::local(&stage, "hall1")));
        tried += forge_all(&stage, &jury, forgeries, || inside(Forger::elsewhere(&stage)));
    }
    trust::report("P5", &format!("the room's word forged by occupants, {kind:?}"), tried, "0 believed");
}

fn a_nick_is_taken_from_nobody_by_a_forged_change_of_nick(kind: Kind) {
    let (stage, jury) = stage(kind);
    let mut hall = Forger::local(&stage, "hall1");
    hall.join(&stage);
    // After it the lines of the jury would be the hall's, or the hall's the jury's.
    hall.forge(&stage, &INSIDE[14].1.replace("USERNS", USER)).unwrap();
    let mut hall = Forger::local(&stage, "hall1");
    hall.join(&stage);
    for nick in ["jury1/110", "neerc\u{2044}", "Neerc", "\u{5d0}neerc", "&lt;item affiliation='owner'/&gt;", "a@b/c"] {
        let nick = nick.replace('\'', "&apos;");
        hall.raw.send(&hall.fill(&stage, &format!("<presence FROMto='ROOM/{nick}'/>")));
    }
    let say = "<message type='groupchat' FROMto='ROOM'><body>@todo hall2 Forged</body></message>";
    hall.forge(&stage, say).unwrap();
    let before = people(&stage, &jury);
    assert_unmoved(&stage, &jury, &before, Some(&mut hall), "nicks");
    // The nick of the jury still stands for the jury.
    jury.say(&stage.room, "@todo hall2 True");
    within(PATIENCE, "the jury to be heard", || stage.list(&jury) == ["t1 todo 'True': hall2 none"]);
    trust::report("P5", &format!("nicks that look like others, {kind:?}"), 7, "0 acts in anybody's name");
}

fn an_admin_hid_the_loss_of_power_in_a_long_presence(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner"), ("jury2", "admin")], "");
    let jury = stage.join("jury1");
    let hidden = [format!("<status>{}</status>", "x".repeat(261_800)), "<a/>".repeat(10_001)];
    for hidden in hidden {
        stage.server.set_affiliation(&stage.room, "jury2@localhost", "admin");
        let mut fallen = Forger::local(&stage, "jury2");
        fallen.join(&stage);
        let presence = format!("<presence to='ROOM/NICK'>{hidden}</presence>");
        if let Err(silence) = fallen.forge(&stage, &presence) {
            println!("{kind:?} does not take the presence: {silence:?}");
            continue;
        }
        let power = |line: &String| line.starts_with("jury2 ") && line.ends_with(" yes");
        within(PROMPT, "the admin", || people(&stage, &jury).iter().any(power));
        stage.server.set_affiliation(&stage.room, "jury2@localhost", "member");
        within(PROMPT, "the loss of power", || !people(&stage, &jury).iter().any(power));
        let answer = fallen.asks(&stage, &packet(None, "forged", "todo", &[]));
        assert!(answer.contains("<forbidden"), "{answer}");
    }
}

fn a_request_for_subscription_puts_nobody_into_a_group(kind: Kind) {
    let groups = vec![(String::from("Halls"), vec![String::from("hall1")])];
    let server = Server::launch(kind, Options { groups: Some(groups), ..Options::default() });
    if !server.hears_privileged() {
        println!("not tried: this server drops what a component with privileges asks");
        return;
    }
    server.register_many(&["directory", "stranger"]);
    let toml = "[directory]\njid = \"directory@localhost\"\npoll_s = 1\n";
    let stage = Stage::new(&server, &[("jury1", "owner"), ("hall1", "member"), ("hall2", "member")], toml);
    let jury = stage.join("jury1");
    let expected = ["jury1 Admins yes", "hall1 Halls no", "hall2 Users no"];
    within(PATIENCE, "the groups", || people(&stage, &jury) == expected);
    let mut stranger = Raw::login(&server, "hall2", &unique("r"));
    let item = "<item jid='hall2@localhost' subscription='both'><group>Halls</group></item>";
    for stanza in [
        String::from("<presence to='directory@localhost' type='subscribe'/>"),
        format!("<presence to='directory@localhost' type='subscribe'>{item}</presence>"),
        format!("<message to='directory@localhost'><x xmlns='http://jabber.org/protocol/rosterx'>{item}</x></message>"),
        format!("<iq type='set' id='r1' to='directory@localhost'><query xmlns='jabber:iq:roster'>{item}</query></iq>"),
        format!("<iq type='result' id='n4' to='{}'><query xmlns='jabber:iq:roster'>{item}</query></iq>", stage.svc()),
    ] {
        stranger.send(&stanza);
    }
    // Nor by the account of the directory itself: what its sessions answer is not the server's answer.
    let mut directory = Raw::login(&server, "directory", &unique("r"));
    for id in 1..200 {
        let answer = format!("<query xmlns='jabber:iq:roster'>{item}</query>");
        directory.send(&format!("<iq type='result' id='n{id}' to='{}'>{answer}</iq>", stage.svc()));
    }
    for raw in [&mut stranger, &mut directory] {
        raw.send(&format!("<iq type='get' id='last' to='{}'><query xmlns='{NS}#ping'/></iq>", stage.svc()));
        raw.expect(|stanza| stanza.contains("'last'") || stanza.contains("\"last\""));
    }
    let until = std::time::Instant::now() + Duration::from_millis(2_500);
    while std::time::Instant::now() < until {
        assert_eq!(people(&stage, &jury), expected); // over two readings of the roster
    }
    trust::report("P5", &format!("a roster of groups forged, {kind:?}"), 204, "0 believed");
}
