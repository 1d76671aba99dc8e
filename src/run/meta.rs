//! `meta`: what tasks tell the engine.

use super::dispatcher::Dispatcher;
use super::event::Event;
use super::execute::Execution;
use super::job::Job;
use super::outcome::TaskOutcome;
use super::results;
use super::{event::Status, include};
use crate::inventory::HostId;
use crate::plan::{Planner, StaticVars};
use crate::playbook::{Block, BlockKind, Item, Keyword, Meta, NodeId, Task};
use crate::source::Diagnostics;
use std::sync::Arc;
use std::time::Duration;

impl Dispatcher {
    /// Carries a meta action out for one host. It always goes on, so this is progress.
    pub fn begin_meta(
        &mut self,
        play: usize,
        strand: usize,
        host: HostId,
        task: &Arc<Task>,
        meta: Meta,
        _key: &[u32],
    ) -> bool {
        if !self.meta_applies(play, host, task) {
            self.pass_task(play, strand, host, task);
            return true;
        }
        match meta {
            Meta::Noop => self.pass_task(play, strand, host, task),
            Meta::FlushHandlers => {
                self.done.insert((task.id, host));
                let handlers = self.plays[play].handlers.items.clone();
                if let Some(cursor) = self.plays[play].strands[strand].cursors.get_mut(&host) {
                    match cursor.in_handlers() {
                        true => cursor.advance(),
                        false => cursor.flush(handlers),
                    }
                }
            }
            Meta::RefreshInventory => {
                self.emit(Event::Warning(
                    "meta: refresh_inventory is not supported yet; the inventory stays as it is".into(),
                ));
                self.pass_task(play, strand, host, task);
            }
            Meta::ClearFacts => {
                if let Err(error) = self.hosts.clear_facts(host) {
                    self.emit(Event::Warning(error.to_string()));
                }
                self.pass_task(play, strand, host, task);
            }
            Meta::ClearHostErrors => {
                self.failed.clear();
                self.unreachable.clear();
                self.failing.clear();
                for run in &mut self.plays {
                    run.scope = None;
                    let strands = run.strands.iter_mut();
                    strands.flat_map(|strand| strand.cursors.values_mut()).for_each(super::cursor::Cursor::forgive);
                }
                self.pass_task(play, strand, host, task);
            }
            Meta::EndHost => self.end_host(play, host),
            Meta::EndBatch => {
                for host in self.plays[play].batch.clone() {
                    self.end_host(play, host);
                }
            }
            Meta::EndPlay => {
                self.plays[play].ended = true;
                for host in self.plays[play].batch.clone() {
                    self.end_host(play, host);
                }
            }
            Meta::EndRole => {
                self.done.insert((task.id, host));
                let mut passed = Vec::new();
                if let Some(cursor) = self.plays[play].strands[strand].cursors.get_mut(&host) {
                    cursor.end_role(&mut passed);
                }
                for super::cursor::Passed::Block(block) in passed {
                    self.done.insert((block.id, host));
                }
            }
            Meta::ResetConnection => {
                self.reset_connection(play, host, task);
                self.pass_task(play, strand, host, task);
            }
        }
        true
    }

    fn end_host(&mut self, play: usize, host: HostId) {
        for strand in &mut self.plays[play].strands {
            strand.busy.remove(&host);
            if let Some(cursor) = strand.cursors.get_mut(&host) {
                cursor.end();
            }
        }
    }

    /// A task on a host, ready for a worker.
    pub fn job(&mut self, play: usize, host: HostId, task: &Arc<Task>) -> Job {
        Job {
            task: task.clone(),
            host,
            host_name: self.hosts.name(host),
            snapshot: self.hosts.snapshot(),
            play: self.play_scope(play),
            project: self.project.clone(),
            settings: self.settings.clone(),
            connections: self.connections.clone(),
            events: self.events.clone(),
            cancel: self.cancel.clone(),
        }
    }

    fn reset_connection(&mut self, play: usize, host: HostId, task: &Arc<Task>) {
        let job = self.job(play, host, task);
        let place = job.scope(None).and_then(|scope| Execution::new(&job, scope, None).place(false));
        match place {
            Ok(place) => self.connections.reset(&place.target),
            Err(failure) => self.emit(Event::Warning(format!("{}: {failure}", self.place_of(task)))),
        }
    }

    /// `when` of a meta task; an error in it counts as false, with a warning.
    fn meta_applies(&mut self, play: usize, host: HostId, task: &Arc<Task>) -> bool {
        let conditions = task.attributes.items(Keyword::When);
        if conditions.is_empty() {
            return true;
        }
        let job = self.job(play, host, task);
        let Ok(scope) = job.scope(None) else { return false };
        conditions.iter().all(|condition| match self.project.engine.condition(condition, &scope) {
            Ok(truth) => truth,
            Err(error) => {
                self.emit(Event::Warning(format!("{}: {}", self.place_of(task), error.message)));
                false
            }
        })
    }

    /// Loads what an outcome includes; equal includes of several hosts are loaded once.
    pub fn load_includes(
        &mut self,
        play: usize,
        task: &Arc<Task>,
        outcome: &TaskOutcome,
        hosts: &[HostId],
    ) -> Result<Arc<[Item]>, include::IncludeError> {
        let scope = self.play_scope(play);
        let mut places: Vec<Item> = Vec::new();
        for request in &outcome.includes {
            let known =
                self.includes.get(&task.id).and_then(|list| list.iter().position(|(other, _)| other == request));
            let place = match known {
                Some(place) => place,
                None => {
                    let included = include::load(&self.project, &scope, task, request)?;
                    let items = self.plan_include(play, task, included)?;
                    let list = self.includes.entry(task.id).or_default();
                    list.push((request.clone(), items));
                    list.len() - 1
                }
            };
            let Some((_, items)) = self.includes.get(&task.id).and_then(|list| list.get(place)) else { continue };
            // Every host has the same include at the same place, so that they keep step.
            if places.len() <= place {
                places.resize_with(place + 1, || Item::Gap);
            }
            let block = Item::Block(items.clone());
            match places[place] {
                Item::Gap => places[place] = block,
                // The same include again in one loop.
                _ => places.push(block),
            }
        }
        let names = hosts.iter().map(|host| self.hosts.name(*host)).collect();
        for request in &outcome.includes {
            let name = match &request.include {
                super::outcome::Include::Tasks { path } => path.display().to_string(),
                super::outcome::Include::Role { name, .. } => name.clone(),
            };
            self.emit(Event::Included { name, hosts: Vec::clone(&names) });
        }
        Ok(places.into())
    }

    /// Adds an include's nodes to the graph, and its handlers and public variables to the play.
    fn plan_include(
        &mut self,
        play: usize,
        task: &Arc<Task>,
        included: include::Included,
    ) -> Result<Arc<Block>, include::IncludeError> {
        let scope = self.play_scope(play);
        let static_scope = super::handlers::play_scope(&scope, &self.settings);
        let engine = self.project.engine.clone();
        let mut chooser = super::play::Chooser {
            engine: &engine,
            scope: &static_scope,
            tags: &self.settings.tags,
            start_at: &mut self.start_at,
            removed: &mut self.removed,
        };
        let items = chooser.choose(&included.items);
        let mut diagnostics = Diagnostics::default();
        let variables = StaticVars::default();
        let plan = std::mem::take(&mut self.plan);
        self.plan = Planner::new(&engine, &variables).extend(plan, task.id, &items, &mut diagnostics);
        if diagnostics.has_errors() {
            let text: Vec<String> = diagnostics.0.iter().map(|one| one.render(&self.project.files.map)).collect();
            return Err(include::IncludeError { text: text.join(""), missing: false });
        }
        let run = &mut self.plays[play];
        run.handlers.add(&included.handlers);
        if !included.public_roles.is_empty() {
            run.public_includes.extend(included.public_roles);
            run.scope = None;
        }
        Ok(Arc::new(Block {
            id: NodeId::fresh(),
            kind: BlockKind::File,
            name: None,
            label: None,
            span: task.span,
            attributes: task.attributes.clone(),
            body: items,
            rescue: Arc::default(),
            always: Arc::default(),
            needs: None,
            vars: Arc::default(),
        }))
    }

    /// An include that cannot be loaded is the task's failure.
    pub fn include_failure(&mut self, task: &Arc<Task>, host: HostId, message: &str) -> TaskOutcome {
        let result = results::of_failure(crate::module::Failure::new(message));
        self.emit(Event::Done {
            task: task.id,
            host: self.hosts.name(host),
            status: Status::Failed,
            result: Arc::new(result.clone()),
            ignored: false,
            delegated: None,
            took: Duration::ZERO,
            looped: false,
            place: self.place_of(task),
        });
        TaskOutcome {
            status: Status::Failed,
            result,
            no_log: false,
            ignored: false,
            effects: Vec::new(),
            notify: Vec::new(),
            includes: Vec::new(),
            delegated: None,
            took: Duration::ZERO,
            looped: false,
        }
    }
}
