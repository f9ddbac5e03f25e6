//! `neerc login-link` and `neerc token`: what opens the board or the API, from the service that runs.

use super::args::{LoginLinkArgs, TokenArgs};
use super::{Outcome, failure, load_place, nobody_there, out, runtime};
use crate::service::status::{self, KeyRequest};
use anyhow::{Context, anyhow};
use neerc_core::doors::TokenScope;
use std::path::Path;

/// Prints a link that logs somebody in, once.
pub fn login_link(args: LoginLinkArgs) -> Outcome {
    let LoginLinkArgs { room, name, config } = args;
    ask(&config.config, &KeyRequest { room, name: Some(name), token: None, revoke: None })
}

/// Prints a new token, or turns one off.
pub fn token(args: TokenArgs) -> Outcome {
    let TokenArgs { room, name, revoke, .. } = args;
    if revoke.is_some() {
        return ask(&args.config.config, &KeyRequest { room, name, token: None, revoke });
    }
    let scope = match (args.write, args.display) {
        (true, _) => TokenScope::Write,
        (_, true) => TokenScope::Display,
        _ => TokenScope::Read,
    };
    ask(&args.config.config, &KeyRequest { room, name, token: Some(scope.name().to_owned()), revoke: None })
}

fn ask(config: &Path, request: &KeyRequest) -> Outcome {
    let store = load_place(config)?;
    let (file, name) = (store.local(), store.name());
    let socket = status::path(file);
    let answer = runtime()?.block_on(status::ask_key(&socket, request));
    let answer = answer.map_err(|error| nobody_there(error, &name));
    let answer =
        answer.with_context(|| format!("cannot ask the neerc that uses {}", name.display())).map_err(failure)?;
    match (answer.key, answer.refused) {
        (Some(key), _) => out::line(&key),
        (None, why) => Err(failure(anyhow!(why.unwrap_or_else(|| "it said nothing".to_owned())))),
    }
}
