//! A terminal for programs that ask for a password only on one.

use crate::transport::tail;
use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

/// Both sides of a pseudo-terminal. The user's side is held too, so that its settings can be seen
/// before and after a program has it open.
pub(super) struct Pty {
    master: File,
    slave: File,
}

/// What appears on the terminal.
pub(super) struct Screen(Arc<Mutex<Vec<u8>>>);

impl Pty {
    pub(super) fn open() -> io::Result<Pty> {
        // SAFETY: plain system calls; each result is checked, and the descriptor is owned here alone.
        let master = unsafe {
            let fd = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            let master = OwnedFd::from_raw_fd(fd);
            if libc::grantpt(fd) != 0 || libc::unlockpt(fd) != 0 {
                return Err(io::Error::last_os_error());
            }
            master
        };
        let mut name = [0; 128];
        // SAFETY: the buffer is as long as said, and ends with a zero byte after success.
        let path = unsafe {
            if libc::ptsname_r(master.as_raw_fd(), name.as_mut_ptr(), name.len()) != 0 {
                return Err(io::Error::last_os_error());
            }
            PathBuf::from(std::ffi::OsStr::from_bytes(CStr::from_ptr(name.as_ptr()).to_bytes()))
        };
        let slave = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(path)?;
        Ok(Pty { master: File::from(master), slave })
    }

    /// The side that a program sees.
    pub(super) fn user_side(&self) -> io::Result<OwnedFd> {
        Ok(OwnedFd::from(self.slave.try_clone()?))
    }

    /// Makes it the controlling terminal of the command, in a session of its own. The command must
    /// not be put into a process group before.
    pub(super) fn control(&self, command: &mut Command) {
        let fd = self.slave.as_raw_fd();
        // SAFETY: only async-signal-safe calls on a descriptor that the child inherits.
        unsafe {
            command.pre_exec(move || {
                if libc::setsid() < 0 {
                    return Err(io::Error::last_os_error());
                }
                if libc::ioctl(fd, libc::TIOCSCTTY, 0) < 0 {
                    return Err(io::Error::last_os_error());
                }
                Ok(())
            });
        }
    }

    /// Whether somebody reads from it in secret.
    pub(super) fn echo_is_off(&self) -> bool {
        // SAFETY: termios is plain data and filled by the call.
        unsafe {
            let mut settings: libc::termios = std::mem::zeroed();
            libc::tcgetattr(self.master.as_raw_fd(), &raw mut settings) == 0 && settings.c_lflag & libc::ECHO == 0
        }
    }

    /// Types a line.
    pub(super) fn type_line(&self, text: &str) -> io::Result<()> {
        let line = crate::transport::Secret::new(format!("{text}\n"));
        (&self.master).write_all(line.expose().as_bytes())
    }

    /// Collects what appears, until nobody has the terminal open.
    pub(super) fn listen(&self) -> io::Result<Screen> {
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut master, kept) = (self.master.try_clone()?, screen.clone());
        std::thread::Builder::new().name("terminal".into()).spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = master.read(&mut buffer) {
                tail(&mut kept.lock().unwrap_or_else(PoisonError::into_inner), &buffer[..count]);
            }
        })?;
        Ok(Screen(screen))
    }
}

impl Screen {
    /// All of it, tidied.
    pub(super) fn text(&self) -> String {
        // The reader may be a moment behind.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8_lossy(&bytes).replace('\r', "");
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// How many lines end in a colon: prompts.
    pub(super) fn questions(&self) -> usize {
        self.text().lines().filter(|line| line.ends_with([':', '：'])).count()
    }
}
