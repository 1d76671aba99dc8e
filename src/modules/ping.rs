//! The `ping` module: whether modules can be run on a host.

use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec};

/// Answers.
pub struct Ping;

crate::module_args! {
    /// Arguments of `ping`.
    pub struct Args {
        /// What is returned; `crash` makes the module fail.
        data: String = "pong",
    }
}

impl Module for Ping {
    type Args = Args;
    type State = ();
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.ping",
        aliases: &["ping", "ansible.legacy.ping"],
        summary: "Shows that modules can be run on a host.",
        returns: &[ReturnSpec { name: "ping", doc: "The value of `data`." }],
        examples: &[Example { title: "Is the host there?", yaml: "ansible.builtin.ping:" }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, _host: &dyn Host) -> Result<(), Failure> {
        match args.data == "crash" {
            true => Err(Failure::new("boom")),
            false => Ok(()),
        }
    }

    fn plan(&self, args: &Args, _state: &()) -> Result<Plan<()>, Failure> {
        Ok(Plan::nothing().with("ping", args.data.as_str()))
    }

    fn apply(&self, _args: &Args, _plan: &Plan<()>, _host: &dyn Host) -> Result<Outcome, Failure> {
        Ok(Outcome::new())
    }
}
