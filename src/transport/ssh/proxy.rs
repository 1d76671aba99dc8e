//! Connections that another program or another host carries.

use super::super::{CancelToken, Channel, Target, TransportError, child::ChildChannel};
use super::SshConnection;
use super::options::Options;
use super::stream::SshChannel;
use crate::transport::Kind;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// What carries a session: it must live as long.
pub(super) enum Carrier {
    /// The child of ProxyCommand.
    Command { _child: ChildChannel },
    /// The jump host's session.
    Jump { _connection: Box<SshConnection>, channel: Arc<SshChannel> },
}

impl Drop for Carrier {
    fn drop(&mut self) {
        if let Carrier::Jump { channel, .. } = self {
            channel.close();
        }
    }
}

/// Runs ProxyCommand; its standard input and output are the socket.
pub(super) fn command(line: &str) -> Result<(UnixStream, Carrier), TransportError> {
    let failed = |error| TransportError::io("cannot run the ProxyCommand", error);
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let input = std::os::fd::OwnedFd::from(theirs);
    let output = input.try_clone().map_err(failed)?;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("exec {line}")]).stdin(input).stdout(output).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command.spawn().map_err(failed)?;
    drop(command);
    let keeper = ours.try_clone().map_err(failed)?;
    Ok((ours, Carrier::Command { _child: ChildChannel::of(child, keeper, None) }))
}

/// Logs in to the last host of the chain, through those before it, and has it connect to the target.
pub(super) fn jump(
    target: &Target,
    options: &Options,
    chain: &[String],
    cancel: &CancelToken,
    jumps: u32,
) -> Result<(UnixStream, Carrier), TransportError> {
    let Some((last, before)) = chain.split_last() else {
        return Err(TransportError::Unsupported("ProxyJump names no host".into()));
    };
    let (user, host, port) = parse(last)?;
    // The target's own login is not for the jump host: its keys and configuration are its own.
    let mut hop = Target { user, port, connect_timeout: target.connect_timeout, ..Target::new(Kind::Ssh, host) };
    hop.host_key_checking = target.host_key_checking;
    hop.known_hosts.clone_from(&target.known_hosts);
    hop.ssh_args = inherited(target);
    if !before.is_empty() {
        hop.ssh_args.splice(0..0, ["-J".to_owned(), before.join(",")]);
    }
    let hop_options = Options::of(&hop)?;
    let connection = SshConnection::open_with(&hop, &hop_options, cancel, jumps)?;
    let channel = Arc::new(connection.forward(&options.host, options.port).map_err(|error| {
        let reason = match error {
            TransportError::Lost { reason, .. } => reason.to_ascii_lowercase(),
            other => other.to_string(),
        };
        TransportError::Connect { address: options.address(), reason: format!("the jump host {last} says: {reason}") }
    })?);
    let failed = |error| TransportError::io("cannot carry the connection", error);
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    pump(theirs, &channel).map_err(failed)?;
    Ok((ours, Carrier::Jump { _connection: Box::new(connection), channel }))
}

/// `-F FILE` reaches the jump host too, as it does under ssh.
fn inherited(target: &Target) -> Vec<String> {
    let words: Vec<&String> = target.all_ssh_args().collect();
    let file = words.iter().enumerate().find_map(|(index, word)| match word.strip_prefix("-F") {
        Some("") => words.get(index + 1).map(|file| (*file).clone()),
        Some(file) => Some(file.to_owned()),
        None => None,
    });
    file.map_or_else(Vec::new, |file| vec!["-F".into(), file])
}

/// `[user@]host[:port]`, or the same as an ssh URI.
fn parse(text: &str) -> Result<(Option<String>, String, Option<u16>), TransportError> {
    let wrong = || TransportError::Unsupported(format!("«{text}» is not a host for ProxyJump"));
    let plain = text.strip_prefix("ssh://").unwrap_or(text).trim_end_matches('/');
    let (user, place) = match plain.rsplit_once('@') {
        Some((user, place)) => (Some(user.to_owned()), place),
        None => (None, plain),
    };
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match place.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (place, None),
        },
    };
    let port = port.map(str::parse).transpose().map_err(|_| wrong())?;
    if host.is_empty() {
        return Err(wrong());
    }
    Ok((user, host.to_owned(), port))
}

/// Copies between a socket and a channel, each way in a thread, until either ends.
fn pump(socket: UnixStream, channel: &Arc<SshChannel>) -> std::io::Result<()> {
    let (mut reader, mut writer) = (socket.try_clone()?, socket);
    let up = channel.clone();
    std::thread::Builder::new().name("ssh jump up".into()).spawn(move || {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            if up.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = up.end_input();
    })?;
    let down = channel.clone();
    std::thread::Builder::new().name("ssh jump down".into()).spawn(move || {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(count @ 1..) = down.read(&mut buffer, None) {
            if writer.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = writer.shutdown(Shutdown::Both);
    })?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn jump_hosts_are_read() {
        assert_eq!(parse("me@gate:2222").unwrap(), (Some("me".into()), "gate".into(), Some(2222)));
        assert_eq!(parse("ssh://gate/").unwrap(), (None, "gate".into(), None));
        assert_eq!(parse("[::1]:22").unwrap(), (None, "::1".into(), Some(22)));
        assert_eq!(parse("::1").unwrap(), (None, "::1".into(), None));
        assert!(parse("me@").is_err() && parse("h:x").is_err());
    }
}
