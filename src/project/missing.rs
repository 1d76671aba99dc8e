//! Files and roles that tasks name in plain words and that are not there: said before anything
//! runs. What may never be reached, or may be made by the run itself, is left to the run.

use super::search::{SearchPath, find_in};
use super::{absolute, expand_home_path};
use crate::playbook::{Action, Attributes, BlockKind, IncludeRole, IncludeTasks, Item, Keyword, Play, TagFilter, Task};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::value::{Map, Value, parse_bool};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A module's argument that names a file of the controller.
struct FileArgument {
    module: &'static str,
    names: &'static [&'static str],
    /// The folder of the role or playbook that is searched.
    kind: &'static str,
    /// The argument that makes it a file of the host.
    unless: Option<&'static str>,
}

const FILE_ARGUMENTS: &[FileArgument] = &[
    FileArgument { module: "ansible.builtin.copy", names: &["src"], kind: "files", unless: Some("remote_src") },
    FileArgument { module: "ansible.builtin.template", names: &["src"], kind: "templates", unless: None },
    FileArgument { module: "ansible.builtin.unarchive", names: &["src"], kind: "files", unless: Some("remote_src") },
    FileArgument {
        module: "ansible.builtin.include_vars",
        names: &["file", "_raw_params"],
        kind: "vars",
        unless: None,
    },
];

/// Modules that bring files to the controller.
const FETCHERS: &[&str] = &["ansible.builtin.fetch", "ansible.builtin.slurp"];

/// Notes what is missing in plays.
pub fn check_missing(plays: &[Arc<Play>], role_paths: &[PathBuf], tags: &TagFilter, diagnostics: &mut Diagnostics) {
    let mut check = Check { role_paths, tags, diagnostics, playbook_dir: PathBuf::new(), makes_files: false };
    for play in plays {
        check.playbook_dir = absolute(play.file.parent().unwrap_or(Path::new("")));
        check.play(play);
    }
}

struct Check<'a> {
    role_paths: &'a [PathBuf],
    tags: &'a TagFilter,
    diagnostics: &'a mut Diagnostics,
    playbook_dir: PathBuf,
    /// Some task before acts on the controller, so that it may make the file that a later one names.
    makes_files: bool,
}

impl Check<'_> {
    fn play(&mut self, play: &Play) {
        self.makes_files |= is_local(&play.attributes) || play.hosts.value.as_str().is_some_and(names_localhost);
        if !self.makes_files {
            self.vars_files(play);
        }
        for list in [&play.pre_tasks, &play.roles, &play.tasks, &play.post_tasks, &play.handlers] {
            self.items(list);
        }
    }

    fn vars_files(&mut self, play: &Play) {
        let folder = play.file.parent().map(Path::to_path_buf).unwrap_or_default();
        for (value, span) in &play.vars_files {
            if let Value::Str(name) = value {
                if find_in(std::slice::from_ref(&folder), "vars", name).is_none() {
                    self.missing(
                        *span,
                        &format!("the file of variables `{name}` was not found"),
                        std::slice::from_ref(&folder),
                    );
                }
            }
        }
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Task(task) => self.task(task),
                Item::Block(block) => {
                    // A failure in such a block is taken care of.
                    if block.rescue.is_empty() {
                        self.items(&block.body);
                    }
                    if !matches!(block.kind, BlockKind::Section) {
                        self.items(&block.rescue);
                    }
                    self.items(&block.always);
                }
                Item::Fork(fork) => fork.strands.iter().for_each(|strand| self.items(&strand.items)),
                Item::Gap => {}
            }
        }
    }

    fn task(&mut self, task: &Task) {
        let attributes = &task.attributes;
        let may_fail = [Keyword::When, Keyword::IgnoreErrors, Keyword::FailedWhen, Keyword::Until]
            .into_iter()
            .any(|keyword| attributes.get(keyword).is_some());
        if !task.implicit && !may_fail && self.is_chosen(attributes) {
            match &task.action {
                Action::Module { name, args, .. } => self.module(task, name, args),
                Action::IncludeTasks(include) => self.include_tasks(task, include),
                Action::IncludeRole(include) => self.include_role(task, include),
                Action::Templated { .. } | Action::Meta(_) | Action::ImportTasks(_) | Action::ImportRole(_) => {}
            }
        }
        let fetches = matches!(&task.action, Action::Module { name, .. } if FETCHERS.contains(&name.as_ref()));
        // What an include brings in is not known.
        let unknown = matches!(&task.action, Action::IncludeTasks(_) | Action::IncludeRole(_));
        self.makes_files |= fetches || unknown || is_local(attributes);
    }

    /// Whether the tags let the task run; those with templates count as if they did not.
    fn is_chosen(&self, attributes: &Attributes) -> bool {
        let mut tags = BTreeSet::new();
        for tag in attributes.items(Keyword::Tags) {
            match &tag {
                Value::Str(text) => tags.extend(text.split(',').map(|tag| tag.trim().to_owned())),
                _ => return false,
            }
        }
        self.tags.chooses(&tags)
    }

    fn module(&mut self, task: &Task, module: &str, args: &Value) {
        let Some(args) = args.as_map() else { return };
        for argument in FILE_ARGUMENTS.iter().filter(|argument| argument.module == module) {
            let elsewhere =
                argument.unless.is_some_and(|name| args.get(name).is_some_and(|flag| parse_bool(flag) != Some(false)));
            if elsewhere {
                continue;
            }
            if let Some(name) = literal(args, argument.names) {
                self.file(task, argument.kind, &name);
            }
        }
    }

    fn file(&mut self, task: &Task, kind: &str, name: &str) {
        // Absolute names and addresses are the machine's business, and often made by what runs before.
        if name.is_empty() || name.contains("://") || expand_home_path(name).is_absolute() || self.makes_files {
            return;
        }
        let folders = SearchPath::of(task, &self.playbook_dir).0;
        if find_in(&folders, kind, name).is_none() {
            let folders: Vec<PathBuf> = folders.iter().flat_map(|folder| [folder.join(kind), folder.clone()]).collect();
            self.missing(argument_span(task), &format!("the file `{name}` was not found"), &folders);
        }
    }

    fn include_tasks(&mut self, task: &Task, include: &IncludeTasks) {
        let Value::Str(name) = &include.file else { return };
        if expand_home_path(name).is_absolute() {
            return;
        }
        let mut folders = SearchPath::of(task, &self.playbook_dir).0;
        folders.extend(task.role.iter().map(|role| role.path.join("handlers")));
        if find_in(&folders, "tasks", name).is_none() {
            self.missing(include.span, &format!("the file of tasks `{name}` was not found"), &folders);
        }
    }

    fn include_role(&mut self, task: &Task, include: &IncludeRole) {
        let Value::Str(name) = &include.name else { return };
        let path = expand_home_path(name);
        // A name with two dots may be a role of a collection.
        if path.is_absolute() || name.matches('.').count() >= 2 {
            return;
        }
        let beside = task.role.iter().filter_map(|role| role.path.parent().map(Path::to_path_buf));
        let own = [self.playbook_dir.join("roles"), self.playbook_dir.clone()];
        let folders: Vec<PathBuf> = own.into_iter().chain(self.role_paths.iter().cloned()).chain(beside).collect();
        if !folders.iter().any(|folder| folder.join(&path).is_dir()) {
            self.missing(include.span, &format!("the role `{name}` was not found"), &folders);
        }
    }

    fn missing(&mut self, span: Option<Span>, message: &str, folders: &[PathBuf]) {
        let mut searched: Vec<String> = Vec::new();
        for folder in folders.iter().map(|folder| absolute(folder).display().to_string()) {
            if !searched.contains(&folder) {
                searched.push(folder);
            }
        }
        let name = message.split('`').nth(1).unwrap_or_default();
        let beside: Vec<String> = folders.iter().flat_map(|folder| names_in(&absolute(folder))).collect();
        self.diagnostics.push(
            Diagnostic::error("no-such-file", span, message)
                .with_note(None, format!("searched in {}", searched.join(", ")))
                .with_nearest(name, beside.iter().map(String::as_str)),
        );
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The plain text of the first of these arguments that is there.
fn literal(args: &Map, names: &[&str]) -> Option<String> {
    match names.iter().find_map(|name| args.get(*name))? {
        Value::Str(text) => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// The place of the module's name: arguments have none of their own.
fn argument_span(task: &Task) -> Option<Span> {
    match &task.action {
        Action::Module { span, .. } => span.or(task.span),
        _ => task.span,
    }
}

fn names_localhost(pattern: &str) -> bool {
    crate::inventory::LOCALHOST_NAMES.iter().any(|name| pattern.contains(name))
}

fn is_local(attributes: &Attributes) -> bool {
    let text = |keyword| attributes.get(keyword).map(Value::to_string).unwrap_or_default();
    let delegate = text(Keyword::DelegateTo);
    names_localhost(&delegate) || delegate.contains("{{") || matches!(text(Keyword::Connection).as_str(), "local")
}
