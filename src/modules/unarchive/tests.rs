//! `unarchive` on a machine in memory, with tar's answers.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::module::fake::FakeHost;
use crate::module::{AnyModule, Output, RunFlags};

#[test]
fn unpacks_what_differs() {
    let host = FakeHost::new()
        .with_file("/srv/a.tgz", [0x1f, 0x8b, 0, 0, 0, 0, 0], 0o644)
        .with_dir("/opt/app", 0o755)
        .with_program("tar")
        .with_command(&["tar", "--list"], 0, "d/\nd/f\n")
        .on_command(&["tar", "--diff"], |host, _| match host.text("/opt/app/d/f") {
            Some(_) => Output::default(),
            None => Output {
                rc: 1,
                stderr: b"tar: d: Warning: Cannot stat: No such file or directory\n".to_vec(),
                ..Output::default()
            },
        })
        .on_command(&["tar", "--extract"], |host, command| {
            assert!(command.argv.iter().any(|word| word == "-z"));
            host.create_dir(Path::new("/opt/app/d")).unwrap();
            host.write(Path::new("/opt/app/d/f"), &mut "x".as_bytes(), &WriteOptions::default()).unwrap();
            Output::default()
        });
    let mut args: Map = [
        ("src", "/srv/a.tgz"),
        ("dest", "/opt/app"),
        ("remote_src", "yes"),
        ("list_files", "yes"),
        ("mode", "u=rwX,go="),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), Value::str(value)))
    .collect();
    let run = |args: &Map, check| Unarchive.run(args, RunFlags { check, diff: false }, &host).unwrap().result;
    assert_eq!(run(&args, true).get("changed"), Some(&Value::Bool(true)));
    let done = run(&args, false);
    assert_eq!((done.get("changed"), done.get("handler")), (Some(&Value::Bool(true)), Some(&"TgzArchive".into())));
    assert_eq!(done.get("files").unwrap().to_string(), "['d/', 'd/f']");
    assert_eq!((host.mode("/opt/app/d"), host.mode("/opt/app/d/f")), (Some(0o700), Some(0o600)));
    assert_eq!(run(&args, false).get("changed"), Some(&Value::Bool(false)));
    args.insert("creates".into(), "/opt/app/d".into());
    assert_eq!(run(&args, false).get("msg").unwrap().to_string(), "skipped, since /opt/app/d exists");
}
