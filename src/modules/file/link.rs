//! `state: link`: a symbolic link.

use super::Task;
use super::errno::failed;
use super::paths::{exists, real, text};
use super::step::{Scene, Step};
use crate::module::Failure;
use std::path::{Path, PathBuf};

pub(super) fn observe(task: &Task<'_>) -> Result<Scene, Failure> {
    let (host, path, args) = (task.host, &task.path, task.args);
    let refuse = |msg: String| Failure::new(msg).with("path", text(path));
    let there = exists(host, path)?;
    let present_target = (task.present == "link").then(|| host.read_link(path)).transpose();
    let present_target = present_target.map_err(failed("reading the link failed", path))?;
    // Where no target is given, an existing link keeps its own.
    let target: Option<PathBuf> = match &args.src {
        Some(src) => Some(super::expand(host, src)),
        None if args.follow && there => present_target.clone(),
        None => None,
    };
    let base: &Path = if task.present == "directory" { path } else { path.parent().unwrap_or(Path::new("/")) };
    if let Some(target) = target.as_ref().filter(|_| !args.force) {
        let absolute = base.join(target);
        if !exists(host, &absolute)? {
            let msg = format!(
                "src file does not exist, use 'force=yes' if you really want to create the link: {}",
                absolute.display()
            );
            return Err(refuse(msg).with("src", text(target)));
        }
    }
    match task.present {
        "directory" if !args.force => {
            return Err(refuse(format!("refusing to convert from directory to symlink for {}", path.display())));
        }
        "directory" if !host.list(path).map_err(failed("reading the directory failed", path))?.is_empty() => {
            return Err(refuse(format!("the directory {} is not empty, refusing to convert it", path.display())));
        }
        "file" | "hard" if !args.force => {
            let msg = format!("refusing to convert from {} to symlink for {}", task.present, path.display());
            return Err(refuse(msg));
        }
        _ => {}
    }
    let replaces_directory = task.present == "directory";
    let mut scene = task.scene(path, "link", task.present);
    let mut changes = task.present != "link";
    if let (Some(old), Some(new)) = (&present_target, &target)
        && old != new
    {
        scene.differ("src", text(old), text(new));
        changes = true;
    }
    if changes {
        let target = target.clone().ok_or_else(|| Failure::new("src is required for creating new symlinks"))?;
        scene.steps.push(Step::Link { target: target.clone(), path: path.clone(), replaces_directory });
        attributes(task, &mut scene, base.join(target))?;
    } else {
        attributes(task, &mut scene, real(host, path))?;
    }
    match replaces_directory {
        // What is there now says nothing of the link.
        true => drop(scene.returns.insert("dest".into(), text(path).into())),
        false => scene.report(host, "dest", path)?,
    }
    scene.returns.insert("src".into(), target.map(|target| text(&target)).into());
    Ok(scene)
}

/// The attributes are those of what the link leads to, or of the link itself where links are not
/// followed. What a link leads to need not be there.
fn attributes(task: &Task<'_>, scene: &mut Scene, target: PathBuf) -> Result<(), Failure> {
    let host = task.host;
    if task.args.follow {
        let target = real(host, &target);
        return match exists(host, &target)? {
            true => scene.attributes(host, &target, &task.wanted, &task.times),
            false => Ok(()),
        };
    }
    match scene.steps.is_empty() {
        true => scene.attributes(host, &task.path, &task.wanted, &task.times),
        // The link is new: its owner is set once it is there.
        false => {
            scene.steps.push(Step::Attributes { path: task.path.clone() });
            Ok(())
        }
    }
}
