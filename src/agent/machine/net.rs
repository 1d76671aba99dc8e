//! Looking whether a TCP port answers.

use super::cancelled;
use super::poll::{CancelFd, entry, poll};
use super::resolve::Names;
use crate::agent::JobContext;
use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// Says of all that came so far whether it is enough.
type Enough<'a> = &'a dyn Fn(&[u8]) -> bool;

/// Connects, and reads until `until` is satisfied with all that came so far. False when the other
/// side ends or the time is over before that; an error when there is no connection.
pub(super) fn probe(
    context: &JobContext,
    host: &str,
    port: u16,
    timeout: Duration,
    until: Option<Enough<'_>>,
) -> io::Result<bool> {
    let end = Instant::now() + timeout;
    let cancel = CancelFd::new(&context.cancel)?;
    let mut last = io::Error::from(ErrorKind::NotFound);
    for address in Names::of(context).addresses(host, port, Some(timeout))? {
        match connect(&cancel, address, end) {
            Ok(stream) => {
                let seen = until.map_or(Ok(true), |until| read_until(&cancel, &stream, end, until));
                // The other side may have gone first.
                let _ = stream.shutdown(Shutdown::Both);
                return seen;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Waits for an event on the stream. False when the time is over.
fn wait(cancel: &CancelFd, stream: &TcpStream, events: libc::c_short, end: Instant) -> io::Result<bool> {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        let mut entries = [entry(cancel.as_raw_fd(), libc::POLLIN), entry(stream.as_raw_fd(), events)];
        poll(&mut entries, Some(left.as_micros().div_ceil(1000)))?;
        if entries[0].revents != 0 {
            return Err(cancelled());
        }
        if entries[1].revents != 0 {
            return Ok(true);
        }
    }
}

fn connect(cancel: &CancelFd, address: SocketAddr, end: Instant) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: plain system call; the result is checked.
    let raw = unsafe { libc::socket(family, kind, 0) };
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and nobody else owns it.
    let stream = TcpStream::from(unsafe { OwnedFd::from_raw_fd(raw) });
    let result = match address {
        SocketAddr::V4(address) => {
            let name = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                sin_zero: [0; 8],
            };
            let length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            // SAFETY: `name` is a whole socket address of the length given.
            unsafe { libc::connect(raw, (&raw const name).cast(), length) }
        }
        SocketAddr::V6(address) => {
            let name = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: address.port().to_be(),
                sin6_flowinfo: address.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                sin6_scope_id: address.scope_id(),
            };
            let length = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
            // SAFETY: `name` is a whole socket address of the length given.
            unsafe { libc::connect(raw, (&raw const name).cast(), length) }
        }
    };
    if result != 0 {
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINPROGRESS) {
            return Err(error);
        }
        if !wait(cancel, &stream, libc::POLLOUT, end)? {
            return Err(io::Error::new(ErrorKind::TimedOut, format!("no connection to {address} in time")));
        }
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
    }
    Ok(stream)
}

fn read_until(cancel: &CancelFd, mut stream: &TcpStream, end: Instant, until: Enough<'_>) -> io::Result<bool> {
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while wait(cancel, stream, libc::POLLIN, end)? {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(count) => {
                seen.extend_from_slice(&buffer[..count]);
                if until(&seen) {
                    return Ok(true);
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}
