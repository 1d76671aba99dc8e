//! Running a query.

use super::functions;
use super::parse::Node;
use crate::value::{Key, Map, Value};

/// JMESPath's truth: null, false and what is empty are false; numbers are true.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Int(_) | Value::Float(_) => true,
        other => other.truthy(),
    }
}

pub fn run(node: &Node, data: &Value) -> Result<Value, String> {
    Ok(match node {
        Node::Current => data.clone(),
        Node::Field(name) => data.get(name).cloned().unwrap_or_default(),
        Node::Literal(value) => value.clone(),
        Node::Index(index) => {
            let items = data.as_list().unwrap_or_default();
            let index = if *index < 0 { index + items.len() as i64 } else { *index };
            usize::try_from(index).ok().and_then(|index| items.get(index)).cloned().unwrap_or_default()
        }
        Node::Slice(start, stop, step) => slice(data, *start, *stop, *step),
        Node::Chain(left, right) => run(right, &run(left, data)?)?,
        Node::Project(left, right) => match run(left, data)? {
            Value::List(items) => project(items.iter(), right)?,
            _ => Value::Null,
        },
        Node::ProjectValues(left, right) => match run(left, data)? {
            Value::Map(map) => project(map.values(), right)?,
            _ => Value::Null,
        },
        Node::Flatten(inner) => match run(inner, data)? {
            Value::List(items) => {
                let mut out = Vec::new();
                for item in items.iter() {
                    match item {
                        Value::List(inner) => out.extend(inner.iter().cloned()),
                        other => out.push(other.clone()),
                    }
                }
                Value::list(out)
            }
            _ => Value::Null,
        },
        Node::Filter(left, condition, right) => match run(left, data)? {
            Value::List(items) => {
                let mut kept = Vec::new();
                for item in items.iter() {
                    if truthy(&run(condition, item)?) {
                        kept.push(item.clone());
                    }
                }
                project(kept.iter(), right)?
            }
            _ => Value::Null,
        },
        Node::List(_) | Node::Map(_) if data.is_null() => Value::Null,
        Node::List(items) => Value::list(items.iter().map(|item| run(item, data)).collect::<Result<_, _>>()?),
        Node::Map(entries) => {
            let mut out = Map::new();
            for (name, node) in entries {
                out.insert(Key::from(name.as_str()), run(node, data)?);
            }
            Value::map(out)
        }
        Node::Or(left, right) => {
            let left = run(left, data)?;
            if truthy(&left) { left } else { run(right, data)? }
        }
        Node::And(left, right) => {
            let left = run(left, data)?;
            if truthy(&left) { run(right, data)? } else { left }
        }
        Node::Not(inner) => Value::Bool(!truthy(&run(inner, data)?)),
        Node::Compare(op, left, right) => compare(op, &run(left, data)?, &run(right, data)?),
        Node::Call(name, arguments) => functions::call(name, arguments, data)?,
        Node::Reference(_) => return Err("an expression reference must be a function's argument".into()),
    })
}

fn project<'v>(items: impl Iterator<Item = &'v Value>, right: &Node) -> Result<Value, String> {
    let mut out = Vec::new();
    for item in items {
        let value = run(right, item)?;
        if !value.is_null() {
            out.push(value);
        }
    }
    Ok(Value::list(out))
}

/// Equality without Python's `True == 1`.
pub fn equal(left: &Value, right: &Value) -> bool {
    let is_bool = |value: &Value| matches!(value, Value::Bool(_));
    is_bool(left) == is_bool(right) && left == right
}

fn compare(op: &str, left: &Value, right: &Value) -> Value {
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    match op {
        "==" => Value::Bool(equal(left, right)),
        "!=" => Value::Bool(!equal(left, right)),
        _ => {
            let ordering = match (number(left), number(right), left.as_str(), right.as_str()) {
                (Some(a), Some(b), ..) => a.partial_cmp(&b),
                (_, _, Some(a), Some(b)) => Some(a.cmp(b)),
                _ => None,
            };
            let Some(ordering) = ordering else { return Value::Null };
            Value::Bool(match op {
                "<" => ordering.is_lt(),
                "<=" => ordering.is_le(),
                ">" => ordering.is_gt(),
                _ => ordering.is_ge(),
            })
        }
    }
}

fn slice(data: &Value, start: Option<i64>, stop: Option<i64>, step: i64) -> Value {
    let Some(items) = data.as_list() else { return Value::Null };
    let length = items.len() as i64;
    let bound = |number: i64, low: i64, high: i64| {
        let number = if number < 0 { number + length } else { number };
        number.clamp(low, high)
    };
    let (mut index, end) = if step > 0 {
        (start.map_or(0, |b| bound(b, 0, length)), stop.map_or(length, |b| bound(b, 0, length)))
    } else {
        (start.map_or(length - 1, |b| bound(b, -1, length - 1)), stop.map_or(-1, |b| bound(b, -1, length - 1)))
    };
    let mut out = Vec::new();
    while if step > 0 { index < end } else { index > end } {
        out.push(items[index as usize].clone());
        index += step;
    }
    Value::list(out)
}
