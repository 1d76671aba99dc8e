//! Mounted file systems with their sizes.

use super::devices;
use crate::module::Host;
use crate::modules::setup::{files, kernel};
use crate::value::{Key, Map, Value};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

/// One line of /proc/mounts.
struct Mount {
    device: String,
    path: String,
    kind: String,
    options: String,
    dump: i64,
    pass: i64,
}

/// `mounts`. A network file system that does not answer within `patience` is listed without sizes.
pub fn facts(host: &dyn Host, patience: Duration) -> Value {
    let table = files::text(host, "/etc/mtab").or_else(|| files::text(host, "/proc/mounts")).unwrap_or_default();
    let binds = bind_mounts(&files::text(host, "/proc/self/mountinfo").unwrap_or_default());
    let uuids = devices::uuids(host);
    let mut shown = Vec::new();
    for mount in table.lines().filter_map(parse) {
        let real = mount.device.starts_with(['/', '\\']) || mount.device.contains(":/");
        if !real || mount.kind == "none" {
            continue;
        }
        let mut options = mount.options.clone();
        if binds.contains(&mount.path) && !options.split(',').any(|option| option == "bind") {
            options += ",bind";
        }
        let name = files::link_name(host, &mount.device).unwrap_or_default();
        let uuid = uuids.get(&name).and_then(|names| names.first().cloned()).unwrap_or_else(|| "N/A".into());
        let mut facts = Map::from([
            ("mount".into(), Value::str(&mount.path)),
            ("device".into(), Value::str(&mount.device)),
            ("fstype".into(), Value::str(&mount.kind)),
            ("options".into(), Value::from(options)),
            ("dump".into(), Value::from(mount.dump)),
            ("passno".into(), Value::from(mount.pass)),
        ]);
        match sizes(&mount, patience) {
            Ok(sizes) => facts.extend(sizes),
            Err(note) => {
                facts.insert("note".into(), Value::str(note));
            }
        }
        facts.insert("uuid".into(), Value::from(uuid));
        shown.push(Value::map(facts));
    }
    Value::list(shown)
}

fn parse(line: &str) -> Option<Mount> {
    let fields: Vec<String> = line.split_whitespace().map(unescape).collect();
    let number = |at: usize| fields.get(at).and_then(|text| text.parse().ok()).unwrap_or(0);
    let field = |at: usize| fields.get(at).cloned();
    Some(Mount {
        device: field(0)?,
        path: field(1)?,
        kind: field(2)?,
        options: field(3)?,
        dump: number(4),
        pass: number(5),
    })
}

/// Octal escapes of blanks in /proc/mounts.
fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match octal.filter(|_| *first == b'\\') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Mount points that show a part of a file system that has another root.
fn bind_mounts(info: &str) -> Vec<String> {
    let bind = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        (fields.get(3)? != &"/").then(|| unescape(fields[4]))
    };
    info.lines().filter_map(bind).collect()
}

fn sizes(mount: &Mount, patience: Duration) -> Result<Map, &'static str> {
    let path = PathBuf::from(&mount.path);
    let remote = mount.device.contains(":/") || mount.device.starts_with("//") || mount.kind.starts_with("fuse");
    let found = match remote {
        false => kernel::file_system(&path),
        true => {
            // The call may never return: it waits in a thread of its own, that is left behind then.
            let (sender, receiver) = mpsc::channel();
            std::thread::spawn(move || sender.send(kernel::file_system(&path)));
            receiver.recv_timeout(patience).map_err(|_| "Timed out while getting the size of the file system")?
        }
    };
    let found = found.unwrap_or(kernel::FileSystem {
        block_size: 0,
        fragment_size: 0,
        blocks: 0,
        available: 0,
        inodes: 0,
        inodes_available: 0,
    });
    let numbers = [
        ("size_total", found.fragment_size * found.blocks),
        ("size_available", found.fragment_size * found.available),
        ("block_size", found.block_size),
        ("block_total", found.blocks),
        ("block_available", found.available),
        ("block_used", found.blocks.saturating_sub(found.available)),
        ("inode_total", found.inodes),
        ("inode_available", found.inodes_available),
        ("inode_used", found.inodes.saturating_sub(found.inodes_available)),
    ];
    Ok(numbers.into_iter().map(|(name, number)| (Key::from(name), Value::from(number))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_binds() {
        assert_eq!(unescape("/mnt/a\\040b"), "/mnt/a b");
        let info = "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 8:1 /srv /mnt/x\\040y rw - ext4 /dev/sda1 rw\n";
        assert_eq!(bind_mounts(info), ["/mnt/x y"]);
    }
}
