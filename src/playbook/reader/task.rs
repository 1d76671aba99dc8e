//! Lists of tasks, blocks and handlers.

use super::action::Written;
use super::{Context, Reader};
use crate::playbook::{
    Action, Attributes, Block, BlockKind, Fork, Item, Keyword, Level, Looping, NodeId, Task, parse_key_values,
    split_words,
};
use crate::source::{Diagnostic, Span};
use crate::value::{Key, Map, Value, is_template};
use crate::yaml::{Entry, Node};
use std::sync::Arc;

impl Reader<'_> {
    /// Reads a list of tasks and blocks. What is wrong is left out and noted.
    pub fn read_items(&mut self, node: &Node, context: &Context) -> Arc<[Item]> {
        Fork::split(self.read_list(node, context))
    }

    /// The same, before items with `needs` are split off.
    pub fn read_list(&mut self, node: &Node, context: &Context) -> Vec<Item> {
        match node.as_list() {
            Some(items) => items.iter().filter_map(|item| self.read_item(item, context)).collect(),
            None if node.is_null() => Vec::new(),
            None => {
                self.error(
                    "not-a-list",
                    node.span,
                    format!("a list of tasks is expected, not {}", node.describe_kind()),
                );
                Vec::new()
            }
        }
    }

    fn read_item(&mut self, node: &Node, context: &Context) -> Option<Item> {
        if node.is_null() {
            return None;
        }
        let Some(entries) = node.as_map() else {
            self.error("not-a-task", node.span, format!("a task is a map, not {}", node.describe_kind()));
            return None;
        };
        match node.get("block").is_some() {
            true => self.read_block(node, entries, context).map(|block| Item::Block(Arc::new(block))),
            false => self.read_task(node, entries, context).map(|task| Item::Task(Arc::new(task))),
        }
    }

    fn read_block(&mut self, node: &Node, entries: &[Entry], context: &Context) -> Option<Block> {
        let mut own = Attributes::default();
        let mut vars = Map::new();
        let mut needs = None;
        for entry in entries {
            match entry.name() {
                Some("block" | "rescue" | "always") => {}
                Some("vars") => vars = self.read_vars(&entry.value),
                Some("needs") => needs = Some(self.read_needs(&entry.value)),
                _ if self.read_keyword(entry, Level::Block, &mut own) => {}
                _ => self.unknown_keyword(entry, Level::Block),
            }
        }
        let vars = Arc::new(vars);
        let mut inner = context.clone();
        inner.attributes = own.below(&context.attributes);
        if !vars.is_empty() {
            inner.vars.push(vars.clone());
        }
        let guarded = Context { rescued: inner.rescued || node.get("rescue").is_some(), ..inner.clone() };
        let mut read =
            |key: &str, context: &Context| node.get(key).map(|list| self.read_items(list, context)).unwrap_or_default();
        let (body, rescue, always) = (read("block", &guarded), read("rescue", &inner), read("always", &inner));
        Some(Block {
            id: NodeId::fresh(),
            kind: BlockKind::Block,
            name: own.get(Keyword::Name).map(|name| Arc::from(name.to_string())),
            label: label(&own),
            span: Some(node.span),
            attributes: Arc::new(inner.attributes),
            body,
            rescue,
            always,
            needs,
            vars,
        })
    }

    fn read_task(&mut self, node: &Node, entries: &[Entry], context: &Context) -> Option<Task> {
        let level = if context.handlers { Level::Handler } else { Level::Task };
        let mut draft = Draft { span: Some(node.span), rescued: context.rescued, ..Draft::default() };
        for entry in entries {
            self.read_task_entry(entry, level, &mut draft);
        }
        let action = self.task_action(node.span, &mut draft)?;
        self.check_loop_keywords(&draft, &action);
        let mut vars = context.vars.clone();
        let own_vars = Arc::new(draft.vars);
        if !own_vars.is_empty() {
            vars.push(own_vars.clone());
        }
        Some(Task {
            id: NodeId::fresh(),
            name: draft.own.get(Keyword::Name).filter(|name| !name.is_null()).cloned(),
            label: label(&draft.own),
            span: Some(node.span),
            attributes: Arc::new(draft.own.below(&context.attributes)),
            around: Arc::new(context.attributes.clone()),
            action,
            looping: draft.looping,
            vars,
            own_vars,
            include_vars: context.include_vars.clone(),
            role: context.role.clone(),
            file: context.file.clone(),
            handler: context.handlers,
            implicit: false,
            needs: draft.needs,
        })
    }

    fn read_task_entry<'n>(&mut self, entry: &'n Entry, level: Level, draft: &mut Draft<'n>) {
        let Some(name) = entry.name() else { return self.unknown_keyword(entry, level) };
        match name {
            "vars" => draft.vars = self.read_vars(&entry.value),
            "needs" => draft.needs = Some(self.read_needs(&entry.value)),
            "loop" => draft.looping = Some(Looping::Loop(entry.value.to_value())),
            "action" => self.read_action_keyword(entry, draft),
            "local_action" => {
                self.read_action_keyword(entry, draft);
                draft.own.set(Keyword::DelegateTo, Value::str("localhost"), Some(entry.key.span));
                draft.own.set(Keyword::Connection, Value::str("local"), Some(entry.key.span));
            }
            _ if self.read_keyword(entry, level, &mut draft.own) => {}
            _ if name.starts_with("with_") => {
                draft.looping = Some(Looping::With { lookup: Arc::from(&name[5..]), terms: entry.value.to_value() });
            }
            _ if self.names_action(name) => {
                let written = self.read_written(name, entry.key.span, &entry.value);
                self.take_action(draft, written);
            }
            _ if name.contains('.') || Keyword::ALL.iter().all(|keyword| keyword.name() != name) => {
                draft.unknown = true;
                self.unknown_action(entry, level);
            }
            _ => self.unknown_keyword(entry, level),
        }
    }

    fn take_action<'n>(&mut self, draft: &mut Draft<'n>, written: Written<'n>) {
        if let Some(first) = &draft.written {
            self.diagnostics.push(
                Diagnostic::error(
                    "conflicting-actions",
                    written.span,
                    format!("a task has one action, but here are `{}` and `{}`", first.name, written.name),
                )
                .with_note(first.span, "the first one"),
            );
            return;
        }
        draft.written = Some(written);
    }

    /// `action: module key=value`, or a map with `module`.
    fn read_action_keyword<'n>(&mut self, entry: &'n Entry, draft: &mut Draft<'n>) {
        let written = match entry.value.to_value() {
            Value::Map(map) => map.get("module").map(Value::to_string).map(|text| {
                let (name, rest) = split_name(&text);
                let mut args = parse_key_values(rest, false, None).unwrap_or_default();
                args.extend(
                    map.iter().filter(|(key, _)| key.as_str() != Some("module")).map(|(k, v)| (k.clone(), v.clone())),
                );
                let args = super::action::unfold_args(args);
                Written { name: name.to_owned(), span: entry.value.span, args, whole: None, node: Some(&entry.value) }
            }),
            value => value.as_str().map(|text| {
                let (name, rest) = split_name(text);
                let free_form = self.modules.find(name).is_some_and(|info| info.free_form);
                let args = match (rest.trim().is_empty(), parse_key_values(rest, free_form, Some(entry.value.span))) {
                    (true, _) => Map::new(),
                    (false, Ok(args)) => args,
                    (false, Err(message)) => {
                        self.error("bad-arguments", entry.value.span, message);
                        Map::new()
                    }
                };
                Written { name: name.to_owned(), span: entry.value.span, args, whole: None, node: Some(&entry.value) }
            }),
        };
        match written {
            Some(written) if is_template(&written.name) || self.names_action(&written.name) => {
                self.take_action(draft, written)
            }
            Some(written) => {
                draft.unknown = true;
                let known = self.modules.names();
                self.diagnostics.push(
                    Diagnostic::error(
                        "unknown-module",
                        written.span,
                        format!("rplay has no module `{}`", written.name),
                    )
                    .with_nearest(&written.name, known.iter().map(String::as_str)),
                );
            }
            None => {
                draft.unknown = true;
                self.error("bad-action", entry.value.span, "an action is a module's name with its arguments");
            }
        }
    }

    fn task_action(&mut self, span: Span, draft: &mut Draft<'_>) -> Option<Action> {
        let Some(mut written) = draft.written.take() else {
            if !draft.unknown {
                self.error("no-action", span, "this task has no action: no module is named");
            }
            return None;
        };
        // `args:` fills in below the module's own arguments.
        match draft.own.get(Keyword::Args) {
            Some(Value::Map(extra)) => {
                for (key, value) in extra.iter() {
                    written.args.entry(key.clone()).or_insert_with(|| value.clone());
                }
                draft.own.remove(Keyword::Args);
            }
            Some(Value::Null) => {
                draft.own.remove(Keyword::Args);
            }
            _ => {}
        }
        let attributes = draft.own.clone();
        // Whoever expects a failure gets one, when the task runs.
        let expected = draft.rescued
            || [Keyword::IgnoreErrors, Keyword::FailedWhen].iter().any(|keyword| attributes.get(*keyword).is_some());
        self.finish_action(written, &attributes, expected)
    }

    fn check_loop_keywords(&mut self, draft: &Draft<'_>, action: &Action) {
        const CONTROL: &[&str] =
            &["loop_var", "index_var", "label", "pause", "extended", "extended_allitems", "break_when", "parallel"];
        let control = draft.own.attribute(Keyword::LoopControl);
        for key in
            control.and_then(|control| control.value.as_map()).into_iter().flat_map(Map::keys).map(Key::to_string)
        {
            if !CONTROL.contains(&key.as_str()) {
                let span = control.and_then(|control| control.span);
                self.diagnostics.push(
                    Diagnostic::error("unknown-keyword", span, format!("`loop_control` has no `{key}`"))
                        .with_nearest(&key, CONTROL.iter().copied()),
                );
            }
        }
        let static_import = matches!(action, Action::ImportTasks(_) | Action::ImportRole(_));
        if static_import && draft.looping.is_some() {
            self.diagnostics.push(
                Diagnostic::error("looped-import", draft.span, "an import cannot be looped")
                    .with_help("use include_tasks or include_role, which are read when the task is reached"),
            );
        }
    }
}

/// A task whose entries are being read.
#[derive(Default)]
struct Draft<'a> {
    own: Attributes,
    vars: Map,
    needs: Option<Vec<crate::playbook::Need>>,
    looping: Option<Looping>,
    written: Option<Written<'a>>,
    /// An entry was refused that was meant as the action.
    unknown: bool,
    /// The place of the task.
    span: Option<Span>,
    /// A rescue takes care of its failures.
    rescued: bool,
}

/// A module's name, which may be a template, and what follows it.
fn split_name(text: &str) -> (&str, &str) {
    let text = text.trim();
    let first = split_words(text).ok().and_then(|words| words.into_iter().next()).unwrap_or_default();
    match text.strip_prefix(first.as_str()) {
        Some(rest) if !first.is_empty() => (&text[..first.len()], rest),
        _ => text.split_once(char::is_whitespace).unwrap_or((text, "")),
    }
}

pub(super) fn label(own: &Attributes) -> Option<Arc<str>> {
    own.get(Keyword::Id).map(|id| Arc::from(id.to_string()))
}
