//! The `raw` action: a command on a host that has no agent, nor needs one.

use crate::module::{
    Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, RunsOn, TaskDoor, parse_args,
};
use crate::value::{Map, Value};

/// Runs a command through the transport alone.
pub struct Raw;

crate::module_args! {
    /// Arguments of `raw`.
    pub struct Args {
        /// The command line.
        _raw_params: String,
        /// The shell that runs it, with `-c`.
        executable: Option<String>,
    }
}

impl Action for Raw {
    fn spec(&self) -> ModuleSpec {
        ModuleSpec {
            name: "ansible.builtin.raw",
            aliases: &["raw", "ansible.legacy.raw"],
            summary: "Runs a command without the agent.",
            notes: "For hosts on which nothing is installed yet. Skipped in check mode.",
            runs_on: RunsOn::Controller,
            free_form: true,
            returns: &[
                ReturnSpec { name: "rc", doc: "The exit status." },
                ReturnSpec { name: "stdout", doc: "Standard output." },
                ReturnSpec { name: "stderr", doc: "Standard error." },
            ],
            examples: &[Example { title: "Before anything is there", yaml: "ansible.builtin.raw: uname -a" }],
            ..ModuleSpec::EMPTY
        }
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(&[], args)?;
        if task.flags().check {
            return Ok(Map::from([
                ("skipped".into(), Value::Bool(true)),
                ("changed".into(), Value::Bool(false)),
                ("msg".into(), Value::str("remote module (ansible.builtin.raw) does not support check mode")),
            ]));
        }
        let output = task.raw(&args._raw_params, args.executable.as_deref())?;
        let result = Map::from([
            ("changed".into(), Value::Bool(true)),
            ("rc".into(), Value::from(output.rc)),
            ("stdout".into(), Value::str(output.stdout_text())),
            ("stderr".into(), Value::str(output.stderr_text())),
        ]);
        match output.success() {
            true => Ok(result),
            false => Err(Failure { msg: "non-zero return code".into(), returns: result }),
        }
    }
}
