//! Jobs that outlive the connection (`async`), in a process of their own.
//!
//! The job's state is a JSON file, as Ansible writes it and its `async_status` reads it:
//! `~/.ansible_async/JID` holds `started`, `finished` and `ansible_job_id` while the job runs, and its
//! result when it is over.

use super::job::{CancelToken, Job};
use super::message::{Info, JobError, Settings, WireJob};
use super::modules::ModuleSet;
use super::worker::Worker;
use crate::module::{Failure, Run};
use crate::value::{Map, Value};
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// What the new process gets on its standard input.
#[derive(Serialize, Deserialize)]
struct Order {
    settings: Settings,
    job: WireJob,
    file: PathBuf,
    id: String,
    limit_ms: u64,
}

/// Starts the job and says where to ask for it.
pub(super) fn start(job: &Job, limit: Duration, settings: &Settings, info: &Info) -> Result<Run, Failure> {
    let failed = |error: io::Error| Failure::new(format!("cannot start the asynchronous job: {error}"));
    let dir = directory(job, info);
    DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(failed)?;
    // Ansible's form: twelve random digits and a process.
    let number = u64::from_str_radix(&super::random_name()[..12], 16).unwrap_or(0) % 1_000_000_000_000;
    let id = format!("j{number:012}.{}", info.pid);
    let file = dir.join(&id);
    let order = Order {
        settings: settings.clone(),
        job: WireJob::from(&Job { async_timeout: None, become_as: None, ..job.clone() }),
        file: file.clone(),
        id: id.clone(),
        limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    };
    let order = rmp_serde::to_vec(&order).map_err(|error| failed(io::Error::other(error)))?;
    let mut child = Command::new("/proc/self/exe")
        .arg(super::ASYNC)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let sent = child.stdin.take().map(|mut input| input.write_all(&order));
    let output = child.wait_with_output().map_err(failed)?;
    if let Some(Err(error)) = sent {
        return Err(failed(error));
    }
    if !output.status.success() {
        return Err(failed(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())));
    }
    let result = Map::from([
        ("ansible_job_id".into(), Value::str(&id)),
        ("changed".into(), Value::Bool(true)),
        ("finished".into(), Value::Bool(false)),
        ("results_file".into(), Value::str(file.to_string_lossy())),
        ("started".into(), Value::Bool(true)),
    ]);
    Ok(Run { result })
}

/// ANSIBLE_ASYNC_DIR, or the usual place.
fn directory(job: &Job, info: &Info) -> PathBuf {
    let named = job.environment.get("ANSIBLE_ASYNC_DIR").cloned().or_else(|| std::env::var("ANSIBLE_ASYNC_DIR").ok());
    let text = named.unwrap_or_else(|| "~/.ansible_async".into());
    match text.strip_prefix("~/") {
        Some(rest) => Path::new(&info.home).join(rest),
        None => PathBuf::from(text),
    }
}

/// The process of one such job: it takes its order, leaves its parent, and runs.
pub(super) fn main(modules: &'static dyn ModuleSet) -> ExitCode {
    let order = match receive() {
        Ok(order) => order,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // SAFETY: this process has one thread still, so that the copy is whole. The parent ends at once:
    // the job belongs to nobody who would have to wait for it.
    match unsafe { libc::fork() } {
        -1 => {
            eprintln!("{}", io::Error::last_os_error());
            return ExitCode::FAILURE;
        }
        0 => {}
        _ => return ExitCode::SUCCESS,
    }
    // SAFETY: plain system call; a child is never a group's leader.
    unsafe { libc::setsid() };
    if close_streams().is_err() {
        return ExitCode::FAILURE;
    }
    std::panic::set_hook(Box::new(|_| {}));
    let result = run(modules, &order);
    match record(&order.file, &result) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn receive() -> io::Result<Order> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let order: Order = rmp_serde::from_slice(&bytes).map_err(io::Error::other)?;
    let pending = Map::from([
        ("started".into(), Value::Int(1)),
        ("finished".into(), Value::Int(0)),
        ("ansible_job_id".into(), Value::str(&order.id)),
    ]);
    record(&order.file, &pending)?;
    Ok(order)
}

/// Nothing of the connection may be held open by a job that outlives it.
fn close_streams() -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    for fd in 0..3 {
        // SAFETY: the standard descriptors get another file.
        unsafe { libc::dup2(null.as_raw_fd(), fd) };
    }
    Ok(())
}

fn run(modules: &'static dyn ModuleSet, order: &Order) -> Map {
    let info = super::server::introduce();
    let worker = Worker::new(modules, Arc::new(super::BlobStore::new()), order.settings.clone(), info);
    let job = Job { timeout: Some(Duration::from_millis(order.limit_ms)), ..Job::from(order.job.clone()) };
    let result = worker.run(&job, Box::new(|_, _| {}), &CancelToken::new());
    let mut map = match result {
        Ok(Ok(run)) => run.result,
        Ok(Err(failure)) if failure.returns.contains_key("timedout") => Map::from([
            ("failed".into(), Value::Bool(true)),
            ("msg".into(), Value::str("Timeout exceeded")),
            ("child_pid".into(), Value::Int(i64::from(std::process::id()))),
        ]),
        Ok(Err(failure)) => failed(failure),
        Err(JobError::Cancelled) => failed(Failure::new("cancelled")),
        Err(JobError::Become { reason, .. } | JobError::Lost { reason, .. }) => failed(Failure::new(reason)),
    };
    map.insert("started".into(), Value::Int(1));
    map.insert("finished".into(), Value::Int(1));
    map.insert("ansible_job_id".into(), Value::str(&order.id));
    map
}

fn failed(failure: Failure) -> Map {
    let mut map = failure.returns;
    map.insert("failed".into(), Value::Bool(true));
    map.insert("msg".into(), Value::str(failure.msg));
    map
}

/// Writes the state so that a reader sees the old or the new one, whole.
fn record(file: &Path, state: &Map) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let text = serde_json::to_vec(&Value::map(state.clone())).map_err(io::Error::other)?;
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    out.write_all(&text)?;
    std::fs::rename(&temporary, file)
}
