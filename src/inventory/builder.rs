//! Builds an inventory from the texts of its sources, given in order.

use super::{GroupId, HostId, Inventory, address};
use crate::source::{Diagnostic, Diagnostics, FileId, Severity, Span};
use crate::value::{Value, parse_bool};
use crate::yaml;
use std::path::{Path, PathBuf};

/// What happens to group names that cannot be variables' names (`force_valid_group_names`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupNames {
    /// They stay, with a warning.
    #[default]
    Never,
    /// They stay.
    Ignore,
    /// Wrong characters become `_`, with a warning.
    Always,
    /// Wrong characters become `_`.
    Silently,
}

/// How texts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// What happens to group names with unusual characters.
    pub group_names: GroupNames,
    /// Mistakes in a source are warnings, as under Ansible unless `any_unparsed_is_failed` is set;
    /// what could be read of the source counts.
    pub lenient: bool,
}

/// Whether an entry of an inventory directory is passed over: hidden files, `group_vars` and its like,
/// and the endings of Ansible's default `inventory_ignore_extensions`.
pub fn is_ignored(name: &str) -> bool {
    const ENDINGS: [&str; 12] =
        [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"];
    name.starts_with('.')
        || matches!(name, "host_vars" | "group_vars" | "vars_plugins")
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Asks a script for the variables of one host: what it prints for `--host NAME`, and under which id
/// that text is known; or why it cannot be had.
pub type HostOutput<'a> = &'a mut dyn FnMut(&str) -> Result<(FileId, String), String>;

/// Takes the texts of an inventory's sources. The caller reads files, lists directories (sorted by
/// name, without what [`is_ignored`] says) and runs scripts; sources are added in their order, and
/// later ones win.
#[derive(Debug)]
pub struct Builder {
    pub(super) inventory: Inventory,
    options: Options,
    /// What is wrong with the source that is being added.
    pub(super) found: Diagnostics,
    /// The path of the source that is being added.
    source: Option<PathBuf>,
}

impl Builder {
    /// A builder without any source.
    pub fn new(options: Options) -> Builder {
        Builder { inventory: Inventory::empty(), options, found: Diagnostics::default(), source: None }
    }

    /// Adds a file by what its name and content say: a name that ends in `.yml`, `.yaml` or `.json`
    /// is YAML, one without an ending is YAML if it reads as a mapping, all others are INI.
    pub fn add_text(&mut self, file: FileId, path: &Path, text: &str, diagnostics: &mut Diagnostics) {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("toml") => {
                let place = Span::at(file, 0, 0);
                let message = "inventories in TOML are not supported";
                self.found.push(Diagnostic::error("inventory-format", place, message).with_help("write it in YAML"));
                self.end_source(diagnostics);
            }
            Some("yml" | "yaml" | "json") => {
                let mut quiet = Diagnostics::default();
                match yaml::parse(file, text, &mut quiet).as_deref() {
                    // A host list in a file with such a name: Ansible falls back to INI.
                    Some([document]) if document.as_str().is_some() => self.add_ini(file, path, text, diagnostics),
                    _ => self.add_yaml(file, path, text, diagnostics),
                }
            }
            None => {
                let mut as_yaml = Diagnostics::default();
                let documents = yaml::parse(file, text, &mut as_yaml);
                let is_mapping = matches!(documents.as_deref(), Some([document]) if document.as_map().is_some());
                let first = text.lines().map(str::trim_end).find(|line| !line.is_empty() && !line.starts_with('#'));
                // Broken YAML is told from INI by how it begins.
                let begins_as_yaml =
                    documents.is_none() && first.is_some_and(|line| line == "---" || line.ends_with(':'));
                match is_mapping || begins_as_yaml {
                    true => self.add_yaml(file, path, text, diagnostics),
                    false => self.add_ini(file, path, text, diagnostics),
                }
            }
            Some(_) => self.add_ini(file, path, text, diagnostics),
        }
    }

    /// Adds a text in INI form.
    pub fn add_ini(&mut self, file: FileId, path: &Path, text: &str, diagnostics: &mut Diagnostics) {
        self.source = Some(path.to_owned());
        super::ini::read(self, file, text);
        self.end_source(diagnostics);
    }

    /// Adds a text in YAML form (JSON is YAML).
    pub fn add_yaml(&mut self, file: FileId, path: &Path, text: &str, diagnostics: &mut Diagnostics) {
        self.source = Some(path.to_owned());
        super::yaml_file::read(self, file, text);
        self.end_source(diagnostics);
    }

    /// Adds what a script printed for `--list`. When that has no `_meta.hostvars`, `host_output` is
    /// asked for what it prints for `--host NAME`, or why it cannot be had.
    pub fn add_script_json(
        &mut self,
        file: FileId,
        path: &Path,
        text: &str,
        host_output: HostOutput,
        diagnostics: &mut Diagnostics,
    ) {
        self.source = Some(path.to_owned());
        super::script::read(self, file, text, host_output);
        self.end_source(diagnostics);
    }

    /// Adds the hosts of a text with commas, such as `a,b:2222,` from a command line. Ranges are
    /// expanded.
    pub fn add_host_list(&mut self, text: &str, diagnostics: &mut Diagnostics) {
        self.source = Some(PathBuf::from(text));
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match address::expand(name) {
                Ok((names, port)) => {
                    for name in names {
                        self.host(&name, port, Some(Inventory::UNGROUPED), None);
                    }
                }
                Err(reason) => {
                    self.found.push(Diagnostic::error("inventory-host", None, format!("`{name}`: {reason}")))
                }
            }
        }
        self.end_source(diagnostics);
    }

    /// The inventory, with the rules about `all` and `ungrouped` applied.
    pub fn finish(mut self, diagnostics: &mut Diagnostics) -> Inventory {
        self.inventory.reconcile();
        for (_, group) in self.inventory.groups() {
            if let Some(host) = self.inventory.host_names.get(&group.name) {
                let text = format!("there is both a group and a host named `{}`", group.name);
                diagnostics.push(
                    Diagnostic::warning("inventory-name-clash", group.span, text)
                        .with_note(self.inventory.host(*host).span, "the host is named here"),
                );
            }
        }
        self.inventory
    }

    fn end_source(&mut self, diagnostics: &mut Diagnostics) {
        let mut found = std::mem::take(&mut self.found);
        if self.options.lenient {
            for diagnostic in &mut found.0 {
                diagnostic.severity = Severity::Warning;
            }
        }
        diagnostics.append(found);
        self.source = None;
    }

    /// Reports a mistake in the source.
    pub(super) fn wrong(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.found.push(Diagnostic::error(code, span, message));
    }

    /// The name that a group gets, by the option for unusual names.
    pub(super) fn group_name(&mut self, name: &str, span: Span) -> String {
        let letter = |c: char| c == '_' || c.is_alphanumeric();
        let wrong_start = name.starts_with(|c: char| c.is_numeric());
        if !wrong_start && name.chars().all(letter) {
            return name.to_owned();
        }
        let safe: String = name
            .chars()
            .enumerate()
            .map(|(index, c)| if letter(c) && !(index == 0 && wrong_start) { c } else { '_' })
            .collect();
        let (text, name) = match self.options.group_names {
            GroupNames::Ignore => return name.to_owned(),
            GroupNames::Silently => return safe,
            GroupNames::Never => (format!("the group name `{name}` cannot be a variable's name"), name.to_owned()),
            GroupNames::Always => (format!("the group name `{name}` becomes `{safe}`"), safe),
        };
        if self.inventory.find_group(&name).is_none() {
            let help = "use letters, digits and underscores only";
            self.found.push(Diagnostic::warning("inventory-group-name", span, text).with_help(help));
        }
        name
    }

    /// The group `name`, added if there is none.
    pub(super) fn group(&mut self, name: &str, span: Span) -> GroupId {
        self.inventory.ensure_group(name, Some(span))
    }

    /// The host `name`, added if there is none (with the port; a known host keeps its own), in
    /// `group` if one is given.
    pub(super) fn host(&mut self, name: &str, port: Option<u16>, group: Option<GroupId>, span: Option<Span>) -> HostId {
        let (host, new) = self.inventory.ensure_host(name, span, self.source.clone());
        if let (true, Some(port)) = (new, port) {
            self.inventory.hosts[host.index()].vars.set("ansible_port", Value::from(port), span);
        }
        if let Some(group) = group {
            self.inventory.join(host, group);
        }
        host
    }

    /// Makes one group the child of another, unless that closes a loop.
    pub(super) fn link(&mut self, parent: GroupId, child: GroupId, span: Span) {
        if self.inventory.is_above(child, parent) {
            let (upper, lower) = (&self.inventory.group(parent).name, &self.inventory.group(child).name);
            let text = match parent == child {
                true => format!("the group `{lower}` cannot be its own child"),
                false => format!("the group `{lower}` cannot be a child of `{upper}`, which is below it"),
            };
            self.wrong("inventory-group-loop", span, text);
        } else {
            self.inventory.link(parent, child);
        }
    }

    /// Sets a variable of a host.
    pub(super) fn set_host_var(&mut self, host: HostId, name: &str, value: Value, span: Span) {
        self.check_variable_name(name, span);
        self.inventory.hosts[host.index()].vars.set(name, value, Some(span));
    }

    /// Sets a variable of a group; `ansible_group_priority` is the group's own.
    pub(super) fn set_group_var(&mut self, group: GroupId, name: &str, value: Value, span: Span) {
        self.check_variable_name(name, span);
        let group = &mut self.inventory.groups[group.index()];
        if name != "ansible_group_priority" {
            group.vars.set(name, value, Some(span));
            return;
        }
        let number = match &value {
            Value::Int(number) => Some(*number),
            Value::Bool(_) => parse_bool(&value).map(i64::from),
            other => other.as_str().and_then(|text| text.trim().parse().ok()),
        };
        match number {
            Some(number) => group.priority = number,
            None => self.wrong("inventory-variable", span, "`ansible_group_priority` has to be a whole number"),
        }
    }

    fn check_variable_name(&mut self, name: &str, span: Span) {
        let mut chars = name.chars();
        let valid = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
            && chars.all(|c| c == '_' || c.is_alphanumeric());
        if !valid {
            let text = format!("`{name}` cannot be a variable's name, so that templates cannot name it");
            let help = "start with a letter or an underscore, and use letters, digits and underscores only";
            self.found.push(Diagnostic::warning("inventory-variable-name", span, text).with_help(help));
        }
    }
}
