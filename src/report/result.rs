//! What is said of one result of a task on a host.

use super::Options;
use super::colour::{Colour, Paint};
use super::diff;
use super::dump::dump_map;
use super::visible::{visible, visible_line};
use crate::run::Status;
use crate::value::{Key, Map, Value};
use std::sync::Arc;

/// A result as an event has it.
pub(super) struct Shown<'a> {
    pub status: Status,
    pub host: &'a Arc<str>,
    pub delegated: Option<&'a Arc<str>>,
    pub result: &'a Map,
    pub ignored: bool,
    /// The label of a loop's item.
    pub item: Option<&'a str>,
    pub place: &'a str,
    /// The module's canonical name.
    pub action: &'a str,
}

/// Text with a gap for the host's name, so that equal results of several hosts can be told from
/// different ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Line {
    /// What comes before everything else: differences.
    pub above: String,
    pub colour: Colour,
    /// Up to the name: `ok: [`. A text that does not end so is shown alone.
    pub before: &'static str,
    /// Behind the name: ` -> localhost`.
    pub delegated: Option<Arc<str>>,
    /// The rest, from `]` on.
    pub after: String,
    /// What follows in other colours, painted already.
    pub below: String,
    /// Shown at once, whatever other hosts say.
    pub urgent: bool,
}

impl Line {
    /// The text for a host or several.
    pub fn text(&self, hosts: &str, paint: Paint) -> String {
        let delegated = self.delegated.as_ref().map(|host| format!(" -> {host}")).unwrap_or_default();
        let main = match self.before.ends_with('[') {
            true => format!("{}{}{}{}", self.before, visible_line(hosts), visible_line(&delegated), self.after),
            false => self.before.to_owned(),
        };
        format!("{}{}\n{}", self.above, paint.text(self.colour, &main), self.below)
    }
}

/// Keys that say where a result comes from or that are shown in another way.
const HIDDEN: &[&str] = &["exception", "warnings", "deprecations"];

/// Keys of a failure that are shown as blocks below it.
const BLOCKS: &[&str] = &[
    "cmd",
    "stdout",
    "stderr",
    "stdout_lines",
    "stderr_lines",
    "start",
    "end",
    "delta",
    "module_stdout",
    "module_stderr",
];

/// The result as a person may see it: without the engine's own keys.
pub(super) fn visible_result(result: &Map, options: &Options) -> Map {
    let hidden = |name: &str| {
        name.starts_with("_ansible_")
            || HIDDEN.contains(&name)
            || (matches!(name, "diff" | "invocation") && options.verbosity < 3)
    };
    let kept = result.iter().filter(|(key, _)| !key.as_str().is_some_and(hidden));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn flag(result: &Map, name: &str) -> bool {
    result.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// What is said; None for what the settings hide.
pub(super) fn line(shown: &Shown<'_>, options: &Options) -> Option<Line> {
    let (before, colour) = match (shown.status, shown.item) {
        (Status::Ok, _) if !options.display_ok => return None,
        (Status::Skipped, _) if !options.display_skipped => return None,
        (Status::Ok, _) => ("ok: [", Colour::Ok),
        (Status::Changed, _) => ("changed: [", Colour::Changed),
        (Status::Skipped, _) => ("skipping: [", Colour::Skipped),
        (Status::Failed, None) => ("fatal: [", Colour::Failed),
        (Status::Failed, Some(_)) => ("failed: [", Colour::Failed),
        (Status::Unreachable, _) => ("fatal: [", Colour::Unreachable),
    };
    let bad = matches!(shown.status, Status::Failed | Status::Unreachable);
    let mut after = String::from("]");
    match (shown.status, shown.item) {
        (Status::Unreachable, _) => after += ": UNREACHABLE!",
        (Status::Failed, None) => after += ": FAILED!",
        (Status::Failed, Some(label)) => after += &format!(" (item={})", visible(label)),
        (Status::Skipped, Some(label)) => after += &format!(" => (item={}) ", visible(label)),
        (_, Some(label)) => after += &format!(" => (item={})", visible(label)),
        _ => {}
    }
    let mut below = String::new();
    if bad {
        let (text, blocks) = failure(shown, options);
        after += &format!(" => {text}");
        below = options.paint.text(Colour::Detail, &blocks);
    } else if is_verbose(shown, options) {
        after += &format!(" => {}", details(shown, options));
    }
    if bad && shown.ignored && shown.item.is_none() {
        below += &(options.paint.text(Colour::Skipped, "...ignoring") + "\n");
    }
    Some(Line {
        above: difference(shown, options),
        colour,
        before,
        delegated: shown.delegated.filter(|_| shown.status != Status::Skipped).cloned(),
        after,
        below,
        urgent: bad,
    })
}

/// What is said of a loop as a whole, when its items were shown: only what they do not say.
pub(super) fn loop_line(shown: &Shown<'_>, options: &Options) -> Option<Line> {
    match shown.status {
        Status::Unreachable => line(shown, options),
        Status::Skipped => line(shown, options),
        Status::Failed if shown.ignored => Some(Line {
            above: String::new(),
            colour: Colour::Skipped,
            before: "...ignoring",
            delegated: None,
            after: String::new(),
            below: String::new(),
            urgent: true,
        }),
        _ => None,
    }
}

fn difference(shown: &Shown<'_>, options: &Options) -> String {
    match shown.result.get("diff").filter(|_| flag(shown.result, "changed")) {
        Some(found) => diff::show(found, options.diff_context, options.paint),
        None => String::new(),
    }
}

/// Modules that are there to say something: their results are shown without `-v` too.
const SPEAKERS: &[&str] = &["ansible.builtin.debug", "ansible.builtin.assert"];

/// Modules whose results are too long to be shown.
const SILENT: &[&str] = &["ansible.builtin.setup", "ansible.builtin.gather_facts"];

fn is_verbose(shown: &Shown<'_>, options: &Options) -> bool {
    // A module whose name a template made may be one that is there to say something.
    let speaker = SPEAKERS.contains(&shown.action) || shown.action.contains("{{");
    let speaks = speaker && shown.status != Status::Skipped;
    (options.verbosity > 0 || speaks) && !SILENT.contains(&shown.action)
}

fn details(shown: &Shown<'_>, options: &Options) -> String {
    let mut values = visible_result(shown.result, options);
    if shown.action == "ansible.builtin.debug" {
        // A message speaks for itself.
        match values.swap_remove("msg") {
            Some(message) => values = Map::from([("msg".into(), message)]),
            None => {
                let of_loop = ["ansible_loop_var", "ansible_index_var"].map(|key| values.get(key).cloned());
                let named = of_loop.iter().flatten().filter_map(Value::as_str).map(Key::from);
                let fixed = ["changed", "failed", "skipped", "ansible_loop_var", "ansible_index_var", "ansible_loop"];
                for key in named.chain(fixed.map(Key::from)).collect::<Vec<_>>() {
                    values.shift_remove(&key);
                }
            }
        }
    }
    dump_map(&values, SPEAKERS.contains(&shown.action) || options.verbosity > 2)
}

/// The values of a failure, and what was run, what it wrote and where the task is written.
fn failure(shown: &Shown<'_>, options: &Options) -> (String, String) {
    let mut values = visible_result(shown.result, options);
    let place = format!("    at {}\n", visible_line(shown.place));
    let place = if shown.place.is_empty() { String::new() } else { place };
    if options.verbosity > 0 {
        return (dump_map(&values, options.verbosity > 2), place);
    }
    let mut blocks = String::new();
    if let Some(command) = values.get("cmd").map(command_text).filter(|text| !text.is_empty()) {
        blocks += &block("ran", &command);
    }
    if let Some(text) = values.get("msg").and_then(Value::as_str).filter(|text| text.trim_end().contains('\n')) {
        blocks += &block("msg", text);
    }
    for key in ["stdout", "stderr", "module_stdout", "module_stderr"] {
        if let Some(text) = values.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
            blocks += &block(key, text);
        }
    }
    for key in BLOCKS {
        values.shift_remove(&Key::from(*key));
    }
    values.shift_remove("failed");
    (dump_map(&values, false), blocks + &place)
}

/// A command as one would type it.
fn command_text(command: &Value) -> String {
    let quoted =
        |word: &str| match !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_-./=:,@%+".contains(c)) {
            true => word.to_owned(),
            false => format!("'{}'", word.replace('\'', "'\\''")),
        };
    match command {
        Value::List(words) => words.iter().map(|word| quoted(&word.to_string())).collect::<Vec<_>>().join(" "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The most lines of a block: the first and the last ones are shown.
const MOST_LINES: usize = 60;

/// A title and text: beside each other when the text is one line, else below.
fn block(title: &str, text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    if let [line] = lines.as_slice() {
        return format!("    {title}: {}\n", visible(line));
    }
    let mut out = format!("    {title}:\n");
    let cut = lines.len() > MOST_LINES;
    for (index, line) in lines.iter().enumerate() {
        if cut && index == MOST_LINES / 2 {
            out += &format!("        … {} lines more, shown with -v …\n", lines.len() - MOST_LINES);
        }
        if !cut || index < MOST_LINES / 2 || index >= lines.len() - MOST_LINES / 2 {
            out += &format!("        {}\n", visible(line));
        }
    }
    out
}
