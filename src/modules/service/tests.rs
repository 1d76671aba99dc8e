//! Tests of `systemd` and `service` on a machine in memory.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::module::fake::FakeHost;
use crate::module::{AnyModule, Output, RunFlags};
use crate::value::{Map, Value};

/// A host with the unit `web`, in this state.
fn host(active: &str, enabled: &str) -> FakeHost {
    let show = format!("Id=web.service\nLoadState=loaded\nActiveState={active}\nUnitFileState={enabled}\n");
    let rc = i32::from(enabled != "enabled");
    let is_enabled = Output { rc, stdout: format!("{enabled}\n").into_bytes(), stderr: Vec::new() };
    FakeHost::new()
        .with_program("systemctl")
        .with_file("/proc/1/comm", "systemd\n", 0o444)
        .with_command(&["systemctl"], 0, "")
        .with_command(&["systemctl", "show", "web"], 0, &show)
        .with_command(&["systemctl", "show", "gone"], 0, "LoadState=not-found\nActiveState=inactive\n")
        .on_command(&["systemctl", "is-enabled", "web"], move |_, _| is_enabled.clone())
}

fn commands(module: &dyn AnyModule, host: &FakeHost, args: Value) -> (Map, Vec<String>) {
    let result = module.run(args.as_map().unwrap(), RunFlags::default(), host).unwrap().result;
    let reads = ["systemctl show", "systemctl is-enabled"];
    let acts = host.commands().into_iter().filter(|line| !reads.iter().any(|read| line.starts_with(read))).collect();
    (result, acts)
}

#[test]
fn acts_only_where_needed() {
    let started = || Value::from([("name", "web"), ("state", "started"), ("enabled", "yes")]);
    let (result, acts) = commands(&Systemd, &host("active", "enabled"), started());
    assert_eq!((result.get("changed"), acts), (Some(&Value::Bool(false)), Vec::new()));
    let (result, acts) = commands(&Service, &host("inactive", "disabled"), started());
    assert_eq!(acts, ["systemctl enable web", "systemctl start web"]);
    assert_eq!(result.get("status").unwrap().get("ActiveState"), Some(&Value::str("inactive")));
    let (_, acts) = commands(
        &Systemd,
        &host("active", "enabled"),
        Value::from([("name", "web"), ("state", "reloaded"), ("no_block", "yes")]),
    );
    assert_eq!(acts, ["systemctl --no-block reload web"]);
    let (_, acts) = commands(
        &Systemd,
        &host("inactive", "enabled"),
        Value::from([("name", "web"), ("state", "stopped"), ("masked", "yes")]),
    );
    assert_eq!(acts, ["systemctl mask web"]);
}

#[test]
fn reading_unit_files_anew_is_no_change() {
    let (result, acts) = commands(&Systemd, &host("active", "enabled"), Value::from([("daemon_reload", "yes")]));
    assert_eq!((result.get("changed"), acts), (Some(&Value::Bool(false)), vec!["systemctl daemon-reload".to_owned()]));
}

#[test]
fn a_missing_unit_is_a_failure_but_check_mode_takes_it_as_coming() {
    let args = Value::from([("name", "gone"), ("state", "started")]);
    let run = |check| Systemd.run(args.as_map().unwrap(), RunFlags { check, diff: false }, &host("active", "enabled"));
    let failure = run(false).unwrap_err();
    assert!(failure.msg.starts_with("Could not find the requested service gone"), "{}", failure.msg);
    let predicted = run(true).unwrap().result;
    assert_eq!(predicted.get("changed"), Some(&Value::Bool(true)));
    assert!(predicted.get("warnings").is_some());
}

#[test]
fn init_scripts() {
    let host = FakeHost::new()
        .with_file("/proc/1/comm", "init\n", 0o444)
        .with_file("/etc/init.d/web", "", 0o755)
        .with_program("update-rc.d")
        .with_command(&["update-rc.d"], 0, "")
        .with_command(&["service", "web"], 0, "")
        .with_command(&["service", "web", "status"], 3, "");
    let args = Value::from([("name", "web"), ("state", "started"), ("enabled", "yes"), ("arguments", "fast")]);
    let (_, acts) = commands(&Service, &host, args);
    assert_eq!(acts, ["service web status", "update-rc.d web defaults", "service web start fast"]);
}
