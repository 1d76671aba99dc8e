//! Shapes of results: failures, loops, and what Ansible adds to every result.

use super::event::Status;
use super::execute::Attempt;
use super::outcome::TaskOutcome;
use crate::module::Failure;
use crate::value::{Key, Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// A failure as a result. A `msg` among its values is the message in its own type.
pub(super) fn of_failure(failure: Failure) -> Map {
    let mut result = failure.returns;
    result.entry("msg".into()).or_insert_with(|| Value::str(&failure.msg));
    result.insert("failed".into(), Value::Bool(true));
    result.entry("changed".into()).or_insert(Value::Bool(false));
    result
}

/// A host that cannot be reached, as a result.
pub(super) fn of_unreachable(message: &str) -> Map {
    Map::from([
        ("unreachable".into(), Value::Bool(true)),
        ("msg".into(), Value::str(message)),
        ("changed".into(), Value::Bool(false)),
    ])
}

/// A result that was skipped.
pub(super) fn of_skip(condition: Option<&Value>) -> Map {
    let mut result = Map::from([
        ("changed".into(), Value::Bool(false)),
        ("skipped".into(), Value::Bool(true)),
        ("skip_reason".into(), Value::str("Conditional result was False")),
    ]);
    if let Some(condition) = condition {
        result.insert("false_condition".into(), Value::str(condition.to_string()));
    }
    result
}

/// Adds `stdout_lines` and the like.
pub(super) fn add_lines(result: &mut Map) {
    for name in ["stdout", "stderr"] {
        let lines_name = format!("{name}_lines");
        if result.contains_key(lines_name.as_str()) {
            continue;
        }
        if let Some(Value::Str(text)) = result.get(name) {
            let lines = Value::list(text.lines().map(Value::str).collect());
            result.insert(Key::from(lines_name), lines);
        }
    }
}

/// Adds to `warnings`, which the report shows once and tasks can look at.
pub(super) fn add_warning(result: &mut Map, message: &str) {
    let warnings = result.entry("warnings".into()).or_insert_with(|| Value::list(Vec::new()));
    if let Value::List(known) = warnings {
        Arc::make_mut(known).push(Value::str(message));
    }
}

fn flag(result: &Map, name: &str) -> bool {
    result.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// The result of a loop from those of its items.
pub(super) fn join(attempts: Vec<Attempt>) -> TaskOutcome {
    let mut joined = Map::new();
    let any = |test: &dyn Fn(&Attempt) -> bool| attempts.iter().any(test);
    let changed = any(&|attempt| flag(&attempt.result, "changed"));
    let failed = any(&|attempt| attempt.status == Status::Failed && !attempt.ignored);
    let any_failed = any(&|attempt| attempt.status == Status::Failed);
    let unreachable = any(&|attempt| attempt.status == Status::Unreachable);
    let skipped = attempts.iter().all(|attempt| attempt.status == Status::Skipped);
    let ignored = any_failed && !failed;
    let no_log = any(&|attempt| attempt.no_log);
    let results = attempts.iter().map(|attempt| Value::map(attempt.result.clone())).collect();
    joined.insert("results".into(), Value::list(results));
    joined.insert("changed".into(), Value::Bool(changed));
    if any_failed {
        joined.insert("failed".into(), Value::Bool(true));
        joined.insert("msg".into(), Value::str("One or more items failed"));
    } else if unreachable {
        joined.insert("unreachable".into(), Value::Bool(true));
        joined.insert("msg".into(), Value::str("The host became unreachable during the loop"));
    } else if attempts.is_empty() {
        joined.insert("skipped_reason".into(), Value::str("No items in the list"));
    } else if skipped {
        joined.insert("msg".into(), Value::str("All items skipped"));
    } else {
        joined.insert("msg".into(), Value::str("All items completed"));
    }
    if skipped {
        joined.insert("skipped".into(), Value::Bool(true));
    }
    let status = match (unreachable, any_failed, skipped, changed) {
        (true, ..) => Status::Unreachable,
        (_, true, ..) => Status::Failed,
        (_, _, true, _) => Status::Skipped,
        (.., true) => Status::Changed,
        _ => Status::Ok,
    };
    let mut outcome = TaskOutcome {
        status,
        result: joined,
        no_log,
        ignored,
        effects: Vec::new(),
        notify: Vec::new(),
        includes: Vec::new(),
        delegated: None,
        took: Duration::ZERO,
        looped: true,
    };
    for attempt in attempts {
        outcome.effects.extend(attempt.effects);
        outcome.notify.extend(attempt.notify);
        outcome.includes.extend(attempt.includes);
    }
    outcome
}

/// A worker's panic is the failure of its host.
pub(super) fn of_panic(panic: &(dyn std::any::Any + Send)) -> TaskOutcome {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into());
    TaskOutcome {
        status: Status::Failed,
        result: of_failure(Failure::new(format!("rplay failed inside this task (please report it): {text}"))),
        no_log: false,
        ignored: false,
        effects: Vec::new(),
        notify: Vec::new(),
        includes: Vec::new(),
        delegated: None,
        took: Duration::ZERO,
        looped: false,
    }
}
