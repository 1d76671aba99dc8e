//! SSH spoken by rplay itself, through libssh2: one session per host, many channels on it.

mod auth;
mod config;
mod driver;
mod known_hosts;
mod options;
mod orders;
mod pattern;
mod proxy;
mod pump;
mod stream;

pub use config::SshConfig;

use super::{CancelGuard, CancelToken, Channel, Connection, Target, TransportError, resolve};
use crate::module::Output;
use driver::Keepalive;
use known_hosts::{KnownKeys, Verdict};
use options::Options;
use orders::{Handle, Purpose};
use pump::Socket;
use ssh2::{ErrorCode, MethodType, Session};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stream::SshChannel;

/// How many jump hosts may stand before one another.
const JUMPS: u32 = 8;

/// A session that is logged in.
pub(crate) struct SshConnection {
    host: String,
    handle: Arc<Handle>,
    /// The jump host's session that carries this one, or the proxy command.
    _carrier: Option<proxy::Carrier>,
}

impl SshConnection {
    /// Connects, checks the host's key, logs in.
    pub(crate) fn open(target: &Target, cancel: &CancelToken) -> Result<SshConnection, TransportError> {
        let options = Options::of(target)?;
        SshConnection::open_with(target, &options, cancel, JUMPS)
    }

    fn open_with(
        target: &Target,
        options: &Options,
        cancel: &CancelToken,
        jumps: u32,
    ) -> Result<SshConnection, TransportError> {
        let timeout = options.connect_timeout(target);
        let deadline = Deadline { end: Instant::now() + timeout, timeout, address: options.address() };
        let (socket, carrier) = reach(target, options, &deadline, cancel, jumps)?;
        let (session, _guard) = handshake(&socket, options, &deadline, cancel)?;
        let cancelled = |error| if cancel.is_cancelled() { TransportError::Cancelled } else { error };
        check_host_key(&session, options).map_err(cancelled)?;
        options.login(&session, target).run().map_err(cancelled)?;
        if cancel.is_cancelled() {
            return Err(TransportError::Cancelled);
        }
        let keepalive = Keepalive {
            interval: options.keepalive_interval().unwrap_or(target.heartbeat.max(Duration::from_secs(1))),
            missing: options.keepalive_missing().unwrap_or_else(|| missing(target)),
        };
        let handle = driver::start(session, socket, keepalive, &options.host)?;
        Ok(SshConnection { host: target.host.clone(), handle, _carrier: carrier })
    }

    fn lost(&self, reason: String) -> TransportError {
        TransportError::Lost { host: self.host.clone(), reason }
    }

    fn order(&self, purpose: Purpose, keep_stderr: bool) -> Result<SshChannel, TransportError> {
        let stream = self.handle.order(purpose, keep_stderr);
        let channel = SshChannel(stream);
        channel.0.wait_open().map_err(|reason| self.lost(reason))?;
        Ok(channel)
    }

    /// A stream to a port that this host can reach.
    fn forward(&self, host: &str, port: u16) -> Result<SshChannel, TransportError> {
        self.order(Purpose::Forward(host.to_owned(), port), false)
    }
}

impl Connection for SshConnection {
    fn exec(&self, command: &str, stdin: &[u8], cancel: &CancelToken) -> Result<Output, TransportError> {
        let stream = self.handle.order(Purpose::Exec(posix(command)), true);
        let channel = SshChannel(stream.clone());
        let _guard = {
            let stream = stream.clone();
            cancel.on_cancel(move || SshChannel(stream).close())
        };
        if !stdin.is_empty() {
            stream.queue(stdin);
        }
        channel.end_input().map_err(|error| self.lost(error.to_string()))?;
        let opened = stream.wait_open();
        if cancel.is_cancelled() {
            return Err(TransportError::Cancelled);
        }
        opened.map_err(|reason| self.lost(reason))?;
        let mut stdout = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        while let count @ 1.. = channel.read(&mut buffer, None).map_err(|error| self.lost(error.to_string()))? {
            stdout.extend_from_slice(&buffer[..count]);
        }
        let mut exit = None;
        while exit.is_none() && !cancel.is_cancelled() && stream.failure().is_none() && !stream.lock().over {
            exit = channel.wait(Duration::from_secs(1));
        }
        if cancel.is_cancelled() {
            return Err(TransportError::Cancelled);
        }
        match (exit.or_else(|| channel.wait(Duration::ZERO)), stream.failure()) {
            (Some(exit), None) => Ok(Output { rc: exit.code(), stdout, stderr: channel.stderr() }),
            (_, failure) => Err(self.lost(failure.unwrap_or_else(|| "no exit status came".into()))),
        }
    }

    fn spawn(&self, command: &str) -> Result<Box<dyn Channel>, TransportError> {
        Ok(Box::new(self.order(Purpose::Exec(posix(command)), false)?))
    }

    fn is_alive(&self) -> bool {
        self.handle.is_alive()
    }

    fn close(&self) {
        self.handle.close();
    }

    fn host(&self) -> &str {
        &self.host
    }
}

impl Drop for SshConnection {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// The login shell may be anything (fish, csh): it only starts the one that reads the command.
fn posix(command: &str) -> String {
    format!("exec /bin/sh -c {}", super::shell_quote(command))
}

fn missing(target: &Target) -> u32 {
    let beats = target.silence.as_secs_f64() / target.heartbeat.as_secs_f64().max(1.0);
    beats.ceil().clamp(1.0, 1000.0) as u32
}

/// The words of a system error without its number.
pub(super) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text[..1].to_ascii_lowercase() + &text[1..]
}

/// Until when a connection must stand.
pub(super) struct Deadline {
    end: Instant,
    timeout: Duration,
    /// For messages.
    pub(super) address: String,
}

impl Deadline {
    pub(super) fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    pub(super) fn over(&self, doing: &'static str) -> TransportError {
        TransportError::Timeout { address: self.address.clone(), seconds: self.timeout.as_secs(), doing }
    }
}

/// A socket to the host: straight, through a jump host, or through a proxy command.
fn reach(
    target: &Target,
    options: &Options,
    deadline: &Deadline,
    cancel: &CancelToken,
    jumps: u32,
) -> Result<(Socket, Option<proxy::Carrier>), TransportError> {
    if let Some(command) = options.proxy_command() {
        let (socket, carrier) = proxy::command(&command)?;
        return Ok((Socket::Pair(socket), Some(carrier)));
    }
    if let Some(chain) = options.jump_hosts() {
        if jumps == 0 {
            return Err(TransportError::Unsupported("too many jump hosts stand before one another".into()));
        }
        let (socket, carrier) = proxy::jump(target, options, &chain, cancel, jumps - 1)?;
        return Ok((Socket::Pair(socket), Some(carrier)));
    }
    let mut addresses = resolve(&options.host, deadline.left(), cancel)?;
    options.choose_family(&mut addresses);
    connect(&addresses, options.port, deadline, cancel).map(|socket| (Socket::Tcp(socket), None))
}

/// Connects to the first address that answers.
fn connect(
    addresses: &[IpAddr],
    port: u16,
    deadline: &Deadline,
    cancel: &CancelToken,
) -> Result<TcpStream, TransportError> {
    let failed = |reason: String| TransportError::Connect { address: deadline.address.clone(), reason };
    let mut last = failed("the name has no address of the wanted family".into());
    for (index, address) in addresses.iter().enumerate() {
        // Each address gets its share of the time that is left.
        let share = deadline.left() / u32::try_from(addresses.len() - index).unwrap_or(1);
        let end = Instant::now() + share;
        loop {
            if cancel.is_cancelled() {
                return Err(TransportError::Cancelled);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                last = deadline.over("connecting");
                break;
            }
            // In slices, so that cancelling is noticed soon. A slice that ends starts anew, which a
            // host that is slow but there survives: its answer takes less than a second.
            let slice = left.min(Duration::from_secs(5));
            match TcpStream::connect_timeout(&SocketAddr::new(*address, port), slice) {
                Ok(socket) => {
                    let _ = socket.set_nodelay(true);
                    return Ok(socket);
                }
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
                Err(error) => {
                    last = failed(reason(&error));
                    break;
                }
            }
        }
    }
    Err(last)
}

/// Greets and exchanges keys. The guard shuts the socket when the caller is cancelled.
fn handshake(
    socket: &Socket,
    options: &Options,
    deadline: &Deadline,
    cancel: &CancelToken,
) -> Result<(Session, CancelGuard), TransportError> {
    let failed = |reason: String| TransportError::Handshake { address: deadline.address.clone(), reason };
    let mut session = Session::new().map_err(|error| failed(error.message().to_owned()))?;
    for (method, list) in options.methods() {
        session.method_pref(method, &list).map_err(|_| {
            TransportError::Unsupported(format!(
                "the built-in ssh knows none of the algorithms {list}; use «ansible_connection: openssh» for this host"
            ))
        })?;
    }
    let keys = KnownKeys::read(&options.known_hosts, &options.lookup_name());
    if let Some(list) = host_key_order(&keys.kinds()).filter(|_| !options.sets_host_key_algorithms()) {
        let _ = session.method_pref(MethodType::HostKey, &list);
    }
    let fd = socket.fd();
    let guard = {
        let copy = pump::duplicate(fd);
        cancel.on_cancel(move || {
            if let Some(copy) = copy {
                // SAFETY: an open socket.
                unsafe { libc::shutdown(copy.as_raw_fd(), libc::SHUT_RDWR) };
            }
        })
    };
    session.set_tcp_stream(RawSocket(fd));
    session.set_timeout(u32::try_from(deadline.left().as_millis()).unwrap_or(u32::MAX).max(1));
    let result = session.handshake();
    if cancel.is_cancelled() {
        return Err(TransportError::Cancelled);
    }
    match result {
        Ok(()) => Ok((session, guard)),
        Err(error) if error.code() == ErrorCode::Session(-9) => Err(deadline.over("greeting")),
        Err(error) => Err(match error.code() {
            ErrorCode::Session(-13 | -43) => failed("the host closed the connection".into()),
            ErrorCode::Session(-5 | -8) => failed(format!(
                "no common algorithms ({}); try «ansible_connection: openssh»",
                error.message().to_ascii_lowercase()
            )),
            _ => failed(error.message().to_ascii_lowercase()),
        }),
    }
}

/// The session's socket for libssh2; the driver owns it.
struct RawSocket(libc::c_int);

impl AsRawFd for RawSocket {
    fn as_raw_fd(&self) -> libc::c_int {
        self.0
    }
}

/// The signature algorithms for the known keys' types first, then the rest.
fn host_key_order(kinds: &[&str]) -> Option<String> {
    const ALL: &[&str] = &[
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-512",
        "rsa-sha2-256",
        "ssh-rsa",
    ];
    if kinds.is_empty() {
        return None;
    }
    let known = |algorithm: &str| kinds.contains(&if algorithm.starts_with("rsa-") { "ssh-rsa" } else { algorithm });
    let (mut first, rest): (Vec<&str>, Vec<&str>) = ALL.iter().partition(|algorithm| known(algorithm));
    first.extend(rest);
    Some(first.join(","))
}

/// Compares the host's key with what is known.
fn check_host_key(session: &Session, options: &Options) -> Result<(), TransportError> {
    let shown = session.host_key().map(|(key, _)| key.to_vec()).unwrap_or_default();
    let name = options.lookup_name();
    let keys = KnownKeys::read(&options.known_hosts, &name);
    let strict = options.strictness();
    let kind = known_hosts::key_kind(&shown);
    let fingerprint = known_hosts::fingerprint(&shown);
    match keys.judge(&shown) {
        Verdict::Known => Ok(()),
        Verdict::Revoked(place) => Err(TransportError::RevokedHostKey { host: name, place }),
        _ if strict == options::Strictness::Off => Ok(()),
        Verdict::Changed(place) => Err(TransportError::ChangedHostKey { host: name, kind, fingerprint, place }),
        Verdict::Unknown if strict == options::Strictness::AcceptNew => {
            let file = options.known_hosts.first().cloned().unwrap_or_else(|| PathBuf::from("/dev/null"));
            known_hosts::remember(&file, &name, &shown)
                .map_err(|error| TransportError::io(format!("cannot write {}", file.display()), error))
        }
        Verdict::Unknown if keys.has_authority => Err(TransportError::Unsupported(format!(
            "the key of {name} is vouched for by a certificate authority, which the built-in ssh does not know; use \
             «ansible_connection: openssh» for this host"
        ))),
        Verdict::Unknown => Err(TransportError::UnknownHostKey {
            host: name,
            kind,
            fingerprint,
            file: options.known_hosts.first().map_or_else(String::new, |file| file.display().to_string()),
        }),
    }
}

#[cfg(test)]
mod tests {
    unsafe extern "C" {
        /// In every build of OpenSSL 3; zero in one without threads, which crashes under several connections.
        fn CRYPTO_THREAD_get_current_id() -> usize;
    }

    #[test]
    fn the_cryptographic_library_has_locks() {
        // SAFETY: it takes nothing and reads the calling thread's id.
        assert_ne!(unsafe { CRYPTO_THREAD_get_current_id() }, 0);
    }
}
