//! Programs that modules run: their failures, and their output as results show it.

use super::words;
use crate::module::{Command, Failure, Host, Output};
use crate::value::Value;
use std::ffi::OsString;
use std::io;

/// Runs a program to its end; only what keeps it from running is a failure.
pub fn run(host: &dyn Host, command: &Command) -> Result<Output, Failure> {
    host.run(command).map_err(|error| not_run(command, &error))
}

/// Runs a program that has to succeed; its output is in the failure otherwise.
pub fn succeed(host: &dyn Host, command: &Command) -> Result<Output, Failure> {
    let output = run(host, command)?;
    match output.success() {
        true => Ok(output),
        false => Err(failed(command, &output)),
    }
}

/// Runs a program with English messages, so that its output can be read.
pub fn read(host: &dyn Host, argv: &[&str]) -> Result<Output, Failure> {
    run(host, &plain(argv))
}

/// A command with English messages.
pub fn plain<S: AsRef<str>>(argv: &[S]) -> Command {
    Command::new(argv.iter().map(|word| OsString::from(word.as_ref()))).env("LC_ALL", "C.UTF-8").env("LANGUAGE", "C")
}

/// The failure of a program that ended with another status than 0: `rc`, `stdout`, `stderr` and `cmd`.
pub fn failed(command: &Command, output: &Output) -> Failure {
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    let last = [stderr.trim(), stdout.trim()].into_iter().find(|text| !text.is_empty()).map(str::to_owned);
    let msg = last.unwrap_or_else(|| format!("{} ended with status {}", name(command), output.rc));
    Failure::new(msg).with("rc", output.rc).with("stdout", stdout).with("stderr", stderr).with("cmd", text(command))
}

/// The failure of a program that could not be started, or was not let end.
pub fn not_run(command: &Command, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::Interrupted => Failure::new("interrupted"),
        io::ErrorKind::TimedOut => Failure::new(format!("{} took too long", name(command))),
        io::ErrorKind::NotFound => Failure::new(format!("cannot run {}: no such program", name(command)))
            .with("rc", 2)
            .with("cmd", text(command)),
        _ => Failure::new(format!("cannot run {}: {error}", name(command)))
            .with("rc", error.raw_os_error().unwrap_or(1))
            .with("cmd", text(command)),
    }
}

/// The failure of a file operation.
pub fn file_failure(doing: &str, path: &std::path::Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot {doing} {}: {error}", path.display()))
}

/// The command line as a shell would take it.
pub fn text(command: &Command) -> String {
    let argv: Vec<_> = command.argv.iter().map(|word| word.to_string_lossy()).collect();
    words::join(&argv)
}

fn name(command: &Command) -> String {
    command.argv.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A program that has to be there.
pub fn require(host: &dyn Host, name: &str) -> Result<String, Failure> {
    match host.which(name) {
        Some(path) => Ok(path.to_string_lossy().into_owned()),
        None => Err(Failure::new(format!("Failed to find required executable \"{name}\" on this host"))),
    }
}

/// Text as a list of lines, split where Python's `splitlines` splits.
pub fn lines(text: &str) -> Value {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let is_end = |c: char| {
            matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
        };
        let Some(at) = rest.find(is_end) else {
            lines.push(Value::str(rest));
            break;
        };
        lines.push(Value::str(&rest[..at]));
        let length = match rest[at..].starts_with("\r\n") {
            true => 2,
            false => rest[at..].chars().next().map_or(1, char::len_utf8),
        };
        rest = &rest[at + length..];
    }
    Value::list(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_pythons() {
        assert_eq!(lines("a\r\nb\n\nc\rd"), Value::from(vec!["a", "b", "", "c", "d"]));
        assert_eq!(lines("a\n"), Value::from(vec!["a"]));
        assert_eq!(lines(""), Value::list(Vec::new()));
    }

    #[test]
    fn a_failure_says_what_the_program_said() {
        let command = plain(&["prog", "a b"]);
        let failure = failed(&command, &Output { rc: 3, stdout: b"out".to_vec(), stderr: b"bad\n".to_vec() });
        assert_eq!(failure.msg, "bad");
        assert_eq!(failure.returns.get("cmd"), Some(&Value::str("prog 'a b'")));
        assert_eq!(failure.returns.get("rc"), Some(&Value::Int(3)));
    }
}
