//! Backups of files that are about to change: `path.PID.YYYY-MM-DD@HH:MM:SS~`.

use super::errno::failed;
use super::time::written;
use crate::module::{Failure, Host, WriteOptions};
use std::path::{Path, PathBuf};

/// Copies the file with owner, mode and times; None when there is none.
pub fn make(host: &dyn Host, path: &Path) -> Result<Option<PathBuf>, Failure> {
    let could_not = failed("Could not make backup", path);
    let Some(info) = host.stat(path).map_err(&could_not)? else { return Ok(None) };
    let stamp = written(host.now(), c"%Y-%m-%d@%H:%M:%S~");
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.{stamp}", std::process::id()));
    let backup = PathBuf::from(name);
    let options = WriteOptions {
        mode: Some(info.mode),
        uid: (host.euid() == 0).then_some(info.uid),
        gid: (host.euid() == 0).then_some(info.gid),
        ..WriteOptions::default()
    };
    let mut content = host.open(path).map_err(&could_not)?;
    host.write(&backup, &mut content, &options).map_err(&could_not)?;
    host.set_times(&backup, Some(info.atime), Some(info.mtime), true).map_err(&could_not)?;
    Ok(Some(backup))
}
