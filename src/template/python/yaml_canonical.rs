//! YAML's canonical form: every node with its tag, every scalar in quotes, one item a line.

use super::yaml::{YamlStyle, dump as dump_plain};
use crate::template::error::Result;
use crate::template::filters::sort_entries;
use crate::value::{Key, Value};

/// One document.
pub fn dump(value: &Value, style: &YamlStyle) -> Result<String> {
    let mut out = String::from("---\n");
    node(&mut out, value, style, 0)?;
    out.push('\n');
    if style.explicit_end {
        out.push_str("...\n");
    }
    Ok(out)
}

fn node(out: &mut String, value: &Value, style: &YamlStyle, level: usize) -> Result<()> {
    let indent = " ".repeat(style.indent * (level + 1));
    match value {
        Value::List(items) if !items.is_empty() => {
            out.push_str("!!seq [\n");
            for item in items.iter() {
                out.push_str(&indent);
                node(out, item, style, level + 1)?;
                out.push_str(",\n");
            }
            out.push_str(&" ".repeat(style.indent * level));
            out.push(']');
        }
        Value::Map(map) if !map.is_empty() => {
            out.push_str("!!map {\n");
            let mut entries: Vec<(&Key, &Value)> = map.iter().collect();
            if style.sort_keys {
                sort_entries(&mut entries)?;
            }
            for (key, item) in entries {
                out.push_str(&indent);
                out.push_str("? ");
                node(out, &key.to_value(), style, level + 1)?;
                out.push_str(&format!("\n{indent}: "));
                node(out, item, style, level + 1)?;
                out.push_str(",\n");
            }
            out.push_str(&" ".repeat(style.indent * level));
            out.push('}');
        }
        scalar => {
            let (tag, quoted) = match scalar {
                Value::List(_) => ("seq", "[]".to_owned()),
                Value::Map(_) => ("map", "{}".to_owned()),
                Value::Null => ("null", "\"null\"".to_owned()),
                Value::Bool(truth) => ("bool", format!("\"{truth}\"")),
                Value::Int(number) => ("int", format!("\"{number}\"")),
                Value::Float(_) => ("float", format!("\"{}\"", plain(scalar, style)?)),
                _ => ("str", plain(scalar, &YamlStyle { scalar: Some('"'), ..style.clone() })?),
            };
            out.push_str(&format!("!!{tag} {quoted}"));
        }
    }
    Ok(())
}

fn plain(value: &Value, style: &YamlStyle) -> Result<String> {
    let style =
        YamlStyle { canonical: false, explicit_start: false, explicit_end: false, width: usize::MAX, ..style.clone() };
    let text = dump_plain(value, &style)?;
    Ok(text.trim_end_matches("...\n").trim_end_matches('\n').to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_its_tag() {
        let value = Value::from([
            ("b", Value::map(crate::value::Map::new())),
            ("a", Value::list(vec![Value::Int(1), Value::Null, Value::Float(2.5)])),
            ("c", Value::str("x\n")),
        ]);
        let style = YamlStyle { canonical: true, ..YamlStyle::default() };
        assert_eq!(
            dump(&value, &style).unwrap(),
            "---\n!!map {\n  ? !!str \"a\"\n  : !!seq [\n    !!int \"1\",\n    !!null \"null\",\n    !!float \"2.5\",\n  ],\n  \
             ? !!str \"b\"\n  : !!map {},\n  ? !!str \"c\"\n  : !!str \"x\\n\",\n}\n"
        );
        assert_eq!(dump(&Value::str("thing"), &style).unwrap(), "---\n!!str \"thing\"\n");
    }
}
