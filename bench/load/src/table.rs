//! The table: what was measured, how much it varied, and whether the goals are met.

use std::fmt::Write as _;

/// What a row is expected to be.
#[derive(Clone, Copy)]
pub enum Goal {
    /// The ratio, at least.
    Ratio(f64),
    /// The ratio, at most.
    RatioAtMost(f64),
    /// The measured value, at most.
    AtMost(f64),
}

/// One row.
pub struct Row {
    /// What was done.
    pub workload: String,
    /// One value for each run.
    pub values: Vec<f64>,
    /// Unit of the values.
    pub unit: &'static str,
    /// What else is known of the median run.
    pub more: String,
    /// The value beside another one of the same run, and of what.
    pub ratio: Option<(Vec<f64>, String)>,
    /// What it should be.
    pub goal: Option<Goal>,
    /// What the time goes to, a line for each thread.
    pub profile: Vec<String>,
}

impl Row {
    /// A row without ratio and goal.
    pub fn new(workload: impl Into<String>, values: Vec<f64>, unit: &'static str) -> Row {
        Row {
            workload: workload.into(),
            values,
            unit,
            more: String::new(),
            ratio: None,
            goal: None,
            profile: Vec::new(),
        }
    }

    /// With more words.
    pub fn more(mut self, more: impl Into<String>) -> Row {
        self.more = more.into();
        self
    }

    /// With the ratio to the values of the same runs of something else.
    pub fn beside(self, others: &[f64], of: impl Into<String>) -> Row {
        let ratios = self.values.iter().zip(others).map(|(mine, other)| mine / other).collect();
        self.ratio(ratios, of)
    }

    /// With ratios.
    pub fn ratio(mut self, ratios: Vec<f64>, of: impl Into<String>) -> Row {
        self.ratio = Some((ratios, of.into()));
        self
    }

    /// With a goal.
    pub fn goal(mut self, goal: Goal) -> Row {
        self.goal = Some(goal);
        self
    }

    /// With what the time goes to.
    pub fn profile(mut self, profile: &[String]) -> Row {
        self.profile = profile.to_vec();
        self
    }

    fn verdict(&self) -> (String, &'static str, String) {
        let Some(goal) = self.goal else { return Default::default() };
        let ratio = self.ratio.as_ref().map_or(f64::NAN, |(ratios, _)| median(ratios));
        let (words, is, wanted, least) = match goal {
            Goal::Ratio(wanted) => (format!(">= {}", number(wanted)), ratio, wanted, true),
            Goal::RatioAtMost(wanted) => (format!("<= {}", number(wanted)), ratio, wanted, false),
            Goal::AtMost(wanted) => {
                (format!("<= {} {}", number(wanted), self.unit), median(&self.values), wanted, false)
            }
        };
        let met = if least { is >= wanted } else { is <= wanted };
        let by = if least { wanted / is } else { is / wanted };
        if met { (words, "met", String::new()) } else { (words, "missed", format!(" by {:.0} %", (by - 1.0) * 100.0)) }
    }
}

/// Below the table: what the time goes to where a goal is missed, or wherever that is known.
pub fn print_profiles(rows: &[Row], wanted: Profiles) -> String {
    let mut out = String::new();
    let mut said: Vec<&[String]> = Vec::new();
    for row in rows.iter().filter(|row| row.goal.is_some()) {
        let (goal, verdict, by) = row.verdict();
        let is_missed = verdict == "missed";
        if !is_missed && (wanted == Profiles::OfMissed || row.profile.is_empty()) {
            continue;
        }
        let _ = writeln!(out, "\n{}: {goal} {verdict}{by}", row.workload);
        if row.profile.is_empty() {
            out += "  no profile: what is measured here is no processor time\n";
        } else if said.contains(&&*row.profile) {
            out += "  the time goes where it says above\n";
        } else {
            out.extend(row.profile.iter().map(|line| format!("  {line}\n")));
            said.push(&row.profile);
        }
    }
    out
}

/// Of which goals it is printed what the time goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profiles {
    /// Of those that are missed.
    OfMissed,
    /// Of all.
    OfAll,
}

/// The middle one; of an even number, the lower of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// Which run has the middle value.
pub fn median_run(values: &[f64]) -> usize {
    let middle = median(values);
    values.iter().position(|value| *value == middle).unwrap_or(0)
}

/// A number as people read it.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{:.2} M", value / 1e6),
        size if size >= 1e4 => format!("{:.1} k", value / 1e3),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        size if size >= 0.01 || value == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.5}"),
    }
}

/// The table as text, all rows in columns.
pub fn print(rows: &[Row]) -> String {
    let heads = ["workload", "measured", "noise", "ratio", "goal", "verdict"].map(str::to_owned);
    let mut lines = vec![heads];
    for row in rows {
        let more = if row.more.is_empty() { String::new() } else { format!("; {}", row.more) };
        let least = row.values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = row.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let ratio = row.ratio.as_ref().map(|(ratios, of)| format!("{} of {of}", number(median(ratios))));
        let (goal, verdict, by) = row.verdict();
        lines.push([
            row.workload.clone(),
            format!("{} {}{more}", number(median(&row.values)), row.unit),
            format!("{}..{}", number(least), number(most)),
            ratio.unwrap_or_default(),
            goal,
            format!("{verdict}{by}"),
        ]);
    }
    let widths: Vec<usize> =
        (0..6).map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(out, "| {cell:width$} ");
        }
        out.push_str("|\n");
        if index == 0 {
            for width in &widths {
                let _ = write!(out, "|{}", "-".repeat(width + 2));
            }
            out.push_str("|\n");
        }
    }
    out
}
