//! Finds roles and reads what is in a role's folder.

use super::vars::vars_files;
use super::{Files, Loader, load_vars_file};
use crate::playbook::{
    Action, Attributes, Block, BlockKind, Context, Fork, Item, Keyword, Need, NodeId, Role, RoleEntry, Task,
};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::value::{Map, Value, parse_bool};
use crate::yaml::Node;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of a role that an entry, import or include may choose.
#[derive(Debug, Clone, Default)]
pub struct RoleFiles {
    /// In `tasks/`.
    pub tasks: Option<String>,
    /// In `vars/`.
    pub vars: Option<String>,
    /// In `defaults/`.
    pub defaults: Option<String>,
    /// In `handlers/`.
    pub handlers: Option<String>,
}

/// One use of a role.
pub(crate) struct RoleUse {
    pub name: String,
    pub span: Option<Span>,
    pub attributes: Attributes,
    pub vars: Map,
    pub params: Map,
    pub label: Option<Arc<str>>,
    pub needs: Option<Vec<Need>>,
    pub from: RoleFiles,
    /// None: what the role's meta says.
    pub allow_duplicates: Option<bool>,
    pub public: bool,
    pub validate: bool,
}

/// What `meta/main.yml` says.
#[derive(Default)]
struct Meta {
    dependencies: Vec<RoleEntry>,
    allow_duplicates: bool,
    argument_specs: Option<Value>,
}

/// How deep roles and files may pull in each other before it is taken for a circle.
const DEEPEST: usize = 60;

impl Loader<'_> {
    /// Loads an entry of `roles:`.
    pub(crate) fn load_role_entry(&mut self, entry: RoleEntry, context: &Context) -> Option<Item> {
        let name = self.render_static(&entry.name, entry.span, "the name of a role", &context.vars)?;
        let role_use = RoleUse {
            name,
            span: entry.span,
            attributes: entry.attributes,
            vars: entry.vars,
            params: entry.params,
            label: entry.label,
            needs: entry.needs,
            from: RoleFiles::default(),
            allow_duplicates: None,
            public: true,
            validate: true,
        };
        self.load_role(role_use, context)
    }

    /// Loads a role as a block; its handlers and, when public, its variables go to the loader.
    pub(crate) fn load_role(&mut self, role_use: RoleUse, context: &Context) -> Option<Item> {
        let path = self.find_role(&role_use, context)?;
        let parents = parent_roles(context);
        if parents.len() > DEEPEST || parents.iter().filter(|role| role.path == path).count() > 8 {
            self.diagnostics.push(Diagnostic::error(
                "role-cycle",
                role_use.span,
                format!("role `{}` depends on itself", role_use.name),
            ));
            return None;
        }
        let meta = self.read_meta(&path);
        let attributes = role_use.attributes.below(&context.attributes);
        let mut inner = context.clone();
        inner.attributes = attributes.clone();
        if !role_use.vars.is_empty() {
            inner.vars.push(Arc::new(role_use.vars.clone()));
        }
        let role = Arc::new(self.make_role(&role_use, &meta, path, parents, &attributes));
        inner.role = Some(role.clone());
        let body = self.role_body(&role, &role_use, meta, &inner);
        // After its dependencies, so that its own defaults win over theirs.
        if role.public {
            self.public_roles.push(role.clone());
        }
        Some(Item::Block(Arc::new(Block {
            id: NodeId::fresh(),
            name: Some(role.name.clone()),
            kind: BlockKind::Role(role),
            label: role_use.label,
            span: role_use.span,
            attributes: Arc::new(attributes),
            body: body.into(),
            rescue: Arc::default(),
            always: Arc::default(),
            needs: role_use.needs,
            vars: Arc::default(),
        })))
    }

    fn role_body(&mut self, role: &Arc<Role>, role_use: &RoleUse, meta: Meta, inner: &Context) -> Vec<Item> {
        let mut body = Vec::new();
        for dependency in meta.dependencies {
            body.extend(self.load_role_entry(dependency, inner));
        }
        let entry_point = role_use.from.tasks.as_deref().unwrap_or("main");
        if let Some(specs) = meta.argument_specs.as_ref().filter(|_| role_use.validate) {
            body.extend(validation(role, role_use, specs, entry_point, inner).map(|task| Item::Task(Arc::new(task))));
        }
        let handlers = Context { handlers: true, ..inner.clone() };
        let handlers =
            self.load_role_list(role, "handlers", role_use.from.handlers.as_deref(), role_use.span, &handlers);
        self.handlers.extend(handlers);
        let tasks = self.load_role_list(role, "tasks", role_use.from.tasks.as_deref(), role_use.span, inner);
        body.extend(Fork::split(tasks).iter().cloned());
        body
    }

    fn make_role(
        &mut self,
        role_use: &RoleUse,
        meta: &Meta,
        path: PathBuf,
        parents: Vec<Arc<Role>>,
        attributes: &Attributes,
    ) -> Role {
        let own_defaults = self.load_role_vars(&path, "defaults", role_use.from.defaults.as_deref(), role_use.span);
        let own_vars = self.load_role_vars(&path, "vars", role_use.from.vars.as_deref(), role_use.span);
        let (mut defaults, mut vars) = (Map::new(), Map::new());
        for parent in &parents {
            defaults.extend(parent.defaults.as_ref().clone());
            vars.extend(parent.vars.as_ref().clone());
        }
        defaults.extend(own_defaults);
        vars.extend(own_vars);
        let conditions = [Keyword::When, Keyword::Tags].map(|keyword| Value::list(attributes.items(keyword)).repr());
        let key = format!(
            "{} {:?} {} {} {conditions:?}",
            path.display(),
            role_use.from,
            Value::map(role_use.params.clone()).repr(),
            Value::map(role_use.vars.clone()).repr(),
        );
        Role {
            name: Arc::from(role_use.name.rsplit('/').next().unwrap_or(&role_use.name)),
            path,
            defaults: Arc::new(defaults),
            vars: Arc::new(vars),
            params: Arc::new(role_use.params.clone()),
            parents,
            key,
            allow_duplicates: role_use.allow_duplicates.unwrap_or(meta.allow_duplicates),
            public: role_use.public,
        }
    }

    fn find_role(&mut self, role_use: &RoleUse, context: &Context) -> Option<PathBuf> {
        let name = super::search::expand_home(&role_use.name);
        let mut folders = vec![self.playbook_dir.join("roles")];
        folders.extend(self.role_paths.iter().cloned());
        if let Some(parent) = context.role.as_ref().and_then(|role| role.path.parent()) {
            folders.push(parent.to_path_buf());
        }
        folders.push(self.playbook_dir.clone());
        let in_collection = self.find_collection_role(&role_use.name);
        let found = match name.is_absolute() {
            _ if in_collection.is_some() => in_collection,
            true => Some(name.clone()).filter(|path| path.is_dir()),
            false => folders.iter().map(|folder| folder.join(&name)).find(|path| path.is_dir()),
        };
        if found.is_none() {
            let known = role_names(&folders);
            let searched: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
            self.diagnostics.push(
                Diagnostic::error("no-such-role", role_use.span, format!("the role `{}` was not found", role_use.name))
                    .with_note(None, format!("searched in {}", searched.join(", ")))
                    .with_nearest(&role_use.name, known.iter().map(String::as_str)),
            );
        }
        found
    }

    /// `namespace.collection.role` in a folder of collections beside the playbook or at the usual places.
    fn find_collection_role(&self, name: &str) -> Option<PathBuf> {
        let mut parts = name.splitn(3, '.');
        let (namespace, collection, role) = (parts.next()?, parts.next()?, parts.next()?);
        let folders = [
            self.playbook_dir.join("collections"),
            super::expand_home_path("~/.ansible/collections"),
            PathBuf::from("/usr/share/ansible/collections"),
        ];
        let place = |folder: &PathBuf| {
            folder
                .join("ansible_collections")
                .join(namespace)
                .join(collection)
                .join("roles")
                .join(role.replace('.', "/"))
        };
        folders.iter().map(place).find(|path| path.is_dir())
    }

    /// `folder/main` or the file that was asked for; a missing `main` is no mistake.
    fn role_file(&mut self, path: &Path, folder: &str, from: Option<&str>, span: Option<Span>) -> Vec<PathBuf> {
        let name = from.unwrap_or("main");
        let found = vars_files(&path.join(folder).join(name));
        if found.is_empty() && from.is_some() {
            let place = path.join(folder);
            self.diagnostics.push(Diagnostic::error(
                "no-such-file",
                span,
                format!("no `{name}` (or .yml, .yaml, .json) in {}", place.display()),
            ));
        }
        found
    }

    fn load_role_vars(&mut self, path: &Path, folder: &str, from: Option<&str>, span: Option<Span>) -> Map {
        let mut merged = Map::new();
        for file in self.role_file(path, folder, from, span) {
            merged.extend(load_vars_file(self.files, &file, self.diagnostics));
        }
        merged
    }

    fn load_role_list(
        &mut self,
        role: &Arc<Role>,
        folder: &str,
        from: Option<&str>,
        span: Option<Span>,
        context: &Context,
    ) -> Vec<Item> {
        // Handlers may be missing even when a file was asked for by tasks_from only.
        let files = self.role_file(&role.path, folder, from, span);
        files.first().map(|file| self.load_tasks(file, context)).unwrap_or_default()
    }

    fn read_meta(&mut self, path: &Path) -> Meta {
        let mut meta = Meta::default();
        if let Some(node) = read_main(self.files, &path.join("meta"), "main", self.diagnostics) {
            if let Some(list) = node.get("dependencies") {
                meta.dependencies = self.reader().read_role_entries(list);
            }
            meta.allow_duplicates =
                node.get("allow_duplicates").and_then(|node| parse_bool(&node.to_value())).unwrap_or(false);
            meta.argument_specs = node.get("argument_specs").map(Node::to_data);
        }
        if let Some(node) = read_main(self.files, &path.join("meta"), "argument_specs", self.diagnostics) {
            meta.argument_specs = node.get("argument_specs").map(Node::to_data);
        }
        meta
    }
}

fn read_main(files: &Files, folder: &Path, name: &str, diagnostics: &mut Diagnostics) -> Option<Node> {
    let file = vars_files(&folder.join(name)).into_iter().next()?;
    files.read_yaml(&file, diagnostics)
}

fn parent_roles(context: &Context) -> Vec<Arc<Role>> {
    context.role.iter().flat_map(|role| role.parents.iter().cloned().chain([role.clone()])).collect()
}

fn role_names(folders: &[PathBuf]) -> Vec<String> {
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// The task that checks a role's arguments before its first own task.
fn validation(
    role: &Arc<Role>,
    role_use: &RoleUse,
    specs: &Value,
    entry_point: &str,
    context: &Context,
) -> Option<Task> {
    let entry_point = entry_point.trim_end_matches(".yml").trim_end_matches(".yaml");
    let spec = specs.get(entry_point)?;
    let options = spec.get("options").cloned().unwrap_or_else(|| Value::map(Map::new()));
    let mut attributes = context.attributes.clone();
    let mut tags = attributes.items(Keyword::Tags);
    tags.push(Value::str("always"));
    attributes.set(Keyword::Tags, Value::list(tags), None);
    let short = spec.get("short_description").and_then(Value::as_str);
    let title = match short {
        Some(short) => format!("Validating arguments against arg spec '{entry_point}' - {short}"),
        None => format!("Validating arguments against arg spec '{entry_point}'"),
    };
    let name: Arc<str> = Arc::from("ansible.builtin.validate_argument_spec");
    let where_ = Value::from([
        ("type", Value::str("role")),
        ("name", Value::str(role.short_name())),
        ("argument_spec_name", Value::str(entry_point)),
        ("path", Value::str(role.path.to_string_lossy())),
    ]);
    Some(Task {
        id: NodeId::fresh(),
        name: Some(Value::str(title)),
        label: None,
        span: role_use.span,
        attributes: Arc::new(attributes),
        around: Arc::default(),
        action: Action::Module {
            name: name.clone(),
            written: name,
            args: Value::from([
                ("argument_spec", options),
                ("provided_arguments", Value::map(role_use.params.clone())),
                ("validate_args_context", where_),
            ]),
            span: role_use.span,
        },
        looping: None,
        vars: context.vars.clone(),
        own_vars: Arc::default(),
        include_vars: context.include_vars.clone(),
        role: Some(role.clone()),
        file: Arc::new(role.path.join("meta/argument_specs.yml")),
        handler: false,
        implicit: true,
        needs: None,
    })
}
