//! Turns one framed slice into a small borrowed tree, and text into escaped XML.
//!
//! Namespace-aware, and strict: what XML and RFC 6120 section 11 forbid is refused, with bounds on depth, nodes,
//! attributes and namespaces. quick-xml finds tags and text; names, attributes, references and namespaces are checked
//! here, because quick-xml leaves them to its user. It is not a general XML reader: no documents, no DTD, no writer.

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memchr_iter, memchr3};
use quick_xml::Reader;
use quick_xml::errors::{Error as ReadError, IllFormedError};
use quick_xml::events::Event;
use smallvec::SmallVec;

/// What the prefix `stream` means, declared or not.
pub const STREAM_NS: &str = "http://etherx.jabber.org/streams";
/// What the prefix `xml` always means.
pub const XML_NS: &str = "http://www.w3.org/XML/1998/namespace";
/// What the prefix `xmlns` means, and no other prefix may.
const XMLNS_NS: &str = "http://www.w3.org/2000/xmlns/";

/// Namespace declarations in scope at one place; looked up one by one, so few.
const NAMESPACES_IN_SCOPE: usize = 64;
/// Length in bytes of a namespace name that holds references or line breaks; such a name is copied into each element.
const COPIED_NAMESPACE_BYTES: usize = 256;
/// Characters of a refused value repeated in an error.
const EXCERPT_CHARS: usize = 40;

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
        Self { depth: 32, nodes: 10_000, attributes: 256 }
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

/// Why a slice was refused. Values repeated here are cut to a few dozen characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum XmlError {
    /// Not UTF-8.
    Utf8 {
        /// The first wrong byte.
        offset: usize,
    },
    /// A character XML 1.0 forbids, as such or by reference.
    ForbiddenChar {
        /// The character.
        found: char,
    },
    /// A `&` that begins neither one of the five entities nor a reference to a character.
    Reference {
        /// What is between `&` and `;`; empty if no `;` follows.
        found: String,
    },
    /// A comment.
    Comment,
    /// A processing instruction or XML declaration.
    ProcessingInstruction,
    /// A `<!DOCTYPE` or another `<!` that is neither comment nor CDATA section.
    Doctype,
    /// `]]>` in text.
    CdataEnd,
    /// An end tag of another name than the start tag.
    EndTag {
        /// The name of the start tag.
        expected: String,
        /// The name of the end tag.
        found: String,
    },
    /// A name that is none, or has more than one colon.
    Name {
        /// The name as written.
        found: String,
    },
    /// An attribute not written as `name="value"`, or with `<` in its value.
    Attribute {
        /// The attribute, or where it was expected.
        found: String,
    },
    /// The same attribute twice on one element.
    DuplicateAttribute {
        /// Its name.
        name: String,
    },
    /// A prefix without a declaration.
    UnboundPrefix {
        /// The prefix.
        prefix: String,
    },
    /// A declaration of a reserved prefix, of a prefix as no namespace, or of an overlong name with references.
    Namespace {
        /// The namespace name as written.
        found: String,
    },
    /// Too many attributes on one element.
    TooManyAttributes {
        /// How many are allowed.
        limit: usize,
    },
    /// Too many namespace declarations in scope.
    TooManyNamespaces {
        /// How many are allowed.
        limit: usize,
    },
    /// Too many elements and pieces of text.
    TooManyNodes {
        /// How many are allowed.
        limit: usize,
    },
    /// Elements nested too deep.
    TooDeep {
        /// How deep is allowed.
        limit: usize,
    },
    /// Something other than exactly one whole element.
    NotOneElement {
        /// Where the slice went wrong, in bytes.
        offset: usize,
    },
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf8 { offset } => write!(f, "byte {offset} is not utf-8"),
            Self::ForbiddenChar { found } => write!(f, "character U+{:04X} is forbidden in xml", u32::from(*found)),
            Self::Reference { found } => {
                write!(f, "'&{found};' is unknown: only amp, lt, gt, quot, apos and character numbers are allowed")
            }
            Self::Comment => f.write_str("a comment is not allowed in xmpp"),
            Self::ProcessingInstruction => f.write_str("a processing instruction is not allowed in xmpp"),
            Self::Doctype => f.write_str("a document type declaration is not allowed in xmpp"),
            Self::CdataEnd => f.write_str("']]>' in text must be written with '&gt;'"),
            Self::EndTag { expected, found } => write!(f, "end tag is '{found}', must be '{expected}'"),
            Self::Name { found } => {
                write!(f, "'{found}' is not a name: letters, digits, '.', '-', '_', one ':' inside")
            }
            Self::Attribute { found } => write!(f, "attribute at '{found}' must be written name=\"value\" without '<'"),
            Self::DuplicateAttribute { name } => write!(f, "attribute '{name}' is given twice"),
            Self::UnboundPrefix { prefix } => write!(f, "namespace prefix '{prefix}' is not declared"),
            Self::Namespace { found } => write!(
                f,
                "namespace '{found}' is reserved, empty for a prefix, or over {COPIED_NAMESPACE_BYTES} bytes and escaped"
            ),
            Self::TooManyAttributes { limit } => write!(f, "more than {limit} attributes on one element"),
            Self::TooManyNamespaces { limit } => write!(f, "more than {limit} namespace declarations in scope"),
            Self::TooManyNodes { limit } => write!(f, "more than {limit} elements and pieces of text"),
            Self::TooDeep { limit } => write!(f, "elements nested more than {limit} deep"),
            Self::NotOneElement { offset } => write!(f, "not exactly one whole element: wrong at byte {offset}"),
        }
    }
}

impl std::error::Error for XmlError {}

/// Parses a slice that holds exactly one element, as [`Frame::Stanza`](crate::frame::Frame) does.
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
        let copied_too_long = matches!(&ns, Cow::Owned(name) if name.len() > COPIED_NAMESPACE_BYTES);
        let reserved = prefix == "xmlns" || ns == XMLNS_NS || (prefix == "xml") != (ns == XML_NS);
        if copied_too_long || reserved || (ns.is_empty() && !prefix.is_empty()) {
            return Err(XmlError::Namespace { found: excerpt(&ns) });
        }
        if self.bindings.iter().skip(outer).any(|(known, _)| *known == prefix) {
            let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{}", excerpt(prefix)) };
            return Err(XmlError::DuplicateAttribute { name });
        }
        if self.bindings.len() >= NAMESPACES_IN_SCOPE {
            return Err(XmlError::TooManyNamespaces { limit: NAMESPACES_IN_SCOPE });
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
            Some("xml") => Ok(Cow::Borrowed(XML_NS)),
            Some("stream") => Ok(Cow::Borrowed(STREAM_NS)),
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

/// The attributes of a tag as written. quick-xml's own iterator accepts `a='1'b='2'` and any byte in a name.
struct Attributes<'a> {
    rest: &'a str,
}

impl<'a> Attributes<'a> {
    /// Name and undecoded value of the next attribute.
    fn next(&mut self) -> Result<Option<(&'a str, &'a str)>, XmlError> {
        let rest = trim_start(self.rest);
        if rest.is_empty() {
            return Ok(None);
        }
        // Nothing between the last value and this name is as wrong as no `=` or no quotes.
        let parts = if rest.len() < self.rest.len() { split_attribute(rest) } else { None };
        let Some((name, value, rest)) = parts else {
            return Err(XmlError::Attribute { found: excerpt(rest) });
        };
        self.rest = rest;
        Ok(Some((name, value)))
    }
}

/// Name, value, and what comes after the closing quote.
fn split_attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, value) = text.split_at_checked(text.bytes().position(|byte| byte == b'=')?)?;
    let value = trim_start(value.get(1..)?);
    let quote = value.bytes().next().filter(|first| matches!(first, b'"' | b'\''))?;
    let value = value.get(1..)?;
    let (value, rest) = value.split_at_checked(memchr(quote, value.as_bytes())?)?;
    let name = if name.ends_with(is_space) { name.trim_end_matches(is_space) } else { name };
    Some((name, value, rest.get(1..)?))
}

fn trim_start(text: &str) -> &str {
    let spaces = text.bytes().take_while(|byte| is_space(char::from(*byte))).count();
    text.get(spaces..).unwrap_or_default()
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

/// The prefix a namespace declaration is for, empty for the default; `None` for any other attribute.
fn declared_prefix(key: &str) -> Option<&str> {
    match key.strip_prefix("xmlns")? {
        "" => Some(""),
        // A lone `xmlns:` is left to fail as a name.
        rest => rest.strip_prefix(':').filter(|prefix| !prefix.is_empty()),
    }
}

/// The decoded value of an attribute: references resolved, each raw tab or line break one space.
fn attribute_value(raw: &str) -> Result<Cow<'_, str>, XmlError> {
    let special = |byte: &u8| matches!(byte, b'<' | b'&' | b'\t' | b'\n' | b'\r');
    // All of it without stopping, which takes several bytes at a time.
    if !raw.as_bytes().iter().fold(false, |found, byte| found | special(byte)) {
        return Ok(Cow::Borrowed(raw));
    }
    if raw.contains('<') {
        return Err(XmlError::Attribute { found: excerpt(raw) });
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.as_bytes().iter().position(special) {
        let (before, from) = rest.split_at(at);
        value.push_str(before);
        if let Some(name) = from.strip_prefix('&') {
            let Some((name, after)) = name.split_once(';') else {
                return Err(XmlError::Reference { found: String::new() });
            };
            value.push(reference(name)?);
            rest = after;
        } else {
            value.push(' ');
            rest = from.strip_prefix("\r\n").or_else(|| from.get(1..)).unwrap_or_default();
        }
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}

/// The character meant by what is between `&` and `;`.
fn reference(name: &str) -> Result<char, XmlError> {
    let unknown = || XmlError::Reference { found: excerpt(name) };
    let (digits, radix) = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => match name.strip_prefix("#x") {
            Some(hex) => (hex, 16),
            None => (name.strip_prefix('#').ok_or_else(unknown)?, 10),
        },
    };
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(unknown()); // from_str_radix would take a sign
    }
    let number = u32::from_str_radix(digits, radix).map_err(|_| unknown())?;
    let found = char::from_u32(number).ok_or_else(unknown)?;
    if is_forbidden(found) { Err(XmlError::ForbiddenChar { found }) } else { Ok(found) }
}

/// Text as it stands between tags, with line breaks as XML wants them.
fn plain_text(raw: &str) -> Result<Cow<'_, str>, XmlError> {
    let bytes = raw.as_bytes();
    if memchr_iter(b'>', bytes).any(|at| bytes.get(..at).is_some_and(|before| before.ends_with(b"]]"))) {
        return Err(XmlError::CdataEnd);
    }
    Ok(unix_lines(raw))
}

/// A raw carriage return, with or without a line feed after it, is a line feed.
fn unix_lines(raw: &str) -> Cow<'_, str> {
    match memchr(b'\r', raw.as_bytes()) {
        None => Cow::Borrowed(raw),
        Some(_) => Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n")),
    }
}

/// `raw` without what quick-xml has seen to stand around it.
fn trimmed<'a>(raw: &'a str, before: &str, after: &str) -> &'a str {
    raw.get(before.len()..raw.len().saturating_sub(after.len())).unwrap_or_default()
}

/// Length of the tag at the start of the slice, `>` included; all of it if the tag does not end.
fn tag_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..) {
        let Some(found) = memchr3(b'>', b'"', b'\'', rest) else { break };
        at += found + 1; // behind what was found
        match rest.get(found) {
            Some(b'>') => return at,
            Some(quote) => match memchr(*quote, bytes.get(at..).unwrap_or_default()) {
                Some(close) => at += close + 1,
                None => break,
            },
            None => break,
        }
    }
    bytes.len()
}

/// Equality of short names: most differ in the first byte, and a call to compare memory costs more than that.
fn same_name(one: &str, other: &str) -> bool {
    match (one.as_bytes(), other.as_bytes()) {
        ([], []) => true,
        ([first, ..], [second, ..]) => first == second && one == other,
        _ => false,
    }
}

fn name_len(tag: &str) -> usize {
    // Every byte taken for white space is a whole character, so this is a character boundary.
    tag.bytes().position(|byte| is_space(char::from(byte))).unwrap_or(tag.len())
}

/// Prefix and local part of a qualified name.
fn split_name(name: &str) -> Result<(Option<&str>, &str), XmlError> {
    if is_usual_name(name) {
        return Ok((None, name));
    }
    let colon = name.bytes().position(|byte| byte == b':');
    let (prefix, local) = match colon.and_then(|at| name.split_at_checked(at)) {
        Some((prefix, local)) => (Some(prefix), local.get(1..).unwrap_or_default()),
        None => (None, name),
    };
    if is_ncname(local) && prefix.is_none_or(is_ncname) {
        Ok((prefix, local))
    } else {
        Err(XmlError::Name { found: excerpt(name) })
    }
}

/// Whether this is a name without a colon, by XML 1.0 fifth edition.
fn is_ncname(name: &str) -> bool {
    if is_usual_name(name) {
        return true;
    }
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// Whether this is a name of ASCII without a colon, as nearly all are.
fn is_usual_name(name: &str) -> bool {
    const USUAL: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            let c = byte as u8;
            table[byte] = c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
            byte += 1;
        }
        table
    };
    let bytes = name.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.iter().all(|byte| USUAL[usize::from(*byte)])
}

fn is_name_start(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The beginning of a refused value, short enough for a message.
fn excerpt(value: &str) -> String {
    let mut chars = value.chars();
    let mut excerpt: String = chars.by_ref().take(EXCERPT_CHARS).collect();
    if chars.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

/// The first character of `text` that XML 1.0 forbids, raw and by reference alike.
pub fn forbidden_char(text: &str) -> Option<char> {
    // Forbidden are control characters and U+FFFE, U+FFFF, whose first byte is EF: rare, so whole blocks are waved through.
    let suspect = |byte: &u8| (*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0xEF;
    let clean = |block: &[u8]| !block.iter().fold(false, |found, byte| found | suspect(byte));
    if text.as_bytes().chunks(64).all(clean) {
        return None;
    }
    text.chars().find(|c| is_forbidden(*c))
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Appends `text` as the value of an attribute in either kind of quotes.
///
/// Tab, line feed and carriage return become character references, or the reader would see spaces; forbidden
/// characters become U+FFFD.
pub fn escape_attr(out: &mut Vec<u8>, text: &str) {
    const AS_IS: [bool; 256] = as_is(b"&<>'\"\t\n");
    escape(out, text, &AS_IS);
}

/// Appends `text` as text between tags; forbidden characters become U+FFFD.
pub fn escape_text(out: &mut Vec<u8>, text: &str) {
    const AS_IS: [bool; 256] = as_is(b"&<>");
    escape(out, text, &AS_IS);
}

/// A table of the bytes copied as they are: all but `special`, control characters and the first byte of U+FFFE.
const fn as_is(special: &[u8]) -> [bool; 256] {
    let mut table = [true; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = control == b'\t' as usize || control == b'\n' as usize; // control < 256
        control += 1;
    }
    table[0xEF] = false;
    let mut at = 0;
    while at < special.len() {
        table[special[at] as usize] = false; // a u8 is < 256
        at += 1;
    }
    table
}

fn escape(out: &mut Vec<u8>, text: &str, as_is: &[bool; 256]) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if as_is[usize::from(byte)] {
            continue; // a u8 is < 256
        }
        let (instead, width): (&[u8], usize) = match byte {
            b'&' => (b"&amp;", 1),
            b'<' => (b"&lt;", 1),
            b'>' => (b"&gt;", 1),
            b'\'' => (b"&apos;", 1),
            b'"' => (b"&quot;", 1),
            b'\t' => (b"&#9;", 1),
            b'\n' => (b"&#10;", 1),
            b'\r' => (b"&#13;", 1),
            0xEF if !matches!(bytes.get(at + 1..at + 3), Some([0xBF, 0xBE | 0xBF])) => continue,
            0xEF => ("\u{FFFD}".as_bytes(), 3),
            _ => ("\u{FFFD}".as_bytes(), 1),
        };
        // copied <= at < len: `copied` is the end of a character at or before this one.
        out.extend_from_slice(&bytes[copied..at]);
        out.extend_from_slice(instead);
        copied = at + width;
    }
    out.extend_from_slice(&bytes[copied..]); // copied <= len
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    const DEFAULT: &str = "jabber:component:accept";

    fn parsed(xml: &str) -> Result<Element<'_>, XmlError> {
        parse(xml.as_bytes(), DEFAULT, &TreeLimits::default())
    }

    /// `{ns}name key=|value| [children]`, the default namespace left out.
    fn show(element: &Element<'_>) -> String {
        let mut out = String::new();
        if element.ns != DEFAULT {
            write!(out, "{{{}}}", element.ns).unwrap();
        }
        out.push_str(element.name);
        for (key, value) in &element.attributes {
            write!(out, " {key}=|{}|", value.escape_debug()).unwrap();
        }
        if !element.children.is_empty() {
            let children = element.children.iter().map(|node| match node {
                Node::Element(element) => show(element),
                Node::Text(text) => format!("|{}|", text.escape_debug()),
            });
            write!(out, " [{}]", children.collect::<Vec<_>>().join(", ")).unwrap();
        }
        out
    }

    #[track_caller]
    fn check(xml: &str, expect: &str) {
        match parsed(xml) {
            Ok(element) => assert_eq!(show(&element), expect, "{xml}"),
            Err(error) => panic!("{xml}: {error}"),
        }
    }

    #[track_caller]
    fn check_refused(xml: impl AsRef<[u8]>, expect: &str) {
        let xml = xml.as_ref();
        let error = parse(xml, DEFAULT, &TreeLimits::default()).expect_err(&String::from_utf8_lossy(xml));
        assert_eq!(error.to_string(), expect, "{}", String::from_utf8_lossy(xml));
    }

    #[test]
    fn elements_attributes_and_text() {
        check("<iq/>", "iq");
        check("<iq></iq >", "iq");
        check("<iq type='get' id=\"1\"/>", "iq type=|get| id=|1|");
        check("<iq type = 'get'\n\tid= '1' ></iq>", "iq type=|get| id=|1|");
        check("<a>x<b>y</b>\n</a>", r"a [|x|, b [|y|], |\n|]");
        check("<a x='>/'>></a>", "a x=|>/| [|>|]");
        check("<имя ключ='значение'>й😀</имя>", "имя ключ=|значение| [|й😀|]");
        check("<a._-1 b.-='\"'/>", r#"a._-1 b.-=|\"|"#);
        check("<a>x\r\ny\rz</a>", r"a [|x\ny\nz|]");
    }

    #[test]
    fn namespaces() {
        let reserved = |ns| format!("namespace '{ns}' is reserved, empty for a prefix, or over 256 bytes and escaped");
        check("<a><b xmlns='n'><c/></b><d/></a>", "a [{n}b [{n}c], d]");
        check("<a xmlns='n'><b xmlns=''/><c/></a>", "{n}a [{}b, {n}c]");
        check("<p:a xmlns:p='n'><b/><p:b xmlns:p='m'/><p:c/></p:a>", "{n}a [b, {m}b, {n}c]");
        check("<p:a p:x='1' x='2' xmlns:p='n'/>", "{n}a p:x=|1| x=|2|");
        check("<a xml:lang='en' xmlnsx='1'/>", "a xml:lang=|en| xmlnsx=|1|");
        check("<stream:error/>", "{http://etherx.jabber.org/streams}error");
        check("<stream:error xmlns:stream='n'/>", "{n}error");
        check("<a xmlns='n?a&amp;b\tc'><b/></a>", "{n?a&b c}a [{n?a&b c}b]");
        check_refused("<p:a/>", "namespace prefix 'p' is not declared");
        check_refused("<a><p:a xmlns:p='n'/><p:b/></a>", "namespace prefix 'p' is not declared");
        check_refused("<a p:x='1'/>", "namespace prefix 'p' is not declared");
        check_refused("<xmlns:a/>", "namespace prefix 'xmlns' is not declared");
        check_refused("<a xmlns:p=''/>", &reserved(""));
        check_refused("<a xmlns:xmlns='n'/>", &reserved("n"));
        check_refused("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", &reserved("http://www.w3.org/2000/xmlns/"));
        check_refused("<a xmlns='http://www.w3.org/2000/xmlns/'/>", &reserved("http://www.w3.org/2000/xmlns/"));
        check_refused("<a xmlns:xml='n'/>", &reserved("n"));
        check_refused("<a xmlns='n' xmlns='m'/>", "attribute 'xmlns' is given twice");
        check_refused("<a xmlns:p='n' xmlns:p='m'/>", "attribute 'xmlns:p' is given twice");
    }

    #[test]
    fn references_are_decoded() {
        check("<a x='&amp;&lt;&gt;&quot;&apos;'/>", r#"a x=|&<>\"\'|"#);
        check("<a>&amp;&lt;&gt;&quot;&apos;</a>", r#"a [|&<>\"\'|]"#);
        check("<a x='&#65;&#x1F600;&#x0a;&#13;'>b&#0066;c&#xd;</a>", r"a x=|A😀\n\r| [|bBc\r|]");
        check("<a x='b\tc\nd\r\ne\rf'/>", "a x=|b c d e f|");
        check("<a x='&amp;lt;'>&amp;lt;</a>", "a x=|&lt;| [|&lt;|]");
        check("<a>]]&gt;</a>", "a [|]]>|]");
    }

    #[test]
    fn cdata_is_text() {
        check("<a>x<![CDATA[<b>&amp;]]]]><![CDATA[></a>]]>y</a>", "a [|x<b>&amp;]]></a>y|]");
        check("<a><![CDATA[]]></a>", "a");
        check("<a><![CDATA[]]]></a>", "a [|]|]");
        check("<a><![CDATA[\r\n]]></a>", r"a [|\n|]");
    }

    #[test]
    fn entities_beyond_the_five_are_refused() {
        let allowed = "only amp, lt, gt, quot, apos and character numbers are allowed";
        for name in ["nbsp", "AMP", "", "#", "#x", "#+5", "#x-5", "#xD800", "#x110000", "#99999999999", "#X41", "# 5"] {
            let expect = format!("'&{name};' is unknown: {allowed}");
            check_refused(format!("<a>&{name};</a>"), &expect);
            check_refused(format!("<a x='&{name};'/>"), &expect);
        }
        check_refused("<a>&amp</a>", &format!("'&;' is unknown: {allowed}"));
        check_refused("<a>& &amp;</a>", &format!("'&;' is unknown: {allowed}"));
        check_refused("<a x='&amp'/>", &format!("'&;' is unknown: {allowed}"));
    }

    #[test]
    fn markup_that_xmpp_forbids_is_refused() {
        check_refused("<a><!-- x --></a>", "a comment is not allowed in xmpp");
        check_refused("<a>x<!-- > --></a>", "a comment is not allowed in xmpp");
        check_refused("<a><?p x?></a>", "a processing instruction is not allowed in xmpp");
        check_refused("<?xml version='1.0'?><a/>", "a processing instruction is not allowed in xmpp");
        let doctype = "a document type declaration is not allowed in xmpp";
        check_refused("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", doctype);
        check_refused("<a><!DOCTYPE a [<!ENTITY b 'c'>]></a>", doctype);
        check_refused("<a><!ENTITY b 'c'></a>", doctype);
        check_refused("<a><![cdata[x]]></a>", doctype);
        check_refused("<a>x]]>y</a>", "']]>' in text must be written with '&gt;'");
    }

    #[test]
    fn bytes_and_characters_that_xml_forbids_are_refused() {
        check_refused(b"<a>\xff</a>", "byte 3 is not utf-8");
        check_refused(b"<a>\xed\xa0\x80</a>", "byte 3 is not utf-8");
        check_refused(b"<a x='\xc0\x80'/>", "byte 6 is not utf-8");
        for (found, code) in
            [('\0', "0000"), ('\u{8}', "0008"), ('\u{B}', "000B"), ('\u{1f}', "001F"), ('\u{fffe}', "FFFE")]
        {
            let expect = format!("character U+{code} is forbidden in xml");
            check_refused(format!("<a>{found}</a>"), &expect);
            check_refused(format!("<a x='{found}'/>"), &expect);
            check_refused(format!("<a><![CDATA[{found}]]></a>"), &expect);
            check_refused(format!("<a>&#{};</a>", u32::from(found)), &expect);
            check_refused(format!("<a x='&#x{:x};'/>", u32::from(found)), &expect);
        }
        check("<a>\t\n\u{7f}\u{85}\u{fffd}\u{e000}</a>", "a [|\\t\\n\\u{7f}\\u{85}\u{fffd}\\u{e000}|]");
    }

    #[test]
    fn anything_but_one_whole_element_is_refused() {
        for (xml, offset) in
            [("", 0), ("a", 0), (" <a/>", 0), ("<a/>b", 4), ("<a/><b/>", 4), ("<a></a> ", 7), ("\u{feff}<a/>", 0)]
        {
            check_refused(xml, &format!("not exactly one whole element: wrong at byte {offset}"));
        }
        for (xml, offset) in
            [("<a>", 3), ("<a", 0), ("<a x='", 0), ("<a>b", 3), ("</a>", 0), ("<a><![CDATA[", 3), ("<a></a", 3)]
        {
            let error = parsed(xml).expect_err(xml);
            assert!(matches!(error, XmlError::NotOneElement { offset: at } if at >= offset), "{xml}: {error}");
        }
        check_refused("<a></b>", "end tag is 'b', must be 'a'");
        check_refused("<a><b></a></b>", "end tag is 'a', must be 'b'");
        check_refused("<p:a xmlns:p='n' xmlns:q='n'></q:a>", "end tag is 'q:a', must be 'p:a'");
    }

    #[test]
    fn names_and_attributes_that_are_none_are_refused() {
        for name in ["", "1", "-a", ":a", "a:", "a:b:c", "a/", "a=", "a'b'", "\u{b7}", "a×b"] {
            let expect = format!("'{name}' is not a name: letters, digits, '.', '-', '_', one ':' inside");
            check_refused(format!("<{name} ></{name}>"), &expect);
        }
        for name in ["", "1", "a b", "xmlns:", "a/", "a''"] {
            let expect = format!("'{name}' is not a name: letters, digits, '.', '-', '_', one ':' inside");
            check_refused(format!("<a {name}='1'></a>"), &expect);
        }
        for (at, shown) in [("b", "b"), ("b=1", "b=1"), ("b= ", "b= "), ("b='1'c='2'", "c='2'"), ("b='1' 'c'", "'c'")] {
            let expect = format!("attribute at '{shown}' must be written name=\"value\" without '<'");
            check_refused(format!("<a {at}></a>"), &expect);
        }
        check_refused("<a b='<'/>", "attribute at '<' must be written name=\"value\" without '<'");
        check_refused("<a b='1' c='2' b='3'/>", "attribute 'b' is given twice");
    }

    #[test]
    fn limits_exactly_at_the_boundary() {
        let nested = |levels: usize| "<x>".repeat(levels) + &"</x>".repeat(levels);
        assert!(parsed(&nested(32)).is_ok());
        check_refused(nested(33), "elements nested more than 32 deep");
        check_refused("<x>".repeat(32) + "<x/>" + &"</x>".repeat(32), "elements nested more than 32 deep");
        check_refused(nested(100_000), "elements nested more than 32 deep");
        let attributes = |count: usize| (0..count).map(|n| format!(" a{n}=''")).collect::<String>();
        assert_eq!(parsed(&format!("<a{}/>", attributes(256))).map(|a| a.attributes.len()), Ok(256));
        check_refused(format!("<a{}/>", attributes(257)), "more than 256 attributes on one element");
        check_refused(format!("<a xmlns='n'{}/>", attributes(256)), "more than 256 attributes on one element");
        check_refused(format!("<a{}/>", attributes(100_000)), "more than 256 attributes on one element");
        let nodes = |pairs: usize| format!("<a>{}</a>", "x<b/>".repeat(pairs));
        assert!(parsed(&format!("<a>{}<b/></a>", "x<b/>".repeat(4_999))).is_ok(), "10,000 nodes");
        check_refused(nodes(5_000), "more than 10000 elements and pieces of text");
        let bindings = |count: usize| (0..count).map(|n| format!(" xmlns:a{n}='n'")).collect::<String>();
        assert!(parsed(&format!("<a{}/>", bindings(64))).is_ok());
        check_refused(format!("<a{}/>", bindings(65)), "more than 64 namespace declarations in scope");
        let siblings = format!("<b{0}/><b{0}/>", bindings(60));
        assert!(parsed(&format!("<a>{siblings}</a>")).is_ok(), "only those in scope count");
        let ns = |len: usize| format!("<a xmlns='&lt;{}'/>", "x".repeat(len - 1));
        assert!(parsed(&ns(256)).is_ok());
        assert!(matches!(parsed(&ns(257)), Err(XmlError::Namespace { .. })));
        assert!(parsed(&format!("<a xmlns='{}'/>", "x".repeat(10_000))).is_ok(), "no copy, no limit");
    }

    #[test]
    fn long_values_are_fine_and_errors_repeat_only_their_beginning() {
        for len in [9_000, 60_000] {
            let value = "й".repeat(len / 2);
            let xml = format!("<a x='{value}'>{value}</a>");
            let element = parsed(&xml).unwrap();
            assert_eq!((element.attr("x"), element.text()), (Some(value.as_str()), value.clone()));
            check_refused(
                format!("<a>&{value};</a>"),
                &format!(
                    "'&{}…;' is unknown: only amp, lt, gt, quot, apos and character numbers are allowed",
                    "й".repeat(40)
                ),
            );
        }
    }

    #[test]
    fn what_needs_no_decoding_is_borrowed() {
        let element = parsed("<a x='1' xmlns='n'>t<b/></a>").unwrap();
        assert!(matches!(element.attributes[0].1, Cow::Borrowed("1")));
        assert!(matches!(element.ns, Cow::Borrowed("n")));
        assert!(matches!(element.children[0], Node::Text(Cow::Borrowed("t"))));
    }

    #[test]
    fn elements_are_found_by_name_and_namespace() {
        let element = parsed("<a x='1'>s<b xmlns='n' i='1'/><b i='2'/>t<b i='3'/></a>").unwrap();
        assert_eq!(element.child("b", "n").and_then(|b| b.attr("i")), Some("1"));
        assert_eq!(element.child("b", DEFAULT).and_then(|b| b.attr("i")), Some("2"));
        assert_eq!(element.child("c", "n"), None);
        assert_eq!(element.elements().count(), 3);
        assert_eq!(element.text(), "st");
        assert!(element.is("a", DEFAULT) && !element.is("a", "n") && !element.is("b", DEFAULT));
        assert_eq!(element.attr("y"), None);
    }

    #[track_caller]
    fn check_head(bytes: impl AsRef<[u8]>, expect: Option<&str>) {
        let head = parse_head(bytes.as_ref(), DEFAULT).map(|element| show(&element));
        assert_eq!(head.as_deref(), expect, "{}", String::from_utf8_lossy(bytes.as_ref()));
    }

    #[test]
    fn heads_are_read_leniently() {
        check_head("<iq type='get' id='1'>", Some("iq type=|get| id=|1|"));
        check_head("<iq id='1'/>", Some("iq id=|1|"));
        check_head("<iq id='&amp;>'><a></b>&c;<!--", Some("iq id=|&>|"));
        check_head("<stream:stream xmlns='n' id='1'>", Some("{http://etherx.jabber.org/streams}stream id=|1|"));
        check_head("<iq xmlns='n'", Some("{n}iq"));
        check_head("<p:iq id='1'>", Some("{}iq id=|1|"));
        check_head("<iq x='&nope;' y='\u{1}' z='<' id='1' id='2' 1='1' xmlns:1='1'>", Some("iq id=|1|"));
        check_head("<iq id='1' x y='2'>", Some("iq id=|1|"));
        check_head("<iq id='1' x='", Some("iq id=|1|"));
        check_head(b"<iq id='1' x='\xff' y='2'>", Some("iq id=|1|"));
        check_head(b"<iq id='1'>\xff</iq>", Some("iq id=|1|"));
        for none in ["", "iq", " <iq>", "<", "<>", "< iq>", "</iq>", "<!--x-->", "<1>", "<?xml?>"] {
            check_head(none, None);
        }
        let many: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
        let head = format!("<iq{many}>");
        assert_eq!(parse_head(head.as_bytes(), DEFAULT).map(|head| head.attributes.len()), Some(256));
    }

    fn escaped(escape: fn(&mut Vec<u8>, &str), text: &str) -> String {
        let mut out = b"<".to_vec();
        escape(&mut out, text);
        String::from_utf8(out.split_off(1)).unwrap()
    }

    #[test]
    fn escaping() {
        let text = "&<>'\"\t\n\r\0\u{1b}\u{7f}\u{fffe}\u{ffff}\u{fffd}й😀";
        assert_eq!(
            escaped(escape_attr, text),
            "&amp;&lt;&gt;&apos;&quot;&#9;&#10;&#13;\u{fffd}\u{fffd}\u{7f}\u{fffd}\u{fffd}\u{fffd}й😀"
        );
        assert_eq!(
            escaped(escape_text, text),
            "&amp;&lt;&gt;'\"\t\n&#13;\u{fffd}\u{fffd}\u{7f}\u{fffd}\u{fffd}\u{fffd}й😀"
        );
    }

    #[test]
    fn forbidden_characters_are_found() {
        assert_eq!(forbidden_char("plain\t\n\ré\u{fffd}\u{feff}"), None);
        for code in 0..=0x11_0000 {
            let Some(c) = char::from_u32(code) else { continue };
            let forbidden = matches!(code, 0..=8 | 11 | 12 | 14..=31 | 0xFFFE | 0xFFFF);
            assert_eq!(forbidden_char(c.encode_utf8(&mut [0; 4])), forbidden.then_some(c), "{code:x}");
        }
        let late = "x".repeat(1_000) + "\u{2}\u{3}";
        assert_eq!(forbidden_char(&late), Some('\u{2}'));
    }

    fn legal_text() -> impl Strategy<Value = String> {
        let special =
            prop::sample::select(vec!['&', '<', '>', '\'', '"', '\t', '\n', '\r', ']', ' ', ';', '#', '\u{fffd}']);
        let legal = any::<char>().prop_filter("legal in xml", |c| forbidden_char(&c.to_string()).is_none());
        prop::collection::vec(prop_oneof![special, legal], 0..60).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(text in legal_text()) {
            let (value, content) = (escaped(escape_attr, &text), escaped(escape_text, &text));
            for xml in [format!("<a x='{value}'>{content}</a>"), format!("<a x=\"{value}\">{content}</a>")] {
                let element = parsed(&xml).map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(element.attr("x"), Some(text.as_str()));
                prop_assert_eq!(element.text(), text.clone());
            }
        }

        #[test]
        fn what_is_escaped_is_always_legal(text in any::<String>()) {
            prop_assert_eq!(forbidden_char(&escaped(escape_attr, &text)), None);
            prop_assert_eq!(forbidden_char(&escaped(escape_text, &text)), None);
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let bytes = [b"<a", &bytes[..], b"</a>"].concat();
            let _ = parse(&bytes, DEFAULT, &TreeLimits::default());
            let _ = parse_head(&bytes, DEFAULT);
        }

        #[test]
        fn any_markup_is_survived(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "<", ">", "/", "'", "\"", "=", "&", ";", "!", "-", "[", "]", "?", "a", " ", "<a>", "</a>", "<b/>", "x='1'",
                "<![CDATA[", "]]>", "<!DOCTYPE ", "<!ELEMENT", "<!--", "&#x", "xmlns", ":", "й", "\r",
            ]), 0..30),
        ) {
            let xml = format!("<a>{}</a>", pieces.concat());
            if let Ok(element) = parsed(&xml) {
                let head = parse_head(xml.as_bytes(), DEFAULT).map(|head| (head.name, head.ns, head.attributes));
                prop_assert_eq!(head, Some((element.name, element.ns, element.attributes)));
            }
        }
    }
}
