//! The report as one JSON document: plays with their tasks and each host's result, then the counts,
//! under the names of the `ansible.posix.json` callback.

use super::json_lines::{custom_json, plain, stats_json};
use super::screen::Text;
use super::{Colour, Options, Reporter, clock, visible};
use crate::playbook::NodeId;
use crate::run::{Event, Status};
use serde_json::{Map as Object, Value as Json, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::SystemTime;

/// A task with the results that it has so far.
struct Task {
    id: NodeId,
    name: String,
    path: String,
    action: String,
    start: SystemTime,
    end: SystemTime,
    hosts: BTreeMap<String, Json>,
}

/// A play with its tasks.
struct Play {
    name: String,
    start: SystemTime,
    end: SystemTime,
    tasks: Vec<Task>,
}

/// The report as one document.
pub(super) struct JsonDocument {
    options: Options,
    plays: Vec<Play>,
    /// The play and the place in it of each task that has begun.
    places: HashMap<NodeId, (usize, usize)>,
    warned: HashSet<String>,
    ended: bool,
}

impl JsonDocument {
    pub fn new(options: Options) -> JsonDocument {
        JsonDocument { options, plays: Vec::new(), places: HashMap::new(), warned: HashSet::new(), ended: false }
    }

    fn start_play(&mut self, name: &str) {
        let now = SystemTime::now();
        self.plays.push(Play { name: name.to_owned(), start: now, end: now, tasks: Vec::new() });
    }

    fn start_task(&mut self, id: NodeId, name: &str, path: &str, action: &str) {
        let now = SystemTime::now();
        let Some(index) = self.plays.len().checked_sub(1) else { return };
        let tasks = &mut self.plays[index].tasks;
        self.places.insert(id, (index, tasks.len()));
        tasks.push(Task {
            id,
            name: name.to_owned(),
            path: path.to_owned(),
            action: action.to_owned(),
            start: now,
            end: now,
            hosts: BTreeMap::new(),
        });
    }

    fn result(&mut self, task: NodeId, host: &str, mut result: Json, status: Status) {
        let now = SystemTime::now();
        let Some((play, place)) = self.places.get(&task) else { return };
        let play = &mut self.plays[*play];
        play.end = now;
        let task = &mut play.tasks[*place];
        task.end = now;
        if let Json::Object(result) = &mut result {
            result.insert("action".into(), task.action.as_str().into());
            if status == Status::Failed {
                result.insert("failed".into(), true.into());
            }
        }
        task.hosts.insert(host.to_owned(), result);
    }

    /// The document; without an end of the run there are no counts.
    fn document(&self, end: Option<(Json, Json, Json)>) -> String {
        let duration = |start, end| json!({"start": clock::utc(start), "end": clock::utc(end)});
        let plays = self.plays.iter().enumerate().map(|(index, play)| {
            let tasks = play.tasks.iter().map(|task| {
                json!({
                    "task": {
                        "id": task.id.0.to_string(), "name": task.name, "path": task.path,
                        "duration": duration(task.start, task.end),
                    },
                    "hosts": Json::Object(task.hosts.clone().into_iter().collect::<Object<String, Json>>()),
                })
            });
            let about = json!({"id": index.to_string(), "name": play.name, "duration": duration(play.start, play.end)});
            json!({"play": about, "tasks": tasks.collect::<Vec<_>>()})
        });
        let mut document = json!({"plays": plays.collect::<Vec<_>>()});
        if let (Some((stats, custom, run)), Some(object)) = (end, document.as_object_mut()) {
            object.insert("custom_stats".into(), custom);
            object.insert("global_custom_stats".into(), run);
            object.insert("stats".into(), stats);
        }
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }
}

impl Reporter for JsonDocument {
    fn event(&mut self, event: &Event, text: &mut Text) {
        match event {
            Event::PlayStart { name, .. } | Event::NoHosts { name, .. } => self.start_play(name),
            Event::TaskStart { task, name, place, action, .. } => self.start_task(*task, name, place, action),
            Event::Done { task, host, status, result, .. } => self.result(*task, host, plain(result), *status),
            Event::Warning(message) => {
                if self.warned.insert(message.clone()) {
                    let line = format!("[WARNING]: {}\n", visible(message));
                    text.err(&self.options.paint_errors.text(Colour::Warning, &line));
                }
            }
            Event::End { stats, custom } => {
                self.ended = true;
                let (custom, run) = custom_json(custom);
                text.out(&self.document(Some((stats_json(stats), custom, run))));
            }
            _ => {}
        }
    }

    fn pause(&mut self, _text: &mut Text) {}

    fn finish(&mut self, text: &mut Text) {
        if !self.ended {
            text.out(&self.document(None));
        }
    }
}
