//! What a job is: a module's run on a host, and what it needs from around it.

use crate::module::{BlobRef, RunFlags, Stream};
use crate::transport::Secret;
use crate::value::Map;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use crate::transport::CancelToken;

/// Where content comes from that the controller offers.
pub trait BlobSource: Send + Sync {
    /// Opens the content. [`io::ErrorKind::NotFound`] when nobody offers it,
    /// [`io::ErrorKind::InvalidData`] when what arrives is not what the hash says.
    fn open(&self, blob: &BlobRef) -> io::Result<Box<dyn Read + Send>>;
}

/// What surrounds one job on the host: [`Machine`](crate::agent::machine::Machine) is made from it.
pub struct JobContext {
    /// The task's `environment`, for every process that the job starts.
    pub environment: BTreeMap<String, String>,
    /// Cancelled when the controller gives the job up, its time is over, or the stream ended: kill
    /// the process groups that the job started, and end waits.
    pub cancel: CancelToken,
    /// Takes a line of a running process for the controller's display.
    pub lines: Box<dyn Fn(Stream, &str) + Send + Sync>,
    /// Where [`Host::blob`](crate::module::Host::blob) reads from.
    pub blobs: Arc<dyn BlobSource>,
    /// The directory for temporary directories; private (0700) to the user, made when it is needed.
    pub remote_tmp: PathBuf,
}

/// A module's run, as the executor orders it.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// Any name of the module.
    pub module: String,
    /// Rendered arguments.
    pub args: Map,
    /// Check mode and diff mode.
    pub flags: RunFlags,
    /// The task's `environment`.
    pub environment: BTreeMap<String, String>,
    /// The user to become first.
    pub become_as: Option<Become>,
    /// The task's `timeout`: the job is killed and fails after this.
    pub timeout: Option<Duration>,
    /// Arguments and results must not reach a log.
    pub no_log: bool,
    /// The module needs the whole rplay binary on the host, not the light agent.
    pub whole: bool,
    /// The task's `async`: the job is started in a process of its own that outlives the
    /// connection, and the run's result says where to ask for it.
    pub async_timeout: Option<Duration>,
}

/// How a user is become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum BecomeMethod {
    /// sudo(8).
    Sudo,
    /// su(1), through a terminal.
    Su,
    /// doas(1), through a terminal.
    Doas,
}

impl BecomeMethod {
    /// The method of that name; None for one that is not supported.
    pub fn parse(name: &str) -> Option<BecomeMethod> {
        match name.rsplit('.').next() {
            Some("sudo") => Some(BecomeMethod::Sudo),
            Some("su") => Some(BecomeMethod::Su),
            Some("doas") => Some(BecomeMethod::Doas),
            _ => None,
        }
    }

    /// Its name and its program's usual name.
    pub fn name(self) -> &'static str {
        match self {
            BecomeMethod::Sudo => "sudo",
            BecomeMethod::Su => "su",
            BecomeMethod::Doas => "doas",
        }
    }
}

/// The user to become, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Become {
    /// The way.
    pub method: BecomeMethod,
    /// The user's name.
    pub user: String,
    /// The password that the method asks for: the own one for sudo and doas, the user's for su.
    pub password: Option<Secret>,
    /// The program, when it is not the method's usual one on PATH.
    pub exe: Option<String>,
    /// Flags in place of the method's usual ones (sudo: `-H -S -n`).
    pub flags: Option<String>,
}
