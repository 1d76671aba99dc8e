//! Handlers: which ones a notification means.

use super::scope::PlayScope;
use super::{Project, Settings};
use crate::playbook::{Item, Keyword, NodeId, Task};
use crate::template::Scope;
use crate::value::Value;
use crate::vars::{Layers, Precedence, TaskScope};
use std::sync::Arc;

/// The handlers of a play in the order in which they run.
#[derive(Default)]
pub(super) struct Handlers {
    pub items: Arc<[Item]>,
    tasks: Vec<Arc<Task>>,
}

impl Handlers {
    pub fn new(items: &[Item]) -> Handlers {
        let mut tasks = Vec::new();
        flatten(items, &mut tasks);
        Handlers { items: tasks.iter().cloned().map(Item::Task).collect(), tasks }
    }

    /// Adds the handlers of a role that was included.
    pub fn add(&mut self, items: &[Item]) {
        flatten(items, &mut self.tasks);
        self.items = self.tasks.iter().cloned().map(Item::Task).collect();
    }

    /// The handlers that a name means: the last one of this name, and all that listen to it.
    pub fn find(&self, name: &str, project: &Project, play: &PlayScope) -> Vec<NodeId> {
        let scope = play_scope(play, &play.settings);
        let render = |value: &Value| {
            project.engine.resolve(value, &scope).map_or_else(|_| value.to_string(), |value| value.to_string())
        };
        let named = self.tasks.iter().rev().find(|task| {
            task.name.as_ref().is_some_and(|own| {
                let own = render(own);
                let full = task.role.as_ref().map(|role| format!("{} : {own}", role.name));
                own == name || full.as_deref() == Some(name)
            })
        });
        let listening = self.tasks.iter().filter(|task| {
            task.attributes.items(Keyword::Listen).iter().any(|topic| {
                let topic = render(topic);
                topic.split(',').any(|topic| topic.trim() == name)
            })
        });
        let mut found: Vec<NodeId> = named.into_iter().chain(listening).map(|task| task.id).collect();
        found.dedup();
        found
    }
}

fn flatten(items: &[Item], tasks: &mut Vec<Arc<Task>>) {
    for item in items {
        match item {
            Item::Task(task) => tasks.push(task.clone()),
            Item::Block(block) => flatten(&block.body, tasks),
            Item::Fork(fork) => fork.strands.iter().for_each(|strand| flatten(&strand.items, tasks)),
            Item::Gap => {}
        }
    }
}

/// What is known in a play without any host.
pub(super) fn play_scope(play: &PlayScope, settings: &Settings) -> Arc<dyn Scope> {
    let mut layers = Layers::default();
    for role in &play.play.public_roles {
        layers.push(Precedence::RoleDefaults, role.defaults.clone());
        layers.push(Precedence::RoleVars, role.vars.clone());
    }
    layers.push(Precedence::PlayVars, play.play.vars.clone());
    layers.push(Precedence::PlayVarsPrompt, play.prompted.clone());
    layers.push(Precedence::ExtraVars, settings.extra_vars.clone());
    layers.push(Precedence::Magic, play.magic());
    Arc::new(TaskScope { layers, objects: Vec::new() })
}
