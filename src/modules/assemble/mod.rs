//! `assemble`: one file from the fragments in a directory.

mod action;
mod fragments;

pub use action::AssembleAction;

use super::file::attributes::{Wanted, file_args};
use super::file::checksum::{Algorithm, hex, of_file};
use super::file::content::{Put, put};
use super::file::diff::{Shown, of_contents, of_maps};
use super::file::errno::failed;
use super::file::info::entries;
use super::file::paths::{exists, expand, is_dir, text};
use crate::module::{Diff, Failure, FileKind, Host, Module, ModuleSpec, Outcome, Plan};
use crate::value::{Map, Value};
use fragments::Fragments;
use md5::Md5;
use sha1::{Digest, Sha1};
use std::path::PathBuf;

file_args! {
    /// Arguments of `assemble`.
    pub struct Args {
        /// The directory with the fragments; they are joined in the order of their names.
        src: PathBuf,
        /// The file that is made.
        dest: PathBuf,
        /// Whether src is on the host; else it is looked for in files/ on the controller.
        remote_src: bool = true,
        /// What stands between fragments; \n and the like are escapes.
        delimiter: Option<String>,
        /// Take only fragments whose names fit this expression.
        regexp: Option<String>,
        /// Leave out fragments whose names start with a dot.
        ignore_hidden: bool = false,
        /// Keep the old content beside it, under a name with the time.
        backup: bool = false,
        /// A command that must accept the new content before it is put in place; %s is its path.
        validate: Option<String>,
        /// Decrypt fragments of the controller that are vault files.
        decrypt: bool = true,
    }
}

/// `assemble` from fragments on the host.
pub struct Assemble;

/// What was found and will be done.
pub struct Scene {
    dest: PathBuf,
    /// The new content, when it differs.
    content: Option<Vec<u8>>,
    attributes: bool,
    diff: Vec<Diff>,
    returns: Map,
}

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    /// New content.
    Place(PathBuf, Vec<u8>),
    /// The attributes wanted.
    Attributes(PathBuf),
}

impl Module for Assemble {
    type Args = Args;
    type State = Scene;
    type Change = Change;
    const SPEC: ModuleSpec = action::SPEC;

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Scene, Failure> {
        let (src, dest) = (expand(host, &args.src), expand(host, &args.dest));
        if !exists(host, &src)? {
            return Err(Failure::new(format!("Source ({}) does not exist", src.display())));
        }
        if !is_dir(host, &src)? {
            return Err(Failure::new(format!("Source ({}) is not a directory", src.display())));
        }
        let mut fragments = Fragments::new(args.delimiter.as_deref(), args.regexp.as_deref(), args.ignore_hidden)?;
        for name in host.list(&src).map_err(failed("reading the directory failed", &src))? {
            let path = src.join(&name);
            let info = host.stat(&path).map_err(failed("stat failed", &path))?;
            if info.is_some_and(|info| info.kind == FileKind::File) && fragments.takes(&name.to_string_lossy())? {
                fragments.add(&host.read(&path).map_err(failed("reading failed", &path))?);
            }
        }
        let content = fragments.finish();
        let sha1 = hex(&Sha1::digest(&content));
        let there = exists(host, &dest)?;
        let differs = !there || of_file(host, &dest, Algorithm::Sha1)? != sha1;
        let wanted = args.wanted();
        let differences = wanted.differences(host, &dest)?;
        let mut diff = Vec::new();
        if differs {
            let before = (Shown::of_file(host, &dest)?, if there { text(&dest) } else { String::new() });
            diff.push(of_contents(before, (Shown::of_bytes(&content), text(&src))));
        } else if !differences.is_empty() {
            diff.push(of_maps(&differences.before, &differences.after));
        }
        let mut returns = Map::from([
            ("src".into(), Value::from(text(&src))),
            ("dest".into(), text(&dest).into()),
            ("checksum".into(), sha1.into()),
            ("md5sum".into(), hex(&Md5::digest(&content)).into()),
            ("msg".into(), "OK".into()),
        ]);
        returns.extend(entries(host, &dest)?);
        let content = differs.then_some(content);
        Ok(Scene { dest, content, attributes: !differences.is_empty(), diff, returns })
    }

    fn plan(&self, _: &Args, scene: &Scene) -> Result<Plan<Change>, Failure> {
        let changes = match (&scene.content, scene.attributes) {
            (Some(content), _) => vec![Change::Place(scene.dest.clone(), content.clone())],
            (None, true) => vec![Change::Attributes(scene.dest.clone())],
            (None, false) => Vec::new(),
        };
        Ok(Plan { changes, diff: scene.diff.clone(), returns: scene.returns.clone(), ..Plan::default() })
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        let wanted: Wanted = args.wanted();
        let mut outcome = Outcome::new();
        for change in &plan.changes {
            let path = match change {
                Change::Attributes(path) => {
                    wanted.ensure(host, path)?;
                    path
                }
                Change::Place(path, content) => {
                    let how = Put {
                        wanted: wanted.clone(),
                        backup: args.backup,
                        validate: args.validate.clone(),
                        unsafe_writes: args.unsafe_writes,
                        fresh: None,
                    };
                    outcome.returns.extend(put(host, path, &mut content.as_slice(), &how)?);
                    path
                }
            };
            outcome.returns.extend(entries(host, path)?);
        }
        Ok(outcome)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};

    #[test]
    fn joins_what_fits() {
        let host = FakeHost::new()
            .with_file("/srv/d/02", "b", 0o644)
            .with_file("/srv/d/01", "a", 0o644)
            .with_file("/srv/d/.03", "c\n", 0o644)
            .with_file("/srv/d/x", "no", 0o644);
        let args: Map = [
            ("src", "/srv/d"),
            ("dest", "/etc/f"),
            ("delimiter", "--\\t"),
            ("regexp", "\\d"),
            ("ignore_hidden", "yes"),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), Value::str(value)))
        .collect();
        let run = || Assemble.run(&args, RunFlags::default(), &host).unwrap().result;
        let first = run();
        assert_eq!(host.text("/etc/f").unwrap(), "a\n--\t\nb");
        assert_eq!((first.get("changed"), first.get("state")), (Some(&Value::Bool(true)), Some(&"file".into())));
        assert_eq!(run().get("changed"), Some(&Value::Bool(false)));
    }
}
