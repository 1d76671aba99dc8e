//! Frames: bounded pieces of messages on a byte stream, so that a large message holds up no small one.
//!
//! A frame is nine bytes of head (length of the body, kind, number of the message; little-endian)
//! and a body. A message that fits in one frame is one; a longer one is cut, and its frames mix
//! with those of other messages.

use crate::transport::Channel;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What an agent says before its first frame. Whatever a login shell prints comes before it.
pub(super) const MAGIC: &[u8] = b"\0\0rplay-agent\n";
/// Changes with every change of the messages.
pub(super) const PROTOCOL: u32 = 1;

const HEAD: usize = 9;
const BODY: usize = 64 * 1024;
/// The most that one message may take.
const MESSAGE: usize = 256 << 20;
/// The most that all unfinished messages may take together.
const UNFINISHED: usize = 1 << 30;

const WHOLE: u8 = 0;
const PART: u8 = 1;
const LAST: u8 = 2;

/// The stream does not carry what it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// A frame's head makes no sense.
    #[error("a frame of {length} bytes and kind {kind} came")]
    Head { length: usize, kind: u8 },
    /// A message is larger than allowed.
    #[error("a message of more than {} MiB came", MESSAGE >> 20)]
    TooLarge,
    /// A message says what the protocol does not know.
    #[error("a message cannot be read: {0}")]
    Message(#[from] rmp_serde::decode::Error),
}

/// Writes messages; many threads may write at once.
pub(super) struct FrameWriter {
    channel: Arc<dyn Channel>,
    turn: Mutex<()>,
    next: AtomicU32,
}

impl FrameWriter {
    pub(super) fn new(channel: Arc<dyn Channel>) -> FrameWriter {
        FrameWriter { channel, turn: Mutex::new(()), next: AtomicU32::new(0) }
    }

    /// Sends one message. A message over the limit is refused before anything of it is sent.
    pub(super) fn send(&self, message: &impl Serialize) -> io::Result<()> {
        let body = rmp_serde::to_vec(message).map_err(io::Error::other)?;
        if body.len() > MESSAGE {
            let text = format!("a message of {} MiB is too large", body.len() >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let count = body.chunks(BODY).len().max(1);
        let mut frame = Vec::with_capacity(HEAD + body.len().min(BODY));
        for (index, part) in body.chunks(BODY).enumerate() {
            let kind = match (count, index + 1 == count) {
                (1, _) => WHOLE,
                (_, false) => PART,
                (_, true) => LAST,
            };
            frame.clear();
            frame.extend(u32::try_from(part.len()).unwrap_or(0).to_le_bytes());
            frame.push(kind);
            frame.extend(number.to_le_bytes());
            frame.extend_from_slice(part);
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            self.channel.write_all(&frame)?;
        }
        Ok(())
    }
}

/// Puts messages together from the bytes of a stream.
#[derive(Default)]
pub(super) struct Decoder {
    buffer: Vec<u8>,
    start: usize,
    unfinished: HashMap<u32, Vec<u8>>,
    held: usize,
}

impl Decoder {
    /// Takes bytes as they come.
    pub(super) fn push(&mut self, data: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(data);
    }

    /// The next whole message; None until more bytes come.
    pub(super) fn next<M: DeserializeOwned>(&mut self) -> Result<Option<M>, FrameError> {
        while let Some(head) = self.buffer[self.start..].first_chunk::<HEAD>() {
            let [a, b, c, d, kind, e, f, g, h] = *head;
            let length = u32::from_le_bytes([a, b, c, d]) as usize;
            let number = u32::from_le_bytes([e, f, g, h]);
            if length > BODY || kind > LAST {
                return Err(FrameError::Head { length, kind });
            }
            let body = self.start + HEAD..self.start + HEAD + length;
            let Some(part) = self.buffer.get(body.clone()) else { return Ok(None) };
            self.start = body.end;
            if kind == WHOLE {
                return Ok(Some(rmp_serde::from_slice(part)?));
            }
            let message = self.unfinished.entry(number).or_default();
            message.extend_from_slice(part);
            self.held += part.len();
            if message.len() > MESSAGE || self.held > UNFINISHED {
                return Err(FrameError::TooLarge);
            }
            if kind == LAST {
                let message = self.unfinished.remove(&number).unwrap_or_default();
                self.held -= message.len();
                return Ok(Some(rmp_serde::from_slice(&message)?));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::transport::Exit;
    use std::time::Duration;

    #[derive(Default)]
    struct Memory(Mutex<Vec<u8>>);

    impl Channel for Memory {
        fn read(&self, _: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
            Ok(0)
        }
        fn write_all(&self, data: &[u8]) -> io::Result<()> {
            self.0.lock().unwrap().extend_from_slice(data);
            Ok(())
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

    #[test]
    fn messages_survive_any_cut() {
        let memory = Arc::new(Memory::default());
        let writer = FrameWriter::new(memory.clone());
        let messages = ["small".to_owned(), "x".repeat(200_000), String::new()];
        std::thread::scope(|scope| {
            for message in &messages {
                scope.spawn(|| writer.send(message).unwrap());
            }
        });
        let bytes = memory.0.lock().unwrap().clone();
        for step in [1, 7, 65_536, bytes.len()] {
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            for piece in bytes.chunks(step) {
                decoder.push(piece);
                while let Some(message) = decoder.next::<String>().unwrap() {
                    found.push(message);
                }
            }
            found.sort_by_key(String::len);
            assert_eq!(found, [messages[2].clone(), messages[0].clone(), messages[1].clone()]);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let mut decoder = Decoder::default();
        decoder.push(b"HTTP/1.1 400 Bad Request\r\n");
        assert!(matches!(decoder.next::<String>(), Err(FrameError::Head { .. })));
    }
}
