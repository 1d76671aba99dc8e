//! The `service_facts` module: the host's services and what they do, as facts.

use super::program;
use crate::module::{
    ArgError, ArgSpec, Example, Failure, Host, Module, ModuleArgs, ModuleSpec, Outcome, Plan, ReturnSpec,
};
use crate::value::{Key, Map, Value};
use std::path::Path;

/// Lists services.
pub struct ServiceFacts;

/// Arguments of `service_facts`: none.
#[derive(Debug, Clone)]
pub struct Args;

impl ModuleArgs for Args {
    const SPECS: &'static [ArgSpec] = &[];
    fn from_map(_: &Map) -> Result<Args, ArgError> {
        Ok(Args)
    }
}

impl Module for ServiceFacts {
    type Args = Args;
    type State = Map;
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.service_facts",
        aliases: &["service_facts", "ansible.legacy.service_facts"],
        summary: "Lists the host's services.",
        notes: "Asks systemd where it runs, else `service --status-all`. Changes nothing.",
        returns: &[ReturnSpec {
            name: "ansible_facts",
            doc: "`services`: for each name `name`, `state`, `source` and, of systemd, `status`.",
        }],
        examples: &[Example { title: "Services", yaml: "ansible.builtin.service_facts:" }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, _: &Args, host: &dyn Host) -> Result<Map, Failure> {
        let runs_systemd =
            host.which("systemctl").is_some() && host.stat(Path::new("/run/systemd/system")).ok().flatten().is_some();
        match (runs_systemd, host.which("service")) {
            (true, _) => systemd(host),
            (false, Some(_)) => Ok(sysv(&program::read(host, &["service", "--status-all"])?.stdout_text())),
            (false, None) => Err(Failure::new("Failed to find any services: neither systemd nor service is there")),
        }
    }

    fn plan(&self, _: &Args, services: &Map) -> Result<Plan<()>, Failure> {
        Ok(Plan::nothing().with("ansible_facts", Value::from([("services", Value::map(services.clone()))])))
    }

    fn apply(&self, _: &Args, _: &Plan<()>, _: &dyn Host) -> Result<Outcome, Failure> {
        Ok(Outcome::new())
    }
}

fn service(name: &str, state: &str, status: Option<&str>, source: &str) -> Value {
    let mut service = vec![("name", name), ("source", source), ("state", state)];
    service.extend(status.map(|status| ("status", status)));
    Value::map(service.into_iter().map(|(key, value)| (Key::from(key), Value::str(value))).collect())
}

fn systemd(host: &dyn Host) -> Result<Map, Failure> {
    let ask = |argv: &[&str]| program::succeed(host, &program::plain(argv)).map(|output| output.stdout_text());
    let common = ["--no-pager", "--no-legend", "--type", "service", "--all"];
    let units = ask(&[&["systemctl", "list-units", "--plain"], &common[..]].concat())?;
    let files = ask(&[&["systemctl", "list-unit-files"], &common[..]].concat())?;
    let mut found: Vec<(String, String, String)> = Vec::new();
    for line in units.lines() {
        let fields: Vec<&str> = line.split_whitespace().skip_while(|word| *word == "●").collect();
        let [name, load, active, sub, ..] = fields[..] else { continue };
        let status = [load, active, sub].into_iter().find(|word| matches!(*word, "not-found" | "masked" | "failed"));
        let state = if status.is_none() && sub == "running" { "running" } else { "stopped" };
        found.push((name.to_owned(), state.to_owned(), status.unwrap_or("unknown").to_owned()));
    }
    let mut others: Vec<(&str, &str)> = Vec::new();
    for line in files.lines() {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(status)) = (fields.next(), fields.next()) else { continue };
        match found.iter_mut().find(|(other, ..)| other == name) {
            Some((_, _, old)) if old == "unknown" => *old = status.to_owned(),
            Some(_) => {}
            None => others.push((name, status)),
        }
    }
    // Templates have no state; the others are asked for at once, and answered in order.
    let asked: Vec<&str> = others.iter().map(|(name, _)| *name).filter(|name| !name.contains("@.")).collect();
    let mut states = Vec::new();
    if !asked.is_empty() {
        let shown = ask(&[&["systemctl", "show", "--property=ActiveState"], &asked[..]].concat())?;
        states.extend(shown.lines().filter_map(|line| line.strip_prefix("ActiveState=")).map(str::to_owned));
    }
    let mut states = asked.iter().zip(&states).collect::<std::collections::HashMap<_, _>>();
    let others: Vec<_> = others
        .iter()
        .map(|(name, status)| {
            let state = states.remove(name).map_or("unknown", String::as_str);
            ((*name).to_owned(), state.to_owned(), (*status).to_owned())
        })
        .collect();
    let all = found.iter().chain(&others);
    Ok(all
        .map(|(name, state, status)| (Key::from(name.as_str()), service(name, state, Some(status), "systemd")))
        .collect())
}

/// Lines such as ` [ + ]  ssh`.
fn sysv(text: &str) -> Map {
    let parse = |line: &str| {
        let (mark, name) = line.trim().strip_prefix('[')?.split_once(']')?;
        let state = if mark.trim() == "+" { "running" } else { "stopped" };
        Some((Key::from(name.trim()), service(name.trim(), state, None, "sysv")))
    };
    text.lines().filter_map(parse).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};

    #[test]
    fn units_and_unit_files() {
        let host = FakeHost::new()
            .with_program("systemctl")
            .with_dir("/run/systemd/system", 0o755)
            .with_command(
                &["systemctl", "list-units"],
                0,
                "ssh.service loaded active running OpenSSH\nold.service not-found inactive dead old\n",
            )
            .with_command(
                &["systemctl", "list-unit-files"],
                0,
                "ssh.service enabled enabled\ngetty@.service enabled enabled\nnew.service disabled enabled\n",
            )
            .with_command(&["systemctl", "show", "--property=ActiveState", "new.service"], 0, "ActiveState=inactive\n");
        let result = ServiceFacts.run(&Map::new(), RunFlags::default(), &host).unwrap().result;
        let of = |name: &str, key: &str| {
            let services = result.get("ansible_facts").and_then(|facts| facts.get("services").cloned()).unwrap();
            services.get(name).and_then(|service| service.get(key).cloned()).unwrap().to_string()
        };
        assert_eq!((of("ssh.service", "state"), of("ssh.service", "status")), ("running".into(), "enabled".into()));
        assert_eq!(of("old.service", "status"), "not-found");
        assert_eq!(of("getty@.service", "state"), "unknown");
        assert_eq!((of("new.service", "state"), of("new.service", "status")), ("inactive".into(), "disabled".into()));
    }

    #[test]
    fn without_systemd() {
        let services = sysv(" [ - ]  dbus\n [ + ]  ssh\n");
        assert_eq!(services.get("ssh").and_then(|ssh| ssh.get("state")), Some(&Value::str("running")));
        assert_eq!(services.len(), 2);
    }
}
