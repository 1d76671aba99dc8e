//! `copy`: content from the controller, or from elsewhere on the host, to where it belongs.
//!
//! The action finds the content on the controller and offers it; the module, on the host, compares
//! and puts it in place. A directory with all in it is one request.

mod action;
mod change;
mod local_tree;
mod python_json;
mod remote_source;
mod remote_tree;
mod single;
mod tree;

pub use action::{CopyAction, host_args, mode_of, offer};
pub use change::{Change, Placing, Scene, Source};

use crate::module::{BlobRef, Failure, Host, Mode, Module, ModuleSpec, Outcome, Plan};
use crate::modules::file::attributes::file_args;
use crate::value::Value;
use std::path::PathBuf;

file_args! {
    /// What the action asks of the host.
    pub struct HostArgs {
        /// The path on the host.
        dest: PathBuf,
        /// The content that goes to dest.
        content_blob: Option<BlobRef>,
        /// The name that the content gets when dest is a directory.
        original_basename: Option<String>,
        /// What the content is, for the result and the diff.
        src: Option<String>,
        /// What the diff calls the new content.
        after_header: Option<String>,
        /// Read contents for the diff.
        show_diff: bool = false,
        /// Copy from src on the host itself.
        remote_src: bool = false,
        /// Files below dest: maps with path, blob and mode.
        files: Option<Vec<Value>>,
        /// Directories below dest.
        directories: Vec<String> = Vec::<String>::new(),
        /// Links below dest: maps with path and target.
        links: Vec<Value> = Vec::<Value>::new(),
        /// Keep the old content beside it.
        backup: bool = false,
        /// Replace content that differs.
        force: bool = true,
        /// Write to what a link at dest leads to.
        follow: bool = false,
        /// Follow links in a source directory on the host.
        local_follow: Option<bool>,
        /// A command that must accept the new content.
        validate: Option<String>,
        /// The SHA-1 checksum that the content must have.
        checksum: Option<String>,
        /// The permissions of directories that are made.
        directory_mode: Option<Mode>,
    }
}

/// The host's half of `copy`.
pub struct Copy;

impl Module for Copy {
    type Args = HostArgs;
    type State = Scene;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec { notes: "", ..action::SPEC };

    fn observe(&self, args: &HostArgs, host: &dyn Host) -> Result<Scene, Failure> {
        match (&args.content_blob, &args.files) {
            (Some(blob), _) => single::observe(args, host, blob),
            (None, Some(files)) => tree::observe(args, host, files),
            (None, None) if args.remote_src => remote_source::observe(args, host),
            (None, None) => Err(Failure::new("src (or content) is required")),
        }
    }

    fn plan(&self, _: &HostArgs, scene: &Scene) -> Result<Plan<Change>, Failure> {
        Ok(scene.plan())
    }

    fn apply(&self, _: &HostArgs, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        change::apply(host, &plan.changes, &plan.returns)
    }
}

#[cfg(test)]
mod tests;
