//! One slice as the parser gets it from the framer: it never panics; what is accepted is what a full parser reads and
//! well-formed by a naive one, what is refused is not; what is accepted means the same when written again and can be
//! answered.

use super::{full, naive};
use neerc_xmpp::ns;
use neerc_xmpp::stanza::address::Address;
use neerc_xmpp::stanza::{Condition, Shell};
use neerc_xmpp::xml::{self, Element, Node, TreeLimits, XmlError, attribute, escape_attr, escape_text};

/// Checks one input.
pub fn check(data: &[u8]) {
    let limits = TreeLimits::default();
    let _ = xml::parse_head(data, ns::COMPONENT);
    let parsed = xml::parse(data, ns::COMPONENT, &limits);
    let text = std::str::from_utf8(data).ok();
    if let Some(text) = text {
        full::compare(text, &parsed);
    }
    let opinion = text.and_then(naive::well_formed);
    match (&parsed, &opinion) {
        (Ok(_), Some(_)) | (Err(_), None) => {}
        (Ok(element), None) => panic!("accepted, and is not well-formed: {element:?}"),
        (Err(error), Some(naive)) => {
            let bounded = naive.depth <= limits.depth
                && naive.nodes <= limits.nodes
                && naive.attributes <= limits.attributes
                && naive.scope <= 64;
            // Names beyond ASCII are not looked at closely by the second opinion.
            let plain = data.is_ascii() && !naive.odd_namespace;
            assert!(!(bounded && plain), "refused ({error}), and is well-formed");
        }
    }
    let Ok(element) = parsed else { return };
    again(&element);
    shell(&element);
}

/// What is written again must mean the same.
fn again(element: &Element<'_>) {
    let mut out = Vec::new();
    write(&mut out, element, ns::COMPONENT);
    let limits = TreeLimits { depth: 32, nodes: 10_000, attributes: 1_000 };
    match xml::parse(&out, ns::COMPONENT, &limits) {
        Ok(read) => assert_eq!(*element, read, "{}", String::from_utf8_lossy(&out)),
        Err(XmlError::TooManyNamespaces { .. }) => {} // there are more declarations than there were
        Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&out)),
    }
}

/// Writes an element that stands where `outer` is the default namespace.
fn write(out: &mut Vec<u8>, element: &Element<'_>, outer: &str) {
    let mut inner = outer;
    out.push(b'<');
    let prefix: &[u8] = if element.ns == ns::XML { b"xml:" } else { b"" };
    out.extend_from_slice(prefix);
    out.extend_from_slice(element.name.as_bytes());
    if prefix.is_empty() {
        inner = &element.ns;
        if inner != outer {
            namespace(out, inner);
        }
    }
    let mut declared = Vec::new();
    for (name, value) in &element.attributes {
        if let Some((prefix, _)) = name.split_once(':')
            && !["xml", "stream"].contains(&prefix)
            && !declared.contains(&prefix)
        {
            declared.push(prefix);
            for piece in [" xmlns:", prefix, "='urn:x'"] {
                out.extend_from_slice(piece.as_bytes());
            }
        }
        attribute(out, name, value);
    }
    out.push(b'>');
    for child in &element.children {
        match child {
            Node::Element(child) => write(out, child, inner),
            Node::Text(text) => escape_text(out, text),
        }
    }
    for piece in [b"</", prefix, element.name.as_bytes(), b">"] {
        out.extend_from_slice(piece);
    }
}

fn namespace(out: &mut Vec<u8>, ns: &str) {
    let special = ns.contains(['&', '<', '\t', '\r', '\n']) || (ns.contains('\'') && ns.contains('"'));
    let quote = if ns.contains('\'') && !special { b'"' } else { b'\'' };
    out.extend_from_slice(b" xmlns=");
    out.push(quote);
    if special {
        escape_attr(out, ns)
    } else {
        out.extend_from_slice(ns.as_bytes())
    }
    out.push(quote);
}

/// A stanza can be answered, and what is answered is one stanza again, to who has asked.
fn shell(element: &Element<'_>) {
    let Some(shell) = Shell::of(element) else { return };
    for address in [&shell.from, &shell.to] {
        assert_eq!(Address::parse(address.as_str()).as_ref(), Some(address), "the prepared form stays");
        assert_eq!(Address::parse(address.as_it_came()).as_ref(), Some(address));
    }
    let mut out = Vec::new();
    shell.return_address().error(&mut out, Condition::BadRequest, "no: <&>\u{1}");
    let answer = xml::parse(&out, ns::COMPONENT, &TreeLimits::default()).expect("our own error is well-formed");
    assert_eq!(answer.attr("to"), Some(shell.from.as_it_came()));
    assert_eq!(answer.attr("id"), shell.id);
    assert_eq!(answer.attr("from").and_then(Address::parse), Some(shell.to.clone()));
    let mut out = Vec::new();
    shell.return_address().result(&mut out, |_| {});
    if shell.is_request() {
        xml::parse(&out, ns::COMPONENT, &TreeLimits::default()).expect("our own result is well-formed");
    }
}
