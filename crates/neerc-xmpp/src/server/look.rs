//! Detects another connection of the same component. One server accepts both without a word and deals incoming stanzas
//! between them at random, so some of the pings that the component sends to itself go astray.

use crate::limits;
use crate::ns;
use crate::stanza::address::Address;
use crate::stanza::wire::{Purpose, Wire};
use crate::xml::WriteXml;

/// A look that is under way.
#[derive(Debug)]
pub struct Look {
    back: usize,
    /// When enough time has passed for those that are to come.
    deadline_ms: i64,
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// All pings came back, or none: a server may not hand them on at all.
    Nobody,
    /// Only some came back.
    Another,
}

impl Look {
    /// Sends the pings to `own`, the component's address.
    pub fn start(now_ms: i64, own: &Address, wire: &mut Wire) -> Look {
        for _ in 0..limits::LOOK_PINGS {
            wire.request(now_ms, "get", own, |out| out.open("look").xmlns(ns::LOOK).empty(), Purpose::Look);
        }
        Look { back: 0, deadline_ms: now_ms + limits::LOOK_MS }
    }

    /// One has come back.
    pub fn came_back(&mut self, now_ms: i64) {
        self.back += 1;
        self.deadline_ms = self.deadline_ms.min(now_ms + limits::LOOK_LAST_MS);
        if self.back >= limits::LOOK_PINGS {
            self.deadline_ms = now_ms;
        }
    }

    /// When the look is over.
    pub fn deadline_ms(&self) -> i64 {
        self.deadline_ms
    }

    /// What was seen, once it is over.
    pub fn seen(&self) -> Others {
        match self.back {
            0 => Others::Nobody,
            back if back >= limits::LOOK_PINGS => Others::Nobody,
            _ => Others::Another,
        }
    }
}

/// How [`advice`] begins.
pub const ANOTHER: &str = "another connection of ";

/// What to say of another connection of `component`.
pub fn advice(component: &str) -> String {
    format!(
        "{ANOTHER}{component} is open: some pings to ourselves go astray, so the server deals what is for {component} between \
         the two (ejabberd does), and each loses what the other gets. Stop the other neerc: it may run on another machine or \
         with another store"
    )
}
