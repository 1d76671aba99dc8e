//! Identities of the graph's nodes.

use std::sync::atomic::{AtomicU32, Ordering};

/// Names one play, role entry, block or task of a run. Given in the order of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

static NEXT: AtomicU32 = AtomicU32::new(1);

impl NodeId {
    /// An id that was not given before in this process.
    pub fn fresh() -> NodeId {
        NodeId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
