//! HTTP over a Unix socket.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, ShutdownHandle, Transport,
};

/// Opens the socket, if there is one, in place of a TCP connection.
#[derive(Debug)]
pub(super) struct UnixConnector(pub(super) Option<PathBuf>);

impl<In: Transport> Connector<In> for UnixConnector {
    type Out = Either<In, UnixTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let Some(path) = &self.0 else { return Ok(chained.map(Either::A)) };
        let stream = Socket(Arc::new(Handle(UnixStream::connect(path)?)));
        let handle: Arc<dyn ShutdownHandle> = stream.0.clone();
        (details.register_shutdown)(Arc::downgrade(&handle))?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(UnixTransport { stream, buffers })))
    }
}

#[derive(Debug)]
struct Handle(UnixStream);

impl ShutdownHandle for Handle {
    fn shutdown(&self) {
        // An error means that it is closed already.
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

#[derive(Debug)]
struct Socket(Arc<Handle>);

/// A connection by a Unix socket.
pub(super) struct UnixTransport {
    stream: Socket,
    buffers: LazyBuffers,
}

impl std::fmt::Debug for UnixTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("UnixTransport").field(&self.stream).finish()
    }
}

fn limit(timeout: NextTimeout) -> Option<std::time::Duration> {
    // A zero limit would mean none to the system.
    (!timeout.after.is_not_happening()).then(|| (*timeout.after).max(std::time::Duration::from_millis(1)))
}

fn timed(timeout: NextTimeout) -> impl Fn(io::Error) -> Error {
    move |error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}

impl Transport for UnixTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        let mut stream = &self.stream.0.0;
        stream.set_write_timeout(limit(timeout))?;
        stream.write_all(&self.buffers.output()[..amount]).map_err(timed(timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        let mut stream = &self.stream.0.0;
        stream.set_read_timeout(limit(timeout))?;
        let count = stream.read(self.buffers.input_append_buf()).map_err(timed(timeout))?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        // Connections are not kept for a second request.
        false
    }
}
