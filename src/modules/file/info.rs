//! What results say of a path: uid, gid, owner, group, mode, state, size.

use super::errno::failed;
use super::mode::octal;
use super::selinux;
use crate::module::{Failure, FileKind, Host};
use crate::value::{Map, Value};
use std::path::Path;

/// Ansible's word for what is at a path: absent, link, directory, hard or file.
pub fn state(host: &dyn Host, path: &Path) -> Result<&'static str, Failure> {
    let info = host.lstat(path).map_err(failed("stat failed", path))?;
    Ok(match info {
        None => "absent",
        Some(info) if info.kind == FileKind::Symlink => "link",
        Some(info) if info.kind == FileKind::Directory => "directory",
        Some(info) if info.links > 1 => "hard",
        Some(_) => "file",
    })
}

/// The entries for a result; none where nothing is, or a link leads nowhere.
pub fn entries(host: &dyn Host, path: &Path) -> Result<Map, Failure> {
    let there = host.stat(path).map_err(failed("stat failed", path))?;
    let (Some(_), Some(info)) = (there, host.lstat(path).map_err(failed("stat failed", path))?) else {
        return Ok(Map::new());
    };
    let owner = host.user_by_id(info.uid).ok().flatten().map_or_else(|| info.uid.to_string(), |user| user.name);
    let group = host.group_by_id(info.gid).ok().flatten().map_or_else(|| info.gid.to_string(), |group| group.name);
    let mut entries = Map::from([
        ("uid".into(), Value::from(info.uid)),
        ("gid".into(), Value::from(info.gid)),
        ("owner".into(), Value::from(owner)),
        ("group".into(), Value::from(group)),
        ("mode".into(), Value::from(octal(info.mode))),
        ("state".into(), Value::from(state(host, path)?)),
        ("size".into(), Value::from(info.size)),
    ]);
    if selinux::enabled(host) {
        entries.insert("secontext".into(), selinux::context(host, path)?.into());
    }
    Ok(entries)
}

/// A failure with the entries of the path that it names.
pub fn described(host: &dyn Host, mut failure: Failure) -> Failure {
    let path = failure.returns.get("path").or_else(|| failure.returns.get("dest")).and_then(Value::as_str);
    if let Some(entries) = path.and_then(|path| entries(host, Path::new(path)).ok()) {
        failure.returns.extend(entries);
    }
    failure
}
