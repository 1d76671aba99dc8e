//! A file descriptor that becomes readable when the job is cancelled, for poll(2).

use crate::agent::CancelToken;
use crate::transport::CancelGuard;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// Readable once the token is cancelled; quiet again for nobody.
pub(super) struct CancelFd {
    fd: Arc<OwnedFd>,
    _guard: CancelGuard,
}

impl CancelFd {
    /// Watches a token.
    pub(super) fn new(token: &CancelToken) -> io::Result<CancelFd> {
        // SAFETY: plain system call; the result is checked.
        let raw = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and nobody else owns it.
        let fd = Arc::new(unsafe { OwnedFd::from_raw_fd(raw) });
        let written = fd.clone();
        let guard = token.on_cancel(move || {
            let one = 1u64;
            // SAFETY: the descriptor is kept open by `written`; eight bytes are read from `one`.
            unsafe { libc::write(written.as_raw_fd(), (&raw const one).cast(), 8) };
        });
        Ok(CancelFd { fd, _guard: guard })
    }

    /// The descriptor.
    pub(super) fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// An entry for [`poll`].
pub(super) fn entry(fd: RawFd, events: libc::c_short) -> libc::pollfd {
    libc::pollfd { fd, events, revents: 0 }
}

/// poll(2); a negative descriptor is skipped. `milliseconds` None waits for ever.
pub(super) fn poll(entries: &mut [libc::pollfd], milliseconds: Option<u128>) -> io::Result<()> {
    let timeout = milliseconds.map_or(-1, |time| libc::c_int::try_from(time).unwrap_or(libc::c_int::MAX));
    // SAFETY: the slice is valid for the call, and its length is given.
    let result = unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, timeout) };
    if result < 0 {
        let error = io::Error::last_os_error();
        // A signal is like a timeout: the caller looks at its state and polls again.
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
        entries.iter_mut().for_each(|entry| entry.revents = 0);
    }
    Ok(())
}
