//! Keeps the lines of tasks that run side by side apart: each is shown under its task's banner, and
//! hosts with equal results share a line when there are many.

use super::Options;
use super::fold::fold;
use super::result::Line;
use crate::playbook::NodeId;
use indexmap::IndexMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// With more hosts than this, equal results are gathered.
const MANY_HOSTS: usize = 5;
/// Gathered results are shown after this time at the latest.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A task that runs, or that has something to show.
#[derive(Default)]
struct Running {
    /// Hosts that it runs on now.
    hosts: usize,
    /// Results that are not shown yet, with their hosts.
    held: IndexMap<Line, Vec<Arc<str>>>,
    /// Whole lines that are not shown yet.
    texts: Vec<String>,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Running {
    fn has_something(&self) -> bool {
        !self.held.is_empty() || !self.texts.is_empty()
    }
}

/// The tasks that run, in the order of beginning.
pub(super) struct Strands {
    options: Options,
    banners: HashMap<NodeId, String>,
    tasks: IndexMap<NodeId, Running>,
    /// The task whose banner was shown last.
    shown: Option<NodeId>,
    gather: bool,
}

impl Strands {
    pub fn new(options: Options) -> Strands {
        Strands { options, banners: HashMap::new(), tasks: IndexMap::new(), shown: None, gather: false }
    }

    /// A play with so many hosts begins.
    pub fn play(&mut self, hosts: usize) {
        self.gather = hosts > MANY_HOSTS;
        self.shown = None;
    }

    /// A task begins. Its banner is shown at once when nothing else is going on.
    pub fn begin(&mut self, task: NodeId, banner: String, out: &mut String) {
        self.settle(None, out);
        self.banners.insert(task, banner);
        if self.shown == Some(task) {
            self.shown = None;
        }
        let busy = self.shown.and_then(|shown| self.tasks.get(&shown)).is_some_and(|running| running.hosts > 0);
        if !busy && self.options.display_ok && self.options.display_skipped {
            self.show_banner(task, out);
        }
    }

    /// A task begins on a host.
    pub fn host_begins(&mut self, task: NodeId, out: &mut String) {
        self.settle(Some(task), out);
        self.tasks.entry(task).or_default().hosts += 1;
    }

    /// A task ended on a host.
    pub fn host_ends(&mut self, task: NodeId) {
        if let Some(running) = self.tasks.get_mut(&task) {
            running.hosts = running.hosts.saturating_sub(1);
        }
    }

    /// A result is to be shown.
    pub fn line(&mut self, task: NodeId, host: &Arc<str>, line: Line, out: &mut String) {
        self.settle(Some(task), out);
        if self.may_write(task) && (line.urgent || !self.gather) {
            self.show_banner(task, out);
            *out += &line.text(host, self.options.paint);
        } else {
            let running = self.tasks.entry(task).or_default();
            running.since.get_or_insert_with(Instant::now);
            if self.gather && !line.urgent {
                running.held.entry(line).or_default().push(host.clone());
            } else {
                running.texts.push(line.text(host, self.options.paint));
            }
        }
    }

    /// A whole line is to be shown under a task's banner.
    pub fn text(&mut self, task: NodeId, text: String, out: &mut String) {
        self.settle(Some(task), out);
        if self.may_write(task) {
            self.show_banner(task, out);
            *out += &text;
        } else {
            let running = self.tasks.entry(task).or_default();
            running.since.get_or_insert_with(Instant::now);
            running.texts.push(text);
        }
    }

    /// Whether lines of this task need not wait: its banner is the last one, or that one's task rests.
    fn may_write(&self, task: NodeId) -> bool {
        let Some(shown) = self.shown.filter(|shown| *shown != task) else { return true };
        self.tasks.get(&shown).is_none_or(|running| running.hosts == 0 && !running.has_something())
    }

    fn show_banner(&mut self, task: NodeId, out: &mut String) {
        if self.shown == Some(task) {
            return;
        }
        if let Some(banner) = self.banners.get(&task) {
            *out += banner;
            self.shown = Some(task);
        }
    }

    /// Shows what tasks other than `except` held back and that now rest; then, when the task that
    /// was shown rests, what the eldest of the others held back.
    pub fn settle(&mut self, except: Option<NodeId>, out: &mut String) {
        let others = self.tasks.iter().filter(|(id, _)| Some(**id) != except);
        let rested = others.filter(|(_, running)| running.hosts == 0 && running.has_something());
        let mut rested: Vec<NodeId> = rested.map(|(id, _)| *id).collect();
        // The task that was shown last goes on where it was.
        rested.sort_by_key(|id| Some(*id) != self.shown);
        rested.into_iter().for_each(|id| self.release(id, out));
        let shown_rests = self.shown.and_then(|id| self.tasks.get(&id)).is_none_or(|running| running.hosts == 0);
        if shown_rests && self.shown != except && !self.gather {
            let waiting = self.tasks.iter().find(|(_, running)| running.has_something()).map(|(id, _)| *id);
            waiting.into_iter().for_each(|id| self.release(id, out));
        }
        self.tasks.retain(|id, running| Some(*id) == except || running.hosts > 0 || running.has_something());
    }

    /// Shows what has been held back for long.
    pub fn pause(&mut self, out: &mut String) {
        self.settle(None, out);
        let overdue = |running: &Running| running.since.is_some_and(|since| since.elapsed() > LONGEST_WAIT);
        let overdue: Vec<NodeId> =
            self.tasks.iter().filter(|(_, running)| overdue(running)).map(|(id, _)| *id).collect();
        overdue.into_iter().for_each(|id| self.release(id, out));
    }

    /// Shows everything.
    pub fn finish(&mut self, out: &mut String) {
        let all: Vec<NodeId> = self.tasks.keys().copied().collect();
        all.into_iter().for_each(|id| self.release(id, out));
        self.shown = None;
    }

    fn release(&mut self, task: NodeId, out: &mut String) {
        if !self.tasks.get(&task).is_some_and(Running::has_something) {
            return;
        }
        self.show_banner(task, out);
        let Some(running) = self.tasks.get_mut(&task) else { return };
        running.since = None;
        for (line, hosts) in running.held.drain(..) {
            *out += &line.text(&fold(&hosts), self.options.paint);
        }
        running.texts.drain(..).for_each(|text| *out += &text);
    }
}
