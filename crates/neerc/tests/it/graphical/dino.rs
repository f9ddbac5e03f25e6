//! Dino 0.4.2 of Debian 12, which insists on port 5222 and on a certificate that the machine trusts, so that it cannot be
//! started beside other tests. What it sends was recorded once, on 26 November 2026 (`dino-im --print-xmpp=all`), when the
//! service was added to its contacts and written to; it is played here, with other addresses and with the ids of messages
//! that are answered. Not tried here is what it shows: it showed the picture of the service, a tick beside each line that was
//! sent, and all the answers, as its window and its database said then.
//!
//! Its reply to a message in which there is more than ASCII is played in `neerc-xmpp/tests/front/chat.rs`: Dino counts the
//! bytes of what it quotes, where XEP-0428 counts characters.

use neerc_xmpp::ns;

use crate::raw::{Raw, between};
use crate::said::{NS, Said};
use crate::servers::{Kind, Server};
use crate::service::Neerc;

const ONLINE: &str = "<presence id='b99106ae-0a64-4223-a202-cc61a70e7b7b'>\
<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://dino.im' ver='6ggwrxA97IN314qDlU0ic5OWBEc='/>\
</presence>";

/// What else it asks of its server is left out; without this it would not hear who is in its contact list.
const CONTACTS: &str = "<iq id='99e85a43-5034-4b92-a3dc-a3b716570bfe' type='get'>\
<query xmlns='jabber:iq:roster' ver=''/></iq>";
const CARBONS: &str = "<iq id='8f0d7e3e-a2d5-45a5-afb7-d09614ed497d' type='set'>\
<enable xmlns='urn:xmpp:carbons:2'/></iq>";

/// The button Add.
const ADD: &str = "<iq id='90a7e661-943e-4012-92c1-1e51f6cfc237' type='set'>\
<query xmlns='jabber:iq:roster'><item jid='SERVICE'/></query></iq>\
<presence id='0cc49ba6-4617-4b65-93be-f21f0c8bf5e8' to='SERVICE' type='subscribe'/>";

/// What it asks on its own of what is there: what it is, and its picture.
const INFO: &str = "<iq id='4a3eb4b7-c1a3-44c2-b5a4-20b03df2e27e' type='get' to='SERVICE/neerc'>\
<query xmlns='http://jabber.org/protocol/disco#info'/></iq>";
const CARD: &str = "<iq id='69f92839-2620-414a-b08f-1a1a5acd6412' type='get' to='SERVICE'>\
<vCard xmlns='vcard-temp'/></iq>";

/// The button Accept, beside "This contact would like to add you to their contact list".
const ACCEPT: &str = "<presence id='9f4a6894-6693-4ae2-b65e-c33a33416882' to='SERVICE' type='subscribed'/>\
<presence id='32cd619b-c7eb-40e7-9f99-f7f915932197' to='SERVICE' type='subscribe'/>";

/// Whether it could be written to encrypted.
const DEVICES: &str = "<iq id='08953a8c-4113-4f6e-8b6e-e80284740bf8' type='get' to='SERVICE'>\
<pubsub xmlns='http://jabber.org/protocol/pubsub'>\
<items node='eu.siacs.conversations.axolotl.devicelist'/></pubsub></iq>";

/// Before a line, while it is typed; the ids have been different ones for each.
const TYPING: &str = "<message id='3e9c98b9-7b48-4153-95bd-d5d97728ca4c' to='SERVICE' type='chat'>\
<composing xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/></message>\
<message id='3da8eddb-a8d2-45dd-8bcb-d8d541859687' to='SERVICE' type='chat'>\
<active xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/></message>";

/// A line; MARKS only if it corrects another one, or replies.
const LINE: &str = "<message id='ID' to='SERVICE' type='chat'><body>BODY</body>MARKS\
<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>\
<markable xmlns='urn:xmpp:chat-markers:0'/></message>";

const CORRECTS: &str = "<replace xmlns='urn:xmpp:message-correct:0' id='961e8603-cc15-462e-925b-0e357966b04f'/>";

const REPLIES: &str = "<reply xmlns='urn:xmpp:reply:0' to='SERVICE' id='ANSWER'/>\
<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>\
<body xmlns='urn:xmpp:fallback:0' start='0' end='15'/></fallback>";

/// As soon as an answer is on the screen; here, too, the ids have been different ones.
const DISPLAYED: &str = "<message id='a2969278-2e6b-4a54-bb48-dc3b6a823724' to='SERVICE' type='chat'>\
<displayed xmlns='urn:xmpp:chat-markers:0' id='ANSWER'/></message>";

/// Dino as it was recorded, with a service in its contacts.
struct Dino {
    raw: Raw,
    service: String,
    unseen: Vec<Said>,
}

impl Dino {
    #[track_caller]
    fn send(&mut self, recorded: &str) {
        self.raw.send(&recorded.replace("SERVICE", &self.service));
    }

    /// Waits for something; what came before it stays to be waited for. No message that comes may be one that Dino would
    /// show wrongly or not at all.
    #[track_caller]
    fn expect(&mut self, wanted: impl Fn(&Said) -> bool) -> Said {
        if let Some(place) = self.unseen.iter().position(&wanted) {
            return self.unseen.remove(place);
        }
        let (service, unseen) = (self.service.as_str(), &mut self.unseen);
        let found = self.raw.expect(|text| {
            let said = Said::read(text);
            if said.name == "message" && said.from.starts_with(service) {
                let can_show = text.contains("<body>") || text.contains("<received ");
                assert!(can_show && !text.contains(&format!("xmpp:{service}")), "{text}");
                assert!(!text.contains(NS) && said.kind == "chat", "{text}");
            }
            let found = wanted(&said);
            if !found {
                unseen.push(said);
            }
            found
        });
        Said::read(&found)
    }

    /// Waits for the answer to a question of its own.
    #[track_caller]
    fn asks(&mut self, recorded: &str) -> Said {
        self.send(recorded);
        let id = between(recorded, " id='", "'").expect("an id");
        self.expect(|said| said.name == "iq" && said.id == id)
    }

    /// Waits for the presence of the service; from its resource, if that is said.
    #[track_caller]
    fn expect_presence(&mut self, kind: &str, resource: &str) {
        let from = format!("{}{resource}", self.service);
        self.expect(|said| said.name == "presence" && said.kind == kind && said.from == from);
    }

    /// Shows a message of the service in which there is `text`; its id.
    #[track_caller]
    fn shows(&mut self, text: &str) -> String {
        let shown = self.expect(|said| said.name == "message" && said.xml.contains(text)).id;
        self.send(&DISPLAYED.replace("ANSWER", &shown));
        shown
    }

    /// Sends a line, sees that it has arrived, and shows the answer, whose id is returned.
    #[track_caller]
    fn says(&mut self, id: &str, body: &str, marks: &str, answer: &str) -> String {
        self.send(TYPING);
        self.send(&LINE.replace("ID", id).replace("BODY", body).replace("MARKS", marks));
        self.expect(|said| said.xml.contains("<received ") && said.xml.contains(id));
        self.shows(answer)
    }
}

/// A line of chat; the answer, in which there is `answer`.
#[track_caller]
fn chief_says(chief: &mut Raw, service: &str, line: &str, answer: &str) -> String {
    chief.send(&format!("<message to='{service}' type='chat'><body>{line}</body></message>"));
    chief.expect(|stanza| stanza.contains(answer))
}

fn dino_adds_the_service_and_answers_by_chat(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("dinochief", "owner"), ("dinohall", "member")]);
    let neerc = Neerc::start(server, &[&room], "[[groups]]\nname = \"Halls\"\nmembers = [\"dinohall\"]\n");
    let service = neerc.room_jid(&room);
    let mut chief = Raw::login(server, "dinochief", "desk");
    chief_says(&mut chief, &service, "@okfail halls Wallpapers set?", "Task 1 is handed out");
    let mut dino =
        Dino { raw: Raw::login(server, "dinohall", "dino.5f2c7a1b"), service: service.clone(), unseen: Vec::new() };

    // The contact is accepted at once, online, with a name and a picture, and wants to know when the hall is there.
    dino.send(ONLINE);
    for own in [CONTACTS, CARBONS] {
        assert_eq!(dino.asks(own).kind, "result");
    }
    dino.send(ADD);
    dino.expect_presence("subscribed", "");
    dino.expect_presence("", "/neerc");
    dino.expect_presence("subscribe", "");
    let info = dino.asks(INFO);
    assert!(info.xml.contains("NEERC service, room ") && info.xml.contains(ns::RECEIPTS), "{info:?}");
    assert!(dino.asks(CARD).xml.contains("<BINVAL>"));
    dino.send(ACCEPT);
    assert_eq!(dino.asks(DEVICES).condition, "service-unavailable", "nobody here reads what is encrypted");

    // Who comes is told what there is to do; then the list, a refusal, an answer.
    dino.shows("1 task waits for your answer:");
    let list = "1 · Wallpapers set? · yes or no · since ";
    dino.says("057308ae-bfc9-40e1-aa7c-9c9bf437a2be", "tasks", "", list);
    dino.says("e8ea225d-76e2-4bf6-8a01-fb668ced0b70", "yes 2", "", "There is no task ");
    let answered = dino.says("a9c862fc-2d2a-4198-870f-dbed7e6c12af", "yes 1", "", "Task 1: yes.");
    chief_says(&mut chief, &service, "show 1", "dinohall: yes");
    let may_not = "Only owners and admins of the room may do this.";
    dino.says("9499773f-0a4a-4c69-8cbd-56d8204e5812", "@todo halls Bring water", "", may_not);

    // What is edited after it was sent counts as it was sent, and whoever did so is told.
    dino.says("961e8603-cc15-462e-925b-0e357966b04f", "no 1 torn", "", "Task 1: no: torn.");
    let corrected = "A corrected message is not carried out. Send it as a new one.";
    dino.says("f112f59d-9623-4467-9d7b-b198372370a7", "no 1 torn at the door", CORRECTS, corrected);
    let kept = chief_says(&mut chief, &service, "show 1", "dinohall: no: torn");
    assert!(!kept.contains("at the door"), "{kept}");

    // Of a reply only what was typed.
    let reply = REPLIES.replace("ANSWER", &answered);
    dino.says("606153c8-10e3-42b7-81b5-33fda71b59b5", "> Task 1: yes.\nyes 1", &reply, "Task 1: yes.");

    // A new task comes by itself.
    chief_says(&mut chief, &service, "@todo halls Bring water", "Task 2 is handed out");
    dino.shows("New task 2: Bring water");
}

on_both!(dino_adds_the_service_and_answers_by_chat);
