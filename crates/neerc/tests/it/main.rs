//! The one integration binary: real XMPP servers, real clients and the real `neerc` program on loopback.
//!
//! `servers` starts Prosody and ejabberd, `service` the program under test, `slix` many ordinary clients, `raw` one
//! client that sends exact bytes, `browser` what a browser shows. `guard` sees to it that nothing outlives this process. Needs `scripts/setup test`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod alone;
#[macro_use]
mod both;
mod addresses;
mod api;
mod browser;
mod chat;
mod checklists;
mod clics;
mod clock;
mod crash;
mod day;
mod demo;
mod disk;
mod doors;
mod dribble;
mod endurance;
mod fake;
mod files;
mod flood;
mod follow;
mod given;
mod graphical;
mod guard;
mod harness;
mod hostile;
mod http;
mod intruders;
mod keep;
mod late;
mod letter;
mod lists;
mod log;
mod menu;
mod mistakes;
mod moments;
mod old;
mod openfire;
mod operations;
mod people;
mod profanity;
mod proxy;
mod quota;
mod raw;
mod readers;
mod reload;
mod said;
mod secrets;
mod servers;
mod service;
mod shared;
mod silent;
mod slix;
mod sources;
mod stalled;
mod standby;
mod supervised;
mod tls;
mod wait;
mod wall;
mod webhooks;
mod wire;

use neerc_testing::{rights as table, trust};
