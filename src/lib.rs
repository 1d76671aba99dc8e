//! rplay runs Ansible playbooks as a graph of tasks across hosts. ARCHITECTURE.md has the map.

// The macros of floor 2 name this crate by its name, in it and in plug-ins.
extern crate self as rplay;

pub mod source;
pub mod value;

pub mod template;
pub mod vault;
pub mod yaml;

pub mod inventory;
pub mod module;
pub mod playbook;
pub mod vars;

pub mod plan;

pub mod agent;
pub mod modules;
pub mod project;
pub mod transport;

pub mod report;
pub mod run;

pub mod cli;
