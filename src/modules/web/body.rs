//! Bodies of requests: JSON, forms, multipart.

use super::url::encode_plus;
use crate::module::Failure;
use crate::value::{Map, Value, base64, python_float};
use std::fmt::Write;

/// JSON as Python's `json.dumps` writes it, so that a server sees the same bytes: a blank after
/// commas and colons, all but ASCII escaped.
pub fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value);
    out
}

fn write_json(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) if number.is_nan() => out.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(number) => out.push_str(&python_float(*number)),
        Value::Str(text) => write_text(out, text),
        Value::Template(template) => write_text(out, &template.text),
        Value::Vault(vault) => write_text(out, &vault.envelope),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_json(out, item);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                match key.to_value() {
                    Value::Str(text) => write_text(out, &text),
                    other => write_text(out, &json(&other)),
                }
                out.push_str(": ");
                write_json(out, item);
            }
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// `a=1&b=x&b=y` of a map, or of a list of pairs. Lists repeat their name, and null leaves it out.
pub fn urlencoded(value: &Value) -> Result<String, Failure> {
    let pairs: Vec<(String, Value)> = match value {
        Value::Map(map) => map.iter().map(|(key, value)| (key.to_string(), value.clone())).collect(),
        Value::List(items) => items
            .iter()
            .map(|item| match item.as_list() {
                Some([name, value]) => Ok((name.to_string(), value.clone())),
                _ => Err(Failure::new(
                    "failed to parse body as form_urlencoded: a list must hold pairs of a name and a value",
                )),
            })
            .collect::<Result<_, _>>()?,
        other => {
            let kind = crate::value::type_name(other);
            return Err(Failure::new(format!("failed to parse body as form_urlencoded: it is of type {kind}")));
        }
    };
    let mut out = Vec::new();
    for (name, value) in pairs {
        let mut add = |value: &Value| out.push(format!("{}={}", encode_plus(&name), encode_plus(&value.to_string())));
        match &value {
            Value::Null => {}
            Value::List(items) => items.iter().for_each(add),
            Value::Map(map) => map.keys().for_each(|key| add(&key.to_value())),
            single => add(single),
        }
    }
    Ok(out.join("&"))
}

/// A multipart body and its content type. `file` gives the content of the file that a field names.
pub fn multipart(
    fields: &Map,
    boundary: &str,
    file: &dyn Fn(&str) -> Result<Vec<u8>, Failure>,
) -> Result<(Vec<u8>, String), Failure> {
    let mut names: Vec<_> = fields.keys().collect();
    names.sort_by_key(|name| name.to_string());
    let mut out = Vec::new();
    for name in names {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        if let Some(field) = fields.get(name) {
            part(&mut out, &name.to_string(), field, file)?;
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((out, format!("multipart/form-data; boundary=\"{boundary}\"")))
}

fn part(
    out: &mut Vec<u8>,
    name: &str,
    field: &Value,
    file: &dyn Fn(&str) -> Result<Vec<u8>, Failure>,
) -> Result<(), Failure> {
    let refuse = |reason: &str| Failure::new(format!("failed to parse body as form-multipart: {reason}"));
    let field = match field {
        Value::Str(text) => {
            let head = format!(
                "Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}",
                with_crlf(text)
            );
            out.extend_from_slice(head.as_bytes());
            return Ok(());
        }
        Value::Map(field) => field,
        other => {
            let kind = crate::value::type_name(other);
            return Err(refuse(&format!("value must be a string, or mapping, cannot be type {kind}")));
        }
    };
    let text = |key: &str| field.get(key).filter(|value| !value.is_null()).map(Value::to_string);
    let (content, filename) = (text("content"), text("filename"));
    let content_type = text("mime_type")
        .unwrap_or_else(|| filename.as_deref().map_or("application/octet-stream", mime_type).to_owned());
    let mut disposition = format!("form-data; name=\"{name}\"");
    if let Some(filename) = &filename {
        disposition += &format!("; filename=\"{}\"", filename.rsplit('/').next().unwrap_or_default());
    }
    let (encoding, bytes) = match (content, filename) {
        (Some(content), _) => (None, with_crlf(&content).into_bytes()),
        (None, Some(filename)) => {
            let bytes = file(&filename)?;
            match text("multipart_encoding").as_deref() {
                None | Some("base64") => (Some("base64"), in_lines(&base64::encode(&bytes)).into_bytes()),
                Some("7or8bit") if bytes.is_ascii() => (Some("7bit"), bytes),
                Some("7or8bit") => (Some("8bit"), bytes),
                Some(other) => {
                    return Err(refuse(&format!("multipart_encoding must be base64 or 7or8bit, not {other}")));
                }
            }
        }
        (None, None) => return Err(refuse("at least one of filename or content must be provided")),
    };
    if let Some(encoding) = encoding {
        out.extend_from_slice(format!("Content-Transfer-Encoding: {encoding}\r\n").as_bytes());
    }
    let head = format!("Content-Type: {content_type}\r\nContent-Disposition: {disposition}\r\n\r\n");
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(&bytes);
    Ok(())
}

/// Text with the line ends that MIME wants.
fn with_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// Base64 in lines of 76 letters, as MIME wants it.
fn in_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 38 + 2);
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % 76 == 0 {
            out.push_str("\r\n");
        }
        out.push(letter);
    }
    out + "\r\n"
}

/// The type that a file's name suggests.
fn mime_type(name: &str) -> &'static str {
    let extension = name.rsplit('/').next().unwrap_or_default().rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "txt" | "log" | "ini" | "cfg" | "conf" => "text/plain",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "xml" => "text/xml",
        "js" => "text/javascript",
        "py" => "text/x-python",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "tar" | "tgz" => "application/x-tar",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn json_is_pythons() {
        let value = Value::from([("a", Value::str("é\u{1}/\"")), ("b", Value::Float(1.0)), ("c", Value::Null)]);
        assert_eq!(json(&value), r#"{"a": "\u00e9\u0001/\"", "b": 1.0, "c": null}"#);
        assert_eq!(json(&Value::str("😀")), r#""\ud83d\ude00""#);
    }

    #[test]
    fn forms_repeat_lists_and_leave_null_out() {
        let list = Value::list(vec!["x".into(), true.into()]);
        let map = Value::from([("a", Value::Null), ("b", list), ("e f", "é &".into())]);
        assert_eq!(urlencoded(&map).unwrap(), "b=x&b=True&e+f=%C3%A9+%26");
        let pairs = Value::list(vec![Value::list(vec!["a".into(), 1.into()])]);
        assert_eq!(urlencoded(&pairs).unwrap(), "a=1");
        assert!(urlencoded(&Value::Int(5)).is_err());
    }

    #[test]
    fn multipart_has_a_part_for_each_field() {
        let fields = Value::from([
            ("t", Value::str("text")),
            ("f", Value::from([("filename", "/d/x.bin")])),
            ("c", Value::from([("content", "abc"), ("filename", "x.txt")])),
        ]);
        let (body, content_type) = multipart(fields.as_map().unwrap(), "B", &|_| Ok(b"srcfile".to_vec())).unwrap();
        assert_eq!(content_type, "multipart/form-data; boundary=\"B\"");
        let expected = "--B\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=\"c\"; filename=\"x.txt\"\r\n\r\nabc\r\n\
            --B\r\nContent-Transfer-Encoding: base64\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.bin\"\r\n\r\nc3JjZmlsZQ==\r\n\r\n\
            --B\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\ntext\r\n--B--\r\n";
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }
}
