//! `find`: the files below directories that fit.

use super::file::checksum::{Algorithm, of_file};
use super::file::errno::reason;
use super::file::mode::{Present, wanted_bits};
use super::file::paths::{expand, is_dir, text, without_dots};
use super::python_regex::{Flags, Pattern};
use super::{stat, wildcard};
use crate::module::{Example, Failure, FileInfo, FileKind, Host, Mode, Module, ModuleSpec, Outcome, Plan, ReturnSpec};
use crate::value::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

crate::arg_choices! {
    /// What is looked for.
    pub enum FileType { Any = "any", Directory = "directory", File = "file", Link = "link" }
}

crate::arg_choices! {
    /// Which of a file's times.
    pub enum AgeStamp { Atime = "atime", Ctime = "ctime", Mtime = "mtime" }
}

crate::module_args! {
    /// Arguments of `find`.
    pub struct Args {
        /// The directories to look into.
        [aliases("name", "path")] paths: Vec<PathBuf>,
        /// Names that fit one of these wildcards (or, with use_regex, expressions).
        [aliases("pattern")] patterns: Vec<String> = Vec::<String>::new(),
        /// Names that fit none of these.
        [aliases("exclude")] excludes: Option<Vec<String>>,
        /// Files with a line that starts with something that fits this expression.
        contains: Option<String>,
        /// Let contains look for a place anywhere in the whole file.
        read_whole_file: bool = false,
        /// What is looked for.
        file_type: FileType = FileType::File,
        /// At least this old, or, with a minus, at most: 3600, 90m, 12h, 2d, 1w.
        age: Option<String>,
        /// Which time age means.
        age_stamp: AgeStamp = AgeStamp::Mtime,
        /// At least this large, or, with a minus, at most: 100, 10k, 5m, 1g.
        size: Option<String>,
        /// Look into directories below too.
        recurse: bool = false,
        /// How deep recurse goes; 1 is the directory itself.
        depth: Option<i64>,
        /// Take names that start with a dot too.
        hidden: bool = false,
        /// Follow links to directories.
        follow: bool = false,
        /// Take checksums.
        get_checksum: bool = false,
        /// The checksums' algorithm.
        [aliases("checksum", "checksum_algo")] checksum_algorithm: Algorithm = Algorithm::Sha1,
        /// Read patterns and excludes as Python's regular expressions.
        use_regex: bool = false,
        /// With these permissions.
        mode: Option<Mode>,
        /// Exactly these permissions; else any bit of them.
        exact_mode: bool = true,
        /// How files are written for contains: utf-8, ascii or latin-1; else utf-8.
        encoding: Option<String>,
        /// Stop after so many.
        limit: Option<i64>,
    }
}

/// The module.
pub struct Find;

impl Module for Find {
    type Args = Args;
    type State = Map;
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.find",
        aliases: &["find", "ansible.legacy.find"],
        summary: "Finds files by name, age, size, content and permissions.",
        returns: &[
            ReturnSpec { name: "files", doc: "What fits, each with its path and what stat tells." },
            ReturnSpec { name: "matched", doc: "How many fit." },
            ReturnSpec { name: "examined", doc: "How many were looked at." },
            ReturnSpec { name: "skipped_paths", doc: "What could not be looked at, and why." },
        ],
        examples: &[Example {
            title: "Old logs",
            yaml: "ansible.builtin.find:\n  paths: /var/log\n  patterns: '*.gz'\n  age: 4w\n  recurse: true\n",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Map, Failure> {
        let mut search = Search::new(args, host)?;
        for path in &args.paths {
            search.top(&expand(host, path));
        }
        Ok(search.finish())
    }

    fn plan(&self, _: &Args, result: &Map) -> Result<Plan<()>, Failure> {
        Ok(Plan { returns: result.clone(), ..Plan::default() })
    }

    fn apply(&self, _: &Args, _: &Plan<()>, _: &dyn Host) -> Result<Outcome, Failure> {
        Ok(Outcome::new())
    }
}

/// A number with a unit's letter.
fn measure(name: &str, text: &str, units: &[(char, i64)]) -> Result<i64, Failure> {
    let bad = || Failure::new(format!("failed to process {name}")).with(name, text);
    let lower = text.to_lowercase();
    let unit = lower.chars().last().and_then(|last| units.iter().find(|(letter, _)| *letter == last));
    let digits = if unit.is_some() { &lower[..lower.len() - 1] } else { lower.as_str() };
    digits.parse::<i64>().ok().and_then(|number| number.checked_mul(unit.map_or(1, |unit| unit.1))).ok_or_else(bad)
}

enum Names {
    Wildcards(Vec<String>),
    Expressions(Vec<Pattern>),
}

impl Names {
    fn new(list: &[String], regex: bool) -> Result<Names, Failure> {
        if !regex {
            return Ok(Names::Wildcards(list.to_vec()));
        }
        // Python's match: from the start.
        let compile = |text: &String| Pattern::new(&format!("\\A(?:{text})"), Flags::default());
        list.iter().map(compile).collect::<Result<_, _>>().map(Names::Expressions).map_err(Failure::new)
    }

    fn fit(&self, name: &str) -> bool {
        match self {
            Names::Wildcards(list) => list.iter().any(|pattern| wildcard::matches(pattern, name)),
            Names::Expressions(list) => list.iter().any(|pattern| pattern.fits(name).unwrap_or(false)),
        }
    }
}

struct Search<'a> {
    args: &'a Args,
    host: &'a dyn Host,
    patterns: Names,
    excludes: Names,
    contains: Option<Pattern>,
    age: Option<i64>,
    size: Option<i64>,
    mode: Option<u32>,
    now: f64,
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
    files: Vec<Value>,
    skipped: Map,
    warnings: Vec<Value>,
    examined: usize,
    limited: bool,
}

impl<'a> Search<'a> {
    fn new(args: &'a Args, host: &'a dyn Host) -> Result<Search<'a>, Failure> {
        if let Some(limit) = args.limit.filter(|limit| *limit <= 0) {
            return Err(Failure::new(format!("limit cannot be {limit} (use None for unlimited)")));
        }
        let all = [if args.use_regex { ".*" } else { "*" }.to_owned()];
        let patterns = if args.patterns.is_empty() { &all[..] } else { &args.patterns };
        let flags = Flags::default();
        let anchor = |text: &String| if args.read_whole_file { text.clone() } else { format!("\\A(?:{text})") };
        let contains = args.contains.as_ref().map(|text| Pattern::new(&anchor(text), flags)).transpose();
        let ages = [('s', 1), ('m', 60), ('h', 3600), ('d', 86400), ('w', 604_800)];
        let sizes = [('b', 1), ('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30), ('t', 1 << 40)];
        let nothing = Present { bits: 0, directory: false, umask: host.umask() };
        Ok(Search {
            args,
            host,
            patterns: Names::new(patterns, args.use_regex)?,
            excludes: Names::new(args.excludes.as_deref().unwrap_or_default(), args.use_regex)?,
            contains: contains.map_err(Failure::new)?,
            age: args.age.as_ref().map(|age| measure("age", age, &ages)).transpose()?,
            size: args.size.as_ref().map(|size| measure("size", size, &sizes)).transpose()?,
            mode: args.mode.as_ref().map(|mode| wanted_bits(mode, nothing)).transpose()?,
            now: super::file::time::seconds(host.now()),
            users: HashMap::new(),
            groups: HashMap::new(),
            files: Vec::new(),
            skipped: Map::new(),
            warnings: Vec::new(),
            examined: 0,
            limited: false,
        })
    }

    fn skip(&mut self, path: &Path, why: &str) {
        self.skipped.insert(text(path).into(), why.into());
    }

    fn top(&mut self, path: &Path) {
        match is_dir(self.host, path) {
            Ok(true) => self.walk(path, 1, &mut HashSet::new()),
            other => {
                let why = match other {
                    Err(failure) => failure.msg,
                    Ok(_) => format!("'{}' is not a directory", path.display()),
                };
                self.skip(path, &why);
                let warning = format!("Skipped '{}' path due to this access issue: {why}\n", path.display());
                self.warnings.push(warning.into());
            }
        }
    }

    fn walk(&mut self, dir: &Path, depth: i64, above: &mut HashSet<(u64, u64)>) {
        let names = match self.host.list(dir) {
            Ok(names) => names,
            Err(error) => return self.skip(dir, &format!("{}: '{}'", reason(&error), dir.display())),
        };
        self.examined += names.len();
        let mut below = Vec::new();
        let mut entries = Vec::new();
        for name in names {
            let path = dir.join(&name);
            match self.host.lstat(&path) {
                Ok(Some(info)) => entries.push((path, info)),
                Ok(None) => {}
                Err(error) => {
                    let why = reason(&error);
                    self.skip(&path, &why);
                    self.warnings.push(format!("Skipped entry '{}' due to access issue.", path.display()).into());
                }
            }
        }
        let leads_to_dir = |path: &Path| is_dir(self.host, path).unwrap_or(false);
        // Files come before directories, a link to a directory counts as one.
        entries.sort_by_key(|(path, info)| info.kind == FileKind::Directory || leads_to_dir(path));
        for (path, info) in entries {
            if info.kind == FileKind::Directory
                || (info.kind == FileKind::Symlink && self.args.follow && is_dir(self.host, &path).unwrap_or(false))
            {
                below.push(path.clone());
            }
            if self.args.depth.is_some_and(|most| most != 0 && depth > most) {
                return;
            }
            if self.limited {
                continue;
            }
            self.entry(&path, &info);
            self.limited = self.args.limit.is_some_and(|limit| self.files.len() as i64 == limit);
        }
        if !self.args.recurse || self.limited {
            return;
        }
        for path in below {
            let id = self.host.stat(&path).ok().flatten().map(|info| (info.device, info.inode));
            if let Some(id) = id.filter(|id| above.insert(*id)) {
                self.walk(&path, depth + 1, above);
                above.remove(&id);
            }
            if self.limited {
                return;
            }
        }
    }

    fn entry(&mut self, path: &Path, info: &FileInfo) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wanted = match self.args.file_type {
            FileType::Any => true,
            FileType::Directory => info.kind == FileKind::Directory,
            FileType::File => info.kind == FileKind::File,
            FileType::Link => info.kind == FileKind::Symlink,
        };
        let fits = wanted
            && (self.args.hidden || !name.starts_with('.'))
            && self.patterns.fit(&name)
            && !self.excludes.fit(&name)
            && self.has_age(info)
            && self.has_mode(info)
            && (info.kind != FileKind::File || self.has_size(info))
            && (self.args.file_type != FileType::File || self.has_content(path));
        if !fits {
            return;
        }
        let mut found = Map::from([("path".into(), Value::from(text(&without_dots(path))))]);
        let own = ["exists", "path", "blocks", "block_size", "device_type"];
        let known = stat::of_info(path, info).into_iter();
        found.extend(known.filter(|(key, _)| !own.contains(&key.as_str().unwrap_or_default())));
        found.insert("gr_name".into(), self.group(info.gid).into());
        found.insert("pw_name".into(), self.user(info.uid).into());
        if self.args.get_checksum && info.kind == FileKind::File {
            let sum = of_file(self.host, path, self.args.checksum_algorithm);
            found.insert("checksum".into(), sum.ok().into());
        }
        self.files.push(Value::map(found));
    }

    fn user(&mut self, uid: u32) -> String {
        let look = || self.host.user_by_id(uid).ok().flatten().map(|user| user.name).unwrap_or_default();
        self.users.entry(uid).or_insert_with(look).clone()
    }

    fn group(&mut self, gid: u32) -> String {
        let look = || self.host.group_by_id(gid).ok().flatten().map(|group| group.name).unwrap_or_default();
        self.groups.entry(gid).or_insert_with(look).clone()
    }

    fn has_age(&self, info: &FileInfo) -> bool {
        let stamp = match self.args.age_stamp {
            AgeStamp::Atime => info.atime,
            AgeStamp::Ctime => info.ctime,
            AgeStamp::Mtime => info.mtime,
        };
        let past = self.now - stamp;
        match self.age {
            None => true,
            Some(age) if age >= 0 => past >= age as f64,
            Some(age) => past <= -age as f64,
        }
    }

    fn has_size(&self, info: &FileInfo) -> bool {
        match self.size {
            None => true,
            Some(size) if size >= 0 => info.size >= size.unsigned_abs(),
            Some(size) => info.size <= size.unsigned_abs(),
        }
    }

    fn has_mode(&self, info: &FileInfo) -> bool {
        match self.mode {
            None | Some(0) => true,
            Some(bits) if self.args.exact_mode => info.mode == bits,
            Some(bits) => info.mode & bits != 0,
        }
    }

    fn has_content(&self, path: &Path) -> bool {
        let Some(pattern) = &self.contains else { return true };
        let mut bytes = Vec::new();
        if self.host.open(path).and_then(|mut file| file.read_to_end(&mut bytes)).is_err() {
            return false;
        }
        let content = match self.args.encoding.as_deref().map(str::to_lowercase).as_deref() {
            Some("latin-1" | "latin1" | "iso-8859-1") => super::python_regex::from_bytes(&bytes),
            _ => String::from_utf8_lossy(&bytes).into_owned(),
        };
        match self.args.read_whole_file {
            true => pattern.fits(&content).unwrap_or(false),
            false => content.split_inclusive('\n').any(|line| pattern.fits(line).unwrap_or(false)),
        }
    }

    fn finish(self) -> Map {
        let msg = match (self.warnings.is_empty(), self.limited) {
            (false, _) => "Not all paths examined, check warnings for details",
            (true, true) => "Limit of matches reached",
            (true, false) => "All paths examined",
        };
        let mut result = Map::from([
            ("matched".into(), Value::from(self.files.len())),
            ("files".into(), Value::list(self.files)),
            ("msg".into(), msg.into()),
            ("examined".into(), self.examined.into()),
            ("skipped_paths".into(), self.skipped.into()),
        ]);
        if !self.warnings.is_empty() {
            result.insert("warnings".into(), Value::list(self.warnings));
        }
        result
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};

    fn found(entries: &[(&str, &str)]) -> Vec<String> {
        let host = FakeHost::new()
            .with_file("/srv/a.log", "one\ntwo\n", 0o644)
            .with_file("/srv/b.txt", "x".repeat(3000), 0o600)
            .with_file("/srv/.hidden", "", 0o644)
            .with_file("/srv/sub/c.log", "", 0o644)
            .with_file("/srv/sub/deep/d.log", "", 0o644)
            .with_link("/srv/link", "sub");
        let mut args: Map = entries.iter().map(|(name, value)| ((*name).into(), Value::str(value))).collect();
        args.insert("paths".into(), "/srv".into());
        let result = Find.run(&args, RunFlags::default(), &host).unwrap().result;
        let files = result.get("files").unwrap().as_list().unwrap();
        assert_eq!(result.get("matched"), Some(&files.len().into()));
        files.iter().map(|file| file.get("path").unwrap().to_string()).collect()
    }

    #[test]
    fn filters() {
        assert_eq!(found(&[]), ["/srv/a.log", "/srv/b.txt"]);
        assert_eq!(found(&[("hidden", "yes"), ("patterns", ".*,*.txt")]), ["/srv/.hidden", "/srv/b.txt"]);
        assert_eq!(found(&[("patterns", "*.log"), ("recurse", "yes")]).len(), 3);
        assert_eq!(found(&[("patterns", "*.log"), ("recurse", "yes"), ("depth", "2")]).len(), 2);
        assert_eq!(found(&[("patterns", "*.log"), ("recurse", "yes"), ("follow", "yes")]).len(), 5);
        assert_eq!(found(&[("patterns", "*.log"), ("recurse", "yes"), ("limit", "1")]), ["/srv/a.log"]);
        assert_eq!(found(&[("file_type", "directory")]), ["/srv/sub"]);
        assert_eq!(found(&[("file_type", "link")]), ["/srv/link"]);
        assert_eq!(found(&[("size", "2k")]), ["/srv/b.txt"]);
        assert_eq!(found(&[("size", "-2k")]), ["/srv/a.log"]);
        assert_eq!(found(&[("mode", "0600")]), ["/srv/b.txt"]);
        assert_eq!(found(&[("contains", "tw")]), ["/srv/a.log"]);
        assert_eq!(found(&[("use_regex", "yes"), ("patterns", "[ab]\\..*"), ("excludes", "b")]), ["/srv/a.log"]);
        assert!(found(&[("age", "-1d")]).is_empty() && found(&[("age", "1d")]).len() == 2);
    }
}
