//! YAML: `to_yaml`, `to_nice_yaml`, `from_yaml`, `from_yaml_all`.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::python::{YamlStyle, yaml_dump};
use crate::template::runtime::{Args, Context, Object, type_name};
use crate::value::Value;

pub const FILTERS: &[(&str, Filter)] =
    &[("to_yaml", to_yaml), ("to_nice_yaml", to_nice_yaml), ("from_yaml", from_yaml), ("from_yaml_all", from_yaml_all)];

fn to_yaml(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    args.positional.clear();
    write(context, &value, args, YamlStyle::default())
}

fn to_nice_yaml(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    let indent = (!args.positional.is_empty()).then(|| args.positional.remove(0)).or_else(|| args.take("indent"));
    let indent = context.int_or(&indent, 4)?.max(0) as usize;
    args.positional.clear();
    write(context, &value, args, YamlStyle { indent, flow: Some(false), ..YamlStyle::default() })
}

fn write(context: &Context<'_>, value: &Object, mut args: Args, mut style: YamlStyle) -> Result<Object> {
    let behavior = args.take("vault_behavior").filter(|behavior| !behavior.is_none());
    let vaults = match behavior.map(|behavior| context.text(&behavior)).transpose()?.as_deref() {
        None | Some("decrypt") => Vaults::Decrypt,
        Some("keep_encrypted") => Vaults::Keep,
        Some("redact") => Vaults::Redact,
        Some("fail") => Vaults::Fail,
        Some(_) => {
            return Err(TemplateError::runtime(
                "The vault parameter must be one of decrypt, keep_encrypted, redact, fail",
            ));
        }
    };
    for (name, object) in &args.named {
        let given = Some(object.clone());
        match &**name {
            "indent" => style.indent = context.int_or(&given, 2)?.max(0) as usize,
            "width" => {
                style.width = match object.as_float() {
                    Some(width) if width.is_finite() && width >= 0.0 => width as usize,
                    Some(_) => usize::MAX,
                    None => 80,
                }
            }
            "sort_keys" => style.sort_keys = context.truth(object)?,
            "default_flow_style" if object.is_none() => style.flow = None,
            "default_flow_style" => style.flow = Some(context.truth(object)?),
            "explicit_start" => style.explicit_start = context.truth(object)?,
            "explicit_end" => style.explicit_end = context.truth(object)?,
            "allow_unicode" => style.unicode = context.truth(object)?,
            "canonical" => style.canonical = context.truth(object)?,
            "default_style" => style.scalar = context.text_or(&given, "")?.chars().next(),
            "encoding" | "line_break" | "version" | "tags" if object.is_none() => {}
            other => {
                return Err(TemplateError::runtime(format!("the option '{other}' is not supported")));
            }
        }
    }
    let value = with_vaults(context, context.plain(value)?, vaults)?;
    Ok(Object::str(yaml_dump(&value, &style)?))
}

/// What becomes of texts that were decrypted.
#[derive(Clone, Copy, PartialEq)]
enum Vaults {
    Decrypt,
    Keep,
    Redact,
    Fail,
}

fn with_vaults(context: &Context<'_>, value: Value, vaults: Vaults) -> Result<Value> {
    if vaults == Vaults::Decrypt {
        return Ok(value);
    }
    Ok(match value {
        Value::Str(text) => match (context.envelope(&text), vaults) {
            (None, _) => Value::Str(text),
            (Some(vault), Vaults::Keep) => Value::Vault(vault),
            (Some(_), Vaults::Redact) => Value::str("<redacted>"),
            (Some(_), _) => return Err(TemplateError::runtime("Attempted to dump a vaulted value.")),
        },
        Value::List(items) => {
            let items = items.iter().map(|item| with_vaults(context, item.clone(), vaults));
            Value::list(items.collect::<Result<_>>()?)
        }
        Value::Map(map) => {
            let entries = map.iter().map(|(key, item)| Ok((key.clone(), with_vaults(context, item.clone(), vaults)?)));
            Value::map(entries.collect::<Result<_>>()?)
        }
        other => other,
    })
}

fn from_yaml(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    if value.is_none() {
        return Ok(value);
    }
    let Some(text) = value.as_str() else {
        warn_non_string(context, "from_yaml", &value);
        return Ok(value);
    };
    crate::yaml::parse_value(text).map(Object::Value).map_err(TemplateError::runtime)
}

fn from_yaml_all(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    if value.is_none() {
        return Ok(Object::list(Vec::new()));
    }
    let Some(text) = value.as_str() else {
        warn_non_string(context, "from_yaml_all", &value);
        return Ok(value);
    };
    let documents = crate::yaml::parse_data_all(text).map_err(TemplateError::runtime)?;
    Ok(Object::list(documents.into_iter().map(Object::Value).collect()))
}

fn warn_non_string(context: &Context<'_>, filter: &str, value: &Object) {
    let name = type_name(value);
    context.controller().warn(&format!("The {filter} filter ignored non-string input of type '{name}'."));
}
