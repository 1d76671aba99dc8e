//! Plays, and what else can stand at the top of a playbook.

use super::{Attributes, Item, Need, NodeId, Role, RoleEntry};
use crate::source::Span;
use crate::value::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// The `hosts` of a play: patterns, unrendered.
#[derive(Debug, Clone, PartialEq)]
pub struct HostsPattern {
    /// Text or a list.
    pub value: Value,
    /// The place.
    pub span: Option<Span>,
}

/// An entry of `vars_prompt`.
#[derive(Debug, Clone, PartialEq)]
pub struct VarsPrompt {
    /// The variable.
    pub name: String,
    /// The question.
    pub prompt: Option<String>,
    /// The answer when none is given.
    pub default: Option<Value>,
    /// Hide what is typed.
    pub private: bool,
    /// Ask twice.
    pub confirm: bool,
    /// Hash the answer with this scheme.
    pub encrypt: Option<String>,
    /// The salt of the hash.
    pub salt: Option<String>,
    /// The length of a salt that is made up.
    pub salt_size: Option<i64>,
    /// Keep templates in the answer from being rendered.
    pub is_unsafe: bool,
    /// The place.
    pub span: Option<Span>,
}

/// One entry of a playbook file.
#[derive(Debug, Clone)]
pub enum PlaybookEntry {
    /// A play.
    Play(Box<Play>),
    /// Another playbook in this place.
    Import {
        /// The file, unrendered.
        file: Value,
        /// The place.
        span: Option<Span>,
        /// Keywords for every play in it (`tags`, `when`).
        attributes: Attributes,
        /// Variables for every play in it.
        vars: Map,
        /// What its first play waits for.
        needs: Option<Vec<Need>>,
    },
}

/// A play.
#[derive(Debug, Clone)]
pub struct Play {
    /// Identity.
    pub id: NodeId,
    /// The `name` as written, unrendered.
    pub name: Option<Value>,
    /// Its own `id`, for `needs`.
    pub label: Option<Arc<str>>,
    /// The place.
    pub span: Option<Span>,
    /// The file that it is written in.
    pub file: Arc<PathBuf>,
    /// The hosts.
    pub hosts: HostsPattern,
    /// Its keywords.
    pub attributes: Arc<Attributes>,
    /// `vars`.
    pub vars: Arc<Map>,
    /// `vars_files`: each entry one file or a list of candidates, with its place.
    pub vars_files: Vec<(Value, Option<Span>)>,
    /// `vars_prompt`.
    pub vars_prompt: Vec<VarsPrompt>,
    /// `roles` as written; the loader turns them into items.
    pub role_entries: Vec<RoleEntry>,
    /// `pre_tasks`.
    pub pre_tasks: Arc<[Item]>,
    /// The roles' items, once loaded.
    pub roles: Arc<[Item]>,
    /// `tasks`.
    pub tasks: Arc<[Item]>,
    /// `post_tasks`.
    pub post_tasks: Arc<[Item]>,
    /// `handlers`, the roles' handlers first.
    pub handlers: Arc<[Item]>,
    /// Roles whose variables and defaults all tasks see.
    pub public_roles: Vec<Arc<Role>>,
    /// What it waits for, when it says so.
    pub needs: Option<Vec<Need>>,
}
