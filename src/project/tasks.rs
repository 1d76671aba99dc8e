//! Files of tasks, with imports replaced by what they bring in.

use super::roles::{RoleFiles, RoleUse};
use super::{Files, Library, find_in};
use crate::playbook::{
    Action, Block, BlockKind, Context, Fork, IncludeRole, IncludeTasks, Item, Keyword, ModuleCatalog, NodeId, Reader,
    Role, Strand, Task,
};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::template::{Engine, Overlay, Scope};
use crate::value::{Map, Value, parse_bool};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Loads tasks and roles, whole or one include at a time.
pub struct Loader<'a> {
    /// Reads files.
    pub files: &'a Files,
    /// Finds modules.
    pub modules: &'a dyn ModuleCatalog,
    /// Renders names of imported files and roles.
    pub engine: &'a Engine,
    /// What is known before any host is: variables of the play and of the command line.
    pub scope: Arc<dyn Scope>,
    /// `--extra-vars`, which win over the variables of an import itself.
    pub extra_vars: Arc<Map>,
    /// Folders of roles, after the playbook's own.
    pub role_paths: Vec<PathBuf>,
    /// Folders of modules, after those of roles and the playbook's own.
    pub library_paths: Vec<PathBuf>,
    /// The folder of the playbook.
    pub playbook_dir: PathBuf,
    /// What was wrong so far.
    pub diagnostics: &'a mut Diagnostics,
    /// Roles whose variables the whole play sees.
    pub public_roles: Vec<Arc<Role>>,
    /// Handlers of roles.
    pub handlers: Vec<Item>,
    /// The files that are being imported, outermost first.
    pub importing: Vec<PathBuf>,
}

impl Loader<'_> {
    pub(crate) fn reader(&mut self) -> Reader<'_> {
        Reader { modules: self.modules, diagnostics: self.diagnostics }
    }

    /// Reads a file of tasks, imports expanded.
    pub fn load_tasks(&mut self, path: &Path, context: &Context) -> Vec<Item> {
        if self.importing.iter().any(|importing| importing == path) && self.importing.len() > 40 {
            let message = format!("{} imports itself", path.display());
            self.diagnostics.push(Diagnostic::error("import-cycle", None, message));
            return Vec::new();
        }
        let Some(node) = self.files.read_yaml(path, self.diagnostics) else { return Vec::new() };
        let context = Context { file: Arc::new(path.to_path_buf()), ..context.clone() };
        self.importing.push(path.to_path_buf());
        let library = Library { built_in: self.modules, folders: self.library_folders(&context) };
        let items = Reader { modules: &library, diagnostics: self.diagnostics }.read_list(&node, &context);
        let items = self.expand(items);
        self.importing.pop();
        items
    }

    /// Where the project's own modules are, as seen from a role or the playbook.
    fn library_folders(&self, context: &Context) -> Vec<PathBuf> {
        let roles = context.role.iter().flat_map(|role| std::iter::once(role).chain(role.parents.iter().rev()));
        let own = roles.map(|role| role.path.join("library"));
        own.chain([self.playbook_dir.join("library")]).chain(self.library_paths.iter().cloned()).collect()
    }

    /// Replaces imports by blocks.
    pub fn expand(&mut self, items: Vec<Item>) -> Vec<Item> {
        items.into_iter().filter_map(|item| self.expand_item(item)).collect()
    }

    fn expand_item(&mut self, item: Item) -> Option<Item> {
        match item {
            Item::Task(task) => match &task.action {
                Action::ImportTasks(import) => self.import_tasks(&task, import),
                Action::ImportRole(import) => self.import_role(&task, import),
                _ => Some(Item::Task(task)),
            },
            Item::Block(block) => {
                let mut block = Arc::unwrap_or_clone(block);
                block.body = self.expand(block.body.to_vec()).into();
                block.rescue = self.expand(block.rescue.to_vec()).into();
                block.always = self.expand(block.always.to_vec()).into();
                Some(Item::Block(Arc::new(block)))
            }
            Item::Fork(fork) => {
                let strand = |loader: &mut Self, strand: &Strand| Strand {
                    needs: strand.needs.clone(),
                    items: loader.expand(strand.items.to_vec()).into(),
                };
                let strands = fork.strands.iter().map(|one| strand(self, one)).collect();
                Some(Item::Fork(Arc::new(Fork { id: fork.id, strands })))
            }
            Item::Gap => Some(Item::Gap),
        }
    }

    fn import_tasks(&mut self, task: &Task, import: &IncludeTasks) -> Option<Item> {
        let name = self.render_static(&import.file, import.span, "the name of an imported file", &task.vars)?;
        let context = child_context(task, &import.apply, &import.apply_vars);
        match self.find_tasks_file(task, &name) {
            Some(path) => {
                let body = self.load_tasks(&path, &context);
                Some(self.file_block(task, &name, context, body))
            }
            None => {
                self.no_such_tasks_file(task, &name, import.span);
                None
            }
        }
    }

    fn import_role(&mut self, task: &Task, import: &IncludeRole) -> Option<Item> {
        let context = child_context(task, &import.apply, &import.apply_vars);
        let role_use = self.role_use(task, import, true)?;
        self.load_role(role_use, &context)
    }

    /// Turns an import's or include's arguments, rendered already or renderable now, into a use of a role.
    pub(crate) fn role_use(&mut self, task: &Task, include: &IncludeRole, public: bool) -> Option<RoleUse> {
        let vars = &task.vars;
        let mut text = |value: &Option<Value>, what: &str| match value {
            Some(value) => self.render_optional(value, include.span, what, vars),
            None => Some(None),
        };
        let from = RoleFiles {
            tasks: text(&include.tasks_from, "tasks_from")?,
            vars: text(&include.vars_from, "vars_from")?,
            defaults: text(&include.defaults_from, "defaults_from")?,
            handlers: text(&include.handlers_from, "handlers_from")?,
        };
        let mut flag = |value: &Option<Value>, what: &str, default: bool| {
            let text = text(value, what)?;
            Some(text.and_then(|text| parse_bool(&Value::str(text))).unwrap_or(default))
        };
        let (allow_duplicates, public, validate) = (
            flag(&include.allow_duplicates, "allow_duplicates", true)?,
            flag(&include.public, "public", public)?,
            flag(&include.rolespec_validate, "rolespec_validate", true)?,
        );
        Some(RoleUse {
            name: self.render_static(&include.name, include.span, "the name of a role", vars)?,
            span: include.span,
            attributes: crate::playbook::Attributes::default(),
            vars: crate::value::Map::new(),
            params: crate::value::Map::new(),
            label: task.label.clone(),
            needs: task.needs.clone(),
            from,
            allow_duplicates: Some(allow_duplicates),
            public,
            validate,
        })
    }

    /// A block around an included or imported file's tasks.
    pub(crate) fn file_block(&mut self, task: &Task, name: &str, context: Context, body: Vec<Item>) -> Item {
        let title = task.name.as_ref().map_or_else(|| name.to_owned(), Value::to_string);
        Item::Block(Arc::new(Block {
            id: NodeId::fresh(),
            kind: BlockKind::File,
            name: Some(Arc::from(title)),
            label: task.label.clone(),
            span: task.span,
            attributes: Arc::new(context.attributes),
            body: Fork::split(body),
            rescue: Arc::default(),
            always: Arc::default(),
            needs: task.needs.clone(),
            vars: Arc::default(),
        }))
    }

    /// Finds a file of tasks as seen from a task: beside its file, in its role, beside the playbook.
    pub(crate) fn find_tasks_file(&self, task: &Task, name: &str) -> Option<PathBuf> {
        let mut folders: Vec<PathBuf> = task.file.parent().map(Path::to_path_buf).into_iter().collect();
        if let Some(role) = &task.role {
            let inside = if task.handler { "handlers" } else { "tasks" };
            folders.push(role.path.join(inside));
            folders.push(role.path.join("tasks"));
            folders.push(role.path.clone());
        }
        folders.push(self.playbook_dir.clone());
        find_in(&folders, "tasks", name).filter(|path| path.is_file())
    }

    pub(crate) fn no_such_tasks_file(&mut self, task: &Task, name: &str, span: Option<Span>) {
        let folder = task.file.parent().map(Path::to_path_buf).unwrap_or_default();
        let beside = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names: Vec<String> = beside.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        self.diagnostics.push(
            Diagnostic::error("no-such-file", span, format!("the file of tasks `{name}` was not found"))
                .with_nearest(name, names.iter().map(String::as_str)),
        );
    }

    /// Renders a name that must be known before any host is; `vars` are those around it.
    pub(crate) fn render_static(
        &mut self,
        value: &Value,
        span: Option<Span>,
        what: &str,
        vars: &[Arc<Map>],
    ) -> Option<String> {
        match self.render_optional(value, span, what, vars)? {
            Some(text) => Some(text),
            None => {
                self.diagnostics.push(Diagnostic::error("unknown-name", span, format!("{what} cannot be omitted")));
                None
            }
        }
    }

    /// The same; Some(None) when the value is omitted.
    fn render_optional(
        &mut self,
        value: &Value,
        span: Option<Span>,
        what: &str,
        vars: &[Arc<Map>],
    ) -> Option<Option<String>> {
        let mut over = Map::new();
        vars.iter().for_each(|map| over.extend(map.as_ref().clone()));
        over.retain(|name, _| !self.extra_vars.contains_key(name));
        let scope: Arc<dyn Scope> = Arc::new(Overlay { over, under: self.scope.clone() });
        match self.engine.resolve_top(value, &scope) {
            Ok(value) => Some(value.map(|value| value.to_string())),
            Err(error) => {
                self.diagnostics.push(
                    Diagnostic::error("unknown-name", error.span.or(span), format!("{what} cannot be known: {}", error.message))
                        .with_help("an import is read before any host is known: use an include, or variables of the play or the command line"),
                );
                None
            }
        }
    }
}

/// What surrounds the tasks that an import or include brings in.
pub(crate) fn child_context(
    task: &Task,
    apply: &crate::playbook::Attributes,
    apply_vars: &Arc<crate::value::Map>,
) -> Context {
    let mut vars = task.vars.clone();
    if !apply_vars.is_empty() {
        vars.push(apply_vars.clone());
    }
    let mut attributes = apply.below(&task.attributes);
    // An import's own name and id are its own.
    attributes.remove(Keyword::Name);
    Context {
        attributes,
        vars,
        include_vars: task.include_vars.clone(),
        role: task.role.clone(),
        file: task.file.clone(),
        handlers: task.handler,
        rescued: false,
    }
}
