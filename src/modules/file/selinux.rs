//! SELinux contexts: read and set only where the kernel has a policy.

use super::errno::failed;
use crate::module::{Command, Failure, Host};
use std::path::Path;

/// The parts of a context that a task asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// User, role, type and level; `_default` asks the policy.
    pub parts: [Option<String>; 4],
}

/// Whether the kernel has a policy.
pub fn enabled(host: &dyn Host) -> bool {
    host.stat(Path::new("/sys/fs/selinux/enforce")).is_ok_and(|info| info.is_some())
}

/// The context of a file, `user:role:type:level`; empty when there is none.
pub fn context(host: &dyn Host, path: &Path) -> Result<String, Failure> {
    let mut command = Command::new(["stat", "-c", "%C", "--"]);
    command.argv.push(path.into());
    let output = host.run(&command).map_err(failed("reading the SELinux context failed", path))?;
    let text = output.stdout_text().trim().to_owned();
    Ok(if output.success() && text != "?" { text } else { String::new() })
}

/// The context that a task wants for a file; None when it wants none or there is no policy.
pub fn wanted(host: &dyn Host, path: &Path, wanted: &Context) -> Result<Option<(String, String)>, Failure> {
    if wanted.parts.iter().all(Option::is_none) || !enabled(host) {
        return Ok(None);
    }
    let now = context(host, path)?;
    let mut parts: Vec<String> = now.splitn(4, ':').map(str::to_owned).collect();
    parts.resize(4, String::new());
    let default = match wanted.parts.iter().flatten().any(|part| part == "_default") {
        true => default_context(host, path)?,
        false => Vec::new(),
    };
    for (index, part) in wanted.parts.iter().enumerate() {
        match part.as_deref() {
            Some("_default") => parts[index] = default.get(index).cloned().unwrap_or_default(),
            Some(part) => parts[index] = part.to_owned(),
            None => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    Ok(Some((now, parts.join(":"))))
}

fn default_context(host: &dyn Host, path: &Path) -> Result<Vec<String>, Failure> {
    let mut command = Command::new(["matchpathcon", "-n"]);
    command.argv.push(path.into());
    let output = host.run(&command).map_err(failed("asking the SELinux policy failed", path))?;
    Ok(output.stdout_text().trim().splitn(4, ':').map(str::to_owned).collect())
}

/// Sets a context.
pub fn set(host: &dyn Host, path: &Path, context: &str) -> Result<(), Failure> {
    let mut command = Command::new(["chcon", "-h", "--", context]);
    command.argv.push(path.into());
    let output = host.run(&command).map_err(failed("set selinux context failed", path))?;
    match output.success() {
        true => Ok(()),
        false => Err(Failure::new("set selinux context failed").with("details", output.stderr_text().trim())),
    }
}
