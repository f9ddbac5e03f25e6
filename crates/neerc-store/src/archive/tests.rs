//! Archives that were cut, changed or written by others are not taken for whole.

use super::*;
use crate::record;
use neerc_core::people::Person;

const RECORDS: [&str; 2] = [
    r#"{"created":{"task":1,"title":"Water","kind":"todo","timestamp_ms":5}}"#,
    r#"{"answered":{"task":1,"person":"hall1@localhost","status":"running","value":"я \"x\""}}"#,
];

/// An archive of the first two changes of a room.
fn archive() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::TempDir::new().unwrap();
    let store = folder.path().join("neerc.db");
    let folder_of_archives = make_folder(&store).unwrap();
    let rows = RECORDS.iter().zip(1..).map(|(record, revision)| {
        let (change, request) = record::read_entry(record.as_bytes()).unwrap();
        let by = Person::from_bare("hall1@localhost");
        let entry = Entry { revision, room: "neerc".into(), at_ms: 7, by, change, request };
        let sum = record::entry_sum(revision as i64, b"neerc", 7, b"hall1@localhost", record.as_bytes());
        Row { entry, record: (*record).to_owned(), sum }
    });
    let rows: Vec<_> = rows.collect();
    let chain_after = rows.iter().fold(0, |chain, row| record::chained(chain, row.sum));
    let head = ArchiveHead {
        version: ARCHIVE_VERSION,
        first: 1,
        last: 2,
        earliest_ms: 7,
        latest_ms: 7,
        before_ms: 0,
        chain_before: 0,
        chain_after,
    };
    let mut writer = ArchiveWriter::begin(&folder_of_archives, &store, &head, "").unwrap();
    for row in &rows {
        writer.add(row).unwrap();
    }
    let file = folder_of_archives.join(name(1, 2));
    writer.finish(&file).unwrap();
    (folder, file)
}

fn read(file: &Path) -> Result<Vec<u64>, String> {
    let mut archive = ArchiveReader::open(file).map_err(|error| error.to_string())?;
    let mut revisions = Vec::new();
    while let Some(row) = archive.next().map_err(|error| error.to_string())? {
        revisions.push(row.entry.revision);
    }
    Ok(revisions)
}

fn text(file: &Path) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(File::open(file).unwrap()), &mut text).unwrap();
    text
}

fn rewrite(file: &Path, text: &str) {
    let mut lines = flate2::write::GzEncoder::new(File::create(file).unwrap(), flate2::Compression::fast());
    std::io::Write::write_all(&mut lines, text.as_bytes()).unwrap();
    lines.finish().unwrap();
}

#[test]
fn archives_are_written_and_read_as_ever() {
    let (_folder, file) = archive();
    let lines = text(&file);
    let expected = concat!(
        r#"{"neerc_archive":1,"first":1,"last":2,"earliest_ms":7,"latest_ms":7,"before_ms":0,"chain_before":0,"chain_after":CHAIN}"#,
        "\n{}\n",
        r#"{"revision":1,"room":"neerc","at_ms":7,"by":"hall1@localhost","record":FIRST,"sum":SUM1}"#,
        "\n",
        r#"{"revision":2,"room":"neerc","at_ms":7,"by":"hall1@localhost","record":SECOND,"sum":SUM2}"#,
        "\n",
        r#"{"lines":4,"lines_sum":"#,
    );
    let of = |revision, record: &str| record::entry_sum(revision, b"neerc", 7, b"hall1@localhost", record.as_bytes());
    let (one, two) = (of(1, RECORDS[0]), of(2, RECORDS[1]));
    let chain = record::chained(record::chained(0, one), two);
    let expected = expected.replace("CHAIN", &chain.to_string()).replace("FIRST", RECORDS[0]);
    let expected = expected.replace("SECOND", RECORDS[1]).replace("SUM1", &one.to_string());
    assert!(lines.starts_with(&expected.replace("SUM2", &two.to_string())), "{lines}");
    assert_eq!(read(&file), Ok(vec![1, 2]));
    let (first, last, found) = list(&folder(&file.parent().unwrap().with_file_name("neerc.db"))).unwrap().remove(0);
    assert_eq!((first, last, found), (1, 2, file));
}

#[test]
fn no_flipped_bit_and_no_cut_goes_unnoticed() {
    let (_folder, file) = archive();
    let whole = fs::read(&file).unwrap();
    // The time and the system that a gzip file names say nothing, nor does how hard it was compressed.
    for at in (0..whole.len()).filter(|at| !(4..10).contains(at)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&file, bytes).unwrap();
        let error = read(&file).expect_err(&format!("byte {at}"));
        assert!(
            error.contains(".jsonl.gz is damaged: ") && error.ends_with("; take a copy of it from elsewhere"),
            "{error}"
        );
        fs::write(&file, &whole[..at]).unwrap();
        assert!(read(&file).is_err(), "{at} bytes");
    }
    fs::write(&file, &whole).unwrap();
    assert_eq!(read(&file), Ok(vec![1, 2]));
}

#[test]
fn lines_that_were_changed_are_found_where_they_decompress() {
    let (_folder, file) = archive();
    let whole = text(&file);
    let check = |from: &str, to: &str, expected: &str| {
        rewrite(&file, &whole.replacen(from, to, 1));
        let error = read(&file).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check("Water", "Wine", "revision 1 of the log: its checksum is ");
    check("\"room\":\"neerc\"", "\"room\":\"other\"", "revision 1 of the log: its checksum is ");
    check("\"revision\":2", "\"revision\":3", "revision 2 of the log is missing; the next is 3");
    check("\"neerc_archive\":1", "\"neerc_archive\":2", "was written by a newer neerc (archive 2; this one reads 1)");
    check("\"first\":1", "\"first\":0", "it says that it holds revisions 0 to 2");
    check("\"first\":1", "\"first\":2", "its boards are missing");
    check("\"chain_after\":", "\"chain_after\":1", "");
    check("\"lines\":4", "\"lines\":5", "its lines are not those that were written");
    check("\"earliest_ms\":7", "\"earliest_ms\":6", "its lines are not those that were written");
    rewrite(&file, &format!("{whole}\n"));
    assert!(read(&file).unwrap_err().contains("something follows its last line"));
    rewrite(&file, "hello\n");
    assert!(read(&file).unwrap_err().contains("its head: "));
    fs::write(&file, "hello\n").unwrap();
    assert!(read(&file).unwrap_err().contains("it does not decompress"));
}

#[test]
fn other_files_beside_archives_are_left_alone() {
    let (_folder, file) = archive();
    for name in ["notes", "1-2.jsonl.gz.other-1", "0000000003-0000000004.jsonl.gz.part", "a-b.jsonl.gz"] {
        fs::write(file.with_file_name(name), "").unwrap();
    }
    assert_eq!(list(file.parent().unwrap()).unwrap(), [(1, 2, file.clone())]);
    assert_eq!(list(&file.with_file_name("nowhere")).unwrap(), []);
}
