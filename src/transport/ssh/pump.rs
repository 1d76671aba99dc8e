//! Between libssh2 and the network: a socket pair that the driver fills and empties itself.
//!
//! libssh2 reads packets for all channels in any call for one of them, and must repeat a call that
//! could not send a whole packet before it makes any other. With the network behind a pair, bytes
//! reach libssh2 only when the driver feeds them (so that a pass over all channels without new
//! bytes has seen everything), and its packets always find room.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// Above this, channels wait before they send more.
const BACKLOG: usize = 256 * 1024;

/// The way to the host.
pub(super) enum Socket {
    /// To the host itself.
    Tcp(TcpStream),
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

    fn shutdown(&self) {
        let _ = match self {
            Socket::Tcp(socket) => socket.shutdown(Shutdown::Both),
            Socket::Pair(socket) => socket.shutdown(Shutdown::Both),
        };
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => (&*socket).read(buffer),
            Socket::Pair(socket) => (&*socket).read(buffer),
        }
    }

    fn write(&self, data: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => (&*socket).write(data),
            Socket::Pair(socket) => (&*socket).write(data),
        }
    }

    fn copy(&self) -> io::Result<Socket> {
        let copy = match self {
            Socket::Tcp(socket) => Socket::Tcp(socket.try_clone()?),
            Socket::Pair(socket) => Socket::Pair(socket.try_clone()?),
        };
        Ok(copy)
    }
}

pub(super) struct Pump {
    network: Socket,
    ours: UnixStream,
    /// Keeps the number that libssh2 knows; since the pump started it means the pair's other end.
    session_fd: Socket,
    /// From the network, not yet with libssh2.
    inbound: Vec<u8>,
    /// From libssh2, not yet on the network.
    outbound: VecDeque<u8>,
    ended: bool,
    /// Bytes came since somebody last asked.
    heard: bool,
    buffer: Vec<u8>,
}

impl Pump {
    /// Slips the pair under the descriptor that libssh2 works with.
    pub(super) fn start(session_fd: Socket) -> io::Result<Pump> {
        let network = session_fd.copy()?;
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        let size: libc::c_int = 1 << 20;
        let length = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(4);
        // SAFETY: open sockets and an int; dup3 puts a copy in the place of an open descriptor.
        unsafe {
            for fd in [ours.as_raw_fd(), theirs.as_raw_fd()] {
                libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, (&raw const size).cast(), length);
            }
            if libc::dup3(theirs.as_raw_fd(), session_fd.fd(), libc::O_CLOEXEC) < 0 {
                return Err(io::Error::last_os_error());
            }
            let flags = libc::fcntl(network.fd(), libc::F_GETFL);
            libc::fcntl(network.fd(), libc::F_SETFL, flags | libc::O_NONBLOCK);
        }
        Ok(Pump {
            network,
            ours,
            session_fd,
            inbound: Vec::new(),
            outbound: VecDeque::new(),
            ended: false,
            heard: false,
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Gives libssh2 what has come. True when it was something.
    pub(super) fn feed(&mut self) -> io::Result<bool> {
        let mut fed = false;
        if self.inbound.is_empty() && !self.ended {
            match self.network.read(&mut self.buffer) {
                Ok(0) => {
                    self.ended = true;
                    let _ = self.ours.shutdown(Shutdown::Write);
                    return Ok(true);
                }
                Ok(count) => {
                    self.heard = true;
                    self.inbound.extend_from_slice(&self.buffer[..count]);
                }
                Err(error) if again(&error) => {}
                Err(error) => return Err(error),
            }
        }
        while !self.inbound.is_empty() {
            match (&self.ours).write(&self.inbound) {
                Ok(count) => {
                    fed = true;
                    self.inbound.drain(..count);
                }
                Err(error) if again(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(fed)
    }

    /// Sends what libssh2 has written.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        loop {
            match (&self.ours).read(&mut self.buffer) {
                Ok(0) => break,
                Ok(count) => self.outbound.extend(&self.buffer[..count]),
                Err(error) if again(&error) => break,
                Err(error) => return Err(error),
            }
        }
        while !self.outbound.is_empty() {
            let (front, _) = self.outbound.as_slices();
            match self.network.write(front) {
                Ok(count) => {
                    self.outbound.drain(..count);
                }
                Err(error) if again(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether channels may send more.
    pub(super) fn has_room(&self) -> bool {
        self.outbound.len() < BACKLOG
    }

    /// Whether a byte came since the last question.
    pub(super) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    /// What poll(2) should wait for.
    pub(super) fn poll_entry(&self) -> libc::pollfd {
        let mut events = 0;
        if self.inbound.is_empty() && !self.ended {
            events |= libc::POLLIN;
        }
        if !self.outbound.is_empty() {
            events |= libc::POLLOUT;
        }
        libc::pollfd { fd: self.network.fd(), events, revents: 0 }
    }

    /// Ends both directions.
    pub(super) fn close(&self) {
        self.network.shutdown();
        let _ = self.ours.shutdown(Shutdown::Both);
        // The number stays taken until the session is gone.
        let _ = &self.session_fd;
    }
}

fn again(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// A copy of the descriptor for a callback that may come late: it never meets another file under
/// the same number.
pub(super) fn duplicate(fd: libc::c_int) -> Option<OwnedFd> {
    // SAFETY: an open descriptor; the result is checked and owned by nobody else.
    unsafe {
        let copy = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3);
        (copy >= 0).then(|| OwnedFd::from_raw_fd(copy))
    }
}
