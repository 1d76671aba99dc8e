//! Checksums of streams, by the names that tasks use.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use std::fmt::Write;
use std::io::{self, Read};

/// The algorithms, for messages.
pub const ALGORITHMS: &str = "md5, sha1, sha224, sha256, sha384, sha512";

/// A running checksum.
pub enum Checksum {
    /// MD5.
    Md5(Md5),
    /// SHA-1.
    Sha1(Sha1),
    /// SHA-224.
    Sha224(Sha224),
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-384.
    Sha384(Sha384),
    /// SHA-512.
    Sha512(Sha512),
}

impl Checksum {
    /// By name; None for an unknown one.
    pub fn named(name: &str) -> Option<Checksum> {
        Some(match name {
            "md5" => Checksum::Md5(Md5::default()),
            "sha1" => Checksum::Sha1(Sha1::default()),
            "sha224" => Checksum::Sha224(Sha224::default()),
            "sha256" => Checksum::Sha256(Sha256::default()),
            "sha384" => Checksum::Sha384(Sha384::default()),
            "sha512" => Checksum::Sha512(Sha512::default()),
            _ => return None,
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Checksum::Md5(state) => state.update(bytes),
            Checksum::Sha1(state) => state.update(bytes),
            Checksum::Sha224(state) => state.update(bytes),
            Checksum::Sha256(state) => state.update(bytes),
            Checksum::Sha384(state) => state.update(bytes),
            Checksum::Sha512(state) => state.update(bytes),
        }
    }

    /// The digits.
    pub fn finish(self) -> String {
        match self {
            Checksum::Md5(state) => hex(&state.finalize()),
            Checksum::Sha1(state) => hex(&state.finalize()),
            Checksum::Sha224(state) => hex(&state.finalize()),
            Checksum::Sha256(state) => hex(&state.finalize()),
            Checksum::Sha384(state) => hex(&state.finalize()),
            Checksum::Sha512(state) => hex(&state.finalize()),
        }
    }
}

/// Reads to the end; the sums of what was read, one for each, and its length.
pub fn sums(mut content: impl Read, mut sums: Vec<Checksum>) -> io::Result<(Vec<String>, u64)> {
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                sums.iter_mut().for_each(|sum| sum.update(&buffer[..count]));
                size += count as u64;
            }
            // Interrupted means that the task was cancelled: it is not tried again.
            Err(error) => return Err(error),
        }
    }
    Ok((sums.into_iter().map(Checksum::finish).collect(), size))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_once_for_all_sums() {
        let wanted = ["md5", "sha1", "sha224"].map(|name| Checksum::named(name).unwrap()).into();
        let (digits, size) = sums(&b"hello file\n"[..], wanted).unwrap();
        assert_eq!(digits[0], "14f21c9a90ca89a660e63f886a91bd4a");
        assert_eq!(digits[1], "b816e2f4aca7186146e08dbc904149257a4c3531");
        assert_eq!((digits[2].len(), size), (56, 11));
        assert!(Checksum::named("crc32").is_none());
    }
}
