//! What is true and what is allowed: the tasks of a contest's staff, who may do what, and how a request becomes a
//! change. No input or output, no clock, no randomness, no threads: the time and the people are arguments.
//!
//! The contract, in the order a request takes:
//!
//! 1. [`Board::decide`](board::Board::decide) reads and may refuse; it changes nothing.
//! 2. The caller makes the change durable, in the order of the decisions.
//! 3. [`Board::apply`](board::Board::apply) changes the board and cannot fail: what was decided on a board can always
//!    be applied to it, and what was stored can always be applied again.
//! 4. [`Board::notices`](board::Board::notices), asked before applying, says who must hear of it.
//!
//! [`ledger::Ledger`] keeps that order for everybody who runs it, and [`desk::Desk`] runs it.
//!
//! The crate has two storeys. Below are the rules, which know no words and no notation. Above them is [`face`], what every
//! face is drawn from: the menu, lines of text, what forms offer and tables hold. Nothing below imports from it.
//!
//! A panic in this crate means a bug in it, never bad input.

pub mod board;
pub mod change;
pub mod checklist;
pub mod clock;
pub mod clocks;
pub mod command;
pub mod deadline;
pub mod desk;
pub mod doors;
pub mod face;
pub mod keeping;
pub mod ledger;
pub mod limits;
pub mod links;
pub mod moment;
pub mod near;
pub mod notice;
pub mod people;
pub mod plan;
pub mod planner;
pub mod quota;
pub mod refusal;
pub mod requests;
pub mod task;
pub mod times;
pub mod trail;
pub mod units;
pub mod view;
pub mod watch;
pub mod world;
