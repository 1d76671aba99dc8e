//! Playbook files and plays.

use super::task::label;
use super::{Context, Reader};
use crate::playbook::{Attributes, HostsPattern, Item, Keyword, Level, NodeId, Play, PlaybookEntry, VarsPrompt};
use crate::source::{Diagnostic, Span};
use crate::value::{Key, Map, Value, parse_bool};
use crate::yaml::{Entry, Node};
use std::path::PathBuf;
use std::sync::Arc;

/// Names of `import_playbook`.
const IMPORTS: &[&str] = &["import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook"];

impl Reader<'_> {
    /// Reads a playbook file: a list of plays and imports.
    pub fn read_playbook(&mut self, node: &Node, file: &Arc<PathBuf>) -> Vec<PlaybookEntry> {
        let Some(items) = node.as_list() else {
            self.diagnostics.push(
                Diagnostic::error(
                    "not-a-playbook",
                    node.span,
                    format!("a playbook is a list of plays, not {}", node.describe_kind()),
                )
                .with_help("begin each play with `- hosts:`"),
            );
            return Vec::new();
        };
        items.iter().filter_map(|item| self.read_playbook_entry(item, file)).collect()
    }

    fn read_playbook_entry(&mut self, node: &Node, file: &Arc<PathBuf>) -> Option<PlaybookEntry> {
        let Some(entries) = node.as_map() else {
            self.error("not-a-play", node.span, format!("a play is a map, not {}", node.describe_kind()));
            return None;
        };
        let import = entries.iter().find(|entry| entry.name().is_some_and(|name| IMPORTS.contains(&name)));
        match import {
            Some(import) => Some(self.read_import(import, entries)),
            None => self.read_play(node, entries, file).map(|play| PlaybookEntry::Play(Box::new(play))),
        }
    }

    fn read_import(&mut self, import: &Entry, entries: &[Entry]) -> PlaybookEntry {
        let mut attributes = Attributes::default();
        let mut vars = Map::new();
        let mut needs = None;
        for entry in entries {
            match entry.name() {
                Some(name) if IMPORTS.contains(&name) => {}
                Some("vars") => vars = self.read_vars(&entry.value),
                Some("needs") => needs = Some(self.read_needs(&entry.value)),
                Some("name" | "tags" | "when") => {
                    self.read_keyword(entry, Level::Block, &mut attributes);
                }
                _ => {
                    let name = entry.key.to_value().to_string();
                    self.diagnostics.push(
                        Diagnostic::error(
                            "unknown-keyword",
                            entry.key.span,
                            format!("`{name}` is not a keyword of import_playbook"),
                        )
                        .with_nearest(&name, ["name", "tags", "vars", "when", "needs"]),
                    );
                }
            }
        }
        PlaybookEntry::Import { file: import.value.to_value(), span: Some(import.value.span), attributes, vars, needs }
    }

    fn read_play(&mut self, node: &Node, entries: &[Entry], file: &Arc<PathBuf>) -> Option<Play> {
        let mut own = Attributes::default();
        let mut draft = Parts::default();
        for entry in entries {
            match entry.name() {
                Some("hosts") => draft.hosts = Some(&entry.value),
                Some("vars") => draft.vars = self.read_vars(&entry.value),
                Some("needs") => draft.needs = Some(self.read_needs(&entry.value)),
                Some("vars_files") => draft.vars_files = vars_files(&entry.value),
                Some("vars_prompt") => draft.vars_prompt = self.read_vars_prompts(&entry.value),
                Some("user") => own.set(Keyword::RemoteUser, entry.value.to_value(), Some(entry.value.span)),
                Some("roles" | "tasks" | "pre_tasks" | "post_tasks" | "handlers") => {}
                _ if self.read_keyword(entry, Level::Play, &mut own) => {}
                _ => self.unknown_keyword(entry, Level::Play),
            }
        }
        let hosts = self.read_hosts(node.span, draft.hosts)?;
        let role_entries = node.get("roles").map(|list| self.read_role_entries(list)).unwrap_or_default();
        let context = Context { attributes: own.clone(), file: file.clone(), ..Context::default() };
        let handlers_context = Context { handlers: true, ..context.clone() };
        let mut list = |key: &str, context: &Context| -> Arc<[Item]> {
            node.get(key).map(|list| self.read_list(list, context)).unwrap_or_default().into()
        };
        let (pre_tasks, tasks, post_tasks) =
            (list("pre_tasks", &context), list("tasks", &context), list("post_tasks", &context));
        let handlers = list("handlers", &handlers_context);
        Some(Play {
            id: NodeId::fresh(),
            name: own.get(Keyword::Name).filter(|name| !name.is_null()).cloned(),
            label: label(&own),
            span: Some(node.span),
            file: file.clone(),
            hosts,
            attributes: Arc::new(own),
            vars: Arc::new(draft.vars),
            vars_files: draft.vars_files,
            vars_prompt: draft.vars_prompt,
            role_entries,
            pre_tasks,
            roles: Arc::default(),
            tasks,
            post_tasks,
            handlers,
            public_roles: Vec::new(),
            needs: draft.needs,
        })
    }

    fn read_hosts(&mut self, play: Span, node: Option<&Node>) -> Option<HostsPattern> {
        let Some(node) = node else {
            self.diagnostics.push(
                Diagnostic::error("no-hosts", play, "this play has no `hosts`")
                    .with_help("say which hosts it is for: `hosts: all`"),
            );
            return None;
        };
        let value = node.to_value();
        let fits = match &value {
            Value::Str(text) => !text.trim().is_empty(),
            Value::Template(_) => true,
            Value::List(items) => !items.is_empty() && items.iter().all(|item| item.as_str().is_some()),
            _ => false,
        };
        if !fits {
            self.error("bad-hosts", node.span, "`hosts` takes a pattern or a list of patterns, and not an empty one");
            return None;
        }
        Some(HostsPattern { value, span: Some(node.span) })
    }

    fn read_vars_prompts(&mut self, node: &Node) -> Vec<VarsPrompt> {
        const KEYS: &[&str] =
            &["name", "prompt", "default", "private", "confirm", "encrypt", "salt", "salt_size", "unsafe"];
        let mut prompts = Vec::new();
        for item in node.as_list().unwrap_or_default() {
            let value = item.to_value();
            let Some(name) = value.get("name").map(Value::to_string) else {
                self.error("bad-vars-prompt", item.span, "an entry of `vars_prompt` is a map with `name`");
                continue;
            };
            for key in value.as_map().into_iter().flat_map(Map::keys).map(Key::to_string) {
                if !KEYS.contains(&key.as_str()) {
                    self.diagnostics.push(
                        Diagnostic::error("unknown-keyword", item.span, format!("`vars_prompt` has no `{key}`"))
                            .with_nearest(&key, KEYS.iter().copied()),
                    );
                }
            }
            let text = |key: &str| value.get(key).filter(|value| !value.is_null()).map(Value::to_string);
            let flag = |key: &str, default| value.get(key).and_then(parse_bool).unwrap_or(default);
            prompts.push(VarsPrompt {
                name,
                prompt: text("prompt"),
                default: value.get("default").cloned(),
                private: flag("private", true),
                confirm: flag("confirm", false),
                encrypt: text("encrypt"),
                salt: text("salt"),
                salt_size: value.get("salt_size").and_then(Value::as_int),
                is_unsafe: flag("unsafe", false),
                span: Some(item.span),
            });
        }
        prompts
    }
}

/// The parts of a play that are no attributes.
#[derive(Default)]
struct Parts<'a> {
    hosts: Option<&'a Node>,
    vars: Map,
    vars_files: Vec<(Value, Option<Span>)>,
    vars_prompt: Vec<VarsPrompt>,
    needs: Option<Vec<crate::playbook::Need>>,
}

fn vars_files(node: &Node) -> Vec<(Value, Option<Span>)> {
    match node.as_list() {
        Some(items) => items.iter().map(|item| (item.to_value(), Some(item.span))).collect(),
        None if node.is_null() => Vec::new(),
        None => vec![(node.to_value(), Some(node.span))],
    }
}
