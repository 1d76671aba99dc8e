//! One strand of a play: the hosts in it, where each stands, and which task they are at together.

use super::cursor::Cursor;
use crate::inventory::HostId;
use crate::playbook::{Item, NodeId};
use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a host is doing in a strand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    /// A worker has its task.
    Task(NodeId),
    /// It is in the strands of a fork.
    Fork(NodeId),
}

/// The task that hosts are at together, and how it went so far.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub key: Vec<u32>,
    pub task: Option<NodeId>,
    /// Hosts that failed in it without a rescue, or could not be reached.
    pub lost: Vec<HostId>,
    /// A failure in it ends all hosts.
    pub fatal: bool,
    /// Results that came.
    pub results: usize,
    /// It runs on one host for all, and has begun.
    pub once_begun: bool,
}

/// A strand.
pub(super) struct Strand {
    pub items: Arc<[Item]>,
    /// The strand and fork that this one is part of.
    pub parent: Option<(usize, NodeId)>,
    pub cursors: IndexMap<HostId, Cursor>,
    pub busy: HashMap<HostId, Busy>,
    pub step: Option<Step>,
    /// Tasks whose banner was shown in this strand.
    pub announced: HashSet<NodeId>,
    /// Hosts whose end was told to the parent.
    pub told: HashSet<HostId>,
    /// Hosts wait for each other after each task.
    pub lockstep: bool,
}

impl Strand {
    pub fn new(items: Arc<[Item]>, parent: Option<(usize, NodeId)>, lockstep: bool) -> Strand {
        Strand {
            items,
            parent,
            cursors: IndexMap::new(),
            busy: HashMap::new(),
            step: None,
            announced: HashSet::new(),
            told: HashSet::new(),
            lockstep,
        }
    }

    /// Adds a host at the beginning.
    pub fn join(&mut self, host: HostId) {
        let items = self.items.clone();
        self.cursors.entry(host).or_insert_with(|| Cursor::new(items));
    }

    /// Whether every host is at its end.
    pub fn is_done(&self) -> bool {
        self.busy.is_empty() && self.cursors.values().all(Cursor::is_done)
    }

    /// The smallest place at which a host stands.
    pub fn front(&self) -> Option<Vec<u32>> {
        self.cursors.values().filter(|cursor| cursor.leaf().is_some()).map(|cursor| cursor.key().to_vec()).min()
    }

    /// Hosts that stand at a place, in their order.
    pub fn at(&self, key: &[u32]) -> Vec<HostId> {
        let here = |cursor: &Cursor| cursor.leaf().is_some() && cursor.key() == key;
        self.cursors.iter().filter(|(_, cursor)| here(cursor)).map(|(host, _)| *host).collect()
    }

    /// Hosts that are not at their end.
    pub fn live(&self) -> Vec<HostId> {
        self.cursors.iter().filter(|(_, cursor)| !cursor.is_done()).map(|(host, _)| *host).collect()
    }
}
