//! The inputs, and what the sender gets back: through Prosody, through ejabberd, and straight from the program.

use crate::said::{NS, Said};
use crate::servers::Kind;

/// What came back to the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An error of the program with this condition.
    Error(String),
    /// A result.
    Result,
    /// Nothing, as RFC 6120 asks of what must not be answered.
    Silence,
    /// The server refuses: it closes the sender's stream or answers an error of its own; the program sees nothing.
    Refused,
    /// The server's process may end.
    EndsServer,
}

impl Reply {
    /// What a stanza says about the input; `None` if it is about something else.
    pub fn of(said: &Said, input: &Input) -> Option<Reply> {
        let id = if input.has_id { "bad" } else { "" };
        if said.name == "message" && said.id != "bad"
            || said.name == "presence" && said.kind != "error"
            || said.id != id
        {
            return None;
        }
        match said.kind.as_str() {
            "error" => Some(Reply::Error(said.condition.clone())),
            "result" => Some(Reply::Result),
            _ => None,
        }
    }
}

/// How the bytes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// At once.
    Whole,
    /// Each in a packet of its own.
    Bytewise,
}

/// One line of the table.
#[derive(Debug)]
pub struct Input {
    /// In words.
    pub what: &'static str,
    /// What is sent before it, and through the room.
    pub prelude: &'static str,
    /// Text with places to fill in, or pieces some of which are not UTF-8.
    pub bytes: Result<String, Vec<Vec<u8>>>,
    /// How it is sent.
    pub sending: Sending,
    /// Whether its id is `bad`; else it has none.
    pub has_id: bool,
    /// What comes back through Prosody; `None`: it makes no sense there.
    pub prosody: Option<Reply>,
    /// The same through ejabberd.
    pub ejabberd: Option<Reply>,
    /// The same from the program itself.
    pub stream: Option<Reply>,
}

impl Input {
    /// What comes back through that server.
    pub fn through(&self, kind: Kind) -> Option<&Reply> {
        match kind {
            Kind::Prosody => self.prosody.as_ref(),
            Kind::Ejabberd => self.ejabberd.as_ref(),
        }
    }

    /// Whether a server may end of it.
    pub fn is_deep(&self) -> bool {
        self.what.contains("nested")
    }

    fn prelude(self, prelude: &'static str) -> Self {
        Self { prelude, ..self }
    }

    fn bytewise(self) -> Self {
        Self { sending: Sending::Bytewise, ..self }
    }

    fn without_id(self) -> Self {
        Self { has_id: false, ..self }
    }
}

/// What stands for the places in an input.
pub struct Places<'a> {
    /// `{from}`: nothing where the server stamps it.
    pub from: &'a str,
    /// `{room}`: the room at the service.
    pub room: &'a str,
    /// `{service}`: the service itself.
    pub service: &'a str,
    /// `{chat}`: the chat room.
    pub chat_room: &'a str,
    /// `{nick}`: the sender's in the chat room.
    pub nick: &'a str,
}

/// Fills in the places.
pub fn fill(text: &str, places: &Places<'_>) -> String {
    let Places { from, room, service, chat_room, nick } = places;
    let known = [("{from}", from), ("{room}", room), ("{service}", service), ("{chat}", chat_room), ("{nick}", nick)];
    known.into_iter().fold(text.replace("{ns}", NS), |text, (place, value)| text.replace(place, value))
}

/// A cell: `-` not sent, `.` silence, `=` a result, `x` refused by the server, `X` possibly the end of the server, else the
/// condition of an error.
fn cell(text: &str) -> Option<Reply> {
    Some(match text {
        "-" => return None,
        "." => Reply::Silence,
        "=" => Reply::Result,
        "x" => Reply::Refused,
        "X" => Reply::EndsServer,
        condition => Reply::Error(condition.to_owned()),
    })
}

fn row(what: &'static str, cells: [&str; 3], text: impl Into<String>) -> Input {
    let [prosody, ejabberd, stream] = cells.map(cell);
    let bytes = Ok(text.into());
    Input { what, prelude: "", bytes, sending: Sending::Whole, has_id: true, prosody, ejabberd, stream }
}

fn pieces(what: &'static str, cells: [&str; 3], pieces: &[&[u8]]) -> Input {
    Input { bytes: Err(pieces.iter().map(|piece| piece.to_vec()).collect()), ..row(what, cells, "") }
}

/// An IQ of the hall to the room at the service.
fn iq(kind: &str, child: &str) -> String {
    format!("<iq {{from}} to='{{room}}' type='{kind}' id='bad'>{child}</iq>")
}

const PING: &str = "<query xmlns='{ns}#ping'/>";
const CREATE: &str = "<task xmlns='{ns}#task' title='Mine' type='todo'><status for='jury1' type='none'/></task>";
const REQUEST: &str = "bad-request";
const POLICY: &str = "policy-violation";
const UNSERVED: &str = "service-unavailable";
const ABSENT: &str = "item-not-found";
const FORBIDDEN: &str = "forbidden";

/// All of them.
pub fn inputs() -> Vec<Input> {
    [shells(), payloads(), sizes(), depths(), not_xml(), addresses(), forgeries()].into_iter().flatten().collect()
}

/// Stanzas with an odd outside.
fn shells() -> Vec<Input> {
    vec![
        row(
            "presence with show foo",
            [".", "x", "."],
            "<presence {from} to='{room}' id='bad'><show>foo</show></presence>",
        ),
        row("presence of type weird", ["x", "x", "."], "<presence {from} to='{room}' id='bad' type='weird'/>"),
        row("presence of type error", [".", ".", "."], "<presence {from} to='{room}' id='bad' type='error'/>"),
        row("presence of type subscribe", [".", ".", "."], "<presence {from} to='{room}' id='bad' type='subscribe'/>"),
        row("presence of type probe", [".", ".", "."], "<presence {from} to='{room}' id='bad' type='probe'/>"),
        row(
            "presence with priority 999",
            [".", ".", "."],
            "<presence {from} to='{room}' id='bad'><priority>999</priority></presence>",
        ),
        row(
            "message of type weird",
            [".", ".", "."],
            "<message {from} to='{room}' id='bad' type='weird'><body>b</body></message>",
        ),
        row(
            "message of type error",
            [".", ".", "."],
            "<message {from} to='{room}' id='bad' type='error'><body>b</body></message>",
        ),
        row(
            "message of type groupchat",
            [UNSERVED, UNSERVED, UNSERVED],
            "<message {from} to='{room}' id='bad' type='groupchat'><body>b</body></message>",
        ),
        row("message with nothing in it", [".", ".", "."], "<message {from} to='{room}' id='bad'/>"),
        row("iq of type weird", [REQUEST, REQUEST, REQUEST], iq("weird", PING)),
        row(
            "iq without a type",
            [REQUEST, REQUEST, REQUEST],
            format!("<iq {{from}} to='{{room}}' id='bad'>{PING}</iq>"),
        ),
        row(
            "iq without an id",
            [REQUEST, REQUEST, REQUEST],
            format!("<iq {{from}} to='{{room}}' type='get'>{PING}</iq>"),
        )
        .without_id(),
        row("iq without a child", [REQUEST, REQUEST, REQUEST], iq("get", "")),
        row("iq with text only", [REQUEST, REQUEST, REQUEST], iq("get", "ping")),
        row("iq with two children", [REQUEST, REQUEST, REQUEST], iq("get", &PING.repeat(2))),
        row("iq with 5000 children", [REQUEST, REQUEST, REQUEST], iq("get", &"<a xmlns='b'/>".repeat(5_000))),
        row(
            "iq in a namespace of no stanza",
            ["x", "x", "="],
            format!("<iq xmlns='urn:other' {{from}} to='{{room}}' type='get' id='bad'>{PING}</iq>"),
        ),
        row("ping behind a prefix", ["=", "=", "="], iq("get", "<n:query xmlns:n='{ns}#ping'/>")),
        row("one byte per packet", ["=", "=", "="], iq("get", PING)).bytewise(),
        row("an element that is no stanza", ["x", ".", "."], "<foo {from} to='{room}' id='bad'/>"),
        row("a second handshake", ["x", ".", "."], "<handshake {from} to='{room}' id='bad'/>"),
    ]
}

/// Requests that ask for something odd.
fn payloads() -> Vec<Input> {
    let answer = |attributes: &str| iq("set", &format!("<taskstatus xmlns='{{ns}}#taskstatus' {attributes}/>"));
    let create = |attributes: &str| iq("set", &format!("<task xmlns='{{ns}}#task' {attributes}/>"));
    vec![
        row(
            "unknown request of the protocol",
            [UNSERVED, UNSERVED, UNSERVED],
            iq("get", "<query xmlns='{ns}#secrets'/>"),
        ),
        row("request of no protocol", [UNSERVED, UNSERVED, UNSERVED], iq("get", "<x xmlns='urn:no'/>")),
        row("unknown status", [REQUEST, REQUEST, REQUEST], answer("id='1' type='weird'")),
        row("status without a type", [REQUEST, REQUEST, REQUEST], answer("id='1'")),
        row("status of no task", [REQUEST, REQUEST, REQUEST], answer("type='fail'")),
        row("status of an unknown task", [ABSENT, ABSENT, ABSENT], answer("id='99' type='fail'")),
        row(
            "status of a task with a path as id",
            [ABSENT, ABSENT, ABSENT],
            answer("id='../../etc/passwd' type='fail'"),
        ),
        row(
            "status of the task with the largest id",
            [ABSENT, ABSENT, ABSENT],
            answer("id='18446744073709551615' type='fail'"),
        ),
        row("status with a forbidden character", ["x", "x", REQUEST], answer("id='1' type='fail' value='&#xB;'")),
        row("unknown kind of task", [REQUEST, REQUEST, REQUEST], create("title='t' type='weird'")),
        row("a hall creates a task", [FORBIDDEN, FORBIDDEN, FORBIDDEN], iq("set", CREATE)),
        row("a hall creates a task by get", [FORBIDDEN, FORBIDDEN, FORBIDDEN], iq("get", CREATE)),
        row("a hall edits a task", [FORBIDDEN, FORBIDDEN, FORBIDDEN], create("id='1' title='Mine' type='todo'")),
        row("a hall removes a task", [FORBIDDEN, FORBIDDEN, FORBIDDEN], create("id='1' type='remove'")),
        row("tasks of nobody", [ABSENT, ABSENT, ABSENT], iq("get", "<query xmlns='{ns}#tasks' for='nobody'/>")),
        row(
            "tasks of a user with quotes",
            [ABSENT, ABSENT, ABSENT],
            iq("get", "<query xmlns='{ns}#tasks' for='&apos;&quot;&gt;&lt;x'/>"),
        ),
    ]
}

/// Stanzas that are long.
fn sizes() -> Vec<Input> {
    let ping_with = |attribute: &str| iq("get", &format!("<query xmlns='{{ns}}#ping' {attribute}/>"));
    let value = |chars: usize| {
        format!("<taskstatus xmlns='{{ns}}#taskstatus' id='1' type='fail' value='{}'/>", "v".repeat(chars))
    };
    let outside =
        |chars: usize| format!("<iq {{from}} to='{{room}}' type='get' id='bad' a='{}'>{PING}</iq>", "a".repeat(chars));
    let many = |count: usize| (0..count).map(|number| format!("a{number}='' ")).collect::<String>();
    let namespaces: String = (0..5_000).map(|number| format!("xmlns:a{number}='b' ")).collect();
    let statuses = "<status for='hall1'/>".repeat(9_000);
    let message = |body: &str| format!("<message {{from}} to='{{room}}' id='bad'><body>{body}</body></message>");
    vec![
        row("value of 9 KB", [REQUEST, REQUEST, REQUEST], iq("set", &value(9_000))),
        row("value of 60 KB", [REQUEST, REQUEST, REQUEST], iq("set", &value(60_000))),
        row("attribute of 9 KB on the payload", ["=", "=", "="], ping_with(&format!("a='{}'", "a".repeat(9_000)))),
        row("attribute of 60 KB on the payload", ["=", "=", "="], ping_with(&format!("a='{}'", "a".repeat(60_000)))),
        row("attribute of 9 KB on the stanza", ["=", "=", "="], outside(9_000)),
        row("attribute of 60 KB on the stanza", ["=", "=", "="], outside(60_000)),
        row("200 attributes", ["=", "=", "="], ping_with(&many(200))),
        row("20000 attributes", [REQUEST, REQUEST, REQUEST], ping_with(&many(20_000))),
        row("100000 attributes", ["x", "x", POLICY], ping_with(&many(100_000))),
        row("5000 namespaces", ["=", REQUEST, REQUEST], ping_with(&namespaces)),
        row(
            "a hall's task with 9000 statuses",
            [FORBIDDEN, FORBIDDEN, FORBIDDEN],
            iq("set", &format!("<task xmlns='{{ns}}#task' title='t' type='todo'>{statuses}</task>")),
        ),
        row(
            "12000 children of the payload",
            [REQUEST, REQUEST, REQUEST],
            iq("set", &format!("<task xmlns='{{ns}}#task' title='t' type='todo'>{}</task>", "<a/>".repeat(12_000))),
        ),
        row("iq over the limit", ["x", "x", POLICY], iq("set", &value(300_000))),
        row("message over the limit", ["x", "x", POLICY], message(&"b".repeat(300_000))),
        // The server writes four or six bytes for each of these, so it is over the limit only behind it.
        row(
            "iq that the server makes longer",
            [POLICY, POLICY, "="],
            iq("get", &format!("<query xmlns='{{ns}}#ping'>{}</query>", ">".repeat(200_000))),
        ),
        row("message that the server makes longer", [POLICY, POLICY, "."], message(&">".repeat(200_000))),
        row(
            "presence over the limit",
            ["x", "x", "."],
            format!("<presence {{from}} to='{{room}}' id='bad'><status>{}</status></presence>", "s".repeat(300_000)),
        ),
        row(
            "groupchat over the limit",
            ["x", "x", "."],
            message(&"b".repeat(300_000)).replacen("id='bad'", "id='bad' type='groupchat'", 1),
        ),
        // Whom to answer is somewhere in a start tag that is not kept.
        row(
            "start tag that the server makes longer",
            [".", "=", "="],
            outside(0).replace("a=''", &format!("a=\"{}\"", "'".repeat(50_000))),
        ),
        row("start tag over the limit", ["x", "x", "."], outside(300_000)),
    ]
}

/// Stanzas that are deep. The whole of one fits into what servers take, but for the deepest.
fn depths() -> Vec<Input> {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let ping = |depth| iq("get", &format!("<query xmlns='{{ns}}#ping'>{}</query>", nested(depth)));
    let message = |depth| format!("<message {{from}} to='{{room}}' id='bad'>{}</message>", nested(depth));
    vec![
        row("iq nested 30 deep", ["=", "=", "="], ping(28)),
        row("iq nested 5000 deep", [POLICY, "X", POLICY], ping(5_000)),
        row("message nested 5000 deep", [POLICY, "X", POLICY], message(5_000)),
        row("iq nested 30000 deep", [POLICY, "X", POLICY], ping(30_000)),
        row("message nested 30000 deep", [POLICY, "X", POLICY], message(30_000)),
        row("iq nested 100000 deep", ["x", "x", POLICY], ping(100_000)),
        row("message nested 100000 deep", ["x", "x", POLICY], message(100_000)),
    ]
}

/// What is not XML, or not the XML that XMPP allows.
fn not_xml() -> Vec<Input> {
    let inside = |text: &str| iq("get", &format!("<query xmlns='{{ns}}#ping'>{text}</query>"));
    let head: &[u8] = b"<iq {from} to='{room}' type='get' id='bad'><query xmlns='{ns}#ping'>";
    let tail: &[u8] = b"</query></iq>";
    let refused = ["x", "x", REQUEST];
    vec![
        row("document type", refused, inside("<!DOCTYPE a [<!ENTITY b 'c'>]>")),
        row(
            "document type with a bomb before the stanza",
            ["x", "x", REQUEST],
            format!("<!DOCTYPE a [<!ENTITY b '{}'><!ENTITY c '&b;&b;&b;'>]>{}", "lol".repeat(100), inside("&c;&c;&c;")),
        ),
        row("undeclared entity", refused, inside("&lol;")),
        row("ampersand alone", refused, inside("a & b")),
        row("comment", ["x", "=", REQUEST], inside("<!-- c -->")),
        row("processing instruction", ["x", "=", REQUEST], inside("<?php echo 1 ?>")),
        row("cdata section", ["=", "=", "="], inside("<![CDATA[ <iq> ]]>")),
        row("end of a cdata section in text", refused, inside("]]>")),
        row("attribute twice", refused, iq("get", "<query xmlns='{ns}#ping' a='1' a='2'/>")),
        row("prefix without a namespace", refused, iq("get", "<p:query xmlns='{ns}#ping'/>")),
        row("less-than in an attribute", refused, iq("get", "<query xmlns='{ns}#ping' a='<'/>")),
        row("reference to character 0", refused, inside("&#0;")),
        row("reference to a surrogate", refused, inside("&#xD800;")),
        row("character U+0001", refused, inside("\u{1}")),
        row("character U+FFFE", refused, inside("\u{FFFE}")),
        row("character 0", refused, inside("\0")),
        pieces("byte FF", refused, &[head, b"\xff", tail]),
        pieces("overlong slash", refused, &[head, b"\xc0\xaf", tail]),
        pieces("surrogate in UTF-8", refused, &[head, b"\xed\xa0\x80", tail]),
        pieces("half a character", refused, &[head, b"\xe2\x82", tail]),
    ]
}

/// Senders and recipients.
fn addresses() -> Vec<Input> {
    let from = |jid: &str, child: &str| format!("<iq from='{jid}' to='{{room}}' type='set' id='bad'>{child}</iq>");
    let to = |jid: &str| format!("<iq {{from}} to='{jid}' type='get' id='bad'>{PING}</iq>");
    let long = format!("{}@{{service}}", "l".repeat(1_024));
    vec![
        row("the admin's address as sender", [FORBIDDEN, "x", "-"], from("jury1@localhost/desk", CREATE)),
        row("the server's address as sender", [FORBIDDEN, "x", FORBIDDEN], from("localhost", CREATE)),
        row("the admin's name on another domain", [FORBIDDEN, "x", FORBIDDEN], from("jury1@elsewhere/x", CREATE)),
        row(
            "its answer to the admin's task",
            ["-", "-", FORBIDDEN],
            from("jury1@elsewhere/x", "<taskstatus xmlns='{ns}#taskstatus' id='1' type='fail'/>"),
        ),
        row("a stranger", ["-", "-", FORBIDDEN], from("stranger@localhost/x", "<query xmlns='{ns}#tasks'/>")),
        row("an occupant's address as sender", [FORBIDDEN, "x", FORBIDDEN], from("{chat}/Jury", CREATE)),
        row("the service's own address as sender", [FORBIDDEN, "x", "."], from("{service}", CREATE)),
        row("an address of the service as sender", [FORBIDDEN, "x", "."], from("jury1@{service}", CREATE)),
        row("a sender that is no address", [FORBIDDEN, "x", "."], from("@@", CREATE)),
        row("no sender", ["-", "-", "."], format!("<iq to='{{room}}' type='set' id='bad'>{CREATE}</iq>")),
        row("no recipient", ["-", "-", "."], format!("<iq {{from}} type='set' id='bad'>{CREATE}</iq>")),
        row("a room that is not served", [ABSENT, ABSENT, ABSENT], to("nowhere@{service}")),
        row("a resource of the service", [ABSENT, ABSENT, ABSENT], to("{service}/x")),
        row("a recipient that is no address", ["x", "x", "."], to("@{service}")),
        row("a recipient that is too long", ["x", "x", "."], to(&long)),
        row("the service in upper case", ["=", "=", "="], to("NEERC.LOCALHOST").replace("NEERC.LOCALHOST", "{room}")),
        row(
            "an id of quotes and markup",
            ["=", "=", "="],
            iq("get", PING).replace("id='bad'", "id='bad' x='&apos;/&gt;&lt;iq type=&quot;set&quot;'"),
        ),
    ]
}

/// What would make a hall an admin if it were believed.
fn forgeries() -> Vec<Input> {
    let create = || iq("set", CREATE);
    let item = "<item jid='hall1@localhost' affiliation='owner' role='moderator'/>";
    let owner_lists = |kind: &str| {
        let list = format!("<query xmlns='http://jabber.org/protocol/muc#admin'>{item}</query>");
        let forged = |number| format!("<iq {{from}} to='{{service}}' type='{kind}' id='n{number}'>{list}</iq>");
        (1..=300).map(forged).collect::<String>() + &create()
    };
    let forbidden = [FORBIDDEN, FORBIDDEN, FORBIDDEN];
    let through_room = [FORBIDDEN, FORBIDDEN, "-"];
    let x = "xmlns='http://jabber.org/protocol/muc#user'";
    let straight = |stanza: &str| stanza.replace("{x}", x) + &create();
    vec![
        row("results with all ids that the service may wait for", forbidden, owner_lists("result")),
        row("errors with all ids that the service may wait for", forbidden, owner_lists("error")),
        row(
            "an occupant asks through the room",
            through_room,
            iq("set", CREATE).replace("to='{room}'", "to='{chat}/neerc'"),
        )
        .prelude("<presence to='{chat}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"),
        row("an admin's name as nick", through_room, create())
            .prelude("<presence to='{chat}/jury1'><x xmlns='http://jabber.org/protocol/muc'/></presence>"),
        row("presence in the room that says owner", through_room, create()).prelude(
            "<presence to='{chat}/{nick}'><x xmlns='http://jabber.org/protocol/muc#user'><item jid='hall1@localhost' \
             affiliation='owner' role='moderator'/></x><x xmlns='http://jabber.org/protocol/muc'/></presence>",
        ),
        row("message in the room that says owner", through_room, create()).prelude(
            "<presence to='{chat}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>\
             <message to='{chat}' type='groupchat'><body>b</body><x xmlns='http://jabber.org/protocol/muc#user'>\
             <item jid='hall1@localhost' affiliation='owner' role='moderator'/></x></message>",
        ),
        row("private message that says owner", through_room, create()).prelude(
            "<presence to='{chat}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>\
             <message to='{chat}/neerc' type='chat'><body>b</body><x xmlns='http://jabber.org/protocol/muc#user'>\
             <item jid='hall1@localhost' affiliation='owner' role='moderator'/></x></message>",
        ),
        row("invitation that says owner", through_room, create()).prelude(
            "<presence to='{chat}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>\
             <message to='{chat}'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='{service}'/>\
             <item jid='hall1@localhost' affiliation='owner' role='moderator'/></x></message>",
        ),
        row("refused invitation that says owner", through_room, create()).prelude(
            "<presence to='{chat}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>\
             <message to='{chat}'><x xmlns='http://jabber.org/protocol/muc#user'><decline to='{service}'/>\
             <item jid='hall1@localhost' affiliation='owner' role='moderator'/></x></message>",
        ),
        row(
            "a hall's message that says owner",
            forbidden,
            straight(&format!("<message {{from}} to='{{service}}'><x {{x}}>{item}</x></message>")),
        ),
        row(
            "a hall's presence that says owner",
            forbidden,
            straight(&format!("<presence {{from}} to='{{service}}'><x {{x}}>{item}</x></presence>")),
        ),
        row(
            "an admin's name as nick, handed on",
            ["-", "-", FORBIDDEN],
            straight(
                "<presence from='{chat}/jury1' to='{service}'><x {x}><item jid='hall1@localhost/bad' affiliation='member' role='participant'/></x></presence>",
            ),
        ),
        row(
            "an occupant's message that says owner",
            ["-", "-", FORBIDDEN],
            straight(&format!("<message from='{{chat}}/Hall' to='{{service}}'><x {{x}}>{item}</x></message>")),
        ),
        row(
            "the subject that says owner",
            ["-", "-", FORBIDDEN],
            straight(&format!(
                "<message from='{{chat}}' type='groupchat' to='{{service}}'><x {{x}}>{item}</x><subject/></message>"
            )),
        ),
    ]
}
