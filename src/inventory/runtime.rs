//! Changes while plays run: `add_host` and `group_by`.

use super::{HostId, Inventory};
use crate::value::{Map, Value};

/// Why the inventory cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// A host or group without a name.
    #[error("the name of a {0} may not be empty")]
    NoName(&'static str),
    /// A group below itself.
    #[error("the group `{child}` cannot be made a child of `{parent}`, which is below it")]
    Loop {
        /// The group above.
        parent: String,
        /// The group below.
        child: String,
    },
}

impl Inventory {
    /// Adds a host, or adds to it: groups (which are made if there are none) and variables, which
    /// are data and never templates. Gives its id and whether anything changed.
    pub fn add_host<S: AsRef<str>>(
        &mut self,
        name: &str,
        groups: &[S],
        vars: &Map,
    ) -> Result<(HostId, bool), RuntimeError> {
        if name.is_empty() {
            return Err(RuntimeError::NoName("host"));
        }
        if groups.iter().any(|group| group.as_ref().is_empty()) {
            return Err(RuntimeError::NoName("group"));
        }
        let (host, mut changed) = self.ensure_host(name, None, None);
        if changed {
            self.join(host, Inventory::ALL);
        }
        for (name, value) in vars {
            let name = name.to_string();
            let known = &mut self.hosts[host.index()].vars;
            if known.get(&name).is_none_or(|known| !same(known, value)) {
                known.set(&name, value.clone(), None);
                changed = true;
            }
        }
        for group in groups {
            let group = self.ensure_group(group.as_ref(), None);
            changed |= self.join(host, group);
        }
        if changed {
            self.reconcile();
        }
        Ok((host, changed))
    }

    /// Puts a host into a group below `parents`, all of which are made if there are none. Gives
    /// whether anything changed.
    pub fn add_group<S: AsRef<str>>(&mut self, host: HostId, group: &str, parents: &[S]) -> Result<bool, RuntimeError> {
        if group.is_empty() || parents.iter().any(|parent| parent.as_ref().is_empty()) {
            return Err(RuntimeError::NoName("group"));
        }
        let known_groups = self.groups.len();
        let child = self.ensure_group(group, None);
        let mut changed = false;
        for parent in parents {
            let parent_id = self.ensure_group(parent.as_ref(), None);
            if self.is_above(child, parent_id) {
                return Err(RuntimeError::Loop { parent: parent.as_ref().to_owned(), child: group.to_owned() });
            }
            changed |= self.link(parent_id, child);
        }
        // The implicit localhost is in no group but `all`; its facts may name one all the same.
        if !self.host(host).implicit {
            changed |= self.join(host, child);
        }
        if changed || self.groups.len() > known_groups {
            self.reconcile();
        }
        Ok(changed || self.groups.len() > known_groups)
    }
}

/// Whether two values are the same to the letter: `1`, `1.0` and `True` are not.
fn same(a: &Value, b: &Value) -> bool {
    a == b && a.repr() == b.repr()
}
