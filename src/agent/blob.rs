//! Content by hash: what the controller offers, and how an agent fetches it.

use super::frame::FrameWriter;
use super::job::BlobSource;
use super::message::{Bytes, FromAgent, ToAgent};
use crate::module::BlobRef;
use sha2::Digest;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How much of one content may be on its way.
const WINDOW: u64 = 1 << 20;
const PIECE: usize = 60 * 1024;

/// Content that the controller offers to hosts, by its SHA-256.
#[derive(Default)]
pub struct BlobStore {
    held: Mutex<HashMap<String, Held>>,
}

#[derive(Clone)]
enum Held {
    Memory(Arc<Vec<u8>>),
    File(PathBuf),
}

impl BlobStore {
    /// An empty store.
    pub fn new() -> BlobStore {
        BlobStore::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers content that is held in memory.
    pub fn offer_bytes(&self, content: Vec<u8>) -> BlobRef {
        let blob = BlobRef {
            sha256: hex(&sha2::Sha256::digest(&content)),
            sha1: hex(&sha1::Sha1::digest(&content)),
            size: content.len() as u64,
        };
        self.lock().entry(blob.sha256.clone()).or_insert_with(|| Held::Memory(Arc::new(content)));
        blob
    }

    /// Offers a file; it is read now for its hash and again when a host wants it.
    pub fn offer_file(&self, path: &Path) -> io::Result<BlobRef> {
        let mut file = File::open(path)?;
        let (mut long, mut short, mut size) = (sha2::Sha256::new(), sha1::Sha1::new(), 0);
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    long.update(&buffer[..count]);
                    short.update(&buffer[..count]);
                    size += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let blob = BlobRef { sha256: hex(&long.finalize()), sha1: hex(&short.finalize()), size };
        self.lock().insert(blob.sha256.clone(), Held::File(path.to_owned()));
        Ok(blob)
    }
}

impl BlobSource for BlobStore {
    fn open(&self, blob: &BlobRef) -> io::Result<Box<dyn Read + Send>> {
        let held = self.lock().get(&blob.sha256).cloned();
        let inner: Box<dyn Read + Send> = match held {
            Some(Held::Memory(content)) => Box::new(io::Cursor::new(SharedBytes(content))),
            Some(Held::File(path)) => Box::new(File::open(path)?),
            None => return Err(missing(blob)),
        };
        // A file may have changed since it was offered.
        Ok(Box::new(Checked::new(inner, blob)))
    }
}

struct SharedBytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Hexadecimal digits, in lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn missing(blob: &BlobRef) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("nobody offers content {}", blob.sha256))
}

/// Content whose end is an error when it is not what its hash says.
struct Checked {
    inner: Box<dyn Read + Send>,
    hash: Option<sha2::Sha256>,
    wanted: String,
}

impl Checked {
    fn new(inner: Box<dyn Read + Send>, blob: &BlobRef) -> Checked {
        Checked { inner, hash: Some(sha2::Sha256::new()), wanted: blob.sha256.clone() }
    }
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count > 0 {
            if let Some(hash) = &mut self.hash {
                hash.update(&buffer[..count]);
            }
        } else if !buffer.is_empty()
            && let Some(hash) = self.hash.take()
            && hex(&hash.finalize()) != self.wanted
        {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the content changed after it was offered"));
        }
        Ok(count)
    }
}

/// One content on its way to an agent: how much may still be sent.
#[derive(Default)]
pub(super) struct Upload {
    state: Mutex<(u64, bool)>,
    changed: Condvar,
}

impl Upload {
    /// The agent used up so many bytes.
    pub(super) fn credit(&self, bytes: u64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 += bytes;
        self.changed.notify_all();
    }

    /// Nobody wants the rest.
    pub(super) fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.changed.notify_all();
    }

    /// Waits for credit and takes up to `most` of it; None when stopped.
    fn take(&self, most: usize) -> Option<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0 == 0 && !state.1 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.1 {
            return None;
        }
        let count = most.min(usize::try_from(state.0).unwrap_or(usize::MAX));
        state.0 -= count as u64;
        Some(count)
    }

    /// Sends the content to its end, or until stopped.
    pub(super) fn send(&self, request: u64, blob: &BlobRef, source: &dyn BlobSource, writer: &FrameWriter) {
        self.credit(WINDOW);
        let result = source.open(blob).and_then(|mut content| {
            loop {
                let Some(count) = self.take(PIECE) else { return Ok(()) };
                let mut data = Vec::with_capacity(count);
                content.by_ref().take(count as u64).read_to_end(&mut data)?;
                if data.is_empty() {
                    return Ok(());
                }
                self.credit((count - data.len()) as u64);
                writer.send(&ToAgent::BlobData { request, data: Bytes(data) })?;
            }
        });
        let error = result.err().map(|error| error.to_string());
        let _ = writer.send(&ToAgent::BlobEnd { request, error });
    }
}

enum Arrival {
    Data(Vec<u8>),
    End(Option<String>),
}

/// The agent's side: content that is fetched over the stream.
pub(super) struct RemoteBlobs {
    writer: Arc<FrameWriter>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Sender<Arrival>>>,
}

impl RemoteBlobs {
    pub(super) fn new(writer: Arc<FrameWriter>) -> RemoteBlobs {
        RemoteBlobs { writer, next: AtomicU64::new(1), waiting: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Sender<Arrival>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece came.
    pub(super) fn data(&self, request: u64, data: Bytes) {
        if let Some(sender) = self.lock().get(&request) {
            let _ = sender.send(Arrival::Data(data.0));
        }
    }

    /// The end came.
    pub(super) fn end(&self, request: u64, error: Option<String>) {
        if let Some(sender) = self.lock().remove(&request) {
            let _ = sender.send(Arrival::End(error));
        }
    }

    /// The stream ended: nothing will come any more.
    pub(super) fn close(&self) {
        self.lock().clear();
    }
}

/// [`RemoteBlobs`] as jobs hold it.
pub(super) struct Fetcher(pub(super) Arc<RemoteBlobs>);

impl BlobSource for Fetcher {
    fn open(&self, blob: &BlobRef) -> io::Result<Box<dyn Read + Send>> {
        let request = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (sender, arrivals) = channel();
        self.0.lock().insert(request, sender);
        let mut fetch =
            Fetch { blobs: self.0.clone(), request, arrivals, piece: Vec::new(), start: 0, used: 0, ended: false };
        self.0.writer.send(&FromAgent::BlobWanted { request, blob: blob.clone() })?;
        // The first piece tells whether anybody has it.
        fetch.fill()?;
        Ok(Box::new(Checked::new(Box::new(fetch), blob)))
    }
}

struct Fetch {
    blobs: Arc<RemoteBlobs>,
    request: u64,
    arrivals: Receiver<Arrival>,
    piece: Vec<u8>,
    start: usize,
    used: u64,
    ended: bool,
}

impl Fetch {
    /// Waits for the next piece when the last one is used up.
    fn fill(&mut self) -> io::Result<()> {
        if self.start < self.piece.len() || self.ended {
            return Ok(());
        }
        match self.arrivals.recv() {
            Ok(Arrival::Data(data)) => {
                self.piece = data;
                self.start = 0;
                Ok(())
            }
            Ok(Arrival::End(None)) => {
                self.ended = true;
                Ok(())
            }
            Ok(Arrival::End(Some(reason))) => {
                self.ended = true;
                let kind =
                    if reason.starts_with("nobody offers") { io::ErrorKind::NotFound } else { io::ErrorKind::Other };
                Err(io::Error::new(kind, reason))
            }
            Err(_) => Err(io::Error::new(io::ErrorKind::Interrupted, "the stream ended")),
        }
    }
}

impl Read for Fetch {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Interrupted would make callers try again for ever.
        self.fill().map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => io::Error::new(io::ErrorKind::ConnectionAborted, "the stream ended"),
            _ => error,
        })?;
        let count = buffer.len().min(self.piece.len() - self.start);
        buffer[..count].copy_from_slice(&self.piece[self.start..self.start + count]);
        self.start += count;
        self.used += count as u64;
        if self.used >= WINDOW / 4 {
            self.blobs.writer.send(&FromAgent::BlobCredit { request: self.request, bytes: self.used })?;
            self.used = 0;
        }
        Ok(count)
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        if self.blobs.lock().remove(&self.request).is_some() {
            let _ = self.blobs.writer.send(&FromAgent::BlobDrop { request: self.request });
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_files_are_offered_by_hash() {
        let store = BlobStore::new();
        let blob = store.offer_bytes(b"abc".to_vec());
        assert_eq!(blob.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(blob.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "abcd").unwrap();
        let file = store.offer_file(&path).unwrap();
        let read = |blob| {
            let mut data = Vec::new();
            store.open(blob).and_then(|mut content| content.read_to_end(&mut data)).map(|_| data)
        };
        assert_eq!(read(&blob).unwrap(), b"abc");
        assert_eq!(read(&file).unwrap(), b"abcd");
        std::fs::write(&path, "abce").unwrap();
        assert_eq!(read(&file).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let other = BlobRef { sha256: "0".repeat(64), ..blob };
        assert_eq!(store.open(&other).err().unwrap().kind(), io::ErrorKind::NotFound);
    }
}
