//! The built-in modules: one file or folder each, and the registry that lists them.

pub mod add_host;
pub mod assemble;
pub mod assert;
pub mod blockinfile;
pub mod command;
pub mod copy;
pub mod debug;
pub mod fail;
pub mod fetch;
pub mod file;
pub mod find;
pub mod get_url;
pub mod group;
pub mod group_by;
pub mod hostname;
pub mod include_vars;
pub mod ini_file;
pub mod lineinfile;
pub mod pam_limits;
pub mod pause;
pub mod ping;
pub mod pip;
pub mod raw;
pub mod replace;
pub mod script;
pub mod service;
pub mod set_fact;
pub mod set_stats;
pub mod setup;
pub mod slurp;
pub mod stat;
pub mod tempfile;
pub mod template;
pub mod unarchive;
pub mod uri;
pub mod user;
pub mod validate_argument_spec;
pub mod wait_for;
pub mod wait_for_connection;

mod clock;
mod expand;
mod program;
mod python_regex;
mod registry;
mod web;
mod wildcard;
mod words;
#[cfg(test)]
mod task_door;

pub use registry::{Catalog, Entry, LightModules, WholeModules, all, find};
