//! `script`: a script of the controller, run on the host.

mod action;

pub use action::ScriptAction;

use super::file::errno::failed;
use super::file::paths::{exists, expand};
use super::words;
use crate::module::{BlobRef, Command, Failure, Host, Module, ModuleSpec, Outcome, Plan, WriteOptions};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};

crate::module_args! {
    /// What the action asks of the host.
    pub struct HostArgs {
        /// The script.
        content_blob: BlobRef,
        /// Its name.
        name: String,
        /// What follows it on its command line, quoted for a shell.
        arguments: String = "",
        /// The program that runs it, when it is not run itself.
        executable: Option<String>,
        /// Not when this is there.
        creates: Option<PathBuf>,
        /// Not when this is missing.
        removes: Option<PathBuf>,
        /// Where it runs.
        chdir: Option<PathBuf>,
    }
}

/// The host's half of `script`.
pub struct Script;

impl Module for Script {
    type Args = HostArgs;
    type State = Option<String>;
    type Change = ();
    const SPEC: ModuleSpec = action::SPEC;

    fn observe(&self, args: &HostArgs, host: &dyn Host) -> Result<Option<String>, Failure> {
        if let Some(creates) = &args.creates
            && exists(host, &expand(host, creates))?
        {
            return Ok(Some(format!("{} exists, matching creates option", creates.display())));
        }
        if let Some(removes) = &args.removes
            && !exists(host, &expand(host, removes))?
        {
            return Ok(Some(format!("{} does not exist, matching removes option", removes.display())));
        }
        Ok(None)
    }

    fn plan(&self, args: &HostArgs, reason: &Option<String>) -> Result<Plan<()>, Failure> {
        if let Some(reason) = reason {
            return Ok(Plan::nothing().with("skipped", true).with("msg", reason.as_str()));
        }
        let mut plan = Plan::of(vec![()]);
        // Without these nobody can say whether the script would change anything.
        if args.creates.is_none() && args.removes.is_none() {
            plan.skipped_in_check = Some("Check mode is not supported for this task.".into());
        }
        Ok(plan)
    }

    fn apply(&self, args: &HostArgs, _: &Plan<()>, host: &dyn Host) -> Result<Outcome, Failure> {
        let dir = host.temp_dir().map_err(|error| Failure::new(format!("no temporary directory: {error}")))?;
        let script = dir.join(&args.name);
        let options = WriteOptions { mode: Some(0o700), ..WriteOptions::default() };
        let mut content = host.blob(&args.content_blob).map_err(failed("reading the script failed", &script))?;
        host.write(&script, &mut content, &options).map_err(failed("writing the script failed", &script))?;
        // The file must be closed before it can be run.
        drop(content);
        let line = command_line(args, &script);
        let mut command = Command::shell(&line);
        command.cwd = args.chdir.clone();
        command.stream = true;
        let output = host.run(&command).map_err(failed("running the script failed", &script))?;
        let mut returns = Map::from([("rc".into(), Value::from(output.rc))]);
        for (name, text) in [("stdout", output.stdout_text()), ("stderr", output.stderr_text())] {
            let lines = text.lines().map(Value::str).collect();
            returns.insert(format!("{name}_lines").into(), Value::list(lines));
            returns.insert(name.into(), text.into());
        }
        if output.success() {
            return Ok(Outcome { returns, ..Outcome::default() });
        }
        returns.insert("changed".into(), true.into());
        Err(Failure { msg: "non-zero return code".into(), returns })
    }
}

fn command_line(args: &HostArgs, script: &Path) -> String {
    let parts = [
        args.executable.clone().unwrap_or_default(),
        words::quote(&script.to_string_lossy()),
        args.arguments.trim().to_owned(),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::{FakeHost, blob_of};
    use crate::module::{AnyModule, Output, RunFlags};

    #[test]
    fn runs_once_and_tells_how_it_went() {
        let host = FakeHost::new().with_blob("#!/bin/sh\n").with_file("/etc/there", "", 0o644);
        let host = host.on_command(&["sh", "-c"], |host, command| {
            let line = command.argv[2].to_string_lossy().into_owned();
            let script = line.split(' ').nth(1).unwrap();
            assert_eq!(host.mode(script), Some(0o700));
            Output { rc: i32::from(line.ends_with("bad")), stdout: b"a\nb\n".to_vec(), stderr: Vec::new() }
        });
        let run = |entries: &[(&str, &str)], check| {
            let mut args: Map = entries.iter().map(|(name, value)| ((*name).into(), Value::str(value))).collect();
            args.insert("content_blob".into(), blob_of(b"#!/bin/sh\n").to_value());
            args.insert("name".into(), "x.sh".into());
            args.insert("executable".into(), "bash".into());
            Script.run(&args, RunFlags { check, diff: false }, &host)
        };
        let good = run(&[("arguments", "good")], false).unwrap().result;
        assert_eq!(good.get("stdout_lines").unwrap().to_string(), "['a', 'b']");
        let bad = run(&[("arguments", "bad")], false).unwrap_err();
        assert_eq!((bad.msg.as_str(), bad.returns.get("rc")), ("non-zero return code", Some(&Value::Int(1))));
        let skipped = run(&[("creates", "/etc/there")], false).unwrap().result;
        assert_eq!(skipped.get("msg").unwrap().to_string(), "/etc/there exists, matching creates option");
        assert_eq!(run(&[], true).unwrap().result.get("skipped"), Some(&Value::Bool(true)));
        assert_eq!(run(&[("creates", "/etc/no")], true).unwrap().result.get("changed"), Some(&Value::Bool(true)));
    }
}
