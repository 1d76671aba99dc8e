//! What a task does, from the one entry that is not a keyword.

use super::Reader;
use crate::module::{ArgError, check_args};
use crate::playbook::{Action, Attributes, IncludeRole, IncludeTasks, Keyword, Level, Meta, parse_key_values};
use crate::source::{Diagnostic, Span, nearest};
use crate::value::{Key, Map, Value, is_template, parse_bool};
use crate::yaml::{Entry, Node};
use std::sync::Arc;

/// Actions that the engine itself carries out.
const ENGINE_ACTIONS: &[&str] =
    &["meta", "include_tasks", "import_tasks", "include_role", "import_role", "import_playbook"];

/// A module's name without the collections that mean «built in».
pub(super) fn short_name(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name)
}

/// An action before its kind is known.
pub(super) struct Written<'a> {
    /// The module's name.
    pub name: String,
    /// The place of the name.
    pub span: Span,
    /// The arguments.
    pub args: Map,
    /// Arguments that are one template, to be a map once rendered.
    pub whole: Option<Value>,
    /// The node of the arguments, for places.
    pub node: Option<&'a Node>,
}

impl Reader<'_> {
    /// Whether an entry of a task can be a module.
    pub(super) fn names_action(&self, name: &str) -> bool {
        ENGINE_ACTIONS.contains(&short_name(name)) || self.modules.find(name).is_some()
    }

    /// Says that neither keyword nor module is meant.
    pub(super) fn unknown_action(&mut self, entry: &Entry, level: Level) {
        let name = entry.key.to_value().to_string();
        let mut known = self.modules.names();
        known.extend(ENGINE_ACTIONS.iter().map(|name| (*name).to_owned()));
        let keywords = super::keywords::words(level);
        let near = nearest(&name, known.iter().map(String::as_str).chain(keywords)).map(str::to_owned);
        let diagnostic = Diagnostic::error(
            "unknown-module",
            entry.key.span,
            format!("`{name}` is neither a keyword of a {} nor a module that rplay has", level.name()),
        );
        self.diagnostics.push(match near {
            Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
            None => diagnostic,
        });
    }

    /// Reads `module: arguments`.
    pub(super) fn read_written<'n>(&mut self, name: &str, span: Span, node: &'n Node) -> Written<'n> {
        let mut written = Written { name: name.to_owned(), span, args: Map::new(), whole: None, node: Some(node) };
        match node.to_value() {
            Value::Null => {}
            Value::Map(map) => written.args = unfold_args(map.as_ref().clone()),
            value @ (Value::Str(_) | Value::Template(_)) => self.read_shorthand(&mut written, &value, node),
            value if self.takes_raw(name) => {
                written.args.insert("_raw_params".into(), Value::str(value.to_string()));
            }
            _ => self.error(
                "bad-arguments",
                node.span,
                format!("the arguments of `{name}` are a map or text, not {}", node.describe_kind()),
            ),
        }
        written
    }

    fn takes_raw(&self, name: &str) -> bool {
        ENGINE_ACTIONS.contains(&short_name(name)) || self.modules.find(name).is_some_and(|info| info.free_form)
    }

    fn read_shorthand(&mut self, written: &mut Written<'_>, value: &Value, node: &Node) {
        let text = value.as_str().unwrap_or_default();
        let free_form = self.modules.find(&written.name).is_some_and(|info| info.free_form);
        let takes_raw = self.takes_raw(&written.name);
        match parse_key_values(text, free_form, Some(node.span)) {
            // A template alone stands for the whole map of arguments.
            Ok(args) if args.contains_key("_raw_params") && !takes_raw => match value {
                Value::Template(_) if args.len() == 1 => written.whole = Some(value.clone()),
                // Ansible takes words behind key=value pairs at first and lets the task fail when it runs.
                _ if args.len() > 1 => {
                    self.diagnostics.push(
                        Diagnostic::warning(
                            "extra-words",
                            node.span,
                            format!("`{}` takes no words beside key=value; this task will fail", written.name),
                        )
                        .with_help("quote a value that holds blanks: key='a b'"),
                    );
                    written.args = args;
                }
                _ => self.error(
                    "bad-arguments",
                    node.span,
                    format!("`{}` takes arguments as a map or as key=value, not free text", written.name),
                ),
            },
            Ok(args) => written.args = args,
            Err(message) => self.error("bad-arguments", node.span, message),
        }
    }

    /// Decides what the action is, and checks its arguments unless a failure is expected.
    pub(super) fn finish_action(
        &mut self,
        written: Written<'_>,
        attributes: &Attributes,
        expected: bool,
    ) -> Option<Action> {
        match short_name(&written.name) {
            "meta" => self.read_meta(&written),
            "include_tasks" => self.read_include_tasks(&written).map(Action::IncludeTasks),
            "import_tasks" => self.read_include_tasks(&written).map(Action::ImportTasks),
            "include_role" => self.read_include_role(&written).map(Action::IncludeRole),
            "import_role" => self.read_include_role(&written).map(Action::ImportRole),
            "import_playbook" => {
                self.error("misplaced-import", written.span, "`import_playbook` stands at the top of a playbook only");
                None
            }
            _ if is_template(&written.name) => Some(Action::Templated {
                name: Value::authored(&written.name, Some(written.span)),
                args: written.whole.unwrap_or_else(|| Value::map(written.args)),
                span: Some(written.span),
            }),
            _ => self.finish_module(written, attributes, expected),
        }
    }

    fn finish_module(&mut self, written: Written<'_>, attributes: &Attributes, expected: bool) -> Option<Action> {
        let info = self.modules.find(&written.name)?;
        if let Some(reason) = info.refused {
            self.error("foreign-module", written.span, reason);
            return None;
        }
        for name in written.args.keys().filter_map(Key::as_str).filter(|name| name.starts_with("_ansible_")) {
            let span = arg_span(written.node, name).unwrap_or(written.span);
            let text = format!("`{name}`: names that begin with `_ansible_` are for the engine's own use");
            self.error("reserved-argument", span, text);
        }
        let args = match written.whole {
            Some(whole) => whole,
            None => {
                if !info.any_args && !expected {
                    self.check_module_args(&written, &info, attributes);
                }
                Value::map(written.args)
            }
        };
        Some(Action::Module { name: info.name, written: Arc::from(written.name), args, span: Some(written.span) })
    }

    fn check_module_args(&mut self, written: &Written<'_>, info: &super::ModuleInfo, attributes: &Attributes) {
        // Defaults given elsewhere may fill in what is missing here.
        let has_defaults = attributes.get(Keyword::ModuleDefaults).is_some();
        let args_template = attributes.get(Keyword::Args).is_some_and(|args| args.as_map().is_none());
        if written.args.contains_key("_raw_params") && !info.free_form {
            return;
        }
        let (_, errors) = check_args(info.args, info.rules, &written.args);
        for error in errors {
            let name = match &error {
                ArgError::Unknown { name, .. } | ArgError::Invalid { name, .. } => Some(name.as_str()),
                ArgError::Missing { .. } | ArgError::Rule(_) => None,
            };
            if name.is_none() && (has_defaults || args_template) {
                continue;
            }
            let span = name.and_then(|name| arg_span(written.node, name)).unwrap_or(written.span);
            let code = match error {
                ArgError::Unknown { .. } => "unknown-argument",
                ArgError::Missing { .. } => "missing-argument",
                ArgError::Invalid { .. } => "bad-argument",
                ArgError::Rule(_) => "arguments-conflict",
            };
            self.error(code, span, format!("{}: {error}", written.name));
        }
    }

    fn read_meta(&mut self, written: &Written<'_>) -> Option<Action> {
        let word = written.args.get("_raw_params").or(written.args.get("free_form")).map(Value::to_string)?;
        match Meta::find(&word) {
            Some(Meta::RefreshInventory) => {
                self.error("not-supported", written.span, "`meta: refresh_inventory` is not supported yet");
                None
            }
            Some(meta) => Some(Action::Meta(meta)),
            None => {
                let words = Meta::WORDS.iter().map(|(word, _)| *word);
                self.diagnostics.push(
                    Diagnostic::error("unknown-meta", written.span, format!("`meta` knows no `{word}`"))
                        .with_nearest(&word, words),
                );
                None
            }
        }
    }

    fn read_include_tasks(&mut self, written: &Written<'_>) -> Option<IncludeTasks> {
        self.only_keys(written, &["file", "apply", "_raw_params"]);
        let file = written.args.get("file").or(written.args.get("_raw_params")).filter(|file| !file.is_null());
        let (apply, apply_vars) = self.read_apply(written);
        match file {
            Some(file) => Some(IncludeTasks { file: file.clone(), span: Some(written.span), apply, apply_vars }),
            None => {
                self.error("missing-argument", written.span, format!("`{}` needs a file", written.name));
                None
            }
        }
    }

    fn read_include_role(&mut self, written: &Written<'_>) -> Option<IncludeRole> {
        const KEYS: &[&str] = &[
            "name",
            "role",
            "tasks_from",
            "vars_from",
            "defaults_from",
            "handlers_from",
            "allow_duplicates",
            "public",
            "rolespec_validate",
            "apply",
        ];
        self.only_keys(written, KEYS);
        let arg = |name: &str| written.args.get(name).filter(|value| !value.is_null()).cloned();
        for name in ["tasks_from", "vars_from", "defaults_from", "handlers_from"] {
            if let Some(value) = arg(name).filter(|value| value.as_str().is_none()) {
                let span = arg_span(written.node, name).unwrap_or(written.span);
                let kind = crate::value::type_name(&value);
                self.error("bad-argument", span, format!("Expected a string for {name} but got {kind} instead"));
            }
        }
        for name in ["allow_duplicates", "public", "rolespec_validate"] {
            if arg(name).is_some_and(|value| value.is_plain() && parse_bool(&value).is_none()) {
                let span = arg_span(written.node, name).unwrap_or(written.span);
                self.error("bad-argument", span, format!("`{name}` takes a truth value"));
            }
        }
        let (apply, apply_vars) = self.read_apply(written);
        let Some(name) = arg("name").or_else(|| arg("role")) else {
            self.error("missing-argument", written.span, format!("`{}` needs the role's name", written.name));
            return None;
        };
        Some(IncludeRole {
            name,
            span: Some(written.span),
            tasks_from: arg("tasks_from"),
            vars_from: arg("vars_from"),
            defaults_from: arg("defaults_from"),
            handlers_from: arg("handlers_from"),
            allow_duplicates: arg("allow_duplicates"),
            public: arg("public"),
            rolespec_validate: arg("rolespec_validate"),
            apply,
            apply_vars,
        })
    }

    fn only_keys(&mut self, written: &Written<'_>, allowed: &[&'static str]) {
        for key in written.args.keys().map(Key::to_string).filter(|key| !allowed.contains(&key.as_str())) {
            let span = arg_span(written.node, &key).unwrap_or(written.span);
            self.diagnostics.push(
                Diagnostic::error("unknown-argument", span, format!("`{}` takes no argument `{key}`", written.name))
                    .with_nearest(&key, allowed.iter().copied()),
            );
        }
    }

    /// `apply:` holds keywords of a block.
    fn read_apply(&mut self, written: &Written<'_>) -> (Attributes, Arc<Map>) {
        let mut attributes = Attributes::default();
        let mut vars = Map::new();
        let node = written.node.and_then(|node| node.get("apply"));
        for entry in node.and_then(Node::as_map).into_iter().flatten() {
            if entry.name() == Some("vars") {
                vars = self.read_vars(&entry.value);
            } else if !self.read_keyword(entry, Level::Block, &mut attributes) {
                self.unknown_keyword(entry, Level::Block);
            }
        }
        (attributes, Arc::new(vars))
    }
}

/// `args` among the arguments holds further ones.
pub(super) fn unfold_args(mut args: Map) -> Map {
    if let Some(Value::Map(inner)) = args.get("args").cloned() {
        args.shift_remove("args");
        args.extend(inner.as_ref().clone());
    }
    args
}

fn arg_span(node: Option<&Node>, name: &str) -> Option<Span> {
    node?.entry(name).map(|entry| entry.key.span)
}
