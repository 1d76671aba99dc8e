//! The filters of common collections that playbooks use most, by their full names and, where
//! ansible-core forwards them, by their short ones.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::jmespath;
use crate::template::runtime::{Args, Context, Entries, Object, type_name};
use crate::value::Key;

pub const FILTERS: &[(&str, Filter)] = &[
    ("json_query", json_query),
    ("community.general.json_query", json_query),
    ("community.general.dict", dict),
    ("community.general.dict_kv", dict_kv),
    ("dict_kv", dict_kv),
    ("community.general.counter", counter),
    ("ansible._protomatter.finalize", |context, value, args| {
        args.none()?;
        context.plain(&value).map(Object::Value)
    }),
    ("ansible._protomatter.unmask", |_, value, _| Ok(value)),
    ("ansible._protomatter.true_type", |_, value, args| {
        args.none()?;
        Ok(Object::str(type_name(&value)))
    }),
    ("ipaddr", no_addresses),
    ("ipv4", no_addresses),
    ("ipv6", no_addresses),
    ("ipwrap", no_addresses),
    ("ansible.utils.ipaddr", no_addresses),
    ("ansible.utils.ipv4", no_addresses),
    ("ansible.utils.ipv6", no_addresses),
    ("ansible.utils.ipwrap", no_addresses),
];

fn json_query(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [query] = args.bind_required(["expr"], 1)?;
    let query = context.text(&query.unwrap_or(Object::NONE))?;
    let data = context.plain(&value)?;
    jmespath::search(&query, &data)
        .map(Object::Value)
        .map_err(|error| TemplateError::runtime(format!("JMESPath error in json_query filter plugin: {error}")))
}

fn dict(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    let mut entries = Entries::new();
    for pair in context.iterate(&value)? {
        match &context.iterate(&pair)?[..] {
            [key, value] => entries.insert(context.key(key)?, value.clone()),
            _ => return Err(TemplateError::runtime("expected pairs")),
        };
    }
    Ok(Object::dict(entries))
}

fn dict_kv(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [key] = args.bind_required(["key"], 1)?;
    let key = context.key(&key.unwrap_or(Object::NONE))?;
    Ok(Object::dict(Entries::from_iter([(key, value)])))
}

fn counter(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    let mut counts: indexmap::IndexMap<Key, i64> = indexmap::IndexMap::new();
    for item in context.iterate(&value)? {
        *counts.entry(context.key(&item)?).or_default() += 1;
    }
    Ok(Object::dict(counts.into_iter().map(|(key, count)| (key, Object::int(count))).collect()))
}

fn no_addresses(_: &Context<'_>, _: Object, _: Args) -> Result<Object> {
    Err(TemplateError::runtime("the filters on network addresses are not supported yet"))
}
