//! Ways to reach a host: a byte stream to a process there, and a way to put a file there.
//!
//! Every kind answers the same [`Connection`]: commands for `/bin/sh`, run to their end or held
//! open as a [`Channel`]. Nothing here knows what an agent is.

mod cancel;
mod channel;
mod child;
mod error;
mod exec_style;
mod openssh;
mod quote;
mod resolve;
mod secret;
mod ssh;
mod target;

pub use cancel::{CancelGuard, CancelToken};
pub use channel::{Channel, Connection, Exit};
pub use child::{ChildChannel, tail, wait_readable};
pub use error::TransportError;
pub use quote::{shell_quote, shell_words};
pub use resolve::resolve;
pub use secret::Secret;
pub use ssh::SshConfig;
pub use target::{Kind, Target};

/// Opens a connection: for ssh, this resolves, connects, checks the host's key and logs in; a
/// child-process kind starts its program when the first command runs.
///
/// Ends early with [`TransportError::Cancelled`], and after the target's `connect_timeout` at the latest.
pub fn open(target: &Target, cancel: &CancelToken) -> Result<Box<dyn Connection>, TransportError> {
    if cancel.is_cancelled() {
        return Err(TransportError::Cancelled);
    }
    match target.kind {
        Kind::Ssh => Ok(Box::new(ssh::SshConnection::open(target, cancel)?)),
        Kind::OpenSsh => Ok(Box::new(openssh::OpenSshConnection::open(target, cancel)?)),
        Kind::Local | Kind::Nspawn | Kind::Chroot | Kind::Docker | Kind::Podman | Kind::Kubectl => {
            Ok(Box::new(exec_style::ExecConnection::open(target)?))
        }
    }
}
