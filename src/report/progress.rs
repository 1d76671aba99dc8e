//! Live progress on a terminal: what runs where, for how long, and its last line of output.

use super::clock::length;
use super::visible::visible_line;
use crate::playbook::NodeId;
use crate::run::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Lines of running tasks that are shown at once.
const MOST_LINES: usize = 8;
/// Nothing is drawn for runs that are over by then.
const PATIENCE: Duration = Duration::from_millis(300);

/// One task that runs on some hosts.
struct Running {
    task: NodeId,
    name: String,
    hosts: Vec<Arc<str>>,
    since: Instant,
    last_line: String,
}

/// What runs now, by events alone.
#[derive(Default)]
pub(super) struct Activity {
    began: Option<Instant>,
    names: HashMap<NodeId, String>,
    running: Vec<Running>,
    hosts: usize,
    finished: usize,
    over: bool,
}

impl Activity {
    /// Takes note of an event.
    pub fn event(&mut self, event: &Event) {
        self.began.get_or_insert_with(Instant::now);
        match event {
            Event::PlayStart { hosts, .. } => self.hosts = hosts.len(),
            Event::TaskStart { task, name, .. } => {
                self.names.insert(*task, name.clone());
            }
            Event::HostStart { task, host } => match self.running.iter_mut().find(|running| running.task == *task) {
                Some(running) => running.hosts.push(host.clone()),
                None => self.running.push(Running {
                    task: *task,
                    name: self.names.get(task).cloned().unwrap_or_default(),
                    hosts: vec![host.clone()],
                    since: Instant::now(),
                    last_line: String::new(),
                }),
            },
            Event::Line { task, text, .. } => {
                if let Some(running) = self.running.iter_mut().find(|running| running.task == *task) {
                    running.last_line.clone_from(text);
                }
            }
            Event::Done { task, host, .. } => {
                self.finished += 1;
                if let Some(running) = self.running.iter_mut().find(|running| running.task == *task) {
                    running.hosts.retain(|known| known != host);
                }
                self.running.retain(|running| !running.hosts.is_empty());
            }
            Event::End { .. } => self.over = true,
            _ => {}
        }
    }

    /// Whether the run has ended.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether it is time to show progress.
    pub fn is_due(&self) -> bool {
        self.began.is_some_and(|began| began.elapsed() > PATIENCE)
    }

    /// The lines to show, the longest running task first; none when nothing runs.
    pub fn lines(&self) -> Vec<String> {
        if self.running.is_empty() {
            return Vec::new();
        }
        let mut lines: Vec<String> = self.running.iter().take(MOST_LINES).map(|running| self.line(running)).collect();
        if let Some(more) = self.running.len().checked_sub(MOST_LINES).filter(|more| *more > 0) {
            lines.push(format!("  and {more} more tasks"));
        }
        let time = self.began.map(|began| length(began.elapsed())).unwrap_or_default();
        lines.push(format!("{time} · {} results · {} running", self.finished, self.running.len()));
        lines
    }

    fn line(&self, running: &Running) -> String {
        let hosts = match running.hosts.as_slice() {
            [] | [_] | [_, _] | [_, _, _] => running.hosts.join(", "),
            many => format!("{} of {} hosts", many.len(), self.hosts.max(many.len())),
        };
        let last = match running.last_line.trim() {
            "" => String::new(),
            text => format!("  {}", visible_line(text)),
        };
        format!("  {} [{}] {hosts}{last}", length(running.since.elapsed()), visible_line(&running.name))
    }
}

/// Lines at the bottom of the terminal.
pub(super) struct Progress {
    multi: MultiProgress,
    bars: Vec<ProgressBar>,
}

impl Progress {
    /// Nothing drawn yet.
    pub fn new() -> Progress {
        Progress { multi: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()), bars: Vec::new() }
    }

    /// Shows these lines in place of those before.
    pub fn show(&mut self, lines: &[String]) {
        while self.bars.len() > lines.len() {
            if let Some(bar) = self.bars.pop() {
                bar.finish_and_clear();
                self.multi.remove(&bar);
            }
        }
        while self.bars.len() < lines.len() {
            let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            self.bars.push(self.multi.add(ProgressBar::new_spinner().with_style(style)));
        }
        for (bar, line) in self.bars.iter().zip(lines) {
            bar.set_message(line.clone());
            bar.tick();
        }
    }

    /// Does something with the lines out of the way.
    pub fn aside<T>(&self, act: impl FnOnce() -> T) -> T {
        self.multi.suspend(act)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let _ = self.multi.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::Stream;

    #[test]
    fn says_what_runs_and_its_last_line() {
        let mut activity = Activity::default();
        let task = NodeId(1);
        let host: Arc<str> = Arc::from("web1");
        activity.event(&Event::TaskStart {
            task,
            name: "pip".into(),
            place: "a.yml:1".into(),
            handler: false,
            action: "pip".into(),
        });
        activity.event(&Event::HostStart { task, host: host.clone() });
        activity.event(&Event::Line { task, host, stream: Stream::Stdout, text: "Collecting x\x1b[2J".into() });
        let lines = activity.lines();
        assert_eq!(lines[0], "  0:00 [pip] web1  Collecting x\\x1b[2J");
        assert_eq!(lines[1], "0:00 · 0 results · 1 running");
    }
}
