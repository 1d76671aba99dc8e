//! One connection and agent per target, opened when first needed and shared by all workers.

use super::Project;
use crate::agent::{AgentClient, AgentError, Become, BecomeMethod};
use crate::module::Output;
use crate::transport::{self, CancelToken, Target, TransportError};
use std::sync::{Arc, Mutex, PoisonError};

/// A target's place: locked while one worker opens the connection and others wait for it.
#[derive(Default)]
struct Place(Mutex<Option<AgentClient>>);

/// Why a raw command could not be run.
pub(super) enum RawError {
    /// The method cannot be used without an agent.
    Become(BecomeMethod),
    Transport(TransportError),
}

/// The command line, and what sudo reads from its standard input.
fn raw_line(become_as: Option<&Become>, command: &str) -> Result<(String, String), RawError> {
    let Some(become_as) = become_as else { return Ok((command.to_owned(), String::new())) };
    if become_as.method != BecomeMethod::Sudo {
        return Err(RawError::Become(become_as.method));
    }
    let exe = become_as.exe.as_deref().unwrap_or("sudo");
    let flags = become_as.flags.as_deref().unwrap_or("-H");
    let (ask, stdin) = match &become_as.password {
        Some(password) => ("-S -p ''", format!("{}\n", password.expose())),
        None => ("-n", String::new()),
    };
    let user = transport::shell_quote(&become_as.user);
    Ok((format!("{exe} {flags} {ask} -u {user} /bin/sh -c {}", transport::shell_quote(command)), stdin))
}

/// All connections of a run.
pub struct Connections {
    places: Mutex<Vec<(Target, Arc<Place>)>>,
    cancel: CancelToken,
}

impl Connections {
    /// None yet; all end when `cancel` says so.
    pub fn new(cancel: CancelToken) -> Connections {
        Connections { places: Mutex::default(), cancel }
    }

    fn place(&self, target: &Target) -> Arc<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, place)) = places.iter().find(|(known, _)| known == target) {
            return place.clone();
        }
        let place = Arc::new(Place::default());
        places.push((target.clone(), place.clone()));
        place
    }

    /// The agent at a target, connecting if there is none or it died.
    ///
    /// # Errors
    /// Why it cannot be reached or started.
    pub fn agent(&self, target: &Target, project: &Project) -> Result<AgentClient, AgentError> {
        let place = self.place(target);
        let mut slot = place.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = slot.as_ref().filter(|agent| agent.is_alive()) {
            return Ok(agent.clone());
        }
        let agent = AgentClient::connect(target, &project.payload, project.blobs.clone(), &self.cancel)?;
        *slot = Some(agent.clone());
        Ok(agent)
    }

    /// Runs a command line through the transport alone.
    ///
    /// # Errors
    /// Why the host cannot be reached.
    pub(super) fn raw(
        &self,
        target: &Target,
        become_as: Option<&Become>,
        command: &str,
        cancel: &CancelToken,
    ) -> Result<Output, RawError> {
        let (line, stdin) = raw_line(become_as, command)?;
        let connection = transport::open(target, cancel).map_err(RawError::Transport)?;
        let output = connection.exec(&line, stdin.as_bytes(), cancel).map_err(RawError::Transport)?;
        connection.close();
        Ok(output)
    }

    /// Drops the connection to a target; the next use makes a new one.
    pub fn reset(&self, target: &Target) {
        let place = self.place(target);
        let agent = place.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(agent) = agent {
            agent.close();
        }
    }

    /// Closes all.
    pub fn close(&self) {
        let places = std::mem::take(&mut *self.places.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, place) in places {
            if let Some(agent) = place.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
                agent.close();
            }
        }
    }
}
