//! Services: the modules `systemd` and `service`.

mod generic;
mod systemctl;
mod systemd;
mod sysv;
#[cfg(test)]
mod tests;

pub use generic::Service;
pub use systemd::Systemd;

/// What runs after the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A program.
    Run(Vec<String>),
    /// A pause, in seconds.
    Sleep(u64),
    /// The service is not there: a failure with this message, unless in check mode, where an earlier task may be about
    /// to install it.
    Missing(String),
}

crate::arg_choices! {
    /// What a service should be doing.
    pub enum State { Reloaded = "reloaded", Restarted = "restarted", Started = "started", Stopped = "stopped" }
}
