//! The graph as text, dot, mermaid, svg and JSON.

use super::graph::{Node, NodeKind, Plan, Reason};
use crate::playbook::NodeId;
use crate::source::SourceMap;
use petgraph::visit::EdgeRef;
use std::fmt::Write;

/// How the graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Indented lines for a terminal.
    Text,
    /// Graphviz.
    Dot,
    /// Mermaid's flowchart.
    Mermaid,
    /// A picture.
    Svg,
    /// Nodes and edges as data.
    Json,
}

/// Writes the graph.
pub fn show(plan: &Plan, map: &SourceMap, format: Format) -> String {
    match format {
        Format::Text => text(plan, map),
        Format::Dot => dot(plan),
        Format::Mermaid => mermaid(plan),
        Format::Svg => svg(plan),
        Format::Json => json(plan, map),
    }
}

fn shown(plan: &Plan) -> impl Iterator<Item = &Node> {
    plan.graph.node_weights().filter(|node| !node.implicit)
}

fn depth(plan: &Plan, node: &Node) -> usize {
    super::names::ancestors(plan, node.id).len()
}

fn kind(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::Play => "play",
        NodeKind::Role => "role",
        NodeKind::Block => "block",
        NodeKind::Task => "task",
        NodeKind::Handler => "handler",
    }
}

/// Edges into a node that are worth saying: all but «it comes next».
fn reasons(plan: &Plan, id: NodeId) -> Vec<(&Node, &Reason)> {
    let Some(index) = plan.index.get(&id) else { return Vec::new() };
    let edges = plan.graph.edges_directed(*index, petgraph::Direction::Incoming);
    let mut found: Vec<_> = edges
        .filter(|edge| edge.weight().reason != Reason::Follows)
        .map(|edge| (&plan.graph[edge.source()], &edge.weight().reason))
        .collect();
    found.reverse();
    found
}

fn text(plan: &Plan, map: &SourceMap) -> String {
    let mut out = String::new();
    for node in shown(plan) {
        let place = node.span.map(|span| format!("  ({})", map.describe(span))).unwrap_or_default();
        let indent = "  ".repeat(depth(plan, node));
        let _ = writeln!(out, "{indent}{} {}{place}", kind(node), node.name);
        for (from, reason) in reasons(plan, node.id) {
            let _ = writeln!(out, "{indent}    after {} {}: {}", kind(from), from.name, reason.describe());
        }
    }
    out
}

fn edges(plan: &Plan) -> impl Iterator<Item = (&Node, &Node, &Reason)> {
    plan.graph
        .edge_references()
        .map(|edge| (&plan.graph[edge.source()], &plan.graph[edge.target()], &edge.weight().reason))
        .filter(|(from, to, _)| !from.implicit && !to.implicit)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " "))
}

fn dot(plan: &Plan) -> String {
    let mut out = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for node in shown(plan) {
        let _ = writeln!(out, "  n{} [label={}];", node.id.0, quoted(&format!("{} {}", kind(node), node.name)));
    }
    for node in shown(plan) {
        if let Some(parent) = node.parent {
            let _ = writeln!(out, "  n{} -> n{} [style=dotted, arrowhead=none];", parent.0, node.id.0);
        }
    }
    for (from, to, reason) in edges(plan) {
        let style = if *reason == Reason::Follows { "" } else { ", style=bold" };
        let _ = writeln!(out, "  n{} -> n{} [label={}{style}];", from.id.0, to.id.0, quoted(&reason.describe()));
    }
    out + "}\n"
}

fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart LR\n");
    for node in shown(plan) {
        let name = format!("{} {}", kind(node), node.name).replace('"', "'").replace('\n', " ");
        let _ = writeln!(out, "  n{}[\"{name}\"]", node.id.0);
    }
    for node in shown(plan) {
        if let Some(parent) = node.parent {
            let _ = writeln!(out, "  n{} -.- n{}", parent.0, node.id.0);
        }
    }
    for (from, to, reason) in edges(plan) {
        let arrow = if *reason == Reason::Follows { "-->" } else { "==>" };
        let _ = writeln!(out, "  n{} {arrow}|{}| n{}", from.id.0, reason.describe().replace('`', ""), to.id.0);
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Height of a row and width of an indent, in pixels.
const ROW: usize = 26;
const INDENT: usize = 22;

/// A tree of rows, with an arc at the left for each edge that is not «it comes next».
fn svg(plan: &Plan) -> String {
    let rows: Vec<&Node> = shown(plan).collect();
    let row_of = |id: NodeId| rows.iter().position(|node| node.id == id);
    let (left, width) = (160, 900);
    let height = rows.len() * ROW + 20;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <defs><marker id=\"a\" orient=\"auto\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\">\
         <path d=\"M0,0 L8,4 L0,8 z\" fill=\"#456\"/></marker></defs>\n"
    );
    for (row, node) in rows.iter().enumerate() {
        let (x, y) = (left + depth(plan, node) * INDENT, row * ROW + 24);
        let weight = if node.kind == NodeKind::Play { " font-weight=\"bold\"" } else { "" };
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\"{weight}><tspan fill=\"#789\">{}</tspan> {}</text>",
            kind(node),
            escape(&node.name)
        );
    }
    for (from, to, reason) in edges(plan).filter(|(_, _, reason)| **reason != Reason::Follows) {
        let (Some(a), Some(b)) = (row_of(from.id), row_of(to.id)) else { continue };
        let (y1, y2) = (a * ROW + 20, b * ROW + 20);
        let (x1, x2) = (left + depth(plan, from) * INDENT - 6, left + depth(plan, to) * INDENT - 6);
        let bend = 30 + (a.abs_diff(b) * 6).min(110);
        let far = x1.min(x2).saturating_sub(bend);
        let _ = writeln!(
            out,
            "<path d=\"M{x1},{y1} C{far},{y1} {far},{y2} {x2},{y2}\" fill=\"none\" stroke=\"#456\" marker-end=\"url(#a)\"><title>{}</title></path>",
            escape(&format!("{} waits for {}: {}", to.name, from.name, reason.describe()))
        );
    }
    out + "</svg>\n"
}

fn json(plan: &Plan, map: &SourceMap) -> String {
    let nodes: Vec<serde_json::Value> = shown(plan)
        .map(|node| {
            serde_json::json!({
                "id": node.id.0, "kind": kind(node), "name": node.name.as_ref(), "parent": node.parent.map(|id| id.0),
                "place": node.span.map(|span| map.describe(span)),
            })
        })
        .collect();
    let edges: Vec<serde_json::Value> = edges(plan)
        .map(|(from, to, reason)| serde_json::json!({"from": from.id.0, "to": to.id.0, "reason": reason.describe()}))
        .collect();
    let text = serde_json::to_string_pretty(&serde_json::json!({"nodes": nodes, "edges": edges}));
    text.unwrap_or_default() + "\n"
}
