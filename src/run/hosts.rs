//! What the run knows of each host, and snapshots of it for workers.

use crate::inventory::{HostId, Inventory};
use crate::project::{FactCache, FactCacheError};
use crate::value::{Key, Map, Value};
use crate::vars::Precedence;
use std::collections::HashMap;
use std::sync::Arc;

/// The variables that a run has gathered for one host.
#[derive(Debug, Clone, Default)]
pub struct HostVars {
    /// The inventory's variables by precedence, of the inventory's revision at the time.
    pub inventory: Vec<(Precedence, Arc<Map>)>,
    /// The revision that `inventory` belongs to.
    pub revision: Option<u64>,
    /// Facts under the names that modules give (`ansible_distribution`).
    pub facts: Arc<Map>,
    /// The same without the prefix: `ansible_facts`.
    pub facts_bare: Arc<Map>,
    /// `set_fact`.
    pub set: Arc<Map>,
    /// `register`; a name is here or in `set`.
    pub registered: Arc<Map>,
    /// What tasks with `set_fact` hold as written: text of theirs may become a condition.
    pub written: Arc<Vec<Value>>,
    /// `include_vars`.
    pub included: Arc<Map>,
}

impl HostVars {
    /// Adds facts; new ones replace old ones of the same name.
    pub fn add_facts(&mut self, facts: &Map) {
        let names = Arc::make_mut(&mut self.facts);
        let bare = Arc::make_mut(&mut self.facts_bare);
        for (key, value) in facts {
            names.insert(key.clone(), value.clone());
            let short = key.as_str().map(|name| name.strip_prefix("ansible_").unwrap_or(name));
            if let Some(short) = short {
                bare.insert(Key::from(short), value.clone());
            }
        }
    }

    /// Forgets facts (`meta: clear_facts`).
    pub fn clear_facts(&mut self) {
        self.facts = Arc::default();
        self.facts_bare = Arc::default();
    }

    /// Sets a `set_fact`.
    pub fn set(&mut self, name: &str, value: Value) {
        if self.registered.contains_key(name) {
            Arc::make_mut(&mut self.registered).shift_remove(name);
        }
        Arc::make_mut(&mut self.set).insert(Key::from(name), value);
    }

    /// Remembers what a task with `set_fact` holds.
    pub fn remember(&mut self, args: &Value) {
        let same = |known: &Value| matches!((known, args), (Value::Map(a), Value::Map(b)) if Arc::ptr_eq(a, b));
        if !self.written.iter().any(same) {
            Arc::make_mut(&mut self.written).push(args.clone());
        }
    }

    /// Sets a registered variable.
    pub fn register(&mut self, name: &str, value: Value) {
        if self.set.contains_key(name) {
            Arc::make_mut(&mut self.set).shift_remove(name);
        }
        Arc::make_mut(&mut self.registered).insert(Key::from(name), value);
    }

    /// Adds `include_vars`.
    pub fn include(&mut self, vars: &Map) {
        Arc::make_mut(&mut self.included).extend(vars.clone());
    }
}

/// All hosts as they were when a task began. Cheap to take; never changes.
#[derive(Clone)]
pub struct Snapshot {
    /// The inventory.
    pub inventory: Arc<Inventory>,
    /// Variables by host.
    pub hosts: Arc<HashMap<HostId, Arc<HostVars>>>,
}

impl Snapshot {
    /// A host's variables; none for a host that the run has not met.
    pub fn vars(&self, host: HostId) -> Arc<HostVars> {
        self.hosts.get(&host).cloned().unwrap_or_default()
    }
}

/// The dispatcher's side: the state that snapshots are taken of.
pub(super) struct Hosts {
    pub inventory: Arc<Inventory>,
    vars: Arc<HashMap<HostId, Arc<HostVars>>>,
    /// Facts of earlier runs.
    cache: Option<FactCache>,
}

impl Hosts {
    pub fn new(inventory: Inventory, cache: Option<FactCache>) -> Hosts {
        Hosts { inventory: Arc::new(inventory), vars: Arc::default(), cache }
    }

    /// Forgets the facts that earlier runs kept of every host.
    pub fn flush_cache(&self) -> Result<(), FactCacheError> {
        let Some(cache) = &self.cache else { return Ok(()) };
        let names = self.inventory.hosts().map(|(_, host)| host.name.as_ref()).chain(["localhost"]);
        names.into_iter().try_for_each(|name| cache.forget(name))
    }

    /// Keeps a host's facts for later runs.
    pub fn keep_facts(&self, host: HostId) -> Result<(), FactCacheError> {
        match &self.cache {
            Some(cache) => cache.save(&self.name(host), &self.snapshot().vars(host).facts),
            None => Ok(()),
        }
    }

    /// Forgets a host's facts, those kept for later runs too.
    pub fn clear_facts(&mut self, host: HostId) -> Result<(), FactCacheError> {
        self.change(host, HostVars::clear_facts);
        self.cache.as_ref().map_or(Ok(()), |cache| cache.forget(&self.name(host)))
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot { inventory: self.inventory.clone(), hosts: self.vars.clone() }
    }

    pub fn change(&mut self, host: HostId, change: impl FnOnce(&mut HostVars)) {
        let vars = Arc::make_mut(&mut self.vars);
        change(Arc::make_mut(vars.entry(host).or_default()));
    }

    /// Reads inventory variables of hosts whose copy is older than the inventory.
    pub fn refresh(&mut self, project: &super::Project) {
        let revision = self.inventory.revision();
        let inventory = self.inventory.clone();
        let localhost = inventory.find_host("localhost");
        let all: Vec<HostId> = inventory.hosts().map(|(id, _)| id).chain(localhost).collect();
        for host in all {
            let known = self.vars.get(&host).and_then(|vars| vars.revision);
            if known != Some(revision) {
                let layers = project.inventory_vars.layers(&inventory, host);
                let first = self.cache.as_ref().filter(|_| known.is_none());
                let facts = first.and_then(|cache| cache.load(&self.name(host)));
                self.change(host, |vars| {
                    vars.inventory = layers;
                    vars.revision = Some(revision);
                    vars.add_facts(&facts.unwrap_or_default());
                });
            }
        }
    }

    pub fn name(&self, host: HostId) -> Arc<str> {
        self.inventory.host(host).name.clone()
    }
}
