//! Who belongs to which group: links, depths, and the rules about `all` and `ungrouped`.

use super::{Group, GroupId, Host, HostId, Inventory};
use crate::source::Span;
use std::collections::HashSet;
use std::path::PathBuf;

impl Inventory {
    /// The group `name`, added if there is none.
    pub(super) fn ensure_group(&mut self, name: &str, span: Option<Span>) -> GroupId {
        if let Some(known) = self.find_group(name) {
            return known;
        }
        let id = GroupId(self.groups.len() as u32);
        let group = Group::new(name, span);
        self.group_names.insert(group.name.clone(), id);
        self.groups.push(group);
        id
    }

    /// The host `name` of the inventory, added if there is none, and whether it was.
    pub(super) fn ensure_host(&mut self, name: &str, span: Option<Span>, source: Option<PathBuf>) -> (HostId, bool) {
        if let Some(known) = self.host_names.get(name) {
            return (*known, false);
        }
        let id = HostId(self.hosts.len() as u32);
        let host = Host::new(name, span, source);
        if self.localhost.is_none() && super::LOCALHOST_NAMES.contains(&name) {
            self.localhost = Some(id);
        }
        self.host_names.insert(host.name.clone(), id);
        self.hosts.push(host);
        (id, true)
    }

    /// Puts a host into a group; false when it is there already.
    pub(super) fn join(&mut self, host: HostId, group: GroupId) -> bool {
        if self.hosts[host.index()].groups.contains(&group) {
            return false;
        }
        self.hosts[host.index()].groups.push(group);
        self.groups[group.index()].hosts.push(host);
        true
    }

    fn leave(&mut self, host: HostId, group: GroupId) {
        self.hosts[host.index()].groups.retain(|known| *known != group);
        self.groups[group.index()].hosts.retain(|known| *known != host);
    }

    /// Makes one group the child of another; false when it is already. Not to be called when
    /// [`Inventory::is_above`] says that it would close a loop.
    pub(super) fn link(&mut self, parent: GroupId, child: GroupId) -> bool {
        if self.groups[parent.index()].children.contains(&child) {
            return false;
        }
        self.groups[parent.index()].children.push(child);
        self.groups[child.index()].parents.push(parent);
        true
    }

    /// Whether `upper` is `lower` or one of its ancestors, as `all` is even before it is linked.
    pub(super) fn is_above(&self, upper: GroupId, lower: GroupId) -> bool {
        upper == lower || upper == Inventory::ALL || self.ancestors(lower).contains(&upper)
    }

    fn ancestors(&self, group: GroupId) -> Vec<GroupId> {
        self.walk(group, |group| &group.parents).split_off(1)
    }

    /// The group, its neighbours, theirs, and so on; each once.
    fn walk(&self, start: GroupId, neighbours: impl Fn(&Group) -> &[GroupId]) -> Vec<GroupId> {
        let mut found = vec![start];
        let mut seen = HashSet::from([start]);
        let mut next = 0;
        while let Some(group) = found.get(next).copied() {
            next += 1;
            for neighbour in neighbours(self.group(group)) {
                if seen.insert(*neighbour) {
                    found.push(*neighbour);
                }
            }
        }
        found
    }

    /// The hosts of a group and of all groups below it: first its own, then level by level.
    pub fn hosts_in(&self, group: GroupId) -> Vec<HostId> {
        let mut hosts = Vec::new();
        let mut seen = HashSet::new();
        for group in self.walk(group, |group| &group.children) {
            hosts.extend(self.group(group).hosts.iter().copied().filter(|host| seen.insert(*host)));
        }
        hosts
    }

    /// Brings everything derived up to date: every group is below `all`, a host in no other group is
    /// in `ungrouped` and only then; depths and merge orders are computed anew.
    pub(super) fn reconcile(&mut self) {
        for index in 1..self.groups.len() as u32 {
            if self.groups[index as usize].parents.is_empty() {
                self.link(Inventory::ALL, GroupId(index));
            }
        }
        for id in self.host_names.values().copied().collect::<Vec<_>>() {
            let groups = &self.hosts[id.index()].groups;
            let grouped = groups.iter().any(|group| !matches!(*group, Inventory::ALL | Inventory::UNGROUPED));
            match (grouped, groups.contains(&Inventory::UNGROUPED)) {
                (true, true) => self.leave(id, Inventory::UNGROUPED),
                (false, false) => {
                    self.join(id, Inventory::UNGROUPED);
                }
                _ => {}
            }
        }
        self.measure_depths();
        self.memberships = (0..self.hosts.len() as u32).map(|index| self.merge_order(HostId(index))).collect();
        self.revision += 1;
    }

    /// The longest way from `all` to each group, by taking groups whose parents are all done.
    fn measure_depths(&mut self) {
        let mut waiting: Vec<usize> = self.groups.iter().map(|group| group.parents.len()).collect();
        let mut ready = vec![Inventory::ALL];
        self.groups[Inventory::ALL.index()].depth = 0;
        for group in &mut self.groups {
            group.depth = 0;
        }
        while let Some(group) = ready.pop() {
            let below = self.groups[group.index()].depth + 1;
            for child in self.groups[group.index()].children.clone() {
                let known = &mut self.groups[child.index()].depth;
                *known = below.max(*known);
                waiting[child.index()] -= 1;
                if waiting[child.index()] == 0 {
                    ready.push(child);
                }
            }
        }
    }

    fn merge_order(&self, host: HostId) -> Vec<GroupId> {
        let mut groups = HashSet::from([Inventory::ALL]);
        for group in &self.hosts[host.index()].groups {
            groups.extend(self.walk(*group, |group| &group.parents));
        }
        let mut groups: Vec<GroupId> = groups.into_iter().collect();
        groups.sort_by_key(|id| {
            let group = self.group(*id);
            (group.depth, group.priority, group.name.clone())
        });
        groups
    }
}
