//! known_hosts: which key a host must show (sshd(8), «SSH_KNOWN_HOSTS FILE FORMAT»).

use super::pattern::{list_matches, matches};
use crate::value::base64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Digest;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The lines of all known_hosts files that name one host.
#[derive(Debug, Default)]
pub(super) struct KnownKeys {
    entries: Vec<Entry>,
    /// A certificate authority is named for the host.
    pub(super) has_authority: bool,
}

#[derive(Debug)]
struct Entry {
    revoked: bool,
    kind: String,
    key: Vec<u8>,
    place: String,
}

/// What the files say about a shown key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the host's.
    Known,
    /// The host has no key yet.
    Unknown,
    /// The host has another key, at this place.
    Changed(String),
    /// The key must not be used, says this place.
    Revoked(String),
}

/// The host as the files write it.
pub(super) fn lookup_name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    match port {
        22 => host,
        port => format!("[{host}]:{port}"),
    }
}

impl KnownKeys {
    /// Reads the files; missing ones are empty.
    pub(super) fn read(files: &[PathBuf], name: &str) -> KnownKeys {
        let mut keys = KnownKeys::default();
        for file in files {
            let bytes = std::fs::read(file).unwrap_or_default();
            keys.add(&String::from_utf8_lossy(&bytes), &file.display().to_string(), name);
        }
        keys
    }

    fn add(&mut self, text: &str, file: &str, name: &str) {
        for (index, line) in text.lines().enumerate() {
            let mut words = line.split_whitespace().peekable();
            let marker = words.next_if(|word| word.starts_with('@'));
            let (Some(hosts), Some(kind), Some(key)) = (words.next(), words.next(), words.next()) else { continue };
            if hosts.starts_with('#') || !names(hosts, name) {
                continue;
            }
            let revoked = match marker {
                None => false,
                Some("@revoked") => true,
                Some("@cert-authority") => {
                    self.has_authority = true;
                    continue;
                }
                Some(_) => continue,
            };
            let Some(key) = base64::decode(key) else { continue };
            self.entries.push(Entry { revoked, kind: kind.to_owned(), key, place: format!("{file}:{}", index + 1) });
        }
    }

    /// The types of the host's keys, in the files' order.
    pub(super) fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = Vec::new();
        for entry in self.entries.iter().filter(|entry| !entry.revoked) {
            if !kinds.contains(&entry.kind.as_str()) {
                kinds.push(&entry.kind);
            }
        }
        kinds
    }

    /// Judges the key that the host shows. Stricter than ssh: a key of a type that is not known yet
    /// counts as changed when the host has keys of other types.
    pub(super) fn judge(&self, key: &[u8]) -> Verdict {
        if let Some(entry) = self.entries.iter().find(|entry| entry.revoked && entry.key == key) {
            return Verdict::Revoked(entry.place.clone());
        }
        let mut live = self.entries.iter().filter(|entry| !entry.revoked).peekable();
        let Some(first) = live.peek().map(|entry| entry.place.clone()) else { return Verdict::Unknown };
        let kind = key_kind(key);
        let mut other = None;
        for entry in live {
            if entry.key == key {
                return Verdict::Known;
            }
            if entry.kind == kind && other.is_none() {
                other = Some(entry.place.clone());
            }
        }
        Verdict::Changed(other.unwrap_or(first))
    }
}

/// Whether the first field of a line means the host.
fn names(hosts: &str, name: &str) -> bool {
    match hosts.strip_prefix("|1|") {
        Some(hashed) => hashed_is(hashed, name).unwrap_or(false),
        None => {
            // `[` and `]` are plain characters in these patterns.
            let name_matches = |pattern: &str| matches(pattern, name);
            match hosts.contains(',') || hosts.starts_with('!') {
                true => list_matches(hosts.split(','), name),
                false => name_matches(hosts),
            }
        }
    }
}

fn hashed_is(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let mut mac = <Hmac<sha1::Sha1> as KeyInit>::new_from_slice(&base64::decode(salt)?).ok()?;
    mac.update(name.as_bytes());
    Some(mac.finalize().into_bytes().as_slice() == base64::decode(hash)?)
}

/// The type that a key's own bytes name.
pub(super) fn key_kind(key: &[u8]) -> String {
    let length = key.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize);
    String::from_utf8_lossy(key.get(4..4 + length).unwrap_or_default()).into_owned()
}

/// A key's fingerprint as ssh shows it.
pub(super) fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", base64::encode_as(&sha2::Sha256::digest(key), false))
}

/// Adds a key to a file, which is made when it is missing.
pub(super) fn remember(file: &Path, name: &str, key: &[u8]) -> std::io::Result<()> {
    if let Some(dir) = file.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let line = format!("{name} {} {}\n", key_kind(key), base64::encode(key));
    let mut file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    // One write: lines of several runs do not mix.
    file.write_all(line.as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(kind: &str, rest: &str) -> Vec<u8> {
        let mut key = u32::try_from(kind.len()).unwrap().to_be_bytes().to_vec();
        key.extend(kind.bytes().chain(rest.bytes()));
        key
    }

    fn known(text: &str, name: &str) -> KnownKeys {
        let mut keys = KnownKeys::default();
        keys.add(text, "f", name);
        keys
    }

    #[test]
    fn verdicts() {
        let (one, two) = (key("ssh-ed25519", "one"), key("ssh-ed25519", "two"));
        let rsa = key("ssh-rsa", "r");
        let text = format!(
            "# comment\nweb,10.0.0.* ssh-ed25519 {}\n@revoked * ssh-ed25519 {}\n[web]:2222 ssh-rsa {}\n",
            base64::encode(&one),
            base64::encode(&two),
            base64::encode(&rsa)
        );
        assert_eq!(known(&text, "web").judge(&one), Verdict::Known);
        assert_eq!(known(&text, "10.0.0.7").judge(&rsa), Verdict::Changed("f:2".into()));
        assert_eq!(known(&text, "web").judge(&two), Verdict::Revoked("f:3".into()));
        assert_eq!(known(&text, "other").judge(&one), Verdict::Unknown);
        let name = lookup_name("WEB", 2222);
        assert_eq!(known(&text, &name).judge(&rsa), Verdict::Known);
        assert_eq!(known(&text, &name).kinds(), ["ssh-rsa"]);
    }

    #[test]
    fn hashed_names_as_ssh_keygen_writes_them() {
        // A line that `ssh-keygen -H` wrote.
        let text = "|1|q8sLdFZo+erPDmJ2saxMV8j8WdQ=|VhAykmwAEYrc9YRN43nRbl3WFQQ= ssh-ed25519 \
                    AAAAC3NzaC1lZDI1NTE5AAAAIFzKn80ZkYn3NMSSZd17YvDwNHx6QO35Aogrksy8Z0NS";
        let one = base64::decode(text.rsplit(' ').next().unwrap()).unwrap();
        assert_eq!(key_kind(&one), "ssh-ed25519");
        assert_eq!(known(text, "db.example.org").judge(&one), Verdict::Known);
        assert_eq!(known(text, "db.example.com").judge(&one), Verdict::Unknown);
    }
}
