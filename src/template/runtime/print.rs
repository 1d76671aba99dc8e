//! Python's `str()`, `repr()` and `type().__name__`.

use super::context::Context;
use super::object::{Callable, Object};
use crate::template::error::Result;
use crate::value::Value;
use std::fmt::Write;

/// The name of the object's Python type.
pub fn type_name(object: &Object) -> &'static str {
    match object {
        Object::Value(value) | Object::Lazy(value, _) => match value {
            Value::Null => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) | Value::Template(_) | Value::Vault(_) => "str",
            Value::List(_) => "list",
            Value::Map(_) => "dict",
        },
        Object::List(_) => "list",
        Object::Tuple(_) => "tuple",
        Object::Dict(_) => "dict",
        Object::Map(..) => "dict",
        Object::Range(..) => "range",
        Object::Undefined(error) => {
            if error.is_undefined() {
                "UndefinedMarker"
            } else {
                "CapturedExceptionMarker"
            }
        }
        Object::Blank(_) => "Undefined",
        Object::Omit => "Omit",
        Object::Callable(callable) => match &**callable {
            Callable::Macro(_) => "Macro",
            Callable::Method(..) => "builtin_function_or_method",
            Callable::Joiner(..) => "Joiner",
            Callable::Global("range" | "dict" | "cycler" | "joiner" | "namespace") => "type",
            _ => "function",
        },
        Object::Loop(_) => "LoopContext",
        Object::Namespace(_) => "Namespace",
        Object::Module(_) => "TemplateModule",
        Object::Cycler(_) => "Cycler",
        Object::Time(_) => "datetime",
        Object::Delta(_) => "timedelta",
        Object::Bytes(_) => "bytes",
    }
}

impl Context<'_> {
    /// `str()`. Something undefined is an error.
    pub fn text(&self, object: &Object) -> Result<String> {
        match object {
            Object::Value(value) => Ok(value.to_string()),
            Object::Time(time) => Ok(time.to_string()),
            Object::Delta(delta) => Ok(delta.to_string()),
            Object::Blank(_) => Ok(String::new()),
            Object::Module(module) => match self.concat(module.body.clone())? {
                Object::Value(Value::Null) => Ok(String::new()),
                object => self.text(&object),
            },
            other => self.repr(other),
        }
    }

    /// `repr()`.
    pub fn repr(&self, object: &Object) -> Result<String> {
        let mut out = String::new();
        self.write_repr(&mut out, object)?;
        Ok(out)
    }

    fn write_repr(&self, out: &mut String, object: &Object) -> Result<()> {
        match object {
            Object::Value(value) => out.push_str(&value.repr()),
            Object::Undefined(error) => return Err(error.raised()),
            Object::Tuple(items) => {
                out.push('(');
                self.write_items(out, items)?;
                out.push_str(if items.len() == 1 { ",)" } else { ")" });
            }
            Object::Lazy(Value::List(_), _) | Object::List(_) => {
                out.push('[');
                self.write_items(out, &self.iterate(object)?)?;
                out.push(']');
            }
            _ if object.is_mapping() => {
                out.push('{');
                for (index, (key, value)) in self.entries(object)?.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    out.push_str(&key.to_value().repr());
                    out.push_str(": ");
                    self.nested(|| self.write_repr(out, value))?;
                }
                out.push('}');
            }
            Object::Range(start, stop, 1) => {
                let _ = write!(out, "range({start}, {stop})");
            }
            Object::Range(start, stop, step) => {
                let _ = write!(out, "range({start}, {stop}, {step})");
            }
            Object::Time(time) => out.push_str(&time.repr()),
            Object::Delta(delta) => out.push_str(&delta.repr()),
            Object::Bytes(bytes) => out.push_str(&crate::template::python::bytes_repr(bytes)),
            Object::Blank(_) => out.push_str("Undefined"),
            Object::Omit => out.push_str("<<Omit>>"),
            Object::Callable(callable) => match &**callable {
                Callable::Macro(called) => {
                    let _ = write!(out, "<Macro '{}'>", called.text.name);
                }
                Callable::Method(_, name) => {
                    let _ = write!(out, "<built-in method {name}>");
                }
                Callable::Global(name) => {
                    let _ = write!(out, "<function {name}>");
                }
                Callable::Joiner(..) => out.push_str("<Joiner>"),
                Callable::Super(_) => out.push_str("<BlockReference>"),
            },
            Object::Loop(state) => {
                let _ = write!(out, "<LoopContext {}/{}>", state.index.get() + 1, state.items.len());
            }
            Object::Namespace(entries) => {
                out.push_str("<Namespace ");
                let entries = Object::dict(entries.borrow().clone());
                self.write_repr(out, &entries)?;
                out.push('>');
            }
            Object::Module(_) => out.push_str("<TemplateModule>"),
            Object::Cycler(_) => out.push_str("<Cycler>"),
            Object::Lazy(..) | Object::Dict(_) | Object::Map(..) => {}
        }
        Ok(())
    }

    fn write_items(&self, out: &mut String, items: &[Object]) -> Result<()> {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            self.nested(|| self.write_repr(out, item))?;
        }
        Ok(())
    }
}
