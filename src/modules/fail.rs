//! `fail`: ends the host's run with a message.

use crate::module::{Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, RunsOn, TaskDoor, parse_args};
use crate::module_args;
use crate::value::{Map, Value};

module_args! {
    /// Arguments of `fail`.
    pub struct Args {
        /// The reason; `Failed as requested from task` when it is left out.
        msg: Option<Value>,
    }
}

/// The `fail` action.
pub struct Fail;

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.fail",
    aliases: &["fail", "ansible.legacy.fail"],
    summary: "Fails with a message",
    runs_on: RunsOn::Controller,
    examples: &[Example {
        title: "Stop where the system is too old",
        yaml: "fail:\n  msg: at least release 8 is needed\nwhen: ansible_distribution_major_version | int < 8",
    }],
    ..ModuleSpec::EMPTY
};

impl Action for Fail {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, args: &Map, _task: &dyn TaskDoor) -> Result<Map, Failure> {
        let _: Args = parse_args(SPEC.rules, args)?;
        let msg = args.get("msg").cloned().unwrap_or_else(|| Value::str("Failed as requested from task"));
        Err(with_message(&msg))
    }
}

/// A failure whose message may be of any type: the result keeps the type, the line shows it as text.
pub fn with_message(msg: &Value) -> Failure {
    match msg {
        Value::Str(text) => Failure::new(text.as_ref()),
        other => Failure::new(other.to_string()).with("msg", other.clone()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modules::task_door::Door;

    #[test]
    fn keeps_the_messages_type() {
        let door = Door::with(&[]);
        let args = Value::from([("msg", Value::from(vec!["a", "b"]))]);
        let failure = Fail.run(args.as_map().unwrap(), &door).unwrap_err();
        assert_eq!(failure.msg, "['a', 'b']");
        assert_eq!(failure.returns["msg"], Value::from(vec!["a", "b"]));
        assert_eq!(Fail.run(&Map::new(), &door).unwrap_err().msg, "Failed as requested from task");
    }
}
