//! `assert`: fails unless all conditions hold.

use super::fail::with_message;
use crate::module::{
    Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, RunsOn, TaskDoor, parse_args,
};
use crate::module_args;
use crate::template::Engine;
use crate::value::{Key, Map, Value};

module_args! {
    /// Arguments of `assert`.
    pub struct Args {
        /// One condition or a list of them, as for `when`.
        that: Value,
        /// The message when one does not hold; text or a list of texts.
        [aliases("msg")] fail_msg: Option<Value>,
        /// The message when all hold; text or a list of texts.
        success_msg: Option<Value>,
        /// Show less.
        quiet: bool = false,
    }
}

/// The `assert` action.
pub struct Assert;

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.assert",
    aliases: &["assert", "ansible.legacy.assert"],
    summary: "Fails unless all conditions hold",
    runs_on: RunsOn::Controller,
    returns: &[
        ReturnSpec { name: "assertion", doc: "The condition that does not hold." },
        ReturnSpec { name: "evaluated_to", doc: "What it was evaluated to: false." },
    ],
    examples: &[Example {
        title: "Check what a role was given",
        yaml: "assert:\n  that:\n    - airflow_port is defined\n    - airflow_port | int > 1024\n  fail_msg: airflow_port must be an unprivileged port",
    }],
    ..ModuleSpec::EMPTY
};

impl Action for Assert {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn raw_args(&self) -> &'static [&'static str] {
        &["that"]
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(SPEC.rules, args)?;
        for (name, message) in [("fail_msg", &args.fail_msg), ("success_msg", &args.success_msg)] {
            if message.as_ref().is_some_and(|message| !is_text_or_texts(message)) {
                return Err(Failure::new(format!("argument '{name}': a string or list of strings is required")));
            }
        }
        for condition in conditions(&args.that, task) {
            let holds = task
                .engine()
                .condition(&condition, task.scope())
                .map_err(|error| Failure::new(format!("Task failed: {error}")))?;
            if !holds {
                let msg = args.fail_msg.clone().unwrap_or_else(|| Value::str("Assertion failed"));
                return Err(with_message(&msg).with("evaluated_to", false).with("assertion", as_written(condition)));
            }
        }
        let msg = args.success_msg.unwrap_or_else(|| Value::str("All assertions passed"));
        let mut result = crate::module::unchanged();
        result.insert(Key::from("msg"), msg);
        Ok(result)
    }
}

/// The single conditions. A template that gives a list gives several.
fn conditions(that: &Value, task: &dyn TaskDoor) -> Vec<Value> {
    match that {
        Value::List(items) => items.as_ref().clone(),
        Value::Template(template) if !template.verbatim => match task.engine().resolve(that, task.scope()) {
            Ok(Value::List(items)) => items.iter().map(|item| Engine::distrust(item, task.scope())).collect(),
            // The engine judges what else a template in a condition may be, and what is wrong with it.
            _ => vec![that.clone()],
        },
        single => vec![single.clone()],
    }
}

/// A condition as data, for the result.
fn as_written(condition: Value) -> Value {
    match condition {
        Value::Template(template) => Value::Str(template.text.clone()),
        other => other,
    }
}

fn is_text_or_texts(message: &Value) -> bool {
    match message {
        Value::List(items) => items.iter().all(|item| matches!(item, Value::Str(_))),
        message => matches!(message, Value::Str(_)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modules::task_door::Door;

    fn run(args: Value) -> Result<Map, Failure> {
        Assert.run(args.as_map().unwrap(), &Door::with(&[("n", Value::Int(5))]))
    }

    #[test]
    fn names_the_condition_that_does_not_hold() {
        let failure = run(Value::from([("that", Value::from(vec!["n == 5", "n == 6"]))])).unwrap_err();
        assert_eq!(failure.msg, "Assertion failed");
        assert_eq!(failure.returns["assertion"], Value::str("n == 6"));
        assert_eq!(failure.returns["evaluated_to"], Value::Bool(false));
        let failure = run(Value::from([("that", "n == 6"), ("msg", "no")])).unwrap_err();
        assert_eq!(failure.msg, "no");
    }

    #[test]
    fn passes_with_its_message() {
        assert_eq!(run(Value::from([("that", "n == 5")])).unwrap()["msg"], Value::str("All assertions passed"));
        let result = run(Value::from([("that", "n == 5"), ("success_msg", "good")])).unwrap();
        assert_eq!(result["msg"], Value::str("good"));
        assert!(run(Value::from([("that", Value::str("n == 5")), ("success_msg", Value::Int(1))])).is_err());
    }

    #[test]
    fn an_undefined_name_fails_with_its_name() {
        let failure = run(Value::from([("that", "nope == 5")])).unwrap_err();
        assert!(failure.msg.contains("'nope' is undefined"), "{failure}");
    }
}
