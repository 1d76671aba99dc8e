//! Puts together the variables that a task sees on a host.

use super::hosts::{HostVars, Snapshot};
use super::magic::{self, AllHosts, DelegatedVars, OwnVars};
use super::{Project, Settings};
use crate::inventory::HostId;
use crate::playbook::{Keyword, Play, Task};
use crate::project::load_vars_file;
use crate::source::Diagnostics;
use crate::template::{LazyMap, Scope};
use crate::value::{Map, Value};
use crate::vars::{Layers, Precedence, TaskScope};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What all tasks of a play's batch share at one time.
pub struct PlayScope {
    pub play: Arc<Play>,
    pub name: String,
    pub settings: Arc<Settings>,
    pub playbook_dir: PathBuf,
    /// Every host that the pattern chose.
    pub all_hosts: Vec<Arc<str>>,
    /// Those of them that have not failed.
    pub live_hosts: Vec<Arc<str>>,
    /// Those of the batch that have not failed.
    pub live_batch: Vec<Arc<str>>,
    /// `groups`.
    pub groups: Value,
    /// Answers to `vars_prompt`.
    pub prompted: Arc<Map>,
    /// Files of `vars_files` that were read.
    pub vars_files: Arc<VarsFiles>,
    /// Roles included with `public: true` while the play runs.
    pub public_includes: Vec<Arc<crate::playbook::Role>>,
    made: OnceLock<Arc<Map>>,
}

impl PlayScope {
    #[allow(clippy::too_many_arguments, reason = "the fields of a play's scope")]
    pub(super) fn new(
        play: Arc<Play>,
        name: String,
        settings: Arc<Settings>,
        playbook_dir: PathBuf,
        prompted: Arc<Map>,
        vars_files: Arc<VarsFiles>,
        hosts: [Vec<Arc<str>>; 3],
        groups: Value,
        public_includes: Vec<Arc<crate::playbook::Role>>,
    ) -> PlayScope {
        let [all_hosts, live_hosts, live_batch] = hosts;
        PlayScope {
            play,
            name,
            settings,
            playbook_dir,
            all_hosts,
            live_hosts,
            live_batch,
            groups,
            prompted,
            vars_files,
            public_includes,
            made: OnceLock::new(),
        }
    }

    /// Magic variables of the play, made once.
    pub(super) fn magic(&self) -> Arc<Map> {
        self.made.get_or_init(|| Arc::new(magic::of_play(self))).clone()
    }
}

/// Files of `vars_files`, each read once.
#[derive(Default)]
pub struct VarsFiles(Mutex<HashMap<PathBuf, Result<Arc<Map>, String>>>);

impl VarsFiles {
    pub(super) fn read(&self, project: &Project, path: &Path) -> Result<Arc<Map>, String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .entry(path.to_path_buf())
            .or_insert_with(|| {
                let mut found = Diagnostics::default();
                let map = load_vars_file(&project.files, path, &mut found);
                match found.0.iter().find(|one| found.has_errors() && one.severity == crate::source::Severity::Error) {
                    Some(error) => Err(error.render(&project.files.map)),
                    None => Ok(Arc::new(map)),
                }
            })
            .clone()
    }
}

/// Adds a host's own variables.
pub(super) fn push_host(layers: &mut Layers, vars: &HostVars) {
    for (precedence, map) in &vars.inventory {
        layers.push(*precedence, map.clone());
    }
    layers.push(Precedence::Facts, vars.facts.clone());
    layers.push(Precedence::IncludeVars, vars.included.clone());
    layers.push(Precedence::SetFacts, vars.set.clone());
    layers.push(Precedence::Registered, vars.registered.clone());
    layers.written(vars.written.clone());
}

/// Makes scopes for one task.
pub(super) struct ScopeMaker<'a> {
    pub project: &'a Project,
    pub play: &'a Arc<PlayScope>,
    pub snapshot: &'a Snapshot,
    pub task: &'a Task,
}

impl ScopeMaker<'_> {
    /// The variables of the task on a host; `extra` are the loop's.
    pub fn scope(&self, host: HostId, extra: Option<Arc<Map>>) -> Result<Arc<dyn Scope>, String> {
        let vars = self.snapshot.vars(host);
        let mut layers = self.layers(host, &vars);
        self.push_vars_files(host, &vars, &mut layers)?;
        if let Some(extra) = extra {
            layers.push(Precedence::LoopVars, extra);
        }
        Ok(self.finish(layers))
    }

    fn finish(&self, layers: Layers) -> Arc<dyn Scope> {
        let hosts: Arc<dyn LazyMap> = Arc::new(AllHosts { snapshot: self.snapshot.clone(), play: self.play.clone() });
        let own = Arc::new(OwnVars::default());
        let mut objects: Vec<(&'static str, Arc<dyn LazyMap>)> =
            vec![("hostvars", hosts.clone()), ("vars", own.clone())];
        if let Some(delegate) = self.task.attributes.get(Keyword::DelegateTo).filter(|delegate| !delegate.is_null()) {
            let name = match delegate {
                Value::Str(name) => Some(name.clone()),
                _ => None,
            };
            objects.push(("ansible_delegated_vars", Arc::new(DelegatedVars { hosts, name })));
        }
        let scope = Arc::new(TaskScope { layers, objects });
        // Set once, right after making: there is no other value to lose.
        let _ = own.0.set(Arc::downgrade(&scope));
        scope
    }

    fn layers(&self, host: HostId, vars: &HostVars) -> Layers {
        let mut layers = Layers::default();
        let play = &self.play.play;
        for role in play.public_roles.iter().chain(&self.play.public_includes) {
            layers.push(Precedence::RoleDefaults, role.defaults.clone());
            layers.push(Precedence::RoleVars, role.vars.clone());
        }
        layers.push(Precedence::Connection, Arc::new(magic::connection(&self.snapshot.inventory, host)));
        push_host(&mut layers, vars);
        layers.push(Precedence::PlayVars, play.vars.clone());
        layers.push(Precedence::PlayVarsPrompt, self.play.prompted.clone());
        if let Some(role) = &self.task.role {
            layers.push(Precedence::RoleDefaults, role.defaults.clone());
            layers.push(Precedence::RoleVars, role.vars.clone());
            for part in role.parents.iter().chain([role]) {
                layers.push(Precedence::RoleParams, part.params.clone());
            }
        }
        for map in &self.task.vars {
            layers.push(Precedence::TaskVars, map.clone());
        }
        for map in &self.task.include_vars {
            layers.push(Precedence::IncludeParams, map.clone());
        }
        layers.push(Precedence::ExtraVars, self.play.settings.extra_vars.clone());
        let mut magic = magic::of_host(&self.snapshot.inventory, host);
        magic.extend(magic::of_task(self.task, self.play));
        magic.insert("groups".into(), self.play.groups.clone());
        magic.insert("ansible_facts".into(), Value::Map(vars.facts_bare.clone()));
        layers.push(Precedence::Magic, self.play.magic());
        layers.push(Precedence::Magic, Arc::new(magic));
        layers
    }

    /// Adds `vars_files`. A name that cannot be rendered yet (it waits for facts) is passed over, as
    /// Ansible does.
    fn push_vars_files(&self, host: HostId, vars: &HostVars, layers: &mut Layers) -> Result<(), String> {
        for (entry, span) in &self.play.play.vars_files {
            let scope = self.finish(self.layers(host, vars));
            let Ok(resolved) = self.project.engine.resolve(entry, &scope) else { continue };
            let candidates: Vec<String> = match resolved {
                Value::List(items) => items.iter().map(Value::to_string).collect(),
                Value::Null => continue,
                one => vec![one.to_string()],
            };
            let folder = self.play.play.file.parent().unwrap_or(Path::new(""));
            let search = [folder.to_path_buf(), self.play.playbook_dir.clone()];
            match candidates.iter().find_map(|name| crate::project::find_in(&search, "vars", name)) {
                Some(path) => layers.push(Precedence::PlayVarsFiles, self.play.vars_files.read(self.project, &path)?),
                None => {
                    let place =
                        span.map(|span| format!(" ({})", self.project.files.map.describe(span))).unwrap_or_default();
                    return Err(format!("vars file {} was not found{place}", candidates.join(", ")));
                }
            }
        }
        Ok(())
    }
}
