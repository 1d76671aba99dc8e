//! A directory of the controller with all in it, to a directory of the host.

use super::HostArgs;
use super::change::{Change, Scene, Source};
use super::single::{FileJob, Found, Observed, directory_wanted, make_dirs, observe_file};
use crate::module::{BlobRef, Failure, FromArg, Host, Mode};
use crate::modules::file::attributes::Wanted;
use crate::modules::file::errno::failed;
use crate::modules::file::info::{entries, state};
use crate::modules::file::paths::{exists, expand, has_trailing_slash, is_dir, real, text};
use crate::modules::file::step::Step;
use crate::value::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) fn observe(args: &HostArgs, host: &dyn Host, files: &[Value]) -> Result<Scene, Failure> {
    let mut scene = Scene::default();
    let mut made = BTreeSet::new();
    let mut base = expand(host, &args.dest);
    if !has_trailing_slash(&base) {
        base.as_mut_os_string().push("/");
    }
    // Links at the destination are followed where no directories come with the files, as in Ansible.
    let follow = args.follow && args.directories.is_empty();
    let mut last = None;
    for file in files {
        let relative = field(file, "path")?;
        let blob = file
            .get("blob")
            .ok_or_else(|| malformed("blob"))
            .and_then(|blob| BlobRef::from_arg(blob).map_err(|_| malformed("blob")))?;
        let mut wanted = args.wanted();
        if let Some(mode) = file.get("mode") {
            wanted.mode = Some(Mode::from_arg(mode).map_err(|_| malformed("mode"))?);
        }
        let dest = base.join(relative);
        let header = file.get("src").and_then(Value::as_str).unwrap_or(relative).to_owned();
        parents(args, host, &mut scene, &mut made, &dest)?;
        let job = FileJob { source: Source::Blob(blob), dest, wanted, follow, header };
        last = Some(observe_file(args, host, &mut scene, job)?);
    }
    for directory in &args.directories {
        observe_directory(args, host, &mut scene, &mut made, &base.join(directory))?;
    }
    for link in &args.links {
        let path = base.join(field(link, "path")?);
        parents(args, host, &mut scene, &mut made, &path)?;
        observe_link(args, host, &mut scene, &path, Path::new(field(link, "target")?))?;
    }
    scene.returns.insert("dest".into(), text(&base).into());
    scene.returns.insert("src".into(), args.src.clone().into());
    let lists = (last, files, args.directories.as_slice(), args.links.as_slice());
    if let (Some(Observed { dest, outcome }), [file], [], []) = lists {
        if outcome == Found::Same {
            scene.returns.insert("path".into(), text(&dest).into());
            scene.returns.shift_remove("src");
        }
        let sha1 = file.get("blob").and_then(|blob| blob.get("sha1")).cloned().unwrap_or_default();
        scene.returns.insert("dest".into(), text(&dest).into());
        scene.returns.insert("checksum".into(), sha1);
        scene.returns.extend(entries(host, &dest)?);
    }
    Ok(scene)
}

fn malformed(what: &str) -> Failure {
    Failure::new(format!("an entry of the directory lacks its {what}"))
}

fn field<'a>(entry: &'a Value, name: &str) -> Result<&'a str, Failure> {
    entry.get(name).and_then(Value::as_str).ok_or_else(|| malformed(name))
}

/// Adds the change that makes the directory above a path, once.
fn parents(
    args: &HostArgs,
    host: &dyn Host,
    scene: &mut Scene,
    made: &mut BTreeSet<PathBuf>,
    path: &Path,
) -> Result<(), Failure> {
    let Some(parent) = path.parent() else { return Ok(()) };
    if !made.contains(parent) && !exists(host, parent)? {
        scene.changes.push(make_dirs(args, parent));
        made.extend(parent.ancestors().map(Path::to_owned));
    }
    Ok(())
}

fn observe_directory(
    args: &HostArgs,
    host: &dyn Host,
    scene: &mut Scene,
    made: &mut BTreeSet<PathBuf>,
    path: &Path,
) -> Result<(), Failure> {
    if made.contains(path) {
        return Ok(());
    }
    let path = real(host, path);
    match state(host, &path)? {
        "absent" => {
            scene.changes.push(make_dirs(args, &path));
            made.extend(path.ancestors().map(Path::to_owned));
            Ok(())
        }
        "directory" => scene.attributes(host, &path, &directory_wanted(args)),
        other => {
            let msg = format!("{} already exists as a {other}", path.display());
            Err(Failure::new(msg).with("path", text(&path)))
        }
    }
}

fn observe_link(
    args: &HostArgs,
    host: &dyn Host,
    scene: &mut Scene,
    path: &Path,
    target: &Path,
) -> Result<(), Failure> {
    let present = state(host, path)?;
    let kept = present == "link" && host.read_link(path).map_err(failed("reading the link failed", path))? == target;
    if !kept {
        let replaces_directory = present == "directory";
        if is_dir(host, path)? && replaces_directory {
            let inside = host.list(path).map_err(failed("reading the directory failed", path))?;
            if !inside.is_empty() {
                let msg = format!("the directory {} is not empty, refusing to convert it", path.display());
                return Err(Failure::new(msg).with("path", text(path)));
            }
        }
        let step = Step::Link { target: target.to_owned(), path: path.to_owned(), replaces_directory };
        scene.changes.push(Change::Step(step, Wanted::default()));
    }
    // A link has an owner of its own, but no mode.
    let wanted = Wanted { mode: None, attributes: None, ..args.wanted() };
    match kept {
        true => scene.attributes(host, path, &wanted),
        false if wanted.is_empty() => Ok(()),
        false => {
            scene.changes.push(Change::Step(Step::Attributes { path: path.to_owned() }, wanted));
            Ok(())
        }
    }
}
