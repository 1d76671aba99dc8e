//! The only reader of the controller's files: configuration, playbooks, roles, inventories, variables.

mod config;
mod controller;
mod error;
mod fact_cache;
mod files;
mod glob;
mod inventory;
mod library;
mod missing;
mod play;
mod roles;
mod search;
mod tasks;
mod vars;
mod zone;

pub use config::{Config, Setting};
pub use controller::ProjectController;
pub use error::ProjectError;
pub use fact_cache::{FactCache, FactCacheError};
pub use files::Files;
pub use inventory::{InventoryVars, load_inventory};
pub use library::{LIBRARY_PREFIX, Library};
pub use missing::check_missing;
pub use play::{Playbook, PlaybookLoader, absolute, sections};
pub use roles::RoleFiles;
pub use search::{SearchPath, expand_home as expand_home_path, find_in};
pub use tasks::Loader;
pub use vars::{load_vars_file, load_vars_folder, parse_extra_vars};
