//! `rplay doc`: the modules' reference as Markdown, from what they say of themselves.

use super::Exit;
use super::arguments::DocArguments;
use super::error::CliError;
use crate::module::{ArgSpec, ModuleSpec, Rule, RunsOn};
use crate::modules::{Entry, all, find};
use crate::source::nearest;
use minijinja::{Environment, Value, context};
use std::fmt::Write as _;
use std::io::Write;

/// Shows the reference.
pub fn doc(arguments: &DocArguments) -> Result<Exit, CliError> {
    let text = match &arguments.module {
        Some(name) => match find(name) {
            Some(entry) => module(&entry, 1)?,
            None => return Err(unknown(name)),
        },
        None if arguments.list => sorted().iter().map(|entry| summary_line(&entry.spec())).collect(),
        None => reference()?,
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
fn reference() -> Result<String, CliError> {
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
        out += &module(entry, 2)?;
    }
    Ok(out)
}

/// The name that a heading has in a page's address.
fn anchor(name: &str) -> String {
    name.to_lowercase().chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ')).collect()
}

/// A module's page. The template is a part of the program: a test renders it for every module.
fn module(entry: &Entry, level: usize) -> Result<String, CliError> {
    let spec = entry.spec();
    let args: Vec<Value> = entry.args().iter().map(argument).collect();
    let rules: Vec<String> = spec.rules.iter().map(rule).collect();
    let returns: Vec<Value> = spec.returns.iter().map(|one| context! { name => one.name, doc => one.doc }).collect();
    let examples: Vec<Value> =
        spec.examples.iter().map(|one| context! { title => one.title, yaml => one.yaml.trim() }).collect();
    let mut environment = Environment::new();
    environment.add_filter("cell", |text: &str| cell(text));
    let rendered = environment.render_str(
        include_str!("module.md.j2"),
        context! {
            heading => "#".repeat(level),
            name => spec.name,
            short => short(spec.name),
            summary => spec.summary,
            aliases => spec.aliases.to_vec(),
            place => place(entry, &spec),
            notes => spec.notes.trim(),
            free_form => spec.free_form,
            any_args => matches!(entry, Entry::Action(action) if action.any_args()),
            args, rules, returns, examples,
        },
    );
    rendered
        .map(|text| text + "\n")
        .map_err(|error| CliError::Option(format!("the reference of `{}` cannot be made: {error}", spec.name)))
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

fn argument(arg: &ArgSpec) -> Value {
    let lines: Vec<&str> = arg.doc.iter().map(|line| line.trim()).collect();
    context! {
        name => arg.name,
        aliases => arg.aliases.to_vec(),
        required => arg.required,
        type => arg.kind.name(),
        default => default(arg),
        meaning => lines.join(" "),
        choices => arg.choices.to_vec(),
        secret => arg.secret,
    }
}

/// The default as a playbook would say it; the declaration has it as Rust does.
fn default(arg: &ArgSpec) -> Option<String> {
    let text = arg.default?.replace(" :: ", "::");
    let list = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    Some(match list {
        Some((items, _)) => {
            let items: Vec<String> = items.split(',').map(|item| scalar(arg, item.trim())).collect();
            format!("[{}]", items.join(", "))
        }
        None if text.ends_with("new()") && arg.kind.name() == "dict" || text.contains("Map::new()") => "{}".into(),
        None if text.ends_with("new()") => "[]".into(),
        None => scalar(arg, &text),
    })
}

/// A variant by the name of its choice, or text without its quotes.
fn scalar(arg: &ArgSpec, text: &str) -> String {
    let plain = |name: &str| name.replace(['-', '_'], "").to_lowercase();
    let variant = text.rsplit_once("::").map(|(_, variant)| plain(variant));
    let choice = variant.and_then(|variant| arg.choices.iter().find(|choice| plain(choice) == variant));
    choice.map_or_else(
        || text.trim_end_matches(".to_owned()").trim_matches('"').to_owned(),
        |choice| (*choice).to_owned(),
    )
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_module_has_a_summary_and_the_reference_is_of_today() {
        let text = reference().unwrap();
        for entry in all() {
            let spec = entry.spec();
            assert!(!spec.summary.is_empty(), "{} has no summary", spec.name);
            assert!(text.contains(&format!("\n## {}\n", spec.name)), "{}", spec.name);
        }
        for rust in ["::", "new()"] {
            let defaults = all().flat_map(|entry| entry.args().iter().filter_map(default));
            assert_eq!(defaults.filter(|default| default.contains(rust)).collect::<Vec<_>>(), Vec::<String>::new());
        }
        let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/modules.md");
        match std::env::var_os("RPLAY_BLESS") {
            Some(_) => std::fs::write(kept, &text).unwrap(),
            None => assert!(
                std::fs::read_to_string(kept).unwrap() == text,
                "docs/modules.md is old: RPLAY_BLESS=1 cargo test --lib cli::doc makes it anew"
            ),
        }
    }

    #[test]
    fn names_what_was_meant() {
        assert_eq!(unknown("debgu").to_string(), "rplay has no module `debgu`, did you mean `debug`?");
        assert_eq!(anchor("ansible.builtin.copy"), "ansiblebuiltincopy");
        assert_eq!(cell("a | b\nc"), "a \\| b c");
    }
}
