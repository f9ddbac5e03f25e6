//! Chat messages as they come in and go out: which of them ask for something, in which language, and how an answer is
//! written. Core knows what a line means, and the faces' words are its own.

use crate::limits;
use crate::ns;
use crate::stanza::names::composed;
use crate::stanza::{Shell, for_one_session};
use crate::xml::{Element, WriteXml};
use neerc_core::face::line::clean;
use neerc_core::face::lines::Links;
use neerc_core::face::words::Language;
use std::ops::Range;

/// Children that show that a message is not what its sender has just said to its addressee, each with the key of the
/// words for it. Nothing in such a message is carried out.
const SECOND_HAND: [(&str, &str, &str); 10] = [
    ("forwarded", ns::FORWARD, "not-taken-forwarded"), // XEP-0297
    ("sent", ns::CARBONS, "not-taken-forwarded"),      // XEP-0280
    ("received", ns::CARBONS, "not-taken-forwarded"),
    ("result", ns::ARCHIVE, "not-taken-forwarded"),        // XEP-0313
    ("delay", ns::DELAY, "not-taken-late"),                // XEP-0203
    ("x", ns::LEGACY_DELAY, "not-taken-late"),             // XEP-0091
    ("replace", ns::CORRECTION, "not-taken-corrected"),    // XEP-0308
    ("openpgp", ns::OPENPGP, "not-taken-encrypted"),       // XEP-0373
    ("x", ns::LEGACY_OPENPGP, "not-taken-encrypted"),      // XEP-0027
    ("encryption", ns::ENCRYPTION, "not-taken-encrypted"), // XEP-0380: by whatever
];

/// The name of the child that holds an encrypted message: every version of OMEMO (XEP-0384) has a namespace of its own.
const ENCRYPTED: &str = "encrypted";

/// How a message begins that is encrypted, or wants to be, by a method without elements (XEP-0364).
const OTR: &str = "?OTR";

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing in words: a chat state, a receipt, a marker.
    Nothing,
    /// These lines; quotations of earlier messages are left out.
    Lines(Vec<String>),
    /// Something that is not carried out; the words of that key say why.
    NotTaken(&'static str),
}

/// Reads what a message says.
pub fn read(message: &Element<'_>) -> Said {
    if takes_back(message) {
        return Said::NotTaken("not-taken-retracted");
    }
    let mut bodies = message.elements().filter(|element| element.is("body", ns::COMPONENT)).peekable();
    let Some(first) = bodies.peek().copied() else { return Said::Nothing };
    // Of the same text in several languages, the one in the language of the message.
    let body = bodies.find(|body| body.attr("xml:lang").is_none()).unwrap_or(first);
    let text = body.text();
    if text.trim().is_empty() {
        return Said::Nothing;
    }
    let second_hand = SECOND_HAND.iter().find(|(name, ns, _)| message.child(name, ns).is_some());
    if let Some((_, _, why)) = second_hand {
        return Said::NotTaken(why);
    }
    if text.trim_start().starts_with(OTR) || message.elements().any(|child| child.name == ENCRYPTED) {
        return Said::NotTaken("not-taken-encrypted");
    }
    if text.len() > limits::TEXT_BYTES {
        return Said::NotTaken("not-taken-long");
    }
    if message.child("reactions", ns::REACTIONS).is_some() {
        return Said::Nothing;
    }
    let text = without_fallbacks(message, text);
    let lines = text.lines().map(clean).filter(|line| !line.is_empty() && !line.starts_with('>'));
    match lines.map(|line| composed(&line).into_owned()).collect::<Vec<_>>() {
        lines if lines.is_empty() => Said::Nothing,
        lines => Said::Lines(lines),
    }
}

/// Whether the sender takes an earlier message back. They see it gone and believe that so is what came of it.
fn takes_back(message: &Element<'_>) -> bool {
    let fastened = message.child("apply-to", ns::FASTENING);
    message.child("retract", ns::RETRACTION).is_some()
        || fastened.is_some_and(|fastened| fastened.child("retract", ns::LEGACY_RETRACTION).is_some())
}

/// The text of a body without what the sender's client has put there in the place of something else (XEP-0428): the
/// message that is replied to, a picture of a thumb. Nobody has said that.
fn without_fallbacks(message: &Element<'_>, text: String) -> String {
    let is_fallback = |e: &&Element<'_>| e.is("fallback", ns::FALLBACK) || e.is("fallback", ns::LEGACY_FALLBACK);
    let mut marked: Vec<Range<usize>> = Vec::new();
    for fallback in message.elements().filter(is_fallback) {
        let mut bodies = fallback.elements().filter(|e| e.name == "body").peekable();
        let mut others = fallback.elements().filter(|e| e.name != "body");
        if bodies.peek().is_none() && others.next().is_none() {
            return String::new(); // all of the message
        }
        marked.extend(bodies.map(|mark| in_characters(range(mark), &text)));
    }
    if marked.is_empty() {
        return text;
    }
    let is_said = |at: &usize| !marked.iter().any(|range| range.contains(at));
    text.chars().enumerate().filter(|(at, _)| is_said(at)).map(|(_, c)| c).collect()
}

/// Which characters of the body are marked: all of them, if the mark does not say which.
fn range(mark: &Element<'_>) -> Range<usize> {
    let number = |name, other| mark.attr(name).map_or(Some(other), |text| text.trim().parse::<usize>().ok());
    match (number("start", 0), number("end", usize::MAX)) {
        (Some(start), Some(end)) if start <= end => start..end,
        _ => 0..usize::MAX,
    }
}

/// The same mark, counted in characters. Dino counts the bytes of what it quotes, where XEP-0428 section 2 counts characters;
/// others may count UTF-16 code units. Such a mark reaches into what is said, or holds all of it.
fn in_characters(mark: Range<usize>, text: &str) -> Range<usize> {
    let quoted: usize = text.split_inclusive('\n').take_while(|line| line.starts_with('>')).map(str::len).sum();
    let quoted = text.get(..quoted).unwrap_or_default();
    let is_of_others = mark.start == 0 && [quoted.len(), quoted.encode_utf16().count()].contains(&mark.end);
    if is_of_others { 0..quoted.chars().count() } else { mark }
}

/// Whether a message is somebody's word to somebody else: an error is none, and a headline wants no answer.
pub fn is_said_to_us(shell: &Shell<'_>) -> bool {
    !matches!(shell.type_, "error" | "groupchat" | "headline")
}

/// The language that the message is in, if it tells.
pub fn language(message: &Element<'_>) -> Option<Language> {
    message.attr("xml:lang").and_then(Language::parse)
}

/// Whether a line begins with a word in Cyrillic letters, whatever language the sender's client says it is in: servers
/// put their own language where the client puts none.
pub fn is_in_russian(line: &str) -> bool {
    let mut letters = line.trim_start_matches(|c: char| !c.is_alphabetic()).chars();
    letters.next().is_some_and(|c| ('\u{400}'..='\u{4ff}').contains(&c))
}

/// Whether a message is kept for those who are away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// As any other.
    Kept,
    /// Not, and not shown by other sessions of the same person: each of them is told by itself, and what is told late
    /// is wrong by then.
    Live,
}

/// A chat message to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter<'a> {
    /// The address of ours that says it.
    pub from: &'a str,
    /// Whom it is for.
    pub to: &'a str,
    /// Its `id`, if it needs one.
    pub id: Option<&'a str>,
    /// The thread that it goes on with.
    pub thread: Option<&'a str>,
    /// The language of the text, if it is said.
    pub language: Option<Language>,
    /// The text.
    pub text: &'a str,
    /// Whether it is kept.
    pub kept: Kept,
}

impl Letter<'_> {
    /// Writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let tag = out.open("message").attr("type", "chat").attr_if("id", self.id).attr("from", self.from);
        tag.attr("to", self.to).attr_if("xml:lang", self.language.map(Language::tag)).inside(|out| {
            out.open("body").text(self.text);
            if let Some(thread) = self.thread {
                out.open("thread").text(thread);
            }
            if self.kept == Kept::Live {
                for_one_session(out);
            }
        });
    }
}

/// A text in parts that take at most `limit` bytes each once they are written, cut between lines where that can be.
pub fn pieces(text: &str, limit: usize) -> Vec<&str> {
    let width = |c: char| match c {
        '&' => 5,
        '<' | '>' => 4,
        '\0'..' ' if c != '\n' && c != '\t' => 3, // a sign for what is forbidden
        c => c.len_utf8(),
    };
    let mut pieces = Vec::new();
    let (mut start, mut size, mut line) = (0, 0, None);
    for (at, c) in text.char_indices() {
        if size + width(c) > limit && at > start {
            // Both are where a character begins, at or after `start`.
            let (end, next) = line.map_or((at, at), |line| (line, line + 1));
            pieces.push(&text[start..end]);
            (start, line) = (next, None);
            size = text[start..at].chars().map(width).sum();
        }
        if c == '\n' {
            line = Some(at);
        }
        size += width(c);
    }
    pieces.push(&text[start..]);
    pieces
}

/// The thread of a message, to be carried back (RFC 6121 section 5.2.5).
pub fn thread(message: &Element<'_>) -> Option<String> {
    let text = message.child("thread", ns::COMPONENT)?.text();
    Some(text).filter(|text| !text.is_empty() && text.len() <= limits::THREAD_BYTES)
}

/// Links that open a chat with this address of ours and put a line into it (RFC 5122, XEP-0147).
#[derive(Clone, Debug)]
pub struct ChatLinks(pub String);

impl Links for ChatLinks {
    fn sending(&self, line: &str) -> String {
        let mut link = String::from("xmpp:");
        percent(&mut link, &self.0, b"@");
        link.push_str("?message;body=");
        percent(&mut link, line, b"");
        link
    }
}

fn percent(out: &mut String, text: &str, also: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{self, TreeLimits};

    fn said(inside: &str) -> Said {
        let message = format!("<message from='a@b/c' to='neerc@d' xml:lang='ru'>{inside}</message>");
        read(&xml::parse(message.as_bytes(), ns::COMPONENT, &TreeLimits::default()).unwrap())
    }

    #[test]
    fn a_text_is_cut_between_lines_where_that_can_be() {
        assert_eq!(pieces("one\ntwo\nthree", 100), ["one\ntwo\nthree"]);
        assert_eq!(pieces("one\ntwo\nthree", 8), ["one\ntwo", "three"]);
        assert_eq!(pieces("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(pieces("&&&", 10), ["&&", "&"]);
        assert_eq!(pieces("\u{1F4A7}\u{1F4A7}", 1), ["\u{1F4A7}", "\u{1F4A7}"], "progress with any limit");
        let text = "a & b < c\n".repeat(1_000);
        for limit in [20, 100, 1_000] {
            let cut = pieces(&text, limit);
            let written = |piece: &&str| {
                let mut out = Vec::new();
                out.text(piece);
                out.len()
            };
            assert!(cut.iter().all(|piece| written(piece) <= limit));
            assert_eq!(cut.join("\n"), text);
        }
    }

    #[test]
    fn lines_without_quotations_and_blanks() {
        let lines = |lines: &[&str]| Said::Lines(lines.iter().map(|line| (*line).to_owned()).collect());
        assert_eq!(said("<body>&gt; New task 3\n\n done 3 \nwho</body>"), lines(&["done 3", "who"]));
        assert_eq!(said("<body xml:lang='de'>a</body><body>b</body>"), lines(&["b"]));
        for nothing in
            ["", "<body/>", "<body> \n</body>", "<body>&gt; only a quotation</body>", "<body xmlns='x'>a</body>"]
        {
            assert_eq!(said(nothing), Said::Nothing, "{nothing}");
        }
        let long = "x".repeat(limits::TEXT_BYTES + 1);
        assert_eq!(said(&format!("<body>{long}</body>")), Said::NotTaken("not-taken-long"));
    }

    #[test]
    fn nothing_at_second_hand_is_taken() {
        for (name, ns, why) in SECOND_HAND {
            assert_eq!(said(&format!("<body>done 3</body><{name} xmlns='{ns}'/>")), Said::NotTaken(why));
            assert_eq!(said(&format!("<{name} xmlns='{ns}'/>")), Said::Nothing, "nothing to answer");
        }
        assert!(matches!(said("<body>done 3</body><x xmlns='jabber:x:oob'/>"), Said::Lines(_)));
    }

    #[test]
    fn what_the_client_put_into_the_body_was_not_said() {
        let lines = |lines: &[&str]| Said::Lines(lines.iter().map(|line| (*line).to_owned()).collect());
        let reply = "<reply xmlns='urn:xmpp:reply:0' to='neerc@d' id='x'/>";
        let fallback =
            |inside: &str| format!("<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>{inside}</fallback>");
        let quoted = "<body>neerc wrote:\ndone 8\n\ntasks</body>";
        for (marks, expected) in [
            (fallback("<body start='0' end='21'/>"), lines(&["tasks"])),
            (fallback("<body start='0' end='21'/>").replace("fallback:0", "feature-fallback:0"), lines(&["tasks"])),
            (fallback("<body end='21'/>"), lines(&["tasks"])),
            (fallback("<body start='13' end='19'/>"), lines(&["neerc wrote:", "tasks"])),
            (fallback("<body start='0' end='13'/>") + &fallback("<body start='13' end='21'/>"), lines(&["tasks"])),
            (fallback("<subject/>"), lines(&["neerc wrote:", "done 8", "tasks"])),
            (fallback("<body start='21'/>"), lines(&["neerc wrote:", "done 8"])),
            (fallback("<body/>"), Said::Nothing),
            (fallback(""), Said::Nothing),
            (fallback("<body start='9' end='3'/>"), Said::Nothing),
            (fallback("<body start='-1' end='x'/>"), Said::Nothing),
        ] {
            assert_eq!(said(&format!("{quoted}{reply}{marks}")), expected, "{marks}");
        }
        // The marks count characters, not bytes.
        let marked = "<fallback xmlns='urn:xmpp:fallback:0'><body start='0' end='4'/></fallback>";
        assert_eq!(said(&format!("<body>👍жé\nготово 3</body>{marked}")), lines(&["готово 3"]));
    }

    #[test]
    fn a_reaction_says_nothing() {
        let reactions = "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>👍</reaction></reactions>";
        let fallback = "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'><body/></fallback>";
        for inside in [
            format!("<body>👍</body>{reactions}{fallback}"),
            format!("<body>👍</body>{reactions}"),
            format!("<body>done 3</body>{reactions}"),
            reactions.to_owned(),
        ] {
            assert_eq!(said(&inside), Said::Nothing, "{inside}");
        }
    }

    #[test]
    fn who_takes_a_message_back_is_told_that_it_does_not_undo_anything() {
        let body = "<body>/me retracted a previous message</body>";
        let fallback = "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>";
        let retract = "<retract xmlns='urn:xmpp:message-retract:1' id='x'/>";
        let before =
            "<apply-to xmlns='urn:xmpp:fasten:0' id='x'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>";
        for inside in [
            format!("{body}{retract}{fallback}"),
            format!("<body>done 8</body>{retract}"),
            format!("{body}{before}"),
            retract.to_owned(),
        ] {
            assert_eq!(said(&inside), Said::NotTaken("not-taken-retracted"), "{inside}");
        }
    }

    #[test]
    fn whatever_is_encrypted_is_refused_by_whatever_marks_it() {
        let marked = "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:example:unheard-of'/>";
        let whole = "<fallback xmlns='urn:xmpp:fallback:0'/>";
        for inside in [
            format!("<body>This message is encrypted.</body>{marked}"),
            format!("<body>This message is encrypted.</body>{marked}{whole}"),
            "<body>done 3</body><encrypted xmlns='eu.siacs.conversations.axolotl'/>".to_owned(),
            "<body>done 3</body><encrypted xmlns='urn:xmpp:omemo:2'/>".to_owned(),
            "<body>done 3</body><encrypted xmlns='urn:example:unheard-of'/>".to_owned(),
            "<body>?OTRv23?</body>".to_owned(),
            "<body> ?OTR:AAMDJ+MVmSfjFZcAAAAAAQAAAAIAAADA1g5IjD1ZGLDVQEyCgCyn</body>".to_owned(),
        ] {
            assert_eq!(said(&inside), Said::NotTaken("not-taken-encrypted"), "{inside}");
        }
        assert_eq!(said(marked), Said::Nothing, "a key is handed on, and nothing is said");
    }

    #[test]
    fn lines_are_cleaned_of_what_nobody_sees() {
        let lines = |lines: &[&str]| Said::Lines(lines.iter().map(|line| (*line).to_owned()).collect());
        assert_eq!(said("<body>\u{200b}done 1\u{200b}\n\u{200b}&gt; quoted</body>"), lines(&["done 1"]));
        assert_eq!(said("<body>@todo jose\u{301} x</body>"), lines(&["@todo jos\u{e9} x"]));
        assert_eq!(said("<body>\u{200b}\u{feff}</body>"), Said::Nothing);
    }

    #[test]
    fn russian_is_known_by_its_letters() {
        for (line, expected) in
            [("готово 3", true), ("3 готово", true), ("done 3", false), ("@todo зал1", false), ("3", false)]
        {
            assert_eq!(is_in_russian(line), expected, "{line}");
        }
    }

    #[test]
    fn links_are_escaped() {
        let link = |address: &str, line: &str| ChatLinks(address.to_owned()).sending(line);
        assert_eq!(link("neerc@tasks.example", "done 3"), "xmpp:neerc@tasks.example?message;body=done%203");
        assert_eq!(link("a&b@c", "да?;"), "xmpp:a%26b@c?message;body=%D0%B4%D0%B0%3F%3B");
    }
}
