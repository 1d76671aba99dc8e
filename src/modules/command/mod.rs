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
        /// Not used by this module; `shell` has it.
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
        Ok(task(args)?.plan(state))
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
