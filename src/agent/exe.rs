//! The agent's own program as another user can run it.

use std::ffi::CString;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where copies may lie, best first.
const PLACES: &[&str] = &["/var/tmp", "/tmp", "/run", "/dev/shm"];

/// A path to this process's program. A copy made for it goes when this goes; a process that runs it
/// does not mind.
pub(super) struct Program {
    path: PathBuf,
    copy: Option<PathBuf>,
}

impl Program {
    /// A path that `user` can read and run. Root can read all but what a network file system hides.
    pub(super) fn for_user(user: &str, own_user: &str) -> io::Result<Program> {
        let own = std::fs::read_link("/proc/self/exe").ok().filter(|path| path.exists());
        if let Some(path) = own
            && (user == own_user || open_to_all(&path) || (user == "root" && !is_remote(&path)))
        {
            return Ok(Program { path, copy: None });
        }
        Program::copy()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A copy that everybody may run, in a directory whose name nobody can guess and only we may change.
    fn copy() -> io::Result<Program> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "no directory takes it");
        for place in PLACES.iter().filter(|place| takes_programs(Path::new(place))) {
            let dir = Path::new(place).join(format!("rplay-{}", super::random_name()));
            let path = dir.join("rplay-agent");
            let made = DirBuilder::new().mode(0o711).create(&dir).and_then(|()| {
                // The umask may have taken what others need.
                std::fs::set_permissions(&dir, Permissions::from_mode(0o711))?;
                let mut from = std::fs::File::open("/proc/self/exe")?;
                let mut to = OpenOptions::new().write(true).create_new(true).mode(0o755).open(&path)?;
                io::copy(&mut from, &mut to)?;
                to.set_permissions(Permissions::from_mode(0o755))
            });
            let program = Program { path, copy: Some(dir) };
            match made {
                Ok(()) => return Ok(program),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(dir) = &self.copy {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

/// Whether everybody may run the file and pass every directory above it.
fn open_to_all(path: &Path) -> bool {
    let allows = |path: &Path, bits: u32| std::fs::metadata(path).is_ok_and(|meta| meta.mode() & bits == bits);
    allows(path, 0o005) && path.ancestors().skip(1).all(|dir| allows(dir, 0o001))
}

fn file_system(path: &Path) -> Option<libc::statfs> {
    let path = CString::new(path.as_os_str().as_encoded_bytes()).ok()?;
    // SAFETY: a valid C string; statfs is plain data and filled by the call.
    unsafe {
        let mut info: libc::statfs = std::mem::zeroed();
        (libc::statfs(path.as_ptr(), &raw mut info) == 0).then_some(info)
    }
}

/// Whether the directory is there and mounted so that programs in it run.
fn takes_programs(dir: &Path) -> bool {
    let Ok(path) = CString::new(dir.as_os_str().as_encoded_bytes()) else { return false };
    // SAFETY: a valid C string; statvfs is plain data and filled by the call.
    unsafe {
        let mut info: libc::statvfs = std::mem::zeroed();
        libc::statvfs(path.as_ptr(), &raw mut info) == 0 && info.f_flag & libc::ST_NOEXEC == 0
    }
}

/// Whether root on this machine may be nobody to the file's server.
fn is_remote(path: &Path) -> bool {
    const NFS: i64 = 0x6969;
    const FUSE: i64 = 0x6573_5546;
    const CIFS: i64 = 0xff53_4d42;
    const SMB2: i64 = 0xfe53_4d42;
    #[allow(clippy::unnecessary_cast, reason = "the type differs between machines")]
    file_system(path).is_some_and(|info| [NFS, FUSE, CIFS, SMB2].contains(&(info.f_type as i64 & 0xffff_ffff)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_can_be_run_by_all_and_goes_again() {
        let program = Program::copy().unwrap();
        let path = program.path().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o755);
        assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o711);
        drop(program);
        assert!(!path.parent().unwrap().exists());
        assert!(open_to_all(Path::new("/bin/sh")));
    }
}
