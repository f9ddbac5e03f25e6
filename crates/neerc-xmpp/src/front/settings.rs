//! What the XMPP side is told by the configuration, and what it says to the rest of the program. Not what it does.

use super::Front;
use super::hall::Hall;
use crate::room::groups::GroupSettings;
use crate::server::probe::RoundTrips;
use crate::stanza::address::Address;
use crate::throttle::{Budget, Rate, Throttle};
use neerc_core::change::Room;
use neerc_core::face::words::{Language, Words};
use neerc_core::ledger::Ask;
use neerc_core::view::Visibility;
use std::sync::Arc;

/// What the configuration says of the XMPP side. JIDs are prepared.
#[derive(Clone, Debug)]
pub struct FrontSettings {
    /// The component's domain.
    pub component: String,
    /// The domain whose users are called by their local part; also the server that is pinged.
    pub host: Address,
    /// The secret shared with the server.
    pub secret: String,
    /// The domain of the chat rooms.
    pub rooms_service: String,
    /// The rooms, the default one first; never empty.
    pub rooms: Vec<Room>,
    /// The nick to join with.
    pub nickname: String,
    /// Secret random text, from which nicks are made that nobody can guess.
    pub nick_seed: String,
    /// The address that the service has towards the rooms: the component's, or one at it.
    pub rooms_jid: String,
    /// Who becomes an owner of a room where nobody but the service has power.
    pub owners: Vec<Address>,
    /// Whether occupants without an affiliation count as ordinary users.
    pub admit_unaffiliated: bool,
    /// Where groups come from.
    pub groups: GroupSettings,
    /// Who may see which tasks.
    pub visibility: Visibility,
    /// Whether a notification carries the bare `#task` packet too.
    pub wiki_packet: bool,
    /// Least time between two updates of one task to one session, in ms.
    pub spacing_ms: i64,
    /// Largest stanza sent, in bytes.
    pub max_stanza_bytes: usize,
    /// How much one session may ask.
    pub rate: Rate,
    /// How much all sessions of one account may be answered.
    pub budget: Budget,
    /// Where the words for people come from.
    pub words: Arc<dyn Words>,
    /// The language of those who do not tell theirs.
    pub language: Language,
    /// URIs of whoever runs the service (XEP-0157).
    pub contacts: Vec<String>,
    /// Version of the program.
    pub version: String,
}

impl Front {
    /// Goes by other settings from now on, as far as they can be taken while the service runs: groups, who becomes an owner
    /// and who counts as a user, who sees which tasks and how they are told, limits, language. The others stay as they are.
    pub fn renew(&mut self, now_ms: i64, new: FrontSettings) {
        let old = self.settings.clone();
        let FrontSettings { owners, admit_unaffiliated, groups, rate, budget, language, .. } = new;
        let FrontSettings { visibility, wiki_packet, spacing_ms, max_stanza_bytes, .. } = new;
        self.settings = FrontSettings {
            owners,
            admit_unaffiliated,
            groups,
            visibility,
            wiki_packet,
            spacing_ms,
            max_stanza_bytes,
            rate,
            budget,
            language,
            ..old.clone()
        };
        let now = self.settings.clone();
        if (now.rate, now.budget) != (old.rate, old.budget) {
            self.throttle = Throttle::new(now.rate, now.budget);
        }
        self.outbox.space(now.spacing_ms);
        if now.visibility != old.visibility {
            (0..self.halls.len()).for_each(|room| self.outbox.shown_otherwise(now_ms, room));
        }
        if (now.wiki_packet, now.max_stanza_bytes) != (old.wiki_packet, old.max_stanza_bytes) {
            self.halls.iter_mut().for_each(Hall::forget_written);
            self.written = None;
        }
        if now.groups != old.groups {
            self.groups.renew(now.groups.clone());
            if self.stream.is_online() {
                self.groups.connected(now_ms, &mut self.wire);
            }
        }
        let of_people =
            |settings: &FrontSettings| (settings.groups.clone(), settings.owners.clone(), settings.admit_unaffiliated);
        if of_people(&now) != of_people(&old) {
            self.change_rooms(|room, _| room.renew(now.owners.clone(), now.admit_unaffiliated));
            self.settle(now_ms);
        }
    }
}

/// What the rest of the program must do or know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrontEvent {
    /// Somebody asks for a change; to be answered by [`Front::answer`](super::Front::answer).
    Ask(Ask),
    /// The server has accepted the component.
    Online,
    /// Every room is joined and its people are known.
    Ready,
    /// A room of that name was missing and has been created.
    RoomCreated(Room),
    /// Nobody but the service had power in a room, so these became its owners.
    OwnersNamed {
        /// The room.
        room: Room,
        /// Their JIDs, with commas between.
        owners: String,
    },
    /// Something that whoever runs the service must mend; the service goes on.
    Trouble(String),
    /// The stream is over, with the reason; the connection is to be closed and opened again later.
    Ended(String),
    /// Everybody has been told of every change up to this revision.
    Told(u64),
    /// The server has accepted the component, and what the process before left undecided is taken up.
    TakenUp {
        /// How many stanzas that is.
        young: usize,
        /// How many more there were, which are too old or were too many.
        old: usize,
    },
    /// How long stanzas take through the server, as [`Front::probe`](super::Front::probe) asked.
    Probed(RoundTrips),
}
