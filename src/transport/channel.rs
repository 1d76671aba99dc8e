//! What every transport gives: commands on a host, and a byte stream to a running one.

use super::{CancelToken, TransportError, shell_quote};
use crate::module::Output;
use std::io::{self, Read};
use std::time::Duration;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// The status as a shell gives it: 128 + signal when killed.
    pub fn code(self) -> i32 {
        match self {
            Exit::Status(status) => status,
            Exit::Signal(signal) => 128 + signal,
        }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Exit::Status(status) => write!(f, "status {status}"),
            Exit::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// The streams of a running process on a host. All methods can be called from any thread: one
/// reads, others write, anyone closes.
pub trait Channel: Send + Sync {
    /// Reads standard output; 0 at its end. [`io::ErrorKind::TimedOut`] when nothing came in time.
    fn read(&self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize>;
    /// Writes to standard input, waiting while the other side does not take more.
    fn write_all(&self, data: &[u8]) -> io::Result<()>;
    /// Ends standard input.
    fn end_input(&self) -> io::Result<()>;
    /// Standard error so far: its last 64 KiB.
    fn stderr(&self) -> Vec<u8>;
    /// Waits for the process to end; None when it has not or its status is unknown.
    fn wait(&self, timeout: Duration) -> Option<Exit>;
    /// Ends it: reads and writes return at once, the process is killed where that is possible and
    /// sees the end of its input elsewhere.
    fn close(&self);
}

/// A way to one host.
pub trait Connection: Send + Sync {
    /// Runs `/bin/sh -c command` to its end.
    fn exec(&self, command: &str, stdin: &[u8], cancel: &CancelToken) -> Result<Output, TransportError>;
    /// Starts `/bin/sh -c command` and gives its streams.
    fn spawn(&self, command: &str) -> Result<Box<dyn Channel>, TransportError>;
    /// Whether the connection still stands, as far as is known without asking the host.
    fn is_alive(&self) -> bool;
    /// Ends the connection and all that runs over it.
    fn close(&self);
    /// The host, for messages.
    fn host(&self) -> &str;

    /// Puts a file in place atomically. `path` is taken literally.
    fn put(&self, content: &mut dyn Read, path: &str, mode: u32) -> Result<(), TransportError> {
        let failed =
            |reason: String| TransportError::Put { host: self.host().to_owned(), path: path.to_owned(), reason };
        let path = shell_quote(path);
        let script = format!(
            "umask 077; t={path}.rplay-$$; trap 'rm -f \"$t\"' EXIT HUP TERM; \
             cat > \"$t\" && chmod {mode:o} \"$t\" && mv -f \"$t\" {path}"
        );
        let channel = self.spawn(&script)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    if let Err(error) = channel.write_all(&buffer[..n]) {
                        return Err(failed(describe_end(&*channel, &error.to_string())));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    channel.close();
                    return Err(failed(error.to_string()));
                }
            }
        }
        channel.end_input().map_err(|error| failed(error.to_string()))?;
        while channel.read(&mut buffer, None).map_err(|error| failed(error.to_string()))? > 0 {}
        match channel.wait(Duration::from_secs(60)) {
            Some(Exit::Status(0)) => Ok(()),
            _ => Err(failed(describe_end(&*channel, "it did not end well"))),
        }
    }
}

/// What a process said last, or `otherwise`.
fn describe_end(channel: &dyn Channel, otherwise: &str) -> String {
    let exit = channel.wait(Duration::from_secs(2));
    let stderr = String::from_utf8_lossy(&channel.stderr()).trim().to_owned();
    match (stderr.is_empty(), exit) {
        (false, _) => stderr,
        (true, Some(exit)) => format!("ended with {exit}"),
        (true, None) => otherwise.to_owned(),
    }
}
