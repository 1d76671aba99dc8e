//! Ansible's vault: encrypted texts in the formats 1.1 and 1.2, both ways.
//!
//! Format: <https://docs.ansible.com/ansible/latest/vault_guide/vault_encrypting_content.html>.

mod cipher;
mod envelope;
mod secret;

pub use envelope::{is_vault, vault_id};
pub use secret::{Secret, Secrets};

use envelope::Envelope;

/// The id of a secret that was given without one.
pub const DEFAULT_ID: &str = "default";

/// Why a text could not be encrypted or decrypted. No message holds a secret or clear text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The text has no `$ANSIBLE_VAULT` header.
    #[error("not vault encrypted data: the first line is not a `$ANSIBLE_VAULT` header")]
    NoHeader,
    /// The header is there and cannot be read.
    #[error("the vault header is malformed: {0}")]
    Header(String),
    /// The lines below the header cannot be read.
    #[error("the vault data is malformed: {0}")]
    Body(&'static str),
    /// There is nothing to decrypt with.
    #[error("this is vault encrypted and no vault secrets were given")]
    NoSecrets,
    /// No secret fits. Holds the ids that were tried and the id in the header.
    #[error("decryption failed: {}", describe_tried(.tried, .wanted.as_deref()))]
    WrongSecret {
        /// The ids that were tried, in order.
        tried: Vec<String>,
        /// The id in the header of format 1.2.
        wanted: Option<String>,
    },
    /// The decrypted data is not text where text is needed.
    #[error("the decrypted data is not UTF-8 text")]
    NotText,
    /// A password of nothing.
    #[error("the vault secret is empty")]
    EmptySecret,
    /// An id that a header cannot hold.
    #[error("the vault id `{0}` may not hold `;` or line breaks")]
    Id(String),
    /// The system has no random data.
    #[error("cannot get random data for encryption")]
    Random,
}

fn describe_tried(tried: &[String], wanted: Option<&str>) -> String {
    let secrets = if tried.len() == 1 { "the secret" } else { "none of the secrets" };
    let verb = if tried.len() == 1 { "does not fit" } else { "fits" };
    let wanted = wanted.map(|id| format!("; the data was encrypted for the vault id `{id}`")).unwrap_or_default();
    match tried {
        [] => format!("no secret has the vault id{wanted}"),
        tried => format!("{secrets} {verb} (tried {}){wanted}", tried.join(", ")),
    }
}

/// Decrypts a whole vault text, which may be indented and may end in white space.
///
/// The secrets whose id is in the header are tried first, then the others in order, unless
/// [`Secrets::match_ids`] is set. A text without a header is [`VaultError::NoHeader`].
pub fn decrypt(text: impl AsRef<[u8]>, secrets: &Secrets) -> Result<Vec<u8>, VaultError> {
    let envelope = Envelope::parse(text.as_ref())?;
    if secrets.is_empty() {
        return Err(VaultError::NoSecrets);
    }
    let mut tried = Vec::new();
    for (id, secret) in secrets.for_id(envelope.id.as_deref()) {
        if let Some(clear) = cipher::decrypt(&envelope, secret)? {
            return Ok(clear);
        }
        tried.push(id.to_owned());
    }
    Err(VaultError::WrongSecret { tried, wanted: envelope.id })
}

/// Decrypts a whole vault text that holds UTF-8.
pub fn decrypt_text(text: impl AsRef<[u8]>, secrets: &Secrets) -> Result<String, VaultError> {
    String::from_utf8(decrypt(text, secrets)?).map_err(|_| VaultError::NotText)
}

/// Encrypts, and gives the header and the lines below it, with a line break at the end.
///
/// The format is 1.2 when there is an id that is not `default`, else 1.1, as Ansible does.
pub fn encrypt(clear: impl AsRef<[u8]>, secret: &Secret, id: Option<&str>) -> Result<String, VaultError> {
    encrypt_with_salt(clear.as_ref(), secret, id, &cipher::random_salt()?)
}

/// As [`encrypt`], with a salt that the caller chose: the same input gives the same text.
pub fn encrypt_with_salt(clear: &[u8], secret: &Secret, id: Option<&str>, salt: &[u8]) -> Result<String, VaultError> {
    let id = id.filter(|id| !id.is_empty() && *id != DEFAULT_ID);
    if let Some(id) = id.filter(|id| id.contains([';', '\n', '\r'])) {
        return Err(VaultError::Id(id.to_owned()));
    }
    Ok(cipher::encrypt(clear, secret, id.map(str::to_owned), salt).write())
}

#[cfg(test)]
mod tests;
