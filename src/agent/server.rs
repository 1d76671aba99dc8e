//! The agent's half: reads jobs from its input, runs each in a thread of its own, and leaves with
//! everything that it started when the input ends.

use super::blob::{Fetcher, RemoteBlobs};
use super::frame::{Decoder, FrameWriter, MAGIC, PROTOCOL};
use super::job::{CancelToken, Job, JobContext};
use super::machine::Machine;
use super::message::{FromAgent, Info, JobResult, Settings, ToAgent};
use super::modules::ModuleSet;
use super::worker::{Lines, Worker};
use super::{ASYNC, INSTALL, SERVE, async_job, install};
use crate::module::{Failure, Host};
use crate::transport::{Channel, Exit};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::process::ExitCode;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long running jobs may take to end when the agent leaves.
const LEAVING: Duration = Duration::from_secs(5);
/// The agent waits much longer for the controller than the other way round: an operator may stop
/// rplay for a while and let it go on. A connection that really broke ends the input.
const PATIENCE: u64 = 10;

/// The program of `rplay-agent`.
pub fn main(modules: &'static dyn ModuleSet) -> ExitCode {
    if let Some(code) = main_if_asked(modules) {
        return code;
    }
    match std::env::args().nth(1).as_deref() {
        Some("--version" | "-V") => {
            println!("rplay-agent {} (protocol {PROTOCOL})", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("rplay-agent is started by rplay on the hosts that it sets up; it has nothing to say by hand");
            ExitCode::from(2)
        }
    }
}

/// Becomes an agent when the arguments say so. Every program that may be sent to a host calls this
/// first: `rplay` itself, and plug-ins.
pub fn main_if_asked(modules: &'static dyn ModuleSet) -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    let first = args.next()?;
    let rest: Vec<String> = args.map(|word| word.to_string_lossy().into_owned()).collect();
    if first == SERVE {
        Some(serve(modules, rest.first().and_then(|fd| fd.parse().ok())))
    } else if first == INSTALL {
        Some(install::receive(&rest))
    } else if first == ASYNC {
        Some(async_job::main(modules))
    } else {
        None
    }
}

/// What this process can say of itself.
pub(super) fn introduce() -> Info {
    let uname = uname();
    // SAFETY: cannot fail.
    let uid = unsafe { libc::geteuid() };
    let machine = Machine::new(JobContext {
        environment: Default::default(),
        cancel: CancelToken::new(),
        lines: Box::new(|_, _| {}),
        blobs: Arc::new(super::BlobStore::new()),
        remote_tmp: std::env::temp_dir(),
    });
    let user = machine.user_by_id(uid).ok().flatten();
    Info {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        home: match (std::env::var("HOME"), &user) {
            (Ok(home), _) if home.starts_with('/') => home,
            (_, Some(user)) => user.home.to_string_lossy().into_owned(),
            _ => "/".into(),
        },
        user: user.map_or_else(|| uid.to_string(), |user| user.name),
        uid,
        arch: uname.1,
        hostname: uname.0,
        pid: std::process::id(),
    }
}

/// The machine's name and architecture.
fn uname() -> (String, String) {
    // SAFETY: utsname is plain data and filled by the call; its fields end with a zero byte.
    unsafe {
        let mut names: libc::utsname = std::mem::zeroed();
        libc::uname(&raw mut names);
        let text = |field: &[libc::c_char]| std::ffi::CStr::from_ptr(field.as_ptr()).to_string_lossy().into_owned();
        (text(&names.nodename), text(&names.machine))
    }
}

/// The agent's own end of the stream.
struct Stdio {
    input: File,
    output: Mutex<File>,
}

impl Stdio {
    /// Takes the standard streams away from everything else in this process: nothing that a module
    /// or its children print can get between the frames. `fd` is a socket in place of both.
    fn take(fd: Option<RawFd>) -> io::Result<Stdio> {
        let (input, output) = match fd {
            Some(fd) => (fd, fd),
            None => (0, 1),
        };
        let copy = |fd: RawFd| {
            // SAFETY: duplicates a descriptor that the parent left open; the result is checked and owned here.
            unsafe {
                match libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 10) {
                    -1 => Err(io::Error::last_os_error()),
                    copy => Ok(File::from(OwnedFd::from_raw_fd(copy))),
                }
            }
        };
        let stdio = Stdio { input: copy(input)?, output: Mutex::new(copy(output)?) };
        let null = File::options().read(true).write(true).open("/dev/null")?;
        // SAFETY: the standard descriptors get new files; `fd` is not used any more.
        unsafe {
            libc::dup2(null.as_raw_fd(), 0);
            libc::dup2(if fd.is_some() { null.as_raw_fd() } else { 2 }, 1);
            if let Some(fd) = fd.filter(|fd| *fd > 2) {
                libc::close(fd);
            }
        }
        Ok(stdio)
    }
}

impl Channel for Stdio {
    fn read(&self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        if !crate::transport::wait_readable(&self.input, timeout)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        (&self.input).read(buffer)
    }
    fn write_all(&self, data: &[u8]) -> io::Result<()> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).write_all(data)
    }
    fn end_input(&self) -> io::Result<()> {
        Ok(())
    }
    fn stderr(&self) -> Vec<u8> {
        Vec::new()
    }
    fn wait(&self, _: Duration) -> Option<Exit> {
        None
    }
    fn close(&self) {}
}

/// Everything that runs in this agent.
struct Server {
    writer: Arc<FrameWriter>,
    blobs: Arc<RemoteBlobs>,
    worker: Worker,
    running: Mutex<HashMap<u64, CancelToken>>,
}

static SIGNAL_PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_signal(_: libc::c_int) {
    let fd = SIGNAL_PIPE.load(Ordering::Relaxed);
    // SAFETY: write(2) is async-signal-safe.
    unsafe { libc::write(fd, [1u8].as_ptr().cast(), 1) };
}

/// Hang-up and friends end the agent as the end of its input does. A handler and not «ignore»,
/// which children would inherit.
fn catch_signals() -> io::Result<File> {
    let mut fds = [0; 2];
    // SAFETY: two descriptors are made, checked, and owned here; the handler only writes.
    unsafe {
        if libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) != 0 {
            return Err(io::Error::last_os_error());
        }
        SIGNAL_PIPE.store(fds[1], Ordering::Relaxed);
        let handler: extern "C" fn(libc::c_int) = on_signal;
        for signal in [libc::SIGHUP, libc::SIGTERM, libc::SIGINT] {
            libc::signal(signal, handler as libc::sighandler_t);
        }
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        Ok(File::from(OwnedFd::from_raw_fd(fds[0])))
    }
}

fn serve(modules: &'static dyn ModuleSet, fd: Option<RawFd>) -> ExitCode {
    match converse(modules, fd) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rplay-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

fn converse(modules: &'static dyn ModuleSet, fd: Option<RawFd>) -> io::Result<()> {
    let stdio = Arc::new(Stdio::take(fd)?);
    let signals = catch_signals()?;
    // A panic is the failure of its job, which says where it was.
    std::panic::set_hook(Box::new(|_| {}));
    let info = introduce();
    stdio.write_all(MAGIC)?;
    let writer = Arc::new(FrameWriter::new(stdio.clone()));
    writer.send(&FromAgent::Hello(info.clone()))?;
    let mut input = Input { stdio, signals, decoder: Decoder::default(), buffer: vec![0; 128 * 1024] };
    // The first message says how long to wait for others.
    let Some(ToAgent::Hello(settings)) = input.next(Duration::from_secs(60), 1)? else {
        return Ok(());
    };
    let blobs = Arc::new(RemoteBlobs::new(writer.clone()));
    let worker = Worker::new(modules, Arc::new(Fetcher(blobs.clone())), settings.clone(), info);
    let server = Arc::new(Server { writer, blobs, worker, running: Mutex::default() });
    let result = server.listen(&mut input, &settings);
    server.leave();
    result
}

struct Input {
    stdio: Arc<Stdio>,
    signals: File,
    decoder: Decoder,
    buffer: Vec<u8>,
}

impl Input {
    /// The next message; None at the end, at a signal, or after so many heartbeats without a byte.
    fn next(&mut self, heartbeat: Duration, missing: u64) -> io::Result<Option<ToAgent>> {
        let mut missed = 0;
        loop {
            if let Some(message) = self.decoder.next().map_err(io::Error::other)? {
                return Ok(Some(message));
            }
            match self.wait(heartbeat)? {
                Ready::Input => match self.stdio.read(&mut self.buffer, None) {
                    Ok(0) => return Ok(None),
                    Ok(count) => self.decoder.push(&self.buffer[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                    Err(error) => return Err(error),
                },
                Ready::Signal => return Ok(None),
                Ready::Nothing => {
                    missed += 1;
                    if missed >= missing {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn wait(&self, time: Duration) -> io::Result<Ready> {
        let entry = |fd: RawFd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let mut fds = [entry(self.stdio.input.as_raw_fd()), entry(self.signals.as_raw_fd())];
        let millis = libc::c_int::try_from(time.as_millis()).unwrap_or(libc::c_int::MAX);
        // SAFETY: two valid pollfds.
        let count = unsafe { libc::poll(fds.as_mut_ptr(), 2, millis) };
        let error = io::Error::last_os_error();
        Ok(match count {
            0 => Ready::Nothing,
            -1 if error.kind() == io::ErrorKind::Interrupted => Ready::Signal,
            -1 => return Err(error),
            _ if fds[1].revents != 0 => Ready::Signal,
            _ => Ready::Input,
        })
    }
}

enum Ready {
    Input,
    Signal,
    Nothing,
}

impl Server {
    fn running(&self) -> MutexGuard<'_, HashMap<u64, CancelToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(self: &Arc<Server>, input: &mut Input, settings: &Settings) -> io::Result<()> {
        let over = CancelToken::new();
        let (writer, token, beat) = (self.writer.clone(), over.clone(), settings.heartbeat());
        std::thread::Builder::new().name("heartbeat".into()).spawn(move || {
            while !token.wait(beat) {
                if writer.send(&FromAgent::Ping).is_err() {
                    return;
                }
            }
        })?;
        let missing = settings.missing() * PATIENCE;
        while let Some(message) = input.next(settings.heartbeat(), missing)? {
            match message {
                ToAgent::Hello(_) | ToAgent::Ping => {}
                ToAgent::Run { id, job } => self.clone().start(id, job.into()),
                ToAgent::Cancel { id } => {
                    let token = self.running().get(&id).cloned();
                    if let Some(token) = token {
                        token.cancel();
                    }
                }
                ToAgent::BlobData { request, data } => self.blobs.data(request, data),
                ToAgent::BlobEnd { request, error } => self.blobs.end(request, error),
            }
        }
        over.cancel();
        Ok(())
    }

    /// Runs a job in a thread of its own.
    fn start(self: Arc<Server>, id: u64, job: Job) {
        let token = CancelToken::new();
        self.running().insert(id, token.clone());
        let server = self.clone();
        let spawned = std::thread::Builder::new().name(job.module.clone()).spawn(move || {
            let writer = server.writer.clone();
            let lines: Lines = Box::new(move |stream, text| {
                let _ = writer.send(&FromAgent::Line { id, stream, text: text.to_owned() });
            });
            let result = server.worker.run(&job, lines, &token);
            server.finish(id, result);
        });
        if let Err(error) = spawned {
            self.finish(id, Ok(Err(Failure::new(format!("the agent cannot start a thread: {error}")))));
        }
    }

    fn finish(&self, id: u64, result: JobResult) {
        if let Err(error) = self.writer.send(&FromAgent::Done { id, outcome: result.into() })
            && error.kind() == io::ErrorKind::InvalidInput
        {
            let failure = Failure::new(format!("the result cannot be sent: {error}"));
            let _ = self.writer.send(&FromAgent::Done { id, outcome: Ok(Err(failure)).into() });
        }
        self.running().remove(&id);
    }

    /// Kills what runs, ends the other users' agents, removes temporary files.
    fn leave(&self) {
        let tokens: Vec<CancelToken> = self.running().values().cloned().collect();
        tokens.iter().for_each(CancelToken::cancel);
        self.blobs.close();
        let end = Instant::now() + LEAVING;
        while !self.running().is_empty() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.worker.leave();
    }
}
