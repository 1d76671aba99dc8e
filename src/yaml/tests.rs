//! Tests of the YAML floor; `tests/cases/yaml/pyyaml.json` holds what PyYAML gives for many texts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::source::{FileId, Severity, Span};
use crate::value::Value;

fn read(text: &str) -> (Option<Vec<Node>>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let documents = parse(FileId(0), text, &mut diagnostics);
    (documents, diagnostics)
}

fn one(text: &str) -> Node {
    let (documents, diagnostics) = read(text);
    assert!(diagnostics.0.is_empty(), "{text:?}: {diagnostics:?}");
    documents.unwrap().swap_remove(0)
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text).1.0.iter().map(|diagnostic| diagnostic.code).collect()
}

fn hint(text: &str) -> String {
    let (documents, diagnostics) = read(text);
    assert!(documents.is_none(), "{text:?} is readable");
    assert_eq!(diagnostics.0.len(), 1);
    assert_eq!(diagnostics.0[0].code, "yaml-syntax");
    diagnostics.0[0].help.clone().unwrap_or_else(|| panic!("{text:?} has no hint: {diagnostics:?}"))
}

#[test]
fn reads_as_pyyaml_does() {
    let cases: serde_json::Value =
        serde_json::from_str(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/yaml/pyyaml.json")))
            .unwrap();
    let mut wrong = Vec::new();
    for case in cases.as_array().unwrap() {
        let (text, expected) = (case["yaml"].as_str().unwrap(), case["repr"].as_str().unwrap());
        let found = parse_value(text).map_or_else(|error| error, |value| value.repr());
        if found != expected {
            wrong.push(format!("{text:?}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_key_and_value_has_its_place() {
    let node = one("- hosts: all\n  vars:\n    a: \"x y\"\n");
    let play = &node.as_list().unwrap()[0];
    let place = |node: &Node| (node.span.line, node.span.column, node.span.length);
    let hosts = play.entry("hosts").unwrap();
    assert_eq!(place(&hosts.key), (1, 3, 5));
    assert_eq!(place(&hosts.value), (1, 10, 3));
    let a = play.get("vars").unwrap().entry("a").unwrap();
    assert_eq!(place(&a.key), (3, 5, 1));
    assert_eq!(place(&a.value), (3, 8, 5));
}

#[test]
fn authored_text_becomes_templates_and_unsafe_text_does_not() {
    let node = one(
        "a: '{{ x }}'\nb: !unsafe '{{ x }}'\nc: !unsafe\n  d: ['{{ x }}']\ne: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132\n",
    );
    let value = node.to_value();
    let Value::Template(template) = value.get("a").unwrap() else { panic!("no template: {value:?}") };
    assert_eq!(template.span, Some(Span { file: FileId(0), line: 1, column: 4, length: 9 }));
    assert!(matches!(value.get("b").unwrap(), Value::Template(template) if template.verbatim));
    let below = &value.get("c").unwrap().get("d").unwrap().as_list().unwrap()[0];
    assert!(matches!(below, Value::Template(template) if template.verbatim));
    assert_eq!(node.get("c").unwrap().get("d").unwrap().as_list().unwrap().len(), 1);
    let Value::Vault(vault) = value.get("e").unwrap() else { panic!("no vault text: {value:?}") };
    assert_eq!(&*vault.envelope, "$ANSIBLE_VAULT;1.1;AES256\n3132\n");
    assert!(matches!(node.to_data().get("a").unwrap(), Value::Str(_)));
}

#[test]
fn plain_text_is_told_from_quoted_text() {
    let plain = |text| matches!(one(text).kind, Kind::Str { plain: true, .. });
    assert!(plain("a b"));
    assert!(!plain("'a b'"));
    assert!(!plain("|\n  a b"));
}

#[test]
fn duplicate_keys_warn_with_both_places() {
    let (documents, diagnostics) = read("a: 1\nb: 2\na: 3\n");
    assert_eq!(documents.unwrap()[0].to_data().repr(), "{'a': 3, 'b': 2}");
    let warning = &diagnostics.0[0];
    assert_eq!((warning.code, warning.severity), ("yaml-duplicate-key", Severity::Warning));
    assert_eq!(warning.span.unwrap().line, 3);
    assert_eq!(warning.notes[0].0.unwrap().line, 1);
    // Overriding what a merge brought is what merges are for.
    assert!(codes("x: &x {a: 1}\ny:\n  <<: *x\n  a: 2\n").is_empty());
    assert_eq!(codes("x: &x {a: 1}\ny:\n  <<: *x\n  a: 2\n  a: 3\n"), ["yaml-duplicate-key"]);
}

#[test]
fn an_unquoted_template_is_explained_and_kept() {
    let (documents, diagnostics) = read("- debug:\n    msg: {{ x.y }}\n");
    let [found] = &diagnostics.0[..] else { panic!("{diagnostics:?}") };
    assert_eq!(found.code, "yaml-unquoted-template");
    assert_eq!((found.span.unwrap().line, found.span.unwrap().column), (2, 10));
    assert_eq!(found.help.as_deref(), Some("write \"{{ x.y }}\""));
    assert_eq!(documents.unwrap()[0].to_data().repr(), "[{'debug': {'msg': '{{ x.y }}'}}]");
}

#[test]
fn mistakes_in_the_data_are_told() {
    assert_eq!(codes("? [a]\n: 1"), ["yaml-key"]);
    assert_eq!(codes("<<: 1"), ["yaml-merge"]);
    assert_eq!(codes("a: !foo 1"), ["yaml-tag"]);
    assert_eq!(codes("a: !!int x"), ["yaml-tag"]);
    assert_eq!(codes("a: !vault [1]"), ["yaml-tag"]);
    assert_eq!(codes("a: *b"), ["yaml-alias"]);
    assert_eq!(codes("a: &a [*a]"), ["yaml-alias"]);
    assert_eq!(codes("a: &a 1\nb: &a 2"), ["yaml-anchor"]);
    let (_, diagnostics) = read("a: !vualt x");
    assert_eq!(diagnostics.0[0].help.as_deref(), Some("did you mean `!vault`?"));
}

#[test]
fn anchors_end_with_their_document() {
    assert_eq!(codes("a: &a 1\n---\nb: *a"), ["yaml-alias"]);
    assert_eq!(read("a: 1\n---\nb: 2\n").0.unwrap().len(), 2);
    assert_eq!(read("").0.unwrap().len(), 0);
    assert_eq!(parse_value("# nothing\n").unwrap(), Value::Null);
    assert!(parse_value("a\n---\nb").is_err());
}

#[test]
fn bombs_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let alias = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", "));
    }
    let (documents, diagnostics) = read(&bomb);
    assert!(documents.is_none());
    assert!(diagnostics.0[0].message.contains("aliases"), "{diagnostics:?}");
    assert!(read(&"[".repeat(100_000)).0.is_none());
    let chain: String = (1..2000).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect();
    assert!(read(&format!("a0: &a0 x\n{chain}")).0.is_none());
}

#[test]
fn classic_mistakes_have_hints() {
    assert!(hint("a: {{ x }}/foo\n").contains(r#""{{ x }}/foo""#));
    assert!(hint("a: b\n\tc: 1\n").contains("spaces"));
    assert!(hint("- name:foo\n  state: x\n").contains("`name: ...`"));
    assert!(hint("state: x\nname:foo\n").contains("`name: ...`"));
    assert!(hint("path: \"{{ x }}\"/foo\nb: 1\n").contains("quote the whole value"));
    assert!(hint("a: 'it's'\n").contains("quote the whole value"));
    assert!(hint("msg: foo: bar\n").contains("`msg: \"...\"`"));
    assert!(hint("a: @x\n").contains("quoted"));
    assert!(hint("a: \"open\nb: 1\n").contains("quote"));
    assert!(hint("a:\n  b: 1\n c: 2\n").contains("column 2"));
    assert!(hint("p: *.log\n").contains("alias"));
    assert!(hint("- hosts: all\n   tasks: []\n").contains("line the keys up"));
    assert!(hint("a: \"\\d\"\n").contains("backslash"));
}

#[test]
fn control_characters_are_placed() {
    let (documents, diagnostics) = read("a: 1\nb: x\u{1}\n");
    assert!(documents.is_none());
    let span = diagnostics.0[0].span.unwrap();
    assert_eq!((span.line, span.column), (2, 5));
}

#[test]
fn json_is_read_as_json() {
    assert_eq!(
        parse_value(r#"{"a": 1e3, "b": "\ud83d\ude00", "c": "yes"}"#).unwrap().repr(),
        "{'a': 1000.0, 'b': '😀', 'c': 'yes'}"
    );
    assert_eq!(parse_value(r#"[1E2, -0.5, "<<"]"#).unwrap().repr(), "[100.0, -0.5, '<<']");
    assert_eq!(parse_value("{a: 1e3}").unwrap().repr(), "{'a': '1e3'}");
}

#[test]
fn huge_numbers_keep_their_digits() {
    assert_eq!(
        parse_value("[12345678901234567890, -1_2345678901234567890]").unwrap().to_string(),
        "['12345678901234567890', '-12345678901234567890']"
    );
    assert_eq!(parse_value(r#"{"a": 12345678901234567890}"#).unwrap().to_string(), "{'a': '12345678901234567890'}");
}

#[test]
fn data_errors_name_the_place() {
    assert_eq!(
        parse_value("a: 1\nb: c: d\n").unwrap_err(),
        "line 2, column 5: mapping values are not allowed in this context"
    );
}
