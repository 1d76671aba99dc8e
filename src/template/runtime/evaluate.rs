//! Evaluating expressions.

use super::arguments::Args;
use super::context::Context;
use super::environment::Env;
use super::object::{Callable, Entries, Object};
use crate::template::error::{Result, TemplateError};
use crate::template::syntax::{Arguments, Expr};
use crate::template::{filters, functions, methods, tests};
use crate::value::{Value, is_template};
use std::rc::Rc;
use std::sync::Arc;

impl Context<'_> {
    /// The value of an expression.
    pub fn evaluate(&self, expr: &Expr, env: &Rc<Env>) -> Result<Object> {
        self.check_stack()?;
        match expr {
            Expr::Const(Value::Str(text)) if self.embedded.get() && is_template(text) => {
                self.engine().warn("Jinja constant strings should not contain embedded templates.");
                let Value::Template(text) = Value::authored(text, self.span) else { return Ok(Object::str(text)) };
                Ok(self.render_text(&text, &self.scope))
            }
            Expr::Const(value) => Ok(Object::Value(value.clone())),
            Expr::Name(name) => Ok(self.name(name, env)),
            Expr::List(items) => Ok(Object::list(self.evaluate_all(items, env)?)),
            Expr::Tuple(items) => Ok(Object::tuple(self.evaluate_all(items, env)?)),
            Expr::Dict(entries) => {
                let mut out = Entries::with_capacity(entries.len());
                for (key, value) in entries {
                    let key = self.key(&self.evaluate(key, env)?)?;
                    out.insert(key, self.evaluate(value, env)?);
                }
                Ok(Object::dict(out))
            }
            Expr::Attribute(of, name) => {
                let of = self.evaluate(of, env)?;
                self.attribute(&of, name)
            }
            Expr::Item(of, key) => {
                let of = self.evaluate(of, env)?;
                let key = self.evaluate(key, env)?;
                self.item(&of, &key)
            }
            Expr::Slice(of, parts) => {
                let of = self.evaluate(of, env)?;
                let mut bounds = [None; 3];
                for (bound, part) in bounds.iter_mut().zip(parts) {
                    if let Some(part) = part {
                        *bound = self.slice_bound(&self.evaluate(part, env)?)?;
                    }
                }
                self.slice(&of, bounds)
            }
            Expr::Call(callee, arguments) => self.evaluate_call(callee, arguments, None, env),
            Expr::Filter(value, name, arguments, place) => {
                let value = match value {
                    Some(value) => self.evaluate(value, env)?,
                    None => Object::NONE,
                };
                let args = self.arguments(arguments, env)?;
                filters::apply(self, name, value, args, *place)
            }
            Expr::Test(value, name, arguments, place) => {
                let value = self.evaluate(value, env)?;
                let args = self.arguments(arguments, env)?;
                tests::apply(self, name, value, args, *place)
            }
            Expr::Negative(inner) => self.negative(&self.evaluate(inner, env)?),
            Expr::Positive(inner) => self.positive(&self.evaluate(inner, env)?),
            Expr::Not(inner) => Ok(Object::bool(!self.truth(&self.evaluate(inner, env)?)?)),
            Expr::And(left, right) => {
                let left = self.evaluate(left, env)?;
                if self.truth(&left)? { self.evaluate(right, env) } else { Ok(left) }
            }
            Expr::Or(left, right) => {
                let left = self.evaluate(left, env)?;
                if self.truth(&left)? { Ok(left) } else { self.evaluate(right, env) }
            }
            Expr::Binary(op, left, right) => {
                let left = self.evaluate(left, env)?;
                let right = self.evaluate(right, env)?;
                self.binary(*op, &left, &right)
            }
            Expr::Compare(first, rest) => {
                let mut left = self.evaluate(first, env)?;
                for (op, right) in rest {
                    let right = self.evaluate(right, env)?;
                    if !self.compare(*op, &left, &right)? {
                        return Ok(Object::bool(false));
                    }
                    left = right;
                }
                Ok(Object::bool(true))
            }
            Expr::Concat(parts) => {
                let mut out = String::new();
                for part in parts {
                    out.push_str(&self.text(&self.evaluate(part, env)?)?);
                }
                Ok(Object::str(out))
            }
            Expr::If(parts, place) => {
                let (value, condition, otherwise) = &**parts;
                if self.truth(&self.evaluate(condition, env)?)? {
                    return self.evaluate(value, env);
                }
                match otherwise {
                    Some(otherwise) => self.evaluate(otherwise, env),
                    None => Ok(Object::Blank(place.line)),
                }
            }
        }
    }

    fn evaluate_all(&self, items: &[Expr], env: &Rc<Env>) -> Result<Vec<Object>> {
        items.iter().map(|item| self.evaluate(item, env)).collect()
    }

    /// What a name means: the template's own names, then the scope's, then the engine's.
    pub(super) fn name(&self, name: &Arc<str>, env: &Env) -> Object {
        if let Some(object) = env.get(name) {
            return object;
        }
        if let Some(object) = self.variable(name) {
            return object;
        }
        if &**name == "omit" {
            return Object::Omit;
        }
        match functions::name(name) {
            Some(known) => Object::Callable(Rc::new(Callable::Global(known))),
            None => self.undefined(name, format!("'{name}' is undefined")),
        }
    }

    pub(super) fn arguments(&self, arguments: &Arguments, env: &Rc<Env>) -> Result<Args> {
        let mut args = Args { positional: self.evaluate_all(&arguments.positional, env)?, named: Vec::new() };
        for (name, expr) in &arguments.named {
            args.named.push((name.clone(), self.evaluate(expr, env)?));
        }
        if let Some(star) = &arguments.star {
            args.positional.extend(self.iterate(&self.evaluate(star, env)?)?);
        }
        if let Some(double_star) = &arguments.double_star {
            for (key, object) in self.entries(&self.evaluate(double_star, env)?)? {
                let Some(name) = key.as_str() else {
                    return Err(TemplateError::runtime("keywords must be strings"));
                };
                args.named.push((Arc::from(name), object));
            }
        }
        Ok(args)
    }

    /// A call; `caller` is the body of a call block.
    pub(super) fn evaluate_call(
        &self,
        callee: &Expr,
        arguments: &Arguments,
        caller: Option<Object>,
        env: &Rc<Env>,
    ) -> Result<Object> {
        if let Expr::Attribute(of, name) = callee {
            let mut receiver = self.evaluate(of, env)?;
            if methods::has(&receiver, name) {
                let args = self.arguments(arguments, env)?;
                if methods::changes(name)
                    && let Some(own) = self.changeable(&receiver)?
                {
                    // Data of a scope is shared: the template changes a copy of its own.
                    receiver = own;
                    if let Expr::Name(variable) = &**of {
                        env.rebind(variable, receiver.clone());
                    }
                }
                return Ok(self.call_method(&receiver, name, args));
            }
            let callee = self.attribute(&receiver, name)?;
            return self.evaluate_arguments_and_call(&callee, arguments, caller, env);
        }
        let callee = self.evaluate(callee, env)?;
        self.evaluate_arguments_and_call(&callee, arguments, caller, env)
    }

    fn evaluate_arguments_and_call(
        &self,
        callee: &Object,
        arguments: &Arguments,
        caller: Option<Object>,
        env: &Rc<Env>,
    ) -> Result<Object> {
        let is_lookup = matches!(callee, Object::Callable(callable)
            if matches!(**callable, Callable::Global("lookup" | "query" | "q")));
        // A template in a string constant among a lookup's terms is rendered, as it always was.
        let before = self.embedded.get();
        self.embedded.set(before || is_lookup);
        let args = self.arguments(arguments, env);
        self.embedded.set(before);
        let mut args = args?;
        if let Some(caller) = caller {
            args.named.push((Arc::from("caller"), caller));
        }
        Ok(self.call(callee, args))
    }
}
