//! Becoming another user: this very program is started again under sudo, su or doas.
//!
//! A password goes to the program that asks for it and nowhere else: to sudo's standard input when
//! its prompt shows, to su and doas over a terminal when they turn its echo off.

use super::exe::Program;
use super::job::{Become, BecomeMethod, BlobSource, CancelToken};
use super::link::{Link, StartError};
use super::message::{JobError, Settings};
use super::pty::Pty;
use crate::transport::{Channel, ChildChannel, shell_quote, shell_words};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a program may take to ask, check and start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is to be become, and for whom.
pub(super) struct Launch<'a> {
    pub(super) wanted: &'a Become,
    pub(super) settings: &'a Settings,
    pub(super) blobs: Arc<dyn BlobSource>,
    pub(super) own_user: &'a str,
    pub(super) cancel: &'a CancelToken,
}

impl Launch<'_> {
    fn failed(&self, reason: impl Into<String>) -> JobError {
        let Become { method, user, .. } = self.wanted;
        JobError::Become { method: *method, user: user.clone(), reason: reason.into() }
    }

    fn name(&self) -> &'static str {
        self.wanted.method.name()
    }

    fn program(&self) -> String {
        self.wanted.exe.clone().unwrap_or_else(|| self.name().to_owned())
    }

    fn flags(&self, usual: &str) -> Result<Vec<String>, JobError> {
        let text = self.wanted.flags.as_deref().unwrap_or(usual);
        shell_words(text).ok_or_else(|| self.failed("a quote in become_flags is not closed"))
    }
}

/// Starts the agent of that user and waits until it answers.
pub(super) fn start(launch: &Launch) -> Result<Link, JobError> {
    if launch.wanted.user.is_empty() || launch.wanted.user.starts_with('-') {
        return Err(launch.failed("it is not a user's name"));
    }
    let own = Program::for_user(&launch.wanted.user, launch.own_user)
        .map_err(|error| launch.failed(format!("the agent cannot make itself readable to the user: {error}")))?;
    match launch.wanted.method {
        BecomeMethod::Sudo => {
            let result = sudo(launch, &own, false);
            match result {
                // «Defaults requiretty»
                Err(JobError::Become { reason, .. }) if reason.contains("must have a tty") => sudo(launch, &own, true),
                result => result,
            }
        }
        BecomeMethod::Su => su(launch, &own),
        BecomeMethod::Doas => doas(launch, &own),
    }
}

fn sudo(launch: &Launch, own: &Program, terminal: bool) -> Result<Link, JobError> {
    let mut flags = launch.flags("-H -S -n")?;
    if launch.wanted.password.is_some() {
        flags.retain(|flag| flag != "-n" && flag != "--non-interactive");
    }
    if !flags.iter().any(|flag| flag == "-S" || flag == "--stdin") {
        flags.push("-S".into());
    }
    let prompt = format!("[sudo by rplay, key={}] password:", super::random_name());
    let mut command = Command::new(launch.program());
    command.args(flags).args(["-p", &prompt, "-u", &launch.wanted.user]).arg(own.path()).arg(super::SERVE);
    let pty = match terminal {
        true => Some(Pty::open().map_err(|error| launch.failed(error.to_string()))?),
        false => None,
    };
    let started = match &pty {
        Some(pty) => {
            pty.control(&mut command);
            ChildChannel::start_leader(command)
        }
        None => ChildChannel::start(command),
    };
    let channel = started.map_err(|error| spawn_error(launch, &error))?;
    let asked = |channel: &ChildChannel| {
        let text = String::from_utf8_lossy(&channel.stderr()).into_owned();
        text.matches(&prompt).count()
    };
    let mut given = 0;
    wait_for_agent(launch, &channel, &mut |channel| {
        let count = asked(channel);
        if count > given {
            let Some(password) = &launch.wanted.password else { return Err(missing(launch)) };
            if given > 0 {
                return Err(incorrect(launch));
            }
            given = count;
            let line = crate::transport::Secret::new(format!("{}\n", password.expose()));
            let _ = channel.write_all(line.expose().as_bytes());
        }
        Ok(())
    })?;
    let result = finish(launch, Arc::new(channel), pty);
    match result {
        Err(JobError::Become { reason, .. }) => {
            let reason = reason.replace(&prompt, "").trim().to_owned();
            Err(match () {
                () if reason.contains("a password is required") && launch.wanted.password.is_none() => missing(launch),
                () if given > 0 && (reason.contains("incorrect password") || reason.contains("no password")) => {
                    incorrect(launch)
                }
                () => launch.failed(reason),
            })
        }
        result => result,
    }
}

/// su reads the password from its standard input, which must be a terminal; the agent under it
/// talks over descriptor 3, which su leaves open.
fn su(launch: &Launch, own: &Program) -> Result<Link, JobError> {
    let flags = launch.flags("")?;
    let mut command = Command::new(launch.program());
    let inner = format!("exec {} {} 3", shell_quote(&own.path().to_string_lossy()), super::SERVE);
    command.args(flags).arg(&launch.wanted.user).args(["-c", &format!("/bin/sh -c {}", shell_quote(&inner))]);
    over_terminal(launch, command, true)
}

/// doas asks on its controlling terminal and leaves the standard streams alone.
fn doas(launch: &Launch, own: &Program) -> Result<Link, JobError> {
    let usual = if launch.wanted.password.is_some() { "" } else { "-n" };
    let mut command = Command::new(launch.program());
    command.args(launch.flags(usual)?).args(["-u", &launch.wanted.user]).arg(own.path()).arg(super::SERVE);
    over_terminal(launch, command, false)
}

fn over_terminal(launch: &Launch, mut command: Command, on_three: bool) -> Result<Link, JobError> {
    let failed = |error: std::io::Error| launch.failed(error.to_string());
    let pty = Pty::open().map_err(failed)?;
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let theirs = OwnedFd::from(theirs);
    if on_three {
        command.stdin(pty.user_side().map_err(failed)?);
        command.stdout(pty.user_side().map_err(failed)?);
        let fd = theirs.as_raw_fd();
        // SAFETY: only async-signal-safe calls on a descriptor that the child inherits.
        unsafe {
            command.pre_exec(move || {
                let done = if fd == 3 { libc::fcntl(3, libc::F_SETFD, 0) } else { libc::dup2(fd, 3) };
                if done < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
            });
        }
    } else {
        command.stdin(theirs.try_clone().map_err(failed)?);
        command.stdout(theirs.try_clone().map_err(failed)?);
    }
    command.stderr(pty.user_side().map_err(failed)?);
    pty.control(&mut command);
    // Messages are looked at below.
    command.env("LC_MESSAGES", "C");
    let child = command.spawn().map_err(|error| spawn_error(launch, &error))?;
    drop(command);
    drop(theirs);
    let said = pty.listen().map_err(failed)?;
    let channel = ChildChannel::of(child, ours, None);
    let mut given = false;
    let mut quiet_since: Option<Instant> = None;
    let waited = wait_for_agent(launch, &channel, &mut |_| {
        if !pty.echo_is_off() {
            quiet_since = None;
            return Ok(());
        }
        let Some(password) = &launch.wanted.password else { return Err(missing(launch)) };
        if !given {
            given = true;
            return pty.type_line(password.expose()).map_err(|error| launch.failed(error.to_string()));
        }
        // The echo stays off while the answer is checked; a second question says more on the screen.
        let since = quiet_since.get_or_insert_with(Instant::now);
        match since.elapsed() > Duration::from_millis(500) && said.questions() > 1 {
            true => Err(incorrect(launch)),
            false => Ok(()),
        }
    });
    let result = waited.and_then(|()| finish(launch, Arc::new(channel), Some(pty)));
    match result {
        Err(JobError::Become { reason, .. })
            if !reason.starts_with("Missing ") && !reason.starts_with("Incorrect ") =>
        {
            let text = said.text();
            let lower = text.to_ascii_lowercase();
            let refused =
                ["authentication failure", "authentication failed", "incorrect password", "permission denied", "sorry"];
            Err(match () {
                () if given && refused.iter().any(|words| lower.contains(words)) => incorrect(launch),
                () if !given && lower.contains("authentication required") => missing(launch),
                () if text.is_empty() => launch.failed(reason),
                () => launch.failed(text),
            })
        }
        result => result,
    }
}

fn missing(launch: &Launch) -> JobError {
    launch.failed(format!("Missing {} password", launch.name()))
}

fn incorrect(launch: &Launch) -> JobError {
    launch.failed(format!("Incorrect {} password", launch.name()))
}

fn spawn_error(launch: &Launch, error: &std::io::Error) -> JobError {
    match error.kind() {
        std::io::ErrorKind::NotFound => launch.failed(format!("{} is not installed", launch.program())),
        _ => launch.failed(format!("cannot run {}: {error}", launch.program())),
    }
}

/// Waits until the agent speaks or the program ends; `look` answers questions in between.
fn wait_for_agent(
    launch: &Launch,
    channel: &ChildChannel,
    look: &mut dyn FnMut(&ChildChannel) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let end = Instant::now() + PATIENCE;
    loop {
        if launch.cancel.is_cancelled() {
            channel.close();
            return Err(JobError::Cancelled);
        }
        match channel.wait_readable(Duration::from_millis(3)) {
            // What came, or the end.
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => return Err(launch.failed(error.to_string())),
        }
        if let Err(error) = look(channel) {
            channel.close();
            return Err(error);
        }
        if channel.wait(Duration::ZERO).is_some() {
            return Ok(());
        }
        if Instant::now() >= end {
            channel.close();
            return Err(launch.failed(format!("no answer within {} seconds", PATIENCE.as_secs())));
        }
    }
}

/// Greets the agent. The terminal stays with it: its end would hang up on everything under it.
fn finish(launch: &Launch, channel: Arc<ChildChannel>, pty: Option<Pty>) -> Result<Link, JobError> {
    let channel: Arc<dyn Channel> = Arc::new(Kept { channel, _pty: pty });
    Link::start(channel, launch.settings.clone(), launch.blobs.clone(), PATIENCE, launch.cancel).map_err(|error| {
        match error {
            StartError::Cancelled => JobError::Cancelled,
            StartError::Timeout => launch.failed(format!("no answer within {} seconds", PATIENCE.as_secs())),
            StartError::Protocol(reason) => launch.failed(reason),
            StartError::NoAgent { output, stderr, exit } => {
                let said = [stderr.trim(), output.trim()].into_iter().filter(|text| !text.is_empty());
                let said = said.collect::<Vec<_>>().join("\n");
                match (said.is_empty(), exit) {
                    (false, _) => launch.failed(said),
                    (true, Some(exit)) => launch.failed(format!("{} ended with {exit}", launch.program())),
                    (true, None) => launch.failed(format!("{} ended", launch.program())),
                }
            }
        }
    })
}

/// A channel and the terminal that it hangs on.
struct Kept {
    channel: Arc<ChildChannel>,
    _pty: Option<Pty>,
}

impl Channel for Kept {
    fn read(&self, buffer: &mut [u8], timeout: Option<Duration>) -> std::io::Result<usize> {
        self.channel.read(buffer, timeout)
    }
    fn write_all(&self, data: &[u8]) -> std::io::Result<()> {
        self.channel.write_all(data)
    }
    fn end_input(&self) -> std::io::Result<()> {
        self.channel.end_input()
    }
    fn stderr(&self) -> Vec<u8> {
        self.channel.stderr()
    }
    fn wait(&self, timeout: Duration) -> Option<crate::transport::Exit> {
        self.channel.wait(timeout)
    }
    fn close(&self) {
        self.channel.close();
    }
}
