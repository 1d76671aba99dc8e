//! Keywords from the entries of a map.

use super::Reader;
use crate::playbook::{Attributes, Keyword, Level, Need, NeedHosts};
use crate::source::Diagnostic;
use crate::value::{Value, parse_bool};
use crate::yaml::{Entry, Node};

/// Words in a list of keywords that are read by the types that have them.
const STRUCTURAL: &[(&str, Level)] = &[
    ("block", Level::Block),
    ("rescue", Level::Block),
    ("always", Level::Block),
    ("vars", Level::Play),
    ("vars", Level::Role),
    ("vars", Level::Block),
    ("vars", Level::Task),
    ("vars", Level::Handler),
    ("action", Level::Task),
    ("action", Level::Handler),
    ("local_action", Level::Task),
    ("local_action", Level::Handler),
    ("role", Level::Role),
    ("name", Level::Role),
    ("roles", Level::Play),
    ("tasks", Level::Play),
    ("pre_tasks", Level::Play),
    ("post_tasks", Level::Play),
    ("handlers", Level::Play),
    ("vars_files", Level::Play),
    ("vars_prompt", Level::Play),
    ("user", Level::Play),
];

/// Every word that may stand on a level.
pub(super) fn words(level: Level) -> Vec<&'static str> {
    let structural = STRUCTURAL.iter().filter(|(_, at)| *at == level).map(|(word, _)| *word);
    Keyword::ALL
        .iter()
        .filter(|keyword| keyword.stands_on(level))
        .map(|keyword| keyword.name())
        .chain(structural)
        .collect()
}

impl Reader<'_> {
    /// Reads one entry if it is an attribute keyword of this level.
    pub(super) fn read_keyword(&mut self, entry: &Entry, level: Level, attributes: &mut Attributes) -> bool {
        let Some(keyword) = entry.name().and_then(|name| Keyword::find(name, level)) else { return false };
        let value = entry.value.to_value();
        if let Err(message) = keyword.check(&value) {
            self.error("bad-keyword-value", entry.value.span, message);
        }
        let unsupported = match keyword {
            // `never` asks for no debugger, and nothing for what is usual: none.
            Keyword::Debugger => !value.is_null() && value.as_str() != Some("never"),
            Keyword::ValidateArgspec => !value.is_null() && parse_bool(&value) != Some(false),
            _ => false,
        };
        if unsupported {
            self.error("not-supported", entry.key.span, format!("`{}` is not supported yet", keyword.name()));
        }
        attributes.set(keyword, value, Some(entry.value.span));
        true
    }

    /// Says that a word does not belong here, with the nearest one that does.
    pub(super) fn unknown_keyword(&mut self, entry: &Entry, level: Level) {
        let name = entry.key.to_value().to_string();
        let elsewhere = [Level::Play, Level::Role, Level::Block, Level::Task, Level::Handler]
            .into_iter()
            .find(|other| *other != level && words(*other).contains(&name.as_str()));
        let diagnostic = Diagnostic::error(
            "unknown-keyword",
            entry.key.span,
            format!("`{name}` is not a valid keyword of a {}", level.name()),
        );
        self.diagnostics.push(match elsewhere {
            Some(other) => diagnostic.with_help(format!("`{name}` belongs to a {}", other.name())),
            None => diagnostic.with_nearest(&name, words(level)),
        });
    }

    /// Takes `needs` out of the keywords.
    pub(super) fn read_needs(&mut self, node: &Node) -> Vec<Need> {
        let entries: Vec<&Node> = match node.as_list() {
            Some(items) => items.iter().collect(),
            None if node.is_null() => Vec::new(),
            None => vec![node],
        };
        entries.into_iter().filter_map(|entry| self.read_need(entry)).collect()
    }

    fn read_need(&mut self, node: &Node) -> Option<Need> {
        let need = |name: &str, hosts| Need { name: name.to_owned(), span: Some(node.span), hosts, node: None };
        if let Some(name) = node.as_str() {
            if matches!(node.to_value(), Value::Template(_)) {
                self.error(
                    "templated-need",
                    node.span,
                    "`needs` takes plain names: the graph is made before any template is rendered",
                );
                return None;
            }
            return Some(need(name, NeedHosts::Same));
        }
        let name = node.get("name").and_then(Node::as_str);
        let hosts = node.get("hosts").and_then(Node::as_str);
        for entry in node.as_map().into_iter().flatten() {
            if !matches!(entry.name(), Some("name" | "hosts")) {
                self.error("bad-need", entry.key.span, "an entry of `needs` has `name` and `hosts` only");
            }
        }
        match (name, hosts) {
            (Some(name), Some("all")) => Some(need(name, NeedHosts::All)),
            (Some(name), None | Some("same")) => Some(need(name, NeedHosts::Same)),
            (Some(_), Some(_)) => {
                self.error("bad-need", node.span, "`hosts` of a need is `all` or `same`");
                None
            }
            (None, _) => {
                self.error(
                    "bad-need",
                    node.span,
                    "an entry of `needs` is a name, or a map with `name` and `hosts: all`",
                );
                None
            }
        }
    }
}
