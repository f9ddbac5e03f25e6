//! What the two sides say to each other: a JSON value a line. The follower begins.

use crate::limits;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};

/// The line by which a feed asks the service on its machine to be told of each new revision. Both then say a revision a line:
/// the service the newest, the feed which one its follower has.
pub const FOLLOW: &str = "{\"ask\":\"follow\"}";

/// What a follower says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowerLine {
    /// First of all: what it has.
    Follow {
        /// Of the conversation.
        version: u32,
        /// Up to which revision it has the log.
        revision: u64,
        /// The change of that revision as a line of an archive; none if that is 0.
        last: Option<Box<RawValue>>,
    },
    /// It has the log on disk up to that revision. Also said when nothing is new, as a sign of life.
    Have(u64),
}

/// What a feed says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedLine {
    /// First of all: the log follows, or a copy before it.
    Feed {
        /// Of the conversation.
        version: u32,
        /// Up to which revision the log goes now.
        revision: u64,
    },
    /// Nothing follows, for this reason.
    Refused(String),
    /// A backup of the whole store follows, of so many bytes; the log goes on after it.
    Copy(u64),
    /// The next change, as a line of an archive.
    Change(Box<RawValue>),
    /// How far people and programs have been told.
    Told {
        /// People, up to that revision.
        told: u64,
        /// Programs, by their marks.
        marks: BTreeMap<String, u64>,
    },
    /// All up to that revision was said: a sign of life.
    Beat(u64),
}

/// Writes a line; it is on its way only once the writer is flushed.
pub fn write(writer: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, line)?;
    writer.write_all(b"\n")
}

/// The next line; `None` at the end.
pub fn read<T: DeserializeOwned>(reader: &mut impl BufRead) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    reader.by_ref().take(limits::FOLLOW_LINE_BYTES).read_until(b'\n', &mut line)?;
    match line.last() {
        None => Ok(None),
        Some(b'\n') => serde_json::from_slice(&line).map(Some).map_err(|error| {
            let shown = String::from_utf8_lossy(&line);
            let shown: String = shown.trim_end().chars().take(200).collect();
            io::Error::new(io::ErrorKind::InvalidData, format!("{error}, in the line {shown:?}"))
        }),
        Some(_) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a line was cut short")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_and_read_as_ever() {
        let change = || RawValue::from_string(r#"{"revision":7}"#.to_owned()).unwrap();
        let theirs = [
            FollowerLine::Follow { version: 1, revision: 7, last: Some(change()) },
            FollowerLine::Follow { version: 1, revision: 0, last: None },
            FollowerLine::Have(7),
        ];
        let ours = [
            FeedLine::Feed { version: 1, revision: 8 },
            FeedLine::Refused("no".into()),
            FeedLine::Copy(4096),
            FeedLine::Change(change()),
            FeedLine::Told { told: 6, marks: [("webhook:1".to_owned(), 5)].into() },
            FeedLine::Beat(8),
        ];
        let mut said = Vec::new();
        theirs.iter().for_each(|line| write(&mut said, line).unwrap());
        ours.iter().for_each(|line| write(&mut said, line).unwrap());
        let text = String::from_utf8(said.clone()).unwrap();
        let ever = r#"{"follow":{"version":1,"revision":7,"last":{"revision":7}}}
{"follow":{"version":1,"revision":0,"last":null}}
{"have":7}
{"feed":{"version":1,"revision":8}}
{"refused":"no"}
{"copy":4096}
{"change":{"revision":7}}
{"told":{"told":6,"marks":{"webhook:1":5}}}
{"beat":8}
"#;
        assert_eq!(text, ever);
        let mut reader = said.as_slice();
        for line in &theirs {
            let read: FollowerLine = read(&mut reader).unwrap().unwrap();
            assert_eq!(format!("{read:?}"), format!("{line:?}"));
        }
        for line in &ours {
            let read: FeedLine = read(&mut reader).unwrap().unwrap();
            assert_eq!(format!("{read:?}"), format!("{line:?}"));
        }
        assert!(read::<FeedLine>(&mut reader).unwrap().is_none());
    }

    #[test]
    fn what_is_no_line_is_an_error_that_shows_it() {
        let error = read::<FeedLine>(&mut "Permission denied (publickey).\n".as_bytes()).unwrap_err().to_string();
        assert!(error.contains("in the line \"Permission denied (publickey).\""), "{error}");
        let error = read::<FeedLine>(&mut "{\"beat\":".as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "a line was cut short");
    }
}
