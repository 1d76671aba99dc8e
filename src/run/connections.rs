//! One connection and agent per target, opened when first needed and shared by all workers.

use super::Project;
use crate::agent::{AgentClient, AgentError};
use crate::transport::{CancelToken, Target};
use std::sync::{Arc, Mutex, PoisonError};

/// A target's place: locked while one worker opens the connection and others wait for it.
#[derive(Default)]
struct Place(Mutex<Option<AgentClient>>);

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
