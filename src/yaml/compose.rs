//! Events to nodes: anchors, tags, merge keys and keys given twice.

use super::events::{Event, Events, Mark, Properties, SyntaxError};
use super::{Entry, Kind, Node, scalar};
use crate::source::{Diagnostic, Diagnostics, FileId, Span};
use crate::value::Key;
use indexmap::IndexMap;
use std::collections::HashMap;

/// How deep lists and maps may be nested, aliases included.
const MAX_DEPTH: usize = 200;

/// How many nodes aliases may copy in one text. Real files stay far below; an alias bomb does not.
const MAX_COPIES: usize = 2_000_000;

const STANDARD: &str = "tag:yaml.org,2002:";

/// The documents of a text. In a JSON text numbers are JSON's.
pub(super) fn documents(
    file: FileId,
    text: &str,
    is_json: bool,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Node>, SyntaxError> {
    let no_memory = || SyntaxError {
        problem: "there is no memory to read it".into(),
        mark: Mark { line: 0, column: 0 },
        context: None,
    };
    let events = Events::new(text).ok_or_else(no_memory)?;
    let mut composer = Composer {
        file,
        text,
        is_json,
        events,
        anchors: HashMap::new(),
        copies: 0,
        diagnostics: Diagnostics::default(),
    };
    let mut documents = Vec::new();
    let end = composer.stream(&mut documents);
    let mut found = std::mem::take(&mut composer.diagnostics);
    if let Err(error) = &end {
        // The syntax error says more than what was found on its line.
        let line = error.mark.line as u32 + 1;
        found.0.retain(|diagnostic| !is_json && diagnostic.span.is_some_and(|span| span.line != line));
    }
    diagnostics.append(found);
    end.map(|()| documents)
}

/// A node and how much there is of it.
#[derive(Clone)]
struct Composed {
    node: Node,
    /// How many nodes it has, itself included.
    size: usize,
    /// How many levels it has; 1 for a scalar.
    height: usize,
}

impl Composed {
    fn scalar(span: Span, kind: Kind) -> Composed {
        Composed { node: Node { span, kind }, size: 1, height: 1 }
    }
}

struct Composer<'a> {
    file: FileId,
    text: &'a str,
    is_json: bool,
    events: Events<'a>,
    /// By anchor: where it is, and the node unless that is still being read.
    anchors: HashMap<String, (Span, Option<Composed>)>,
    copies: usize,
    diagnostics: Diagnostics,
}

impl Composer<'_> {
    /// Reads to the end of the text, or to the first syntax error.
    fn stream(&mut self, documents: &mut Vec<Node>) -> Result<(), SyntaxError> {
        loop {
            match self.events.next()?.0 {
                Event::DocumentStart => {
                    self.anchors.clear();
                    let (event, start, end) = self.events.next()?;
                    documents.push(self.node(event, start, end, 0)?.node);
                }
                Event::StreamEnd => return Ok(()),
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event, start: Mark, end: Mark, depth: usize) -> Result<Composed, SyntaxError> {
        let span = self.span(start, end);
        if depth >= MAX_DEPTH {
            return Err(too_deep(start));
        }
        match event {
            Event::Alias(name) => self.alias(&name, span, start, depth),
            Event::Scalar { properties, text, plain, implicit } => {
                let kind = match &properties.tag {
                    Some(tag) if !implicit && tag != "!" => self.tagged_scalar(tag, &text, span),
                    _ if implicit && self.is_json => scalar::resolve_json(&text),
                    _ if implicit => scalar::resolve(&text),
                    _ => Kind::Str { text, plain },
                };
                let composed = Composed::scalar(span, kind);
                self.anchor(&properties, span);
                self.anchored(&properties, &composed, span);
                Ok(composed)
            }
            Event::ListStart(properties) => self.list(properties, span, depth),
            Event::MapStart(properties) => self.map(properties, span, depth),
            // libyaml gives no other event where a node is due.
            _ => Ok(Composed::scalar(span, Kind::Null)),
        }
    }

    fn list(&mut self, properties: Properties, span: Span, depth: usize) -> Result<Composed, SyntaxError> {
        self.anchor(&properties, span);
        let (mut items, mut size, mut height) = (Vec::new(), 1, 1);
        loop {
            let (event, start, end) = self.events.next()?;
            if event == Event::ListEnd {
                break;
            }
            let item = self.node(event, start, end, depth + 1)?;
            size += item.size;
            height = height.max(item.height + 1);
            items.push(item.node);
        }
        let kind = match properties.tag.as_deref() {
            None | Some("!" | "tag:yaml.org,2002:seq") => Kind::List(items),
            Some("!unsafe") => Kind::Unsafe(Box::new(Node { span, kind: Kind::List(items) })),
            Some(tag) => {
                self.wrong_tag(tag, "a list", span);
                Kind::List(items)
            }
        };
        let composed = Composed { node: Node { span, kind }, size, height };
        self.anchored(&properties, &composed, span);
        Ok(composed)
    }

    fn map(&mut self, properties: Properties, span: Span, depth: usize) -> Result<Composed, SyntaxError> {
        self.anchor(&properties, span);
        let mut merged: Vec<Entry> = Vec::new();
        let mut own: Vec<(Key, Entry)> = Vec::new();
        let (mut size, mut height) = (1, 1);
        let mut template = None;
        loop {
            let (event, start, end) = self.events.next()?;
            if event == Event::MapEnd {
                break;
            }
            let is_merge =
                !self.is_json && matches!(&event, Event::Scalar { text, implicit: true, .. } if text.as_ref() == "<<");
            let is_template_start = matches!(event, Event::MapStart(_)) && self.is_template(span);
            let reported = self.diagnostics.0.len();
            let key = self.node(event, start, end, depth + 1)?;
            let (event, start, end) = self.events.next()?;
            let value = self.node(event, start, end, depth + 1)?;
            size += key.size + value.size;
            height = height.max(key.height.max(value.height) + 1);
            if is_merge {
                self.merge(value.node, &mut merged);
                continue;
            }
            match key.node.to_key() {
                Some(name) => own.push((name, Entry { key: key.node, value: value.node })),
                None if is_template_start => {
                    // What was said about the inside of the braces does not help.
                    self.diagnostics.0.truncate(reported);
                    template = Some(self.unquoted_template(span));
                }
                None => self.not_a_key(&key.node),
            }
        }
        if let Some(kind) = template {
            return Ok(Composed::scalar(span, kind));
        }
        let entries = self.entries(merged, own);
        let kind = match properties.tag.as_deref() {
            None | Some("!" | "tag:yaml.org,2002:map") => Kind::Map(entries),
            Some("!unsafe") => Kind::Unsafe(Box::new(Node { span, kind: Kind::Map(entries) })),
            Some("tag:yaml.org,2002:set") => Kind::List(entries.into_iter().map(|entry| entry.key).collect()),
            Some(tag) => {
                self.wrong_tag(tag, "a mapping", span);
                Kind::Map(entries)
            }
        };
        let composed = Composed { node: Node { span, kind }, size, height };
        self.anchored(&properties, &composed, span);
        Ok(composed)
    }

    /// Merged entries first, then the map's own; a later one replaces an earlier one in its place.
    fn entries(&mut self, merged: Vec<Entry>, own: Vec<(Key, Entry)>) -> Vec<Entry> {
        let mut entries: IndexMap<Key, Entry> = IndexMap::with_capacity(merged.len() + own.len());
        for entry in merged {
            if let Some(key) = entry.key.to_key() {
                entries.insert(key, entry);
            }
        }
        let inherited = entries.len();
        let mut overridden = Vec::new();
        for (key, entry) in own {
            let span = entry.key.span;
            let Some((index, _, earlier)) = entries.get_full(&key) else {
                entries.insert(key, entry);
                continue;
            };
            if index >= inherited || overridden.contains(&index) {
                let text = format!("the key `{key}` is given twice in one mapping; the last one is used");
                self.diagnostics.push(
                    Diagnostic::warning("yaml-duplicate-key", span, text)
                        .with_note(earlier.key.span, "first given here"),
                );
            }
            overridden.push(index);
            entries.insert(key, entry);
        }
        entries.into_values().collect()
    }

    /// Adds what `<<: value` brings. Of a list, the first map has precedence.
    fn merge(&mut self, value: Node, merged: &mut Vec<Entry>) {
        let span = value.span;
        match value.kind {
            Kind::Map(entries) => merged.extend(entries),
            Kind::List(items) if items.iter().all(|item| matches!(item.kind, Kind::Map(_))) => {
                for item in items.into_iter().rev() {
                    self.merge(item, merged);
                }
            }
            _ => self.diagnostics.push(
                Diagnostic::error("yaml-merge", span, "`<<` takes a mapping or a list of mappings to merge")
                    .with_help("quote the key if it is meant as a plain one: `\"<<\":`"),
            ),
        }
    }

    fn tagged_scalar(&mut self, tag: &str, text: &std::sync::Arc<str>, span: Span) -> Kind {
        let plain = Kind::text(text.clone());
        match tag {
            "!vault" | "!vault-encrypted" => return Kind::Vault(text.clone()),
            "!unsafe" => return Kind::Unsafe(Box::new(Node { span, kind: plain })),
            _ => {}
        }
        match tag.strip_prefix(STANDARD).map(|name| scalar::tagged(name, text)) {
            Some(Ok(Some(kind))) => kind,
            Some(Err(message)) => {
                self.diagnostics.push(Diagnostic::error("yaml-tag", span, message));
                plain
            }
            Some(Ok(None)) | None => {
                self.wrong_tag(tag, "a scalar", span);
                plain
            }
        }
    }

    fn wrong_tag(&mut self, tag: &str, on: &str, span: Span) {
        let shown = tag.strip_prefix(STANDARD).map_or_else(|| tag.to_owned(), |name| format!("!!{name}"));
        let known = ["!vault", "!vault-encrypted", "!unsafe"];
        let diagnostic = match known.contains(&tag) {
            true => Diagnostic::error("yaml-tag", span, format!("the tag `{shown}` does not fit {on}")),
            false => Diagnostic::error("yaml-tag", span, format!("the tag `{shown}` on {on} is not known")),
        };
        let near = crate::source::nearest(&shown, known);
        self.diagnostics.push(match near {
            Some(near) if near != shown => diagnostic.with_help(format!("did you mean `{near}`?")),
            _ if known.contains(&tag) => diagnostic,
            _ => diagnostic.with_help("quote text that starts with `!`"),
        });
    }

    fn not_a_key(&mut self, key: &Node) {
        let text = format!("{} cannot be the key of a mapping", key.describe_kind());
        self.diagnostics.push(Diagnostic::error("yaml-key", key.span, text));
    }

    /// Whether the text at `span` starts with `{{`.
    fn is_template(&self, span: Span) -> bool {
        self.rest_of_line(span).starts_with("{{")
    }

    /// Reports `key: {{ x }}` and gives what was meant.
    fn unquoted_template(&mut self, span: Span) -> Kind {
        let rest = self.rest_of_line(span);
        let text = rest.find("}}").map_or(rest, |end| &rest[..end + 2]).to_owned();
        let quote = if text.contains('"') { '\'' } else { '"' };
        let length = text.chars().count() as u32;
        self.diagnostics.push(
            Diagnostic::error(
                "yaml-unquoted-template",
                Span { length, ..span },
                "a value that starts with `{{` has to be quoted, since `{` starts a mapping in YAML",
            )
            .with_help(format!("write {quote}{text}{quote}")),
        );
        Kind::text(text)
    }

    fn rest_of_line(&self, span: Span) -> &str {
        let line = self.text.lines().nth((span.line as usize).saturating_sub(1)).unwrap_or_default();
        let start = line.char_indices().nth((span.column as usize).saturating_sub(1)).map_or(line.len(), |(at, _)| at);
        &line[start..]
    }

    /// Notes that an anchor begins here.
    fn anchor(&mut self, properties: &Properties, span: Span) {
        let Some(name) = &properties.anchor else { return };
        if let Some((first, _)) = self.anchors.insert(name.clone(), (span, None)) {
            self.diagnostics.push(
                Diagnostic::error("yaml-anchor", span, format!("the anchor `&{name}` is given twice"))
                    .with_note(first, "first given here"),
            );
        }
    }

    /// Keeps the node of an anchor.
    fn anchored(&mut self, properties: &Properties, composed: &Composed, span: Span) {
        if let Some(name) = &properties.anchor {
            self.anchors.insert(name.clone(), (span, Some(composed.clone())));
        }
    }

    fn alias(&mut self, name: &str, span: Span, start: Mark, depth: usize) -> Result<Composed, SyntaxError> {
        let diagnostic = match self.anchors.get(name) {
            Some((_, Some(composed))) => {
                self.copies = self.copies.saturating_add(composed.size);
                if self.copies > MAX_COPIES {
                    let problem = format!("the aliases of this text stand for more than {MAX_COPIES} values");
                    return Err(SyntaxError { problem, mark: start, context: None });
                }
                if depth + composed.height > MAX_DEPTH {
                    return Err(too_deep(start));
                }
                return Ok(composed.clone());
            }
            Some((anchor, None)) => {
                Diagnostic::error("yaml-alias", span, format!("the alias `*{name}` stands inside what it stands for"))
                    .with_note(*anchor, "the anchor is here")
            }
            None => Diagnostic::error("yaml-alias", span, format!("there is no anchor `&{name}` before this alias"))
                .with_help(match crate::source::nearest(name, self.anchors.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `*{near}`?"),
                    None => format!("quote text that starts with `*`: \"*{name}\""),
                }),
        };
        self.diagnostics.push(diagnostic);
        Ok(Composed::scalar(span, Kind::Null))
    }

    fn span(&self, start: Mark, end: Mark) -> Span {
        let length = if start.line == end.line { end.column.saturating_sub(start.column) } else { 0 };
        Span { length: length as u32, ..Span::at(self.file, start.line as u32 + 1, start.column as u32 + 1) }
    }
}

fn too_deep(mark: Mark) -> SyntaxError {
    SyntaxError { problem: format!("nested more than {MAX_DEPTH} levels deep"), mark, context: None }
}
