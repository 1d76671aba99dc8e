//! The agent: the small process that runs modules on a host, and the controller's half that talks to it.

mod job;

pub use job::{Become, BecomeMethod, BlobSource, CancelToken, Job, JobContext};
