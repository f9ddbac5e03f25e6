//! People as a table that every office program writes: a line of headings, then a line for each, with commas, semicolons or
//! tabs between the fields (RFC 4180). Not where it is kept.

use super::Listed;
use crate::limits;
use csv::{ReaderBuilder, StringRecord};
use neerc_core::refusal::excerpt;

/// The columns. `name` has to be there, and no other may.
const COLUMNS: [&str; 3] = ["name", "display", "groups"];

/// Reads a table.
pub fn parse(bytes: &[u8]) -> Result<Vec<Listed>, String> {
    if bytes.len() > limits::LIST_BYTES {
        return Err(format!("it is longer than {} KiB", limits::LIST_BYTES / 1024));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        format!("line {line}: it is not in UTF-8; office programs call that \"Unicode (UTF-8)\" when they save CSV")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head = text.lines().next().unwrap_or_default();
    let delimiter = [b';', b'\t'].into_iter().find(|byte| head.contains(char::from(*byte))).unwrap_or(b',');
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let head = reader.headers().map_err(|error| error.to_string())?.clone();
    let places = COLUMNS.map(|column| head.iter().position(|found| found.trim().eq_ignore_ascii_case(column)));
    if let Some(odd) = head.iter().find(|found| !COLUMNS.iter().any(|column| found.trim().eq_ignore_ascii_case(column)))
    {
        return Err(format!("line 1: column '{}' is none of name, display, groups", excerpt(odd)));
    }
    let [Some(name), display, groups] = places else {
        return Err("line 1: there is no column name; the first line has to be: name,display,groups".to_owned());
    };
    let mut people = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() > head.len() {
            let (found, known) = (record.len(), head.len());
            return Err(format!(
                "line {line}: {found} fields, but {known} columns; put a field with commas into quotes"
            ));
        }
        let field = |place: Option<usize>| place.and_then(|place| record.get(place)).unwrap_or_default().trim();
        if is_empty(&record) {
            continue;
        }
        // More than one group stand in one field, with a semicolon, comma or bar between them.
        let groups = field(groups).split([';', ',', '|']).map(|group| group.trim().to_owned());
        let listed = Listed {
            name: field(Some(name)).to_owned(),
            display: Some(field(display).to_owned()),
            groups: groups.filter(|group| !group.is_empty()).collect(),
        };
        people.push(listed.cleaned().map_err(|why| format!("line {line}: {why}"))?);
    }
    Ok(people)
}

fn is_empty(record: &StringRecord) -> bool {
    record.iter().all(|field| field.trim().is_empty())
}
