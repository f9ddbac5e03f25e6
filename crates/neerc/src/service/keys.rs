//! What commands on the machine of the service ask for that opens a door of a room: a link to log in with, or a token, in the
//! name of somebody. Not how they ask: that is the status socket.

use super::Service;
use super::status::{KeyAnswer, KeyRequest};
use crate::web::asks::{WebAsk, WebWish};
use neerc_core::board::Done;
use neerc_core::change::{Effect, Room};
use neerc_core::command::Command;
use neerc_core::doors::{DoorCommand, NewSecret, TokenId, TokenScope};
use neerc_core::people::Person;
use neerc_core::refusal::{Refusal, excerpt};
use tokio::sync::oneshot;

impl Service {
    /// Makes what is asked for; the answer comes once it is on disk.
    pub(super) fn key_asked(&mut self, request: &KeyRequest, back: oneshot::Sender<KeyAnswer>) {
        let refuse = |why: String| KeyAnswer::refused(why);
        let Some(url) = self.desk.entrance.url.clone() else {
            let _ = back.send(KeyAnswer::refused(Refusal::NoWeb)); // who does not wait is not told
            return;
        };
        let (room, who) = match self.whose_key(request) {
            Ok(found) => found,
            Err(why) => {
                let _ = back.send(refuse(why));
                return;
            }
        };
        let scope = request.scope();
        let command = match command(scope, request) {
            Ok(command) => command,
            Err(refusal) => {
                let _ = back.send(KeyAnswer::refused(refusal));
                return;
            }
        };
        let (reply, answer) = oneshot::channel();
        let command = Command::Door(command);
        self.web_asked(WebAsk::Change { wish: WebWish::new(room, who, command), reply });
        tokio::spawn(async move {
            let answer = match answer.await {
                Ok(Ok(Done { effect: Effect::TokenRevoked { token }, .. })) => {
                    KeyAnswer { key: Some(format!("{token} is good for nothing any more")), refused: None }
                }
                Ok(Ok(done)) => match done.secret {
                    Some(secret) => KeyAnswer { key: Some(shown(&url, scope, &secret)), refused: None },
                    None => KeyAnswer::refused(Refusal::NoWeb),
                },
                Ok(Err(refusal)) => KeyAnswer::refused(refusal),
                Err(_) => refuse("the service is ending".to_owned()),
            };
            let _ = back.send(answer); // who does not wait is not told
        });
    }

    /// In which room, and in whose name.
    fn whose_key(&self, KeyRequest { room, name, .. }: &KeyRequest) -> Result<(Room, Person), String> {
        let watch = self.front.rooms().find(|watch| *watch.room == *room.to_lowercase());
        let unknown = || Refusal::UnknownRoom { room: excerpt(room) }.to_string();
        let watch = watch.ok_or_else(unknown)?;
        if !watch.is_known() {
            return Err(format!("the chat server has not said yet who is in the room {room}; try again"));
        }
        let people = watch.people();
        let person = match name {
            Some(name) => people.user(name).or_else(|| people.shown_as(name)).ok_or_else(|| {
                let near = people.nearest(name).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                format!("{}{near}", Refusal::UnknownUser { name: excerpt(name) })
            })?,
            None => {
                let powerful: Vec<_> = people.listed().into_iter().filter(|(_, member)| member.power).collect();
                match powerful[..] {
                    [(only, _)] => only,
                    [] => return Err(format!("nobody has power in the room {room}; say whom it is for: --as NAME")),
                    _ => {
                        let names: Vec<&str> = powerful.iter().take(5).map(|(person, _)| people.name(person)).collect();
                        return Err(format!("say whom it is for: --as NAME, such as {}", names.join(", ")));
                    }
                }
            }
        };
        Ok((watch.room.clone(), person.clone()))
    }
}

/// What is asked for.
fn command(scope: Option<TokenScope>, request: &KeyRequest) -> Result<DoorCommand, Refusal> {
    match (scope, &request.token, &request.revoke) {
        (_, _, Some(token)) => Ok(DoorCommand::Revoke { token: TokenId::parse(token)? }),
        (Some(scope), ..) => Ok(DoorCommand::Issue { scope, secret: None }),
        (None, None, None) => Ok(DoorCommand::OfferLink { secret: None }),
        (None, Some(scope), None) => Err(Refusal::UnknownTokenScope { scope: excerpt(scope) }),
    }
}

/// What is printed.
fn shown(url: &str, scope: Option<TokenScope>, secret: &NewSecret) -> String {
    match scope {
        None => format!("{url}/l/{}", secret.reveal()),
        Some(TokenScope::Display) => format!("{url}/wall/{}", secret.reveal()),
        Some(TokenScope::Read | TokenScope::Write) => secret.reveal().to_owned(),
    }
}
