//! Tasks and handlers.

use super::{Action, Attributes, Need, NodeId, Role};
use crate::source::Span;
use crate::value::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// How a task is repeated.
#[derive(Debug, Clone, PartialEq)]
pub enum Looping {
    /// `loop: items`.
    Loop(Value),
    /// `with_<lookup>: terms`.
    With {
        /// The lookup's name.
        lookup: Arc<str>,
        /// Its terms, unrendered.
        terms: Value,
    },
}

/// A task or handler, complete: what it inherits is in it.
#[derive(Debug, Clone)]
pub struct Task {
    /// Identity.
    pub id: NodeId,
    /// The `name` as written, unrendered.
    pub name: Option<Value>,
    /// Its own `id`, for `needs`.
    pub label: Option<Arc<str>>,
    /// The place.
    pub span: Option<Span>,
    /// Its keywords, what it inherits included.
    pub attributes: Arc<Attributes>,
    /// The keywords that it inherits alone: what an include brings in begins from these.
    pub around: Arc<Attributes>,
    /// What it does.
    pub action: Action,
    /// How it is repeated.
    pub looping: Option<Looping>,
    /// Variables of the blocks around it, outermost first, then its own.
    pub vars: Vec<Arc<Map>>,
    /// Its own variables alone: an include hands them on.
    pub own_vars: Arc<Map>,
    /// Parameters of the includes around it (`include_role` vars and role parameters come from the role).
    pub include_vars: Vec<Arc<Map>>,
    /// The role that it belongs to.
    pub role: Option<Arc<Role>>,
    /// The file that it is written in.
    pub file: Arc<PathBuf>,
    /// Whether it is a handler.
    pub handler: bool,
    /// Whether the engine added it (fact gathering, implicit flushes): these have no banner for flushes.
    pub implicit: bool,
    /// What it waits for, when it says so.
    pub needs: Option<Vec<Need>>,
}

impl Task {
    /// The name that a person sees before rendering: `role : name`, or the module's.
    pub fn display_name(&self) -> String {
        let own = match (&self.name, &self.action) {
            (Some(name), _) => name.to_string(),
            (None, Action::Module { written, .. }) => written.to_string(),
            (None, Action::Meta(meta)) => meta.word().to_owned(),
            (None, Action::IncludeTasks(_)) => "include_tasks".into(),
            (None, Action::IncludeRole(include)) => format!("include_role : {}", include.name),
            (None, Action::ImportTasks(_)) => "import_tasks".into(),
            (None, Action::ImportRole(_)) => "import_role".into(),
            (None, Action::Templated { name, .. }) => name.to_string(),
        };
        match &self.role {
            Some(role) => format!("{} : {own}", role.name),
            None => own,
        }
    }
}
