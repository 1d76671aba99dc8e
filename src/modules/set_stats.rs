//! `set_stats`: values for the end of the run.

use crate::module::{
    Action, ArgSpec, Effect, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, RunsOn, TaskDoor, parse_args,
};
use crate::module_args;
use crate::playbook::is_variable_name;
use crate::value::{Key, Map, Value};

module_args! {
    /// Arguments of `set_stats`.
    pub struct Args {
        /// Names and values.
        data: Value = Value::map(Map::new()),
        /// Keep them under the host's name, not for the whole run.
        per_host: bool = false,
        /// Add to earlier values of the same name instead of replacing them.
        aggregate: bool = true,
    }
}

/// The `set_stats` action.
pub struct SetStats;

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.set_stats",
    aliases: &["set_stats", "ansible.legacy.set_stats"],
    summary: "Sets values that are shown at the end of the run",
    runs_on: RunsOn::Controller,
    returns: &[ReturnSpec { name: "ansible_stats", doc: "`data`, `per_host` and `aggregate` as they were used." }],
    examples: &[Example { title: "Count", yaml: "set_stats:\n  data:\n    packages_installed: 31" }],
    ..ModuleSpec::EMPTY
};

impl Action for SetStats {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let Args { data, per_host, aggregate } = parse_args(SPEC.rules, args)?;
        let Value::Map(given) = data else {
            return Err(Failure::new("The 'data' option needs to be a dictionary/hash"));
        };
        let mut data = Map::with_capacity(given.len());
        for (key, value) in given.iter() {
            let name = key.to_string();
            if !is_variable_name(&name) {
                return Err(Failure::new(format!("Task failed: Invalid variable name '{name}'.")));
            }
            data.insert(Key::from(name), value.clone());
        }
        task.effect(Effect::Stats { data: data.clone(), per_host, aggregate });
        let mut result = crate::module::unchanged();
        result.insert(
            "ansible_stats".into(),
            Value::from([("aggregate", Value::Bool(aggregate)), ("data", data.into()), ("per_host", per_host.into())]),
        );
        Ok(result)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modules::task_door::Door;

    #[test]
    fn records_the_values() {
        let door = Door::with(&[]);
        let args = Value::from([("data", Value::from([("a", 1)])), ("per_host", Value::Bool(true))]);
        let result = SetStats.run(args.as_map().unwrap(), &door).unwrap();
        assert_eq!(result["ansible_stats"].get("aggregate"), Some(&Value::Bool(true)));
        let data = Map::from([("a".into(), Value::Int(1))]);
        assert_eq!(door.effects(), [Effect::Stats { data, per_host: true, aggregate: true }]);
        assert!(SetStats.run(Value::from([("data", 5)]).as_map().unwrap(), &door).is_err());
    }
}
