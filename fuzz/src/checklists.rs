//! The file of checklists: no panic and no time without end; an error names a line of the file and says something; what is
//! accepted keeps within its bounds, and holds no more text than the file.

use neerc::checklists::{Wrong, read};
use neerc_core::checklist::ChecklistLine;
use neerc_core::face::line::is_addressed;
use neerc_core::limits::{CHECKLIST_NAME_CHARS, CHECKLISTS, LINES_PER_CHECKLIST, STEPS_PER_CHECKLIST};
use std::collections::BTreeSet;

/// Checks one input.
pub fn check(data: &[u8]) {
    let text = &String::from_utf8_lossy(data);
    // YAML has more ends of lines than `lines` knows.
    let ends = text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
    let is_line = |number: usize| (1..=ends + 2).contains(&number);
    let file = match read(text) {
        Ok(file) => file,
        Err(Wrong { line, wrong }) => {
            assert!(is_line(line), "line {line} of {ends}: {wrong}");
            return assert!(!wrong.is_empty());
        }
    };
    assert!(file.checklists.len() <= CHECKLISTS);
    let names: BTreeSet<String> = file.checklists.iter().map(|checklist| checklist.name.to_lowercase()).collect();
    assert_eq!(names.len(), file.checklists.len(), "two of one name");
    let sound = |line: &ChecklistLine| {
        assert!(is_line(line.number), "{line:?} of {ends}");
        assert!(!line.text.trim().is_empty() && !line.text.contains('\n'), "{line:?}");
        line.text.len()
    };
    let mut bytes: usize = file.left_out.iter().map(sound).sum();
    for checklist in &file.checklists {
        assert!(!checklist.name.is_empty() && checklist.name.chars().count() <= CHECKLIST_NAME_CHARS);
        assert!(checklist.steps.len() <= STEPS_PER_CHECKLIST && checklist.len() <= LINES_PER_CHECKLIST);
        assert!(checklist.steps.iter().all(|step| !step.is_empty()), "an empty step");
        bytes += checklist.lines().map(sound).sum::<usize>();
        assert!(checklist.lines().all(|line| is_addressed(&line.text)), "a line that makes no task");
    }
    // An escape takes no fewer bytes than what it stands for, except a line separator: `\L` is three bytes.
    assert!(bytes <= 2 * text.len(), "{bytes} bytes of text in {}", text.len());
}
