//! A machine in memory, for tests of modules: files, users, scripted commands and HTTP answers.
//!
//! It behaves as Linux does for root: no permission is refused. What is not scripted fails.

mod tree;

use super::{BlobRef, Command, FileInfo, FileKind, Group, Host, HttpRequest, HttpResponse, Output, User, WriteOptions};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tree::Tree;

/// An address' beginning, and the status, headers and body that answer it.
type Reply = (String, u16, Vec<(String, String)>, Vec<u8>);
type Answer = Box<dyn Fn(&FakeHost, &Command) -> Output + Send + Sync>;

/// What the machine looks like and what happened to it.
struct State {
    tree: Tree,
    users: Vec<User>,
    groups: Vec<Group>,
    env: BTreeMap<String, String>,
    programs: BTreeMap<String, PathBuf>,
    blobs: BTreeMap<String, Vec<u8>>,
    answers: VecDeque<Reply>,
    open_ports: BTreeMap<(String, u16), Vec<u8>>,
    commands: Vec<Command>,
    requests: Vec<HttpRequest>,
    clock: Duration,
    temporary: u32,
    euid: u32,
}

/// A machine in memory. The builder methods say what is there; the others what became of it.
pub struct FakeHost {
    state: Mutex<State>,
    // Words that a command line starts with, and what answers it; the latest fitting one wins.
    scripts: Vec<(Vec<String>, Answer)>,
}

impl Default for FakeHost {
    fn default() -> FakeHost {
        FakeHost::new()
    }
}

impl FakeHost {
    /// A machine with root, the usual top directories, and nothing else.
    pub fn new() -> FakeHost {
        let mut tree = Tree::new();
        for dir in ["/etc", "/tmp", "/root", "/home", "/usr", "/usr/bin", "/var"] {
            tree.plant_dir(Path::new(dir), 0o755);
        }
        let host = FakeHost {
            state: Mutex::new(State {
                tree,
                users: Vec::new(),
                groups: Vec::new(),
                env: [("HOME".to_owned(), "/root".to_owned())].into(),
                programs: BTreeMap::new(),
                blobs: BTreeMap::new(),
                answers: VecDeque::new(),
                open_ports: BTreeMap::new(),
                commands: Vec::new(),
                requests: Vec::new(),
                clock: Duration::from_secs(1_700_000_000),
                temporary: 0,
                euid: 0,
            }),
            scripts: Vec::new(),
        };
        host.with_user("root", 0, 0).with_group("root", 0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file, with its parents.
    pub fn with_file(self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> FakeHost {
        self.lock().tree.plant_file(Path::new(path), content.as_ref(), mode);
        self
    }

    /// A directory, with its parents.
    pub fn with_dir(self, path: &str, mode: u32) -> FakeHost {
        self.lock().tree.plant_dir(Path::new(path), mode);
        self
    }

    /// A symbolic link, with its parents.
    pub fn with_link(self, path: &str, target: &str) -> FakeHost {
        self.lock().tree.plant_link(Path::new(path), Path::new(target));
        self
    }

    /// The owner of something that is there.
    pub fn with_owner(self, path: &str, uid: u32, gid: u32) -> FakeHost {
        self.lock().tree.own(Path::new(path), uid, gid);
        self
    }

    /// A user, with a home directory's name but no directory.
    pub fn with_user(self, name: &str, uid: u32, gid: u32) -> FakeHost {
        let home = if uid == 0 { PathBuf::from("/root") } else { Path::new("/home").join(name) };
        let user = User { name: name.into(), uid, gid, gecos: String::new(), home, shell: "/bin/sh".into() };
        self.lock().users.push(user);
        self
    }

    /// A group without members.
    pub fn with_group(self, name: &str, gid: u32) -> FakeHost {
        self.lock().groups.push(Group { name: name.into(), gid, members: Vec::new() });
        self
    }

    /// The effective user; root else.
    pub fn with_euid(self, uid: u32) -> FakeHost {
        self.lock().euid = uid;
        self
    }

    /// A variable of the environment.
    pub fn with_env(self, name: &str, value: &str) -> FakeHost {
        self.lock().env.insert(name.into(), value.into());
        self
    }

    /// A program that [`Host::which`] finds, in /usr/bin.
    pub fn with_program(self, name: &str) -> FakeHost {
        self.lock().programs.insert(name.into(), Path::new("/usr/bin").join(name));
        self
    }

    /// Content that the controller offers.
    pub fn with_blob(self, content: impl AsRef<[u8]>) -> FakeHost {
        let blob = blob_of(content.as_ref());
        self.lock().blobs.insert(blob.sha256, content.as_ref().to_vec());
        self
    }

    /// What a command leaves whose first words are these. A program's path counts as its name too.
    pub fn with_command(self, words: &[&str], rc: i32, stdout: &str) -> FakeHost {
        let output = Output { rc, stdout: stdout.into(), stderr: Vec::new() };
        self.on_command(words, move |_, _| output.clone())
    }

    /// What a command does whose first words are these.
    pub fn on_command(
        mut self,
        words: &[&str],
        answer: impl Fn(&FakeHost, &Command) -> Output + Send + Sync + 'static,
    ) -> FakeHost {
        self.scripts.push((words.iter().map(|word| (*word).to_owned()).collect(), Box::new(answer)));
        self
    }

    /// The next answer to a request for an address that starts so.
    pub fn with_answer(self, url: &str, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> FakeHost {
        let headers = headers.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_owned())).collect();
        self.lock().answers.push_back((url.into(), status, headers, body.as_ref().to_vec()));
        self
    }

    /// A port that accepts connections and says this.
    pub fn with_open_port(self, host: &str, port: u16, says: impl AsRef<[u8]>) -> FakeHost {
        self.lock().open_ports.insert((host.into(), port), says.as_ref().to_vec());
        self
    }

    /// The text of a file; None when it is not there.
    pub fn text(&self, path: &str) -> Option<String> {
        self.read(Path::new(path)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The permission bits, links not followed; None when nothing is there.
    pub fn mode(&self, path: &str) -> Option<u32> {
        self.lock().tree.info(Path::new(path), false).ok().map(|info| info.mode)
    }

    /// Every path that is there.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.lock().tree.paths()
    }

    /// The command lines that were run, in order, each as one text.
    pub fn commands(&self) -> Vec<String> {
        self.lock().commands.iter().map(|command| words_of(command).join(" ")).collect()
    }

    /// The commands that were run, whole.
    pub fn commands_whole(&self) -> Vec<Command> {
        self.lock().commands.clone()
    }

    /// The requests that were sent.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.lock().requests.clone()
    }

    /// Moves the clock.
    pub fn advance(&self, time: Duration) {
        self.lock().clock += time;
    }
}

fn words_of(command: &Command) -> Vec<String> {
    command.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The reference of some content.
pub fn blob_of(content: &[u8]) -> BlobRef {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    BlobRef { sha256: hex(&Sha256::digest(content)), sha1: hex(&Sha1::digest(content)), size: content.len() as u64 }
}

impl Host for FakeHost {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.lock().tree.read(path)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.read(path)?)))
    }
    fn stat(&self, path: &Path) -> io::Result<Option<FileInfo>> {
        tree::there(self.lock().tree.info(path, true))
    }
    fn lstat(&self, path: &Path) -> io::Result<Option<FileInfo>> {
        tree::there(self.lock().tree.info(path, false))
    }
    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.lock().tree.read_link(path)
    }
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        let state = self.lock();
        let path = state.tree.resolve(path, true)?;
        state.tree.info(&path, false).map(|_| path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.lock().tree.list(path)
    }
    fn access(&self, path: &Path, wanted: u32) -> bool {
        match self.lock().tree.info(path, true) {
            Ok(info) => wanted & 1 == 0 || info.mode & 0o111 != 0 || info.kind == FileKind::Directory,
            Err(_) => false,
        }
    }
    fn write(&self, path: &Path, content: &mut dyn Read, options: &WriteOptions) -> io::Result<()> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        if let Some(validate) = &options.validate {
            let new = self.temp_dir()?.join("new");
            self.lock().tree.write(&new, &bytes, 0o600)?;
            let line = validate.replace("%s", &new.to_string_lossy());
            let output = self.run(&Command::new(line.split_whitespace()))?;
            if !output.success() {
                let reason = format!("failed to validate: rc:{} error:{}", output.rc, output.stderr_text());
                return Err(io::Error::other(reason));
            }
        }
        let mut state = self.lock();
        // The rename replaces a link and a hard link's name, not what they lead to.
        let old = state.tree.info(path, true).ok();
        if old.as_ref().is_some_and(|old| old.kind == FileKind::Directory) {
            return Err(io::Error::from_raw_os_error(libc::EISDIR));
        }
        if state.tree.info(path, false).is_ok() {
            state.tree.remove(path)?;
        }
        let (mode, uid, gid) = old.map_or((0o644, 0, 0), |old| (old.mode, old.uid, old.gid));
        state.tree.write(path, &bytes, options.mode.unwrap_or(mode))?;
        state.tree.set_owner(path, Some(options.uid.unwrap_or(uid)), Some(options.gid.unwrap_or(gid)), true)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.lock().tree.create_dir(path)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        if state.tree.info(path, false)?.kind == FileKind::Directory {
            return Err(io::Error::from_raw_os_error(libc::EISDIR));
        }
        state.tree.remove(path)
    }
    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.lock().tree.remove_tree(path)
    }
    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.lock().tree.symlink(target, link)
    }
    fn hard_link(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.lock().tree.hard_link(target, link)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.lock().tree.rename(from, to)
    }
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.lock().tree.set_mode(path, mode)
    }
    fn set_owner(&self, path: &Path, uid: Option<u32>, gid: Option<u32>, follow: bool) -> io::Result<()> {
        self.lock().tree.set_owner(path, uid, gid, follow)
    }
    fn set_times(&self, path: &Path, atime: Option<f64>, mtime: Option<f64>, follow: bool) -> io::Result<()> {
        self.lock().tree.set_times(path, atime, mtime, follow)
    }
    fn run(&self, command: &Command) -> io::Result<Output> {
        self.lock().commands.push(command.clone());
        let words = words_of(command);
        let name = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
        let fits = |script: &[String]| {
            let same = |(index, (a, b)): (usize, (&String, &String))| a == b || (index == 0 && *a == name(b));
            script.len() <= words.len() && script.iter().zip(&words).enumerate().all(same)
        };
        match self.scripts.iter().rev().find(|(script, _)| fits(script)) {
            Some((_, answer)) => Ok(answer(self, command)),
            None => Err(io::Error::new(ErrorKind::NotFound, format!("no answer is scripted for: {}", words.join(" ")))),
        }
    }
    fn which(&self, program: &str) -> Option<PathBuf> {
        if program.contains('/') {
            return Some(PathBuf::from(program)).filter(|path| self.access(path, 1));
        }
        self.lock().programs.get(program).cloned()
    }
    fn env(&self, name: &str) -> Option<String> {
        self.lock().env.get(name).cloned()
    }
    fn user(&self, name: &str) -> io::Result<Option<User>> {
        Ok(self.lock().users.iter().find(|user| user.name == name).cloned())
    }
    fn user_by_id(&self, uid: u32) -> io::Result<Option<User>> {
        Ok(self.lock().users.iter().find(|user| user.uid == uid).cloned())
    }
    fn group(&self, name: &str) -> io::Result<Option<Group>> {
        Ok(self.lock().groups.iter().find(|group| group.name == name).cloned())
    }
    fn group_by_id(&self, gid: u32) -> io::Result<Option<Group>> {
        Ok(self.lock().groups.iter().find(|group| group.gid == gid).cloned())
    }
    fn euid(&self) -> u32 {
        self.lock().euid
    }
    fn umask(&self) -> u32 {
        0o022
    }
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.lock().clock
    }
    fn sleep(&self, time: Duration) -> io::Result<()> {
        self.advance(time);
        Ok(())
    }
    fn probe_tcp(&self, host: &str, port: u16, _: Duration, until: Option<&dyn Fn(&[u8]) -> bool>) -> io::Result<bool> {
        match self.lock().open_ports.get(&(host.to_owned(), port)) {
            Some(says) => Ok(until.is_none_or(|until| until(says))),
            None => Err(ErrorKind::ConnectionRefused.into()),
        }
    }
    fn http(&self, request: &HttpRequest) -> io::Result<HttpResponse> {
        let mut state = self.lock();
        state.requests.push(request.clone());
        let position = state.answers.iter().position(|(url, ..)| request.url.starts_with(url.as_str()));
        let Some((_, status, headers, body)) = position.and_then(|at| state.answers.remove(at)) else {
            return Err(ErrorKind::ConnectionRefused.into());
        };
        let reason = if status == 200 { "OK" } else { "" };
        let url = request.url.clone();
        Ok(HttpResponse { status, reason: reason.into(), url, headers, body: Box::new(Cursor::new(body)) })
    }
    fn blob(&self, blob: &BlobRef) -> io::Result<Box<dyn Read + Send>> {
        match self.lock().blobs.get(&blob.sha256) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            None => Err(ErrorKind::NotFound.into()),
        }
    }
    fn temp_dir(&self) -> io::Result<PathBuf> {
        self.temp_dir_in(Path::new("/tmp"))
    }

    fn temp_dir_in(&self, parent: &Path) -> io::Result<PathBuf> {
        let mut state = self.lock();
        state.temporary += 1;
        let path = parent.join(format!("task-{}", state.temporary));
        state.tree.plant_dir(&path, 0o700);
        Ok(path)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn links_and_writes_behave_as_on_linux() {
        let host = FakeHost::new().with_file("/etc/real", "a", 0o640).with_link("/etc/link", "real");
        let link = Path::new("/etc/link");
        assert_eq!(host.text("/etc/link").unwrap(), "a");
        assert_eq!(host.canonicalize(link).unwrap(), Path::new("/etc/real"));
        assert_eq!(host.lstat(link).unwrap().unwrap().kind, FileKind::Symlink);
        host.hard_link(Path::new("/etc/real"), Path::new("/etc/hard")).unwrap();
        assert_eq!(host.stat(link).unwrap().unwrap().links, 2);
        host.write(link, &mut "b".as_bytes(), &WriteOptions::default()).unwrap();
        assert_eq!((host.text("/etc/link").unwrap().as_str(), host.text("/etc/real").unwrap().as_str()), ("b", "a"));
        assert_eq!(host.mode("/etc/link"), Some(0o640));
        let missing = host.write(Path::new("/no/file"), &mut "".as_bytes(), &WriteOptions::default()).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn commands_are_answered_by_their_first_words() {
        let host = FakeHost::new().with_command(&["rpm"], 1, "").with_command(&["rpm", "-q"], 0, "yes");
        assert_eq!(host.run(&Command::new(["/usr/bin/rpm", "-q", "x"])).unwrap().stdout_text(), "yes");
        assert_eq!(host.run(&Command::new(["rpm", "-e"])).unwrap().rc, 1);
        assert!(host.run(&Command::new(["dnf"])).is_err());
        assert_eq!(host.commands(), ["/usr/bin/rpm -q x", "rpm -e", "dnf"]);
    }
}
