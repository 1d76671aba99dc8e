//! Modules of the project's own: programs in `library/` beside the playbook, in roles, and in the
//! folders that the configuration names.

use crate::playbook::{ModuleCatalog, ModuleInfo};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the canonical names of such modules begin with; the program's path follows.
pub const LIBRARY_PREFIX: &str = "library:";

/// So much of a program is looked at.
const LOOKED_AT: u64 = 1 << 20;

/// Endings of what lies beside programs.
const NO_PROGRAMS: &[&str] = &["pyc", "pyo", "md", "rst", "txt", "yml", "yaml", "json", "ini", "bak", "orig", "swp"];

/// A catalog with the programs of some folders in front of it.
pub struct Library<'a> {
    /// The modules that rplay has.
    pub built_in: &'a dyn ModuleCatalog,
    /// The folders, nearest first.
    pub folders: Vec<PathBuf>,
}

impl ModuleCatalog for Library<'_> {
    /// A program wins over a module of the same short name, unless it is one that rplay cannot run.
    fn find(&self, name: &str) -> Option<ModuleInfo> {
        let built_in = self.built_in.find(name);
        let Some(path) = self.program(name) else { return built_in };
        match (built_in, refused(&path)) {
            (Some(built_in), Some(_)) => Some(built_in),
            (_, refused) => Some(ModuleInfo {
                name: Arc::from(format!("{LIBRARY_PREFIX}{}", path.display())),
                free_form: false,
                args: &[],
                rules: &[],
                any_args: true,
                refused,
            }),
        }
    }

    fn names(&self) -> Vec<String> {
        let files = self.folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let stems = files.filter_map(|file| Some(file.path().file_stem()?.to_string_lossy().into_owned()));
        self.built_in.names().into_iter().chain(stems).collect()
    }
}

impl Library<'_> {
    /// The program of a name, with any ending.
    fn program(&self, name: &str) -> Option<PathBuf> {
        let name = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        if name.contains(['.', '/']) || name.is_empty() {
            return None;
        }
        self.folders.iter().find_map(|folder| {
            let exact = folder.join(name);
            if exact.is_file() {
                return Some(exact);
            }
            let files = std::fs::read_dir(folder).ok()?.flatten().map(|file| file.path());
            let ending = |path: &Path| path.extension().map(|ending| ending.to_string_lossy().into_owned());
            let fits = |path: &PathBuf| {
                path.file_stem().is_some_and(|stem| stem == name)
                    && ending(path).is_none_or(|ending| !NO_PROGRAMS.contains(&ending.as_str()))
                    && path.is_file()
            };
            files.filter(fits).min()
        })
    }
}

/// Why a program cannot be run as a module; None when it can.
fn refused(path: &Path) -> Option<String> {
    let mut content = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut content));
    if let Err(error) = read {
        return Some(format!("the module {} cannot be read: {error}", path.display()));
    }
    let holds = |text: &str| content.windows(text.len()).any(|part| part == text.as_bytes());
    if content.starts_with(b"\x7fELF") {
        return None;
    }
    if holds("ansible.module_utils") {
        return Some(format!(
            "the module {} needs Ansible's Python library (ansible.module_utils), which rplay does not have; a module here \
             is any program that reads a file of JSON and prints JSON",
            path.display()
        ));
    }
    (!content.starts_with(b"#!"))
        .then(|| format!("the module {} is neither a program nor a script that begins with `#!`", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    struct Nothing;

    impl ModuleCatalog for Nothing {
        fn find(&self, name: &str) -> Option<ModuleInfo> {
            let info = |name| ModuleInfo {
                name: Arc::from(name),
                free_form: false,
                args: &[],
                rules: &[],
                any_args: false,
                refused: None,
            };
            (name == "copy").then(|| info("ansible.builtin.copy"))
        }

        fn names(&self) -> Vec<String> {
            vec!["copy".into()]
        }
    }

    #[test]
    fn programs_come_first_unless_they_cannot_run() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("hello.sh", "#!/bin/sh\n");
        write("hello.md", "words\n");
        write("copy.py", "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n");
        write("old.py", "from ansible.module_utils.basic import *\n");
        write("plain.txt2", "no program\n");
        let library = Library { built_in: &Nothing, folders: vec![folder.path().to_path_buf()] };
        let hello = library.find("hello").unwrap();
        assert!(hello.name.starts_with(LIBRARY_PREFIX) && hello.name.ends_with("/hello.sh"), "{}", hello.name);
        assert_eq!((hello.refused, hello.any_args), (None, true));
        assert_eq!(library.find("copy").unwrap().name.as_ref(), "ansible.builtin.copy");
        assert!(library.find("old").unwrap().refused.unwrap().contains("ansible.module_utils"));
        assert!(library.find("plain").unwrap().refused.unwrap().contains("#!"));
        assert!(library.find("nothing").is_none() && library.find("a.b.hello").is_none());
    }
}
