//! Inventories in YAML form: groups with `hosts`, `vars` and `children`.

use super::{Builder, GroupId, address};
use crate::source::{Diagnostic, FileId, Span};
use crate::yaml::{self, Entry, Node};

const SECTIONS: [&str; 3] = ["vars", "children", "hosts"];

/// How deep groups may be nested in one text.
const MAX_DEPTH: usize = 100;

/// Reads a whole text.
pub(super) fn read(builder: &mut Builder, file: FileId, text: &str) {
    let Some(documents) = yaml::parse(file, text, &mut builder.found) else { return };
    if let Some(second) = documents.get(1) {
        builder.wrong("inventory-yaml", second.span, "an inventory is one document, and here a second one begins");
        return;
    }
    let Some(document) = documents.first().filter(|document| !document.is_null()) else { return };
    let Some(groups) = document.as_map() else {
        let text = format!("an inventory has to be a mapping of groups, not {}", document.describe_kind());
        builder.wrong("inventory-yaml", document.span, text);
        return;
    };
    if let Some(plugin) = document.entry("plugin") {
        let name = plugin.value.scalar_text().unwrap_or_default();
        let text = format!("the inventory plugin `{name}` is not supported");
        let diagnostic = Diagnostic::error("inventory-plugin", plugin.value.span, text);
        builder.found.push(diagnostic.with_help("give its result as a file or by an executable script"));
        return;
    }
    for entry in groups {
        read_group(builder, entry, 0);
    }
}

fn read_group(builder: &mut Builder, entry: &Entry, depth: usize) -> Option<GroupId> {
    let span = entry.key.span;
    let Some(name) = entry.key.as_str().filter(|name| !name.is_empty()) else {
        builder.wrong(
            "inventory-yaml",
            span,
            format!("a group's name has to be a string, not {}", entry.key.describe_kind()),
        );
        return None;
    };
    if depth > MAX_DEPTH {
        builder.wrong("inventory-yaml", span, format!("groups are nested more than {MAX_DEPTH} levels deep"));
        return None;
    }
    if !entry.value.is_null() && entry.value.as_map().is_none() {
        let text =
            format!("the group `{name}` is passed over: it has to be a mapping, not {}", entry.value.describe_kind());
        builder.found.push(Diagnostic::warning("inventory-yaml", entry.value.span, text));
        return None;
    }
    let name = builder.group_name(name, span);
    let group = builder.group(&name, span);
    for section in entry.value.as_map().unwrap_or_default() {
        match section.name() {
            Some("vars") => {
                for (_, entry) in entries(builder, "vars", &section.value) {
                    builder.set_group_var(group, &key_text(&entry.key), entry.value.to_value(), entry.key.span);
                }
            }
            Some("children") => {
                for (name, child) in entries(builder, "children", &section.value) {
                    let Some(id) = read_group(builder, &child, depth + 1) else { continue };
                    builder.link(group, id, name);
                }
            }
            Some("hosts") => {
                for (_, host) in entries(builder, "hosts", &section.value) {
                    read_host(builder, group, &host);
                }
            }
            key => {
                let shown = key.map_or_else(|| key_text(&section.key), String::from);
                let text =
                    format!("`{shown}` in the group `{name}` is passed over: a group has hosts, vars and children");
                let diagnostic = Diagnostic::warning("inventory-yaml", section.key.span, text);
                builder.found.push(diagnostic.with_nearest(&shown, SECTIONS));
            }
        }
    }
    Some(group)
}

/// The entries of a section; text stands for one key without a value.
fn entries(builder: &mut Builder, section: &str, node: &Node) -> Vec<(Span, Entry)> {
    if node.is_null() {
        return Vec::new();
    }
    if let Some(map) = node.as_map() {
        return map.iter().map(|entry| (entry.key.span, entry.clone())).collect();
    }
    if node.as_str().is_some() {
        let nothing = Node { span: node.span, kind: yaml::Kind::Null };
        return vec![(node.span, Entry { key: node.clone(), value: nothing })];
    }
    let text = format!("`{section}` has to be a mapping, not {}", node.describe_kind());
    let diagnostic = Diagnostic::error("inventory-yaml", node.span, text);
    builder.found.push(match node.as_list() {
        Some(_) => diagnostic.with_help("write each name as a key: `name:` instead of `- name`"),
        None => diagnostic,
    });
    Vec::new()
}

fn read_host(builder: &mut Builder, group: GroupId, entry: &Entry) {
    let span = entry.key.span;
    let Some(pattern) = entry.key.as_str() else {
        let text = format!("a host's name has to be a string, not {}", entry.key.describe_kind());
        builder.found.push(Diagnostic::error("inventory-yaml", span, text).with_help("quote it"));
        return;
    };
    let (names, port) = match address::expand(pattern) {
        Ok(expanded) => expanded,
        Err(reason) => {
            builder.wrong("inventory-host", span, reason);
            return;
        }
    };
    if !entry.value.is_null() && entry.value.as_map().is_none() {
        let text = format!("the variables of `{pattern}` have to be a mapping, not {}", entry.value.describe_kind());
        builder.wrong("inventory-yaml", entry.value.span, text);
        return;
    }
    for name in names {
        let host = builder.host(&name, port, Some(group), Some(span));
        for variable in entry.value.as_map().unwrap_or_default() {
            builder.set_host_var(host, &key_text(&variable.key), variable.value.to_value(), variable.key.span);
        }
    }
}

fn key_text(key: &Node) -> String {
    key.to_data().to_string()
}
