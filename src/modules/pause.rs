//! `pause`: waits for a time or for a person.

use super::clock::Moment;
use crate::module::{
    Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, Rule, RunsOn, TaskDoor, parse_args,
};
use crate::module_args;
use crate::value::{Map, Value, python_float};
use std::time::{Duration, SystemTime};

module_args! {
    /// Arguments of `pause`.
    pub struct Args {
        /// How long to wait, in minutes.
        minutes: Option<f64>,
        /// How long to wait, in seconds.
        seconds: Option<f64>,
        /// What to show. Without a time, the task waits until Enter is pressed.
        prompt: Option<String>,
        /// Whether what is typed is shown.
        echo: bool = true,
    }
}

/// The `pause` action.
pub struct Pause;

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.pause",
    aliases: &["pause", "ansible.legacy.pause"],
    summary: "Waits for a time, or for a person to press Enter",
    notes: "Without a terminal a prompt is not waited for: a warning says so and the run goes on.",
    runs_on: RunsOn::Controller,
    rules: &[Rule::MutuallyExclusive(&["minutes", "seconds"])],
    returns: &[
        ReturnSpec { name: "user_input", doc: "What was typed." },
        ReturnSpec { name: "start", doc: "When the wait began." },
        ReturnSpec { name: "stop", doc: "When it ended." },
        ReturnSpec { name: "delta", doc: "Whole seconds between the two." },
        ReturnSpec { name: "stdout", doc: "How long the wait was, in words." },
        ReturnSpec { name: "echo", doc: "Whether what was typed was shown." },
    ],
    examples: &[
        Example { title: "Wait half a minute", yaml: "pause:\n  seconds: 30" },
        Example {
            title: "Ask a person",
            yaml: "pause:\n  prompt: Check the new site, then press Enter\nregister: answer",
        },
    ],
    ..ModuleSpec::EMPTY
};

impl Action for Pause {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(SPEC.rules, args)?;
        let start = SystemTime::now();
        let hidden = if args.echo { "" } else { " (output is hidden)" };
        let mut typed = String::new();
        match wait(&args)? {
            Some(time) => {
                let prompt = args.prompt.as_deref().map(|prompt| format!("\n{prompt}")).unwrap_or_default();
                task.warn(&format!("Pausing for {} seconds{hidden}{prompt}", time.as_secs()));
                task.sleep(time)?;
            }
            None => {
                let text = args.prompt.as_deref().unwrap_or("Press enter to continue, Ctrl+C to interrupt");
                match task.prompt(&format!("[{}]\n{text}{hidden}:", task.host()), !args.echo) {
                    Some(answer) => typed = answer,
                    None => task.warn("Not waiting for response to prompt as stdin is not interactive"),
                }
            }
        }
        let stop = SystemTime::now();
        let elapsed = stop.duration_since(start).unwrap_or_default();
        let (amount, unit) = match args.seconds {
            Some(_) => (elapsed.as_secs_f64(), "seconds"),
            None => (elapsed.as_secs_f64() / 60.0, "minutes"),
        };
        let amount = python_float((amount * 100.0).round() / 100.0);
        Ok(Map::from([
            ("changed".into(), Value::Bool(false)),
            ("rc".into(), Value::Int(0)),
            ("stderr".into(), Value::str("")),
            ("stdout".into(), Value::from(format!("Paused for {amount} {unit}"))),
            ("start".into(), Value::from(Moment::local(start).stamp())),
            ("stop".into(), Value::from(Moment::local(stop).stamp())),
            ("delta".into(), Value::from(elapsed.as_secs())),
            ("echo".into(), Value::Bool(args.echo)),
            ("user_input".into(), Value::from(typed)),
        ]))
    }
}

/// The time to wait, at least a second; None to wait for a person.
fn wait(args: &Args) -> Result<Option<Duration>, Failure> {
    let Some(seconds) = args.seconds.or(args.minutes.map(|minutes| minutes * 60.0)) else { return Ok(None) };
    match Duration::try_from_secs_f64(seconds.trunc().max(1.0)) {
        Ok(time) => Ok(Some(time)),
        Err(_) => Err(Failure::new(format!("{} is no time to wait", python_float(seconds)))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modules::task_door::Door;

    #[test]
    fn sleeps_at_least_a_second() {
        for (args, seconds) in [(Value::from([("seconds", 3)]), 3), (Value::from([("minutes", 0)]), 1)] {
            let door = Door::with(&[]);
            let result = Pause.run(args.as_map().unwrap(), &door).unwrap();
            assert_eq!(*door.slept.lock().unwrap(), Duration::from_secs(seconds));
            assert_eq!(result["changed"], Value::Bool(false));
        }
    }

    #[test]
    fn takes_an_answer_and_goes_on_without_a_terminal() {
        let door = Door { typed: Some("yes".into()), ..Door::with(&[]) };
        assert_eq!(Pause.run(&Map::new(), &door).unwrap()["user_input"], Value::str("yes"));
        let door = Door::with(&[]);
        assert_eq!(Pause.run(&Map::new(), &door).unwrap()["user_input"], Value::str(""));
        assert_eq!(door.warnings.lock().unwrap().len(), 1);
    }

    #[test]
    fn refuses_two_times() {
        let args = Value::from([("seconds", 3), ("minutes", 1)]);
        assert!(Pause.run(args.as_map().unwrap(), &Door::with(&[])).is_err());
    }
}
