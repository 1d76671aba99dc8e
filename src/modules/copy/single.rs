//! One content from the controller to one path.

use super::HostArgs;
use super::change::{Change, Placing, Scene, Source};
use crate::module::{BlobRef, Failure, FileKind, Host};
use crate::modules::file::attributes::Wanted;
use crate::modules::file::checksum::{Algorithm, of_file};
use crate::modules::file::content::Put;
use crate::modules::file::errno::failed;
use crate::modules::file::info::entries;
use crate::modules::file::paths::{exists, expand, has_trailing_slash, is_dir, is_link, real, text};
use crate::modules::file::step::Step;
use std::path::{Path, PathBuf};

pub(super) fn observe(args: &HostArgs, host: &dyn Host, blob: &BlobRef) -> Result<Scene, Failure> {
    let mut scene = Scene::default();
    let dest = destination(args, host, &mut scene)?;
    let header = args.after_header.clone().or_else(|| args.src.clone()).unwrap_or_default();
    let file = FileJob {
        source: Source::Blob(blob.clone()),
        dest: dest.clone(),
        wanted: args.wanted(),
        follow: args.follow,
        header,
    };
    let found = observe_file(args, host, &mut scene, file)?;
    scene.returns.insert("dest".into(), text(&found.dest).into());
    match found.outcome {
        Found::Kept => {
            scene.returns.insert("src".into(), args.src.clone().into());
            return Ok(scene);
        }
        Found::Same => {
            scene.returns.insert("path".into(), text(&found.dest).into());
        }
        Found::Differs => {
            if let Some(src) = &args.src {
                scene.returns.insert("src".into(), src.as_str().into());
            }
        }
    }
    scene.returns.insert("checksum".into(), blob.sha1.as_str().into());
    scene.returns.extend(entries(host, &found.dest)?);
    Ok(scene)
}

/// The path that the content goes to: below dest when that is a directory, by its spelling or in fact.
fn destination(args: &HostArgs, host: &dyn Host, scene: &mut Scene) -> Result<PathBuf, Failure> {
    let mut dest = expand(host, &args.dest);
    let no_name = || Failure::new("can not use content with a dir as dest");
    if has_trailing_slash(&dest) {
        dest.push(args.original_basename.as_deref().ok_or_else(no_name)?);
        let parent = dest.parent().unwrap_or(Path::new("/"));
        if !exists(host, parent)? {
            scene.changes.push(make_dirs(args, parent));
        }
    }
    if is_dir(host, &dest)? {
        dest.push(args.original_basename.as_deref().and_then(|name| name.rsplit('/').next()).ok_or_else(no_name)?);
    }
    Ok(dest)
}

/// The change that makes a directory with its parents, as the task wants new directories.
pub(super) fn make_dirs(args: &HostArgs, path: &Path) -> Change {
    Change::Step(Step::MakeDirs { path: path.to_owned() }, directory_wanted(args))
}

/// What is wanted of directories: the files' owner and group, and a mode of their own.
pub(super) fn directory_wanted(args: &HostArgs) -> Wanted {
    Wanted { mode: args.directory_mode.clone(), ..args.wanted() }
}

/// A file that should have some content.
pub(super) struct FileJob {
    /// The content.
    pub source: Source,
    /// The path.
    pub dest: PathBuf,
    /// What is wanted beside the content.
    pub wanted: Wanted,
    /// Whether a link at the path stays, and what it leads to is written.
    pub follow: bool,
    /// What the diff calls the new content.
    pub header: String,
}

/// How a file stands to its content.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// It is there, and must not be touched.
    Kept,
    /// The content is there; attributes may differ.
    Same,
    /// The content is not there.
    Differs,
}

/// What became of a [`FileJob`].
pub(super) struct Observed {
    /// The path that is meant in the end.
    pub dest: PathBuf,
    /// How it stands.
    pub outcome: Found,
}

/// Compares, and adds the changes that are needed.
pub(super) fn observe_file(
    args: &HostArgs,
    host: &dyn Host,
    scene: &mut Scene,
    job: FileJob,
) -> Result<Observed, Failure> {
    let mut dest = job.dest;
    let there = exists(host, &dest)?;
    let mut link = is_link(host, &dest)?;
    if there && link && job.follow {
        dest = real(host, &dest);
        link = false;
    }
    if there && !args.force {
        return Ok(Observed { dest, outcome: Found::Kept });
    }
    let sha1 = job.source.sha1(host)?;
    if !link && is_same(host, &dest, &job.source, &sha1)? {
        scene.attributes(host, &dest, &job.wanted)?;
        return Ok(Observed { dest, outcome: Found::Same });
    }
    if let Some(expected) = args.checksum.as_ref().filter(|expected| **expected != sha1) {
        return Err(Failure::new("Copied file does not match the expected checksum. Transfer failed.")
            .with("checksum", sha1)
            .with("expected_checksum", expected.as_str()));
    }
    let placing = Placing {
        source: job.source,
        dest: dest.clone(),
        how: Put {
            wanted: job.wanted,
            backup: args.backup,
            validate: args.validate.clone(),
            unsafe_writes: args.unsafe_writes,
            // A link makes room for a file of its own.
            fresh: link.then(|| 0o666 & !host.umask()),
        },
        times: None,
    };
    if args.show_diff {
        scene.contents(host, &placing, &job.header)?;
    }
    scene.changes.push(Change::Place(Box::new(placing)));
    Ok(Observed { dest, outcome: Found::Differs })
}

/// Whether a file of the host has the content.
pub(super) fn is_same(host: &dyn Host, dest: &Path, source: &Source, sha1: &str) -> Result<bool, Failure> {
    let info = host.stat(dest).map_err(failed("stat failed", dest))?;
    let Some(info) = info.filter(|info| info.kind == FileKind::File) else { return Ok(false) };
    if info.size != source.size(host).map_err(failed("stat failed", dest))? || !host.access(dest, 4) {
        return Ok(false);
    }
    Ok(of_file(host, dest, Algorithm::Sha1)? == sha1)
}
