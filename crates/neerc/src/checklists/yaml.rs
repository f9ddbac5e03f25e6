//! YAML as a small tree of texts, lists and fields, built from the events of the parser: anchors, references, tags and several
//! documents are refused, so nothing grows beyond what was written. Not what the texts mean.

use super::{Wrong, wrong};
use crate::limits::{YAML_DEPTH, YAML_NODES};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// A value and where it begins.
#[derive(Debug)]
pub struct YamlNode {
    /// The number of its line, from 1.
    pub line: usize,
    /// The value.
    pub value: YamlValue,
}

/// A value.
#[derive(Debug)]
pub enum YamlValue {
    /// A text.
    Text(Text),
    /// A list.
    List(Vec<YamlNode>),
    /// Fields, in order.
    Map(Vec<(String, YamlNode)>),
}

/// A text.
#[derive(Debug)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Whether its lines are those of the file, from its own on.
    pub is_literal: bool,
}

/// Reads the one document of a text; nothing if there is none.
pub fn parse(text: &str) -> Result<Option<YamlNode>, Wrong> {
    let mut tree = Tree { parser: Parser::new_from_str(text), text, nodes: 0 };
    let mut root = None;
    while let Some((event, line)) = tree.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::StreamEnd | Event::Nothing => {}
            _ if root.is_some() => return Err(wrong(line, "the file holds more than one document")),
            event => root = Some(tree.node(event, line, 0)?),
        }
    }
    Ok(root)
}

struct Tree<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    text: &'t str,
    nodes: usize,
}

impl<'t> Tree<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, usize)>, Wrong> {
        let event: Option<Result<(Event<'t>, Span), ScanError>> = self.parser.next();
        event
            .transpose()
            .map_err(|error| self.unreadable(&error))
            .map(|event| event.map(|(e, span)| (e, span.start.line())))
    }

    /// The next event inside of a list or fields.
    fn inner(&mut self) -> Result<(Event<'t>, usize), Wrong> {
        self.next()?.ok_or_else(|| wrong(1, "the file ends in the middle"))
    }

    fn node(&mut self, event: Event<'t>, line: usize, depth: usize) -> Result<YamlNode, Wrong> {
        self.nodes += 1;
        if depth > YAML_DEPTH || self.nodes > YAML_NODES {
            return Err(wrong(line, "there is more in one another than any checklist needs"));
        }
        let value = match event {
            Event::Alias(_) => return Err(wrong(line, REFERENCE)),
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                return Err(wrong(line, REFERENCE));
            }
            Event::Scalar(text, style, ..) => {
                YamlValue::Text(Text { text: text.into_owned(), is_literal: style == ScalarStyle::Literal })
            }
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    match self.inner()? {
                        (Event::SequenceEnd, _) => break YamlValue::List(list),
                        (event, line) => list.push(self.node(event, line, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut map = Vec::new();
                loop {
                    let key = match self.inner()? {
                        (Event::MappingEnd, _) => break YamlValue::Map(map),
                        (Event::Scalar(key, _, 0, _), _) => key.into_owned(),
                        (_, line) => return Err(wrong(line, "the name of a field has to be a text")),
                    };
                    let (event, line) = self.inner()?;
                    map.push((key, self.node(event, line, depth + 1)?));
                }
            }
            _ => return Err(wrong(line, "this is no YAML that can be read")),
        };
        Ok(YamlNode { line, value })
    }

    /// What the parser does not understand, with the one reason for it that people meet here.
    fn unreadable(&self, error: &ScanError) -> Wrong {
        let line = error.marker().line();
        let written = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let begins = written.trim_start_matches(|c: char| c.is_whitespace() || c == '-');
        let hint = if begins.starts_with('@') {
            "; a text that begins with @ has to stand in quotes, or below a |"
        } else {
            ""
        };
        wrong(line.max(1), format!("this is no YAML ({}){hint}", error.info()))
    }
}

const REFERENCE: &str = "names for parts of the file (& and *) are not read; write out what is meant";
