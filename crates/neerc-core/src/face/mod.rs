//! What every face of the service is drawn from, whatever it speaks. A face takes what somebody says as a row of
//! [`menu`] with its fields filled in, or reads it from a line of text by [`line`](mod@line). It sends the command to the
//! ledger, or puts the query to a [`View`](crate::view::View), and draws what comes of it: in sentences by [`lines`], [`help`] and [`outcome`], or
//! as a report by [`tables`]. Where fields have to be filled in, [`choices`] makes the fields of a [`form`]. The words come
//! by key, from whoever implements [`words`].
//!
//! Nothing outside of this folder imports from it within the crate.

pub mod begin;
pub mod choices;
mod deadlines;
mod doors;
pub mod form;
pub mod grid;
pub mod help;
pub mod history;
mod keeping;
pub mod line;
pub mod lines;
pub mod login;
pub mod menu;
mod moments;
pub mod outcome;
pub mod tables;
pub mod timeline;
pub mod words;
