//! Warnings: gathered while files are read, sent to the report while tasks run.

use crate::run::Event;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Sink {
    gathered: Vec<String>,
    events: Option<Sender<Event>>,
}

/// Where warnings go. Clones share it.
#[derive(Clone, Default)]
pub struct Warnings(Arc<Mutex<Sink>>);

impl Warnings {
    fn lock(&self) -> MutexGuard<'_, Sink> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a warning.
    pub fn warn(&self, message: impl Into<String>) {
        let mut sink = self.lock();
        let message = message.into();
        match &sink.events {
            // A report that is gone already loses nothing.
            Some(events) => drop(events.send(Event::Warning(message))),
            None => sink.gathered.push(message),
        }
    }

    /// From now on warnings are events; those gathered so far are the first.
    pub fn send_to(&self, events: Sender<Event>) {
        let mut sink = self.lock();
        for message in sink.gathered.drain(..) {
            let _ = events.send(Event::Warning(message));
        }
        sink.events = Some(events);
    }

    /// Lets go of the report.
    pub fn stop(&self) {
        self.lock().events = None;
    }

    /// Those gathered and not sent.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().gathered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_ones_are_not_lost() {
        let warnings = Warnings::default();
        warnings.warn("a");
        let (events, inbox) = std::sync::mpsc::channel();
        warnings.send_to(events);
        warnings.warn("b");
        warnings.stop();
        let texts: Vec<String> = inbox
            .iter()
            .filter_map(|event| match event {
                Event::Warning(text) => Some(text),
                _ => None,
            })
            .collect();
        assert_eq!(texts, ["a", "b"]);
        assert!(warnings.take().is_empty());
    }
}
