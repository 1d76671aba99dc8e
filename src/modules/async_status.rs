//! `async_status`: what became of a job that a task with `async` started.

use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec};
use crate::value::{Map, Value};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

crate::arg_choices! {
    /// What is done with the job.
    pub enum Mode { Status = "status", Cleanup = "cleanup" }
}

crate::module_args! {
    /// Arguments of `async_status`.
    pub struct Args {
        /// The job's id: `ansible_job_id` of the task that started it.
        jid: String,
        /// `status` says what became of the job, `cleanup` removes what is kept of it.
        mode: Mode = Mode::Status,
    }
}

/// The module.
pub struct AsyncStatus;

/// Where the job's state is kept, and what it says.
pub struct Found {
    file: PathBuf,
    data: Map,
}

/// The job's state goes.
pub struct Erase(PathBuf);

impl Module for AsyncStatus {
    type Args = Args;
    type State = Found;
    type Change = Option<Erase>;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.async_status",
        aliases: &["async_status", "ansible.legacy.async_status"],
        summary: "Says what became of an asynchronous job.",
        notes: "The result of a finished job is the job's own: it has its values, and fails when the job failed.",
        returns: &[
            ReturnSpec { name: "ansible_job_id", doc: "The job's id." },
            ReturnSpec { name: "started", doc: "Whether the job was started." },
            ReturnSpec { name: "finished", doc: "Whether the job is over." },
            ReturnSpec { name: "results_file", doc: "Where the job's state is kept." },
            ReturnSpec { name: "erased", doc: "The file that was removed (cleanup)." },
        ],
        examples: &[Example {
            title: "Wait for a job",
            yaml: "ansible.builtin.async_status:\n  jid: \"{{ started.ansible_job_id }}\"\nregister: job\n\
                   until: job.finished\nretries: 100\ndelay: 10\n",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Found, Failure> {
        let file = directory(host).join(&args.jid);
        let known = |failure: Failure| with_streams(failure, &args.jid, &file);
        if args.jid.is_empty() || args.jid.contains('/') {
            return Err(known(Failure::new("could not find job")));
        }
        let bytes = host.read(&file).map_err(|error| {
            known(match error.kind() {
                ErrorKind::NotFound => Failure::new("could not find job"),
                _ => Failure::new(format!("could not read the job's state: {error}")),
            })
        })?;
        let data = match serde_json::from_slice::<Value>(&bytes) {
            Ok(Value::Map(data)) => data.as_ref().clone(),
            // Ansible's own wrapper makes the file before it writes into it.
            _ if bytes.is_empty() => Map::from([("started".into(), Value::Int(1)), ("finished".into(), Value::Int(0))]),
            _ => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return Err(known(Failure::new(format!("Could not parse job output: {text}"))));
            }
        };
        Ok(Found { file, data })
    }

    fn plan(&self, args: &Args, found: &Found) -> Result<Plan<Option<Erase>>, Failure> {
        let path = Value::str(found.file.to_string_lossy());
        if args.mode == Mode::Cleanup {
            let mut plan = Plan::nothing()
                .with("ansible_job_id", args.jid.as_str())
                .with("erased", path)
                .with("started", false)
                .with("finished", false);
            plan.actions.push(Some(Erase(found.file.clone())));
            streams(&mut plan.returns);
            return Ok(plan);
        }
        let flag = |name: &str, otherwise| found.data.get(name).map_or(otherwise, Value::truthy);
        let mut returns = found.data.clone();
        returns.shift_remove("failed");
        returns.shift_remove("changed");
        returns.insert("ansible_job_id".into(), Value::str(&args.jid));
        returns.insert("results_file".into(), path);
        returns.insert("started".into(), Value::Bool(flag("started", true)));
        // A result that Ansible's wrapper wrote has no such key: it is there, so the job is over.
        returns.insert("finished".into(), Value::Bool(flag("finished", true)));
        streams(&mut returns);
        let changed = flag("changed", false);
        if flag("failed", false) {
            let msg = returns.shift_remove("msg").and_then(|msg| msg.as_str().map(str::to_owned));
            returns.insert("changed".into(), Value::Bool(changed));
            return Err(Failure { msg: msg.unwrap_or_else(|| "the job failed".into()), returns });
        }
        // The job's change is this task's.
        let changes = if changed { vec![None] } else { Vec::new() };
        Ok(Plan { changes, returns, ..Plan::default() })
    }

    fn apply(&self, _: &Args, plan: &Plan<Option<Erase>>, host: &dyn Host) -> Result<Outcome, Failure> {
        for Erase(file) in plan.actions.iter().flatten() {
            host.remove_file(file)
                .map_err(|error| Failure::new(format!("cannot remove {}: {error}", file.display())))?;
        }
        Ok(Outcome::new())
    }
}

/// ANSIBLE_ASYNC_DIR, or the usual place.
fn directory(host: &dyn Host) -> PathBuf {
    let text = host.env("ANSIBLE_ASYNC_DIR").unwrap_or_else(|| "~/.ansible_async".into());
    super::expand::path(host, &text)
}

/// Every answer has the streams, empty when the job has none.
fn streams(returns: &mut Map) {
    for (name, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        let text = returns.entry(name.into()).or_insert_with(|| Value::str("")).clone();
        let split = || Value::list(text.as_str().unwrap_or_default().lines().map(Value::str).collect());
        returns.entry(lines.into()).or_insert_with(split);
    }
}

fn with_streams(failure: Failure, jid: &str, file: &Path) -> Failure {
    let mut failure = failure
        .with("ansible_job_id", jid)
        .with("results_file", Value::str(file.to_string_lossy()))
        .with("started", true)
        .with("finished", true);
    streams(&mut failure.returns);
    failure
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, Run, RunFlags};

    fn ask(host: &FakeHost, mode: &str) -> Result<Run, Failure> {
        let args = Map::from([("jid".into(), Value::str("j1.2")), ("mode".into(), Value::str(mode))]);
        AsyncStatus.run(&args, RunFlags::default(), host)
    }

    fn host(state: &str) -> FakeHost {
        FakeHost::new().with_env("HOME", "/root").with_file("/root/.ansible_async/j1.2", state, 0o600)
    }

    #[test]
    fn a_running_job_is_not_finished() {
        let run = ask(&host(r#"{"started": 1, "finished": 0, "ansible_job_id": "j1.2"}"#), "status").unwrap();
        assert_eq!(run.result.get("finished"), Some(&Value::Bool(false)));
        assert_eq!(run.result.get("changed"), Some(&Value::Bool(false)));
        assert_eq!(run.result.get("stdout_lines"), Some(&Value::list(vec![])));
        let path = Value::str("/root/.ansible_async/j1.2");
        assert_eq!(run.result.get("results_file"), Some(&path));
    }

    #[test]
    fn a_finished_job_gives_its_own_result() {
        let good = host(r#"{"changed": true, "rc": 0, "stdout": "a\nb", "finished": 1}"#);
        let run = ask(&good, "status").unwrap();
        assert_eq!(run.result.get("changed"), Some(&Value::Bool(true)));
        assert_eq!(run.result.get("finished"), Some(&Value::Bool(true)));
        assert_eq!(run.result.get("stdout_lines"), Some(&Value::from(vec!["a", "b"])));
        let bad = host(r#"{"changed": true, "failed": true, "msg": "non-zero return code", "rc": 1}"#);
        let failure = ask(&bad, "status").unwrap_err();
        assert_eq!((failure.msg.as_str(), failure.returns.get("rc")), ("non-zero return code", Some(&Value::Int(1))));
    }

    #[test]
    fn cleaning_up_removes_the_state_and_a_job_without_one_is_not_found() {
        let host = host("{}");
        let run = ask(&host, "cleanup").unwrap();
        assert_eq!(run.result.get("erased"), Some(&Value::str("/root/.ansible_async/j1.2")));
        assert_eq!(run.result.get("changed"), Some(&Value::Bool(false)));
        assert_eq!(ask(&host, "status").unwrap_err().msg, "could not find job");
    }
}
