//! Exit codes: ansible-playbook's.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Success,
    /// Something is wrong outside the playbooks: a missing file, a wrong password.
    Error,
    /// Tasks failed on hosts.
    Failed,
    /// Hosts could not be reached, or the project's files are wrong.
    Unreachable,
    /// The command line is wrong.
    Options,
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Nobody reads the output any more: as if the signal for that had ended the program.
    Closed,
    /// A mistake in rplay itself.
    Unexpected,
}

impl Exit {
    /// The number.
    pub fn number(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Error => 1,
            Exit::Failed => 2,
            Exit::Unreachable => 4,
            Exit::Options => 5,
            Exit::Interrupted => 99,
            Exit::Closed => 141,
            Exit::Unexpected => 250,
        }
    }

    /// The number as the standard library wants it.
    pub fn code(self) -> ExitCode {
        ExitCode::from(self.number())
    }
}
