//! Reads a task's keywords, rendering what they hold.

use crate::module::Failure;
use crate::playbook::{Attributes, Keyword};
use crate::template::{Engine, Scope, TemplateError};
use crate::value::{Map, Value, parse_bool};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A task's keywords with the scope that they are rendered in.
pub(super) struct Keywords<'a> {
    pub attributes: &'a Attributes,
    pub engine: &'a Engine,
    pub scope: &'a Arc<dyn Scope>,
}

/// A template's error as a task's failure, with its place left to the caller.
#[allow(clippy::boxed_local, reason = "the engine's errors come boxed, and this is given to map_err")]
pub(super) fn template_failure(error: Box<TemplateError>) -> Failure {
    Failure::new(error.message.clone())
}

impl Keywords<'_> {
    /// The rendered value; None when absent, null or omitted.
    pub fn value(&self, keyword: Keyword) -> Result<Option<Value>, Failure> {
        let Some(value) = self.attributes.get(keyword) else { return Ok(None) };
        let resolved = self.engine.resolve_top(value, self.scope).map_err(template_failure)?;
        Ok(resolved.filter(|value| !value.is_null()))
    }

    pub fn text(&self, keyword: Keyword) -> Result<Option<String>, Failure> {
        Ok(self.value(keyword)?.map(|value| value.to_string()).filter(|text| !text.is_empty()))
    }

    pub fn flag(&self, keyword: Keyword) -> Result<Option<bool>, Failure> {
        match self.value(keyword)? {
            None => Ok(None),
            Some(value) => match parse_bool(&value) {
                Some(flag) => Ok(Some(flag)),
                None => Err(Failure::new(format!(
                    "the field '{}' has an invalid value: {} is not a valid boolean",
                    keyword.name(),
                    value.repr()
                ))),
            },
        }
    }

    pub fn int(&self, keyword: Keyword) -> Result<Option<i64>, Failure> {
        self.value(keyword)?.map(|value| as_int(keyword, &value)).transpose()
    }

    pub fn float(&self, keyword: Keyword) -> Result<Option<f64>, Failure> {
        match self.value(keyword)? {
            None => Ok(None),
            Some(Value::Float(number)) => Ok(Some(number)),
            Some(Value::Str(text)) => match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Failure::new(format!("the field '{}' is not a number: {text}", keyword.name()))),
            },
            Some(other) => as_int(keyword, &other).map(|number| Some(number as f64)),
        }
    }

    /// Lists are kept, text is split at commas, nested lists are laid flat.
    pub fn names(&self, keyword: Keyword) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        if let Some(value) = self.value(keyword)? {
            collect_names(&value, &mut names);
        }
        Ok(names)
    }

    /// `environment`: maps merged in order, values as text.
    pub fn environment(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut merged = BTreeMap::new();
        for item in self.attributes.items(Keyword::Environment) {
            let Some(value) = self.engine.resolve_top(&item, self.scope).map_err(template_failure)? else { continue };
            match value {
                Value::Map(map) => {
                    merged.extend(map.iter().map(|(key, value)| (key.to_string(), value.to_string())));
                }
                Value::Null => {}
                other => {
                    return Err(Failure::new(format!("environment must be a dictionary, received {}", other.repr())));
                }
            }
        }
        Ok(merged)
    }

    /// `module_defaults` for a module, later ones over earlier ones. `group/` entries are refused when read.
    pub fn module_defaults(&self, names: &[&str]) -> Result<Map, Failure> {
        let mut merged = Map::new();
        for item in self.attributes.items(Keyword::ModuleDefaults) {
            let whole = match &item {
                Value::Map(map) => map.clone(),
                other => match self.engine.resolve(other, self.scope).map_err(template_failure)? {
                    Value::Map(map) => map,
                    _ => return Err(Failure::new("the field 'module_defaults' must be a dictionary")),
                },
            };
            for (key, defaults) in whole.iter() {
                if !names.contains(&key.to_string().as_str()) {
                    continue;
                }
                match defaults {
                    Value::Map(defaults) => merged.extend(defaults.as_ref().clone()),
                    other => {
                        if let Value::Map(defaults) =
                            self.engine.resolve(other, self.scope).map_err(template_failure)?
                        {
                            merged.extend(defaults.as_ref().clone());
                        }
                    }
                }
            }
        }
        Ok(merged)
    }
}

fn as_int(keyword: Keyword, value: &Value) -> Result<i64, Failure> {
    let number = match value {
        Value::Int(number) => Some(*number),
        Value::Bool(truth) => Some(i64::from(*truth)),
        Value::Float(number) => Some(*number as i64),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        Failure::new(format!("the field '{}' has an invalid value: {} is not an integer", keyword.name(), value.repr()))
    })
}

fn collect_names(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::List(items) => items.iter().for_each(|item| collect_names(item, names)),
        Value::Null => {}
        other => names
            .extend(other.to_string().split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())),
    }
}
