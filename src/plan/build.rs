//! Walks plays in their order and makes the graph.

use super::graph::{Node, NodeKind, Plan, Reason, Wait};
use super::names::Names;
use super::reads::{Access, Reads};
use crate::playbook::{Action, Block, BlockKind, Item, Keyword, Need, NeedHosts, NodeId, Play, Task};
use crate::source::{Diagnostics, Span};
use crate::template::Engine;
use crate::value::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// What is known of variables before the run.
#[derive(Debug, Clone, Default)]
pub struct StaticVars {
    /// Definitions that stand in files, by name: what their templates read counts for whoever reads
    /// the name.
    pub definitions: HashMap<Arc<str>, Vec<Value>>,
    /// By a role's folder, the names that files below its `vars` define: what an `include_vars` of
    /// that role sets, whichever of them it chooses.
    pub loadable: HashMap<PathBuf, BTreeSet<Arc<str>>>,
}

/// One play with its items in the order of running.
pub struct PlanInput<'a> {
    /// The play.
    pub play: &'a Play,
    /// Gathering, sections, flushes.
    pub items: &'a [Item],
}

/// Makes a [`Plan`].
pub struct Planner<'a> {
    engine: &'a Engine,
    variables: &'a StaticVars,
    plan: Plan,
    names: Names,
    tasks: Vec<Leaf>,
    needs: Vec<Waiting>,
}

/// A task in linear order, with the forks and strands that it is in.
pub(super) struct Leaf {
    pub id: NodeId,
    pub path: Vec<(NodeId, usize)>,
    pub access: Access,
    pub span: Option<Span>,
    pub notifies: Vec<String>,
}

/// A node that says what it needs.
struct Waiting {
    node: NodeId,
    parent: Option<NodeId>,
    needs: Vec<Need>,
    /// Plays wait for all hosts whatever they say.
    play: bool,
}

impl<'a> Planner<'a> {
    /// A planner for a playbook.
    pub fn new(engine: &'a Engine, variables: &'a StaticVars) -> Planner<'a> {
        Planner {
            engine,
            variables,
            plan: Plan::default(),
            names: Names::default(),
            tasks: Vec::new(),
            needs: Vec::new(),
        }
    }

    /// Plans all plays. Unknown and ambiguous names and cycles are diagnostics.
    pub fn plan(mut self, plays: &[PlanInput<'_>], diagnostics: &mut Diagnostics) -> Plan {
        let some_play_needs = plays.iter().any(|input| input.play.needs.is_some());
        let mut strand = 0;
        let mut previous: Option<NodeId> = None;
        let root = NodeId(0);
        for input in plays {
            let play = input.play;
            self.add(play.id, NodeKind::Play, &play_name(play), play.label.clone(), play.span, None, false);
            match &play.needs {
                Some(needs) => {
                    strand += 1;
                    self.needs.push(Waiting { node: play.id, parent: None, needs: needs.clone(), play: true });
                }
                None => {
                    if let Some(previous) = previous {
                        self.plan.add_edge(previous, play.id, Reason::Follows, None);
                    }
                }
            }
            previous = Some(play.id);
            let mut path = if some_play_needs { vec![(root, strand)] } else { Vec::new() };
            self.walk(input.items, Some(play.id), &mut path);
            self.walk_handlers(&play.handlers, play.id);
        }
        self.resolve_needs(diagnostics);
        self.infer();
        super::cycles::report(&self.plan, diagnostics);
        self.plan
    }

    /// Adds what an include brought in to a standing plan.
    pub fn extend(mut self, plan: Plan, parent: NodeId, items: &[Item], diagnostics: &mut Diagnostics) -> Plan {
        self.names = Names::of(&plan);
        self.plan = plan;
        self.walk(items, Some(parent), &mut Vec::new());
        self.resolve_needs(diagnostics);
        self.infer();
        self.plan
    }

    #[allow(clippy::too_many_arguments, reason = "the columns of a node")]
    fn add(
        &mut self,
        id: NodeId,
        kind: NodeKind,
        name: &str,
        label: Option<Arc<str>>,
        span: Option<Span>,
        parent: Option<NodeId>,
        implicit: bool,
    ) {
        let node = Node { id, kind, name: Arc::from(name), label, span, parent, implicit };
        self.names.add(&node);
        self.plan.add_node(node);
    }

    fn walk(&mut self, items: &[Item], parent: Option<NodeId>, path: &mut Vec<(NodeId, usize)>) {
        let mut previous: Option<NodeId> = None;
        for item in items {
            match item {
                Item::Task(task) => self.walk_task(task, parent, path),
                Item::Block(block) => self.walk_block(block, parent, path),
                Item::Fork(fork) => {
                    for (index, strand) in fork.strands.iter().enumerate() {
                        path.push((fork.id, index));
                        self.walk(&strand.items, parent, path);
                        path.pop();
                    }
                    previous = None;
                    continue;
                }
                Item::Gap => continue,
            }
            if let (Some(previous), Some(id), None) = (previous, item.id(), item.needs()) {
                self.plan.add_edge(previous, id, Reason::Follows, None);
            }
            if let (Some(id), Some(needs)) = (item.id(), item.needs()) {
                self.needs.push(Waiting { node: id, parent, needs: needs.clone(), play: false });
            }
            previous = item.id();
        }
    }

    fn walk_block(&mut self, block: &Arc<Block>, parent: Option<NodeId>, path: &mut Vec<(NodeId, usize)>) {
        if matches!(block.kind, BlockKind::Section) {
            for list in [&block.body, &block.rescue, &block.always] {
                self.walk(list, parent, path);
            }
            return;
        }
        let kind = if matches!(block.kind, BlockKind::Role(_)) { NodeKind::Role } else { NodeKind::Block };
        let name = block.name.clone().unwrap_or_else(|| Arc::from("block"));
        self.add(block.id, kind, &name, block.label.clone(), block.span, parent, false);
        for list in [&block.body, &block.rescue, &block.always] {
            self.walk(list, Some(block.id), path);
        }
    }

    fn walk_task(&mut self, task: &Arc<Task>, parent: Option<NodeId>, path: &[(NodeId, usize)]) {
        let name = task.name.as_ref().map_or_else(|| task.display_name(), Value::to_string);
        self.add(task.id, NodeKind::Task, &name, task.label.clone(), task.span, parent, task.implicit);
        let access = match (&task.action, task.implicit) {
            (Action::Meta(_), true) => Access::default(),
            _ => Reads::new(self.engine, self.variables).of_task(task),
        };
        let notifies = task.attributes.items(Keyword::Notify).iter().map(Value::to_string).collect();
        self.tasks.push(Leaf { id: task.id, path: path.to_vec(), access, span: task.span, notifies });
    }

    fn walk_handlers(&mut self, items: &[Item], play: NodeId) {
        for item in items {
            match item {
                Item::Task(task) => {
                    let name = task.name.as_ref().map_or_else(|| task.display_name(), Value::to_string);
                    self.add(task.id, NodeKind::Handler, &name, None, task.span, Some(play), false);
                    let mut known: Vec<String> =
                        task.attributes.items(Keyword::Listen).iter().map(Value::to_string).collect();
                    known.push(name);
                    let notifiers: Vec<NodeId> = self
                        .tasks
                        .iter()
                        .filter(|leaf| leaf.notifies.iter().any(|notified| known.contains(notified)))
                        .map(|leaf| leaf.id)
                        .collect();
                    for notifier in notifiers {
                        self.plan.add_edge(notifier, task.id, Reason::Notified, task.span);
                    }
                }
                Item::Block(block) => self.walk_handlers(&block.body, play),
                Item::Fork(_) | Item::Gap => {}
            }
        }
    }

    fn resolve_needs(&mut self, diagnostics: &mut Diagnostics) {
        for waiting in std::mem::take(&mut self.needs) {
            for need in &waiting.needs {
                let found = self.names.find(&self.plan, need, waiting.node, waiting.parent);
                let node = match found {
                    Ok(node) => node,
                    Err(diagnostic) => {
                        diagnostics.push(*diagnostic);
                        continue;
                    }
                };
                let hosts = if waiting.play { NeedHosts::All } else { need.hosts };
                self.plan.add_wait(waiting.node, Wait { node, hosts });
                self.plan.add_edge(node, waiting.node, Reason::Needs(hosts), need.span);
            }
        }
    }

    /// Adds edges between tasks that set what others read or set, where no order stands between them.
    fn infer(&mut self) {
        let tasks = std::mem::take(&mut self.tasks);
        let order = super::cycles::Order::of(&self.plan);
        for (index, later) in tasks.iter().enumerate().filter(|(_, leaf)| !leaf.path.is_empty()) {
            for earlier in tasks[..index].iter().filter(|earlier| side_by_side(&earlier.path, &later.path)) {
                let Some((reason, hosts)) = later.access.depends_on(&earlier.access) else { continue };
                // An order that stands already, one way or the other, wins over the file's.
                let settled = hosts == NeedHosts::Same && order.stands(earlier.id, later.id);
                if settled || order.stands(later.id, earlier.id) {
                    continue;
                }
                self.plan.add_wait(later.id, Wait { node: earlier.id, hosts });
                self.plan.add_edge(earlier.id, later.id, reason, later.span);
            }
        }
    }
}

/// Whether two tasks are in different strands of one fork, so that nothing orders them by itself.
fn side_by_side(a: &[(NodeId, usize)], b: &[(NodeId, usize)]) -> bool {
    a.iter().zip(b).find(|(a, b)| a != b).is_some_and(|((fork_a, _), (fork_b, _))| fork_a == fork_b)
}

fn play_name(play: &Play) -> String {
    play.name.as_ref().map_or_else(|| play.hosts.value.to_string(), Value::to_string)
}
