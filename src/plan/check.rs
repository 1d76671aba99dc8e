//! Looks at every template of a play without rendering it.

use crate::playbook::{Action, Attributes, Item, Keyword, Looping, Play, Task};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::template::{Engine, TemplateError};
use crate::value::{Map, Value};

/// Notes syntax errors and unknown filters and tests in a play's templates and conditions.
pub fn check_templates(play: &Play, engine: &Engine, diagnostics: &mut Diagnostics) {
    let mut checker = Checker { engine, diagnostics };
    checker.attributes(&play.attributes);
    checker.map(&play.vars);
    checker.value(&play.hosts.value);
    for role in &play.public_roles {
        checker.map(&role.defaults);
        checker.map(&role.vars);
    }
    for list in [&play.pre_tasks, &play.roles, &play.tasks, &play.post_tasks, &play.handlers] {
        checker.items(list);
    }
}

struct Checker<'a> {
    engine: &'a Engine,
    diagnostics: &'a mut Diagnostics,
}

impl Checker<'_> {
    fn items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Task(task) => self.task(task),
                Item::Block(block) => {
                    self.items(&block.body);
                    self.items(&block.rescue);
                    self.items(&block.always);
                }
                Item::Fork(fork) => fork.strands.iter().for_each(|strand| self.items(&strand.items)),
                Item::Gap => {}
            }
        }
    }

    fn task(&mut self, task: &Task) {
        if task.implicit {
            return;
        }
        self.attributes(&task.attributes);
        self.map(&task.own_vars);
        task.name.iter().for_each(|name| self.value(name));
        match &task.looping {
            Some(Looping::Loop(items)) => self.value(items),
            Some(Looping::With { terms, .. }) => self.value(terms),
            None => {}
        }
        match &task.action {
            Action::Module { args, .. } => self.value(args),
            Action::Templated { name, args, .. } => {
                self.value(name);
                self.value(args);
            }
            Action::IncludeTasks(include) => self.value(&include.file),
            Action::IncludeRole(include) => self.value(&include.name),
            Action::Meta(_) | Action::ImportTasks(_) | Action::ImportRole(_) => {}
        }
    }

    fn attributes(&mut self, attributes: &Attributes) {
        for (keyword, attribute) in attributes.iter() {
            match keyword {
                Keyword::When | Keyword::ChangedWhen | Keyword::FailedWhen | Keyword::Until => {
                    self.conditions(&attribute.value, attribute.span);
                }
                _ => self.value(&attribute.value),
            }
        }
    }

    fn conditions(&mut self, value: &Value, span: Option<Span>) {
        match value {
            Value::List(items) => items.iter().for_each(|item| self.conditions(item, span)),
            Value::Str(text) => self.note(self.engine.check_expression(text, span), span),
            other => self.value(other),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Template(template) if template.verbatim => {}
            Value::Template(template) => self.note(self.engine.check(template), template.span),
            Value::List(items) => items.iter().for_each(|item| self.value(item)),
            Value::Map(map) => self.map(map),
            _ => {}
        }
    }

    fn map(&mut self, map: &Map) {
        map.values().for_each(|value| self.value(value));
    }

    fn note(&mut self, checked: Result<(), Box<TemplateError>>, span: Option<Span>) {
        if let Err(error) = checked {
            let diagnostic = Diagnostic::error("template", error.span.or(span), error.message);
            // Keywords that are inherited are looked at once for each heir.
            if !self.diagnostics.0.contains(&diagnostic) {
                self.diagnostics.push(diagnostic);
            }
        }
    }
}
