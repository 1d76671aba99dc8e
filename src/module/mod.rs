//! The module contract: what a module says of itself, and the three steps that the engine runs.

mod action;
mod args;
pub mod argument_spec;
mod erased;
pub mod fake;
mod host;
mod outcome;
mod spec;

pub use action::{Action, Effect, TaskDoor, unchanged};
pub use args::{ArgError, FromArg, Mode, ModuleArgs, argument_failure, check_args, parse_args};
pub use erased::{AnyModule, Run, RunFlags};
pub use host::{
    Command, FileInfo, FileKind, Group, Host, HttpRequest, HttpResponse, Output, Stream, User, WriteOptions,
};
pub use outcome::{BlobRef, Diff, Failure, Outcome, Plan};
pub use spec::{ArgKind, ArgSpec, Example, ModuleSpec, ReturnSpec, Rule, RunsOn};

/// A module: it observes the host, plans what has to happen, and applies the plan.
///
/// The engine calls `observe`, then `plan`, and, unless in check mode or nothing is planned,
/// `apply`. Whether a result is «changed» follows from the plan alone.
pub trait Module: Send + Sync + 'static {
    /// The arguments, declared with [`module_args!`](crate::module_args).
    type Args: ModuleArgs;
    /// What the host looks like now, as far as the module cares.
    type State;
    /// One thing that has to happen.
    type Change;
    /// Names, documentation and rules.
    const SPEC: ModuleSpec;

    /// Looks at the host; changes nothing.
    fn observe(&self, args: &Self::Args, host: &dyn Host) -> Result<Self::State, Failure>;

    /// Decides from arguments and state alone. An empty plan means that all is as wanted.
    fn plan(&self, args: &Self::Args, state: &Self::State) -> Result<Plan<Self::Change>, Failure>;

    /// Makes the planned changes; the returned values are added to the plan's.
    fn apply(&self, args: &Self::Args, plan: &Plan<Self::Change>, host: &dyn Host) -> Result<Outcome, Failure>;
}

/// What the macros need.
#[doc(hidden)]
pub mod __macro {
    pub use super::args::{field_name, take_arg};
}
