//! Bucket policies: JSON documents whose meaning matters, not their spelling.

use crate::module::Failure;
use crate::modules::web::body::json;
use crate::value::{Key, Map, Value};

/// The policy that an argument gives; None for the text `null`.
pub fn read(given: &Value) -> Result<Option<Value>, Failure> {
    match given {
        Value::Str(text) => {
            let refuse = |reason: String| Failure::new(format!("policy is not valid JSON: {reason}"));
            let value: Value = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
            match value {
                Value::Null => Ok(None),
                Value::Map(_) => Ok(Some(value)),
                other => Err(refuse(format!("an object is expected, not {}", crate::value::type_name(&other)))),
            }
        }
        Value::Map(map) if map.is_empty() => Ok(None),
        Value::Map(_) => Ok(Some(given.clone())),
        other => Err(Failure::new(format!("policy must be JSON or a map, not {}", crate::value::type_name(other)))),
    }
}

/// The policy as it is sent.
pub fn text(policy: &Value) -> String {
    json(policy)
}

/// Whether two policies mean the same: a single item equals a list of it, and order means nothing.
pub fn same(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => canonical(left, "") == canonical(right, ""),
        _ => false,
    }
}

fn canonical(value: &Value, key: &str) -> Value {
    match value {
        Value::Map(map) => {
            let mut entries: Vec<(Key, Value)> = map
                .iter()
                .map(|(key, value)| (key.clone(), canonical(value, key.as_str().unwrap_or_default())))
                .collect();
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::map(entries.into_iter().collect())
        }
        Value::List(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| canonical(item, key)).collect();
            items.sort_by_key(Value::repr);
            match <[Value; 1]>::try_from(items) {
                Ok([single]) => single,
                Err(items) => Value::list(items),
            }
        }
        // Everybody, by Amazon's two spellings.
        Value::Str(text) if key == "Principal" && text.as_ref() == "*" => {
            Value::map(Map::from([("AWS".into(), Value::str("*"))]))
        }
        Value::Bool(truth) => Value::str(if *truth { "true" } else { "false" }),
        Value::Int(number) => Value::from(number.to_string()),
        other => other.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_matter() {
        let one = read(&Value::str(r#"{"Statement":[{"Principal":"*","Action":["b","a"]}],"Version":"1"}"#)).unwrap();
        let two =
            read(&Value::str(r#"{"Version":"1","Statement":{"Action":["a","b"],"Principal":{"AWS":["*"]}}}"#)).unwrap();
        let three = read(&Value::str(r#"{"Version":"1","Statement":{"Action":"a","Principal":"*"}}"#)).unwrap();
        assert!(same(one.as_ref(), two.as_ref()));
        assert!(!same(one.as_ref(), three.as_ref()));
        assert_eq!(read(&Value::str("null")).unwrap(), None);
        assert!(read(&Value::str("[1]")).is_err() && read(&Value::str("{")).is_err());
    }
}
