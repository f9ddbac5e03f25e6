//! The changes of a room as rows for other programs: for spreadsheets (CSV, RFC 4180) and as JSON, one object a line.

use crate::change::{Change, Entry};
use crate::people::{People, Person};
use crate::task::{Kind, Status, TaskId};
use std::fmt::Write;

/// The names of the columns, in order.
const COLUMNS: [&str; 11] =
    ["revision", "time", "room", "by", "what", "task", "title", "kind", "for", "status", "value"];

/// One thing that happened, as text in each column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportRow {
    cells: [String; COLUMNS.len()],
}

/// The first line of a table for spreadsheets.
pub fn csv_head() -> String {
    format!("{}\r\n", COLUMNS.join(","))
}

impl ExportRow {
    /// The line of a table for spreadsheets.
    pub fn csv(&self) -> String {
        let cells: Vec<String> = self.cells.iter().map(|cell| csv_cell(cell)).collect();
        format!("{}\r\n", cells.join(","))
    }

    /// A line for people, who are told the time as it is at the place.
    pub fn line(&self, time: &str) -> String {
        let [_, _, room, by, what, task, title, kind, person, status, value] = &self.cells;
        let quoted = |text: &str| if text.is_empty() { String::new() } else { format!("\"{text}\"") };
        let words = [room, by, what, task, &quoted(title), kind, person, status, &quoted(value)];
        let full: Vec<&str> = words.into_iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
        format!("{time}  {}\n", full.join(" "))
    }

    /// The line of JSON; what is empty is left out.
    pub fn json(&self) -> String {
        let full = COLUMNS.iter().zip(&self.cells).filter(|(_, cell)| !cell.is_empty());
        let numbers = ["revision", "task"];
        let members = full.map(|(name, cell)| match numbers.contains(name) {
            true => format!("\"{name}\":{cell}"),
            false => format!("\"{name}\":{}", json_text(cell)),
        });
        format!("{{{}}}\n", members.collect::<Vec<_>>().join(","))
    }
}

/// A cell that no spreadsheet takes for a formula.
fn csv_cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n', ';', '\t']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// A text in JSON (RFC 8259); nothing in it ends a script that it may be put into.
fn json_text(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\0'..='\u{1f}' | '<' | '\u{7f}' | '\u{2028}' | '\u{2029}' => {
                _ = write!(json, "\\u{:04x}", u32::from(c)); // a string takes everything
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

/// A time in ms since 1970, as `2026-11-26T10:41:07.123Z` (RFC 3339).
pub fn rfc3339(at_ms: i64) -> String {
    let (days, of_day_ms) = (at_ms.div_euclid(86_400_000), at_ms.rem_euclid(86_400_000));
    // Years begin in March here, so that a leap day is the last of its year.
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (of_day_ms / 3_600_000, of_day_ms / 60_000 % 60);
    let (second, milli) = (of_day_ms / 1_000 % 60, of_day_ms % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The rows of one change: one, or one for each person whom it sets.
pub fn rows(people: &People, entry: &Entry) -> Vec<ExportRow> {
    let head = |what: &str| {
        let mut row = ExportRow::default();
        let (revision, room) = (entry.revision.to_string(), entry.room.to_string());
        let by = people.name(&entry.by).to_owned();
        let task = entry.change.task().map(|task: TaskId| task.to_string()).unwrap_or_default();
        let cells = [revision, rfc3339(entry.at_ms), room, by, what.to_owned(), task];
        row.cells.iter_mut().zip(cells).for_each(|(cell, text)| *cell = text);
        row
    };
    let made = |what: &str, title: Option<&str>, kind: Option<Kind>, set: &[(Person, Status)]| {
        let mut row = head(what);
        let [.., in_title, in_kind, _, _, _] = &mut row.cells;
        title.unwrap_or_default().clone_into(in_title);
        kind.map_or("", Kind::name).clone_into(in_kind);
        let mut rows: Vec<ExportRow> =
            set.iter().map(|(person, status)| said(row.clone(), people.name(person), Some(status))).collect();
        if rows.is_empty() {
            rows.push(row);
        }
        rows
    };
    match &entry.change {
        Change::Created { title, kind, statuses, .. } => made("created", Some(title.as_str()), Some(*kind), statuses),
        Change::Edited { title, kind, set, unassigned, .. } => {
            let title = title.as_ref().map(|title| title.as_str());
            let mut rows = Vec::new();
            if title.is_some() || kind.is_some() || !set.is_empty() || unassigned.is_empty() {
                rows = made("edited", title, *kind, set);
            }
            rows.extend(unassigned.iter().map(|person| said(head("unassigned"), people.name(person), None)));
            rows
        }
        Change::Answered { person, status, .. } => vec![said(head("answered"), people.name(person), Some(status))],
        other => vec![head(change_name(other))],
    }
}

fn said(mut row: ExportRow, person: &str, status: Option<&Status>) -> ExportRow {
    let [.., in_person, in_status, in_value] = &mut row.cells;
    person.clone_into(in_person);
    if let Some(status) = status {
        status.progress.name().clone_into(in_status);
        status.value().clone_into(in_value);
    }
    row
}

/// What kind of change it is, for programs.
pub fn change_name(change: &Change) -> &'static str {
    match change {
        Change::Created { .. } => "created",
        Change::Edited { .. } => "edited",
        Change::Answered { .. } => "answered",
        Change::Removed { .. } => "removed",
        Change::Restored { .. } => "restored",
        Change::Planned(_) => "planned",
        Change::Unplanned { .. } => "unplanned",
        Change::Replanned { .. } => "replanned",
        Change::Lapsed { .. } => "plan-lapsed",
        Change::Deadlined { .. } => "deadline",
        Change::Reminded { .. } => "reminded",
        Change::Begun { .. } => "checklist-begun",
        Change::Stopped { .. } => "checklist-stopped",
        Change::Clocked(_) => "clock",
        Change::Rehearsed(_) => "rehearsal",
        Change::RehearsalEnded { .. } => "rehearsal-ended",
        Change::Watched { .. } => "watched",
        Change::Linked { .. } => "links",
        Change::Door(_) => "door",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{Affiliation, GroupBook, Standing};
    use crate::task::{Progress, Title};
    use std::collections::HashMap;

    fn person(name: &str) -> Person {
        Person::named(name, "localhost")
    }

    fn exported(change: Change) -> Vec<ExportRow> {
        let standings = [Standing { person: person("hall1"), affiliation: Affiliation::Member }];
        let people = People::build("localhost", "neerc", standings, HashMap::new(), &GroupBook::default());
        let (room, by) = ("neerc".into(), person("admin"));
        rows(&people, &Entry { revision: 7, room, at_ms: 1_795_689_667_123, by, change, request: None })
    }

    #[test]
    fn each_person_of_a_change_is_a_row() {
        let status = Status::new(Progress::Fail, "=HYPERLINK(\"http://x\")").unwrap();
        let title = Title::parse("Water, \"cold\"").unwrap();
        let statuses = vec![(person("hall1"), Status::NONE), (Person::from_bare("a@elsewhere"), status)];
        let (task, kind) = (TaskId(3), Kind::OkFail);
        let created = Change::Created { task, title, kind, timestamp_ms: 0, statuses, plan: None, deadline: None };
        let rows = exported(created);
        let csv: String = rows.iter().map(ExportRow::csv).collect();
        assert_eq!(
            csv_head() + &csv,
            "revision,time,room,by,what,task,title,kind,for,status,value\r\n\
             7,2026-11-26T10:41:07.123Z,neerc,admin,created,3,\"Water, \"\"cold\"\"\",okfail,hall1,none,\r\n\
             7,2026-11-26T10:41:07.123Z,neerc,admin,created,3,\"Water, \"\"cold\"\"\",okfail,a@elsewhere,fail,\
             \"'=HYPERLINK(\"\"http://x\"\")\"\r\n"
        );
        assert_eq!(
            rows[1].json(),
            "{\"revision\":7,\"time\":\"2026-11-26T10:41:07.123Z\",\"room\":\"neerc\",\"by\":\"admin\",\"what\":\"created\",\
             \"task\":3,\"title\":\"Water, \\\"cold\\\"\",\"kind\":\"okfail\",\"for\":\"a@elsewhere\",\"status\":\"fail\",\
             \"value\":\"=HYPERLINK(\\\"http://x\\\")\"}\n"
        );
        let unassigned = vec![person("hall1")];
        let edited = Change::Edited { task, title: None, kind: None, timestamp_ms: None, set: vec![], unassigned };
        let csv: String = exported(edited).iter().map(ExportRow::csv).collect();
        assert_eq!(csv, "7,2026-11-26T10:41:07.123Z,neerc,admin,unassigned,3,,,hall1,,\r\n");
        let csv: String = exported(Change::Clocked(None)).iter().map(ExportRow::csv).collect();
        assert_eq!(csv, "7,2026-11-26T10:41:07.123Z,neerc,admin,clock,,,,,,\r\n");
    }

    #[test]
    fn no_cell_is_a_formula_and_no_text_ends_a_script() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"] {
            assert!(csv_cell(text).trim_start_matches('"').starts_with('\''), "{text}");
        }
        assert_eq!((csv_cell("a=1"), csv_cell("1;2")), ("a=1".to_owned(), "\"1;2\"".to_owned()));
        assert_eq!(json_text("</script>\u{2028}\n\u{1f600}"), "\"\\u003c/script>\\u2028\\u000a\u{1f600}\"");
    }

    #[test]
    fn times_of_all_ages() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_798_761_599_999, "2026-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
        }
        rfc3339(i64::MAX);
        rfc3339(i64::MIN);
    }
}
