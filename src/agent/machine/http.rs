//! HTTP requests: the system's authorities and names, proxies of the environment, own redirects.

use super::resolve::Names;
use super::unix::UnixConnector;
use super::{ca, cancelled, process};
use crate::agent::{CancelToken, JobContext};
use crate::module::{HttpRequest, HttpResponse};
use crate::transport::CancelGuard;
use std::io::{self, Read};
use std::path::PathBuf;
use ureq::http::{Request, Response, Uri, header};
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, NextTimeout, RustlsConnector, TcpConnector};
use ureq::{Agent, Body, Error, Proxy};

/// Sends a request and follows its redirects. A status of 400 and above is an answer, not an error.
pub(super) fn send(context: &JobContext, request: &HttpRequest) -> io::Result<HttpResponse> {
    let end = request.timeout.and_then(|time| std::time::Instant::now().checked_add(time));
    let mut step = request.clone();
    let mut left = request.max_redirects;
    loop {
        step.timeout = end.map(|end| end.saturating_duration_since(std::time::Instant::now()));
        if step.timeout.is_some_and(|time| time.is_zero()) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the request took longer than it may"));
        }
        let (agent, guard) = agent(context, &step)?;
        let answer = exchange(&agent, &step).map_err(|error| to_io(error, &context.cancel))?;
        let next = if left > 0 { redirect(&step, &answer) } else { None };
        match next {
            Some(next) => step = next,
            None => return Ok(response(&step.url, answer, guard, context.cancel.clone())),
        }
        left -= 1;
    }
}

fn agent(context: &JobContext, request: &HttpRequest) -> io::Result<(Agent, CancelGuard)> {
    let url: Uri = request.url.parse().map_err(|error| bad_url(&request.url, error))?;
    let mut tls = TlsConfig::builder().disable_verification(!request.validate_certs);
    if url.scheme_str() == Some("https") {
        let file = request.ca_path.clone().or_else(|| process::env(context, "SSL_CERT_FILE").map(PathBuf::from));
        if request.validate_certs {
            tls = tls.root_certs(ca::roots(file.as_deref())?);
        }
        if let Some((certificate, key)) = &request.client_cert {
            tls = tls.client_cert(Some(ca::client(certificate, key)?));
        }
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .max_idle_connections(0)
        .proxy(proxy(context, request, &url)?)
        .timeout_global(request.timeout)
        .tls_config(tls.build())
        .build();
    let connector =
        ().chain(UnixConnector(request.unix_socket.clone()))
            .chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default())
            .chain(RustlsConnector::default());
    let names = Names::of(context);
    let agent = Agent::with_parts(config, connector, SystemResolver { names, socket: request.unix_socket.is_some() });
    let stopped = agent.clone();
    Ok((agent, context.cancel.on_cancel(move || stopped.shutdown())))
}

fn bad_url(url: &str, reason: impl std::fmt::Display) -> io::Error {
    // What stands before the @ may be a password.
    let shown = url.rsplit('@').next().unwrap_or(url);
    io::Error::new(io::ErrorKind::InvalidInput, format!("not an address: {shown}: {reason}"))
}

/// The proxy that the environment names for the scheme, unless `no_proxy` has the host.
fn proxy(context: &JobContext, request: &HttpRequest, url: &Uri) -> io::Result<Option<Proxy>> {
    let env = |name: &str| {
        let value = process::env(context, name).or_else(|| process::env(context, &name.to_uppercase()));
        value.filter(|value| !value.is_empty())
    };
    let (Some(scheme), Some(host)) = (url.scheme_str(), url.host()) else { return Ok(None) };
    if !request.use_proxy || request.unix_socket.is_some() || bypasses(&env("no_proxy").unwrap_or_default(), host) {
        return Ok(None);
    }
    match env(&format!("{scheme}_proxy")) {
        Some(address) => Proxy::new(&address).map(Some).map_err(|_| bad_url(&address, "not a proxy's address")),
        None => Ok(None),
    }
}

/// Whether a list such as `localhost,.example.com` has the host or a domain that it is in.
fn bypasses(list: &str, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_lowercase();
    list.split(',')
        .map(|entry| entry.trim().trim_start_matches('.').to_lowercase())
        .any(|entry| entry == "*" || (!entry.is_empty() && (host == entry || host.ends_with(&format!(".{entry}")))))
}

fn exchange(agent: &Agent, request: &HttpRequest) -> Result<Response<Body>, Error> {
    let mut building = Request::builder().method(request.method.as_str()).uri(&request.url);
    for (name, value) in &request.headers {
        building = building.header(name, value);
    }
    match &request.body {
        Some(body) => agent.run(building.body(body.as_slice())?),
        None => agent.run(building.body(())?),
    }
}

/// The request that an answer redirects to; None when it does not, or must not be followed.
fn redirect(request: &HttpRequest, answer: &Response<Body>) -> Option<HttpRequest> {
    let status = answer.status().as_u16();
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let safe = matches!(request.method.as_str(), "GET" | "HEAD");
    if !safe && !request.redirect_unsafe {
        return None;
    }
    let place = answer.headers().get(header::LOCATION)?.to_str().ok()?;
    let url = join(&request.url, place)?;
    let mut next = HttpRequest { url, ..request.clone() };
    // 307 and 308 repeat the request; the others ask for the result with GET.
    if matches!(status, 301..=303) && !safe {
        next.method = "GET".into();
        next.body = None;
        next.headers.retain(|(name, _)| !name.to_lowercase().starts_with("content-"));
    }
    let authority = |url: &str| url.parse::<Uri>().ok().and_then(|url| url.authority().cloned());
    if authority(&request.url) != authority(&next.url) {
        // Credentials are for the host that they were given for.
        next.headers.retain(|(name, _)| !matches!(name.to_lowercase().as_str(), "authorization" | "cookie" | "host"));
    }
    Some(next)
}

/// An address relative to another one.
fn join(base: &str, place: &str) -> Option<String> {
    if place.contains("://") {
        return Some(place.to_owned());
    }
    let (scheme, rest) = base.split_once("://")?;
    if let Some(place) = place.strip_prefix("//") {
        return Some(format!("{scheme}://{place}"));
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    if place.starts_with('/') {
        return Some(format!("{scheme}://{authority}{place}"));
    }
    if place.starts_with('?') {
        return Some(format!("{scheme}://{authority}{path}{place}"));
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    let (place, query) = place.split_at(place.find(['?', '#']).unwrap_or(place.len()));
    for part in place.split('/') {
        match part {
            ".." if parts.len() > 1 => drop(parts.pop()),
            "." | ".." => {}
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some(format!("{scheme}://{authority}{slash}{path}{query}"))
}

fn response(url: &str, answer: Response<Body>, guard: CancelGuard, cancel: CancelToken) -> HttpResponse {
    let (parts, body) = answer.into_parts();
    let headers = parts.headers.iter();
    HttpResponse {
        status: parts.status.as_u16(),
        reason: parts.status.canonical_reason().unwrap_or_default().to_owned(),
        url: url.to_owned(),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: Box::new(Content { reader: Box::new(body.into_reader()), cancel, _guard: guard }),
    }
}

/// The body; keeps the means to stop it.
struct Content {
    reader: Box<dyn Read + Send>,
    cancel: CancelToken,
    _guard: CancelGuard,
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer);
        // A connection that was shut down looks like the end of the body.
        if self.cancel.is_cancelled() { Err(cancelled()) } else { read }
    }
}

fn to_io(error: Error, cancel: &CancelToken) -> io::Error {
    if cancel.is_cancelled() {
        return cancelled();
    }
    match error {
        Error::Io(error) => error,
        Error::Timeout(which) => io::Error::new(io::ErrorKind::TimedOut, format!("timed out ({which})")),
        other => io::Error::other(other.to_string()),
    }
}

#[derive(Debug)]
struct SystemResolver {
    names: Names,
    socket: bool,
}

impl Resolver for SystemResolver {
    fn resolve(&self, uri: &Uri, _: &ureq::config::Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut found = self.empty();
        if self.socket {
            // The name is for the Host header alone.
            found.push(([127, 0, 0, 1], 0).into());
            return Ok(found);
        }
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let limit = (!timeout.after.is_not_happening()).then_some(*timeout.after);
        let addresses = self.names.addresses(host, uri.port_u16().unwrap_or(usual), limit).map_err(Error::Io)?;
        addresses.into_iter().take(16).for_each(|address| found.push(address));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_addresses() {
        let base = "http://h:1/a/b?c";
        let joined = |place| join(base, place);
        assert_eq!(joined("d/e?f").as_deref(), Some("http://h:1/a/d/e?f"));
        assert_eq!(joined("../../x").as_deref(), Some("http://h:1/x"));
        assert_eq!(joined("/x").as_deref(), Some("http://h:1/x"));
        assert_eq!(joined("?y").as_deref(), Some("http://h:1/a/b?y"));
        assert_eq!(joined("//o/x").as_deref(), Some("http://o/x"));
        assert_eq!(joined("https://o").as_deref(), Some("https://o"));
        assert_eq!(join("http://h", "x").as_deref(), Some("http://h/x"));
    }

    #[test]
    fn no_proxy_lists() {
        assert!(bypasses("localhost, .example.com", "a.example.com"));
        assert!(bypasses("example.com", "example.com"));
        assert!(!bypasses("example.com", "badexample.com"));
        assert!(!bypasses("", "x") && bypasses("*", "x"));
    }
}
