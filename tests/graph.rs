//! Random graphs: `needs` and inferred edges change the order of a run, never its results.
//!
//! Each play is run twice, once with its `needs` and once without, which is Ansible's own order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

/// Variables that tasks write and read.
const VARIABLES: usize = 5;

/// Numbers that are the same for the same seed (the constants are Knuth's for MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// A number made of variables that may not be there yet.
fn expression(numbers: &mut Numbers) -> String {
    let (one, two) = (numbers.below(VARIABLES), numbers.below(VARIABLES));
    let factor = 2 + numbers.below(5);
    format!("((v{one} | default(7)) * {factor} + (v{two} | default(3)) + inventory_hostname | length) % 1009")
}

fn task(numbers: &mut Numbers, name: &str, indent: &str, needs: &str) -> String {
    let value = expression(numbers);
    let mut text = format!("{indent}- name: {name}\n");
    let mut line = |content: String| writeln!(text, "{indent}  {content}").unwrap();
    match numbers.below(4) {
        0 => {
            line(format!("ansible.builtin.debug: {{msg: \"{{{{ {value} }}}}\"}}"));
            line(format!("register: r{}", numbers.below(2)));
        }
        1 => {
            line(format!("ansible.builtin.debug: {{msg: \"{{{{ r{} | default({{}}) }}}}\"}}", numbers.below(2)));
            line("changed_when: true".into());
            line(format!("notify: h{}", numbers.below(2)));
        }
        _ => line(format!("ansible.builtin.set_fact: {{v{}: \"{{{{ {value} }}}}\"}}", numbers.below(VARIABLES))),
    }
    if numbers.chance(25) {
        line(format!("when: (v{} | default(0)) % 2 == {}", numbers.below(VARIABLES), numbers.below(2)));
    }
    if numbers.chance(10) {
        line("run_once: true".into());
    }
    if !needs.is_empty() {
        line(needs.to_owned());
    }
    text
}

/// What a node waits for: nothing, some of those before it, or, without the keyword, its predecessor.
fn needs(numbers: &mut Numbers, earlier: usize) -> String {
    if numbers.chance(30) {
        return String::new();
    }
    let wanted: Vec<String> = (0..earlier).filter(|_| numbers.chance(20)).map(|number| format!("n{number}")).collect();
    format!("needs: [{}]", wanted.join(", "))
}

fn playbook(seed: u64) -> String {
    let numbers = &mut Numbers(seed);
    let mut text = String::from("- hosts: all\n  gather_facts: false\n  tasks:\n");
    let count = 4 + numbers.below(8);
    for number in 0..count {
        let needs = needs(numbers, number);
        if numbers.chance(70) {
            text += &task(numbers, &format!("n{number}"), "    ", &needs);
            continue;
        }
        writeln!(text, "    - name: n{number}").unwrap();
        if !needs.is_empty() {
            writeln!(text, "      {needs}").unwrap();
        }
        text += "      block:\n";
        for part in 0..2 {
            text += &task(numbers, &format!("n{number} part {part}"), "        ", "");
        }
    }
    let all: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
    let seen: Vec<String> = (0..VARIABLES).map(|number| format!("v{number} | default('none')")).collect();
    write!(
        text,
        "    - name: end\n      ansible.builtin.debug: {{msg: \"{{{{ [{}] }}}}\"}}\n      needs: [{}]\n  handlers:\n",
        seen.join(", "),
        all.join(", ")
    )
    .unwrap();
    for number in 0..2 {
        let value = expression(numbers);
        write!(text, "    - name: h{number}\n      ansible.builtin.debug: {{msg: \"{{{{ {value} }}}}\"}}\n").unwrap();
    }
    text
}

/// What each task came to on each host.
fn results(playbook: &str) -> BTreeMap<(String, String), String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("site.yml"), playbook).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rplay"));
    command.args(["site.yml", "-i", "web1,web22,db333,", "-c", "local", "--output", "jsonl"]);
    command.current_dir(folder.path()).env_clear().env("HOME", folder.path()).env("PATH", "/usr/bin:/bin");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}\n{playbook}", String::from_utf8_lossy(&output.stderr));
    let events: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kind = |event: &serde_json::Value, kind| event["event"] == kind;
    let names: BTreeMap<u64, String> = events
        .iter()
        .filter(|event| kind(event, "task_start"))
        .map(|event| (event["id"].as_u64().unwrap(), event["task"].as_str().unwrap().to_owned()))
        .collect();
    let ended = events.iter().filter(|event| kind(event, "result"));
    ended
        .map(|event| {
            let key = (names[&event["id"].as_u64().unwrap()].clone(), event["host"].as_str().unwrap().to_owned());
            (key, format!("{} {}", event["status"], event["result"]))
        })
        .collect()
}

#[test]
fn needs_change_the_order_and_never_the_results() {
    let mut more_than_one_order = false;
    for seed in 1..=40 {
        let with = playbook(seed);
        let without: String =
            with.lines().filter(|line| !line.trim().starts_with("needs:")).fold(String::new(), |mut text, line| {
                text += line;
                text.push('\n');
                text
            });
        more_than_one_order |= with != without;
        let (graph, linear) = (results(&with), results(&without));
        for (key, expected) in &linear {
            assert_eq!(graph.get(key), Some(expected), "seed {seed}, {key:?}:\n{with}");
        }
        assert_eq!(graph.len(), linear.len(), "seed {seed}:\n{with}");
    }
    assert!(more_than_one_order);
}
