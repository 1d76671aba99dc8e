//! The task's own check of a new file, before it takes the old one's place.

use super::errno::failed;
use crate::module::{Command, Failure, Host, Output};
use crate::modules::words;
use std::path::Path;

/// Runs `command` with `%s` replaced by the new file. The output, when it did not succeed.
pub fn refused(host: &dyn Host, command: &str, new: &Path) -> Result<Option<Output>, Failure> {
    if !command.contains("%s") {
        return Err(Failure::new(format!("validate must contain %s: {command}")));
    }
    let line = command.replace("%s", &new.to_string_lossy());
    let words = words::split(&line)
        .map_err(|reason| Failure::new(format!("Invalid command syntax in validate: {reason}: {command}")))?;
    let output = host.run(&Command::new(words)).map_err(failed("validate could not be run", new))?;
    Ok((!output.success()).then_some(output))
}
