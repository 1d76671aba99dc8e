//! Definitions of variables that stand in files: what the planner looks into to see what a name
//! is made of.

use super::load::Loaded;
use crate::plan::StaticVars;
use crate::playbook::{Item, Play};
use crate::project::{Playbook, find_in, load_vars_file};
use crate::source::Diagnostics;
use crate::value::{Key, Map, Value};
use std::path::Path;
use std::sync::Arc;

/// Whether anything in the playbooks says what it needs. If nothing does, the order of the files
/// stands and no name has to be looked into.
pub fn are_needed(playbooks: &[Playbook]) -> bool {
    playbooks.iter().flat_map(|playbook| &playbook.plays).any(|play| {
        let lists = [&play.pre_tasks, &play.roles, &play.tasks, &play.post_tasks];
        play.needs.is_some() || lists.into_iter().any(|list| has_needs(list))
    })
}

fn has_needs(items: &[Item]) -> bool {
    items.iter().any(|item| match item {
        Item::Block(block) => {
            block.needs.is_some() || [&block.body, &block.rescue, &block.always].into_iter().any(|list| has_needs(list))
        }
        Item::Task(task) => task.needs.is_some(),
        Item::Fork(_) => true,
        Item::Gap => false,
    })
}

/// Every definition in files and on the command line.
pub fn gather(loaded: &Loaded) -> StaticVars {
    let mut found = StaticVars::default();
    let all = &mut found.definitions;
    let mut add = |map: &Map| {
        for (key, value) in map {
            if let Key::Str(name) = key {
                let definitions = all.entry(name.clone()).or_default();
                if !definitions.contains(value) {
                    definitions.push(value.clone());
                }
            }
        }
    };
    add(&loaded.extra_vars);
    for play in loaded.plays() {
        add(&play.vars);
        for role in &play.public_roles {
            add(&role.defaults);
            add(&role.vars);
            add(&role.params);
            if found.loadable.contains_key(&role.path) {
                continue;
            }
            let maps = loadable(&role.path, loaded);
            maps.iter().for_each(&mut add);
            let names = maps.iter().flat_map(Map::keys).filter_map(Key::as_str).map(Arc::from).collect();
            found.loadable.insert(role.path.clone(), names);
        }
        add(&vars_files(play, loaded));
    }
    for (host, _) in loaded.inventory.hosts() {
        loaded.inventory_vars.layers(&loaded.inventory, host).iter().for_each(|(_, map)| add(map));
    }
    found
}

/// The files in a role's `vars` that its `include_vars` may choose from.
fn loadable(role: &Path, loaded: &Loaded) -> Vec<Map> {
    let files = std::fs::read_dir(role.join("vars")).into_iter().flatten().flatten().map(|entry| entry.path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml"))
        // What is wrong with one is said when it is loaded.
        .map(|path| load_vars_file(&loaded.files, &path, &mut Diagnostics::default()))
        .collect()
}

/// What the files in `vars_files` define whose names are known already.
fn vars_files(play: &Play, loaded: &Loaded) -> Map {
    let mut found = Map::new();
    let folder = play.file.parent().map(Path::to_path_buf).unwrap_or_default();
    for (value, _) in &play.vars_files {
        let names = match value {
            Value::List(items) => items.as_ref().clone(),
            one => vec![one.clone()],
        };
        for name in names {
            let Ok(name) = loaded.engine.resolve(&name, &loaded.scope(play)) else { continue };
            if let Some(path) = find_in(std::slice::from_ref(&folder), "vars", &name.to_string()) {
                // What is wrong with it is said when the play reads it.
                found.extend(load_vars_file(&loaded.files, &path, &mut Diagnostics::default()));
            }
        }
    }
    found
}
