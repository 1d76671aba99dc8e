//! `lineinfile`: one line of a text file is there, as it should be, or not.

use super::file::attributes::file_args;
use super::file::edit::{self, Change, How, Original, Scene};
use super::file::encoding::Encoding;
use super::file::paths::{exists, expand, is_dir};
use super::python_regex::{Flags, Pattern, Template, from_bytes, to_bytes};
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use std::path::PathBuf;

crate::arg_choices! {
    /// Whether the line should be there.
    pub enum State { Present = "present", Absent = "absent" }
}

file_args! {
    /// Arguments of `lineinfile`.
    pub struct Args {
        /// The file.
        [aliases("dest", "destfile", "name")] path: PathBuf,
        /// Whether the line should be there.
        state: State = State::Present,
        /// The line, without its end. With backrefs it may hold \1 and \g<name>.
        [aliases("value")] line: Option<String>,
        /// What the line to replace (the last that fits) or remove (all that fit) is known by. It
        /// should fit the new line too, or every run adds another.
        [aliases("regex")] regexp: Option<String>,
        /// Like regexp, but plain text that the line contains.
        search_string: Option<String>,
        /// Fill groups of regexp into line; a line that does not fit is then not added.
        backrefs: bool = false,
        /// Add a new line after the last one that fits this; EOF (also when nothing fits) for the end.
        insertafter: Option<String>,
        /// Add a new line before the last one that fits this; BOF for the beginning.
        insertbefore: Option<String>,
        /// Take the first line that fits in place of the last.
        firstmatch: bool = false,
        /// Make the file when it is not there.
        create: bool = false,
        /// Keep the old content beside it, under a name with the time.
        backup: bool = false,
        /// A command that must accept the new content before it is put in place; %s is its path.
        validate: Option<String>,
        /// How the file's characters are written: utf-8, latin-1, or another set that Python knows, such as cp1252.
        encoding: String = "utf-8",
    }
}

/// The module.
pub struct LineInFile;

impl Module for LineInFile {
    type Args = Args;
    type State = Scene;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.lineinfile",
        aliases: &["lineinfile", "ansible.legacy.lineinfile"],
        summary: "Makes sure that a text file has a line, or has it no more.",
        rules: &[
            Rule::MutuallyExclusive(&["insertbefore", "insertafter"]),
            Rule::MutuallyExclusive(&["regexp", "search_string"]),
            Rule::MutuallyExclusive(&["backrefs", "search_string"]),
        ],
        returns: &[
            ReturnSpec { name: "msg", doc: "What was done: line added, line replaced, N line(s) removed." },
            ReturnSpec { name: "backup", doc: "Where the old content is kept; empty without a backup." },
            ReturnSpec { name: "found", doc: "How many lines were removed." },
        ],
        examples: &[Example {
            title: "A setting that replaces another value of it",
            yaml: "ansible.builtin.lineinfile:\n  path: /etc/ssh/sshd_config\n  regexp: '^#?PermitRootLogin'\n  line: PermitRootLogin no\n",
        }],
        diff_as_list: true,
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Scene, Failure> {
        let path = expand(host, &args.path);
        let how = How {
            wanted: args.wanted(),
            backup: args.backup,
            validate: args.validate.clone(),
            unsafe_writes: args.unsafe_writes,
            tells_attributes: true,
        };
        if args.state == State::Absent {
            if args.regexp.is_none() && args.search_string.is_none() && args.line.is_none() {
                let msg = "one of line, search_string, or regexp is required with state=absent";
                return Err(Failure::new(msg));
            }
            if !is_dir(host, &path)? && !exists(host, &path)? {
                return Ok(Scene::nothing("file not present"));
            }
        }
        let original = Original::read(host, path, args.create, "Destination {} does not exist !")?;
        let old = original.content.clone().unwrap_or_default();
        let encoding = Encoding::named(&args.encoding)?;
        // UTF-8 is taken as bytes: a file may have a few that are none.
        let mut text = match encoding.is_utf8() {
            true => Text::new(args, &old)?,
            false => Text::new(args, encoding.decode(&old)?.as_bytes())?,
        };
        match args.state {
            State::Present => {
                let msg = text.present(args)?;
                let new = if msg.is_empty() { old } else { text.encoded(&encoding)? };
                // A missing file is only made for a line in it.
                if original.content.is_none() && msg.is_empty() {
                    return Ok(Scene::nothing("").with("backup", ""));
                }
                let scene = Scene::new(host, original, new, msg, how)?.with("backup", "");
                Ok(match fits_all(args) {
                    Some(warning) => scene.with("warnings", vec![warning]),
                    None => scene,
                })
            }
            State::Absent => {
                let found = text.absent(args)?;
                let msg = if found > 0 { format!("{found} line(s) removed") } else { String::new() };
                Ok(Scene::new(host, original, text.encoded(&encoding)?, &msg, how)?
                    .with("backup", "")
                    .with("found", found))
            }
        }
    }

    fn plan(&self, _: &Args, scene: &Scene) -> Result<Plan<Change>, Failure> {
        Ok(scene.plan())
    }

    fn apply(&self, _: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        edit::apply(host, &plan.changes, "backup")
    }
}

/// An empty expression or text fits every line, which is seldom meant.
fn fits_all(args: &Args) -> Option<String> {
    let what = match (args.regexp.as_deref(), args.search_string.as_deref()) {
        (Some(""), _) => "regular expression",
        (_, Some("")) => "search string",
        _ => return None,
    };
    Some(
        format!(
            "The {what} is an empty string, which will match every line in the file. This may have unintended \
         consequences, such as replacing the last line in the file rather than appending."
        ) + match what {
            "regular expression" => {
                " If this is desired, use '^' to match every line in the file and avoid this warning."
            }
            _ => "",
        },
    )
}

/// The lines of a file, bytes as characters of their number, and what is looked for in them.
struct Text {
    lines: Vec<String>,
    line: String,
    regexp: Option<Pattern>,
    search: Option<String>,
    insert: Option<Pattern>,
}

fn pattern(text: &Option<String>) -> Result<Option<Pattern>, Failure> {
    let compile = |text: &String| Pattern::new(text, Flags { bytes: true, ..Flags::default() });
    text.as_ref().map(compile).transpose().map_err(Failure::new)
}

/// A line without its end.
fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

impl Text {
    fn new(args: &Args, content: &[u8]) -> Result<Text, Failure> {
        let insert = match (&args.insertafter, &args.insertbefore) {
            (Some(after), _) if !matches!(after.as_str(), "BOF" | "EOF") => &args.insertafter,
            (_, Some(before)) if before != "BOF" => &args.insertbefore,
            _ => &None,
        };
        Ok(Text {
            lines: edit::lines(content).iter().map(|line| from_bytes(line)).collect(),
            line: args.line.as_ref().map(|line| from_bytes(line.as_bytes())).unwrap_or_default(),
            regexp: pattern(&args.regexp)?,
            search: args.search_string.as_ref().map(|text| from_bytes(text.as_bytes())),
            insert: pattern(insert)?,
        })
    }

    fn content(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| to_bytes(line)).collect()
    }

    /// The content as the file has it.
    fn encoded(&self, encoding: &Encoding) -> Result<Vec<u8>, Failure> {
        let bytes = self.content();
        match encoding.is_utf8() {
            true => Ok(bytes),
            false => encoding.encode(&String::from_utf8_lossy(&bytes)),
        }
    }

    /// Whether regexp or search_string fits; None when neither is given.
    fn fits(&self, line: &str) -> Result<Option<bool>, Failure> {
        match (&self.regexp, &self.search) {
            (Some(regexp), _) => regexp.fits(line).map(Some).map_err(Failure::new),
            (None, Some(search)) => Ok(Some(line.contains(search.as_str()))),
            (None, None) => Ok(None),
        }
    }

    /// The line that the expression fits: the last, or the first when asked for.
    fn fitting(&self, first: bool) -> Result<Option<usize>, Failure> {
        let mut at = None;
        for (index, line) in self.lines.iter().enumerate() {
            if self.fits(line)? == Some(true) {
                at = Some(index);
                if first {
                    break;
                }
            }
        }
        Ok(at)
    }

    /// Where the whole line is, and where a new one goes by insertafter or insertbefore.
    fn places(&self, args: &Args) -> Result<(Option<usize>, Option<usize>), Failure> {
        let (mut exact, mut insert) = (None, None);
        for (index, line) in self.lines.iter().enumerate() {
            if bare(line) == self.line {
                exact = Some(index);
                continue;
            }
            let Some(pattern) = &self.insert else { continue };
            if pattern.fits(line).map_err(Failure::new)? {
                insert = Some(if args.insertafter.is_some() { index + 1 } else { index });
                if args.firstmatch {
                    break;
                }
            }
        }
        Ok((exact, insert))
    }

    /// Makes the line be there. Returns what was done; empty for nothing.
    fn present(&mut self, args: &Args) -> Result<&'static str, Failure> {
        if args.line.is_none() {
            return Err(Failure::new("line is required with state=present"));
        }
        if args.backrefs && self.regexp.is_none() {
            return Err(Failure::new("regexp is required with backrefs=true"));
        }
        if let Some(at) = self.fitting(args.firstmatch)? {
            let mut new = self.line.clone();
            if let (Some(regexp), true) = (&self.regexp, args.backrefs) {
                let template = Template::new(&self.line, regexp).map_err(Failure::new)?;
                if let Some(found) = regexp.search(&self.lines[at]).map_err(Failure::new)? {
                    new.clear();
                    template.expand(&found, &mut new);
                }
            }
            return Ok(self.replace(at, new));
        }
        let (exact, insert) = self.places(args)?;
        if let Some(at) = exact {
            let line = self.line.clone();
            return Ok(self.replace(at, line));
        }
        if args.backrefs {
            return Ok("");
        }
        let start = args.insertbefore.as_deref() == Some("BOF") || args.insertafter.as_deref() == Some("BOF");
        match insert {
            _ if start => self.lines.insert(0, format!("{}\n", self.line)),
            None => self.append(),
            Some(at) if at >= self.lines.len() => self.append(),
            // The line may stand there already with a regexp that does not fit it.
            Some(at) if args.insertafter.is_some() && bare(&self.lines[at]) == self.line => return Ok(""),
            Some(at) => self.lines.insert(at, format!("{}\n", self.line)),
        }
        Ok("line added")
    }

    fn replace(&mut self, at: usize, mut new: String) -> &'static str {
        if !new.ends_with('\n') {
            new.push('\n');
        }
        match self.lines[at] == new {
            true => "",
            false => {
                self.lines[at] = new;
                "line replaced"
            }
        }
    }

    fn append(&mut self) {
        if self.lines.last().is_some_and(|last| !last.ends_with(['\n', '\r'])) {
            self.lines.push("\n".into());
        }
        self.lines.push(format!("{}\n", self.line));
    }

    /// Removes the lines. Returns how many there were.
    fn absent(&mut self, args: &Args) -> Result<usize, Failure> {
        let before = self.lines.len();
        let mut kept = Vec::with_capacity(before);
        for line in std::mem::take(&mut self.lines) {
            let fits = match self.fits(&line)? {
                Some(fits) => fits,
                None => args.line.is_some() && bare(&line) == self.line,
            };
            if !fits {
                kept.push(line);
            }
        }
        self.lines = kept;
        Ok(before - self.lines.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::{Map, Value};

    /// The text and message after a run; `stable` says that a second one must change nothing.
    fn run(text: &str, entries: &[(&str, &str)], stable: bool) -> (String, String) {
        let host = FakeHost::new().with_file("/etc/f", text, 0o644);
        let mut args: Map = entries.iter().map(|(name, value)| ((*name).into(), Value::str(value))).collect();
        args.insert("path".into(), "/etc/f".into());
        let result = LineInFile.run(&args, RunFlags::default(), &host).unwrap().result;
        let after = host.text("/etc/f").unwrap();
        let again = LineInFile.run(&args, RunFlags::default(), &host).unwrap().result;
        assert!(!stable || again.get("changed") == Some(&Value::Bool(false)), "{entries:?}");
        (after, result.get("msg").unwrap().to_string())
    }

    /// The text, the arguments, the text after them, and the message.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

    #[test]
    fn adds_replaces_and_removes() {
        let cases: &[Case<'_>] = &[
            ("a\nb", &[("line", "c")], "a\nb\nc\n", "line added"),
            ("a\nc\n", &[("line", "c")], "a\nc\n", ""),
            ("x=1\ny\nx=2\n", &[("regexp", "^x="), ("line", "x=3")], "x=1\ny\nx=3\n", "line replaced"),
            ("x=1\nx=2\n", &[("regexp", "^x="), ("line", "x=3"), ("firstmatch", "yes")], "x=3\nx=2\n", "line replaced"),
            ("a\nb\n", &[("line", "c"), ("insertafter", "^a")], "a\nc\nb\n", "line added"),
            ("a\nb\n", &[("line", "c"), ("insertbefore", "^b")], "a\nc\nb\n", "line added"),
            ("a\nb\n", &[("line", "c"), ("insertbefore", "BOF")], "c\na\nb\n", "line added"),
            ("a\nb\n", &[("line", "c"), ("insertbefore", "^z")], "a\nb\nc\n", "line added"),
            ("k\n", &[("regexp", "^z"), ("line", "y"), ("backrefs", "yes")], "k\n", ""),
            ("a.b\naxb\n", &[("search_string", "a.b"), ("line", "c")], "c\naxb\n", "line replaced"),
            ("a\nb\na\n", &[("regexp", "^a"), ("state", "absent")], "b\n", "2 line(s) removed"),
            ("a\r\nb\n", &[("line", "a"), ("state", "absent")], "b\n", "1 line(s) removed"),
        ];
        for (text, entries, expected, msg) in cases {
            assert_eq!(run(text, entries, true), ((*expected).to_owned(), (*msg).to_owned()), "{entries:?}");
        }
        let groups = [("regexp", "^(k): (\\w)"), ("line", "\\1: x\\g<2>"), ("backrefs", "yes")];
        assert_eq!(run("k: v\n", &groups, false).0, "k: xv\n");
    }

    #[test]
    fn missing_files_and_attributes() {
        let host = FakeHost::new().with_file("/etc/f", "a\n", 0o644);
        let run = |entries: &[(&str, &str)]| {
            let args: Map = entries.iter().map(|(name, value)| ((*name).into(), Value::str(value))).collect();
            LineInFile.run(&args, RunFlags::default(), &host)
        };
        let missing = run(&[("path", "/etc/no"), ("line", "x")]).unwrap_err();
        assert_eq!(
            (missing.msg.as_str(), missing.returns.get("rc")),
            ("Destination /etc/no does not exist !", Some(&257.into()))
        );
        let made = run(&[("path", "/new/f"), ("line", "x"), ("create", "yes"), ("mode", "0600")]).unwrap().result;
        assert_eq!(made.get("msg").unwrap().to_string(), "line added and ownership, perms or SE linux context changed");
        assert_eq!((host.text("/new/f").as_deref(), host.mode("/new/f")), (Some("x\n"), Some(0o600)));
        let mode = run(&[("path", "/etc/f"), ("line", "a"), ("mode", "0600")]).unwrap().result;
        assert_eq!(mode.get("msg").unwrap().to_string(), "ownership, perms or SE linux context changed");
        assert_eq!((mode.get("changed"), host.mode("/etc/f")), (Some(&Value::Bool(true)), Some(0o600)));
    }
}
