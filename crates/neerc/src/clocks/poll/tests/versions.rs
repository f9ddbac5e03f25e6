//! The documents of a contest, as each version of the CLICS Contest API writes them.

use super::Answer;

/// Versions that differ in what a clock reads of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 2020-03, as PC^2 and Kattis write it: what is not known is left out, offsets are hours.
    March2020,
    /// 2023-06, as DOMjudge writes it: what is not known is null, and there are properties of its own.
    June2023,
    /// 2026-01 with the draft's removed intervals.
    Draft,
}

pub const VERSIONS: [Version; 3] = [Version::March2020, Version::June2023, Version::Draft];

/// What is planned; times are of one day, in UTC.
#[derive(Clone, Copy, Debug)]
pub struct Contest<'a> {
    start: Option<&'a str>,
    left: Option<&'a str>,
    length: &'a str,
}

/// Nobody knows when it begins.
pub const NONE_PLANNED: Contest<'static> = Contest { start: None, left: None, length: "5:00:00" };

pub fn starts(at: &str) -> Contest<'_> {
    Contest { start: Some(at), ..NONE_PLANNED }
}

impl<'a> Contest<'a> {
    /// The same, whose countdown stands.
    pub fn counted(self, left: &'a str) -> Contest<'a> {
        Contest { left: Some(left), ..self }
    }

    /// The same with another length.
    pub fn long(self, length: &'a str) -> Contest<'a> {
        Contest { length, ..self }
    }
}

/// A stretch that is removed: from when, until when, and the contest time in it.
type Removed<'a> = (&'a str, Option<&'a str>, &'a str);

/// What has happened.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    started: Option<&'a str>,
    ended: Option<&'a str>,
    removed: &'a [Removed<'a>],
}

pub const NOT_BEGUN: State<'static> = State { started: None, ended: None, removed: &[] };

pub fn started(at: &str) -> State<'_> {
    State { started: Some(at), ..NOT_BEGUN }
}

pub fn ends<'a>(started: &'a str, ended: &'a str) -> State<'a> {
    State { started: Some(started), ended: Some(ended), ..NOT_BEGUN }
}

impl<'a> State<'a> {
    /// The same with stretches that are removed.
    pub fn without(self, removed: &'a [Removed<'a>]) -> State<'a> {
        State { removed, ..self }
    }
}

impl Version {
    /// A server of a contest.
    pub fn serves(self, contest: Contest<'_>, state: State<'_>) -> impl FnMut(&str, &str) -> Answer + Send + 'static {
        let (contest, state) = (self.contest(contest), self.state(state));
        move |path, _| match path.strip_prefix("/api/contests/demo") {
            Some("") => (200, String::new(), contest.clone()),
            Some("/state") => (200, String::new(), state.clone()),
            _ => (404, String::new(), String::new()),
        }
    }

    /// `contests/<id>`.
    pub fn contest(self, Contest { start, left, length }: Contest<'_>) -> String {
        let decimals = if self == Version::March2020 { "" } else { ".000" };
        let penalty = if self == Version::Draft { "\"0:20:00\"" } else { "20" };
        let properties = [
            self.property("start_time", start.map(|at| self.moment(at))),
            self.property("countdown_pause_time", left.map(|left| format!("\"{left}{decimals}\""))),
            self.property("formal_name", None),
            Some(format!(
                "\"duration\":\"{length}{decimals}\",\"penalty_time\":{penalty},\"scoreboard_type\":\"pass-fail\""
            )),
        ];
        format!("{{\"id\":\"demo\",\"name\":\"Autumn Open\",{}}}", joined(properties))
    }

    /// `contests/<id>/state`.
    pub fn state(self, State { started, ended, removed }: State<'_>) -> String {
        let removed = removed.iter().map(|(start, end, contest_time)| {
            let end = end.map_or("null".to_owned(), |end| self.moment(end));
            format!("{{\"start\":{},\"end\":{end},\"contest_time\":\"{contest_time}\"}}", self.moment(start))
        });
        let removed = format!("\"removed_intervals\":[{}]", removed.collect::<Vec<_>>().join(","));
        let properties = [
            self.property("started", started.map(|at| self.moment(at))),
            self.property("frozen", None),
            self.property("ended", ended.map(|at| self.moment(at))),
            self.property("thawed", None),
            self.property("finalized", None),
            self.property("end_of_updates", None),
            (self == Version::Draft).then_some(removed),
        ];
        format!("{{{}}}", joined(properties))
    }

    fn moment(self, at: &str) -> String {
        match self {
            Version::March2020 => format!("\"2031-10-12T{at}.000+00\""),
            Version::June2023 | Version::Draft => format!("\"2031-10-12T{at}+00:00\""),
        }
    }

    /// A property that is not known is null in one version, and absent in the others.
    fn property(self, name: &str, value: Option<String>) -> Option<String> {
        let unknown = || (self == Version::June2023).then(|| "null".to_owned());
        value.or_else(unknown).map(|value| format!("\"{name}\":{value}"))
    }
}

fn joined(properties: impl IntoIterator<Item = Option<String>>) -> String {
    properties.into_iter().flatten().collect::<Vec<_>>().join(",")
}
