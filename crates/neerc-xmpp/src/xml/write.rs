//! Writes elements so that none stays open: a start tag is ended by its text, by a closure that writes what is inside,
//! or, where nothing is inside, by going out of scope. Nothing is allocated. Not which elements go where.

use super::{escape_attr, escape_text};
use std::fmt::Display;
use std::io::Write;

/// Where elements are written.
pub trait WriteXml: Sized {
    /// The bytes that are appended to.
    fn bytes(&mut self) -> &mut Vec<u8>;

    /// Begins an element. The name, like those of attributes, is the program's own and so is not escaped.
    fn open<'n>(&mut self, name: &'n str) -> StartTag<'_, 'n, Self> {
        let out = self.bytes();
        out.push(b'<');
        out.extend_from_slice(name.as_bytes());
        StartTag { out: self, name, is_ended: false }
    }

    /// Writes text between tags.
    fn text(&mut self, text: &str) {
        escape_text(self.bytes(), text);
    }
}

impl WriteXml for Vec<u8> {
    fn bytes(&mut self) -> &mut Vec<u8> {
        self
    }
}

/// The start tag of an element, which takes attributes until it is ended.
#[derive(Debug)]
pub struct StartTag<'o, 'n, W: WriteXml> {
    out: &'o mut W,
    name: &'n str,
    is_ended: bool,
}

impl<W: WriteXml> StartTag<'_, '_, W> {
    /// Adds an attribute.
    pub fn attr(self, name: &str, value: &str) -> Self {
        attribute(self.out.bytes(), name, value);
        self
    }

    /// Adds an attribute if there is a value for it.
    pub fn attr_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// Adds an attribute that is a number.
    pub fn number(self, name: &str, value: impl Into<i128> + Display) -> Self {
        _ = write!(self.out.bytes(), " {name}='{value}'"); // a Vec takes all
        self
    }

    /// Says which namespace the element is in, and its children unless they say otherwise.
    pub fn xmlns(self, ns: &str) -> Self {
        self.attr("xmlns", ns)
    }

    /// Ends the element with that text in it.
    pub fn text(self, text: &str) {
        self.inside(|out| out.text(text));
    }

    /// Ends the element with what the closure writes in it.
    pub fn inside(mut self, write: impl FnOnce(&mut W)) {
        self.out.bytes().push(b'>');
        write(self.out);
        self.end();
    }

    /// The same; where the closure writes nothing, the element is an empty tag.
    pub fn inside_if_any(mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.out.bytes().len();
        self.out.bytes().push(b'>');
        write(self.out.bytes());
        if self.out.bytes().len() == begin + 1 {
            self.out.bytes().truncate(begin); // dropping it writes the end of an empty tag
        } else {
            self.end();
        }
    }

    /// Ends the element with nothing in it, as going out of scope does.
    pub fn empty(self) {}

    fn end(&mut self) {
        let out = self.out.bytes();
        out.extend_from_slice(b"</");
        out.extend_from_slice(self.name.as_bytes());
        out.push(b'>');
        self.is_ended = true;
    }
}

impl<W: WriteXml> Drop for StartTag<'_, '_, W> {
    fn drop(&mut self) {
        if !self.is_ended {
            self.out.bytes().extend_from_slice(b"/>");
        }
    }
}

/// Appends ` name='value'`, for start tags that are written in pieces.
pub fn attribute(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"='");
    escape_attr(out, value);
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{self, Element, Node, TreeLimits};
    use proptest::prelude::*;
    use std::borrow::Cow;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_way_to_end_an_element() {
        assert_eq!(written(|out| out.open("a").empty()), "<a/>");
        assert_eq!(written(|out| out.open("a").attr("b", "'<").attr_if("c", None).number("d", -1).empty()), {
            "<a b='&apos;&lt;' d='-1'/>"
        });
        assert_eq!(written(|out| out.open("a").xmlns("n").text("<&'")), "<a xmlns='n'>&lt;&amp;'</a>");
        assert_eq!(written(|out| out.open("a").text("")), "<a></a>");
        assert_eq!(written(|out| out.open("a").inside(|_| {})), "<a></a>");
        assert_eq!(written(|out| out.open("a").inside_if_any(|_| {})), "<a/>");
        assert_eq!(written(|out| out.open("a").inside_if_any(|out| out.text("b"))), "<a>b</a>");
        let nested = written(|out| {
            out.open("a").inside(|out| {
                out.open("b");
                out.open("c").attr("d", "e").inside(|out| out.open("f").text("g"));
                out.text("h");
            });
        });
        assert_eq!(nested, "<a><b/><c d='e'><f>g</f></c>h</a>");
    }

    fn tree() -> impl Strategy<Value = Element<'static>> {
        let name = prop::sample::select(vec!["a", "body", "x", "task"]);
        let value = "[a-z<>&'\"\t\n\r é\u{1F600}]{0,8}";
        let attributes = prop::collection::vec(value, 0..3);
        let leaf = (name.clone(), attributes.clone()).prop_map(|(name, values)| element(name, values, vec![]));
        leaf.prop_recursive(4, 32, 4, move |inner| {
            let child = prop_oneof![inner.prop_map(Node::Element), value.prop_map(|text| Node::Text(Cow::Owned(text)))];
            let children = prop::collection::vec(child, 0..4);
            (name.clone(), attributes.clone(), children)
                .prop_map(|(name, values, children)| element(name, values, children))
        })
    }

    fn element(name: &'static str, values: Vec<String>, children: Vec<Node<'static>>) -> Element<'static> {
        let attributes = ["to", "type", "xml:lang"].into_iter().zip(values.into_iter().map(Cow::Owned)).collect();
        Element { name, ns: Cow::Borrowed(""), attributes, children }
    }

    /// A parser hands out text in one piece, and none that is empty.
    fn joined(mut element: Element<'static>) -> Element<'static> {
        let mut children: Vec<Node<'_>> = Vec::new();
        for child in element.children {
            match (children.last_mut(), child) {
                (_, Node::Text(text)) if text.is_empty() => {}
                (Some(Node::Text(before)), Node::Text(text)) => before.to_mut().push_str(&text),
                (_, Node::Text(text)) => children.push(Node::Text(text)),
                (_, Node::Element(child)) => children.push(Node::Element(joined(child))),
            }
        }
        element.children = children;
        element
    }

    fn write(out: &mut Vec<u8>, element: &Element<'_>) {
        let tag = element.attributes.iter().fold(out.open(element.name), |tag, (name, value)| tag.attr(name, value));
        tag.inside_if_any(|out| {
            for child in &element.children {
                match child {
                    Node::Text(text) => out.text(text),
                    Node::Element(child) => write(out, child),
                }
            }
        });
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same_tree(element in tree()) {
            let mut out = Vec::new();
            write(&mut out, &element);
            prop_assert_eq!(xml::parse(&out, "", &TreeLimits::default()), Ok(joined(element)));
        }
    }
}
