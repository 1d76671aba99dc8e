//! One HTTP exchange as Ansible's modules make it: headers, logins, errors in its words.

use super::login::{basic, digest, netrc};
use super::url::split_login;
use crate::module::{Host, HttpRequest, HttpResponse};
use crate::modules::file::errno::reason;
use crate::value::{Map, Value};
use std::io;

/// Who logs in, and how.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// The user's name; without it nobody logs in.
    pub user: Option<String>,
    /// The password; empty when None.
    pub password: Option<String>,
    /// Send the login at once, without waiting to be asked.
    pub at_once: bool,
    /// Look into `~/.netrc` when no user is given.
    pub netrc: bool,
}

/// Sends the request, and once more with the login when the server asks for it.
pub fn exchange(host: &dyn Host, mut request: HttpRequest, login: &Login) -> io::Result<HttpResponse> {
    let (url, in_url) = split_login(&request.url);
    request.url = url;
    let mut credentials = login.user.clone().map(|user| (user, login.password.clone().unwrap_or_default())).or(in_url);
    let authorized = has_header(&request.headers, "authorization");
    let mut at_once = login.at_once;
    if credentials.is_none() && !authorized && login.netrc {
        credentials = netrc(host, &request.url);
        at_once = true;
    }
    let Some((user, password)) = credentials.filter(|_| !authorized) else { return host.http(&request) };
    let with = |value: String| {
        let mut request = request.clone();
        request.headers.push(("Authorization".into(), value));
        request
    };
    if at_once {
        return host.http(&with(basic(&user, &password)));
    }
    let answer = host.http(&request)?;
    if answer.status != 401 {
        return Ok(answer);
    }
    let asked: Vec<&str> =
        answer.headers.iter().filter(|(name, _)| name == "www-authenticate").map(|(_, value)| value.as_str()).collect();
    let nonce = random_digits(host);
    let digest =
        asked.iter().find_map(|header| digest(header, &request.method, &request.url, &user, &password, &nonce));
    let is_basic = |header: &&str| header.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"));
    match digest.or_else(|| asked.iter().any(is_basic).then(|| basic(&user, &password))) {
        Some(value) => host.http(&with(value)),
        None => Ok(answer),
    }
}

/// Whether a header is there, whatever its letters' case.
pub fn has_header(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// A map of headers as pairs.
pub fn header_pairs(headers: &Map) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// 19 random digits, for boundaries and nonces.
pub fn random_digits(host: &dyn Host) -> String {
    use std::io::Read;
    let mut bytes = [0; 8];
    let source = host.open(std::path::Path::new("/dev/urandom"));
    if source.and_then(|mut source| source.read_exact(&mut bytes)).is_err() {
        // Uniqueness is enough where there is no such device.
        let now = host.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        bytes = now.as_nanos().to_le_bytes()[..8].try_into().unwrap_or_default();
    }
    format!("{:019}", u64::from_le_bytes(bytes) % 10_000_000_000_000_000_000)
}

/// Why there was no answer, as Python's library tells it.
pub fn no_answer(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => "Connection failure: timed out".into(),
        _ => format!("Request failed: <urlopen error {}>", reason(error)),
    }
}

/// `OK (11 bytes)` for a success, and `HTTP Error 404: Not Found` for the rest.
pub fn verdict(answer: &HttpResponse) -> String {
    match answer.status {
        200..=299 => {
            let length = header(answer, "content-length").unwrap_or("unknown");
            format!("OK ({length} bytes)")
        }
        status => format!("HTTP Error {status}: {}", answer.reason),
    }
}

/// The first header of a lower-case name.
pub fn header<'a>(answer: &'a HttpResponse, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The headers as result keys: lower case, underscores for hyphens, repeated ones joined.
pub fn header_entries(answer: &HttpResponse) -> Map {
    let mut entries = Map::new();
    for (name, value) in &answer.headers {
        let key = name.to_lowercase().replace('-', "_");
        let joined = match entries.get(key.as_str()) {
            Some(earlier) => format!("{earlier}, {value}"),
            None => value.clone(),
        };
        entries.insert(key.into(), Value::from(joined));
    }
    entries
}
