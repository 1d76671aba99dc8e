//! SCRAM-SHA-256 (RFC 5802, RFC 7677) and PostgreSQL's stored passwords.

use crate::modules::web::checksum::hex;
use crate::value::base64;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

/// The iterations of a new verifier: PostgreSQL's own number.
const ITERATIONS: u32 = 4096;

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mut mac| {
        mac.update(text);
        mac.finalize().into_bytes().into()
    })
}

fn salted(password: &str, salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut out = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, iterations, &mut out);
    out
}

/// The client's part of a login.
pub struct Client {
    password: String,
    nonce: String,
    first: String,
    server_signature: Option<[u8; 32]>,
}

impl Client {
    /// Starts with a fresh nonce of printable letters.
    pub fn new(password: &str, nonce: &str) -> Client {
        Client {
            password: password.to_owned(),
            nonce: nonce.to_owned(),
            // PostgreSQL takes the name from the startup message.
            first: format!("n=,r={nonce}"),
            server_signature: None,
        }
    }

    /// The first message. Channel binding is not used.
    pub fn first(&self) -> String {
        format!("n,,{}", self.first)
    }

    /// The answer to the server's first message.
    pub fn last(&mut self, server_first: &str) -> Result<String, &'static str> {
        let field = |name: &str| server_first.split(',').find_map(|part| part.strip_prefix(name));
        let nonce = field("r=").filter(|nonce| nonce.starts_with(&self.nonce) && nonce.len() > self.nonce.len());
        let nonce = nonce.ok_or("the server's nonce does not continue ours")?;
        let salt = field("s=").and_then(base64::decode).ok_or("the server sent no salt")?;
        let iterations =
            field("i=").and_then(|count| count.parse().ok()).filter(|count| (1..=10_000_000).contains(count));
        let iterations = iterations.ok_or("the server's iteration count makes no sense")?;
        let salted = salted(&self.password, &salt, iterations);
        let client_key = mac(&salted, b"Client Key");
        let stored_key = Sha256::digest(client_key);
        let without_proof = format!("c=biws,r={nonce}");
        let all = format!("{},{server_first},{without_proof}", self.first);
        let signature = mac(&stored_key, all.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, signature)| key ^ signature).collect();
        self.server_signature = Some(mac(&mac(&salted, b"Server Key"), all.as_bytes()));
        Ok(format!("{without_proof},p={}", base64::encode(&proof)))
    }

    /// Whether the server's last message proves that it knows the password too.
    pub fn verify(&self, server_last: &str) -> bool {
        let signature = server_last.strip_prefix("v=").and_then(base64::decode);
        matches!((signature, self.server_signature), (Some(theirs), Some(ours)) if theirs == ours)
    }
}

/// A stored password of PostgreSQL's form `SCRAM-SHA-256$4096:salt$stored:server`.
pub fn verifier(password: &str, salt: &[u8]) -> String {
    let salted = salted(password, salt, ITERATIONS);
    let stored = Sha256::digest(mac(&salted, b"Client Key"));
    let server = mac(&salted, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        base64::encode(salt),
        base64::encode(&stored),
        base64::encode(&server)
    )
}

/// PostgreSQL's MD5 form of a password: `md5` and 32 digits.
pub fn md5_password(user: &str, password: &str) -> String {
    format!("md5{}", hex(&Md5::digest(format!("{password}{user}"))))
}

/// Whether the text is a stored password already, MD5 or SCRAM.
pub fn is_stored(password: &str) -> bool {
    let digits = password.strip_prefix("md5").filter(|digits| digits.len() == 32);
    digits.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit())) || parts(password).is_some()
}

/// Whether a stored password is that of the given one, which may be stored itself. Nothing leaves
/// this process for the comparison.
pub fn matches(user: &str, given: &str, stored: &str) -> bool {
    if is_stored(given) {
        return given == stored;
    }
    match parts(stored) {
        Some((iterations, salt, key)) => {
            Sha256::digest(mac(&salted(given, &salt, iterations), b"Client Key")).as_slice() == key
        }
        None if is_stored(stored) => md5_password(user, given) == stored,
        None => given == stored,
    }
}

/// Iterations, salt and stored key of a SCRAM verifier.
fn parts(stored: &str) -> Option<(u32, Vec<u8>, Vec<u8>)> {
    let (head, keys) = stored.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
    let (iterations, salt) = head.split_once(':')?;
    let (key, server) = keys.split_once(':')?;
    base64::decode(server)?;
    Some((iterations.parse().ok()?, base64::decode(salt)?, base64::decode(key)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_in_rfc_7677() {
        // The RFC's user name is left out here, as PostgreSQL's clients do, so the proof differs
        // from the RFC's; what is fixed is that both sides agree.
        let mut client = Client::new("pencil", "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(client.first(), "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
        let server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let last = client.last(server).unwrap();
        assert!(last.starts_with("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p="), "{last}");
        assert!(!client.verify("v=AAAA") && !client.verify("e=other-error"));
        assert!(Client::new("pencil", "x").last(server).is_err());
    }

    #[test]
    fn a_verifier_matches_its_password_only() {
        let stored = verifier("päss", b"0123456789abcdef");
        assert!(is_stored(&stored));
        assert!(matches("u", "päss", &stored) && !matches("u", "pass", &stored));
        assert!(matches("u", &stored, &stored));
    }

    #[test]
    fn md5_passwords_belong_to_a_user() {
        // echo -n 'verysecretpasswordJOE' | md5sum
        let stored = md5_password("JOE", "verysecretpassword");
        assert_eq!(stored.len(), 35);
        assert!(matches("JOE", "verysecretpassword", &stored) && !matches("JIM", "verysecretpassword", &stored));
        assert!(!is_stored("md5 is old"));
    }

    #[test]
    fn base64_round_trip() {
        for text in [&b""[..], b"f", b"fo", b"foo", b"\xff\x00\xfe"] {
            assert_eq!(base64::decode(&base64::encode(text)).unwrap(), text);
        }
    }
}
