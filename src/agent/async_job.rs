//! Jobs that outlive the connection (`async`), in a process of their own.

use super::job::Job;
use super::message::Info;
use super::modules::ModuleSet;
use crate::module::{Failure, Run};
use std::process::ExitCode;
use std::time::Duration;

/// Starts the job and says where to ask for it.
pub(super) fn start(_job: &Job, _time: Duration, _info: &Info) -> Result<Run, Failure> {
    Err(Failure::new("async is not there yet"))
}

/// The process of one such job.
pub(super) fn main(_modules: &'static dyn ModuleSet, _args: &[String]) -> ExitCode {
    ExitCode::FAILURE
}
