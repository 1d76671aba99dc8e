//! `blockinfile`: a block of lines between markers.

use super::file::attributes::file_args;
use super::file::edit::{self, Change, How, Original, Scene};
use super::file::encoding::Encoding;
use super::file::paths::{exists, expand, is_dir};
use super::python_regex::{Flags, Pattern, from_bytes, to_bytes};
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use std::path::PathBuf;

crate::arg_choices! {
    /// Whether the block should be there.
    pub enum State { Present = "present", Absent = "absent" }
}

file_args! {
    /// Arguments of `blockinfile`.
    pub struct Args {
        /// The file.
        [aliases("dest", "destfile", "name")] path: PathBuf,
        /// Whether the block should be there.
        state: State = State::Present,
        /// The lines. Without any, the block is removed.
        [aliases("content")] block: String = "",
        /// The line before and after the block; {mark} is marker_begin or marker_end.
        marker: String = "# {mark} ANSIBLE MANAGED BLOCK",
        /// What {mark} is before the block.
        marker_begin: String = "BEGIN",
        /// What {mark} is after the block.
        marker_end: String = "END",
        /// Put a new block after the last line that fits this; EOF (also when nothing fits) for the end.
        insertafter: Option<String>,
        /// Put a new block before the last line that fits this; BOF for the beginning.
        insertbefore: Option<String>,
        /// Make the file when it is not there.
        create: bool = false,
        /// Keep the old content beside it, under a name with the time.
        backup: bool = false,
        /// A blank line after the block, when something follows it.
        append_newline: bool = false,
        /// A blank line before the block, when something precedes it.
        prepend_newline: bool = false,
        /// A command that must accept the new content before it is put in place; %s is its path.
        validate: Option<String>,
        /// How the file's characters are written: utf-8, latin-1, or another set that Python knows, such as cp1252.
        encoding: String = "utf-8",
    }
}

/// The module.
pub struct BlockInFile;

impl Module for BlockInFile {
    type Args = Args;
    type State = Scene;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.blockinfile",
        aliases: &["blockinfile", "ansible.legacy.blockinfile"],
        summary: "Makes sure that a text file has a block of lines between markers, or has it no more.",
        rules: &[Rule::MutuallyExclusive(&["insertbefore", "insertafter"])],
        returns: &[
            ReturnSpec { name: "msg", doc: "What was done: Block inserted, Block removed, File created." },
            ReturnSpec { name: "backup_file", doc: "Where the old content is kept." },
        ],
        examples: &[Example {
            title: "Names of the cluster's hosts",
            yaml: "ansible.builtin.blockinfile:\n  path: /etc/hosts\n  block: |\n    10.0.0.1 a\n    10.0.0.2 b\n",
        }],
        diff_as_list: true,
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Scene, Failure> {
        let path = expand(host, &args.path);
        if args.state == State::Absent && args.create && !is_dir(host, &path)? && !exists(host, &path)? {
            return Ok(Scene::nothing(&format!("File {} not present", path.display())));
        }
        let original = Original::read(host, path, args.create, "Path {} does not exist !")?;
        let old = original.content.clone();
        let encoding = Encoding::named(&args.encoding)?;
        let new = match (encoding.is_utf8(), &old) {
            (false, Some(bytes)) => Some(encoding.decode(bytes)?.into_bytes()),
            (_, old) => old.clone(),
        };
        let new = edited(args, new.as_deref())?;
        let new = match encoding.is_utf8() {
            true => new,
            false => encoding.encode(&String::from_utf8_lossy(&new))?,
        };
        let has_block = args.state == State::Present && !args.block.is_empty();
        let msg = match &old {
            Some(old) if *old == new => "",
            None => "File created",
            Some(_) if has_block => "Block inserted",
            Some(_) => "Block removed",
        };
        let how = How {
            wanted: args.wanted(),
            backup: args.backup,
            validate: args.validate.clone(),
            unsafe_writes: args.unsafe_writes,
            tells_attributes: true,
        };
        Scene::new(host, original, new, msg, how)
    }

    fn plan(&self, _: &Args, scene: &Scene) -> Result<Plan<Change>, Failure> {
        Ok(scene.plan())
    }

    fn apply(&self, _: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        edit::apply(host, &plan.changes, "backup_file")
    }
}

/// Splits into lines that keep their ends: `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let end = if rest[at..].starts_with("\r\n") { at + 2 } else { at + 1 };
        lines.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// The content with the block.
fn edited(args: &Args, old: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
    let original = from_bytes(old.unwrap_or_default());
    let mut all = lines(&original);
    let present = args.state == State::Present;
    let marker = |mark: &str| from_bytes(format!("{}\n", args.marker.replace("{mark}", mark)).as_bytes());
    let (begin, end) = (marker(&args.marker_begin), marker(&args.marker_end));
    let mut block = Vec::new();
    if present && !args.block.is_empty() {
        let mut text = from_bytes(args.block.as_bytes());
        if !text.ends_with('\n') {
            text.push('\n');
        }
        block.push(begin.clone());
        block.extend(lines(&text));
        block.push(end.clone());
    }
    let first = all.iter().rposition(|line| *line == begin);
    let last = all.iter().rposition(|line| *line == end);
    let mut at = match (first, last) {
        (Some(first), Some(last)) => {
            let (low, high) = (first.min(last), first.max(last));
            all.drain(low..=high);
            low
        }
        _ => place(args, &original, &all)?,
    };
    if at > 0 && !all[at - 1].ends_with('\n') {
        all[at - 1].push('\n');
    }
    if args.prepend_newline && present && at > 0 && all[at - 1] != "\n" {
        all.insert(at, "\n".into());
        at += 1;
    }
    let after = at + block.len();
    all.splice(at..at, block);
    if args.append_newline && present && after < all.len() && all[after] != "\n" {
        all.insert(after, "\n".into());
    }
    Ok(all.iter().flat_map(|line| to_bytes(line)).collect())
}

/// Where a new block goes.
fn place(args: &Args, original: &str, all: &[String]) -> Result<usize, Failure> {
    let (after, text) = match (args.insertafter.as_deref(), args.insertbefore.as_deref()) {
        (Some("EOF"), _) | (None, None) => return Ok(all.len()),
        (None, Some("BOF")) => return Ok(0),
        (Some(after), _) => (true, after),
        (None, Some(before)) => (false, before),
    };
    let pattern = Pattern::new(text, Flags { bytes: true, ..Flags::default() }).map_err(Failure::new)?;
    let mut found = None;
    if pattern.is_multi_line() {
        // Such an expression may reach over several lines.
        if let Some(fit) = pattern.search(original).map_err(Failure::new)?.and_then(|fit| fit.get(0)) {
            let until = if after { fit.end() } else { fit.start() };
            found = Some(original[..until].matches('\n').count());
        }
    } else {
        for (index, line) in all.iter().enumerate() {
            if pattern.fits(line).map_err(Failure::new)? {
                found = Some(index);
            }
        }
    }
    Ok(match found {
        Some(at) if after => (at + 1).min(all.len()),
        Some(at) => at,
        None => all.len(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::{Map, Value};

    fn run(text: &str, entries: &[(&str, &str)]) -> (String, String) {
        let host = FakeHost::new().with_file("/etc/f", text, 0o644);
        let mut args: Map = entries.iter().map(|(name, value)| ((*name).into(), Value::str(value))).collect();
        args.insert("path".into(), "/etc/f".into());
        args.insert("marker".into(), "# {mark}".into());
        let result = BlockInFile.run(&args, RunFlags::default(), &host).unwrap().result;
        let after = host.text("/etc/f").unwrap();
        let again = BlockInFile.run(&args, RunFlags::default(), &host).unwrap().result;
        assert_eq!(again.get("changed"), Some(&Value::Bool(false)));
        (after, result.get("msg").unwrap().to_string())
    }

    /// The text, the arguments, the text after them, and the message.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], String, &'a str);

    #[test]
    fn blocks_come_change_and_go() {
        let block = "# BEGIN\nx\n# END\n";
        let cases: &[Case<'_>] = &[
            ("a", &[("block", "x")], format!("a\n{block}"), "Block inserted"),
            ("a\n# BEGIN\nold\n# END\nb\n", &[("block", "x\n")], format!("a\n{block}b\n"), "Block inserted"),
            ("a\nb\n", &[("block", "x"), ("insertafter", "^a")], format!("a\n{block}b\n"), "Block inserted"),
            ("a\nb\n", &[("block", "x"), ("insertbefore", "^b")], format!("a\n{block}b\n"), "Block inserted"),
            ("a\nb\n", &[("block", "x"), ("insertbefore", "BOF")], format!("{block}a\nb\n"), "Block inserted"),
            (
                "a\nb\nc\n",
                &[("block", "x"), ("insertafter", "(?m)^a\\nb$")],
                format!("a\nb\n{block}c\n"),
                "Block inserted",
            ),
            (
                "a\nb\n",
                &[("block", "x"), ("insertafter", "^a"), ("append_newline", "yes"), ("prepend_newline", "yes")],
                format!("a\n\n{block}\nb\n"),
                "Block inserted",
            ),
            ("a\n# BEGIN\nold\n# END\nb\n", &[("state", "absent")], "a\nb\n".into(), "Block removed"),
            ("a\n", &[("state", "absent")], "a\n".into(), ""),
        ];
        for (text, entries, expected, msg) in cases {
            assert_eq!(run(text, entries), (expected.clone(), (*msg).to_owned()), "{entries:?}");
        }
    }
}
