//! The built-in modules: one file or folder each, and the registry that lists them.

pub mod add_host;
pub mod assert;
pub mod blockinfile;
pub mod command;
pub mod copy;
pub mod debug;
pub mod fail;
pub mod file;
pub mod get_url;
pub mod group;
pub mod group_by;
pub mod include_vars;
pub mod ini_file;
pub mod lineinfile;
pub mod pause;
pub mod replace;
pub mod set_fact;
pub mod set_stats;
pub mod setup;
pub mod slurp;
pub mod stat;
pub mod template;
pub mod uri;
pub mod validate_argument_spec;

mod clock;
mod expand;
mod program;
mod python_regex;
mod registry;
#[cfg(test)]
mod task_door;
mod web;
mod wildcard;
mod words;

pub use registry::{Catalog, Entry, LightModules, WholeModules, all, find};
