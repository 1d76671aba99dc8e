//! The `command` module: a program with its arguments, without a shell.

mod shell;
mod task;

pub use shell::Shell;

use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use crate::value::Value;
use task::{Decision, Line, Task};

/// Runs a program.
pub struct Command;

crate::module_args! {
    /// Arguments of `command`.
    pub struct Args {
        /// The command line, as text after the module's name.
        _raw_params: Option<String>,
        /// The command line; it is split into words as a shell does, but no shell runs it.
        cmd: Option<String>,
        /// The program and its arguments as a list, each passed as it is.
        argv: Option<Vec<String>>,
        /// The folder to run in.
        chdir: Option<String>,
        /// A path or pattern; when something is there already, the command is not run.
        creates: Option<String>,
        /// A path or pattern; when nothing is there, the command is not run.
        removes: Option<String>,
        /// Has no effect here, as in Ansible, which warns too; `shell` uses it.
        executable: Option<String>,
        /// Standard input.
        stdin: Option<String>,
        /// Whether a newline is put after standard input.
        stdin_add_newline: bool = true,
        /// Whether empty lines at the end of the output are dropped.
        strip_empty_ends: bool = true,
        /// Whether `$VARIABLES` and `~` in the words are replaced.
        expand_argument_vars: bool = true,
    }
}

/// What both modules return.
const RETURNS: &[ReturnSpec] = &[
    ReturnSpec { name: "cmd", doc: "What was run: a list of words for `command`, text for `shell`." },
    ReturnSpec { name: "rc", doc: "The exit status; minus the signal's number when a signal ended it." },
    ReturnSpec { name: "stdout", doc: "Standard output." },
    ReturnSpec { name: "stdout_lines", doc: "Standard output as a list of lines." },
    ReturnSpec { name: "stderr", doc: "Standard error." },
    ReturnSpec { name: "stderr_lines", doc: "Standard error as a list of lines." },
    ReturnSpec { name: "start", doc: "When it started, such as 2024-02-29 12:34:56.000005." },
    ReturnSpec { name: "end", doc: "When it ended." },
    ReturnSpec { name: "delta", doc: "How long it took, such as 0:00:01.000002." },
];

impl Module for Command {
    type Args = Args;
    type State = Decision;
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.command",
        aliases: &["command", "ansible.legacy.command"],
        summary: "Runs a program with arguments, without a shell.",
        notes: "Pipes, redirections and other shell syntax need `shell`. Every run counts as a change unless \
                `creates`, `removes` or the task's `changed_when` says otherwise.",
        free_form: true,
        rules: &[
            Rule::RequiredOneOf(&["_raw_params", "cmd", "argv"]),
            Rule::MutuallyExclusive(&["_raw_params", "cmd", "argv"]),
        ],
        returns: RETURNS,
        examples: &[
            Example { title: "Read a file", yaml: "ansible.builtin.command: cat /etc/motd" },
            Example {
                title: "Run a program once",
                yaml: "ansible.builtin.command:\n  argv: [/usr/bin/make_database.sh, db_user, db_name]\n  creates: /path/to/database",
            },
        ],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Decision, Failure> {
        task(args)?.decide(host)
    }

    fn plan(&self, args: &Args, state: &Decision) -> Result<Plan<()>, Failure> {
        let plan = task(args)?.plan(state);
        let ignored = args
            .executable
            .as_ref()
            .map(|name| format!("`executable` is no longer supported by command (shell has it); not using '{name}'"));
        Ok(match ignored {
            Some(warning) => plan.with("warnings", vec![warning]),
            None => plan,
        })
    }

    fn apply(&self, args: &Args, _: &Plan<()>, host: &dyn Host) -> Result<Outcome, Failure> {
        task(args)?.run(host)
    }
}

fn task(args: &Args) -> Result<Task<'_>, Failure> {
    let words = match (&args.argv, args.cmd.as_ref().or(args._raw_params.as_ref())) {
        (Some(argv), _) => argv.clone(),
        (None, Some(line)) => super::words::split(line).map_err(Failure::new)?,
        (None, None) => Vec::new(),
    };
    if words.is_empty() {
        return Err(Failure::new("no command given").with("rc", 256).with("cmd", Value::list(Vec::new())));
    }
    Ok(Task {
        line: Line::Words(words),
        chdir: args.chdir.as_deref(),
        creates: args.creates.as_deref(),
        removes: args.removes.as_deref(),
        stdin: args.stdin.as_deref(),
        stdin_add_newline: args.stdin_add_newline,
        strip_empty_ends: args.strip_empty_ends,
        expand: args.expand_argument_vars,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, Output, RunFlags};
    use crate::value::Map;

    fn run(module: &dyn AnyModule, host: &FakeHost, args: &[(&str, &str)], check: bool) -> Result<Map, Failure> {
        let args: Map = args.iter().map(|(key, value)| ((*key).into(), Value::str(value))).collect();
        module.run(&args, RunFlags { check, diff: false }, host).map(|run| run.result)
    }

    #[test]
    fn words_are_expanded_and_the_result_is_whole() {
        let host = FakeHost::new().with_command(&["echo", "/root/x"], 0, "hello\n\n");
        let result = run(&Command, &host, &[("_raw_params", "echo ~/x '$HOME'")], false).unwrap();
        assert_eq!(host.commands(), ["echo /root/x /root"]);
        assert_eq!(result.get("cmd"), Some(&Value::from(vec!["echo", "~/x", "$HOME"])));
        assert_eq!(result.get("stdout_lines"), Some(&Value::from(vec!["hello"])));
        assert_eq!(result.get("changed"), Some(&Value::Bool(true)));
        assert!(["start", "end", "delta"].iter().all(|key| result[*key].as_str().is_some()));
    }

    #[test]
    fn a_failure_carries_the_output() {
        let answer = Output { rc: 3, stdout: b"out\n".to_vec(), stderr: b"err\n".to_vec() };
        let host = FakeHost::new().on_command(&["/bin/sh"], move |_, _| answer.clone());
        let failure = run(&Shell, &host, &[("cmd", "exit 3")], false).unwrap_err();
        assert_eq!(failure.msg, "non-zero return code");
        assert_eq!(failure.returns.get("rc"), Some(&Value::Int(3)));
        assert_eq!(failure.returns.get("stderr"), Some(&Value::str("err")));
        assert_eq!(failure.returns.get("cmd"), Some(&Value::str("exit 3")));
    }

    #[test]
    fn check_mode_says_what_it_can() {
        let host = FakeHost::new().with_file("/made-1", "", 0o644);
        let blind = run(&Command, &host, &[("cmd", "x")], true).unwrap();
        assert_eq!((blind.get("skipped"), blind.get("changed")), (Some(&Value::Bool(true)), Some(&Value::Bool(false))));
        let known = run(&Command, &host, &[("cmd", "x"), ("creates", "/other")], true).unwrap();
        assert_eq!((known.get("skipped"), known.get("changed")), (None, Some(&Value::Bool(true))));
        let made = run(&Command, &host, &[("cmd", "x"), ("creates", "/made-*")], false).unwrap();
        assert_eq!(made.get("msg"), Some(&Value::str("Did not run command since '/made-*' exists")));
        assert!(host.commands().is_empty());
    }
}
