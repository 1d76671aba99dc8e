//! Calling functions, methods and macros.

use super::arguments::Args;
use super::blocks::TemplateState;
use super::context::{Context, FileState};
use super::environment::Env;
use super::object::{Callable, Entries, Object};
use super::print::type_name;
use crate::template::error::{Result, TemplateError};
use crate::template::scope::Scope;
use crate::template::syntax::MacroText;
use crate::template::{functions, methods};
use crate::value::Key;
use std::rc::Rc;
use std::sync::Arc;

/// A macro with the names around it and the scope that it was made in.
pub struct Macro {
    pub text: Arc<MacroText>,
    pub env: Rc<Env>,
    pub scope: Arc<dyn Scope>,
    pub file: Option<Rc<FileState>>,
}

impl Context<'_> {
    /// Calls an object. An error is raised only when the result is used.
    pub fn call(&self, callee: &Object, args: Args) -> Object {
        self.try_call(callee, args).unwrap_or_else(|error| Object::failed(error.at(self.span)))
    }

    fn try_call(&self, callee: &Object, args: Args) -> Result<Object> {
        let callable = match callee {
            Object::Callable(callable) => callable,
            Object::Loop(state) => return self.recurse(state, args),
            Object::Undefined(error) => return Err(error.raised()),
            other => return Err(TemplateError::runtime(format!("'{}' object is not callable", type_name(other)))),
        };
        match &**callable {
            Callable::Macro(called) if Arc::ptr_eq(&called.scope, &self.scope) => self.call_macro(called, args),
            Callable::Macro(called) => {
                let mut own = self.in_scope(called.scope.clone());
                own.file = called.file.clone();
                own.call_macro(called, args)
            }
            Callable::Global(name) => functions::call(self, name, args).map_err(|mut error| {
                if error.message.starts_with("takes ") || error.message.starts_with("got ") {
                    error.message = format!("{name}() {}", error.message);
                }
                error
            }),
            Callable::Method(receiver, name) => Ok(self.call_method(receiver, name, args)),
            Callable::Joiner(separator, used) => {
                args.none()?;
                Ok(if used.replace(true) { separator.clone() } else { Object::str("") })
            }
            Callable::Super(block) => {
                args.none()?;
                self.call_super(block)
            }
        }
    }

    /// Calls a method. An error is raised only when the result is used.
    pub fn call_method(&self, receiver: &Object, name: &str, args: Args) -> Object {
        if let Some(undefined) = args.undefined() {
            return undefined;
        }
        methods::call(self, receiver, name, args).unwrap_or_else(|error| Object::failed(error.at(self.span)))
    }

    /// A copy of shared data that a method may change; None when the object is the template's own.
    pub(super) fn changeable(&self, object: &Object) -> Result<Option<Object>> {
        Ok(match object {
            Object::List(_) | Object::Dict(_) => None,
            other if other.is_mapping() => Some(Object::dict(self.entries(other)?.into_iter().collect())),
            other if other.is_list() && !matches!(other, Object::Tuple(_)) => Some(Object::list(self.iterate(other)?)),
            _ => None,
        })
    }

    fn call_macro(&self, called: &Macro, args: Args) -> Result<Object> {
        let text = &called.text;
        let env = called.env.child();
        let mut positional = args.positional.into_iter();
        let mut named = args.named;
        let names = &text.signature.names;
        let first_default = names.len() - text.signature.defaults.len();
        for (index, name) in names.iter().enumerate() {
            let given = match positional.next() {
                Some(object) => Some(object),
                None => {
                    let at = named.iter().position(|(known, _)| known == name);
                    at.map(|at| named.remove(at).1)
                }
            };
            let object = match given {
                Some(object) => object,
                None => match index.checked_sub(first_default).and_then(|at| text.signature.defaults.get(at)) {
                    Some(default) => self.evaluate(default, &env)?,
                    None => self.undefined(name, format!("parameter {} was not provided", Object::quoted(name))),
                },
            };
            env.set(name.clone(), object);
        }
        if text.caller && !names.iter().any(|name| &**name == "caller") {
            let at = named.iter().position(|(name, _)| &**name == "caller");
            let caller = match at {
                Some(at) => named.remove(at).1,
                None => self.undefined("caller", "No caller defined".into()),
            };
            env.set(Arc::from("caller"), caller);
        }
        if text.kwargs {
            let rest: Entries = named.drain(..).map(|(name, object)| (Key::Str(name), object)).collect();
            env.set(Arc::from("kwargs"), Object::dict(rest));
        } else if let Some((name, _)) = named.first() {
            let message = if &**name == "caller" {
                format!(
                    "macro {} was invoked with two values for the special caller argument. This is most likely a bug.",
                    Object::quoted(&text.name)
                )
            } else {
                format!("macro {} takes no keyword argument {}", Object::quoted(&text.name), Object::quoted(name))
            };
            return Err(TemplateError::runtime(message));
        }
        let rest: Vec<Object> = positional.collect();
        if text.varargs {
            env.set(Arc::from("varargs"), Object::tuple(rest));
        } else if !rest.is_empty() {
            return Err(TemplateError::runtime(format!(
                "macro {} takes not more than {} argument(s)",
                Object::quoted(&text.name),
                names.len()
            )));
        }
        self.nested(|| {
            let mut out = Vec::new();
            self.run_body(&text.body, &env, &mut out, &Rc::new(TemplateState::new(env.clone())))?;
            self.concat(out)
        })
    }
}

impl Object {
    /// Python's spelling of a string.
    pub(super) fn quoted(text: &str) -> String {
        crate::value::Value::str(text).repr()
    }
}
