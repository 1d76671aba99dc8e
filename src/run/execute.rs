//! One attempt chain of a task on a host: conditions, arguments, the action with its retries, and the verdict.

use super::door::JobDoor;
use super::event::{Event, Status};
use super::job::{Job, conditions};
use super::keywords::{Keywords, template_failure};
use super::outcome::{EffectFor, Include, IncludeRequest};
use super::results;
use super::target::TargetSource;
use crate::agent::Become;
use crate::inventory::HostId;
use crate::module::{Action as ModuleAction, Effect, Failure, RunFlags, TaskDoor, argument_failure, check_args};
use crate::modules::{self, Entry, library::PATH_ARGUMENT};
use crate::playbook::{Action, IncludeRole, IncludeTasks, Keyword};
use crate::project::LIBRARY_PREFIX;
use crate::template::{Engine, Scope};
use crate::transport::Target;
use crate::value::{Key, Map, Value, parse_bool};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How one item, or a task without a loop, ended.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub status: Status,
    pub result: Map,
    pub no_log: bool,
    pub ignored: bool,
    pub effects: Vec<EffectFor>,
    pub notify: Vec<String>,
    pub includes: Option<IncludeRequest>,
    pub delegated: Option<Arc<str>>,
}

/// A task with one scope.
pub(super) struct Execution<'a> {
    pub job: &'a Job,
    pub scope: Arc<dyn Scope>,
    /// The loop's variables.
    pub vars: Option<&'a Map>,
}

/// Where and as whom the steps on the host are run.
pub(super) struct Place {
    pub target: Target,
    pub become_as: Option<Become>,
    pub environment: BTreeMap<String, String>,
    pub timeout: Option<Duration>,
    pub flags: RunFlags,
    pub no_log: bool,
    pub async_timeout: Option<Duration>,
    pub delegated: Option<Arc<str>>,
}

impl<'a> Execution<'a> {
    pub fn new(job: &'a Job, scope: Arc<dyn Scope>, vars: Option<&'a Map>) -> Execution<'a> {
        Execution { job, scope, vars }
    }

    fn keywords(&self) -> Keywords<'_> {
        self.job.keywords(&self.scope)
    }

    /// Runs; every failure becomes an attempt.
    pub fn run(&self) -> Attempt {
        let no_log = self.no_log();
        match self.try_run(no_log) {
            Ok(attempt) => attempt,
            Err(failure) => self.finish(results::of_failure(failure), no_log, None, Vec::new()),
        }
    }

    /// When a value cannot be had, everything is hidden.
    fn no_log(&self) -> bool {
        let configured = self.job.settings.config.flag(crate::project::Setting::NoLog);
        match self.keywords().flag(Keyword::NoLog) {
            Ok(flag) => flag.or(configured).unwrap_or(false),
            Err(_) => true,
        }
    }

    /// The skipped attempt, if a condition is false without any error.
    pub fn condition_is_false(&self) -> Option<Attempt> {
        self.skipped(self.no_log()).ok().flatten()
    }

    fn skipped(&self, no_log: bool) -> Result<Option<Attempt>, Failure> {
        for condition in self.job.task.attributes.items(Keyword::When) {
            match self.job.project.engine.condition(&condition, &self.scope) {
                Ok(true) => {}
                Ok(false) => {
                    return Ok(Some(Attempt {
                        status: Status::Skipped,
                        result: results::of_skip(Some(&condition)),
                        no_log,
                        ignored: false,
                        effects: Vec::new(),
                        notify: Vec::new(),
                        includes: None,
                        delegated: None,
                    }));
                }
                Err(error) => {
                    let place = error.span.or(self.job.task.attributes.span(Keyword::When)).or(self.job.task.span);
                    let place = place.map(|span| self.job.project.files.map.describe(span)).unwrap_or_default();
                    return Err(Failure::new(format!(
                        "Error while evaluating conditional: {} (condition {condition:?} at {place})",
                        error.message,
                        condition = condition.to_string(),
                    )));
                }
            }
        }
        Ok(None)
    }

    fn try_run(&self, no_log: bool) -> Result<Attempt, Failure> {
        if let Some(skipped) = self.skipped(no_log)? {
            return Ok(skipped);
        }
        match &self.job.task.action {
            Action::IncludeTasks(include) => self.include_tasks(include, no_log),
            Action::IncludeRole(include) => self.include_role(include, no_log),
            Action::Module { name, args, .. } => self.module(name, args, no_log),
            Action::Templated { name, args, .. } => {
                let name = self.job.project.engine.resolve(name, &self.scope).map_err(template_failure)?.to_string();
                self.module(name.trim(), args, no_log)
            }
            Action::Meta(_) | Action::ImportTasks(_) | Action::ImportRole(_) => {
                Err(Failure::new("this action is carried out elsewhere"))
            }
        }
    }

    fn finish(&self, mut result: Map, no_log: bool, delegated: Option<Arc<str>>, effects: Vec<EffectFor>) -> Attempt {
        let flag = |name: &str| result.get(name).and_then(parse_bool).unwrap_or(false);
        let (failed, unreachable, skipped, changed) =
            (flag("failed"), flag("unreachable"), flag("skipped"), flag("changed"));
        let ignoring = match unreachable {
            true => Keyword::IgnoreUnreachable,
            false => Keyword::IgnoreErrors,
        };
        let ignored = (failed || unreachable) && self.keywords().flag(ignoring).ok().flatten().unwrap_or(false);
        let status = match (unreachable, failed, skipped, changed) {
            (true, ..) => Status::Unreachable,
            (_, true, ..) => Status::Failed,
            (_, _, true, _) => Status::Skipped,
            (.., true) => Status::Changed,
            _ => Status::Ok,
        };
        let notify = match status == Status::Changed {
            true => self.keywords().names(Keyword::Notify).unwrap_or_default(),
            false => Vec::new(),
        };
        result.entry("failed".into()).or_insert(Value::Bool(false));
        if unreachable {
            result.shift_remove("failed");
        }
        Attempt { status, result, no_log, ignored, effects, notify, includes: None, delegated }
    }

    fn include_vars_of_task(&self) -> Result<Map, Failure> {
        let engine = &self.job.project.engine;
        let mut vars = self.vars.cloned().unwrap_or_default();
        // Parameters are rendered with the loop's item while it is known.
        for (key, value) in self.job.task.own_vars.iter() {
            let value = match self.vars.is_some() {
                true => engine.resolve(value, &self.scope).map_err(template_failure)?,
                false => value.clone(),
            };
            vars.insert(key.clone(), value);
        }
        Ok(vars)
    }

    fn include_tasks(&self, include: &IncludeTasks, no_log: bool) -> Result<Attempt, Failure> {
        let engine = &self.job.project.engine;
        let name = engine.resolve(&include.file, &self.scope).map_err(template_failure)?.to_string();
        let path = super::include::find_tasks_file(self.job, &name)?;
        let request =
            IncludeRequest { include: Include::Tasks { path: path.clone() }, vars: self.include_vars_of_task()? };
        let result = Map::from([
            ("include".into(), Value::str(&name)),
            ("include_args".into(), Value::map(Map::new())),
            ("changed".into(), Value::Bool(false)),
        ]);
        let mut attempt = self.finish(result, no_log, None, Vec::new());
        attempt.includes = Some(request);
        Ok(attempt)
    }

    fn include_role(&self, include: &IncludeRole, no_log: bool) -> Result<Attempt, Failure> {
        let engine = &self.job.project.engine;
        let rendered = |value: &Option<Value>| match value {
            Some(value) => engine.resolve_top(value, &self.scope).map_err(template_failure),
            None => Ok(None),
        };
        let text =
            |value| Ok::<_, Failure>(rendered(value)?.filter(|value| !value.is_null()).map(|one| one.to_string()));
        let flag = |name: &str, value| match rendered(value)?.filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => parse_bool(&value).map(Some).ok_or_else(|| {
                Failure::new(format!("`{name}` of include_role takes a truth value, not {}", value.repr()))
            }),
        };
        let name = engine.resolve(&include.name, &self.scope).map_err(template_failure)?.to_string();
        let role = Include::Role {
            name: name.clone(),
            tasks_from: text(&include.tasks_from)?,
            vars_from: text(&include.vars_from)?,
            defaults_from: text(&include.defaults_from)?,
            handlers_from: text(&include.handlers_from)?,
            flags: [
                flag("allow_duplicates", &include.allow_duplicates)?,
                flag("public", &include.public)?,
                flag("rolespec_validate", &include.rolespec_validate)?,
            ],
        };
        let result = Map::from([
            ("include_args".into(), Value::from([("name", Value::str(&name))])),
            ("changed".into(), Value::Bool(false)),
        ]);
        let mut attempt = self.finish(result, no_log, None, Vec::new());
        attempt.includes = Some(IncludeRequest { include: role, vars: self.include_vars_of_task()? });
        Ok(attempt)
    }

    /// Where the task acts: its own host, or the one that it is delegated to.
    pub(super) fn place(&self, no_log: bool) -> Result<Place, Failure> {
        let keywords = self.keywords();
        let delegate = keywords.text(Keyword::DelegateTo)?;
        let settings = &self.job.settings;
        let inventory = &self.job.snapshot.inventory;
        let (host, vars): (Option<HostId>, Arc<dyn Scope>) = match &delegate {
            None => (Some(self.job.host), self.scope.clone()),
            Some(name) => {
                let host = inventory.find_host(name);
                let scope: Arc<dyn Scope> = match host {
                    Some(host) => Arc::new(super::magic::host_scope(&self.job.snapshot, &self.job.play, host)),
                    None => Arc::new(crate::template::Variables(Map::new())),
                };
                (host, scope)
            }
        };
        let name = match (&delegate, host) {
            (Some(name), _) => Arc::from(name.as_str()),
            (None, _) => self.job.host_name.clone(),
        };
        let implicit = host.is_some_and(|host| inventory.host(host).implicit);
        let source = TargetSource {
            settings,
            engine: &self.job.project.engine,
            keywords: &keywords,
            vars: &vars,
            name: &name,
            delegated: delegate.is_some(),
            implicit,
        };
        let timeout = keywords.int(Keyword::Timeout)?.or(settings.config.number(crate::project::Setting::TaskTimeout));
        let seconds = |value: Option<i64>| {
            value.and_then(|value| u64::try_from(value).ok()).filter(|value| *value > 0).map(Duration::from_secs)
        };
        Ok(Place {
            target: source.target()?,
            become_as: source.become_as()?,
            environment: keywords.environment()?,
            timeout: seconds(timeout),
            flags: RunFlags {
                check: keywords.flag(Keyword::CheckMode)?.unwrap_or(settings.check),
                diff: keywords.flag(Keyword::Diff)?.unwrap_or(settings.diff),
            },
            no_log,
            async_timeout: seconds(keywords.int(Keyword::Async)?),
            delegated: delegate.map(|name| Arc::from(name.as_str())),
        })
    }

    fn module(&self, name: &str, args: &Value, no_log: bool) -> Result<Attempt, Failure> {
        let program = name.strip_prefix(LIBRARY_PREFIX);
        let entry = match program {
            Some(_) => Some(modules::LIBRARY),
            None => modules::find(name),
        };
        let entry = entry.ok_or_else(|| Failure::new(format!("rplay has no module `{name}`")))?;
        let raw_args: &[&str] = match entry {
            Entry::Action(action) => action.raw_args(),
            Entry::Module(_) => &[],
        };
        let mut args = self.arguments(&entry, args, raw_args)?;
        if let Some(program) = program {
            args.insert(PATH_ARGUMENT.into(), Value::str(program));
        }
        let place = self.place(no_log)?;
        let delegated = place.delegated.clone();
        let door = JobDoor::new(self, place);
        let keywords = self.keywords();
        let until = self.job.task.attributes.get(Keyword::Until).map(conditions).filter(|list| !list.is_empty());
        let retries = match (keywords.int(Keyword::Retries)?, &until) {
            (Some(retries), _) => u32::try_from(retries.max(0)).unwrap_or(0),
            (None, Some(_)) => 3,
            (None, None) => 0,
        };
        let delay = keywords.float(Keyword::Delay)?.unwrap_or(5.0).max(0.0);
        let mut number = 0;
        let result = loop {
            number += 1;
            let mut result = self.once(&entry, &args, &door)?;
            self.judge(&mut result)?;
            if retries == 0 {
                break result;
            }
            let enough = self.is_enough(until.as_deref(), &result)?;
            if enough || result.get("unreachable").is_some() {
                result.insert("attempts".into(), Value::from(number));
                break result;
            }
            if number > retries {
                result.insert("attempts".into(), Value::from(retries));
                result.insert("failed".into(), Value::Bool(true));
                break result;
            }
            let _ = self.job.events.send(Event::Retry {
                task: self.job.task.id,
                host: self.job.host_name.clone(),
                left: retries - number + 1,
            });
            if self.job.cancel.wait(Duration::from_secs_f64(delay)) {
                return Err(Failure::new("interrupted"));
            }
        };
        let mut effects: Vec<EffectFor> = Vec::new();
        let facts_for = match keywords.flag(Keyword::DelegateFacts)?.unwrap_or(false) {
            true => delegated.as_deref(),
            false => None,
        };
        for effect in door.take_effects() {
            effects.push(Job::effect_for(effect, facts_for));
        }
        if let (Entry::Module(_), Some(Value::Map(facts))) = (&entry, result.get("ansible_facts")) {
            effects.push(Job::effect_for(Effect::Facts(facts.as_ref().clone()), facts_for));
        }
        Ok(self.finish(result, no_log, delegated, effects))
    }

    /// One run of the action; a failure is a result.
    fn once(&self, entry: &Entry, args: &Map, door: &JobDoor<'_>) -> Result<Map, Failure> {
        let ran = match entry {
            Entry::Action(action) => self.run_action(*action, args, door),
            Entry::Module(_) if door.place.async_timeout.is_some() => self.run_async(entry, args, door),
            Entry::Module(module) => door.remote(module.spec().name, args, door.flags()).map(|run| run.result),
        };
        let mut result = match ran {
            Ok(result) => result,
            Err(failure) if failure.returns.contains_key("unreachable") => results::of_unreachable(&failure.msg),
            Err(failure) => results::of_failure(failure),
        };
        result.entry("changed".into()).or_insert(Value::Bool(false));
        results::add_lines(&mut result);
        Ok(result)
    }

    fn run_action(&self, action: &dyn ModuleAction, args: &Map, door: &JobDoor<'_>) -> Result<Map, Failure> {
        if door.place.async_timeout.is_some() {
            return Err(Failure::new(format!("async is not supported for the {} action", action.spec().name)));
        }
        if action.any_args() {
            return action.run(args, door);
        }
        let (canonical, errors) = check_args(action.args(), action.spec().rules, args);
        match errors.into_iter().next() {
            Some(error) => Err(argument_failure(error, &action.spec())),
            None => action.run(&canonical, door),
        }
    }

    /// Starts the job, and unless `poll` is 0 asks for it until it is done.
    fn run_async(&self, entry: &Entry, args: &Map, door: &JobDoor<'_>) -> Result<Map, Failure> {
        let Entry::Module(module) = entry else {
            return Err(Failure::new("async needs a module that runs on the host"));
        };
        let started = door.remote_async(module.spec().name, args)?;
        let keywords = self.keywords();
        let poll = match keywords.int(Keyword::Poll)? {
            Some(poll) => poll.max(0) as u64,
            None => self.job.settings.config.number(crate::project::Setting::PollInterval).unwrap_or(15),
        };
        let Some(jid) = started.get("ansible_job_id").cloned().filter(|_| poll > 0) else { return Ok(started) };
        let status_args = Map::from([("jid".into(), jid)]);
        let limit = std::time::Instant::now() + door.place.async_timeout.unwrap_or_default() + Duration::from_secs(5);
        loop {
            if self.job.cancel.wait(Duration::from_secs(poll)) {
                return Err(Failure::new("interrupted"));
            }
            let flags = RunFlags { check: false, ..door.flags() };
            let result = match door.remote("ansible.builtin.async_status", &status_args, flags) {
                Ok(run) => run.result,
                Err(failure) => return Err(failure),
            };
            let finished = result.get("finished").and_then(parse_bool).unwrap_or(false);
            if finished {
                return Ok(result);
            }
            if std::time::Instant::now() > limit {
                return Err(Failure::new("async task did not complete within the requested time"));
            }
        }
    }

    /// The arguments: `module_defaults` below `args:` below the task's own, rendered.
    fn arguments(&self, entry: &Entry, args: &Value, raw: &[&str]) -> Result<Map, Failure> {
        let engine = &self.job.project.engine;
        let resolve_map = |value: &Value| match engine.resolve(value, &self.scope).map_err(template_failure)? {
            Value::Map(map) => Ok(map.as_ref().clone()),
            Value::Null => Ok(Map::new()),
            other => Err(Failure::new(format!("the arguments must be a dictionary, got {}", other.repr()))),
        };
        let own = match args {
            Value::Map(map) => map.as_ref().clone(),
            // What a template made of the whole is data, and no expression unless the authors wrote it.
            other => {
                let mut map = resolve_map(other)?;
                for name in raw {
                    if let Some(value) = map.get_mut(*name) {
                        *value = Engine::distrust(value, &self.scope);
                    }
                }
                map
            }
        };
        let spec = entry.spec();
        let names: Vec<&str> = spec.aliases.iter().copied().chain([spec.name]).collect();
        let mut merged = Map::new();
        let specs = entry.args();
        let canonical = |key: &Key| {
            let name = key.to_string();
            specs.iter().find(|spec| spec.answers_to(&name)).map_or_else(|| key.clone(), |spec| Key::from(spec.name))
        };
        let keyword_args = match self.job.task.attributes.get(Keyword::Args) {
            Some(value) => resolve_map(value)?,
            None => Map::new(),
        };
        for map in [self.keywords().module_defaults(&names)?, keyword_args, own] {
            merged.extend(map.into_iter().map(|(key, value)| (canonical(&key), value)));
        }
        let mut untouched = Map::new();
        for name in raw {
            if let Some(value) = merged.shift_remove(*name) {
                untouched.insert(Key::from(*name), value);
            }
        }
        let mut resolved = resolve_map(&Value::map(merged))?;
        resolved.extend(untouched);
        Ok(resolved)
    }

    /// The scope in which the result is judged: with what the task registers and the facts it found.
    fn scope_with(&self, result: &Map) -> Result<Arc<dyn Scope>, Failure> {
        let mut extra = self.vars.cloned().unwrap_or_default();
        if let Some(Value::Map(facts)) = result.get("ansible_facts") {
            extra.extend(facts.as_ref().clone());
        }
        if let Some(name) = self.job.task.attributes.get(Keyword::Register) {
            let name = self.job.project.engine.resolve(name, &self.scope).map_err(template_failure)?;
            extra.insert(Key::from(name.to_string()), Value::map(result.clone()));
        }
        self.job.scope(Some(Arc::new(extra)))
    }

    /// Applies `changed_when` and `failed_when`.
    fn judge(&self, result: &mut Map) -> Result<(), Failure> {
        let attributes = &self.job.task.attributes;
        if result.contains_key("unreachable") {
            return Ok(());
        }
        let skipped = result.get("skipped").and_then(parse_bool).unwrap_or(false);
        let judge = |keyword: Keyword, result: &Map| -> Result<Option<bool>, Failure> {
            let Some(value) = attributes.get(keyword).filter(|_| !skipped) else { return Ok(None) };
            let scope = self.scope_with(result)?;
            for condition in conditions(value) {
                let truth = self.job.project.engine.condition(&condition, &scope);
                if !truth.map_err(|error| keyword_failure(keyword, &error.message, result))? {
                    return Ok(Some(false));
                }
            }
            Ok(Some(true))
        };
        result.entry("failed".into()).or_insert(Value::Bool(false));
        if let Some(changed) = judge(Keyword::ChangedWhen, result)? {
            result.insert("changed".into(), Value::Bool(changed));
        }
        if let Some(failed) = judge(Keyword::FailedWhen, result)? {
            result.insert("failed_when_result".into(), Value::Bool(failed));
            result.insert("failed".into(), Value::Bool(failed));
        }
        Ok(())
    }

    fn is_enough(&self, until: Option<&[Value]>, result: &Map) -> Result<bool, Failure> {
        let Some(until) = until else {
            return Ok(!result.get("failed").and_then(parse_bool).unwrap_or(false));
        };
        let scope = self.scope_with(result)?;
        for condition in until {
            let truth = self.job.project.engine.condition(condition, &scope);
            if !truth.map_err(|error| keyword_failure(Keyword::Until, &error.message, result))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A condition on the result that cannot be decided; the result is kept beside the message.
fn keyword_failure(keyword: Keyword, message: &str, result: &Map) -> Failure {
    let mut returns = result.clone();
    returns.shift_remove("msg");
    returns.shift_remove("failed");
    Failure { msg: format!("Error while evaluating '{}': {message}", keyword.name()), returns }
}
