//! What went wrong with a request, as problem details (RFC 9457): the status and the code of each refusal of the core, and
//! what is wrong before the core is asked.

use super::put;
use super::routes::ROOT;
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use neerc_core::refusal::{Refusal, excerpt_within};
use serde_json::{Value, json};

use crate::limits::STANDBY_AGAIN_S;
use crate::web::asks::ServiceGone;
use crate::web::limits;
use crate::web::log::Unreadable;

/// Why a request was not done.
#[derive(Debug)]
pub struct ApiProblem {
    pub status: StatusCode,
    pub code: &'static str,
    pub detail: String,
    /// The task that it is about, as it is now, where the caller has seen another one.
    pub task: Option<Value>,
    headers: Vec<(HeaderName, String)>,
}

impl ApiProblem {
    /// A problem that has nothing to do with the rules of the room.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> ApiProblem {
        ApiProblem { status, code, detail: detail.into(), task: None, headers: Vec::new() }
    }

    /// Nothing is there.
    pub fn no_such_address() -> ApiProblem {
        ApiProblem::new(
            StatusCode::NOT_FOUND,
            "no-such-address",
            format!("nothing is here; {ROOT}/openapi.json says what is"),
        )
    }

    /// Something is there that takes other methods.
    pub fn not_allowed(allowed: &[&str]) -> ApiProblem {
        let allowed = allowed.join(", ");
        let problem =
            ApiProblem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", format!("allowed: {allowed}"));
        problem.with(ALLOW, allowed)
    }

    /// No token, or none that is good here.
    pub fn unauthorized(detail: &str) -> ApiProblem {
        let problem = ApiProblem::new(StatusCode::UNAUTHORIZED, "no-token", detail);
        problem.with(WWW_AUTHENTICATE, "Bearer realm=\"neerc\"".to_owned())
    }

    /// A body that is not what it should be.
    pub fn malformed(why: &str) -> ApiProblem {
        ApiProblem::new(StatusCode::BAD_REQUEST, "malformed", excerpt_within(why, limits::PROBLEM_CHARS))
    }

    /// What the caller remembers is of a log that was lost or taken back.
    pub fn of_another_log() -> ApiProblem {
        let detail =
            "that revision is of a log that was lost or taken back; read everything again, and go by its generation";
        ApiProblem::new(StatusCode::GONE, "another-log", detail)
    }

    /// The same with the time after which it may be tried again, in s.
    pub fn retry_after(self, seconds: i64) -> ApiProblem {
        self.with(RETRY_AFTER, seconds.max(1).to_string())
    }

    /// Another machine serves.
    pub fn standing_by(detail: &str) -> ApiProblem {
        let problem = ApiProblem::new(StatusCode::SERVICE_UNAVAILABLE, "standing-by", detail);
        problem.retry_after(STANDBY_AGAIN_S.into())
    }

    fn with(mut self, name: HeaderName, value: String) -> ApiProblem {
        self.headers.push((name, value));
        self
    }

    /// The answer to a request for that address.
    pub fn into_response(self, address: &str) -> Response {
        let mut body = json!({
            "type": format!("{ROOT}/problems/{}", self.code),
            "title": title(self.code),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "instance": address,
            "code": self.code,
        });
        if let Some(task) = self.task {
            put(&mut body, "task", task);
        }
        let kind = [(CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, format!("{body}\n")).into_response();
        for (name, value) in self.headers {
            response.headers_mut().extend(value.parse().ok().map(|value| (name, value)));
        }
        response
    }
}

impl From<Refusal> for ApiProblem {
    fn from(refusal: Refusal) -> ApiProblem {
        let problem = ApiProblem::new(status(&refusal), refusal.key(), refusal.to_string());
        match refusal {
            Refusal::NotDurable | Refusal::Busy => problem.retry_after(1),
            Refusal::UsedUp { .. } => problem.retry_after(limits::USED_UP_RETRY_S),
            Refusal::TooManyTries { minutes } => problem.retry_after(minutes.saturating_mul(60)),
            _ => problem,
        }
    }
}

impl From<ServiceGone> for ApiProblem {
    fn from(_: ServiceGone) -> ApiProblem {
        let detail = "the service ends; repeat the request with the same Idempotency-Key to learn whether it was done";
        ApiProblem::new(StatusCode::SERVICE_UNAVAILABLE, "service-gone", detail).retry_after(1)
    }
}

impl From<Unreadable> for ApiProblem {
    fn from(_: Unreadable) -> ApiProblem {
        ApiProblem::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", "the log could not be read")
    }
}

/// What a refusal is in HTTP.
pub fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NotInRoom
        | Refusal::AdminsOnly
        | Refusal::NotAssigned { .. }
        | Refusal::OwnTasksOnly
        | Refusal::NotLetIn => StatusCode::FORBIDDEN,
        Refusal::UnknownTask { .. }
        | Refusal::UnknownUser { .. }
        | Refusal::UnknownRoom { .. }
        | Refusal::UnknownPlan { .. }
        | Refusal::UnknownChecklist { .. }
        | Refusal::UnknownCode { .. }
        | Refusal::UnknownSession { .. }
        | Refusal::UnknownToken { .. }
        | Refusal::NoOpenTask
        | Refusal::NoRehearsal
        | Refusal::NoWeb
        | Refusal::NoClock => StatusCode::NOT_FOUND,
        Refusal::RemovedTask { .. } | Refusal::UsedLink => StatusCode::GONE,
        Refusal::ClockHasBegun
        | Refusal::ClockStands
        | Refusal::ClockNotPaused
        | Refusal::Rehearses
        | Refusal::RehearsalInContest
        | Refusal::RehearsalAmongTasks { .. }
        | Refusal::NotTheirs { .. }
        | Refusal::RunsAlready { .. }
        | Refusal::RunsNot { .. }
        | Refusal::UsedCode
        | Refusal::Outdated
        | Refusal::Unconfirmed { .. }
        | Refusal::TooMany { .. } => StatusCode::CONFLICT,
        Refusal::Missing { .. }
        | Refusal::MissingField { .. }
        | Refusal::Malformed { .. }
        | Refusal::Surplus { .. }
        | Refusal::UnknownVerb { .. } => StatusCode::BAD_REQUEST,
        Refusal::BeyondClock { .. }
        | Refusal::BadClockTime { .. }
        | Refusal::UnknownClockAct { .. }
        | Refusal::BadSpeed { .. }
        | Refusal::UnknownLinksWish { .. }
        | Refusal::UnknownName { .. }
        | Refusal::EmptyTitle
        | Refusal::TooLong { .. }
        | Refusal::ForbiddenCharacter { .. }
        | Refusal::UnknownKind { .. }
        | Refusal::UnknownStatus { .. }
        | Refusal::BadDeadline { .. }
        | Refusal::DeadlineOfPlan { .. }
        | Refusal::UnclearChecklist { .. }
        | Refusal::BadSchedule { .. }
        | Refusal::UnknownTokenScope { .. }
        | Refusal::UsedKey { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::UsedUp { .. } | Refusal::TooManyTries { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::NotDurable | Refusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The problems that are none of the core's, by their codes.
const OTHERS: [(&str, StatusCode); 16] = [
    ("no-such-address", StatusCode::NOT_FOUND),
    ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED),
    ("no-token", StatusCode::UNAUTHORIZED),
    ("read-only-token", StatusCode::FORBIDDEN),
    ("other-host", StatusCode::MISDIRECTED_REQUEST),
    ("malformed", StatusCode::BAD_REQUEST),
    ("slow-body", StatusCode::REQUEST_TIMEOUT),
    ("large-body", StatusCode::PAYLOAD_TOO_LARGE),
    ("not-json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ("too-many-requests", StatusCode::TOO_MANY_REQUESTS),
    ("starting", StatusCode::SERVICE_UNAVAILABLE),
    ("service-gone", StatusCode::SERVICE_UNAVAILABLE),
    ("standing-by", StatusCode::SERVICE_UNAVAILABLE),
    ("unreadable", StatusCode::INTERNAL_SERVER_ERROR),
    ("too-many-streams", StatusCode::TOO_MANY_REQUESTS),
    ("another-log", StatusCode::GONE),
];

/// All problems that there can be, by their codes.
pub fn all() -> impl Iterator<Item = (&'static str, StatusCode)> {
    let refusals = Refusal::examples().into_iter().map(|refusal| (refusal.key(), status(&refusal)));
    refusals.chain(OTHERS.into_iter().filter(|(code, _)| *code != "malformed"))
}

/// What a problem of that code is.
pub fn described(code: &str) -> Result<Value, ApiProblem> {
    let found = all().find(|(known, _)| *known == code);
    let (code, status) = found.ok_or_else(ApiProblem::no_such_address)?;
    Ok(json!({"code": code, "title": title(code), "status": status.as_u16()}))
}

/// A code in words.
fn title(code: &str) -> String {
    let words = code.replace('-', " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
