//! Password hashes of crypt(3): SHA-512, SHA-256 (Ulrich Drepper's scheme) and MD5.

use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

/// The characters of salts and hashes, in the order of their values.
pub const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `$6$`
    Sha512,
    /// `$5$`
    Sha256,
    /// `$1$`
    Md5,
}

impl Kind {
    /// How long a salt may be.
    pub fn longest_salt(self) -> usize {
        if self == Kind::Md5 { 8 } else { 16 }
    }

    /// The rounds that Ansible takes when it is not told.
    pub fn usual_rounds(self) -> u32 {
        match self {
            Kind::Sha512 => 656_000,
            Kind::Sha256 => 535_000,
            Kind::Md5 => 1000,
        }
    }
}

/// Hashes a password.
///
/// # Errors
/// When the rounds are out of range.
pub fn hash(kind: Kind, password: &[u8], salt: &[u8], rounds: u32) -> Result<String, String> {
    if kind != Kind::Md5 && !(1000..=999_999_999).contains(&rounds) {
        return Err(format!("Could not hash the secret. rounds must be between 1000 and 999999999, not {rounds}"));
    }
    let salt_text = String::from_utf8_lossy(salt);
    // 5000 is what no number means.
    let shown = if rounds == 5000 { String::new() } else { format!("rounds={rounds}$") };
    Ok(match kind {
        Kind::Sha512 => {
            let digest = sha_rounds::<Sha512>(password, salt, rounds);
            let mut out = format!("$6${shown}{salt_text}$");
            let (mut a, mut b, mut c) = (0, 21, 42);
            for _ in 0..21 {
                encode(&mut out, [digest[a], digest[b], digest[c]], 4);
                (a, b, c) = (b + 1, c + 1, a + 1);
            }
            encode(&mut out, [0, 0, digest[63]], 2);
            out
        }
        Kind::Sha256 => {
            let digest = sha_rounds::<Sha256>(password, salt, rounds);
            let mut out = format!("$5${shown}{salt_text}$");
            let (mut a, mut b, mut c) = (0, 10, 20);
            for _ in 0..10 {
                encode(&mut out, [digest[a], digest[b], digest[c]], 4);
                (a, b, c) = (c + 1, a + 1, b + 1);
            }
            encode(&mut out, [0, digest[31], digest[30]], 3);
            out
        }
        Kind::Md5 => {
            let digest = md5_rounds(password, salt);
            let mut out = format!("$1${salt_text}$");
            for [a, b, c] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
                encode(&mut out, [digest[a], digest[b], digest[c]], 4);
            }
            encode(&mut out, [0, 0, digest[11]], 2);
            out
        }
    })
}

/// Writes three bytes as so many characters, the lowest six bits first.
fn encode(out: &mut String, bytes: [u8; 3], characters: usize) {
    let mut word = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
    for _ in 0..characters {
        out.push(ALPHABET[(word & 63) as usize] as char);
        word >>= 6;
    }
}

/// So many bytes of a digest, over and over.
fn repeated(digest: &[u8], length: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(length).collect()
}

fn sha_rounds<D: Digest>(password: &[u8], salt: &[u8], rounds: u32) -> Vec<u8> {
    let alternate = D::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut first = D::new().chain_update(password).chain_update(salt);
    first.update(repeated(&alternate, password.len()));
    let mut length = password.len();
    while length > 0 {
        if length & 1 == 1 {
            first.update(&alternate)
        } else {
            first.update(password)
        }
        length >>= 1;
    }
    let mut digest = first.finalize();

    let mut of_password = D::new();
    for _ in 0..password.len() {
        of_password.update(password);
    }
    let password_bytes = repeated(&of_password.finalize(), password.len());
    let mut of_salt = D::new();
    for _ in 0..16 + usize::from(digest[0]) {
        of_salt.update(salt);
    }
    let salt_bytes = repeated(&of_salt.finalize(), salt.len());

    // One buffer and one call for each round: there are hundreds of thousands of them.
    let mut buffer = Vec::with_capacity(4 * (password.len() + salt.len() + digest.len()));
    for round in 0..rounds {
        buffer.clear();
        buffer.extend_from_slice(if round % 2 == 1 { &password_bytes } else { &digest });
        if round % 3 != 0 {
            buffer.extend_from_slice(&salt_bytes);
        }
        if round % 7 != 0 {
            buffer.extend_from_slice(&password_bytes);
        }
        buffer.extend_from_slice(if round % 2 == 1 { &digest } else { &password_bytes });
        digest = D::digest(&buffer);
    }
    digest.to_vec()
}

fn md5_rounds(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let alternate = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut first = Md5::new().chain_update(password).chain_update(b"$1$").chain_update(salt);
    first.update(repeated(&alternate, password.len()));
    let mut length = password.len();
    while length > 0 {
        if length & 1 == 1 {
            first.update([0])
        } else {
            first.update(&password[..1])
        }
        length >>= 1;
    }
    let mut digest = first.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        if round % 2 == 1 {
            next.update(password)
        } else {
            next.update(digest)
        }
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        if round % 2 == 1 {
            next.update(digest)
        } else {
            next.update(password)
        }
        digest = next.finalize();
    }
    digest.to_vec()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    // As glibc's crypt(3) gives them.
    #[test]
    fn known_hashes() {
        let hashed = |kind, salt: &str, rounds| hash(kind, b"Hello world!", salt.as_bytes(), rounds).unwrap();
        assert_eq!(
            hashed(Kind::Sha512, "saltstring", 5000),
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
        );
        assert_eq!(
            hashed(Kind::Sha256, "saltstringsaltst", 10000),
            "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"
        );
        assert_eq!(hashed(Kind::Md5, "saltsalt", 1000), "$1$saltsalt$le8lFSqqnPaRFOlmAZpvH1");
    }
}
