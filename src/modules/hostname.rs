//! The `hostname` module: the host's name, now and after a reboot.

use super::program;
use crate::module::{
    Command, Diff, Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, WriteOptions,
};
use crate::value::{Map, Value};
use std::path::Path;

/// Sets the name.
pub struct Hostname;

crate::arg_choices! {
    /// How the name is kept.
    pub enum Use { Debian = "debian", Generic = "generic", Redhat = "redhat", Sles = "sles", Systemd = "systemd" }
}

crate::module_args! {
    /// Arguments of `hostname`.
    pub struct Args {
        /// The name.
        name: String,
        /// How the name is kept; found out when not given.
        r#use: Option<Use>,
    }
}

/// The names that the host has.
pub struct Names {
    running: String,
    kept: String,
    systemd: bool,
}

/// One thing to do.
#[derive(Debug)]
pub enum Change {
    /// `hostnamectl`, which sets both.
    Hostnamectl,
    /// The name of the running system.
    Running,
    /// /etc/hostname.
    Kept,
}

impl Module for Hostname {
    type Args = Args;
    type State = Names;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.hostname",
        aliases: &["hostname", "ansible.legacy.hostname"],
        summary: "Sets the host's name.",
        notes: "Through hostnamectl where systemd runs, else through hostname and /etc/hostname. /etc/hosts is left alone.",
        returns: &[
            ReturnSpec { name: "name", doc: "The name." },
            ReturnSpec { name: "ansible_facts", doc: "The facts that follow from it." },
        ],
        examples: &[Example { title: "A name", yaml: "ansible.builtin.hostname:\n  name: web1" }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Names, Failure> {
        let running = program::read(host, &["uname", "-n"])?.stdout_text().trim().to_owned();
        let kept = host.read(Path::new("/etc/hostname")).map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
        let runs =
            host.stat(Path::new("/run/systemd/system")).ok().flatten().is_some() && host.which("hostnamectl").is_some();
        let systemd = args.r#use.map_or(runs, |how| how == Use::Systemd);
        Ok(Names { running, kept: kept.unwrap_or_default(), systemd })
    }

    fn plan(&self, args: &Args, names: &Names) -> Result<Plan<Change>, Failure> {
        let (running, kept) = (names.running == args.name, names.kept == args.name);
        let mut plan = Plan::nothing();
        match (running && kept, names.systemd) {
            (true, _) => {}
            (false, true) => plan.changes.push(Change::Hostnamectl),
            (false, false) => {
                plan.changes.extend((!running).then_some(Change::Running));
                plan.changes.extend((!kept).then_some(Change::Kept));
            }
        }
        if !plan.changes.is_empty() {
            let old = if kept { &names.running } else { &names.kept };
            plan.diff.push(Diff {
                before: format!("hostname = {old}\n"),
                after: format!("hostname = {}\n", args.name),
                ..Diff::default()
            });
        }
        let short = args.name.split('.').next().unwrap_or(&args.name);
        let facts = Map::from([
            ("ansible_hostname".into(), Value::str(short)),
            ("ansible_nodename".into(), Value::str(&args.name)),
            ("ansible_fqdn".into(), Value::str(&args.name)),
            ("ansible_domain".into(), Value::str(args.name.split_once('.').map_or("", |(_, domain)| domain))),
        ]);
        Ok(plan.with("name", args.name.as_str()).with("ansible_facts", Value::map(facts)))
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        for change in &plan.changes {
            match change {
                Change::Hostnamectl => {
                    program::succeed(host, &Command::new(["hostnamectl", "set-hostname", &args.name]))?;
                }
                Change::Running => {
                    program::succeed(host, &Command::new(["hostname", &args.name]))?;
                }
                Change::Kept => {
                    let path = Path::new("/etc/hostname");
                    let text = format!("{}\n", args.name);
                    host.write(path, &mut text.as_bytes(), &WriteOptions::default())
                        .map_err(|error| program::file_failure("write", path, &error))?;
                }
            }
        }
        Ok(Outcome::new())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};

    #[test]
    fn writes_the_file_where_there_is_no_systemd() {
        let host = FakeHost::new()
            .with_file("/etc/hostname", "old\n", 0o644)
            .with_command(&["uname", "-n"], 0, "old\n")
            .with_command(&["hostname", "new"], 0, "");
        let args = Value::from([("name", "new")]);
        let run = Hostname.run(args.as_map().unwrap(), RunFlags::default(), &host).unwrap();
        assert_eq!(run.result.get("changed"), Some(&Value::Bool(true)));
        assert_eq!(host.text("/etc/hostname").unwrap(), "new\n");
    }
}
