//! The graph's types.

use crate::playbook::{NeedHosts, NodeId};
use crate::source::Span;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::HashMap;
use std::sync::Arc;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A play.
    Play,
    /// A role.
    Role,
    /// A block, or an imported file.
    Block,
    /// A task.
    Task,
    /// A handler.
    Handler,
}

/// One node of the graph.
#[derive(Debug, Clone)]
pub struct Node {
    /// Identity.
    pub id: NodeId,
    /// What it is.
    pub kind: NodeKind,
    /// Its name as a person sees it.
    pub name: Arc<str>,
    /// Its own `id`.
    pub label: Option<Arc<str>>,
    /// The place.
    pub span: Option<Span>,
    /// The node that contains it.
    pub parent: Option<NodeId>,
    /// Added by the engine (gathering, flushes): seldom worth showing.
    pub implicit: bool,
}

/// Why one node waits for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It comes next in the file.
    Follows,
    /// It says so in `needs`.
    Needs(NeedHosts),
    /// It reads a variable that the other sets.
    Reads(Arc<str>),
    /// Both set a variable: the later one's value stands.
    SetsToo(Arc<str>),
    /// It sets a variable that the other reads as it was before.
    ReadBefore(Arc<str>),
    /// What it reads, or what the other sets, cannot be known before the run.
    Unknown,
    /// It is a handler that the other notifies.
    Notified,
}

/// An edge: the source is done before the target begins.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Why.
    pub reason: Reason,
    /// Where that is written.
    pub span: Option<Span>,
}

/// What a node waits for at run time, beside its place in its strand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// The node that must be done.
    pub node: NodeId,
    /// On which hosts.
    pub hosts: NeedHosts,
}

/// The graph of a playbook.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Nodes, and edges between nodes that share a parent or wait for each other.
    pub graph: DiGraph<Node, Edge>,
    /// Where a node stands in `graph`.
    pub index: HashMap<NodeId, NodeIndex>,
    /// What each node waits for beside its predecessor: from `needs`, and inferred.
    pub waits: HashMap<NodeId, Vec<Wait>>,
}

impl Plan {
    /// The node of this id.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.index.get(&id).and_then(|index| self.graph.node_weight(*index))
    }

    /// What a node waits for beside its predecessor.
    pub fn waits_of(&self, id: NodeId) -> &[Wait] {
        self.waits.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn add_node(&mut self, node: Node) {
        let id = node.id;
        let index = self.graph.add_node(node);
        self.index.insert(id, index);
    }

    pub(super) fn add_edge(&mut self, from: NodeId, to: NodeId, reason: Reason, span: Option<Span>) {
        if let (Some(from), Some(to)) = (self.index.get(&from), self.index.get(&to)) {
            self.graph.add_edge(*from, *to, Edge { reason, span });
        }
    }

    pub(super) fn add_wait(&mut self, node: NodeId, wait: Wait) {
        let waits = self.waits.entry(node).or_default();
        if !waits.contains(&wait) {
            waits.push(wait);
        }
    }
}
