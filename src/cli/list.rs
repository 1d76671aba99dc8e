//! `--list-hosts`, `--list-tasks` and `--list-tags`, in ansible-playbook's format.

use super::arguments::PlayArguments;
use super::error::CliError;
use super::load::Loaded;
use crate::inventory::split_pattern;
use crate::playbook::{Action, Attributes, Item, Keyword, Play, Task};
use crate::value::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The lists of all playbooks.
pub fn list(arguments: &PlayArguments, loaded: &Loaded) -> Result<String, CliError> {
    let mut out = String::new();
    for playbook in &loaded.playbooks {
        let _ = writeln!(out, "\nplaybook: {}", playbook.path.display());
        for (index, play) in playbook.plays.iter().enumerate() {
            describe_play(&mut out, index + 1, play, arguments, loaded)?;
        }
    }
    Ok(out)
}

fn describe_play(
    out: &mut String,
    number: usize,
    play: &Play,
    arguments: &PlayArguments,
    loaded: &Loaded,
) -> Result<(), CliError> {
    let scope = loaded.scope(play);
    let render = |value: &Value| loaded.engine.resolve(value, &scope).unwrap_or_else(|_| value.clone());
    let patterns: Vec<String> = match render(&play.hosts.value) {
        Value::List(items) => items.iter().map(Value::to_string).collect(),
        one => vec![one.to_string()],
    };
    let hosts = patterns.join(",");
    let name = play.name.as_ref().map_or_else(|| hosts.clone(), |name| render(name).to_string());
    let play_tags = tags_of(&play.attributes, loaded, play);
    let _ = writeln!(out, "\n  play #{number} ({hosts}): {name}\tTAGS: [{}]", join(&play_tags, ","));
    if arguments.list_hosts {
        let found = selected(&patterns, loaded)?;
        let shown = Value::from(patterns).repr();
        let _ = writeln!(out, "    pattern: {shown}\n    hosts ({}):", found.len());
        for host in found {
            let _ = writeln!(out, "      {host}");
        }
    }
    if !arguments.list_tasks && !arguments.list_tags {
        return Ok(());
    }
    // Asked for the tags there are, what has the tag `never` counts too.
    let everything = arguments.list_tags && loaded.tags.only.is_empty() && loaded.tags.skip.is_empty();
    let all = play_tags.clone();
    let mut lister = Lister { play, play_tags, loaded, everything, lines: String::new(), all };
    for items in [&play.pre_tasks, &play.roles, &play.tasks, &play.post_tasks] {
        lister.items(items);
    }
    if arguments.list_tasks {
        let _ = write!(out, "    tasks:\n{}", lister.lines);
    }
    if arguments.list_tags {
        let _ = writeln!(out, "      TASK TAGS: [{}]", join(&lister.all, ", "));
    }
    Ok(())
}

fn selected(patterns: &[String], loaded: &Loaded) -> Result<Vec<String>, CliError> {
    let inventory = &loaded.inventory;
    let patterns: Vec<String> = patterns.iter().flat_map(|pattern| split_pattern(pattern)).collect();
    let mut hosts = inventory.select_all(&patterns)?.hosts;
    if !loaded.limit.is_empty() {
        let limit = inventory.select_all(&loaded.limit)?.hosts;
        hosts.retain(|host| limit.contains(host));
    }
    Ok(hosts.into_iter().map(|host| inventory.host(host).name.to_string()).collect())
}

fn join(tags: &BTreeSet<String>, separator: &str) -> String {
    tags.iter().map(String::as_str).collect::<Vec<_>>().join(separator)
}

/// The tags of something, what it inherits included.
fn tags_of(attributes: &Attributes, loaded: &Loaded, play: &Play) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for tag in attributes.items(Keyword::Tags) {
        let tag = loaded.engine.resolve(&tag, &loaded.scope(play)).unwrap_or(tag);
        let texts = match &tag {
            Value::List(items) => items.iter().map(Value::to_string).collect(),
            one => vec![one.to_string()],
        };
        let words = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
        found.extend(words.filter(|word| !word.is_empty()).map(str::to_owned));
    }
    found
}

struct Lister<'a> {
    play: &'a Play,
    play_tags: BTreeSet<String>,
    loaded: &'a Loaded,
    everything: bool,
    lines: String,
    all: BTreeSet<String>,
}

impl Lister<'_> {
    fn items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Task(task) => self.task(task),
                // As under Ansible, what a block does after failures is not listed.
                Item::Block(block) => self.items(&block.body),
                Item::Fork(fork) => fork.strands.iter().for_each(|strand| self.items(&strand.items)),
                Item::Gap => {}
            }
        }
    }

    fn task(&mut self, task: &Task) {
        let tags = tags_of(&task.attributes, self.loaded, self.play);
        let hidden = task.implicit && matches!(task.action, Action::Meta(_));
        if hidden || !(self.everything || self.loaded.tags.chooses(&tags)) {
            return;
        }
        let name = match (&task.name, &task.action) {
            (None, Action::Meta(_)) => "meta".to_owned(),
            (None, Action::IncludeRole(_)) => "include_role".to_owned(),
            (None, Action::Module { written, .. }) => written.to_string(),
            (None, Action::Templated { name, .. }) => name.to_string(),
            _ => task.display_name(),
        };
        let shown: BTreeSet<String> = tags.union(&self.play_tags).cloned().collect();
        self.all.extend(shown.iter().cloned());
        let _ = writeln!(self.lines, "      {name}\tTAGS: [{}]", join(&shown, ", "));
    }
}
