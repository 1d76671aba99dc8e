//! `rplay doc`: the modules' reference as Markdown, from what they say of themselves.

use super::Exit;
use super::arguments::DocArguments;
use super::error::CliError;
use crate::module::{ArgSpec, ModuleSpec, Rule, RunsOn};
use crate::modules::{Entry, all, find};
use crate::source::nearest;
use std::fmt::Write as _;
use std::io::Write;

/// Shows the reference.
pub fn doc(arguments: &DocArguments) -> Result<Exit, CliError> {
    let text = match &arguments.module {
        Some(name) => match find(name) {
            Some(entry) => module(&entry, 1),
            None => return Err(unknown(name)),
        },
        None if arguments.list => sorted().iter().map(|entry| summary_line(&entry.spec())).collect(),
        None => reference(),
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => Ok(Exit::Success),
        Err(_) => Ok(Exit::Closed),
    }
}

fn unknown(name: &str) -> CliError {
    let names: Vec<&str> =
        all().flat_map(|entry| entry.spec().aliases.iter().copied().chain([entry.spec().name])).collect();
    let near = nearest(name, names).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    CliError::Option(format!("rplay has no module `{name}`{near}"))
}

fn sorted() -> Vec<Entry> {
    let mut entries: Vec<Entry> = all().collect();
    entries.sort_by_key(|entry| entry.spec().name);
    entries
}

fn summary_line(spec: &ModuleSpec) -> String {
    format!("{:<40} {}\n", spec.name, spec.summary)
}

/// The reference of all modules.
fn reference() -> String {
    let mut out = String::from(
        "# Modules\n\nMade by `rplay doc` from what the modules say of themselves. Arguments and results have Ansible's\nnames and meanings.\n\n",
    );
    let entries = sorted();
    for entry in &entries {
        let spec = entry.spec();
        let _ = writeln!(out, "- [{}](#{}): {}", spec.name, anchor(spec.name), spec.summary);
    }
    for entry in &entries {
        out.push('\n');
        out += &module(entry, 2);
    }
    out
}

/// The name that a heading has in a page's address.
fn anchor(name: &str) -> String {
    name.to_lowercase().chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ')).collect()
}

fn module(entry: &Entry, level: usize) -> String {
    let spec = entry.spec();
    let heading = "#".repeat(level);
    let mut out = format!("{heading} {}\n\n{}\n", spec.name, spec.summary);
    if !spec.aliases.is_empty() {
        let names: Vec<String> = spec.aliases.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(out, "\nAlso called {}.", names.join(", "));
    }
    let _ = writeln!(out, "\nRuns {}.", place(entry, &spec));
    if !spec.notes.is_empty() {
        let _ = writeln!(out, "\n{}", spec.notes.trim());
    }
    if spec.free_form {
        let _ = writeln!(out, "\nTakes free text beside its arguments: `{}: text`.", short(spec.name));
    }
    let args = entry.args();
    if matches!(entry, Entry::Action(action) if action.any_args()) {
        let _ = writeln!(out, "\nTakes arguments of any name.");
    }
    if !args.is_empty() {
        let _ = writeln!(out, "\n{heading}# Arguments\n\n| Name | Type | Default | Meaning |\n|---|---|---|---|");
        args.iter().for_each(|arg| out += &argument(arg));
    }
    if !spec.rules.is_empty() {
        let _ = writeln!(out, "\n{heading}# Rules\n");
        spec.rules.iter().for_each(|one| out += &format!("- {}\n", rule(one)));
    }
    if !spec.returns.is_empty() {
        let _ = writeln!(out, "\n{heading}# Returns\n\n| Key | Meaning |\n|---|---|");
        for value in spec.returns {
            let _ = writeln!(out, "| `{}` | {} |", value.name, cell(value.doc));
        }
    }
    if !spec.examples.is_empty() {
        let _ = writeln!(out, "\n{heading}# Examples");
        for example in spec.examples {
            let _ = writeln!(out, "\n{}:\n\n```yaml\n{}\n```", example.title, example.yaml.trim());
        }
    }
    out
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn place(entry: &Entry, spec: &ModuleSpec) -> &'static str {
    match (entry, spec.runs_on) {
        (Entry::Action(_), _) | (_, RunsOn::Controller) => "on the controller",
        (_, RunsOn::Agent) => "on the host, in the agent",
        (_, RunsOn::Whole) => "on the host, in the whole program",
    }
}

/// Text that does not break a table.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('\n', " ")
}

fn argument(arg: &ArgSpec) -> String {
    let mut name = format!("`{}`", arg.name);
    for alias in arg.aliases {
        let _ = write!(name, ", `{alias}`");
    }
    if arg.required {
        name += " (required)";
    }
    let lines: Vec<&str> = arg.doc.iter().map(|line| line.trim()).collect();
    let mut meaning = lines.join(" ");
    if !arg.choices.is_empty() {
        let choices: Vec<String> = arg.choices.iter().map(|choice| format!("`{choice}`")).collect();
        let _ = write!(meaning, " One of {}.", choices.join(", "));
    }
    if arg.secret {
        meaning += " Never shown.";
    }
    let default = arg.default.map(|default| format!("`{}`", cell(default))).unwrap_or_default();
    format!("| {name} | {} | {default} | {} |\n", arg.kind.name(), cell(&meaning))
}

fn rule(rule: &Rule) -> String {
    let names = |list: &[&str]| list.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match rule {
        Rule::MutuallyExclusive(list) => format!("at most one of {}", names(list)),
        Rule::RequiredOneOf(list) => format!("at least one of {}", names(list)),
        Rule::RequiredTogether(list) => format!("all or none of {}", names(list)),
        Rule::RequiredIf(name, value, list) => format!("with `{name}: {value}`, {} must be given", names(list)),
        Rule::RequiredBy(name, list) => format!("with `{name}`, {} must be given", names(list)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_has_a_summary_and_an_entry() {
        let text = reference();
        for entry in all() {
            let spec = entry.spec();
            assert!(!spec.summary.is_empty(), "{} has no summary", spec.name);
            assert!(text.contains(&format!("\n## {}\n", spec.name)), "{}", spec.name);
        }
    }

    #[test]
    fn names_what_was_meant() {
        assert_eq!(unknown("debgu").to_string(), "rplay has no module `debgu`, did you mean `debug`?");
        assert_eq!(anchor("ansible.builtin.copy"), "ansiblebuiltincopy");
        assert_eq!(cell("a | b\nc"), "a \\| b c");
    }
}
