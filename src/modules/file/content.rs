//! Putting content into a file: backup, check, owner and mode from the start, atomically.

use super::attributes::Wanted;
use super::errno::{failed, reason};
use super::paths::text;
use super::{backup, validate};
use crate::module::{Failure, Host, WriteOptions};
use crate::value::Map;
use std::io::Read;
use std::path::Path;

/// How content is put into a file.
#[derive(Debug, Clone, Default)]
pub struct Put {
    /// What is wanted beside the content.
    pub wanted: Wanted,
    /// Keep the old content beside it.
    pub backup: bool,
    /// A command that must accept the new content.
    pub validate: Option<String>,
    /// Write in place where the file cannot be replaced.
    pub unsafe_writes: bool,
    /// Nothing of what was there stays: the file is as if it were new, with these permission bits.
    pub fresh: Option<u32>,
}

/// Puts content in place. Returns the entries for the result: `backup_file`, if one was made.
pub fn put(host: &dyn Host, path: &Path, content: &mut dyn Read, how: &Put) -> Result<Map, Failure> {
    let mut returns = Map::new();
    let old = host.stat(path).map_err(failed("stat failed", path))?;
    let uid = known(&how.wanted.owner, how.wanted.uid(host)?, "chown", "user")?;
    let gid = known(&how.wanted.group, how.wanted.gid(host)?, "chgrp", "group")?;
    let base = how.fresh.or(old.as_ref().map(|old| old.mode)).unwrap_or_else(|| 0o666 & !host.umask());
    let options = WriteOptions {
        mode: how.wanted.bits(host, base, false)?.or(how.fresh),
        uid: uid.or(how.fresh.map(|_| host.euid())).filter(|uid| old.as_ref().is_none_or(|old| old.uid != *uid)),
        gid: gid.filter(|gid| old.as_ref().is_none_or(|old| old.gid != *gid)),
        unsafe_writes: how.unsafe_writes,
        validate: None,
    };
    let mut checked: Box<dyn Read + Send>;
    let content = match &how.validate {
        None => content,
        Some(command) => {
            checked = check(host, path, content, &options, command)?;
            &mut checked
        }
    };
    if how.backup
        && let Some(backup) = backup::make(host, path)?
    {
        returns.insert("backup_file".into(), text(&backup).into());
    }
    host.write(path, content, &options).map_err(|error| {
        Failure::new(format!("Could not write {}: {}", path.display(), reason(&error))).with("path", text(path))
    })?;
    how.wanted.ensure(host, path)?;
    Ok(returns)
}

fn known(name: &Option<String>, id: Option<u32>, what: &str, kind: &str) -> Result<Option<u32>, Failure> {
    match (name, id) {
        (Some(name), None) => Err(Failure::new(format!("{what} failed: failed to look up {kind} {name}"))),
        _ => Ok(id),
    }
}

/// Writes the content elsewhere first, with its owner and mode, and lets the task's command look.
fn check(
    host: &dyn Host,
    path: &Path,
    content: &mut dyn Read,
    options: &WriteOptions,
    command: &str,
) -> Result<Box<dyn Read + Send>, Failure> {
    // Some checkers go by the name's ending.
    let name = path.file_name().unwrap_or_default();
    let could_not = failed("Could not write for validation", path);
    let new = host.temp_dir().map_err(&could_not)?.join(name);
    let options = WriteOptions { mode: Some(options.mode.unwrap_or(0o600)), validate: None, ..options.clone() };
    host.write(&new, content, &options).map_err(&could_not)?;
    if let Some(output) = validate::refused(host, command, &new)? {
        return Err(Failure::new("failed to validate")
            .with("exit_status", output.rc)
            .with("stdout", output.stdout_text())
            .with("stderr", output.stderr_text()));
    }
    host.open(&new).map_err(&could_not)
}
