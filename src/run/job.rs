//! One task on one host, on a worker: loop, conditions, the action, and what is made of its result.

use super::connections::Connections;
use super::event::{Event, Status};
use super::execute::{Attempt, Execution};
use super::hosts::Snapshot;
use super::keywords::{Keywords, template_failure};
use super::outcome::{EffectFor, TaskOutcome, censored};
use super::results;
use super::scope::{PlayScope, ScopeMaker};
use super::{Project, Settings};
use crate::inventory::HostId;
use crate::module::Failure;
use crate::playbook::{Keyword, Looping, Task};
use crate::template::Scope;
use crate::transport::CancelToken;
use crate::value::{Key, Map, Value, parse_bool};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

/// Everything that a worker needs for one task on one host.
pub(super) struct Job {
    pub task: Arc<Task>,
    pub host: HostId,
    pub host_name: Arc<str>,
    pub snapshot: Snapshot,
    pub play: Arc<PlayScope>,
    pub project: Arc<Project>,
    pub settings: Arc<Settings>,
    pub connections: Arc<Connections>,
    pub events: Sender<Event>,
    pub cancel: CancelToken,
}

/// `loop_control`, rendered.
struct LoopControl {
    var: String,
    index_var: Option<String>,
    label: Option<Value>,
    pause: f64,
    extended: bool,
    all_items: bool,
    break_when: Option<Value>,
}

impl Job {
    /// Runs the task; whatever happens becomes an outcome.
    pub fn run(&self) -> TaskOutcome {
        let started = Instant::now();
        let mut outcome = match self.try_run() {
            Ok(outcome) => outcome,
            Err(failure) => self.failure_outcome(failure),
        };
        outcome.took = started.elapsed();
        outcome
    }

    fn scopes(&self) -> ScopeMaker<'_> {
        ScopeMaker { project: &self.project, play: &self.play, snapshot: &self.snapshot, task: &self.task }
    }

    pub fn scope(&self, extra: Option<Arc<Map>>) -> Result<Arc<dyn Scope>, Failure> {
        self.scopes().scope(self.host, extra).map_err(Failure::new)
    }

    pub fn keywords<'a>(&'a self, scope: &'a Arc<dyn Scope>) -> Keywords<'a> {
        Keywords { attributes: &self.task.attributes, engine: &self.project.engine, scope }
    }

    /// A failure before the task could begin: it is subject to ignore_errors like any other.
    fn failure_outcome(&self, failure: Failure) -> TaskOutcome {
        let ignored = self
            .scope(None)
            .ok()
            .and_then(|scope| self.keywords(&scope).flag(Keyword::IgnoreErrors).ok().flatten())
            .unwrap_or(false);
        let no_log = self.no_log();
        let result = results::of_failure(failure);
        TaskOutcome {
            status: Status::Failed,
            result,
            no_log,
            ignored,
            effects: Vec::new(),
            notify: Vec::new(),
            includes: Vec::new(),
            delegated: None,
            took: std::time::Duration::ZERO,
            looped: false,
        }
    }

    /// Whether the result must be hidden; when that cannot be known, it must.
    fn no_log(&self) -> bool {
        match self.task.attributes.get(Keyword::NoLog) {
            None => self.settings.config.flag(crate::project::Setting::NoLog).unwrap_or(false),
            Some(value) => match self.scope(None).map(|scope| self.project.engine.resolve(value, &scope)) {
                Ok(Ok(value)) => parse_bool(&value).unwrap_or(true),
                _ => true,
            },
        }
    }

    fn try_run(&self) -> Result<TaskOutcome, Failure> {
        let base = self.scope(None)?;
        match self.loop_items(&base)? {
            None => {
                let attempt = Execution::new(self, base, None).run();
                Ok(self.single(attempt))
            }
            Some(Err(skipped)) => Ok(self.single(skipped)),
            Some(Ok(items)) => self.run_loop(items, &base),
        }
    }

    fn single(&self, attempt: Attempt) -> TaskOutcome {
        TaskOutcome {
            status: attempt.status,
            result: attempt.result,
            no_log: attempt.no_log,
            ignored: attempt.ignored,
            effects: attempt.effects,
            notify: attempt.notify,
            includes: attempt.includes.into_iter().collect(),
            delegated: attempt.delegated,
            took: std::time::Duration::ZERO,
            looped: false,
        }
    }

    /// The items of a loop; Ok(None) for no loop. When the items cannot be had but a condition that
    /// needs no item is false, the task is skipped.
    #[allow(clippy::type_complexity, reason = "no loop, a skipped one, or items")]
    fn loop_items(&self, scope: &Arc<dyn Scope>) -> Result<Option<Result<Vec<Value>, Attempt>>, Failure> {
        let Some(looping) = &self.task.looping else { return Ok(None) };
        let engine = &self.project.engine;
        let items = match looping {
            Looping::Loop(value) => engine.resolve(value, scope).map_err(template_failure).and_then(|value| match value {
                Value::List(items) => Ok(items.as_ref().clone()),
                other => Err(Failure::new(format!(
                    "Invalid data passed to 'loop', it requires a list, got this instead: {}. Hint: If you passed a list/dict \
                     of just one element, try adding wantlist=True to your lookup invocation or use q/query instead of lookup.",
                    other.repr()
                ))),
            }),
            Looping::With { lookup, terms } => self.with_items(lookup, terms, scope),
        };
        match items {
            Ok(items) => Ok(Some(Ok(items))),
            Err(failure) => match Execution::new(self, scope.clone(), None).condition_is_false() {
                Some(skipped) => Ok(Some(Err(skipped))),
                None => Err(failure),
            },
        }
    }

    fn with_items(&self, lookup: &str, terms: &Value, scope: &Arc<dyn Scope>) -> Result<Vec<Value>, Failure> {
        let engine = &self.project.engine;
        let terms = engine.resolve(terms, scope).map_err(template_failure)?;
        let terms = match terms {
            Value::List(items) => items.as_ref().clone(),
            other => vec![other],
        };
        match engine.lookup(lookup, terms, Map::new(), scope).map_err(template_failure)? {
            Value::List(items) => Ok(items.as_ref().clone()),
            other => Ok(vec![other]),
        }
    }

    fn loop_control(&self, scope: &Arc<dyn Scope>) -> Result<LoopControl, Failure> {
        let engine = &self.project.engine;
        let control = match self.task.attributes.get(Keyword::LoopControl) {
            Some(Value::Map(map)) => map.as_ref().clone(),
            Some(other) => match engine.resolve(other, scope).map_err(template_failure)? {
                Value::Map(map) => map.as_ref().clone(),
                _ => Map::new(),
            },
            None => Map::new(),
        };
        let rendered = |key: &str| match control.get(key).filter(|value| !value.is_null()) {
            Some(value) => engine.resolve(value, scope).map(Some).map_err(template_failure),
            None => Ok(None),
        };
        let flag = |key: &str, default: bool| {
            Ok::<bool, Failure>(rendered(key)?.and_then(|value| parse_bool(&value)).unwrap_or(default))
        };
        Ok(LoopControl {
            var: rendered("loop_var")?.map_or_else(|| "item".to_owned(), |value| value.to_string()),
            index_var: rendered("index_var")?.map(|value| value.to_string()),
            label: control.get("label").cloned(),
            pause: rendered("pause")?.and_then(|value| value.to_string().parse().ok()).unwrap_or(0.0),
            extended: flag("extended", false)?,
            all_items: flag("extended_allitems", true)?,
            break_when: control.get("break_when").cloned(),
        })
    }

    fn run_loop(&self, items: Vec<Value>, base: &Arc<dyn Scope>) -> Result<TaskOutcome, Failure> {
        let control = self.loop_control(base)?;
        if base.get(&control.var).is_some() && control.var == "item" && !items.is_empty() {
            self.warn_once(&control.var, base);
        }
        let mut attempts: Vec<Attempt> = Vec::with_capacity(items.len());
        // Registered facts of earlier items are seen by later ones.
        let mut gathered = Map::new();
        for (index, item) in items.iter().enumerate() {
            if index > 0 && control.pause > 0.0 && self.cancel.wait(std::time::Duration::from_secs_f64(control.pause)) {
                break;
            }
            let vars = loop_vars(&control, &items, index, item, &gathered);
            let scope = self.scope(Some(Arc::new(vars.clone())))?;
            let mut attempt = Execution::new(self, scope.clone(), Some(&vars)).run();
            self.finish_item(&mut attempt, &control, item, index, &vars);
            for effect in attempt.effects.iter().filter(|effect| effect.delegated.is_none()) {
                if let crate::module::Effect::SetFact { facts, .. } = &effect.effect {
                    gathered.extend(facts.clone());
                }
            }
            let stop = control.break_when.as_ref().is_some_and(|condition| {
                self.scope_after(&vars, &attempt.result).is_ok_and(|scope| {
                    conditions(condition).iter().all(|one| self.project.engine.condition(one, &scope).unwrap_or(false))
                })
            });
            let unreachable = attempt.status == Status::Unreachable;
            attempts.push(attempt);
            if stop || unreachable || self.cancel.is_cancelled() {
                break;
            }
        }
        Ok(results::join(attempts))
    }

    fn warn_once(&self, var: &str, scope: &Arc<dyn Scope>) {
        let _ = scope;
        let place = self.task.span.map(|span| self.project.files.map.describe(span)).unwrap_or_default();
        let _ = self.events.send(Event::Warning(format!(
            "the loop variable '{var}' is already in use; set `loop_var` in `loop_control` ({place})"
        )));
    }

    fn finish_item(&self, attempt: &mut Attempt, control: &LoopControl, item: &Value, index: usize, vars: &Map) {
        attempt.result.insert("ansible_loop_var".into(), Value::str(&control.var));
        attempt.result.insert(Key::from(control.var.as_str()), item.clone());
        if let Some(name) = &control.index_var {
            attempt.result.insert("ansible_index_var".into(), Value::str(name));
            attempt.result.insert(Key::from(name.as_str()), Value::from(index));
        }
        if let Some(extended) = vars.get("ansible_loop") {
            attempt.result.insert("ansible_loop".into(), extended.clone());
        }
        let label = self.label(attempt, control, vars).unwrap_or_else(|| item.to_string());
        let shown = if attempt.no_log { censored(&attempt.result) } else { attempt.result.clone() };
        let label = if attempt.no_log { "(censored due to no_log)".to_owned() } else { label };
        let _ = self.events.send(Event::Item {
            task: self.task.id,
            host: self.host_name.clone(),
            status: attempt.status,
            label,
            result: Arc::new(shown),
            ignored: attempt.ignored,
            delegated: attempt.delegated.clone(),
        });
    }

    /// The loop's variables with what the item registered.
    fn scope_after(&self, vars: &Map, result: &Map) -> Result<Arc<dyn Scope>, Failure> {
        let mut after = vars.clone();
        if let Some(name) = self.task.attributes.get(Keyword::Register).and_then(Value::as_str) {
            after.insert(Key::from(name), Value::map(result.clone()));
        }
        self.scope(Some(Arc::new(after)))
    }

    /// The item's label; what it cannot be made of is a warning of the item.
    fn label(&self, attempt: &mut Attempt, control: &LoopControl, vars: &Map) -> Option<String> {
        let label = control.label.as_ref()?;
        let scope = self.scope_after(vars, &attempt.result).ok()?;
        match self.project.engine.resolve(label, &scope) {
            Ok(label) => Some(label.to_string()),
            Err(error) => {
                results::add_warning(
                    &mut attempt.result,
                    &format!("the loop's label cannot be rendered: {}", error.message),
                );
                None
            }
        }
    }

    /// Records an effect of the task for the dispatcher.
    pub fn effect_for(effect: crate::module::Effect, delegated: Option<&str>) -> EffectFor {
        EffectFor { effect, delegated: delegated.map(str::to_owned) }
    }
}

/// The conditions of a keyword: one, or a list.
pub(super) fn conditions(value: &Value) -> Vec<Value> {
    match value {
        Value::List(items) => items.as_ref().clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn loop_vars(control: &LoopControl, items: &[Value], index: usize, item: &Value, gathered: &Map) -> Map {
    let mut vars = gathered.clone();
    vars.insert(Key::from(control.var.as_str()), item.clone());
    vars.insert("ansible_loop_var".into(), Value::str(&control.var));
    if let Some(name) = &control.index_var {
        vars.insert(Key::from(name.as_str()), Value::from(index));
        vars.insert("ansible_index_var".into(), Value::str(name));
    }
    if control.extended {
        let count = items.len();
        let mut extended = Map::new();
        let mut set = |key: &str, value: Value| extended.insert(Key::from(key), value);
        if control.all_items {
            set("allitems", Value::list(items.to_vec()));
        }
        set("index", Value::from(index + 1));
        set("index0", Value::from(index));
        set("first", Value::Bool(index == 0));
        set("last", Value::Bool(index + 1 == count));
        set("length", Value::from(count));
        set("revindex", Value::from(count - index));
        set("revindex0", Value::from(count - index - 1));
        if let Some(next) = items.get(index + 1) {
            set("nextitem", next.clone());
        }
        if let Some(previous) = index.checked_sub(1).and_then(|previous| items.get(previous)) {
            set("previtem", previous.clone());
        }
        vars.insert("ansible_loop".into(), Value::map(extended));
    }
    vars
}
