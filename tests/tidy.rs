//! Keeps the tree as ARCHITECTURE.md says it is: floors, first lines, no leftovers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

/// The folders of `src` from the ground up. A file may import its own folder and those before it.
const FLOORS: &[&str] = &[
    "source",
    "value", // 0
    "yaml",
    "vault",
    "template", // 1
    "module",
    "inventory",
    "playbook",
    "vars", // 2
    "plan", // 3
    "transport",
    "agent",
    "modules",
    "project", // 4
    "run",
    "report", // 5
    "cli",    // 6
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.strip_prefix(&root).unwrap().to_path_buf(), text)
        })
        .collect()
}

#[test]
fn every_file_says_its_subject_first() {
    let wrong: Vec<_> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(path, _)| path).collect();
    assert!(wrong.is_empty(), "no `//!` on line one: {wrong:?}");
}

#[test]
fn floors_import_downwards_only() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let own = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let Some(height) = FLOORS.iter().position(|floor| *floor == own) else { continue };
        for (number, line) in text.lines().enumerate() {
            // A comment may point upwards.
            let code = if line.trim_start().starts_with("//") { "" } else { line };
            for part in code.split("crate::").skip(1) {
                let name: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if FLOORS.iter().position(|floor| *floor == name).is_some_and(|other| other > height) {
                    wrong.push(format!("src/{}:{}: {own} imports {name}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports upwards:\n{}", wrong.join("\n"));
}

#[test]
fn the_folders_are_the_floors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(root).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(name == "bin" || FLOORS.contains(&name.as_str()), "src/{name} is no floor");
    }
}

#[test]
fn nothing_is_left_over() {
    let words = ["todo!(", "dbg!(", "unimplemented!(", "FIXME"];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            wrong.extend(
                words
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("src/{}:{}: {word}", path.display(), number + 1)),
            );
        }
        if text.lines().any(|line| line.starts_with("#![allow")) && !path.ends_with("tests.rs") {
            wrong.push(format!("src/{}: a file-wide allow", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_is_listed_and_documented() {
    let mut names = Vec::new();
    for entry in rplay::modules::all() {
        let spec = entry.spec();
        assert!(!spec.summary.is_empty(), "{} has no summary", spec.name);
        assert!(spec.name.contains('.'), "{} is not fully qualified", spec.name);
        for arg in entry.args() {
            assert!(!arg.doc.is_empty(), "{}: argument `{}` has no documentation", spec.name, arg.name);
        }
        names.push(spec.name);
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a module is listed twice");
}
