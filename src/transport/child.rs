//! Processes of this machine as channels.

use super::{CancelToken, Channel, Exit, TransportError};
use crate::module::Output;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much of standard error a channel keeps.
const KEPT: usize = 64 * 1024;

/// Kills one process by its id, hard. The caller makes sure that it is not reaped yet.
pub(crate) fn kill_process(pid: u32) {
    if let Ok(pid) = libc::pid_t::try_from(pid) {
        // SAFETY: plain system call.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
}

/// Kills the process group that a child leads, hard.
fn kill_group(pid: u32) {
    if let Ok(pid) = libc::pid_t::try_from(pid) {
        // SAFETY: plain system call.
        unsafe { libc::kill(-pid, libc::SIGKILL) };
    }
}

/// Adds to a buffer that keeps only the last 64 KiB.
pub fn tail(buffer: &mut Vec<u8>, data: &[u8]) {
    buffer.extend_from_slice(data);
    if buffer.len() > KEPT {
        buffer.drain(..buffer.len() - KEPT);
    }
}

/// What a wait status says.
pub(crate) fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Status(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(libc::SIGKILL)),
    }
}

/// Waits until the descriptor has something to read. False when the time is over.
pub fn wait_readable(fd: &impl AsRawFd, timeout: Option<Duration>) -> io::Result<bool> {
    let end = timeout.map(|time| Instant::now() + time);
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let millis = left.map_or(-1, |left| i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX));
        let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd.
        match unsafe { libc::poll(&mut poll, 1, millis) } {
            0 => return Ok(false),
            n if n > 0 => return Ok(true),
            _ => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}

/// A child process whose standard input and output are one socket, so that anyone can shut it down.
pub struct ChildChannel {
    socket: UnixStream,
    child: Mutex<Child>,
    stderr: Arc<Errors>,
}

/// What a child wrote to standard error.
#[derive(Default)]
struct Errors {
    /// The text, and whether its end was seen.
    text: Mutex<(Vec<u8>, bool)>,
    ended: Condvar,
}

impl Errors {
    fn lock(&self) -> MutexGuard<'_, (Vec<u8>, bool)> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn collect(&self, mut stream: impl Read) {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = stream.read(&mut buffer) {
            tail(&mut self.lock().0, &buffer[..n]);
        }
        self.lock().1 = true;
        self.ended.notify_all();
    }
}

impl ChildChannel {
    /// Starts the command as the leader of a process group of its own.
    pub fn start(mut command: Command) -> io::Result<ChildChannel> {
        command.process_group(0);
        ChildChannel::start_leader(command)
    }

    /// Starts a command that makes itself the leader of a group or session before it runs.
    pub(crate) fn start_leader(mut command: Command) -> io::Result<ChildChannel> {
        let (ours, theirs) = UnixStream::pair()?;
        let input = OwnedFd::from(theirs);
        let output = input.try_clone()?;
        command.stdin(input).stdout(output).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        // The command holds copies of the other end; without this the end would never show.
        drop(command);
        let stderr = child.stderr.take().map(OwnedFd::from);
        Ok(ChildChannel::of(child, ours, stderr))
    }

    /// Waits until there is something to read, or the end. False when the time is over.
    pub(crate) fn wait_readable(&self, timeout: Duration) -> io::Result<bool> {
        wait_readable(&self.socket, Some(timeout))
    }

    /// Wraps a child that talks over the other end of `socket`.
    pub(crate) fn of(child: Child, socket: UnixStream, stderr: Option<OwnedFd>) -> ChildChannel {
        let kept = Arc::new(Errors::default());
        match stderr {
            Some(fd) => {
                let kept = kept.clone();
                std::thread::spawn(move || kept.collect(std::fs::File::from(fd)));
            }
            None => kept.lock().1 = true,
        }
        ChildChannel { socket, child: Mutex::new(child), stderr: kept }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel for ChildChannel {
    fn read(&self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        if timeout.is_some() && !wait_readable(&self.socket, timeout)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        loop {
            match (&self.socket).read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(0),
                result => return result,
            }
        }
    }

    fn write_all(&self, data: &[u8]) -> io::Result<()> {
        (&self.socket).write_all(data)
    }

    fn end_input(&self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    fn stderr(&self) -> Vec<u8> {
        let mut text = self.stderr.lock();
        if !text.1 && self.wait(Duration::ZERO).is_some() {
            // The child is gone, its last words may still be in the pipe. Something that it left
            // behind may hold the pipe open for ever.
            let timeout = Duration::from_millis(300);
            let wait = self.stderr.ended.wait_timeout_while(text, timeout, |text| !text.1);
            text = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        text.0.clone()
    }

    fn wait(&self, timeout: Duration) -> Option<Exit> {
        let end = Instant::now() + timeout;
        let mut pause = Duration::from_micros(200);
        loop {
            if let Ok(Some(status)) = self.child().try_wait() {
                return Some(exit_of(status));
            }
            if Instant::now() >= end {
                return None;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn close(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        let mut child = self.child();
        if let Ok(None) = child.try_wait() {
            kill_group(child.id());
        }
    }
}

impl Drop for ChildChannel {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        // A child that we may not kill (sudo's) ends by itself when its input ends.
        if self.wait(Duration::from_millis(50)).is_none() {
            self.close();
            let _ = self.wait(Duration::from_millis(500));
        }
    }
}

/// Runs a command to its end with the given input. Cancelling kills its process group.
pub(crate) fn run(mut command: Command, stdin: &[u8], cancel: &CancelToken) -> Result<Output, TransportError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |error| TransportError::io(format!("cannot run {program}"), error);
    command.stdin(if stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(failed)?;
    let pid = child.id();
    let guard = cancel.on_cancel(move || kill_group(pid));
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = std::thread::scope(|scope| {
        let errors = scope.spawn(|| read_all(errors));
        scope.spawn(|| {
            if let Some(mut input) = input {
                // A process that ends without reading its input is no error.
                let _ = input.write_all(stdin);
            }
        });
        (read_all(output), errors.join().unwrap_or_default())
    });
    // Taken back before the child is reaped, so that it can never hit a stranger's group.
    drop(guard);
    if cancel.is_cancelled() {
        kill_group(pid);
    }
    let status = child.wait().map_err(failed)?;
    match cancel.is_cancelled() {
        true => Err(TransportError::Cancelled),
        false => Ok(Output { rc: exit_of(status).code(), stdout, stderr }),
    }
}

fn read_all(stream: Option<impl Read>) -> Vec<u8> {
    let mut data = Vec::new();
    if let Some(mut stream) = stream {
        let _ = stream.read_to_end(&mut data);
    }
    data
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_channel_carries_both_ways_and_tells_the_end() {
        let channel = ChildChannel::start(shell("echo oops >&2; cat; exit 7")).unwrap();
        channel.write_all(b"hello").unwrap();
        channel.end_input().unwrap();
        let (mut all, mut buffer) = (Vec::new(), [0; 100]);
        while let n @ 1.. = channel.read(&mut buffer, Some(Duration::from_secs(20))).unwrap() {
            all.extend_from_slice(&buffer[..n]);
        }
        assert_eq!(all, b"hello");
        assert_eq!(channel.wait(Duration::from_secs(20)), Some(Exit::Status(7)));
        assert_eq!(channel.stderr(), b"oops\n");
    }

    #[test]
    fn closing_ends_a_blocked_read() {
        let channel = ChildChannel::start(shell("sleep 1000")).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| channel.read(&mut [0; 10], None));
            channel.close();
            assert_eq!(reader.join().unwrap().unwrap(), 0);
        });
        assert_eq!(channel.wait(Duration::from_secs(20)), Some(Exit::Signal(libc::SIGKILL)));
    }

    #[test]
    fn large_input_and_output_do_not_block_each_other() {
        let data = vec![b'x'; 3_000_000];
        let output = run(shell("cat; echo end >&2"), &data, &CancelToken::new()).unwrap();
        assert_eq!((output.rc, output.stdout.len(), output.stderr.as_slice()), (0, data.len(), &b"end\n"[..]));
    }

    #[test]
    fn cancelling_kills_the_group() {
        let token = CancelToken::new();
        std::thread::scope(|scope| {
            let running = scope.spawn(|| run(shell("sleep 1000 & sleep 1000; true"), b"", &token));
            token.cancel();
            assert!(matches!(running.join().unwrap(), Err(TransportError::Cancelled)));
        });
    }
}
