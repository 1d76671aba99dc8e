//! Blocks, and the tree that a play is made of.

use super::{Attributes, NodeId, Role, Task};
use crate::source::Span;
use crate::value::Map;
use std::sync::Arc;

/// One entry of a list of tasks.
#[derive(Debug, Clone)]
pub enum Item {
    /// A task.
    Task(Arc<Task>),
    /// A block, a role or an included file.
    Block(Arc<Block>),
    /// Several strands that run side by side.
    Fork(Arc<Fork>),
    /// A place that another host's include fills; this host has nothing to do there.
    Gap,
}

/// What a block stands for.
#[derive(Debug, Clone)]
pub enum BlockKind {
    /// `block:` in a file.
    Block,
    /// A role, by `roles:`, a dependency, import_role or include_role.
    Role(Arc<Role>),
    /// A file's tasks.
    File,
    /// `pre_tasks`, `roles` with `tasks`, or `post_tasks` of a play.
    Section,
}

/// Items that share keywords, with what happens when one fails.
#[derive(Debug, Clone)]
pub struct Block {
    /// Identity.
    pub id: NodeId,
    /// What it stands for.
    pub kind: BlockKind,
    /// The `name` as written; a role's name for a role.
    pub name: Option<Arc<str>>,
    /// Its own `id`, for `needs`.
    pub label: Option<Arc<str>>,
    /// The place.
    pub span: Option<Span>,
    /// Its keywords, what it inherits included.
    pub attributes: Arc<Attributes>,
    /// The tasks.
    pub body: Arc<[Item]>,
    /// The tasks after a failure.
    pub rescue: Arc<[Item]>,
    /// The tasks in any case.
    pub always: Arc<[Item]>,
    /// What it waits for, when it says so.
    pub needs: Option<Vec<Need>>,
    /// Variables of the block.
    pub vars: Arc<Map>,
}

/// An entry of `needs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    /// The name or id of a node.
    pub name: String,
    /// Its place.
    pub span: Option<Span>,
    /// On which hosts it must be done.
    pub hosts: NeedHosts,
    /// The node, once it is found.
    pub node: Option<NodeId>,
}

/// On which hosts a needed node must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeedHosts {
    /// The host that waits.
    Same,
    /// All hosts of its play.
    All,
}

/// Items that follow each other, beginning when what they need is done.
#[derive(Debug, Clone)]
pub struct Strand {
    /// What the first item waits for; empty for none.
    pub needs: Vec<Need>,
    /// The items.
    pub items: Arc<[Item]>,
}

/// Strands that run side by side; done when all are.
#[derive(Debug, Clone)]
pub struct Fork {
    /// Identity.
    pub id: NodeId,
    /// In the order of writing.
    pub strands: Vec<Strand>,
}

impl Item {
    /// The identity of a task, block or fork.
    pub fn id(&self) -> Option<NodeId> {
        match self {
            Item::Task(task) => Some(task.id),
            Item::Block(block) => Some(block.id),
            Item::Fork(fork) => Some(fork.id),
            Item::Gap => None,
        }
    }

    /// What it says it needs.
    pub fn needs(&self) -> Option<&Vec<Need>> {
        match self {
            Item::Task(task) => task.needs.as_ref(),
            Item::Block(block) => block.needs.as_ref(),
            Item::Fork(_) | Item::Gap => None,
        }
    }
}

impl Fork {
    /// Splits items at each one that says what it needs. Items without `needs` at all stay as they are.
    pub fn split(items: Vec<Item>) -> Arc<[Item]> {
        if !items.iter().any(|item| item.needs().is_some()) {
            return items.into();
        }
        let mut strands: Vec<(Vec<Need>, Vec<Item>)> = Vec::new();
        for item in items {
            match (item.needs().cloned(), strands.last_mut()) {
                (None, Some((_, strand))) => strand.push(item),
                (needs, _) => strands.push((needs.unwrap_or_default(), vec![item])),
            }
        }
        let strands =
            strands.into_iter().map(|(needs, items)| Strand { needs, items: items.into() }).collect::<Vec<_>>();
        Arc::from([Item::Fork(Arc::new(Fork { id: NodeId::fresh(), strands }))])
    }
}
