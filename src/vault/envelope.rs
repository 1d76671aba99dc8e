//! The text around the encrypted data: a header line, then hexadecimal digits in lines of 80.

use super::VaultError;

const MAGIC: &str = "$ANSIBLE_VAULT";
const CIPHER: &str = "AES256";
const WIDTH: usize = 80;

/// The parts of a vault text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Envelope {
    /// The vault id of format 1.2.
    pub id: Option<String>,
    pub salt: Vec<u8>,
    pub hmac: Vec<u8>,
    pub data: Vec<u8>,
}

/// Whether the text starts as a vault text does.
pub fn is_vault(text: impl AsRef<[u8]>) -> bool {
    text.as_ref().starts_with(MAGIC.as_bytes())
}

/// The vault id in the header of a vault text of format 1.2.
pub fn vault_id(text: impl AsRef<[u8]>) -> Option<String> {
    let text = text.as_ref().trim_ascii_start();
    let header = text.split(|c| *c == b'\n').next()?;
    read_header(std::str::from_utf8(header).ok()?.trim()).ok()?
}

/// The vault id in a header line, when it has one.
fn read_header(header: &str) -> Result<Option<String>, VaultError> {
    let parts: Vec<&str> = header.split(';').map(str::trim).collect();
    let malformed = |what: &str| Err(VaultError::Header(what.to_owned()));
    match parts[..] {
        [MAGIC, ..] if parts.len() < 3 => malformed("it has the form `$ANSIBLE_VAULT;version;cipher[;id]`"),
        [MAGIC, version, ..] if !matches!(version, "1.0" | "1.1" | "1.2") => {
            malformed(&format!("the version `{version}` is not supported"))
        }
        [MAGIC, _, cipher, ..] if cipher != CIPHER => malformed(&format!("the cipher `{cipher}` is not supported")),
        [MAGIC, "1.2", _, id] => Ok(Some(id.to_owned())),
        [MAGIC, ..] => Ok(None),
        _ => Err(VaultError::NoHeader),
    }
}

impl Envelope {
    /// Reads a vault text.
    pub fn parse(text: &[u8]) -> Result<Envelope, VaultError> {
        let text = text.trim_ascii();
        let mut lines = text.split(|c| *c == b'\n').map(<[u8]>::trim_ascii);
        let header = lines.next().unwrap_or_default();
        if !is_vault(header) {
            return Err(VaultError::NoHeader);
        }
        let header = std::str::from_utf8(header).map_err(|_| VaultError::Header("it is not text".into()))?;
        let id = read_header(header)?;
        let digits: Vec<u8> = lines.flatten().copied().collect();
        // The data is hexadecimal twice: once for its three parts, once for all.
        let inner = from_hex(&digits)?;
        let mut parts = inner.splitn(3, |c| *c == b'\n');
        let (Some(salt), Some(hmac), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VaultError::Body("it lacks one of salt, checksum and data"));
        };
        Ok(Envelope { id, salt: from_hex(salt)?, hmac: from_hex(hmac)?, data: from_hex(data)? })
    }

    /// The vault text.
    pub fn write(&self) -> String {
        let inner = [to_hex(&self.salt), to_hex(&self.hmac), to_hex(&self.data)].join("\n");
        let digits = to_hex(inner.as_bytes());
        let mut text = match &self.id {
            Some(id) => format!("{MAGIC};1.2;{CIPHER};{id}\n"),
            None => format!("{MAGIC};1.1;{CIPHER}\n"),
        };
        let mut rest = digits.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(WIDTH.min(rest.len()));
            text.push_str(line);
            text.push('\n');
            rest = more;
        }
        text
    }
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_hex(digits: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nibble = |c: u8| char::from(c).to_digit(16).map(|digit| digit as u8);
    if !digits.len().is_multiple_of(2) {
        return Err(VaultError::Body("it has an odd number of hexadecimal digits"));
    }
    let bytes = digits.chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?));
    bytes.collect::<Option<Vec<u8>>>().ok_or(VaultError::Body("it has characters that are not hexadecimal digits"))
}
