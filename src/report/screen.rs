//! Where the report goes: standard output and error, with the live progress out of the way while
//! something is written or somebody is asked.

use super::progress::Progress;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Pieces of text for standard output (false) and standard error (true), in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Text(pub Vec<(bool, String)>);

impl Text {
    /// Adds to standard output.
    pub fn out(&mut self, text: &str) {
        self.add(false, text);
    }

    /// Adds to standard error.
    pub fn err(&mut self, text: &str) {
        self.add(true, text);
    }

    fn add(&mut self, error: bool, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.0.last_mut().filter(|(last, _)| *last == error) {
            Some((_, piece)) => piece.push_str(text),
            None => self.0.push((error, text.to_owned())),
        }
    }

    /// What goes to standard output.
    #[cfg(test)]
    pub fn to_out(&self) -> String {
        self.0.iter().filter(|(error, _)| !error).map(|(_, text)| text.as_str()).collect()
    }
}

/// Nobody reads standard output any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// The terminal or pipe. Shared by the report and by whoever asks questions.
#[derive(Default)]
pub struct Screen {
    progress: Mutex<Option<Progress>>,
    /// The report has shown everything that it was told.
    idle: AtomicBool,
    /// Nothing more will happen.
    over: AtomicBool,
}

impl Screen {
    fn lock(&self) -> MutexGuard<'_, Option<Progress>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all pieces.
    ///
    /// # Errors
    /// [`Closed`] when nobody reads standard output any more.
    pub fn write(&self, text: &Text) -> Result<(), Closed> {
        if text.0.is_empty() {
            return Ok(());
        }
        let progress = self.lock();
        match progress.as_ref() {
            Some(progress) => progress.aside(|| write_all(text)),
            None => write_all(text),
        }
    }

    /// Shows progress from now on, or changes what is shown.
    pub(super) fn progress(&self, show: impl FnOnce(&mut Option<Progress>)) {
        show(&mut self.lock());
    }

    /// Does something that needs the terminal for itself, such as asking. What happened before is
    /// shown first, when the report gets to it soon.
    pub fn aside<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut calm = 0;
        for _ in 0..50 {
            calm = if self.idle.load(Ordering::Acquire) { calm + 1 } else { 0 };
            if calm == 2 {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let progress = self.lock();
        match progress.as_ref() {
            Some(progress) => progress.aside(act),
            None => act(),
        }
    }

    /// Ends the report as soon as it has shown everything, whoever may still hold the other end of
    /// its channel.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Says whether the report waits for something to happen.
    pub fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::Release);
    }
}

fn write_all(text: &Text) -> Result<(), Closed> {
    for (error, piece) in &text.0 {
        match error {
            false => {
                let mut out = io::stdout().lock();
                out.write_all(piece.as_bytes()).and_then(|()| out.flush()).map_err(|_| Closed)?;
            }
            // Warnings that cannot be written are lost; the run goes on.
            true => {
                let _ = io::stderr().lock().write_all(piece.as_bytes());
            }
        }
    }
    Ok(())
}
