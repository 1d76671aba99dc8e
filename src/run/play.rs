//! One play while it runs.

use super::handlers::Handlers;
use super::scope::{PlayScope, VarsFiles};
use super::strand::Strand;
use crate::inventory::HostId;
use crate::playbook::{Block, BlockKind, Fork, Item, Keyword, NodeId, Play, Strand as Planned, TagFilter, Task};
use crate::template::{Engine, Scope};
use crate::value::{Map, Value};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// How hosts keep step with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    /// A task begins when all hosts are done with the one before.
    Linear,
    /// Each host for itself.
    Free,
    /// Each host for itself, and no more hosts at once than `forks`.
    HostPinned,
}

impl Strategy {
    pub fn parse(name: &str) -> Option<Strategy> {
        match name.rsplit('.').next() {
            // mitogen's strategies differ in transport only.
            Some("linear" | "mitogen_linear" | "mitogen") => Some(Strategy::Linear),
            Some("free" | "mitogen_free") => Some(Strategy::Free),
            Some("host_pinned" | "mitogen_host_pinned") => Some(Strategy::HostPinned),
            _ => None,
        }
    }
}

/// A play that has begun.
pub(super) struct PlayRun {
    pub play: Arc<Play>,
    pub items: Arc<[Item]>,
    pub name: String,
    pub strategy: Strategy,
    pub all_hosts: Vec<HostId>,
    pub batches: VecDeque<Vec<HostId>>,
    /// The hosts of the batch that runs.
    pub batch: Vec<HostId>,
    pub strands: Vec<Strand>,
    /// Strands of each fork that has begun in this batch.
    pub forks: HashMap<NodeId, Vec<usize>>,
    pub handlers: Handlers,
    pub notified: HashMap<HostId, HashSet<NodeId>>,
    /// Roles that ran to their end, by key and host, and those of which a task ran.
    pub roles_done: HashSet<(String, HostId)>,
    pub roles_begun: HashSet<(String, HostId)>,
    pub prompted: Arc<Map>,
    pub vars_files: Arc<VarsFiles>,
    pub public_includes: Vec<Arc<crate::playbook::Role>>,
    /// Made anew when hosts fail or the inventory changes.
    pub scope: Option<Arc<PlayScope>>,
    pub max_fail_percentage: Option<f64>,
    /// Hosts that failed before this batch began.
    pub failed_before: usize,
    /// The play was ended by `meta: end_play`, or a limit of failures.
    pub ended: bool,
    /// Failures in this batch are enough to end the run.
    pub broken: bool,
}

impl PlayRun {
    /// Whether the batch is done.
    pub fn is_idle(&self) -> bool {
        self.strands.first().is_none_or(|strand| strand.is_done())
    }
}

/// Takes out what tags and `--start-at-task` leave out. Names of what was removed go to `removed`.
pub(super) struct Chooser<'a> {
    pub engine: &'a Engine,
    pub scope: &'a Arc<dyn Scope>,
    pub tags: &'a TagFilter,
    /// The pattern of `--start-at-task`, until it was met.
    pub start_at: &'a mut Option<String>,
    pub removed: &'a mut HashSet<NodeId>,
}

impl Chooser<'_> {
    /// What remains of a list. Gaps keep the places of what was removed.
    pub fn choose(&mut self, items: &[Item]) -> Arc<[Item]> {
        items.iter().map(|item| self.choose_item(item)).collect()
    }

    fn choose_item(&mut self, item: &Item) -> Item {
        match item {
            Item::Task(task) => match self.takes(task) {
                true => item.clone(),
                false => {
                    self.removed.insert(task.id);
                    Item::Gap
                }
            },
            Item::Block(block) => Item::Block(Arc::new(Block {
                body: self.choose(&block.body),
                rescue: self.choose(&block.rescue),
                always: self.choose(&block.always),
                ..block.as_ref().clone()
            })),
            Item::Fork(fork) => Item::Fork(Arc::new(Fork {
                id: fork.id,
                strands: fork
                    .strands
                    .iter()
                    .map(|strand| Planned { needs: strand.needs.clone(), items: self.choose(&strand.items) })
                    .collect(),
            })),
            Item::Gap => Item::Gap,
        }
    }

    fn takes(&mut self, task: &Task) -> bool {
        if !self.tags.chooses(&self.tags_of(task)) {
            return false;
        }
        if let Some(start) = self.start_at.clone().filter(|_| !task.implicit) {
            let name = task.display_name();
            let own = task.name.as_ref().map(Value::to_string).unwrap_or_default();
            if !wildcard(&start, &name) && !wildcard(&start, &own) {
                return false;
            }
            *self.start_at = None;
        }
        true
    }

    fn tags_of(&self, task: &Task) -> BTreeSet<String> {
        let mut tags = BTreeSet::new();
        for tag in task.attributes.items(Keyword::Tags) {
            let tag = self.engine.resolve(&tag, self.scope).unwrap_or(tag);
            collect(&tag, &mut tags);
        }
        tags
    }
}

fn collect(tag: &Value, tags: &mut BTreeSet<String>) {
    match tag {
        Value::List(items) => items.iter().for_each(|item| collect(item, tags)),
        Value::Null => {}
        other => {
            tags.extend(other.to_string().split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()))
        }
    }
}

/// `*` and `?` as in a shell.
pub(super) fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let mut reach = vec![false; text.len() + 1];
    reach[0] = true;
    for c in pattern {
        let before = reach.clone();
        for at in 0..=text.len() {
            reach[at] = match c {
                '*' => before[at] || (at > 0 && reach[at - 1]),
                '?' => at > 0 && before[at - 1],
                c => at > 0 && before[at - 1] && text[at - 1] == c,
            };
        }
    }
    reach[text.len()]
}

/// The key of a role's block, when it must not run twice.
pub(super) fn once_key(block: &Block) -> Option<String> {
    match &block.kind {
        BlockKind::Role(role) if !role.allow_duplicates => Some(role.key.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        assert!(wildcard("a*c", "abbc") && wildcard("*", "") && wildcard("a?c", "abc"));
        assert!(!wildcard("a?c", "ac") && !wildcard("abc", "abcd"));
    }
}
