//! `neerc`: when it is done. The command line, and the wiring of configuration, store, clocks and service.

#![warn(clippy::print_stdout, clippy::print_stderr)] // these macros panic where nobody listens: see `cli::out`

#[cfg(test)]
mod book;
#[doc(hidden)]
pub mod checklists; // for its fuzz target alone
mod cli;
#[doc(hidden)]
pub mod clocks; // for its fuzz targets, and those of the configuration
#[doc(hidden)]
pub mod config;
mod follow;
#[doc(hidden)]
pub mod http; // for the fuzz target of its dates
mod i18n;
mod limits;
mod link;
pub(crate) mod people;
mod program;
mod service;
mod warnings;
mod watched;
mod web;
mod webhooks;

pub use cli::main;
