//! The one thread that speaks with libssh2: it never blocks but in poll(2), on the socket and a wake-up.
//!
//! libssh2 holds a lock on the session in every call, so a thread that reads while another writes
//! would wait for it. Here all calls come from one thread and none waits. Two rules of libssh2 bind
//! it: a call that could not send a whole packet must be repeated before any other that sends, and
//! one channel is opened at a time.

use super::super::{Exit, TransportError};
use super::stream::{HIGH_WATER, Stream, Wake};
use ssh2::{BlockDirections, ErrorCode, Session};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const EAGAIN: ErrorCode = ErrorCode::Session(-37);
const OPEN_REFUSED: ErrorCode = ErrorCode::Session(-21);
/// The most that is written in one call: less than what a socket has free when poll(2) calls it writable.
const CHUNK: usize = 32 * 1024;

/// What a channel is for.
pub(super) enum Purpose {
    /// Runs a command.
    Exec(String),
    /// Speaks with a port that the host can reach.
    Forward(String, u16),
}

struct Order {
    purpose: Purpose,
    stream: Arc<Stream>,
}

#[derive(Default)]
struct Orders {
    queue: VecDeque<Order>,
    /// Why there will be no more channels.
    closed: Option<String>,
}

/// The driver as other threads see it.
pub(super) struct Handle {
    orders: Mutex<Orders>,
    wake: Arc<Wake>,
    alive: AtomicBool,
}

impl Handle {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Orders a channel; the stream tells what becomes of it.
    pub(super) fn order(&self, purpose: Purpose, keep_stderr: bool) -> Arc<Stream> {
        let stream = Arc::new(Stream::new(self.wake.clone(), keep_stderr));
        let mut orders = self.lock();
        match &orders.closed {
            Some(reason) => stream.finish(Some(reason.clone())),
            None => orders.queue.push_back(Order { purpose, stream: stream.clone() }),
        }
        drop(orders);
        self.wake.wake();
        stream
    }

    /// Whether the session stands.
    pub(super) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::SeqCst)
    }

    /// Ends the session.
    pub(super) fn close(&self) {
        self.lock().closed.get_or_insert_with(|| CLOSED.to_owned());
        self.alive.store(false, Ordering::SeqCst);
        self.wake.wake();
    }
}

/// How a silent host is noticed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keepalive {
    /// How often the host is asked for a sign of life.
    pub(super) interval: Duration,
    /// How many answers may be missing in a row.
    pub(super) missing: u32,
}

/// Starts the thread of a session that is logged in.
pub(super) fn start(
    session: Session,
    socket: Socket,
    keepalive: Keepalive,
    host: &str,
) -> Result<Arc<Handle>, TransportError> {
    let wake = Arc::new(Wake::new().map_err(|error| TransportError::io("cannot make a wake-up", error))?);
    let handle = Arc::new(Handle { orders: Mutex::default(), wake, alive: AtomicBool::new(true) });
    session.set_blocking(false);
    // The driver decides when; libssh2 shall not find that it is too early.
    session.set_keepalive(true, 1);
    let driver = Driver {
        session,
        socket,
        handle: handle.clone(),
        waiting: VecDeque::new(),
        opening: None,
        live: Vec::new(),
        stuck: None,
        wants_out: false,
        keepalive,
        next_keepalive: Instant::now() + keepalive.interval,
        missed: 0,
        buffer: vec![0; 64 * 1024],
    };
    std::thread::Builder::new()
        .name(format!("ssh {host}"))
        .spawn(move || driver.run())
        .map_err(|error| TransportError::io("cannot start a thread", error))?;
    Ok(handle)
}

/// The session's socket.
pub(super) enum Socket {
    /// To the host itself.
    Tcp(std::net::TcpStream),
    /// To a jump host's forwarding or a proxy command.
    Pair(UnixStream),
}

impl Socket {
    pub(super) fn fd(&self) -> libc::c_int {
        match self {
            Socket::Tcp(socket) => socket.as_raw_fd(),
            Socket::Pair(socket) => socket.as_raw_fd(),
        }
    }

    pub(super) fn shutdown(&self) {
        // SAFETY: the descriptor is open as long as `self` lives.
        unsafe { libc::shutdown(self.fd(), libc::SHUT_RDWR) };
    }

    /// How long the host has been silent; None when the kernel does not know.
    fn silent_for(&self) -> Option<Duration> {
        let Socket::Tcp(socket) = self else { return None };
        // SAFETY: tcp_info is plain data; the kernel fills at most `length` bytes.
        unsafe {
            let mut info: libc::tcp_info = std::mem::zeroed();
            let mut length = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).ok()?;
            let fd = socket.as_raw_fd();
            let rc = libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, (&raw mut info).cast(), &raw mut length);
            (rc == 0).then(|| Duration::from_millis(u64::from(info.tcpi_last_data_recv)))
        }
    }
}

struct Live {
    channel: ssh2::Channel,
    purpose: Purpose,
    stream: Arc<Stream>,
    phase: Phase,
    /// Taken from the stream and not yet with libssh2; it must stay the same until it is.
    chunk: Vec<u8>,
    sent: usize,
    eof_sent: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    Closing,
    Over,
}

struct Driver {
    session: Session,
    socket: Socket,
    handle: Arc<Handle>,
    /// Refused for now: the host allows so many channels only.
    waiting: VecDeque<Order>,
    opening: Option<Order>,
    live: Vec<Live>,
    /// The call whose packet is half sent; nothing else may send before it is repeated.
    stuck: Option<Call>,
    wants_out: bool,
    keepalive: Keepalive,
    next_keepalive: Instant,
    missed: u32,
    buffer: Vec<u8>,
}

/// A call of libssh2 that may send: by what, and which. The channel that is being opened is [`OPENING`].
#[derive(Clone, Copy, PartialEq, Eq)]
struct Call {
    who: usize,
    what: What,
}

const OPENING: usize = usize::MAX;
const CLOSED: &str = "the connection was closed";

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Open,
    Begin,
    Send,
    Receive { stderr: bool },
    WaitClose,
    Close,
}

/// What one call of libssh2 came to.
enum Step<T> {
    Done(T),
    /// Nothing can be done before the socket is ready.
    Again,
    /// The call failed; the session stands.
    Failed(ssh2::Error),
}

type Dead = String;

impl Driver {
    fn run(mut self) {
        let end = loop {
            self.handle.wake.take();
            if self.handle.lock().closed.is_some() {
                break None;
            }
            match self.turn() {
                Ok(true) => {}
                Ok(false) => self.poll(),
                Err(dead) => break Some(dead),
            }
        };
        self.end(end);
    }

    /// Does what can be done now. True when something was done.
    fn turn(&mut self) -> Result<bool, Dead> {
        // A socket with room takes any packet whole, so that calls do not get stuck. Waiting for
        // room is safe: an ssh server reads on whatever happens to what it writes.
        self.wants_out = !self.writable();
        if self.wants_out {
            return Ok(false);
        }
        self.keep_alive()?;
        match self.stuck {
            Some(Call { who: OPENING, .. }) => self.open()?,
            Some(Call { who, .. }) => self.advance(who)?,
            None => false,
        };
        let mut busy = self.stuck.is_none() && self.open()?;
        for index in 0..self.live.len() {
            if self.stuck.is_none() {
                busy |= self.advance(index)?;
            }
        }
        if self.stuck.is_some() {
            self.wants_out = true;
            return Ok(false);
        }
        let before = self.live.len();
        self.live.retain(|live| live.phase != Phase::Over);
        if self.live.len() < before {
            // A place is free again.
            let mut orders = self.handle.lock();
            while let Some(order) = self.waiting.pop_back() {
                orders.queue.push_front(order);
            }
            busy = true;
        }
        Ok(busy)
    }

    /// Reads the outcome of a call and remembers when it must be repeated first.
    fn step<T>(&mut self, who: usize, what: What, result: Result<T, ssh2::Error>) -> Result<Step<T>, Dead> {
        let error = match result {
            Ok(value) => {
                self.stuck = None;
                return Ok(Step::Done(value));
            }
            Err(error) => error,
        };
        if error.code() == EAGAIN {
            let out = matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both);
            self.stuck = out.then_some(Call { who, what });
            return Ok(Step::Again);
        }
        self.stuck = None;
        match error.code() {
            // The socket failed, was closed, or carries nonsense.
            ErrorCode::Session(-13 | -43 | -7 | -12 | -41 | -39 | -2 | -1) => Err(lost(&error)),
            _ => Ok(Step::Failed(error)),
        }
    }

    /// The reading and writing calls hide libssh2's code; the session still has it.
    fn with_code<T>(&self, result: std::io::Result<T>) -> Result<T, ssh2::Error> {
        result.map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => ssh2::Error::from_errno(EAGAIN),
            _ => {
                let last = ssh2::Error::last_session_error(&self.session);
                last.unwrap_or_else(|| ssh2::Error::from_errno(ErrorCode::Session(-43)))
            }
        })
    }

    fn keep_alive(&mut self) -> Result<(), Dead> {
        let now = Instant::now();
        if now < self.next_keepalive || self.stuck.is_some() {
            // libssh2 forgets a keepalive that it could not send whole, so it is not tried then.
            return Ok(());
        }
        // The answer to the last question came about one interval ago, or it is missing. Missing ones
        // are counted by turns, not by the clock: a stopped and continued rplay loses nobody.
        match self.socket.silent_for() {
            Some(silent) if silent > self.keepalive.interval.mul_f32(1.5) => self.missed += 1,
            _ => self.missed = 0,
        }
        if self.missed > self.keepalive.missing {
            let seconds = self.keepalive.interval.as_secs() * u64::from(self.missed);
            return Err(format!("no sign of life for {seconds} seconds"));
        }
        self.next_keepalive = now + self.keepalive.interval;
        match self.session.keepalive_send() {
            Err(error) if error.code() != EAGAIN => Err(lost(&error)),
            _ => Ok(()),
        }
    }

    /// Opens the next ordered channel.
    fn open(&mut self) -> Result<bool, Dead> {
        if self.opening.is_none() {
            self.opening = self.handle.lock().queue.pop_front();
        }
        let Some(order) = &self.opening else { return Ok(false) };
        let result = match &order.purpose {
            Purpose::Exec(_) => self.session.channel_session(),
            Purpose::Forward(host, port) => self.session.channel_direct_tcpip(host, *port, None),
        };
        let step = self.step(OPENING, What::Open, result)?;
        if matches!(step, Step::Again) {
            return Ok(false);
        }
        let Some(order) = self.opening.take() else { return Ok(false) };
        match step {
            Step::Done(channel) => {
                let Order { purpose, stream } = order;
                let phase = Phase::Starting;
                self.live.push(Live { channel, purpose, stream, phase, chunk: Vec::new(), sent: 0, eof_sent: false });
            }
            Step::Failed(error) if error.code() == OPEN_REFUSED && may_wait(&order.purpose, self.live.len()) => {
                self.waiting.push_back(order);
            }
            Step::Failed(error) => order.stream.finish(Some(error.message().to_owned())),
            Step::Again => {}
        }
        Ok(true)
    }

    /// Moves one channel on. True when something was done.
    fn advance(&mut self, index: usize) -> Result<bool, Dead> {
        let mut busy = false;
        loop {
            let phase = self.live[index].phase;
            let unwanted = self.live[index].stream.lock().unwanted;
            let moved = match phase {
                Phase::Over => false,
                // A half-sent packet goes out first even when nobody wants the channel any more.
                Phase::Starting => self.begin(index)?,
                Phase::Running if unwanted && self.stuck.is_none() => {
                    self.live[index].phase = Phase::Closing;
                    true
                }
                Phase::Running => self.transfer(index)?,
                Phase::Closing => self.close(index)?,
            };
            if !moved {
                return Ok(busy);
            }
            busy = true;
        }
    }

    fn begin(&mut self, index: usize) -> Result<bool, Dead> {
        let live = &mut self.live[index];
        let result = match &live.purpose {
            Purpose::Exec(command) => live.channel.exec(command),
            Purpose::Forward(..) => Ok(()),
        };
        match self.step(index, What::Begin, result)? {
            Step::Again => return Ok(false),
            Step::Done(()) => {
                let live = &mut self.live[index];
                live.phase = Phase::Running;
                live.stream.update(|state| state.opened = true);
            }
            Step::Failed(error) => {
                let live = &mut self.live[index];
                live.phase = Phase::Closing;
                live.stream.finish(Some(error.message().to_owned()));
            }
        }
        Ok(true)
    }

    fn transfer(&mut self, index: usize) -> Result<bool, Dead> {
        // What got stuck comes first.
        let what = self.stuck.map(|call| call.what);
        let sent = matches!(what, None | Some(What::Send)) && self.send(index)?;
        if matches!(self.stuck, Some(Call { what: What::Send, .. })) {
            return Ok(false);
        }
        let received = what != Some(What::WaitClose) && self.receive(index)?;
        if self.live[index].phase != Phase::Running {
            return Ok(true);
        }
        if matches!(self.stuck, Some(Call { what: What::Receive { .. }, .. })) {
            return Ok(false);
        }
        if self.live[index].channel.eof() && self.live[index].stream.lock().input.len() < HIGH_WATER {
            self.live[index].stream.update(|state| state.input_ended = true);
            // The status comes with or before the host's close.
            let result = self.live[index].channel.wait_close();
            match self.step(index, What::WaitClose, result)? {
                Step::Again => {}
                _ => {
                    self.live[index].phase = Phase::Closing;
                    return Ok(true);
                }
            }
        }
        Ok(sent || received)
    }

    /// Sends what waits for the host, one chunk.
    fn send(&mut self, index: usize) -> Result<bool, Dead> {
        let live = &mut self.live[index];
        if live.sent == live.chunk.len() {
            live.chunk.clear();
            live.sent = 0;
            let mut state = live.stream.lock();
            let count = state.output.len().min(CHUNK);
            if count == 0 {
                let ends = state.output_ends && !live.eof_sent;
                drop(state);
                return if ends { self.send_eof(index) } else { Ok(false) };
            }
            let full = state.output.len() >= HIGH_WATER;
            live.chunk.extend(state.output.drain(..count));
            drop(state);
            if full {
                live.stream.update(|_| {});
            }
        }
        if self.stuck.is_none() && !self.writable() {
            self.wants_out = true;
            return Ok(false);
        }
        let live = &mut self.live[index];
        let result = live.channel.write(&live.chunk[live.sent..]);
        let result = self.with_code(result);
        match self.step(index, What::Send, result)? {
            Step::Again | Step::Done(0) => Ok(false),
            Step::Done(count) => {
                self.live[index].sent += count;
                Ok(true)
            }
            // The process does not read any more; its output and status may still come.
            Step::Failed(_) => {
                let live = &mut self.live[index];
                live.chunk.clear();
                live.sent = 0;
                live.eof_sent = true;
                live.stream.update(|state| {
                    state.output.clear();
                    state.output_ends = true;
                });
                Ok(false)
            }
        }
    }

    fn send_eof(&mut self, index: usize) -> Result<bool, Dead> {
        let result = self.live[index].channel.send_eof();
        match self.step(index, What::Send, result)? {
            Step::Again => Ok(false),
            _ => {
                self.live[index].eof_sent = true;
                Ok(true)
            }
        }
    }

    /// Takes what the host sent.
    fn receive(&mut self, index: usize) -> Result<bool, Dead> {
        let mut busy = false;
        let first = match self.stuck.map(|call| call.what) {
            Some(What::Receive { stderr }) => stderr,
            _ => true,
        };
        for stderr in [first, !first] {
            loop {
                let live = &mut self.live[index];
                if !stderr && live.stream.lock().input.len() >= HIGH_WATER {
                    break;
                }
                let result = match stderr {
                    true => live.channel.stderr().read(&mut self.buffer),
                    false => live.channel.read(&mut self.buffer),
                };
                let result = self.with_code(result);
                let count = match self.step(index, What::Receive { stderr }, result)? {
                    Step::Done(count @ 1..) => count,
                    Step::Done(_) | Step::Again => break,
                    Step::Failed(error) => {
                        let live = &mut self.live[index];
                        live.phase = Phase::Closing;
                        live.stream.finish(Some(error.message().to_owned()));
                        return Ok(true);
                    }
                };
                busy = true;
                let live = &self.live[index];
                match stderr {
                    true => live.stream.add_stderr(&self.buffer[..count]),
                    false => live.stream.update(|state| state.input.extend(&self.buffer[..count])),
                }
            }
            if self.stuck.is_some() {
                break;
            }
        }
        Ok(busy)
    }

    fn close(&mut self, index: usize) -> Result<bool, Dead> {
        let result = self.live[index].channel.close();
        if matches!(self.step(index, What::Close, result)?, Step::Again) {
            return Ok(false);
        }
        let live = &mut self.live[index];
        live.phase = Phase::Over;
        let exit = match live.channel.exit_signal() {
            Ok(signal) if signal.exit_signal.is_some() => {
                Some(Exit::Signal(signal_number(signal.exit_signal.as_deref().unwrap_or_default())))
            }
            _ => live.channel.exit_status().ok().map(Exit::Status),
        };
        live.stream.update(|state| {
            if !state.unwanted && state.failure.is_none() {
                state.exit = exit;
            }
        });
        live.stream.finish(None);
        Ok(true)
    }

    /// Whether the socket takes at least a chunk now.
    fn writable(&self) -> bool {
        let mut poll = libc::pollfd { fd: self.socket.fd(), events: libc::POLLOUT, revents: 0 };
        // SAFETY: one valid pollfd.
        unsafe { libc::poll(&raw mut poll, 1, 0) == 1 }
    }

    fn poll(&self) {
        let events = if self.wants_out { libc::POLLIN | libc::POLLOUT } else { libc::POLLIN };
        // A half-sent packet cannot be finished by what comes in.
        let events = if self.stuck.is_some() { libc::POLLOUT } else { events };
        let mut fds = [
            libc::pollfd { fd: self.socket.fd(), events, revents: 0 },
            libc::pollfd { fd: self.handle.wake.fd(), events: libc::POLLIN, revents: 0 },
        ];
        let left = self.next_keepalive.saturating_duration_since(Instant::now());
        let millis = libc::c_int::try_from(left.as_millis() + 1).unwrap_or(1000);
        // SAFETY: two valid pollfds.
        unsafe { libc::poll(fds.as_mut_ptr(), 2, millis) };
    }

    fn end(mut self, dead: Option<Dead>) {
        self.handle.alive.store(false, Ordering::SeqCst);
        let reason = dead.clone().unwrap_or_else(|| CLOSED.to_owned());
        let orders = {
            let mut orders = self.handle.lock();
            orders.closed = Some(reason.clone());
            std::mem::take(&mut orders.queue)
        };
        if dead.is_none() && self.stuck.is_none() {
            let _ = self.session.disconnect(None, "done", None);
        }
        // libssh2 says goodbye to each channel when it frees it; without a socket that costs nothing.
        self.socket.shutdown();
        for order in orders.into_iter().chain(self.waiting.drain(..)).chain(self.opening.take()) {
            order.stream.finish(Some(reason.clone()));
        }
        for live in self.live.drain(..) {
            live.stream.finish(Some(reason.clone()));
        }
    }
}

/// A refused channel waits for another one's end if there is another one.
fn may_wait(purpose: &Purpose, live: usize) -> bool {
    live > 0 && matches!(purpose, Purpose::Exec(_))
}

fn lost(error: &ssh2::Error) -> Dead {
    match error.code() {
        ErrorCode::Session(-13 | -43 | -7) => "the host closed it or cannot be reached any more".into(),
        _ => error.message().to_owned(),
    }
}

/// The number of a signal that the protocol names (RFC 4254, 6.10).
fn signal_number(name: &str) -> i32 {
    match name {
        "ABRT" => libc::SIGABRT,
        "ALRM" => libc::SIGALRM,
        "FPE" => libc::SIGFPE,
        "HUP" => libc::SIGHUP,
        "ILL" => libc::SIGILL,
        "INT" => libc::SIGINT,
        "PIPE" => libc::SIGPIPE,
        "QUIT" => libc::SIGQUIT,
        "SEGV" => libc::SIGSEGV,
        "TERM" => libc::SIGTERM,
        "USR1" => libc::SIGUSR1,
        "USR2" => libc::SIGUSR2,
        _ => libc::SIGKILL,
    }
}
