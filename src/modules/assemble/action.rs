//! The controller's half of `assemble`: fragments of the controller are joined there.

use super::Args;
use super::fragments::Fragments;
use crate::module::{
    Action, ArgSpec, Example, Failure, Mode, ModuleArgs, ModuleSpec, ReturnSpec, RunsOn, TaskDoor, parse_args,
};
use crate::modules::copy::host_args;
use crate::modules::file::checksum::hex;
use crate::value::{Map, Value};
use md5::{Digest, Md5};

pub(super) const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.assemble",
    aliases: &["assemble", "ansible.legacy.assemble"],
    summary: "Joins the fragments in a directory into one file.",
    returns: &[
        ReturnSpec { name: "dest", doc: "The file." },
        ReturnSpec { name: "checksum", doc: "SHA-1 of the file." },
        ReturnSpec { name: "md5sum", doc: "MD5 of the file." },
        ReturnSpec { name: "backup_file", doc: "Where the old content is kept." },
    ],
    examples: &[Example {
        title: "A configuration from parts that roles put there",
        yaml: "ansible.builtin.assemble:\n  src: /etc/app/conf.d\n  dest: /etc/app/app.conf\n",
    }],
    ..ModuleSpec::EMPTY
};

/// The action.
pub struct AssembleAction;

impl Action for AssembleAction {
    fn spec(&self) -> ModuleSpec {
        ModuleSpec { runs_on: RunsOn::Controller, ..SPEC }
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, given: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(&[], given)?;
        if args.remote_src {
            return task.remote(SPEC.name, given, task.flags()).map(|run| run.result);
        }
        if args.mode == Some(Mode::Preserve) {
            return Err(Failure::new("mode 'preserve' needs a source file"));
        }
        let src = task.find_file("files", &args.src.to_string_lossy())?;
        if !src.is_dir() {
            return Err(Failure::new(format!("Source ({}) is not a directory", src.display())));
        }
        let could_not = |error: std::io::Error| Failure::new(format!("reading {} failed: {error}", src.display()));
        let mut fragments = Fragments::new(args.delimiter.as_deref(), args.regexp.as_deref(), args.ignore_hidden)?;
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&src).map_err(could_not)? {
            names.push(entry.map_err(could_not)?.file_name());
        }
        names.sort();
        for name in names {
            let path = src.join(&name);
            if path.is_file() && fragments.takes(&name.to_string_lossy())? {
                let content =
                    if args.decrypt { task.read_file(&path)? } else { std::fs::read(&path).map_err(could_not)? };
                fragments.add(&content);
            }
        }
        let content = fragments.finish();
        let md5 = hex(&Md5::digest(&content));
        let blob = task.offer(content)?;
        let own = ["src", "remote_src", "delimiter", "regexp", "ignore_hidden", "decrypt"];
        let mut to_host = host_args(given, &own);
        to_host.insert("content_blob".into(), blob.to_value());
        to_host.insert("src".into(), src.to_string_lossy().as_ref().into());
        to_host.insert("show_diff".into(), task.flags().diff.into());
        let mut result = task.remote("ansible.builtin.copy", &to_host, task.flags())?.result;
        // copy gives a list of differences, assemble the one.
        if let Some([diff]) = result.get("diff").and_then(Value::as_list) {
            let diff = diff.clone();
            result.insert("diff".into(), diff);
        }
        // Beside what copy says, as if the file had been put together on the host.
        result.shift_remove("path");
        result.insert("md5sum".into(), md5.into());
        Ok(result)
    }
}
