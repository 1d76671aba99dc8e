//! How an agent gets to a host and is started there.
//!
//! Warm, it takes one command, which looks for the program in its cache and becomes it. Cold, that
//! command answers with the host's processor, and a second one takes the program: the first
//! directory that programs run in gets it under a temporary name, it checks its own hash, and
//! renames itself into place.

use super::blob::hex;
use super::error::AgentError;
use super::job::{BlobSource, CancelToken};
use super::link::{Link, StartError};
use super::message::Settings;
use super::payload::{Payload, Program};
use super::{INSTALL, SERVE};
use crate::module::Output;
use crate::transport::{Connection, TransportError};
use sha2::Digest;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, SystemTime};

/// Programs that nobody used for so long are removed when a new one comes.
const OLD: Duration = Duration::from_secs(60 * 60 * 24 * 30);

/// Bytes a second: a link slower than this is taken for one that stands still.
const SLOWEST: usize = 4096;

/// Where a host keeps agents, best first; `$u` is the user's id. A directory is used only when it is
/// the user's own and no link: nobody else can put a program there.
const CACHES: &str = r#""${XDG_CACHE_HOME:-${HOME:-/}/.cache}/rplay/agents" /var/tmp/rplay-agents-$u /tmp/rplay-agents-$u /run/user/$u/rplay-agents /dev/shm/rplay-agents-$u"#;

/// What is started, and with what.
pub(super) struct Start<'a> {
    pub(super) connection: &'a dyn Connection,
    pub(super) payload: &'a Payload,
    pub(super) whole: bool,
    pub(super) settings: Settings,
    pub(super) blobs: Arc<dyn BlobSource>,
    pub(super) timeout: Duration,
    pub(super) cancel: &'a CancelToken,
}

impl Start<'_> {
    /// Starts the agent on the host; sends it first where it is missing.
    pub(super) fn run(&self) -> Result<Link, AgentError> {
        // Most hosts are what this machine is; one that is not says so.
        let mut arch = std::env::consts::ARCH.to_owned();
        let mut sent = false;
        let mut raw = false;
        loop {
            let program = match self.program(&arch) {
                Ok(program) => Some(program),
                // Without a program for this machine the host may still be another one.
                Err(error) if sent => return Err(error),
                Err(_) => None,
            };
            let hash = program.as_ref().map_or("none", |program| program.sha256.as_str());
            let reason = match self.warm(hash)? {
                Ok(link) => return Ok(link),
                Err(reason) => reason,
            };
            let Some(found) = reason.lines().find_map(|line| line.strip_prefix("rplay-missing ")) else {
                return Err(self.no_start(reason));
            };
            let found = found.trim();
            if found != arch {
                arch = found.to_owned();
                // Its own program may be there already; if none is, the next turn sends it.
                if self.program(&arch)?.sha256 != hash {
                    continue;
                }
            }
            if sent {
                return Err(self.no_start("it is not there though it was just sent".into()));
            }
            let program = self.program(&arch)?;
            if !self.send(&program, raw)? {
                raw = true;
                self.send(&program, raw)?;
            }
            sent = true;
        }
    }

    fn host(&self) -> String {
        self.connection.host().to_owned()
    }

    fn no_start(&self, reason: String) -> AgentError {
        AgentError::NoStart { host: self.host(), reason }
    }

    fn program(&self, arch: &str) -> Result<Arc<Program>, AgentError> {
        self.payload.program(self.whole, arch, self.connection.host())
    }

    /// One command that becomes the agent if it is there. The inner error is what the host said instead.
    fn warm(&self, hash: &str) -> Result<Result<Link, String>, AgentError> {
        let script = format!(
            "t() {{ [ -x \"$1/{hash}/rplay-agent\" ] && [ -O \"$1\" ] && [ ! -L \"$1\" ] && \
             [ -O \"$1/{hash}/rplay-agent\" ] && exec \"$1/{hash}/rplay-agent\" {SERVE}; }}; \
             t \"${{XDG_CACHE_HOME:-${{HOME:-/}}/.cache}}/rplay/agents\"; u=$(id -u); \
             for d in {CACHES}; do t \"$d\"; done; echo rplay-missing $(uname -m)"
        );
        let channel: Arc<dyn crate::transport::Channel> = Arc::from(self.connection.spawn(&script)?);
        match Link::start(channel, self.settings.clone(), self.blobs.clone(), self.timeout, self.cancel) {
            Ok(link) => Ok(Ok(link)),
            Err(StartError::Cancelled) => Err(AgentError::Cancelled),
            Err(StartError::Timeout) => Ok(Err(format!("it said nothing within {} seconds", self.timeout.as_secs()))),
            Err(StartError::Protocol(reason)) => Err(AgentError::Protocol { host: self.host(), reason }),
            Err(StartError::NoAgent { output, stderr, exit }) => {
                let said = [stderr.trim(), output.trim()].into_iter().filter(|text| !text.is_empty());
                let mut said = said.collect::<Vec<_>>().join("\n");
                if said.is_empty() {
                    said =
                        exit.map_or_else(|| "the stream ended".into(), |exit| format!("the shell ended with {exit}"));
                }
                Ok(Err(said))
            }
        }
    }

    /// Runs a command that takes `content`, and gives up when the host has stopped taking it: a file
    /// system that hangs there answers neither yes nor no.
    fn bounded_exec(&self, script: &str, content: &[u8]) -> Result<Output, AgentError> {
        let limit = self.timeout + Duration::from_secs((content.len() / SLOWEST) as u64);
        let bounded = self.cancel.child();
        let (done, waits) = channel::<()>();
        let result = std::thread::scope(|scope| {
            let watched = bounded.clone();
            scope.spawn(move || {
                if waits.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                    watched.cancel();
                }
            });
            let result = self.connection.exec(script, content, &bounded);
            drop(done);
            result
        });
        match result {
            Err(TransportError::Cancelled) if !self.cancel.is_cancelled() => {
                let reason = format!("the host did not take it within {} seconds", limit.as_secs());
                Err(AgentError::Upload { host: self.host(), reason })
            }
            result => Ok(result?),
        }
    }

    /// Sends the program. False when the host cannot unpack it.
    fn send(&self, program: &Program, raw: bool) -> Result<bool, AgentError> {
        let content = if raw { Arc::new(program.bytes()?) } else { program.packed()? };
        let hash = &program.sha256;
        let unpack = if raw { "cat" } else { "gzip -dc" };
        // A cache that others could write to, or that programs do not run in, is passed over.
        let script = format!(
            "umask 077; u=$(id -u); r=; \
             [ '{unpack}' = cat ] || gzip --version >/dev/null 2>&1 || command -v gzip >/dev/null 2>&1 || \
             {{ echo rplay-no-gzip; exit 0; }}; \
             for d in {CACHES}; do \
             case $d in /run/user/*) [ -d \"${{d%/*}}\" ] || continue ;; esac; \
             e=$(mkdir -p \"$d/{hash}\" 2>&1) || {{ r=\"$r; $d: ${{e##*: }}\"; continue; }}; \
             [ -O \"$d\" ] && [ ! -L \"$d\" ] || {{ r=\"$r; $d: it is not the user's own\"; continue; }}; \
             chmod 700 \"$d\" \"$d/{hash}\"; p=\"$d/{hash}/.new-$$\"; \
             printf '#!/bin/sh\\nexit 0\\n' >\"$p\" 2>/dev/null || {{ r=\"$r; $d: it cannot be written\"; continue; }}; \
             chmod 700 \"$p\"; \
             \"$p\" 2>/dev/null || {{ rm -f \"$p\"; r=\"$r; $d: programs do not run there (noexec)\"; continue; }}; \
             {unpack} >\"$p\" || {{ rm -f \"$p\"; echo \"rplay-write $d\"; exit 0; }}; \
             exec \"$p\" {INSTALL} \"$d/{hash}/rplay-agent\" {hash}; \
             done; echo \"rplay-nowhere $r\""
        );
        let output = self.bounded_exec(&script, &content)?;
        let (said, errors) = (output.stdout_text(), output.stderr_text());
        let line = |word: &str| said.lines().find_map(|line| line.strip_prefix(word)).map(str::trim);
        if line("rplay-installed").is_some() {
            return Ok(true);
        }
        if line("rplay-no-gzip").is_some() {
            return Ok(false);
        }
        if let Some(tried) = line("rplay-nowhere") {
            let tried = tried.trim_start_matches(';').trim().to_owned();
            return Err(AgentError::NoWritableDir { host: self.host(), tried });
        }
        let reason = match line("rplay-write") {
            Some(dir) => format!("cannot write to {dir}: {}", errors.trim()),
            None => match format!("{}\n{}", errors.trim(), said.trim()).trim() {
                "" => format!("the shell ended with status {}", output.rc),
                text => text.to_owned(),
            },
        };
        Err(AgentError::Upload { host: self.host(), reason })
    }
}

/// The uploaded program itself: checks that it is whole, and takes its place.
pub(super) fn receive(args: &[String]) -> ExitCode {
    let [target, wanted] = args else { return ExitCode::from(2) };
    match settle(Path::new(target), wanted) {
        Ok(()) => {
            println!("rplay-installed");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn settle(target: &Path, wanted: &str) -> std::io::Result<()> {
    let own = std::fs::read_link("/proc/self/exe")?;
    let bytes = std::fs::read(&own)?;
    if hex(&sha2::Sha256::digest(&bytes)) != wanted {
        let _ = std::fs::remove_file(&own);
        return Err(std::io::Error::other("the agent did not arrive whole"));
    }
    File::open(&own)?.sync_all()?;
    std::fs::rename(&own, target)?;
    let dir = target.parent().unwrap_or(Path::new("/"));
    let _ = File::open(dir).and_then(|dir| dir.sync_all());
    clean(dir);
    Ok(())
}

/// Removes half-sent programs of an hour ago and programs that nobody started for a month.
fn clean(own: &Path) {
    let age = |path: &Path| {
        let meta = std::fs::symlink_metadata(path).ok()?;
        SystemTime::now().duration_since(meta.accessed().ok()?.max(meta.modified().ok()?)).ok()
    };
    let list = |dir: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let is_new = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".new-"));
    for path in list(own).iter().filter(|path| is_new(path)) {
        if age(path).is_some_and(|age| age > Duration::from_secs(3600)) {
            let _ = std::fs::remove_file(path);
        }
    }
    for dir in own.parent().map(list).unwrap_or_default() {
        let program = dir.join("rplay-agent");
        if dir != own && age(&program).is_some_and(|age| age > OLD) {
            let _ = std::fs::remove_dir_all(&dir);
        }
    }
}
