//! `set_fact`: host variables from the task's arguments.

use crate::module::{Action, ArgSpec, Effect, Example, Failure, ModuleSpec, ReturnSpec, RunsOn, TaskDoor};
use crate::playbook::is_variable_name;
use crate::value::{Key, Map, Value, parse_bool};

/// The `set_fact` action.
pub struct SetFact;

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.set_fact",
    aliases: &["set_fact", "ansible.legacy.set_fact"],
    summary: "Sets variables of the host for the rest of the run",
    notes: "Every argument but `cacheable` names a variable. With `cacheable: true` the values are kept in the \
            fact cache as well.",
    runs_on: RunsOn::Controller,
    returns: &[ReturnSpec { name: "ansible_facts", doc: "The variables that were set." }],
    examples: &[Example {
        title: "Remember a value",
        yaml: "set_fact:\n  airflow_url: \"http://{{ inventory_hostname }}:{{ airflow_port }}\"",
    }],
    ..ModuleSpec::EMPTY
};

impl Action for SetFact {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        &[]
    }

    fn any_args(&self) -> bool {
        true
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let mut facts = Map::with_capacity(args.len());
        let mut cacheable = false;
        for (key, value) in args {
            let name = key.to_string();
            if name == "cacheable" {
                cacheable = parse_bool(value).ok_or_else(|| {
                    Failure::new(format!("The value {} of cacheable is not a valid boolean", value.repr()))
                })?;
                continue;
            }
            if !matches!(key, Key::Str(_)) {
                let kind = crate::value::type_name(&key.to_value());
                return Err(Failure::new(format!("Task failed: Invalid variable name '{name}' of type '{kind}'.")));
            }
            if !is_variable_name(&name) {
                return Err(Failure::new(format!("Task failed: Invalid variable name '{name}'.")));
            }
            facts.insert(Key::from(name), value.clone());
        }
        if facts.is_empty() {
            return Err(Failure::new(
                "No key/value pairs provided, at least one is required for this action to succeed",
            ));
        }
        task.effect(Effect::SetFact { facts: facts.clone(), cacheable });
        let mut result = crate::module::unchanged();
        result.insert("ansible_facts".into(), Value::map(facts));
        Ok(result)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modules::task_door::Door;

    #[test]
    fn sets_what_it_is_given() {
        let door = Door::with(&[]);
        let args = Value::from([("a", Value::Int(1)), ("cacheable", Value::str("yes")), ("named", Value::Null)]);
        let result = SetFact.run(args.as_map().unwrap(), &door).unwrap();
        let facts = Value::from([("a", Value::Int(1)), ("named", Value::Null)]);
        assert_eq!(result["ansible_facts"], facts);
        let facts = facts.as_map().unwrap().clone();
        assert_eq!(door.effects(), [Effect::SetFact { facts, cacheable: true }]);
    }

    #[test]
    fn refuses_bad_names_and_nothing() {
        let door = Door::with(&[]);
        for args in [Value::from([("a-b", 1)]), Value::from([("5x", 1)]), Value::from([("cacheable", true)])] {
            assert!(SetFact.run(args.as_map().unwrap(), &door).is_err());
        }
        assert_eq!(door.effects(), []);
    }
}
