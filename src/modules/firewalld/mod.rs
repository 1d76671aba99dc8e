//! The `firewalld` module: ports, services and other parts of firewalld's zones.

mod setting;

use super::program;
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use crate::value::Map;
use setting::{Part, Subject, subject};

/// Changes firewalld's zones.
pub struct Firewalld;

crate::arg_choices! {
    /// Whether it should be there; zones themselves are present or absent.
    pub enum State { Absent = "absent", Disabled = "disabled", Enabled = "enabled", Present = "present" }
}

crate::arg_choices! {
    /// What becomes of packets that nothing else decides on.
    pub enum Target { Default = "default", Accept = "ACCEPT", Drop = "DROP", Reject = "%%REJECT%%" }
}

crate::module_args! {
    /// Arguments of `firewalld`.
    pub struct Args {
        /// Whether it should be there. `present` and `absent` are for zones and targets only.
        state: State,
        /// The zone; the default zone when not given.
        zone: Option<String>,
        /// Change what firewalld starts with.
        permanent: bool = false,
        /// Change what applies now. So it is without `permanent`, too.
        immediate: bool = false,
        /// With `permanent`: leave out what applies now when firewalld is not running.
        offline: bool = false,
        /// Seconds after which a change that applies now ends by itself; 0 for never.
        timeout: u64 = 0u64,
        /// A port or a range of ports with its protocol, such as `8080/tcp` or `161-162/udp`.
        port: Option<String>,
        /// Ports that are passed on: maps with `port`, `proto` (tcp or udp), `toport`, and perhaps `toaddr`.
        port_forward: Option<Vec<Map>>,
        /// The name of a service that firewalld knows.
        service: Option<String>,
        /// A protocol, such as `ospf`.
        protocol: Option<String>,
        /// A source address or network; needs `permanent`.
        source: Option<String>,
        /// A network interface; needs `zone`.
        interface: Option<String>,
        /// A rule in firewalld's rich language.
        rich_rule: Option<String>,
        /// A type of ICMP messages to block.
        icmp_block: Option<String>,
        /// Whether the types of `icmp_block` are those let through.
        icmp_block_inversion: Option<bool>,
        /// Whether packets are passed on between the interfaces of the zone (firewalld 0.9).
        forward: Option<bool>,
        /// Whether addresses are masqueraded.
        masquerade: Option<bool>,
        /// What becomes of packets that nothing else decides on; needs `zone` and `permanent`.
        target: Option<Target>,
    }
}

/// What firewalld says.
pub struct Seen {
    subject: Subject,
    zone: String,
    /// Whether the daemon runs; else its offline program is used.
    runs: bool,
    /// Whether what applies now is looked at.
    immediate: bool,
    /// Of each part, whether it is there for good.
    permanent: Vec<bool>,
    /// Of each part, whether it is there now.
    now: Vec<bool>,
    /// The zone's target, asked for when it matters.
    target: Option<String>,
    /// Whether the zone is there, asked for when it matters.
    has_zone: bool,
}

impl Module for Firewalld {
    type Args = Args;
    type State = Seen;
    type Change = Vec<String>;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.posix.firewalld",
        aliases: &["firewalld"],
        summary: "Opens ports and changes other parts of firewalld's zones.",
        notes: "Works through firewall-cmd, and through firewall-offline-cmd for permanent changes while firewalld \
                does not run. Python's bindings are not needed.",
        rules: &[
            Rule::MutuallyExclusive(&[
                "icmp_block",
                "icmp_block_inversion",
                "service",
                "protocol",
                "port",
                "port_forward",
                "rich_rule",
                "interface",
                "forward",
                "masquerade",
                "source",
                "target",
            ]),
            Rule::RequiredBy("interface", &["zone"]),
            Rule::RequiredBy("target", &["zone"]),
            Rule::RequiredBy("source", &["permanent"]),
        ],
        returns: &[ReturnSpec { name: "msg", doc: "What was looked at, and what changed." }],
        examples: &[Example {
            title: "A port, now and after a restart",
            yaml: "ansible.posix.firewalld:\n  port: 8080/tcp\n  permanent: true\n  immediate: true\n  state: enabled",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Seen, Failure> {
        let subject = subject(args)?;
        let (runs, immediate) = mode(args, &subject, host)?;
        let zone = match &args.zone {
            Some(zone) => zone.clone(),
            None => ask(host, &command(runs, false, None, &["--get-default-zone".into()]))?,
        };
        let mut seen = Seen {
            zone,
            runs,
            immediate,
            permanent: Vec::new(),
            now: Vec::new(),
            target: None,
            has_zone: false,
            subject: subject.clone(),
        };
        match &subject {
            Subject::Parts(parts, _) => {
                for part in parts {
                    if args.permanent {
                        seen.permanent.push(is_there(host, &seen, true, part)?);
                    }
                    if immediate {
                        seen.now.push(is_there(host, &seen, false, part)?);
                    }
                }
            }
            Subject::Target(_) => {
                seen.target = Some(ask(host, &seen.command(true, &["--get-target".into()]))?);
            }
            Subject::Zone(_) => {
                let zones = ask(host, &command(runs, true, None, &["--get-zones".into()]))?;
                seen.has_zone = zones.split_whitespace().any(|zone| zone == seen.zone);
            }
        }
        Ok(seen)
    }

    fn plan(&self, args: &Args, seen: &Seen) -> Result<Plan<Vec<String>>, Failure> {
        let mut changes = Vec::new();
        let mut said = vec![match (args.permanent, seen.immediate) {
            (true, true) => "Permanent and Non-Permanent(immediate) operation".to_owned(),
            (true, false) => "Permanent operation".to_owned(),
            (false, _) => "Non-permanent operation".to_owned(),
        }];
        match &seen.subject {
            Subject::Parts(parts, wanted) => {
                let word = if *wanted { "enabled" } else { "disabled" };
                for (index, part) in parts.iter().enumerate() {
                    let before = changes.len();
                    let mut options = vec![part.word(if *wanted { part.adds_by() } else { "remove" })];
                    if seen.permanent.get(index).is_some_and(|there| there != wanted) {
                        changes.push(seen.command(true, &options));
                    }
                    if seen.now.get(index).is_some_and(|there| there != wanted) {
                        if *wanted && args.timeout > 0 {
                            options.push(format!("--timeout={}", args.timeout));
                        }
                        changes.push(seen.command(false, &options));
                    }
                    if changes.len() > before {
                        said.push(format!("Changed {} to {word}", part.label()));
                    }
                }
            }
            Subject::Target(target) => {
                if seen.target.as_deref().is_some_and(|now| now != *target) {
                    changes.push(seen.command(true, &[format!("--set-target={target}")]));
                    said.push(format!("Set zone {} target to {target}", seen.zone));
                }
            }
            Subject::Zone(wanted) => {
                if seen.has_zone != *wanted {
                    let verb = if *wanted { "new" } else { "delete" };
                    changes.push(command(seen.runs, true, None, &[format!("--{verb}-zone={}", seen.zone)]));
                    said.push(format!("Changed zone {} to {}", seen.zone, args.state.as_str()));
                }
            }
        }
        Ok(Plan::of(changes).with("msg", said.join(", ")))
    }

    fn apply(&self, _: &Args, plan: &Plan<Vec<String>>, host: &dyn Host) -> Result<Outcome, Failure> {
        for argv in &plan.changes {
            program::succeed(host, &program::plain(argv))?;
        }
        Ok(Outcome::new())
    }
}

impl Seen {
    fn command(&self, permanent: bool, options: &[String]) -> Vec<String> {
        command(self.runs, permanent, Some(&self.zone), options)
    }
}

/// Whether the daemon runs, and whether what applies now is meant.
fn mode(args: &Args, subject: &Subject, host: &dyn Host) -> Result<(bool, bool), Failure> {
    let immediate = args.immediate || !args.permanent;
    match subject {
        Subject::Zone(_) if immediate => {
            return Err(Failure::new(
                "Zone operations must be permanent. Make sure you didn't set the 'permanent' flag to 'false' \
                 or the 'immediate' flag to 'true'.",
            ));
        }
        Subject::Target(_) if immediate => {
            return Err(Failure::new("a zone's target can only be changed with permanent, and without immediate"));
        }
        Subject::Parts(parts, _) if args.timeout > 0 => {
            if let Some(part) = parts.iter().find(|part| !part.can_expire()) {
                return Err(Failure::new(format!("timeout cannot be used with {}", part.option.replace('-', "_"))));
            }
        }
        _ => {}
    }
    program::require(host, "firewall-cmd")?;
    // firewall-cmd(1): 252 says that the daemon does not run.
    let state = program::plain(&["firewall-cmd", "--state"]);
    let output = program::run(host, &state)?;
    match output.rc {
        0 => Ok((true, immediate)),
        252 if !immediate || (args.offline && args.permanent) => {
            program::require(host, "firewall-offline-cmd")?;
            Ok((false, false))
        }
        252 => Err(Failure::new(
            "firewall is not currently running, unable to perform immediate actions without a running firewall daemon",
        )),
        _ => Err(program::failed(&state, &output)),
    }
}

/// A command line. The offline program knows no difference of now and for good.
fn command(runs: bool, permanent: bool, zone: Option<&str>, options: &[String]) -> Vec<String> {
    let mut argv = vec![if runs { "firewall-cmd" } else { "firewall-offline-cmd" }.to_owned()];
    argv.extend((runs && permanent).then(|| "--permanent".to_owned()));
    argv.extend(zone.map(|zone| format!("--zone={zone}")));
    argv.extend_from_slice(options);
    argv
}

fn ask(host: &dyn Host, argv: &[String]) -> Result<String, Failure> {
    Ok(program::succeed(host, &program::plain(argv))?.stdout_text().trim().to_owned())
}

fn is_there(host: &dyn Host, seen: &Seen, permanent: bool, part: &Part) -> Result<bool, Failure> {
    let command = program::plain(&seen.command(permanent, &[part.word("query")]));
    let output = program::run(host, &command)?;
    match output.rc {
        0 => Ok(true),
        1 => Ok(false),
        _ => Err(program::failed(&command, &output)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::Value;

    fn host(state: i32) -> FakeHost {
        FakeHost::new()
            .with_program("firewall-cmd")
            .with_program("firewall-offline-cmd")
            .with_command(&["firewall-cmd"], 0, "success")
            .with_command(&["firewall-offline-cmd"], 0, "success")
            .with_command(&["firewall-cmd", "--state"], state, "")
            .with_command(&["firewall-cmd", "--get-default-zone"], 0, "public\n")
            .with_command(&["firewall-offline-cmd", "--get-default-zone"], 0, "public\n")
    }

    fn attempt(host: &FakeHost, args: Value, check: bool) -> Result<Map, Failure> {
        Firewalld.run(args.as_map().unwrap(), RunFlags { check, diff: false }, host).map(|run| run.result)
    }

    fn port() -> Value {
        let yes = || Value::Bool(true);
        Value::from([
            ("port", "80/tcp".into()),
            ("permanent", yes()),
            ("immediate", yes()),
            ("state", "enabled".into()),
        ])
    }

    #[test]
    fn only_what_is_missing_is_added() {
        let host = host(0)
            .with_command(&["firewall-cmd", "--permanent", "--zone=public", "--query-port=80/tcp"], 0, "yes")
            .with_command(&["firewall-cmd", "--zone=public", "--query-port=80/tcp"], 1, "no");
        let result = attempt(&host, port(), true).unwrap();
        assert_eq!(result.get("changed"), Some(&Value::Bool(true)));
        assert!(!host.commands().iter().any(|command| command.contains("--add")));
        let result = attempt(&host, port(), false).unwrap();
        assert_eq!(
            result.get("msg"),
            Some(&Value::str("Permanent and Non-Permanent(immediate) operation, Changed port 80/tcp to enabled"))
        );
        assert_eq!(host.commands().last().unwrap(), "firewall-cmd --zone=public --add-port=80/tcp");
        let host = host.with_command(&["firewall-cmd", "--zone=public", "--query-port=80/tcp"], 0, "yes");
        assert_eq!(attempt(&host, port(), false).unwrap().get("changed"), Some(&Value::Bool(false)));
    }

    #[test]
    fn without_the_daemon() {
        let host = host(252).with_command(&["firewall-offline-cmd", "--zone=public", "--query-port=80/tcp"], 1, "no");
        assert!(attempt(&host, port(), false).unwrap_err().msg.contains("not currently running"));
        let mut args = port().as_map().unwrap().clone();
        args.insert("offline".into(), Value::Bool(true));
        attempt(&host, Value::map(args), false).unwrap();
        assert_eq!(host.commands().last().unwrap(), "firewall-offline-cmd --zone=public --add-port=80/tcp");
    }

    #[test]
    fn flags_forwards_targets_and_zones() {
        let host = host(0).with_command(&["firewall-cmd", "--permanent", "--get-zones"], 0, "public home\n");
        let yes = || Value::Bool(true);
        let zone = |extra: &[(&'static str, Value)]| {
            let mut args = Map::from([("zone".into(), "home".into()), ("permanent".into(), yes())]);
            args.extend(extra.iter().map(|(key, value)| ((*key).into(), value.clone())));
            Value::map(args)
        };
        let last = |args| {
            attempt(&host, args, false).unwrap();
            host.commands().last().unwrap().clone()
        };
        let enabled = || ("state", "enabled".into());
        assert_eq!(
            last(zone(&[enabled(), ("masquerade", Value::Bool(false))])),
            "firewall-cmd --permanent --zone=home --remove-masquerade"
        );
        assert_eq!(
            last(zone(&[enabled(), ("target", "DROP".into())])),
            "firewall-cmd --permanent --zone=home --set-target=DROP"
        );
        assert_eq!(last(zone(&[("state", "absent".into())])), "firewall-cmd --permanent --delete-zone=home");
        let forward = Value::from([("port", "80"), ("proto", "tcp"), ("toport", "8080")]);
        assert_eq!(
            last(zone(&[("state", "disabled".into()), ("port_forward", Value::list(vec![forward]))])),
            "firewall-cmd --permanent --zone=home --remove-forward-port=port=80:proto=tcp:toport=8080"
        );
        assert!(attempt(&host, zone(&[enabled()]), false).is_err());
        assert!(attempt(&host, zone(&[enabled(), ("port", "80".into())]), false).is_err());
        assert!(attempt(&host, zone(&[("state", "present".into()), ("port", "80/tcp".into())]), false).is_err());
    }
}
