//! `stat`: what is at a path.

use super::file::checksum::{Algorithm, of_file};
use super::file::errno::{failed, reason};
use super::file::paths::{expand, real, text};
use super::file::selinux;
use crate::module::{
    Command, Example, Failure, FileInfo, FileKind, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec,
};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};

crate::module_args! {
    /// Arguments of `stat`.
    pub struct Args {
        /// The path.
        [aliases("dest", "name")] path: PathBuf,
        /// Whether a link means what it leads to.
        follow: bool = false,
        /// Take the checksum of a regular file that can be read.
        get_checksum: bool = true,
        /// The checksum's algorithm.
        [aliases("checksum", "checksum_algo")] checksum_algorithm: Algorithm = Algorithm::Sha1,
        /// Ask file(1) for the kind of content.
        [aliases("mime", "mime_type", "mime-type")] get_mime: bool = true,
        /// Ask lsattr(1) for flags.
        [aliases("attr", "attributes")] get_attributes: bool = true,
        /// Tell the SELinux context: user, role, type and level, each null without a policy.
        get_selinux_context: bool = false,
    }
}

/// The module.
pub struct Stat;

impl Module for Stat {
    type Args = Args;
    type State = Map;
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.stat",
        aliases: &["stat", "ansible.legacy.stat"],
        summary: "Tells what is at a path: kind, owner, permissions, times, checksum.",
        returns: &[ReturnSpec { name: "stat", doc: "What is there; exists alone when nothing is." }],
        examples: &[Example {
            title: "Whether a file is there",
            yaml: "ansible.builtin.stat:\n  path: /etc/app.conf\n",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Map, Failure> {
        let path = expand(host, &args.path);
        let info = if args.follow { host.stat(&path) } else { host.lstat(&path) };
        let info = info.map_err(|error| Failure::new(reason(&error)).with("exists", false))?;
        match info {
            Some(info) => describe(args, host, &path, &info),
            None => Ok(Map::from([("exists".into(), false.into())])),
        }
    }

    fn plan(&self, _: &Args, stat: &Map) -> Result<Plan<()>, Failure> {
        Ok(Plan::nothing().with("stat", stat.clone()))
    }

    fn apply(&self, _: &Args, _: &Plan<()>, _: &dyn Host) -> Result<Outcome, Failure> {
        Ok(Outcome::new())
    }
}

fn describe(args: &Args, host: &dyn Host, path: &Path, info: &FileInfo) -> Result<Map, Failure> {
    let mut stat = of_info(path, info);
    let mut add = |name: &str, value: Value| {
        stat.insert(name.into(), value);
    };
    add("readable", host.access(path, 4).into());
    add("writeable", host.access(path, 2).into());
    add("executable", host.access(path, 1).into());
    if let Some(user) = host.user_by_id(info.uid).ok().flatten() {
        add("pw_name", user.name.into());
    }
    if let Some(group) = host.group_by_id(info.gid).ok().flatten() {
        add("gr_name", group.name.into());
    }
    if info.kind == FileKind::Symlink {
        add("lnk_source", text(&real(host, path)).into());
        add("lnk_target", text(&host.read_link(path).map_err(failed("reading the link failed", path))?).into());
    }
    if args.get_checksum && info.kind == FileKind::File && host.access(path, 4) {
        add("checksum", of_file(host, path, args.checksum_algorithm)?.into());
    }
    if args.get_mime {
        let (kind, charset) = mime(host, path);
        add("mimetype", kind.into());
        add("charset", charset.into());
    }
    if args.get_selinux_context {
        add("selinux_context", selinux_context(host, path)?);
    }
    if args.get_attributes {
        let (version, flags) = flags(host, path);
        let names = flags.chars().filter_map(flag_name).map(Value::str).collect();
        add("version", version.into());
        add("attributes", Value::list(names));
        add("attr_flags", flags.into());
    }
    Ok(stat)
}

fn selinux_context(host: &dyn Host, path: &Path) -> Result<Value, Failure> {
    let context = if selinux::enabled(host) { selinux::context(host, path)? } else { String::new() };
    let mut parts: Vec<Value> = context.splitn(4, ':').filter(|part| !part.is_empty()).map(Value::str).collect();
    parts.resize(4, Value::Null);
    Ok(Value::list(parts))
}

/// The values that stat(2) knows.
pub fn of_info(path: &Path, info: &FileInfo) -> Map {
    let kind = |kind| Value::Bool(info.kind == kind);
    let bit = |bit: u32| Value::Bool(info.mode & bit != 0);
    let entries: [(&str, Value); 34] = [
        ("exists", true.into()),
        ("path", text(path).into()),
        ("mode", format!("{:04o}", info.mode).into()),
        ("isdir", kind(FileKind::Directory)),
        ("ischr", kind(FileKind::CharDevice)),
        ("isblk", kind(FileKind::BlockDevice)),
        ("isreg", kind(FileKind::File)),
        ("isfifo", kind(FileKind::Fifo)),
        ("islnk", kind(FileKind::Symlink)),
        ("issock", kind(FileKind::Socket)),
        ("uid", info.uid.into()),
        ("gid", info.gid.into()),
        ("size", info.size.into()),
        ("inode", info.inode.into()),
        ("dev", info.device.into()),
        ("nlink", info.links.into()),
        ("atime", info.atime.into()),
        ("mtime", info.mtime.into()),
        ("ctime", info.ctime.into()),
        ("wusr", bit(0o200)),
        ("rusr", bit(0o400)),
        ("xusr", bit(0o100)),
        ("wgrp", bit(0o020)),
        ("rgrp", bit(0o040)),
        ("xgrp", bit(0o010)),
        ("woth", bit(0o002)),
        ("roth", bit(0o004)),
        ("xoth", bit(0o001)),
        ("isuid", bit(0o4000)),
        ("isgid", bit(0o2000)),
        ("blocks", info.blocks.into()),
        ("disk_usage_bytes", (info.blocks * 512).into()),
        ("block_size", info.block_size.into()),
        ("device_type", info.rdev.into()),
    ];
    entries.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

/// The kind of content and its character set, by file(1).
fn mime(host: &dyn Host, path: &Path) -> (String, String) {
    let unknown = || ("unknown".to_owned(), "unknown".to_owned());
    let Some(program) = host.which("file") else { return unknown() };
    let command = Command::new([program.into_os_string(), "--mime-type".into(), "--mime-encoding".into(), path.into()]);
    let Ok(output) = host.run(&command) else { return unknown() };
    let text = output.stdout_text();
    let Some((_, kind)) = text.trim_end().rsplit_once(':').filter(|_| output.success()) else { return unknown() };
    // Of a link that leads nowhere file(1) tells no character set.
    let Some((kind, charset)) = kind.split_once(';') else { return unknown() };
    let charset = charset.trim().strip_prefix("charset=").unwrap_or("unknown");
    (kind.trim().to_owned(), charset.to_owned())
}

/// The inode's version and its flags, by lsattr(1).
fn flags(host: &dyn Host, path: &Path) -> (Option<String>, String) {
    let nothing = (None, String::new());
    let Some(program) = host.which("lsattr") else { return nothing };
    let command = Command::new([program.into_os_string(), "-vd".into(), path.into()]);
    let Ok(output) = host.run(&command) else { return nothing };
    if !output.success() {
        return nothing;
    }
    let text = output.stdout_text();
    let mut words = text.split_whitespace();
    let version = words.next().map(str::to_owned);
    (version, words.next().unwrap_or_default().replace('-', ""))
}

fn flag_name(flag: char) -> Option<&'static str> {
    Some(match flag {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};

    #[test]
    fn describes_files_and_links() {
        let host = FakeHost::new()
            .with_file("/etc/f", "abc", 0o640)
            .with_link("/etc/l", "f")
            .with_program("lsattr")
            .with_program("file")
            .with_command(&["lsattr", "-vd"], 0, "42 ----i---------e------- /etc/f\n")
            .with_command(&["file"], 0, "/etc/f: text/plain; charset=us-ascii\n");
        let run = |path: &str| {
            let args = Map::from([("path".into(), path.into())]);
            Stat.run(&args, RunFlags::default(), &host).unwrap().result.get("stat").unwrap().clone()
        };
        let file = run("/etc/f");
        let shown = |key: &str| file.get(key).unwrap().to_string();
        assert_eq!((shown("mode"), shown("isreg"), shown("pw_name")), ("0640".into(), "True".into(), "root".into()));
        assert_eq!(shown("checksum"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!((shown("attributes"), shown("version")), ("['immutable', 'extents']".into(), "42".into()));
        assert_eq!((shown("mimetype"), shown("charset")), ("text/plain".into(), "us-ascii".into()));
        let link = run("/etc/l");
        assert_eq!(link.get("lnk_source").unwrap().to_string(), "/etc/f");
        assert!(link.get("checksum").is_none());
        assert_eq!(run("/etc/no").to_string(), "{'exists': False}");
    }
}
