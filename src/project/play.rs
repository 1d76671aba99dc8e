//! Playbooks with their imports and roles, ready to be planned.

use super::{Files, Library, Loader, expand_home_path};
use crate::playbook::{
    Action, Attributes, Block, BlockKind, Context, Fork, Item, Keyword, Meta, ModuleCatalog, NodeId, Play,
    PlaybookEntry, Reader, Task,
};
use crate::source::{Diagnostic, Diagnostics};
use crate::template::Engine;
use crate::value::{Map, Value};
use crate::vars::{Layers, Precedence, TaskScope};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A playbook file with all that it imports.
#[derive(Debug, Clone)]
pub struct Playbook {
    /// The file as it was asked for.
    pub path: PathBuf,
    /// Its plays, imported ones in place.
    pub plays: Vec<Arc<Play>>,
}

/// What loading a playbook needs.
pub struct PlaybookLoader<'a> {
    /// Reads files.
    pub files: &'a Files,
    /// Finds modules.
    pub modules: &'a dyn ModuleCatalog,
    /// Renders names of imports.
    pub engine: &'a Engine,
    /// `--extra-vars`.
    pub extra_vars: Arc<Map>,
    /// Folders of roles.
    pub role_paths: Vec<PathBuf>,
    /// Folders of modules of one's own.
    pub library_paths: Vec<PathBuf>,
}

impl PlaybookLoader<'_> {
    /// Loads a playbook; mistakes are noted and what remains is given.
    pub fn load(&self, path: &Path, diagnostics: &mut Diagnostics) -> Playbook {
        let mut plays = Vec::new();
        self.load_into(path, &mut plays, &mut Vec::new(), &Map::new(), diagnostics);
        Playbook { path: path.to_path_buf(), plays: plays.into_iter().map(Arc::new).collect() }
    }

    /// `given` are the variables of the imports that lead to the file.
    fn load_into(
        &self,
        path: &Path,
        plays: &mut Vec<Play>,
        loading: &mut Vec<PathBuf>,
        given: &Map,
        diagnostics: &mut Diagnostics,
    ) {
        if loading.iter().any(|open| open == path) {
            let message = format!("{} imports itself", path.display());
            diagnostics.push(Diagnostic::error("import-cycle", None, message));
            return;
        }
        let Some(node) = self.files.read_yaml(path, diagnostics) else { return };
        let file = Arc::new(path.to_path_buf());
        let beside = absolute(path.parent().unwrap_or(Path::new(""))).join("library");
        let folders = std::iter::once(beside).chain(self.library_paths.iter().cloned()).collect();
        let library = Library { built_in: self.modules, folders };
        let entries = Reader { modules: &library, diagnostics }.read_playbook(&node, &file);
        loading.push(path.to_path_buf());
        for entry in entries {
            match entry {
                PlaybookEntry::Play(play) => plays.push(self.complete(*play, given, diagnostics)),
                PlaybookEntry::Import { file, span, attributes, vars, needs } => {
                    let mut inner = vars.clone();
                    inner.extend(given.clone());
                    let scope = self.static_scope(&inner);
                    let target = match self.engine.resolve(&file, &scope) {
                        Ok(name) => path.parent().unwrap_or(Path::new("")).join(expand_home_path(&name.to_string())),
                        Err(error) => {
                            diagnostics.push(Diagnostic::error("unknown-name", error.span.or(span), error.message));
                            continue;
                        }
                    };
                    if !target.is_file() {
                        let message = format!("the playbook {} was not found", target.display());
                        diagnostics.push(Diagnostic::error("no-such-file", span, message));
                        continue;
                    }
                    let first = plays.len();
                    self.load_into(&target, plays, loading, &inner, diagnostics);
                    for (index, play) in plays[first..].iter_mut().enumerate() {
                        impose(play, &attributes, &vars);
                        if index == 0 && needs.is_some() {
                            play.needs = needs.clone();
                        }
                    }
                }
            }
        }
        loading.pop();
    }

    fn static_scope(&self, vars: &Map) -> Arc<dyn crate::template::Scope> {
        let mut layers = Layers::default();
        layers.push(Precedence::PlayVars, Arc::new(vars.clone()));
        layers.push(Precedence::ExtraVars, self.extra_vars.clone());
        Arc::new(TaskScope { layers, objects: Vec::new() })
    }

    /// Loads a play's roles and expands its imports.
    fn complete(&self, mut play: Play, given: &Map, diagnostics: &mut Diagnostics) -> Play {
        let playbook_dir = absolute(play.file.parent().unwrap_or(Path::new("")));
        let mut static_vars = play.vars.as_ref().clone();
        static_vars.extend(given.clone());
        static_vars.insert("playbook_dir".into(), Value::str(playbook_dir.to_string_lossy()));
        let mut loader = Loader {
            files: self.files,
            modules: self.modules,
            engine: self.engine,
            scope: self.static_scope(&static_vars),
            extra_vars: self.extra_vars.clone(),
            role_paths: self.role_paths.clone(),
            library_paths: self.library_paths.clone(),
            playbook_dir,
            diagnostics,
            public_roles: Vec::new(),
            handlers: Vec::new(),
            importing: Vec::new(),
        };
        let context =
            Context { attributes: play.attributes.as_ref().clone(), file: play.file.clone(), ..Context::default() };
        play.pre_tasks = loader.expand(play.pre_tasks.to_vec()).into();
        let entries = std::mem::take(&mut play.role_entries);
        let roles: Vec<Item> =
            entries.into_iter().filter_map(|entry| loader.load_role_entry(entry, &context)).collect();
        play.roles = roles.into();
        play.tasks = loader.expand(play.tasks.to_vec()).into();
        play.post_tasks = loader.expand(play.post_tasks.to_vec()).into();
        let own = loader.expand(play.handlers.to_vec());
        // The play's own handlers come last: of several with one name, the last is notified.
        let mut handlers = std::mem::take(&mut loader.handlers);
        handlers.extend(own);
        play.handlers = handlers.into();
        play.public_roles = std::mem::take(&mut loader.public_roles);
        play
    }
}

/// Gives the plays of an imported playbook the import's tags, conditions and variables.
fn impose(play: &mut Play, attributes: &Attributes, vars: &Map) {
    if !vars.is_empty() {
        let mut merged = play.vars.as_ref().clone();
        merged.extend(vars.clone());
        play.vars = Arc::new(merged);
    }
    let mut imposed = Attributes::default();
    for (keyword, attribute) in
        attributes.iter().filter(|(keyword, _)| matches!(keyword, Keyword::Tags | Keyword::When))
    {
        imposed.set(keyword, attribute.value.clone(), attribute.span);
    }
    if imposed.iter().next().is_none() {
        return;
    }
    play.attributes = Arc::new(play.attributes.below(&imposed));
    for list in [&mut play.pre_tasks, &mut play.roles, &mut play.tasks, &mut play.post_tasks] {
        *list = list.iter().map(|item| impose_on(item, &imposed)).collect();
    }
}

fn impose_on(item: &Item, imposed: &Attributes) -> Item {
    match item {
        Item::Task(task) => {
            let mut task = task.as_ref().clone();
            task.attributes = Arc::new(task.attributes.below(imposed));
            Item::Task(Arc::new(task))
        }
        Item::Block(block) => {
            let mut block = block.as_ref().clone();
            block.attributes = Arc::new(block.attributes.below(imposed));
            for list in [&mut block.body, &mut block.rescue, &mut block.always] {
                *list = list.iter().map(|item| impose_on(item, imposed)).collect();
            }
            Item::Block(Arc::new(block))
        }
        Item::Fork(fork) => {
            let mut fork = fork.as_ref().clone();
            for strand in &mut fork.strands {
                strand.items = strand.items.iter().map(|item| impose_on(item, imposed)).collect();
            }
            Item::Fork(Arc::new(fork))
        }
        Item::Gap => Item::Gap,
    }
}

/// A play's items in the order in which they run: fact gathering, then each section with the
/// handlers that it notified.
pub fn sections(play: &Play, force_handlers: bool) -> Vec<Item> {
    let mut items = vec![Item::Task(Arc::new(gathering(play)))];
    let main: Vec<Item> = play.roles.iter().chain(play.tasks.iter()).cloned().collect();
    for (index, list) in [play.pre_tasks.to_vec(), main, play.post_tasks.to_vec()].into_iter().enumerate() {
        if list.is_empty() && index != 1 {
            continue;
        }
        let flush = Item::Task(Arc::new(flush(play)));
        let mut section = Block {
            id: NodeId::fresh(),
            kind: BlockKind::Section,
            name: None,
            label: None,
            span: None,
            attributes: play.attributes.clone(),
            body: Fork::split(list),
            rescue: Arc::default(),
            always: Arc::default(),
            needs: None,
            vars: Arc::default(),
        };
        if force_handlers {
            section.always = Arc::from([flush]);
            items.push(Item::Block(Arc::new(section)));
        } else {
            items.push(Item::Block(Arc::new(section)));
            items.push(flush);
        }
    }
    items
}

fn implicit(play: &Play, name: &str, action: Action, attributes: Attributes) -> Task {
    Task {
        id: NodeId::fresh(),
        name: Some(Value::str(name)),
        label: None,
        span: play.span,
        attributes: Arc::new(attributes),
        around: Arc::default(),
        action,
        looping: None,
        vars: Vec::new(),
        own_vars: Arc::default(),
        include_vars: Vec::new(),
        role: None,
        file: play.file.clone(),
        handler: false,
        implicit: true,
        needs: None,
    }
}

fn flush(play: &Play) -> Task {
    let mut attributes = Attributes::default();
    attributes.set(Keyword::Tags, Value::from(vec!["always"]), None);
    implicit(play, "flush_handlers", Action::Meta(Meta::FlushHandlers), attributes)
}

/// The task that gathers facts; whether it runs is decided when the play starts.
fn gathering(play: &Play) -> Task {
    let mut args = Map::new();
    for (keyword, name) in [
        (Keyword::GatherSubset, "gather_subset"),
        (Keyword::GatherTimeout, "gather_timeout"),
        (Keyword::FactPath, "fact_path"),
    ] {
        if let Some(value) = play.attributes.get(keyword) {
            args.insert(name.into(), value.clone());
        }
    }
    let name: Arc<str> = Arc::from("ansible.builtin.setup");
    let action = Action::Module { name, written: Arc::from("gather_facts"), args: Value::map(args), span: play.span };
    let mut attributes = Attributes::default().below(&play.attributes);
    attributes.remove(Keyword::Tags);
    attributes.remove(Keyword::When);
    // Gathering runs whatever tags are asked for.
    let mut tags = play.attributes.items(Keyword::Tags);
    tags.push(Value::str("always"));
    attributes.set(Keyword::Tags, Value::list(tags), None);
    implicit(play, "Gathering Facts", action, attributes)
}

/// A path from the root, without touching links.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(if path.as_os_str().is_empty() { Path::new(".") } else { path })
        .unwrap_or_else(|_| path.to_path_buf())
}
