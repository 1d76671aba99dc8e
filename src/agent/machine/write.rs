//! Writing a file so that its readers see the old content or the new one, never a part.

use super::{Machine, files, selinux};
use crate::module::{Command, Host, WriteOptions};
use crate::transport::shell_words;
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use tempfile::NamedTempFile;

/// Puts content in place. What replaces a file has its owner, mode and extended attributes, unless
/// the options say otherwise.
pub(super) fn write(machine: &Machine, path: &Path, content: &mut dyn Read, options: &WriteOptions) -> io::Result<()> {
    let old = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::Error::from_raw_os_error(libc::EISDIR)),
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut new = match temporary_beside(path) {
        Ok(new) => new,
        Err(_) if options.unsafe_writes && old.is_some() => {
            return write_elsewhere(machine, path, content, options);
        }
        Err(error) => return Err(error),
    };
    fill(machine, &mut new, content, options)?;
    set_attributes(new.as_file(), path, old.as_ref(), options)?;
    new.as_file().sync_all()?;
    match new.persist(path) {
        Ok(_) => {}
        Err(failed) if options.unsafe_writes && old.is_some() && is_busy(&failed.error) => {
            return overwrite(path, &mut failed.file.reopen()?, options);
        }
        Err(failed) => return Err(failed.error),
    }
    if let Some(parent) = path.parent() {
        // The new name is safe once its directory is; some file systems cannot sync one.
        let _ = File::open(parent).and_then(|dir| dir.sync_all());
    }
    if old.is_none() {
        selinux::restore(machine, path);
    }
    Ok(())
}

fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.as_bytes();
    let suffix = OsString::from_vec([b".", &name[..name.len().min(200)]].concat());
    tempfile::Builder::new().prefix(".rplay_").suffix(&suffix).tempfile_in(dir).map_err(|error| {
        // The crate tells the path that nobody asked for, and hides the number that modules tell.
        let code = match error.kind() {
            io::ErrorKind::NotFound => libc::ENOENT,
            io::ErrorKind::PermissionDenied => libc::EACCES,
            io::ErrorKind::NotADirectory => libc::ENOTDIR,
            io::ErrorKind::ReadOnlyFilesystem => libc::EROFS,
            io::ErrorKind::StorageFull => libc::ENOSPC,
            _ => return error,
        };
        io::Error::from_raw_os_error(code)
    })
}

/// Whether the place cannot be renamed over: a mount point, or a running program.
fn is_busy(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EBUSY | libc::ETXTBSY | libc::EPERM | libc::EACCES | libc::EXDEV))
}

/// Where nothing can be made beside the file: into a directory of our own, then over the file.
fn write_elsewhere(machine: &Machine, path: &Path, content: &mut dyn Read, options: &WriteOptions) -> io::Result<()> {
    let mut new = NamedTempFile::new_in(machine.temp_dir()?)?;
    fill(machine, &mut new, content, options)?;
    overwrite(path, &mut new.reopen()?, options)
}

fn overwrite(path: &Path, new: &mut File, options: &WriteOptions) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    io::copy(new, &mut file)?;
    set_owner(&file, options.uid, options.gid)?;
    if let Some(mode) = options.mode {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    file.sync_all()
}

fn fill(machine: &Machine, new: &mut NamedTempFile, content: &mut dyn Read, options: &WriteOptions) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => new.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        machine.check_cancelled()?;
    }
    new.flush()?;
    match &options.validate {
        Some(command) => validate(machine, new.path(), command),
        None => Ok(()),
    }
}

/// Runs the task's own check of the new file.
fn validate(machine: &Machine, new: &Path, command: &str) -> io::Result<()> {
    if !command.contains("%s") {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("validate must contain %s: {command}")));
    }
    let words = shell_words(&command.replace("%s", &new.to_string_lossy()))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "validate has an open quotation"))?;
    let output = machine.run(&Command::new(words))?;
    if output.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("failed to validate: rc:{} error:{}", output.rc, output.stderr_text())))
}

/// Owner first, since changing it drops the set-id bits; the mode last.
fn set_attributes(new: &File, path: &Path, old: Option<&Metadata>, options: &WriteOptions) -> io::Result<()> {
    let own = new.metadata()?;
    if let Some(old) = old {
        let other = |kept: u32, own: u32| (kept != own).then_some(kept);
        let kept = (other(old.uid(), own.uid()), other(old.gid(), own.gid()));
        // Who may not give files away gets the content in place all the same, as in Ansible.
        match set_owner(
            new,
            options.uid.is_none().then_some(kept.0).flatten(),
            options.gid.is_none().then_some(kept.1).flatten(),
        ) {
            Err(error) if error.raw_os_error() != Some(libc::EPERM) => return Err(error),
            _ => {}
        }
        copy_xattrs(path, new);
    }
    set_owner(new, options.uid, options.gid)?;
    let mode = options.mode.or(old.map(|old| old.mode() & 0o7777)).unwrap_or_else(|| 0o666 & !files::umask());
    new.set_permissions(Permissions::from_mode(mode))
}

fn set_owner(file: &File, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, uid, gid)
}

/// Copies extended attributes (access lists, SELinux's context, capabilities' kin), as far as the
/// file system and our rights allow.
fn copy_xattrs(from: &Path, to: &File) {
    let Ok(from) = files::c_path(from) else { return };
    let mut names = vec![0u8; 4096];
    // SAFETY: the buffer is valid for its length.
    let length = unsafe { libc::listxattr(from.as_ptr(), names.as_mut_ptr().cast(), names.len()) };
    let names = names.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default();
    for name in names.split_inclusive(|byte| *byte == 0) {
        let mut value = vec![0u8; 64 * 1024];
        // SAFETY: the name ends in a zero byte, and the buffer is valid for its length.
        let length =
            unsafe { libc::getxattr(from.as_ptr(), name.as_ptr().cast(), value.as_mut_ptr().cast(), value.len()) };
        if let Ok(length) = usize::try_from(length) {
            // SAFETY: as above; `length` bytes of the buffer are set.
            unsafe { libc::fsetxattr(to.as_raw_fd(), name.as_ptr().cast(), value.as_ptr().cast(), length, 0) };
        }
    }
}
