//! The modules that an agent has.

use crate::module::AnyModule;

/// The modules that an agent has. [`modules`](crate::modules) has the built-in set.
pub trait ModuleSet: Send + Sync {
    /// The module of that name or alias.
    fn find(&self, name: &str) -> Option<&dyn AnyModule>;
}
