//! How a refusal is said in XMPP. Not its words.

use crate::stanza::Condition;
use neerc_core::refusal::Refusal;

/// How a refusal is said in XMPP.
pub fn condition(refusal: &Refusal) -> Condition {
    match refusal {
        Refusal::NotInRoom | Refusal::AdminsOnly | Refusal::NotAssigned { .. } | Refusal::OwnTasksOnly => {
            Condition::Forbidden
        }
        Refusal::UnknownTask { .. }
        | Refusal::RemovedTask { .. }
        | Refusal::UnknownUser { .. }
        | Refusal::UnknownRoom { .. }
        | Refusal::NotTheirs { .. }
        | Refusal::UnknownPlan { .. }
        | Refusal::UnknownChecklist { .. }
        | Refusal::RunsNot { .. }
        | Refusal::NoOpenTask
        | Refusal::NoWeb
        | Refusal::UnknownCode { .. }
        | Refusal::UnknownSession { .. }
        | Refusal::UnknownToken { .. }
        | Refusal::NoRehearsal
        | Refusal::NoClock => Condition::ItemNotFound,
        Refusal::UnknownName { .. }
        | Refusal::EmptyTitle
        | Refusal::TooLong { .. }
        | Refusal::ForbiddenCharacter { .. }
        | Refusal::UnknownKind { .. }
        | Refusal::UnknownStatus { .. }
        | Refusal::Missing { .. }
        | Refusal::BadSchedule { .. }
        | Refusal::BadDeadline { .. }
        | Refusal::DeadlineOfPlan { .. }
        | Refusal::UnclearChecklist { .. }
        | Refusal::RunsAlready { .. }
        | Refusal::MissingField { .. }
        | Refusal::UnknownVerb { .. }
        | Refusal::Surplus { .. }
        | Refusal::Malformed { .. }
        | Refusal::ClockHasBegun
        | Refusal::ClockStands
        | Refusal::ClockNotPaused
        | Refusal::BeyondClock { .. }
        | Refusal::BadClockTime { .. }
        | Refusal::UnknownClockAct { .. }
        | Refusal::BadSpeed { .. }
        | Refusal::Rehearses
        | Refusal::RehearsalInContest
        | Refusal::RehearsalAmongTasks { .. }
        | Refusal::UnknownLinksWish { .. }
        | Refusal::UsedCode
        | Refusal::NotLetIn
        | Refusal::Unconfirmed { .. }
        | Refusal::UsedLink
        | Refusal::UnknownTokenScope { .. }
        | Refusal::UsedKey { .. }
        | Refusal::Outdated
        | Refusal::TooMany { .. } => Condition::BadRequest,
        Refusal::NotDurable => Condition::InternalServerError,
        Refusal::Busy | Refusal::UsedUp { .. } | Refusal::TooManyTries { .. } => Condition::ResourceConstraint,
    }
}
