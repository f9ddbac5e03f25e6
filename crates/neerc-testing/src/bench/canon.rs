//! Stanzas in a form in which equal ones are equal texts: attributes in order, one kind of quotes, every namespace
//! written where it changes, no white space between elements.

use neerc_xmpp::ns;
use neerc_xmpp::xml::{self, Element, Node, TreeLimits};
use std::fmt::Write;

/// The canonical form of a stanza, or of a stream's start and end tags as they are.
pub fn canonical(xml: &str) -> Result<String, String> {
    if xml.starts_with("<?xml") || xml.starts_with("<stream:stream") || xml.starts_with("</stream") {
        return Ok(xml.to_owned());
    }
    let limits = TreeLimits { depth: 64, nodes: 1_000_000, attributes: 256 };
    let element = xml::parse(xml.as_bytes(), ns::COMPONENT, &limits).map_err(|e| e.to_string())?;
    let mut out = String::new();
    write(&mut out, &element, ns::COMPONENT);
    Ok(out)
}

fn write(out: &mut String, element: &Element<'_>, ns: &str) {
    let _ = write!(out, "<{}", element.name);
    if element.ns != ns {
        let _ = write!(out, " xmlns='{}'", element.ns);
    }
    let mut attributes: Vec<_> = element.attributes.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    attributes.sort_unstable();
    for (name, value) in attributes {
        let mut escaped = Vec::new();
        xml::escape_attr(&mut escaped, value);
        let _ = write!(out, " {name}='{}'", String::from_utf8_lossy(&escaped));
    }
    let holds_elements = element.elements().next().is_some();
    let children: Vec<&Node<'_>> = element
        .children
        .iter()
        .filter(|node| match node {
            Node::Text(text) => !holds_elements || !text.trim().is_empty(),
            Node::Element(_) => true,
        })
        .collect();
    if children.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for child in children {
        match child {
            Node::Element(child) => write(out, child, &element.ns),
            Node::Text(text) => {
                let mut escaped = Vec::new();
                xml::escape_text(&mut escaped, text);
                out.push_str(&String::from_utf8_lossy(&escaped));
            }
        }
    }
    let _ = write!(out, "</{}>", element.name);
}
