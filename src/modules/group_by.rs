//! `group_by`: the host joins a group named by its own values.

use crate::module::{
    Action, ArgSpec, Effect, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, RunsOn, TaskDoor, parse_args,
};
use crate::module_args;
use crate::value::{Map, Value};

module_args! {
    /// Arguments of `group_by`.
    pub struct Args {
        /// The group's name; blanks become hyphens.
        key: String,
        /// The groups that it becomes a child of: a name or a list of names.
        parents: Value = Value::from(vec!["all"]),
    }
}

/// The `group_by` action.
pub struct GroupBy;

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.group_by",
    aliases: &["group_by", "ansible.legacy.group_by"],
    summary: "Puts hosts into groups by their facts",
    runs_on: RunsOn::Controller,
    returns: &[
        ReturnSpec { name: "add_group", doc: "The group." },
        ReturnSpec { name: "parent_groups", doc: "The groups that it is a child of." },
    ],
    examples: &[Example {
        title: "Group by system",
        yaml: "group_by:\n  key: os_{{ ansible_distribution }}_{{ ansible_distribution_major_version }}",
    }],
    ..ModuleSpec::EMPTY
};

impl Action for GroupBy {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    /// Says that something changed; who adds the host to the group knows better and may say not.
    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(SPEC.rules, args)?;
        let group = args.key.replace(' ', "-");
        let parents: Vec<String> = match &args.parents {
            Value::List(names) => names.iter().map(|name| name.to_string().replace(' ', "-")).collect(),
            name => vec![name.to_string().replace(' ', "-")],
        };
        task.effect(Effect::GroupBy { group: group.clone(), parents: parents.clone() });
        Ok(Map::from([
            ("changed".into(), Value::Bool(true)),
            ("add_group".into(), Value::from(group)),
            ("parent_groups".into(), Value::from(parents)),
        ]))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modules::task_door::Door;

    #[test]
    fn names_groups_without_blanks() {
        let door = Door::with(&[]);
        let result = GroupBy.run(Value::from([("key", "m 5"), ("parents", "b c")]).as_map().unwrap(), &door).unwrap();
        assert_eq!(result["add_group"], Value::str("m-5"));
        assert_eq!(door.effects(), [Effect::GroupBy { group: "m-5".into(), parents: vec!["b-c".into()] }]);
        GroupBy.run(Value::from([("key", "x")]).as_map().unwrap(), &door).unwrap();
        assert_eq!(door.effects()[1], Effect::GroupBy { group: "x".into(), parents: vec!["all".into()] });
    }
}
