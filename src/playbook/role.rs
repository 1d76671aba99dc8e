//! Roles: as entries of a play, and as what was read from a role's folder.

use super::{Attributes, Need};
use crate::source::Span;
use crate::value::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// An entry of `roles:` or of a role's dependencies.
#[derive(Debug, Clone)]
pub struct RoleEntry {
    /// The role's name, unrendered.
    pub name: Value,
    /// The place of the name.
    pub span: Option<Span>,
    /// Its keywords.
    pub attributes: Attributes,
    /// `vars:` of the entry.
    pub vars: Map,
    /// Other keys of the entry: parameters of the role.
    pub params: Map,
    /// Its own `id`, for `needs`.
    pub label: Option<Arc<str>>,
    /// What it waits for, when it says so.
    pub needs: Option<Vec<Need>>,
}

/// A role as one entry, import or include uses it.
#[derive(Debug, Clone)]
pub struct Role {
    /// The name that messages show.
    pub name: Arc<str>,
    /// The role's folder.
    pub path: PathBuf,
    /// `defaults/main.yml`, with those of its dependencies below.
    pub defaults: Arc<Map>,
    /// `vars/main.yml`.
    pub vars: Arc<Map>,
    /// Parameters given by the entry, import or include.
    pub params: Arc<Map>,
    /// Roles that this one was pulled in by, outermost first.
    pub parents: Vec<Arc<Role>>,
    /// Equal for uses that Ansible takes for the same: role, parameters, conditions, tags.
    pub key: String,
    /// Whether it may run again with the same parameters.
    pub allow_duplicates: bool,
    /// Whether variables and defaults are seen by the rest of the play.
    pub public: bool,
}

impl Role {
    /// The name without the collection and folders before it: that of the role's folder.
    pub fn short_name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or(&self.name)
    }
}
