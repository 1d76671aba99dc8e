//! Host names to addresses without the C library's plug-ins, which a static binary cannot load.

use super::{CancelToken, TransportError};
use std::io::Read;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The addresses of a host, best first: a literal address, what /etc/hosts says, then what
/// `getent ahosts` says. Waits no longer than `timeout`.
pub fn resolve(host: &str, timeout: Duration, cancel: &CancelToken) -> Result<Vec<IpAddr>, TransportError> {
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = literal.parse() {
        return Ok(vec![address]);
    }
    let table = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let found = search_table(&table, host);
    if !found.is_empty() {
        return Ok(found);
    }
    let failed = |reason: String| TransportError::Resolve { host: host.to_owned(), reason };
    if host.is_empty() || host.starts_with('-') || host.contains(char::is_whitespace) {
        return Err(failed("it is not a host name".into()));
    }
    ask_getent(host, timeout, cancel).and_then(|found| match found.is_empty() {
        true => Err(failed("no such host".into())),
        false => Ok(found),
    })
}

/// The addresses in a hosts table, in its order, IPv4 before IPv6.
fn search_table(table: &str, host: &str) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for line in table.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse().ok()) else { continue };
        if words.any(|name| name.eq_ignore_ascii_case(host)) && !found.contains(&address) {
            found.push(address);
        }
    }
    found.sort_by_key(IpAddr::is_ipv6);
    found
}

fn ask_getent(host: &str, timeout: Duration, cancel: &CancelToken) -> Result<Vec<IpAddr>, TransportError> {
    let failed = |reason: String| TransportError::Resolve { host: host.to_owned(), reason };
    let mut child = Command::new("getent")
        .args(["ahosts", host])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(format!("cannot run getent: {error}")))?;
    let pid = child.id();
    // A name server that does not answer must not hold us: the deadline kills getent.
    let deadline = cancel.child();
    let done = CancelToken::new();
    let kill = deadline.on_cancel(move || super::child::kill_process(pid));
    let (watch, end) = (deadline.clone(), done.clone());
    std::thread::spawn(move || {
        if !end.wait(timeout) {
            watch.cancel();
        }
    });
    let mut text = String::new();
    let read = child.stdout.take().map(|mut out| out.read_to_string(&mut text));
    // The callback goes before the child is reaped, so that it can never hit a stranger's id.
    drop(kill);
    let late = deadline.is_cancelled();
    let _ = child.wait();
    done.cancel();
    if cancel.is_cancelled() {
        return Err(TransportError::Cancelled);
    }
    if late {
        return Err(failed(format!("no answer within {} seconds", timeout.as_secs())));
    }
    if let Some(Err(error)) = read {
        return Err(failed(error.to_string()));
    }
    let mut found = Vec::new();
    for address in text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_the_table_come_first() {
        let token = CancelToken::new();
        let ask = |host| resolve(host, Duration::from_secs(5), &token);
        assert_eq!(ask("::1").unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
        assert_eq!(ask("[::1]").unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
        let table = "::2 db # x\n10.0.0.1 DB.example.org db\n10.0.0.1 db\nnonsense db\n";
        let wanted: [IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "::2".parse().unwrap()];
        assert_eq!(search_table(table, "db"), wanted);
        assert!(search_table(table, "x").is_empty());
        assert!(ask("-bad").is_err());
    }
}
