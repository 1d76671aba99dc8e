//! Circles in the graph. A node's inside begins after it begins and ends before it ends, so each
//! node stands for two points.

use super::graph::{NodeKind, Plan, Reason};
use crate::playbook::NodeId;
use crate::source::{Diagnostic, Diagnostics};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::collections::{HashMap, HashSet};

/// A node's beginning or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Point {
    Begin(NodeId),
    End(NodeId),
}

/// The graph of beginnings and ends.
fn points(plan: &Plan) -> DiGraph<Point, ()> {
    let mut graph = DiGraph::new();
    let mut at: HashMap<Point, NodeIndex> = HashMap::new();
    for node in plan.graph.node_weights() {
        let begin = graph.add_node(Point::Begin(node.id));
        let end = graph.add_node(Point::End(node.id));
        graph.add_edge(begin, end, ());
        at.insert(Point::Begin(node.id), begin);
        at.insert(Point::End(node.id), end);
    }
    for node in plan.graph.node_weights().filter(|node| node.kind != NodeKind::Handler) {
        let Some(parent) = node.parent else { continue };
        let link = |a: Point, b: Point| Some((*at.get(&a)?, *at.get(&b)?));
        let inside = [link(Point::Begin(parent), Point::Begin(node.id)), link(Point::End(node.id), Point::End(parent))];
        for (from, to) in inside.into_iter().flatten() {
            graph.add_edge(from, to, ());
        }
    }
    for edge in plan.graph.edge_references().filter(|edge| edge.weight().reason != Reason::Notified) {
        let (from, to) = (plan.graph[edge.source()].id, plan.graph[edge.target()].id);
        if let (Some(from), Some(to)) = (at.get(&Point::End(from)), at.get(&Point::Begin(to))) {
            graph.add_edge(*from, *to, ());
        }
    }
    graph
}

/// Notes every circle, with each of its edges and where that is written.
pub(super) fn report(plan: &Plan, diagnostics: &mut Diagnostics) {
    let graph = points(plan);
    for component in kosaraju_scc(&graph).into_iter().filter(|component| component.len() > 1) {
        let nodes: HashSet<NodeId> = component
            .iter()
            .map(|index| match graph[*index] {
                Point::Begin(id) | Point::End(id) => id,
            })
            .collect();
        let mut diagnostic = None;
        for edge in plan.graph.edge_references() {
            let (from, to) = (&plan.graph[edge.source()], &plan.graph[edge.target()]);
            if !nodes.contains(&from.id) || !nodes.contains(&to.id) || edge.weight().reason == Reason::Notified {
                continue;
            }
            let what = format!("`{}` waits for `{}` ({})", to.name, from.name, edge.weight().reason.describe());
            let place = edge.weight().span.or(to.span);
            diagnostic = Some(
                diagnostic
                    .unwrap_or_else(|| Diagnostic::error("needs-cycle", place, "these wait for each other in a circle"))
                    .with_note(place, what),
            );
        }
        if let Some(diagnostic) = diagnostic {
            diagnostics.push(diagnostic.with_help("take one of these `needs` away"));
        }
    }
}

/// What must wait for what by the edges that stood when it was made.
pub(super) struct Order {
    graph: DiGraph<Point, ()>,
    at: HashMap<Point, NodeIndex>,
}

impl Order {
    pub fn of(plan: &Plan) -> Order {
        let graph = points(plan);
        let at = graph.node_indices().map(|index| (graph[index], index)).collect();
        Order { graph, at }
    }

    /// Whether `later` begins only after `earlier` is done.
    pub fn stands(&self, earlier: NodeId, later: NodeId) -> bool {
        match (self.at.get(&Point::End(earlier)), self.at.get(&Point::Begin(later))) {
            (Some(from), Some(to)) => petgraph::algo::has_path_connecting(&self.graph, *from, *to, None),
            _ => false,
        }
    }
}

impl Reason {
    /// The reason in words.
    pub fn describe(&self) -> String {
        use crate::playbook::NeedHosts;
        match self {
            Reason::Follows => "it comes next".into(),
            Reason::Needs(NeedHosts::Same) => "needs".into(),
            Reason::Needs(NeedHosts::All) => "needs, on all hosts".into(),
            Reason::Reads(name) => format!("it reads `{name}`"),
            Reason::SetsToo(name) => format!("both set `{name}`"),
            Reason::ReadBefore(name) => format!("it sets `{name}`, which is read before"),
            Reason::Unknown => "what is read or set cannot be known before".into(),
            Reason::Notified => "notifies".into(),
        }
    }
}
