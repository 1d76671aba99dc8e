//! What happens in a run, as data. The report reads these and nothing else.

use crate::module::Stream;
use crate::playbook::NodeId;
use crate::value::{Map, Value};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How a task ended on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As wanted already.
    Ok,
    /// Something was changed.
    Changed,
    /// A condition was false, or check mode cannot predict.
    Skipped,
    /// It did not succeed.
    Failed,
    /// The host cannot be reached.
    Unreachable,
}

/// The counts of the recap's line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct HostStats {
    /// Tasks that did not fail, changed ones included.
    pub ok: u32,
    /// Tasks that changed something.
    pub changed: u32,
    /// Times that the host could not be reached.
    pub unreachable: u32,
    /// Tasks that failed and were neither rescued nor ignored.
    pub failures: u32,
    /// Tasks that were skipped.
    pub skipped: u32,
    /// Failures that a rescue took care of.
    pub rescued: u32,
    /// Failures that were ignored.
    pub ignored: u32,
}

/// One thing that happened. Results hold no secrets: what `no_log` hides is gone already.
#[derive(Debug, Clone)]
pub enum Event {
    /// A play, or one batch of it, begins.
    PlayStart {
        /// Its name, rendered.
        name: String,
        /// Its hosts.
        hosts: Vec<Arc<str>>,
    },
    /// A play's pattern matches no host.
    NoHosts {
        /// The play's name.
        name: String,
    },
    /// Every host of a play failed.
    NoMoreHosts,
    /// A task begins on its first host.
    TaskStart {
        /// The task.
        task: NodeId,
        /// Its name, rendered where it can be.
        name: String,
        /// Where it is written, as `file:line`.
        place: String,
        /// Whether it is a handler.
        handler: bool,
        /// The module's canonical name, or `meta`, `include_tasks`, `include_role`.
        action: Arc<str>,
    },
    /// A task begins on a host.
    HostStart {
        /// The task.
        task: NodeId,
        /// The host.
        host: Arc<str>,
    },
    /// A line that a process wrote.
    Line {
        /// The task.
        task: NodeId,
        /// The host.
        host: Arc<str>,
        /// Which stream.
        stream: Stream,
        /// The line.
        text: String,
    },
    /// One item of a loop ended.
    Item {
        /// The task.
        task: NodeId,
        /// The host.
        host: Arc<str>,
        /// How.
        status: Status,
        /// The item's label.
        label: String,
        /// The result.
        result: Arc<Map>,
        /// A failure that does not count.
        ignored: bool,
        /// The host that it was delegated to.
        delegated: Option<Arc<str>>,
    },
    /// An attempt was in vain, and there will be another.
    Retry {
        /// The task.
        task: NodeId,
        /// The host.
        host: Arc<str>,
        /// Attempts left.
        left: u32,
    },
    /// A task ended on a host.
    Done {
        /// The task.
        task: NodeId,
        /// The host.
        host: Arc<str>,
        /// How.
        status: Status,
        /// The result; a looped task's has `results`.
        result: Arc<Map>,
        /// A failure that does not count.
        ignored: bool,
        /// The host that it was delegated to.
        delegated: Option<Arc<str>>,
        /// From start to end on this host.
        took: Duration,
        /// Whether the task is a loop, so that its items were reported.
        looped: bool,
        /// What its `notify` named and was taken up by handlers.
        place: String,
    },
    /// A file or role is included.
    Included {
        /// Its path or name.
        name: String,
        /// For which hosts.
        hosts: Vec<Arc<str>>,
    },
    /// Something is worth knowing.
    Warning(String),
    /// The run is over.
    End {
        /// The recap.
        stats: Vec<(Arc<str>, HostStats)>,
        /// `set_stats`: host or `_run`, with its data.
        custom: Vec<(Arc<str>, Value)>,
    },
}
