//! The one thread that speaks with libssh2: it never blocks but in poll(2), on the network and a wake-up.
//!
//! libssh2 holds a lock on the session in every call, so a thread that reads while another writes
//! would wait for it. Here all calls come from one thread and none waits. See [`pump`](super::pump)
//! for what lies between libssh2 and the network.

use super::super::{Exit, TransportError};
use super::orders::{CLOSED, Handle, Order, Purpose};
use super::pump::{Pump, Socket};
use super::stream::{HIGH_WATER, Stream, Wake};
use ssh2::{ErrorCode, Session};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

const EAGAIN: ErrorCode = ErrorCode::Session(-37);
const OPEN_REFUSED: ErrorCode = ErrorCode::Session(-21);
/// The most that is written in one call, and the most that all channels write in one pass: far less
/// than what the pair holds, so that libssh2 never finds it full.
const CHUNK: usize = 32 * 1024;
const PASS: usize = 3 * CHUNK;

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
    let failed = |error| TransportError::io("cannot start the ssh driver", error);
    let wake = Arc::new(Wake::new().map_err(failed)?);
    let handle = Arc::new(Handle::new(wake));
    session.set_blocking(false);
    // The driver decides when; libssh2 shall not find that it is too early.
    session.set_keepalive(true, 1);
    let driver = Driver {
        live: Vec::new(),
        opening: None,
        waiting: VecDeque::new(),
        session,
        pump: Pump::start(socket).map_err(failed)?,
        handle: handle.clone(),
        budget: 0,
        keepalive,
        next_keepalive: Instant::now() + keepalive.interval,
        missed: 0,
        buffer: vec![0; 64 * 1024],
    };
    std::thread::Builder::new().name(format!("ssh {host}")).spawn(move || driver.run()).map_err(failed)?;
    Ok(handle)
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

/// Fields in the order in which they go: channels before their session, the session before its socket.
struct Driver {
    live: Vec<Live>,
    opening: Option<Order>,
    /// Refused for now: the host allows so many channels only.
    waiting: VecDeque<Order>,
    session: Session,
    pump: Pump,
    handle: Arc<Handle>,
    /// How much channels may still write in this pass.
    budget: usize,
    keepalive: Keepalive,
    next_keepalive: Instant,
    missed: u32,
    buffer: Vec<u8>,
}

/// What one call of libssh2 came to.
enum Step<T> {
    Done(T),
    /// Nothing can be done before something comes.
    Again,
    /// The call failed; the session stands.
    Failed(ssh2::Error),
}

type Dead = String;

impl Driver {
    fn run(mut self) {
        let end = loop {
            self.handle.wake().take();
            if self.handle.is_closed() {
                break None;
            }
            match self.turn() {
                // What was fed may concern a channel that this pass had already seen.
                Ok(true) => {}
                Ok(false) => self.poll(),
                Err(dead) => break Some(dead),
            }
        };
        self.end(end);
    }

    /// Feeds libssh2, goes over all channels once, and sends. True when there may be more to do.
    fn turn(&mut self) -> Result<bool, Dead> {
        let broken = |error: std::io::Error| super::reason(&error);
        let mut busy = self.pump.feed().map_err(broken)?;
        self.keep_alive()?;
        self.budget = PASS;
        busy |= self.open()?;
        for index in 0..self.live.len() {
            busy |= self.advance(index)?;
        }
        self.pump.drain().map_err(broken)?;
        let before = self.live.len();
        self.live.retain(|live| live.phase != Phase::Over);
        if self.live.len() < before {
            // A place is free again.
            self.handle.give_back(&mut self.waiting);
            busy = true;
        }
        Ok(busy)
    }

    /// Reads the outcome of a call.
    fn step<T>(result: Result<T, ssh2::Error>) -> Result<Step<T>, Dead> {
        match result {
            Ok(value) => Ok(Step::Done(value)),
            Err(error) if error.code() == EAGAIN => Ok(Step::Again),
            Err(error) => match error.code() {
                // The socket failed, was closed, or carries nonsense.
                ErrorCode::Session(-13 | -43 | -7 | -12 | -41 | -39 | -2 | -1 | -4) => Err(lost(&error)),
                _ => Ok(Step::Failed(error)),
            },
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
        if now < self.next_keepalive {
            return Ok(());
        }
        // Missing answers are counted by turns, not by the clock: a stopped and continued rplay
        // loses nobody.
        self.missed = if self.pump.take_heard() { 0 } else { self.missed + 1 };
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
            self.opening = self.handle.next();
        }
        let Some(order) = &self.opening else { return Ok(false) };
        let result = match &order.purpose {
            Purpose::Exec(_) => self.session.channel_session(),
            Purpose::Forward(host, port) => self.session.channel_direct_tcpip(host, *port, None),
        };
        let step = Driver::step(result)?;
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
            let moved = match self.live[index].phase {
                Phase::Over => false,
                Phase::Starting => self.begin(index)?,
                Phase::Running if self.live[index].stream.lock().unwanted => {
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
        match Driver::step(result)? {
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
        let mut busy = self.send(index)?;
        busy |= self.receive(index)?;
        if self.live[index].phase == Phase::Running && self.live[index].channel.eof() {
            self.live[index].stream.update(|state| state.input_ended = true);
            // The status comes with or before the host's close.
            let result = self.live[index].channel.wait_close();
            if !matches!(Driver::step(result)?, Step::Again) {
                self.live[index].phase = Phase::Closing;
                busy = true;
            }
        }
        Ok(busy)
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
        if self.budget < CHUNK || !self.pump.has_room() {
            return Ok(false);
        }
        let live = &mut self.live[index];
        let result = live.channel.write(&live.chunk[live.sent..]);
        let result = self.with_code(result);
        match Driver::step(result)? {
            Step::Again | Step::Done(0) => Ok(false),
            Step::Done(count) => {
                self.live[index].sent += count;
                self.budget = self.budget.saturating_sub(CHUNK);
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
        match Driver::step(result)? {
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
        for stderr in [true, false] {
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
                let count = match Driver::step(result)? {
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
        }
        Ok(busy)
    }

    fn close(&mut self, index: usize) -> Result<bool, Dead> {
        let result = self.live[index].channel.close();
        if matches!(Driver::step(result)?, Step::Again) {
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

    fn poll(&self) {
        let mut fds =
            [self.pump.poll_entry(), libc::pollfd { fd: self.handle.wake().fd(), events: libc::POLLIN, revents: 0 }];
        let left = self.next_keepalive.saturating_duration_since(Instant::now());
        let millis = libc::c_int::try_from(left.as_millis() + 1).unwrap_or(1000);
        // SAFETY: two valid pollfds.
        unsafe { libc::poll(fds.as_mut_ptr(), 2, millis) };
    }

    fn end(mut self, dead: Option<Dead>) {
        let reason = dead.clone().unwrap_or_else(|| CLOSED.to_owned());
        let orders = self.handle.end(&reason);
        if dead.is_none() {
            // What was queued before the end still goes out if it can.
            let _ = self.session.disconnect(None, "done", None);
            let _ = self.pump.drain();
        }
        // libssh2 says goodbye to each channel when it frees it; without a network that costs nothing.
        self.pump.close();
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
