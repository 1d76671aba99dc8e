//! Names that the engine itself defines, as Ansible documents its special variables.

use super::hosts::Snapshot;
use super::scope::PlayScope;
use super::settings::sorted;
use crate::inventory::{HostId, Inventory};
use crate::playbook::Task;
use crate::project::SearchPath;
use crate::template::{Lazy, LazyMap, Scope};
use crate::value::{Key, Map, Value};
use crate::vars::{Layers, Precedence, TaskScope};
use std::sync::{Arc, OnceLock};

/// The version of Ansible whose behaviour rplay follows.
const FOLLOWED: (&str, i64, i64, i64) = ("2.19.0", 2, 19, 0);

/// Names that depend on the host alone.
pub(super) fn of_host(inventory: &Inventory, host: HostId) -> Map {
    let this = inventory.host(host);
    let mut map = Map::new();
    let name = this.name.as_ref();
    let is_number = name.chars().all(|c| c.is_ascii_digit() || c == '.') || name.contains(':');
    let short = if is_number { name } else { name.split('.').next().unwrap_or(name) };
    let mut set = |key: &str, value: Value| map.insert(Key::from(key), value);
    set("inventory_hostname", Value::str(name));
    set("inventory_hostname_short", Value::str(short));
    set("group_names", Value::from(inventory.group_names(host)));
    let file = this.source.as_ref().map(|path| crate::project::absolute(path));
    if let Some(file) = file {
        let folder = if file.is_dir() { Some(file.as_path()) } else { file.parent() };
        if let Some(folder) = folder {
            set("inventory_dir", Value::str(folder.to_string_lossy()));
        }
        set("inventory_file", Value::str(file.to_string_lossy()));
    }
    map
}

/// What the connection to a host uses when no variable says otherwise.
pub(super) fn connection(inventory: &Inventory, host: HostId) -> Map {
    let name = Value::Str(inventory.host(host).name.clone());
    Map::from([("ansible_host".into(), name.clone()), ("ansible_ssh_host".into(), name)])
}

/// `groups`: names of hosts by group.
pub(super) fn groups(inventory: &Inventory) -> Value {
    let names = |group| {
        Value::list(
            inventory.hosts_in(group).into_iter().map(|host| Value::Str(inventory.host(host).name.clone())).collect(),
        )
    };
    Value::map(inventory.groups().map(|(id, group)| (Key::Str(group.name.clone()), names(id))).collect())
}

/// Names that depend on the run and the play.
pub(super) fn of_play(play: &PlayScope) -> Map {
    let settings = &play.settings;
    let mut map = Map::new();
    let mut set = |key: &str, value: Value| map.insert(Key::from(key), value);
    let names = |hosts: &[Arc<str>]| Value::list(hosts.iter().cloned().map(Value::Str).collect());
    set("ansible_play_hosts_all", names(&play.all_hosts));
    set("ansible_play_hosts", names(&play.live_hosts));
    set("play_hosts", names(&play.live_batch));
    set("ansible_play_batch", names(&play.live_batch));
    set("ansible_play_name", Value::str(&play.name));
    let roles: Vec<Value> = play.play.public_roles.iter().map(|role| Value::Str(role.name.clone())).collect();
    let direct: Vec<Value> = play
        .play
        .public_roles
        .iter()
        .filter(|role| role.parents.is_empty())
        .map(|role| Value::Str(role.name.clone()))
        .collect();
    let dependent: Vec<Value> = play
        .play
        .public_roles
        .iter()
        .filter(|role| !role.parents.is_empty())
        .map(|role| Value::Str(role.name.clone()))
        .collect();
    set("ansible_role_names", Value::list(roles));
    set("role_names", Value::list(direct.clone()));
    set("ansible_play_role_names", Value::list(direct));
    set("ansible_dependent_role_names", Value::list(dependent));
    set("playbook_dir", Value::str(play.playbook_dir.to_string_lossy()));
    set("ansible_check_mode", Value::Bool(settings.check));
    set("ansible_diff_mode", Value::Bool(settings.diff));
    set("ansible_verbosity", Value::Int(i64::from(settings.verbosity)));
    set("ansible_forks", Value::from(settings.forks));
    set(
        "ansible_run_tags",
        Value::from(match settings.tags.only.is_empty() {
            true => vec!["all".to_owned()],
            false => sorted(&settings.tags.only),
        }),
    );
    set("ansible_skip_tags", Value::from(sorted(&settings.tags.skip)));
    if !settings.limit.is_empty() {
        set("ansible_limit", Value::str(settings.limit.join(",")));
    }
    set("ansible_inventory_sources", Value::from(settings.inventory_sources.clone()));
    set(
        "ansible_config_file",
        Value::from(settings.config.path.as_ref().map(|path| path.to_string_lossy().into_owned())),
    );
    set("ansible_playbook_python", Value::str("/usr/bin/python3"));
    let (full, major, minor, revision) = FOLLOWED;
    set(
        "ansible_version",
        Value::from([
            ("full", Value::str(full)),
            ("major", Value::Int(major)),
            ("minor", Value::Int(minor)),
            ("revision", Value::Int(revision)),
            ("string", Value::str(full)),
        ]),
    );
    map
}

/// Names that depend on the task.
pub(super) fn of_task(task: &Task, play: &PlayScope) -> Map {
    let mut map = Map::new();
    let search = SearchPath::of(task, &play.playbook_dir);
    let folders: Vec<String> = search.0.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    map.insert("ansible_search_path".into(), Value::from(folders));
    if let Some(role) = &task.role {
        let mut set = |key: &str, value: Value| map.insert(Key::from(key), value);
        set("role_name", Value::str(role.short_name()));
        set("ansible_role_name", Value::Str(role.name.clone()));
        set("role_path", Value::str(role.path.to_string_lossy()));
        set("role_uuid", Value::str(format!("{:08x}", task.id.0)));
        set("ansible_collection_name", Value::Null);
        let parents: Vec<Value> = role.parents.iter().rev().map(|parent| Value::Str(parent.name.clone())).collect();
        let paths: Vec<Value> =
            role.parents.iter().rev().map(|parent| Value::str(parent.path.to_string_lossy())).collect();
        set("ansible_parent_role_names", Value::list(parents));
        set("ansible_parent_role_paths", Value::list(paths));
    }
    map
}

/// `hostvars`: every host's variables, each in a scope of its own.
pub(super) struct AllHosts {
    pub snapshot: Snapshot,
    pub play: Arc<PlayScope>,
}

impl LazyMap for AllHosts {
    fn get(&self, key: &str) -> Option<Lazy> {
        let host = self.snapshot.inventory.find_host(key)?;
        let scope: Arc<dyn Scope> = Arc::new(host_scope(&self.snapshot, &self.play, host));
        Some(Lazy::Map(Arc::new(ScopeMap(scope))))
    }

    fn keys(&self) -> Vec<Arc<str>> {
        self.snapshot.inventory.hosts().map(|(_, host)| host.name.clone()).collect()
    }
}

/// `ansible_delegated_vars`: the variables of the host that a task is delegated to, under its name.
pub(super) struct DelegatedVars {
    pub hosts: Arc<dyn LazyMap>,
    /// The name, unless a template makes it.
    pub name: Option<Arc<str>>,
}

impl LazyMap for DelegatedVars {
    fn get(&self, key: &str) -> Option<Lazy> {
        match &self.name {
            Some(name) if name.as_ref() != key => None,
            _ => self.hosts.get(key),
        }
    }

    fn keys(&self) -> Vec<Arc<str>> {
        self.name.iter().cloned().collect()
    }
}

/// A host's variables as others see them: without the play's and the task's.
pub(super) fn host_scope(snapshot: &Snapshot, play: &Arc<PlayScope>, host: HostId) -> TaskScope {
    let mut layers = Layers::default();
    layers.push(Precedence::Connection, Arc::new(connection(&snapshot.inventory, host)));
    super::scope::push_host(&mut layers, &snapshot.vars(host));
    layers.push(Precedence::ExtraVars, play.settings.extra_vars.clone());
    let mut magic = of_host(&snapshot.inventory, host);
    magic.extend(play.magic().as_ref().clone());
    magic.insert("groups".into(), play.groups.clone());
    magic.insert("ansible_facts".into(), Value::Map(snapshot.vars(host).facts_bare.clone()));
    layers.push(Precedence::Magic, Arc::new(magic));
    let hosts: Arc<dyn LazyMap> = Arc::new(AllHosts { snapshot: snapshot.clone(), play: play.clone() });
    TaskScope { layers, objects: vec![("hostvars", hosts)] }
}

/// A scope seen as a map: one host in `hostvars`, or `vars`.
pub(super) struct ScopeMap(pub Arc<dyn Scope>);

impl LazyMap for ScopeMap {
    fn get(&self, key: &str) -> Option<Lazy> {
        self.0.get(key).map(|value| Lazy::Value(value, Some(self.0.clone())))
    }

    fn keys(&self) -> Vec<Arc<str>> {
        self.0.names().into_iter().filter(|name| name.as_ref() != "hostvars" && name.as_ref() != "vars").collect()
    }
}

/// `vars`: the task's own variables. Made in two steps, since it holds the scope that holds it.
#[derive(Default)]
pub(super) struct OwnVars(pub OnceLock<std::sync::Weak<TaskScope>>);

impl LazyMap for OwnVars {
    fn get(&self, key: &str) -> Option<Lazy> {
        let scope = self.0.get()?.upgrade()?;
        let value = scope.get(key)?;
        Some(Lazy::Value(value, Some(scope)))
    }

    fn keys(&self) -> Vec<Arc<str>> {
        self.0.get().and_then(std::sync::Weak::upgrade).map(|scope| scope.layers.names()).unwrap_or_default()
    }
}
