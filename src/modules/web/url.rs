//! Addresses: credentials in them, the file name at their end, and text made safe for them.

/// An address without credentials, and the credentials that stood before its `@`.
pub fn split_login(url: &str) -> (String, Option<(String, String)>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((login, host)) => {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            (format!("{scheme}://{host}{path}"), Some((decode(user), decode(password))))
        }
        None => (url.to_owned(), None),
    }
}

/// The host of an address, without port and brackets.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// The path with its query, as a request line has it.
pub fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    let path = path.split('#').next().unwrap_or_default();
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// The last part of the path, or `index.html`.
pub fn file_name(url: &str) -> String {
    let path = path_of(url);
    let path = path.split('?').next().unwrap_or_default();
    match path.rsplit('/').next().unwrap_or_default() {
        "" => "index.html".into(),
        name => decode(name).replace('/', "_"),
    }
}

/// An address relative to another one's host.
pub fn absolute(base: &str, place: &str) -> String {
    if place.contains("://") {
        return place.to_owned();
    }
    let Some((scheme, rest)) = base.split_once("://") else { return place.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if let Some(place) = place.strip_prefix("//") {
        return format!("{scheme}://{place}");
    }
    if place.starts_with('/') {
        return format!("{scheme}://{authority}{place}");
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
    format!("{scheme}://{authority}{folder}{place}")
}

/// Text with `%XX` replaced; what does not decode stays.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// Text for a form or query: blanks as `+`, and all but letters, digits and `_.-~` as `%XX`.
pub fn encode_plus(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_apart() {
        let (url, login) = split_login("http://u:p%40@h:1/x?y@z");
        assert_eq!((url.as_str(), login), ("http://h:1/x?y@z", Some(("u".into(), "p@".into()))));
        assert_eq!(host_of("https://u@[::1]:8/x"), "::1");
        assert_eq!(path_of("http://h?q#f"), "/?q");
        assert_eq!(file_name("http://h/a/b%20c.txt?x=/y"), "b c.txt");
        assert_eq!(file_name("http://h/"), "index.html");
        assert_eq!(absolute("http://h/a/b", "c"), "http://h/a/c");
        assert_eq!(absolute("http://h", "/c"), "http://h/c");
    }

    #[test]
    fn encodes_as_pythons_quote_plus() {
        assert_eq!(encode_plus("a/b~_-.'() é"), "a%2Fb~_-.%27%28%29+%C3%A9");
        assert_eq!(decode("%C3%A9%zz"), "é%zz");
    }
}
