//! The controller's half of `script`: finds the script and offers it.

use crate::module::{
    Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, Rule, RunsOn, TaskDoor, parse_args,
};
use crate::modules::copy::{host_args, offer};
use crate::modules::words;
use crate::value::Map;
use std::path::PathBuf;

crate::module_args! {
    /// Arguments of `script`.
    pub struct Args {
        /// The script and its arguments, as text after the module's name.
        _raw_params: Option<String>,
        /// The script (looked for in files/ of the role and of the play) and its arguments.
        cmd: Option<String>,
        /// The script is not run when this path is there.
        creates: Option<PathBuf>,
        /// The script is not run when this path is not there.
        removes: Option<PathBuf>,
        /// The directory that it runs in, an absolute path.
        chdir: Option<PathBuf>,
        /// The program that runs it; else the script runs itself, by its first line.
        executable: Option<String>,
        /// Decrypt a script that is a vault file.
        decrypt: bool = true,
    }
}

pub(super) const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.script",
    aliases: &["script", "ansible.legacy.script"],
    summary: "Runs a script of the controller on the host.",
    free_form: true,
    returns: &[
        ReturnSpec { name: "rc", doc: "Its exit status." },
        ReturnSpec { name: "stdout", doc: "Its output, also as stdout_lines." },
        ReturnSpec { name: "stderr", doc: "Its errors, also as stderr_lines." },
    ],
    examples: &[Example {
        title: "Once",
        yaml: "ansible.builtin.script:\n  cmd: setup.sh --all\n  creates: /var/lib/app/ready\n",
    }],
    ..ModuleSpec::EMPTY
};

const RULES: &[Rule] =
    &[Rule::RequiredOneOf(&["_raw_params", "cmd"]), Rule::MutuallyExclusive(&["_raw_params", "cmd"])];

/// The action.
pub struct ScriptAction;

impl Action for ScriptAction {
    fn spec(&self) -> ModuleSpec {
        ModuleSpec { runs_on: RunsOn::Controller, rules: RULES, ..SPEC }
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, given: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(RULES, given)?;
        if let Some(chdir) = args.chdir.as_ref().filter(|chdir| !chdir.is_absolute()) {
            let chdir = chdir.display();
            return Err(Failure::new(format!("chdir {chdir} must be an absolute path for a Unix-aware remote node")));
        }
        let line = args.cmd.as_ref().or(args._raw_params.as_ref()).map(|line| line.trim()).unwrap_or_default();
        let parts = words::split(line).map_err(Failure::new)?;
        let name = parts.first().ok_or_else(|| Failure::new("no script given"))?;
        let path = task.find_file("files", name)?;
        let blob = offer(&path, args.decrypt, task)?;
        let mut to_host = host_args(given, &["_raw_params", "cmd", "decrypt"]);
        to_host.insert("content_blob".into(), blob.to_value());
        to_host.insert("name".into(), path.file_name().unwrap_or_default().to_string_lossy().as_ref().into());
        to_host.insert("arguments".into(), after_first_word(line).into());
        task.remote(SPEC.name, &to_host, task.flags()).map(|run| run.result)
    }
}

/// What follows the first word, as it is written: the shell on the host reads it.
fn after_first_word(line: &str) -> &str {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in line.char_indices() {
        match (c, quote) {
            _ if escaped => escaped = false,
            ('\\', None | Some('"')) => escaped = true,
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => quote = Some(c),
            (c, None) if c.is_whitespace() => return &line[at..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_stay_as_written() {
        assert_eq!(after_first_word("a\\ b.sh \"$X\" | tee"), " \"$X\" | tee");
        assert_eq!(after_first_word("'a b.sh' c"), " c");
        assert_eq!(after_first_word("a.sh"), "");
    }
}
