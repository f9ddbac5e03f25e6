//! The checksums of what is stored.

/// The checksum of a log entry: over every field, with the lengths of texts.
pub fn entry_sum(revision: i64, room: &[u8], at_ms: i64, by: &[u8], record: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&revision.to_le_bytes());
    sum.update(&at_ms.to_le_bytes());
    for text in [room, by, record] {
        sum.update(&(text.len() as u64).to_le_bytes());
        sum.update(text);
    }
    sum.finalize()
}

/// The checksum of a snapshot.
pub fn snapshot_sum(revision: i64, record: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&revision.to_le_bytes());
    sum.update(record);
    sum.finalize()
}

/// The checksum of a row that says what is in archives.
pub fn floor_sum(revision: i64, at_ms: i64, chain: u32, record: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&revision.to_le_bytes());
    sum.update(&at_ms.to_le_bytes());
    sum.update(&chain.to_le_bytes());
    sum.update(record);
    sum.finalize()
}

/// The checksum of a log up to an entry, from that of the log before it and that of the entry. So two parts of a log
/// that follow each other are told from those that were stored on different disks.
pub fn chained(chain: u32, entry_sum: u32) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&chain.to_le_bytes());
    sum.update(&entry_sum.to_le_bytes());
    sum.finalize()
}
