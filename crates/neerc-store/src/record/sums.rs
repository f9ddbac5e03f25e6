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
