//! The report for a person, in the look of Ansible's default one.

use super::colour::Colour;
use super::dump::dump;
use super::recap::recap;
use super::result::{self, Shown};
use super::screen::Text;
use super::strands::Strands;
use super::visible::{visible, visible_line};
use super::{Options, Reporter};
use crate::playbook::NodeId;
use crate::run::{Event, HostStats, Status};
use crate::value::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What is known of a task.
#[derive(Clone)]
struct TaskInfo {
    name: Arc<str>,
    place: Arc<str>,
    action: Arc<str>,
}

/// The report for a person.
pub(super) struct Human {
    options: Options,
    strands: Strands,
    tasks: HashMap<NodeId, TaskInfo>,
    warned: HashSet<String>,
    /// The include that ended last: what it brings in is said below its banner.
    include: Option<NodeId>,
    /// What was included, and for which hosts: they come one after another.
    included: Option<(String, Vec<Arc<str>>)>,
}

impl Human {
    pub fn new(options: Options) -> Human {
        let strands = Strands::new(options.clone());
        Human { options, strands, tasks: HashMap::new(), warned: HashSet::new(), include: None, included: None }
    }

    /// A line of stars behind a title, after an empty line.
    fn banner(&self, title: &str) -> String {
        let title = visible_line(title.trim());
        let stars = self.options.width.saturating_sub(title.chars().count()).max(3);
        format!("\n{title} {}\n", "*".repeat(stars))
    }

    fn play(&self, name: &str) -> String {
        match name.trim() {
            "" => self.banner("PLAY"),
            name => self.banner(&format!("PLAY [{name}]")),
        }
    }

    fn task_start(&mut self, task: NodeId, info: TaskInfo, handler: bool, text: &mut String) {
        let TaskInfo { name, place, .. } = &info;
        let word = if handler { "RUNNING HANDLER" } else { "TASK" };
        let mut banner = self.banner(&format!("{word} [{}]", name.trim()));
        if self.options.verbosity >= 2 && !place.is_empty() {
            banner += &self.options.paint.text(Colour::Detail, &format!("task path: {}\n", visible_line(place)));
        }
        self.tasks.insert(task, info);
        self.strands.begin(task, banner, text);
    }

    fn info(&self, task: NodeId) -> TaskInfo {
        let unknown = || TaskInfo { name: "".into(), place: "".into(), action: "".into() };
        self.tasks.get(&task).cloned().unwrap_or_else(unknown)
    }

    fn result(&mut self, task: NodeId, shown: &Shown<'_>, looped: bool, text: &mut Text) {
        self.warn_of(shown.result, text);
        // The files and roles that an include brings in have their own line.
        if shown.result.contains_key("include_args") && matches!(shown.status, Status::Ok | Status::Changed) {
            self.include = Some(task);
            return;
        }
        let line = match looped {
            true => result::loop_line(shown, &self.options),
            false => result::line(shown, &self.options),
        };
        let mut out = String::new();
        if let Some(line) = line {
            self.strands.line(task, shown.host, line, &mut out);
        }
        text.out(&out);
    }

    /// Says what was included, all its hosts on one line.
    fn say_included(&mut self, out: &mut String) {
        let Some((name, hosts)) = self.included.take() else { return };
        let hosts: Vec<&str> = hosts.iter().map(AsRef::as_ref).collect();
        let line = visible_line(&format!("included: {name} for {}", hosts.join(", ")));
        let line = self.options.paint.text(Colour::Skipped, &line) + "\n";
        match self.include {
            Some(task) => self.strands.text(task, line, out),
            None => *out += &line,
        }
    }

    fn warn_of(&mut self, result: &Map, text: &mut Text) {
        for warning in result.get("warnings").and_then(Value::as_list).into_iter().flatten() {
            self.warn(&warning.to_string(), text);
        }
        for note in result.get("deprecations").and_then(Value::as_list).into_iter().flatten() {
            let message = note.get("msg").unwrap_or(note);
            self.warn(&message.to_string(), text);
        }
    }

    /// Each warning is given once.
    fn warn(&mut self, message: &str, text: &mut Text) {
        if self.warned.insert(message.to_owned()) {
            let line = format!("[WARNING]: {}\n", visible(message.trim_end()));
            text.err(&self.options.paint_errors.text(Colour::Warning, &line));
        }
    }

    fn end(&mut self, stats: &[(Arc<str>, HostStats)], custom: &[(Arc<str>, Value)]) -> String {
        let mut out = self.banner("PLAY RECAP");
        out += &recap(stats, self.options.paint);
        out.push('\n');
        if self.options.custom_stats && !custom.is_empty() {
            out += &self.banner("CUSTOM STATS: ");
            let mut sorted: Vec<&(Arc<str>, Value)> = custom.iter().collect();
            // The whole run's come last.
            sorted.sort_by_key(|(host, _)| (&**host == "_run", host.clone()));
            for (host, data) in sorted {
                let (gap, host) = if &**host == "_run" { ("\n", "RUN") } else { ("", &**host) };
                out += &format!("{gap}\t{}: {}\n", visible_line(host), dump(data, false));
            }
            out.push('\n');
        }
        out
    }
}

impl Reporter for Human {
    fn event(&mut self, event: &Event, text: &mut Text) {
        let mut out = String::new();
        // Hosts of one include may come one by one, between results of the same task.
        if !matches!(event, Event::Included { .. } | Event::Done { .. } | Event::Line { .. }) {
            self.say_included(&mut out);
        }
        match event {
            Event::PlayStart { name, hosts, .. } => {
                self.strands.settle(None, &mut out);
                self.strands.play(hosts.len());
                out += &self.play(name);
            }
            Event::NoHosts { name, .. } => {
                self.strands.settle(None, &mut out);
                self.strands.play(0);
                out += &self.play(name);
                out += &self.options.paint.text(Colour::Skipped, "skipping: no hosts matched\n");
            }
            Event::NoMoreHosts => {
                self.strands.settle(None, &mut out);
                out += &self.banner("NO MORE HOSTS LEFT");
            }
            Event::TaskStart { task, name, place, handler, action } => {
                let info =
                    TaskInfo { name: name.as_str().into(), place: place.as_str().into(), action: action.clone() };
                self.task_start(*task, info, *handler, &mut out);
            }
            Event::HostStart { task, .. } => self.strands.host_begins(*task, &mut out),
            Event::Line { .. } => {}
            Event::Item { task, host, status, label, result, ignored, delegated } => {
                let info = self.info(*task);
                let shown = Shown {
                    status: *status,
                    host,
                    delegated: delegated.as_ref(),
                    result,
                    ignored: *ignored,
                    item: Some(label),
                    place: &info.place,
                    action: &info.action,
                };
                self.result(*task, &shown, false, text);
            }
            Event::Retry { task, host, left } => {
                let name = self.info(*task).name;
                let line = format!("FAILED - RETRYING: [{host}]: {name} ({left} retries left).");
                let line = self.options.paint.text(Colour::Detail, &visible_line(&line)) + "\n";
                self.strands.text(*task, line, &mut out);
            }
            Event::Done { task, host, status, result, ignored, delegated, looped, place, .. } => {
                let info = self.info(*task);
                let shown = Shown {
                    status: *status,
                    host,
                    delegated: delegated.as_ref(),
                    result,
                    ignored: *ignored,
                    item: None,
                    place,
                    action: &info.action,
                };
                self.result(*task, &shown, *looped, text);
                self.strands.host_ends(*task);
            }
            Event::Included { name, hosts, .. } => match &mut self.included {
                Some((known, of)) if known == name => of.extend(hosts.iter().cloned()),
                _ => {
                    self.say_included(&mut out);
                    self.included = Some((name.clone(), hosts.clone()));
                }
            },
            Event::Warning(message) => self.warn(message, text),
            Event::End { stats, custom } => {
                self.strands.finish(&mut out);
                out += &self.end(stats, custom);
            }
        }
        text.out(&out);
    }

    fn pause(&mut self, text: &mut Text) {
        let mut out = String::new();
        self.say_included(&mut out);
        self.strands.pause(&mut out);
        text.out(&out);
    }

    fn finish(&mut self, text: &mut Text) {
        let mut out = String::new();
        self.say_included(&mut out);
        self.strands.finish(&mut out);
        text.out(&out);
    }
}
