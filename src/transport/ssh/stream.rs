//! One channel as the threads outside the driver see it: two queues and what became of it.

use super::super::{Channel, Exit, tail};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// From here on a writer waits, and the driver stops reading.
pub(super) const HIGH_WATER: usize = 1 << 20;

/// Wakes the driver out of poll(2).
pub(super) struct Wake {
    fd: OwnedFd,
    pending: AtomicBool,
}

impl Wake {
    pub(super) fn new() -> io::Result<Wake> {
        // SAFETY: plain system call; the result is checked and owned here alone.
        let fd = unsafe {
            let fd = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Wake { fd, pending: AtomicBool::new(false) })
    }

    /// Wakes it; cheap when it is woken already.
    pub(super) fn wake(&self) {
        if !self.pending.swap(true, Ordering::SeqCst) {
            let one = 1u64.to_ne_bytes();
            // SAFETY: the descriptor is open and the buffer has eight bytes.
            unsafe { libc::write(self.fd.as_raw_fd(), one.as_ptr().cast(), one.len()) };
        }
    }

    /// Takes the wake-up; called by the driver before it looks for work. The flag falls after the
    /// counter: whoever sees it up still has his work looked at.
    pub(super) fn take(&self) {
        let mut count = [0u8; 8];
        // SAFETY: the descriptor is open and the buffer has eight bytes.
        unsafe { libc::read(self.fd.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
        self.pending.store(false, Ordering::SeqCst);
    }

    pub(super) fn fd(&self) -> libc::c_int {
        self.fd.as_raw_fd()
    }
}

#[derive(Default)]
pub(super) struct State {
    /// The remote process runs, or the forwarding stands.
    pub(super) opened: bool,
    /// For the host.
    pub(super) output: VecDeque<u8>,
    pub(super) output_ends: bool,
    /// From the host.
    pub(super) input: VecDeque<u8>,
    pub(super) input_ended: bool,
    pub(super) stderr: Vec<u8>,
    pub(super) keep_stderr: bool,
    pub(super) exit: Option<Exit>,
    /// Nobody outside wants it any more.
    pub(super) unwanted: bool,
    /// Nothing will happen any more.
    pub(super) over: bool,
    /// Why it ended before its time.
    pub(super) failure: Option<String>,
}

/// Shared by the driver and the channel's users.
pub(super) struct Stream {
    state: Mutex<State>,
    changed: Condvar,
    wake: Arc<Wake>,
}

impl Stream {
    pub(super) fn new(wake: Arc<Wake>, keep_stderr: bool) -> Stream {
        Stream { state: Mutex::new(State { keep_stderr, ..State::default() }), changed: Condvar::new(), wake }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells everybody.
    pub(super) fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Takes standard error as it comes.
    pub(super) fn add_stderr(&self, data: &[u8]) {
        let mut state = self.lock();
        match state.keep_stderr {
            true => state.stderr.extend_from_slice(data),
            false => tail(&mut state.stderr, data),
        }
    }

    /// The end, whatever the reason.
    pub(super) fn finish(&self, failure: Option<String>) {
        self.update(|state| {
            state.over = true;
            state.input_ended = true;
            if state.failure.is_none() {
                state.failure = failure;
            }
        });
    }

    /// Waits until the condition holds or the time is over.
    fn wait_for<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        timeout: Option<Duration>,
        mut done: impl FnMut(&State) -> bool,
    ) -> (MutexGuard<'a, State>, bool) {
        let end = timeout.map(|time| Instant::now() + time);
        while !done(&state) {
            state = match end {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return (state, false);
                    }
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        (state, true)
    }

    /// Waits until the process runs. The error is what the host or the session said.
    pub(super) fn wait_open(&self) -> Result<(), String> {
        let (state, _) = self.wait_for(self.lock(), None, |state| state.opened || state.over);
        match state.opened {
            true => Ok(()),
            false => Err(state.failure.clone().unwrap_or_else(|| "it was closed".into())),
        }
    }

    /// Queues all of it at once, however much it is.
    pub(super) fn queue(&self, data: &[u8]) {
        self.lock().output.extend(data);
        self.wake.wake();
    }

    /// Why it ended before its time.
    pub(super) fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    fn broken(state: &State) -> io::Error {
        let reason = state.failure.clone().unwrap_or_else(|| "the channel is closed".into());
        io::Error::new(io::ErrorKind::BrokenPipe, reason)
    }
}

/// The users' end. Dropping it closes the channel.
pub(super) struct SshChannel(pub(super) Arc<Stream>);

impl Channel for SshChannel {
    fn read(&self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        let stream = &self.0;
        let ready = |state: &State| !state.input.is_empty() || state.input_ended || state.unwanted;
        let (mut state, ready) = stream.wait_for(stream.lock(), timeout, ready);
        if !ready {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if state.unwanted {
            return Ok(0);
        }
        let full = state.input.len() >= HIGH_WATER;
        let count = buffer.len().min(state.input.len());
        let (front, back) = state.input.as_slices();
        let first = count.min(front.len());
        buffer[..first].copy_from_slice(&front[..first]);
        buffer[first..count].copy_from_slice(&back[..count - first]);
        state.input.drain(..count);
        if full && state.input.len() < HIGH_WATER {
            stream.wake.wake();
        }
        Ok(count)
    }

    fn write_all(&self, mut data: &[u8]) -> io::Result<()> {
        let stream = &self.0;
        while !data.is_empty() {
            let room = |state: &State| state.output.len() < HIGH_WATER || state.over || state.unwanted;
            let (mut state, _) = stream.wait_for(stream.lock(), None, room);
            if state.over || state.unwanted || state.output_ends {
                return Err(Stream::broken(&state));
            }
            let count = data.len().min(HIGH_WATER - state.output.len());
            state.output.extend(&data[..count]);
            data = &data[count..];
            drop(state);
            stream.wake.wake();
        }
        Ok(())
    }

    fn end_input(&self) -> io::Result<()> {
        self.0.update(|state| state.output_ends = true);
        self.0.wake.wake();
        Ok(())
    }

    fn stderr(&self) -> Vec<u8> {
        self.0.lock().stderr.clone()
    }

    fn wait(&self, timeout: Duration) -> Option<Exit> {
        let stream = &self.0;
        let (state, _) = stream.wait_for(stream.lock(), Some(timeout), |state| state.over);
        state.exit
    }

    fn close(&self) {
        self.0.update(|state| {
            state.unwanted = true;
            state.output.clear();
        });
        self.0.wake.wake();
    }
}

impl Drop for SshChannel {
    fn drop(&mut self) {
        self.close();
    }
}
