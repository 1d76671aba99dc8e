//! `file` on a machine in memory.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::module::fake::FakeHost;
use crate::module::{AnyModule, RunFlags};
use crate::value::Value;

/// Runs a task in check mode, then twice: the prediction must hold and the second run change nothing.
fn run<const N: usize>(host: &FakeHost, args: [(&str, &str); N]) -> Value {
    let args: Map = args.iter().map(|(name, value)| ((*name).into(), Value::str(value))).collect();
    let flags = |check| RunFlags { check, diff: true };
    let before = host.paths();
    let predicted = File.run(&args, flags(true), host).unwrap().result;
    assert_eq!(host.paths(), before, "check mode changed something");
    let result = File.run(&args, flags(false), host).unwrap().result;
    assert_eq!(predicted.get("changed"), result.get("changed"));
    if args.get("state") != Some(&Value::str("touch")) {
        assert_eq!(File.run(&args, flags(false), host).unwrap().result.get("changed"), Some(&Value::Bool(false)));
    }
    Value::from(result)
}

fn refused<const N: usize>(host: &FakeHost, args: [(&str, &str); N]) -> String {
    let args: Map = args.iter().map(|(name, value)| ((*name).into(), Value::str(value))).collect();
    File.run(&args, RunFlags::default(), host).unwrap_err().msg
}

#[test]
fn directories_with_parents_and_attributes() {
    let host = FakeHost::new().with_user("bob", 7, 7);
    let result = run(&host, [("path", "/var/a/b"), ("state", "directory"), ("owner", "bob"), ("mode", "0750")]);
    assert_eq!(result.get("changed"), Some(&Value::Bool(true)));
    assert_eq!((host.mode("/var/a"), host.mode("/var/a/b")), (Some(0o750), Some(0o750)));
    let shown = |key| result.get(key).unwrap().to_string();
    assert_eq!((shown("owner"), shown("mode"), shown("state")), ("bob".into(), "0750".into(), "directory".into()));
}

#[test]
fn recursion_sets_what_is_below() {
    let host =
        FakeHost::new().with_file("/srv/d/f", "", 0o600).with_dir("/srv/d/e", 0o700).with_link("/srv/d/l", "/etc");
    let host = host.with_file("/etc/x", "", 0o600);
    run(&host, [("path", "/srv/d"), ("mode", "a+rX"), ("recurse", "yes"), ("follow", "no")]);
    assert_eq!((host.mode("/srv/d/f"), host.mode("/srv/d/e")), (Some(0o644), Some(0o755)));
    assert_eq!(host.mode("/etc/x"), Some(0o600));
}

#[test]
fn links_are_made_moved_and_kept() {
    let host = FakeHost::new().with_file("/etc/a", "", 0o644).with_file("/etc/b", "", 0o644);
    for target in ["/etc/a", "b"] {
        let result = run(&host, [("src", target), ("dest", "/etc/l"), ("state", "link")]);
        assert_eq!(result.get("src").unwrap().to_string(), target);
        assert_eq!(result.get("state").unwrap().to_string(), "link");
        assert_eq!(host.read_link(Path::new("/etc/l")).unwrap(), Path::new(target));
    }
    assert!(
        refused(&host, [("src", "no"), ("dest", "/etc/l"), ("state", "link")]).starts_with("src file does not exist")
    );
    run(&host, [("src", "no"), ("dest", "/etc/l"), ("state", "link"), ("force", "yes"), ("mode", "0600")]);
    let msg = refused(&host, [("src", "/etc/b"), ("dest", "/etc/a"), ("state", "link")]);
    assert_eq!(msg, "refusing to convert from file to symlink for /etc/a");
    run(&host, [("src", "/etc/b"), ("dest", "/etc/a"), ("state", "link"), ("force", "yes")]);
    run(&host, [("src", "/etc/b"), ("dest", "/etc/h"), ("state", "hard")]);
    assert_eq!(host.stat(Path::new("/etc/h")).unwrap().unwrap().links, 2);
}

#[test]
fn removal_and_conflicts() {
    let host = FakeHost::new().with_file("/srv/d/f", "", 0o600).with_link("/srv/l", "/srv/d");
    run(&host, [("path", "/srv/l"), ("state", "absent")]);
    assert!(host.text("/srv/d/f").is_some());
    let result = run(&host, [("path", "/srv/d"), ("state", "absent")]);
    assert_eq!(result.get("state").unwrap().to_string(), "absent");
    assert!(host.text("/srv/d/f").is_none());
    assert_eq!(refused(&host, [("path", "/srv/d")]), "file (/srv/d) is absent, cannot continue");
    assert_eq!(refused(&host, [("path", "/srv"), ("state", "file")]), "file (/srv) is directory, cannot continue");
    let msg = refused(&host, [("path", "/srv"), ("state", "file"), ("recurse", "yes")]);
    assert_eq!(msg, "recurse option requires state to be 'directory'");
}

#[test]
fn touching() {
    let host = FakeHost::new();
    let first = run(&host, [("path", "/etc/t"), ("state", "touch"), ("mode", "0600")]);
    assert_eq!(first.get("dest").unwrap().to_string(), "/etc/t");
    assert_eq!(host.mode("/etc/t"), Some(0o600));
    let kept = [("path", "/etc/t"), ("state", "touch"), ("modification_time", "preserve"), ("access_time", "preserve")];
    assert_eq!(run(&host, kept).get("changed"), Some(&Value::Bool(false)));
    let set = [("path", "/etc/t"), ("state", "file"), ("modification_time", "202001020304.05")];
    assert_eq!(run(&host, set).get("changed"), Some(&Value::Bool(true)));
}
