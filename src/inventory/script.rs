//! What inventory scripts print: JSON of groups, and of hosts' variables.
//!
//! Format: <https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html>.

use super::{Builder, GroupId, HostId, HostOutput, Inventory};
use crate::source::{FileId, Span};
use crate::value::{Value, VaultText};
use crate::yaml::{self, Node};
use indexmap::IndexMap;
use std::sync::Arc;

/// Reads what `--list` printed.
pub(super) fn read(builder: &mut Builder, file: FileId, text: &str, host_output: HostOutput) {
    let Some(document) = read_json(builder, file, text) else { return };
    let Some(groups) = document.as_map() else {
        let text = format!("the script has to print an object, not {}", document.describe_kind());
        builder.wrong("inventory-script", document.span, text);
        return;
    };
    let mut hosts: IndexMap<HostId, Span> = IndexMap::new();
    for entry in groups {
        match entry.name() {
            Some("_meta") => {}
            Some(name) => read_group(builder, name, entry.key.span, &entry.value, &mut hosts),
            None => builder.wrong("inventory-script", entry.key.span, "a group's name has to be a string"),
        }
    }
    let meta = document.get("_meta").map(|meta| (meta.span, meta.get("hostvars")));
    match meta {
        Some((_, Some(hostvars))) if hostvars.as_map().is_some() => {
            for host in hosts.into_keys() {
                let name = builder.inventory.host(host).name.clone();
                if let Some(variables) = hostvars.get(&name) {
                    set_host_vars(builder, host, variables);
                }
            }
        }
        Some((span, Some(hostvars))) => {
            let text = format!("`_meta.hostvars` has to be an object, not {}", hostvars.describe_kind());
            builder.wrong("inventory-script", span, text);
        }
        Some((span, None)) => builder.wrong("inventory-script", span, "`_meta` has no `hostvars`"),
        None => {
            for (host, span) in hosts {
                ask(builder, host, span, host_output);
            }
        }
    }
}

/// Gets the variables of a host by `--host`.
fn ask(builder: &mut Builder, host: HostId, span: Span, host_output: HostOutput) {
    let name = builder.inventory.host(host).name.clone();
    match host_output(&name) {
        Ok((_, text)) if text.trim().is_empty() => {}
        Ok((file, text)) => {
            if let Some(variables) = read_json(builder, file, &text) {
                set_host_vars(builder, host, &variables);
            }
        }
        Err(reason) => {
            let text = format!("the script cannot be asked for the host `{name}`: {reason}");
            builder.wrong("inventory-script", span, text);
        }
    }
}

fn read_json(builder: &mut Builder, file: FileId, text: &str) -> Option<Node> {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        let place = Span::at(file, error.line() as u32, error.column() as u32);
        builder.wrong("inventory-script", place, format!("the script did not print JSON: {error}"));
        return None;
    }
    yaml::parse(file, text, &mut builder.found)?.into_iter().next()
}

fn read_group(builder: &mut Builder, name: &str, span: Span, data: &Node, hosts: &mut IndexMap<HostId, Span>) {
    if name.is_empty() {
        builder.wrong("inventory-script", span, "the name of a group may not be empty");
        return;
    }
    let name = builder.group_name(name, span);
    let group = builder.group(&name, span);
    let mut add = |builder: &mut Builder, name: &str, span: Span| {
        let host = builder.host(name, None, Some(group), Some(span));
        hosts.entry(host).or_insert(span);
        host
    };
    if data.as_map().is_none() {
        read_hosts(builder, &name, data, &mut add);
        return;
    }
    let sections = [data.get("hosts"), data.get("vars"), data.get("children")];
    if sections.iter().all(Option::is_none) {
        // An old form: the group is a host, and these are variables, in which nothing is a template.
        add(builder, &name, span);
        read_vars(builder, group, &name, data, Node::to_data);
        return;
    }
    if let Some(list) = sections[0] {
        read_hosts(builder, &name, list, &mut add);
    }
    if let Some(vars) = sections[1] {
        read_vars(builder, group, &name, vars, Node::to_value);
    }
    let Some(children) = sections[2] else { return };
    let Some(list) = children.as_list() else {
        let text = format!("`{name}.children` has to be a list, not {}", children.describe_kind());
        builder.wrong("inventory-script", children.span, text);
        return;
    };
    for child in list {
        let Some(child_name) = child.as_str().filter(|name| !name.is_empty()) else {
            builder.wrong("inventory-script", child.span, format!("a child of `{name}` has to be a group's name"));
            continue;
        };
        let child_name = builder.group_name(child_name, child.span);
        let id = builder.group(&child_name, child.span);
        builder.link(group, id, child.span);
    }
}

fn read_hosts(
    builder: &mut Builder,
    group: &str,
    node: &Node,
    add: &mut dyn FnMut(&mut Builder, &str, Span) -> HostId,
) {
    let Some(list) = node.as_list() else {
        let text = format!("`{group}.hosts` has to be a list, not {}", node.describe_kind());
        builder.wrong("inventory-script", node.span, text);
        return;
    };
    for host in list {
        match host.as_str().filter(|name| !name.is_empty()) {
            Some(name) => {
                add(builder, name, host.span);
            }
            None => builder.wrong("inventory-script", host.span, format!("a host of `{group}` has to be a name")),
        }
    }
}

fn read_vars(builder: &mut Builder, group: GroupId, name: &str, node: &Node, value: fn(&Node) -> Value) {
    let Some(entries) = node.as_map() else {
        let text = format!("`{name}.vars` has to be an object, not {}", node.describe_kind());
        builder.wrong("inventory-script", node.span, text);
        return;
    };
    for entry in entries {
        let key = entry.key.to_data().to_string();
        builder.set_group_var(group, &key, to_value(&value(&entry.value)), entry.key.span);
    }
}

fn set_host_vars(builder: &mut Builder, host: HostId, node: &Node) {
    let Some(entries) = node.as_map() else {
        let name = Inventory::host(&builder.inventory, host).name.clone();
        let text = format!("the variables of `{name}` have to be an object, not {}", node.describe_kind());
        builder.wrong("inventory-script", node.span, text);
        return;
    };
    for entry in entries {
        let key = entry.key.to_data().to_string();
        builder.set_host_var(host, &key, to_value(&entry.value.to_value()), entry.key.span);
    }
}

/// The value with Ansible's JSON marks resolved: `{"__ansible_unsafe": text}` is text that is never
/// a template, `{"__ansible_vault": text}` is encrypted.
fn to_value(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::list(items.iter().map(to_value).collect()),
        Value::Map(map) => {
            let marked = |mark: &str| map.get(mark).filter(|_| map.len() == 1).and_then(Value::as_str);
            if let Some(text) = marked("__ansible_unsafe") {
                return Value::str(text);
            }
            if let Some(envelope) = marked("__ansible_vault") {
                return Value::Vault(Arc::new(VaultText { envelope: Arc::from(envelope), span: None }));
            }
            let entries = map.iter().map(|(key, value)| (key.clone(), to_value(value)));
            Value::map(entries.collect())
        }
        other => other.clone(),
    }
}
