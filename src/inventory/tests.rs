//! Tests of reading, of what is reported, and of changes at run time. What Ansible itself says about
//! whole inventories is tested by `tests/inventory_cases.rs`.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::source::{Diagnostics, FileId, Severity};
use crate::value::{Map, Value};
use std::collections::HashSet;
use std::path::Path;

type Add = fn(&mut Builder, FileId, &Path, &str, &mut Diagnostics);

fn read_with(add: Add, path: &str, text: &str) -> (Inventory, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut builder = Builder::new(Options::default());
    add(&mut builder, FileId(0), Path::new(path), text, &mut diagnostics);
    (builder.finish(&mut diagnostics), diagnostics)
}

fn read(path: &str, text: &str) -> (Inventory, Diagnostics) {
    read_with(Builder::add_text, path, text)
}

fn ini(text: &str) -> Inventory {
    let (inventory, diagnostics) = read("hosts", text);
    assert!(diagnostics.0.is_empty(), "{diagnostics:?}");
    inventory
}

fn names(inventory: &Inventory, hosts: &[HostId]) -> String {
    let names: Vec<&str> = hosts.iter().map(|host| inventory.host(*host).name.as_ref()).collect();
    names.join(" ")
}

/// The codes of what is reported, each with line and column.
fn reports(text: &str) -> Vec<(&'static str, u32, u32)> {
    let place = |span: Option<crate::source::Span>| span.map_or((0, 0), |span| (span.line, span.column));
    let found = read("hosts.ini", text).1.0;
    found.iter().map(|one| (one.code, place(one.span).0, place(one.span).1)).collect()
}

#[test]
fn the_form_is_told_by_name_and_content() {
    let hosts = |path, text| {
        let (inventory, diagnostics) = read(path, text);
        assert!(!diagnostics.has_errors(), "{path}: {diagnostics:?}");
        inventory.hosts().map(|(_, host)| host.name.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(hosts("hosts", "[web]\na\nb\n"), "a b");
    assert_eq!(hosts("hosts", "a\n"), "a");
    assert_eq!(hosts("hosts", "web:\n  hosts:\n    a:\n"), "a");
    assert_eq!(hosts("hosts.yml", "web: {hosts: {a: }}"), "a");
    assert_eq!(hosts("hosts.yml", "a\n"), "a");
    assert_eq!(hosts("hosts.json", "{\"web\": {\"hosts\": {\"a\": null}}}"), "a");
    assert_eq!(hosts("hosts.lab", "a x=1\n"), "a");
    assert_eq!(hosts("empty.yml", ""), "");
    assert_eq!(read("hosts.toml", "a = 1").1.0[0].code, "inventory-format");
    assert_eq!(read("hosts", "---\nweb:\n  hosts: [a\n").1.0[0].code, "yaml-syntax");
}

#[test]
fn every_wrong_line_of_an_ini_text_is_reported_with_its_place() {
    assert_eq!(
        reports("a x=1 y\n  b 'z\n[web:child]\n[we b]\nn[3:a]\n"),
        [("inventory-ini", 1, 7), ("inventory-ini", 2, 3), ("inventory-ini", 3, 1), ("inventory-ini", 4, 1),]
    );
    assert_eq!(reports("n[3:a]\n---\n"), [("inventory-host", 1, 1), ("inventory-ini", 2, 1)]);
    assert_eq!(reports("[web:vars]\nx\n"), [("inventory-ini", 2, 1), ("inventory-unknown-group", 1, 2)]);
    assert_eq!(reports("[a:children]\nb\n[b:children]\na\n"), [("inventory-group-loop", 4, 1)]);
    assert_eq!(reports("[a:children]\nall\n"), [("inventory-group-loop", 2, 1)]);
    assert_eq!(reports("[a]\nh\n[a:vars]\nansible_group_priority=x\n"), [("inventory-variable", 4, 1)]);
    let (_, found) = read("hosts.ini", "[site:children]\nwbe\n[web]\n");
    assert_eq!(found.0[0].help.as_deref(), Some("did you mean `web`?"));
    let (_, found) = read("hosts.ini", "[web:childen]\n");
    assert_eq!(found.0[0].help.as_deref(), Some("did you mean `children`?"));
}

#[test]
fn a_lenient_builder_warns_and_keeps_the_rest() {
    let mut diagnostics = Diagnostics::default();
    let mut builder = Builder::new(Options { lenient: true, ..Options::default() });
    builder.add_ini(FileId(0), Path::new("hosts"), "a x\nb\n", &mut diagnostics);
    assert!(diagnostics.0.iter().all(|found| found.severity == Severity::Warning) && diagnostics.0.len() == 1);
    assert!(builder.finish(&mut diagnostics).find_host("b").is_some());
}

#[test]
fn mistakes_in_yaml_inventories_are_reported() {
    let codes = |text| read("hosts.yml", text).1.0.iter().map(|found| found.code).collect::<Vec<_>>().join(" ");
    assert_eq!(codes("- a\n"), "inventory-yaml");
    assert_eq!(codes("web:\n  hosts: [a]\n"), "inventory-yaml");
    assert_eq!(codes("web:\n  hosts: {1: }\n"), "inventory-yaml");
    assert_eq!(codes("web:\n  hosts: {a: 1}\n"), "inventory-yaml");
    assert_eq!(codes("plugin: amazon.aws.aws_ec2\n"), "inventory-plugin");
    let (inventory, found) = read("hosts.yml", "web:\n  host: {a: }\n");
    assert_eq!(found.0[0].severity, Severity::Warning);
    assert_eq!(found.0[0].help.as_deref(), Some("did you mean `hosts`?"));
    assert!(inventory.find_group("web").is_some());
}

#[test]
fn scripts_are_asked_for_hosts_when_they_give_no_meta() {
    let mut diagnostics = Diagnostics::default();
    let mut builder = Builder::new(Options::default());
    let mut asked = Vec::new();
    let mut ask = |host: &str| {
        asked.push(host.to_owned());
        match host {
            "a" => Ok((FileId(1), r#"{"x": 1, "t": "{{ x }}", "u": {"__ansible_unsafe": "{{ x }}"}}"#.to_owned())),
            "b" => Ok((FileId(2), "\n".to_owned())),
            _ => Err("exit code 1".to_owned()),
        }
    };
    let text = r#"{"web": {"hosts": ["a", "b", "c"]}, "db": ["a"]}"#;
    builder.add_script_json(FileId(0), Path::new("cloud"), text, &mut ask, &mut diagnostics);
    let inventory = builder.finish(&mut diagnostics);
    assert_eq!(asked, ["a", "b", "c"]);
    let vars = &inventory.host(inventory.find_host("a").unwrap()).vars;
    assert_eq!(vars.get("x"), Some(&Value::Int(1)));
    assert!(matches!(vars.get("t"), Some(Value::Template(_))));
    assert_eq!(vars.get("u"), Some(&Value::str("{{ x }}")));
    assert_eq!(vars.iter().next().unwrap().span.unwrap().file, FileId(1));
    assert_eq!(diagnostics.0.len(), 1);
    assert!(diagnostics.0[0].message.contains("exit code 1"));
}

#[test]
fn wrong_output_of_scripts_is_reported() {
    let codes = |text: &str| {
        let mut diagnostics = Diagnostics::default();
        let mut builder = Builder::new(Options::default());
        let mut ask = |_: &str| Ok((FileId(1), String::new()));
        builder.add_script_json(FileId(0), Path::new("cloud"), text, &mut ask, &mut diagnostics);
        diagnostics.0.iter().filter(|found| found.code == "inventory-script").count()
    };
    assert_eq!(codes("Traceback"), 1);
    assert_eq!(codes("[]"), 1);
    assert_eq!(codes(r#"{"web": {"hosts": "a"}, "db": {"vars": []}, "x": {"children": 1}}"#), 3);
    assert_eq!(codes(r#"{"_meta": {}, "web": []}"#), 1);
    assert_eq!(codes(r#"{"_meta": {"hostvars": []}, "web": []}"#), 1);
}

#[test]
fn values_keep_their_places_and_templates() {
    let inventory = ini("  a  x=1 y='{{ x }}'\n[web]\na\n[web:vars]\n z =  {{ y }}\n");
    let host = inventory.host(inventory.find_host("a").unwrap());
    assert_eq!((host.span.unwrap().line, host.span.unwrap().column), (1, 3));
    let places: Vec<(u32, u32)> =
        host.vars.iter().map(|one| (one.span.unwrap().line, one.span.unwrap().column)).collect();
    assert_eq!(places, [(1, 6), (1, 10)]);
    assert!(matches!(host.vars.get("y"), Some(Value::Template(_))));
    let web = inventory.group(inventory.find_group("web").unwrap());
    let Some(Value::Template(template)) = web.vars.get("z") else { panic!("{:?}", web.vars) };
    assert_eq!((template.span.unwrap().line, template.span.unwrap().column), (5, 7));
    assert_eq!(host.source.as_deref(), Some(Path::new("hosts")));
}

#[test]
fn unusual_group_names_follow_the_option() {
    let read = |group_names| {
        let mut diagnostics = Diagnostics::default();
        let mut builder = Builder::new(Options { group_names, ..Options::default() });
        builder.add_ini(FileId(0), Path::new("hosts"), "[1-a]\nh\n", &mut diagnostics);
        let inventory = builder.finish(&mut diagnostics);
        (inventory.groups().last().unwrap().1.name.to_string(), diagnostics.0.len())
    };
    assert_eq!(read(GroupNames::Never), ("1-a".into(), 1));
    assert_eq!(read(GroupNames::Ignore), ("1-a".into(), 0));
    assert_eq!(read(GroupNames::Always), ("__a".into(), 1));
    assert_eq!(read(GroupNames::Silently), ("__a".into(), 0));
}

#[test]
fn there_is_always_a_localhost() {
    let inventory = ini("a\n");
    let localhost = inventory.find_host("localhost").unwrap();
    assert!(inventory.host(localhost).implicit);
    assert_eq!(inventory.host(localhost).vars.get("ansible_connection"), Some(&Value::str("local")));
    assert_eq!(inventory.groups_of(localhost), [Inventory::ALL]);
    assert_eq!(names(&inventory, &inventory.select("all").unwrap().hosts), "a");
    assert_eq!(names(&inventory, &inventory.select("127.0.0.1").unwrap().hosts), "127.0.0.1");
    let own = ini("localhost x=1\n");
    assert!(!own.host(own.find_host("localhost").unwrap()).implicit);
    assert_eq!(own.find_host("::1"), own.find_host("localhost"));
}

#[test]
fn wrong_and_unmatched_patterns_are_told() {
    let inventory = ini("[web]\nw1\n[database]\nd1\n");
    let selection = inventory.select("web:databse").unwrap();
    assert_eq!(names(&inventory, &selection.hosts), "w1");
    let nearest = Some("database".to_owned());
    assert_eq!(selection.unmatched, [Unmatched { pattern: "databse".into(), nearest }]);
    assert_eq!(inventory.select("web[3]").unwrap_err(), PatternError::Subscript { pattern: "web[3]".into(), count: 1 });
    assert!(matches!(inventory.select("~w(").unwrap_err(), PatternError::Regex { .. }));
    assert_eq!(inventory.select("web:!").unwrap_err(), PatternError::Empty("!".into()));
    assert_eq!(split_pattern("a:b[0:1]:&c"), ["a", "b[0:1]", "&c"]);
    assert_eq!(split_pattern("fe80::1"), ["fe80::1"]);
    assert_eq!(split_pattern("a , @f,~b:c"), ["a", "@f", "~b:c"]);
}

#[test]
fn hosts_are_brought_into_order() {
    let inventory = ini("b\na\nc\n");
    let arranged = |order, seed| {
        let mut hosts = inventory.hosts_in(Inventory::ALL);
        inventory.arrange(&mut hosts, order, seed);
        names(&inventory, &hosts)
    };
    assert_eq!(arranged(Order::Inventory, 0), "b a c");
    assert_eq!(arranged(Order::ReverseInventory, 0), "c a b");
    assert_eq!(arranged(Order::Sorted, 0), "a b c");
    assert_eq!(arranged(Order::ReverseSorted, 0), "c b a");
    assert_eq!(arranged(Order::Shuffle, 7), arranged(Order::Shuffle, 7));
    let kinds: HashSet<String> = (0..50).map(|seed| arranged(Order::Shuffle, seed)).collect();
    assert_eq!(kinds.len(), 6);
    assert!(Order::NAMES.iter().all(|name| Order::parse(name).is_some()));
}

#[test]
fn hosts_and_groups_are_added_at_run_time() {
    let mut inventory = ini("[web]\nw1\n");
    let before = inventory.revision();
    let vars: Map = [("x".into(), Value::Int(1))].into_iter().collect();
    let (host, changed) = inventory.add_host("new", &["web", "fresh"], &vars).unwrap();
    assert!(changed && inventory.revision() > before);
    assert_eq!(inventory.group_names(host), ["fresh", "web"]);
    assert!(!inventory.add_host("new", &["web"], &vars).unwrap().1);
    assert_eq!(names(&inventory, &inventory.select("web").unwrap().hosts), "w1 new");
    let (lone, _) = inventory.add_host::<&str>("lone", &[], &Map::new()).unwrap();
    assert_eq!(inventory.group_names(lone), ["ungrouped"]);
    assert!(inventory.add_group(lone, "os_x", &["family"]).unwrap());
    assert_eq!(inventory.group_names(lone), ["family", "os_x"]);
    let depths: Vec<u32> = inventory.groups_of(lone).iter().map(|group| inventory.group(*group).depth).collect();
    assert_eq!(depths, [0, 1, 2]);
    assert!(!inventory.add_group(lone, "os_x", &["family"]).unwrap());
    assert!(matches!(inventory.add_group(lone, "family", &["os_x"]), Err(RuntimeError::Loop { .. })));
    assert_eq!(inventory.add_host("", &["web"], &vars), Err(RuntimeError::NoName("host")));
}

#[test]
fn entries_of_directories_are_passed_over() {
    for name in [".git", "group_vars", "host_vars", "a.md", "a.cfg", "a~", "a.retry"] {
        assert!(is_ignored(name), "{name}");
    }
    for name in ["hosts", "a.ini", "a.yml", "group_vars2"] {
        assert!(!is_ignored(name), "{name}");
    }
}
