//! The `wait_for_connection` action: waits until a host can be reached and used.

use crate::module::{
    Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, RunsOn, TaskDoor, parse_args,
};
use crate::value::{Map, Value};
use std::time::{Duration, Instant};

/// Tries again until the host answers.
pub struct WaitForConnection;

crate::module_args! {
    /// Arguments of `wait_for_connection`.
    pub struct Args {
        /// Seconds that one attempt may take.
        connect_timeout: u64 = 5u64,
        /// Seconds before the first attempt.
        delay: u64 = 0u64,
        /// Seconds between attempts.
        sleep: u64 = 1u64,
        /// Seconds after which it gives up.
        timeout: u64 = 600u64,
    }
}

impl Action for WaitForConnection {
    fn spec(&self) -> ModuleSpec {
        ModuleSpec {
            name: "ansible.builtin.wait_for_connection",
            aliases: &["wait_for_connection", "ansible.legacy.wait_for_connection"],
            summary: "Waits until a host can be reached.",
            runs_on: RunsOn::Controller,
            returns: &[ReturnSpec { name: "elapsed", doc: "Seconds until the host answered." }],
            examples: &[Example {
                title: "After a reboot",
                yaml: "ansible.builtin.wait_for_connection:\n  delay: 10\n  timeout: 300",
            }],
            ..ModuleSpec::EMPTY
        }
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(&[], args)?;
        let began = Instant::now();
        let elapsed = || Value::from(began.elapsed().as_secs());
        if task.flags().check {
            return Ok(Map::from([("changed".into(), Value::Bool(false)), ("elapsed".into(), Value::Int(0))]));
        }
        task.sleep(Duration::from_secs(args.delay))?;
        loop {
            task.reset_connection()?;
            let failure = match task.try_connect() {
                Ok(()) => {
                    return Ok(Map::from([("changed".into(), Value::Bool(false)), ("elapsed".into(), elapsed())]));
                }
                Err(failure) => failure,
            };
            if began.elapsed() >= Duration::from_secs(args.timeout) {
                return Err(
                    Failure::new(format!("timed out waiting for the host: {}", failure.msg)).with("elapsed", elapsed())
                );
            }
            task.sleep(Duration::from_secs(args.sleep.max(1)))?;
        }
    }
}
