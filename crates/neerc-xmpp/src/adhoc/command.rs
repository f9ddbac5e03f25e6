//! Ad-hoc commands on the wire (XEP-0050): what an invocation says, how its answer is written, and what is wrong with
//! it. Not which commands there are.

use crate::ns;
use crate::stanza::Condition;
use crate::xep::form::{self, Returned};
use crate::xml::{Element, WriteXml};
use neerc_core::face::words::Language;
use neerc_core::refusal::Refusal;

/// What a client wants to be done with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Begin it, or go on in the usual way.
    Execute,
    /// Go on to the next form.
    Next,
    /// Go back to the form before.
    Prev,
    /// Finish it.
    Complete,
    /// Drop it.
    Cancel,
}

impl Action {
    const ALL: [(&'static str, Action); 5] = [
        ("execute", Action::Execute),
        ("next", Action::Next),
        ("prev", Action::Prev),
        ("complete", Action::Complete),
        ("cancel", Action::Cancel),
    ];

    fn name(self) -> &'static str {
        Action::ALL.iter().find(|(_, action)| *action == self).map_or("", |(name, _)| name)
    }
}

/// What a client sends.
#[derive(Debug)]
pub struct Invocation<'s> {
    /// Which command.
    pub node: &'s str,
    /// Which session; none begins one.
    pub session: Option<&'s str>,
    /// What is to be done.
    pub action: Action,
    /// The language that the client asks for, if there are words in it; another is no error.
    pub language: Option<Language>,
    /// The form it has filled in or put away.
    pub form: Option<Returned>,
}

impl<'s> Invocation<'s> {
    /// Reads the payload of a request.
    pub fn read(payload: &'s Element<'_>) -> Result<Invocation<'s>, Fault> {
        let action = match payload.attr("action") {
            None => Action::Execute,
            Some(name) => {
                let known = Action::ALL.iter().find(|(known, _)| *known == name);
                known.map(|(_, action)| *action).ok_or(Fault::MalformedAction)?
            }
        };
        let mut forms = payload.elements().filter(|x| x.is("x", ns::DATA));
        let form = match (forms.next(), forms.next()) {
            (None, _) => None,
            (Some(x), None) => Some(form::read(x).ok_or(Fault::BadPayload)?),
            (Some(_), Some(_)) => return Err(Fault::BadPayload),
        };
        Ok(Invocation {
            node: payload.attr("node").unwrap_or(""),
            session: payload.attr("sessionid"),
            action,
            language: payload.attr("xml:lang").and_then(Language::parse),
            form,
        })
    }
}

/// Why an invocation gets an error and no form (XEP-0050 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such command.
    UnknownNode,
    /// The command is not for the asker.
    Refused(Refusal),
    /// No such action.
    MalformedAction,
    /// The action cannot be done where the command stands.
    BadAction,
    /// What came is no form that was filled in.
    BadPayload,
    /// The session was never begun, or by somebody else, or for another command.
    BadSession,
    /// The session is over.
    Expired,
    /// Too many sessions are under way.
    Crowded,
}

impl Fault {
    /// Its condition, that of XEP-0050 if there is one, and words for people.
    pub fn parts(&self) -> (Condition, Option<&'static str>, String) {
        let (condition, specific, text) = match self {
            Fault::UnknownNode => (Condition::ItemNotFound, None, "there is no such command"),
            Fault::Refused(refusal) => return (crate::neerc::condition(refusal), None, refusal.to_string()),
            Fault::MalformedAction => (
                Condition::BadRequest,
                Some("malformed-action"),
                "the action of a command is execute, next, prev, complete or cancel",
            ),
            Fault::BadAction => {
                (Condition::BadRequest, Some("bad-action"), "there is nothing to go back to or to drop")
            }
            Fault::BadPayload => {
                (Condition::BadRequest, Some("bad-payload"), "a command takes one form of the type submit or cancel")
            }
            Fault::BadSession => {
                (Condition::BadRequest, Some("bad-sessionid"), "this session is not yours, or of another command")
            }
            Fault::Expired => {
                (Condition::NotAllowed, Some("session-expired"), "this session is over; begin the command again")
            }
            Fault::Crowded => {
                (Condition::ResourceConstraint, None, "too many commands are being filled in; try again later")
            }
        };
        (condition, specific, text.to_owned())
    }
}

/// How far a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A form is to be filled in.
    Executing,
    /// Done.
    Completed,
    /// Dropped.
    Canceled,
}

/// Of what kind a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// All is well.
    Info,
    /// Done, but not all of it.
    Warn,
    /// Not done.
    Error,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Error => "error",
        }
    }
}

/// The answer to an invocation, but for the form in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Which command.
    pub node: &'static str,
    /// Which session.
    pub session: String,
    /// How far it is.
    pub stage: Stage,
    /// What can be done next, the usual first.
    pub actions: Vec<Action>,
    /// What is said.
    pub notes: Vec<(Severity, String)>,
    /// In which language.
    pub language: Language,
    /// The form, as XML.
    pub form: Vec<u8>,
}

impl Reply {
    /// Writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let status = match self.stage {
            Stage::Executing => "executing",
            Stage::Completed => "completed",
            Stage::Canceled => "canceled",
        };
        let tag = out.open("command").xmlns(ns::COMMANDS).attr("node", self.node).attr("sessionid", &self.session);
        tag.attr("status", status).attr("xml:lang", self.language.tag()).inside(|out| {
            if let Some(usual) = self.actions.first() {
                let tag = out.open("actions").attr("execute", usual.name());
                tag.inside(|out| self.actions.iter().for_each(|action| out.open(action.name()).empty()));
            }
            for (severity, text) in &self.notes {
                out.open("note").attr("type", severity.name()).text(text);
            }
            out.extend_from_slice(&self.form);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{self, TreeLimits};

    fn read(xml: &str) -> Result<String, Fault> {
        let element = xml::parse(xml.as_bytes(), "", &TreeLimits::default()).unwrap();
        let Invocation { node, session, action, language, form } = Invocation::read(&element)?;
        Ok(format!("{node} {session:?} {action:?} {language:?} {}", form.is_some()))
    }

    #[test]
    fn what_an_invocation_says() {
        let ns = "xmlns='http://jabber.org/protocol/commands'";
        let x = |kind: &str| format!("<x xmlns='jabber:x:data' type='{kind}'/>");
        for (xml, expected) in [
            (format!("<command {ns} node='n'/>"), Ok("n None Execute None false")),
            (
                format!(
                    "<command {ns} node='n' sessionid='s' action='next' xml:lang='ru-RU'>{}</command>",
                    x("submit")
                ),
                Ok("n Some(\"s\") Next Some(Russian) true"),
            ),
            (format!("<command {ns} xml:lang='de' action='complete'><y/></command>"), Ok(" None Complete None false")),
            (format!("<command {ns} node='n' action='jump'/>"), Err(Fault::MalformedAction)),
            (format!("<command {ns} node='n' action=''/>"), Err(Fault::MalformedAction)),
            (format!("<command {ns} node='n'>{}</command>", x("form")), Err(Fault::BadPayload)),
            (format!("<command {ns} node='n'>{}{}</command>", x("submit"), x("submit")), Err(Fault::BadPayload)),
        ] {
            assert_eq!(read(&xml), expected.map(str::to_owned), "{xml}");
        }
    }

    #[test]
    fn an_answer_is_written() {
        let mut reply = Reply {
            node: "n",
            session: "1'".into(),
            stage: Stage::Executing,
            actions: vec![Action::Complete, Action::Prev],
            notes: vec![(Severity::Error, "a<b".into()), (Severity::Warn, "c".into())],
            language: Language::Russian,
            form: b"<x/>".to_vec(),
        };
        let text = |reply: &Reply| {
            let mut out = Vec::new();
            reply.write(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            text(&reply),
            "<command xmlns='http://jabber.org/protocol/commands' node='n' sessionid='1&apos;' status='executing' \
             xml:lang='ru'><actions execute='complete'><complete/><prev/></actions><note type='error'>a&lt;b</note>\
             <note type='warn'>c</note><x/></command>"
        );
        reply = Reply { stage: Stage::Canceled, actions: vec![], notes: vec![], form: vec![], ..reply };
        assert!(text(&reply).ends_with(" status='canceled' xml:lang='ru'></command>"), "{}", text(&reply));
    }
}
