//! Processes: a group of its own for each, pumped until its end, killed on time-out and cancel.

use super::cancelled;
use super::poll::{CancelFd, entry, poll};
use crate::agent::JobContext;
use crate::module::{Command, Output, Stream};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

/// How long after the process' end its pipes must be quiet when others (daemons that it left
/// behind) hold them open, as in Ansible.
const QUIET: Duration = Duration::from_secs(1);
/// How long after the process' end its pipes are read at all.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a process group has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(500);
/// How often a process is asked for its end where the kernel cannot tell (before Linux 5.3).
const ASK: Duration = Duration::from_millis(20);

/// A variable for the job's processes: the task's `environment` over the agent's own.
pub(super) fn env(context: &JobContext, name: &str) -> Option<String> {
    context.environment.get(name).cloned().or_else(|| std::env::var(name).ok())
}

/// Looks a program up on PATH, then in the administrators' directories.
pub(super) fn which(context: &JobContext, program: &str) -> Option<PathBuf> {
    let runs = |path: &Path| path.is_file() && super::files::access(path, 1);
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| runs(path));
    }
    let path = env(context, "PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|path| runs(path))
}

/// Runs a process to its end.
pub(super) fn run(context: &JobContext, command: &Command) -> io::Result<Output> {
    if context.cancel.is_cancelled() {
        return Err(cancelled());
    }
    let cancel = CancelFd::new(&context.cancel)?;
    let mut child = spawn(context, command)?;
    let pid = child.id() as libc::pid_t;
    let mut pump = Pump::new(context, command, &mut child)?;
    let ended = pump.run(&cancel, command.timeout);
    if ended.is_err() {
        kill_group(pid);
    }
    // Only now is the process reaped: until here its number could not be given to another.
    let status = child.wait()?;
    ended?;
    let rc = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
    Ok(Output { rc, stdout: pump.stdout.finish(context), stderr: pump.stderr.finish(context) })
}

fn spawn(context: &JobContext, command: &Command) -> io::Result<Child> {
    let (program, arguments) = command.argv.split_first().ok_or(ErrorKind::InvalidInput)?;
    let mut process = std::process::Command::new(program);
    process
        .args(arguments)
        .envs(&context.environment)
        .envs(&command.env)
        .stdin(if command.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(cwd) = &command.cwd {
        process.current_dir(cwd);
    }
    // A session of its own: one group to kill, and no terminal to ask for passwords on.
    // SAFETY: setsid is safe to call between fork and exec.
    unsafe {
        process.pre_exec(|| if libc::setsid() < 0 { Err(io::Error::last_os_error()) } else { Ok(()) });
    }
    process.spawn()
}

/// Asks the process group to end, and ends it. The leader is not reaped yet.
fn kill_group(pid: libc::pid_t) {
    // SAFETY: kill(2) touches no memory; the group belongs to a child that is not reaped.
    let kill = |signal| unsafe { libc::kill(-pid, signal) };
    kill(libc::SIGTERM);
    let end = Instant::now() + GRACE;
    while !has_ended(pid) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(libc::SIGKILL);
}

/// Whether the child has ended, without reaping it.
fn has_ended(pid: libc::pid_t) -> bool {
    // SAFETY: all zero is a valid siginfo_t.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is valid for writing.
    let result = unsafe { libc::waitid(libc::P_PID, pid as libc::id_t, &raw mut info, options) };
    // SAFETY: waitid filled `info`, or left its pid zero.
    result != 0 || unsafe { info.si_pid() } != 0
}

/// A descriptor that becomes readable when the process ends; None on kernels without it.
fn pid_fd(pid: libc::pid_t) -> Option<OwnedFd> {
    // SAFETY: plain system call; the result is checked.
    let raw = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    // SAFETY: a non-negative result is a descriptor that nobody else owns.
    (raw >= 0).then(|| unsafe { OwnedFd::from_raw_fd(raw as RawFd) })
}

/// One of the two streams that are read.
struct Source {
    pipe: Option<Box<dyn ReadFd>>,
    stream: Stream,
    shown: bool,
    bytes: Vec<u8>,
    // Where the line starts that has not been shown yet.
    line: usize,
}

trait ReadFd: Read + AsRawFd {}
impl<T: Read + AsRawFd> ReadFd for T {}

impl Source {
    fn new(pipe: Option<Box<dyn ReadFd>>, stream: Stream, shown: bool) -> io::Result<Source> {
        if let Some(pipe) = &pipe {
            set_nonblocking(pipe.as_raw_fd())?;
        }
        Ok(Source { pipe, stream, shown, bytes: Vec::new(), line: 0 })
    }

    fn fd(&self) -> RawFd {
        self.pipe.as_ref().map_or(-1, |pipe| pipe.as_raw_fd())
    }

    /// Reads what is there, and forgets the pipe at its end.
    fn read(&mut self, context: &JobContext) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        let mut buffer = [0; 16 * 1024];
        // A few rounds only, so that a talkative process does not keep the others waiting.
        for _ in 0..16 {
            match pipe.read(&mut buffer) {
                Ok(0) => {
                    self.pipe = None;
                    break;
                }
                Ok(count) => self.bytes.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.shown {
            while let Some(length) = self.bytes[self.line..].iter().position(|byte| *byte == b'\n') {
                self.show(context, length);
                self.line += length + 1;
            }
        }
        Ok(())
    }

    /// Shows `length` bytes from the line's start. Of what a progress display overwrote, the last.
    fn show(&self, context: &JobContext, length: usize) {
        let text = String::from_utf8_lossy(&self.bytes[self.line..self.line + length]);
        let text = text.trim_end_matches('\r');
        (context.lines)(self.stream, text.rsplit('\r').next().unwrap_or(text));
    }

    fn finish(self, context: &JobContext) -> Vec<u8> {
        if self.shown && self.line < self.bytes.len() {
            self.show(context, self.bytes.len() - self.line);
        }
        self.bytes
    }
}

/// Moves bytes between the process and us until both are done.
struct Pump<'a> {
    context: &'a JobContext,
    pid: libc::pid_t,
    pid_fd: Option<OwnedFd>,
    input: Option<ChildStdin>,
    unsent: &'a [u8],
    stdout: Source,
    stderr: Source,
}

impl<'a> Pump<'a> {
    fn new(context: &'a JobContext, command: &'a Command, child: &mut Child) -> io::Result<Pump<'a>> {
        let pid = child.id() as libc::pid_t;
        let boxed = |pipe: Option<std::process::ChildStdout>| pipe.map(|pipe| Box::new(pipe) as Box<dyn ReadFd>);
        let stdout = Source::new(boxed(child.stdout.take()), Stream::Stdout, command.stream)?;
        let errors = child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn ReadFd>);
        let stderr = Source::new(errors, Stream::Stderr, command.stream)?;
        let unsent = command.stdin.as_deref().unwrap_or_default();
        let input = child.stdin.take().filter(|_| !unsent.is_empty());
        if let Some(input) = &input {
            set_nonblocking(input.as_raw_fd())?;
        }
        Ok(Pump { context, pid, pid_fd: pid_fd(pid), input, unsent, stdout, stderr })
    }

    fn run(&mut self, cancel: &CancelFd, timeout: Option<Duration>) -> io::Result<()> {
        let deadline = timeout.and_then(|time| Instant::now().checked_add(time));
        let mut ended: Option<Instant> = None;
        let mut last_word = Instant::now();
        loop {
            let open = self.stdout.pipe.is_some() || self.stderr.pipe.is_some();
            if ended.is_none() && has_ended(self.pid) {
                ended = Some(Instant::now());
                last_word = Instant::now();
                self.input = None;
            }
            let stop = match ended {
                Some(_) if !open => return Ok(()),
                Some(end) => Some((last_word + QUIET).min(end + DRAIN)),
                None => deadline,
            };
            let now = Instant::now();
            if stop.is_some_and(|stop| stop <= now) {
                return match ended {
                    Some(_) => Ok(()),
                    None => Err(io::Error::new(ErrorKind::TimedOut, "the command ran longer than it may")),
                };
            }
            let ask = (ended.is_none() && self.pid_fd.is_none()).then_some(ASK);
            let wait = stop.map(|stop| stop.saturating_duration_since(now)).into_iter().chain(ask).min();
            let mut entries = [
                entry(cancel.as_raw_fd(), libc::POLLIN),
                entry(self.stdout.fd(), libc::POLLIN),
                entry(self.stderr.fd(), libc::POLLIN),
                entry(self.input.as_ref().map_or(-1, AsRawFd::as_raw_fd), libc::POLLOUT),
                entry(self.pid_fd.as_ref().filter(|_| ended.is_none()).map_or(-1, AsRawFd::as_raw_fd), libc::POLLIN),
            ];
            poll(&mut entries, wait.map(|wait| wait.as_micros().div_ceil(1000)))?;
            if entries[0].revents != 0 {
                return Err(cancelled());
            }
            if entries[1].revents != 0 {
                self.stdout.read(self.context)?;
            }
            if entries[2].revents != 0 {
                self.stderr.read(self.context)?;
            }
            if entries[1].revents != 0 || entries[2].revents != 0 {
                last_word = Instant::now();
            }
            if entries[3].revents != 0 {
                self.send();
            }
        }
    }

    /// Sends some of standard input; a process that does not want it any more is no error.
    fn send(&mut self) {
        let Some(input) = &mut self.input else { return };
        match input.write(self.unsent) {
            Ok(count) => self.unsent = &self.unsent[count..],
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.unsent = &[],
        }
        if self.unsent.is_empty() {
            self.input = None;
        }
    }
}

fn set_nonblocking(fd: RawFd) -> io::Result<()> {
    // SAFETY: fcntl on a descriptor that the caller keeps open; no memory is passed.
    let result = unsafe { libc::fcntl(fd, libc::F_SETFL, libc::fcntl(fd, libc::F_GETFL) | libc::O_NONBLOCK) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
