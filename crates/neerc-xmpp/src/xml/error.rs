//! Why bytes are no stanza that may be read.

use crate::limits::COPIED_NAMESPACE_BYTES;
use std::fmt;

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
