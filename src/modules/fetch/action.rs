//! The controller's half of `fetch`: where the file goes, and putting it there.

use crate::module::{
    Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, RunsOn, TaskDoor, parse_args,
};
use crate::modules::file::checksum::{Algorithm, of_stream};
use crate::modules::file::paths::without_dots;
use crate::value::{Map, Value, base64};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bytes of one piece.
const PIECE: u64 = 2 * 1024 * 1024;

crate::module_args! {
    /// Arguments of `fetch`.
    pub struct Args {
        /// The file on the host; not a directory.
        src: String,
        /// A directory of the controller. The file goes to dest/HOST/src below it.
        dest: String,
        /// Put the file at dest itself; with a slash at its end, into it under its own name.
        flat: bool = false,
        /// Whether a file that is not there is a failure.
        fail_on_missing: bool = true,
        /// Whether the fetched content must have the checksum that the host told.
        validate_checksum: bool = true,
    }
}

pub(super) const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.fetch",
    aliases: &["fetch", "ansible.legacy.fetch"],
    summary: "Copies a file from the host to the controller.",
    notes: "Check mode compares the checksums and predicts whether the file would be fetched.",
    returns: &[
        ReturnSpec { name: "dest", doc: "Where the file is on the controller." },
        ReturnSpec { name: "checksum", doc: "SHA-1 of the file." },
        ReturnSpec { name: "md5sum", doc: "MD5 of the file." },
        ReturnSpec { name: "file", doc: "The path on the host, when nothing was fetched." },
    ],
    examples: &[Example {
        title: "A log of every host",
        yaml: "ansible.builtin.fetch:\n  src: /var/log/app.log\n  dest: logs/\n",
    }],
    ..ModuleSpec::EMPTY
};

/// The action.
pub struct FetchAction;

impl Action for FetchAction {
    fn spec(&self) -> ModuleSpec {
        ModuleSpec { runs_on: RunsOn::Controller, ..SPEC }
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, given: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(&[], given)?;
        let known = ask(task, &[("src", args.src.as_str().into())])?;
        let text = |name: &str| known.get(name).and_then(Value::as_str).map(str::to_owned);
        let source = text("source").unwrap_or_else(|| args.src.clone());
        let is = |name: &str| known.get(name).is_some_and(Value::truthy);
        let refused = match (is("exists"), is("isdir")) {
            (true, false) => None,
            (true, true) => Some("remote file is a directory, fetch cannot work on directories"),
            (false, _) => Some("the remote file does not exist"),
        };
        if let Some(msg) = refused {
            if args.fail_on_missing {
                // Ansible's own words, though nothing is ignored here.
                let end = if is("exists") { "" } else { ", not transferring, ignored" };
                return Err(Failure::new(format!("{msg}{end}")).with("file", source));
            }
            let msg = format!("{msg}, not transferring, ignored");
            return Ok(result([("changed", false.into()), ("file", source.into()), ("msg", msg.into())]));
        }
        let wanted = text("checksum").unwrap_or_default();
        let dest = destination(&args, &source, task)?;
        if sum(&dest, Algorithm::Sha1).as_ref() == Some(&wanted) {
            return Ok(result([
                ("changed", false.into()),
                ("md5sum", sum(&dest, Algorithm::Md5).into()),
                ("file", source.into()),
                ("dest", shown(&dest)),
                ("checksum", wanted.into()),
            ]));
        }
        if !task.flags().check {
            self.transfer(&source, &dest, &wanted, args.validate_checksum, task)?;
        }
        Ok(result([
            ("changed", true.into()),
            ("md5sum", sum(&dest, Algorithm::Md5).into()),
            ("dest", shown(&dest)),
            ("remote_md5sum", Value::Null),
            ("checksum", wanted.as_str().into()),
            ("remote_checksum", wanted.into()),
        ]))
    }
}

impl FetchAction {
    fn transfer(
        &self,
        source: &str,
        dest: &Path,
        wanted: &str,
        validate: bool,
        task: &dyn TaskDoor,
    ) -> Result<(), Failure> {
        let could_not = |error: std::io::Error| Failure::new(format!("Failed to fetch the file: {error}"));
        let folder = dest.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(could_not)?;
        let mut new = tempfile::NamedTempFile::new_in(folder).map_err(could_not)?;
        let mut offset = 0u64;
        loop {
            let piece = ask(task, &[("src", source.into()), ("offset", offset.into()), ("length", PIECE.into())])?;
            let piece = piece.get("content").and_then(Value::as_str).and_then(base64::decode);
            let piece = piece.ok_or_else(|| Failure::new("Failed to fetch the file: the host sent no content"))?;
            new.write_all(&piece).map_err(could_not)?;
            offset += piece.len() as u64;
            if (piece.len() as u64) < PIECE {
                break;
            }
        }
        let got = sum(new.path(), Algorithm::Sha1).unwrap_or_default();
        if validate && got != wanted {
            return Err(Failure::new("checksum mismatch")
                .with("file", source)
                .with("dest", shown(dest))
                .with("checksum", got)
                .with("remote_checksum", wanted));
        }
        // A temporary file is the user's alone; a fetched one is like any other.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666 & !umask());
        new.as_file().set_permissions(mode).map_err(could_not)?;
        new.persist(dest).map(drop).map_err(|failed| could_not(failed.error))
    }
}

fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok()).unwrap_or(0o022)
}

fn ask(task: &dyn TaskDoor, entries: &[(&str, Value)]) -> Result<Map, Failure> {
    let args = entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    // Reading is no change: it happens in check mode too.
    task.remote(SPEC.name, &args, task.flags()).map(|run| run.result)
}

fn result<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

fn shown(path: &Path) -> Value {
    Value::str(path.to_string_lossy())
}

/// The checksum of a file of the controller; None when there is none.
fn sum(path: &Path, algorithm: Algorithm) -> Option<String> {
    of_stream(algorithm, &mut File::open(path).ok()?).ok()
}

/// Where the file goes on the controller.
fn destination(args: &Args, source: &str, task: &dyn TaskDoor) -> Result<PathBuf, Failure> {
    let base = || {
        let folder = task.scope().get("playbook_dir").map(|dir| PathBuf::from(dir.to_string()));
        folder.or_else(|| task.task_file().parent().map(Path::to_owned)).unwrap_or_else(|| ".".into())
    };
    let expanded = match (args.dest.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => args.dest.clone(),
    };
    let dest = base().join(&expanded);
    if !args.flat {
        return Ok(without_dots(&dest.join(task.host()).join(source.trim_start_matches('/'))));
    }
    if dest.is_dir() && !args.dest.ends_with('/') {
        let msg = "dest is an existing directory, use a trailing slash if you want to fetch src into that directory";
        return Err(Failure::new(msg));
    }
    if !args.dest.ends_with('/') {
        return Ok(without_dots(&dest));
    }
    let dest = dest.join(source.rsplit('/').next().unwrap_or(source));
    if dest.is_dir() {
        let dest = dest.display();
        return Err(Failure::new(format!(
            "calculated dest '{dest}' is an existing directory, use another path that does not point to an existing directory"
        )));
    }
    Ok(without_dots(&dest))
}
