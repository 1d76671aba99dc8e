//! `file`: what is at a path (file, directory, link, nothing), and what all modules that make files share.

pub mod attributes;
pub mod backup;
pub mod checksum;
pub mod content;
pub mod diff;
pub mod edit;
pub mod encoding;
pub mod errno;
mod hard_link;
pub mod info;
mod link;
pub mod mode;
pub mod paths;
pub mod selinux;
pub mod step;
pub mod time;
mod tree;
pub mod validate;

use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec};
use crate::value::Map;
use attributes::{Wanted, file_args};
use errno::failed;
use paths::{expand, text};
use std::path::{Path, PathBuf};
use step::{Scene, Step, Times};

crate::arg_choices! {
    /// What should be at the path.
    pub enum State {
        Absent = "absent",
        Directory = "directory",
        File = "file",
        Hard = "hard",
        Link = "link",
        Touch = "touch",
    }
}

file_args! {
    /// Arguments of `file`.
    pub struct Args {
        /// The path.
        [aliases("dest", "name")] path: PathBuf,
        /// What should be there. absent: nothing (a directory goes with all in it). directory: a
        /// directory, made with its parents. file: a file that is there already (this makes none).
        /// link and hard: a link to src. touch: an empty file, or a fresh time stamp. Without it:
        /// what is there, else directory with recurse, else file.
        state: Option<State>,
        /// Where a link leads. Relative to the link's directory for symbolic links.
        src: Option<PathBuf>,
        /// Set owner, group, mode and so on of everything below a directory too.
        recurse: bool = false,
        /// Make a link to what is not there yet, or in place of a file.
        force: bool = false,
        /// When the path is a link, set the attributes of what it leads to.
        follow: bool = true,
        /// The modification time: preserve, now, or a time in modification_time_format.
        modification_time: Option<String>,
        /// How modification_time is written, as for strptime(3).
        modification_time_format: String = "%Y%m%d%H%M.%S",
        /// The access time: preserve, now, or a time in access_time_format.
        access_time: Option<String>,
        /// How access_time is written, as for strptime(3).
        access_time_format: String = "%Y%m%d%H%M.%S",
    }
}

/// The module.
pub struct File;

impl Module for File {
    type Args = Args;
    type State = Scene;
    type Change = Step;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.file",
        aliases: &["file", "ansible.legacy.file"],
        summary: "Makes directories and links, removes paths, and sets owner, group and mode.",
        returns: &[
            ReturnSpec { name: "dest", doc: "The path, for state touch, link and hard." },
            ReturnSpec { name: "path", doc: "The path, for the other states." },
            ReturnSpec { name: "state", doc: "What is there: file, directory, link, hard or absent." },
            ReturnSpec { name: "mode", doc: "The permissions, such as '0644'; with uid, gid, owner, group and size." },
        ],
        examples: &[
            Example {
                title: "A directory that belongs to a service",
                yaml: "ansible.builtin.file:\n  path: /etc/airflow\n  state: directory\n  owner: airflow\n  mode: '0750'\n",
            },
            Example {
                title: "A symbolic link",
                yaml: "ansible.builtin.file:\n  src: /opt/app/current\n  dest: /srv/app\n  state: link\n",
            },
            Example { title: "Nothing there", yaml: "ansible.builtin.file:\n  path: /tmp/old\n  state: absent\n" },
        ],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Scene, Failure> {
        Task::new(args, host).and_then(Task::observe).map_err(|failure| info::described(host, failure))
    }

    fn plan(&self, _: &Args, scene: &Scene) -> Result<Plan<Step>, Failure> {
        Ok(scene.plan())
    }

    fn apply(&self, args: &Args, plan: &Plan<Step>, host: &dyn Host) -> Result<Outcome, Failure> {
        let wanted = args.wanted();
        let applied = plan.changes.iter().try_for_each(|step| step.apply(host, &wanted));
        applied.map_err(|failure| info::described(host, failure))?;
        step::outcome(host, &plan.returns)
    }
}

/// One task: its arguments with defaults that depend on the host.
struct Task<'a> {
    host: &'a dyn Host,
    args: &'a Args,
    wanted: Wanted,
    path: PathBuf,
    present: &'static str,
    state: State,
    times: Times,
}

impl<'a> Task<'a> {
    fn new(args: &'a Args, host: &'a dyn Host) -> Result<Task<'a>, Failure> {
        let mut path = expand(host, &args.path);
        let given = args.state;
        if !matches!(given, Some(State::Link | State::Absent)) {
            let into = args.src.as_deref().and_then(Path::file_name);
            if let (Some(name), true) = (into, paths::is_dir(host, &path)?) {
                path.push(name);
            }
        }
        let present = info::state(host, &path)?;
        let state = given.unwrap_or(match present {
            "absent" if args.recurse => State::Directory,
            "directory" => State::Directory,
            "link" => State::Link,
            "hard" => State::Hard,
            _ => State::File,
        });
        let refuse = |msg: &str| Err(Failure::new(msg).with("path", text(&path)));
        if args.recurse && state != State::Directory {
            return refuse("recurse option requires state to be 'directory'");
        }
        if args.src.is_some() && !matches!(state, State::Link | State::Hard) {
            return refuse("src option requires state to be 'link' or 'hard'");
        }
        let times = Times::new(args, state)?;
        Ok(Task { host, args, wanted: args.wanted(), path, present, state, times })
    }

    fn observe(self) -> Result<Scene, Failure> {
        match self.state {
            State::Absent => self.absent(),
            State::File => self.file(),
            State::Directory => self.directory(),
            State::Touch => self.touch(),
            State::Link => link::observe(&self),
            State::Hard => hard_link::observe(&self),
        }
    }

    /// A scene with the difference of states, as in Ansible's diff, if there is one.
    fn scene(&self, path: &Path, becomes: &str, present: &str) -> Scene {
        let mut scene = Scene::new(path);
        if becomes != present {
            scene.differ("state", present, becomes);
        }
        scene
    }

    /// The path that attributes are set on: what a link leads to when links are followed.
    fn followed(&self) -> Result<PathBuf, Failure> {
        if self.args.follow && self.present == "link" {
            return Ok(paths::real(self.host, &self.path));
        }
        Ok(self.path.clone())
    }

    fn absent(&self) -> Result<Scene, Failure> {
        let mut scene = self.scene(&self.path, "absent", self.present);
        if self.present == "directory" {
            scene.before.insert("path_content".into(), tree::listing(self.host, &self.path)?);
        }
        if self.present != "absent" {
            scene.steps.push(Step::Remove { path: self.path.clone(), directory: self.present == "directory" });
        }
        scene.returns = Map::from([("path".into(), text(&self.path).into()), ("state".into(), "absent".into())]);
        Ok(scene)
    }

    fn file(&self) -> Result<Scene, Failure> {
        let path = self.followed()?;
        let present = info::state(self.host, &path)?;
        if !matches!(present, "file" | "hard") {
            let msg = format!("file ({}) is {present}, cannot continue", path.display());
            return Err(Failure::new(msg).with("path", text(&path)).with("state", present));
        }
        let mut scene = self.scene(&path, "file", present);
        // A hard link is a file: that alone is no change.
        scene.attributes(self.host, &path, &self.wanted, &self.times)?;
        scene.report(self.host, "path", &path)?;
        Ok(scene)
    }

    fn directory(&self) -> Result<Scene, Failure> {
        let path = self.followed()?;
        let present = info::state(self.host, &path)?;
        let mut scene = self.scene(&path, "directory", present);
        match present {
            "absent" => {
                scene.steps.push(Step::MakeDirs { path: path.clone() });
                scene.steps.extend(self.times.step(self.host, &path, true)?);
            }
            "directory" => {
                scene.attributes(self.host, &path, &self.wanted, &self.times)?;
                if self.args.recurse {
                    let walk = tree::Walk::new(self.host, &self.wanted, &self.times, self.args.follow);
                    scene.steps.extend(walk.steps(&path)?);
                }
            }
            other => {
                let msg = format!("{} already exists as a {other}", path.display());
                return Err(Failure::new(msg).with("path", text(&path)));
            }
        }
        scene.report(self.host, "path", &path)?;
        Ok(scene)
    }

    fn touch(&self) -> Result<Scene, Failure> {
        let path = self.followed()?;
        let mut scene = self.scene(&self.path, "touch", self.present);
        if self.present == "absent" {
            scene.steps.push(Step::MakeFile { path: path.clone() });
            scene.steps.extend(self.times.explicit_step(self.host, &path)?);
        } else {
            scene.attributes(self.host, &path, &self.wanted, &self.times)?;
        }
        scene.report(self.host, "dest", &self.path)?;
        Ok(scene)
    }
}

/// The failure of a path that cannot be looked at.
fn stat_failed(path: &Path) -> impl Fn(std::io::Error) -> Failure + '_ {
    failed("stat failed", path)
}

#[cfg(test)]
mod tests;
