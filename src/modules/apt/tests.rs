//! Tests of `apt` on a machine in memory.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::module::fake::FakeHost;
use crate::module::{AnyModule, RunFlags};
use crate::value::Map;

const STATUS: &str = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2\n\n\
    Package: mawk\nStatus: install ok installed\nProvides: awk\nArchitecture: amd64\nVersion: 1.3.4\n\n\
    Package: old\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1.0\n";

fn host() -> FakeHost {
    let would =
        "0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.\nInst hello (2.10-3 Debian:12 [amd64])\n";
    FakeHost::new()
        .with_program("apt-get")
        .with_file("/var/lib/dpkg/status", STATUS, 0o644)
        .with_dir("/var/lib/apt/lists", 0o755)
        .with_command(&["apt-get"], 0, would)
        .with_command(&["apt-cache", "madison"], 0, "")
        .with_command(
            &["apt-cache", "madison", "hello"],
            0,
            " hello | 2.10-3 | http://deb bookworm/main amd64 Packages\n",
        )
        .with_command(&["apt-cache", "showpkg"], 0, "")
}

fn run(host: &FakeHost, args: &[(&str, Value)], check: bool) -> Result<Map, Failure> {
    let args: Map = args.iter().map(|(key, value)| ((*key).into(), value.clone())).collect();
    Apt.run(&args, RunFlags { check, diff: true }, host).map(|run| run.result)
}

fn calls(host: &FakeHost) -> Vec<String> {
    let lines = host.commands();
    lines.into_iter().filter_map(|line| Some(line.split_once("Timeout=60 ")?.1.to_owned())).collect()
}

#[test]
fn what_is_installed_takes_no_program() {
    let host = host();
    let names = Value::from(vec!["bash", "bash=5.2*", "bash>=5.0", "mawk:amd64"]);
    let result = run(&host, &[("name", names)], false).unwrap();
    assert_eq!(result.get("changed"), Some(&Value::Bool(false)));
    assert!(host.commands().is_empty());
}

#[test]
fn what_is_missing_is_simulated_then_installed() {
    let host = host();
    let result = run(&host, &[("name", "hello".into())], true).unwrap();
    assert_eq!(result.get("changed"), Some(&Value::Bool(true)));
    assert_eq!(calls(&host), ["--simulate install hello"]);
    let diff = result.get("diff").unwrap();
    assert_eq!(diff.get("after"), Some(&Value::str("hello 2.10-3\n")));
    run(&host, &[("name", "hello=2.*".into()), ("install_recommends", Value::Bool(false))], false).unwrap();
    assert_eq!(calls(&host).last().unwrap(), "install -o APT::Install-Recommends=no hello=2.10-3");
}

#[test]
fn unknown_names_fail_and_virtual_ones_are_met() {
    let failure = run(&host(), &[("name", "nonsense".into())], true).unwrap_err();
    assert_eq!(failure.msg, "No package matching 'nonsense' is available");
    let failure = run(&host(), &[("name", "hello=9".into())], true).unwrap_err();
    assert_eq!(failure.msg, "no available installation candidate for hello=9");
    let result = run(&host(), &[("name", "awk".into())], false).unwrap();
    assert_eq!(result.get("changed"), Some(&Value::Bool(false)));
}

#[test]
fn traces_go_only_with_purge() {
    let host = host();
    let absent = |purge| [("name", "old".into()), ("state", "absent".into()), ("purge", Value::Bool(purge))];
    assert_eq!(run(&host, &absent(false), false).unwrap().get("changed"), Some(&Value::Bool(false)));
    run(&host, &absent(true), false).unwrap();
    assert_eq!(calls(&host).last().unwrap(), "remove --purge old");
}

#[test]
fn lists_are_fetched_before_what_needs_them_and_only_when_old() {
    let host = host();
    let result = run(&host, &[("update_cache", Value::Bool(true)), ("name", "bash".into())], false).unwrap();
    assert_eq!(calls(&host), ["-o APT::Update::Error-Mode=any update"]);
    assert_eq!(result.get("changed"), Some(&Value::Bool(false)));
    let unknown = run(&host, &[("update_cache", Value::Bool(true)), ("name", "nonsense".into())], true).unwrap();
    assert_eq!(unknown.get("changed"), Some(&Value::Bool(true)), "the fetched lists may know it");
    let before = host.commands().len();
    let fresh = [("cache_valid_time", Value::Int(i64::MAX / 2))];
    assert_eq!(run(&host, &fresh, false).unwrap().get("cache_updated"), Some(&Value::Bool(false)));
    assert_eq!(host.commands().len(), before);
}

#[test]
fn another_package_manager_is_waited_for() {
    let host = host().on_command(&["apt-get", "-y", "-o", "Dpkg::Options::=--force-confdef"], |host, _| {
        let output = if host.commands().len() < 3 {
            (100, "E: Could not get lock /var/lib/dpkg/lock-frontend.")
        } else {
            (0, "")
        };
        crate::module::Output { rc: output.0, stdout: Vec::new(), stderr: output.1.into() }
    });
    run(&host, &[("update_cache", Value::Bool(true))], false).unwrap();
    assert_eq!(host.commands().len(), 3);
}
