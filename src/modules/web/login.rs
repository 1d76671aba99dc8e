//! HTTP logins: Basic, Digest (RFC 7616), and ~/.netrc.

use super::checksum::hex;
use super::url::{host_of, path_of};
use crate::module::Host;
use crate::value::base64;
use md5::{Digest, Md5};
use sha2::Sha256;
use std::path::Path;

/// The value of the Authorization header for Basic.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::encode(format!("{user}:{password}").as_bytes()))
}

/// What a server asks for with `WWW-Authenticate: Digest …`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Option<String>,
    /// Whether `auth` is among the qualities of protection.
    auth: bool,
}

/// The answer to a Digest challenge; None for one that is not understood. `client_nonce` is fresh.
pub fn digest(header: &str, method: &str, url: &str, user: &str, password: &str, client_nonce: &str) -> Option<String> {
    let challenge = challenge(header)?;
    let algorithm = challenge.algorithm.as_deref().unwrap_or("MD5");
    let (hash, session): (fn(&str) -> String, bool) = match algorithm.to_ascii_uppercase().as_str() {
        "MD5" => (|text| hex(&Md5::digest(text)), false),
        "MD5-SESS" => (|text| hex(&Md5::digest(text)), true),
        "SHA-256" => (|text| hex(&Sha256::digest(text)), false),
        "SHA-256-SESS" => (|text| hex(&Sha256::digest(text)), true),
        _ => return None,
    };
    let Challenge { realm, nonce, opaque, auth, .. } = &challenge;
    let path = path_of(url);
    let mut secret = hash(&format!("{user}:{realm}:{password}"));
    if session {
        secret = hash(&format!("{secret}:{nonce}:{client_nonce}"));
    }
    let request = hash(&format!("{method}:{path}"));
    let response = match auth {
        true => hash(&format!("{secret}:{nonce}:00000001:{client_nonce}:auth:{request}")),
        false => hash(&format!("{secret}:{nonce}:{request}")),
    };
    let mut out = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{path}\", \
         response=\"{response}\", algorithm={algorithm}"
    );
    if let Some(opaque) = opaque {
        out += &format!(", opaque=\"{opaque}\"");
    }
    if *auth {
        out += &format!(", qop=auth, nc=00000001, cnonce=\"{client_nonce}\"");
    }
    Some(out)
}

fn challenge(header: &str) -> Option<Challenge> {
    let (scheme, mut rest) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("digest") {
        return None;
    }
    let mut found = Challenge::default();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        match name.trim_matches([',', ' ']).to_ascii_lowercase().as_str() {
            "realm" => found.realm = value.to_owned(),
            "nonce" => found.nonce = value.to_owned(),
            "opaque" => found.opaque = Some(value.to_owned()),
            "algorithm" => found.algorithm = Some(value.to_owned()),
            "qop" => found.auth = value.split(',').any(|quality| quality.trim() == "auth"),
            _ => {}
        }
        rest = next;
    }
    (!found.nonce.is_empty()).then_some(found)
}

/// The login that `~/.netrc` (or the file that NETRC names) has for the address' host.
pub fn netrc(host: &dyn Host, url: &str) -> Option<(String, String)> {
    let file = host.env("NETRC").or_else(|| host.env("HOME").map(|home| home + "/.netrc"))?;
    let text = host.read(Path::new(&file)).ok()?;
    netrc_entry(&String::from_utf8_lossy(&text), host_of(url))
}

fn netrc_entry(text: &str, host: &str) -> Option<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(str::split_whitespace);
    let (mut ours, mut user, mut password) = (false, None, None);
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if ours && (user.is_some() || password.is_some()) {
                    break;
                }
                ours = word == "default" || words.next() == Some(host);
            }
            "login" if ours => user = words.next(),
            "password" if ours => password = words.next(),
            _ => {}
        }
    }
    ours.then(|| Some((user?.to_owned(), password.unwrap_or_default().to_owned())))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_the_example_of_rfc_2617() {
        let header = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
                      nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let url = "http://www.nowhere.org/dir/index.html";
        let answer = digest(header, "GET", url, "Mufasa", "Circle Of Life", "0a4f113b").unwrap_or_default();
        assert!(answer.contains("response=\"6629fae49393a05397450978507c4ef1\""), "{answer}");
        assert!(answer.contains("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""), "{answer}");
        assert_eq!(digest("Basic realm=x", "GET", url, "u", "p", "c"), None);
    }

    #[test]
    fn reads_netrc() {
        let text = "# mine\nmachine a login u password p\nmachine b\n login v\ndefault login d password e\n";
        assert_eq!(netrc_entry(text, "a"), Some(("u".into(), "p".into())));
        assert_eq!(netrc_entry(text, "b"), Some(("v".into(), String::new())));
        assert_eq!(netrc_entry(text, "c"), Some(("d".into(), "e".into())));
        assert_eq!(netrc_entry("machine a login u", "c"), None);
    }
}
