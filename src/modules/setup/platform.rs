//! The host's names, its kernel and architecture; its user, environment and clock.

use super::{files, kernel};
use crate::module::Host;
use crate::modules::clock::Moment;
use crate::value::{Key, Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// Names, kernel and architecture. `python_version` is filled in by the caller.
pub fn platform(host: &dyn Host) -> Map {
    let uname = kernel::uname();
    let fqdn = fqdn(host, &uname.node);
    let first = uname.node.split('.').next().unwrap_or_default();
    let domain = fqdn.split_once('.').map_or("", |(_, domain)| domain);
    let architecture = match uname.machine.as_str() {
        "i486" | "i586" | "i686" => "i386",
        machine => machine,
    };
    let bits = if cfg!(target_pointer_width = "64") { "64" } else { "32" };
    let mut facts = Map::from([
        ("system".into(), Value::str(&uname.system)),
        ("kernel".into(), Value::str(&uname.release)),
        ("kernel_version".into(), Value::str(&uname.version)),
        ("machine".into(), Value::str(&uname.machine)),
        ("architecture".into(), Value::str(architecture)),
        ("userspace_bits".into(), Value::str(bits)),
        ("nodename".into(), Value::str(&uname.node)),
        ("hostname".into(), Value::str(first)),
        ("fqdn".into(), Value::str(&fqdn)),
        ("domain".into(), Value::str(domain)),
    ]);
    let userspace = match (bits, architecture) {
        ("64", "x86_64" | "amd64") => Some("x86_64"),
        ("32", "x86_64" | "i386") => Some("i386"),
        ("64", other) => Some(other),
        _ => None,
    };
    if let Some(userspace) = userspace {
        facts.insert("userspace_architecture".into(), Value::str(userspace));
    }
    let id = files::word(host, "/etc/machine-id").or_else(|| files::word(host, "/var/lib/dbus/machine-id"));
    if let Some(id) = id {
        facts.insert("machine_id".into(), Value::from(id));
    }
    facts
}

/// The full name: what /etc/hosts calls this host's address, else what the resolver does, else the short name.
fn fqdn(host: &dyn Host, node: &str) -> String {
    let text = files::text(host, "/etc/hosts").unwrap_or_default();
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>())
        .filter(|words| words.len() > 1)
        .collect();
    let address = lines.iter().find(|words| words[1..].contains(&node)).map(|words| words[0]);
    let names: Vec<String> = match address {
        Some(address) => {
            let line = lines.iter().find(|words| words[0] == address);
            line.map(|words| words[1..].iter().map(|name| (*name).to_owned()).collect()).unwrap_or_default()
        }
        None => {
            let mut command = crate::module::Command::new(["getent", "hosts", node]);
            command.timeout = Some(Duration::from_secs(5));
            let output = host.run(&command).map(|output| output.stdout_text()).unwrap_or_default();
            output.split_whitespace().skip(1).map(str::to_owned).collect()
        }
    };
    let full = names.iter().find(|name| name.contains('.')).or(names.first());
    full.cloned().unwrap_or_else(|| node.to_owned())
}

/// The user that the module runs as.
pub fn user(host: &dyn Host) -> Map {
    let ids = kernel::ids();
    let entry = host.user_by_id(ids.uid).ok().flatten();
    let mut facts = Map::from([
        ("real_user_id".into(), Value::from(ids.uid)),
        ("effective_user_id".into(), Value::from(ids.euid)),
        ("real_group_id".into(), Value::from(ids.gid)),
        ("effective_group_id".into(), Value::from(ids.egid)),
        ("user_uid".into(), Value::from(ids.uid)),
        ("user_gid".into(), Value::from(entry.as_ref().map_or(ids.gid, |user| user.gid))),
    ]);
    if let Some(user) = entry {
        facts.insert("user_id".into(), Value::from(user.name));
        facts.insert("user_gecos".into(), Value::from(user.gecos));
        facts.insert("user_dir".into(), Value::str(user.home.to_string_lossy()));
        facts.insert("user_shell".into(), Value::str(user.shell.to_string_lossy()));
    }
    facts
}

/// The environment of this process, with the task's own variables.
pub fn environment(host: &dyn Host) -> Map {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let variables: BTreeMap<String, String> =
        names.filter_map(|name| host.env(&name).map(|value| (name, value))).collect();
    variables.into_iter().map(|(name, value)| (Key::from(name), Value::from(value))).collect()
}

/// The clock, in the shapes that Ansible offers.
pub fn date_time(host: &dyn Host) -> Value {
    let now = host.now();
    let epoch = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (local, utc) = (Moment::local(now), Moment::utc(now));
    let (zone, other_zone) = crate::modules::clock::zone_names(now);
    let basic =
        |m: &Moment| format!("{:04}{:02}{:02}T{:02}{:02}{:02}", m.year, m.month, m.day, m.hour, m.minute, m.second);
    let date = format!("{:04}-{:02}-{:02}", local.year, local.month, local.day);
    let time = format!("{:02}:{:02}:{:02}", local.hour, local.minute, local.second);
    let iso = utc.stamp().replace(' ', "T");
    // Weeks start on Monday; days before the first one are in week 0.
    let week = (local.yearday + 7 - (local.weekday + 6) % 7) / 7;
    let sign = if local.offset < 0 { '-' } else { '+' };
    let offset = local.offset.unsigned_abs();
    const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    Value::from([
        ("year", Value::from(format!("{:04}", local.year))),
        ("month", Value::from(format!("{:02}", local.month))),
        ("weekday", Value::str(DAYS[local.weekday as usize % 7])),
        ("weekday_number", Value::from(local.weekday.to_string())),
        ("weeknumber", Value::from(format!("{week:02}"))),
        ("day", Value::from(format!("{:02}", local.day))),
        ("hour", Value::from(format!("{:02}", local.hour))),
        ("minute", Value::from(format!("{:02}", local.minute))),
        ("second", Value::from(format!("{:02}", local.second))),
        ("epoch", Value::from(epoch.to_string())),
        ("epoch_int", Value::from(epoch.to_string())),
        ("date", Value::from(date)),
        ("time", Value::from(time)),
        ("iso8601_micro", Value::from(format!("{iso}Z"))),
        ("iso8601", Value::from(format!("{}Z", iso.split('.').next().unwrap_or_default()))),
        ("iso8601_basic", Value::from(format!("{}{:06}", basic(&local), local.micros))),
        ("iso8601_basic_short", Value::from(basic(&local))),
        ("tz", Value::from(zone)),
        ("tz_dst", Value::from(other_zone)),
        ("tz_offset", Value::from(format!("{sign}{:02}{:02}", offset / 3600, offset / 60 % 60))),
    ])
}

/// The kernel's command line: `(cmdline, proc_cmdline)`. The second keeps every value of a repeated name.
pub fn command_line(host: &dyn Host) -> (Map, Map) {
    let text = files::text(host, "/proc/cmdline").unwrap_or_default();
    let words = crate::modules::words::split(&text).unwrap_or_default();
    let (mut last, mut every) = (Map::new(), Map::new());
    for word in words {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Value::str(value)),
            None => (word, Value::Bool(true)),
        };
        let seen: Option<Value> = every.get(name.as_str()).cloned();
        let together = match seen {
            None => value.clone(),
            Some(Value::List(items)) => Value::list(items.iter().cloned().chain([value.clone()]).collect()),
            Some(first) => Value::list(vec![first, value.clone()]),
        };
        every.insert(Key::from(name.as_str()), together);
        last.insert(Key::from(name), value);
    }
    (last, every)
}
