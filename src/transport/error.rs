//! Why a host cannot be reached. The messages are what the operator reads.

use std::io;

/// Why a host cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The name has no address.
    #[error("cannot resolve the host name «{host}»: {reason}")]
    Resolve {
        /// The name.
        host: String,
        /// What was tried.
        reason: String,
    },
    /// No connection to the address.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Address and port.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// Connecting took longer than allowed.
    #[error("no answer from {address} within {seconds} seconds while {doing}")]
    Timeout {
        /// Address and port.
        address: String,
        /// The limit.
        seconds: u64,
        /// The step.
        doing: &'static str,
    },
    /// The two sides found no common language, or the stream broke while they looked for one.
    #[error("cannot speak ssh with {address}: {reason}")]
    Handshake {
        /// Address and port.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// No key is known for the host.
    #[error(
        "the host key of {host} is not known ({kind}, {fingerprint}); add it to {file} (ssh-keyscan, or connect once \
         with ssh), or turn host_key_checking off"
    )]
    UnknownHostKey {
        /// The name that was looked up, as known_hosts writes it.
        host: String,
        /// The key's type.
        kind: String,
        /// SHA256 fingerprint.
        fingerprint: String,
        /// The first file that was searched.
        file: String,
    },
    /// Another key is known for the host: somebody may be in between.
    #[error(
        "the host key of {host} has changed: it shows {kind} {fingerprint}, but {place} knows another one. Someone \
         may be listening in, or the host was set up anew; if so, remove the old key with: ssh-keygen -R '{host}'"
    )]
    ChangedHostKey {
        /// The name that was looked up.
        host: String,
        /// The shown key's type.
        kind: String,
        /// The shown key's SHA256 fingerprint.
        fingerprint: String,
        /// File and line of the key that does not agree.
        place: String,
    },
    /// The shown key is marked as revoked.
    #[error("the host key of {host} is revoked by {place}")]
    RevokedHostKey {
        /// The name that was looked up.
        host: String,
        /// File and line.
        place: String,
    },
    /// The host let none of our keys or passwords in.
    #[error("{host} does not let {user} in: tried {tried}; the host takes {takes}")]
    AuthRefused {
        /// The host.
        host: String,
        /// The user.
        user: String,
        /// The attempts, each with its outcome.
        tried: String,
        /// The methods that the host offers.
        takes: String,
    },
    /// A setting that this kind cannot honour.
    #[error("{0}")]
    Unsupported(String),
    /// A file or program on this side is missing or wrong.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The connection ended.
    #[error("the connection to {host} ended: {reason}")]
    Lost {
        /// The host.
        host: String,
        /// What is known.
        reason: String,
    },
    /// A file could not be put there.
    #[error("cannot write {path} on {host}: {reason}")]
    Put {
        /// The host.
        host: String,
        /// The file.
        path: String,
        /// What the host said.
        reason: String,
    },
    /// Someone gave up.
    #[error("cancelled")]
    Cancelled,
}

impl TransportError {
    /// An error of this side.
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> TransportError {
        TransportError::Io { what: what.into(), source }
    }
}
