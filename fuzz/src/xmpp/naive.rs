//! A second opinion on what is well-formed: a recursive descent through one element by the productions of XML 1.0 and
//! Namespaces, as plain as can be and slow. Not used by the product; shares nothing with its parser.

/// What one look at an element has found.
#[derive(Debug, Default)]
pub struct Naive<'t> {
    rest: &'t str,
    prefixes: Vec<&'t str>,
    /// Deepest nesting.
    pub depth: usize,
    /// Elements and pieces of text, or somewhat more.
    pub nodes: usize,
    /// Most attributes and declarations of one element.
    pub attributes: usize,
    /// Most prefixes in scope.
    pub scope: usize,
    /// Whether a namespace name is written with a reference or a line break, or is one of the reserved ones.
    pub odd_namespace: bool,
}

/// Whether `text` is exactly one well-formed element with XMPP's restrictions; with its measures.
pub fn well_formed(text: &str) -> Option<Naive<'_>> {
    let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    let mut naive = Naive { rest: text, prefixes: vec!["xml", "stream", ""], ..Naive::default() };
    let ok = text.chars().all(legal) && naive.element(1).is_some() && naive.rest.is_empty();
    ok.then_some(naive)
}

impl<'t> Naive<'t> {
    fn eat(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn space(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let some = rest.len() < self.rest.len();
        self.rest = rest;
        some
    }

    fn name(&mut self) -> Option<&'t str> {
        let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-' | '.') || !c.is_ascii();
        let len = self.rest.find(|c| !in_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(len);
        let part =
            |part: &str| part.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii());
        if !name.split(':').all(part) || name.split(':').count() > 2 {
            return None;
        }
        self.rest = rest;
        Some(name)
    }

    fn reference(&mut self) -> Option<()> {
        self.eat("&")?;
        let (name, rest) = self.rest.split_once(';')?;
        self.rest = rest;
        let number = match name.strip_prefix('#') {
            None => return ["amp", "lt", "gt", "quot", "apos"].contains(&name).then_some(()),
            Some(number) => match number.strip_prefix('x') {
                Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok()?,
                None if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok()?,
                _ => return None,
            },
        };
        let legal = matches!(number, 9 | 10 | 13 | 0x20..=0xd7ff | 0xe000..=0xfffd | 0x1_0000..=0x10_ffff);
        legal.then_some(())
    }

    fn value(&mut self) -> Option<&'t str> {
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        self.rest = &self.rest[1..];
        let (value, after) = self.rest.split_once(quote)?;
        self.rest = value;
        while !self.rest.is_empty() {
            match self.rest.chars().next()? {
                '<' => return None,
                '&' => self.reference()?,
                _ => self.rest = &self.rest[self.rest.find(['<', '&']).unwrap_or(self.rest.len())..],
            }
        }
        self.rest = after;
        Some(value)
    }

    fn element(&mut self, depth: usize) -> Option<()> {
        if depth > 200 {
            return None;
        }
        self.depth = self.depth.max(depth);
        self.nodes += 1;
        self.eat("<")?;
        let name = self.name()?;
        let outer = self.prefixes.len();
        let mut used = Vec::new();
        let mut written: Vec<&str> = Vec::new();
        used.extend(name.split_once(':').map(|(prefix, _)| prefix));
        let ended = loop {
            let spaced = self.space();
            if self.eat("/>").is_some() {
                break true;
            }
            if self.eat(">").is_some() {
                break false;
            }
            if !spaced {
                return None;
            }
            let attribute = self.name()?;
            self.space();
            self.eat("=")?;
            self.space();
            let value = self.value()?;
            if written.contains(&attribute) {
                return None;
            }
            written.push(attribute);
            if let Some(prefix) = attribute.strip_prefix("xmlns:") {
                self.odd_namespace |=
                    value.contains(['&', '\t', '\r', '\n']) || value.starts_with("http://www.w3.org/");
                if prefix == "xmlns" || value.is_empty() {
                    return None;
                }
                self.odd_namespace |= prefix == "xml";
                self.prefixes.push(prefix);
            } else if attribute == "xmlns" {
                self.odd_namespace |=
                    value.contains(['&', '\t', '\r', '\n']) || value.starts_with("http://www.w3.org/");
                self.prefixes.push("");
            } else {
                used.extend(attribute.split_once(':').map(|(prefix, _)| prefix));
            }
        };
        self.attributes = self.attributes.max(written.len());
        self.scope = self.scope.max(self.prefixes.len());
        if !used.iter().all(|prefix| self.prefixes.contains(prefix)) {
            return None;
        }
        if !ended {
            self.content(depth)?;
            self.eat("</")?;
            self.eat(name)?;
            self.space();
            self.eat(">")?;
        }
        self.prefixes.truncate(outer);
        Some(())
    }

    fn content(&mut self, depth: usize) -> Option<()> {
        loop {
            let text = &self.rest[..self.rest.find(['<', '&'])?];
            if text.contains("]]>") {
                return None;
            }
            self.rest = &self.rest[text.len()..];
            self.nodes += 1;
            if self.rest.starts_with("</") {
                return Some(());
            } else if self.eat("<![CDATA[").is_some() {
                self.rest = self.rest.split_once("]]>")?.1;
            } else if self.rest.starts_with('<') {
                self.element(depth + 1)?;
            } else {
                self.reference()?;
            }
        }
    }
}
