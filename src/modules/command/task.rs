//! What `command` and `shell` have in common: whether to run, running, and the result.

use crate::module::{Command, Failure, Host, Outcome, Output, Plan};
use crate::modules::clock::{self, Moment};
use crate::modules::{expand, program, wildcard, words};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};

/// What is run.
pub enum Line {
    /// A program and its arguments.
    Words(Vec<String>),
    /// Text for a shell.
    Script {
        /// The shell's path.
        shell: String,
        /// The text.
        script: String,
    },
}

impl Line {
    /// As the result shows it.
    fn to_value(&self) -> Value {
        match self {
            Line::Words(words) => Value::from(words.clone()),
            Line::Script { script, .. } => Value::str(script),
        }
    }
}

/// One task of either module.
pub struct Task<'a> {
    /// What is run.
    pub line: Line,
    /// Where.
    pub chdir: Option<&'a str>,
    /// Not when this is there.
    pub creates: Option<&'a str>,
    /// Not when this is missing.
    pub removes: Option<&'a str>,
    /// Standard input.
    pub stdin: Option<&'a str>,
    /// A newline after it.
    pub stdin_add_newline: bool,
    /// Drop empty lines at the end of output.
    pub strip_empty_ends: bool,
    /// Expand variables and `~` in words.
    pub expand: bool,
}

/// Whether the command has to run.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// It has to.
    Run,
    /// The path of `creates` is there.
    Made,
    /// The path of `removes` is not there.
    Gone,
}

const UNKNOWN: &str = "Command would have run if not in check mode";

impl Task<'_> {
    /// Looks at `chdir`, `creates` and `removes`.
    pub fn decide(&self, host: &dyn Host) -> Result<Decision, Failure> {
        let folder = self.folder(host);
        if let Some(folder) = &folder {
            let info = host.stat(folder).map_err(|error| self.no_folder(&error.to_string()))?;
            match info {
                Some(info) if info.kind == crate::module::FileKind::Directory => {}
                Some(_) => return Err(self.no_folder("not a directory")),
                None => return Err(self.no_folder("no such directory")),
            }
        }
        let base = folder.or_else(|| host.env("HOME").map(PathBuf::from)).unwrap_or_else(|| "/".into());
        let there = |pattern: &str| is_there(host, &base, &expand::expand(host, pattern));
        Ok(match (self.creates, self.removes) {
            (Some(creates), _) if there(creates) => Decision::Made,
            (_, Some(removes)) if !there(removes) => Decision::Gone,
            _ => Decision::Run,
        })
    }

    /// One change, or the reason for none; both with the whole result that check mode shows.
    pub fn plan(&self, decision: &Decision) -> Plan<()> {
        let mut plan = match decision {
            Decision::Run => Plan::of(vec![()]),
            Decision::Made | Decision::Gone => Plan::nothing(),
        };
        let (msg, stdout) = match decision {
            Decision::Run => (UNKNOWN.to_owned(), String::new()),
            Decision::Made => not_run(self.creates, "exists"),
            Decision::Gone => not_run(self.removes, "does not exist"),
        };
        // Without creates and removes nobody can say whether anything would change.
        if *decision == Decision::Run && self.creates.is_none() && self.removes.is_none() {
            plan.skipped_in_check = Some(UNKNOWN.to_owned());
        }
        plan.returns = self.result(Value::Int(0), &stdout, "", &msg);
        plan
    }

    /// Runs it.
    pub fn run(&self, host: &dyn Host) -> Result<Outcome, Failure> {
        let command = self.command(host);
        let start = host.now();
        let output = host.run(&command).map_err(|error| self.not_started(&command, &error))?;
        let end = host.now();
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            if self.strip_empty_ends { text.trim_end_matches(['\r', '\n']).to_owned() } else { text.into_owned() }
        };
        let Output { rc, stdout, stderr, .. } = output;
        let mut result = self.result(Value::from(rc), &text(&stdout), &text(&stderr), "");
        result.insert("start".into(), Value::from(Moment::local(start).stamp()));
        result.insert("end".into(), Value::from(Moment::local(end).stamp()));
        let delta = end.duration_since(start).unwrap_or_default();
        result.insert("delta".into(), Value::from(clock::span(delta)));
        if rc == 0 {
            return Ok(Outcome { returns: result, ..Outcome::default() });
        }
        result.insert("msg".into(), Value::str("non-zero return code"));
        result.insert("changed".into(), Value::Bool(true));
        Err(Failure { msg: "non-zero return code".into(), returns: result })
    }

    fn command(&self, host: &dyn Host) -> Command {
        let mut command = match &self.line {
            Line::Words(words) if self.expand => Command::new(words.iter().map(|word| expand::expand(host, word))),
            Line::Words(words) => Command::new(words.iter().cloned()),
            Line::Script { shell, script } => Command::new([shell.as_str(), "-c", script]),
        };
        command.cwd = self.folder(host);
        command.stream = true;
        command.stdin = self.stdin.map(|input| {
            let newline = if self.stdin_add_newline { "\n" } else { "" };
            format!("{input}{newline}").into_bytes()
        });
        command
    }

    fn folder(&self, host: &dyn Host) -> Option<PathBuf> {
        self.chdir.map(|folder| expand::path(host, folder))
    }

    /// The result, without times.
    fn result(&self, rc: Value, stdout: &str, stderr: &str, msg: &str) -> Map {
        Map::from([
            ("cmd".into(), self.line.to_value()),
            ("rc".into(), rc),
            ("stdout".into(), Value::str(stdout)),
            ("stdout_lines".into(), program::lines(stdout)),
            ("stderr".into(), Value::str(stderr)),
            ("stderr_lines".into(), program::lines(stderr)),
            ("start".into(), Value::Null),
            ("end".into(), Value::Null),
            ("delta".into(), Value::Null),
            ("msg".into(), Value::str(msg)),
        ])
    }

    fn no_folder(&self, reason: &str) -> Failure {
        let msg = format!("Unable to change directory before execution: {}: {reason}", self.chdir.unwrap_or_default());
        Failure { returns: self.result(Value::Null, "", "", &msg), msg }
    }

    fn not_started(&self, command: &Command, error: &std::io::Error) -> Failure {
        let failure = program::not_run(command, error);
        let rc = match error.kind() {
            std::io::ErrorKind::NotFound => 2,
            _ => error.raw_os_error().unwrap_or(257),
        };
        let words: Vec<_> = command.argv.iter().map(|word| word.to_string_lossy()).collect();
        let mut returns = self.result(Value::from(rc), "", "", &failure.msg);
        returns.insert("cmd".into(), Value::from(words::join(&words)));
        ["start", "end", "delta"].iter().for_each(|key| {
            returns.shift_remove(*key);
        });
        Failure { msg: failure.msg, returns }
    }
}

fn not_run(path: Option<&str>, state: &str) -> (String, String) {
    let path = path.unwrap_or_default();
    (format!("Did not run command since '{path}' {state}"), format!("skipped, since {path} {state}"))
}

fn is_there(host: &dyn Host, base: &Path, pattern: &str) -> bool {
    match wildcard::is_pattern(pattern) {
        true => !wildcard::glob(host, base, pattern).is_empty(),
        false => host.lstat(&base.join(pattern)).is_ok_and(|info| info.is_some()),
    }
}
