//! A value as templates see it while they run: data, what is not rendered yet, and what only
//! lives inside a template.

use super::blocks::{Module, Super};
use super::calls::Macro;
use super::loops::LoopState;
use crate::template::error::TemplateError;
use crate::template::python::{DateTime, TimeDelta};
use crate::template::scope::{LazyMap, Scope};
use crate::value::{Key, Value};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// The entries of a dict that a template made.
pub type Entries = IndexMap<Key, Object>;

/// A value as templates see it.
#[derive(Clone)]
pub enum Object {
    /// Data in which nothing is left to render.
    Value(Value),
    /// A list or map of a scope, whose parts are rendered there when they are reached.
    Lazy(Value, Arc<dyn Scope>),
    /// A list that a template made.
    List(Rc<RefCell<Vec<Object>>>),
    /// A dict that a template made.
    Dict(Rc<RefCell<Entries>>),
    /// A tuple.
    Tuple(Rc<Vec<Object>>),
    /// What `range()` gives: start, stop, step.
    Range(i64, i64, i64),
    /// Something undefined, or an error of a filter, test, lookup or call that nobody has caught
    /// yet. Using it raises the error; `default` replaces it.
    Undefined(Rc<TemplateError>),
    /// What an inline if without else gives: it prints nothing. The line, for messages.
    Blank(u32),
    /// The value of `omit`.
    Omit,
    /// A map whose entries are found on demand.
    Map(Arc<dyn LazyMap>, Arc<dyn Scope>),
    /// Something that can be called.
    Callable(Rc<Callable>),
    /// `loop`.
    Loop(Rc<LoopState>),
    /// What `namespace()` gives.
    Namespace(Rc<RefCell<Entries>>),
    /// An imported template.
    Module(Rc<Module>),
    /// What `cycler()` gives: the items and the position.
    Cycler(Rc<(Vec<Object>, std::cell::Cell<usize>)>),
    /// A date and a time.
    Time(Rc<DateTime>),
    /// The time between two.
    Delta(TimeDelta),
    /// Bytes, as `str.encode()` gives.
    Bytes(Rc<Vec<u8>>),
}

/// The message about an inline if without else.
pub fn blank_message(line: u32) -> String {
    format!("the inline if-expression on line {line} evaluated to false and no else section was defined.")
}

/// Something that can be called.
pub enum Callable {
    /// A function of every template, such as `range`.
    Global(&'static str),
    /// A method with the object that it belongs to.
    Method(Object, Arc<str>),
    /// A macro.
    Macro(Macro),
    /// What `joiner()` gives: the separator, and whether it was called.
    Joiner(Object, std::cell::Cell<bool>),
    /// `super()` of a block, or `self.name()`.
    Super(Super),
}

impl Object {
    /// None.
    pub const NONE: Object = Object::Value(Value::Null);

    /// Text.
    pub fn str(text: impl AsRef<str>) -> Object {
        Object::Value(Value::str(text))
    }

    /// A whole number.
    pub fn int(number: i64) -> Object {
        Object::Value(Value::Int(number))
    }

    /// A truth value.
    pub fn bool(truth: bool) -> Object {
        Object::Value(Value::Bool(truth))
    }

    /// A number with a fraction.
    pub fn float(number: f64) -> Object {
        Object::Value(Value::Float(number))
    }

    /// A list.
    pub fn list(items: Vec<Object>) -> Object {
        Object::List(Rc::new(RefCell::new(items)))
    }

    /// A tuple.
    pub fn tuple(items: Vec<Object>) -> Object {
        Object::Tuple(Rc::new(items))
    }

    /// A dict.
    pub fn dict(entries: Entries) -> Object {
        Object::Dict(Rc::new(RefCell::new(entries)))
    }

    /// An error that is raised when the object is used.
    pub fn failed(error: impl Into<Rc<TemplateError>>) -> Object {
        Object::Undefined(error.into())
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Object::Value(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is a whole one or a truth value.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Object::Value(Value::Int(number)) => Some(*number),
            Object::Value(Value::Bool(truth)) => Some(i64::from(*truth)),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Object::Value(Value::Float(number)) => Some(*number),
            other => other.as_int().map(|number| number as f64),
        }
    }

    /// Whether it is None.
    pub fn is_none(&self) -> bool {
        matches!(self, Object::Value(Value::Null))
    }

    /// Whether it maps keys to values.
    pub fn is_mapping(&self) -> bool {
        matches!(
            self,
            Object::Value(Value::Map(_)) | Object::Lazy(Value::Map(_), _) | Object::Dict(_) | Object::Map(..)
        )
    }

    /// Whether it is a list or tuple.
    pub fn is_list(&self) -> bool {
        matches!(
            self,
            Object::Value(Value::List(_)) | Object::Lazy(Value::List(_), _) | Object::List(_) | Object::Tuple(_)
        )
    }
}

impl From<Value> for Object {
    /// Data in which nothing is left to render.
    fn from(value: Value) -> Object {
        Object::Value(value)
    }
}
