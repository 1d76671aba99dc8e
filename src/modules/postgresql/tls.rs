//! TLS for PostgreSQL connections, by libpq's modes.

use super::SslMode;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, StreamOwned};
use std::io;
use std::net::TcpStream;
use std::sync::Arc;

/// The PEM texts that a connection needs.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// The authorities to believe.
    pub roots: Option<Vec<u8>>,
    /// The client's certificate and key.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
}

/// Encrypts a connection on which the server has agreed to.
pub fn wrap(
    mut stream: TcpStream,
    host: &str,
    mode: SslMode,
    identity: &Identity,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots: Vec<CertificateDer<'static>> = match &identity.roots {
        Some(pem) => CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(invalid)?,
        None => Vec::new(),
    };
    let verifier = Arc::new(Verifier::new(mode, roots, provider.clone())?);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(invalid)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match &identity.client {
        Some((certificates, key)) => {
            let chain = CertificateDer::pem_slice_iter(certificates).collect::<Result<_, _>>().map_err(invalid)?;
            let key = PrivateKeyDer::from_pem_slice(key).map_err(invalid)?;
            config.with_client_auth_cert(chain, key).map_err(invalid)?
        }
        None => config.with_no_client_auth(),
    };
    let name = ServerName::try_from(host.to_owned()).map_err(invalid)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(invalid)?;
    // Here, so that a refused certificate is told as such and not at the first message.
    connection.complete_io(&mut stream)?;
    Ok(StreamOwned::new(connection, stream))
}

fn invalid(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("SSL error: {error}"))
}

/// Checks what the mode asks for: nothing, the authority, or the name too.
#[derive(Debug)]
struct Verifier {
    /// None when the mode asks for nothing.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// A certificate that is itself believed needs no authority.
    pinned: Vec<CertificateDer<'static>>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(mode: SslMode, roots: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> io::Result<Verifier> {
        // As libpq does: a file of authorities makes `require` check them.
        let checks = matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull) || !roots.is_empty();
        let mut chain = None;
        if checks {
            let mut store = RootCertStore::empty();
            for root in &roots {
                store.add(root.clone()).map_err(invalid)?;
            }
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone());
            chain = Some(verifier.build().map_err(invalid)?);
        }
        Ok(Verifier { chain, pinned: roots, name: mode == SslMode::VerifyFull, provider })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        if self.pinned.iter().any(|root| root == end_entity) {
            if self.name {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
