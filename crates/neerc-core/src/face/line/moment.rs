//! Moments where they may stand in a line that makes a task: `end-60!`, `10:30`, `in 20m`, and whatever somebody may have
//! meant as one: `end - 60`, `14.30`, `+5`. Not when a moment comes.

use super::clean::{bare, is_dash};
use super::split;
use crate::deadline::Deadline;
use crate::limits;
use crate::moment::{self, ContestMoment, When};
use crate::plan::Timing;
use crate::refusal::Refusal;

/// What a text begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Moment<'t> {
    /// No time of any kind.
    None,
    /// A moment, and what is behind it.
    Clear(Found<'t>),
    /// Most likely one, but it may as well be part of a title: `end - 60`, `start the printers`.
    Likely(Found<'t>),
    /// A time that is no moment.
    Other(String),
}

/// A moment with the words that say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found<'t> {
    /// When.
    pub timing: Timing,
    /// How it is written.
    pub word: String,
    /// What is behind it.
    pub behind: &'t str,
}

/// Words for minutes.
const MINUTES: [&str; 9] = ["min", "mins", "minute", "minutes", "м", "мин", "минут", "минута", "минуты"];
/// Words for other lengths of time.
const LENGTHS: [&str; 20] = [
    "минуту",
    "полчаса",
    "m",
    "h",
    "s",
    "sec",
    "secs",
    "second",
    "seconds",
    "hour",
    "hours",
    "hr",
    "hrs",
    "ч",
    "час",
    "часа",
    "часов",
    "сек",
    "секунд",
    "секунды",
];
/// Words before a length of time.
const WITHIN: [&str; 5] = ["in", "after", "within", "через", "после"];
/// Words behind a length of time.
const RELATED: [&str; 8] = ["before", "after", "later", "from", "до", "после", "спустя", "от"];
/// Words before a time of day.
const AT: [&str; 9] = ["at", "by", "till", "until", "from", "в", "к", "до", "с"];
/// Times without numbers.
const DAYS: [&str; 8] = ["tomorrow", "noon", "midnight", "tonight", "завтра", "полдень", "полночь", "послезавтра"];

/// Reads what a text begins with. Refused is a moment that no contest reaches.
pub(super) fn read(text: &str) -> Result<Moment<'_>, Refusal> {
    let (word, behind) = split(text);
    if let Some(found) = of_day(word, behind)? {
        return Ok(Moment::Clear(found));
    }
    if let Some(moment) = of_contest(word, behind)? {
        return Ok(moment);
    }
    Ok(other(text).map_or(Moment::None, Moment::Other))
}

/// Words before a deadline.
const BY: [&str; 4] = ["by", "до", "к", "за"];

/// A deadline with which a text begins, `by 20m` or `by 20 min`, as it is written, and what is behind it.
pub(super) fn deadline(text: &str) -> Result<Option<(When, String, &str)>, Refusal> {
    let (word, behind) = split(text);
    if !BY.contains(&&*word.to_lowercase()) {
        return Ok(None);
    }
    let (first, after) = split(behind);
    let (unit, after_unit) = split(after);
    if before(behind).is_some() {
        return Ok(None);
    }
    if is_number(first) && is_length(&unit.to_lowercase()) {
        let written = format!("{first} {}", bare(unit));
        return Ok(Deadline::parse(&written)?.map(|by| (by, format!("{word} {written}"), after_unit)));
    }
    Ok(Deadline::parse(bare(first))?.map(|by| (by, format!("{word} {}", bare(first)), after)))
}

/// A deadline where nothing else can stand, without the word that may be before it.
pub(super) fn deadline_alone(text: &str) -> String {
    let (word, behind) = split(text);
    let text = if BY.contains(&&*word.to_lowercase()) && !behind.is_empty() { behind } else { text };
    bare(text).to_owned()
}

/// The moment of a plan where nothing else can stand, without the word that may be before it.
pub(super) fn schedule_alone(text: &str) -> String {
    const TO: [&str; 4] = ["to", "for", "на", "к"];
    let (word, behind) = split(text);
    let text = if TO.contains(&&*word.to_lowercase()) && !behind.is_empty() { behind } else { text };
    text.trim_end_matches(STOPS).to_owned()
}

/// Whether a text begins with anything that may be meant as a time.
pub(super) fn begins(text: &str) -> bool {
    let (word, _) = split(text);
    let unit = is_length(&word.to_lowercase());
    unit || !matches!(read(text), Ok(Moment::None)) || !matches!(deadline(text), Ok(None))
}

/// What may stand behind a moment.
const STOPS: [char; 6] = [',', ':', ';', '.', '\u{ff1a}', '\u{ff0c}'];

/// A time of day, `10:30` or `at 10:30`, or a while from now: `in 20m`, `in 20 minutes`, `in half an hour`.
fn of_day<'t>(word: &str, behind: &'t str) -> Result<Option<Found<'t>>, Refusal> {
    let lower = word.to_lowercase();
    let most = match &*lower {
        lower if moment::WITHIN.contains(&lower) => limits::WITHIN_WORDS,
        lower if moment::AT.contains(&lower) => 1,
        _ => {
            let timing = Timing::parse(word.trim_end_matches(STOPS))?;
            let timing = timing.filter(|timing| matches!(timing.when, Some(When::TimeOfDay { .. })));
            return Ok(timing.map(|timing| Found { timing, word: timing.to_string(), behind }));
        }
    };
    let (mut written, mut behind) = (word.to_owned(), behind);
    for _ in 0..most {
        let (next, after) = split(behind);
        written = format!("{written} {next}");
        behind = after;
        if let Some(timing) = Timing::parse(written.trim_end_matches(STOPS))? {
            return Ok(Some(Found { timing, word: written.trim_end_matches(STOPS).to_owned(), behind }));
        }
    }
    Ok(None)
}

fn of_contest<'t>(word: &str, behind: &'t str) -> Result<Option<Moment<'t>>, Refusal> {
    let marked = word.trim_end_matches(STOPS);
    let is_contest = |timing: &Timing| matches!(timing.when, Some(When::Contest(_)));
    let Some(timing) = Timing::parse(marked)?.filter(is_contest) else { return Ok(None) };
    let found = |timing, word: String, behind| Found { timing, word, behind };
    if ContestMoment::is_bare(marked) {
        // `end - 60!` and `end -60!` are one moment to whoever writes them.
        if let Some((offset, after)) = offset(behind)
            && let Some(timing) = Timing::parse(&format!("{marked}{offset}"))?
        {
            return Ok(Some(Moment::Likely(found(timing, format!("{marked}{offset}"), after))));
        }
        let word = marked.to_owned();
        let titled = marked.starts_with(char::is_uppercase) || behind.starts_with(char::is_lowercase);
        let found = found(timing, word, behind);
        return Ok(Some(if titled && !behind.is_empty() { Moment::Likely(found) } else { Moment::Clear(found) }));
    }
    let (unit, after) = split(behind);
    if MINUTES.contains(&bare(&unit.to_lowercase())) {
        return Ok(Some(Moment::Likely(found(timing, format!("{marked} {unit}"), after))));
    }
    if LENGTHS.contains(&bare(&unit.to_lowercase())) {
        return Ok(Some(Moment::Other(format!("{marked} {unit}"))));
    }
    Ok(Some(Moment::Clear(found(timing, marked.to_owned(), behind))))
}

/// A sign and digits, with a blank between them or none, as one word.
fn offset(text: &str) -> Option<(String, &str)> {
    let sign = text.chars().next().filter(|c| is_sign(*c))?;
    let (digits, behind) = split(text.get(sign.len_utf8()..)?);
    let digits = digits.trim_end_matches([',', ':', ';', '.']);
    let numeric = digits.trim_end_matches('!');
    let sign = if is_dash(sign) { '-' } else { '+' };
    is_number(numeric).then(|| (format!("{sign}{digits}"), behind))
}

fn is_sign(c: char) -> bool {
    is_dash(c) || matches!(c, '+' | '\u{ff0b}')
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(char::is_numeric)
}

/// Whether a word is one for a length of time.
pub(super) fn is_length(lower: &str) -> bool {
    MINUTES.contains(&bare(lower)) || LENGTHS.contains(&bare(lower))
}

/// A time that is no moment, as it is written.
fn other(text: &str) -> Option<String> {
    let (word, behind) = split(text);
    let (second, rest) = split(behind);
    let (third, _) = split(rest);
    let [one, two, three] = [word, second, third].map(str::to_lowercase);
    let plain = bare(&one);
    if is_of_day(plain) || is_offset(plain) || is_bent(plain) || DAYS.contains(&plain) {
        return Some(word.to_owned());
    }
    if AT.contains(&plain) && (is_of_day(bare(&two)) || DAYS.contains(&bare(&two))) {
        return Some(format!("{word} {second}"));
    }
    let within = WITHIN.contains(&plain) || plain == "за";
    if within && is_length(&two) || WITHIN.contains(&plain) && is_joined_length(bare(&two)) {
        return Some(format!("{word} {second}"));
    }
    if WITHIN.contains(&plain) && is_count(&two) && (is_length(&three) || two == "half") {
        return Some(format!("{word} {second} {third}"));
    }
    if BY.contains(&plain)
        && let Some(before) = before(behind)
    {
        return Some(format!("{word} {before}"));
    }
    let counted = (is_number(plain) && is_length(&two)).then_some(&three);
    let joined = is_joined_length(plain).then_some(&two);
    if counted.or(joined).is_some_and(|next| RELATED.contains(&bare(next))) {
        return Some(if counted.is_some() { format!("{word} {second} {third}") } else { format!("{word} {second}") });
    }
    let hours = ["am", "pm", "o'clock", "часов", "часа"];
    (is_number(plain) && plain.len() <= 2 && hours.contains(&bare(&two))).then(|| format!("{word} {second}"))
}

/// Whether a word says that a length of time is one before something else.
fn is_before(lower: &str) -> bool {
    matches!(lower, "before" | "до")
}

/// A length of time before something else, as it is written: `60 минут до`, `час до`.
fn before(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().take(3).collect();
    let lower: Vec<String> = words.iter().map(|word| bare(&word.to_lowercase()).to_owned()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    match lower[..] {
        [count, unit, next] if is_count(count) && is_length(unit) && is_before(next) => Some(words.join(" ")),
        [unit, next, ..] if (is_length(unit) || is_joined_length(unit)) && is_before(next) => {
            Some(words.iter().take(2).copied().collect::<Vec<_>>().join(" "))
        }
        _ => None,
    }
}

fn is_count(lower: &str) -> bool {
    is_number(lower) || matches!(lower, "a" | "an" | "one" | "half" | "few" | "пять" | "десять" | "полчаса" | "пару")
}

/// `5min`, `2h`.
fn is_joined_length(lower: &str) -> bool {
    let unit = lower.trim_start_matches(char::is_numeric);
    unit.len() < lower.len() && is_length(unit)
}

/// `14:30`, `14.30`, `2pm`.
fn is_of_day(lower: &str) -> bool {
    let time = lower.trim_end_matches("am").trim_end_matches("pm");
    let within = |text: &str, most: u32| text.len() <= 2 && text.parse::<u32>().is_ok_and(|number| number < most);
    match time.split_once([':', '.', '\u{ff1a}']) {
        Some((hours, minutes)) => {
            let minutes = minutes.split([':', '.', '-', '–']).next().unwrap_or(minutes);
            within(hours, 25) && minutes.len() == 2 && within(minutes, 60)
        }
        None => time.len() < lower.len() && within(time, 25),
    }
}

/// `+5`, `-60!`, `+5min`.
fn is_offset(lower: &str) -> bool {
    let unsigned = lower.trim_start_matches(is_sign);
    let unit = unsigned.trim_start_matches(char::is_numeric);
    unsigned.len() < lower.len() && unit.len() < unsigned.len() && (unit.is_empty() || is_length(unit))
}

/// A moment of the contest that is written wrongly: `end-60min`, `start+`, `начала+5`.
fn is_bent(lower: &str) -> bool {
    const NAMES: [&str; 12] = [
        "start",
        "end",
        "begin",
        "beginning",
        "finish",
        "начало",
        "начала",
        "старт",
        "старта",
        "конец",
        "конца",
        "freeze",
    ];
    let Some((at, sign)) = lower.char_indices().find(|(_, c)| is_sign(*c)) else { return false };
    let (name, offset) = (&lower[..at], &lower[at + sign.len_utf8()..]);
    NAMES.contains(&name) && (offset.is_empty() || offset.starts_with(|c: char| c.is_numeric() || is_sign(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match read(text).unwrap() {
            Moment::None => "none".to_owned(),
            Moment::Clear(Found { timing, behind, .. }) => format!("{timing} [{behind}]"),
            Moment::Likely(Found { timing, word, behind }) => format!("{timing}? {word} [{behind}]"),
            Moment::Other(word) => format!("other [{word}]"),
        }
    }

    #[test]
    fn moments_and_what_is_most_likely_one() {
        for (text, expected) in [
            ("end-60! x", "end-60! [x]"),
            ("end—60: x", "end-60 [x]"),
            ("start Begin", "start+0 [Begin]"),
            ("start", "start+0 []"),
            ("start the printers", "start+0? start [the printers]"),
            ("Start Printing", "start+0? Start [Printing]"),
            ("end -60! x", "end-60!? end-60! [x]"),
            ("end - 60 x", "end-60? end-60 [x]"),
            ("конец – 60 x", "end-60? конец-60 [x]"),
            ("end-60 min x", "end-60? end-60 min [x]"),
            ("end-60 минут x", "end-60? end-60 минут [x]"),
            ("end-1 hour x", "other [end-1 hour]"),
            ("14:30 lunch", "14:30 [lunch]"),
            ("14:30! lunch", "14:30! [lunch]"),
            ("14:30: lunch", "14:30 [lunch]"),
            ("At 14:30, lunch", "14:30 [lunch]"),
            ("в 14:30 обед", "14:30 [обед]"),
            ("in 5 minutes call", "in 5m [call]"),
            ("in 5min! call", "in 5m! [call]"),
            ("in 1:20 call", "in 80m [call]"),
            ("in an hour call", "in 60m [call]"),
            ("in half an hour: call", "in 30m [call]"),
            ("через 5 минут позвонить", "in 5m [позвонить]"),
            ("через час позвонить", "in 60m [позвонить]"),
            ("через полчаса позвонить", "in 30m [позвонить]"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn times_that_are_no_moments() {
        for (text, expected) in [
            ("14.30, lunch", "14.30,"),
            ("14:30-15:00 lunch", "14:30-15:00"),
            ("till 14:30 lunch", "till 14:30"),
            ("at noon lunch", "at noon"),
            ("in five minutes call", ""),
            ("через пару минут позвонить", "через пару минут"),
            ("after 5 minutes call", "after 5 minutes"),
            ("2pm lunch", "2pm"),
            ("2 pm lunch", "2 pm"),
            ("+5 call me", "+5"),
            ("+5min call me", "+5min"),
            ("-60! call me", "-60!"),
            ("60 minutes before the end call", "60 minutes before"),
            ("за 5 мин", ""),
            ("за 60 минут до конца", "за 60 минут до"),
            ("за час до конца", "за час"),
            ("за час раздать", "за час"),
            ("by 5 min before the end", "by 5 min before"),
            ("end-60min x", "end-60min"),
            ("end-1h x", "end-1h"),
            ("start+ x", "start+"),
            ("tomorrow x", "tomorrow"),
            ("завтра x", "завтра"),
            ("5 chairs", ""),
            ("2.5 litres", ""),
            ("end-to-end test", ""),
            ("start-up", ""),
            ("in the hall", ""),
            ("at the door", ""),
            ("5 minutes of silence", ""),
            ("lunch 14:30", ""),
        ] {
            let expected = if expected.is_empty() { "none".to_owned() } else { format!("other [{expected}]") };
            assert_eq!(told(text), expected, "{text}");
        }
    }
}
