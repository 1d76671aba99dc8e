//! The `getent` module: entries of the host's databases (users, groups, hosts, …) as facts.

use super::program;
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Output, Plan, ReturnSpec};
use crate::value::{Key, Map, Value};

/// Reads a database through getent(1).
pub struct Getent;

crate::module_args! {
    /// Arguments of `getent`.
    pub struct Args {
        /// The database, such as `passwd`.
        database: String,
        /// The entry; all entries when not given.
        key: Option<String>,
        /// The service that answers, instead of all that the host is set up to ask.
        service: Option<String>,
        /// What separates fields; `:` in the databases of users and groups, else blanks.
        split: Option<String>,
        /// Whether a missing entry is a failure.
        fail_key: bool = true,
    }
}

impl Module for Getent {
    type Args = Args;
    type State = Output;
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.getent",
        aliases: &["getent", "ansible.legacy.getent"],
        summary: "Reads entries of the host's databases.",
        notes: "Changes nothing.",
        returns: &[ReturnSpec {
            name: "ansible_facts",
            doc: "`getent_DATABASE`: fields by the first one; null for a missing entry.",
        }],
        examples: &[Example { title: "A user", yaml: "ansible.builtin.getent:\n  database: passwd\n  key: root" }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Output, Failure> {
        let mut argv = vec!["getent", &args.database];
        argv.extend(args.key.as_deref());
        if let Some(service) = &args.service {
            argv.extend(["-s", service]);
        }
        program::read(host, &argv)
    }

    fn plan(&self, args: &Args, output: &Output) -> Result<Plan<()>, Failure> {
        let fact = format!("getent_{}", args.database);
        let facts = |entries: Map| Value::map(Map::from([(Key::from(fact.as_str()), Value::map(entries))]));
        // getent(1): 1 unknown database, 2 missing key, 3 no enumeration.
        match output.rc {
            0 => Ok(Plan::nothing().with("ansible_facts", facts(entries(args, &output.stdout_text())))),
            1 => Err(Failure::new("Missing arguments, or database unknown.")),
            2 => {
                let msg = "One or more supplied key could not be found in the database.";
                match (&args.key, args.fail_key) {
                    (Some(key), false) => {
                        let missing = Map::from([(Key::from(key.as_str()), Value::Null)]);
                        Ok(Plan::nothing().with("ansible_facts", facts(missing)).with("msg", msg))
                    }
                    _ => Err(Failure::new(msg)),
                }
            }
            3 => Err(Failure::new("Enumeration not supported on this database.")),
            rc => Err(Failure::new("Unexpected failure!").with("rc", rc).with("stderr", output.stderr_text())),
        }
    }

    fn apply(&self, _: &Args, _: &Plan<()>, _: &dyn Host) -> Result<Outcome, Failure> {
        Ok(Outcome::new())
    }
}

fn entries(args: &Args, text: &str) -> Map {
    let colon = matches!(args.database.as_str(), "passwd" | "shadow" | "group" | "gshadow");
    let separator = args.split.as_deref().filter(|split| !split.is_empty()).or(colon.then_some(":"));
    let mut times: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let mut entries = Map::new();
    for line in text.lines() {
        let mut fields: Vec<&str> = match separator {
            Some(separator) => line.split(separator).collect(),
            None => line.split_whitespace().collect(),
        };
        if fields.is_empty() {
            continue;
        }
        let name = fields.remove(0).to_owned();
        let key = Key::from(name.as_str());
        let fields = Value::list(fields.into_iter().map(Value::str).collect());
        let count = times.entry(name).or_default();
        *count += 1;
        // A name that comes again has a list of the lists of fields.
        let value = match (*count, entries.get(&key).cloned()) {
            (2, Some(first)) => Value::list(vec![first, fields]),
            (_, Some(Value::List(lists))) => Value::list(lists.iter().cloned().chain([fields]).collect()),
            _ => fields,
        };
        entries.insert(key, value);
    }
    entries
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};

    fn facts(host: &FakeHost, args: Value) -> Result<Value, Failure> {
        let run = Getent.run(args.as_map().unwrap(), RunFlags::default(), host)?;
        assert_eq!(run.result.get("changed"), Some(&Value::Bool(false)));
        Ok(run.result.get("ansible_facts").unwrap().clone())
    }

    #[test]
    fn fields_by_name() {
        let host = FakeHost::new()
            .with_command(&["getent", "group", "nope"], 2, "")
            .with_command(&["getent", "passwd", "root"], 0, "root:x:0::/root\n")
            .with_command(&["getent", "ahosts"], 0, "127.0.0.1 STREAM localhost\n127.0.0.1 DGRAM\n127.0.0.1 RAW\n");
        let passwd = facts(&host, Value::from([("database", "passwd"), ("key", "root")])).unwrap();
        let root = Value::from(vec!["x", "0", "", "/root"]);
        assert_eq!(passwd, Value::from([("getent_passwd", Value::from([("root", root)]))]));
        let hosts = facts(&host, Value::from([("database", "ahosts")])).unwrap();
        let lists = [vec!["STREAM", "localhost"], vec!["DGRAM"], vec!["RAW"]].map(Value::from);
        assert_eq!(hosts, Value::from([("getent_ahosts", Value::from([("127.0.0.1", Value::list(lists.to_vec()))]))]));
        assert!(facts(&host, Value::from([("database", "group"), ("key", "nope")])).is_err());
        let none = facts(&host, Value::from([("database", "group"), ("key", "nope"), ("fail_key", "no")])).unwrap();
        assert_eq!(none, Value::from([("getent_group", Value::from([("nope", Value::Null)]))]));
    }
}
