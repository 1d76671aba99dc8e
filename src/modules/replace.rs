//! `replace`: every place of a file that fits an expression.

use super::file::attributes::file_args;
use super::file::edit::{self, Change, How, Original, Scene};
use super::file::encoding::Encoding;
use super::file::paths::expand;
use super::python_regex::{Flags, Pattern, Template};
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec};
use std::path::PathBuf;

file_args! {
    /// Arguments of `replace`.
    pub struct Args {
        /// The file.
        [aliases("dest", "destfile", "name")] path: PathBuf,
        /// What is replaced: Python's regular expressions, ^ and $ at every line.
        regexp: String,
        /// What it is replaced with; it may hold \1 and \g<name>. Without it, what fits goes.
        replace: String = "",
        /// Only replace after this expression; with before, between the two.
        after: Option<String>,
        /// Only replace before this expression.
        before: Option<String>,
        /// Keep the old content beside it, under a name with the time.
        backup: bool = false,
        /// A command that must accept the new content before it is put in place; %s is its path.
        validate: Option<String>,
        /// How the file's characters are written: utf-8, latin-1, or another set that Python knows, such as cp1252.
        encoding: String = "utf-8",
    }
}

/// The module.
pub struct Replace;

impl Module for Replace {
    type Args = Args;
    type State = Scene;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.replace",
        aliases: &["replace", "ansible.legacy.replace"],
        summary: "Replaces every place of a file that fits a regular expression.",
        returns: &[
            ReturnSpec { name: "msg", doc: "How many replacements were made." },
            ReturnSpec { name: "backup_file", doc: "Where the old content is kept." },
        ],
        examples: &[Example {
            title: "Another name everywhere",
            yaml: "ansible.builtin.replace:\n  path: /etc/hosts\n  regexp: '(\\s+)old\\.example\\.org(\\s+.*)?$'\n  replace: '\\1new.example.org\\2'\n",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Scene, Failure> {
        let path = expand(host, &args.path);
        let original = Original::read(host, path, false, "Path {} does not exist !")?;
        let old = original.content.clone().unwrap_or_default();
        let text = Encoding::named(&args.encoding)?.decode(&old)?;
        let Some((from, to)) = section(args, &text)? else {
            let msg = format!("Pattern for before/after params did not match the given file: {}", bounds(args));
            return Ok(Scene::nothing(&msg).with("rc", 0));
        };
        let pattern = Pattern::new(&args.regexp, Flags { multi_line: true, ..Flags::default() });
        let pattern = pattern.map_err(Failure::new)?;
        let unable = |reason: String| Failure::new(format!("Unable to process replace due to error: {reason}"));
        let template = Template::new(&args.replace, &pattern).map_err(unable)?;
        let (replaced, count) = pattern.replace_all(&text[from..to], &template).map_err(unable)?;
        let changes = count > 0 && replaced != text[from..to];
        let msg = if changes { format!("{count} replacements made") } else { String::new() };
        let new = match changes {
            true => Encoding::named(&args.encoding)?.encode(&format!("{}{replaced}{}", &text[..from], &text[to..]))?,
            false => old,
        };
        let how = How {
            wanted: args.wanted(),
            backup: args.backup,
            validate: args.validate.clone(),
            unsafe_writes: args.unsafe_writes,
            tells_attributes: true,
        };
        Ok(Scene::new(host, original, new, &msg, how)?.with("rc", 0))
    }

    fn plan(&self, _: &Args, scene: &Scene) -> Result<Plan<Change>, Failure> {
        Ok(scene.plan())
    }

    fn apply(&self, _: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        edit::apply(host, &plan.changes, "backup_file")
    }
}

/// The expression that after and before make together.
fn bounds(args: &Args) -> String {
    match (
        args.after.as_deref().filter(|text| !text.is_empty()),
        args.before.as_deref().filter(|text| !text.is_empty()),
    ) {
        (Some(after), Some(before)) => format!("{after}(?P<subsection>.*?){before}"),
        (Some(after), None) => format!("{after}(?P<subsection>.*)"),
        (None, Some(before)) => format!("(?P<subsection>.*){before}"),
        (None, None) => String::new(),
    }
}

/// The part of the text that may change; None when after and before do not fit.
fn section(args: &Args, text: &str) -> Result<Option<(usize, usize)>, Failure> {
    let bounds = bounds(args);
    if bounds.is_empty() {
        return Ok(Some((0, text.len())));
    }
    let pattern = Pattern::new(&bounds, Flags { dot_all: true, ..Flags::default() }).map_err(Failure::new)?;
    let found = pattern.search(text).map_err(Failure::new)?;
    Ok(found.and_then(|found| found.name("subsection")).map(|part| (part.start(), part.end())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::{Map, Value};

    fn run(text: &str, entries: &[(&str, &str)]) -> Result<(String, String), Failure> {
        let host = FakeHost::new().with_file("/etc/f", text, 0o644);
        let mut args: Map = entries.iter().map(|(name, value)| ((*name).into(), Value::str(value))).collect();
        args.insert("path".into(), "/etc/f".into());
        let result = Replace.run(&args, RunFlags::default(), &host)?.result;
        Ok((host.text("/etc/f").unwrap(), result.get("msg").unwrap().to_string()))
    }

    /// The text, the arguments, the text after them, and the message.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

    #[test]
    fn replaces_everywhere_or_between() {
        let cases: &[Case<'_>] = &[
            ("a1\na2\n", &[("regexp", "^a(\\d)$"), ("replace", "b\\1")], "b1\nb2\n", "2 replacements made"),
            ("x a y a\n", &[("regexp", "a"), ("after", "x"), ("before", "y")], "x  y a\n", "1 replacements made"),
            (
                "a\nend\na\n",
                &[("regexp", "a"), ("replace", "b"), ("after", "end")],
                "a\nend\nb\n",
                "1 replacements made",
            ),
            ("a\n", &[("regexp", "a"), ("replace", "a")], "a\n", ""),
        ];
        for (text, entries, expected, msg) in cases {
            assert_eq!(run(text, entries).unwrap(), ((*expected).to_owned(), (*msg).to_owned()), "{entries:?}");
        }
        let (_, msg) = run("a", &[("regexp", "a"), ("after", "no")]).unwrap();
        assert_eq!(msg, "Pattern for before/after params did not match the given file: no(?P<subsection>.*)");
        assert!(run("a", &[("regexp", "a"), ("replace", "\\2")]).unwrap_err().msg.starts_with("Unable to process"));
    }
}
