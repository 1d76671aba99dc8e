//! `include_vars`: variables of a file, or of all files of a folder.

use crate::module::{
    Action, ArgSpec, Effect, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, Rule, RunsOn, TaskDoor, parse_args,
};
use crate::value::{Key, ListMerge, Map, Value, merge_maps};
use crate::{arg_choices, module_args};
use regex::Regex;
use std::path::{Path, PathBuf};

arg_choices! {
    /// What happens to maps that exist already.
    pub enum HashBehaviour { Replace = "replace", Merge = "merge" }
}

module_args! {
    /// Arguments of `include_vars`.
    pub struct Args {
        /// The file, as free text: `include_vars: name.yml`.
        _raw_params: Option<String>,
        /// The file; looked for in `vars` of the role and beside the playbook.
        file: Option<String>,
        /// A folder whose files are read in the order of their names.
        dir: Option<String>,
        /// Put everything into a map of this name.
        name: Option<String>,
        /// How deep to go into the folder; 0 for all the way.
        depth: usize = 0usize,
        /// Only files whose name matches this regular expression.
        files_matching: Option<String>,
        /// Regular expressions; files whose name matches one are left out.
        ignore_files: Vec<String> = Vec::<String>::new(),
        /// The extensions that files may have.
        extensions: Vec<String> = ["yaml", "yml", "json"].map(String::from).to_vec(),
        /// Leave out files with other extensions instead of failing.
        ignore_unknown_extensions: bool = false,
        /// Whether maps are merged into existing ones of the same name.
        hash_behaviour: Option<HashBehaviour>,
    }
}

/// The `include_vars` action.
pub struct IncludeVars;

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.include_vars",
    aliases: &["include_vars", "ansible.legacy.include_vars"],
    summary: "Reads variables from files during the run",
    runs_on: RunsOn::Controller,
    free_form: true,
    rules: &[
        Rule::MutuallyExclusive(&["_raw_params", "file", "dir"]),
        Rule::MutuallyExclusive(&["file", "depth"]),
        Rule::MutuallyExclusive(&["file", "files_matching"]),
        Rule::MutuallyExclusive(&["file", "ignore_files"]),
    ],
    returns: &[
        ReturnSpec { name: "ansible_facts", doc: "The variables, templates unrendered." },
        ReturnSpec { name: "ansible_included_var_files", doc: "The files that were read." },
    ],
    examples: &[
        Example { title: "Variables of the system's family", yaml: "include_vars: \"{{ ansible_os_family }}.yml\"" },
        Example { title: "A folder, under one name", yaml: "include_vars:\n  dir: settings\n  name: settings" },
    ],
    ..ModuleSpec::EMPTY
};

impl Action for IncludeVars {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(SPEC.rules, args)?;
        let mut read = Vec::new();
        let mut vars = Map::new();
        let outcome = match &args.dir {
            Some(dir) => read_folder(dir, &args, task, &mut vars, &mut read),
            None => read_file(&args, task, &mut vars, &mut read),
        };
        let files: Vec<String> = read.iter().map(|path| path.display().to_string()).collect();
        if let Err(failure) = outcome {
            let message = failure.msg.clone();
            return Err(failure
                .with("message", message)
                .with("ansible_facts", Map::new())
                .with("ansible_included_var_files", files));
        }
        if let Some(name) = &args.name {
            vars = Map::from([(Key::from(name.as_str()), Value::map(vars))]);
        }
        if args.hash_behaviour == Some(HashBehaviour::Merge) {
            vars = merged(vars, task);
        }
        task.effect(Effect::IncludeVars(vars.clone()));
        let mut result = crate::module::unchanged();
        result.insert("ansible_facts".into(), Value::map(vars));
        result.insert("ansible_included_var_files".into(), files.into());
        Ok(result)
    }
}

fn read_file(args: &Args, task: &dyn TaskDoor, vars: &mut Map, read: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let name = args.file.as_ref().or(args._raw_params.as_ref()).map(|name| name.trim()).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Failure::new("Could not find file: neither a file nor a dir is given"))?;
    let path = task.find_file("vars", name)?;
    vars.extend(task.load_vars(&path)?);
    read.push(path);
    Ok(())
}

fn read_folder(
    dir: &str,
    args: &Args,
    task: &dyn TaskDoor,
    vars: &mut Map,
    read: &mut Vec<PathBuf>,
) -> Result<(), Failure> {
    let folder = task.find_file("vars", dir).map_err(|_| Failure::new(format!("{dir} directory does not exist")))?;
    if !folder.is_dir() {
        return Err(Failure::new(format!("{} is not a directory", folder.display())));
    }
    let pattern = |text: &str| {
        Regex::new(text).map_err(|error| Failure::new(format!("{text:?} is not a regular expression: {error}")))
    };
    let wanted = args.files_matching.as_deref().map(pattern).transpose()?;
    // As in Ansible: the pattern is matched at the start of the name and must reach its end.
    let ignored = args
        .ignore_files
        .iter()
        .map(|text| pattern(&format!("^(?:{text})$")))
        .collect::<Result<Vec<Regex>, Failure>>()?;
    for path in files_below(&folder, args.depth, 1)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if wanted.as_ref().is_some_and(|wanted| !wanted.is_match(&name)) {
            continue;
        }
        if ignored.iter().any(|ignored| ignored.is_match(&name)) {
            continue;
        }
        if !has_extension(&name, &args.extensions) {
            if args.ignore_unknown_extensions || wanted.is_some() {
                continue;
            }
            let extensions = args.extensions.join(", ");
            let path = path.display();
            return Err(Failure::new(format!("{path} does not have a valid extension: {extensions}")));
        }
        vars.extend(task.load_vars(&path)?);
        read.push(path);
    }
    Ok(())
}

/// The files of a folder by name, then those of its subfolders, down to `depth` levels (0 for all).
fn files_below(folder: &Path, depth: usize, level: usize) -> Result<Vec<PathBuf>, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::new(format!("cannot read the folder {}: {error}", folder.display()));
    let mut entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>())
        .map_err(unreadable)?;
    entries.sort();
    let (folders, mut files): (Vec<PathBuf>, Vec<PathBuf>) = entries.into_iter().partition(|path| path.is_dir());
    // Links may lead in circles; no tree of variables is that deep.
    if level < 64 && (depth == 0 || level < depth) {
        for folder in folders {
            files.extend(files_below(&folder, depth, level + 1)?);
        }
    }
    Ok(files)
}

fn has_extension(name: &str, extensions: &[String]) -> bool {
    extensions.iter().any(|extension| {
        let extension = extension.trim_start_matches('.');
        name.strip_suffix(extension).is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'))
    })
}

/// The variables, each map laid over the one that the host has under that name.
fn merged(vars: Map, task: &dyn TaskDoor) -> Map {
    vars.into_iter()
        .map(|(key, new)| {
            let old = key.as_str().and_then(|name| task.scope().get(name));
            let value = match (&old, &new) {
                (Some(Value::Map(old)), Value::Map(new)) => Value::map(merge_maps(old, new, true, ListMerge::Replace)),
                _ => new,
            };
            (key, value)
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modules::task_door::Door;

    fn project() -> (tempfile::TempDir, Door) {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("a.yml", "x: 1\nm: {k: 1}\n");
        write("d/1.yaml", "z: 3\n");
        write("d/n.txt", "n: 5\n");
        write("d/sub/2.yml", "w: 4\n");
        let door = Door {
            folder: root.path().to_path_buf(),
            ..Door::with(&[("m", Value::from([("old", 1)])), ("foo", Value::from([("x", 0)]))])
        };
        (root, door)
    }

    fn run(door: &Door, args: Value) -> Result<Value, Failure> {
        Ok(IncludeVars.run(args.as_map().unwrap(), door)?["ansible_facts"].clone())
    }

    #[test]
    fn reads_a_file_and_names_it() {
        let (_root, door) = project();
        let facts = run(&door, Value::from([("_raw_params", "a.yml"), ("name", "foo")])).unwrap();
        assert_eq!(facts.get("foo").unwrap().get("x"), Some(&Value::Int(1)));
        let merged = Value::from([("file", "a.yml"), ("hash_behaviour", "merge")]);
        assert_eq!(run(&door, merged).unwrap().get("m"), Some(&Value::from([("old", 1), ("k", 1)])));
        assert_eq!(door.effects().len(), 2);
    }

    #[test]
    fn reads_a_folder_by_its_rules() {
        let (_root, door) = project();
        let failure = run(&door, Value::from([("dir", "d")])).unwrap_err();
        assert!(failure.msg.ends_with("n.txt does not have a valid extension: yaml, yml, json"), "{failure}");
        let all = Value::from([("dir", Value::str("d")), ("ignore_files", Value::from(vec![r".*\.txt"]))]);
        assert_eq!(run(&door, all).unwrap(), Value::from([("z", 3), ("w", 4)]));
        let flat = Value::from([("dir", Value::str("d")), ("depth", 1.into()), ("extensions", "yaml,txt".into())]);
        assert_eq!(run(&door, flat).unwrap(), Value::from([("z", 3), ("n", 5)]));
        let matching = Value::from([("dir", "d"), ("files_matching", "^2")]);
        assert_eq!(run(&door, matching).unwrap(), Value::from([("w", 4)]));
    }

    #[test]
    fn refuses_files_and_folders_together() {
        let (_root, door) = project();
        assert!(run(&door, Value::from([("file", "a.yml"), ("dir", "d")])).is_err());
        assert!(run(&door, Value::from([("dir", "nowhere")])).is_err());
    }
}
