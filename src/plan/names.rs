//! Finds the node that a name in `needs` means.

use super::graph::{Node, NodeKind, Plan};
use crate::playbook::{Need, NodeId};
use crate::source::Diagnostic;
use std::collections::HashMap;
use std::sync::Arc;

/// Nodes by name and by `id`.
#[derive(Default)]
pub(super) struct Names(HashMap<Arc<str>, Vec<NodeId>>);

impl Names {
    pub fn of(plan: &Plan) -> Names {
        let mut names = Names::default();
        plan.graph.node_weights().for_each(|node| names.add(node));
        names
    }

    pub fn add(&mut self, node: &Node) {
        if node.implicit || node.kind == NodeKind::Handler {
            return;
        }
        self.0.entry(node.name.clone()).or_default().push(node.id);
        if let Some(label) = node.label.as_ref().filter(|label| **label != node.name) {
            self.0.entry(label.clone()).or_default().push(node.id);
        }
    }

    /// The node meant by `need` of `owner`: a sibling first, then one of the same play, then any.
    pub fn find(
        &self,
        plan: &Plan,
        need: &Need,
        owner: NodeId,
        parent: Option<NodeId>,
    ) -> Result<NodeId, Box<Diagnostic>> {
        let own_play = ancestors(plan, owner).last().copied();
        let all: Vec<NodeId> = self.0.get(need.name.as_str()).into_iter().flatten().copied().collect();
        let outside: Vec<NodeId> = all
            .into_iter()
            .filter(|id| *id != owner && !ancestors(plan, *id).contains(&owner) && !ancestors(plan, owner).contains(id))
            .collect();
        let siblings = |id: &&NodeId| plan.node(**id).is_some_and(|node| node.parent == parent);
        let same_play = |id: &&NodeId| ancestors(plan, **id).last().copied() == own_play;
        let near: Vec<NodeId> = outside.iter().filter(siblings).copied().collect();
        let in_play: Vec<NodeId> = outside.iter().filter(same_play).copied().collect();
        let found = [near, in_play, outside].into_iter().find(|found| !found.is_empty()).unwrap_or_default();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(Box::new(self.unknown(need))),
            several => Err(Box::new(ambiguous(plan, need, several))),
        }
    }

    fn unknown(&self, need: &Need) -> Diagnostic {
        let known = self.0.keys().map(|name| name.as_ref());
        Diagnostic::error("unknown-need", need.span, format!("no play, role, block or task is named `{}`", need.name))
            .with_nearest(&need.name, known)
    }
}

fn ambiguous(plan: &Plan, need: &Need, several: &[NodeId]) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::error("ambiguous-need", need.span, format!("`{}` names {} nodes", need.name, several.len()))
            .with_help("give the one that is meant an `id`, and name that");
    for node in several.iter().filter_map(|id| plan.node(*id)) {
        diagnostic = diagnostic.with_note(node.span, "one of them");
    }
    diagnostic
}

/// The nodes around a node, nearest first.
pub(super) fn ancestors(plan: &Plan, id: NodeId) -> Vec<NodeId> {
    let mut found = Vec::new();
    let mut at = plan.node(id).and_then(|node| node.parent);
    while let Some(parent) = at {
        found.push(parent);
        at = plan.node(parent).and_then(|node| node.parent);
    }
    found
}
