//! The terminal: its width and colours, and questions with hidden answers.

use super::signals;
use crate::report::{Colour, Paint, Screen};
use crate::run::Interaction;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

/// Columns of a banner: as Ansible's, one less than the terminal's, and never less than 79.
pub fn width() -> usize {
    // SAFETY: winsize is a plain struct that the call fills in; the pointer is valid for it.
    let columns = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        match libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) {
            0 => usize::from(size.ws_col),
            _ => 0,
        }
    };
    columns.saturating_sub(1).max(79)
}

/// Whether both outputs are a terminal, so that progress can be drawn.
pub fn is_live() -> bool {
    io::stdout().is_terminal()
        && io::stderr().is_terminal()
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Colours of standard output and standard error, as settings, variables and terminals want them.
pub fn paints(forced: Option<bool>, forbidden: Option<bool>) -> (Paint, Paint) {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if forced == Some(true) {
        return (Paint(true), Paint(true));
    }
    if forbidden == Some(true) || set("NO_COLOR") {
        return (Paint(false), Paint(false));
    }
    (Paint(io::stdout().is_terminal()), Paint(io::stderr().is_terminal()))
}

/// Writes a line to standard error. Nothing can be done when nobody takes it.
pub fn say(line: &str) {
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// Writes why the program ends.
pub fn print_error(message: &str) {
    let (_, paint) = paints(None, None);
    say(&paint.text(Colour::Failed, &format!("[ERROR]: {}", message.trim_end())));
}

/// Hides what is typed until it is dropped.
struct Hidden(RawFd);

impl Hidden {
    fn new(terminal: &File) -> Option<Hidden> {
        let fd = terminal.as_raw_fd();
        // SAFETY: termios is a plain struct that the call fills in; the pointer is valid for it.
        let mut settings = unsafe {
            let mut settings: libc::termios = std::mem::zeroed();
            if libc::tcgetattr(fd, &raw mut settings) != 0 {
                return None;
            }
            settings
        };
        signals::remember_terminal(fd, &settings);
        settings.c_lflag &= !libc::ECHO;
        // SAFETY: the pointer is to a filled-in struct.
        unsafe { libc::tcsetattr(fd, libc::TCSAFLUSH, &raw const settings) };
        Some(Hidden(fd))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        signals::restore_terminal();
        let _ = self.0;
    }
}

/// Reads up to a line's end, a byte at a time, so that nothing that follows is taken away.
fn read_line(source: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0u8];
    loop {
        match source.read(&mut byte)? {
            0 if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            0 => break,
            _ if byte[0] == b'\n' => break,
            _ => line.push(byte[0]),
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the answer is not UTF-8 text"))
}

/// Asks at the terminal, or on the standard streams where there is none.
///
/// # Errors
/// The end of the input, or an interruption.
pub fn ask(question: &str, secret: bool) -> io::Result<String> {
    let _guard = signals::while_asking();
    match OpenOptions::new().read(true).write(true).open("/dev/tty") {
        Ok(mut terminal) => {
            let hidden = if secret { Hidden::new(&terminal) } else { None };
            terminal.write_all(question.as_bytes())?;
            let answer = read_line(&mut terminal);
            if hidden.is_some() {
                let _ = terminal.write_all(b"\n");
            }
            answer
        }
        Err(_) => {
            io::stderr().write_all(question.as_bytes())?;
            read_line(&mut io::stdin().lock())
        }
    }
}

/// Whether somebody can be asked while tasks run.
fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// Asks while a run goes on, with the progress out of the way.
pub struct Person {
    screen: Arc<Screen>,
}

impl Person {
    /// Somebody at this screen.
    pub fn new(screen: Arc<Screen>) -> Person {
        Person { screen }
    }
}

impl Interaction for Person {
    fn prompt(&self, text: &str, secret: bool) -> Option<String> {
        if !can_ask() {
            return None;
        }
        self.screen.aside(|| ask(text, secret)).ok()
    }

    fn confirm_task(&self, name: &str) -> Option<bool> {
        let question = format!("Perform task: {name} (N)o/(y)es/(c)ontinue: ");
        let answer = self.screen.aside(|| ask(&question, false)).unwrap_or_default();
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Some(true),
            "c" | "continue" => None,
            _ => Some(false),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_line_and_leaves_the_rest() {
        let mut input: &[u8] = b"first\r\nsecond";
        assert_eq!(read_line(&mut input).unwrap(), "first");
        assert_eq!(read_line(&mut input).unwrap(), "second");
        assert!(read_line(&mut input).is_err());
    }
}
