//! The agent: the small process that runs modules on a host, and the controller's half that talks to it.
//!
//! [`AgentClient`] is the controller's half: one per host, used by many threads. [`server`] is the
//! other: started over a transport, or by an agent under sudo, it runs jobs on a [`machine`].

mod async_job;
mod become_user;
mod blob;
mod client;
mod error;
mod exe;
mod frame;
mod install;
mod job;
mod link;
pub mod machine;
mod message;
mod modules;
mod payload;
mod pty;
pub mod server;
mod worker;

pub use blob::BlobStore;
pub use client::AgentClient;
pub use error::AgentError;
pub use job::{Become, BecomeMethod, BlobSource, CancelToken, Job, JobContext};
pub use message::Info;
pub use modules::ModuleSet;
pub use payload::Payload;

/// The first argument that makes either program an agent.
pub(crate) const SERVE: &str = "agent-serve";
/// The first argument that makes an uploaded agent put itself into its place.
pub(crate) const INSTALL: &str = "agent-install";
/// The first argument that makes an agent run one job on its own.
pub(crate) const ASYNC: &str = "agent-async";

/// Twenty-four hexadecimal digits that nobody can guess.
fn random_name() -> String {
    let mut bytes = [0u8; 12];
    // SAFETY: the buffer is as long as said.
    let count = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if count != 12 {
        // A kernel without getrandom(2).
        use std::io::Read;
        let _ = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    }
    blob::hex(&bytes)
}
