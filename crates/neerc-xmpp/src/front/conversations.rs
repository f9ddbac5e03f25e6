//! The chat messages that are being answered, and what is remembered of a conversation. Not how their lines are carried out:
//! that is the module `chat`.

use crate::chat::bot::Kept;
use crate::limits;
use crate::stanza::address::Address;
use neerc_core::command::Query;
use neerc_core::face::lines::ListPage;
use neerc_core::face::login::Confirmation;
use neerc_core::face::words::Language;
use neerc_core::people::Person;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// A chat message that is being answered: its lines are carried out one after the other, so that each sees what came
/// of those before.
#[derive(Debug)]
pub(super) struct Chat {
    pub(super) room: usize,
    pub(super) who: Person,
    /// The address of ours that answers.
    pub(super) from: String,
    /// The session that wrote; for what was written in the room, all sessions of the occupant.
    pub(super) to: Vec<Address>,
    pub(super) thread: Option<String>,
    /// What the message says of its language.
    pub(super) told_language: Option<Language>,
    pub(super) language: Language,
    pub(super) lines: VecDeque<String>,
    pub(super) answers: Vec<String>,
    /// Why lines were left out, if some were.
    pub(super) left_out: Option<LeftOut>,
    /// Whether its answer may be kept.
    pub(super) kept: Kept,
}

/// The chat messages that are being answered.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    /// By the session that wrote them.
    pub(super) waiting: HashMap<Address, VecDeque<Chat>>,
    /// Those of which lines wait until their account may be answered more, with when that is, in ms.
    pub(super) paused: BTreeSet<(i64, Address)>,
    /// Sessions that were told that their lines come too fast.
    pub(super) too_fast: HashSet<Arc<str>>,
    /// The lists of which some sessions have not been shown all, with the page that they were shown last.
    pub(super) lists: HashMap<Address, (Query, usize)>,
    /// The codes of browsers of which some sessions were asked last whether they are theirs.
    asked: HashMap<Address, String>,
    /// Chat messages written so far.
    pub(super) messages_sent: u64,
}

impl Conversations {
    /// The stream that brought them is over.
    pub fn disconnected(&mut self) {
        *self = Conversations { messages_sent: self.messages_sent, ..Conversations::default() };
    }

    /// Takes the messages that are being answered, those of each session in their order.
    pub fn take_all(&mut self) -> impl Iterator<Item = (Address, Chat)> + use<> {
        self.paused.clear();
        let mut waiting: Vec<_> = self.waiting.drain().collect();
        waiting.sort_by(|one, other| one.0.as_str().cmp(other.0.as_str()));
        waiting.into_iter().flat_map(|(session, chats)| chats.into_iter().map(move |chat| (session.clone(), chat)))
    }

    /// When lines go on that wait until their account may be answered more, in ms.
    pub fn next_paused_ms(&self) -> i64 {
        self.paused.first().map_or(i64::MAX, |(at_ms, _)| *at_ms)
    }

    /// A session was shown a page of a list.
    pub fn note_list(&mut self, session: &Address, query: Query, page: ListPage) {
        if page.is_last {
            self.lists.remove(session);
            return;
        }
        if self.lists.len() >= limits::THROTTLED_SESSIONS {
            self.lists.clear(); // whoever wants more writes the number of the page
        }
        self.lists.insert(session.clone(), (query, page.number));
    }

    /// What a line says: behind the question whether a browser is theirs, a yes or no is the answer to that.
    pub fn meant<'l>(&mut self, session: &Address, line: &'l str) -> Cow<'l, str> {
        let answered = self.asked.remove(session).zip(Confirmation::parse(line));
        match answered {
            Some((code, Confirmation::Given)) => format!("login {code} yes").into(),
            Some((code, _)) => format!("login {code} no").into(),
            None => line.into(),
        }
    }

    /// A session was asked whether the browser that shows this code is theirs.
    pub fn note_asked(&mut self, session: &Address, code: String) {
        if self.asked.len() >= limits::THROTTLED_SESSIONS {
            self.asked.clear(); // whoever wants to be let in writes the whole line
        }
        self.asked.insert(session.clone(), code);
    }

    /// Notes that a session writes too much; says whether that is news.
    pub fn note_too_fast(&mut self, sender: &Arc<str>) -> bool {
        if self.too_fast.contains(sender) {
            return false;
        }
        if self.too_fast.len() >= limits::THROTTLED_SESSIONS {
            self.too_fast.clear(); // to be told twice does no harm
        }
        self.too_fast.insert(sender.clone())
    }
}

/// Why lines of a message are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// The session writes more than the throttle admits.
    TooFast,
    /// There are more in the message than one may hold.
    TooMany,
}
