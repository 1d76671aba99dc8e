//! Tests of `user` on a machine in memory.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::module::fake::FakeHost;
use crate::module::{AnyModule, RunFlags};
use crate::value::Map;

fn host() -> FakeHost {
    let shadow = "eve:$6$s$old:19000:0:99999:7:::\n";
    let commands = ["useradd", "usermod", "userdel", "chage", "chpasswd", "mkdir"];
    let host = FakeHost::new()
        .with_file("/etc/shadow", shadow, 0o640)
        .with_file("/etc/group", "audio:x:29:eve\nvideo:x:44:\n", 0o644)
        .with_group("audio", 29)
        .with_group("video", 44)
        .with_dir("/home/eve", 0o755)
        .with_user("eve", 1000, 1000);
    commands.iter().fold(host, |host, name| host.with_command(&[name], 0, ""))
}

fn run(host: &FakeHost, args: Value, check: bool) -> Map {
    User.run(args.as_map().unwrap(), RunFlags { check, diff: false }, host).unwrap().result
}

fn commands(args: Value) -> Vec<String> {
    let host = host();
    run(&host, args, false);
    host.commands()
}

#[test]
fn only_differences_become_options() {
    let same = Value::from([("name", Value::str("eve")), ("groups", Value::str("audio")), ("uid", Value::Int(1000))]);
    assert!(commands(same).is_empty());
    let more =
        Value::from([("name", Value::str("eve")), ("groups", Value::str("video")), ("append", Value::Bool(true))]);
    assert_eq!(commands(more), ["usermod -a -G video eve"]);
    let other = Value::from([("name", "eve"), ("groups", "video"), ("shell", "/bin/zsh"), ("comment", "Eve")]);
    assert_eq!(commands(other), ["usermod -G video -c Eve -s /bin/zsh eve"]);
    assert_eq!(commands(Value::from([("name", "eve"), ("groups", "")])), ["usermod -G  eve"]);
    let days = Value::from([
        ("name", Value::str("eve")),
        ("password_expire_max", Value::Int(90)),
        ("password_expire_min", Value::Int(0)),
    ]);
    assert_eq!(commands(days), ["chage -M 90 eve"]);
}

#[test]
fn a_hash_travels_by_standard_input_alone() {
    let host = host();
    let args = Value::from([("name", "eve"), ("password", "$6$s$new")]);
    let result = run(&host, args, false);
    assert_eq!(host.commands(), ["chpasswd -e"]);
    assert_eq!(host.commands_whole()[0].stdin.as_deref(), Some(b"eve:$6$s$new\n".as_slice()));
    assert_eq!(result.get("password"), Some(&Value::str("NOT_LOGGING_PASSWORD")));
    let at_first = Value::from([("name", "eve"), ("password", "$6$s$new"), ("update_password", "on_create")]);
    assert!(commands(at_first).is_empty());
    assert!(commands(Value::from([("name", "eve"), ("password", "$6$s$old")])).is_empty());
}

#[test]
fn locks_and_expiry() {
    let lock = Value::from([("name", Value::str("eve")), ("password_lock", Value::Bool(true))]);
    assert_eq!(commands(lock), ["usermod -L eve"]);
    let unlocked = Value::from([("name", Value::str("eve")), ("password_lock", Value::Bool(false))]);
    assert!(commands(unlocked).is_empty());
    let expires = Value::from([("name", Value::str("eve")), ("expires", Value::Int(1_893_456_000))]);
    assert_eq!(commands(expires), ["usermod -e 2030-01-01 eve"]);
    assert!(commands(Value::from([("name", Value::str("eve")), ("expires", Value::Int(-1))])).is_empty());
}

#[test]
fn check_mode_predicts_a_new_user_even_when_its_group_is_still_missing() {
    let host = host();
    let args = Value::from([("name", "new"), ("group", "later"), ("home", "/opt/deep/new")]);
    assert_eq!(run(&host, args.clone(), true).get("changed"), Some(&Value::Bool(true)));
    assert!(host.commands().is_empty());
    let failure = User.run(args.as_map().unwrap(), RunFlags::default(), &host).unwrap_err();
    assert_eq!(failure.msg, "Group later does not exist");
}
