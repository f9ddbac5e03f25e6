//! What the demo's clients read of the service's answers and notifications, and how it is put into a line of text.

use crate::i18n::Files;
use neerc_core::face::words::{Language, Words};
use neerc_core::task::{Kind, Progress};
use neerc_xmpp::ns::NEERC as NS;
use neerc_xmpp::xml::Element;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// A task as a client was told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    id: String,
    title: String,
    kind: String,
    /// By user: the status and the words with it.
    statuses: BTreeMap<String, (String, String)>,
}

impl Told {
    /// Reads a notification; `None` if the stanza is something else.
    pub fn read(message: &Element<'_>) -> Option<Told> {
        let task = message.child("x", &format!("{NS}#tasks"))?.elements().next()?;
        let text = |element: &Element<'_>, name| element.attr(name).unwrap_or_default().to_owned();
        let status = |status: &Element<'_>| (text(status, "for"), (text(status, "type"), text(status, "value")));
        Some(Told {
            id: text(task, "id"),
            title: text(task, "title"),
            kind: text(task, "type"),
            statuses: task.elements().map(status).collect(),
        })
    }

    /// The task's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether this user's status is of that type.
    pub fn is(&self, user: &str, status: &str) -> bool {
        self.statuses.get(user).is_some_and(|(type_, _)| type_ == status)
    }

    /// All of it in one line.
    pub fn line(&self) -> String {
        if self.kind == "remove" {
            return format!("task {} is removed", self.id);
        }
        let statuses: Vec<String> = self.statuses.iter().map(|status| self.said(status)).collect();
        let nobody = "nobody".to_owned();
        let statuses = if statuses.is_empty() { nobody } else { statuses.join(", ") };
        format!("task {} \"{}\": {statuses}", self.id, one_line(&self.title))
    }

    /// What somebody has answered, called as the chat calls it.
    fn said(&self, (user, (type_, value)): (&String, &(String, String))) -> String {
        let word = match (Kind::parse(&self.kind), Progress::parse(type_)) {
            (Ok(kind), Ok(progress)) => Files.answer(Language::English, kind, progress),
            _ => type_.clone(),
        };
        if value.is_empty() { format!("{user} ({word})") } else { format!("{user} ({word}: {})", one_line(value)) }
    }
}

/// Text of users, made harmless for the terminal it is printed on.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The tasks as somebody knows them, to tell what is new in a notification.
#[derive(Default)]
pub struct KnownTasks(HashMap<String, Told>);

impl KnownTasks {
    /// What is new in it, in one line: of a known task only the statuses that differ.
    pub fn news(&mut self, told: Told) -> String {
        let old = self.0.insert(told.id.clone(), told.clone());
        let Some(old) = old.filter(|old| old.title == told.title && told.kind != "remove") else { return told.line() };
        let same = |user: &String, status: &(String, String)| old.statuses.get(user) == Some(status);
        let mut news: Vec<String> =
            told.statuses.iter().filter(|(user, now)| !same(user, now)).map(|status| told.said(status)).collect();
        let gone = old.statuses.keys().filter(|user| !told.statuses.contains_key(*user));
        news.extend(gone.map(|user| format!("{user} is not asked any more")));
        if news.is_empty() {
            return told.line();
        }
        format!("task {} \"{}\": {}", told.id, one_line(&told.title), news.join(", "))
    }
}

/// The users of an answer to `#users`, those with power first, then by group.
pub fn users(answer: &Element<'_>) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let query = answer.child("query", &format!("{NS}#users"));
    for user in query.iter().flat_map(|query| query.elements()) {
        let group = match (user.attr("power"), user.attr("group")) {
            (Some("yes"), _) => "power",
            (_, Some(group)) if !group.is_empty() => group,
            _ => "no group",
        };
        let name = user.attr("name").unwrap_or_default().to_owned();
        match groups.iter_mut().find(|(known, _)| known == group) {
            Some((_, names)) => names.push(name),
            None => groups.push((group.to_owned(), vec![name])),
        }
    }
    let groups: Vec<String> = groups.iter().map(|(group, names)| format!("{} ({group})", names.join(", "))).collect();
    groups.join("; ")
}

/// A line of the exchange: how long after the request it came, if it came; whose it is; what it is.
pub fn line(after: Option<Duration>, who: &str, what: &str) -> String {
    let after = after.map(|after| format!("{:.1} ms", after.as_secs_f64() * 1_000.0)).unwrap_or_default();
    format!("{after:>9}  {who:<12} {what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use neerc_xmpp::xml::{self, TreeLimits};

    fn parse(text: &str) -> Element<'_> {
        xml::parse(text.as_bytes(), "jabber:client", &TreeLimits::default()).unwrap()
    }

    fn told(task: &str) -> Told {
        Told::read(&parse(&format!("<message><x xmlns='{NS}#tasks'>{task}</x></message>"))).unwrap()
    }

    #[test]
    fn the_log_called_an_answer_otherwise_than_the_chat() {
        let answers = [("todo", "success", "done"), ("okfail", "success", "yes"), ("question", "success", "answered")];
        for (kind, type_, word) in answers {
            let status = format!("<status for='hall1' type='{type_}' value='a'/>");
            let told = told(&format!("<task id='t1' title='T' type='{kind}'>{status}</task>"));
            assert_eq!(told.line(), format!("task t1 \"T\": hall1 ({word}: a)"));
        }
        let odd = told("<task id='t1' title='T' type='odd'><status for='hall1' type='odder' value=''/></task>");
        assert_eq!(odd.line(), "task t1 \"T\": hall1 (odder)");
    }

    #[test]
    fn a_task_is_told_whole_and_then_by_what_is_new() {
        let mut known = KnownTasks::default();
        let task = |statuses: &str| told(&format!("<task id='t1' title='Set&#10;up?' type='okfail'>{statuses}</task>"));
        let none = "<status for='hall1' type='none' value=''/><status for='hall2' type='none' value=''/>";
        assert_eq!(known.news(task(none)), "task t1 \"Set up?\": hall1 (no answer), hall2 (no answer)");
        let fail = "<status for='hall1' type='none' value=''/><status for='hall2' type='fail' value='no power'/>";
        assert!(task(fail).is("hall2", "fail"));
        assert_eq!(known.news(task(fail)), "task t1 \"Set up?\": hall2 (no: no power)");
        let fewer = "<status for='hall2' type='fail' value='no power'/>";
        assert_eq!(known.news(task(fewer)), "task t1 \"Set up?\": hall1 is not asked any more");
        assert_eq!(known.news(told("<task id='t1' title='' type='remove'/>")), "task t1 is removed");
        assert_eq!(known.news(told("<task id='t2' title='Rest' type='todo'/>")), "task t2 \"Rest\": nobody");
        assert_eq!(Told::read(&parse("<message><body>hello</body></message>")), None);
    }

    #[test]
    fn users_are_grouped_with_power_first() {
        let text = format!(
            "<iq><query xmlns='{NS}#users'><user name='admin' group='' power='yes'/>\
             <user name='hall1' group='Halls' power='no'/><user name='hall2' group='Halls' power='no'/>\
             <user name='guest' group='' power='no'/></query></iq>"
        );
        assert_eq!(users(&parse(&text)), "admin (power); hall1, hall2 (Halls); guest (no group)");
    }

    #[test]
    fn lines_are_aligned() {
        let lines = [
            line(None, "admin", "asks"),
            line(Some(Duration::from_micros(940)), "hall1/phone", "hears"),
            line(Some(Duration::from_micros(12_340)), "hall1", "hears"),
        ];
        assert_eq!(
            lines,
            ["           admin        asks", "   0.9 ms  hall1/phone  hears", "  12.3 ms  hall1        hears"]
        );
    }
}
