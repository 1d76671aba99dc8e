//! Inventories and patterns against what ansible-inventory and ansible say about them.
//!
//! Each folder of `tests/cases/inventory` holds `source/` (files in order of their names;
//! `*.script.json` is what a script prints, `list.hosts` is a host list), `expected.json` (from
//! `ansible-inventory --list`) and `patterns.json` (from `ansible PATTERN --list-hosts`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rplay::inventory::{Builder, Inventory, Options, is_ignored};
use rplay::source::{Diagnostics, SourceMap};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn cases() -> Vec<PathBuf> {
    let cases = entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/inventory"));
    assert!(cases.len() >= 8, "the cases are missing");
    cases
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn read(case: &Path) -> Inventory {
    let map = SourceMap::default();
    let mut diagnostics = Diagnostics::default();
    let mut builder = Builder::new(Options::default());
    for path in entries(&case.join("source")).into_iter().filter(|path| !is_ignored(&name(path))) {
        let text = fs::read_to_string(&path).unwrap();
        let file = map.add(&path, text.as_str());
        match name(&path) {
            list if list == "list.hosts" => builder.add_host_list(&text, &mut diagnostics),
            script if script.ends_with(".script.json") => {
                let mut ask = |_: &str| panic!("there are hostvars");
                builder.add_script_json(file, &path, &text, &mut ask, &mut diagnostics);
            }
            _ => builder.add_text(file, &path, &text, &mut diagnostics),
        }
    }
    let inventory = builder.finish(&mut diagnostics);
    let errors: String = diagnostics.0.iter().map(|diagnostic| diagnostic.render(&map)).collect();
    assert!(!diagnostics.has_errors(), "{errors}");
    inventory
}

/// The inventory in the form of `ansible-inventory --list`.
fn list(inventory: &Inventory) -> Value {
    let mut list = Map::new();
    for (id, group) in inventory.groups() {
        let mut shown = Map::new();
        let children: Vec<&str> = group.children.iter().map(|child| inventory.group(*child).name.as_ref()).collect();
        let hosts: Vec<&str> = group.hosts.iter().map(|host| inventory.host(*host).name.as_ref()).collect();
        if !children.is_empty() {
            shown.insert("children".into(), json!(children));
        }
        if !hosts.is_empty() && id != Inventory::ALL {
            shown.insert("hosts".into(), json!(hosts));
        }
        if !shown.is_empty() {
            list.insert(group.name.to_string(), Value::Object(shown));
        }
    }
    let mut all_vars = Map::new();
    for (id, host) in inventory.hosts() {
        let mut vars = Map::new();
        let groups = inventory.groups_of(id).iter().map(|group| &inventory.group(*group).vars);
        for definition in groups.chain([&host.vars]).flat_map(|vars| vars.iter()) {
            // Only host lists, which are no files, have no places.
            assert!(definition.span.is_some() || host.span.is_none(), "{} has no place", definition.name);
            vars.insert(definition.name.to_string(), serde_json::to_value(&definition.value).unwrap());
        }
        if !vars.is_empty() {
            all_vars.insert(host.name.to_string(), Value::Object(vars));
        }
    }
    list.insert("_meta".into(), json!({"hostvars": all_vars, "profile": "inventory_legacy"}));
    Value::Object(list)
}

/// Ansible marks text that is no template; here it is text.
fn without_marks(value: Value) -> Value {
    match value {
        Value::Object(mut map) if map.len() == 1 && map.contains_key("__ansible_unsafe") => {
            map.remove("__ansible_unsafe").unwrap()
        }
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (key, without_marks(value))).collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(without_marks).collect()),
        other => other,
    }
}

#[test]
fn inventories_are_read_as_ansible_reads_them() {
    for case in cases() {
        let expected: Value = serde_json::from_str(&fs::read_to_string(case.join("expected.json")).unwrap()).unwrap();
        let expected = without_marks(expected);
        let found = list(&read(&case));
        for key in expected.as_object().unwrap().keys().chain(found.as_object().unwrap().keys()) {
            let (expected, found) = (&expected[key], &found[key]);
            if key != "_meta" {
                assert_eq!(found, expected, "{}: group {key}", name(&case));
                continue;
            }
            for (host, vars) in expected["hostvars"].as_object().unwrap() {
                assert_eq!(&found["hostvars"][host], vars, "{}: variables of {host}", name(&case));
            }
            let count = |value: &Value| value["hostvars"].as_object().unwrap().len();
            assert_eq!(count(found), count(expected), "{}: hosts with variables", name(&case));
        }
    }
}

#[test]
fn patterns_select_what_ansible_selects() {
    for case in cases() {
        let inventory = read(&case);
        let patterns: Value = serde_json::from_str(&fs::read_to_string(case.join("patterns.json")).unwrap()).unwrap();
        for (pattern, expected) in patterns.as_object().unwrap() {
            let selection = inventory.select(pattern).unwrap();
            let mut hosts: Vec<&str> = selection.hosts.iter().map(|id| inventory.host(*id).name.as_ref()).collect();
            let unmatched = expected.get("unmatched").is_some();
            let listed = if unmatched { &expected["hosts"] } else { expected };
            let mut expected: Vec<&str> =
                listed.as_array().unwrap().iter().map(|host| host.as_str().unwrap()).collect();
            // Ansible gives the groups of one level in no particular order.
            if matches!(pattern.as_str(), "all" | "*" | "outer" | "all:!localhost" | "!web" | "!w1") {
                hosts.sort_unstable();
                expected.sort_unstable();
            }
            assert_eq!(hosts, expected, "{}: pattern {pattern}", name(&case));
            assert_eq!(!selection.unmatched.is_empty(), unmatched, "{}: pattern {pattern}", name(&case));
        }
    }
}
