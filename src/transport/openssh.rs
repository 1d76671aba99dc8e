//! The `ssh` program as a way to a host, for what the built-in ssh cannot do. One master
//! connection carries all commands.

use super::child::{self, ChildChannel};
use super::{CancelToken, Channel, Connection, Exit, Secret, Target, TransportError, shell_quote};
use crate::module::Output;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What ssh ends with when ssh itself failed.
const FAILED: i32 = 255;

/// A master connection of the `ssh` program.
pub(crate) struct OpenSshConnection {
    host: String,
    program: String,
    /// Options and the host, without the command.
    words: Vec<String>,
    master: ChildChannel,
    open: AtomicBool,
    /// The control socket's private directory.
    _dir: tempfile::TempDir,
}

impl OpenSshConnection {
    /// Starts the master and waits until it is logged in.
    pub(crate) fn open(target: &Target, cancel: &CancelToken) -> Result<OpenSshConnection, TransportError> {
        let failed = |error| TransportError::io("cannot make a directory for ssh's control socket", error);
        let dir = tempfile::Builder::new().prefix("rplay-ssh-").tempdir().map_err(failed)?;
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let program = target.executable.clone().unwrap_or_else(|| "ssh".into());
        let socket = dir.path().join("c");
        let words = words(target, &socket.to_string_lossy());
        let mut command = Command::new(&program);
        command.args(["-M", "-N", "-o", "ControlPersist=no"]).args(&words);
        let password = target.password.as_ref().or(target.private_key_passphrase.as_ref());
        let pipe = match password {
            Some(_) => Some(askpass(&mut command, dir.path())?),
            None => {
                command.args(["-o", "BatchMode=yes"]);
                None
            }
        };
        let start = |error| TransportError::io(format!("cannot run {program}"), error);
        let master = ChildChannel::start(command).map_err(start)?;
        if let (Some(pipe), Some(password)) = (pipe, password) {
            feed(pipe, password.clone(), target.connect_timeout);
        }
        let connection = OpenSshConnection {
            host: target.host.clone(),
            program,
            words,
            master,
            open: AtomicBool::new(true),
            _dir: dir,
        };
        connection.wait(target, &socket, cancel)?;
        Ok(connection)
    }

    /// The master is ready when its control socket is there.
    fn wait(&self, target: &Target, socket: &Path, cancel: &CancelToken) -> Result<(), TransportError> {
        let end = Instant::now() + target.connect_timeout + Duration::from_secs(5);
        loop {
            if socket.exists() {
                return Ok(());
            }
            if self.master.wait(Duration::ZERO).is_some() {
                return Err(self.judge(target));
            }
            if Instant::now() >= end {
                let seconds = target.connect_timeout.as_secs();
                return Err(TransportError::Timeout { address: self.host.clone(), seconds, doing: "logging in" });
            }
            if cancel.wait(Duration::from_millis(5)) {
                return Err(TransportError::Cancelled);
            }
        }
    }

    /// What ssh said before it gave up.
    fn judge(&self, target: &Target) -> TransportError {
        let text = String::from_utf8_lossy(&self.master.stderr()).into_owned();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = lines.last().copied().unwrap_or("it ended without a word").to_owned();
        if text.contains("Permission denied") || text.contains("Too many authentication failures") {
            let user = target.user.clone().unwrap_or_else(|| "the configured user".into());
            return TransportError::AuthRefused {
                host: self.host.clone(),
                user,
                tried: format!("what ssh has, which says: {last}"),
                takes: "what that line names".into(),
            };
        }
        let reason = match text.contains("HOST IDENTIFICATION HAS CHANGED") || text.contains("Host key") {
            true => format!("ssh says: {}", lines.join(" ")),
            false => format!("ssh says: {last}"),
        };
        TransportError::Connect { address: self.host.clone(), reason }
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new(&self.program);
        // The master is the only way: without it ssh would log in anew and ask.
        command.args(["-o", "BatchMode=yes", "-o", "ControlMaster=no", "-T"]).args(&self.words);
        command.arg(format!("exec /bin/sh -c {}", shell_quote(script)));
        command
    }
}

impl Connection for OpenSshConnection {
    fn exec(&self, script: &str, stdin: &[u8], cancel: &CancelToken) -> Result<Output, TransportError> {
        let output = child::run(self.command(script), stdin, cancel)?;
        match output.rc == FAILED && !self.is_alive() {
            true => {
                Err(TransportError::Lost { host: self.host.clone(), reason: output.stderr_text().trim().to_owned() })
            }
            false => Ok(output),
        }
    }

    fn spawn(&self, script: &str) -> Result<Box<dyn Channel>, TransportError> {
        let channel = ChildChannel::start(self.command(script))
            .map_err(|error| TransportError::io(format!("cannot run {}", self.program), error))?;
        Ok(Box::new(channel))
    }

    fn is_alive(&self) -> bool {
        self.open.load(Ordering::Relaxed) && self.master.wait(Duration::ZERO).is_none()
    }

    fn close(&self) {
        if self.open.swap(false, Ordering::Relaxed) {
            let mut command = Command::new(&self.program);
            command.args(["-O", "exit"]).args(&self.words);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let _ = command.status();
            if self.master.wait(Duration::from_millis(500)) != Some(Exit::Status(0)) {
                self.master.close();
            }
        }
    }

    fn host(&self) -> &str {
        &self.host
    }
}

impl Drop for OpenSshConnection {
    fn drop(&mut self) {
        self.close();
    }
}

/// Options in Ansible's order, and the host.
fn words(target: &Target, socket: &str) -> Vec<String> {
    let mut words = vec!["-o".into(), format!("ControlPath={socket}")];
    let mut option = |text: String| words.extend(["-o".to_owned(), text]);
    option(format!("ConnectTimeout={}", target.connect_timeout.as_secs().max(1)));
    if !target.host_key_checking {
        option("StrictHostKeyChecking=no".into());
    }
    if !target.known_hosts.is_empty() {
        let files: Vec<String> = target.known_hosts.iter().map(|file| format!("\"{}\"", file.display())).collect();
        option(format!("UserKnownHostsFile={}", files.join(" ")));
    }
    if let Some(port) = target.port {
        option(format!("Port={port}"));
    }
    if let Some(user) = &target.user {
        option(format!("User=\"{user}\""));
    }
    if let Some(key) = &target.private_key {
        option(format!("IdentityFile=\"{}\"", key.display()));
    }
    let beat = target.heartbeat.as_secs().max(1);
    option(format!("ServerAliveInterval={beat}"));
    option(format!("ServerAliveCountMax={}", (target.silence.as_secs() / beat).max(1)));
    words.extend(target.all_ssh_args().filter(|word| !word.starts_with("-t")).cloned());
    words.extend(["--".to_owned(), target.host.clone()]);
    words
}

/// Lets ssh ask a script that reads the password from a named pipe in the private directory: it is
/// on no command line, in no environment and in no file. Returns the pipe.
fn askpass(command: &mut Command, dir: &Path) -> Result<PathBuf, TransportError> {
    let failed = |error| TransportError::io("cannot prepare ssh's question for the password", error);
    let (pipe, script) = (dir.join("p"), dir.join("a"));
    let name = std::ffi::CString::new(pipe.as_os_str().as_encoded_bytes())
        .map_err(|error| failed(std::io::Error::other(error)))?;
    // SAFETY: a valid C string.
    if unsafe { libc::mkfifo(name.as_ptr(), 0o600) } != 0 {
        return Err(failed(std::io::Error::last_os_error()));
    }
    // The question whether an unknown host is to be trusted comes the same way; it gets no answer.
    let quoted = shell_quote(&pipe.to_string_lossy());
    let text = format!("#!/bin/sh\ncase \"$1\" in *\"(yes/no\"*) exit 1 ;; esac\nexec cat {quoted}\n");
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o700)
        .open(&script)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(failed)?;
    command.env("SSH_ASKPASS", &script).env("SSH_ASKPASS_REQUIRE", "force");
    if std::env::var_os("DISPLAY").is_none() {
        command.env("DISPLAY", ":0");
    }
    command.args(["-o", "NumberOfPasswordPrompts=1"]);
    Ok(pipe)
}

/// Gives the password to whoever opens the pipe within the time; ends when the pipe is removed.
fn feed(pipe: PathBuf, password: Secret, timeout: Duration) {
    std::thread::spawn(move || {
        let end = Instant::now() + timeout;
        while Instant::now() < end {
            match std::fs::OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&pipe) {
                Ok(mut file) => {
                    let line = Secret::new(format!("{}\n", password.expose()));
                    let _ = file.write_all(line.expose().as_bytes());
                    // Asked again, the password was wrong: the script then finds nothing to read.
                    let _ = std::fs::remove_file(&pipe);
                    return;
                }
                // Nobody reads yet.
                Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(_) => return,
            }
        }
    });
}
