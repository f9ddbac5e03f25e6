//! Forms to be filled in and reports to be read, as values: what stands in them, not how a face writes them. An XMPP
//! client is sent them as data forms, a browser as HTML.

use super::lines::short;
use super::menu::Presence;
use crate::limits;

/// The values of the fields of a form that was filled in, by the names of the fields.
pub type Sent = Vec<(String, Vec<String>)>;

/// The first value of a field that is not blank.
pub fn one<'v>(values: &'v Sent, var: &str) -> Option<&'v str> {
    let values = values.iter().filter(|(name, _)| name == var).flat_map(|(_, values)| values);
    values.map(|value| value.trim()).find(|value| !value.is_empty())
}

/// One value that a list offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is sent back.
    pub value: String,
    /// What people see.
    pub label: String,
}

/// How a field is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One line; if a pattern is given, the whole line has to match this regular expression.
    Line(Option<&'static str>),
    /// Several lines, each a value of its own.
    Lines,
    /// One of these.
    One(Vec<Choice>),
    /// Any number of these.
    Any(Vec<Choice>),
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormField {
    /// Its name.
    pub var: &'static str,
    /// What people see.
    pub label: String,
    /// More about it, possibly empty.
    pub hint: String,
    /// Whether it may stay empty.
    pub need: Presence,
    /// How it is filled in.
    pub shape: Shape,
    /// What stands in it already.
    pub values: Vec<String>,
}

/// A form to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Its title.
    pub title: String,
    /// What it is for, possibly empty.
    pub instructions: String,
    /// Its fields.
    pub fields: Vec<FormField>,
}

impl Form {
    /// Makes lists lines to type into, for a face to which the form is too long.
    pub fn drop_choices(&mut self) {
        for field in &mut self.fields {
            match field.shape {
                Shape::One(_) => field.shape = Shape::Line(None),
                Shape::Any(_) => field.shape = Shape::Lines,
                Shape::Line(_) | Shape::Lines => {}
            }
        }
    }

    /// Empties all fields.
    pub fn drop_values(&mut self) {
        self.fields.iter_mut().for_each(|field| field.values.clear());
    }
}

/// A report to be read: some single values, then a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Its title.
    pub title: String,
    /// More about it, possibly empty.
    pub instructions: String,
    /// Single values: name, what people see, value.
    pub values: Vec<(&'static str, String, String)>,
    /// The columns of the table: name, what people see.
    pub columns: Vec<(&'static str, String)>,
    /// The rows of the table, each with a value for each column.
    pub rows: Vec<Vec<String>>,
    /// How many more rows there are, which were not made since they could not be shown.
    pub not_made: usize,
}

impl Report {
    /// The first rows of its table as lines, for clients that show no forms.
    pub fn in_words(&self) -> String {
        let line = |row: &Vec<String>| short(&Report::line(row));
        self.rows.iter().take(limits::LISTED_IN_CHAT).map(line).collect::<Vec<_>>().join("\n")
    }

    /// A row of its table as a line, for clients that show no tables.
    pub fn line(row: &[String]) -> String {
        row.iter().filter(|cell| !cell.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" · ")
    }

    /// What stands above these lines.
    pub fn heading(&self) -> String {
        self.columns.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>().join(" · ")
    }
}
