//! Entries of `roles:` and of a role's `dependencies`.

use super::task::label;
use super::{Reader, is_variable_name};
use crate::playbook::{Attributes, Level, RoleEntry};
use crate::value::{Key, Map, Value};
use crate::yaml::Node;

impl Reader<'_> {
    /// Reads a list of roles.
    pub fn read_role_entries(&mut self, node: &Node) -> Vec<RoleEntry> {
        match node.as_list() {
            Some(items) => items.iter().filter_map(|item| self.read_role_entry(item)).collect(),
            None if node.is_null() => Vec::new(),
            None => {
                self.error(
                    "not-a-list",
                    node.span,
                    format!("a list of roles is expected, not {}", node.describe_kind()),
                );
                Vec::new()
            }
        }
    }

    fn read_role_entry(&mut self, node: &Node) -> Option<RoleEntry> {
        let mut draft = RoleEntry {
            name: Value::Null,
            span: Some(node.span),
            attributes: Attributes::default(),
            vars: Map::new(),
            params: Map::new(),
            label: None,
            needs: None,
        };
        if node.as_str().is_some() {
            draft.name = node.to_value();
            return Some(draft);
        }
        for entry in node.as_map().into_iter().flatten() {
            match entry.name() {
                Some("role" | "name") if draft.name.is_null() => {
                    draft.name = entry.value.to_value();
                    draft.span = Some(entry.value.span);
                }
                Some("vars") => draft.vars = self.read_vars(&entry.value),
                Some("needs") => draft.needs = Some(self.read_needs(&entry.value)),
                _ if self.read_keyword(entry, Level::Role, &mut draft.attributes) => {}
                // As in Ansible, any other key is a parameter of the role.
                Some(name) if is_variable_name(name) => {
                    draft.params.insert(Key::from(name), entry.value.to_value());
                }
                _ => self.unknown_keyword(entry, Level::Role),
            }
        }
        draft.label = label(&draft.attributes);
        if draft.name.is_null() {
            self.error("no-role-name", node.span, "an entry of `roles` is a name, or a map with `role`");
            return None;
        }
        Some(draft)
    }
}
