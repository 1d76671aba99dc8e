//! Templates as data: every case in `tests/templates/cases` is rendered and compared byte by byte
//! with what ansible-core (mode `jinja`: Jinja2) gave; and, where they are installed, with what they
//! give now.
//!
//! A case file holds lines: `vars JSON` and `mode MODE` hold for what follows; `> ` lines are one
//! template; `= JSON` is its result, `! TEXT` its error (`!` alone: any). `~ WHY` says that the result
//! differs from ansible-core's on purpose. `@FILES@` stands for `tests/templates/files`.
//! With `RPLAY_WRITE_CASES=1` the results are written anew from ansible-core.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "templates/local.rs"]
mod local;

use rplay::template::{Engine, ErrorKind, FileOptions, Scope, Variables};
use rplay::value::{Map, Value};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Case {
    mode: String,
    vars: String,
    template: String,
    expected: Expected,
    /// Why it differs from ansible-core.
    differs: Option<String>,
    line: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Expected {
    Value(String),
    Error(Option<String>),
    Missing,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates").canonicalize().unwrap()
}

fn files() -> String {
    folder().join("files").to_string_lossy().into_owned()
}

fn read(text: &str) -> Vec<Case> {
    let (mut mode, mut vars) = ("playbook".to_owned(), "{}".to_owned());
    let mut cases: Vec<Case> = Vec::new();
    let mut template: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        if mark == ">" {
            let text = template.get_or_insert_default();
            if !text.is_empty() {
                text.push('\n');
            }
            // A first empty line of a template is a line too.
            text.push_str(if rest.is_empty() { "\u{0}" } else { rest });
            continue;
        }
        if let Some(text) = template.take() {
            let template = text.replace('\u{0}', "").replace('→', "\t");
            let (mode, vars) = (mode.clone(), vars.clone());
            cases.push(Case { mode, vars, template, expected: Expected::Missing, differs: None, line: index });
        }
        match mark {
            "vars" => vars = rest.to_owned(),
            "mode" => mode = rest.to_owned(),
            "=" => cases.last_mut().unwrap().expected = Expected::Value(rest.to_owned()),
            "!" => {
                let text = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
                cases.last_mut().unwrap().expected = Expected::Error(text);
            }
            "~" => cases.last_mut().unwrap().differs = Some(rest.to_owned()),
            "" | "#" => {}
            other => panic!("line {}: unknown mark {other:?}", index + 1),
        }
    }
    cases
}

/// Strings of an author's variables are templates when they hold markers.
fn author(value: &Value) -> Value {
    match value {
        Value::Str(text) => Value::authored(text, None),
        Value::List(items) => Value::list(items.iter().map(author).collect()),
        Value::Map(map) => Value::map(map.iter().map(|(key, value)| (key.clone(), author(value))).collect()),
        other => other.clone(),
    }
}

fn variables(case: &Case) -> Map {
    let value: Value = serde_json::from_str(&case.vars.replace("@FILES@", &files())).unwrap();
    value.as_map().unwrap().clone()
}

/// What rplay gives, in the spelling of the case files.
fn render(engine: &Engine, case: &Case) -> Expected {
    let vars = author(&Value::map(variables(case)));
    let scope: Arc<dyn Scope> = Arc::new(Variables(vars.as_map().unwrap().clone()));
    let text = case.template.replace("@FILES@", &files());
    let result = match case.mode.as_str() {
        "playbook" => {
            let value = engine.resolve_top(&Value::authored(&text, None), &scope);
            value.map(|value| value.unwrap_or_else(|| Value::str("<omitted>")))
        }
        "file" | "jinja" => {
            let options = FileOptions { search: vec![files().into()], ..FileOptions::default() };
            engine.render_file("case", &text, &options, &scope).map(Value::from)
        }
        "expression" => engine.expression(&text, None, &scope),
        "condition" => engine.condition_at(&text, None, &scope).map(Value::Bool),
        other => panic!("unknown mode {other:?}"),
    };
    match result {
        Ok(value) => Expected::Value(serde_json::to_string(&value).unwrap().replace(&files(), "@FILES@")),
        Err(error) => {
            let message = match error.kind {
                ErrorKind::Syntax { .. } => error.message.trim_start_matches("case: ").to_owned(),
                _ => error.message.clone(),
            };
            Expected::Error(Some(message.replace('\n', "\\n").replace(&files(), "@FILES@")))
        }
    }
}

fn agrees(expected: &Expected, got: &Expected) -> bool {
    match (expected, got) {
        (Expected::Error(None), Expected::Error(_)) => true,
        (expected, got) => expected == got,
    }
}

fn case_files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder().join("cases")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

#[test]
fn renders_as_ansible_does() {
    let engine = Engine::new(Arc::new(local::Local { root: files().into() }));
    let mut report = String::new();
    let mut count = 0;
    for path in case_files() {
        for case in read(&std::fs::read_to_string(&path).unwrap()) {
            count += 1;
            let got = render(&engine, &case);
            if !agrees(&case.expected, &got) {
                let place = format!("{}:{}", path.display(), case.line);
                writeln!(report, "{place}\n{}\n  expected {:?}\n  got      {got:?}", case.template, case.expected)
                    .unwrap();
            }
        }
    }
    assert!(report.is_empty(), "{report}");
    assert!(count > 300, "only {count} cases");
}

/// A Python that has Jinja2.
fn python() -> Option<String> {
    let python = std::env::var("RPLAY_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let works = Command::new(&python).args(["-c", "import jinja2"]).stderr(Stdio::null()).status();
    works.is_ok_and(|status| status.success()).then_some(python)
}

/// What the installed Jinja2 or ansible-core gives for the cases; None where they cannot say.
fn ask_oracle(python: &str, cases: &[Case]) -> Vec<Option<Expected>> {
    let cases: Vec<Value> = cases
        .iter()
        .map(|case| {
            Value::from([
                ("mode", Value::str(&case.mode)),
                ("template", Value::from(case.template.replace("@FILES@", &files()))),
                ("vars", Value::map(variables(case))),
            ])
        })
        .collect();
    let mut child = Command::new(python)
        .arg(folder().join("oracle.py"))
        .arg(files())
        .env("TZ", "UTC")
        .env("ANSIBLE_DEPRECATION_WARNINGS", "0")
        .env("ANSIBLE_LOCALHOST_WARNING", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let input = serde_json::to_string(&cases).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the oracle failed");
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answer = |result: &Value| {
        if let Some(value) = result.get("ok") {
            return Some(Expected::Value(serde_json::to_string(value).unwrap().replace(&files(), "@FILES@")));
        }
        let error = result.get("error")?;
        Some(Expected::Error(Some(error.to_string().replace('\n', "\\n").replace(&files(), "@FILES@"))))
    };
    results.as_list().unwrap().iter().map(answer).collect()
}

#[test]
fn the_recorded_results_are_what_the_oracle_gives() {
    let Some(python) = python() else {
        eprintln!("skipped: there is no Python with Jinja2");
        return;
    };
    let write = std::env::var_os("RPLAY_WRITE_CASES").is_some();
    let engine = Engine::new(Arc::new(local::Local { root: files().into() }));
    let mut report = String::new();
    for path in case_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let cases = read(&text);
        let answers = ask_oracle(&python, &cases);
        if write {
            std::fs::write(&path, rewritten(&text, &cases, &answers, &engine)).unwrap();
            continue;
        }
        for (case, answer) in cases.iter().zip(&answers) {
            let Some(answer) = answer.as_ref().filter(|_| case.differs.is_none()) else { continue };
            // Jinja2's own messages need not be ansible-core's.
            let both_fail =
                case.mode == "jinja" && matches!((&case.expected, answer), (Expected::Error(_), Expected::Error(_)));
            if !both_fail && !agrees(&case.expected, answer) {
                let place = format!("{}:{}", path.display(), case.line);
                writeln!(report, "{place}\n{}\n  recorded {:?}\n  oracle   {answer:?}", case.template, case.expected)
                    .unwrap();
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

/// The case file with the oracle's answers. Where both refuse with different words, any error will do.
fn rewritten(text: &str, cases: &[Case], answers: &[Option<Expected>], engine: &Engine) -> String {
    let mut out = String::new();
    let mut next = cases.iter().zip(answers);
    let mut answer_next =
        |out: &mut String| {
            let (case, answer) = next.next().unwrap();
            let got = render(engine, case);
            let shown =
                match (&case.differs, answer) {
                    (None, Some(answer @ Expected::Error(_))) if matches!(got, Expected::Error(_)) => {
                        if *answer == got { got } else { Expected::Error(None) }
                    }
                    (None, Some(answer)) => answer.clone(),
                    _ => got,
                };
            match shown {
                Expected::Value(value) => writeln!(out, "= {value}").unwrap(),
                Expected::Error(Some(message)) => writeln!(out, "! {message}").unwrap(),
                _ => writeln!(out, "!").unwrap(),
            }
            if let Some(why) = &case.differs {
                writeln!(out, "~ {why}").unwrap();
            }
        };
    let mut inside = false;
    for line in text.lines() {
        let mark = line.split(' ').next().unwrap_or("");
        if inside && mark != ">" {
            inside = false;
            answer_next(&mut out);
        }
        inside |= mark == ">";
        if !matches!(mark, "=" | "!" | "~") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
