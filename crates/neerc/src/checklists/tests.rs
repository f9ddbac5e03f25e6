use super::*;

/// What is read, a checklist to a line, and what is wrong.
fn told(text: &str) -> String {
    let read = match read(text) {
        Ok(read) => read,
        Err(wrong) => return wrong.to_string(),
    };
    let line = |line: &ChecklistLine| format!("{}:{}", line.number, line.text);
    let step = |lines: &Vec<ChecklistLine>| lines.iter().map(line).collect::<Vec<_>>().join(" + ");
    let checklist = |checklist: &Checklist| {
        format!("{}: {}", checklist.name, checklist.steps.iter().map(step).collect::<Vec<_>>().join(" > "))
    };
    let left_out = read.left_out.iter().map(|out| format!("left out {}", line(out)));
    read.checklists.iter().map(checklist).chain(left_out).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_desktop_clients_file_is_read_as_that_client_writes_it() {
    // As its YAML library writes a list of texts: in brackets, in whatever quotes a text needs.
    let dumped = "['@todo halls Check the seats', \"@confirm halls Are you here?\\n@todo halls start-15! Open\\\n  \\ the doors\", '@okfail hall1\n    Network', 'hall1> #Hello', /s %jury]\n";
    assert_eq!(
        told(dumped),
        "1: 1:@todo halls Check the seats\n\
         2: 1:@confirm halls Are you here? + 1:@todo halls start-15! Open the doors\n\
         3: 2:@okfail hall1 Network\n\
         left out 3:hall1> #Hello\nleft out 3:/s %jury"
    );
    let block = "- '@todo halls Water'\n- |\n  @todo halls A\n\n  @todo halls B\n  Good luck!\n- Hello\n- '@вопрос halls Сколько?'\n";
    assert_eq!(
        told(block),
        "1: 1:@todo halls Water\n2: 3:@todo halls A + 5:@todo halls B\n4: 8:@вопрос halls Сколько?\n\
         left out 6:Good luck!\nleft out 7:Hello"
    );
    for nothing in ["", "[]", "# nothing yet\n", "---\n", "\u{feff}[]"] {
        assert_eq!(told(nothing), "", "{nothing:?}");
    }
}

#[test]
fn checklists_with_a_name_and_steps() {
    let text = "- name: seating\n  steps:\n  - '@todo halls Open the doors'\n  - - '@confirm halls Are all seated?'\n    - '@todo halls start-5! Hand out the problems'\n  - |\n\n    @todo halls A\n    @todo halls B\n- {name: \"Рассадка 2\", lines: '@todo halls Water'}\n- '@todo halls C'\n";
    assert_eq!(
        told(text),
        "seating: 3:@todo halls Open the doors > 4:@confirm halls Are all seated? + 5:@todo halls start-5! Hand out \
         the problems > 8:@todo halls A + 9:@todo halls B\nРассадка 2: 10:@todo halls Water\n3: 11:@todo halls C"
    );
    assert_eq!(told(&text.replace('\n', "\r\n")), told(text), "with the ends of lines of Windows");
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let deep = "[".repeat(10_000);
    let many = "- '@todo x'\n".repeat(CHECKLISTS + 1);
    let long = format!("- name: a\n  lines: |\n{}", "    @todo halls x\n".repeat(LINES_PER_CHECKLIST + 1));
    let steps = format!("- name: a\n  steps:\n{}", "  - '@todo halls x'\n".repeat(STEPS_PER_CHECKLIST + 1));
    for (text, expected) in [
        ("- '@todo a'\n- @todo halls x\n", "line 2: this is no YAML"),
        ("- @todo halls x\n", "a text that begins with @ has to stand in quotes"),
        ("seating: x\n", "line 1: the file has to be a list"),
        ("hello\n", "line 1: the file has to be a list"),
        ("- [a, b]\n", "line 1: a checklist is a text, or has a name and steps"),
        ("- name: a\n", "line 1: the checklist 'a' has no steps"),
        ("- steps: ['@todo x']\n", "line 1: the checklist has no name"),
        ("- name: a\n  steps: []\n", "line 1: the checklist 'a' has no steps"),
        ("- name: a\n  steps: ['']\n", "line 2: the step has no lines"),
        ("- name: a\n  steps: '@todo x'\n", "line 2: a checklist has steps, which are a list"),
        ("- name: a\n  steps: ['@todo x']\n  lines: '@todo y'\n", "line 3: a checklist has steps"),
        ("- name: a\n  steps:\n  - '@todo x'\n  - Hello\n", "line 4: 'Hello' makes no task"),
        ("- name: a\n  step: ['@todo x']\n", "line 2: 'step' is nothing that a checklist has"),
        ("- name: [a]\n", "line 1: a checklist has one name"),
        (
            "- name: a\n  lines: '@todo x'\n- name: A\n  lines: '@todo y'\n",
            "line 3: a checklist before is called 'A' too",
        ),
        ("- '@todo x'\n- name: '1'\n  lines: '@todo y'\n", "line 2: a checklist before is called '1' too"),
        ("- &a '@todo x'\n- *a\n", "line 1: names for parts of the file"),
        ("- *a\n", "line 1: "),
        ("- name: a\n  lines: {x: y}\n", "line 2: a step is a text or a list of texts"),
        ("---\n- '@todo x'\n---\n- '@todo y'\n", "line 4: the file holds more than one document"),
        ("- [a\n", ""),
        (&deep, "line 1: this is no YAML (recursion limit exceeded)"),
        ("[[[[[[[[[[]]]]]]]]]]", "line 1: there is more in one another"),
        (&many, "line 201: a file has at most 200 checklists"),
        (&long, "line 1: a checklist has at most 200 lines"),
        (&steps, "line 1: a checklist has at most 100 steps"),
    ] {
        let told = told(text);
        assert!(told.starts_with("line ") && told.contains(expected), "{text:.60}: {told}");
    }
    assert!(told(&"#".repeat(CHECKLIST_FILE_BYTES + 1)).contains("longer than"));
    let name = format!("- name: {}\n  lines: '@todo x'\n", "a".repeat(CHECKLIST_NAME_CHARS + 1));
    assert!(told(&name).contains("at most 64 characters"));
}

#[test]
fn a_file_that_is_no_text_or_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scripts.yaml");
    assert!(read_file(&path).unwrap_err().to_string().starts_with("it cannot be read: "));
    std::fs::write(&path, b"- '@todo x'\n- \xff\n").unwrap();
    assert_eq!(read_file(&path).unwrap_err().to_string(), "line 2: it is not in UTF-8");
    std::fs::write(&path, "- '@todo x'\n").unwrap();
    assert_eq!(read_file(&path).unwrap().checklists.len(), 1);
}
