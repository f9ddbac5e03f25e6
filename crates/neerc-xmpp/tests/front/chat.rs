//! Chat lines: which are taken, what is answered and where.

use super::*;
use bench::attr;

/// Body and language mark of what was said, without the rest.
fn bodies(said: &[String]) -> Vec<String> {
    let body =
        |stanza: &String| stanza.split_once("<body>").map(|(_, rest)| rest.split("</body>").next().unwrap().to_owned());
    said.iter().filter_map(body).collect()
}

/// A chat message to the room's address.
fn chat(from: &str, inside: &str) -> String {
    format!("<message type='chat' id='m' from='{from}' to='{ROOM}'>{inside}</message>")
}

fn line(from: &str, text: &str) -> String {
    chat(from, &format!("<body>{text}</body>"))
}

/// Something said in the room.
fn groupchat(nick: &str, inside: &str) -> String {
    format!(
        "<message type='groupchat' id='m' from='neerc@conference.localhost/{nick}' to='neerc.localhost'>{inside}</message>"
    )
}

/// Lines, and what is answered to them.
trait Lines {
    /// What is answered to a line, as words.
    fn told_by(&mut self, from: &str, text: &str) -> String;
    fn tasks_in_all(&self) -> usize;
}

impl Lines for Bench {
    fn told_by(&mut self, from: &str, text: &str) -> String {
        let said = self.on(&line(from, text));
        let said: Vec<String> = said.into_iter().filter(|stanza| stanza.contains("type='chat'")).collect();
        bodies(&said).join("\n--\n")
    }

    fn tasks_in_all(&self) -> usize {
        self.boards().values().map(|board| board.len()).sum()
    }
}

#[test]
fn a_line_is_answered_by_chat_in_its_thread() {
    let mut bench = ready(Flavour::Prosody);
    bench.check(
        "C: <message type='chat' id='m1' from='admin@localhost/Desk' to='neerc@neerc.localhost'>
             <body>@todo hall1 Wallpapers set?</body><thread>t&amp;1</thread></message>
         S: <message type='chat' id='16033f23700-1' from='neerc@neerc.localhost' to='admin@localhost/Desk' xml:lang='en'>
             <body>[said-created task=1 count=1 title=Wallpapers set?]</body><thread>t&amp;1</thread></message>
         (1 s later)
         C: <message from='hall1@localhost/Phone' to='neerc.localhost' xml:lang='ru-RU'><body>done 1</body></message>
         S: <message type='chat' id='16033f23700-2' from='neerc.localhost' to='hall1@localhost/Phone' xml:lang='ru'>
             <body>ru[said-answered task=1 status=ru[status-success]]</body></message>"
            .replace("16033f23700", &format!("{:x}", bench::BEGIN_MS))
            .as_str(),
    );
}

#[test]
fn a_day_of_a_hall_and_an_admin() {
    let mut bench = ready(Flavour::Prosody);
    for (from, text, expected) in [
        (ADMIN, "tasks", "[no-tasks]"),
        (ADMIN, "@todofail hall1,hall2 Water", "[said-created task=1 count=2 title=Water]"),
        (ADMIN, "@question hall1 How many chairs?", "[said-created task=2 count=1 title=How many chairs?]"),
        (HALL1, "start 1", "[said-answered task=1 status=[status-running]]"),
        (HALL1, "fail 1 no cups", "[said-answered task=1 status=[status-fail]: no cups]"),
        (HALL1, "answer 42 chairs", "[refusal-unknown-task task=42] [your-open-tasks tasks=2]"),
        (HALL1, "answer 2 42", "[said-answered task=2 status=[status-success]: 42]"),
        (HALL1, "done", "[refusal-no-open-task]"),
        (HALL1, "undo 1", "[said-answered task=1 status=[status-none]]"),
        (HALL1, "done", "[said-answered task=1 status=[status-success]]"),
        (HALL1, "done 1", "[said-unchanged]"),
        (
            HALL1,
            "undo",
            "[question-which-task verb=undo count=2]\nundo 1 — [reading-task task=1 title=Water]\nundo 2 — [reading-task task=2 title=How many chairs?]",
        ),
        (HALL1, "show 1", "[refusal-admins-only]"),
        (HALL1, "@todo hall2 mine", "[refusal-admins-only]"),
        (HALL1, "clock", "[refusal-no-clock]"),
        (
            ADMIN,
            "show 1",
            "1 · Water · [kind-todofail] · [since time=02:26]\nhall2: [status-none]\nhall1: [status-success]",
        ),
        (ADMIN, "late", "[heading-late]\n1 · Water · hall2 · [since time=02:26]"),
        (
            ADMIN,
            "tasks",
            "[heading-tasks]\n1 · Water · [count-answered count=1 total=2] · [since time=02:26]\n2 · How many chairs? · [count-answered count=1 total=1]",
        ),
        (ADMIN, "tasks hall2", "[heading-tasks-of name=hall2]\n1 · Water · [status-none] · [since time=02:26]"),
        (ADMIN, "tasks hal2", "[refusal-unknown-user name=hal2] [did-you-mean name=hall2]"),
        (
            ADMIN,
            "assign 1 hall3",
            "[said-changed task=1 title=Water people=hall1 ([status-success]), hall2 ([status-none]), hall3 ([status-none])]",
        ),
        (ADMIN, "assign 1 hall33", "[refusal-unknown-name name=hall33]"),
        (
            ADMIN,
            "reset 1 hall1",
            "[said-changed task=1 title=Water people=hall1 ([status-none]), hall2 ([status-none]), hall3 ([status-none])]",
        ),
        (
            ADMIN,
            "unassign 1 hall3",
            "[said-changed task=1 title=Water people=hall1 ([status-none]), hall2 ([status-none])]",
        ),
        (
            ADMIN,
            "rename 1 Fresh water",
            "[said-changed task=1 title=Fresh water people=hall1 ([status-none]), hall2 ([status-none])]",
        ),
        (ADMIN, "remove 2", "[said-removed task=2]"),
        (
            HALL2,
            "tasks",
            "[heading-own-tasks]\n1 · Fresh water · [kind-todofail] · [since time=02:27] · xmpp:neerc@neerc.localhost?message;body=done%201",
        ),
        (HALL2, "3 готово", "ru[refusal-unknown-task task=3] ru[your-open-tasks tasks=1]"),
        (HALL2, "готово", "ru[said-answered task=1 status=ru[status-success]]"),
        (HALL2, "tasks", "[heading-own-tasks]\n1 · Fresh water · [status-success]"),
        (
            ADMIN,
            "@todo halls start+5! Announce",
            "[question-nobody-called names=halls count=1]\n@todo \"halls start+5! Announce\" — [reading-title]",
        ),
        (
            ADMIN,
            "@todo hall1 start+5! Announce",
            "[said-planned plan=s1 schedule=start+5! when=[moment-after-start count=5] title=Announce]\n[no-clock-for-plans plan=s1]",
        ),
        (
            ADMIN,
            "plans",
            "[heading-plans]\ns1 · @todo hall1 start+5! Announce · [moment-after-start count=5]\n[no-clock-for-plans plan=s1]",
        ),
        (ADMIN, "@todo Nobody", "[said-created task=3 count=0 title=Nobody]\n[said-nobody task=3]"),
        (ADMIN, "remove 3", "[said-removed task=3]"),
        (ADMIN, "show 3", "[refusal-removed-task task=3]"),
        (ADMIN, "remove", "[lacks-task verb=remove task=3]"),
        (ADMIN, "assign 2", "[lacks-names verb=assign task=2]"),
        (ADMIN, "unplan", "[lacks-plan verb=unplan task=3]"),
        (ADMIN, "@todo", "[lacks-new-title verb=create task=3]"),
        (ADMIN, "help @okfail", "[help-kind-okfail]"),
        (ADMIN, "now s1", "[said-created task=4 count=1 title=Announce]"),
        (ADMIN, "unplan s1", "[refusal-unknown-plan plan=s1]"),
        (
            ADMIN,
            "help done",
            "done ‹[field-task]› — [item-done-help]\ndone, finish, finished, ready, готово, готов, сделано, сделал, сделала, закончил, закончила",
        ),
        (ADMIN, "doen 3", "[refusal-unknown-verb verb=doen nearest=done]"),
    ] {
        assert_eq!(bench.told_by(from, text), expected, "{from}: {text}");
        bench.pass(1_000);
        bench.said();
    }
    assert_eq!(bench.told_by(HALL1, "help"), "[help-user]");
    assert_eq!(bench.told_by(ADMIN, "help"), "[help-user]\n[help-admin]");
}

#[test]
fn lines_of_one_message_are_carried_out_one_after_the_other() {
    let mut bench = ready(Flavour::Prosody);
    let said =
        bench.told_by(ADMIN, "@todo hall1 One\n\n@todo hall1 Two\nremove 9\nremove 8\n> quoted\nremove 1\ntasks");
    assert_eq!(
        said,
        "[said-created task=1 count=1 title=One]\n[said-created task=2 count=1 title=Two]\n\
         [refusal-unknown-task task=9]\n[refusal-unknown-task task=8]\n[said-removed task=1]\n\
         [heading-tasks]\n2 · Two · [count-answered count=0 total=1] · [since time=02:26]"
    );
    let many = "clock\n".repeat(60);
    let said = bench.told_by(ADMIN, &many);
    assert_eq!(said.lines().count(), 51);
    assert!(said.ends_with("[refusal-no-clock]\n[refusal-too-many what=[what-lines] limit=50]"), "{said}");
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let mut bench = ready(Flavour::Prosody);
    let lines: String = (1..=32).map(|n| format!("@todo hall1 Task {n}\n")).collect();
    bench.told_by(ADMIN, &lines);
    let said = bench.told_by(HALL1, "tasks");
    assert_eq!(said.lines().count(), 14);
    assert!(
        said.starts_with("[heading-own-tasks]\n1 · Task 1 ·") && said.ends_with("\n[and-more-pages count=20]"),
        "{said}"
    );
    // The next pages, one after the other, and each by its number.
    let first_and_last = |said: String| {
        let lines: Vec<&str> = said.lines().collect();
        format!("{} {} {}", lines.len(), lines[1].split(' ').next().unwrap(), lines[lines.len() - 1])
    };
    assert_eq!(first_and_last(bench.told_by(HALL1, "more")), "14 13 [and-more-pages count=8]");
    assert!(first_and_last(bench.told_by(HALL1, "Ещё")).starts_with("9 25 32 · Task 32 ·"));
    assert_eq!(bench.told_by(HALL1, "more"), "[no-more]");
    for line in ["tasks 2", "tasks all 2", "tasks hall1 page 2", "задачи все 2"] {
        let told = first_and_last(bench.told_by(HALL1, line));
        assert!(told.starts_with("14 13 ") && told.ends_with("[and-more-pages count=8]"), "{line}: {told}");
    }
    assert!(first_and_last(bench.told_by(HALL1, "tasks 9")).starts_with("9 25 32"), "the last there is");
    assert_eq!(first_and_last(bench.told_by(ADMIN, "late 2")), "14 13 [and-more-pages count=8]");
    assert_eq!(bench.told_by(HALL2, "more"), "[no-more]", "of what they were shown themselves");
}

#[test]
fn nothing_is_answered_that_is_no_line() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("chief", ADMIN);
    bench.said();
    let body = "<body>@todo hall1 X</body>";
    for silent in [
        chat(ADMIN, "<composing xmlns='http://jabber.org/protocol/chatstates'/>"),
        chat(ADMIN, "<received xmlns='urn:xmpp:receipts' id='m'/>"),
        chat(ADMIN, "<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>"),
        chat(ADMIN, "<body> </body>"),
        chat(ADMIN, body).replace("type='chat'", "type='error'"),
        chat(ADMIN, body).replace("type='chat'", "type='headline'"),
        groupchat("neerc", body),    // what the service itself said
        groupchat("stranger", body), // nobody
        groupchat("chief", "<body>hello</body>"),
        groupchat("chief", "<body>show 1</body>"),
        groupchat("chief", "<body>look:\n@todo hall1 X</body>"),
        groupchat("chief", &format!("{body}<delay xmlns='urn:xmpp:delay' stamp='2026-11-22T10:00:00Z'/>")),
        groupchat("chief", &format!("{body}<replace xmlns='urn:xmpp:message-correct:0' id='m'/>")),
        groupchat("chief", &format!("{body}<forwarded xmlns='urn:xmpp:forward:0'/>")),
        groupchat("chief", "<subject>@todo hall1 X</subject>"),
        format!("<message type='groupchat' from='neerc@conference.localhost' to='neerc.localhost'>{body}</message>"),
    ] {
        assert_eq!(bench.on(&silent), Vec::<String>::new(), "{silent}");
    }
    assert_eq!(bench.tasks_in_all(), 0);
}

#[test]
fn an_admin_whose_nick_is_the_services_in_capitals_was_not_heard() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("Neerc", ADMIN);
    bench.said();
    bench.on(&groupchat("Neerc", "<body>@todo hall1 X</body>"));
    assert_eq!(bench.tasks_in_all(), 1);
    bench.pass(1_000);
    bench.said();
    // Nor is that nick dropped from a task as the service's own would be.
    bench.on(&iq("set", ADMIN, &task("title='Y' type='todo'", &["Neerc", "neerc"])));
    let last = bench.boards()["neerc"].tasks().last().unwrap();
    assert_eq!(last.statuses.keys().map(|person| person.bare()).collect::<Vec<_>>(), ["admin@localhost"]);
}

#[test]
fn the_services_own_nick_is_the_one_that_the_room_gave_it() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("chief", ADMIN);
    let x = "http://jabber.org/protocol/muc#user";
    // The room has given the service another nick (status 210), and somebody else has taken the one before.
    bench.hear(format!(
        "<presence from='neerc@conference.localhost/neerc-bot' to='neerc.localhost'><x xmlns='{x}'>\
         <item jid='neerc.localhost' affiliation='owner'/><status code='110'/><status code='210'/></x></presence>"
    ));
    bench.joins("neerc", "tk@localhost/Desk");
    bench.said();
    let body = "<body>@todo hall1 X</body>";
    assert_eq!(bench.on(&groupchat("neerc-bot", body)), Vec::<String>::new());
    bench.on(&groupchat("neerc", body));
    assert_eq!(bench.tasks_in_all(), 1);
}

#[test]
fn nothing_at_second_hand_is_carried_out() {
    let mut bench = ready(Flavour::Prosody);
    let inner = "<message xmlns='jabber:client' from='admin@localhost/x'><body>@todo hall1 X</body></message>";
    for (inside, expected) in [
        (format!("<forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded>"), "[not-taken-forwarded]"),
        (
            format!(
                "<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded></sent>"
            ),
            "[not-taken-forwarded]",
        ),
        ("<delay xmlns='urn:xmpp:delay' stamp='2026-11-22T10:00:00Z'/>".to_owned(), "[not-taken-late]"),
        ("<replace xmlns='urn:xmpp:message-correct:0' id='m'/>".to_owned(), "[not-taken-corrected]"),
        ("<encrypted xmlns='eu.siacs.conversations.axolotl'/>".to_owned(), "[not-taken-encrypted]"),
    ] {
        let said = bench.on(&chat(ADMIN, &format!("<body>@todo hall1 X</body>{inside}")));
        assert_eq!(bodies(&said), [expected]);
        assert_eq!(bench.on(&chat(ADMIN, &inside)), Vec::<String>::new(), "without words there is nothing to answer");
    }
    assert_eq!(bench.tasks_in_all(), 0);
}

#[test]
fn what_a_reply_quotes_is_not_done_again() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("chief", ADMIN);
    bench.said();
    let quoted = "&gt; neerc:\n@todo hall2 Again\n";
    let reply = |answer: &str| {
        let end = quoted.replace("&gt;", ">").chars().count();
        format!(
            "<body>{quoted}{answer}</body><reply xmlns='urn:xmpp:reply:0' to='{ROOM}' id='x'/>\
             <fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='{end}'/></fallback>"
        )
    };
    assert_eq!(bodies(&bench.on(&chat(ADMIN, &reply("clock")))), ["[refusal-no-clock]"]);
    assert_eq!(bench.on(&groupchat("chief", &reply("thanks"))), Vec::<String>::new());
    assert_eq!(bench.tasks_in_all(), 0);
    bench.on(&groupchat("chief", &reply("@todo hall1 X")));
    assert_eq!(bench.tasks_in_all(), 1);
    bench.pass(1_000);
    bench.said();
    let reaction = "<body>👍</body><reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>👍</reaction></reactions>";
    assert_eq!(bench.on(&chat(ADMIN, reaction)), Vec::<String>::new());
    let retraction = "<body>@todo hall1 Y</body><retract xmlns='urn:xmpp:message-retract:1' id='x'/>";
    assert_eq!(bodies(&bench.on(&chat(ADMIN, retraction))), ["[not-taken-retracted]"]);
    assert_eq!(bench.on(&groupchat("chief", retraction)), Vec::<String>::new());
    assert_eq!(bodies(&bench.on(&chat(ADMIN, "<body>?OTRv23?</body>"))), ["[not-taken-encrypted]"]);
    assert_eq!(bench.tasks_in_all(), 1);
}

#[test]
fn the_words_in_place_of_an_encrypted_message_were_taken_for_a_line() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("chief", ADMIN);
    bench.said();
    let marks = [
        "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/>",
        "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:example:unheard-of'/>",
        "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>AA==</payload></encrypted>",
        "<encrypted xmlns='urn:xmpp:omemo:1'><header sid='1'/><payload>AA==</payload></encrypted>",
        "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>AA==</payload></encrypted>",
        "<openpgp xmlns='urn:xmpp:openpgp:0'>AA==</openpgp>",
        "<x xmlns='jabber:x:encrypted'>AA==</x>",
    ];
    let words = ["This message is encrypted with OMEMO.", "@todo hall1 X"];
    let marked = marks.iter().flat_map(|mark| words.map(|words| format!("<body>{words}</body>{mark}")));
    let otr = ["?OTRv23?", "?OTR:AAMDJ+MVmSfjFZcAAAAA.", "?OTR?v2?\n@todo hall1 X", " ?OTR Error: x\n@todo hall1 X"];
    let said: Vec<String> = marked.chain(otr.map(|body| format!("<body>{body}</body>"))).collect();
    for inside in &said {
        assert_eq!(bodies(&bench.on(&chat(ADMIN, inside))), ["[not-taken-encrypted]"], "{inside}");
        // In the room it is a word to all, of which nobody knows whether the service is meant.
        assert_eq!(bench.on(&groupchat("chief", inside)), Vec::<String>::new(), "{inside}");
        bench.pass(1_000);
    }
    // Whoever writes to the occupant is told where to write, once, and nothing is carried out.
    let private = |inside: &String| groupchat("chief", inside).replace("type='groupchat'", "type='chat'");
    assert_eq!(bodies(&bench.on(&private(&said[0]))), ["[write-to address=neerc@neerc.localhost]"]);
    for inside in &said {
        assert_eq!(bench.on(&private(inside)), Vec::<String>::new(), "{inside}");
    }
    assert_eq!(bench.tasks_in_all(), 0);
}

#[test]
fn a_reply_whose_quotation_is_counted_in_bytes_lost_what_was_said() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("chief", ADMIN);
    bench.said();
    // As Dino 0.4.2 quotes the service: 96 characters are 98 bytes, 80 are 141. The last one is counted as JavaScript counts.
    let quotations = [
        (
            "&gt; 1 task waits for your answer:\n&gt; 1 · Wallpapers set? · yes or no\n&gt; Reply \"yes 1\" or \"no 1 why\"\n",
            98,
        ),
        ("&gt; Не знаю, что такое «зачи». Напишите «помощь», чтобы узнать, что можно делать.\n", 141),
        ("&gt; 👍 done\n", 10),
    ];
    for (quoted, end) in quotations {
        let reply = format!(
            "<body>{quoted}clock</body><reply xmlns='urn:xmpp:reply:0' to='{ROOM}' id='x'/>\
             <fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='{end}'/></fallback>"
        );
        assert_eq!(bodies(&bench.on(&chat(ADMIN, &reply))), ["[refusal-no-clock]"], "{quoted}");
    }
}

#[test]
fn an_invisible_character_before_a_line_in_the_room_hides_it_from_nobody() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("chief", ADMIN);
    bench.said();
    bench.on(&groupchat("chief", "<body>\u{200b}@todo\u{2060}: hall1\u{200b} X</body>"));
    assert_eq!(bench.tasks_in_all(), 1);
}

#[test]
fn an_admin_writes_in_the_room_and_is_answered_in_private() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("chief", ADMIN);
    bench.joins("hall1", HALL1);
    bench.said();
    let said = bench.on(&groupchat("chief", "<body>@todo hall1 Water\nthanks!\n@todo hall2 Paper</body>"));
    let (answer, told): (Vec<String>, _) = said.into_iter().partition(|stanza| stanza.contains("type='chat'"));
    assert_eq!(
        bodies(&answer),
        ["[said-created task=1 count=1 title=Water]\n[said-created task=2 count=1 title=Paper]"]
    );
    assert_eq!((attr(&answer[0], "to"), attr(&answer[0], "from")), (Some(ADMIN.into()), Some(ROOM.into())));
    assert_eq!(told.len(), 4, "the two tasks are told to both");
    assert_eq!(bench.on(&groupchat("hall1", "<body>@todo hall1 Beer</body>")), Vec::<String>::new());
    assert_eq!(bench.tasks_in_all(), 2);
    // With two sessions under the nick it is not known which of them wrote.
    bench.joins("chief", "admin@localhost/Second");
    bench.said();
    let said = bench.on(&groupchat("chief", "<body>@todo hal1 Water</body>"));
    let to: Vec<_> = said.iter().filter_map(|stanza| attr(stanza, "to")).collect();
    assert_eq!(to, [ADMIN, "admin@localhost/Second"]);
    assert!(said[0].contains("[question-nobody-called names=hal1 count=1]"), "{said:?}");
    bench.check("(admin@localhost becomes member)");
    assert_eq!(bench.on(&groupchat("chief", "<body>@todo hall1 Beer</body>")), Vec::<String>::new());
}

#[test]
fn who_writes_to_the_occupant_is_told_once_where_to_write() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("chief", ADMIN);
    bench.said();
    let private = |inside: &str| {
        format!("<message type='chat' from='neerc@conference.localhost/chief' to='neerc.localhost'>{inside}</message>")
    };
    assert_eq!(bench.on(&private("<active xmlns='http://jabber.org/protocol/chatstates'/>")), Vec::<String>::new());
    let said = bench.on(&private("<body>@todo hall1 X</body>"));
    assert_eq!(bodies(&said), ["[write-to address=neerc@neerc.localhost]"]);
    assert_eq!(attr(&said[0], "to"), Some("neerc@conference.localhost/chief".into()));
    for _ in 0..100 {
        assert_eq!(
            bench.on(&private("<body>[write-to]</body>")),
            Vec::<String>::new(),
            "no two services talk for ever"
        );
    }
    assert_eq!(bench.tasks_in_all(), 0);
}

#[test]
fn strangers_are_refused_by_an_error_which_nobody_answers() {
    let mut bench = ready(Flavour::Prosody);
    let said = bench.on(&line("stranger@localhost/x", "tasks"));
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("<message type='error'") && said[0].contains("<forbidden "), "{said:?}");
    assert!(said[0].contains("[refusal-not-in-room]"));
    let said = bench.on(&line(ADMIN, "tasks").replace(ROOM, "other@neerc.localhost"));
    assert!(
        said[0].contains("<item-not-found ") && said[0].contains("[refusal-unknown-room room=other@neerc.localhost]"),
        "{said:?}"
    );
}

#[test]
fn a_line_to_the_service_is_for_the_only_room_of_its_writer() {
    for (from, room) in [("teacher", Some("school")), ("admin", Some("neerc")), ("both", None)] {
        let mut settings = settings();
        settings.rooms = ["neerc", "school", "final"].map(Into::into).to_vec();
        let mut server = Server::new(Flavour::Prosody);
        let lists = [("school", "teacher"), ("school", "both"), ("final", "both"), ("school", "admin")];
        lists.into_iter().for_each(|(room, name)| server.list(room, &format!("{name}@localhost"), "admin"));
        let mut bench = Bench::served(settings, server);
        let said = bench.on(&line(&format!("{from}@localhost/x"), "@todo Work").replace(ROOM, "neerc.localhost"));
        assert_eq!(said[0].contains("[refusal-not-in-room]"), room.is_none(), "{from}: {said:?}");
        let changed = bench.boards().iter().find(|(_, board)| !board.is_empty()).map(|(room, _)| room.to_string());
        assert_eq!(changed.as_deref(), room, "{from}");
    }
}

#[test]
fn too_many_lines_are_said_once_to_be_too_many() {
    let mut settings = settings();
    settings.rate = neerc_xmpp::throttle::Rate { per_second: 1, burst: 3, burst_of_power: 3 };
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    assert_eq!(
        bench.told_by(HALL1, "clock\nclock\nclock\nclock\nclock"),
        "[refusal-no-clock]\n[refusal-no-clock]\n[refusal-no-clock]\n[too-fast]"
    );
    for _ in 0..50 {
        assert_eq!(bench.told_by(HALL1, "clock"), "");
    }
    assert_eq!(bench.told_by(HALL2, "clock"), "[refusal-no-clock]", "others are not touched");
    bench.pass(3_000);
    assert_eq!(bench.told_by(HALL1, "clock"), "[refusal-no-clock]");
}

#[test]
fn a_change_that_is_not_on_disk_is_not_said_to_be() {
    let mut bench = ready(Flavour::Prosody);
    bench.check("(the disk is full)");
    assert_eq!(bench.told_by(ADMIN, "@todo hall1 X\ntasks"), "[refusal-not-durable]\n[no-tasks]");
}

#[test]
fn ordinary_users_who_see_their_own_tasks_only_see_no_more_by_chat() {
    let mut settings = settings();
    settings.visibility = neerc_core::view::Visibility::Own;
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    bench.told_by(ADMIN, "@todo hall1 Mine\n@todo hall2 Theirs");
    for text in ["tasks", "tasks all", "tasks my", "tasks hall1"] {
        let said = bench.told_by(HALL1, text);
        assert!(said.contains("Mine") && !said.contains("Theirs"), "{text}: {said}");
    }
    assert_eq!(bench.told_by(HALL1, "tasks hall2"), "[refusal-own-tasks-only]");
}

#[test]
fn users_are_listed_by_group_with_who_is_online() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    bench.hear(format!("<presence from='{ADMIN}' to='{ROOM}'/>"));
    bench.said();
    assert_eq!(
        bench.told_by(HALL2, "who"),
        "[heading-users]\nAdmins: admin ([admin-mark]) ●, tk ([admin-mark])\nUsers: hall1 ●, hall2, hall3"
    );
}

#[test]
fn a_removed_task_comes_back_within_a_day() {
    let mut bench = ready(Flavour::Prosody);
    bench.told_by(ADMIN, "@todo hall1,hall2 Water");
    bench.told_by(HALL1, "done 1");
    assert_eq!(bench.told_by(ADMIN, "restore 1"), "[said-unchanged]");
    bench.told_by(ADMIN, "remove 1");
    assert_eq!(bench.told_by(HALL2, "restore 1"), "[refusal-admins-only]");
    let back = "[said-restored task=1 title=Water people=hall2 ([status-none]), hall1 ([status-success])]";
    let told = bench.told_by(ADMIN, "restore 1");
    assert!(told.starts_with("[said-restored task=1 title=Water people=") && told.len() == back.len(), "{told}");
    assert_eq!(bench.told_by(HALL2, "done 1"), "[said-answered task=1 status=[status-success]]");
    assert_eq!(bench.told_by(ADMIN, "restore 9"), "[refusal-unknown-task task=9]");
    bench.told_by(ADMIN, "remove 1");
    bench.pass(neerc_core::limits::RESTORED_MS + 1);
    bench.said();
    assert_eq!(bench.told_by(ADMIN, "restore 1"), "[refusal-removed-task task=1]");
}
