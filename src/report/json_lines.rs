//! The report as a stream: one JSON object for each event, on one line, as it happens.

use super::screen::Text;
use super::{Reporter, clock};
use crate::module::Stream;
use crate::run::{Event, HostStats};
use crate::value::{Map, Value};
use serde_json::{Map as Object, Value as Json, json};
use std::sync::Arc;
use std::time::SystemTime;

/// The report as a stream.
#[derive(Default)]
pub(super) struct JsonLines;

/// A result without the engine's own keys.
pub(super) fn plain(result: &Map) -> Json {
    let kept = result.iter().filter(|(key, _)| !key.as_str().is_some_and(|name| name.starts_with("_ansible_")));
    let kept: Map = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    to_json(&Value::map(kept))
}

/// A value as JSON. Numbers that JSON has no form for become null.
pub(super) fn to_json(value: &Value) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

/// The counts of all hosts by name.
pub(super) fn stats_json(stats: &[(Arc<str>, HostStats)]) -> Json {
    let entries = stats.iter().map(|(host, stats)| (host.to_string(), json!(stats)));
    Json::Object(entries.collect())
}

/// What `set_stats` gathered: by host, and for the whole run.
pub(super) fn custom_json(custom: &[(Arc<str>, Value)]) -> (Json, Json) {
    let mut hosts = Object::new();
    let mut run = json!({});
    for (host, data) in custom {
        match &**host {
            "_run" => run = to_json(data),
            host => {
                hosts.insert(host.to_owned(), to_json(data));
            }
        }
    }
    (Json::Object(hosts), run)
}

/// The event's name and its values.
fn describe(event: &Event) -> (&'static str, Json) {
    match event {
        Event::PlayStart { name, hosts, .. } => ("play_start", json!({"play": name, "hosts": hosts})),
        Event::NoHosts { name, .. } => ("no_hosts", json!({"play": name})),
        Event::NoMoreHosts => ("no_more_hosts", json!({})),
        Event::TaskStart { task, name, place, handler, action } => {
            ("task_start", json!({"id": task.0, "task": name, "action": action, "path": place, "handler": handler}))
        }
        Event::HostStart { task, host } => ("host_start", json!({"id": task.0, "host": host})),
        Event::Line { task, host, stream, text } => {
            let stream = match stream {
                Stream::Stdout => "stdout",
                Stream::Stderr => "stderr",
            };
            ("line", json!({"id": task.0, "host": host, "stream": stream, "text": text}))
        }
        Event::Item { task, host, status, label, result, ignored, delegated } => (
            "item",
            json!({
                "id": task.0, "host": host, "status": status, "label": label, "ignored": ignored,
                "delegated_to": delegated, "result": plain(result),
            }),
        ),
        Event::Retry { task, host, left } => ("retry", json!({"id": task.0, "host": host, "left": left})),
        Event::Done { task, host, status, result, ignored, delegated, took, place, .. } => (
            "result",
            json!({
                "id": task.0, "host": host, "status": status, "path": place, "ignored": ignored,
                "delegated_to": delegated, "seconds": took.as_secs_f64(), "result": plain(result),
            }),
        ),
        Event::Included { name, hosts, .. } => ("included", json!({"name": name, "hosts": hosts})),
        Event::Warning(message) => ("warning", json!({"message": message})),
        Event::End { stats, custom } => {
            let (custom, run) = custom_json(custom);
            ("end", json!({"stats": stats_json(stats), "custom_stats": custom, "global_custom_stats": run}))
        }
    }
}

impl Reporter for JsonLines {
    fn event(&mut self, event: &Event, text: &mut Text) {
        let (name, values) = describe(event);
        let mut object = Object::new();
        object.insert("event".into(), name.into());
        object.insert("time".into(), clock::utc(SystemTime::now()).into());
        if let Json::Object(values) = values {
            object.extend(values);
        }
        text.out(&(Json::Object(object).to_string() + "\n"));
    }

    fn pause(&mut self, _text: &mut Text) {}

    fn finish(&mut self, _text: &mut Text) {}
}
