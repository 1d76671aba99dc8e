//! Tests of `dnf` on a machine in memory.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::module::fake::FakeHost;
use crate::module::{AnyModule, Output, RunFlags};
use crate::value::Map;

const TABLE: &str = "Dependencies resolved.\nInstalling:\n beta noarch 1.0-1 case 6.2 k\nInstalling dependencies:\n \
    gamma noarch 1:1.0-1 case 6.1 k\n\nTransaction Summary\n";

/// A host with alpha 2.0, where beta can be had.
fn host() -> FakeHost {
    let table = Output { rc: 1, stdout: TABLE.into(), stderr: b"Operation aborted.\n".to_vec() };
    let none = Output {
        rc: 1,
        stdout: b"No match for argument: nosuch\n".to_vec(),
        stderr: b"Error: Unable to find a match: nosuch\n".to_vec(),
    };
    FakeHost::new()
        .with_program("dnf")
        .with_command(&["rpm"], 1, "")
        .with_command(&["rpm", "--root", "/", "-q", "--qf"], 0, "")
        .on_command(&["rpm"], |host, command| {
            let last = command.argv.last().unwrap().to_string_lossy().into_owned();
            let alpha = "alpha\t0\t2.0\t1\tnoarch\n";
            let beta = if host.commands().iter().any(|line| line.contains("dnf --setopt=exit_on_lock=True -y")) {
                "beta\t0\t1.0\t1\tnoarch\n"
            } else {
                ""
            };
            let stdout = match last.as_str() {
                "alpha" | "alpha-2.0" => alpha.to_owned(),
                "-a" => format!("{alpha}{beta}"),
                other => format!("package {other} is not installed\n"),
            };
            Output { rc: 0, stdout: stdout.into(), stderr: Vec::new() }
        })
        .on_command(&["dnf"], move |_, command| {
            let words: Vec<String> = command.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            match (words.iter().any(|word| word == "--assumeno"), words.last().map(String::as_str)) {
                (true, Some("nosuch")) => none.clone(),
                (true, _) => table.clone(),
                (false, _) => Output::default(),
            }
        })
}

fn run(host: &FakeHost, args: Value, check: bool) -> Result<Map, Failure> {
    Dnf.run(args.as_map().unwrap(), RunFlags { check, diff: false }, host).map(|run| run.result)
}

fn dnf_calls(host: &FakeHost) -> Vec<String> {
    host.commands().into_iter().filter(|line| line.starts_with("dnf")).collect()
}

#[test]
fn what_is_installed_is_asked_of_rpm_alone() {
    let host = host();
    let names = Value::from(vec!["alpha", "alpha-2.0", "alpha >= 1.5", "alpha-1.0"]);
    let result = run(&host, Value::from([("name", names)]), false).unwrap();
    assert_eq!(result.get("msg"), Some(&Value::str("Nothing to do")));
    assert_eq!(result.get("changed"), Some(&Value::Bool(false)));
    assert!(dnf_calls(&host).is_empty());
}

#[test]
fn check_mode_tells_what_dnf_would_do() {
    let host = host();
    let args = Value::from([("name", Value::from(vec!["alpha", "beta"])), ("enablerepo", Value::str("extra"))]);
    let result = run(&host, args, true).unwrap();
    assert_eq!(dnf_calls(&host), ["dnf --enablerepo=extra --setopt=exit_on_lock=True --assumeno install beta"]);
    let expected = Value::from(vec!["Installed: beta-1.0-1.noarch", "Installed: gamma-1:1.0-1.noarch"]);
    assert_eq!(result.get("results"), Some(&expected));
}

#[test]
fn results_are_what_rpm_has_afterwards() {
    let host = host();
    let result = run(&host, Value::from([("name", "beta")]), false).unwrap();
    assert_eq!(dnf_calls(&host).last().unwrap(), "dnf --setopt=exit_on_lock=True -y install beta");
    assert_eq!(result.get("results"), Some(&Value::from(vec!["Installed: beta-1.0-1.noarch"])));
}

#[test]
fn what_is_not_there_fails_or_is_gone() {
    let failure = run(&host(), Value::from([("name", "nosuch")]), true).unwrap_err();
    assert_eq!(failure.msg, "Failed to install some of the specified packages");
    assert_eq!(failure.returns.get("failures"), Some(&Value::from(vec!["No package nosuch available."])));
    let gone = run(&host(), Value::from([("name", "nosuch"), ("state", "absent")]), false).unwrap();
    assert_eq!(gone.get("changed"), Some(&Value::Bool(false)));
    assert_eq!(gone.get("results"), Some(&Value::from(vec!["No match for argument: nosuch"])));
}
