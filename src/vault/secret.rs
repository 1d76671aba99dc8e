//! Vault passwords: never shown, and wiped from memory when dropped.

use super::VaultError;
use std::fmt;
use std::sync::atomic::{Ordering, compiler_fence};

/// A vault password. It has no `Display`, its `Debug` shows nothing, and it is wiped on drop.
pub struct Secret(Vec<u8>);

impl Secret {
    /// The password as a file, a prompt or a script gave it: white space at both ends is not part
    /// of it.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Secret, VaultError> {
        let all = Secret(bytes.into());
        let trimmed = all.0.trim_ascii();
        if trimmed.is_empty() {
            return Err(VaultError::EmptySecret);
        }
        Ok(Secret(trimmed.to_vec()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Overwrites with zeros in a way that the compiler cannot leave out.
pub(super) fn wipe(bytes: &mut [u8]) {
    for byte in bytes {
        // SAFETY: the reference is valid for writes.
        unsafe { std::ptr::write_volatile(byte, 0) };
    }
    compiler_fence(Ordering::SeqCst);
}

/// The vault passwords of a run, in the order in which they were given.
#[derive(Debug, Default)]
pub struct Secrets {
    list: Vec<(String, Secret)>,
    /// Only try secrets with the id of the header (`DEFAULT_VAULT_ID_MATCH`).
    pub match_ids: bool,
}

impl Secrets {
    /// Adds a secret. One id may have several.
    pub fn push(&mut self, id: impl Into<String>, secret: Secret) {
        self.list.push((id.into(), secret));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(id, _)| id.as_str())
    }

    /// The first secret with this id.
    pub fn get(&self, id: &str) -> Option<&Secret> {
        self.list.iter().find(|(known, _)| known == id).map(|(_, secret)| secret)
    }

    /// The first secret, with its id: the one that encrypts when none is asked for.
    pub fn first(&self) -> Option<(&str, &Secret)> {
        self.list.first().map(|(id, secret)| (id.as_str(), secret))
    }

    /// The secrets in the order in which they are tried on data with this id.
    pub(super) fn for_id<'a>(&'a self, wanted: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a Secret)> {
        let fits = move |id: &str| wanted.is_some_and(|wanted| wanted == id);
        let all = self.list.iter().map(|(id, secret)| (id.as_str(), secret));
        let others_too = !(self.match_ids && wanted.is_some());
        let first = all.clone().filter(move |(id, _)| fits(id));
        first.chain(all.filter(move |(id, _)| others_too && !fits(id)))
    }
}
