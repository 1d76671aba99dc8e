//! The playbook language's keywords as one table: where each may stand, what it takes, how it is inherited.
//!
//! Names and places are those of Ansible's playbook keywords reference; `needs`, `id` and `lock`
//! are rplay's own.

use crate::value::{Value, parse_bool, type_name};

/// What a keyword stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A play.
    Play,
    /// An entry of `roles:`.
    Role,
    /// A block.
    Block,
    /// A task.
    Task,
    /// A handler.
    Handler,
}

impl Level {
    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The word for messages.
    pub fn name(self) -> &'static str {
        match self {
            Level::Play => "play",
            Level::Role => "role entry",
            Level::Block => "block",
            Level::Task => "task",
            Level::Handler => "handler",
        }
    }
}

const P: u8 = Level::Play.bit();
const R: u8 = Level::Role.bit();
const B: u8 = Level::Block.bit();
/// Tasks and handlers.
const T: u8 = Level::Task.bit() | Level::Handler.bit();
const H: u8 = Level::Handler.bit();

/// The type that a keyword takes once it is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Truth words.
    Bool,
    /// A whole number.
    Int,
    /// A number, or a percentage.
    Percent,
    /// Text.
    Str,
    /// A list of text, or text split at commas.
    Names,
    /// A list, or one item of it.
    Items,
    /// A map, or a list of maps.
    Map,
    /// Conditions: expressions or truth values, one or a list.
    Conditions,
    /// Anything; the reader of the keyword checks it.
    Any,
}

/// How a keyword of a parent reaches what is below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherit {
    /// Not at all.
    No,
    /// The nearest one wins.
    Nearest,
    /// The parent's items come first, then the child's.
    Append,
}

macro_rules! keywords {
    ($( $variant:ident $name:literal $levels:expr, $takes:ident, $inherit:ident; )*) => {
        /// A keyword that is kept as an attribute. Those that hold tasks or variables are read by
        /// the types that have them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each variant is the keyword of the same name, documented by Ansible")]
        pub enum Keyword { $($variant),* }

        impl Keyword {
            /// Every keyword.
            pub const ALL: &'static [Keyword] = &[$(Keyword::$variant),*];

            /// As written in a playbook.
            pub fn name(self) -> &'static str {
                match self { $(Keyword::$variant => $name),* }
            }

            fn row(self) -> (u8, Takes, Inherit) {
                match self { $(Keyword::$variant => ($levels, Takes::$takes, Inherit::$inherit)),* }
            }
        }
    };
}

keywords! {
    AnyErrorsFatal    "any_errors_fatal"    P | R | B | T, Bool, Nearest;
    Args              "args"                T, Map, No;
    Async             "async"               T, Int, No;
    Become            "become"              P | R | B | T, Bool, Nearest;
    BecomeExe         "become_exe"          P | R | B | T, Str, Nearest;
    BecomeFlags       "become_flags"        P | R | B | T, Str, Nearest;
    BecomeMethod      "become_method"       P | R | B | T, Str, Nearest;
    BecomeUser        "become_user"         P | R | B | T, Str, Nearest;
    ChangedWhen       "changed_when"        T, Conditions, No;
    CheckMode         "check_mode"          P | R | B | T, Bool, Nearest;
    Collections       "collections"         P | R | B | T, Names, Nearest;
    Connection        "connection"          P | R | B | T, Str, Nearest;
    Debugger          "debugger"            P | R | B | T, Str, Nearest;
    Delay             "delay"               T, Any, No;
    DelegateFacts     "delegate_facts"      R | B | T, Bool, Nearest;
    DelegateTo        "delegate_to"         R | B | T, Str, Nearest;
    Diff              "diff"                P | R | B | T, Bool, Nearest;
    Environment       "environment"         P | R | B | T, Map, Append;
    FactPath          "fact_path"           P, Str, No;
    FailedWhen        "failed_when"         T, Conditions, No;
    ForceHandlers     "force_handlers"      P, Bool, No;
    GatherFacts       "gather_facts"        P, Bool, No;
    GatherSubset      "gather_subset"       P, Names, No;
    GatherTimeout     "gather_timeout"      P, Int, No;
    Hosts             "hosts"               P, Items, No;
    Id                "id"                  P | R | B | T, Str, No;
    IgnoreErrors      "ignore_errors"       P | R | B | T, Bool, Nearest;
    IgnoreUnreachable "ignore_unreachable"  P | R | B | T, Bool, Nearest;
    Listen            "listen"              H, Names, No;
    Lock              "lock"                R | B | T, Names, Append;
    Loop              "loop"                T, Any, No;
    LoopControl       "loop_control"        T, Map, No;
    MaxFailPercentage "max_fail_percentage" P, Percent, No;
    ModuleDefaults    "module_defaults"     P | R | B | T, Map, Append;
    Name              "name"                P | B | T, Str, No;
    Needs             "needs"               P | R | B | T, Items, No;
    NoLog             "no_log"              P | R | B | T, Bool, Nearest;
    Notify            "notify"              B | T, Items, Append;
    Order             "order"               P, Str, No;
    Poll              "poll"                T, Int, No;
    Port              "port"                P | R | B | T, Int, Nearest;
    Register          "register"            T, Str, No;
    RemoteUser        "remote_user"         P | R | B | T, Str, Nearest;
    Retries           "retries"             T, Any, No;
    RunOnce           "run_once"            P | R | B | T, Bool, Nearest;
    Serial            "serial"              P, Items, No;
    Strategy          "strategy"            P, Str, No;
    Tags              "tags"                P | R | B | T, Names, Append;
    Throttle          "throttle"            P | R | B | T, Int, Nearest;
    Timeout           "timeout"             P | R | B | T, Int, Nearest;
    Until             "until"               T, Conditions, No;
    ValidateArgspec   "validate_argspec"    P, Any, No;
    When              "when"                R | B | T, Conditions, Append;
}

impl Keyword {
    /// The keyword of this name, if it may stand on `level`.
    pub fn find(name: &str, level: Level) -> Option<Keyword> {
        Keyword::ALL.iter().copied().find(|keyword| keyword.name() == name && keyword.stands_on(level))
    }

    /// Whether it may stand on `level`.
    pub fn stands_on(self, level: Level) -> bool {
        self.row().0 & level.bit() != 0
    }

    /// What it takes.
    pub fn takes(self) -> Takes {
        self.row().1
    }

    /// How it reaches what is below.
    pub fn inherit(self) -> Inherit {
        self.row().2
    }

    /// Checks a value as far as it can be known before it is rendered.
    pub fn check(self, value: &Value) -> Result<(), String> {
        if !value.is_plain() || value.is_null() {
            return Ok(());
        }
        let (fits, what) = match self.takes() {
            Takes::Bool => (parse_bool(value).is_some(), "a truth value"),
            Takes::Int => (is_number(value), "a whole number"),
            Takes::Percent => (is_percent(value), "a number or a percentage"),
            Takes::Str => (!matches!(value, Value::List(_) | Value::Map(_)), "text"),
            Takes::Names => (is_names(value), "a list of text, or text"),
            Takes::Items => (true, "a list"),
            Takes::Map => (matches!(value, Value::Map(_) | Value::List(_)), "a map"),
            Takes::Conditions => (!matches!(value, Value::Map(_)), "a condition or a list of conditions"),
            Takes::Any => (true, "any value"),
        };
        match fits {
            true => Ok(()),
            false => Err(format!("`{}` takes {what}, not {}", self.name(), type_name(value))),
        }
    }
}

fn is_number(value: &Value) -> bool {
    match value {
        Value::Int(_) => true,
        Value::Float(number) => number.fract() == 0.0,
        Value::Str(text) => text.trim().parse::<i64>().is_ok(),
        _ => false,
    }
}

fn is_percent(value: &Value) -> bool {
    match value {
        Value::Int(_) | Value::Float(_) => true,
        Value::Str(text) => text.trim().trim_end_matches('%').parse::<f64>().is_ok(),
        _ => false,
    }
}

fn is_names(value: &Value) -> bool {
    let scalar = |value: &Value| !matches!(value, Value::List(_) | Value::Map(_));
    match value {
        Value::List(items) => items.iter().all(scalar),
        value => scalar(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_stand_where_ansible_lets_them() {
        assert_eq!(Keyword::find("register", Level::Task), Some(Keyword::Register));
        assert_eq!(Keyword::find("register", Level::Block), None);
        assert_eq!(Keyword::find("listen", Level::Task), None);
        assert!(Keyword::find("listen", Level::Handler).is_some());
    }

    #[test]
    fn plain_values_are_checked_early() {
        assert!(Keyword::Become.check(&Value::str("maybe")).is_err());
        assert!(Keyword::Become.check(&Value::str("yes")).is_ok());
        assert!(Keyword::Throttle.check(&Value::list(vec![])).is_err());
        assert!(Keyword::Throttle.check(&Value::authored("{{ x }}", None)).is_ok());
    }
}
