//! What a module says of itself, as data: names, arguments, rules, documentation.

use crate::value::Value;

/// Where a module's steps can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunsOn {
    /// In the light agent, on any host.
    Agent,
    /// In the whole rplay binary: on the controller, or on a host that gets that binary.
    Whole,
    /// On the controller only, beside the executor (an [`Action`](super::Action)).
    Controller,
}

/// A module's names and documentation.
#[derive(Debug, Clone, Copy)]
pub struct ModuleSpec {
    /// The fully qualified collection name, such as `ansible.builtin.copy`.
    pub name: &'static str,
    /// Further names: the short one and other collections' spellings.
    pub aliases: &'static [&'static str],
    /// One sentence for the reference.
    pub summary: &'static str,
    /// What else a user should know; may be empty.
    pub notes: &'static str,
    /// Where it runs.
    pub runs_on: RunsOn,
    /// Whether `module: some text` is taken as text (`_raw_params`) and not as `key=value` pairs.
    pub free_form: bool,
    /// Whether a single difference is returned as a list of one, as some of Ansible's modules do.
    pub diff_as_list: bool,
    /// Rules that join several arguments.
    pub rules: &'static [Rule],
    /// The values that it returns beside `changed`, `failed`, `msg` and `diff`.
    pub returns: &'static [ReturnSpec],
    /// Tasks as a user writes them.
    pub examples: &'static [Example],
}

impl ModuleSpec {
    /// A specification to fill in with struct update syntax.
    pub const EMPTY: ModuleSpec = ModuleSpec {
        name: "",
        aliases: &[],
        summary: "",
        notes: "",
        runs_on: RunsOn::Agent,
        free_form: false,
        diff_as_list: false,
        rules: &[],
        returns: &[],
        examples: &[],
    };
}

/// A value that a module returns.
#[derive(Debug, Clone, Copy)]
pub struct ReturnSpec {
    /// Its key in the result.
    pub name: &'static str,
    /// What it holds.
    pub doc: &'static str,
}

/// A task as a user writes it.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What it does.
    pub title: &'static str,
    /// The task, as YAML.
    pub yaml: &'static str,
}

/// The type of an argument, by Ansible's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// Text.
    Str,
    /// Text that names a file; `~` and variables are expanded on the host.
    Path,
    /// Truth words.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A list, or text split at commas.
    List,
    /// A map.
    Dict,
    /// Anything, as it is.
    Raw,
}

impl ArgKind {
    /// Ansible's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            ArgKind::Str => "str",
            ArgKind::Path => "path",
            ArgKind::Bool => "bool",
            ArgKind::Int => "int",
            ArgKind::Float => "float",
            ArgKind::List => "list",
            ArgKind::Dict => "dict",
            ArgKind::Raw => "raw",
        }
    }
}

/// One argument of a module.
#[derive(Debug, Clone, Copy)]
pub struct ArgSpec {
    /// Its name.
    pub name: &'static str,
    /// Other names of the same argument.
    pub aliases: &'static [&'static str],
    /// Its type.
    pub kind: ArgKind,
    /// Whether a task must give it.
    pub required: bool,
    /// The default, as written in the source.
    pub default: Option<&'static str>,
    /// The only values allowed; empty for any.
    pub choices: &'static [&'static str],
    /// The user's manual: the lines of the doc comment.
    pub doc: &'static [&'static str],
    /// Whether its value must never be shown (Ansible's `no_log`).
    pub secret: bool,
    /// Checks one value without running anything.
    pub check: fn(&Value) -> Result<(), String>,
}

impl ArgSpec {
    /// Whether `name` means this argument.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// A rule that joins several arguments.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// At most one of them.
    MutuallyExclusive(&'static [&'static str]),
    /// At least one of them.
    RequiredOneOf(&'static [&'static str]),
    /// All or none of them.
    RequiredTogether(&'static [&'static str]),
    /// When the first argument has the value, all the others.
    RequiredIf(&'static str, &'static str, &'static [&'static str]),
    /// When the first argument is there, all the others.
    RequiredBy(&'static str, &'static [&'static str]),
}
