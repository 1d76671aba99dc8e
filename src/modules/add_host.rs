//! `add_host`: a host that joins the inventory during the run.

use crate::module::{Action, ArgSpec, Effect, Example, Failure, ModuleSpec, ReturnSpec, RunsOn, TaskDoor};
use crate::value::{Key, Map, Value};

/// The `add_host` action.
pub struct AddHost;

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.add_host",
    aliases: &["add_host", "ansible.legacy.add_host"],
    summary: "Adds a host, and groups, to the inventory for the rest of the run",
    notes: "`name` (or `hostname`, `host`) is the host's name, with `:port` if wanted. `groups` (or `groupname`, \
            `group`) is a list of groups, or their names separated by commas. Every other argument is a variable \
            of the host.",
    runs_on: RunsOn::Controller,
    returns: &[ReturnSpec { name: "add_host", doc: "`host_name`, `groups` and `host_vars`." }],
    examples: &[Example {
        title: "Add a machine that was just made",
        yaml: "add_host:\n  name: \"{{ machine.address }}\"\n  groups: [workers]\n  ansible_user: admin",
    }],
    ..ModuleSpec::EMPTY
};

const NAMES: [&str; 3] = ["name", "hostname", "host"];
const GROUPS: [&str; 3] = ["groups", "groupname", "group"];
/// These two are variables of the host as well, as in Ansible.
const ALSO_VARIABLES: [&str; 2] = ["host", "group"];

impl Action for AddHost {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        &[]
    }

    fn any_args(&self) -> bool {
        true
    }

    /// Says that something changed; who adds the host knows better and may say not.
    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let given = |names: [&str; 3]| names.iter().find_map(|name| args.get(*name).filter(|value| value.truthy()));
        let name = given(NAMES).ok_or_else(|| Failure::new("name, host or hostname needs to be provided"))?.to_string();
        let groups = group_names(given(GROUPS))?;
        let mut vars: Map = args
            .iter()
            .filter(|(key, _)| {
                let key = key.as_str().unwrap_or_default();
                let special = NAMES.contains(&key) || GROUPS.contains(&key);
                !special || ALSO_VARIABLES.contains(&key)
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let (name, port) = split_port(&name);
        if let Some(port) = port {
            vars.insert(Key::from("ansible_ssh_port"), Value::Int(i64::from(port)));
        }
        task.effect(Effect::AddHost { name: name.to_owned(), groups: groups.clone(), vars: vars.clone() });
        let added = [("host_name", Value::str(name)), ("groups", groups.into()), ("host_vars", vars.into())];
        Ok(Map::from([("changed".into(), Value::Bool(true)), ("add_host".into(), Value::from(added))]))
    }
}

fn group_names(groups: Option<&Value>) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = match groups {
        None => Vec::new(),
        Some(Value::List(names)) => names.iter().map(|name| name.to_string().trim().to_owned()).collect(),
        Some(Value::Str(text)) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        Some(_) => return Err(Failure::new("Groups must be specified as a list.")),
    };
    let mut unique = Vec::with_capacity(names.len());
    for name in names {
        if !name.is_empty() && !unique.contains(&name) {
            unique.push(name);
        }
    }
    Ok(unique)
}

/// `name:port`, `[v6]:port`, or a name (a bare IPv6 address is one).
fn split_port(name: &str) -> (&str, Option<u16>) {
    let (host, port) = match name.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || (host.starts_with('[') && host.ends_with(']')) => (host, port),
        _ => return (name, None),
    };
    match port.parse() {
        Ok(port) => (host.trim_start_matches('[').trim_end_matches(']'), Some(port)),
        Err(_) => (name, None),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modules::task_door::Door;

    #[test]
    fn splits_names_groups_and_variables() {
        let door = Door::with(&[]);
        let args = Value::from([("name", Value::str("h2:2222")), ("groups", Value::str("g1, g2,g1")), ("x", 1.into())]);
        let result = AddHost.run(args.as_map().unwrap(), &door).unwrap();
        let vars = Map::from([("x".into(), Value::Int(1)), ("ansible_ssh_port".into(), Value::Int(2222))]);
        assert_eq!(result["add_host"].get("host_vars"), Some(&Value::map(vars.clone())));
        let groups = vec!["g1".to_owned(), "g2".to_owned()];
        assert_eq!(door.effects(), [Effect::AddHost { name: "h2".into(), groups, vars }]);
    }

    #[test]
    fn refuses_what_names_no_host() {
        let door = Door::with(&[]);
        assert!(AddHost.run(Value::from([("x", 1)]).as_map().unwrap(), &door).is_err());
        let groups = Value::from([("name", Value::str("h")), ("groups", Value::Int(5))]);
        assert!(AddHost.run(groups.as_map().unwrap(), &door).is_err());
    }

    #[test]
    fn ports() {
        assert_eq!(split_port("[fe80::1]:22"), ("fe80::1", Some(22)));
        assert_eq!(split_port("fe80::1"), ("fe80::1", None));
        assert_eq!(split_port("h"), ("h", None));
    }
}
