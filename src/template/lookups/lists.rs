//! Lookups that rearrange their terms: `items`, `dict`, `nested`, `together` and their kin.

use super::{Call, Lookup};
use crate::template::error::{Result, TemplateError};
use crate::template::filters::Source;
use crate::template::runtime::{Context, Entries, Object, type_name};
use crate::value::Key;

pub const LOOKUPS: &[(&str, Lookup)] = &[
    ("items", |context, call| flatten_once(context, call.terms)),
    ("list", |_, call| Ok(call.terms)),
    ("dict", dict),
    ("indexed_items", indexed_items),
    ("nested", nested),
    ("cartesian", nested),
    ("community.general.cartesian", nested),
    ("together", together),
    ("flattened", flattened),
    ("community.general.flattened", flattened),
    ("subelements", subelements),
    ("random_choice", random_choice),
];

/// The items of lists among the terms, one level deep.
pub fn flatten_once(context: &Context<'_>, terms: Vec<Object>) -> Result<Vec<Object>> {
    let mut out = Vec::new();
    for term in terms {
        if term.is_list() {
            out.extend(context.iterate(&term)?);
        } else {
            out.push(term);
        }
    }
    Ok(out)
}

fn dict(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let mut out = Vec::new();
    for term in &call.terms {
        if !term.is_mapping() {
            return Err(TemplateError::runtime(format!(
                "the 'dict' lookup plugin expects a dictionary, got '{}' of type {}",
                context.text(term)?,
                type_name(term)
            )));
        }
        for (key, value) in context.entries(term)? {
            let entries = [(Key::from("key"), key.to_value().into()), (Key::from("value"), value)];
            out.push(Object::dict(Entries::from_iter(entries)));
        }
    }
    Ok(out)
}

fn indexed_items(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let items = flatten_once(context, call.terms)?;
    Ok(items
        .into_iter()
        .enumerate()
        .map(|(index, item)| Object::tuple(vec![Object::int(index as i64), item]))
        .collect())
}

fn nested(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    if call.terms.is_empty() {
        return Err(TemplateError::runtime("with_nested requires at least one element in the nested list"));
    }
    let mut rows: Vec<Vec<Object>> = vec![Vec::new()];
    for term in &call.terms {
        let column = if term.is_list() { context.iterate(term)? } else { vec![term.clone()] };
        if rows.len().saturating_mul(column.len()) > 5_000_000 {
            return Err(TemplateError::runtime("too many combinations"));
        }
        let mut longer = Vec::new();
        for row in &rows {
            for item in &column {
                let mut row = row.clone();
                row.extend(flatten_once(context, vec![item.clone()])?);
                longer.push(row);
            }
        }
        rows = longer;
    }
    Ok(rows.into_iter().map(Object::list).collect())
}

fn together(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    if call.terms.is_empty() {
        return Err(TemplateError::runtime("with_together requires at least one element in each list"));
    }
    let columns = call.terms.iter().map(|term| context.iterate(term)).collect::<Result<Vec<_>>>()?;
    let longest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut out = Vec::new();
    for index in 0..longest {
        let row = columns.iter().map(|column| column.get(index).cloned().unwrap_or(Object::NONE)).collect();
        out.push(Object::list(flatten_once(context, row)?));
    }
    Ok(out)
}

fn flattened(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    fn walk(context: &Context<'_>, items: Vec<Object>, out: &mut Vec<Object>) -> Result<()> {
        for item in items {
            if item.is_list() {
                let inner = context.iterate(&item)?;
                context.nested(|| walk(context, inner, out))?;
            } else if !matches!(item.as_str(), Some("None" | "null")) && !item.is_none() {
                out.push(item);
            }
        }
        Ok(())
    }
    let mut out = Vec::new();
    walk(context, call.terms, &mut out)?;
    Ok(out)
}

fn subelements(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    const EXPECTS: &str = "subelements lookup expects a list of two or three items, ";
    let (Some(first), Some(path), None) = (call.terms.first(), call.terms.get(1), call.terms.get(3)) else {
        return Err(TemplateError::runtime(EXPECTS));
    };
    let path = path.as_str().filter(|_| first.is_list() || first.is_mapping()).ok_or_else(|| {
        TemplateError::runtime(format!("{EXPECTS}first a dict or a list, second a string pointing to the subkey"))
    })?;
    let skip_missing = match call.terms.get(2) {
        Some(flags) if flags.is_mapping() => match context.entry(flags, &Key::from("skip_missing")) {
            Some(flag) => crate::value::parse_bool(&context.plain(&flag)?).unwrap_or(false),
            None => false,
        },
        Some(_) => {
            let message = "the optional third item must be a dict with flags ('skip_missing',)";
            return Err(TemplateError::runtime(format!("{EXPECTS}{message}")));
        }
        None => false,
    };
    let is_skipped = |item: &Object| match context.entry(item, &Key::from("skipped")) {
        Some(skipped) => context.truth(&skipped),
        None => Ok(false),
    };
    let elements: Vec<Object> = if first.is_mapping() {
        if is_skipped(first)? {
            return Ok(Vec::new());
        }
        context.entries(first)?.into_iter().map(|(_, element)| element).collect()
    } else {
        context.iterate(first)?
    };
    let keys: Vec<&str> = path.split('.').collect();
    let mut out = Vec::new();
    for element in elements {
        if let Object::Undefined(error) = &element {
            return Err(error.raised());
        }
        if !element.is_mapping() {
            return Err(TemplateError::runtime(format!(
                "subelements lookup expects a dictionary, got '{}'",
                context.text(&element)?
            )));
        }
        if is_skipped(&element)? {
            continue;
        }
        let Some((found, without)) = take_out(context, &element, &keys, skip_missing)? else { continue };
        for item in found {
            out.push(Object::tuple(vec![without.clone(), item]));
        }
    }
    Ok(out)
}

/// The list at the end of the path, and the element without it; None when it is missing and may be.
fn take_out(
    context: &Context<'_>,
    element: &Object,
    keys: &[&str],
    skip_missing: bool,
) -> Result<Option<(Vec<Object>, Object)>> {
    let Some((key, rest)) = keys.split_first() else { return Ok(None) };
    let Some(part) = context.entry(element, &Key::from(*key)) else {
        if skip_missing {
            return Ok(None);
        }
        return Err(TemplateError::runtime(format!(
            "could not find '{key}' key in iterated item '{}'",
            context.text(element)?
        )));
    };
    if let Object::Undefined(error) = &part {
        return Err(error.raised());
    }
    let mut entries: Entries = context.entries(element)?.into_iter().collect();
    if rest.is_empty() {
        if !part.is_list() {
            let shown = context.text(&part)?;
            return Err(TemplateError::runtime(format!("the key {key} should point to a list, got '{shown}'")));
        }
        entries.shift_remove(&Key::from(*key));
        return Ok(Some((context.iterate(&part)?, Object::dict(entries))));
    }
    if !part.is_mapping() {
        if skip_missing {
            return Ok(None);
        }
        let shown = context.text(&part)?;
        return Err(TemplateError::runtime(format!("the key {key} should point to a dictionary, got '{shown}'")));
    }
    Ok(take_out(context, &part, rest, skip_missing)?.map(|(found, inner)| {
        entries.insert(Key::from(*key), inner);
        (found, Object::dict(entries))
    }))
}

fn random_choice(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let mut terms = call.terms;
    if terms.is_empty() {
        return Ok(terms);
    }
    let index = Source::new(context, None)?.below(terms.len() as u64)? as usize;
    Ok(vec![terms.swap_remove(index)])
}
