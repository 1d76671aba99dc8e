//! Argument specifications as data: what a role's `meta/argument_specs.yml` says of its variables.

use crate::value::{Key, Map, Value};
use std::fmt::Write;

/// What came of checking values against a specification.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Validation {
    /// The values by canonical name, of their types, with defaults.
    pub args: Map,
    /// What is wrong, in Ansible's words; empty when all is right.
    pub errors: Vec<String>,
    /// What is odd but allowed.
    pub warnings: Vec<String>,
}

/// Checks rendered values against the options of a specification.
///
/// `options` maps names to `type`, `required`, `default`, `choices`, `elements`, `aliases`,
/// `options`, `no_log` and the rules that join several (`mutually_exclusive`, `required_together`,
/// `required_one_of`, `required_if`, `required_by`), as ansible-core documents them.
pub fn validate(options: &Map, given: &Map) -> Validation {
    let mut check = Check::default();
    let args = check.level(options, None, given, &[]);
    if let Some(supported) = &check.supported {
        check.unsupported.sort();
        let names = check.unsupported.join(", ");
        check.errors.push(format!("{names}. Supported parameters include: {supported}."));
    }
    Validation { args, errors: check.errors, warnings: check.warnings }
}

#[derive(Default)]
struct Check {
    errors: Vec<String>,
    warnings: Vec<String>,
    unsupported: Vec<String>,
    /// The options of the outermost level that was given something unknown.
    supported: Option<String>,
}

impl Check {
    /// Checks one level; `rules` is the map that holds its joining rules, `path` leads to it.
    fn level(&mut self, options: &Map, rules: Option<&Map>, given: &Map, path: &[&str]) -> Map {
        let mut args = self.canonical(options, given, path);
        let place = if path.is_empty() { String::new() } else { format!(" found in {}", path.join(" -> ")) };
        let complain = |check: &mut Check, error: Option<String>| {
            check.errors.extend(error.map(|error| error + &place));
        };
        if let Some(rules) = rules {
            complain(self, mutually_exclusive(rules, &args));
        }
        for (name, option) in options {
            if let Some(default) = option.get("default").filter(|default| !default.is_null()) {
                args.entry(name.clone()).or_insert_with(|| default.clone());
            }
        }
        complain(self, missing_required(options, &args));
        self.types(options, &mut args, path);
        for (name, option) in options {
            if let Some(value) = args.get(name) {
                complain(self, not_a_choice(name, option, value));
            }
        }
        if let Some(rules) = rules {
            complain(self, required_together(rules, &args));
            complain(self, required_one_of(rules, &args));
            complain(self, required_if(rules, &args));
            complain(self, required_by(rules, &args));
        }
        self.nested(options, &mut args, path);
        args
    }

    /// The values under their options' names; what no option answers to is noted.
    fn canonical(&mut self, options: &Map, given: &Map, path: &[&str]) -> Map {
        let mut args = Map::with_capacity(given.len());
        for (key, value) in given {
            let name = key.to_string();
            if options.contains_key(name.as_str()) {
                args.entry(key.clone()).or_insert_with(|| value.clone());
                continue;
            }
            let owner = options.iter().find(|(_, option)| texts(option.get("aliases")).contains(&name));
            let Some((owner, _)) = owner else {
                self.unsupported.push(path.iter().copied().chain([name.as_str()]).collect::<Vec<_>>().join("."));
                // Deeper levels are checked after this one, so the first is the outermost.
                self.supported.get_or_insert_with(|| names_and_aliases(options));
                continue;
            };
            if given.get(owner).is_some() {
                self.warnings.push(format!("Both option {owner} and its alias {name} are set."));
            }
            args.insert(owner.clone(), value.clone());
        }
        args
    }

    fn types(&mut self, options: &Map, args: &mut Map, path: &[&str]) {
        for (name, option) in options {
            let Some(value) = args.get(name) else { continue };
            let required = option.get("required").is_some_and(Value::truthy);
            let has_default = option.get("default").is_some_and(|default| !default.is_null());
            if value.is_null() && !required && !has_default {
                continue;
            }
            let secret = option.get("no_log").is_some_and(Value::truthy);
            let hide = |reason: String| if secret { "the value is not shown".to_owned() } else { reason };
            let place = if path.is_empty() { String::new() } else { format!(" found in '{}'.", path.join(" -> ")) };
            let wanted = option.get("type").and_then(Value::as_str).unwrap_or("str");
            let converted = match convert(wanted, value) {
                Ok(converted) => converted,
                Err(reason) => {
                    let kind = python_type(value);
                    let reason = hide(reason);
                    self.errors.push(format!(
                        "argument '{name}' is of type {kind}{place} and we were unable to convert to {wanted}: {reason}"
                    ));
                    continue;
                }
            };
            let elements = option.get("elements").and_then(Value::as_str).filter(|_| wanted == "list");
            let converted = match (elements, &converted) {
                (Some(element), Value::List(items)) => {
                    let items = items.iter().map(|item| convert(element, item).map_err(|reason| (item, reason)));
                    match items.collect::<Result<Vec<Value>, _>>() {
                        Ok(items) => Value::list(items),
                        Err((item, reason)) => {
                            let kind = python_type(item);
                            let reason = hide(reason);
                            self.errors.push(format!(
                                "Elements value for option '{name}'{place} is of type {kind} and we were unable to convert to {element}: {reason}"
                            ));
                            continue;
                        }
                    }
                }
                _ => converted,
            };
            args.insert(name.clone(), converted);
        }
    }

    /// Options of options.
    fn nested(&mut self, options: &Map, args: &mut Map, path: &[&str]) {
        for (name, option) in options {
            let Some(inner) = option.get("options").and_then(Value::as_map) else { continue };
            let of_maps = |kind: &str| option.get(kind).and_then(Value::as_str);
            if of_maps("type") != Some("dict") && (of_maps("type"), of_maps("elements")) != (Some("list"), Some("dict"))
            {
                continue;
            }
            let rules = option.as_map();
            let text = name.to_string();
            let path: Vec<&str> = path.iter().copied().chain([text.as_str()]).collect();
            let fill = option.get("apply_defaults").is_some_and(Value::truthy);
            let checked = match args.get(name) {
                None | Some(Value::Null) if fill => Value::map(self.level(inner, rules, &Map::new(), &path)),
                None | Some(Value::Null) => continue,
                Some(Value::Map(map)) => Value::map(self.level(inner, rules, map, &path)),
                Some(Value::List(items)) => Value::list(
                    items
                        .iter()
                        .map(|item| match item {
                            Value::Map(map) => Value::map(self.level(inner, rules, map, &path)),
                            other => other.clone(),
                        })
                        .collect(),
                ),
                Some(_) => {
                    self.errors.push(format!("value of '{name}' must be of type dict or list of dicts"));
                    continue;
                }
            };
            args.insert(name.clone(), checked);
        }
    }
}

/// `a, b (alias), c`, sorted.
fn names_and_aliases(options: &Map) -> String {
    let mut names: Vec<String> = options.keys().map(Key::to_string).collect();
    names.sort();
    let mut text = names.join(", ");
    let mut aliases: Vec<String> = options.values().flat_map(|option| texts(option.get("aliases"))).collect();
    aliases.sort();
    if !aliases.is_empty() {
        let _ = write!(text, " ({})", aliases.join(", "));
    }
    text
}

fn missing_required(options: &Map, args: &Map) -> Option<String> {
    let required = |option: &Value| option.get("required").is_some_and(Value::truthy);
    let mut missing: Vec<String> = options
        .iter()
        .filter(|(name, option)| required(option) && !args.contains_key(*name))
        .map(|(name, _)| name.to_string())
        .collect();
    missing.sort();
    (!missing.is_empty()).then(|| format!("missing required arguments: {}", missing.join(", ")))
}

fn not_a_choice(name: &Key, option: &Value, value: &Value) -> Option<String> {
    let choices = option.get("choices")?.as_list().filter(|choices| !choices.is_empty())?;
    if value.is_null() {
        return None;
    }
    let words = choices.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    let secret = option.get("no_log").is_some_and(Value::truthy);
    let shown = |text: String| if secret { "a value that is not shown".to_owned() } else { text };
    match value {
        Value::List(items) => {
            let others: Vec<String> =
                items.iter().filter(|item| !choices.contains(item)).map(Value::to_string).collect();
            (!others.is_empty()).then(|| {
                let others = shown(others.join(", "));
                format!("value of {name} must be one or more of: {words}. Got no match for: {others}")
            })
        }
        value => {
            // YAML turns the bare words of a choice such as `no` into truth values.
            let by_truth = || match value.as_str() {
                Some("True" | "False") => {
                    let wanted = crate::value::parse_bool(value);
                    choices.iter().filter(|choice| crate::value::parse_bool(choice) == wanted).count() == 1
                }
                _ => false,
            };
            let matches = choices
                .iter()
                .any(|choice| std::mem::discriminant(choice) == std::mem::discriminant(value) && choice == value);
            (!matches && !by_truth())
                .then(|| format!("value of {name} must be one of: {words}, got: {}", shown(value.to_string())))
        }
    }
}

fn mutually_exclusive(rules: &Map, args: &Map) -> Option<String> {
    let broken: Vec<String> = groups(rules.get("mutually_exclusive"))
        .into_iter()
        .filter(|names| count(names, args) > 1)
        .map(|names| names.join("|"))
        .collect();
    (!broken.is_empty()).then(|| format!("parameters are mutually exclusive: {}", broken.join(", ")))
}

fn required_together(rules: &Map, args: &Map) -> Option<String> {
    groups(rules.get("required_together"))
        .into_iter()
        .find(|names| (1..names.len()).contains(&count(names, args)))
        .map(|names| format!("parameters are required together: {}", names.join(", ")))
}

fn required_one_of(rules: &Map, args: &Map) -> Option<String> {
    groups(rules.get("required_one_of"))
        .into_iter()
        .find(|names| count(names, args) == 0)
        .map(|names| format!("one of the following is required: {}", names.join(", ")))
}

/// Entries are `[option, value, [names]]`, with a fourth item that is true when one name is enough.
fn required_if(rules: &Map, args: &Map) -> Option<String> {
    rules.get("required_if")?.as_list()?.iter().find_map(|rule| {
        let [name, wanted, names, rest @ ..] = rule.as_list()? else { return None };
        if args.get(name.as_str()?)? != wanted {
            return None;
        }
        let names = texts(Some(names));
        let missing: Vec<&str> = names.iter().map(String::as_str).filter(|name| !args.contains_key(*name)).collect();
        let any = rest.first().is_some_and(Value::truthy);
        let broken = if any { missing.len() == names.len() } else { !missing.is_empty() };
        broken.then(|| {
            let word = if any { "any" } else { "all" };
            format!("{name} is {wanted} but {word} of the following are missing: {}", missing.join(", "))
        })
    })
}

fn required_by(rules: &Map, args: &Map) -> Option<String> {
    rules.get("required_by")?.as_map()?.iter().find_map(|(name, wanted)| {
        args.get(name).filter(|value| !value.is_null())?;
        let missing: Vec<String> =
            texts(Some(wanted)).into_iter().filter(|name| args.get(name.as_str()).is_none_or(Value::is_null)).collect();
        (!missing.is_empty()).then(|| format!("missing parameter(s) required by '{name}': {}", missing.join(", ")))
    })
}

fn count(names: &[String], args: &Map) -> usize {
    names.iter().filter(|name| args.contains_key(name.as_str())).count()
}

/// A list of lists of names. A flat list of names is, as in Ansible, a list of single names.
fn groups(value: Option<&Value>) -> Vec<Vec<String>> {
    value.and_then(Value::as_list).unwrap_or_default().iter().map(|group| texts(Some(group))).collect()
}

/// A list of texts; a single text is one.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::List(items)) => items.iter().map(Value::to_string).collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single.to_string()],
    }
}

/// Python's name of the value's type.
fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        value => crate::value::type_name(value),
    }
}

/// A value as Ansible's type `kind`; the error is its reason.
fn convert(kind: &str, value: &Value) -> Result<Value, String> {
    let class = || format!("<class '{}'>", python_type(value));
    match kind {
        "raw" => Ok(value.clone()),
        "str" | "path" => Ok(match value {
            Value::Null => Value::str(""),
            value => Value::from(value.to_string()),
        }),
        "bool" => crate::value::parse_bool(value).map(Value::Bool).ok_or_else(|| {
            format!(
                "The value '{value}' is not a valid boolean. Valid booleans include: '1', 'on', 'y', 'yes', 't', \
                 'true', 1, '0', 'off', 'n', 'no', 'f', 'false', 0"
            )
        }),
        "int" => match value {
            Value::Int(_) => Ok(value.clone()),
            Value::Bool(truth) => Ok(Value::Int(i64::from(*truth))),
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e18 => Ok(Value::Int(*number as i64)),
            Value::Str(text) => text
                .trim()
                .parse()
                .map(Value::Int)
                .map_err(|_| format!("\"{}\" cannot be converted to an int", value.repr())),
            value => Err(format!("\"{}\" cannot be converted to an int", value.repr())),
        },
        "float" => match value {
            Value::Float(_) => Ok(value.clone()),
            Value::Int(number) => Ok(Value::Float(*number as f64)),
            Value::Str(text) => {
                text.trim().parse().map(Value::Float).map_err(|_| format!("{} cannot be converted to a float", class()))
            }
            _ => Err(format!("{} cannot be converted to a float", class())),
        },
        "list" => match value {
            Value::List(_) => Ok(value.clone()),
            Value::Str(text) => Ok(Value::list(text.split(',').map(Value::str).collect())),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => Ok(Value::list(vec![Value::from(value.to_string())])),
            _ => Err(format!("{} cannot be converted to a list", class())),
        },
        "dict" => match value {
            Value::Map(_) => Ok(value.clone()),
            Value::Str(text) => map_from_text(text)
                .map(Value::map)
                .ok_or_else(|| "dictionary requested, could not parse JSON or key=value".to_owned()),
            _ => Err(format!("{} cannot be converted to a dict", class())),
        },
        "json" | "jsonarg" => match value {
            Value::Str(text) => Ok(Value::str(text.trim())),
            Value::List(_) | Value::Map(_) => {
                serde_json::to_string(value).map(Value::from).map_err(|error| error.to_string())
            }
            _ => Err(format!("{} cannot be converted to a json string", class())),
        },
        "bytes" => size(value, 'B').ok_or_else(|| format!("{} cannot be converted to a Byte value", class())),
        "bits" => size(value, 'b').ok_or_else(|| format!("{} cannot be converted to a Bit value", class())),
        other => Err(format!("there is no type '{other}'")),
    }
}

/// A size such as `10`, `1M`, `1.5 GB`, in units of 1024.
fn size(value: &Value, last: char) -> Option<Value> {
    let text = match value {
        Value::Int(_) | Value::Float(_) | Value::Str(_) => value.to_string(),
        _ => return None,
    };
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (text[..end].parse::<f64>().ok()?, text[end..].trim_start());
    let prefix = unit.strip_suffix(last).unwrap_or(unit);
    let power = match prefix.to_ascii_uppercase().as_str() {
        "" => 0,
        letter => i32::try_from("BKMGTPEZY".find(letter).filter(|_| letter.len() == 1)?).ok()?,
    };
    let bytes = (number * 1024f64.powi(power)).round();
    Some(if bytes < 9e18 { Value::Int(bytes as i64) } else { Value::Float(bytes) })
}

/// JSON, or `key=value` pairs separated by commas and blanks, with quotes around values.
fn map_from_text(text: &str) -> Option<Map> {
    let text = text.trim();
    if text.starts_with('{') {
        return match serde_json::from_str(text) {
            Ok(Value::Map(map)) => Some(map.as_ref().clone()),
            _ => None,
        };
    }
    let mut pairs: Vec<String> = Vec::new();
    let (mut pair, mut quote) = (String::new(), None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => pair.push(c),
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == ',' || c.is_whitespace() => pairs.push(std::mem::take(&mut pair)),
            None => pair.push(c),
        }
    }
    pairs.push(pair);
    let pairs = pairs.iter().filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').map(|(key, value)| (Key::from(key), Value::str(value)))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(options: &str, given: &str) -> Validation {
        let read = |text| match serde_norway::from_str::<Value>(text).unwrap() {
            Value::Map(map) => map.as_ref().clone(),
            other => unreachable!("{other}"),
        };
        validate(&read(options), &read(given))
    }

    const OPTIONS: &str = "
a: {type: int, required: true, aliases: [aa]}
b: {type: str, choices: [x, y], default: x}
c: {type: list, elements: dict, options: {p: {type: int, required: true}, q: {type: bool, default: true}}}
d: {type: dict, options: {p: {type: int}}}
g: {type: list, elements: int}
secret: {type: int, no_log: true}
";

    #[test]
    fn converts_and_fills_in() {
        let done = check(OPTIONS, "{aa: '1', c: ['p=1', {p: 2, q: no}], g: '1,2'}");
        assert_eq!(done.errors, [""; 0]);
        let args = Value::map(done.args);
        assert_eq!(
            args.to_string(),
            "{'a': 1, 'c': [{'p': 1, 'q': True}, {'p': 2, 'q': False}], 'g': [1, 2], 'b': 'x'}"
        );
    }

    #[test]
    fn names_everything_that_is_wrong() {
        let cases = [
            ("{}", "missing required arguments: a"),
            (
                "{a: x}",
                "argument 'a' is of type str and we were unable to convert to int: \"'x'\" cannot be converted to an int",
            ),
            ("{a: 1, b: z}", "value of b must be one of: x, y, got: z"),
            ("{a: 1, c: [{q: true}]}", "missing required arguments: p found in c"),
            (
                "{a: 1, d: {p: x}}",
                "argument 'p' is of type str found in 'd'. and we were unable to convert to int: \"'x'\" cannot be converted to an int",
            ),
            ("{a: 1, d: {r: 1}, z: 1}", "d.r, z. Supported parameters include: a, b, c, d, g, secret (aa)."),
            ("{a: 1, d: {r: 1}}", "d.r. Supported parameters include: p."),
            (
                "{a: 1, g: [1, a]}",
                "Elements value for option 'g' is of type str and we were unable to convert to int: \"'a'\" cannot be converted to an int",
            ),
            (
                "{a: 1, d: x}",
                "argument 'd' is of type str and we were unable to convert to dict: dictionary requested, could not parse JSON or key=value",
            ),
        ];
        for (given, error) in cases {
            assert_eq!(check(OPTIONS, given).errors[0], error, "{given}");
        }
        let errors = check(OPTIONS, "{a: 1, secret: hunter2}").errors;
        assert!(!errors[0].contains("hunter2"), "{errors:?}");
    }

    #[test]
    fn joins_options_by_rules() {
        let options = "
d:
  type: dict
  options: {p: {type: int}, q: {}, r: {}, s: {}, state: {default: present, choices: [present, absent]}}
  mutually_exclusive: [[p, q], [p, r]]
  required_together: [[r, s]]
  required_one_of: [[p, q]]
  required_if: [[state, absent, [s]], [state, present, [r, s], true]]
  required_by: {p: s}
";
        let cases = [
            (
                "{d: {p: 1, q: 2}}",
                vec![
                    "parameters are mutually exclusive: p|q found in d",
                    "state is present but any of the following are missing: r, s found in d",
                    "missing parameter(s) required by 'p': s found in d",
                ],
            ),
            (
                "{d: {r: 1}}",
                vec![
                    "parameters are required together: r, s found in d",
                    "one of the following is required: p, q found in d",
                ],
            ),
            ("{d: {state: absent, q: 1}}", vec!["state is absent but all of the following are missing: s found in d"]),
        ];
        for (given, errors) in cases {
            assert_eq!(check(options, given).errors, errors, "{given}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(convert("bytes", &Value::str("1.5 KB")), Ok(Value::Int(1536)));
        assert_eq!(convert("bits", &Value::str("1Mb")), Ok(Value::Int(1 << 20)));
        assert!(convert("bytes", &Value::str("1Mx")).is_err());
    }
}
