//! Turns one framed slice into a small borrowed tree, and trees and text into XML (write.rs, escape.rs).
//!
//! Namespace-aware, and strict: what XML and RFC 6120 section 11 forbid is refused, with bounds on depth, nodes,
//! attributes and namespaces. quick-xml finds tags and text; names, attributes, references and namespaces are checked
//! here, because quick-xml leaves them to its user. It is not a general XML reader: no documents, no DTD.

mod error;
mod escape;
mod names;
mod tags;
mod values;
mod write;

pub use self::error::XmlError;
pub use self::escape::{escape_attr, escape_text, escaped_len, forbidden_char};
use self::names::{is_ncname, name_len, same_name, split_name};
use self::tags::{Attributes, declared_prefix, tag_len};
use self::values::{attribute_value, plain_text, reference, unix_lines};
pub use self::write::{StartTag, WriteXml, attribute};
use crate::limits;
use crate::ns;
use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::errors::{Error as ReadError, IllFormedError};
use quick_xml::events::Event;
use smallvec::SmallVec;

/// Bounds of one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeLimits {
    /// Nesting of elements; the root is 1. The tree is dropped by recursion, so this also bounds the stack.
    pub depth: usize,
    /// Elements and pieces of text together, the root included.
    pub nodes: usize,
    /// Attributes of one element, namespace declarations included. Duplicates are found by comparing all pairs.
    pub attributes: usize,
}

impl Default for TreeLimits {
    fn default() -> Self {
        Self { depth: limits::STANZA_DEPTH, nodes: limits::STANZA_NODES, attributes: limits::STANZA_ATTRIBUTES }
    }
}

/// One element, borrowed from the bytes it was parsed from where nothing had to be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element<'a> {
    /// The name without its prefix.
    pub name: &'a str,
    /// The namespace name; empty if there is none.
    pub ns: Cow<'a, str>,
    /// Names as written (`xml:lang`) with decoded values, in order; namespace declarations are not among them.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// What is between the tags, in order; text is never empty and never two pieces in a row.
    pub children: Vec<Node<'a>>,
}

/// A child of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<'a> {
    /// An element.
    Element(Element<'a>),
    /// Decoded text, CDATA sections included.
    Text(Cow<'a, str>),
}

impl<'a> Element<'a> {
    /// The value of the attribute written with exactly this name, prefix included.
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| same_name(key, name)).map(|(_, value)| value.as_ref())
    }

    /// The child elements, in order.
    pub fn elements(&self) -> impl Iterator<Item = &Element<'a>> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first child element of this name and namespace.
    pub fn child(&self, name: &str, ns: &str) -> Option<&Element<'a>> {
        self.elements().find(|element| element.is(name, ns))
    }

    /// The text directly inside, without that of child elements.
    pub fn text(&self) -> String {
        let pieces = self.children.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_ref()),
            Node::Element(_) => None,
        });
        pieces.collect()
    }

    /// Whether this is the element of that name and namespace.
    pub fn is(&self, name: &str, ns: &str) -> bool {
        same_name(self.name, name) && self.ns == ns
    }
}

/// Parses a slice that holds exactly one element, as [`Frame::Stanza`](crate::stream::frame::Frame) does.
///
/// `default_ns` is the namespace of elements without a prefix where no `xmlns` is in scope. The prefixes `xml` and
/// `stream` need no declaration.
pub fn parse<'a>(bytes: &'a [u8], default_ns: &'a str, limits: &TreeLimits) -> Result<Element<'a>, XmlError> {
    let text = std::str::from_utf8(bytes).map_err(|error| XmlError::Utf8 { offset: error.valid_up_to() })?;
    if let Some(found) = forbidden_char(text) {
        return Err(XmlError::ForbiddenChar { found });
    }
    if !text.starts_with('<') {
        return Err(XmlError::NotOneElement { offset: 0 });
    }
    let mut tree = Tree { default_ns, limits: *limits, open: SmallVec::new(), bindings: SmallVec::new(), nodes: 0 };
    let mut reader = Reader::from_str(text);
    let mut from = 0;
    loop {
        let rest = text.get(from..).unwrap_or_default();
        refuse_markup(rest)?;
        let event = reader.read_event().map_err(|error| refused(error, from))?;
        let to = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        // The span of the event in `text`, which lives as long as the tree; the event itself only as long as the loop.
        let raw = text.get(from..to).unwrap_or_default();
        let root = match event {
            Event::Start(_) => {
                tree.start(trimmed(raw, "<", ">"))?;
                None
            }
            Event::Empty(_) => {
                tree.start(trimmed(raw, "<", "/>"))?;
                tree.end()
            }
            Event::End(_) => tree.end(),
            Event::Text(_) => {
                tree.text(plain_text(raw)?)?;
                None
            }
            Event::CData(_) => {
                tree.text(unix_lines(trimmed(raw, "<![CDATA[", "]]>")))?;
                None
            }
            Event::GeneralRef(_) => {
                tree.text(Cow::Owned(reference(trimmed(raw, "&", ";"))?.to_string()))?;
                None
            }
            Event::Eof | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                return Err(XmlError::NotOneElement { offset: from });
            }
        };
        match root {
            Some(root) if to == text.len() => return Ok(root),
            Some(_) => return Err(XmlError::NotOneElement { offset: to }),
            None => from = to,
        }
    }
}

/// Reads only the start tag of a slice, to answer a stanza that was skipped or refused: an element without children.
///
/// Lenient: attributes that cannot be read are left out, as are all after one that is not even well written; a prefix
/// without a declaration means no namespace. `None` if there is no start tag with a name.
pub fn parse_head<'a>(bytes: &'a [u8], default_ns: &'a str) -> Option<Element<'a>> {
    let head = bytes.get(..tag_len(bytes)).unwrap_or_default();
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?,
    };
    let text = text.strip_prefix('<')?;
    let text = text.strip_suffix('>').unwrap_or(text);
    let text = text.strip_suffix('/').unwrap_or(text);
    let (name, rest) = text.split_at(name_len(text));
    let (prefix, name) = split_name(name).ok()?;
    let limits = TreeLimits::default();
    let mut tree = Tree { default_ns, limits, open: SmallVec::new(), bindings: SmallVec::new(), nodes: 0 };
    let mut attributes: Vec<(&str, Cow<'_, str>)> = Vec::new();
    let mut written = Attributes { rest };
    while let Ok(Some((key, raw))) = written.next() {
        if attributes.len() + tree.bindings.len() >= limits.attributes {
            break;
        }
        let Ok(value) = attribute_value(raw) else { continue };
        match declared_prefix(key) {
            Some(declared) => drop(tree.declare(declared, value, 0)),
            None if attributes.iter().any(|(known, _)| *known == key) => {}
            None if split_name(key).is_ok() && forbidden_char(&value).is_none() => attributes.push((key, value)),
            None => {}
        }
    }
    let ns = tree.namespace(prefix).unwrap_or(Cow::Borrowed(""));
    Some(Element { name, ns, attributes, children: Vec::new() })
}

/// The tree being built: the open elements from the root inwards, and the namespaces in scope.
struct Tree<'a> {
    default_ns: &'a str,
    limits: TreeLimits,
    open: SmallVec<[Open<'a>; 4]>,
    /// Prefix (empty for the default namespace) and namespace, innermost last.
    bindings: SmallVec<[(&'a str, Cow<'a, str>); 4]>,
    nodes: usize,
}

/// An element whose end tag has not come yet.
struct Open<'a> {
    element: Element<'a>,
    /// How many bindings were in scope outside of it.
    outer: usize,
}

impl<'a> Tree<'a> {
    /// `tag` is what is between `<` and `>` or `/>`.
    fn start(&mut self, tag: &'a str) -> Result<(), XmlError> {
        if self.open.len() >= self.limits.depth {
            return Err(XmlError::TooDeep { limit: self.limits.depth });
        }
        self.count_node()?;
        let (name, rest) = tag.split_at(name_len(tag));
        let (prefix, name) = split_name(name)?;
        let outer = self.bindings.len();
        let attributes = self.attributes(rest, outer)?;
        // Only now: a declaration may come after the attribute that uses it.
        for (key, _) in &attributes {
            if let Some(colon) = key.bytes().position(|byte| byte == b':') {
                self.namespace(key.get(..colon))?;
            }
        }
        let ns = self.namespace(prefix)?;
        self.open.push(Open { element: Element { name, ns, attributes, children: Vec::new() }, outer });
        Ok(())
    }

    /// Reads attributes, and takes the namespace declarations among them into scope.
    fn attributes(&mut self, rest: &'a str, outer: usize) -> Result<Vec<(&'a str, Cow<'a, str>)>, XmlError> {
        let mut attributes: Vec<(&'a str, Cow<'a, str>)> = Vec::new();
        let mut written = Attributes { rest };
        while let Some((key, raw)) = written.next()? {
            if attributes.len() + self.bindings.len() - outer >= self.limits.attributes {
                return Err(XmlError::TooManyAttributes { limit: self.limits.attributes });
            }
            let value = attribute_value(raw)?;
            if let Some(prefix) = declared_prefix(key) {
                self.declare(prefix, value, outer)?;
                continue;
            }
            split_name(key)?;
            if attributes.iter().any(|(known, _)| same_name(known, key)) {
                return Err(XmlError::DuplicateAttribute { name: excerpt(key) });
            }
            if attributes.is_empty() {
                attributes.reserve(8); // a stanza has five
            }
            attributes.push((key, value));
        }
        Ok(attributes)
    }

    fn declare(&mut self, prefix: &'a str, ns: Cow<'a, str>, outer: usize) -> Result<(), XmlError> {
        if !prefix.is_empty() && !is_ncname(prefix) {
            return Err(XmlError::Name { found: excerpt(prefix) });
        }
        let copied_too_long = matches!(&ns, Cow::Owned(name) if name.len() > limits::COPIED_NAMESPACE_BYTES);
        let reserved = prefix == "xmlns" || ns == ns::XMLNS || (prefix == "xml") != (ns == ns::XML);
        if copied_too_long || reserved || (ns.is_empty() && !prefix.is_empty()) {
            return Err(XmlError::Namespace { found: excerpt(&ns) });
        }
        if self.bindings.iter().skip(outer).any(|(known, _)| *known == prefix) {
            let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{}", excerpt(prefix)) };
            return Err(XmlError::DuplicateAttribute { name });
        }
        if self.bindings.len() >= limits::NAMESPACES_IN_SCOPE {
            return Err(XmlError::TooManyNamespaces { limit: limits::NAMESPACES_IN_SCOPE });
        }
        self.bindings.push((prefix, ns));
        Ok(())
    }

    fn namespace(&self, prefix: Option<&str>) -> Result<Cow<'a, str>, XmlError> {
        let wanted = prefix.unwrap_or_default();
        if let Some((_, ns)) = self.bindings.iter().rev().find(|(known, _)| same_name(known, wanted)) {
            return Ok(ns.clone());
        }
        match prefix {
            None => Ok(Cow::Borrowed(self.default_ns)),
            Some("xml") => Ok(Cow::Borrowed(ns::XML)),
            Some("stream") => Ok(Cow::Borrowed(ns::STREAMS)),
            Some(prefix) => Err(XmlError::UnboundPrefix { prefix: excerpt(prefix) }),
        }
    }

    /// Closes the innermost element; the root is handed out.
    fn end(&mut self) -> Option<Element<'a>> {
        let Open { element, outer } = self.open.pop()?;
        self.bindings.truncate(outer);
        match self.open.last_mut() {
            Some(parent) => {
                if parent.element.children.is_empty() {
                    parent.element.children.reserve_exact(1); // most have one
                }
                parent.element.children.push(Node::Element(element));
                None
            }
            None => Some(element),
        }
    }

    fn text(&mut self, piece: Cow<'a, str>) -> Result<(), XmlError> {
        let Some(parent) = self.open.last_mut() else {
            return Err(XmlError::NotOneElement { offset: 0 });
        };
        if let Some(Node::Text(text)) = parent.element.children.last_mut() {
            text.to_mut().push_str(&piece);
        } else if !piece.is_empty() {
            parent.element.children.push(Node::Text(piece));
            self.count_node()?;
        }
        Ok(())
    }

    fn count_node(&mut self) -> Result<(), XmlError> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(XmlError::TooManyNodes { limit: self.limits.nodes });
        }
        Ok(())
    }
}

/// Refuses what may not even be read: comments, processing instructions, declarations.
fn refuse_markup(rest: &str) -> Result<(), XmlError> {
    match rest.as_bytes() {
        [b'<', b'?', ..] => Err(XmlError::ProcessingInstruction),
        [b'<', b'!', b'-', b'-', ..] => Err(XmlError::Comment),
        [b'<', b'!', after @ ..] if !after.starts_with(b"[CDATA[") => Err(XmlError::Doctype),
        _ => Ok(()),
    }
}

/// What quick-xml refused, in our words. `from` is where the refused event began.
fn refused(error: ReadError, from: usize) -> XmlError {
    match error {
        ReadError::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
            XmlError::EndTag { expected: excerpt(&expected), found: excerpt(&found) }
        }
        ReadError::IllFormed(IllFormedError::UnclosedReference) => XmlError::Reference { found: String::new() },
        _ => XmlError::NotOneElement { offset: from },
    }
}

/// `raw` without what quick-xml has seen to stand around it.
fn trimmed<'a>(raw: &'a str, before: &str, after: &str) -> &'a str {
    raw.get(before.len()..raw.len().saturating_sub(after.len())).unwrap_or_default()
}

/// The beginning of a refused value, short enough for a message.
fn excerpt(value: &str) -> String {
    let mut chars = value.chars();
    let mut excerpt: String = chars.by_ref().take(limits::EXCERPT_XML_CHARS).collect();
    if chars.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests;
