//! Hosts, groups and their variables: reading inventories, patterns, and changes at run time.
//!
//! A [`Builder`] takes the texts of all sources in order (it opens nothing itself) and gives an
//! [`Inventory`]. The order of hosts and groups is that of the texts, as under Ansible.

mod address;
mod builder;
mod definitions;
mod group;
mod host;
mod ini;
mod literal;
mod membership;
mod order;
mod pattern;
mod runtime;
mod script;
mod subscript;
mod words;
mod yaml_file;

pub use address::{is_address, split_port};
pub use builder::{Builder, GroupNames, HostOutput, Options, is_ignored};
pub use definitions::{Definition, Definitions};
pub use group::{Group, GroupId};
pub use host::{Host, HostId};
pub use literal::parse_literal;
pub use order::Order;
pub use pattern::{PatternError, Selection, Unmatched, split_pattern};
pub use runtime::RuntimeError;
pub use words::{Word, split_words};

use indexmap::IndexMap;
use std::sync::Arc;

/// The names for which there is a host even when no inventory has one.
pub const LOCALHOST_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// All hosts and groups of a run.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The implicit local hosts first, one for each of [`LOCALHOST_NAMES`].
    hosts: Vec<Host>,
    /// Without the implicit ones.
    host_names: IndexMap<Arc<str>, HostId>,
    groups: Vec<Group>,
    group_names: IndexMap<Arc<str>, GroupId>,
    /// By host: its groups and their ancestors in the order in which variables are merged.
    memberships: Vec<Vec<GroupId>>,
    /// The first host of the inventory with one of [`LOCALHOST_NAMES`].
    localhost: Option<HostId>,
    revision: u64,
}

impl Inventory {
    /// The group that holds every host.
    pub const ALL: GroupId = GroupId(0);

    /// The group of the hosts that are in no other one.
    pub const UNGROUPED: GroupId = GroupId(1);

    /// An inventory with no hosts but the implicit local ones.
    fn empty() -> Inventory {
        let mut inventory = Inventory {
            hosts: LOCALHOST_NAMES.iter().map(|name| Host::implicit(name)).collect(),
            host_names: IndexMap::new(),
            groups: Vec::new(),
            group_names: IndexMap::new(),
            memberships: Vec::new(),
            localhost: None,
            revision: 0,
        };
        let all = inventory.ensure_group("all", None);
        let ungrouped = inventory.ensure_group("ungrouped", None);
        inventory.link(all, ungrouped);
        inventory.reconcile();
        inventory
    }

    /// The host with this id. Ids of another inventory give the implicit localhost.
    pub fn host(&self, id: HostId) -> &Host {
        self.hosts.get(id.index()).unwrap_or(&self.hosts[0])
    }

    /// The group with this id. Ids of another inventory give the group `all`.
    pub fn group(&self, id: GroupId) -> &Group {
        self.groups.get(id.index()).unwrap_or(&self.groups[0])
    }

    /// The host with this name. For `localhost`, `127.0.0.1` and `::1` there always is one: the
    /// inventory's own, else the first of the inventory with one of these names, else an implicit one.
    pub fn find_host(&self, name: &str) -> Option<HostId> {
        self.host_names.get(name).copied().or_else(|| {
            let implicit = LOCALHOST_NAMES.iter().position(|known| *known == name)?;
            Some(self.localhost.unwrap_or(HostId(implicit as u32)))
        })
    }

    /// The group with this name.
    pub fn find_group(&self, name: &str) -> Option<GroupId> {
        self.group_names.get(name).copied()
    }

    /// The hosts that the inventory names, in its order; the implicit localhost is not among them.
    pub fn hosts(&self) -> impl Iterator<Item = (HostId, &Host)> {
        self.host_names.values().map(|id| (*id, self.host(*id)))
    }

    /// The groups in the order in which they were declared; `all` and `ungrouped` come first.
    pub fn groups(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.groups.iter().enumerate().map(|(index, group)| (GroupId(index as u32), group))
    }

    /// The host's groups with all their ancestors, in the order in which variables are merged: by
    /// depth, then `ansible_group_priority`, then name. Just `all` for the implicit localhost.
    pub fn groups_of(&self, host: HostId) -> &[GroupId] {
        self.memberships.get(host.index()).map_or(&[Inventory::ALL], Vec::as_slice)
    }

    /// What `group_names` holds: the names of the host's groups but `all`, sorted.
    pub fn group_names(&self, host: HostId) -> Vec<&str> {
        let groups = self.groups_of(host).iter().filter(|group| **group != Inventory::ALL);
        let mut names: Vec<&str> = groups.map(|group| self.group(*group).name.as_ref()).collect();
        names.sort_unstable();
        names
    }

    /// Grows with every change, so that what was derived from the inventory can be kept till then.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

#[cfg(test)]
mod tests;
