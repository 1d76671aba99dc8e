//! Names of hosts to addresses: literals, /etc/hosts, then `getent ahosts`.

use super::process;
use crate::agent::JobContext;
use crate::module::Command;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// What looking a name up needs of a job; owned, so that a connection can keep it.
pub(super) struct Names {
    context: JobContext,
}

impl Names {
    /// For a job.
    pub(super) fn of(context: &JobContext) -> Names {
        let context = JobContext {
            environment: context.environment.clone(),
            cancel: context.cancel.clone(),
            lines: Box::new(|_, _| {}),
            blobs: context.blobs.clone(),
            remote_tmp: context.remote_tmp.clone(),
        };
        Names { context }
    }

    /// The addresses of a host, in the order in which they should be tried; never empty.
    pub(super) fn addresses(&self, host: &str, port: u16, timeout: Option<Duration>) -> io::Result<Vec<SocketAddr>> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let mut found: Vec<IpAddr> = match bare.parse() {
            Ok(address) => vec![address],
            Err(_) => in_hosts_file(&std::fs::read_to_string("/etc/hosts").unwrap_or_default(), bare),
        };
        if found.is_empty() && bare.eq_ignore_ascii_case("localhost") {
            found = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        if found.is_empty() {
            return self.ask(bare, port, timeout);
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    fn ask(&self, host: &str, port: u16, timeout: Option<Duration>) -> io::Result<Vec<SocketAddr>> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("Name or service not known: {host}"));
        if host.is_empty() || host.starts_with('-') {
            return Err(unknown());
        }
        let Some(getent) = process::which(&self.context, "getent") else {
            // No name service but the C library's own: works in a dynamic binary only.
            return Ok((host, port).to_socket_addrs()?.collect());
        };
        let mut command = Command::new([getent.into_os_string(), "ahosts".into(), host.into()]);
        command.timeout = timeout;
        let output = process::run(&self.context, &command)?;
        let mut found: Vec<SocketAddr> = Vec::new();
        for line in output.stdout_text().lines() {
            let address = line.split_whitespace().next().and_then(|word| word.parse().ok());
            let address = address.map(|address: IpAddr| SocketAddr::new(address, port));
            found.extend(address.filter(|address| !found.contains(address)));
        }
        if found.is_empty() { Err(unknown()) } else { Ok(found) }
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names")
    }
}

fn in_hosts_file(text: &str, host: &str) -> Vec<IpAddr> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_hosts_file() {
        let text = "127.0.0.1 localhost # here\n# 10.0.0.1 db\n10.0.0.2\tdb db.example\n::1 DB\n";
        let found: Vec<String> = in_hosts_file(text, "db").iter().map(IpAddr::to_string).collect();
        assert_eq!(found, ["10.0.0.2", "::1"]);
        assert!(in_hosts_file(text, "here").is_empty());
    }
}
