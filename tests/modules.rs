//! Modules as data: every task of `tests/cases/modules` is run by rplay as check, run and run again in a private copy of
//! the machine, and its results and what it leaves behind are compared with what ansible-core gave
//! (`tests/cases/modules/expected`, written by `tests/modules/record.sh`).
//!
//! Check mode must predict whether the first run changes something; what ansible-core leaves alone in a second run, rplay
//! leaves alone too. Without root, or without the programs that a module needs, a test says so and is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "modules/case.rs"]
mod case;
#[path = "modules/enclosure.rs"]
mod enclosure;
#[path = "modules/seen.rs"]
mod seen;

use case::{Case, PHASES};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/modules")
}

/// Who runs the tasks: rplay, or the ansible-playbook whose answers are to be recorded.
enum Runner {
    Rplay,
    Ansible(PathBuf),
}

impl Runner {
    fn chosen() -> Runner {
        std::env::var_os("RPLAY_RECORD_WITH").map_or(Runner::Rplay, |program| Runner::Ansible(program.into()))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(match self {
            Runner::Rplay => env!("CARGO_BIN_EXE_rplay").as_ref(),
            Runner::Ansible(program) => program.as_path(),
        });
        command.env_clear().envs([
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", "/root"),
            ("LANG", "C.UTF-8"),
            ("TZ", "UTC"),
            ("AWS_URL", enclosure::S3),
            ("AWS_ACCESS_KEY_ID", "case"),
            ("AWS_SECRET_ACCESS_KEY", "casesecret"),
            ("AWS_REGION", "us-east-1"),
        ]);
        command.args(["-i", "localhost,", "-c", "local"]).current_dir(enclosure::SCRATCH);
        match self {
            Runner::Rplay => drop(command.args(["--output", "json"])),
            Runner::Ansible(program) => {
                let python = program.with_file_name("python").display().to_string();
                command.envs([
                    ("ANSIBLE_STDOUT_CALLBACK", "ansible.posix.json"),
                    ("ANSIBLE_PIPELINING", "1"),
                    ("ANSIBLE_DEPRECATION_WARNINGS", "0"),
                    ("ANSIBLE_NOCOLOR", "1"),
                ]);
                // The system's Python has the bindings of apt and dnf, the environment's those of S3 and PostgreSQL.
                let python = std::env::var("RPLAY_RECORD_PYTHON").unwrap_or(python);
                command.arg("-e").arg(format!("ansible_python_interpreter={python}"));
                if let Ok(plugins) = std::env::var("RPLAY_RECORD_STRATEGIES") {
                    command.env("ANSIBLE_STRATEGY_PLUGINS", plugins).env("ANSIBLE_STRATEGY", "mitogen_linear");
                }
            }
        }
        command
    }

    /// Runs a playbook; its exit status and its report.
    fn run(&self, playbook: &str) -> (i32, Value) {
        let path = format!("{}/play.yml", enclosure::SCRATCH);
        std::fs::write(&path, playbook).unwrap();
        let output = self.command().arg(&path).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let report = text.find('{').and_then(|start| serde_json::from_str(&text[start..]).ok());
        let complain = || format!("{}\n{text}\n{}", playbook, String::from_utf8_lossy(&output.stderr));
        let report = report.unwrap_or_else(|| json!({ "text": complain() }));
        (output.status.code().unwrap_or(-1), report)
    }
}

/// What a run of a whole case file has shown, as it is recorded: case → tasks and tree.
fn observe(runner: &Runner, cases: &[Case]) -> Value {
    for case in cases {
        std::fs::create_dir_all(&case.root).unwrap();
    }
    let playbook: String = cases.iter().map(Case::play).collect();
    let (_, report) = runner.run(&playbook);
    let Some(plays) = report["plays"].as_array() else { panic!("no report: {}", report["text"].as_str().unwrap()) };
    assert_eq!(plays.len(), cases.len(), "{report:#}");
    let mut seen = Map::new();
    for (case, play) in cases.iter().zip(plays) {
        let mut tasks = vec![Map::new(); case.tasks.len()];
        for task in play["tasks"].as_array().unwrap() {
            let (name, result) = (task["task"]["name"].as_str().unwrap(), &task["hosts"]["localhost"]);
            match name.split_once(' ') {
                None => assert!(result["failed"] != true, "setup of {:?}: {result:#}", case.name),
                Some((index, phase)) => {
                    tasks[index.parse::<usize>().unwrap()].insert(phase.into(), seen::result(result).into());
                }
            }
        }
        let mut all =
            Map::from_iter([("tasks".to_owned(), json!(tasks)), ("tree".into(), seen::tree(&case.below).into())]);
        for file in &case.files {
            let text = std::fs::read_to_string(file).unwrap_or_else(|error| error.to_string());
            all.insert(file.clone(), seen::plain_text(&text).lines().collect());
        }
        seen.insert(case.name.clone(), all.into());
    }
    seen.into()
}

/// How two results differ, a line for each key. Only what a prediction says of changes is compared. What rplay tells of a
/// failure, which changes it shows, and what it predicts may be more than what ansible-core does.
fn differences(phase: &str, purpose: &dyn Fn(&str) -> bool, want: &Value, got: &Value) -> Vec<String> {
    let none = Map::new();
    let (want, got) = (want.as_object().unwrap_or(&none), got.as_object().unwrap_or(&none));
    let is = |map: &Map<String, Value>, key: &str| map.get(key) == Some(&Value::Bool(true));
    let failed = is(want, "failed") && is(got, "failed");
    let not_predicted = phase == "check" && is(want, "skipped");
    let looked_at = |key: &str| match key {
        _ if not_predicted || purpose(key) => false,
        // Nothing that is not there.
        _ if failed && want.get(key).is_some_and(Value::is_null) => false,
        "changed" | "failed" | "skipped" => true,
        _ if phase == "check" => false,
        "diff" => !failed && want.contains_key("diff"),
        // A temporary copy, of which ansible-core tells by accident.
        "src" if want.get("src").and_then(Value::as_str).is_some_and(|src| src.ends_with("TMP")) => false,
        key => !failed || want.contains_key(key),
    };
    let mut keys: Vec<&str> = want.keys().chain(got.keys()).map(String::as_str).filter(|key| looked_at(key)).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut lines = Vec::new();
    for key in keys {
        match (key, want.get(key).and_then(Value::as_array), got.get(key).and_then(Value::as_array)) {
            ("diff", Some(want), Some(got)) if want.iter().all(|pair| got.contains(pair)) => {}
            _ => compare_values(key, want.get(key), got.get(key), &mut lines),
        }
    }
    lines.retain(|line| line.split_once(": want").is_none_or(|(name, _)| !purpose(name)));
    lines
}

fn compare_values(name: &str, want: Option<&Value>, got: Option<&Value>, lines: &mut Vec<String>) {
    match (want, got) {
        _ if want == got => {}
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let more = right.keys().filter(|key| !left.contains_key(*key));
            for key in left.keys().chain(more) {
                compare_values(&format!("{name}.{key}"), left.get(key), right.get(key), lines);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare_values(&format!("{name}[{index}]"), Some(left), Some(right), lines);
            }
        }
        _ => {
            let show = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
            lines.push(format!("{name}: want {}, got {}", show(want), show(got)));
        }
    }
}

/// A recording without what is not compared or said twice.
fn shortened(mut seen: Value) -> Value {
    for case in seen.as_object_mut().into_iter().flat_map(Map::values_mut) {
        for task in case["tasks"].as_array_mut().into_iter().flatten() {
            let predicted = |check: &mut Map<String, Value>| {
                check.retain(|key, _| ["changed", "failed", "skipped"].contains(&key.as_str()));
            };
            task.get_mut("check").and_then(Value::as_object_mut).map(predicted);
            if task["again"] == task["run"] {
                task.as_object_mut().map(|task| task.insert("again".into(), "as run".into()));
            }
        }
    }
    seen
}

/// Whether a prediction came true.
fn came_true(got: &Value) -> bool {
    ["changed", "failed"].iter().all(|key| got["check"][key] == got["run"][key])
}

fn compare(cases: &[Case], want: &Value, got: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for case in cases {
        let (want, got) = (&want[&case.name], &got[&case.name]);
        for (index, task) in case.tasks.iter().enumerate().filter(|(_, task)| !task.refused) {
            let (want, got) = (&want["tasks"][index], &got["tasks"][index]);
            let mut lines: Vec<String> = Vec::new();
            let purpose = |name: &str| task.differs.iter().chain(&case.differs).any(|key| key == name);
            for phase in PHASES {
                // A prediction that comes true is right, whatever ansible-core says; another must be ansible-core's own.
                if phase == "check" && came_true(got) {
                    continue;
                }
                let expected = if want[phase] == "as run" { &want["run"] } else { &want[phase] };
                let found = differences(phase, &purpose, expected, &got[phase]);
                lines.extend(found.into_iter().map(|line| format!("    {phase}: {line}")));
            }
            if !lines.is_empty() {
                wrong.push(format!("{}: {}\n{}", case.name, task.text(), lines.join("\n")));
            }
        }
        for key in case.files.iter().map(String::as_str).chain(["tree"]) {
            if want[key] != got[key] {
                wrong.push(format!("{}: {key}\n{}", case.name, different_lines(&want[key], &got[key])));
            }
        }
    }
    wrong
}

/// What can be said without a recording: predictions come true, and a second run changes nothing.
fn alone(cases: &[Case], got: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for case in cases {
        let seen = &got[&case.name]["tasks"];
        for (index, task) in case.tasks.iter().enumerate().filter(|(_, task)| !task.refused) {
            let settled = seen[index]["again"]["changed"] == false || task.differs.iter().any(|key| key == "changed");
            if !came_true(&seen[index]) || !settled {
                wrong.push(format!("{}: {}\n{:#}", case.name, task.text(), seen[index]));
            }
        }
    }
    wrong
}

fn different_lines(want: &Value, got: &Value) -> String {
    let lines = |value: &Value| -> Vec<String> {
        let text = serde_json::to_string_pretty(value).unwrap();
        text.lines().map(|line| line.trim().trim_end_matches(',').to_owned()).collect()
    };
    let (want, got) = (lines(want), lines(got));
    let missing = want.iter().filter(|line| !got.contains(line)).map(|line| format!("    want {line}"));
    let more = got.iter().filter(|line| !want.contains(line)).map(|line| format!("    got  {line}"));
    missing.chain(more).collect::<Vec<_>>().join("\n")
}

fn refused(runner: &Runner, cases: &[Case]) -> Vec<String> {
    let mut wrong = Vec::new();
    for case in cases {
        for (index, task) in case.tasks.iter().enumerate().filter(|(_, task)| task.refused) {
            let (status, _) = runner.run(&case.refused_play(index));
            let right = match runner {
                Runner::Rplay => status == 4,
                Runner::Ansible(_) => status != 0,
            };
            if !right {
                wrong.push(format!("{}: {} is not refused: exit status {status}", case.name, task.text()));
            }
        }
    }
    wrong
}

/// The test of one module. `needs` are the programs that its cases want.
fn module(name: &'static str, needs: &[&'static str]) {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let find =
        |program: &str| std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.exists());
    let mut programs = Vec::new();
    for program in needs {
        match find(program) {
            Some(path) => programs.push(path),
            None => return eprintln!("SKIPPED: the module {name}: this machine has no {program}"),
        }
    }
    let outcome = std::thread::spawn(move || inside(name, &programs)).join();
    let wrong = match outcome {
        Ok(Err(why)) => {
            return eprintln!("SKIPPED: the module {name}: no private copy of the machine can be made: {why}");
        }
        Ok(Ok(wrong)) => wrong,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    assert!(wrong.is_empty(), "{name} differs from ansible-core:\n{}", wrong.join("\n"));
}

fn inside(name: &str, programs: &[PathBuf]) -> Result<Vec<String>, String> {
    let runner = Runner::chosen();
    let own = [Path::new(env!("CARGO_BIN_EXE_rplay")).parent().unwrap(), Path::new(env!("CARGO_MANIFEST_DIR"))];
    let elsewhere =
        programs.iter().filter(|program| !program.starts_with("/usr")).filter_map(|program| program.parent());
    enclosure::enter(&own.into_iter().chain(elsewhere).collect::<Vec<_>>())?;
    let _servers: Vec<_> = programs.iter().filter_map(|program| enclosure::server(program)).collect();
    let cases = case::read(name, &std::fs::read_to_string(folder().join(format!("{name}.yml"))).unwrap());
    let mut wrong = refused(&runner, &cases);
    let got = observe(&runner, &cases);
    let expected = folder().join(format!("expected/{name}.json"));
    match runner {
        Runner::Rplay => {
            if let Ok(want) = std::fs::read_to_string(expected) {
                wrong.extend(compare(&cases, &serde_json::from_str(&want).unwrap(), &got));
            } else {
                eprintln!(
                    "SKIPPED: {name} beside ansible-core (not recorded yet); predictions and second runs are looked at"
                );
                wrong.extend(alone(&cases, &got));
            }
        }
        Runner::Ansible(_) => std::fs::write(expected, format!("{:#}\n", shortened(got))).unwrap(),
    }
    Ok(wrong)
}

macro_rules! modules {
    ($($name:ident $([$($needs:literal),+])?;)+) => {
        $(#[test]
        fn $name() {
            module(stringify!($name), &[$($($needs),+)?]);
        })+

        #[test]
        fn every_case_file_is_run() {
            // Those that want a server or a whole machine of their own: the lab's hosts are for them.
            let elsewhere = ["postgresql_db", "postgresql_user", "systemd"];
            let run: Vec<&str> = [$(stringify!($name)),+].into_iter().chain(elsewhere).collect();
            for entry in std::fs::read_dir(folder()).unwrap().flatten() {
                let path = entry.path();
                let name = path.file_stem().unwrap().to_str().unwrap();
                assert!(path.is_dir() || run.contains(&name), "no test runs {}", path.display());
            }
        }
    };
}

modules! {
    apt ["apt-get", "dpkg-deb"];
    assemble;
    blockinfile;
    command;
    control;
    copy;
    dnf ["dnf", "createrepo_c", "rpmbuild"];
    fetch;
    file;
    find;
    get_url ["python3"];
    group;
    ini_file;
    lineinfile;
    replace;
    s3_bucket ["weed"];
    s3_object ["weed"];
    script;
    shell;
    slurp;
    stat;
    system ["getent"];
    tempfile;
    template;
    unarchive;
    uri ["python3"];
    user;
}
