//! Running statements.

use super::blocks::TemplateState;
use super::calls::Macro;
use super::context::Context;
use super::environment::Env;
use super::object::{Callable, Object};
use crate::template::error::{Result, TemplateError};
use crate::template::filters;
use crate::template::syntax::{Expr, MacroText, Stmt, Target};
use crate::value::{Key, Value};
use std::rc::Rc;
use std::sync::Arc;

/// How a body ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// At its end.
    Normal,
    /// With `break`.
    Break,
    /// With `continue`.
    Continue,
}

impl Context<'_> {
    /// Joins what statements have put out. A single object keeps its type; None counts for nothing.
    pub fn concat(&self, nodes: Vec<Object>) -> Result<Object> {
        let mut flat = Vec::with_capacity(nodes.len());
        flatten(nodes, &mut flat);
        if flat.len() <= 1 {
            return Ok(flat.pop().unwrap_or(Object::NONE));
        }
        let mut text = String::new();
        for node in &flat {
            match node {
                Object::Undefined(_) => return Ok(node.clone()),
                Object::Omit | Object::Blank(_) => {}
                Object::Value(Value::Str(part)) => text.push_str(part),
                Object::Value(value) => text.push_str(&value.to_string()),
                // Containers print as the plain data that they stand for.
                Object::Lazy(..) | Object::List(_) | Object::Tuple(_) | Object::Dict(_) | Object::Map(..) => {
                    match self.plain(node) {
                        Ok(value) => text.push_str(&value.to_string()),
                        Err(error) => return Ok(Object::failed(error)),
                    }
                }
                other => text.push_str(&self.text(other)?),
            }
        }
        Ok(Object::str(text))
    }

    /// Runs statements; what they put out is added to `out`.
    pub(super) fn run_body(
        &self,
        body: &[Stmt],
        env: &Rc<Env>,
        out: &mut Vec<Object>,
        state: &Rc<TemplateState>,
    ) -> Result<Flow> {
        for statement in body {
            match statement {
                Stmt::Data(text) if !state.muted.get() => out.push(Object::Value(Value::Str(text.clone()))),
                Stmt::Output(expr) if !state.muted.get() => out.push(self.evaluate(expr, env)?),
                Stmt::Data(_) | Stmt::Output(_) => {}
                Stmt::If(parts) => {
                    let mut chosen = &parts.otherwise;
                    for (condition, body) in &parts.branches {
                        if self.truth(&self.evaluate(condition, env)?)? {
                            chosen = body;
                            break;
                        }
                    }
                    match self.run_body(chosen, env, out, state)? {
                        Flow::Normal => {}
                        other => return Ok(other),
                    }
                }
                Stmt::For(text) => self.run_for(text, env, out, state)?,
                Stmt::Set(target, expr) => {
                    let object = self.evaluate(expr, env)?;
                    self.assign(target, object, env)?;
                }
                Stmt::SetBlock(target, filter, body) => {
                    let mut object = self.captured(body, &env.child(), state)?;
                    if let Some(filter) = filter {
                        object = self.filter_chain(filter, object, env)?;
                    }
                    self.assign(target, object, env)?;
                }
                Stmt::With(parts) => {
                    let inner = env.child();
                    for (target, expr) in &parts.names {
                        let object = self.evaluate(expr, env)?;
                        self.assign(target, object, &inner)?;
                    }
                    match self.run_body(&parts.body, &inner, out, state)? {
                        Flow::Normal => {}
                        other => return Ok(other),
                    }
                }
                Stmt::Scope(body) => match self.run_body(body, &env.child(), out, state)? {
                    Flow::Normal => {}
                    other => return Ok(other),
                },
                Stmt::Macro(text) => {
                    let object = self.macro_object(text, env);
                    env.set(text.name.clone(), object);
                }
                Stmt::CallBlock(text, call) => {
                    if let Expr::Call(callee, arguments) = call {
                        let caller = self.macro_object(text, &env.child());
                        let result = self.evaluate_call(callee, arguments, Some(caller), env)?;
                        if !state.muted.get() {
                            out.push(result);
                        }
                    }
                }
                Stmt::FilterBlock(filter, body) => {
                    let object = self.captured(body, &env.child(), state)?;
                    let object = self.filter_chain(filter, object, env)?;
                    if !state.muted.get() {
                        out.push(object);
                    }
                }
                Stmt::Block(block) => {
                    if !state.muted.get() {
                        self.run_block(&block.name, 0, env, out, state)?;
                    }
                }
                Stmt::Extends(name) => self.extend(&self.evaluate(name, env)?, state)?,
                Stmt::Include { name, ignore_missing, context } => {
                    if !state.muted.get() {
                        let names = self.evaluate(name, env)?;
                        self.include(&names, *ignore_missing, *context, env, out)?;
                    }
                }
                Stmt::Import { name, alias, context } => {
                    let module = self.import(&self.evaluate(name, env)?, *context, env)?;
                    env.set(alias.clone(), Object::Module(Rc::new(module)));
                }
                Stmt::FromImport { name, names, context } => {
                    let from = self.evaluate(name, env)?;
                    let module = self.import(&from, *context, env)?;
                    for (imported, alias) in names {
                        let object = module.get(imported).unwrap_or_else(|| {
                            let from = self.text(&from).unwrap_or_default();
                            self.undefined(
                                imported,
                                format!("the template '{from}' does not export the requested name '{imported}'"),
                            )
                        });
                        env.set(alias.clone(), object);
                    }
                }
                Stmt::Do(expr) => {
                    self.evaluate(expr, env)?;
                }
                Stmt::Break => return Ok(Flow::Break),
                Stmt::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Normal)
    }

    /// What a body puts out, as one object.
    fn captured(&self, body: &[Stmt], env: &Rc<Env>, state: &Rc<TemplateState>) -> Result<Object> {
        let mut out = Vec::new();
        let muted = state.muted.replace(false);
        let result = self.run_body(body, env, &mut out, state);
        state.muted.set(muted);
        result?;
        self.concat(out)
    }

    fn macro_object(&self, text: &Arc<MacroText>, env: &Rc<Env>) -> Object {
        // The names hold the macro and the macro holds the names: the session unties them.
        self.session.untie_later(env.clone());
        let called = Macro { text: text.clone(), env: env.clone(), scope: self.scope.clone(), file: self.file.clone() };
        Object::Callable(Rc::new(Callable::Macro(called)))
    }

    /// Applies the filters of a filter block or set block.
    fn filter_chain(&self, filter: &Expr, object: Object, env: &Rc<Env>) -> Result<Object> {
        let Expr::Filter(inner, name, arguments, place) = filter else { return Ok(object) };
        let object = match inner {
            Some(inner) => self.filter_chain(inner, object, env)?,
            None => object,
        };
        filters::apply(self, name, object, self.arguments(arguments, env)?, *place)
    }

    pub(super) fn assign(&self, target: &Target, object: Object, env: &Rc<Env>) -> Result<()> {
        match target {
            Target::Name(name) => env.set(name.clone(), object),
            Target::Namespace(name, attribute) => match env.get(name) {
                Some(Object::Namespace(entries)) => {
                    entries.borrow_mut().insert(Key::Str(attribute.clone()), object);
                }
                _ => return Err(TemplateError::runtime("cannot assign attribute on non-namespace object")),
            },
            Target::Tuple(targets) => {
                let items = self.iterate(&object)?;
                if items.len() != targets.len() {
                    return Err(TemplateError::runtime(match items.len() < targets.len() {
                        true => {
                            format!("not enough values to unpack (expected {}, got {})", targets.len(), items.len())
                        }
                        false => format!("too many values to unpack (expected {})", targets.len()),
                    }));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item, env)?;
                }
            }
        }
        Ok(())
    }
}

fn flatten(nodes: Vec<Object>, flat: &mut Vec<Object>) {
    for node in nodes {
        match node {
            Object::Value(Value::Null) => {}
            Object::Module(module) => flatten(module.body.clone(), flat),
            other => flat.push(other),
        }
    }
}
