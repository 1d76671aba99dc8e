//! A host as the inventory knows it.

use super::{Definitions, GroupId};
use crate::source::Span;
use crate::value::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// Names a host of one inventory; ids stay valid while the inventory changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub(super) u32);

impl HostId {
    /// A number from 0 that no other host has.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A host.
#[derive(Debug, Clone)]
pub struct Host {
    /// `inventory_hostname`.
    pub name: Arc<str>,
    /// It stands in no inventory: the local machine, there when a play asks for it.
    pub implicit: bool,
    /// What the inventory sets for it, `ansible_port` from `name:port` included.
    pub vars: Definitions,
    /// The groups that name it, without their ancestors.
    pub groups: Vec<GroupId>,
    /// Where it was named first.
    pub span: Option<Span>,
    /// `inventory_file`: the source that named it first, or the text of a host list.
    pub source: Option<PathBuf>,
}

impl Host {
    pub(super) fn new(name: &str, span: Option<Span>, source: Option<PathBuf>) -> Host {
        Host { name: Arc::from(name), implicit: false, vars: Definitions::default(), groups: Vec::new(), span, source }
    }

    /// The local machine. Ansible also sets its Python there; that is left to who knows it.
    pub(super) fn implicit(name: &str) -> Host {
        let mut host = Host { implicit: true, ..Host::new(name, None, None) };
        host.vars.set("ansible_connection", Value::str("local"), None);
        host
    }
}
