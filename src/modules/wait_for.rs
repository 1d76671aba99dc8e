//! The `wait_for` module: waits for a port, a file, or a text in either.

use super::file::info;
use super::python_regex::{Flags, Pattern};
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use crate::value::{Map, Value};
use std::path::PathBuf;
use std::time::Duration;

/// Waits.
pub struct WaitFor;

crate::arg_choices! {
    /// What is waited for.
    pub enum State { Present = "present", Started = "started", Stopped = "stopped", Absent = "absent", Drained = "drained" }
}

crate::module_args! {
    /// Arguments of `wait_for`.
    pub struct Args {
        /// The host whose port is meant, as the managed host sees it.
        host: String = "127.0.0.1",
        /// Seconds after which it gives up.
        timeout: u64 = 300u64,
        /// Seconds that one connection attempt may take.
        connect_timeout: u64 = 5u64,
        /// Seconds before the first look.
        delay: u64 = 0u64,
        /// Seconds between looks.
        sleep: u64 = 1u64,
        /// The TCP port.
        port: Option<u16>,
        /// The file.
        path: Option<PathBuf>,
        /// What is waited for: `started` and `present` for there, `stopped` and `absent` for gone.
        state: State = State::Started,
        /// A regular expression that must be found in the file, or in what the port says.
        search_regex: Option<String>,
        /// The message when time is up.
        msg: Option<String>,
    }
}

/// What was found when the waiting was over.
pub struct Found {
    elapsed: u64,
    groups: Groups,
    /// What is at the path.
    info: Map,
}

/// What the expression's groups stand for, in order and by name.
#[derive(Default)]
pub struct Groups {
    list: Vec<Value>,
    named: Map,
}

impl Module for WaitFor {
    type Args = Args;
    type State = Found;
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.wait_for",
        aliases: &["wait_for", "ansible.legacy.wait_for"],
        summary: "Waits for a port or a file.",
        notes: "Without port and path it just waits for `timeout` seconds. `state: drained` is not supported yet.",
        rules: &[Rule::MutuallyExclusive(&["port", "path"])],
        returns: &[
            ReturnSpec { name: "elapsed", doc: "Seconds that it took." },
            ReturnSpec { name: "match_groups", doc: "The groups of `search_regex`." },
        ],
        examples: &[Example { title: "A port", yaml: "ansible.builtin.wait_for:\n  port: 8080\n  timeout: 60" }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Found, Failure> {
        if args.state == State::Drained {
            return Err(Failure::new("state=drained is not supported yet"));
        }
        let regex = match &args.search_regex {
            Some(text) => Some(Pattern::new(text, Flags::default()).map_err(Failure::new)?),
            None => None,
        };
        let began = host.now();
        let elapsed = || host.now().duration_since(began).unwrap_or_default();
        wait(host, args.delay)?;
        if args.port.is_none() && args.path.is_none() {
            wait(host, args.timeout.saturating_sub(args.delay))?;
            return Ok(Found { elapsed: elapsed().as_secs(), groups: Groups::default(), info: Map::new() });
        }
        loop {
            if let Some(groups) = look(args, regex.as_ref(), host)? {
                let info = args.path.as_ref().map(|path| info::entries(host, path)).transpose()?.unwrap_or_default();
                return Ok(Found { elapsed: elapsed().as_secs(), groups, info });
            }
            if elapsed() >= Duration::from_secs(args.timeout) {
                return Err(Failure::new(timed_out(args)).with("elapsed", elapsed().as_secs()));
            }
            wait(host, args.sleep.max(1))?;
        }
    }

    fn plan(&self, args: &Args, found: &Found) -> Result<Plan<()>, Failure> {
        let mut plan = Plan::nothing()
            .with("elapsed", found.elapsed)
            .with("state", args.state.as_str())
            .with("port", args.port.map(Value::from))
            .with("path", args.path.as_ref().map(|path| path.to_string_lossy().into_owned()))
            .with("search_regex", args.search_regex.clone())
            .with("match_groups", Value::list(found.groups.list.clone()))
            .with("match_groupdict", Value::map(found.groups.named.clone()));
        plan.returns.extend(found.info.clone());
        Ok(plan)
    }

    fn apply(&self, _args: &Args, _plan: &Plan<()>, _host: &dyn Host) -> Result<Outcome, Failure> {
        Ok(Outcome::new())
    }
}

fn wait(host: &dyn Host, seconds: u64) -> Result<(), Failure> {
    match seconds {
        0 => Ok(()),
        seconds => host
            .sleep(Duration::from_secs(seconds))
            .map_err(|error| Failure::new(format!("the wait was ended: {error}"))),
    }
}

/// One look; the groups of the expression when what is waited for is so.
fn look(args: &Args, regex: Option<&Pattern>, host: &dyn Host) -> Result<Option<Groups>, Failure> {
    let wants_there = matches!(args.state, State::Present | State::Started);
    if let Some(path) = &args.path {
        let there = host.stat(path).ok().flatten().is_some();
        return match (there, wants_there, regex) {
            (true, true, Some(regex)) => {
                let text =
                    host.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
                groups(regex, &text)
            }
            (true, true, None) | (false, false, _) => Ok(Some(Groups::default())),
            _ => Ok(None),
        };
    }
    let Some(port) = args.port else { return Ok(Some(Groups::default())) };
    let timeout = Duration::from_secs(args.connect_timeout.max(1));
    match (regex, wants_there) {
        (Some(regex), true) => {
            let said = |bytes: &[u8]| groups(regex, &String::from_utf8_lossy(bytes)).is_ok_and(|found| found.is_some());
            let open = host.probe_tcp(&args.host, port, timeout, Some(&said)).unwrap_or(false);
            Ok(open.then(Groups::default))
        }
        (_, wanted) => {
            let open = host.probe_tcp(&args.host, port, timeout, None).unwrap_or(false);
            Ok((open == wanted).then(Groups::default))
        }
    }
}

fn groups(regex: &Pattern, text: &str) -> Result<Option<Groups>, Failure> {
    let found = regex.search(text).map_err(Failure::new)?;
    Ok(found.map(|captures| {
        let text = |index| captures.get(index).map_or(Value::Null, |group| Value::str(group.as_str()));
        let names = regex.group_names();
        Groups {
            list: (1..captures.len()).map(text).collect(),
            named: names.into_iter().map(|(index, name)| (name.into(), text(index))).collect(),
        }
    }))
}

fn timed_out(args: &Args) -> String {
    if let Some(msg) = &args.msg {
        return msg.clone();
    }
    let what = match (&args.path, args.port, &args.search_regex) {
        (Some(path), _, Some(text)) => format!("search string {text} in {}", path.display()),
        (Some(path), _, None) => format!("file {}", path.display()),
        (None, Some(port), Some(text)) => format!("search string {text} in {}:{port}", args.host),
        (None, Some(port), None) => format!("{}:{port}", args.host),
        (None, None, _) => "nothing".into(),
    };
    match args.state {
        State::Stopped | State::Absent => format!("Timeout when waiting for {what} to stop."),
        _ => format!("Timeout when waiting for {what}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};

    fn run(host: &FakeHost, args: Value) -> Result<Map, Failure> {
        WaitFor.run(args.as_map().unwrap(), RunFlags::default(), host).map(|run| run.result)
    }

    #[test]
    fn a_file_with_a_text() {
        let host = FakeHost::new().with_file("/log", "ready: 42\n", 0o644);
        let result = run(&host, Value::from([("path", "/log"), ("search_regex", r"ready: (\d+)")])).unwrap();
        assert_eq!(result.get("match_groups"), Some(&Value::from(vec!["42"])));
        assert_eq!(result.get("changed"), Some(&Value::Bool(false)));
    }

    #[test]
    fn time_runs_out_with_a_message() {
        let host = FakeHost::new();
        let args = Value::from([("path", Value::str("/never")), ("timeout", Value::Int(2))]);
        assert_eq!(run(&host, args).unwrap_err().msg, "Timeout when waiting for file /never");
    }
}
