//! Includes: finding what they name on a worker, and loading it for the dispatcher.

use super::Project;
use super::job::Job;
use super::outcome::{Include, IncludeRequest};
use super::scope::PlayScope;
use crate::module::Failure;
use crate::playbook::{Action, Attributes, Context, Fork, IncludeRole, Item, Keyword, Role, Task};
use crate::project::Loader;
use crate::source::{Diagnostics, Severity};
use crate::template::Scope;
use crate::value::{Map, Value};
use crate::vars::{Layers, Precedence, TaskScope};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an include cannot be loaded.
pub(super) struct IncludeError {
    /// What is wrong, as the diagnostics say it.
    pub text: String,
    /// Something is not there: the task's failure. Any other mistake in the files ends the run, as
    /// one that is found before it.
    pub missing: bool,
}

/// Codes of diagnostics about what is not there.
const MISSING: &[&str] = &["no-such-file", "no-such-role", "unknown-name", "unreadable-file"];

/// What an include brought in.
#[derive(Clone)]
pub(super) struct Included {
    pub items: Arc<[Item]>,
    pub handlers: Vec<Item>,
    pub public_roles: Vec<Arc<Role>>,
}

fn scope_of(vars: &Map) -> Arc<dyn Scope> {
    let mut layers = Layers::default();
    layers.push(Precedence::ExtraVars, Arc::new(vars.clone()));
    Arc::new(TaskScope { layers, objects: Vec::new() })
}

fn with_loader<T>(
    project: &Project,
    playbook_dir: &Path,
    scope: Arc<dyn Scope>,
    extra_vars: Arc<Map>,
    work: impl FnOnce(&mut Loader<'_>) -> T,
) -> (T, Diagnostics, Vec<Item>, Vec<Arc<Role>>) {
    let mut diagnostics = Diagnostics::default();
    let mut loader = Loader {
        files: &project.files,
        modules: project.modules.as_ref(),
        engine: &project.engine,
        scope,
        extra_vars,
        role_paths: project.role_paths.clone(),
        library_paths: project.library_paths.clone(),
        playbook_dir: playbook_dir.to_path_buf(),
        diagnostics: &mut diagnostics,
        public_roles: Vec::new(),
        handlers: Vec::new(),
        importing: Vec::new(),
    };
    let worked = work(&mut loader);
    let handlers = std::mem::take(&mut loader.handlers);
    let roles = std::mem::take(&mut loader.public_roles);
    (worked, diagnostics, handlers, roles)
}

/// The file that an include of tasks names.
pub(super) fn find_tasks_file(job: &Job, name: &str) -> Result<PathBuf, Failure> {
    let (found, ..) =
        with_loader(&job.project, &job.play.playbook_dir, scope_of(&Map::new()), Arc::default(), |loader| {
            loader.find_tasks_file(&job.task, name)
        });
    found.ok_or_else(|| Failure::new(format!("Could not find or access '{name}' on the Ansible Controller.")))
}

/// Loads what an include asks for.
///
/// # Errors
/// What is wrong with the files, as the diagnostics say it.
pub(super) fn load(
    project: &Project,
    play: &PlayScope,
    task: &Task,
    request: &IncludeRequest,
) -> Result<Included, IncludeError> {
    let mut static_vars = play.settings.extra_vars.as_ref().clone();
    for (key, value) in &request.vars {
        static_vars.entry(key.clone()).or_insert_with(|| value.clone());
    }
    let scope = scope_of(&static_vars);
    let (items, diagnostics, handlers, public_roles) =
        with_loader(project, &play.playbook_dir, scope, play.settings.extra_vars.clone(), |loader| {
            match &request.include {
                Include::Tasks { path } => {
                    let context = context(task, &request.vars);
                    loader.load_tasks(path, &context)
                }
                Include::Role { name, tasks_from, vars_from, defaults_from, handlers_from, flags } => {
                    let Action::IncludeRole(include) = &task.action else { return Vec::new() };
                    let text = |value: &Option<String>| value.as_ref().map(Value::str);
                    let [allow_duplicates, public, rolespec_validate] = flags.map(|flag| flag.map(Value::Bool));
                    let include = IncludeRole {
                        name: Value::str(name),
                        tasks_from: text(tasks_from),
                        vars_from: text(vars_from),
                        defaults_from: text(defaults_from),
                        handlers_from: text(handlers_from),
                        allow_duplicates,
                        public,
                        rolespec_validate,
                        ..include.clone()
                    };
                    let role_use = loader.role_use(task, &include, false);
                    role_use
                        .and_then(|role_use| loader.load_role(role_use, &context(task, &request.vars)))
                        .into_iter()
                        .collect()
                }
            }
        });
    let errors: Vec<_> = diagnostics.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
    match errors.is_empty() {
        true => Ok(Included { items: Fork::split(items), handlers, public_roles }),
        false => Err(IncludeError {
            missing: errors.iter().all(|error| MISSING.contains(&error.code)),
            text: errors.iter().map(|error| error.render(&project.files.map)).collect(),
        }),
    }
}

/// What surrounds the included tasks: what is around the include, not the include's own keywords,
/// below `apply`.
fn context(task: &Task, vars: &Map) -> Context {
    let (apply, apply_vars): (Attributes, Arc<Map>) = match &task.action {
        Action::IncludeTasks(include) => (include.apply.clone(), include.apply_vars.clone()),
        Action::IncludeRole(include) => (include.apply.clone(), include.apply_vars.clone()),
        _ => (Attributes::default(), Arc::default()),
    };
    let mut around = task.around.as_ref().clone();
    around.remove(Keyword::Name);
    let mut chain = task.vars.clone();
    if !apply_vars.is_empty() {
        chain.push(apply_vars);
    }
    let mut include_vars = task.include_vars.clone();
    if !vars.is_empty() {
        include_vars.push(Arc::new(vars.clone()));
    }
    Context {
        attributes: apply.below(&around),
        vars: chain,
        include_vars,
        role: task.role.clone(),
        file: task.file.clone(),
        handlers: task.handler,
        rescued: false,
    }
}
