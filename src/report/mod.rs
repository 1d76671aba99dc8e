//! What a person or a program sees of a run. It reads events and nothing else.

mod clock;
mod colour;
mod diff;
mod dump;
mod fold;
mod human;
mod json;
mod json_lines;
mod lines_diff;
mod progress;
mod recap;
mod result;
mod screen;
mod strands;
#[cfg(test)]
mod tests;
mod visible;

pub use colour::{Colour, Paint};
pub use screen::{Closed, Screen, Text};
pub use visible::visible;

use crate::run::Event;
use progress::{Activity, Progress};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// For a person.
    #[default]
    Human,
    /// One JSON document at the end.
    Json,
    /// One JSON object for each event, as it happens.
    JsonLines,
}

/// How a report looks.
#[derive(Debug, Clone)]
pub struct Options {
    /// `-v` count.
    pub verbosity: u8,
    /// Show hosts on which nothing had to be done.
    pub display_ok: bool,
    /// Show hosts that skipped.
    pub display_skipped: bool,
    /// Show what `set_stats` gathered.
    pub custom_stats: bool,
    /// Lines around a difference; None for three.
    pub diff_context: Option<usize>,
    /// Colours on standard output.
    pub paint: Paint,
    /// Colours on standard error.
    pub paint_errors: Paint,
    /// Columns of a banner.
    pub width: usize,
    /// Show live progress (on a terminal only).
    pub progress: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            verbosity: 0,
            display_ok: true,
            display_skipped: true,
            custom_stats: false,
            diff_context: None,
            paint: Paint(false),
            paint_errors: Paint(false),
            width: 79,
            progress: false,
        }
    }
}

/// Turns events into text.
trait Reporter {
    /// Takes an event; what is to be shown is added to `text`.
    fn event(&mut self, event: &Event, text: &mut Text);
    /// Nothing happened for a moment.
    fn pause(&mut self, text: &mut Text);
    /// No event comes any more.
    fn finish(&mut self, text: &mut Text);
}

/// How long the report waits before it shows what it held back.
const PAUSE: Duration = Duration::from_millis(60);
/// How often progress is drawn.
const FRAME: Duration = Duration::from_millis(120);

/// Shows a run until its events end.
///
/// # Errors
/// [`Closed`] when nobody reads standard output any more; what happens after that is not shown.
pub fn report(events: &Receiver<Event>, output: Output, options: &Options, screen: &Screen) -> Result<(), Closed> {
    let mut reporter: Box<dyn Reporter> = match output {
        Output::Human => Box::new(human::Human::new(options.clone())),
        Output::Json => Box::new(json::JsonDocument::new(options.clone())),
        Output::JsonLines => Box::new(json_lines::JsonLines),
    };
    let mut activity = options.progress.then(Activity::default);
    let mut drawn = Instant::now();
    let shown = loop {
        let mut text = Text::default();
        let ended = match next(events, screen) {
            Next::Event(event) => {
                take(event, reporter.as_mut(), activity.as_mut(), &mut text);
                // What has gathered meanwhile is written at once.
                for event in events.try_iter().take(500) {
                    take(event, reporter.as_mut(), activity.as_mut(), &mut text);
                }
                false
            }
            Next::Pause => {
                reporter.pause(&mut text);
                false
            }
            Next::End => {
                reporter.finish(&mut text);
                true
            }
        };
        if ended || activity.as_ref().is_some_and(Activity::is_over) {
            end_progress(screen);
        }
        if let Err(closed) = screen.write(&text) {
            break Err(closed);
        }
        if ended {
            break Ok(());
        }
        if let Some(activity) =
            activity.as_ref().filter(|activity| drawn.elapsed() > FRAME && activity.is_due() && !activity.is_over())
        {
            screen.progress(|progress| progress.get_or_insert_with(Progress::new).show(&activity.lines()));
            drawn = Instant::now();
        }
    };
    end_progress(screen);
    screen.set_idle(true);
    shown
}

/// Takes the progress away for good.
fn end_progress(screen: &Screen) {
    screen.progress(|progress| *progress = None);
}

fn take(event: Event, reporter: &mut dyn Reporter, activity: Option<&mut Activity>, text: &mut Text) {
    if let Some(activity) = activity {
        activity.event(&event);
    }
    reporter.event(&event, text);
}

enum Next {
    Event(Event),
    Pause,
    End,
}

fn next(events: &Receiver<Event>, screen: &Screen) -> Next {
    match events.try_recv() {
        Ok(event) => return Next::Event(event),
        Err(TryRecvError::Disconnected) => return Next::End,
        Err(TryRecvError::Empty) => {}
    }
    screen.set_idle(true);
    let next = match events.recv_timeout(PAUSE) {
        Ok(event) => Next::Event(event),
        Err(RecvTimeoutError::Timeout) if screen.is_over() => Next::End,
        Err(RecvTimeoutError::Timeout) => Next::Pause,
        Err(RecvTimeoutError::Disconnected) => Next::End,
    };
    screen.set_idle(false);
    next
}
