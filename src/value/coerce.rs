//! The coercions that Ansible applies to arguments and conditions.

use super::Value;

/// Ansible's truth words, as for arguments of type bool: yes/no, on/off, true/false, y/n, t/f, 1/0.
pub fn parse_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        Value::Float(number) if *number == 0.0 => Some(false),
        Value::Float(number) if *number == 1.0 => Some(true),
        Value::Str(text) => match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "on" | "true" | "y" | "t" | "1" | "1.0" => Some(true),
            "no" | "off" | "false" | "n" | "f" | "0" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The name of a value's type in messages, as Ansible's users know it.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "none",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "str",
        Value::List(_) => "list",
        Value::Map(_) => "dict",
        Value::Template(_) => "template",
        Value::Vault(_) => "vault",
    }
}
