//! A full parser's opinion on one slice: quick-xml with its namespaces, names of end tags and duplicate attributes.
//! What our parser accepts is compared node by node while quick-xml reads it; nothing is copied.
//!
//! `xml.rs` finds its tags with quick-xml too, so this is about what it does by itself: namespaces, attributes,
//! references, line breaks, the tree. Whether the slice is well-formed at all is for `naive.rs`, which shares nothing.
//!
//! Where the two differ deliberately:
//! - quick-xml does not decode namespace names, so one with references or line breaks is decoded before it is compared,
//!   and what it says of reserved ones among them does not count;
//! - it refuses to have `stream` undeclared and knows no outer default namespace: both are declared beforehand;
//! - it accepts comments, processing instructions, document types, `]]>` in text, `<` in values, `a='1'b='2'`, any name,
//!   any character and any size, all of which XMPP, XML or our limits forbid.

use std::borrow::Cow;

use neerc_xmpp::ns;
use neerc_xmpp::xml::{Element, Node, XmlError};
use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, PrefixDeclaration, ResolveResult};
use quick_xml::reader::NsReader;

/// Compares what `xml.rs` made of the slice with what quick-xml makes of it.
pub fn compare(text: &str, parsed: &Result<Element<'_>, XmlError>) {
    let mut reader = NsReader::from_str(text);
    let outer = [(PrefixDeclaration::Default, ns::COMPONENT), (PrefixDeclaration::Named("stream"), ns::STREAMS)];
    for (prefix, ns) in outer {
        reader.resolver_mut().add(prefix, Namespace(ns)).expect("two namespaces are not too many");
    }
    match parsed {
        Ok(root) => same_document(&mut reader, root, text),
        Err(XmlError::EndTag { .. } | XmlError::Reference { .. } | XmlError::DuplicateAttribute { .. }) => {
            assert!(refuses(&mut reader), "refused ({parsed:?}), and quick-xml accepts it");
        }
        Err(_) => {}
    }
}

fn same_document(reader: &mut NsReader<&[u8]>, root: &Element<'_>, text: &str) {
    let first = match reader.read_event() {
        Err(Error::Namespace(_)) if text.contains('&') => return,
        first => first.expect("accepted, and quick-xml refuses it"),
    };
    let same = match &first {
        Event::Start(tag) => same_tag(reader, tag, root).and_then(|()| same_children(reader, root)),
        Event::Empty(tag) => {
            assert!(root.children.is_empty());
            same_tag(reader, tag, root)
        }
        other => panic!("accepted, and begins with {other:?}"),
    };
    match same {
        Err(Error::Namespace(_)) if text.contains('&') => {}
        same => {
            same.expect("accepted, and quick-xml refuses it");
            assert!(matches!(reader.read_event(), Ok(Event::Eof)), "accepted, and is not all");
        }
    }
}

/// Reads what is in `element` up to its end tag.
fn same_children(reader: &mut NsReader<&[u8]>, element: &Element<'_>) -> Result<(), Error> {
    let mut children = element.children.iter();
    let mut text = ""; // what is still to come of a piece of text
    loop {
        let event = reader.read_event()?;
        let piece = match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                assert_eq!(text, "");
                let Some(Node::Element(child)) = children.next() else { panic!("misses {tag:?} in {element:?}") };
                same_tag(reader, tag, child)?;
                if matches!(event, Event::Start(_)) {
                    same_children(reader, child)?;
                } else {
                    assert!(child.children.is_empty());
                }
                continue;
            }
            Event::End(_) => {
                assert_eq!((text, children.next()), ("", None));
                return Ok(());
            }
            Event::Text(piece) => piece.xml10_content(),
            Event::CData(piece) => piece.xml10_content(),
            Event::GeneralRef(name) => match name.resolve_char_ref()? {
                Some(char) => Cow::Owned(char.to_string()),
                None => Cow::Borrowed(resolve_predefined_entity(name).expect("accepted, and has an unknown entity")),
            },
            other => panic!("accepted, and has {other:?}"),
        };
        if text.is_empty() && !piece.is_empty() {
            let Some(Node::Text(whole)) = children.next() else { panic!("misses {piece:?} in {element:?}") };
            text = whole;
        }
        text = text.strip_prefix(&*piece).unwrap_or_else(|| panic!("{text:?} is {piece:?}"));
    }
}

/// Compares name, namespace and attributes.
fn same_tag(reader: &NsReader<&[u8]>, tag: &BytesStart<'_>, element: &Element<'_>) -> Result<(), Error> {
    let (ns, local) = reader.resolver().resolve_element(tag.name());
    assert_eq!(local.into_inner(), element.name);
    match ns {
        ResolveResult::Bound(Namespace(ns)) if ns == element.ns => {}
        ResolveResult::Bound(Namespace(ns)) => {
            let raw = Attribute { key: tag.name(), value: Cow::Borrowed(ns) };
            assert_eq!(raw.normalized_value(XmlVersion::Explicit1_0)?, element.ns, "namespace of {element:?}");
        }
        ResolveResult::Unbound => assert_eq!(element.ns, ""),
        ResolveResult::Unknown(prefix) => panic!("accepted, and {prefix} is not declared"),
    }
    let mut known = element.attributes.iter();
    for attribute in tag.attributes() {
        let attribute = attribute?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        if let (ResolveResult::Unknown(prefix), _) = reader.resolver().resolve_attribute(attribute.key) {
            panic!("accepted, and {prefix} is not declared");
        }
        let (name, value) = known.next().expect("the parser has left out an attribute");
        assert_eq!(*name, attribute.key.into_inner());
        assert_eq!(*value, attribute.normalized_value(XmlVersion::Explicit1_0)?);
    }
    assert_eq!(known.next(), None, "the parser has made up an attribute");
    Ok(())
}

/// Whether quick-xml finds anything wrong, or takes a value for a part of a name, which it would not read as a value.
fn refuses(reader: &mut NsReader<&[u8]>) -> bool {
    loop {
        match reader.read_event() {
            Err(_) => return true,
            Ok(Event::Eof) => return false,
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                for attribute in tag.attributes() {
                    let fine = attribute.is_ok_and(|attribute| {
                        attribute.normalized_value(XmlVersion::Explicit1_0).is_ok()
                            && !attribute.key.into_inner().contains(['=', '\'', '"'])
                    });
                    if !fine {
                        return true;
                    }
                }
            }
            Ok(Event::GeneralRef(name)) => match name.resolve_char_ref() {
                Ok(None) if resolve_predefined_entity(&name).is_none() => return true,
                Ok(_) => {}
                Err(_) => return true,
            },
            Ok(_) => {}
        }
    }
}
