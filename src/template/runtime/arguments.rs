//! The arguments of a call, and how they meet parameters.

use super::context::Context;
use super::object::Object;
use super::print::type_name;
use crate::template::error::{Result, TemplateError};
use std::sync::Arc;

/// The arguments of a call.
#[derive(Clone, Default)]
pub struct Args {
    /// Those without a name.
    pub positional: Vec<Object>,
    /// Those with one.
    pub named: Vec<(Arc<str>, Object)>,
}

impl Args {
    /// Only positional ones.
    pub fn positional(positional: Vec<Object>) -> Args {
        Args { positional, named: Vec::new() }
    }

    /// The first undefined one.
    pub fn undefined(&self) -> Option<Object> {
        let mut all = self.positional.iter().chain(self.named.iter().map(|(_, object)| object));
        all.find(|object| matches!(object, Object::Undefined(_))).cloned()
    }

    /// The arguments in the order of the parameters; too many and unknown ones are refused.
    pub fn bind<const N: usize>(self, names: [&str; N]) -> Result<[Option<Object>; N]> {
        let mut bound = [const { None }; N];
        if self.positional.len() > N {
            let given = self.positional.len();
            return Err(TemplateError::runtime(format!("takes {N} positional arguments but {given} were given")));
        }
        for (slot, object) in bound.iter_mut().zip(self.positional) {
            *slot = Some(object);
        }
        for (name, object) in self.named {
            match names.iter().position(|known| *known == &*name) {
                Some(index) if bound[index].is_none() => bound[index] = Some(object),
                Some(_) => {
                    return Err(TemplateError::runtime(format!("got multiple values for argument '{name}'")));
                }
                None => {
                    return Err(TemplateError::runtime(format!("got an unexpected keyword argument '{name}'")));
                }
            }
        }
        Ok(bound)
    }

    /// Like [`Args::bind`]; the first `required` must be there.
    pub fn bind_required<const N: usize>(self, names: [&str; N], required: usize) -> Result<[Option<Object>; N]> {
        let bound = self.bind(names)?;
        for (name, object) in names.iter().zip(&bound).take(required) {
            if object.is_none() {
                return Err(TemplateError::runtime(format!("missing a required argument: '{name}'")));
            }
        }
        Ok(bound)
    }

    /// No arguments are taken.
    pub fn none(self) -> Result<()> {
        self.bind([]).map(|_| ())
    }

    /// Takes the named argument out.
    pub fn take(&mut self, name: &str) -> Option<Object> {
        let index = self.named.iter().position(|(known, _)| &**known == name)?;
        Some(self.named.remove(index).1)
    }
}

impl Context<'_> {
    /// A text argument; None as Python has it counts as not given.
    pub fn text_or(&self, object: &Option<Object>, default: &str) -> Result<String> {
        match object {
            Some(object) if !object.is_none() => self.text(object),
            _ => Ok(default.to_owned()),
        }
    }

    /// A whole number argument.
    pub fn int_or(&self, object: &Option<Object>, default: i64) -> Result<i64> {
        match object {
            Some(object) if !object.is_none() => object.as_int().ok_or_else(|| {
                TemplateError::runtime(format!("'{}' object cannot be interpreted as an integer", type_name(object)))
            }),
            _ => Ok(default),
        }
    }

    /// A truth value argument.
    pub fn truth_or(&self, object: &Option<Object>, default: bool) -> Result<bool> {
        match object {
            Some(object) => self.truth(object),
            None => Ok(default),
        }
    }
}
