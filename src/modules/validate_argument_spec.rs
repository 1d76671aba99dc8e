//! `validate_argument_spec`: checks variables against a role's argument specification.

use crate::module::argument_spec::validate;
use crate::module::{
    Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, RunsOn, TaskDoor, parse_args,
};
use crate::module_args;
use crate::value::{Map, Value};

module_args! {
    /// Arguments of `validate_argument_spec`.
    pub struct Args {
        /// The options, each with its `type`, `required`, `default`, `choices`, `elements`, `options` and so on.
        argument_spec: Map,
        /// Values that are checked in place of the variables of the same names.
        provided_arguments: Map = Map::new(),
        /// What is being checked, for messages; returned as it is.
        validate_args_context: Map = Map::new(),
    }
}

/// The `validate_argument_spec` action.
pub struct ValidateArgumentSpec;

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.validate_argument_spec",
    aliases: &["validate_argument_spec", "ansible.legacy.validate_argument_spec"],
    summary: "Checks variables against an argument specification",
    runs_on: RunsOn::Controller,
    returns: &[
        ReturnSpec { name: "argument_errors", doc: "What is wrong, one text for each." },
        ReturnSpec { name: "argument_spec_data", doc: "The specification, when something is wrong." },
        ReturnSpec { name: "validate_args_context", doc: "The context as given." },
    ],
    examples: &[Example {
        title: "Check two variables",
        yaml: "validate_argument_spec:\n  argument_spec:\n    airflow_port:\n      type: int\n      required: true\n    airflow_executor:\n      choices: [LocalExecutor, CeleryExecutor]",
    }],
    ..ModuleSpec::EMPTY
};

impl Action for ValidateArgumentSpec {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        for name in ["argument_spec", "provided_arguments"] {
            if let Some(given) = args.get(name).filter(|given| given.as_map().is_none()) {
                let kind = crate::value::type_name(given);
                return Err(Failure::new(format!(
                    "Task failed: Incorrect type for {name}, expected dict and got {kind}"
                )));
            }
        }
        let args: Args = parse_args(SPEC.rules, args)?;
        let mut given = Map::new();
        for name in args.argument_spec.keys().filter_map(|key| key.as_str()) {
            if let Some(value) = task.scope().get(name).filter(|_| !args.provided_arguments.contains_key(name)) {
                let value = task
                    .engine()
                    .resolve(&value, task.scope())
                    .map_err(|error| Failure::new(format!("Task failed: {error}")))?;
                given.insert(name.into(), value);
            }
        }
        given.extend(args.provided_arguments);
        let validation = validate(&args.argument_spec, &given);
        for warning in &validation.warnings {
            task.warn(warning);
        }
        let context = Value::map(args.validate_args_context);
        if !validation.errors.is_empty() {
            let errors = validation.errors;
            return Err(Failure::new(format!("Validation of arguments failed:\n{}", errors.join("\n")))
                .with("argument_errors", errors)
                .with("argument_spec_data", args.argument_spec)
                .with("validate_args_context", context));
        }
        let mut result = crate::module::unchanged();
        result.insert("msg".into(), Value::str("The arg spec validation passed"));
        result.insert("validate_args_context".into(), context);
        Ok(result)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modules::task_door::Door;

    #[test]
    fn checks_variables_and_provided_values() {
        let door = Door::with(&[("port", Value::str("x")), ("n", Value::authored("{{ port }}", None))]);
        let spec = Value::from([("n", Value::from([("type", "int")]))]);
        let args = Value::from([("argument_spec", spec.clone())]);
        let failure = ValidateArgumentSpec.run(args.as_map().unwrap(), &door).unwrap_err();
        assert!(failure.msg.starts_with("Validation of arguments failed:\nargument 'n' is of type str"), "{failure}");
        assert_eq!(failure.returns["argument_errors"].as_list().unwrap().len(), 1);
        let args = Value::from([("argument_spec", spec), ("provided_arguments", Value::from([("n", 5)]))]);
        let result = ValidateArgumentSpec.run(args.as_map().unwrap(), &door).unwrap();
        assert_eq!(result["msg"], Value::str("The arg spec validation passed"));
    }
}
