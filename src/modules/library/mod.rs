//! `rplay.library`: a program of the project's `library/`, run on the host as a module.
//!
//! It gets the name of a file with its arguments: as JSON when it holds the word `WANT_JSON` or is
//! no text, else as `key=value` words. It prints a JSON object: the result.

mod action;

pub use action::{LibraryAction, PATH_ARGUMENT};

use super::file::errno::failed;
use super::words;
use crate::module::{BlobRef, Command, Failure, Host, Module, ModuleSpec, Outcome, Output, Plan, WriteOptions};
use crate::value::{Key, Map, Value, parse_bool};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

crate::module_args! {
    /// What the action asks of the host.
    pub struct HostArgs {
        /// The program.
        content_blob: BlobRef,
        /// Its name.
        name: String,
        /// The task's arguments.
        arguments: Map,
    }
}

/// The host's half.
pub struct Library;

impl Module for Library {
    type Args = HostArgs;
    type State = ();
    type Change = ();
    const SPEC: ModuleSpec = action::SPEC;

    fn observe(&self, _: &HostArgs, _: &dyn Host) -> Result<(), Failure> {
        Ok(())
    }

    fn plan(&self, args: &HostArgs, (): &()) -> Result<Plan<()>, Failure> {
        let mut plan = Plan::of(vec![()]);
        // Nobody but the program knows what it would change, and it might change it.
        plan.skipped_in_check = Some(format!("remote module ({}) does not support check mode", args.name));
        Ok(plan)
    }

    fn apply(&self, args: &HostArgs, _: &Plan<()>, host: &dyn Host) -> Result<Outcome, Failure> {
        let folder = host.temp_dir().map_err(|error| Failure::new(format!("no temporary directory: {error}")))?;
        let (program, file) = (folder.join(&args.name), folder.join("arguments"));
        let mut content = Vec::new();
        let mut blob = host.blob(&args.content_blob).map_err(failed("reading the module failed", &program))?;
        blob.read_to_end(&mut content).map_err(failed("reading the module failed", &program))?;
        drop(blob);
        write(host, &program, &content, 0o700)?;
        write(host, &file, arguments(&args.arguments, wants_json(&content)).as_bytes(), 0o600)?;
        let argv = interpreter(host, &content).into_iter().chain([program.clone(), file]);
        let command = Command::new(argv.map(PathBuf::into_os_string));
        result(&host.run(&command).map_err(failed("running the module failed", &program))?)
    }
}

fn write(host: &dyn Host, path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let options = WriteOptions { mode: Some(mode), ..WriteOptions::default() };
    host.write(path, &mut Cursor::new(content), &options).map_err(failed("writing for the module failed", path))
}

fn wants_json(program: &[u8]) -> bool {
    std::str::from_utf8(program).map_or(true, |text| text.contains("WANT_JSON"))
}

/// The text of the file of arguments.
fn arguments(args: &Map, json: bool) -> String {
    if json {
        return serde_json::to_string(&Value::map(args.clone())).unwrap_or_default();
    }
    let word = |(key, value): (&Key, &Value)| format!("{key}={}", words::quote(&value.to_string()));
    args.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Python by the name that this host has, when the script's own is not there.
fn interpreter(host: &dyn Host, program: &[u8]) -> Option<PathBuf> {
    let line = program.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line).trim().to_owned();
    let own = line.split_whitespace().next()?.to_owned();
    let there = host.stat(Path::new(&own)).ok().flatten().is_some();
    let is_python = line.contains("python");
    (is_python && (!there || own.ends_with("/env"))).then(|| host.which("python3")).flatten()
}

/// The object that the program printed, whatever stands around it.
fn result(output: &Output) -> Result<Outcome, Failure> {
    let stdout = output.stdout_text();
    let object = stdout.find('{').zip(stdout.rfind('}')).and_then(|(from, to)| stdout.get(from..=to));
    let Some(Value::Map(found)) = object.and_then(|text| serde_json::from_str(text).ok()) else {
        return Err(Failure::new("the module printed no JSON object; see module_stdout and module_stderr")
            .with("rc", output.rc)
            .with("module_stdout", stdout)
            .with("module_stderr", output.stderr_text()));
    };
    let mut returns = found.as_ref().clone();
    let flag = |name: &str| found.get(name).and_then(parse_bool).unwrap_or(false);
    if flag("failed") || (output.rc != 0 && !returns.contains_key("failed")) {
        let msg = returns.get("msg").map(Value::to_string).unwrap_or_else(|| "the module failed".into());
        returns.entry("rc".into()).or_insert_with(|| Value::from(output.rc));
        return Err(Failure { msg, returns });
    }
    let reported_change = Some(flag("changed"));
    ["changed", "failed"].iter().for_each(|name| drop(returns.shift_remove(*name)));
    Ok(Outcome { returns, reported_change })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::{FakeHost, blob_of};
    use crate::module::{AnyModule, RunFlags};

    fn run(program: &'static str, answer: &'static str, rc: i32, check: bool) -> Result<(Map, String), Failure> {
        let host = FakeHost::new().with_blob(program).on_command(&[], move |host, command| {
            let file = command.argv.last().unwrap().to_string_lossy().into_owned();
            let shown = format!("{{\"file\": {:?}, {answer}", host.text(&file).unwrap());
            let stdout = if answer.is_empty() { b"oops".to_vec() } else { shown.into_bytes() };
            Output { rc, stdout, stderr: b"why".to_vec() }
        });
        let args = Map::from([
            ("content_blob".into(), blob_of(program.as_bytes()).to_value()),
            ("name".into(), "hello".into()),
            ("arguments".into(), Value::from([("who", "you and me")])),
        ]);
        let result = Library.run(&args, RunFlags { check, diff: false }, &host)?.result;
        let file = result.get("file").map(Value::to_string).unwrap_or_default();
        Ok((result, file))
    }

    #[test]
    fn programs_get_their_arguments_and_give_a_result() {
        let (result, file) = run("#!/bin/sh\n# WANT_JSON\n", "\"changed\": true}", 0, false).unwrap();
        assert_eq!((result["changed"].clone(), file.as_str()), (Value::Bool(true), "{\"who\":\"you and me\"}"));
        let (result, file) = run("#!/bin/sh\n", "\"x\": 1}", 0, false).unwrap();
        assert_eq!((result["changed"].clone(), file.as_str()), (Value::Bool(false), "who='you and me'"));
    }

    #[test]
    fn failures_are_told_and_check_mode_runs_nothing() {
        assert_eq!(run("#!/bin/sh\n", "\"failed\": true, \"msg\": \"no\"}", 0, false).unwrap_err().msg, "no");
        assert!(run("#!/bin/sh\n", "\"x\": 1}", 3, false).is_err());
        let broken = run("#!/bin/sh\n", "", 0, false).unwrap_err();
        assert_eq!(broken.returns["module_stdout"], Value::str("oops"));
        let (result, _) = run("#!/bin/sh\n", "\"x\": 1}", 0, true).unwrap();
        assert_eq!(result["skipped"], Value::Bool(true));
    }
}
