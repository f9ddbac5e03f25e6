//! Letting a browser in by the code that its page shows: what comes of the code that somebody writes. Nobody is let in before
//! whoever wrote it has seen which browser it is, and has said that it is theirs.

use super::line::{LineQuestion, Unclear};
use crate::command::Command;
use crate::doors::{DoorCommand, LoginTries, digits};
use crate::refusal::Refusal;
use crate::view::View;

/// A code that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRequest {
    /// As it was written.
    pub code: String,
    /// What they have said of the browser.
    pub confirmation: Confirmation,
}

impl LoginRequest {
    /// The code of which was asked back whether the browser is theirs.
    pub fn asked_back(&self, unclear: &Unclear) -> Option<String> {
        matches!(unclear, Unclear::Question(_)).then(|| digits(&self.code))
    }
}

/// What somebody has said of a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// Nothing yet.
    Missing,
    /// That it is not theirs.
    Denied,
    /// That it is theirs.
    Given,
}

/// The words for yes, and those for no; the first ones stand in forms.
const YES: [&str; 5] = ["yes", "y", "да", "confirm", "подтверждаю"];
const NO: [&str; 3] = ["no", "n", "нет"];

impl Confirmation {
    /// What can be said in a form, by its name: no stands first.
    pub const NAMES: [(&'static str, Confirmation); 2] = [("no", Confirmation::Denied), ("yes", Confirmation::Given)];

    /// What a word says, if it says either.
    pub fn parse(word: &str) -> Option<Confirmation> {
        let word = word.trim().trim_end_matches(['.', '!', ',', ')']).to_lowercase();
        match (YES.contains(&word.as_str()), NO.contains(&word.as_str())) {
            (true, _) => Some(Confirmation::Given),
            (_, true) => Some(Confirmation::Denied),
            _ => None,
        }
    }
}

/// What a code comes to at that steady time: the command that lets the browser in, or what is asked back.
pub fn login(
    view: &View<'_>,
    LoginRequest { code, confirmation }: &LoginRequest,
    tries: &mut LoginTries,
    now_ms: i64,
) -> Result<Command, Unclear> {
    let scene = view.scene();
    if !scene.entrance.is_open() {
        return Err(Refusal::NoWeb.into());
    }
    tries.check(now_ms, view.who())?;
    let known = scene.entrance.code(scene.room, code, scene.now.map(|now| now.wall_ms)).inspect_err(|_| {
        tries.note(now_ms, view.who());
    })?;
    let browser = known.browser.clone();
    match confirmation {
        Confirmation::Given => Ok(Command::Door(DoorCommand::Admit { session: known.session, browser })),
        Confirmation::Denied => Err(Refusal::NotLetIn.into()),
        Confirmation::Missing => {
            Err(LineQuestion::LetIn { code: digits(code), browser: browser.as_ref().to_owned() }.into())
        }
    }
}

/// The same where it comes from a form, in which no is what stands there at first.
pub fn login_by_form(
    view: &View<'_>,
    LoginRequest { code, confirmation }: LoginRequest,
    tries: &mut LoginTries,
    now_ms: i64,
) -> Result<Command, Refusal> {
    let confirmation = match confirmation {
        Confirmation::Given => Confirmation::Given,
        Confirmation::Missing | Confirmation::Denied => Confirmation::Missing,
    };
    login(view, &LoginRequest { code, confirmation }, tries, now_ms).map_err(|unclear| match unclear {
        Unclear::Refused(refusal) => refusal,
        Unclear::Question(question) => match *question {
            LineQuestion::LetIn { code, browser } => Refusal::Unconfirmed { code, browser },
            _ => Refusal::NotLetIn, // nothing else is asked
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Board;
    use crate::change::Room;
    use crate::doors::{Entrance, LoginCode, SecretHash};
    use crate::people::{Affiliation, GroupBook, People, Person, Standing};
    use crate::view::{DayTime, RoomScene, Visibility};

    #[test]
    fn nobody_is_let_in_without_a_yes_and_codes_are_not_guessed() {
        let (room, board) = (Room::from("neerc"), Board::default());
        let standings = ["hall1", "hall2"].map(|name| Person::named(name, "localhost"));
        let standings = standings.map(|person| Standing { person, affiliation: Affiliation::Member });
        let people = People::build("localhost", "neerc", standings, Default::default(), &GroupBook::default());
        let code = LoginCode {
            code: "482193".into(),
            room: None,
            browser: "Firefox, 192.0.2.7".into(),
            session: SecretHash::new([1; 32]),
            until_ms: 1_000,
        };
        let entrance = Entrance { url: Some("https://board.example.org".into()), codes: vec![code] };
        let mut scene = RoomScene {
            room: &room,
            people: &people,
            board: &board,
            clock: None,
            visibility: Visibility::All,
            now: Some(DayTime { wall_ms: 0, zone_ms: 0 }),
            checklists: &[],
            trail: None,
            entrance: &entrance,
        };
        let mut tries = LoginTries::default();
        let mut ask = |scene, who: &str, code: &str, confirmation| {
            let who = Person::named(who, "localhost");
            let view = View::of(scene, &who).unwrap();
            login(&view, &LoginRequest { code: code.to_owned(), confirmation }, &mut tries, 0)
        };
        let question = LineQuestion::LetIn { code: "482193".into(), browser: "Firefox, 192.0.2.7".into() };
        assert_eq!(ask(scene, "hall1", "482 193", Confirmation::Missing), Err(question.into()));
        let admit = DoorCommand::Admit { session: SecretHash::new([1; 32]), browser: "Firefox, 192.0.2.7".into() };
        assert_eq!(ask(scene, "hall1", "482193", Confirmation::Given), Ok(Command::Door(admit)));
        let denied = ask(scene, "hall1", "482193", Confirmation::Denied);
        assert_eq!(denied, Err(Refusal::NotLetIn.into()));
        for guess in ["482194", "000000", ""] {
            let unknown = Unclear::Refused(Refusal::UnknownCode { code: guess.to_owned() });
            assert_eq!(ask(scene, "hall1", guess, Confirmation::Given), Err(unknown));
        }
        let refused = Unclear::Refused(Refusal::TooManyTries { minutes: 10 });
        assert_eq!(ask(scene, "hall1", "482193", Confirmation::Given), Err(refused), "the right one, too late");
        assert!(ask(scene, "hall2", "482193", Confirmation::Given).is_ok(), "others are not touched");
        scene.now = Some(DayTime { wall_ms: 1_000, zone_ms: 0 });
        assert!(ask(scene, "hall2", "482193", Confirmation::Given).is_err(), "it is over");
        scene.entrance = Entrance::closed();
        assert_eq!(ask(scene, "hall2", "482193", Confirmation::Given), Err(Refusal::NoWeb.into()));
    }

    #[test]
    fn yes_and_no() {
        for (name, confirmation) in Confirmation::NAMES {
            assert_eq!(Confirmation::parse(name), Some(confirmation));
        }
        assert_eq!(Confirmation::parse("Да!"), Some(Confirmation::Given));
        assert_eq!(Confirmation::parse("нет"), Some(Confirmation::Denied));
        assert_eq!(Confirmation::parse("done"), None);
    }
}
