//! `community.general.ini_file`: options in sections.

use super::file::attributes::file_args;
use super::file::edit::{self, Change, How, Original, Scene};
use super::file::info::entries;
use super::file::paths::{expand, is_link, real, text};
use crate::module::{Example, Failure, FromArg, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use crate::value::Value;
use std::path::{Path, PathBuf};

crate::arg_choices! {
    /// Whether the option (or section) should be there.
    pub enum State { Present = "present", Absent = "absent" }
}

file_args! {
    /// Arguments of `ini_file`.
    pub struct Args {
        /// The file.
        [aliases("dest")] path: PathBuf,
        /// The section; made when it is not there. Without it, what stands before all sections.
        section: Option<String>,
        /// Of several sections of that name, the one with these options: maps with option, and value or values.
        section_has_values: Option<Vec<Value>>,
        /// The option. Without it the section is meant.
        option: Option<String>,
        /// The option's value.
        value: Option<String>,
        /// Several values of the option, one line each.
        values: Option<Vec<String>>,
        /// Whether it should be there.
        state: State = State::Present,
        /// Remove other lines of the option.
        exclusive: bool = true,
        /// Take lines that differ in blanks alone as equal.
        ignore_spaces: bool = false,
        /// Write option=value without blanks.
        no_extra_spaces: bool = false,
        /// Allow options without a value.
        allow_no_value: bool = false,
        /// Replace a commented-out line of the option in place of adding one.
        modify_inactive_option: bool = true,
        /// Make the file when it is not there.
        create: bool = true,
        /// When path is a link, edit what it leads to.
        follow: bool = false,
        /// Keep the old content beside it, under a name with the time.
        backup: bool = false,
    }
}

/// The module.
pub struct IniFile;

impl Module for IniFile {
    type Args = Args;
    type State = Scene;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "community.general.ini_file",
        aliases: &["ini_file"],
        summary: "Sets, changes and removes options in the sections of an INI file.",
        rules: &[Rule::MutuallyExclusive(&["value", "values"])],
        returns: &[
            ReturnSpec { name: "msg", doc: "What was done: option added, option changed, section removed, OK, …" },
            ReturnSpec { name: "path", doc: "The file." },
            ReturnSpec { name: "backup_file", doc: "Where the old content is kept." },
        ],
        examples: &[Example {
            title: "One setting of a service",
            yaml: "community.general.ini_file:\n  path: /etc/app.ini\n  section: core\n  option: workers\n  value: '4'\n",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Scene, Failure> {
        if args.state == State::Present
            && !args.allow_no_value
            && args.value.is_none()
            && args.values.as_ref().is_none_or(Vec::is_empty)
        {
            let msg = "Parameter 'value(s)' must be defined if state=present and allow_no_value=False.";
            return Err(Failure::new(msg));
        }
        let named = expand(host, &args.path);
        let path = if args.follow && is_link(host, &named)? { real(host, &named) } else { named.clone() };
        let original = Original::read(host, path, args.create, "Destination {} does not exist!")?;
        let (new, msg) = edited(args, original.content.as_deref())?;
        let new = new.or_else(|| original.content.clone()).unwrap_or_default();
        let how = How {
            wanted: args.wanted(),
            backup: args.backup,
            validate: None,
            unsafe_writes: args.unsafe_writes,
            tells_attributes: false,
        };
        // Nothing is made for nothing.
        let scene = match (&original.content, new.is_empty()) {
            (None, true) => Scene::nothing(msg),
            _ => Scene::new(host, original, new, msg, how)?,
        };
        let mut scene = scene.with("path", text(&named));
        scene.returns.extend(entries(host, &named)?);
        Ok(scene)
    }

    fn plan(&self, _: &Args, scene: &Scene) -> Result<Plan<Change>, Failure> {
        Ok(scene.plan())
    }

    fn apply(&self, _: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        let mut outcome = edit::apply(host, &plan.changes, "backup_file")?;
        if let Some(path) = plan.returns.get("path").and_then(Value::as_str) {
            outcome.returns.extend(entries(host, Path::new(path))?);
        }
        Ok(outcome)
    }
}

/// An option's line, taken apart.
struct OptionLine<'a> {
    commented: bool,
    value: &'a str,
}

/// Reads a line as one of the option; commented-out ones only with `inactive`.
fn option_line<'a>(option: &str, line: &'a str, inactive: bool) -> Option<OptionLine<'a>> {
    let blanks = |text: &'a str| text.trim_start_matches([' ', '\t']);
    let value = |rest: &'a str| {
        let rest = blanks(rest.strip_prefix(option)?);
        match rest.strip_prefix('=') {
            Some(value) => Some(blanks(value)),
            None => rest.is_empty().then_some(""),
        }
    };
    let line = blanks(line.strip_suffix('\n').unwrap_or(line));
    if let Some(rest) = line.strip_prefix(['#', ';']).filter(|_| inactive)
        && let Some(value) = value(blanks(rest))
    {
        return Some(OptionLine { commented: true, value });
    }
    value(line).map(|value| OptionLine { commented: false, value })
}

/// The options that tell sections of one name apart.
struct Condition {
    option: String,
    values: Vec<String>,
}

fn conditions(args: &Args) -> Result<Vec<Condition>, Failure> {
    let read = |entry: &Value| {
        let text = |name: &str| entry.get(name).filter(|value| !value.is_null()).map(Value::to_string);
        let option =
            text("option").ok_or_else(|| Failure::new("missing required argument: option (in section_has_values)"))?;
        let list = entry.get("values").filter(|values| !values.is_null());
        let values = match (text("value"), list) {
            (Some(_), Some(_)) => {
                return Err(Failure::new("parameters are mutually exclusive: value|values (in section_has_values)"));
            }
            (Some(value), None) => vec![value],
            (None, Some(list)) => Vec::from_arg(list).map_err(Failure::new)?,
            (None, None) => Vec::new(),
        };
        Ok(Condition { option, values })
    };
    args.section_has_values.iter().flatten().map(read).collect()
}

/// The file's lines, split around the section.
struct Parts {
    before: Vec<String>,
    section: Vec<String>,
    after: Vec<String>,
    found: bool,
}

/// Finds the section. What stands before all sections counts as one without a name.
fn split(lines: Vec<String>, section: Option<&str>, conditions: &[Condition]) -> Parts {
    let is_header = |line: &String| match (line.strip_prefix('['), section) {
        (Some(rest), Some(name)) => {
            let rest = rest.trim_start().strip_prefix(name.trim());
            rest.is_some_and(|rest| rest.trim_start().starts_with(']'))
        }
        _ => false,
    };
    let suits = |lines: &[String]| {
        conditions.iter().all(|condition| {
            lines
                .iter()
                .filter_map(|line| option_line(&condition.option, line, true))
                .any(|found| condition.values.is_empty() || condition.values.iter().any(|value| value == found.value))
        })
    };
    let mut start = section.is_none().then_some(0);
    let mut range = None;
    for index in 0..=lines.len() {
        let ends = lines.get(index).is_none_or(|line| line.starts_with('['));
        if let Some(from) = start.filter(|_| ends) {
            // A header just found does not end its own section.
            if suits(&lines[from..index]) && (section.is_none() || index > from) {
                range = Some((from, index));
                break;
            }
            start = None;
        }
        if lines.get(index).is_some_and(is_header) {
            start = Some(index);
        }
    }
    let found = range.is_some();
    let (from, to) = range.unwrap_or((lines.len(), lines.len()));
    let mut before = lines;
    let after = before.split_off(to);
    let section = before.split_off(from);
    Parts { before, section, after, found }
}

/// An edit of a section's lines.
struct Section<'a> {
    args: &'a Args,
    option: Option<&'a str>,
    values: Vec<String>,
    lines: Vec<String>,
    // Which lines are as they should be.
    settled: Vec<bool>,
    msg: &'static str,
    changed: bool,
}

impl Section<'_> {
    fn assignment(&self, option: &str, value: &str) -> String {
        if self.args.no_extra_spaces { format!("{option}={value}\n") } else { format!("{option} = {value}\n") }
    }

    fn line<'b>(&self, option: &str, line: &'b str) -> Option<OptionLine<'b>> {
        option_line(option, line, self.args.modify_inactive_option)
    }

    fn set(&mut self, option: &str, index: usize, new: String) {
        let old = option_line(option, &self.lines[index], true);
        let same = match old {
            Some(old) if self.args.ignore_spaces && !old.commented => {
                option_line(option, &new, true).is_some_and(|new| new.value == old.value)
            }
            _ => self.lines[index] == new,
        };
        if !same {
            self.lines[index] = new;
            self.changed = true;
            self.msg = "option changed";
        }
        self.settled[index] = true;
    }

    fn present(&mut self, option: &str) {
        let mut has_bare = false;
        // Lines that have one of the values already.
        for index in 0..self.lines.len() {
            let Some(found) = self.line(option, &self.lines[index]).map(|found| found.value.to_owned()) else {
                continue;
            };
            if let Some(at) = self.values.iter().position(|value| *value == found) {
                let new = if found.is_empty() && self.args.allow_no_value {
                    has_bare = true;
                    format!("{option}\n")
                } else {
                    self.assignment(option, &found)
                };
                self.set(option, index, new);
                self.values.remove(at);
            } else if self.values.is_empty() && self.args.allow_no_value {
                self.set(option, index, format!("{option}\n"));
                has_bare = true;
                break;
            }
        }
        if self.args.exclusive && !self.args.allow_no_value {
            // Other lines of the option get the values that are left, and then go.
            for index in 0..self.lines.len() {
                if self.values.is_empty() {
                    break;
                }
                if !self.settled[index] && self.line(option, &self.lines[index]).is_some() {
                    let value = self.values.remove(0);
                    self.set(option, index, self.assignment(option, &value));
                }
            }
            for index in (0..self.lines.len()).rev() {
                let header = self.lines[index].starts_with('[');
                if !header && !self.settled[index] && self.line(option, &self.lines[index]).is_some() {
                    self.lines.remove(index);
                    self.settled.remove(index);
                    self.changed = true;
                    self.msg = "option changed";
                }
            }
        }
        let mut missing: Vec<String> = self.values.iter().map(|value| self.assignment(option, value)).collect();
        if self.values.is_empty() && self.args.allow_no_value && !has_bare {
            missing.push(format!("{option}\n"));
        }
        if !missing.is_empty() {
            let at = self.end();
            self.lines.splice(at..at, missing);
            self.changed = true;
            self.msg = "option added";
        }
    }

    /// After the last line that is neither blank nor a comment.
    fn end(&self) -> usize {
        let counts = |line: &String| {
            let text = line.trim_end_matches('\n').trim_start_matches([' ', '\t']);
            !text.is_empty() && !text.starts_with(['#', ';'])
        };
        self.lines.iter().rposition(counts).map_or(0, |index| index + 1)
    }

    fn absent(&mut self) {
        let before = self.lines.len();
        match self.option {
            Some(option) => {
                let (exclusive, values) = (self.args.exclusive, self.values.clone());
                self.lines.retain(|line| match option_line(option, line, false) {
                    Some(found) => !exclusive && !values.iter().any(|value| value == found.value),
                    None => true,
                });
                if self.lines.len() != before {
                    self.changed = true;
                    self.msg = "option changed";
                }
            }
            None if before > 0 => {
                self.lines.clear();
                self.changed = true;
                self.msg = "section removed";
            }
            None => {}
        }
    }
}

/// The new content (None when it stays as it is), and what was done.
fn edited(args: &Args, old: Option<&[u8]>) -> Result<(Option<Vec<u8>>, &'static str), Failure> {
    let text = String::from_utf8(old.unwrap_or_default().to_vec())
        .map_err(|_| Failure::new(format!("{} is not written in UTF-8", args.path.display())))?;
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if lines.is_empty() {
        // A new file starts with a blank line, as Ansible's does.
        lines.push("\n".into());
    }
    let mut changed = false;
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push('\n');
        changed = true;
    }
    let mut values: Vec<String> = Vec::new();
    for value in args.value.iter().chain(args.values.iter().flatten()) {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    let conditions = conditions(args)?;
    let name = args.section.as_deref().filter(|name| !name.is_empty());
    let option = args.option.as_deref();
    let parts = split(lines, name, &conditions);
    let settled = vec![false; parts.section.len()];
    let mut section = Section { args, option, values, lines: parts.section, settled, msg: "OK", changed };
    match (args.state, parts.found) {
        (State::Present, true) => {
            if let Some(option) = option {
                section.present(option);
            }
        }
        (State::Absent, true) => section.absent(),
        (State::Absent, false) => {}
        (State::Present, false) => {
            add_section(&mut section, name.unwrap_or_default(), &conditions);
        }
    }
    let (msg, changed) = (section.msg, section.changed);
    let all: String = parts.before.into_iter().chain(section.lines).chain(parts.after).collect();
    Ok((changed.then(|| all.into_bytes()), msg))
}

fn add_section(section: &mut Section<'_>, name: &str, conditions: &[Condition]) {
    let mut values = section.values.clone();
    let mut lines = vec![format!("[{name}]\n")];
    for condition in conditions {
        if Some(condition.option.as_str()) != section.option {
            lines.extend(condition.values.iter().map(|value| section.assignment(&condition.option, value)));
            if condition.values.is_empty() && section.args.allow_no_value {
                lines.push(format!("{}\n", condition.option));
            }
        } else if !section.args.exclusive {
            for value in &condition.values {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
        }
    }
    section.msg = "section and option added";
    match section.option {
        Some(option) if !values.is_empty() => {
            lines.extend(values.iter().map(|value| section.assignment(option, value)));
        }
        Some(option) if section.args.allow_no_value => lines.push(format!("{option}\n")),
        _ => section.msg = "only section added",
    }
    section.lines = lines;
    section.changed = true;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::Map;

    fn run(text: &str, entries: &[(&str, &str)]) -> (String, String) {
        let host = FakeHost::new().with_file("/etc/f", text, 0o644);
        let mut args: Map = entries.iter().map(|(name, value)| ((*name).into(), Value::str(value))).collect();
        args.insert("path".into(), "/etc/f".into());
        let result = IniFile.run(&args, RunFlags::default(), &host).unwrap().result;
        let again = IniFile.run(&args, RunFlags::default(), &host).unwrap().result;
        assert_eq!(again.get("changed"), Some(&Value::Bool(false)), "{entries:?}");
        (host.text("/etc/f").unwrap(), result.get("msg").unwrap().to_string())
    }

    /// The text, the arguments, the text after them, and the message.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

    #[test]
    fn options_and_sections() {
        let cases: &[Case<'_>] = &[
            (
                "[s]\na = 1\n[t]\n",
                &[("section", "s"), ("option", "a"), ("value", "2")],
                "[s]\na = 2\n[t]\n",
                "option changed",
            ),
            (
                "[s]\na = 1\n\n[t]\n",
                &[("section", "s"), ("option", "b"), ("value", "2")],
                "[s]\na = 1\nb = 2\n\n[t]\n",
                "option added",
            ),
            ("[s]\n#a = 1\n", &[("section", "s"), ("option", "a"), ("value", "2")], "[s]\na = 2\n", "option changed"),
            (
                "[s]\n#a = 1\n",
                &[("section", "s"), ("option", "a"), ("value", "2"), ("modify_inactive_option", "no")],
                "[s]\na = 2\n#a = 1\n",
                "option added",
            ),
            (
                "[s]\na=1\n",
                &[("section", "s"), ("option", "a"), ("value", "1"), ("ignore_spaces", "yes")],
                "[s]\na=1\n",
                "OK",
            ),
            (
                "[s]\n",
                &[("section", "t"), ("option", "a"), ("value", "1"), ("no_extra_spaces", "yes")],
                "[s]\n[t]\na=1\n",
                "section and option added",
            ),
            ("a = 1\n[s]\na = 2\n", &[("option", "a"), ("value", "3")], "a = 3\n[s]\na = 2\n", "option changed"),
            (
                "[s]\na = 1\na = 2\n",
                &[("section", "s"), ("option", "a"), ("value", "2")],
                "[s]\na = 2\n",
                "option changed",
            ),
            (
                "[s]\na = 1\n",
                &[("section", "s"), ("option", "a"), ("values", "1,2"), ("exclusive", "no")],
                "[s]\na = 1\na = 2\n",
                "option added",
            ),
            (
                "[s]\na = 1\n[t]\n",
                &[("section", "s"), ("option", "a"), ("state", "absent")],
                "[s]\n[t]\n",
                "option changed",
            ),
            ("[s]\na = 1\n[t]\n", &[("section", "s"), ("state", "absent")], "[t]\n", "section removed"),
            ("[s]\n", &[("section", "s"), ("option", "a"), ("allow_no_value", "yes")], "[s]\na\n", "option added"),
            ("", &[("section", "s"), ("option", "a"), ("value", "1")], "\n[s]\na = 1\n", "section and option added"),
        ];
        for (text, entries, expected, msg) in cases {
            assert_eq!(run(text, entries), ((*expected).to_owned(), (*msg).to_owned()), "{entries:?}");
        }
    }
}
