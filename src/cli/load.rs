//! Everything that is read and checked before the first connection: settings, secrets, inventory,
//! playbooks, templates, the graph. What is wrong is reported together.

use super::arguments::Options;
use super::error::CliError;
use super::terminal::{self, say};
use super::warnings::Warnings;
use super::{inventory, static_vars, vault_secrets};
use crate::inventory::Inventory;
use crate::modules::Catalog;
use crate::plan::{Plan, PlanInput, Planner, StaticVars, check_templates};
use crate::playbook::{Item, Keyword, NodeId, Play, TagFilter};
use crate::project::{
    Config, Files, InventoryVars, Playbook, PlaybookLoader, ProjectController, Setting, absolute, check_missing,
    expand_home_path, parse_extra_vars, sections,
};
use crate::report::Colour;
use crate::source::{Diagnostic, Diagnostics, Severity, SourceMap};
use crate::template::{Engine, Scope};
use crate::value::{Map, Value, parse_bool};
use crate::vars::{Layers, Precedence, TaskScope};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was read.
pub struct Loaded {
    pub config: Config,
    pub files: Files,
    pub engine: Engine,
    pub inventory: Inventory,
    pub inventory_sources: Vec<String>,
    pub inventory_vars: InventoryVars,
    pub limit: Vec<String>,
    pub tags: TagFilter,
    pub extra_vars: Arc<Map>,
    pub role_paths: Vec<PathBuf>,
    pub library_paths: Vec<PathBuf>,
    pub playbook_dir: PathBuf,
    pub playbooks: Vec<Playbook>,
    pub plan: Plan,
    pub sections: HashMap<NodeId, Vec<Item>>,
    pub warnings: Warnings,
    pub diagnostics: Diagnostics,
}

/// How much is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Tasks will run.
    Run,
    /// Nothing will; hosts do not matter.
    Look,
}

/// Finds the playbooks. Their absence is said before anything else.
pub fn check_playbooks(paths: &[PathBuf]) -> Result<(), CliError> {
    use std::os::unix::fs::FileTypeExt;
    for path in paths {
        let Ok(info) = std::fs::metadata(path) else { return Err(CliError::NoPlaybook(path.clone())) };
        if !info.is_file() && !info.file_type().is_fifo() && !info.file_type().is_char_device() {
            return Err(CliError::NotAFile(path.clone()));
        }
    }
    Ok(())
}

/// Reads everything.
///
/// # Errors
/// What has no place in the project's files: options, secrets, missing playbooks. All else is in
/// the diagnostics of what is given.
pub fn load(
    playbooks: &[PathBuf],
    options: &Options,
    config: Config,
    purpose: Purpose,
    force_handlers: bool,
) -> Result<Loaded, CliError> {
    check_playbooks(playbooks)?;
    let warnings = Warnings::default();
    for key in config.without_effect() {
        match key {
            "hash_behaviour" => return Err(CliError::Option("hash_behaviour = merge is not supported".into())),
            key => warnings.warn(format!("the setting {key} has no effect in rplay")),
        }
    }
    let secrets = vault_secrets::gather(options, &config)?;
    let files = Files::new(SourceMap::default(), Arc::new(secrets));
    let mut diagnostics = Diagnostics::default();
    let mut extra_vars = Map::new();
    for text in &options.extra_vars {
        extra_vars.extend(parse_extra_vars(&files, text, &mut diagnostics)?);
    }
    let extra_vars = Arc::new(extra_vars);
    let inventory_sources = inventory::sources(options, &config);
    let inventory = inventory::load(&inventory_sources, &config, &files, &warnings, &mut diagnostics);
    let limit = match purpose {
        Purpose::Run => inventory::limit(options, &inventory, &warnings)?,
        Purpose::Look => Vec::new(),
    };
    let first = playbooks.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
    let playbook_dir = absolute(first.parent().unwrap_or(Path::new("")));
    let engine = engine(&files, &config, &playbook_dir, &warnings);
    let role_paths = role_paths(&config);
    let library_paths = library_paths(options, &config);
    let catalog = Catalog;
    let loader = PlaybookLoader {
        files: &files,
        modules: &catalog,
        engine: &engine,
        extra_vars: extra_vars.clone(),
        role_paths: role_paths.clone(),
        library_paths: library_paths.clone(),
    };
    let playbooks: Vec<Playbook> = playbooks.iter().map(|path| loader.load(path, &mut diagnostics)).collect();
    let inventory_vars = InventoryVars::new(files.clone(), &inventory_sources, &playbook_dir);
    let tags = tag_filter(options, &config);
    let mut loaded = Loaded {
        config,
        files,
        engine,
        inventory,
        inventory_sources,
        inventory_vars,
        limit,
        tags,
        extra_vars,
        role_paths,
        library_paths,
        playbook_dir,
        playbooks,
        plan: Plan::default(),
        sections: HashMap::new(),
        warnings,
        diagnostics,
    };
    loaded.check();
    loaded.make_plan(force_handlers);
    Ok(loaded)
}

/// The template engine, with the controller's files behind it.
fn engine(files: &Files, config: &Config, playbook_dir: &Path, warnings: &Warnings) -> Engine {
    let warnings = warnings.clone();
    Engine::new(Arc::new(ProjectController {
        files: files.clone(),
        config: config.clone(),
        playbook_dir: playbook_dir.to_path_buf(),
        warnings: Box::new(move |message| warnings.warn(message)),
    }))
}

/// Folders of roles beside the playbook's own.
fn role_paths(config: &Config) -> Vec<PathBuf> {
    let configured = config.paths(Setting::RolesPath, ':');
    if !configured.is_empty() {
        return configured;
    }
    ["~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles"].map(expand_home_path).to_vec()
}

/// Folders of modules of one's own, beside those of playbooks and roles.
fn library_paths(options: &Options, config: &Config) -> Vec<PathBuf> {
    let given = options.module_path.iter().map(|path| path.to_string());
    let given = given.flat_map(|text| text.split(':').map(expand_home_path).collect::<Vec<_>>());
    let configured = config.paths(Setting::Module, ':');
    let usual = ["~/.ansible/plugins/modules", "/usr/share/ansible/plugins/modules"].map(expand_home_path).to_vec();
    given.chain(if configured.is_empty() { usual } else { configured }).map(|path| absolute(&path)).collect()
}

fn tag_filter(options: &Options, config: &Config) -> TagFilter {
    let split = |given: &[String], setting: Setting| -> BTreeSet<String> {
        let configured = config.get(setting).map(str::to_owned).into_iter().collect::<Vec<_>>();
        let given = if given.is_empty() { &configured } else { given };
        let words = given.iter().flat_map(|text| text.split(',')).map(str::trim);
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    TagFilter { only: split(&options.tags, Setting::TagsRun), skip: split(&options.skip_tags, Setting::TagsSkip) }
}

impl Loaded {
    /// All plays in order.
    pub fn plays(&self) -> impl Iterator<Item = &Arc<Play>> {
        self.playbooks.iter().flat_map(|playbook| &playbook.plays)
    }

    /// What is known before a play's hosts are.
    pub fn scope(&self, play: &Play) -> Arc<dyn Scope> {
        let mut layers = Layers::default();
        layers.push(Precedence::PlayVars, play.vars.clone());
        layers.push(Precedence::ExtraVars, self.extra_vars.clone());
        let folder = Map::from([("playbook_dir".into(), Value::str(self.playbook_dir.to_string_lossy()))]);
        layers.push(Precedence::Magic, Arc::new(folder));
        Arc::new(TaskScope { layers, objects: Vec::new() })
    }

    fn check(&mut self) {
        let hosts: Vec<_> =
            self.inventory.hosts().map(|(id, _)| id).chain(self.inventory.find_host("localhost")).collect();
        for host in hosts {
            self.inventory_vars.layers(&self.inventory, host);
        }
        self.diagnostics.append(self.inventory_vars.take_diagnostics());
        let plays: Vec<Arc<Play>> = self.plays().cloned().collect();
        for play in &plays {
            check_templates(play, &self.engine, &mut self.diagnostics);
        }
        check_missing(&plays, &self.role_paths, &self.tags, &mut self.diagnostics);
    }

    fn make_plan(&mut self, force_handlers: bool) {
        let plays: Vec<Arc<Play>> = self.plays().cloned().collect();
        for play in &plays {
            let of_play = play.attributes.get(Keyword::ForceHandlers).and_then(parse_bool);
            let force = of_play.unwrap_or(force_handlers);
            self.sections.insert(play.id, sections(play, force));
        }
        let variables = match static_vars::are_needed(&self.playbooks) {
            true => static_vars::gather(self),
            false => StaticVars::default(),
        };
        let inputs: Vec<PlanInput<'_>> =
            plays.iter().filter_map(|play| Some(PlanInput { play, items: self.sections.get(&play.id)? })).collect();
        self.plan = Planner::new(&self.engine, &variables).plan(&inputs, &mut self.diagnostics);
    }

    /// Prints what is wrong, each thing once; whether it stops the run.
    pub fn report(&self) -> bool {
        let (_, paint) = terminal::paints(self.config.flag(Setting::ForceColor), self.config.flag(Setting::NoColor));
        let mut printed = BTreeSet::new();
        let mut errors = 0;
        // By file, in the order of reading, and line; what has no place comes last.
        let mut sorted: Vec<&Diagnostic> = self.diagnostics.0.iter().collect();
        sorted.sort_by_key(|diagnostic| (diagnostic.span.is_none(), diagnostic.span));
        for diagnostic in sorted {
            let text = diagnostic.render(&self.files.map);
            if !printed.insert(text.clone()) {
                continue;
            }
            let colour = match diagnostic.severity {
                Severity::Error => {
                    errors += 1;
                    Colour::Failed
                }
                Severity::Warning => Colour::Warning,
            };
            let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
            say(&format!("{}\n{rest}", paint.text(colour, first)));
        }
        let end = match errors {
            0 => return false,
            1 => "1 mistake was found, nothing was touched".to_owned(),
            many => format!("{many} mistakes were found, nothing was touched"),
        };
        terminal::print_error(&end);
        true
    }

    /// Prints warnings for which there will be no report.
    pub fn print_warnings(&self) {
        let (_, paint) = terminal::paints(self.config.flag(Setting::ForceColor), self.config.flag(Setting::NoColor));
        let mut printed = BTreeSet::new();
        for message in self.warnings.take() {
            if printed.insert(message.clone()) {
                say(&paint.text(Colour::Warning, &format!("[WARNING]: {message}")));
            }
        }
    }
}
