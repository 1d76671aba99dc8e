//! The run: a dispatcher that owns the state, workers that execute tasks, and events that say what happens.

mod batch;
mod connections;
mod cursor;
mod dispatcher;
mod door;
mod event;
mod execute;
mod handlers;
mod hosts;
mod include;
mod job;
mod keywords;
mod magic;
mod meta;

mod outcome;
mod play;
mod prompts;
mod pump;
mod results;
mod scope;
mod settings;
mod strand;
mod target;

pub use connections::Connections;
pub use dispatcher::{RunError, RunInput, RunSummary, run};
pub use event::{Event, HostStats, Status};
pub use hosts::{HostVars, Snapshot};
pub use settings::{Interaction, Passwords, Project, Settings};
