//! Moves hosts forward: what can begin now begins, and outcomes decide where each host goes next.

use super::cursor::{Cursor, Gate, Leaf, Passed};
use super::dispatcher::{Dispatcher, Finished, RunError};
use super::event::{Event, Status};
use super::keywords::Keywords;
use super::outcome::TaskOutcome;
use super::play::{PlayRun, Strategy, once_key};
use super::strand::{Busy, Step, Strand};
use crate::inventory::HostId;
use crate::module::Effect;
use crate::plan::Wait;
use crate::playbook::{Action, Block, Fork, Keyword, NeedHosts, NodeId, Task};
use crate::value::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// What a cursor asks about one host.
struct HostGate<'a> {
    run: &'a PlayRun,
    host: HostId,
}

impl Gate for HostGate<'_> {
    fn notified(&self, handler: &Task) -> bool {
        self.run.notified.get(&self.host).is_some_and(|ids| ids.contains(&handler.id))
    }

    fn role_done(&self, block: &Block) -> bool {
        once_key(block).is_some_and(|key| self.run.roles_done.contains(&(key, self.host)))
    }
}

/// Modules that run once for all hosts, as Ansible's actions that bypass the host loop.
const ONCE_FOR_ALL: &[&str] = &["ansible.builtin.add_host", "ansible.builtin.pause"];

/// Modules that hold a package manager's lock.
const PACKAGE_MODULES: &[&str] =
    &["ansible.builtin.apt", "ansible.builtin.dnf", "ansible.builtin.package", "ansible.builtin.apt_repository"];

impl Dispatcher {
    /// Moves every strand of every play as far as it goes.
    pub fn pump_all(&mut self) {
        loop {
            let mut progress = false;
            for index in 0..self.plays.len() {
                let mut strand = 0;
                while strand < self.plays[index].strands.len() {
                    progress |= self.pump(index, strand);
                    strand += 1;
                }
            }
            if !progress {
                return;
            }
        }
    }

    fn strand(&mut self, play: usize, strand: usize) -> &mut Strand {
        &mut self.plays[play].strands[strand]
    }

    /// Moves one strand; true when anything happened.
    fn pump(&mut self, play: usize, strand: usize) -> bool {
        let mut progress = self.settle(play, strand);
        if self.cancel.is_cancelled() || self.plays[play].ended {
            progress |= self.end_idle(play, strand);
            return progress;
        }
        let Some(front) = self.strand(play, strand).front() else { return progress };
        if self.plays[play].strands[strand].lockstep {
            if self.plays[play].strands[strand].step.as_ref().is_some_and(|step| step.key != front) {
                progress = true;
                if self.end_step(play, strand) {
                    return true;
                }
            }
            return progress | self.begin_at(play, strand, &front);
        }
        for host in self.plays[play].strands[strand].live() {
            if self.pinned_out(play, strand, host) {
                continue;
            }
            let key = self.plays[play].strands[strand].cursors.get(&host).map(|cursor| cursor.key().to_vec());
            if let Some(key) = key {
                progress |= self.begin(play, strand, host, &key);
            }
        }
        progress
    }

    /// host_pinned: no more than `forks` hosts between their first and last task.
    fn pinned_out(&self, play: usize, strand: usize, host: HostId) -> bool {
        let run = &self.plays[play];
        let strand = &run.strands[strand];
        run.strategy == Strategy::HostPinned
            && strand.live().iter().position(|live| *live == host).is_some_and(|place| place >= self.settings.forks)
    }

    /// Finds the next leaf of hosts that have none, and tells whoever waits what is done on the way.
    fn settle(&mut self, play: usize, strand: usize) -> bool {
        let mut progress = false;
        let hosts: Vec<HostId> = self.plays[play].strands[strand].cursors.keys().copied().collect();
        for host in hosts {
            let run = &self.plays[play];
            let Some(mut cursor) = run.strands[strand].cursors.get(&host).cloned() else { continue };
            if cursor.leaf().is_none() && !cursor.is_done() {
                let mut passed = Vec::new();
                cursor.settle(&HostGate { run, host }, &mut passed);
                self.pass(play, host, passed);
                self.strand(play, strand).cursors.insert(host, cursor.clone());
                progress = true;
            }
            if cursor.is_done() && self.strand(play, strand).told.insert(host) {
                progress = true;
                self.host_at_end(play, strand, host, &cursor);
            }
        }
        progress
    }

    /// Blocks that a host has left behind.
    fn pass(&mut self, play: usize, host: HostId, passed: Vec<Passed>) {
        for Passed::Block(block) in passed {
            self.done.insert((block.id, host));
            if let Some(key) = once_key(&block) {
                let run = &mut self.plays[play];
                if run.roles_begun.contains(&(key.clone(), host)) {
                    run.roles_done.insert((key, host));
                }
            }
        }
    }

    /// A host reached the end of a strand: the parent goes on, or the host has failed.
    fn host_at_end(&mut self, play: usize, strand: usize, host: HostId, cursor: &Cursor) {
        match self.plays[play].strands[strand].parent {
            None if cursor.failed => self.lose(play, host),
            None => {}
            Some((parent, fork)) => self.leave_fork(play, parent, fork, host, cursor.failed),
        }
    }

    /// A host has failed for good: it stops in all strands of the play.
    fn lose(&mut self, play: usize, host: HostId) {
        self.failing.remove(&host);
        self.failed.insert(host);
        self.stop_host(play, host);
    }

    fn stop_host(&mut self, play: usize, host: HostId) {
        let run = &mut self.plays[play];
        run.scope = None;
        for strand in &mut run.strands {
            let busy = strand.busy.get(&host).copied();
            if busy.is_some_and(|busy| matches!(busy, Busy::Task(_))) {
                continue;
            }
            strand.busy.remove(&host);
            if let Some(cursor) = strand.cursors.get_mut(&host) {
                cursor.end();
            }
            strand.told.insert(host);
        }
    }

    /// When all strands of a fork are at their end for a host, its parent strand goes on.
    fn leave_fork(&mut self, play: usize, parent: usize, fork: NodeId, host: HostId, failed: bool) {
        let run = &mut self.plays[play];
        let children = run.forks.get(&fork).cloned().unwrap_or_default();
        if failed {
            // The other strands stop where they are.
            for child in &children {
                let strand = &mut run.strands[*child];
                if !matches!(strand.busy.get(&host), Some(Busy::Task(_))) {
                    strand.busy.remove(&host);
                    if let Some(cursor) = strand.cursors.get_mut(&host) {
                        cursor.end();
                        cursor.failed = true;
                    }
                    strand.told.insert(host);
                }
            }
        }
        let at_end = children.iter().all(|child| {
            let strand = &run.strands[*child];
            !strand.busy.contains_key(&host) && strand.cursors.get(&host).is_none_or(Cursor::is_done)
        });
        let any_failed =
            children.iter().any(|child| run.strands[*child].cursors.get(&host).is_some_and(|cursor| cursor.failed));
        let strand = &mut run.strands[parent];
        if !at_end || strand.busy.get(&host) != Some(&Busy::Fork(fork)) {
            return;
        }
        strand.busy.remove(&host);
        if let Some(cursor) = strand.cursors.get_mut(&host) {
            match any_failed {
                true => {
                    cursor.fail();
                }
                false => cursor.advance(),
            }
        }
        self.done.insert((fork, host));
    }

    /// Ends hosts that no worker is busy with.
    fn end_idle(&mut self, play: usize, strand: usize) -> bool {
        let strand = self.strand(play, strand);
        let mut progress = false;
        for (host, cursor) in &mut strand.cursors {
            if !matches!(strand.busy.get(host), Some(Busy::Task(_))) && !cursor.is_done() {
                strand.busy.remove(host);
                cursor.end();
                progress = true;
            }
        }
        progress
    }

    /// Begins a task on all hosts that stand at it.
    fn begin_at(&mut self, play: usize, strand: usize, key: &[u32]) -> bool {
        let hosts = self.plays[play].strands[strand].at(key);
        let mut progress = false;
        for host in hosts {
            progress |= self.begin(play, strand, host, key);
        }
        progress
    }

    fn begin(&mut self, play: usize, strand: usize, host: HostId, key: &[u32]) -> bool {
        let state = &self.plays[play].strands[strand];
        if state.busy.contains_key(&host) {
            return false;
        }
        match state.cursors.get(&host).and_then(Cursor::leaf).cloned() {
            None => false,
            Some(Leaf::Fork(fork)) => self.begin_fork(play, strand, host, &fork),
            Some(Leaf::Task(task)) => {
                if !self.may_begin(play, strand, host, &task) {
                    return false;
                }
                match &task.action {
                    Action::Meta(meta) => self.begin_meta(play, strand, host, &task, *meta, key),
                    _ if task.implicit && is_gathering(&task) && !self.wants_gathering(play, host) => {
                        self.pass_task(play, strand, host, &task);
                        true
                    }
                    _ => self.begin_task(play, strand, host, &task, key),
                }
            }
        }
    }

    fn begin_fork(&mut self, play: usize, strand: usize, host: HostId, fork: &Arc<Fork>) -> bool {
        let lockstep = self.plays[play].strategy == Strategy::Linear;
        let run = &mut self.plays[play];
        if !run.forks.contains_key(&fork.id) {
            let first = run.strands.len();
            for planned in &fork.strands {
                run.strands.push(Strand::new(planned.items.clone(), Some((strand, fork.id)), lockstep));
            }
            run.forks.insert(fork.id, (first..run.strands.len()).collect());
        }
        for child in run.forks.get(&fork.id).cloned().unwrap_or_default() {
            run.strands[child].join(host);
        }
        run.strands[strand].busy.insert(host, Busy::Fork(fork.id));
        true
    }

    /// Whether everything that a task (or a block that begins with it) waits for is done.
    fn may_begin(&mut self, play: usize, strand: usize, host: HostId, task: &Task) -> bool {
        if !self.waits_are_over(task.id, host) {
            return false;
        }
        // A strand begins when what its first node needs is done.
        let run = &self.plays[play];
        if run.strands[strand].parent.is_none() {
            return true;
        }
        let first = run.strands[strand].items.iter().find_map(|item| item.id());
        first.is_none_or(|first| self.waits_are_over(first, host)) && self.blocks_may_begin(task.id, host)
    }

    /// The blocks around a task wait too; once begun they have been waited for already.
    fn blocks_may_begin(&self, task: NodeId, host: HostId) -> bool {
        let mut at = self.plan.node(task).and_then(|node| node.parent);
        while let Some(id) = at {
            if !self.waits_are_over(id, host) {
                return false;
            }
            at = self.plan.node(id).and_then(|node| node.parent);
        }
        true
    }

    fn waits_are_over(&self, node: NodeId, host: HostId) -> bool {
        self.plan.waits_of(node).iter().all(|wait| self.wait_is_over(*wait, Some(host)))
    }

    pub fn wait_is_over(&self, wait: Wait, host: Option<HostId>) -> bool {
        if self.removed.contains(&wait.node) || self.finished_plays.contains(&wait.node) {
            return true;
        }
        let play = self.play_of(wait.node);
        if self.finished_plays.contains(&play) {
            return true;
        }
        let Some(run) = self.plays.iter().find(|run| run.play.id == play) else { return false };
        match (wait.hosts, host) {
            _ if wait.node == play => false,
            (NeedHosts::Same, Some(host)) if run.batch.contains(&host) => self.done.contains(&(wait.node, host)),
            _ => run.batch.iter().all(|host| !self.is_alive(*host) || self.done.contains(&(wait.node, *host))),
        }
    }

    fn play_of(&self, node: NodeId) -> NodeId {
        let mut at = node;
        while let Some(parent) = self.plan.node(at).and_then(|node| node.parent) {
            at = parent;
        }
        at
    }

    /// Whether a task runs on one host for all.
    fn runs_once(&mut self, play: usize, task: &Task) -> bool {
        let bypasses = match &task.action {
            Action::Module { name, .. } => ONCE_FOR_ALL.contains(&name.as_ref()),
            _ => false,
        };
        bypasses || self.static_flag(play, task, Keyword::RunOnce)
    }

    /// A flag that is the same for all hosts.
    pub fn static_flag(&mut self, play: usize, task: &Task, keyword: Keyword) -> bool {
        match task.attributes.get(keyword) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                let scope = self.play_scope(play);
                let scope = super::handlers::play_scope(&scope, &self.settings);
                let keywords = Keywords { attributes: &task.attributes, engine: &self.project.engine, scope: &scope };
                keywords.flag(keyword).ok().flatten().unwrap_or(false)
            }
        }
    }

    fn begin_task(&mut self, play: usize, strand: usize, host: HostId, task: &Arc<Task>, key: &[u32]) -> bool {
        let once = self.runs_once(play, task);
        if once && self.plays[play].strands[strand].lockstep {
            return self.begin_once(play, strand, task, key);
        }
        if once && self.done.contains(&(task.id, host)) {
            self.pass_task(play, strand, host, task);
            return true;
        }
        self.send_job(play, strand, host, task, key)
    }

    /// The first host runs it when all hosts of the strand have come; the others wait.
    fn begin_once(&mut self, play: usize, strand: usize, task: &Arc<Task>, key: &[u32]) -> bool {
        let run = &self.plays[play];
        let state = &run.strands[strand];
        let here = state.at(key);
        let expected = run.batch.iter().filter(|host| self.is_alive(**host)).count();
        // Nobody stands before the front; whoever is not here is ahead, in a rescue, or has not joined yet.
        let all_come = state.parent.is_none() || state.cursors.len() >= expected;
        let begun = state.step.as_ref().is_some_and(|step| step.key == key && step.once_begun);
        let ready = here.iter().all(|host| !state.busy.contains_key(host));
        let first = here.first().copied();
        if begun || !all_come || !ready {
            return false;
        }
        let all_may = here.iter().all(|host| self.waits_are_over(task.id, *host));
        let Some(first) = first.filter(|_| all_may) else { return false };
        let sent = self.send_job(play, strand, first, task, key);
        if sent {
            if let Some(step) = self.strand(play, strand).step.as_mut() {
                step.once_begun = true;
            }
        }
        sent
    }

    fn step<'a>(strand: &'a mut Strand, key: &[u32], task: NodeId) -> &'a mut Step {
        let fresh = strand.step.as_ref().is_none_or(|step| step.key != key);
        if fresh {
            strand.step = None;
        }
        strand.step.get_or_insert_with(|| Step {
            key: key.to_vec(),
            task: Some(task),
            lost: Vec::new(),
            fatal: false,
            results: 0,
            once_begun: false,
        })
    }

    fn send_job(&mut self, play: usize, strand: usize, host: HostId, task: &Arc<Task>, key: &[u32]) -> bool {
        if !self.throttle_allows(play, task) || !self.take_locks(play, strand, host, task) {
            return false;
        }
        if !self.announce(play, strand, task) {
            self.release_locks(self.plays[play].play.id.0 as usize, strand, host);
            self.pass_task(play, strand, host, task);
            return true;
        }
        Self::step(self.strand(play, strand), key, task.id);
        self.strand(play, strand).busy.insert(host, Busy::Task(task.id));
        if task.handler {
            if let Some(notified) = self.plays[play].notified.get_mut(&host) {
                notified.remove(&task.id);
            }
        }
        self.emit(Event::HostStart { task: task.id, host: self.hosts.name(host) });
        let job = self.job(play, host, task);
        let (reply, play_id) = (self.to_me.clone(), self.plays[play].play.id.0 as usize);
        self.running += 1;
        self.pool.spawn_fifo(move || {
            let task = job.task.clone();
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.run()));
            let outcome = outcome.unwrap_or_else(|panic| super::results::of_panic(&panic));
            drop(job);
            let _ = reply.send(Finished { play: play_id, strand, host, task, outcome });
        });
        true
    }

    /// Shows a task's banner once per strand; false when `--step` says not to run it.
    fn announce(&mut self, play: usize, strand: usize, task: &Arc<Task>) -> bool {
        let known = self.plays[play].strands[strand].announced.contains(&task.id);
        let same_step = self.plays[play].strands[strand].step.as_ref().is_some_and(|step| step.task == Some(task.id));
        if known && (same_step || !self.plays[play].strands[strand].lockstep) {
            return true;
        }
        let name = self.task_name(play, task);
        if self.stepping {
            match self.project.interaction.confirm_task(&name) {
                Some(true) => {}
                Some(false) => return false,
                None => self.stepping = false,
            }
        }
        self.strand(play, strand).announced.insert(task.id);
        let action = match &task.action {
            Action::Module { name, .. } => name.clone(),
            Action::Templated { name, .. } => Arc::from(name.to_string()),
            Action::Meta(_) => Arc::from("meta"),
            Action::IncludeTasks(_) | Action::ImportTasks(_) => Arc::from("include_tasks"),
            Action::IncludeRole(_) | Action::ImportRole(_) => Arc::from("include_role"),
        };
        let place = self.place_of(task);
        self.emit(Event::TaskStart { task: task.id, name, place, handler: task.handler, action });
        true
    }

    fn throttle_allows(&mut self, play: usize, task: &Task) -> bool {
        if task.attributes.get(Keyword::Throttle).is_none() {
            return true;
        }
        let scope = self.play_scope(play);
        let scope = super::handlers::play_scope(&scope, &self.settings);
        let keywords = Keywords { attributes: &task.attributes, engine: &self.project.engine, scope: &scope };
        let limit = keywords.int(Keyword::Throttle).ok().flatten().unwrap_or(0);
        let strands = self.plays[play].strands.iter();
        let running =
            strands.flat_map(|strand| strand.busy.values()).filter(|busy| **busy == Busy::Task(task.id)).count();
        limit <= 0 || (running as i64) < limit
    }

    /// Takes the named and implicit locks of a task on its host, all or none, in order of their names.
    fn take_locks(&mut self, play: usize, strand: usize, host: HostId, task: &Task) -> bool {
        let mut names: Vec<String> = task.attributes.items(Keyword::Lock).iter().map(Value::to_string).collect();
        if let Action::Module { name, .. } = &task.action {
            if PACKAGE_MODULES.contains(&name.as_ref()) {
                names.push("(package manager)".into());
            }
        }
        if names.is_empty() {
            return true;
        }
        names.sort();
        names.dedup();
        if names.iter().any(|name| self.locks.contains_key(&(name.clone(), host))) {
            return false;
        }
        let holder = (self.plays[play].play.id.0 as usize, strand);
        for name in &names {
            self.locks.insert((name.clone(), host), holder);
        }
        self.held.insert((holder.0, holder.1, host), names);
        true
    }

    pub fn release_locks(&mut self, play: usize, strand: usize, host: HostId) {
        for name in self.held.remove(&(play, strand, host)).unwrap_or_default() {
            self.locks.remove(&(name, host));
        }
    }

    /// Goes on behind a task without counting it.
    pub fn pass_task(&mut self, play: usize, strand: usize, host: HostId, task: &Task) {
        self.done.insert((task.id, host));
        if let Some(cursor) = self.strand(play, strand).cursors.get_mut(&host) {
            cursor.advance();
        }
    }

    /// Takes an outcome in: variables, handlers, counts, and where the hosts go.
    pub fn settle_outcome(
        &mut self,
        play: usize,
        strand: usize,
        host: HostId,
        task: &Arc<Task>,
        mut outcome: TaskOutcome,
    ) {
        self.strand(play, strand).busy.remove(&host);
        let once = self.runs_once(play, task) && self.plays[play].strands[strand].lockstep;
        let hosts = match once {
            true => {
                let key = self.plays[play].strands[strand].cursors.get(&host).map(|cursor| cursor.key().to_vec());
                key.map(|key| self.plays[play].strands[strand].at(&key)).unwrap_or_default()
            }
            false => vec![host],
        };
        // What runs once is known to every host of the play, wherever it stands.
        let known_to = match once {
            true => self.plays[play].batch.iter().copied().filter(|host| self.is_alive(*host)).collect(),
            false => hosts.clone(),
        };
        self.apply_effects(play, &known_to, host, task, &mut outcome);
        self.register(&known_to, task, &outcome);
        self.notify(play, host, task, &outcome);
        self.count(host, &outcome);
        self.mark_role(play, host, task, &outcome);
        if let Some(step) = self.strand(play, strand).step.as_mut().filter(|step| step.task == Some(task.id)) {
            step.results += 1;
        }
        if outcome.unreachable() {
            return self.unreachable_host(play, strand, host, task, once, &hosts);
        }
        if outcome.failed() {
            return self.failed_hosts(play, strand, host, task, once, &hosts, &outcome);
        }
        let included = match outcome.includes.is_empty() {
            true => None,
            // A task that runs once includes for its own host only.
            false => match self.load_includes(play, task, &outcome, &[host]) {
                Ok(items) => Some(items),
                Err(error) if !error.missing => {
                    self.fatal.get_or_insert(RunError::Include(error.text));
                    return;
                }
                Err(error) => {
                    let outcome = self.include_failure(task, host, &error.text);
                    return self.failed_hosts(play, strand, host, task, once, &hosts, &outcome);
                }
            },
        };
        for other in hosts {
            self.done.insert((task.id, other));
            let stopped = !self.is_alive(other);
            if let Some(cursor) = self.strand(play, strand).cursors.get_mut(&other) {
                match &included {
                    _ if stopped => cursor.end(),
                    Some(items) if other == host => cursor.include(items.clone()),
                    _ => cursor.advance(),
                }
            }
        }
    }

    fn mark_role(&mut self, play: usize, host: HostId, task: &Task, outcome: &TaskOutcome) {
        if let Some(role) = task.role.as_ref().filter(|_| outcome.status != Status::Skipped) {
            self.plays[play].roles_begun.insert((role.key.clone(), host));
        }
    }

    /// Registers the result; a task that runs once registers for all.
    fn register(&mut self, hosts: &[HostId], task: &Task, outcome: &TaskOutcome) {
        let Some(name) = task.attributes.get(Keyword::Register).and_then(Value::as_str).map(str::to_owned) else {
            return;
        };
        let mut result = outcome.result.clone();
        super::results::add_lines(&mut result);
        let value = Value::map(result);
        for host in hosts {
            self.hosts.change(*host, |vars| vars.register(&name, value.clone()));
        }
    }

    fn apply_effects(&mut self, play: usize, hosts: &[HostId], own: HostId, task: &Task, outcome: &mut TaskOutcome) {
        for effect in std::mem::take(&mut outcome.effects) {
            let delegated = effect.delegated.as_deref().and_then(|name| self.hosts.inventory.find_host(name));
            let targets: Vec<HostId> = match delegated {
                Some(host) => vec![host],
                None => hosts.to_vec(),
            };
            match effect.effect {
                Effect::Facts(facts) => {
                    targets.iter().for_each(|host| self.hosts.change(*host, |vars| vars.add_facts(&facts)));
                    self.keep_facts(&targets);
                }
                Effect::SetFact { facts, cacheable } => {
                    for host in targets.iter().copied() {
                        self.hosts.change(host, |vars| {
                            if let Action::Module { args, .. } = &task.action {
                                vars.remember(args);
                            }
                            facts.iter().for_each(|(key, value)| vars.set(&key.to_string(), value.clone()));
                            if cacheable {
                                vars.add_facts(&facts);
                            }
                        });
                    }
                    if cacheable {
                        self.keep_facts(&targets);
                    }
                }
                Effect::IncludeVars(vars) => {
                    targets.iter().for_each(|host| self.hosts.change(*host, |state| state.include(&vars)));
                }
                Effect::Stats { data, per_host, aggregate } => self.set_stats(own, &data, per_host, aggregate),
                Effect::AddHost { name, groups, vars } => {
                    let inventory = Arc::make_mut(&mut self.hosts.inventory);
                    let added = inventory.add_host(&name, &groups, &vars);
                    self.inventory_changed(play, outcome, added.map(|(_, changed)| changed));
                }
                Effect::GroupBy { group, parents } => {
                    for host in targets {
                        let added = Arc::make_mut(&mut self.hosts.inventory).add_group(host, &group, &parents);
                        self.inventory_changed(play, outcome, added);
                    }
                }
            }
        }
    }

    /// Keeps facts for later runs; the run goes on without.
    fn keep_facts(&self, hosts: &[HostId]) {
        for host in hosts {
            if let Err(error) = self.hosts.keep_facts(*host) {
                self.emit(Event::Warning(error.to_string()));
            }
        }
    }

    fn inventory_changed(
        &mut self,
        _play: usize,
        outcome: &mut TaskOutcome,
        changed: Result<bool, crate::inventory::RuntimeError>,
    ) {
        match changed {
            Ok(changed) => {
                outcome.result.insert("changed".into(), Value::Bool(changed));
                if outcome.status == Status::Changed && !changed {
                    outcome.status = Status::Ok;
                }
            }
            Err(error) => {
                outcome.status = Status::Failed;
                outcome.result.insert("failed".into(), Value::Bool(true));
                outcome.result.insert("msg".into(), Value::str(error.to_string()));
            }
        }
        self.plays.iter_mut().for_each(|run| run.scope = None);
        self.hosts.refresh(&self.project);
    }

    /// Marks notified handlers. A name that means none ends the run, unless the configuration says
    /// that it is only worth a warning.
    fn notify(&mut self, play: usize, host: HostId, task: &Task, outcome: &TaskOutcome) {
        for name in &outcome.notify {
            let scope = self.play_scope(play);
            let found = self.plays[play].handlers.find(name, &self.project, &scope);
            if found.is_empty() {
                let text = format!(
                    "The requested handler '{name}' was not found in either the main handlers list nor in the listening \
                     handlers list ({})",
                    self.place_of(task)
                );
                match self.settings.config.flag(crate::project::Setting::MissingHandler) {
                    Some(false) => self.emit(Event::Warning(text)),
                    _ => drop(self.fatal.get_or_insert(RunError::Play(text))),
                }
            }
            self.plays[play].notified.entry(host).or_default().extend(found);
        }
    }

    fn unreachable_host(
        &mut self,
        play: usize,
        strand: usize,
        host: HostId,
        task: &Task,
        once: bool,
        hosts: &[HostId],
    ) {
        self.unreachable.insert(host);
        let fatal = self.is_fatal(play, task, once);
        if let Some(step) = self.strand(play, strand).step.as_mut() {
            step.lost.push(host);
            step.fatal |= fatal;
        }
        if let Some(cursor) = self.strand(play, strand).cursors.get_mut(&host) {
            cursor.end();
            cursor.failed = true;
        }
        self.stop_host(play, host);
        if once {
            for other in hosts.iter().filter(|other| **other != host) {
                if let Some(cursor) = self.strand(play, strand).cursors.get_mut(other) {
                    cursor.fail();
                }
            }
        }
    }

    fn is_fatal(&mut self, play: usize, task: &Task, once: bool) -> bool {
        let configured = self.settings.config.flag(crate::project::Setting::AnyErrorsFatal).unwrap_or(false);
        let said = match task.attributes.get(Keyword::AnyErrorsFatal) {
            Some(_) => self.static_flag(play, task, Keyword::AnyErrorsFatal),
            None => configured,
        };
        said || once
    }

    #[allow(clippy::too_many_arguments, reason = "one failure with all that it touches")]
    fn failed_hosts(
        &mut self,
        play: usize,
        strand: usize,
        host: HostId,
        task: &Task,
        once: bool,
        hosts: &[HostId],
        outcome: &TaskOutcome,
    ) {
        let fatal = self.is_fatal(play, task, once);
        let here = self.plays[play].strands[strand].cursors.get(&host).is_some_and(Cursor::has_rescue);
        let rescued = here || self.rescued_above(play, strand);
        self.stat(host, |stats| match rescued {
            true => stats.rescued += 1,
            false => stats.failures += 1,
        });
        if let Some(cursor) = self.strand(play, strand).cursors.get_mut(&host) {
            cursor.fail();
        }
        if !rescued {
            self.failing.insert(host);
            self.plays[play].scope = None;
            if let Some(step) = self.strand(play, strand).step.as_mut() {
                step.lost.push(host);
                step.fatal |= fatal;
            }
        }
        self.remember_failure(host, task, &outcome.result);
        for other in hosts.iter().filter(|other| **other != host).copied() {
            if let Some(cursor) = self.strand(play, strand).cursors.get_mut(&other) {
                cursor.fail();
            }
            self.remember_failure(other, task, &outcome.result);
        }
    }

    /// Whether a block around the fork that a strand belongs to has a rescue.
    fn rescued_above(&self, play: usize, strand: usize) -> bool {
        let mut at = self.plays[play].strands[strand].parent;
        while let Some((parent, _)) = at {
            let state = &self.plays[play].strands[parent];
            if state.cursors.values().any(Cursor::has_rescue) {
                return true;
            }
            at = state.parent;
        }
        false
    }

    /// All hosts have left a task: failures in it may end others. True when hosts were ended.
    fn end_step(&mut self, play: usize, strand: usize) -> bool {
        let Some(step) = self.strand(play, strand).step.take() else { return false };
        let mut ended = false;
        if step.fatal && !step.lost.is_empty() {
            for host in self.plays[play].strands[strand].live() {
                let state = self.strand(play, strand);
                if state.busy.contains_key(&host) || step.lost.contains(&host) {
                    continue;
                }
                let Some(cursor) = state.cursors.get_mut(&host) else { continue };
                let rescued = cursor.has_rescue();
                cursor.fail();
                ended = true;
                if !rescued {
                    self.failing.insert(host);
                    self.stat(host, |stats| stats.failures += 1);
                }
            }
            self.plays[play].scope = None;
        }
        let run = &self.plays[play];
        if let Some(percent) = run.max_fail_percentage.filter(|_| !step.lost.is_empty()) {
            let lost: HashSet<&HostId> = run.batch.iter().filter(|host| self.failed.contains(host)).collect();
            let share = lost.len() as f64 * 100.0 / run.batch.len().max(1) as f64;
            if share > percent {
                self.plays[play].broken = true;
                for host in self.plays[play].batch.clone() {
                    self.failed.insert(host);
                    self.stop_host(play, host);
                }
                ended = true;
            }
        }
        ended
    }
}

/// Whether a task is the engine's own gathering.
fn is_gathering(task: &Task) -> bool {
    matches!(&task.action, Action::Module { written, .. } if written.as_ref() == "gather_facts")
}
