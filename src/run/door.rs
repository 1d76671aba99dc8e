//! The controller's side of one task, as actions see it.

use super::event::Event;
use super::execute::{Execution, Place};
use crate::agent::{AgentError, Job as AgentJob};
use crate::module::RunsOn;
use crate::module::{BlobRef, Effect, Failure, Output, Run, RunFlags, TaskDoor};
use crate::modules::{self, Entry};
use crate::project::{SearchPath, load_vars_file};
use crate::source::{Diagnostics, Severity};
use crate::template::{Engine, Scope};
use crate::value::Map;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One task's door: to its host through the agent, to the project's files, to the run.
pub(super) struct JobDoor<'a> {
    execution: &'a Execution<'a>,
    pub place: Place,
    effects: Mutex<Vec<Effect>>,
}

/// An agent's error as a task's failure; `unreachable` marks what ends the host.
fn agent_failure(error: AgentError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error.is_unreachable() {
        true => failure.with("unreachable", true),
        false => failure,
    }
}

impl<'a> JobDoor<'a> {
    pub fn new(execution: &'a Execution<'a>, place: Place) -> JobDoor<'a> {
        JobDoor { execution, place, effects: Mutex::default() }
    }

    /// What the action asked the run to change.
    pub fn take_effects(&self) -> Vec<Effect> {
        std::mem::take(&mut self.effects.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn job(&self, module: &str, args: &Map, flags: RunFlags, whole: bool) -> AgentJob {
        AgentJob {
            module: module.to_owned(),
            args: args.clone(),
            flags,
            environment: self.place.environment.clone(),
            become_as: self.place.become_as.clone(),
            timeout: self.place.timeout,
            no_log: self.place.no_log,
            whole,
            async_timeout: None,
        }
    }

    fn send(&self, job: &AgentJob) -> Result<Run, Failure> {
        let context = self.execution.job;
        let agent = context.connections.agent(&self.place.target, &context.project).map_err(agent_failure)?;
        let on_line = |stream, text: &str| {
            if !self.place.no_log {
                let _ = context.events.send(Event::Line {
                    task: context.task.id,
                    host: context.host_name.clone(),
                    stream,
                    text: text.to_owned(),
                });
            }
        };
        agent.run(job, &on_line, &context.cancel).map_err(agent_failure)?
    }

    /// Starts a module in a process of its own.
    pub fn remote_async(&self, module: &str, args: &Map) -> Result<Map, Failure> {
        let mut job = self.job(module, args, self.place.flags, false);
        job.async_timeout = self.place.async_timeout;
        self.send(&job).map(|run| run.result)
    }
}

impl TaskDoor for JobDoor<'_> {
    fn host(&self) -> &str {
        &self.execution.job.host_name
    }

    fn scope(&self) -> &Arc<dyn Scope> {
        &self.execution.scope
    }

    fn engine(&self) -> &Engine {
        &self.execution.job.project.engine
    }

    fn flags(&self) -> RunFlags {
        self.place.flags
    }

    fn verbosity(&self) -> u8 {
        self.execution.job.settings.verbosity
    }

    fn task_file(&self) -> PathBuf {
        self.execution.job.task.file.as_ref().clone()
    }

    fn find_file(&self, kind: &str, name: &str) -> Result<PathBuf, Failure> {
        let job = self.execution.job;
        let search = SearchPath::of(&job.task, &job.play.playbook_dir);
        search.find(kind, name).ok_or_else(|| {
            let folders: Vec<String> = search.0.iter().map(|folder| folder.display().to_string()).collect();
            Failure::new(format!(
                "Could not find or access '{name}' on the Ansible Controller. Searched in: {}",
                folders.join(", ")
            ))
        })
    }

    fn read_file(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        self.execution.job.project.files.read(path).map_err(|error| Failure::new(error.to_string()))
    }

    fn load_vars(&self, path: &Path) -> Result<Map, Failure> {
        let files = &self.execution.job.project.files;
        let mut found = Diagnostics::default();
        let map = load_vars_file(files, path, &mut found);
        match found.0.iter().find(|diagnostic| diagnostic.severity == Severity::Error) {
            Some(error) => Err(Failure::new(error.render(&files.map))),
            None => Ok(map),
        }
    }

    fn offer(&self, content: Vec<u8>) -> Result<BlobRef, Failure> {
        Ok(self.execution.job.project.blobs.offer_bytes(content))
    }

    fn offer_file(&self, path: &Path) -> Result<BlobRef, Failure> {
        let blobs = &self.execution.job.project.blobs;
        blobs.offer_file(path).map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))
    }

    fn remote(&self, module: &str, args: &Map, flags: RunFlags) -> Result<Run, Failure> {
        let whole = match modules::find(module) {
            Some(Entry::Module(found)) => found.spec().runs_on == RunsOn::Whole,
            _ => false,
        };
        self.send(&self.job(module, args, flags, whole))
    }

    fn raw(&self, command: &str, executable: Option<&str>) -> Result<Output, Failure> {
        let job = self.execution.job;
        let line = match executable {
            Some(executable) => format!("{executable} -c {}", crate::transport::shell_quote(command)),
            None => command.to_owned(),
        };
        job.connections.raw(&self.place.target, self.place.become_as.as_ref(), &line, &job.cancel).map_err(|error| {
            match error {
                super::connections::RawError::Become(method) => {
                    Failure::new(format!("raw commands can be run through sudo only, not through {}", method.name()))
                }
                super::connections::RawError::Transport(error) => {
                    Failure::new(error.to_string()).with("unreachable", true)
                }
            }
        })
    }

    fn reset_connection(&self) -> Result<(), Failure> {
        self.execution.job.connections.reset(&self.place.target);
        Ok(())
    }

    fn try_connect(&self) -> Result<(), Failure> {
        let job = self.execution.job;
        job.connections.agent(&self.place.target, &job.project).map(|_| ()).map_err(agent_failure)
    }

    fn prompt(&self, text: &str, secret: bool) -> Option<String> {
        self.execution.job.project.interaction.prompt(text, secret)
    }

    fn sleep(&self, time: Duration) -> Result<(), Failure> {
        match self.execution.job.cancel.wait(time) {
            true => Err(Failure::new("interrupted")),
            false => Ok(()),
        }
    }

    fn effect(&self, effect: Effect) {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner).push(effect);
    }

    fn warn(&self, message: &str) {
        let _ = self.execution.job.events.send(Event::Warning(message.to_owned()));
    }

    fn local(&self, module: &str, args: &Map, flags: RunFlags) -> Result<Run, Failure> {
        let target = crate::transport::Target::new(crate::transport::Kind::Local, "localhost");
        let context = self.execution.job;
        let mut job = self.job(module, args, flags, true);
        job.become_as = None;
        let agent = context.connections.agent(&target, &context.project).map_err(agent_failure)?;
        agent.run(&job, &|_, _| {}, &context.cancel).map_err(agent_failure)?
    }
}
