//! `state: hard`: another name of a file.

use super::errno::failed;
use super::paths::{exists, real, text};
use super::step::{Scene, Step};
use super::{Task, stat_failed};
use crate::module::{Failure, FileInfo, FileKind};
use std::path::Path;

pub(super) fn observe(task: &Task<'_>) -> Result<Scene, Failure> {
    let (host, path, args) = (task.host, &task.path, task.args);
    let stat = |path: &Path| host.stat(path).map_err(stat_failed(path));
    let target = args.src.as_ref().map(|src| super::expand(host, src));
    let refuse = |msg: String| {
        let failure = Failure::new(msg).with("dest", text(path));
        match &target {
            Some(target) => failure.with("src", text(target)),
            None => failure,
        }
    };
    let Some(target) = &target else {
        return match task.present {
            "hard" => finish(task, task.scene(path, "hard", task.present), None),
            _ => Err(refuse("src is required for creating new hardlinks".into())),
        };
    };
    if !exists(host, target)? {
        return Err(refuse("src does not exist".into()));
    }
    let same = match (stat(path)?, stat(target)?) {
        (Some(a), Some(b)) => is_same(&a, &b),
        _ => false,
    };
    let mut scene = task.scene(path, "hard", task.present);
    let changes = match task.present {
        "absent" => true,
        "link" => {
            let old = host.read_link(path).map_err(failed("reading the link failed", path))?;
            if old != *target {
                scene.differ("src", text(&old), text(target));
            }
            old != *target
        }
        "hard" if !same && !args.force => {
            return Err(refuse("Cannot link, different hard link exists at destination".into()));
        }
        "hard" => !same,
        "file" if !args.force => return Err(refuse("Cannot link, file exists at destination".into())),
        "directory" => return Err(refuse("Cannot link: different hard link exists at destination".into())),
        _ => true,
    };
    if changes {
        // A link as the source means what it leads to.
        let target = if args.follow { real(host, target) } else { target.clone() };
        if host.lstat(&target).map_err(stat_failed(&target))?.is_some_and(|info| info.kind == FileKind::Directory) {
            return Err(refuse(format!("Error while linking: {} is a directory", target.display())));
        }
        scene.steps.push(Step::HardLink { target, path: path.clone() });
    }
    finish(task, scene, Some(target))
}

fn finish(task: &Task<'_>, mut scene: Scene, target: Option<&Path>) -> Result<Scene, Failure> {
    // One file by two names: its attributes are there before the second name is.
    let subject = target.unwrap_or(&task.path);
    scene.attributes(task.host, subject, &task.wanted, &task.times)?;
    scene.report(task.host, "dest", &task.path)?;
    scene.returns.insert("src".into(), target.map(text).into());
    Ok(scene)
}

fn is_same(a: &FileInfo, b: &FileInfo) -> bool {
    (a.device, a.inode) == (b.device, b.inode)
}
