//! Runs jobs on the machine that this process runs on, and passes those of other users on.

use super::become_user::{self, Launch};
use super::job::{Become, BlobSource, CancelToken, Job, JobContext};
use super::link::{Death, Link, LinkError};
use super::machine::Machine;
use super::message::{Info, JobError, JobResult, Settings, WireJob};
use super::modules::ModuleSet;
use crate::module::{Failure, Host, Stream};
use crate::value::Value;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Takes the lines of a job's processes.
pub(super) type Lines = Box<dyn Fn(Stream, &str) + Send + Sync>;

/// One user's agent, or the place where it will be.
type Slot = Arc<Mutex<Option<Link>>>;

/// What runs jobs here.
pub(super) struct Worker {
    modules: &'static dyn ModuleSet,
    blobs: Arc<dyn BlobSource>,
    settings: Settings,
    info: Info,
    tmp: PathBuf,
    others: Mutex<Vec<(Become, Slot)>>,
}

impl Worker {
    pub(super) fn new(
        modules: &'static dyn ModuleSet,
        blobs: Arc<dyn BlobSource>,
        settings: Settings,
        info: Info,
    ) -> Worker {
        let tmp = choose_tmp(&settings.remote_tmp, &info);
        Worker { modules, blobs, settings, info, tmp, others: Mutex::default() }
    }

    pub(super) fn info(&self) -> &Info {
        &self.info
    }

    /// Runs a job on this thread. A panic is the job's failure.
    pub(super) fn run(&self, job: &Job, lines: Lines, cancel: &CancelToken) -> JobResult {
        match &job.become_as {
            // Ansible does not become a user that it is already.
            Some(wanted) if wanted.user != self.info.user => self.pass_on(job, wanted, &lines, cancel),
            _ => self.run_here(job, lines, cancel),
        }
    }

    fn run_here(&self, job: &Job, lines: Lines, cancel: &CancelToken) -> JobResult {
        let Some(module) = self.modules.find(&job.module) else {
            return Ok(Err(Failure::new(format!("the agent does not have the module {}", job.module))));
        };
        if let Some(time) = job.async_timeout {
            return Ok(super::async_job::start(job, time, &self.settings, &self.info));
        }
        let own = cancel.child();
        let timer = job.timeout.map(|time| Timer::start(time, &own));
        let context = JobContext {
            environment: job.environment.clone(),
            cancel: own,
            lines,
            blobs: self.blobs.clone(),
            remote_tmp: self.tmp.clone(),
        };
        let result = catch_unwind(AssertUnwindSafe(|| {
            let machine = Machine::new(context);
            let host: &dyn Host = &machine;
            module.run(&job.args, job.flags, host)
        }));
        let late = timer.is_some_and(|timer| timer.stop());
        if cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        if let (true, Some(time)) = (late, job.timeout) {
            return Ok(Err(timed_out(time)));
        }
        Ok(result.unwrap_or_else(|panic| Err(panicked(&job.module, &*panic))))
    }

    /// Gives the job to the agent that runs as the user.
    fn pass_on(&self, job: &Job, wanted: &Become, lines: &Lines, cancel: &CancelToken) -> JobResult {
        let own = WireJob::from(&Job { become_as: None, ..job.clone() });
        let link = self.other(wanted, cancel)?;
        match link.run(&own, lines, cancel) {
            Ok(result) => result,
            Err(LinkError::Cancelled) => Err(JobError::Cancelled),
            Err(LinkError::Refused(reason)) => Ok(Err(Failure::new(reason))),
            Err(LinkError::Dead(death)) => Err(self.lost(wanted, &link, &death)),
        }
    }

    fn lost(&self, wanted: &Become, link: &Link, death: &Death) -> JobError {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).retain(|(_, slot)| {
            let gone = slot.try_lock().is_ok_and(|slot| slot.as_ref().is_some_and(|other| other.death().is_some()));
            !gone
        });
        link.close();
        JobError::Lost { user: wanted.user.clone(), reason: death.to_string() }
    }

    /// The agent of that user; started when it is the first to be asked for.
    fn other(&self, wanted: &Become, cancel: &CancelToken) -> Result<Link, JobError> {
        let slot = {
            let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
            match others.iter().find(|(known, _)| known == wanted) {
                Some((_, slot)) => slot.clone(),
                None => {
                    let slot = Slot::default();
                    others.push((wanted.clone(), slot.clone()));
                    slot
                }
            }
        };
        let mut place = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = place.as_ref().filter(|link| link.death().is_none()) {
            return Ok(link.clone());
        }
        let launch =
            Launch { wanted, settings: &self.settings, blobs: self.blobs.clone(), own_user: &self.info.user, cancel };
        let link = become_user::start(&launch)?;
        *place = Some(link.clone());
        Ok(link)
    }

    /// Ends the other users' agents and removes temporary files.
    pub(super) fn leave(&self) {
        for (_, slot) in self.others.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Ok(mut slot) = slot.try_lock()
                && let Some(link) = slot.take()
            {
                link.close();
            }
        }
        let _ = std::fs::remove_dir_all(&self.tmp);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Cancels a job after its time.
struct Timer {
    done: CancelToken,
    late: Arc<AtomicBool>,
}

impl Timer {
    fn start(time: Duration, job: &CancelToken) -> Timer {
        let timer = Timer { done: CancelToken::new(), late: Arc::default() };
        let (done, late, job) = (timer.done.clone(), timer.late.clone(), job.clone());
        std::thread::spawn(move || {
            if !done.wait(time) {
                late.store(true, Ordering::SeqCst);
                job.cancel();
            }
        });
        timer
    }

    /// Whether the time was over first.
    fn stop(self) -> bool {
        self.done.cancel();
        self.late.load(Ordering::SeqCst)
    }
}

/// What a task that ran into its `timeout` returns, in Ansible's words.
fn timed_out(time: Duration) -> Failure {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Failure::new(format!("Timed out after {seconds} second(s)."))
        .with("timedout", Value::from([("period", Value::Int(seconds)), ("frame", Value::Null)]))
}

fn panicked(module: &str, panic: &(dyn Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".into());
    Failure::new(format!("the module {module} broke off (this is a bug in it): {text}"))
}

/// A directory of this process's own, below the first candidate that can be written. It is made
/// when a job needs it.
fn choose_tmp(candidates: &[String], info: &Info) -> PathBuf {
    let name = format!("rplay-{}-{}", info.pid, super::random_name());
    let usable = |dir: &Path| {
        let mut place = dir;
        while !place.exists() {
            match place.parent() {
                Some(parent) => place = parent,
                None => return false,
            }
        }
        let Ok(text) = std::ffi::CString::new(place.as_os_str().as_encoded_bytes()) else { return false };
        // SAFETY: a valid C string.
        unsafe { libc::access(text.as_ptr(), libc::W_OK | libc::X_OK) == 0 }
    };
    let expand = |text: &String| match text.strip_prefix('~') {
        Some("") => PathBuf::from(&info.home),
        Some(rest) if rest.starts_with('/') => Path::new(&info.home).join(&rest[1..]),
        _ => PathBuf::from(text.replace("$HOME", &info.home)),
    };
    let found = candidates.iter().map(expand).find(|dir| dir.is_absolute() && usable(dir));
    found.unwrap_or_else(|| PathBuf::from("/tmp")).join(name)
}
