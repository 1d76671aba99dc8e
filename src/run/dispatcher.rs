//! The dispatcher: owns all state, hands tasks to workers, and takes their outcomes in.

use super::connections::Connections;
use super::event::{Event, HostStats, Status};
use super::handlers::{Handlers, play_scope};
use super::hosts::Hosts;
use super::outcome::{TaskOutcome, censored};
use super::play::{Chooser, PlayRun, Strategy};
use super::scope::{PlayScope, VarsFiles};
use super::strand::Strand;
use super::{Project, Settings, batch, magic};
use crate::inventory::{HostId, Inventory, Order};
use crate::plan::Plan;
use crate::playbook::{Item, Keyword, NodeId, Play, Task};
use crate::project::{Playbook, Setting};
use crate::source::Diagnostic;
use crate::template::{Scope, TemplateError};
use crate::transport::CancelToken;
use crate::value::{Key, Map, Value, parse_bool};
use crate::vars::{Layers, Precedence, TaskScope};
use rayon::ThreadPool;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Everything that a run begins with.
pub struct RunInput {
    /// The project.
    pub project: Arc<Project>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// Hosts and groups.
    pub inventory: Inventory,
    /// The playbooks in order.
    pub playbooks: Vec<Playbook>,
    /// Their graph.
    pub plan: Plan,
    /// Each play's items in the order of running.
    pub sections: HashMap<NodeId, Vec<Item>>,
}

/// How a run ended.
#[derive(Debug, Clone, Default)]
pub struct RunSummary {
    /// The recap.
    pub stats: Vec<(Arc<str>, HostStats)>,
    /// Somebody asked it to stop.
    pub interrupted: bool,
    /// It ended before its last play.
    pub aborted: bool,
    /// Hosts that failed.
    pub failed: usize,
    /// Hosts that could not be reached.
    pub unreachable: usize,
}

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The worker threads could not be started.
    #[error("cannot start {count} workers: {reason}")]
    Workers {
        /// How many.
        count: usize,
        /// Why.
        reason: String,
    },
    /// The fact cache cannot be flushed.
    #[error(transparent)]
    FactCache(#[from] crate::project::FactCacheError),
    /// An included file has a mistake.
    #[error("{0}")]
    Include(String),
    /// A play's keyword cannot be used.
    #[error("{0}")]
    Play(String),
}

/// A worker's message.
pub(super) struct Finished {
    pub play: usize,
    pub strand: usize,
    pub host: HostId,
    pub task: Arc<Task>,
    pub outcome: TaskOutcome,
}

/// Runs plays; the caller's thread is the dispatcher.
///
/// # Errors
/// What stops the run as a whole; failures of tasks are in the summary.
pub fn run(input: RunInput, events: Sender<Event>, cancel: CancelToken) -> Result<RunSummary, RunError> {
    let mut dispatcher = Dispatcher::new(input, events, cancel)?;
    let summary = dispatcher.run_all();
    dispatcher.connections.close();
    summary
}

pub(super) struct Dispatcher {
    pub project: Arc<Project>,
    pub settings: Arc<Settings>,
    pub hosts: Hosts,
    pub plan: Plan,
    pub sections: HashMap<NodeId, Vec<Item>>,
    pub waiting: Vec<Arc<Play>>,
    pub plays: Vec<PlayRun>,
    pub finished_plays: HashSet<NodeId>,
    /// Nodes that are done, by host.
    pub done: HashSet<(NodeId, HostId)>,
    /// Nodes that tags left out.
    pub removed: HashSet<NodeId>,
    pub stats: BTreeMap<Arc<str>, HostStats>,
    pub failed: HashSet<HostId>,
    pub unreachable: HashSet<HostId>,
    /// Hosts that failed and have only `always` parts left.
    pub failing: HashSet<HostId>,
    pub custom_stats: Map,
    pub locks: HashMap<(String, HostId), (usize, usize)>,
    pub held: HashMap<(usize, usize, HostId), Vec<String>>,
    /// What includes brought in, by task: the same request is loaded once.
    pub includes: HashMap<NodeId, Vec<(super::outcome::IncludeRequest, Arc<crate::playbook::Block>)>>,
    pub running: usize,
    pub start_at: Option<String>,
    pub stepping: bool,
    pub aborted: bool,
    /// What ends the run as a whole.
    pub fatal: Option<RunError>,
    pub connections: Arc<Connections>,
    pub pool: ThreadPool,
    pub events: Sender<Event>,
    pub cancel: CancelToken,
    pub to_me: Sender<Finished>,
    inbox: Receiver<Finished>,
}

impl Dispatcher {
    fn new(input: RunInput, events: Sender<Event>, cancel: CancelToken) -> Result<Dispatcher, RunError> {
        let hosts = Hosts::new(input.inventory, input.settings.fact_cache.clone());
        if input.settings.flush_cache {
            hosts.flush_cache()?;
        }
        let forks = input.settings.forks.max(1);
        // No more threads than can ever be busy: hosts, each in a few strands at once.
        let most = forks.min(hosts.inventory.hosts().count().max(1) * 8);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(most)
            .thread_name(|index| format!("worker-{index}"))
            .build()
            .map_err(|error| RunError::Workers { count: most, reason: error.to_string() })?;
        let (to_me, inbox) = channel();
        Ok(Dispatcher {
            start_at: input.settings.start_at_task.clone(),
            stepping: input.settings.step,
            project: input.project,
            settings: input.settings,
            hosts,
            plan: input.plan,
            sections: input.sections,
            waiting: input.playbooks.into_iter().flat_map(|playbook| playbook.plays).collect(),
            plays: Vec::new(),
            finished_plays: HashSet::new(),
            done: HashSet::new(),
            removed: HashSet::new(),
            stats: BTreeMap::new(),
            failed: HashSet::new(),
            unreachable: HashSet::new(),
            failing: HashSet::new(),
            custom_stats: Map::new(),
            locks: HashMap::new(),
            held: HashMap::new(),
            includes: HashMap::new(),
            running: 0,
            aborted: false,
            fatal: None,
            connections: Arc::new(Connections::new(cancel.clone())),
            pool,
            events,
            cancel,
            to_me,
            inbox,
        })
    }

    pub fn emit(&self, event: Event) {
        // The report may be gone already (a closed pipe); the run goes on.
        let _ = self.events.send(event);
    }

    fn run_all(&mut self) -> Result<RunSummary, RunError> {
        loop {
            self.start_plays()?;
            self.pump_all();
            if self.finish_batches()? {
                continue;
            }
            if self.running == 0 {
                match self.plays.iter().all(PlayRun::is_idle) && !self.can_start() {
                    true => break,
                    false if self.stuck() => {
                        return Err(RunError::Play(
                            "the graph cannot go on: what remains waits for what cannot be done".into(),
                        ));
                    }
                    false => continue,
                }
            }
            self.take_in();
            if let Some(error) = self.fatal.take() {
                self.cancel.cancel();
                return Err(error);
            }
            if self.cancel.is_cancelled() && self.running == 0 {
                break;
            }
        }
        Ok(self.summary())
    }

    /// Nothing runs, nothing can begin, and plays are not at their end.
    fn stuck(&mut self) -> bool {
        self.pump_all();
        self.running == 0 && !self.plays.iter().all(PlayRun::is_idle)
    }

    fn can_start(&self) -> bool {
        !self.aborted && !self.cancel.is_cancelled() && self.startable().is_some()
    }

    /// Waits for a worker, then takes all that are done.
    fn take_in(&mut self) {
        let Ok(first) = self.inbox.recv_timeout(Duration::from_secs(3600)) else { return };
        self.finish_task(first);
        while let Ok(next) = self.inbox.try_recv() {
            self.finish_task(next);
        }
    }

    /// The first play in line that may begin.
    fn startable(&self) -> Option<usize> {
        for (index, play) in self.waiting.iter().enumerate() {
            let ready = match &play.needs {
                Some(_) => self.plan.waits_of(play.id).iter().all(|wait| self.wait_is_over(*wait, None)),
                // It follows its predecessor in the file.
                None => self.predecessor_is_done(index),
            };
            if ready {
                return Some(index);
            }
        }
        None
    }

    fn predecessor_is_done(&self, index: usize) -> bool {
        let play = &self.waiting[index];
        let edges = self.plan.index.get(&play.id).map(|at| {
            self.plan.graph.edges_directed(*at, petgraph::Direction::Incoming).filter_map(|edge| {
                use petgraph::visit::EdgeRef;
                let follows = edge.weight().reason == crate::plan::Reason::Follows;
                follows.then(|| self.plan.graph[edge.source()].id)
            })
        });
        edges.is_none_or(|mut edges| edges.all(|id| self.finished_plays.contains(&id)))
    }

    fn start_plays(&mut self) -> Result<(), RunError> {
        while !self.aborted && !self.cancel.is_cancelled() {
            let Some(index) = self.startable() else { return Ok(()) };
            let play = self.waiting.remove(index);
            self.start_play(play)?;
        }
        Ok(())
    }

    /// What is known before a play's hosts are: for its name, hosts and keywords.
    fn static_scope(&self, play: &Play, prompted: &Arc<Map>) -> Arc<dyn Scope> {
        let mut layers = Layers::default();
        layers.push(Precedence::PlayVars, play.vars.clone());
        layers.push(Precedence::PlayVarsPrompt, prompted.clone());
        layers.push(Precedence::ExtraVars, self.settings.extra_vars.clone());
        let mut magic = Map::from([("groups".into(), magic::groups(&self.hosts.inventory))]);
        magic.insert("playbook_dir".into(), Value::str(self.project.playbook_dir.to_string_lossy()));
        layers.push(Precedence::Magic, Arc::new(magic));
        let snapshot = self.hosts.snapshot();
        let scope = PlayScope::new(
            Arc::new(play.clone()),
            String::new(),
            self.settings.clone(),
            self.project.playbook_dir.clone(),
            prompted.clone(),
            Arc::default(),
            [Vec::new(), Vec::new(), Vec::new()],
            magic::groups(&self.hosts.inventory),
            Vec::new(),
        );
        let hostvars = Arc::new(magic::AllHosts { snapshot, play: Arc::new(scope) });
        Arc::new(TaskScope { layers, objects: vec![("hostvars", hostvars)] })
    }

    fn play_error(&self, play: &Play, error: &TemplateError) -> RunError {
        let span = error.span.or(play.span);
        RunError::Play(Diagnostic::error("play", span, error.message.clone()).render(&self.project.files.map))
    }

    fn start_play(&mut self, play: Arc<Play>) -> Result<(), RunError> {
        self.hosts.refresh(&self.project);
        let found = self.project.inventory_vars.take_diagnostics();
        if found.has_errors() {
            let text: Vec<String> = found.0.iter().map(|one| one.render(&self.project.files.map)).collect();
            return Err(RunError::Play(text.join("")));
        }
        let prompted = Arc::new(super::prompts::ask(&play, &self.project, &self.settings)?);
        let scope = self.static_scope(&play, &prompted);
        let engine = self.project.engine.clone();
        let pattern = engine.resolve(&play.hosts.value, &scope).map_err(|error| self.play_error(&play, &error))?;
        let name = match &play.name {
            Some(name) => engine.resolve(name, &scope).map_or_else(|_| name.to_string(), |name| name.to_string()),
            None => join_pattern(&pattern),
        };
        let value = |keyword: Keyword| match play.attributes.get(keyword) {
            Some(value) => engine.resolve_top(value, &scope).map(|value| value.filter(|value| !value.is_null())),
            None => Ok(None),
        };
        let order = value(Keyword::Order).map_err(|error| self.play_error(&play, &error))?;
        let mut hosts = self.select(&pattern)?;
        let order = match order {
            Some(order) => Order::parse(&order.to_string())
                .ok_or_else(|| RunError::Play(format!("`order` takes {}, not {order}", Order::NAMES.join(", "))))?,
            None => Order::parse("inventory").unwrap_or(Order::Inventory),
        };
        let seed =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
        self.hosts.inventory.arrange(&mut hosts, order, seed);
        let strategy = value(Keyword::Strategy).map_err(|error| self.play_error(&play, &error))?;
        let strategy = strategy
            .map(|strategy| strategy.to_string())
            .or_else(|| self.settings.config.get(Setting::Strategy).map(str::to_owned))
            .unwrap_or_else(|| "linear".into());
        let strategy = Strategy::parse(&strategy).ok_or_else(|| {
            RunError::Play(format!("the strategy `{strategy}` is not supported (linear, free, host_pinned are)"))
        })?;
        let serial = match value(Keyword::Serial).map_err(|error| self.play_error(&play, &error))? {
            Some(Value::List(items)) => items.as_ref().clone(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let percent = value(Keyword::MaxFailPercentage).map_err(|error| self.play_error(&play, &error))?;
        let percent = percent.and_then(|value| value.to_string().trim_end_matches('%').parse().ok());
        if hosts.is_empty() {
            self.emit(Event::NoHosts { name });
            self.finished_plays.insert(play.id);
            return Ok(());
        }
        let living: Vec<HostId> = hosts.iter().copied().filter(|host| self.is_alive(*host)).collect();
        let batches = batch::batches(&serial, &living).map_err(RunError::Play)?.into();
        let items = self.sections.get(&play.id).cloned().unwrap_or_default();
        let mut chooser = Chooser {
            engine: &engine,
            scope: &scope,
            tags: &self.settings.tags,
            start_at: &mut self.start_at,
            removed: &mut self.removed,
        };
        let items = chooser.choose(&items);
        let mut run = PlayRun {
            handlers: Handlers::new(&play.handlers),
            play,
            items,
            name,
            strategy,
            all_hosts: hosts,
            batches,
            batch: Vec::new(),
            strands: Vec::new(),
            forks: HashMap::new(),
            notified: HashMap::new(),
            roles_done: HashSet::new(),
            roles_begun: HashSet::new(),
            prompted,
            vars_files: Arc::new(VarsFiles::default()),
            public_includes: Vec::new(),
            scope: None,
            max_fail_percentage: percent,
            failed_before: 0,
            ended: false,
            broken: false,
        };
        self.next_batch(&mut run);
        self.plays.push(run);
        Ok(())
    }

    /// Hosts of a pattern, within `--limit`.
    fn select(&self, pattern: &Value) -> Result<Vec<HostId>, RunError> {
        let patterns: Vec<String> = match pattern {
            Value::List(items) => {
                items.iter().flat_map(|item| crate::inventory::split_pattern(&item.to_string())).collect()
            }
            one => crate::inventory::split_pattern(&one.to_string()),
        };
        let inventory = &self.hosts.inventory;
        let selection = inventory.select_all(&patterns).map_err(|error| RunError::Play(error.to_string()))?;
        for unmatched in &selection.unmatched {
            let near = unmatched.nearest.as_ref().map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            self.emit(Event::Warning(format!(
                "Could not match supplied host pattern, ignoring: {}{near}",
                unmatched.pattern
            )));
        }
        if self.settings.limit.is_empty() {
            return Ok(selection.hosts);
        }
        let limit = inventory.select_all(&self.settings.limit).map_err(|error| RunError::Play(error.to_string()))?;
        let limit: HashSet<HostId> = limit.hosts.into_iter().collect();
        Ok(selection.hosts.into_iter().filter(|host| limit.contains(host)).collect())
    }

    pub fn is_alive(&self, host: HostId) -> bool {
        !self.failed.contains(&host) && !self.unreachable.contains(&host)
    }

    /// Begins the next batch of a play, if there is one.
    fn next_batch(&self, run: &mut PlayRun) -> bool {
        let Some(batch) = run.batches.pop_front() else { return false };
        let names = batch.iter().map(|host| self.hosts.name(*host)).collect();
        self.emit(Event::PlayStart { name: run.name.clone(), hosts: names });
        let mut strand = Strand::new(run.items.clone(), None, run.strategy == Strategy::Linear);
        batch.iter().for_each(|host| strand.join(*host));
        run.batch = batch;
        run.strands = vec![strand];
        run.forks.clear();
        run.notified.clear();
        run.scope = None;
        run.failed_before = self.failed.len() + self.unreachable.len();
        true
    }

    /// Ends batches whose hosts are at their end; true when something new can begin.
    fn finish_batches(&mut self) -> Result<bool, RunError> {
        let mut progress = false;
        for index in 0..self.plays.len() {
            let run = &self.plays[index];
            if !run.is_idle() || self.finished_plays.contains(&run.play.id) {
                continue;
            }
            progress = true;
            let lost = (self.failed.len() + self.unreachable.len()).saturating_sub(run.failed_before);
            let all_lost = !run.batch.is_empty() && lost >= run.batch.len();
            let broken = run.broken || all_lost;
            if broken {
                self.emit(Event::NoMoreHosts);
                self.aborted = true;
            }
            let stop = broken || run.ended && run.batches.is_empty() || self.cancel.is_cancelled();
            let mut run = self.plays.swap_remove(index);
            let id = run.play.id;
            // A later batch runs the same nodes anew.
            let more = !stop && !run.ended && self.next_batch(&mut run);
            self.plays.push(run);
            if !more {
                self.finished_plays.insert(id);
                self.plays.retain(|run| run.play.id != id);
            }
            break;
        }
        Ok(progress)
    }

    /// The scope that tasks of a play share now.
    pub fn play_scope(&mut self, index: usize) -> Arc<PlayScope> {
        if let Some(scope) = &self.plays[index].scope {
            return scope.clone();
        }
        let run = &self.plays[index];
        let names = |hosts: &[HostId], living: bool| -> Vec<Arc<str>> {
            let in_play = |host: &HostId| self.is_alive(*host) && !self.failing.contains(host);
            hosts.iter().filter(|host| !living || in_play(host)).map(|host| self.hosts.name(*host)).collect()
        };
        let scope = Arc::new(PlayScope::new(
            run.play.clone(),
            run.name.clone(),
            self.settings.clone(),
            self.project.playbook_dir.clone(),
            run.prompted.clone(),
            run.vars_files.clone(),
            [names(&run.all_hosts, false), names(&run.all_hosts, true), names(&run.batch, true)],
            magic::groups(&self.hosts.inventory),
            run.public_includes.clone(),
        ));
        self.plays[index].scope = Some(scope.clone());
        scope
    }

    pub fn stat(&mut self, host: HostId, change: impl FnOnce(&mut HostStats)) {
        let name = self.hosts.name(host);
        change(self.stats.entry(name).or_default());
    }

    fn summary(&mut self) -> RunSummary {
        let stats: Vec<(Arc<str>, HostStats)> = self.stats.iter().map(|(name, stats)| (name.clone(), *stats)).collect();
        let custom = self.custom_stats.iter().map(|(host, data)| (Arc::from(host.to_string()), data.clone())).collect();
        self.emit(Event::End { stats: stats.clone(), custom });
        RunSummary {
            stats,
            interrupted: self.cancel.is_cancelled(),
            aborted: self.aborted,
            failed: self.failed.len(),
            unreachable: self.unreachable.len(),
        }
    }

    /// Takes a worker's outcome in.
    fn finish_task(&mut self, finished: Finished) {
        self.running -= 1;
        let Finished { play, strand, host, task, outcome } = finished;
        let Some(index) = self.plays.iter().position(|run| run.play.id.0 as usize == play) else { return };
        self.release_locks(play, strand, host);
        self.report(&task, host, &outcome);
        self.settle_outcome(index, strand, host, &task, outcome);
    }

    /// Tells the report, with what must not be shown taken out.
    fn report(&self, task: &Arc<Task>, host: HostId, outcome: &TaskOutcome) {
        let mut shown = if outcome.no_log { censored(&outcome.result) } else { outcome.result.clone() };
        if outcome.no_log && outcome.looped {
            let count = outcome.result.get("results").and_then(Value::as_list).map_or(0, <[Value]>::len);
            shown.insert("results".into(), Value::list(vec![Value::map(censored(&Map::new())); count]));
        }
        if shown.get("failed") == Some(&Value::Bool(false)) {
            shown.shift_remove("failed");
        }
        if let crate::playbook::Action::Module { name, .. } = &task.action {
            // How Ansible's own results tell a display that they are shown whole, or only when asked.
            match name.as_ref() {
                "ansible.builtin.debug" | "ansible.builtin.assert" => {
                    shown.insert("_ansible_verbose_always".into(), Value::Bool(true));
                }
                "ansible.builtin.setup" => {
                    shown.insert("_ansible_verbose_override".into(), Value::Bool(true));
                }
                _ => {}
            }
        }
        self.emit(Event::Done {
            task: task.id,
            host: self.hosts.name(host),
            status: outcome.status,
            result: Arc::new(shown),
            ignored: outcome.ignored,
            delegated: outcome.delegated.clone(),
            took: outcome.took,
            looped: outcome.looped,
            place: self.place_of(task),
        });
    }

    pub fn place_of(&self, task: &Task) -> String {
        match task.span {
            Some(span) => self.project.files.map.describe(span),
            None => task.file.display().to_string(),
        }
    }

    /// A task's name as far as it can be rendered for a host.
    pub fn task_name(&mut self, index: usize, task: &Task) -> String {
        let scope = self.play_scope(index);
        let scope = play_scope(&scope, &self.settings);
        let render = |value: &Value| {
            self.project.engine.resolve(value, &scope).map_or_else(|_| value.to_string(), |value| value.to_string())
        };
        match (&task.name, &task.role) {
            (Some(name), Some(role)) => format!("{} : {}", role.name, render(name)),
            (Some(name), None) => render(name),
            (None, _) => task.display_name(),
        }
    }

    /// Whether gathering is wanted for a host at the beginning of a play.
    pub fn wants_gathering(&mut self, index: usize, host: HostId) -> bool {
        let play = self.plays[index].play.clone();
        let scope = self.play_scope(index);
        let scope = play_scope(&scope, &self.settings);
        let flag = match play.attributes.get(Keyword::GatherFacts) {
            Some(value) => self.project.engine.resolve(value, &scope).ok().as_ref().and_then(parse_bool),
            None => None,
        };
        let gathered = self.hosts.snapshot().vars(host).facts.contains_key("ansible_distribution")
            || self.hosts.snapshot().vars(host).facts.contains_key("gather_subset");
        match self.settings.config.get(Setting::Gathering).unwrap_or("implicit") {
            "explicit" => flag.unwrap_or(false),
            "smart" => flag.unwrap_or(true) && !gathered,
            _ => flag.unwrap_or(true),
        }
    }

    /// Records who failed, for `ansible_failed_task` and `ansible_failed_result`.
    pub fn remember_failure(&mut self, host: HostId, task: &Task, result: &Map) {
        let described = Value::from([
            ("name", Value::str(task.name.as_ref().map(Value::to_string).unwrap_or_default())),
            (
                "action",
                Value::str(match &task.action {
                    crate::playbook::Action::Module { written, .. } => written.to_string(),
                    _ => task.display_name(),
                }),
            ),
        ]);
        let result = Value::map(result.clone());
        self.hosts.change(host, |vars| {
            vars.register("ansible_failed_task", described);
            vars.register("ansible_failed_result", result);
        });
    }

    /// Counts an outcome as Ansible's recap does.
    pub fn count(&mut self, host: HostId, outcome: &TaskOutcome) {
        let changed = outcome.result.get("changed").and_then(parse_bool).unwrap_or(false);
        let (status, ignored) = (outcome.status, outcome.ignored);
        self.stat(host, |stats| match status {
            Status::Ok | Status::Changed => {
                stats.ok += 1;
                stats.changed += u32::from(changed);
            }
            Status::Skipped => stats.skipped += 1,
            Status::Failed if ignored => {
                stats.ok += 1;
                stats.ignored += 1;
                stats.changed += u32::from(changed);
            }
            Status::Unreachable if ignored => {
                stats.ok += 1;
                stats.ignored += 1;
            }
            Status::Unreachable => stats.unreachable += 1,
            // Counted as rescued or failed by whoever knows which.
            Status::Failed => {}
        });
    }

    pub fn set_stats(&mut self, host: HostId, data: &Map, per_host: bool, aggregate: bool) {
        let place = if per_host { self.hosts.name(host) } else { Arc::from("_run") };
        let entry = self.custom_stats.entry(Key::Str(place)).or_insert_with(|| Value::map(Map::new()));
        let Value::Map(known) = entry else { return };
        let known = Arc::make_mut(known);
        for (key, value) in data {
            let value = match (known.get(key), value) {
                (Some(Value::Int(old)), Value::Int(new)) if aggregate => Value::Int(old + new),
                (Some(Value::List(old)), Value::List(new)) if aggregate => {
                    Value::list(old.iter().chain(new.iter()).cloned().collect())
                }
                (Some(Value::Map(old)), Value::Map(new)) if aggregate => {
                    let mut merged = old.as_ref().clone();
                    merged.extend(new.as_ref().clone());
                    Value::map(merged)
                }
                (Some(Value::Str(old)), Value::Str(new)) if aggregate => Value::str(format!("{old}{new}")),
                _ => value.clone(),
            };
            known.insert(key.clone(), value);
        }
    }
}

fn join_pattern(pattern: &Value) -> String {
    match pattern {
        Value::List(items) => items.iter().map(Value::to_string).collect::<Vec<_>>().join(","),
        one => one.to_string(),
    }
}
