//! The controlling half of one stream to one agent: jobs go out, lines and results come back.
//!
//! The controller holds one per host; an agent holds one per user that it became.

use super::blob::Upload;
use super::frame::{Decoder, FrameWriter, MAGIC, PROTOCOL};
use super::job::{BlobSource, CancelToken};
use super::message::{FromAgent, Info, JobResult, Settings, ToAgent, WireJob};
use crate::module::Stream;
use crate::transport::{Channel, tail};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long a cancelled job may take to say that it ended.
const GRACE: Duration = Duration::from_secs(10);

/// Why there is no link.
#[derive(Debug)]
pub(super) enum StartError {
    /// The stream ended, or said something else for too long. What was said, and how it ended.
    NoAgent { output: String, stderr: String, exit: Option<crate::transport::Exit> },
    /// Nothing came in time.
    Timeout,
    /// The agent speaks another protocol.
    Protocol(String),
    /// Someone gave up.
    Cancelled,
}

/// Why a link is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Death {
    /// The stream ended.
    Ended(String),
    /// Nothing came for so long.
    Silent(Duration),
    /// What came made no sense.
    Protocol(String),
}

impl std::fmt::Display for Death {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Death::Ended(reason) | Death::Protocol(reason) => f.write_str(reason),
            Death::Silent(time) => write!(f, "it gave no sign of life for {} seconds", time.as_secs()),
        }
    }
}

/// Why a job has no outcome.
#[derive(Debug)]
pub(super) enum LinkError {
    Dead(Death),
    Cancelled,
    /// The job cannot be sent.
    Refused(String),
}

enum Event {
    Line(Stream, String),
    Done(JobResult),
    Cancelled,
    Dead(Death),
}

#[derive(Default)]
struct State {
    jobs: HashMap<u64, Sender<Event>>,
    uploads: HashMap<u64, Arc<Upload>>,
    death: Option<Death>,
}

struct Shared {
    channel: Arc<dyn Channel>,
    writer: FrameWriter,
    blobs: Arc<dyn BlobSource>,
    settings: Settings,
    info: OnceLock<Info>,
    next: AtomicU64,
    state: Mutex<State>,
    /// Ends the thread that sends heartbeats.
    over: CancelToken,
}

/// A stream to a running agent. Clones are the same one; the last one to go ends it.
#[derive(Clone)]
pub(super) struct Link {
    shared: Arc<Shared>,
    _end: Arc<End>,
}

/// Ends the agent's input when nobody holds the link any more.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Link {
    /// Waits for the agent's greeting and starts to listen.
    pub(super) fn start(
        channel: Arc<dyn Channel>,
        settings: Settings,
        blobs: Arc<dyn BlobSource>,
        timeout: Duration,
        cancel: &CancelToken,
    ) -> Result<Link, StartError> {
        let guard = {
            let channel = channel.clone();
            cancel.on_cancel(move || channel.close())
        };
        let mut decoder = Decoder::default();
        let result = greet(&*channel, &mut decoder, timeout);
        drop(guard);
        let info = match result {
            Err(_) if cancel.is_cancelled() => return Err(StartError::Cancelled),
            Err(error) => {
                channel.close();
                return Err(error);
            }
            Ok(info) => info,
        };
        if info.protocol != PROTOCOL {
            channel.close();
            return Err(StartError::Protocol(format!("it speaks protocol {}, not {PROTOCOL}", info.protocol)));
        }
        let shared = Arc::new(Shared {
            writer: FrameWriter::new(channel.clone()),
            channel,
            blobs,
            settings: settings.clone(),
            info: OnceLock::from(info),
            next: AtomicU64::new(1),
            state: Mutex::default(),
            over: CancelToken::new(),
        });
        let end = Arc::new(End(shared.clone()));
        let failed = |error: io::Error| StartError::Protocol(error.to_string());
        shared.writer.send(&ToAgent::Hello(settings)).map_err(|_| shared.no_agent())?;
        let listener = shared.clone();
        std::thread::Builder::new()
            .name("agent reader".into())
            .spawn(move || listener.listen(decoder))
            .map_err(failed)?;
        let beater = shared.clone();
        std::thread::Builder::new().name("agent heartbeat".into()).spawn(move || beater.beat()).map_err(failed)?;
        Ok(Link { shared, _end: end })
    }

    /// What the agent said of itself.
    pub(super) fn info(&self) -> &Info {
        self.shared.info.get_or_init(Info::default)
    }

    /// Why it is over; None as long as it stands.
    pub(super) fn death(&self) -> Option<Death> {
        self.shared.lock().death.clone()
    }

    /// Ends the agent: its input ends, it kills what it runs and leaves.
    pub(super) fn close(&self) {
        self.shared.leave();
    }

    /// Runs a job; `on_line` gets the lines of its processes, on this thread.
    pub(super) fn run(
        &self,
        job: &WireJob,
        on_line: &dyn Fn(Stream, &str),
        cancel: &CancelToken,
    ) -> Result<JobResult, LinkError> {
        let shared = &self.shared;
        let (sender, events) = channel();
        let id = shared.next.fetch_add(1, Ordering::Relaxed);
        {
            let mut state = shared.lock();
            if let Some(death) = &state.death {
                return Err(LinkError::Dead(death.clone()));
            }
            state.jobs.insert(id, sender.clone());
        }
        let _entry = Entry { shared, id };
        let _guard = cancel.on_cancel(move || {
            let _ = sender.send(Event::Cancelled);
        });
        match shared.writer.send(&ToAgent::Run { id, job: job.clone() }) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(LinkError::Refused(error.to_string()));
            }
            // The reader knows better why; it is about to say so.
            Err(error) => {
                let death = shared.await_death(&error.to_string());
                return Err(LinkError::Dead(death));
            }
        }
        // Until when a cancelled job may take to end.
        let mut end: Option<Instant> = None;
        loop {
            let event = match end {
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(end) => events.recv_timeout(end.saturating_duration_since(Instant::now())),
            };
            match event {
                Ok(Event::Line(stream, text)) => on_line(stream, &text),
                Ok(Event::Done(_)) if end.is_some() => return Err(LinkError::Cancelled),
                Ok(Event::Done(result)) => return Ok(result),
                Ok(Event::Cancelled) => {
                    end = Some(Instant::now() + GRACE);
                    if shared.writer.send(&ToAgent::Cancel { id }).is_err() {
                        return Err(LinkError::Cancelled);
                    }
                }
                Ok(Event::Dead(_)) if end.is_some() => return Err(LinkError::Cancelled),
                Ok(Event::Dead(death)) => return Err(LinkError::Dead(death)),
                Err(_) => return Err(LinkError::Cancelled),
            }
        }
    }
}

/// Forgets a job when its run is over.
struct Entry<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.shared.lock().jobs.remove(&self.id);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self) {
        let _ = self.channel.end_input();
        self.over.cancel();
    }

    fn no_agent(&self) -> StartError {
        let stderr = String::from_utf8_lossy(&self.channel.stderr()).into_owned();
        StartError::NoAgent { output: String::new(), stderr, exit: self.channel.wait(Duration::from_secs(1)) }
    }

    /// The reason that the reader finds, or this one when it finds none soon.
    fn await_death(&self, otherwise: &str) -> Death {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            if let Some(death) = &self.lock().death {
                return death.clone();
            }
            if Instant::now() >= end {
                return Death::Ended(otherwise.to_owned());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn die(&self, death: Death) {
        let (jobs, uploads, death) = {
            let mut state = self.lock();
            let death = state.death.get_or_insert(death).clone();
            (std::mem::take(&mut state.jobs), std::mem::take(&mut state.uploads), death)
        };
        uploads.values().for_each(|upload| upload.stop());
        self.over.cancel();
        self.channel.close();
        for job in jobs.into_values() {
            let _ = job.send(Event::Dead(death.clone()));
        }
    }

    /// Reads until the end. Silence is counted in heartbeats that did not come, not by the clock: an
    /// rplay that was stopped and goes on finds its hosts' answers waiting.
    fn listen(self: Arc<Shared>, mut decoder: Decoder) {
        let mut missed = 0;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            loop {
                match decoder.next::<FromAgent>() {
                    Ok(Some(message)) => self.take(message),
                    Ok(None) => break,
                    Err(error) => return self.die(Death::Protocol(error.to_string())),
                }
            }
            match self.channel.read(&mut buffer, Some(self.settings.heartbeat())) {
                Ok(0) => return self.die(Death::Ended(self.last_words())),
                Ok(count) => {
                    missed = 0;
                    decoder.push(&buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    missed += 1;
                    if missed >= self.settings.missing() {
                        let time = self.settings.heartbeat() * u32::try_from(missed).unwrap_or(u32::MAX);
                        return self.die(Death::Silent(time));
                    }
                }
                Err(error) => return self.die(Death::Ended(error.to_string())),
            }
        }
    }

    /// How the agent's process ended and what it said.
    fn last_words(&self) -> String {
        let exit = self.channel.wait(Duration::from_millis(500));
        let stderr = String::from_utf8_lossy(&self.channel.stderr()).trim().to_owned();
        let said = stderr.lines().last().unwrap_or_default();
        match (exit, said) {
            (Some(exit), "") => format!("its process ended with {exit}"),
            (Some(exit), said) => format!("its process ended with {exit}: {said}"),
            (None, "") => "the connection was lost".into(),
            (None, said) => said.to_owned(),
        }
    }

    fn take(self: &Arc<Shared>, message: FromAgent) {
        match message {
            FromAgent::Ping | FromAgent::Hello(_) => {}
            FromAgent::Line { id, stream, text } => {
                if let Some(job) = self.lock().jobs.get(&id) {
                    let _ = job.send(Event::Line(stream, text));
                }
            }
            FromAgent::Done { id, outcome } => {
                if let Some(job) = self.lock().jobs.remove(&id) {
                    let _ = job.send(Event::Done(outcome.into()));
                }
            }
            FromAgent::BlobCredit { request, bytes } => {
                if let Some(upload) = self.lock().uploads.get(&request) {
                    upload.credit(bytes);
                }
            }
            FromAgent::BlobDrop { request } => {
                if let Some(upload) = self.lock().uploads.remove(&request) {
                    upload.stop();
                }
            }
            FromAgent::BlobWanted { request, blob } => {
                let upload = Arc::new(Upload::default());
                self.lock().uploads.insert(request, upload.clone());
                let shared = self.clone();
                let spawned = std::thread::Builder::new().name("agent content".into()).spawn(move || {
                    upload.send(request, &blob, &*shared.blobs, &shared.writer);
                    shared.lock().uploads.remove(&request);
                });
                if let Err(error) = spawned {
                    let _ = self.writer.send(&ToAgent::BlobEnd { request, error: Some(error.to_string()) });
                }
            }
        }
    }

    fn beat(&self) {
        while !self.over.wait(self.settings.heartbeat()) {
            if self.writer.send(&ToAgent::Ping).is_err() {
                return;
            }
        }
    }
}

/// Reads to the agent's greeting past whatever a login shell prints, and the first message.
fn greet(channel: &dyn Channel, decoder: &mut Decoder, timeout: Duration) -> Result<Info, StartError> {
    const JUNK: usize = 256 * 1024;
    let end = Instant::now() + timeout;
    let mut junk: Vec<u8> = Vec::new();
    let mut found = false;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let count = match channel.read(&mut buffer, Some(left)) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(StartError::Timeout),
            Err(_) => 0,
        };
        if count == 0 || junk.len() > JUNK {
            let exit = channel.wait(Duration::from_secs(2));
            let mut kept = Vec::new();
            tail(&mut kept, &junk);
            return Err(StartError::NoAgent {
                output: String::from_utf8_lossy(&kept).into_owned(),
                stderr: String::from_utf8_lossy(&channel.stderr()).into_owned(),
                exit,
            });
        }
        if found {
            decoder.push(&buffer[..count]);
        } else {
            let before = junk.len().saturating_sub(MAGIC.len());
            junk.extend_from_slice(&buffer[..count]);
            let place = junk[before..].windows(MAGIC.len()).position(|window| window == MAGIC);
            if let Some(place) = place {
                found = true;
                decoder.push(&junk[before + place + MAGIC.len()..]);
            }
        }
        if found {
            match decoder.next::<FromAgent>() {
                Ok(Some(FromAgent::Hello(info))) => return Ok(info),
                Ok(None) => {}
                Ok(Some(_)) => return Err(StartError::Protocol("it did not introduce itself".into())),
                Err(error) => return Err(StartError::Protocol(error.to_string())),
            }
        }
    }
}
