//! Modules of any type behind one interface, and the engine that runs the three steps.

use super::{ArgSpec, Failure, Host, Module, ModuleArgs, ModuleSpec, parse_args};
use crate::value::{Key, Map, Value};
use serde::{Deserialize, Serialize};

/// How a module is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFlags {
    /// Predict only; change nothing.
    pub check: bool,
    /// Return differences.
    pub diff: bool,
}

/// The result of a run in Ansible's shape: `changed`, `diff`, `skipped` and the module's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Values by key; `changed` is always there.
    pub result: Map,
}

/// A module whose types are hidden.
pub trait AnyModule: Send + Sync {
    /// Names and documentation.
    fn spec(&self) -> ModuleSpec;
    /// Its arguments.
    fn args(&self) -> &'static [ArgSpec];
    /// Observes, plans and, unless checking, applies. `args` are rendered.
    fn run(&self, args: &Map, flags: RunFlags, host: &dyn Host) -> Result<Run, Failure>;
}

impl<M: Module> AnyModule for M {
    fn spec(&self) -> ModuleSpec {
        M::SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        M::Args::SPECS
    }

    fn run(&self, args: &Map, flags: RunFlags, host: &dyn Host) -> Result<Run, Failure> {
        let args: M::Args =
            parse_args(M::SPEC.rules, args).map_err(|error| super::argument_failure(error, &M::SPEC))?;
        let state = self.observe(&args, host)?;
        let plan = self.plan(&args, &state)?;
        let mut result = plan.returns.clone();
        let mut changed = !plan.changes.is_empty();
        let acts = changed || !plan.actions.is_empty();
        if flags.check {
            if !plan.check_warnings.is_empty() {
                let said = result.get("warnings").and_then(Value::as_list).unwrap_or_default();
                let all = said.iter().cloned().chain(plan.check_warnings.iter().map(Value::str)).collect();
                result.insert("warnings".into(), Value::list(all));
            }
            if let Some(reason) = plan.skipped_in_check.as_ref().filter(|_| acts) {
                changed = false;
                result.insert("skipped".into(), Value::Bool(true));
                result.entry("msg".into()).or_insert_with(|| Value::str(reason));
            }
        } else if acts {
            let outcome = self.apply(&args, &plan, host).map_err(|failure| with_returns(failure, &plan.returns))?;
            changed = outcome.reported_change.unwrap_or(changed);
            result.extend(outcome.returns);
        }
        result.insert(Key::from("changed"), Value::Bool(changed));
        if flags.diff && !plan.diff.is_empty() {
            let diffs: Vec<Value> = plan.diff.iter().map(super::Diff::to_value).collect();
            let value = match <[Value; 1]>::try_from(diffs) {
                Ok([one]) if !M::SPEC.diff_as_list => one,
                Ok([one]) => Value::list(vec![one]),
                Err(several) => Value::list(several),
            };
            result.insert("diff".into(), value);
        }
        Ok(Run { result })
    }
}

/// A failure keeps what was known before it, where it does not say otherwise.
fn with_returns(mut failure: Failure, returns: &Map) -> Failure {
    // What would have been said of success is not the message of a failure.
    for (key, value) in returns.iter().filter(|(key, _)| key.as_str() != Some("msg")) {
        failure.returns.entry(key.clone()).or_insert_with(|| value.clone());
    }
    failure
}
