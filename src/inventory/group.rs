//! A group of hosts.

use super::{Definitions, HostId};
use crate::source::Span;
use std::sync::Arc;

/// Names a group of one inventory; ids stay valid while the inventory changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub(super) u32);

impl GroupId {
    /// A number from 0 that no other group has.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name.
    pub name: Arc<str>,
    /// What the inventory sets for its hosts.
    pub vars: Definitions,
    /// The hosts that it names itself, in order.
    pub hosts: Vec<HostId>,
    /// The groups directly below it, in order.
    pub children: Vec<GroupId>,
    /// The groups directly above it.
    pub parents: Vec<GroupId>,
    /// The longest way down from `all`, which has 0.
    pub depth: u32,
    /// `ansible_group_priority`; 1 unless set.
    pub priority: i64,
    /// Where it was declared first.
    pub span: Option<Span>,
}

impl Group {
    pub(super) fn new(name: &str, span: Option<Span>) -> Group {
        Group {
            name: Arc::from(name),
            vars: Definitions::default(),
            hosts: Vec::new(),
            children: Vec::new(),
            parents: Vec::new(),
            depth: 0,
            priority: 1,
            span,
        }
    }
}
