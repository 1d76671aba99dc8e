//! The `shell` module: a line for a shell.

use super::task::{Decision, Line, Task};
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, Rule};

/// Runs a line of shell.
pub struct Shell;

crate::module_args! {
    /// Arguments of `shell`.
    pub struct Args {
        /// The line, as text after the module's name.
        _raw_params: Option<String>,
        /// The line.
        cmd: Option<String>,
        /// The folder to run in.
        chdir: Option<String>,
        /// A path or pattern; when something is there already, the line is not run.
        creates: Option<String>,
        /// A path or pattern; when nothing is there, the line is not run.
        removes: Option<String>,
        /// The shell, an absolute path.
        executable: String = "/bin/sh",
        /// Standard input.
        stdin: Option<String>,
        /// Whether a newline is put after standard input.
        stdin_add_newline: bool = true,
        /// Whether empty lines at the end of the output are dropped.
        strip_empty_ends: bool = true,
    }
}

impl Module for Shell {
    type Args = Args;
    type State = Decision;
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.shell",
        aliases: &["shell", "ansible.legacy.shell"],
        summary: "Runs a line through a shell.",
        notes: "Use the `quote` filter for variables in the line.",
        free_form: true,
        rules: &[Rule::RequiredOneOf(&["_raw_params", "cmd"]), Rule::MutuallyExclusive(&["_raw_params", "cmd"])],
        returns: super::RETURNS,
        examples: &[Example {
            title: "Keep the last lines of a log",
            yaml: "ansible.builtin.shell: tail -n 100 app.log > recent.log\nargs:\n  chdir: /var/log/app\n  creates: recent.log",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Decision, Failure> {
        task(args).decide(host)
    }

    fn plan(&self, args: &Args, state: &Decision) -> Result<Plan<()>, Failure> {
        Ok(task(args).plan(state))
    }

    fn apply(&self, args: &Args, _: &Plan<()>, host: &dyn Host) -> Result<Outcome, Failure> {
        task(args).run(host)
    }
}

fn task(args: &Args) -> Task<'_> {
    let script = args.cmd.as_deref().or(args._raw_params.as_deref()).unwrap_or_default();
    Task {
        line: Line::Script { shell: args.executable.clone(), script: script.to_owned() },
        chdir: args.chdir.as_deref(),
        creates: args.creates.as_deref(),
        removes: args.removes.as_deref(),
        stdin: args.stdin.as_deref(),
        stdin_add_newline: args.stdin_add_newline,
        strip_empty_ends: args.strip_empty_ends,
        expand: false,
    }
}
