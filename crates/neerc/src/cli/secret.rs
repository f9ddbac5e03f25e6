//! Secrets: random text that nobody can guess. Not for anything that only has to differ; `fastrand` does for that.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};

/// So many bytes from the operating system's random source, as twice as many hexadecimal digits.
pub fn hex(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // to a String: cannot fail
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_differ() {
        let secret = hex(32).unwrap();
        assert_eq!((secret.len(), secret.bytes().all(|digit| digit.is_ascii_hexdigit())), (64, true));
        assert_ne!(secret, hex(32).unwrap());
    }
}
