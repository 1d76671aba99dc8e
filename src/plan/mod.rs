//! From plays to a graph: what waits for what, and why. Pure: no file, network, thread or clock.

mod build;
mod check;
mod cycles;
mod graph;
mod names;
mod reads;
mod show;

pub use build::{PlanInput, Planner, StaticVars};
pub use check::check_templates;
pub use graph::{Edge, Node, NodeKind, Plan, Reason, Wait};
pub use show::{Format, show};
