//! The host's half of `copy` on a machine in memory.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::module::fake::{FakeHost, blob_of};
use crate::module::{AnyModule, RunFlags};
use crate::value::Map;
use std::path::Path;

fn args(entries: &[(&str, Value)]) -> Map {
    entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
}

/// Runs in check mode, then twice: the prediction must hold and the second run change nothing.
fn run(host: &FakeHost, entries: &[(&str, Value)]) -> Value {
    let args = args(entries);
    let flags = |check| RunFlags { check, diff: true };
    let before = host.paths();
    let predicted = Copy.run(&args, flags(true), host).unwrap().result;
    assert_eq!(host.paths(), before, "check mode changed something");
    let result = Copy.run(&args, flags(false), host).unwrap().result;
    assert_eq!(predicted.get("changed"), result.get("changed"));
    let again = Copy.run(&args, flags(false), host).unwrap().result;
    assert_eq!(again.get("changed"), Some(&Value::Bool(false)), "{again:?}");
    Value::from(result)
}

fn blob(text: &str) -> (&'static str, Value) {
    ("content_blob", blob_of(text.as_bytes()).to_value())
}

#[test]
fn content_with_owner_mode_and_backup() {
    let host = FakeHost::new().with_blob("new").with_user("bob", 7, 7).with_file("/etc/f", "old", 0o600);
    let show = ("show_diff", Value::Bool(true));
    let result =
        run(&host, &[blob("new"), ("dest", "/etc/f".into()), ("owner", "bob".into()), ("backup", "yes".into()), show]);
    assert_eq!(host.text("/etc/f").unwrap(), "new");
    assert_eq!(host.mode("/etc/f"), Some(0o600));
    assert_eq!(host.text(&result.get("backup_file").unwrap().to_string()).unwrap(), "old");
    let shown = |key| result.get(key).unwrap().to_string();
    assert_eq!((shown("owner"), shown("md5sum")), ("bob".into(), "22af645d1859cb5ca6da0c484f1f37ea".into()));
    let diff = &result.get("diff").unwrap().as_list().unwrap()[0];
    assert_eq!(
        (diff.get("before").unwrap().to_string(), diff.get("after").unwrap().to_string()),
        ("old".into(), "new".into())
    );
}

#[test]
fn directories_and_links_as_destinations() {
    let host = FakeHost::new().with_blob("x").with_dir("/srv/d", 0o755).with_link("/srv/l", "/srv/real");
    let host = host.with_file("/srv/real", "old", 0o640);
    let name = ("original_basename", Value::str("f"));
    assert_eq!(
        run(&host, &[blob("x"), ("dest", "/srv/d".into()), name.clone()]).get("dest").unwrap().to_string(),
        "/srv/d/f"
    );
    run(
        &host,
        &[blob("x"), ("dest", "/new/dir/".into()), name, ("directory_mode", "0700".into()), ("mode", "0644".into())],
    );
    assert_eq!((host.text("/new/dir/f").as_deref(), host.mode("/new/dir")), (Some("x"), Some(0o700)));
    run(&host, &[blob("x"), ("dest", "/srv/l".into()), ("follow", true.into())]);
    assert_eq!((host.text("/srv/real").as_deref(), host.mode("/srv/real")), (Some("x"), Some(0o640)));
    run(&host, &[blob("x"), ("dest", "/srv/l".into())]);
    assert!(host.read_link(Path::new("/srv/l")).is_err());
    assert_eq!(host.mode("/srv/l"), Some(0o644));
    let msg = Copy.run(&args(&[blob("x"), ("dest", "/srv/d".into())]), RunFlags::default(), &host).unwrap_err().msg;
    assert_eq!(msg, "can not use content with a dir as dest");
    let msg = Copy.run(&args(&[blob("x"), ("dest", "/no/f".into())]), RunFlags::default(), &host).unwrap_err().msg;
    assert_eq!(msg, "Destination directory /no does not exist");
}

#[test]
fn what_does_not_fit_stays_out() {
    let host = FakeHost::new().with_blob("x").with_file("/etc/f", "old", 0o644).with_command(&["check"], 1, "bad");
    let run = |entries: &[(&str, Value)]| Copy.run(&args(entries), RunFlags::default(), &host);
    let refused = run(&[blob("x"), ("dest", "/etc/f".into()), ("validate", "check %s".into())]).unwrap_err();
    assert_eq!(
        (refused.msg.as_str(), refused.returns.get("exit_status")),
        ("failed to validate", Some(&Value::Int(1)))
    );
    let kept = run(&[blob("x"), ("dest", "/etc/f".into()), ("force", false.into())]).unwrap();
    assert_eq!(kept.result.get("changed"), Some(&Value::Bool(false)));
    assert!(run(&[blob("x"), ("dest", "/etc/f".into()), ("checksum", "00".into())]).is_err());
    assert_eq!(host.text("/etc/f").unwrap(), "old");
}

#[test]
fn a_directory_is_one_request() {
    let host = FakeHost::new().with_blob("a").with_blob("b").with_file("/srv/t/a", "a", 0o600);
    let file = |path: &str, text: &str| {
        Value::from([("path", Value::str(path)), ("blob", blob_of(text.as_bytes()).to_value())])
    };
    let result = run(
        &host,
        &[
            ("dest", "/srv/t".into()),
            ("files", Value::list(vec![file("a", "a"), file("sub/b", "b")])),
            ("directories", Value::list(vec!["sub".into(), "empty".into()])),
            ("links", Value::list(vec![Value::from([("path", "l"), ("target", "a")])])),
            ("mode", "0644".into()),
            ("directory_mode", "0711".into()),
        ],
    );
    assert_eq!(result.get("dest").unwrap().to_string(), "/srv/t/");
    assert_eq!((host.text("/srv/t/sub/b").as_deref(), host.mode("/srv/t/a")), (Some("b"), Some(0o644)));
    assert_eq!((host.mode("/srv/t/sub"), host.mode("/srv/t/empty")), (Some(0o711), Some(0o711)));
    assert_eq!(host.text("/srv/t/l").as_deref(), Some("a"));
}

#[test]
fn from_the_host_itself() {
    let host = FakeHost::new().with_file("/srv/a/f", "x", 0o755).with_dir("/srv/a/e", 0o711).with_link("/srv/a/l", "f");
    let remote = ("remote_src", Value::Bool(true));
    run(&host, &[("src", "/srv/a/f".into()), ("dest", "/etc/f".into()), remote.clone(), ("mode", "preserve".into())]);
    assert_eq!((host.text("/etc/f").as_deref(), host.mode("/etc/f")), (Some("x"), Some(0o755)));
    run(&host, &[("src", "/srv/a".into()), ("dest", "/var".into()), remote.clone()]);
    assert_eq!((host.mode("/var/a/f"), host.mode("/var/a/e")), (Some(0o755), Some(0o711)));
    assert_eq!(host.read_link(Path::new("/var/a/l")).unwrap(), Path::new("f"));
    run(&host, &[("src", "/srv/a/".into()), ("dest", "/var/b".into()), remote, ("owner", "0".into())]);
    assert_eq!(host.text("/var/b/f").as_deref(), Some("x"));
}
