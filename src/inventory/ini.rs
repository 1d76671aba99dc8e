//! Inventories in INI form: sections of hosts, of variables and of child groups.

use super::{Builder, GroupId, address, literal, words};
use crate::source::{Diagnostic, FileId, Span, nearest};
use crate::value::{TemplateText, Value, is_template};
use indexmap::IndexMap;
use std::sync::Arc;

/// What the lines of a section are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Hosts,
    Vars,
    Children,
}

/// A group that is used and not declared yet: a section of hosts or of children declares one.
enum Pending {
    /// By `[name:vars]`.
    Vars(Span),
    /// As a child, each time by a parent.
    Child(Vec<(GroupId, Span)>),
}

struct Reader<'a> {
    builder: &'a mut Builder,
    pending: IndexMap<String, Pending>,
}

/// Reads a whole text. Every wrong line is reported, and the others count.
pub(super) fn read(builder: &mut Builder, file: FileId, text: &str) {
    let mut reader = Reader { builder, pending: IndexMap::new() };
    let mut group = super::Inventory::UNGROUPED;
    let mut section = Some(Section::Hosts);
    for (index, whole) in text.lines().enumerate() {
        let line = Line { file, number: index as u32 + 1, indent: indent(whole), text: whole.trim() };
        if line.text.is_empty() || line.text.starts_with([';', '#']) {
            continue;
        }
        if line.text.starts_with('[')
            && let Some(header) = reader.header(&line)
        {
            section = header.map(|(new, kind)| {
                group = new;
                kind
            });
            continue;
        }
        match section {
            Some(Section::Hosts) => reader.host_line(&line, group),
            Some(Section::Vars) => reader.variable_line(&line, group),
            Some(Section::Children) => reader.child_line(&line, group),
            // Below a wrong header; that is reported already.
            None => {}
        }
    }
    reader.end();
}

struct Line<'a> {
    file: FileId,
    number: u32,
    /// How many characters of white space were before the text.
    indent: usize,
    text: &'a str,
}

impl Line<'_> {
    /// The place of `length` characters from `column` (from 0) of the text.
    fn span(&self, column: usize, length: usize) -> Span {
        let start = Span::at(self.file, self.number, (self.indent + column) as u32 + 1);
        Span { length: length as u32, ..start }
    }

    fn all(&self) -> Span {
        self.span(0, self.text.chars().count())
    }
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).count()
}

/// The text without a comment at its end, if what is left is one word.
fn one_word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| c.is_whitespace()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with('#')).then_some(word)
}

impl Reader<'_> {
    /// Reads `[group]`, `[group:vars]` or `[group:children]`. None if the line is no header at all,
    /// which a host like `[::1]:22` is not; `Some(None)` if it is a wrong one.
    fn header(&mut self, line: &Line) -> Option<Option<(GroupId, Section)>> {
        let inside = line.text[1..].split_once(']').and_then(|(inside, rest)| {
            let rest = rest.trim_start();
            (rest.is_empty() || rest.starts_with('#')).then_some(inside)
        });
        let Some(inside) = inside else {
            if line.text.ends_with(']') {
                self.builder.wrong("inventory-ini", line.all(), "this section header is malformed");
                return Some(None);
            }
            return None;
        };
        let (name, kind) = match inside.split_once(':') {
            Some((name, kind)) => (name, Some(kind)),
            None => (inside, None),
        };
        if name.is_empty() || inside.contains(char::is_whitespace) || kind.is_some_and(|kind| kind.contains(':')) {
            let diagnostic = Diagnostic::error("inventory-ini", line.all(), "this section header is malformed");
            self.builder.found.push(diagnostic.with_help("write `[group]`, without spaces"));
            return Some(None);
        }
        let section = match kind {
            None | Some("hosts") => Section::Hosts,
            Some("vars") => Section::Vars,
            Some("children") => Section::Children,
            Some(other) => {
                let text = format!("the section `[{inside}]` has the unknown type `{other}`");
                let diagnostic = Diagnostic::error("inventory-ini", line.all(), text);
                self.builder.found.push(diagnostic.with_nearest(other, ["hosts", "vars", "children"]));
                return Some(None);
            }
        };
        let span = line.span(1, name.chars().count());
        let name = self.builder.group_name(name, span);
        let new = self.builder.inventory.find_group(&name).is_none();
        let group = self.builder.group(&name, span);
        if section != Section::Vars {
            self.declared(&name, group);
        } else if new && !self.pending.contains_key(&name) {
            self.pending.insert(name, Pending::Vars(span));
        }
        Some(Some((group, section)))
    }

    /// Notes that a group is declared: the parents that named it before get it now.
    fn declared(&mut self, name: &str, group: GroupId) {
        if let Some(Pending::Child(parents)) = self.pending.shift_remove(name) {
            for (parent, span) in parents {
                self.builder.link(parent, group, span);
            }
        }
    }

    fn child_line(&mut self, line: &Line, parent: GroupId) {
        let Some(name) = one_word(line.text).filter(|name| !name.contains([':', ']'])) else {
            self.builder.wrong("inventory-ini", line.all(), "a group name is expected here");
            return;
        };
        let span = line.span(0, name.chars().count());
        match self.builder.inventory.find_group(name) {
            Some(child) => self.builder.link(parent, child, span),
            None => match self.pending.entry(name.to_owned()).or_insert_with(|| Pending::Child(Vec::new())) {
                Pending::Child(parents) => parents.push((parent, span)),
                Pending::Vars(_) => {}
            },
        }
    }

    fn variable_line(&mut self, line: &Line, group: GroupId) {
        let Some((name, value)) = line.text.split_once('=') else {
            let text = "a variable is expected here, as `name=value`";
            self.builder.wrong("inventory-ini", line.all(), text);
            return;
        };
        let column = name.chars().count() + 1 + indent(value);
        let (name, text) = (name.trim(), value.trim());
        let value = read_value(text, line.span(column, text.chars().count()));
        self.builder.set_group_var(group, name, value, line.span(0, name.chars().count()));
    }

    fn host_line(&mut self, line: &Line, group: GroupId) {
        let mut words = match words::split_words(line.text, true) {
            Ok(words) => words.into_iter(),
            Err(reason) => {
                let diagnostic = Diagnostic::error("inventory-ini", line.all(), format!("{reason} in this line"));
                let help = "quotes and backslashes are read as a shell does; write `\\'` for a quote that is meant";
                self.builder.found.push(diagnostic.with_help(help));
                return;
            }
        };
        let Some(pattern) = words.next() else { return };
        let span = line.span(pattern.column, pattern.text.chars().count());
        if pattern.text == "---" {
            self.builder.wrong("inventory-ini", span, "`---` begins a YAML text, and this file is read as INI");
            return;
        }
        let (names, port) = match address::expand(&pattern.text) {
            Ok(expanded) => expanded,
            Err(reason) => {
                self.builder.wrong("inventory-host", span, reason);
                return;
            }
        };
        let mut variables = Vec::new();
        for word in words {
            let place = line.span(word.column, word.text.chars().count());
            let Some((name, value)) = word.text.split_once('=') else {
                let text = format!("`{}` is no variable of the form `name=value`", word.text);
                let diagnostic = Diagnostic::error("inventory-ini", place, text);
                self.builder.found.push(diagnostic.with_help("quote a value with spaces: name='a b'"));
                continue;
            };
            let column = word.column + name.chars().count() + 1;
            variables.push((name.to_owned(), read_value(value, line.span(column, value.chars().count())), place));
        }
        for name in names {
            let host = self.builder.host(&name, port, Some(group), Some(span));
            for (name, value, place) in &variables {
                self.builder.set_host_var(host, name, value.clone(), *place);
            }
        }
    }

    /// Reports the groups that were used and never declared.
    fn end(self) {
        let names: Vec<Arc<str>> = self.builder.inventory.groups().map(|(_, group)| group.name.clone()).collect();
        for (name, pending) in &self.pending {
            let (span, text) = match pending {
                Pending::Vars(span) => (*span, format!("the group `{name}` of this section is declared nowhere")),
                Pending::Child(parents) => match parents.last() {
                    Some((_, span)) => (*span, format!("the group `{name}` is declared nowhere")),
                    None => continue,
                },
            };
            let near = nearest(name, names.iter().map(AsRef::as_ref).filter(|known| known != name));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it, even if it is empty: `[{name}]`"),
            };
            self.builder.found.push(Diagnostic::error("inventory-unknown-group", span, text).with_help(help));
        }
    }
}

/// A value as Ansible reads it: a Python literal if it is one, else text.
fn read_value(text: &str, span: Span) -> Value {
    match literal::parse_literal(text) {
        Some(value) => authored(&value, span),
        None => authored(&Value::str(text), span),
    }
}

/// The value with templates where its strings hold markers.
fn authored(value: &Value, span: Span) -> Value {
    match value {
        Value::Str(text) if is_template(text) => {
            Value::Template(Arc::new(TemplateText { text: text.clone(), span: Some(span), verbatim: false }))
        }
        Value::List(items) => Value::list(items.iter().map(|item| authored(item, span)).collect()),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| (key.clone(), authored(value, span)));
            Value::map(entries.collect())
        }
        other => other.clone(),
    }
}
