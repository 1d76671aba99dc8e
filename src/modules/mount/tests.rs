//! Tests of the whole module on a machine in memory.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::module::fake::FakeHost;
use crate::module::{AnyModule, Output, RunFlags};
use crate::value::{Map, Value};

const ROOT: &str = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
const MOUNTED: &str = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:50 / /srv/b rw - fuse.s3fs s3fs rw\n31 22 8:1 /home /srv/h rw - ext4 /dev/sda1 rw\n";

fn host(mounts: &str) -> FakeHost {
    FakeHost::new()
        .with_file("/etc/fstab", "# keep\n/dev/sda1 / ext4 ro 0 1\n", 0o644)
        .with_file("/proc/self/mountinfo", mounts, 0o444)
        .with_command(&["mount"], 0, "")
        .with_command(&["umount"], 0, "")
        .on_command(&["rmdir"], |host, command| {
            let gone = host.remove_tree(Path::new(&command.argv[1]));
            Output { rc: i32::from(gone.is_err()), ..Output::default() }
        })
}

fn attempt(host: &FakeHost, state: &str, extra: &[(&str, &str)], check: bool) -> Result<Map, Failure> {
    let mut args = Map::from([("path".into(), "/srv/b".into()), ("state".into(), state.into())]);
    if matches!(state, "mounted" | "present" | "ephemeral") {
        args.extend([("src".into(), "bucket".into()), ("fstype".into(), Value::str("fuse.s3fs"))]);
    }
    args.extend(extra.iter().map(|(key, value)| ((*key).into(), Value::str(value))));
    Mount.run(&args, RunFlags { check, diff: true }, host).map(|run| run.result)
}

fn changed(result: &Map) -> bool {
    result.get("changed").and_then(Value::as_bool).unwrap()
}

#[test]
fn present_writes_one_line_once() {
    let host = host(ROOT);
    let before = host.text("/etc/fstab");
    let opts = [("opts", "_netdev,ro"), ("boot", "no")];
    assert!(changed(&attempt(&host, "present", &opts, true).unwrap()));
    assert_eq!(host.text("/etc/fstab"), before);
    let result = attempt(&host, "present", &opts, false).unwrap();
    assert_eq!(result.get("opts"), Some(&Value::str("_netdev,ro,noauto")));
    assert_eq!(
        host.text("/etc/fstab").unwrap(),
        "# keep\n/dev/sda1 / ext4 ro 0 1\nbucket /srv/b fuse.s3fs _netdev,ro,noauto 0 0\n"
    );
    assert!(!changed(&attempt(&host, "present", &opts, false).unwrap()));
    assert!(host.commands().is_empty());
    assert!(!host.paths().contains(&PathBuf::from("/srv")));
}

#[test]
fn mounted_makes_the_folder_and_mounts_by_fstab() {
    let host = host(ROOT);
    assert!(changed(&attempt(&host, "mounted", &[], false).unwrap()));
    assert_eq!(host.commands(), ["mount /srv/b"]);
    assert!(host.paths().contains(&PathBuf::from("/srv/b")));
}

#[test]
fn mounted_and_in_fstab_is_ok_and_new_options_are_a_remount() {
    let host = host(MOUNTED).with_dir("/srv/b", 0o755);
    attempt(&host, "present", &[], false).unwrap();
    assert!(!changed(&attempt(&host, "mounted", &[], false).unwrap()));
    let host = host.on_command(&["mount", "-o", "remount"], |_, _| Output { rc: 1, ..Output::default() });
    attempt(&host, "mounted", &[("opts", "ro")], false).unwrap();
    assert_eq!(host.commands(), ["mount -o remount /srv/b", "umount /srv/b", "mount /srv/b"]);
    attempt(&host, "mounted", &[("opts", "ro"), ("src", "other")], false).unwrap();
    assert_eq!(host.commands()[3..], ["umount /srv/b", "mount /srv/b"]);
}

#[test]
fn a_failed_mount_puts_fstab_back_and_hides_options() {
    let host = host(ROOT).with_command(&["mount"], 32, "no such bucket");
    let before = host.text("/etc/fstab");
    let args = [("opts", "password=hunter2"), ("opts_no_log", "yes")];
    let failure = attempt(&host, "ephemeral", &args, false).unwrap_err();
    assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    let failure = attempt(&host, "mounted", &args, false).unwrap_err();
    assert_eq!(failure.msg, "Error mounting /srv/b: no such bucket");
    assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    assert_eq!(host.text("/etc/fstab"), before);
    assert_eq!(host.commands().last().unwrap(), "rmdir /srv");
}

#[test]
fn absent_unmounts_and_removes_and_is_then_ok() {
    let host = host(MOUNTED).with_dir("/srv/b", 0o755);
    let before = host.text("/etc/fstab");
    attempt(&host, "present", &[], false).unwrap();
    assert!(changed(&attempt(&host, "absent", &[], false).unwrap()));
    assert_eq!(host.commands(), ["umount /srv/b", "rmdir /srv/b"]);
    assert_eq!(host.text("/etc/fstab"), before);
    let host = super::tests::host(ROOT);
    for state in ["absent", "absent_from_fstab", "unmounted"] {
        assert!(!changed(&attempt(&host, state, &[], false).unwrap()));
    }
}

#[test]
fn remounted_and_ephemeral() {
    let host = host(MOUNTED).with_dir("/srv/b", 0o755).with_dir("/home", 0o755);
    attempt(&host, "remounted", &[], false).unwrap();
    attempt(&host, "ephemeral", &[("src", "s3fs")], false).unwrap();
    let bind = [("path", "/srv/h"), ("src", "/home"), ("fstype", "none"), ("opts", "bind")];
    attempt(&host, "ephemeral", &bind, false).unwrap();
    assert_eq!(
        host.commands(),
        [
            "mount -o remount /srv/b",
            "mount -t fuse.s3fs -o remount,defaults s3fs /srv/b",
            "mount -t none -o remount,bind /home /srv/h"
        ]
    );
    assert!(attempt(&host, "ephemeral", &[], true).unwrap_err().msg.contains("different source"));
    assert!(attempt(&host, "remounted", &[("path", "/x")], true).is_err());
}
