//! `tempfile`: a fresh file or directory that stays after the task.

use super::file::errno::failed;
use super::file::paths::{expand, text};
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, WriteOptions};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};

crate::arg_choices! {
    /// What is made.
    pub enum State { File = "file", Directory = "directory" }
}

crate::module_args! {
    /// Arguments of `tempfile`.
    pub struct Args {
        /// What is made.
        state: State = State::File,
        /// The directory that it is made in; else the system's for temporary files.
        path: Option<PathBuf>,
        /// What its name starts with.
        prefix: String = "ansible.",
        /// What its name ends with.
        suffix: String = "",
    }
}

/// The module.
pub struct TempFile;

impl Module for TempFile {
    type Args = Args;
    type State = PathBuf;
    type Change = PathBuf;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.tempfile",
        aliases: &["tempfile", "ansible.legacy.tempfile"],
        summary: "Makes a file or directory with a name of its own, for the user alone.",
        notes: "It stays until something removes it. Check mode skips it.",
        returns: &[ReturnSpec { name: "path", doc: "What was made." }],
        examples: &[Example {
            title: "A directory to build in",
            yaml: "ansible.builtin.tempfile:\n  state: directory\n  suffix: build\n",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<PathBuf, Failure> {
        for (name, part) in [("prefix", &args.prefix), ("suffix", &args.suffix)] {
            if part.contains('/') {
                return Err(Failure::new(format!("{name} must be a valid file name component, got '{part}'")));
            }
        }
        let usual = || host.env("TMPDIR").filter(|dir| !dir.is_empty()).unwrap_or_else(|| "/tmp".into()).into();
        Ok(args.path.as_ref().map_or_else(usual, |path| expand(host, path)))
    }

    fn plan(&self, _: &Args, dir: &PathBuf) -> Result<Plan<PathBuf>, Failure> {
        let mut plan = Plan::of(vec![dir.clone()]);
        plan.skipped_in_check = Some("remote module (ansible.builtin.tempfile) does not support check mode".into());
        Ok(plan)
    }

    fn apply(&self, args: &Args, plan: &Plan<PathBuf>, host: &dyn Host) -> Result<Outcome, Failure> {
        let dir = plan.changes.first().map_or(Path::new("/tmp"), PathBuf::as_path);
        let path = dir.join(format!("{}{}{}", args.prefix, random(), args.suffix));
        let could_not = failed("could not make it", &path);
        match args.state {
            State::Directory => {
                host.create_dir(&path).map_err(&could_not)?;
                host.set_mode(&path, 0o700).map_err(&could_not)?;
            }
            State::File => {
                let options = WriteOptions { mode: Some(0o600), ..WriteOptions::default() };
                host.write(&path, &mut std::io::empty(), &options).map_err(&could_not)?;
            }
        }
        Ok(Outcome::new().with("path", text(&path)))
    }
}

/// Twelve letters and digits that nobody can guess: the hasher's keys come from the system's randomness.
fn random() -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";
    let bits = RandomState::new().build_hasher().finish();
    (0..12).map(|index| char::from(DIGITS[(bits >> (5 * index) & 31) as usize])).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::{Map, Value};

    #[test]
    fn makes_private_things() {
        let host = FakeHost::new();
        let run = |state: &str, check| {
            let args = Map::from([("state".into(), state.into()), ("suffix".into(), ".x".into())]);
            TempFile.run(&args, RunFlags { check, diff: false }, &host).unwrap().result
        };
        for (state, mode) in [("file", 0o600), ("directory", 0o700)] {
            let path = run(state, false).get("path").unwrap().to_string();
            assert!(path.starts_with("/tmp/ansible.") && path.ends_with(".x"));
            assert_eq!(host.mode(&path), Some(mode));
        }
        assert_eq!(run("file", true).get("skipped"), Some(&Value::Bool(true)));
    }
}
