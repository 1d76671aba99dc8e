//! The controller's half: offers the program and passes the task's arguments on.

use crate::module::{Action, ArgSpec, Effect, Failure, ModuleSpec, RunsOn, TaskDoor};
use crate::value::{Map, Value};
use std::path::Path;

/// The argument in which the engine gives the program's path.
pub const PATH_ARGUMENT: &str = "_rplay_path";

pub(super) const SPEC: ModuleSpec = ModuleSpec {
    name: "rplay.library",
    aliases: &[],
    summary: "Runs a program of the project's library/ as a module",
    notes: "Not named in tasks: a task names the program itself, and every argument is the program's. docs/library.md \
            says what such a program is given and what it prints.",
    ..ModuleSpec::EMPTY
};

/// The action.
pub struct LibraryAction;

impl Action for LibraryAction {
    fn spec(&self) -> ModuleSpec {
        ModuleSpec { runs_on: RunsOn::Controller, ..SPEC }
    }

    fn args(&self) -> &'static [ArgSpec] {
        &[]
    }

    fn any_args(&self) -> bool {
        true
    }

    fn run(&self, given: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let mut arguments = given.clone();
        let path = arguments.shift_remove(PATH_ARGUMENT).map(|path| path.to_string());
        let path = path.ok_or_else(|| Failure::new("name the program in library/ itself, not rplay.library"))?;
        let path = Path::new(&path);
        let flags = task.flags();
        for (name, value) in [
            ("_ansible_check_mode", Value::Bool(flags.check)),
            ("_ansible_diff", Value::Bool(flags.diff)),
            ("_ansible_verbosity", Value::from(i64::from(task.verbosity()))),
        ] {
            arguments.insert(name.into(), value);
        }
        let to_host = Map::from([
            ("content_blob".into(), task.offer_file(path)?.to_value()),
            ("name".into(), path.file_name().unwrap_or_default().to_string_lossy().as_ref().into()),
            ("arguments".into(), Value::map(arguments)),
        ]);
        let result = task.remote(SPEC.name, &to_host, flags)?.result;
        if let Some(Value::Map(facts)) = result.get("ansible_facts") {
            task.effect(Effect::Facts(facts.as_ref().clone()));
        }
        Ok(result)
    }
}
