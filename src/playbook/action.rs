//! What a task does.

use super::Attributes;
use crate::source::Span;
use crate::value::{Map, Value};
use std::sync::Arc;

/// What a task does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Runs a module.
    Module {
        /// The canonical, fully qualified name.
        name: Arc<str>,
        /// The name as the task has it.
        written: Arc<str>,
        /// Arguments by name, or a template that makes a map of them.
        args: Value,
        /// The place of the module's name.
        span: Option<Span>,
    },
    /// Runs a module whose name is known only when the task is reached.
    Templated {
        /// The name, unrendered.
        name: Value,
        /// Arguments by name, or a template that makes a map of them.
        args: Value,
        /// The place of the name.
        span: Option<Span>,
    },
    /// Tells the engine something.
    Meta(Meta),
    /// Adds a file's tasks when the task is reached.
    IncludeTasks(IncludeTasks),
    /// Adds a role when the task is reached.
    IncludeRole(IncludeRole),
    /// Adds a file's tasks while the playbook is read.
    ImportTasks(IncludeTasks),
    /// Adds a role while the playbook is read.
    ImportRole(IncludeRole),
}

/// What `meta` can tell the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is the word of the same name")]
pub enum Meta {
    Noop,
    FlushHandlers,
    RefreshInventory,
    ClearFacts,
    ClearHostErrors,
    EndPlay,
    EndHost,
    EndBatch,
    EndRole,
    ResetConnection,
}

impl Meta {
    /// Words and what they mean.
    pub const WORDS: &'static [(&'static str, Meta)] = &[
        ("noop", Meta::Noop),
        ("flush_handlers", Meta::FlushHandlers),
        ("refresh_inventory", Meta::RefreshInventory),
        ("clear_facts", Meta::ClearFacts),
        ("clear_host_errors", Meta::ClearHostErrors),
        ("end_play", Meta::EndPlay),
        ("end_host", Meta::EndHost),
        ("end_batch", Meta::EndBatch),
        ("end_role", Meta::EndRole),
        ("reset_connection", Meta::ResetConnection),
    ];

    /// The word as written in a task.
    pub fn word(self) -> &'static str {
        Meta::WORDS.iter().find(|(_, meta)| *meta == self).map_or("meta", |(word, _)| word)
    }

    /// The meaning of a word.
    pub fn find(word: &str) -> Option<Meta> {
        Meta::WORDS.iter().find(|(name, _)| *name == word).map(|(_, meta)| *meta)
    }
}

/// Another file's tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct IncludeTasks {
    /// The file, unrendered.
    pub file: Value,
    /// The place of the file's name.
    pub span: Option<Span>,
    /// `apply`: keywords for the tasks inside.
    pub apply: Attributes,
    /// Variables of `apply`.
    pub apply_vars: Arc<Map>,
}

/// A role.
#[derive(Debug, Clone, PartialEq)]
pub struct IncludeRole {
    /// The role's name, unrendered.
    pub name: Value,
    /// The place of the name.
    pub span: Option<Span>,
    /// The file in `tasks/`.
    pub tasks_from: Option<Value>,
    /// The file in `vars/`.
    pub vars_from: Option<Value>,
    /// The file in `defaults/`.
    pub defaults_from: Option<Value>,
    /// The file in `handlers/`.
    pub handlers_from: Option<Value>,
    /// Whether the role may run again with the same parameters; a truth value once rendered.
    pub allow_duplicates: Option<Value>,
    /// Whether the role's variables and defaults are seen by the rest of the play.
    pub public: Option<Value>,
    /// Whether `meta/argument_specs.yml` is checked.
    pub rolespec_validate: Option<Value>,
    /// `apply`: keywords for the tasks inside.
    pub apply: Attributes,
    /// Variables of `apply`.
    pub apply_vars: Arc<Map>,
}
