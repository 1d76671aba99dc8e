//! The registry: every module by each of its names.

use super::*;
use crate::agent::ModuleSet;
use crate::module::{Action, AnyModule, ArgSpec, ModuleSpec};
use crate::playbook::{ModuleCatalog, ModuleInfo};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// Modules that run in the light agent.
static LIGHT: &[&dyn AnyModule] = &[
    &apt::Apt,
    &assemble::Assemble,
    &async_status::AsyncStatus,
    &blockinfile::BlockInFile,
    &command::Command,
    &command::Shell,
    &copy::Copy,
    &dnf::Dnf,
    &fetch::Fetch,
    &file::File,
    &find::Find,
    &firewalld::Firewalld,
    &get_url::GetUrl,
    &getent::Getent,
    &group::Group,
    &hostname::Hostname,
    &ini_file::IniFile,
    &library::Library,
    &lineinfile::LineInFile,
    &mount::Mount,
    &package::Package,
    &package_facts::PackageFacts,
    &pam_limits::PamLimits,
    &ping::Ping,
    &pip::Pip,
    &postgresql_db::PostgresqlDb,
    &postgresql_user::PostgresqlUser,
    &replace::Replace,
    &script::Script,
    &service::Service,
    &service::Systemd,
    &service_facts::ServiceFacts,
    &setup::Setup,
    &slurp::Slurp,
    &stat::Stat,
    &sysctl::Sysctl,
    &tempfile::TempFile,
    &unarchive::Unarchive,
    &uri::Uri,
    &user::User,
    &wait_for::WaitFor,
];

/// Modules that need the whole binary.
static WHOLE: &[&dyn AnyModule] = &[&s3_bucket::S3Bucket, &s3_object::S3Object];

/// Modules that run beside the executor.
static ACTIONS: &[&dyn Action] = &[
    &add_host::AddHost,
    &assemble::AssembleAction,
    &assert::Assert,
    &copy::CopyAction,
    &debug::Debug,
    &fail::Fail,
    &fetch::FetchAction,
    &group_by::GroupBy,
    &include_vars::IncludeVars,
    &library::LibraryAction,
    &pause::Pause,
    &raw::Raw,
    &reboot::Reboot,
    &s3_object::S3ObjectAction,
    &script::ScriptAction,
    &set_fact::SetFact,
    &set_stats::SetStats,
    &template::Template,
    &unarchive::UnarchiveAction,
    &uri::UriAction,
    &validate_argument_spec::ValidateArgumentSpec,
    &wait_for_connection::WaitForConnection,
];

/// A module of either kind.
#[derive(Clone, Copy)]
pub enum Entry {
    /// Observes, plans, applies on a host.
    Module(&'static dyn AnyModule),
    /// Runs on the controller.
    Action(&'static dyn Action),
}

impl Entry {
    /// Names and documentation.
    pub fn spec(&self) -> ModuleSpec {
        match self {
            Entry::Module(module) => module.spec(),
            Entry::Action(action) => action.spec(),
        }
    }

    /// Its arguments.
    pub fn args(&self) -> &'static [ArgSpec] {
        match self {
            Entry::Module(module) => module.args(),
            Entry::Action(action) => action.args(),
        }
    }
}

/// Every module that tasks can name. An action hides the module of the same name that it sends.
pub fn all() -> impl Iterator<Item = Entry> {
    let actions = ACTIONS.iter().map(|action| Entry::Action(*action));
    let taken =
        |module: &&&'static dyn AnyModule| ACTIONS.iter().all(|action| action.spec().name != module.spec().name);
    let modules = LIGHT.iter().chain(WHOLE.iter()).filter(taken).map(|module| Entry::Module(*module));
    actions.chain(modules).collect::<Vec<_>>().into_iter()
}

static BY_NAME: LazyLock<HashMap<&'static str, Entry>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for entry in all() {
        let spec = entry.spec();
        names.insert(spec.name, entry);
        names.extend(spec.aliases.iter().map(|alias| (*alias, entry)));
    }
    names
});

/// How a program of the project's own is run.
pub static LIBRARY: Entry = Entry::Action(&library::LibraryAction);

/// The module of a name: fully qualified, short, or another collection's.
pub fn find(name: &str) -> Option<Entry> {
    let legacy = || name.strip_prefix("ansible.legacy.").and_then(|short| BY_NAME.get(short));
    BY_NAME.get(name).or_else(legacy).copied()
}

fn find_in(sets: &[&[&'static dyn AnyModule]], name: &str) -> Option<&'static dyn AnyModule> {
    let named = |module: &&&'static dyn AnyModule| {
        let spec = module.spec();
        spec.name == name || spec.aliases.contains(&name)
    };
    sets.iter().flat_map(|set| set.iter()).find(named).copied()
}

/// What the light agent has. Reaches nothing else, so that nothing else is linked into it.
pub struct LightModules;

impl ModuleSet for LightModules {
    fn find(&self, name: &str) -> Option<&dyn AnyModule> {
        find_in(&[LIGHT], name)
    }
}

/// What the whole binary has.
pub struct WholeModules;

impl ModuleSet for WholeModules {
    fn find(&self, name: &str) -> Option<&dyn AnyModule> {
        find_in(&[LIGHT, WHOLE], name)
    }
}

/// The registry as the playbook reader sees it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Catalog;

impl ModuleCatalog for Catalog {
    fn find(&self, name: &str) -> Option<ModuleInfo> {
        let entry = find(name)?;
        let spec = entry.spec();
        let any_args = matches!(entry, Entry::Action(action) if action.any_args());
        Some(ModuleInfo {
            name: Arc::from(spec.name),
            free_form: spec.free_form,
            args: entry.args(),
            rules: spec.rules,
            any_args,
            refused: None,
        })
    }

    fn names(&self) -> Vec<String> {
        all()
            .flat_map(|entry| {
                let spec = entry.spec();
                spec.aliases.iter().copied().chain([spec.name]).map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }
}
