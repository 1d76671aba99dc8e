//! Events in, text out.
#![allow(clippy::unwrap_used)]

use super::human::Human;
use super::json::JsonDocument;
use super::json_lines::JsonLines;
use super::{Options, Paint, Reporter, Text};
use crate::playbook::NodeId;
use crate::run::{Event, HostStats, Status};
use crate::value::Value;
use std::sync::Arc;
use std::time::Duration;

fn name(name: &str) -> Arc<str> {
    Arc::from(name)
}

fn play(hosts: &[&str]) -> Event {
    Event::PlayStart { name: "p".into(), hosts: hosts.iter().map(|host| name(host)).collect() }
}

fn start(id: u32, title: &str) -> Event {
    Event::TaskStart {
        task: NodeId(id),
        name: title.into(),
        place: format!("/site.yml:{id}"),
        handler: false,
        action: name(title),
    }
}

fn on(id: u32, host: &str) -> Event {
    Event::HostStart { task: NodeId(id), host: name(host) }
}

fn done_with(id: u32, host: &str, status: Status, result: Value) -> Event {
    Event::Done {
        task: NodeId(id),
        host: name(host),
        status,
        result: Arc::new(result.as_map().cloned().unwrap_or_default()),
        ignored: false,
        delegated: None,
        took: Duration::from_millis(1500),
        looped: false,
        place: format!("/site.yml:{id}"),
    }
}

fn done(id: u32, host: &str, status: Status) -> Event {
    done_with(id, host, status, Value::from([("changed", status == Status::Changed)]))
}

fn item(id: u32, host: &str, status: Status, label: &str, result: Value) -> Event {
    Event::Item {
        task: NodeId(id),
        host: name(host),
        status,
        label: label.into(),
        result: Arc::new(result.as_map().cloned().unwrap_or_default()),
        ignored: false,
        delegated: None,
    }
}

fn shown_by(mut reporter: impl Reporter, events: Vec<Event>) -> Text {
    let mut text = Text::default();
    events.iter().for_each(|event| reporter.event(event, &mut text));
    reporter.finish(&mut text);
    text
}

/// Standard output, banners cut to eight columns of stars.
fn human(options: Options, events: Vec<Event>) -> String {
    shown_by(Human::new(Options { width: 0, ..options }), events).to_out()
}

#[test]
fn looks_like_ansible() {
    let text = shown_by(
        Human::new(Options::default()),
        vec![
            play(&["h1"]),
            start(1, "say"),
            on(1, "h1"),
            done(1, "h1", Status::Ok),
            Event::End { stats: vec![(name("h1"), HostStats { ok: 1, ..HostStats::default() })], custom: Vec::new() },
        ],
    );
    let stars = |count| "*".repeat(count);
    assert_eq!(
        text.to_out(),
        format!(
            "\nPLAY [p] {}\n\nTASK [say] {}\nok: [h1]\n\nPLAY RECAP {}\n{}\n\n",
            stars(71),
            stars(69),
            stars(69),
            "h1                         : ok=1    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   ",
        )
    );
}

#[test]
fn a_failure_says_what_ran_and_where_it_stands() {
    let result = Value::from([
        ("changed", Value::Bool(true)),
        ("failed", Value::Bool(true)),
        ("cmd", Value::from(vec!["sh", "-c", "exit 3"])),
        ("rc", Value::Int(3)),
        ("msg", Value::str("non-zero return code")),
        ("stdout", Value::str("")),
        ("stderr", Value::str("one\ntwo \x1b[2J\n")),
        ("stderr_lines", Value::from(vec!["one"])),
        ("start", Value::str("now")),
    ]);
    let events = || vec![start(7, "t"), done_with(7, "h1", Status::Failed, result.clone())];
    assert_eq!(
        human(Options::default(), events()),
        "\nTASK [t] ***\nfatal: [h1]: FAILED! => {\"changed\": true, \"msg\": \"non-zero return code\", \"rc\": 3}\n    \
         ran: sh -c 'exit 3'\n    stderr:\n        one\n        two \\x1b[2J\n    at /site.yml:7\n"
    );
    let verbose = human(Options { verbosity: 1, ..Options::default() }, events());
    assert!(verbose.contains("\"cmd\": [\"sh\", \"-c\", \"exit 3\"], \"failed\": true, \"msg\""), "{verbose}");
    assert!(verbose.ends_with("    at /site.yml:7\n"), "{verbose}");
}

#[test]
fn ignored_failures_and_unreachable_hosts() {
    let Event::Done { task, host, status, result, delegated, took, looped, place, .. } =
        done_with(1, "h1", Status::Failed, Value::from([("msg", "m")]))
    else {
        return;
    };
    let ignored = Event::Done { task, host, status, result, delegated, took, looped, place, ignored: true };
    let lost = done_with(1, "h2", Status::Unreachable, Value::from([("msg", "no route"), ("unreachable", "x")]));
    assert_eq!(
        human(Options::default(), vec![start(1, "t"), ignored, lost]),
        "\nTASK [t] ***\nfatal: [h1]: FAILED! => {\"msg\": \"m\"}\n    at /site.yml:1\n...ignoring\n\
         fatal: [h2]: UNREACHABLE! => {\"msg\": \"no route\", \"unreachable\": \"x\"}\n    at /site.yml:1\n"
    );
}

#[test]
fn items_differences_and_messages() {
    let diff = Value::from([("before", "a\n"), ("after", "b\n")]);
    let changed = Value::from([("changed", Value::Bool(true)), ("diff", diff)]);
    let said = Value::from([("changed", Value::Bool(false)), ("msg", Value::str("hello"))]);
    let text = human(
        Options::default(),
        vec![
            start(1, "t"),
            item(1, "h1", Status::Changed, "x", changed),
            item(1, "h1", Status::Skipped, "y", Value::Null),
            start(2, "ansible.builtin.debug"),
            done_with(2, "h1", Status::Ok, said),
        ],
    );
    assert_eq!(
        text,
        "\nTASK [t] ***\n--- before\n+++ after\n@@ -1 +1 @@\n-a\n+b\n\nchanged: [h1] => (item=x)\nskipping: [h1] => (item=y) \n\
         \nTASK [ansible.builtin.debug] ***\nok: [h1] => {\n    \"msg\": \"hello\"\n}\n"
    );
}

#[test]
fn equal_results_of_many_hosts_share_a_line() {
    let hosts = ["w1", "w2", "w3", "w4", "w5", "w6", "w7"];
    let mut events = vec![play(&hosts), start(1, "t")];
    events.extend(hosts.iter().map(|host| on(1, host)));
    for host in hosts {
        events.push(match host {
            "w2" => done_with(1, host, Status::Failed, Value::from([("msg", "m")])),
            "w3" => done(1, host, Status::Changed),
            _ => done(1, host, Status::Ok),
        });
    }
    events.push(start(2, "u"));
    assert_eq!(
        human(Options::default(), events),
        "\nPLAY [p] ***\n\nTASK [t] ***\nfatal: [w2]: FAILED! => {\"msg\": \"m\"}\n    at /site.yml:1\n\
         ok: [w1, w[4:7]]\nchanged: [w3]\n\nTASK [u] ***\n"
    );
}

#[test]
fn tasks_that_run_side_by_side_are_not_mixed() {
    let text = human(
        Options::default(),
        vec![
            play(&["h1", "h2"]),
            start(1, "slow"),
            on(1, "h1"),
            on(1, "h2"),
            start(2, "fast"),
            on(2, "h1"),
            on(2, "h2"),
            done(1, "h1", Status::Ok),
            done(2, "h1", Status::Changed),
            done(2, "h2", Status::Changed),
            done(1, "h2", Status::Ok),
        ],
    );
    assert_eq!(
        text,
        "\nPLAY [p] ***\n\nTASK [slow] ***\nok: [h1]\n\nTASK [fast] ***\nchanged: [h1]\nchanged: [h2]\n\nTASK [slow] ***\nok: [h2]\n"
    );
}

#[test]
fn what_the_settings_hide_has_no_banner() {
    let options = Options { display_ok: false, display_skipped: false, ..Options::default() };
    let events = vec![
        start(1, "a"),
        done(1, "h1", Status::Ok),
        start(2, "b"),
        done(2, "h1", Status::Skipped),
        start(3, "c"),
        done(3, "h1", Status::Changed),
    ];
    assert_eq!(human(options, events), "\nTASK [c] ***\nchanged: [h1]\n");
}

#[test]
fn includes_retries_handlers_and_empty_plays() {
    let include =
        Value::from([("include_args", Value::map(crate::value::Map::new())), ("changed", Value::Bool(false))]);
    let handler = Event::TaskStart {
        task: NodeId(3),
        name: "restart".into(),
        place: String::new(),
        handler: true,
        action: name("command"),
    };
    let text = human(
        Options::default(),
        vec![
            start(1, "include_tasks"),
            done_with(1, "h1", Status::Ok, include),
            Event::Included { name: "/a/b.yml".into(), hosts: vec![name("h1")] },
            Event::Included { name: "/a/b.yml".into(), hosts: vec![name("h2")] },
            start(2, "wait"),
            Event::Retry { task: NodeId(2), host: name("h1"), left: 2 },
            handler,
            Event::NoMoreHosts,
            Event::NoHosts { name: "q".into() },
        ],
    );
    assert_eq!(
        text,
        "\nTASK [include_tasks] ***\nincluded: /a/b.yml for h1, h2\n\nTASK [wait] ***\n\
         FAILED - RETRYING: [h1]: wait (2 retries left).\n\nRUNNING HANDLER [restart] ***\n\nNO MORE HOSTS LEFT ***\n\
         \nPLAY [q] ***\nskipping: no hosts matched\n"
    );
}

#[test]
fn warnings_come_once_and_on_standard_error() {
    let warn = || Event::Warning("look out".into());
    let with = Value::from([("warnings", Value::from(vec!["look out", "and here"]))]);
    let text =
        shown_by(Human::new(Options::default()), vec![warn(), warn(), done_with(1, "h1", Status::Skipped, with)]);
    let errors: String = text.0.iter().filter(|(error, _)| *error).map(|(_, text)| text.as_str()).collect();
    assert_eq!(errors, "[WARNING]: look out\n[WARNING]: and here\n");
}

#[test]
fn colours_are_ansibles() {
    let options = Options { paint: Paint(true), ..Options::default() };
    let text = human(options, vec![start(1, "t"), done(1, "h1", Status::Changed)]);
    assert_eq!(text, "\nTASK [t] ***\n\x1b[0;33mchanged: [h1]\x1b[0m\n");
}

fn a_run() -> Vec<Event> {
    let result = Value::from([("changed", Value::Bool(true)), ("_ansible_x", Value::Null), ("rc", Value::Int(0))]);
    vec![
        play(&["h1"]),
        start(1, "t"),
        on(1, "h1"),
        done_with(1, "h1", Status::Changed, result),
        Event::End {
            stats: vec![(name("h1"), HostStats { ok: 1, changed: 1, ..HostStats::default() })],
            custom: vec![(name("_run"), Value::from([("a", 1i64)])), (name("h1"), Value::from([("b", 2i64)]))],
        },
    ]
}

#[test]
fn the_document_has_plays_tasks_hosts_and_counts() {
    let text = shown_by(JsonDocument::new(Options::default()), a_run()).to_out();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["plays"][0]["tasks"][0]["task"]["path"], "/site.yml:1");
    assert_eq!(
        document["plays"][0]["tasks"][0]["hosts"]["h1"],
        serde_json::json!({"changed": true, "rc": 0, "action": "t"})
    );
    assert_eq!(document["global_custom_stats"]["a"], 1);
    assert_eq!(document["custom_stats"]["h1"]["b"], 2);
    assert_eq!(document["stats"]["h1"]["changed"], 1);
    assert_eq!(document["stats"]["h1"]["failures"], 0);
    assert_eq!(document.as_object().unwrap().keys().next_back().unwrap(), "stats");
}

#[test]
fn the_stream_has_a_line_for_each_event() {
    let text = shown_by(JsonLines, a_run()).to_out();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["play_start", "task_start", "host_start", "result", "end"]);
    assert_eq!(lines[3]["result"], serde_json::json!({"changed": true, "rc": 0}));
    assert_eq!(lines[3]["seconds"], 1.5);
    assert_eq!(lines[4]["stats"]["h1"]["ok"], 1);
}
