//! What mounting changes on the host, step by step, and how it is put back.

use super::Args;
use crate::module::{Failure, Host, WriteOptions};
use crate::modules::file::backup;
use crate::modules::program;
use std::path::{Path, PathBuf};

/// What is put back when a later step fails.
#[derive(Default)]
pub(super) struct Undo {
    /// The text that fstab had; `Some(None)` when there was no file.
    pub(super) fstab: Option<Option<Vec<u8>>>,
    folders: Vec<PathBuf>,
}

impl Undo {
    pub(super) fn run(&self, args: &Args, host: &dyn Host) -> Result<(), Failure> {
        let file = args.file();
        let back = |error: std::io::Error| program::file_failure("put back", file, &error);
        match &self.fstab {
            None => {}
            Some(None) => host.remove_file(file).map_err(back)?,
            Some(Some(text)) => host.write(file, &mut text.as_slice(), &WriteOptions::default()).map_err(back)?,
        }
        for folder in self.folders.iter().rev() {
            // One that is in use stays.
            program::run(host, &program::plain(&["rmdir", &folder.to_string_lossy()]))?;
        }
        Ok(())
    }
}

/// Writes fstab, and says where the copy of the old one is.
pub(super) fn write_fstab(
    args: &Args,
    text: &str,
    host: &dyn Host,
    undo: &mut Undo,
) -> Result<Option<String>, Failure> {
    let file = args.file();
    let could_not = |error| program::file_failure("write", file, &error);
    let old = match host.stat(file).map_err(could_not)? {
        None => None,
        Some(_) => Some(host.read(file).map_err(could_not)?),
    };
    let copy = if args.backup { backup::make(host, file)? } else { None };
    host.write(file, &mut text.as_bytes(), &WriteOptions::default()).map_err(could_not)?;
    undo.fstab = Some(old);
    Ok(copy.map(|copy| copy.to_string_lossy().into_owned()))
}

/// Makes folders, outermost first.
pub(super) fn make_folders(folders: &[PathBuf], host: &dyn Host, undo: &mut Undo) -> Result<(), Failure> {
    for folder in folders {
        host.create_dir(folder).map_err(|error| program::file_failure("make", folder, &error))?;
        undo.folders.push(folder.clone());
    }
    Ok(())
}

/// Runs a program that has to succeed, and hides the options when the task says so.
pub(super) fn run(args: &Args, host: &dyn Host, doing: &str, argv: &[String]) -> Result<(), Failure> {
    program::succeed(host, &program::plain(argv)).map(|_| ()).map_err(|mut failure| {
        failure.msg = format!("Error {doing} {}: {}", args.path, failure.msg);
        if args.opts_no_log { hide(args, failure) } else { failure }
    })
}

/// The failure without the command, and without the options' values where the program repeated them.
fn hide(args: &Args, failure: Failure) -> Failure {
    let opts = args.opts.as_deref().unwrap_or_default();
    let values: Vec<&str> = opts.split(',').filter_map(|opt| opt.split_once('=').map(|(_, value)| value)).collect();
    let masked = |text: &str| {
        values
            .iter()
            .filter(|value| !value.is_empty())
            .fold(text.to_owned(), |text, value| text.replace(value, "********"))
    };
    let mut hidden = Failure::new(masked(&failure.msg));
    for (key, value) in failure.returns {
        match value.as_str().map(&masked) {
            _ if key.to_string() == "cmd" => {}
            Some(text) => hidden = hidden.with(&key.to_string(), text),
            None => hidden = hidden.with(&key.to_string(), value),
        }
    }
    hidden
}

/// Mounts again: by the first command, or else by unmounting and the second.
pub(super) fn remount(
    args: &Args,
    host: &dyn Host,
    path: &str,
    again: &[String],
    anew: Option<&[String]>,
) -> Result<(), Failure> {
    match (run(args, host, "remounting", again), anew) {
        (Ok(()), _) => Ok(()),
        (Err(failure), None) => Err(failure),
        // FUSE file systems know no remount.
        (Err(_), Some(anew)) => {
            run(args, host, "remounting", &["umount".into(), path.into()])?;
            run(args, host, "remounting", anew)
        }
    }
}

/// Removes the mount point, if it is there and empty.
pub(super) fn remove_folder(args: &Args, host: &dyn Host, path: &str) -> Result<(), Failure> {
    let there =
        host.lstat(Path::new(path)).map_err(|error| program::file_failure("look at", Path::new(path), &error))?;
    match there {
        None => Ok(()),
        Some(_) => run(args, host, "removing", &["rmdir".into(), path.into()]),
    }
}
