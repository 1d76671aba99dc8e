//! Why a host's agent cannot do what it was asked. The messages are what the operator reads.

use crate::transport::TransportError;

/// Why a host's agent cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The host cannot be reached, or does not let us in.
    #[error("{0}")]
    Unreachable(#[source] TransportError),
    /// The agent ended while it was needed.
    #[error("the agent on {host} ended: {reason}")]
    Died {
        /// The host.
        host: String,
        /// What is known.
        reason: String,
    },
    /// The host says nothing any more.
    #[error("{host} has given no sign of life for {seconds} seconds")]
    Silent {
        /// The host.
        host: String,
        /// How long.
        seconds: u64,
    },
    /// The agent could not be started.
    #[error("the agent does not start on {host}: {reason}")]
    NoStart {
        /// The host.
        host: String,
        /// What the host said.
        reason: String,
    },
    /// The user could not be become. A failure of the task, as under Ansible.
    #[error("cannot become {user} by {method} on {host}: {reason}")]
    BecomeFailed {
        /// The host.
        host: String,
        /// The method's name.
        method: &'static str,
        /// The user.
        user: String,
        /// «Missing sudo password», «Incorrect sudo password», or what the program said.
        reason: String,
    },
    /// There is no agent for the host's processor.
    #[error("{host} is a {arch} machine, and there is no agent for it: {wanted} is missing")]
    WrongArch {
        /// The host.
        host: String,
        /// What uname says.
        arch: String,
        /// The file that is missing.
        wanted: String,
    },
    /// The file to send is missing on this side.
    #[error("the agent's program cannot be read: {0}")]
    NoPayload(String),
    /// No directory on the host takes programs.
    #[error("no directory on {host} can hold the agent: {tried}")]
    NoWritableDir {
        /// The host.
        host: String,
        /// Each directory with its reason.
        tried: String,
    },
    /// The agent's program could not be put there.
    #[error("cannot send the agent to {host}: {reason}")]
    Upload {
        /// The host.
        host: String,
        /// What the host said.
        reason: String,
    },
    /// The two sides do not understand each other.
    #[error("the agent on {host} says what this rplay does not understand: {reason}")]
    Protocol {
        /// The host.
        host: String,
        /// What it was.
        reason: String,
    },
    /// Someone gave up.
    #[error("cancelled")]
    Cancelled,
}

impl AgentError {
    /// Whether the host counts as unreachable, not as failed.
    pub fn is_unreachable(&self) -> bool {
        match self {
            AgentError::BecomeFailed { .. } | AgentError::Cancelled => false,
            AgentError::Unreachable(error) => !matches!(error, TransportError::Cancelled),
            _ => true,
        }
    }

    /// Whether a new connection may work where this one did not: the agent or the way to it is gone.
    pub fn is_lost(&self) -> bool {
        matches!(
            self,
            AgentError::Died { .. } | AgentError::Silent { .. } | AgentError::Unreachable(TransportError::Lost { .. })
        )
    }
}

impl From<TransportError> for AgentError {
    fn from(error: TransportError) -> AgentError {
        match error {
            TransportError::Cancelled => AgentError::Cancelled,
            error => AgentError::Unreachable(error),
        }
    }
}
