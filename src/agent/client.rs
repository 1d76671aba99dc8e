//! The controller's half: one client per connected host, for many threads.

use super::blob::BlobStore;
use super::error::AgentError;
use super::install::Start;
use super::job::{CancelToken, Job};
use super::link::{Death, Link, LinkError};
use super::message::{Info, JobError, JobResult, Settings, WireJob};
use super::payload::Payload;
use super::worker::{Lines, Worker};
use crate::module::{Failure, Output, Run, Stream};
use crate::transport::{self, Connection, Kind, Target};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a host may take to start a program that is there.
const START: Duration = Duration::from_secs(30);

/// A connected host. Clones are the same one; the last one to go ends the connection.
#[derive(Clone)]
pub struct AgentClient {
    inner: Arc<Inner>,
}

struct Inner {
    target: Target,
    payload: Arc<Payload>,
    blobs: Arc<BlobStore>,
    connection: Box<dyn Connection>,
    /// Runs jobs in this very process: the kind `local`.
    here: Option<Arc<Worker>>,
    light: Mutex<Option<Link>>,
    whole: Mutex<Option<Link>>,
    closed: AtomicBool,
}

impl AgentClient {
    /// Connects and starts the agent.
    pub fn connect(
        target: &Target,
        payload: &Arc<Payload>,
        blobs: Arc<BlobStore>,
        cancel: &CancelToken,
    ) -> Result<AgentClient, AgentError> {
        let client = AgentClient::open(target, payload, blobs, cancel)?;
        if client.inner.here.is_none() {
            client.link(false, cancel)?;
        }
        Ok(client)
    }

    /// Connects only. The agent is started by the first job, so that [`AgentClient::exec_raw`] works
    /// on hosts that can have none.
    pub fn open(
        target: &Target,
        payload: &Arc<Payload>,
        blobs: Arc<BlobStore>,
        cancel: &CancelToken,
    ) -> Result<AgentClient, AgentError> {
        let connection = transport::open(target, cancel)?;
        let here = (target.kind == Kind::Local).then(|| {
            let info = super::server::introduce();
            Arc::new(Worker::new(payload.modules(), blobs.clone(), settings(target), info))
        });
        let inner = Inner {
            target: target.clone(),
            payload: payload.clone(),
            blobs,
            connection,
            here,
            light: Mutex::new(None),
            whole: Mutex::new(None),
            closed: AtomicBool::new(false),
        };
        Ok(AgentClient { inner: Arc::new(inner) })
    }

    /// Runs a job to its end. `on_line` gets the lines of its processes as they come, on this thread.
    ///
    /// The outer error says that there is no result: the host is gone, or the user cannot be become.
    pub fn run(
        &self,
        job: &Job,
        on_line: &(dyn Fn(Stream, &str) + Sync),
        cancel: &CancelToken,
    ) -> Result<Result<Run, Failure>, AgentError> {
        if self.inner.closed.load(Ordering::SeqCst) {
            return Err(self.died("the connection is closed"));
        }
        if cancel.is_cancelled() {
            return Err(AgentError::Cancelled);
        }
        let result = match &self.inner.here {
            Some(worker) => run_here(worker, job, on_line, cancel),
            None => {
                let link = self.link(job.whole, cancel)?;
                match link.run(&WireJob::from(job), &on_line, cancel) {
                    Ok(result) => result,
                    Err(LinkError::Cancelled) => return Err(AgentError::Cancelled),
                    Err(LinkError::Refused(reason)) => return Ok(Err(Failure::new(reason))),
                    Err(LinkError::Dead(death)) => return Err(self.death(death)),
                }
            }
        };
        result.map_err(|error| self.job_error(error))
    }

    /// Runs `/bin/sh -c command` over the transport alone, without the agent (`raw`).
    pub fn exec_raw(&self, command: &str, stdin: &[u8], cancel: &CancelToken) -> Result<Output, AgentError> {
        Ok(self.inner.connection.exec(command, stdin, cancel)?)
    }

    /// What the agent said of itself; None before it is started.
    pub fn info(&self) -> Option<Info> {
        match &self.inner.here {
            Some(worker) => Some(worker.info().clone()),
            None => {
                lock(&self.inner.light).as_ref().or(lock(&self.inner.whole).as_ref()).map(|link| link.info().clone())
            }
        }
    }

    /// The host and the way to it.
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    /// Whether the connection and the agents that were started stand, as far as is known here.
    pub fn is_alive(&self) -> bool {
        let fine = |slot: &Mutex<Option<Link>>| lock(slot).as_ref().is_none_or(|link| link.death().is_none());
        !self.inner.closed.load(Ordering::SeqCst)
            && self.inner.connection.is_alive()
            && fine(&self.inner.light)
            && fine(&self.inner.whole)
    }

    /// Ends the agents and the connection. Jobs that still run end with [`AgentError::Died`].
    pub fn close(&self) {
        self.inner.close();
    }

    fn link(&self, whole: bool, cancel: &CancelToken) -> Result<Link, AgentError> {
        let inner = &self.inner;
        let mut slot = lock(if whole { &inner.whole } else { &inner.light });
        if let Some(link) = &*slot {
            return match link.death() {
                None => Ok(link.clone()),
                Some(death) => Err(self.death(death)),
            };
        }
        let link = Start {
            connection: &*inner.connection,
            payload: &inner.payload,
            whole,
            settings: settings(&inner.target),
            blobs: inner.blobs.clone(),
            timeout: START.max(inner.target.connect_timeout),
            cancel,
        }
        .run()?;
        *slot = Some(link.clone());
        Ok(link)
    }

    fn died(&self, reason: &str) -> AgentError {
        AgentError::Died { host: self.inner.target.host.clone(), reason: reason.to_owned() }
    }

    fn death(&self, death: Death) -> AgentError {
        let host = self.inner.target.host.clone();
        match death {
            Death::Ended(reason) => AgentError::Died { host, reason },
            Death::Silent(time) => AgentError::Silent { host, seconds: time.as_secs() },
            Death::Protocol(reason) => AgentError::Protocol { host, reason },
        }
    }

    fn job_error(&self, error: JobError) -> AgentError {
        let host = self.inner.target.host.clone();
        match error {
            JobError::Cancelled => AgentError::Cancelled,
            JobError::Lost { user, reason } => {
                AgentError::Died { host, reason: format!("the one that became {user} ended: {reason}") }
            }
            JobError::Become { method, user, reason } => {
                AgentError::BecomeFailed { host, method: method.name(), user, reason }
            }
        }
    }
}

impl Inner {
    fn close(&self) {
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        for slot in [&self.light, &self.whole] {
            // One that is being started ends with the connection.
            if let Ok(slot) = slot.try_lock()
                && let Some(link) = &*slot
            {
                link.close();
            }
        }
        self.connection.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn lock(slot: &Mutex<Option<Link>>) -> MutexGuard<'_, Option<Link>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn settings(target: &Target) -> Settings {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Settings {
        heartbeat_ms: millis(target.heartbeat),
        silence_ms: millis(target.silence),
        remote_tmp: target.remote_tmp.clone(),
    }
}

enum Event {
    Line(Stream, String),
    Done(JobResult),
}

/// Runs a job in this process, in a thread of its own: a job's children end with the thread that
/// started them, and the lines come to the caller's thread as they do from a host.
fn run_here(
    worker: &Arc<Worker>,
    job: &Job,
    on_line: &(dyn Fn(Stream, &str) + Sync),
    cancel: &CancelToken,
) -> JobResult {
    let (sender, events) = channel();
    let (worker, own, token) = (worker.clone(), job.clone(), cancel.clone());
    let spawned = std::thread::Builder::new().name(job.module.clone()).spawn(move || {
        // The machine holds `lines` for as long as the job runs; a sender of its own ends with it.
        let lines_sender = Mutex::new(sender.clone());
        let lines: Lines = Box::new(move |stream, text| {
            let sender = lines_sender.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = sender.send(Event::Line(stream, text.to_owned()));
        });
        let result = worker.run(&own, lines, &token);
        let _ = sender.send(Event::Done(result));
    });
    if let Err(error) = spawned {
        return Ok(Err(Failure::new(format!("cannot start a thread: {error}"))));
    }
    loop {
        match events.recv() {
            Ok(Event::Line(stream, text)) => on_line(stream, &text),
            Ok(Event::Done(result)) => return result,
            Err(_) => return Ok(Err(Failure::new("the job's thread ended without a result"))),
        }
    }
}
