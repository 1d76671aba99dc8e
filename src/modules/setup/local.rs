//! Local facts: the `*.fact` files of a folder; JSON or INI, or programs that print either.

use super::files;
use crate::module::Host;
use crate::modules::{program, wildcard};
use crate::value::{Key, Map, Value};
use std::path::Path;

/// `local`: each file's content under its name without `.fact`.
pub fn facts(host: &dyn Host, folder: &Path) -> Map {
    let names = files::names(host, folder);
    names
        .iter()
        .filter(|name| wildcard::matches("*.fact", name))
        .map(|name| {
            let key = name.strip_suffix(".fact").unwrap_or(name);
            (Key::from(key), read(host, &folder.join(name)).unwrap_or_else(Value::from))
        })
        .collect()
}

/// The content, or what is wrong with the file: it takes the fact's place.
fn read(host: &dyn Host, path: &Path) -> Result<Value, String> {
    let name = path.display();
    let info = host.stat(path).ok().flatten().ok_or_else(|| format!("cannot read {name}"))?;
    let text = match info.mode & 0o111 != 0 {
        true => {
            let output = program::read(host, &[&path.to_string_lossy()])
                .map_err(|failure| format!("Failure executing fact script ({name}): {}", failure.msg))?;
            if !output.success() {
                return Err(format!(
                    "Failure executing fact script ({name}), rc: {}, err: {}",
                    output.rc,
                    output.stderr_text().trim_end()
                ));
            }
            output.stdout_text()
        }
        false => {
            let bytes = host.read(path).map_err(|error| format!("error loading fact - {name}: {error}"))?;
            String::from_utf8(bytes)
                .map_err(|_| format!("error loading fact - output of running \"{name}\" was not utf-8"))?
        }
    };
    if let Ok(value) = serde_json::from_str(&text) {
        return Ok(value);
    }
    ini(&text).ok_or_else(|| format!("error loading facts as JSON or ini - please check content: {name}"))
}

/// Sections with `key=value` or `key: value` lines; keys in lower case.
fn ini(text: &str) -> Option<Value> {
    let mut sections = Map::new();
    let mut current: Option<(Key, Map)> = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.extend(current.take().map(|(name, section)| (name, Value::map(section))));
            current = Some((Key::from(name), Map::new()));
            continue;
        }
        let (key, value) = trimmed.split_once(['=', ':'])?;
        let (_, section) = current.as_mut()?;
        section.insert(Key::from(key.trim().to_lowercase()), Value::str(value.trim()));
    }
    sections.extend(current.map(|(name, section)| (name, Value::map(section))));
    Some(Value::map(sections))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ini_facts() {
        let value = ini("; note\n[General]\nAsdf=1\nbar: 2 = 3\n[empty]\n");
        let expected = Value::from([
            ("General", Value::from([("asdf", "1"), ("bar", "2 = 3")])),
            ("empty", Value::map(Map::new())),
        ]);
        assert_eq!(value, Some(expected));
        assert_eq!(ini("no section = 1"), None);
    }
}
