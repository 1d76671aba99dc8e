//! The built program from outside: diagnostics, lists, options and exit codes.
//!
//! Each folder of `tests/cases/diagnostics` holds `site.yml` with the files that it names, and
//! `expected.txt`: what `rplay --syntax-check site.yml` writes. With RPLAY_BLESS=1 the expected texts
//! are written anew; look at the difference before keeping them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program in a folder, away from this machine's own settings.
fn rplay(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rplay"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder).env("PATH", "/usr/bin:/bin");
    command.env("ANSIBLE_CONFIG", "/nonexistent").env("ANSIBLE_INVENTORY", "web1,web2,db1,");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    rplay(folder, arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with one playbook.
fn project(playbook: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("site.yml"), playbook).unwrap();
    folder
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/diagnostics");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().canonicalize().unwrap()).collect();
    cases.sort();
    assert!(cases.len() >= 10, "the cases are missing");
    cases
}

#[test]
fn bad_playbooks_are_told_what_is_wrong_with_them() {
    let bless = std::env::var_os("RPLAY_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let output = run(&case, &["--syntax-check", "site.yml"]);
        let code = output.status.code().unwrap();
        // Folders are shown in full; they differ from machine to machine.
        let shown = stderr(&output).replace(&*case.to_string_lossy(), "CASE");
        let shown = format!("exit {code}\n{}{shown}", stdout(&output));
        let expected = case.join("expected.txt");
        if bless {
            fs::write(&expected, &shown).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != shown {
            wrong.push(format!("{}:\n{shown}", case.display()));
        }
        let fine = case.ends_with("fine");
        assert_eq!(code == 0, fine, "{}: exit {code}\n{shown}", case.display());
    }
    assert!(wrong.is_empty(), "these differ from what is expected:\n{}", wrong.join("\n"));
}

const TAGGED: &str = "\
- name: first of {{ site }}
  hosts: web*
  vars: {site: here}
  tags: [outer]
  tasks:
    - name: one
      debug: {msg: 1}
      tags: [a, b]
    - debug: {msg: 2}
      tags: c
    - block:
        - name: inside
          ansible.builtin.debug: {msg: 3}
      tags: [blk]
    - meta: noop
    - debug: {msg: seldom}
      tags: never
- hosts: db1,nowhere
  tasks: []
";

#[test]
fn lists_hosts_tasks_and_tags_as_ansible_playbook_does() {
    let folder = project(TAGGED);
    let listed = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    assert_eq!(
        listed(&["site.yml", "--list-hosts"]),
        "\nplaybook: site.yml\n\n  play #1 (web*): first of here\tTAGS: [outer]\n    pattern: ['web*']\n    hosts (2):\n      web1\n      web2\n\
         \n  play #2 (db1,nowhere): db1,nowhere\tTAGS: []\n    pattern: ['db1,nowhere']\n    hosts (1):\n      db1\n"
    );
    assert_eq!(
        listed(&["site.yml", "--list-tasks", "--skip-tags", "c"]),
        "\nplaybook: site.yml\n\n  play #1 (web*): first of here\tTAGS: [outer]\n    tasks:\n      one\tTAGS: [a, b, outer]\n      \
         inside\tTAGS: [blk, outer]\n      meta\tTAGS: [outer]\n\n  play #2 (db1,nowhere): db1,nowhere\tTAGS: []\n    tasks:\n"
    );
    assert_eq!(
        listed(&["site.yml", "--list-tags"]),
        "\nplaybook: site.yml\n\n  play #1 (web*): first of here\tTAGS: [outer]\n      TASK TAGS: [a, b, blk, c, never, outer]\n\
         \n  play #2 (db1,nowhere): db1,nowhere\tTAGS: []\n      TASK TAGS: []\n"
    );
    let limited = listed(&["site.yml", "--list-hosts", "-l", "web2:db1"]);
    assert!(limited.contains("hosts (1):\n      web2\n"), "{limited}");
}

#[test]
fn says_what_it_cannot_do_with_ansibles_exit_codes() {
    let folder = project("- hosts: all\n  tasks: []\n");
    let check = |arguments: &[&str], code: i32, text: &str| {
        let output = run(folder.path(), arguments);
        let shown = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {shown}");
        assert!(shown.contains(text), "{arguments:?}: {shown}");
    };
    check(&["nothere.yml"], 1, "[ERROR]: the playbook: nothere.yml could not be found");
    check(&["/"], 1, "the playbook: / does not appear to be a file");
    check(&["site.yml", "-l", "wbe1"], 1, "leaves us with no hosts to target. Did you mean `web1`?");
    check(&["site.yml", "--inventroy", "x"], 5, "--inventory");
    check(&["site.yml", "-e", "not a variable"], 5, "--extra-vars takes");
    check(&["site.yml", "--vault-password-file", "/nonexistent"], 1, "cannot read /nonexistent");
    check(&[], 5, "PLAYBOOK");
    check(&["site.yml", "--syntax-check", "-e", "@/nonexistent"], 4, "/nonexistent");
}

#[test]
fn reads_vault_files_and_says_when_a_password_does_not_fit() {
    let folder = project("- hosts: all\n  vars_files: [secret.yml]\n  tasks: []\n");
    let path = |name: &str| folder.path().join(name);
    let secret = rplay::vault::Secret::new("right").unwrap();
    fs::write(path("extra.yml"), rplay::vault::encrypt("a: 1\n", &secret, None).unwrap()).unwrap();
    fs::write(path("secret.yml"), "b: 2\n").unwrap();
    fs::write(path("good"), "right\n").unwrap();
    fs::write(path("bad"), "wrong\n").unwrap();
    let with = |file: &str| run(folder.path(), &["--syntax-check", "site.yml", "-e", "@extra.yml", "--vault-id", file]);
    assert_eq!(with("good").status.code(), Some(0), "{}", stderr(&with("good")));
    let refused = with("dev@bad");
    assert_eq!(refused.status.code(), Some(4));
    assert!(stderr(&refused).contains("cannot decrypt extra.yml"), "{}", stderr(&refused));
    assert!(!stderr(&refused).contains("wrong\n"), "{}", stderr(&refused));
}

#[test]
fn shows_the_graph_and_the_modules() {
    let folder = project(
        "- hosts: all\n  tasks:\n    - {name: a, debug: {msg: 1}}\n    - {name: b, debug: {msg: 2}, needs: []}\n    - {name: c, debug: {msg: 3}, needs: [a]}\n",
    );
    let graph = run(folder.path(), &["graph", "site.yml"]);
    assert!(stdout(&graph).contains("after task a"), "{}{}", stdout(&graph), stderr(&graph));
    for (format, start) in [("dot", "digraph"), ("mermaid", "flowchart"), ("svg", "<svg"), ("json", "{")] {
        let shown = run(folder.path(), &["graph", "--format", format, "site.yml", "-o", "out"]);
        assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
        assert!(fs::read_to_string(folder.path().join("out")).unwrap().starts_with(start));
    }
    let doc = run(folder.path(), &["doc", "debug"]);
    assert!(stdout(&doc).starts_with("# ansible.builtin.debug\n"), "{}", stdout(&doc));
    assert!(stdout(&doc).contains("| `msg` |"), "{}", stdout(&doc));
    let unknown = run(folder.path(), &["doc", "debgu"]);
    assert!(stderr(&unknown).contains("did you mean `debug`?"), "{}", stderr(&unknown));
    let version = run(folder.path(), &["--version"]);
    assert_eq!(stdout(&version), format!("rplay {}\n", env!("CARGO_PKG_VERSION")));
}

const LOCAL: &str = "\
- name: here
  hosts: localhost
  gather_facts: false
  tasks:
    - name: say
      debug: {msg: hello}
    - name: stop
      fail: {msg: enough}
      when: stop | default(false)
    - set_stats: {data: {n: 1}}
";

#[test]
fn runs_a_playbook_here() {
    let folder = project(LOCAL);
    let ran = run(folder.path(), &["site.yml"]);
    assert_eq!(ran.status.code(), Some(0), "{}{}", stdout(&ran), stderr(&ran));
    let shown = stdout(&ran);
    assert!(shown.contains("ok: [localhost] => {\n    \"msg\": \"hello\"\n}\n"), "{shown}");
    let recap = "localhost                  : ok=2    changed=0    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0   \n";
    assert!(shown.contains(recap), "{shown}");
    let failed = run(folder.path(), &["site.yml", "-e", "{\"stop\": true}"]);
    assert_eq!(failed.status.code(), Some(2));
    assert!(
        stdout(&failed).contains("fatal: [localhost]: FAILED! => {\"changed\": false, \"msg\": \"enough\"}\n    at ")
    );
    assert!(stdout(&failed).contains("site.yml:7:7\n"), "{}", stdout(&failed));
}

#[test]
fn writes_json_and_a_stream_of_it() {
    let folder = project(LOCAL);
    let document: serde_json::Value =
        serde_json::from_str(&stdout(&run(folder.path(), &["site.yml", "--output", "json"]))).unwrap();
    assert_eq!(document["stats"]["localhost"]["ok"], 2);
    assert_eq!(document["global_custom_stats"]["n"], 1);
    assert_eq!(document["plays"][0]["tasks"][0]["hosts"]["localhost"]["msg"], "hello");
    let stream = stdout(&run(folder.path(), &["site.yml", "--output", "jsonl"]));
    let events: Vec<serde_json::Value> = stream.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.first().unwrap()["event"], "play_start");
    assert_eq!(events.last().unwrap()["stats"]["localhost"]["skipped"], 1);
}

#[test]
fn a_pipe_that_nobody_reads_ends_it_quietly() {
    let folder = project(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ 'x' * 100000 }}\"}\n    - debug: {msg: more}\n",
    );
    let mut child = rplay(folder.path(), &["site.yml"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

#[test]
fn the_reference_of_the_modules_is_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let written = std::fs::read_to_string(root.join("docs/modules.md")).unwrap();
    assert!(stdout(&run(root, &["doc"])) == written, "docs/modules.md is old: `rplay doc > docs/modules.md` writes it");
}
