//! The `sysctl` module: kernel parameters, in a file of sysctl.conf(5) and in the running kernel.

use super::program;
use crate::module::{Diff, Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, WriteOptions};
use std::path::PathBuf;

/// Sets kernel parameters.
pub struct Sysctl;

crate::arg_choices! {
    /// Whether the file has the parameter.
    pub enum State { Present = "present", Absent = "absent" }
}

crate::module_args! {
    /// Arguments of `sysctl`.
    pub struct Args {
        /// The parameter, such as `vm.swappiness`.
        [aliases("key")] name: String,
        /// Its value; needed unless it goes.
        [aliases("val")] value: Option<String>,
        /// Whether the file has it.
        state: State = State::Present,
        /// Load the file into the kernel when it changed.
        reload: bool = true,
        /// Set the running kernel's value too, when it is another.
        sysctl_set: bool = false,
        /// Pass over parameters that the kernel does not know.
        ignoreerrors: bool = false,
        /// The file.
        sysctl_file: PathBuf = "/etc/sysctl.conf",
    }
}

/// What is set.
pub struct Seen {
    /// The file's text; None when there is no file.
    text: Option<String>,
    /// The kernel's value, when it is asked for and known.
    running: Option<String>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Sets the running kernel's value.
    Set(String),
    /// Writes the file.
    Write(String),
    /// Loads the file.
    Load,
}

impl Module for Sysctl {
    type Args = Args;
    type State = Seen;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.posix.sysctl",
        aliases: &["sysctl"],
        summary: "Sets kernel parameters.",
        notes: "Other lines of the file stay as they are; of several lines for one parameter one remains.",
        examples: &[Example {
            title: "Swap seldom",
            yaml: "ansible.posix.sysctl:\n  name: vm.swappiness\n  value: 10\n  sysctl_file: /etc/sysctl.d/90-swap.conf",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Seen, Failure> {
        let file = &args.sysctl_file;
        let there = host.stat(file).map_err(|error| program::file_failure("look at", file, &error))?;
        let text = match there {
            None => None,
            Some(_) => {
                let bytes = host.read(file).map_err(|error| program::file_failure("read", file, &error))?;
                Some(
                    String::from_utf8(bytes)
                        .map_err(|_| Failure::new(format!("{} is not UTF-8 text", file.display())))?,
                )
            }
        };
        let running = match args.sysctl_set && args.state == State::Present {
            false => None,
            true => {
                let output = program::read(host, &["sysctl", "-e", "-n", &args.name])?;
                Some(output.stdout_text()).filter(|text| output.success() && !text.trim().is_empty())
            }
        };
        Ok(Seen { text, running })
    }

    fn plan(&self, args: &Args, seen: &Seen) -> Result<Plan<Change>, Failure> {
        let value = wanted(args)?;
        let before = seen.text.clone().unwrap_or_default();
        let after = changed_text(&before, args.name.trim(), value.as_deref());
        let mut plan = Plan::nothing();
        if let Some(value) = value.filter(|_| args.sysctl_set) {
            let same = seen.running.as_ref().is_some_and(|running| is_same(running, &value));
            plan.changes.extend((!same).then_some(Change::Set(value)));
        }
        if after != before {
            let header = args.sysctl_file.to_string_lossy().into_owned();
            plan.diff.push(Diff { before, after: after.clone(), before_header: header.clone(), after_header: header });
            plan.changes.push(Change::Write(after));
            plan.changes.extend(args.reload.then_some(Change::Load));
        }
        Ok(plan)
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        let ignore = args.ignoreerrors.then(|| "-e".to_owned());
        for change in &plan.changes {
            let (doing, words) = match change {
                Change::Write(text) => {
                    let file = &args.sysctl_file;
                    host.write(file, &mut text.as_bytes(), &WriteOptions::default())
                        .map_err(|error| program::file_failure("write", file, &error))?;
                    continue;
                }
                Change::Set(value) => ("setting", ["-w".to_owned(), format!("{}={value}", args.name.trim())]),
                Change::Load => ("reload", ["-p".to_owned(), args.sysctl_file.to_string_lossy().into_owned()]),
            };
            let argv: Vec<String> = std::iter::once("sysctl".to_owned()).chain(ignore.clone()).chain(words).collect();
            program::succeed(host, &program::plain(&argv)).map_err(|failure| Failure {
                msg: match doing {
                    "setting" => format!("setting {} failed: {}", args.name, failure.msg),
                    _ => format!("Failed to reload sysctl: {}", failure.msg),
                },
                ..failure
            })?;
        }
        Ok(Outcome::new())
    }
}

/// The value for the file; None when the parameter is to go.
fn wanted(args: &Args) -> Result<Option<String>, Failure> {
    if args.name.trim().is_empty() {
        return Err(Failure::new("name cannot be blank"));
    }
    if args.state == State::Absent {
        return Ok(None);
    }
    let Some(value) = &args.value else {
        return Err(Failure::new("state is present but all of the following are missing: value"));
    };
    let value = value.trim();
    if value.is_empty() {
        return Err(Failure::new("value cannot be blank"));
    }
    if value.contains('\n') || args.name.trim().contains(['\n', '=']) {
        return Err(Failure::new("a parameter and its value are one line"));
    }
    // YAML turns `yes` and `on` into truth before a module sees them.
    Ok(Some(match value.to_lowercase().as_str() {
        "y" | "yes" | "on" | "t" | "true" => "1".to_owned(),
        "n" | "no" | "off" | "f" | "false" => "0".to_owned(),
        _ => value.to_owned(),
    }))
}

/// The kernel separates by tabs what files separate by blanks.
fn is_same(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

/// The name with dots between its parts: `net/ipv4/conf/eth0.1/x` is `net.ipv4.conf.eth0/1.x`.
fn dotted(name: &str) -> String {
    match name.find(['.', '/']).map(|at| name.as_bytes()[at]) {
        Some(b'/') => name
            .chars()
            .map(|c| {
                if c == '/' {
                    '.'
                } else if c == '.' {
                    '/'
                } else {
                    c
                }
            })
            .collect(),
        _ => name.to_owned(),
    }
}

/// The parameter and value of a line, and whether it starts with `-` (errors are passed over).
fn parse(line: &str) -> Option<(bool, &str, &str)> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    let quiet = name.starts_with('-');
    Some((quiet, name.trim_start_matches('-').trim(), value.trim()))
}

fn changed_text(before: &str, name: &str, value: Option<&str>) -> String {
    let of_name = |line: &str| parse(line).is_some_and(|(_, other, _)| dotted(other) == dotted(name));
    let lines: Vec<&str> = before.split_inclusive('\n').collect();
    // The last one counts.
    let last = lines.iter().rev().find(|line| of_name(line)).and_then(|line| parse(line));
    if let (Some(wanted), Some((_, _, now))) = (value, last)
        && is_same(wanted, now)
    {
        return before.to_owned();
    }
    let mut out = String::with_capacity(before.len());
    let mut is_set = false;
    for line in lines {
        match (of_name(line), value) {
            (false, _) => out.push_str(line),
            (true, Some(value)) if !is_set => {
                is_set = true;
                let quiet = if line.trim_start().starts_with('-') { "-" } else { "" };
                out.push_str(&format!("{quiet}{name}={value}\n"));
            }
            (true, _) => {}
        }
    }
    if let Some(value) = value.filter(|_| !is_set) {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&format!("{name}={value}\n"));
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::Value;

    const TEXT: &str = "# c\nvm.swappiness = 10\n net/ipv4/ip_forward=1\nvm.swappiness=20\n";

    #[test]
    fn lines_of_the_file() {
        let changed = |name, value| changed_text(TEXT, name, value);
        assert_eq!(changed("vm.swappiness", Some("60")), "# c\nvm.swappiness=60\n net/ipv4/ip_forward=1\n");
        assert_eq!(changed("vm.swappiness", Some("20")), TEXT);
        assert_eq!(changed("net.ipv4.ip_forward", Some("1")), TEXT);
        assert_eq!(changed("vm.swappiness", None), "# c\n net/ipv4/ip_forward=1\n");
        assert_eq!(changed("a.b", Some("1  2")), format!("{TEXT}a.b=1  2\n"));
    }

    #[test]
    fn sets_writes_and_loads_once() {
        let host = FakeHost::new().with_command(&["sysctl"], 0, "").with_command(
            &["sysctl", "-e", "-n", "net.x"],
            0,
            "1\t3\n",
        );
        let run = |value: &str, check| {
            let args = Value::from([
                ("name", Value::str("net.x")),
                ("value", Value::str(value)),
                ("sysctl_set", Value::Bool(true)),
                ("ignoreerrors", Value::Bool(true)),
            ]);
            let run = Sysctl.run(args.as_map().unwrap(), RunFlags { check, diff: false }, &host).unwrap();
            run.result.get("changed").and_then(Value::as_bool).unwrap()
        };
        assert!(run("1 2", true));
        assert_eq!(host.commands(), ["sysctl -e -n net.x"]);
        assert!(run("1 2", false));
        assert_eq!(host.commands()[2..], ["sysctl -e -w net.x=1 2", "sysctl -e -p /etc/sysctl.conf"]);
        assert!(run("1 3", false));
        assert!(!run("1 3", false));
        assert_eq!(host.text("/etc/sysctl.conf").unwrap(), "net.x=1 3\n");
    }

    #[test]
    fn a_value_is_needed_and_truth_is_a_number() {
        let run = |args: &[(&'static str, &str)]| {
            let args = args.iter().map(|(key, value)| ((*key).into(), Value::str(value))).collect();
            let host = FakeHost::new();
            Sysctl.run(&args, RunFlags { check: true, diff: true }, &host).map(|run| run.result)
        };
        assert!(run(&[("name", "a.b")]).is_err());
        assert!(run(&[("name", " "), ("value", "1")]).is_err());
        assert!(format!("{:?}", run(&[("name", "a.b"), ("value", "True")]).unwrap()).contains("a.b=1"));
    }
}
