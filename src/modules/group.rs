//! The `group` module: groups of the host.

use super::program;
use crate::module::{Example, Failure, Group as Entry, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use std::path::Path;

/// Makes, changes and removes groups.
pub struct Group;

crate::arg_choices! {
    /// Whether the group is there.
    pub enum State { Present = "present", Absent = "absent" }
}

crate::module_args! {
    /// Arguments of `group`.
    pub struct Args {
        /// The group's name.
        name: String,
        /// Whether the group should be there.
        state: State = State::Present,
        /// The group's id.
        gid: Option<u32>,
        /// The lowest id that a new group may get.
        gid_min: Option<u32>,
        /// The highest id that a new group may get.
        gid_max: Option<u32>,
        /// Remove the group even if it is some user's primary group.
        force: bool = false,
        /// Work on the local files only, with libuser's programs, where the host's groups come from elsewhere.
        local: bool = false,
        /// Whether another group may have the same id; needs `gid`.
        non_unique: bool = false,
        /// Whether a new group is a system group.
        system: bool = false,
    }
}

impl Module for Group {
    type Args = Args;
    type State = Option<Entry>;
    type Change = Vec<String>;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.group",
        aliases: &["group", "ansible.legacy.group"],
        summary: "Manages the host's groups.",
        notes: "Works through groupadd, groupmod and groupdel.",
        rules: &[Rule::RequiredIf("non_unique", "true", &["gid"])],
        returns: &[
            ReturnSpec { name: "name", doc: "The group's name." },
            ReturnSpec { name: "state", doc: "Whether it is there." },
            ReturnSpec { name: "gid", doc: "The group's id, when it is there." },
            ReturnSpec { name: "system", doc: "Whether a system group was asked for." },
        ],
        examples: &[Example {
            title: "A group with an id",
            yaml: "ansible.builtin.group:\n  name: airflow\n  gid: 1200",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Option<Entry>, Failure> {
        find(args, host)
    }

    fn plan(&self, args: &Args, state: &Option<Entry>) -> Result<Plan<Vec<String>>, Failure> {
        let prefix = if args.local { "l" } else { "" };
        let mut argv = Vec::new();
        match (args.state, state) {
            (State::Absent, None) => {}
            (State::Absent, Some(_)) => {
                argv.push(format!("{prefix}groupdel"));
                if args.force && !args.local {
                    argv.push("-f".into());
                }
            }
            (State::Present, None) => {
                argv.push(format!("{prefix}groupadd"));
                if let Some(gid) = args.gid {
                    argv.extend(["-g".into(), gid.to_string()]);
                }
                if args.non_unique && !args.local {
                    argv.push("-o".into());
                }
                if args.system {
                    argv.push("-r".into());
                }
                let limits = [("GID_MIN", args.gid_min), ("GID_MAX", args.gid_max)];
                for (name, limit) in limits {
                    argv.extend(limit.into_iter().flat_map(|limit| ["-K".to_owned(), format!("{name}={limit}")]));
                }
            }
            (State::Present, Some(group)) => {
                if let Some(gid) = args.gid.filter(|gid| *gid != group.gid) {
                    argv.extend([format!("{prefix}groupmod"), "-g".into(), gid.to_string()]);
                    if args.non_unique && !args.local {
                        argv.push("-o".into());
                    }
                }
            }
        }
        let mut plan = Plan::nothing();
        if !argv.is_empty() {
            argv.push(args.name.clone());
            plan.changes.push(argv);
        }
        plan = plan.with("name", args.name.as_str()).with("state", args.state.as_str());
        if let (State::Present, Some(group)) = (args.state, state) {
            plan = plan.with("gid", group.gid);
        }
        Ok(if args.state == State::Present { plan.with("system", args.system) } else { plan })
    }

    fn apply(&self, args: &Args, plan: &Plan<Vec<String>>, host: &dyn Host) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::new();
        for argv in &plan.changes {
            let output = program::succeed(host, &program::plain(argv))?;
            for (key, text) in [("stdout", output.stdout_text()), ("stderr", output.stderr_text())] {
                outcome = if text.is_empty() { outcome } else { outcome.with(key, text) };
            }
        }
        match find(args, host)? {
            Some(group) => Ok(outcome.with("gid", group.gid)),
            None if args.state == State::Absent => Ok(outcome),
            None => Err(Failure::new(format!("group '{}' is still missing after it was made", args.name))),
        }
    }
}

fn find(args: &Args, host: &dyn Host) -> Result<Option<Entry>, Failure> {
    if args.local {
        let path = Path::new("/etc/group");
        let bytes = host.read(path).map_err(|error| program::file_failure("read", path, &error))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        return Ok(text.lines().filter_map(parse).find(|group| group.name == args.name));
    }
    host.group(&args.name).map_err(|error| Failure::new(format!("cannot look up group '{}': {error}", args.name)))
}

fn parse(line: &str) -> Option<Entry> {
    let mut fields = line.split(':');
    let (name, _, gid, members) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let members = members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some(Entry { name: name.to_owned(), gid: gid.parse().ok()?, members })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::Map;
    use crate::value::Value;

    fn run(host: &FakeHost, args: &[(&str, Value)], check: bool) -> Map {
        let args: Map = args.iter().map(|(key, value)| ((*key).into(), value.clone())).collect();
        Group.run(&args, RunFlags { check, diff: false }, host).unwrap().result
    }

    #[test]
    fn commands_are_run_only_for_a_difference() {
        let host = FakeHost::new().with_group("users", 100).with_command(&["groupmod"], 0, "");
        assert_eq!(run(&host, &[("name", "users".into())], false).get("changed"), Some(&Value::Bool(false)));
        assert_eq!(
            run(&host, &[("name", "users".into()), ("gid", Value::Int(100))], false).get("gid"),
            Some(&Value::Int(100))
        );
        assert!(host.commands().is_empty());
        let args = [("name", "users".into()), ("gid", Value::Int(7)), ("non_unique", Value::Bool(true))];
        assert_eq!(run(&host, &args, true).get("changed"), Some(&Value::Bool(true)));
        assert!(host.commands().is_empty());
        run(&host, &args, false);
        assert_eq!(host.commands(), ["groupmod -g 7 -o users"]);
    }

    #[test]
    fn absent() {
        let host = FakeHost::new();
        let result = run(&host, &[("name", "x".into()), ("state", "absent".into())], false);
        assert_eq!(result.get("changed"), Some(&Value::Bool(false)));
        assert_eq!(result.get("gid"), None);
    }
}
