//! Typed arguments: the macro that declares them, and Ansible's coercions into Rust's types.

use super::spec::{ArgKind, ArgSpec, Rule};
use crate::source::nearest;
use crate::value::{Key, Map, Value, parse_bool, type_name};
use std::path::PathBuf;

/// Arguments of a module; implemented by [`module_args!`](crate::module_args).
pub trait ModuleArgs: Sized {
    /// Every argument.
    const SPECS: &'static [ArgSpec];

    /// Reads the arguments. `args` holds rendered values under canonical names.
    fn from_map(args: &Map) -> Result<Self, ArgError>;
}

/// Arguments that do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgError {
    /// No such argument.
    #[error("unsupported parameter '{name}'{}", near.as_ref().map(|near| format!(", did you mean '{near}'?")).unwrap_or_default())]
    Unknown {
        /// The name given.
        name: String,
        /// A likely other name.
        near: Option<&'static str>,
    },
    /// One is missing.
    #[error("missing required argument: {name}")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// A value is of the wrong type or not among the choices.
    #[error("argument '{name}': {reason}")]
    Invalid {
        /// Its name.
        name: String,
        /// What is expected.
        reason: String,
    },
    /// Several arguments do not go together.
    #[error("{0}")]
    Rule(String),
}

/// A Rust type that an argument can have.
pub trait FromArg: Sized {
    /// Ansible's type.
    const KIND: ArgKind;
    /// Whether the argument may be left out without a default.
    const OPTIONAL: bool = false;
    /// The only values allowed; empty for any.
    const CHOICES: &'static [&'static str] = &[];

    /// Reads a rendered value; the error says what is expected.
    fn from_arg(value: &Value) -> Result<Self, String>;

    /// The value of an argument that was left out.
    fn absent() -> Option<Self> {
        None
    }
}

fn expected<T>(what: &str, value: &Value) -> Result<T, String> {
    Err(format!("{} cannot be converted to {what}: {}", type_name(value), value.repr()))
}

impl FromArg for String {
    const KIND: ArgKind = ArgKind::Str;
    fn from_arg(value: &Value) -> Result<String, String> {
        match value {
            Value::Null => Ok(String::new()),
            Value::Vault(_) => expected("str", value),
            // As Ansible does: lists and maps given for text are written as text.
            other => Ok(other.to_string()),
        }
    }
}

impl FromArg for PathBuf {
    const KIND: ArgKind = ArgKind::Path;
    fn from_arg(value: &Value) -> Result<PathBuf, String> {
        String::from_arg(value).map(PathBuf::from)
    }
}

impl FromArg for bool {
    const KIND: ArgKind = ArgKind::Bool;
    fn from_arg(value: &Value) -> Result<bool, String> {
        parse_bool(value).map_or_else(|| expected("bool", value), Ok)
    }
}

impl FromArg for i64 {
    const KIND: ArgKind = ArgKind::Int;
    fn from_arg(value: &Value) -> Result<i64, String> {
        let parsed = match value {
            Value::Int(number) => Some(*number),
            Value::Bool(truth) => Some(i64::from(*truth)),
            Value::Float(number) if number.fract() == 0.0 => Some(*number as i64),
            Value::Str(text) => text.trim().replace('_', "").parse().ok(),
            _ => None,
        };
        parsed.map_or_else(|| expected("int", value), Ok)
    }
}

macro_rules! whole_arg {
    ($($number:ty),*) => {$(
        impl FromArg for $number {
            const KIND: ArgKind = ArgKind::Int;
            fn from_arg(value: &Value) -> Result<$number, String> {
                <$number>::try_from(i64::from_arg(value)?).or_else(|_| expected("int of this range", value))
            }
        }
    )*};
}
whole_arg!(u16, u32, u64, usize);

impl FromArg for f64 {
    const KIND: ArgKind = ArgKind::Float;
    fn from_arg(value: &Value) -> Result<f64, String> {
        match value {
            Value::Float(number) => Ok(*number),
            Value::Int(number) => Ok(*number as f64),
            Value::Str(text) => text.trim().parse().or_else(|_| expected("float", value)),
            _ => expected("float", value),
        }
    }
}

impl FromArg for Value {
    const KIND: ArgKind = ArgKind::Raw;
    fn from_arg(value: &Value) -> Result<Value, String> {
        Ok(value.clone())
    }
}

impl FromArg for Map {
    const KIND: ArgKind = ArgKind::Dict;
    fn from_arg(value: &Value) -> Result<Map, String> {
        match value {
            Value::Map(map) => Ok(map.as_ref().clone()),
            Value::Str(text) => map_from_text(text).map_or_else(|| expected("dict", value), Ok),
            _ => expected("dict", value),
        }
    }
}

/// A map given as text: JSON, or `key=value` pairs separated by commas or blanks.
fn map_from_text(text: &str) -> Option<Map> {
    if text.trim_start().starts_with('{') {
        return match serde_json::from_str(text) {
            Ok(Value::Map(map)) => Some(map.as_ref().clone()),
            _ => None,
        };
    }
    text.split([',', ' '])
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| pair.split_once('=').map(|(key, value)| (Key::from(key.trim()), Value::str(value.trim()))))
        .collect()
}

impl<T: FromArg> FromArg for Vec<T> {
    const KIND: ArgKind = ArgKind::List;
    const CHOICES: &'static [&'static str] = T::CHOICES;
    fn from_arg(value: &Value) -> Result<Vec<T>, String> {
        match value {
            Value::List(items) => items.iter().map(T::from_arg).collect(),
            // Ansible splits at commas and, like it, an empty text gives one empty item less.
            Value::Str(text) if text.is_empty() => Ok(Vec::new()),
            Value::Str(text) => text.split(',').map(|item| T::from_arg(&Value::str(item.trim()))).collect(),
            Value::Map(_) | Value::Null => expected("list", value),
            single => Ok(vec![T::from_arg(&Value::Str(single.to_string().into()))?]),
        }
    }
}

impl<T: FromArg> FromArg for Option<T> {
    const KIND: ArgKind = T::KIND;
    const OPTIONAL: bool = true;
    const CHOICES: &'static [&'static str] = T::CHOICES;
    fn from_arg(value: &Value) -> Result<Option<T>, String> {
        match value {
            Value::Null => Ok(None),
            value => T::from_arg(value).map(Some),
        }
    }
    fn absent() -> Option<Option<T>> {
        Some(None)
    }
}

/// File permissions as a task gives them: octal digits, a number, symbolic, or `preserve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// The twelve permission bits.
    Bits(u32),
    /// As for chmod, such as `u=rw,g+r`.
    Symbolic(String),
    /// The mode of the source file.
    Preserve,
}

impl FromArg for Mode {
    const KIND: ArgKind = ArgKind::Raw;
    fn from_arg(value: &Value) -> Result<Mode, String> {
        let bits = |number: i64| u32::try_from(number).ok().filter(|bits| *bits <= 0o7777);
        match value {
            Value::Int(number) => bits(*number).map(Mode::Bits).map_or_else(|| expected("mode", value), Ok),
            Value::Str(text) if text.as_ref() == "preserve" => Ok(Mode::Preserve),
            Value::Str(text) => {
                let digits = text.trim().trim_start_matches("0o");
                match i64::from_str_radix(digits, 8).ok().and_then(bits) {
                    Some(bits) => Ok(Mode::Bits(bits)),
                    None if Mode::is_symbolic(text) => Ok(Mode::Symbolic(text.trim().to_owned())),
                    None => expected("mode (octal such as '0644', or symbolic such as u=rw,g=r)", value),
                }
            }
            _ => expected("mode (octal such as '0644', or symbolic such as u=rw,g=r)", value),
        }
    }
}

impl Mode {
    fn is_symbolic(text: &str) -> bool {
        !text.trim().is_empty()
            && text.split(',').all(|clause| {
                let rest = clause.trim().trim_start_matches(['u', 'g', 'o', 'a']);
                rest.starts_with(['+', '-', '=']) && rest.chars().all(|c| "+-=rwxXstugo".contains(c))
            })
    }
}

/// Renames aliases to canonical names, and refuses unknown names and broken rules.
///
/// `args` may hold unrendered values; their types are checked only once they are rendered.
pub fn check_args(specs: &[ArgSpec], rules: &[Rule], args: &Map) -> (Map, Vec<ArgError>) {
    let mut errors = Vec::new();
    let mut canonical = Map::with_capacity(args.len());
    for (key, value) in args {
        let name = key.to_string();
        match specs.iter().find(|spec| spec.answers_to(&name)) {
            Some(spec) => {
                canonical.insert(Key::from(spec.name), value.clone());
                if value.is_plain() && (spec.required || !value.is_null()) {
                    if let Err(reason) = (spec.check)(value) {
                        let reason = if spec.secret { "the value does not fit (not shown)".into() } else { reason };
                        errors.push(ArgError::Invalid { name, reason });
                    }
                }
            }
            None => {
                let near = specs.iter().flat_map(|spec| spec.aliases.iter().copied().chain([spec.name]));
                errors.push(ArgError::Unknown { near: nearest(&name, near), name });
            }
        }
    }
    let given = |name: &str| canonical.get(name).is_some_and(|value| !value.is_null());
    errors.extend(
        specs
            .iter()
            .filter(|spec| spec.required && !given(spec.name))
            .map(|spec| ArgError::Missing { name: spec.name }),
    );
    errors.extend(rules.iter().filter_map(|rule| rule_error(rule, &canonical)).map(ArgError::Rule));
    (canonical, errors)
}

fn rule_error(rule: &Rule, args: &Map) -> Option<String> {
    let given = |name: &&str| args.get(*name).is_some_and(|value| !value.is_null());
    let missing = |names: &[&str]| names.iter().filter(|name| !given(name)).copied().collect::<Vec<_>>().join(", ");
    match rule {
        Rule::MutuallyExclusive(names) => (names.iter().filter(|name| given(name)).count() > 1)
            .then(|| format!("parameters are mutually exclusive: {}", names.join("|"))),
        Rule::RequiredOneOf(names) => {
            (!names.iter().any(given)).then(|| format!("one of the following is required: {}", names.join(", ")))
        }
        Rule::RequiredTogether(names) => {
            let count = names.iter().filter(|name| given(name)).count();
            (count > 0 && count < names.len())
                .then(|| format!("parameters are required together: {}", names.join(", ")))
        }
        Rule::RequiredIf(name, wanted, names) => {
            let applies = args.get(*name).is_some_and(|value| match value {
                Value::Bool(truth) => parse_bool(&Value::str(wanted)) == Some(*truth),
                value => value.is_plain() && value.to_string() == *wanted,
            });
            let missing = missing(names);
            (applies && !missing.is_empty())
                .then(|| format!("{name} is {wanted} but all of the following are missing: {missing}"))
        }
        Rule::RequiredBy(name, names) => {
            let missing = missing(names);
            (given(name) && !missing.is_empty())
                .then(|| format!("missing parameter(s) required by '{name}': {missing}"))
        }
    }
}

/// An argument's error as a task's failure, in the words that playbooks look for.
pub fn argument_failure(error: ArgError, spec: &super::ModuleSpec) -> super::Failure {
    match error {
        ArgError::Unknown { name, near } => {
            let module = spec.aliases.first().unwrap_or(&spec.name);
            let near = near.map(|near| format!(". Did you mean {near}?")).unwrap_or_default();
            super::Failure::new(format!("Unsupported parameters for ({module}) module: {name}{near}"))
        }
        other => other.into(),
    }
}

/// Checks and reads rendered arguments.
pub fn parse_args<A: ModuleArgs>(rules: &[Rule], args: &Map) -> Result<A, ArgError> {
    let (canonical, errors) = check_args(A::SPECS, rules, args);
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None => A::from_map(&canonical),
    }
}

/// Reads one argument; used by the macro.
#[doc(hidden)]
pub fn take_arg<T: FromArg>(
    args: &Map,
    name: &'static str,
    secret: bool,
    default: Option<fn() -> T>,
) -> Result<T, ArgError> {
    match args.get(name) {
        None => default.map(|make| make()).or_else(T::absent).ok_or(ArgError::Missing { name }),
        Some(Value::Null) if default.is_some() => default.map(|make| make()).ok_or(ArgError::Missing { name }),
        Some(value) => T::from_arg(value).map_err(|reason| ArgError::Invalid {
            name: name.to_owned(),
            reason: if secret { "the value does not fit (not shown)".into() } else { reason },
        }),
    }
}

/// The name of a field without `r#`; used by the macro.
#[doc(hidden)]
pub const fn field_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Declares a module's arguments: a struct, its specification and its parser in one.
///
/// Doc comments become the user's manual. In brackets before a field: `aliases("x", "y")`,
/// `secret`. A field without default whose type is not an `Option` is required.
///
/// ```
/// rplay::module_args! {
///     /// Arguments of the example.
///     pub struct Args {
///         /// The file.
///         [aliases("dest")] path: std::path::PathBuf,
///         /// Whether to overwrite.
///         force: bool = false,
///         /// Who owns it.
///         owner: Option<String>,
///     }
/// }
/// ```
#[macro_export]
macro_rules! module_args {
    (
        $(#[$struct_meta:meta])*
        $vis:vis struct $struct_name:ident {
            $(
                $(#[doc = $doc:literal])*
                $([ $($flag:ident $(( $($alias:literal),+ ))?),+ ])?
                $field:ident : $ty:ty $(= $default:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[$struct_meta])*
        #[derive(Debug, Clone)]
        #[allow(dead_code, reason = "an action hands most arguments on to the host's half as they are")]
        $vis struct $struct_name {
            $( $(#[doc = $doc])* pub $field: $ty ),*
        }

        impl $crate::module::ModuleArgs for $struct_name {
            const SPECS: &'static [$crate::module::ArgSpec] = &[
                $( $crate::module::ArgSpec {
                    name: $crate::module::__macro::field_name(stringify!($field)),
                    aliases: &[ $( $( $( $($alias,)+ )? )+ )? ],
                    kind: <$ty as $crate::module::FromArg>::KIND,
                    required: !<$ty as $crate::module::FromArg>::OPTIONAL
                        && !$crate::module_args!(@has_default $($default)?),
                    default: $crate::module_args!(@default_text $($default)?),
                    choices: <$ty as $crate::module::FromArg>::CHOICES,
                    doc: &[ $($doc),* ],
                    secret: $crate::module_args!(@secret $( $($flag),+ )?),
                    check: |value| <$ty as $crate::module::FromArg>::from_arg(value).map(|_| ()),
                } ),*
            ];

            fn from_map(args: &$crate::value::Map) -> ::std::result::Result<Self, $crate::module::ArgError> {
                Ok($struct_name {
                    $( $field: $crate::module::__macro::take_arg::<$ty>(
                        args,
                        $crate::module::__macro::field_name(stringify!($field)),
                        $crate::module_args!(@secret $( $($flag),+ )?),
                        $crate::module_args!(@default_fn $ty $(, $default)?),
                    )? ),*
                })
            }
        }
    };
    (@has_default) => { false };
    (@has_default $default:expr) => { true };
    (@default_text) => { None };
    (@default_text $default:expr) => { Some(stringify!($default)) };
    (@default_fn $ty:ty) => { None };
    (@default_fn $ty:ty, $default:expr) => { Some(|| -> $ty { ($default).into() }) };
    (@secret) => { false };
    (@secret secret $(, $rest:ident)*) => { true };
    (@secret $other:ident $(, $rest:ident)*) => { $crate::module_args!(@secret $($rest),*) };
}

/// Declares an enum whose variants are an argument's choices.
///
/// ```
/// rplay::arg_choices! {
///     /// What should be there.
///     pub enum State { Present = "present", Absent = "absent" }
/// }
/// ```
#[macro_export]
macro_rules! arg_choices {
    (
        $(#[$enum_meta:meta])*
        $vis:vis enum $enum_name:ident { $( $(#[$meta:meta])* $variant:ident = $text:literal ),+ $(,)? }
    ) => {
        $(#[$enum_meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $enum_name { $( $(#[$meta])* #[doc = concat!("`", $text, "`.")] $variant ),+ }

        #[allow(dead_code, reason = "not every module shows its choices again")]
        impl $enum_name {
            /// The word that a task uses.
            pub fn as_str(self) -> &'static str {
                match self { $( $enum_name::$variant => $text ),+ }
            }
        }

        impl $crate::module::FromArg for $enum_name {
            const KIND: $crate::module::ArgKind = $crate::module::ArgKind::Str;
            const CHOICES: &'static [&'static str] = &[ $($text),+ ];
            fn from_arg(value: &$crate::value::Value) -> ::std::result::Result<Self, String> {
                let text = value.to_string();
                // Truth words stand for the choice of the same meaning, as in Ansible.
                let word = match value {
                    $crate::value::Value::Bool(truth) => Self::CHOICES.iter().copied().find(|choice| {
                        $crate::value::parse_bool(&$crate::value::Value::str(choice)) == Some(*truth)
                    }),
                    _ => None,
                };
                match word.unwrap_or(&text) {
                    $( $text => Ok($enum_name::$variant), )+
                    _ => Err(format!("value must be one of: {}, got: {text}", Self::CHOICES.join(", "))),
                }
            }
        }
    };
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    arg_choices! {
        /// States.
        pub enum State { Present = "present", Absent = "absent", Yes = "yes" }
    }

    module_args! {
        /// Arguments.
        pub struct Args {
            /// The file.
            [aliases("dest", "name")] path: PathBuf,
            /// The kind.
            r#type: Option<String>,
            state: State = State::Present,
            [secret] password: Option<i64>,
            [secret, aliases("l")] list: Vec<String> = Vec::<String>::new(),
        }
    }

    fn map(value: Value) -> Map {
        value.as_map().unwrap().clone()
    }

    #[test]
    fn reads_aliases_defaults_and_choices() {
        let args = map(Value::from([("dest", Value::str("/x")), ("type", Value::Int(3)), ("l", Value::str("a, b"))]));
        let args: Args = parse_args(&[], &args).unwrap();
        assert_eq!(args.path, PathBuf::from("/x"));
        assert_eq!(args.r#type.as_deref(), Some("3"));
        assert_eq!(args.state, State::Present);
        assert_eq!(args.list, ["a", "b"]);
        assert_eq!(State::from_arg(&Value::Bool(true)), Ok(State::Yes));
    }

    #[test]
    fn refuses_with_names_and_without_secrets() {
        let parse = |value| parse_args::<Args>(&[], &map(value)).unwrap_err().to_string();
        assert_eq!(parse(Value::from([("pth", "/x")])), "unsupported parameter 'pth', did you mean 'path'?");
        assert_eq!(parse(Value::from([("state", "absent")])), "missing required argument: path");
        assert!(!parse(Value::from([("path", "/x"), ("password", "hunter2")])).contains("hunter2"));
        let specs = Args::SPECS;
        assert!(specs[0].required && !specs[1].required && specs[3].secret && specs[4].secret);
        assert_eq!(specs[0].doc, [" The file."]);
    }

    #[test]
    fn modes() {
        assert_eq!(Mode::from_arg(&Value::str("0644")), Ok(Mode::Bits(0o644)));
        assert_eq!(Mode::from_arg(&Value::Int(0o755)), Ok(Mode::Bits(0o755)));
        assert_eq!(Mode::from_arg(&Value::str("u=rw,g-w")), Ok(Mode::Symbolic("u=rw,g-w".into())));
        assert!(Mode::from_arg(&Value::str("rwx")).is_err());
    }
}
