//! SELinux: new files get the context that the policy wants for their path.

use super::Machine;
use crate::module::Host;
use std::path::Path;

/// Whether the kernel enforces or reports an SELinux policy.
pub(super) fn enabled() -> bool {
    Path::new("/sys/fs/selinux/enforce").exists()
}

/// Gives a new file its policy's context. The libraries that know the policy are not linked into a
/// static binary, so the system's restorecon does it; without one the inherited context stays.
pub(super) fn restore(machine: &Machine, path: &Path) {
    if !enabled() {
        return;
    }
    if let Some(restorecon) = machine.which("restorecon") {
        let command = crate::module::Command::new([restorecon.as_os_str(), path.as_os_str()]);
        if let Err(error) = machine.run(&command) {
            tracing::debug!(path = %path.display(), %error, "restorecon could not be run");
        }
    }
}
