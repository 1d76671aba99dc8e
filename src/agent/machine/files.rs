//! Files: what stat(2) says, modes, owners, times, and links that replace what is there.

use crate::module::{FileInfo, FileKind};
use std::ffi::{CString, OsStr, OsString};
use std::fs::{DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A stat result; None when nothing is there.
pub(super) fn info(result: io::Result<Metadata>) -> io::Result<Option<FileInfo>> {
    match result {
        Ok(metadata) => Ok(Some(from_metadata(&metadata))),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn from_metadata(metadata: &Metadata) -> FileInfo {
    let kind = metadata.file_type();
    let kind = match () {
        () if kind.is_symlink() => FileKind::Symlink,
        () if kind.is_dir() => FileKind::Directory,
        () if kind.is_fifo() => FileKind::Fifo,
        () if kind.is_socket() => FileKind::Socket,
        () if kind.is_block_device() => FileKind::BlockDevice,
        () if kind.is_char_device() => FileKind::CharDevice,
        () => FileKind::File,
    };
    let seconds = |whole: i64, nanoseconds: i64| whole as f64 + nanoseconds as f64 * 1e-9;
    FileInfo {
        kind,
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        size: metadata.size(),
        atime: seconds(metadata.atime(), metadata.atime_nsec()),
        mtime: seconds(metadata.mtime(), metadata.mtime_nsec()),
        ctime: seconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
        device: metadata.dev(),
        links: metadata.nlink(),
        blocks: metadata.blocks(),
        block_size: metadata.blksize(),
        rdev: metadata.rdev(),
    }
}

/// The path as the system wants it.
pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

/// Turns a system call's result into an io result.
pub(super) fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// access(2) with the effective ids.
pub(super) fn access(path: &Path, wanted: u32) -> bool {
    let Ok(path) = c_path(path) else { return false };
    // SAFETY: the path is a valid C string for the call.
    unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), wanted as libc::c_int, libc::AT_EACCESS) == 0 }
}

/// Sets the permission bits.
pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}

/// utimensat(2).
pub(super) fn set_times(path: &Path, atime: Option<f64>, mtime: Option<f64>, follow: bool) -> io::Result<()> {
    let spec = |time: Option<f64>| match time {
        Some(time) => libc::timespec {
            tv_sec: time.floor() as libc::time_t,
            tv_nsec: ((time - time.floor()) * 1e9) as libc::c_long,
        },
        None => libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_OMIT },
    };
    let times = [spec(atime), spec(mtime)];
    let path = c_path(path)?;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: the path is a valid C string and `times` has two entries, as the call wants.
    check(unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), times.as_ptr(), flags) })
}

/// The effective user.
pub(super) fn euid() -> u32 {
    // SAFETY: the call cannot fail and touches no memory.
    unsafe { libc::geteuid() }
}

/// The umask, read without setting it (other threads create files meanwhile).
pub(super) fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))
        .and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok())
        .unwrap_or(0o022)
}

/// Makes the directory and its parents; the directory itself is the user's alone.
pub(super) fn private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// A name beside `path` that nobody uses: `.rplay_` + number + the name, cut to what a name may have.
pub(super) fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanoseconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |t| t.subsec_nanos());
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(format!(".rplay_{:x}{number:x}{nanoseconds:x}", std::process::id()));
    let old = path.file_name().unwrap_or_default().as_bytes();
    name.push(OsStr::from_bytes(&old[..old.len().min(200)]));
    path.with_file_name(name)
}

/// Makes a link by `make`, over an existing file or link without a moment in which neither is there.
pub(super) fn replace_link(link: &Path, make: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    match make(link) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => return result,
    }
    let temporary = beside(link);
    make(&temporary)?;
    let renamed = std::fs::rename(&temporary, link);
    // Renaming one hard link of a file over another does nothing, so the temporary one may stay.
    if temporary.symlink_metadata().is_ok() {
        std::fs::remove_file(&temporary)?;
    }
    renamed
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn links_replace_files_and_themselves() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "x").unwrap();
        std::fs::write(&link, "old").unwrap();
        replace_link(&link, |at| std::os::unix::fs::symlink(&file, at)).unwrap();
        assert_eq!(std::fs::read_link(&link).unwrap(), file);
        for _ in 0..2 {
            replace_link(&link, |at| std::fs::hard_link(&file, at)).unwrap();
        }
        assert_eq!(std::fs::metadata(&file).unwrap().nlink(), 2);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn times_and_kinds() {
        let dir = tempfile::tempdir().unwrap();
        set_times(dir.path(), None, Some(1234.5), true).unwrap();
        let info = info(std::fs::metadata(dir.path())).unwrap().unwrap();
        assert_eq!((info.kind, info.mtime), (FileKind::Directory, 1234.5));
        assert_eq!(super::info(std::fs::metadata(dir.path().join("no"))).unwrap(), None);
    }
}
