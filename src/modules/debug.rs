//! `debug`: shows a message or the value of an expression.

use crate::module::{
    Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, Rule, RunsOn, TaskDoor, parse_args,
};
use crate::module_args;
use crate::value::{Key, Map, Value};

module_args! {
    /// Arguments of `debug`.
    pub struct Args {
        /// What to show; of any type. `Hello world!` when neither `msg` nor `var` is given.
        msg: Option<Value>,
        /// An expression, without braces, whose value is shown under its own text.
        var: Option<Value>,
        /// Show only when `-v` was given at least this often.
        verbosity: i64 = 0,
    }
}

/// The `debug` action.
pub struct Debug;

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.debug",
    aliases: &["debug", "ansible.legacy.debug"],
    summary: "Shows a message or the value of an expression",
    runs_on: RunsOn::Controller,
    rules: &[Rule::MutuallyExclusive(&["msg", "var"])],
    returns: &[ReturnSpec { name: "msg", doc: "The message; with `var`, the expression's text is the key." }],
    examples: &[
        Example {
            title: "Show a message",
            yaml: "debug:\n  msg: \"{{ inventory_hostname }} has {{ ansible_processor_vcpus }} CPUs\"",
        },
        Example {
            title: "Show a variable when -vv is given",
            yaml: "debug:\n  var: result.stdout_lines\n  verbosity: 2",
        },
    ],
    ..ModuleSpec::EMPTY
};

impl Action for Debug {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn raw_args(&self) -> &'static [&'static str] {
        &["var"]
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let parsed: Args = parse_args(SPEC.rules, args)?;
        if parsed.verbosity > i64::from(task.verbosity()) {
            return Ok(Map::from([
                ("skipped".into(), Value::Bool(true)),
                ("skipped_reason".into(), Value::str("Verbosity threshold not met.")),
                ("changed".into(), Value::Bool(false)),
            ]));
        }
        let (key, value) = match (&parsed.var, args.get("msg")) {
            (Some(var), _) => {
                let text = expression(var, task)?;
                let value = evaluate(&text, task)?;
                (Key::from(text), value)
            }
            (None, Some(msg)) => (Key::from("msg"), msg.clone()),
            (None, None) => (Key::from("msg"), Value::str("Hello world!")),
        };
        let mut result = crate::module::unchanged();
        result.insert(key, value);
        Ok(result)
    }
}

/// The text of the expression. A template there may only choose which variable is shown: its result
/// can come from a host, and text from a host is never run.
fn expression(var: &Value, task: &dyn TaskDoor) -> Result<String, Failure> {
    match var {
        Value::Str(text) => Ok(text.trim().to_owned()),
        Value::Template(_) => {
            let rendered = task.engine().resolve(var, task.scope()).map_err(|error| {
                Failure::new(format!("Task failed: Error while resolving value for 'var': {error}"))
            })?;
            match rendered.as_str() {
                Some(text) if is_path(text) => Ok(text.to_owned()),
                _ => Err(Failure::new(
                    "Task failed: Error while resolving `var` expression: a template here may only give the name of a variable",
                )),
            }
        }
        other => Err(Failure::new(format!("argument 'var' must be an expression's text, not {}", other.repr()))),
    }
}

/// Whether the text only names something: `a`, `a.b`, `a['b'][0]`.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_.[]'\"-".contains(c))
}

/// The value; an undefined one is shown as such and does not fail the task.
fn evaluate(text: &str, task: &dyn TaskDoor) -> Result<Value, Failure> {
    match task.engine().expression(text, None, task.scope()) {
        Ok(value) => Ok(value),
        Err(error) if error.is_undefined() => {
            task.warn(&format!("Encountered 1 template error.\nerror 1 - {error}"));
            Ok(Value::str(format!("<< error 1 - {error} >>")))
        }
        Err(error) => Err(Failure::new(format!("Task failed: Error while resolving `var` expression: {error}"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modules::task_door::Door;

    fn run(args: Value, verbosity: u8) -> Result<Map, Failure> {
        let door = Door { verbosity, ..Door::with(&[("a", Value::from(vec![1, 2])), ("name", Value::str("a"))]) };
        Debug.run(args.as_map().unwrap(), &door)
    }

    #[test]
    fn shows_messages_of_any_type() {
        let result = run(Value::from([("msg", Value::from(vec![1, 2]))]), 0).unwrap();
        assert_eq!(result["msg"], Value::from(vec![1, 2]));
        assert_eq!(run(Value::map(Map::new()), 0).unwrap()["msg"], Value::str("Hello world!"));
        assert_eq!(run(Value::from([("msg", Value::Null)]), 0).unwrap()["msg"], Value::Null);
    }

    #[test]
    fn shows_the_value_under_the_expressions_text() {
        assert_eq!(run(Value::from([("var", "a")]), 0).unwrap()["a"], Value::from(vec![1, 2]));
        let undefined = run(Value::from([("var", "nope")]), 0).unwrap();
        assert_eq!(undefined["nope"], Value::str("<< error 1 - 'nope' is undefined >>"));
        let by_name = run(Value::from([("var", Value::authored("{{ name }}", None))]), 0).unwrap();
        assert_eq!(by_name["a"], Value::from(vec![1, 2]));
    }

    #[test]
    fn waits_for_its_verbosity() {
        let args = || Value::from([("msg", Value::str("x")), ("verbosity", Value::Int(2))]);
        assert_eq!(run(args(), 1).unwrap()["skipped"], Value::Bool(true));
        assert_eq!(run(args(), 2).unwrap()["msg"], Value::str("x"));
    }

    #[test]
    fn a_template_cannot_bring_an_expression() {
        let door = Door::with(&[("evil", Value::str("lookup('pipe', 'id')"))]);
        let args = Value::from([("var", Value::authored("{{ evil }}", None))]);
        assert!(Debug.run(args.as_map().unwrap(), &door).is_err());
    }
}
