//! `rplay graph`: what waits for what, and why.

use super::Exit;
use super::arguments::GraphArguments;
use super::error::CliError;
use super::load::{Purpose, load};
use crate::plan::show;
use crate::project::{Config, Setting};
use std::io::Write;

/// Shows the graph.
pub fn graph(arguments: &GraphArguments) -> Result<Exit, CliError> {
    let config = Config::load();
    let force_handlers = config.flag(Setting::ForceHandlers).unwrap_or(false);
    let loaded = load(&arguments.playbooks, &arguments.options, config, Purpose::Look, force_handlers)?;
    if loaded.report() {
        return Ok(Exit::Unreachable);
    }
    let text = show(&loaded.plan, &loaded.files.map, arguments.format.into());
    match &arguments.out {
        Some(path) => std::fs::write(path, text).map_err(|source| CliError::Write { path: path.clone(), source })?,
        None => {
            if std::io::stdout().lock().write_all(text.as_bytes()).is_err() {
                return Ok(Exit::Closed);
            }
        }
    }
    Ok(Exit::Success)
}
