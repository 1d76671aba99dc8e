//! Case files and the playbooks made of them.
//!
//! A file is a list of cases; a case has a `name`, `vars`, `setup` tasks, the `tasks` that are compared, `files` of
//! the machine that are compared afterwards, and `below`, the only part of its folder that is. A file that is a plain list of tasks is one case. Each task is run three
//! times, as check, run, again, before the next one. `{{ root }}` is a folder of the case's own, `{{ http }}` the web server.
//!
//! A task or a case may say `differs: {KEY: WHY}`: that key of the result (with dots: a key in it) is rplay's own on purpose. `refused: WHY` marks a task
//! that rplay refuses before it runs anything and that ansible-core fails.

use super::enclosure::{HTTP, SCRATCH};
use serde_norway::{Mapping, Value};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The three ways in which each task is run, one after another.
pub const PHASES: [&str; 3] = ["check", "run", "again"];

pub struct Case {
    pub name: String,
    pub root: PathBuf,
    vars: Mapping,
    setup: Vec<Value>,
    pub tasks: Vec<Task>,
    /// Keys of all results that differ on purpose, and why.
    pub differs: Vec<String>,
    /// Files of the machine whose text is compared afterwards.
    pub files: Vec<String>,
    /// The part of the folder that is compared, where the rest is never twice the same.
    pub below: PathBuf,
}

pub struct Task {
    task: Mapping,
    /// Keys of the result that differ on purpose, and why.
    pub differs: Vec<String>,
    pub refused: bool,
}

impl Task {
    fn read(value: Value) -> Task {
        let Value::Mapping(mut task) = value else { panic!("a task is no mapping: {value:?}") };
        let differs = keys_that_differ(task.remove("differs"));
        let refused = task.remove("refused").is_some();
        Task { task, differs, refused }
    }

    /// What a report calls the task.
    pub fn text(&self) -> String {
        json(&Value::Mapping(self.task.clone()))
    }
}

fn keys_that_differ(value: Option<Value>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(Value::Mapping(keys)) => keys.keys().map(|key| key.as_str().unwrap().to_owned()).collect(),
        Some(other) => panic!("`differs` says which key differs and why, not {other:?}"),
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Sequence(items)) => items,
        Some(other) => panic!("no list: {other:?}"),
    }
}

/// Reads the text of `module`'s case file.
pub fn read(module: &str, text: &str) -> Vec<Case> {
    let items = list(Some(serde_norway::from_str(text).unwrap()));
    let is_case = |item: &Value| item.get("tasks").is_some();
    let items = if items.iter().all(is_case) {
        items
    } else {
        let whole = [("name".into(), module.into()), ("tasks".into(), Value::Sequence(items))];
        vec![Value::Mapping(whole.into_iter().collect())]
    };
    items.into_iter().enumerate().map(|(index, item)| read_case(index, item)).collect()
}

fn read_case(index: usize, item: Value) -> Case {
    let Value::Mapping(mut item) = item else { panic!("a case is no mapping: {item:?}") };
    let root = PathBuf::from(format!("{SCRATCH}/{index}"));
    let case = Case {
        below: item.remove("below").map_or_else(|| root.clone(), |below| root.join(below.as_str().unwrap())),
        root,
        name: item.remove("name").and_then(|name| name.as_str().map(str::to_owned)).expect("a case has a name"),
        vars: item.remove("vars").map(|vars| vars.as_mapping().unwrap().clone()).unwrap_or_default(),
        setup: list(item.remove("setup")),
        tasks: list(item.remove("tasks")).into_iter().map(Task::read).collect(),
        differs: keys_that_differ(item.remove("differs")),
        files: list(item.remove("files")).iter().map(|file| file.as_str().unwrap().to_owned()).collect(),
    };
    assert!(item.is_empty(), "what is this in the case {:?}: {item:?}", case.name);
    case
}

/// YAML's flow style, which leaves no doubt about what is text; tags are kept.
fn json(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => serde_json::to_string(text).unwrap(),
        Value::Sequence(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", ")),
        Value::Mapping(map) => {
            let items: Vec<_> = map.iter().map(|(key, value)| format!("{}: {}", json(key), json(value))).collect();
            format!("{{{}}}", items.join(", "))
        }
        Value::Tagged(tagged) => format!("{} {}", tagged.tag, json(&tagged.value)),
    }
}

fn line(task: &Mapping, name: &str, more: &[(&str, Value)]) -> String {
    let mut task = task.clone();
    task.insert("name".into(), name.into());
    task.insert("ignore_errors".into(), true.into());
    for (key, value) in more {
        task.insert((*key).into(), value.clone());
    }
    json(&Value::Mapping(task))
}

impl Case {
    /// The case as a play. Results are found again by the tasks' names: `setup`, or `NUMBER PHASE`.
    pub fn play(&self) -> String {
        let mut vars = self.vars.clone();
        vars.insert("root".into(), self.root.to_str().unwrap().into());
        vars.insert("http".into(), HTTP.into());
        let vars = json(&Value::Mapping(vars));
        let mut play = format!("- hosts: localhost\n  gather_facts: false\n  vars: {vars}\n  tasks:\n");
        for task in &self.setup {
            writeln!(play, "    - {}", line(task.as_mapping().unwrap(), "setup", &[])).unwrap();
        }
        for (index, task) in self.tasks.iter().enumerate().filter(|(_, task)| !task.refused) {
            for phase in PHASES {
                let more = [("check_mode", Value::from(phase == "check")), ("diff", Value::from(true))];
                writeln!(play, "    - {}", line(&task.task, &format!("{index} {phase}"), &more)).unwrap();
            }
        }
        play
    }

    /// A play with one task that rplay refuses before it runs anything.
    pub fn refused_play(&self, index: usize) -> String {
        let vars = json(&Value::Mapping(self.vars.clone()));
        let task = line(&self.tasks[index].task, "refused", &[("ignore_errors", false.into())]);
        format!("- hosts: localhost\n  gather_facts: false\n  vars: {vars}\n  tasks:\n    - {task}\n")
    }
}
