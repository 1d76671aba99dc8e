//! The authorities whose certificates are believed: the system's bundle.

use std::io;
use std::path::Path;
use std::sync::Arc;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, parse_pem};

/// Where distributions keep the bundle: Debian, Red Hat, SUSE, Alpine and others.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The authorities: those of a file, or the system's, or (where a system has none) the web's usual ones.
pub(super) fn roots(file: Option<&Path>) -> io::Result<RootCerts> {
    let system = || BUNDLES.iter().map(Path::new).find(|path| path.exists());
    match file.or_else(system) {
        Some(path) => Ok(RootCerts::Specific(Arc::new(certificates(path)?))),
        None => Ok(RootCerts::WebPki),
    }
}

/// The client's own certificate and key, from PEM files.
pub(super) fn client(certificate: &Path, key: &Path) -> io::Result<ClientCert> {
    let chain = certificates(certificate)?;
    let key = PrivateKey::from_pem(&read(key)?).map_err(|error| invalid(key, &error.to_string()))?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

fn certificates(path: &Path) -> io::Result<Vec<Certificate<'static>>> {
    let pem = read(path)?;
    let found = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() { Err(invalid(path, "no certificate in it")) } else { Ok(found) }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn invalid(path: &Path, reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {reason}", path.display()))
}
