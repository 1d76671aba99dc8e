//! The functions of queries.

use super::parse::Node;
use super::run::{equal, run};
use crate::value::{Key, Map, Value};
use std::cmp::Ordering;

/// Calls a function.
pub fn call(name: &str, arguments: &[Node], data: &Value) -> Result<Value, String> {
    // Functions that take an expression look at their items themselves.
    match (name, arguments) {
        ("map", [Node::Reference(by), list]) => {
            let items = list_of(name, run(list, data)?)?;
            return items.iter().map(|item| run(by, item)).collect::<Result<Vec<_>, _>>().map(Value::list);
        }
        ("sort_by" | "max_by" | "min_by", [list, Node::Reference(by)]) => {
            let items = list_of(name, run(list, data)?)?;
            let mut keyed =
                items.into_iter().map(|item| Ok((run(by, &item)?, item))).collect::<Result<Vec<_>, String>>()?;
            if name == "sort_by" {
                let keys: Vec<Value> = keyed.iter().map(|(key, _)| key.clone()).collect();
                same_kind(name, &keys)?;
                keyed.sort_by(|(a, _), (b, _)| order(a, b));
                return Ok(Value::list(keyed.into_iter().map(|(_, item)| item).collect()));
            }
            return Ok(best(keyed, name == "max_by").unwrap_or_default());
        }
        _ => {}
    }
    let values = arguments.iter().map(|node| run(node, data)).collect::<Result<Vec<_>, _>>()?;
    plain(name, &values)
}

fn plain(name: &str, values: &[Value]) -> Result<Value, String> {
    let refuse = || {
        let shown: Vec<String> = values.iter().map(Value::repr).collect();
        Err(format!("invalid arguments for {name}(): {}", shown.join(", ")))
    };
    Ok(match (name, values) {
        ("abs", [Value::Int(number)]) => Value::Int(number.saturating_abs()),
        ("abs", [Value::Float(number)]) => Value::Float(number.abs()),
        ("ceil" | "floor", [Value::Int(number)]) => Value::Int(*number),
        ("ceil", [Value::Float(number)]) => Value::Int(number.ceil() as i64),
        ("floor", [Value::Float(number)]) => Value::Int(number.floor() as i64),
        ("avg" | "sum", [Value::List(items)]) => {
            let mut total = Value::Int(0);
            for item in items.iter() {
                total = match (&total, item) {
                    (Value::Int(a), Value::Int(b)) => {
                        a.checked_add(*b).map_or(Value::Float(*a as f64 + *b as f64), Value::Int)
                    }
                    (a, b) => match (float(a), float(b)) {
                        (Some(a), Some(b)) => Value::Float(a + b),
                        _ => return refuse(),
                    },
                };
            }
            match (name, float(&total)) {
                ("sum", _) => total,
                (_, Some(total)) if !items.is_empty() => Value::Float(total / items.len() as f64),
                _ => Value::Null,
            }
        }
        ("contains", [Value::List(items), wanted]) => Value::Bool(items.iter().any(|item| equal(item, wanted))),
        ("contains", [Value::Str(text), Value::Str(part)]) => Value::Bool(text.contains(&**part)),
        ("starts_with", [Value::Str(text), Value::Str(part)]) => Value::Bool(text.starts_with(&**part)),
        ("ends_with", [Value::Str(text), Value::Str(part)]) => Value::Bool(text.ends_with(&**part)),
        ("join", [Value::Str(separator), Value::List(items)]) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            match texts {
                Some(texts) => Value::from(texts.join(separator)),
                None => return refuse(),
            }
        }
        ("keys", [Value::Map(map)]) => Value::list(map.keys().map(Key::to_value).collect()),
        ("values", [Value::Map(map)]) => Value::list(map.values().cloned().collect()),
        ("length", [Value::Str(text)]) => Value::from(text.chars().count()),
        ("length", [Value::List(items)]) => Value::from(items.len()),
        ("length", [Value::Map(map)]) => Value::from(map.len()),
        ("max" | "min", [Value::List(items)]) => {
            same_kind(name, items)?;
            let keyed = items.iter().map(|item| (item.clone(), item.clone())).collect();
            best(keyed, name == "max").unwrap_or_default()
        }
        ("merge", maps) => {
            let mut out = Map::new();
            for map in maps {
                match map.as_map() {
                    Some(map) => out.extend(map.iter().map(|(key, value)| (key.clone(), value.clone()))),
                    None => return refuse(),
                }
            }
            Value::map(out)
        }
        ("not_null", all) if !all.is_empty() => all.iter().find(|value| !value.is_null()).cloned().unwrap_or_default(),
        ("reverse", [Value::Str(text)]) => Value::from(text.chars().rev().collect::<String>()),
        ("reverse", [Value::List(items)]) => Value::list(items.iter().rev().cloned().collect()),
        ("sort", [Value::List(items)]) => {
            same_kind(name, items)?;
            let mut items = items.to_vec();
            items.sort_by(order);
            Value::list(items)
        }
        ("to_array", [list @ Value::List(_)]) => list.clone(),
        ("to_array", [other]) => Value::list(vec![other.clone()]),
        ("to_number", [number @ (Value::Int(_) | Value::Float(_))]) => number.clone(),
        ("to_number", [Value::Str(text)]) => match (text.parse(), text.parse()) {
            (Ok(whole), _) => Value::Int(whole),
            (_, Ok(number)) => Value::Float(number),
            _ => Value::Null,
        },
        ("to_number", [_]) => Value::Null,
        ("to_string", [text @ Value::Str(_)]) => text.clone(),
        ("to_string", [other]) => Value::from(serde_json::to_string(other).map_err(|error| error.to_string())?),
        ("type", [value]) => Value::str(match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) | Value::Float(_) => "number",
            Value::List(_) => "array",
            Value::Map(_) => "object",
            _ => "string",
        }),
        (
            "abs" | "avg" | "ceil" | "contains" | "ends_with" | "floor" | "join" | "keys" | "length" | "map" | "max"
            | "max_by" | "min" | "min_by" | "not_null" | "reverse" | "sort" | "sort_by" | "starts_with" | "sum"
            | "to_array" | "to_number" | "to_string" | "type" | "values",
            _,
        ) => return refuse(),
        _ => return Err(format!("Unknown function: {name}()")),
    })
}

fn list_of(name: &str, value: Value) -> Result<Vec<Value>, String> {
    match value {
        Value::List(items) => Ok(items.to_vec()),
        other => Err(format!("invalid arguments for {name}(): {} is no array", other.repr())),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn same_kind(name: &str, items: &[Value]) -> Result<(), String> {
    let texts = items.iter().all(|item| item.as_str().is_some());
    let numbers = items.iter().all(|item| float(item).is_some());
    if texts || numbers { Ok(()) } else { Err(format!("{name}() needs all numbers or all strings")) }
}

fn order(left: &Value, right: &Value) -> Ordering {
    match (left.as_str(), right.as_str()) {
        (Some(a), Some(b)) => a.cmp(b),
        _ => float(left).partial_cmp(&float(right)).unwrap_or(Ordering::Equal),
    }
}

fn best(keyed: Vec<(Value, Value)>, greatest: bool) -> Option<Value> {
    let mut best: Option<(Value, Value)> = None;
    for (key, item) in keyed {
        let better = best.as_ref().is_none_or(|(known, _)| {
            let ordering = order(&key, known);
            if greatest { ordering.is_gt() } else { ordering.is_lt() }
        });
        if better {
            best = Some((key, item));
        }
    }
    best.map(|(_, item)| item)
}
