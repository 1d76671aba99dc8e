//! The `reboot` action: starts a host anew and waits until it is back.

use crate::module::{
    Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, RunFlags, RunsOn, TaskDoor, parse_args,
};
use crate::value::{Map, Value};
use std::time::{Duration, Instant};

/// Reboots.
pub struct Reboot;

crate::module_args! {
    /// Arguments of `reboot`.
    pub struct Args {
        /// Seconds before the reboot; shutdown takes whole minutes, so that less than 60 is none.
        pre_reboot_delay: u64 = 0u64,
        /// Seconds after the reboot before the host is looked at.
        post_reboot_delay: u64 = 0u64,
        /// Seconds that the host may take to come back, and then as long again for `test_command`.
        reboot_timeout: u64 = 600u64,
        /// The command that must succeed before the host counts as ready.
        test_command: String = "whoami",
        /// What users who are logged in are told.
        msg: String = "Reboot initiated by Ansible",
        /// The folders that shutdown is looked for in.
        search_paths: Vec<String> = ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"].map(String::from).to_vec(),
        /// The command whose output is another after each start.
        boot_time_command: String = "cat /proc/sys/kernel/random/boot_id",
        /// The command that reboots, with its arguments, instead of shutdown.
        reboot_command: Option<String>,
    }
}

impl Action for Reboot {
    fn spec(&self) -> ModuleSpec {
        ModuleSpec {
            name: "ansible.builtin.reboot",
            aliases: &["reboot", "ansible.legacy.reboot"],
            summary: "Reboots a host and waits until it is back.",
            notes: "The time of one attempt to connect is the connection's own; `connect_timeout` is not known.",
            runs_on: RunsOn::Controller,
            returns: &[
                ReturnSpec { name: "rebooted", doc: "Whether the host was rebooted." },
                ReturnSpec { name: "elapsed", doc: "Seconds until the host was back." },
            ],
            examples: &[Example { title: "A reboot", yaml: "ansible.builtin.reboot:\n  reboot_timeout: 900" }],
            ..ModuleSpec::EMPTY
        }
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(&[], args)?;
        let connection = task.scope().get("ansible_connection");
        if connection.as_ref().and_then(Value::as_str).is_some_and(|name| name.rsplit('.').next() == Some("local")) {
            return Err(Failure::new("Running reboot with local connection would reboot the control node.")
                .with("elapsed", 0)
                .with("rebooted", false));
        }
        if task.flags().check {
            return Ok(result(0));
        }
        let before = output(task, &args.boot_time_command)?;
        let command = reboot_command(&args, task)?;
        let began = Instant::now();
        if let Err(failure) = output(task, &command) {
            // A connection that breaks is what a reboot does; a command that ended says why it did not.
            if failure.returns.get("rc").and_then(Value::as_int).is_some_and(|rc| rc > 0 && rc < 128) {
                return Err(Failure {
                    msg: format!("Reboot command failed: {}", failure.msg),
                    ..failure.with("rebooted", false)
                });
            }
        }
        task.sleep(Duration::from_secs(args.pre_reboot_delay / 60 * 60 + args.post_reboot_delay))?;
        let elapsed = || began.elapsed().as_secs();
        let limit = Duration::from_secs(args.reboot_timeout);
        let late = |what: &str, failure: Option<Failure>| {
            let why = failure.map_or(String::new(), |failure| format!(": {}", failure.msg));
            Failure::new(format!("Timed out waiting for {what} (timeout={}){why}", args.reboot_timeout))
                .with("rebooted", what != "last boot time check")
                .with("elapsed", elapsed())
        };
        attempt(task, limit, |task| {
            task.reset_connection()?;
            task.try_connect()?;
            let now = output(task, &args.boot_time_command)?;
            if now == before { Err(Failure::new("the host has not rebooted yet")) } else { Ok(()) }
        })
        .map_err(|failure| failure.map_or_else(interrupted, |failure| late("last boot time check", Some(failure))))?;
        attempt(task, limit, |task| output(task, &args.test_command).map(|_| ())).map_err(|failure| {
            failure.map_or_else(interrupted, |failure| late("post-reboot test command", Some(failure)))
        })?;
        Ok(result(elapsed()))
    }
}

fn interrupted() -> Failure {
    Failure::new("interrupted")
}

fn result(elapsed: u64) -> Map {
    Map::from([
        ("changed".into(), Value::Bool(true)),
        ("elapsed".into(), Value::from(elapsed)),
        ("rebooted".into(), Value::Bool(true)),
    ])
}

/// Tries until it succeeds or the time is over; None when the run is interrupted.
fn attempt(
    task: &dyn TaskDoor,
    limit: Duration,
    what: impl Fn(&dyn TaskDoor) -> Result<(), Failure>,
) -> Result<(), Option<Failure>> {
    let began = Instant::now();
    let mut pause = 1;
    loop {
        let failure = match what(task) {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        if began.elapsed() >= limit {
            return Err(Some(failure));
        }
        task.sleep(Duration::from_secs(pause)).map_err(|_| None)?;
        pause = (pause * 2).min(12);
    }
}

/// Runs a command line on the host, through its shell, and returns what it printed.
fn output(task: &dyn TaskDoor, command: &str) -> Result<String, Failure> {
    let args = Map::from([("_raw_params".into(), Value::str(command))]);
    let result = task.remote("ansible.builtin.shell", &args, RunFlags::default())?.result;
    let text = |key: &str| result.get(key).map(Value::to_string).unwrap_or_default();
    match result.get("rc").and_then(Value::as_int) {
        Some(0) => Ok(text("stdout").trim().to_owned()),
        rc => Err(Failure {
            msg: [text("stderr"), text("msg")].into_iter().find(|text| !text.is_empty()).unwrap_or_default(),
            returns: Map::from([("rc".into(), rc.map_or(Value::Null, Value::Int))]),
        }),
    }
}

/// The words that reboot: those given, or shutdown from the folders.
fn reboot_command(args: &Args, task: &dyn TaskDoor) -> Result<String, Failure> {
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    let find = |program: &str| {
        let places: Vec<String> = args
            .search_paths
            .iter()
            .map(|folder| quoted(&format!("{}/{program}", folder.trim_end_matches('/'))))
            .collect();
        let script =
            format!("for p in {}; do if [ -x \"$p\" ]; then echo \"$p\"; exit 0; fi; done; exit 1", places.join(" "));
        output(task, &script).map_err(|_| {
            let places = args.search_paths.join(", ");
            Failure::new(format!("Unable to find command \"{program}\" in search paths: {places}"))
        })
    };
    match &args.reboot_command {
        Some(command) if command.starts_with('/') => Ok(command.clone()),
        Some(command) => {
            let (program, rest) = command.split_once(' ').unwrap_or((command, ""));
            Ok(format!("{} {rest}", quoted(&find(program)?)).trim_end().to_owned())
        }
        None => {
            let minutes = args.pre_reboot_delay / 60;
            Ok(format!("{} -r {minutes} {}", quoted(&find("shutdown")?), quoted(&args.msg)))
        }
    }
}
