//! Data forms (XEP-0004) with validation hints (XEP-0122): written to be filled in or to be read, and read when they
//! come back. What the fields are about is core's.

use crate::ns;
use crate::stanza::names::composed;
use crate::xml::{Element, WriteXml};
use neerc_core::face::form::{Choice, Form, FormField, Report, Sent, Shape};
use neerc_core::face::menu::Presence;

/// The field that holds the table of a report.
const TABLE: &str = "table";

/// The field that holds what is said; of several sentences, the first.
const SAID: &str = "said";

fn type_of(shape: &Shape) -> &'static str {
    match shape {
        Shape::Line(_) => "text-single",
        Shape::Lines => "text-multi",
        Shape::One(_) => "list-single",
        Shape::Any(_) => "list-multi",
    }
}

/// Writes how values are to be checked (XEP-0122 section 3.2); nothing for lists, whose values are fixed anyway.
fn write_validation(shape: &Shape, out: &mut Vec<u8>) {
    let Shape::Line(pattern) = shape else { return };
    out.open("validate").xmlns(ns::VALIDATE).attr("datatype", "xs:string").inside(|out| match pattern {
        Some(pattern) => out.open("regex").text(pattern),
        None => out.open("basic").empty(),
    });
}

/// Writes a form to be filled in.
pub fn write(form: &Form, out: &mut Vec<u8>) {
    out.open("x").xmlns(ns::DATA).attr("type", "form").inside(|out| {
        write_text(out, "title", &form.title);
        write_text(out, "instructions", &form.instructions);
        form.fields.iter().for_each(|field| write_form_field(field, out));
    });
}

/// Writes a form in no more than `limit_bytes`: where it does not fit, lists become lines to type into, and then what
/// was typed is forgotten.
pub fn write_within(mut form: Form, limit_bytes: usize) -> Vec<u8> {
    let written = |form: &Form| {
        let mut out = Vec::new();
        write(form, &mut out);
        out
    };
    let mut out = written(&form);
    for shorten in [Form::drop_choices, Form::drop_values] {
        if out.len() > limit_bytes {
            shorten(&mut form);
            out = written(&form);
        }
    }
    out
}

fn write_form_field(FormField { var, label, hint, need, shape, values }: &FormField, out: &mut Vec<u8>) {
    write_field(out, var, type_of(shape), label, |out| {
        write_text(out, "desc", hint);
        write_validation(shape, out);
        if *need == Presence::Required {
            out.open("required").empty();
        }
        values.iter().for_each(|value| write_value(out, value));
        if let Shape::One(choices) | Shape::Any(choices) = shape {
            for Choice { value, label } in choices {
                out.open("option").attr("label", label).inside(|out| write_value(out, value));
            }
        }
    });
}

/// Writes a report, in no more than about `limit_bytes`; returns how many rows were left out for that. Its table is one field
/// with a line for each row: Gajim 1.7 shows nothing at all of a form with `<reported/>`, and waits for ever.
pub fn write_report(report: &Report, out: &mut Vec<u8>, limit_bytes: usize) -> usize {
    let end = out.len() + limit_bytes;
    let mut written = 0;
    out.open("x").xmlns(ns::DATA).attr("type", "result").inside(|out| {
        write_head(report, out);
        if report.rows.is_empty() {
            return;
        }
        write_field(out, TABLE, "text-multi", &report.heading(), |out| {
            for row in &report.rows {
                let before = out.len();
                write_value(out, &Report::line(row));
                if out.len() > end {
                    out.truncate(before);
                    break;
                }
                written += 1;
            }
        });
    });
    report.rows.len() - written + report.not_made
}

fn write_head(report: &Report, out: &mut Vec<u8>) {
    write_text(out, "title", &report.title);
    write_text(out, "instructions", &report.instructions);
    for (var, label, value) in &report.values {
        write_field(out, var, "text-single", label, |out| write_value(out, value));
    }
}

/// Writes sentences as a form to be read, for clients that show the form of an answer and not its notes. Each line has a
/// field of its own (XEP-0004 section 3.3): Psi+ shows lines of one field as one line.
pub fn write_said(title: &str, said: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    out.open("x").xmlns(ns::DATA).attr("type", "result").inside(|out| {
        write_text(out, "title", title);
        for (line, number) in said.iter().flat_map(|said| said.lines()).zip(1..) {
            let var = if number == 1 { SAID.to_owned() } else { format!("{SAID}-{number}") };
            out.open("field").attr("var", &var).attr("type", "fixed").inside(|out| write_value(out, line));
        }
    });
    out
}

fn write_field(out: &mut Vec<u8>, var: &str, kind: &str, label: &str, inside: impl FnOnce(&mut Vec<u8>)) {
    out.open("field").attr("var", var).attr("type", kind).attr("label", label).inside(inside);
}

fn write_text(out: &mut Vec<u8>, name: &str, text: &str) {
    if !text.is_empty() {
        out.open(name).text(text);
    }
}

fn write_value(out: &mut Vec<u8>, value: &str) {
    out.open("value").text(value);
}

/// A form that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Filled in: the values of each field.
    Submitted(Sent),
    /// Put away.
    Cancelled,
}

/// Reads a form that came back. The types of its fields are not looked at: clients may leave them out (XEP-0004
/// section 3.2), and a value is checked by whoever takes it. `None`: it is no form that comes back.
pub fn read(x: &Element<'_>) -> Option<Returned> {
    match x.attr("type") {
        Some("cancel") => return Some(Returned::Cancelled),
        Some("submit") => {}
        _ => return None,
    }
    let fields = x.elements().filter(|field| field.is("field", ns::DATA));
    let fields = fields.filter_map(|field| {
        let values = field.elements().filter(|value| value.is("value", ns::DATA));
        let values = values.map(|value| composed(&value.text()).into_owned());
        Some((field.attr("var")?.to_owned(), values.collect()))
    });
    Some(Returned::Submitted(fields.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{self, TreeLimits};

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn returned(xml: &str) -> Option<Returned> {
        read(&xml::parse(xml.as_bytes(), "", &TreeLimits::default()).unwrap())
    }

    fn choices(names: &[&str]) -> Vec<Choice> {
        names.iter().map(|name| Choice { value: (*name).to_owned(), label: name.to_uppercase() }).collect()
    }

    fn field(var: &'static str, need: Presence, shape: Shape, values: &[&str]) -> FormField {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        FormField { var, label: var.to_uppercase(), hint: String::new(), need, shape, values }
    }

    #[test]
    fn a_form_to_be_filled_in() {
        let form = Form {
            title: "<New>".into(),
            instructions: "a & b".into(),
            fields: vec![
                field("title", Presence::Required, Shape::Line(None), &[]),
                FormField {
                    hint: "start+15".into(),
                    ..field("when", Presence::Optional, Shape::Line(Some("a{1}<b")), &["x<"])
                },
                field("more", Presence::Optional, Shape::Lines, &["1", "2"]),
                field("kind", Presence::Required, Shape::One(choices(&["a", "b"])), &["b"]),
                field("names", Presence::Optional, Shape::Any(choices(&["c'"])), &[]),
            ],
        };
        assert_eq!(
            text(|out| write(&form, out)),
            "<x xmlns='jabber:x:data' type='form'><title>&lt;New&gt;</title><instructions>a &amp; b</instructions>\
             <field var='title' type='text-single' label='TITLE'>\
             <validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:string'><basic/></validate>\
             <required/></field>\
             <field var='when' type='text-single' label='WHEN'><desc>start+15</desc>\
             <validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:string'><regex>a{1}&lt;b</regex>\
             </validate><value>x&lt;</value></field>\
             <field var='more' type='text-multi' label='MORE'><value>1</value><value>2</value></field>\
             <field var='kind' type='list-single' label='KIND'><required/><value>b</value>\
             <option label='A'><value>a</value></option><option label='B'><value>b</value></option></field>\
             <field var='names' type='list-multi' label='NAMES'>\
             <option label='C&apos;'><value>c'</value></option></field></x>"
        );
    }

    #[test]
    fn a_form_to_be_read_and_what_of_it_does_not_fit() {
        let report = Report {
            title: "T".into(),
            values: vec![("clock", "Clock".into(), "1:00".into())],
            columns: vec![("id", "Id".into()), ("who", "Who".into())],
            rows: vec![vec!["1".into(), "a<".into()], vec!["2".into(), String::new()]],
            ..Report::default()
        };
        let head = "<x xmlns='jabber:x:data' type='result'><title>T</title>\
             <field var='clock' type='text-single' label='Clock'><value>1:00</value></field>\
             <field var='table' type='text-multi' label='Id · Who'>";
        let (first, second) = ("<value>1 · a&lt;</value>", "<value>2</value>");
        let all = format!("{head}{first}{second}</field></x>");
        assert_eq!(text(|out| assert_eq!(write_report(&report, out, 10_000), 0)), all);
        let limit = head.len() + first.len();
        assert_eq!(text(|out| assert_eq!(write_report(&report, out, limit), 1)), format!("{head}{first}</field></x>"));
        assert_eq!(text(|out| assert_eq!(write_report(&report, out, 0), 2)), format!("{head}</field></x>"));
    }

    #[test]
    fn the_warning_ran_together_with_the_sentence_before_it() {
        assert_eq!(
            text(|out| out.extend(write_said("T", &["a<b\nc", "d"]))),
            "<x xmlns='jabber:x:data' type='result'><title>T</title><field var='said' type='fixed'>\
             <value>a&lt;b</value></field><field var='said-2' type='fixed'><value>c</value></field>\
             <field var='said-3' type='fixed'><value>d</value></field></x>"
        );
    }

    #[test]
    fn a_form_comes_back() {
        let submitted = returned(
            "<x xmlns='jabber:x:data' type='submit'><title>x</title><field var='a' type='odd'><value>1</value>\
             <value>2</value><desc>x</desc></field><field><value>nameless</value></field><field var='b'/>\
             <value>x</value><field var='a'><value>3</value></field></x>",
        );
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let expected = vec![("a".into(), owned(&["1", "2"])), ("b".into(), vec![]), ("a".into(), owned(&["3"]))];
        assert_eq!(submitted, Some(Returned::Submitted(expected)));
        assert_eq!(returned("<x xmlns='jabber:x:data' type='cancel'/>"), Some(Returned::Cancelled));
        for other in ["", "type='form'", "type='result'", "type='SUBMIT'"] {
            assert_eq!(returned(&format!("<x xmlns='jabber:x:data' {other}/>")), None, "{other}");
        }
    }
}
