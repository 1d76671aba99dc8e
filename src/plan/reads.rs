//! Which variables a task reads and sets.

use super::build::StaticVars;
use super::graph::Reason;
use crate::playbook::{Action, Keyword, Looping, NeedHosts, Task};
use crate::template::{Engine, NamesRead};
use crate::value::{Key, Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The names that a task sets for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sets {
    /// These.
    Names(BTreeSet<Arc<str>>),
    /// Any: its file or its names are known only when it runs.
    Any,
}

/// What a task reads and sets.
#[derive(Debug, Clone)]
pub(super) struct Access {
    pub reads: NamesRead,
    pub sets: Sets,
    /// It reads or sets other hosts' variables.
    pub across_hosts: bool,
}

impl Default for Access {
    fn default() -> Access {
        Access { reads: NamesRead::none(), sets: Sets::Names(BTreeSet::new()), across_hosts: false }
    }
}

/// Modules that set facts under names known only to them, with those names.
const FACT_MODULES: &[(&str, &[&str])] = &[
    ("ansible.builtin.package_facts", &["packages"]),
    ("ansible.builtin.service_facts", &["services"]),
    ("ansible.builtin.getent", &["getent_passwd", "getent_group", "getent_hosts", "getent_services"]),
];

impl Access {
    /// Why this task must wait for an earlier one, and on which hosts: it reads what the other sets,
    /// or sets what the other sets or reads.
    pub fn depends_on(&self, earlier: &Access) -> Option<(Reason, NeedHosts)> {
        let read = conflict(&self.reads, &earlier.sets).map(|name| name.map_or(Reason::Unknown, Reason::Reads));
        let set = || match (&self.sets, &earlier.sets) {
            (Sets::Names(names), _) | (_, Sets::Names(names)) if names.is_empty() => None,
            (Sets::Names(ours), Sets::Names(theirs)) => ours.intersection(theirs).next().cloned().map(Reason::SetsToo),
            _ => Some(Reason::Unknown),
        };
        let replaced =
            || conflict(&earlier.reads, &self.sets).map(|name| name.map_or(Reason::Unknown, Reason::ReadBefore));
        let across = self.across_hosts || earlier.across_hosts;
        let reason = read.or_else(set).or_else(replaced)?;
        Some((reason, if across { NeedHosts::All } else { NeedHosts::Same }))
    }
}

/// A name that is both read and set; the inner None when that cannot be known.
fn conflict(reads: &NamesRead, sets: &Sets) -> Option<Option<Arc<str>>> {
    match (reads, sets) {
        (_, Sets::Names(names)) if names.is_empty() => None,
        (NamesRead::Names(names), _) if names.is_empty() => None,
        (NamesRead::All, _) | (_, Sets::Any) => Some(None),
        (NamesRead::Names(read), Sets::Names(set)) => {
            set.iter().find(|name| read.contains(*name) || reads_fact(read, name)).map(|name| Some(name.clone()))
        }
    }
}

/// `ansible_facts` stands for every fact.
fn reads_fact(read: &BTreeSet<Arc<str>>, set: &str) -> bool {
    set.starts_with("ansible_") && read.contains("ansible_facts")
}

/// Finds out what tasks read and set.
pub(super) struct Reads<'a> {
    engine: &'a Engine,
    variables: &'a StaticVars,
    found: BTreeSet<Arc<str>>,
    all: bool,
    across_hosts: bool,
}

impl<'a> Reads<'a> {
    pub fn new(engine: &'a Engine, variables: &'a StaticVars) -> Reads<'a> {
        Reads { engine, variables, found: BTreeSet::new(), all: false, across_hosts: false }
    }

    pub fn of_task(mut self, task: &Task) -> Access {
        for (keyword, attribute) in task.attributes.iter() {
            match keyword {
                Keyword::When | Keyword::ChangedWhen | Keyword::FailedWhen | Keyword::Until => {
                    self.conditions(&attribute.value);
                }
                Keyword::Name | Keyword::Tags => {}
                _ => self.value(&attribute.value),
            }
        }
        match &task.looping {
            Some(Looping::Loop(items)) => self.value(items),
            Some(Looping::With { terms, .. }) => self.value(terms),
            None => {}
        }
        let sets = self.action(task);
        // Run for one host, it sets the variables of all.
        self.across_hosts |= task.attributes.get(Keyword::RunOnce).is_some() || sets_globally(&task.action);
        // A task's own register is for itself too.
        for map in task.vars.iter().chain(&task.include_vars) {
            map.values().for_each(|value| self.value(value));
        }
        Access {
            reads: if self.all { NamesRead::All } else { NamesRead::Names(self.found) },
            sets,
            across_hosts: self.across_hosts,
        }
    }

    fn action(&mut self, task: &Task) -> Sets {
        let mut sets = BTreeSet::new();
        if let Some(register) = task.attributes.get(Keyword::Register).and_then(Value::as_str) {
            sets.insert(Arc::from(register));
        }
        match &task.action {
            Action::Module { name, args, .. } => {
                if matches!(name.as_ref(), "ansible.builtin.debug" | "ansible.builtin.assert") {
                    self.expression_args(args);
                }
                self.value(args);
                match self.loaded(task, name, args).or_else(|| module_sets(name, args)) {
                    Some(names) => sets.extend(names),
                    None => return Sets::Any,
                }
            }
            Action::Meta(_) => {}
            Action::Templated { name, args, .. } => {
                self.value(name);
                self.value(args);
                return Sets::Any;
            }
            Action::IncludeTasks(_) | Action::IncludeRole(_) | Action::ImportTasks(_) | Action::ImportRole(_) => {
                // What is in it is known only when it is reached.
                self.all = true;
                return Sets::Any;
            }
        }
        Sets::Names(sets)
    }

    /// What an `include_vars` sets that loads one of its role's own files.
    fn loaded(&self, task: &Task, module: &str, args: &Value) -> Option<BTreeSet<Arc<str>>> {
        if module != "ansible.builtin.include_vars" || args.get("name").is_some() {
            return None;
        }
        let file = args.get("file").or_else(|| args.get("_raw_params"))?.as_str()?;
        let own = !file.contains('/');
        own.then(|| self.variables.loadable.get(&task.role.as_ref()?.path).cloned()).flatten()
    }

    /// `debug: var=` and `assert: that=` hold bare expressions.
    fn expression_args(&mut self, args: &Value) {
        for key in ["var", "that"] {
            if let Some(value) = args.get(key) {
                self.conditions(value);
            }
        }
    }

    fn conditions(&mut self, value: &Value) {
        match value {
            Value::List(items) => items.iter().for_each(|item| self.conditions(item)),
            Value::Str(text) => {
                let names = self.engine.names_read_by_expression(text);
                self.names(names);
            }
            other => self.value(other),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Template(template) if !template.verbatim => {
                let names = self.engine.names_read(&template.text);
                self.names(names);
            }
            Value::List(items) => items.iter().for_each(|item| self.value(item)),
            Value::Map(map) => map.values().for_each(|item| self.value(item)),
            _ => {}
        }
    }

    /// Adds names, and what their definitions in files read.
    fn names(&mut self, names: NamesRead) {
        let NamesRead::Names(names) = names else {
            self.all = true;
            self.across_hosts = true;
            return;
        };
        for name in names {
            if matches!(name.as_ref(), "hostvars" | "groups" | "ansible_play_hosts" | "ansible_play_batch") {
                self.across_hosts |= name.as_ref() == "hostvars";
            }
            if !self.found.insert(name.clone()) {
                continue;
            }
            for definition in self.variables.definitions.get(&name).into_iter().flatten() {
                self.value(definition);
            }
        }
    }
}

/// Modules that change the inventory, which is every host's.
fn sets_globally(action: &Action) -> bool {
    matches!(action, Action::Module { name, .. }
        if matches!(name.as_ref(), "ansible.builtin.add_host" | "ansible.builtin.group_by"))
}

/// The names that a module sets; None when they cannot be known.
fn module_sets(name: &str, args: &Value) -> Option<BTreeSet<Arc<str>>> {
    let keys = |map: &Map, skip: &[&str]| {
        map.keys().filter_map(Key::as_str).filter(|key| !skip.contains(key)).map(Arc::from).collect()
    };
    match name {
        "ansible.builtin.set_fact" => match args.as_map() {
            Some(map) if map.keys().all(|key| key.as_str().is_some_and(|key| !crate::value::is_template(key))) => {
                Some(keys(map, &["cacheable"]))
            }
            _ => None,
        },
        "ansible.builtin.include_vars" => match args.get("name").and_then(Value::as_str) {
            Some(name) if !crate::value::is_template(name) => Some(BTreeSet::from([Arc::from(name)])),
            _ => None,
        },
        "ansible.builtin.setup" => Some(BTreeSet::from([Arc::from("ansible_facts")])),
        "ansible.builtin.add_host" | "ansible.builtin.group_by" => Some(BTreeSet::from([Arc::from("groups")])),
        _ => {
            let facts = FACT_MODULES.iter().find(|(module, _)| *module == name).map(|(_, names)| *names);
            Some(facts.unwrap_or_default().iter().map(|name| Arc::from(*name)).collect())
        }
    }
}
