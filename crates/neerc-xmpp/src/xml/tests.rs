//! Trees of stanzas and of what only looks like one.

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
