//! The messages between the controller and an agent, and between an agent and one that it became.

use super::job::{Become, BecomeMethod, Job};
use crate::module::{BlobRef, Failure, Run, RunFlags, Stream};
use crate::transport::Secret;
use crate::value::Map;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the agent says of itself and its host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The protocol's number.
    pub protocol: u32,
    /// The agent's version.
    pub version: String,
    /// The user's name.
    pub user: String,
    /// The user's id.
    pub uid: u32,
    /// The user's home.
    pub home: String,
    /// The machine's architecture, as uname(1) says.
    pub arch: String,
    /// The machine's own name.
    pub hostname: String,
    /// The agent's process.
    pub pid: u32,
}

/// To the agent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToAgent {
    /// The first message.
    Hello(Settings),
    /// Run a job.
    Run { id: u64, job: WireJob },
    /// End a job.
    Cancel { id: u64 },
    /// A piece of content.
    BlobData { request: u64, data: Bytes },
    /// The end of content; with a reason when it is not whole.
    BlobEnd { request: u64, error: Option<String> },
    /// The sender lives.
    Ping,
}

/// From the agent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromAgent {
    /// The first message.
    Hello(Info),
    /// A line of a running process.
    Line { id: u64, stream: Stream, text: String },
    /// A job is over.
    Done { id: u64, outcome: WireOutcome },
    /// Content is needed.
    BlobWanted { request: u64, blob: BlobRef },
    /// So many bytes of content were used up; as many may follow.
    BlobCredit { request: u64, bytes: u64 },
    /// Content is not needed any more.
    BlobDrop { request: u64 },
    /// The sender lives.
    Ping,
}

/// How an agent behaves; what it passes on to those that it becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// How often each side says something.
    pub(super) heartbeat_ms: u64,
    /// After how much silence the other side counts as lost.
    pub(super) silence_ms: u64,
    /// Directories for temporary files, best first.
    pub(super) remote_tmp: Vec<String>,
}

impl Settings {
    pub(super) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms.max(10))
    }
    /// How many heartbeats may be missing in a row.
    pub(super) fn missing(&self) -> u64 {
        self.silence_ms.div_ceil(self.heartbeat_ms.max(10)).max(1)
    }
}

/// A job on the wire. It may hold passwords, so it prints nothing of itself.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct WireJob {
    module: String,
    args: Map,
    flags: RunFlags,
    environment: BTreeMap<String, String>,
    become_as: Option<WireBecome>,
    timeout_ms: Option<u64>,
    no_log: bool,
    async_ms: Option<u64>,
}

impl std::fmt::Debug for WireJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WireJob({})", self.module)
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct WireBecome {
    method: BecomeMethod,
    user: String,
    password: Option<WireSecret>,
    exe: Option<String>,
    flags: Option<String>,
}

/// A secret that may travel: over an encrypted stream, or to a child through a socket.
#[derive(Clone)]
struct WireSecret(Secret);

impl Serialize for WireSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for WireSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WireSecret, D::Error> {
        String::deserialize(deserializer).map(|text| WireSecret(Secret::new(text)))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl From<&Job> for WireJob {
    fn from(job: &Job) -> WireJob {
        WireJob {
            module: job.module.clone(),
            args: job.args.clone(),
            flags: job.flags,
            environment: job.environment.clone(),
            become_as: job.become_as.as_ref().map(|wanted| WireBecome {
                method: wanted.method,
                user: wanted.user.clone(),
                password: wanted.password.clone().map(WireSecret),
                exe: wanted.exe.clone(),
                flags: wanted.flags.clone(),
            }),
            timeout_ms: job.timeout.map(millis),
            no_log: job.no_log,
            async_ms: job.async_timeout.map(millis),
        }
    }
}

impl From<WireJob> for Job {
    fn from(wire: WireJob) -> Job {
        Job {
            module: wire.module,
            args: wire.args,
            flags: wire.flags,
            environment: wire.environment,
            become_as: wire.become_as.map(|wanted| Become {
                method: wanted.method,
                user: wanted.user,
                password: wanted.password.map(|secret| secret.0),
                exe: wanted.exe,
                flags: wanted.flags,
            }),
            timeout: wire.timeout_ms.map(Duration::from_millis),
            no_log: wire.no_log,
            whole: false,
            async_timeout: wire.async_ms.map(Duration::from_millis),
        }
    }
}

/// Why a job has no result of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum JobError {
    /// The user could not be become.
    Become { method: BecomeMethod, user: String, reason: String },
    /// The agent that the user's jobs ran in is gone.
    Lost { user: String, reason: String },
    /// It was cancelled.
    Cancelled,
}

/// How a job ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum WireOutcome {
    /// The result's values.
    Ok(Map),
    /// The task did not succeed.
    Failed(Failure),
    /// There is no result.
    Error(JobError),
}

/// How a job ended, as code sees it.
pub(super) type JobResult = Result<Result<Run, Failure>, JobError>;

impl From<JobResult> for WireOutcome {
    fn from(result: JobResult) -> WireOutcome {
        match result {
            Ok(Ok(run)) => WireOutcome::Ok(run.result),
            Ok(Err(failure)) => WireOutcome::Failed(failure),
            Err(error) => WireOutcome::Error(error),
        }
    }
}

impl From<WireOutcome> for JobResult {
    fn from(outcome: WireOutcome) -> JobResult {
        match outcome {
            WireOutcome::Ok(result) => Ok(Ok(Run { result })),
            WireOutcome::Failed(failure) => Ok(Err(failure)),
            WireOutcome::Error(error) => Err(error),
        }
    }
}

/// Bytes as MessagePack's own type; a plain vector would travel number by number.
pub(super) struct Bytes(pub(super) Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, data: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(data.to_vec()))
            }
            fn visit_byte_buf<E>(self, data: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(data))
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn a_job_arrives_as_it_was_sent_and_shows_no_password() {
        let job = Job {
            module: "command".into(),
            args: Map::from([("cmd".into(), Value::str("true"))]),
            become_as: Some(Become {
                method: BecomeMethod::Su,
                user: "app".into(),
                password: Some(Secret::new("hunter2")),
                exe: None,
                flags: None,
            }),
            timeout: Some(Duration::from_secs(3)),
            ..Job::default()
        };
        let wire = WireJob::from(&job);
        assert!(!format!("{wire:?} {job:?}").contains("hunter2"));
        let bytes = rmp_serde::to_vec(&ToAgent::Run { id: 7, job: wire }).unwrap();
        let ToAgent::Run { id: 7, job: back } = rmp_serde::from_slice(&bytes).unwrap() else { unreachable!() };
        let back = Job::from(back);
        assert_eq!((back.become_as, back.args, back.timeout), (job.become_as, job.args, job.timeout));
    }

    #[test]
    fn content_travels_as_bytes() {
        let bytes = rmp_serde::to_vec(&ToAgent::BlobData { request: 1, data: Bytes(vec![200; 1000]) }).unwrap();
        assert!(bytes.len() < 1050);
        assert!(
            matches!(rmp_serde::from_slice(&bytes).unwrap(), ToAgent::BlobData { request: 1, data } if data.0 == [200; 1000])
        );
    }
}
