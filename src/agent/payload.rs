//! The programs that are sent to hosts.

use super::blob::hex;
use super::error::AgentError;
use super::modules::ModuleSet;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::Digest;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The programs that are sent to hosts, and the modules that run without being sent.
pub struct Payload {
    modules: &'static dyn ModuleSet,
    /// Where the agents lie, best first.
    places: Vec<PathBuf>,
    own: PathBuf,
    loaded: Mutex<Vec<(PathBuf, Arc<Program>)>>,
}

/// A program that can be sent.
pub(super) struct Program {
    path: PathBuf,
    /// What it is known by on hosts.
    pub(super) sha256: String,
    packed: OnceLock<Result<Arc<Vec<u8>>, String>>,
}

impl Payload {
    /// The agent beside the running program (`rplay-agent`, and `rplay-agent-ARCH` for other
    /// processors), or where the variable RPLAY_AGENT says.
    pub fn find(modules: &'static dyn ModuleSet) -> Payload {
        let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("rplay"));
        let mut places: Vec<PathBuf> = std::env::var_os("RPLAY_AGENT").map(PathBuf::from).into_iter().collect();
        let dir = own.parent().unwrap_or(Path::new("/"));
        places.push(dir.join("rplay-agent"));
        places.push(dir.join("../lib/rplay/rplay-agent"));
        Payload { modules, places, own, loaded: Mutex::default() }
    }

    /// The agent at this path, and this whole program.
    pub fn of(modules: &'static dyn ModuleSet, light: &Path, whole: &Path) -> Payload {
        Payload { modules, places: vec![light.to_owned()], own: whole.to_owned(), loaded: Mutex::default() }
    }

    /// The modules of this very process.
    pub(super) fn modules(&self) -> &'static dyn ModuleSet {
        self.modules
    }

    /// The program for a processor (uname's word), light or whole.
    pub(super) fn program(&self, whole: bool, arch: &str, host: &str) -> Result<Arc<Program>, AgentError> {
        let plain: &[PathBuf] = if whole { std::slice::from_ref(&self.own) } else { &self.places };
        let named = |path: &PathBuf| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!("-{arch}"));
            PathBuf::from(name)
        };
        let fits = |path: &PathBuf| elf_arch(path).is_some_and(|of| same_arch(of, arch));
        let all: Vec<PathBuf> = plain.iter().map(named).chain(plain.iter().cloned()).collect();
        if let Some(path) = all.iter().find(|path| fits(path)) {
            return self.load(path);
        }
        let usual = plain.last().map_or_else(PathBuf::new, |_| plain[0].clone());
        match plain.iter().find(|path| path.exists()) {
            None if same_arch(std::env::consts::ARCH, arch) => Err(AgentError::NoPayload(format!(
                "{} is not there (build it, or set RPLAY_AGENT to where it is)",
                usual.display()
            ))),
            _ => Err(AgentError::WrongArch {
                host: host.to_owned(),
                arch: arch.to_owned(),
                wanted: named(&usual).display().to_string(),
            }),
        }
    }

    fn load(&self, path: &Path) -> Result<Arc<Program>, AgentError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, program)) = loaded.iter().find(|(known, _)| known == path) {
            return Ok(program.clone());
        }
        let bytes =
            std::fs::read(path).map_err(|error| AgentError::NoPayload(format!("{}: {error}", path.display())))?;
        let sha256 = hex(&sha2::Sha256::digest(&bytes));
        let program = Arc::new(Program { path: path.to_owned(), sha256, packed: OnceLock::new() });
        loaded.push((path.to_owned(), program.clone()));
        Ok(program)
    }
}

impl Program {
    /// The program, compressed by gzip, which every host can undo. Made once.
    pub(super) fn packed(&self) -> Result<Arc<Vec<u8>>, AgentError> {
        let pack = || {
            let bytes = self.bytes().map_err(|error| error.to_string())?;
            let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::default());
            encoder.write_all(&bytes).and_then(|()| encoder.finish()).map(Arc::new).map_err(|error| error.to_string())
        };
        self.packed.get_or_init(pack).clone().map_err(AgentError::NoPayload)
    }

    /// The program as it is.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, AgentError> {
        let failed = |reason: String| AgentError::NoPayload(format!("{}: {reason}", self.path.display()));
        let bytes = std::fs::read(&self.path).map_err(|error| failed(error.to_string()))?;
        match hex(&sha2::Sha256::digest(&bytes)) == self.sha256 {
            true => Ok(bytes),
            false => Err(failed("it changed while rplay runs".into())),
        }
    }
}

/// The processor that an ELF program is for, in Rust's words.
fn elf_arch(path: &Path) -> Option<&'static str> {
    let mut head = [0; 20];
    std::fs::File::open(path).ok()?.read_exact(&mut head).ok()?;
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let wide = head[4] == 2;
    let little = head[5] == 1;
    let machine =
        if little { u16::from_le_bytes([head[18], head[19]]) } else { u16::from_be_bytes([head[18], head[19]]) };
    Some(match (machine, wide, little) {
        (62, ..) => "x86_64",
        (183, ..) => "aarch64",
        (3, ..) => "x86",
        (40, ..) => "arm",
        (243, true, _) => "riscv64",
        (21, _, true) => "powerpc64le",
        (21, ..) => "powerpc64",
        (22, ..) => "s390x",
        (258, ..) => "loongarch64",
        _ => return None,
    })
}

/// Whether a processor in Rust's words is the one that uname names.
fn same_arch(rust: &str, uname: &str) -> bool {
    match uname {
        "i386" | "i486" | "i586" | "i686" => rust == "x86",
        "amd64" | "x86_64" => rust == "x86_64",
        "arm64" | "aarch64" => rust == "aarch64",
        "ppc64le" => rust == "powerpc64le",
        "ppc64" => rust == "powerpc64",
        other if other.starts_with("arm") => rust == "arm",
        other => rust == other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::AnyModule;

    struct None_;
    impl ModuleSet for None_ {
        fn find(&self, _: &str) -> Option<&dyn AnyModule> {
            None
        }
    }

    #[test]
    fn the_program_for_the_processor_is_found_or_named() {
        let dir = tempfile::tempdir().unwrap();
        let (light, whole) = (dir.path().join("rplay-agent"), std::env::current_exe().unwrap());
        let payload = Payload::of(&None_, &light, &whole);
        let here = std::env::consts::ARCH;
        assert!(matches!(payload.program(false, here, "h"), Err(AgentError::NoPayload(_))));
        std::fs::copy(&whole, &light).unwrap();
        assert_eq!(payload.program(false, here, "h").ok().unwrap().sha256.len(), 64);
        let other = payload.program(false, "s390x", "h").err().unwrap().to_string();
        assert!(other.contains("rplay-agent-s390x") && other.contains("h is a s390x machine"), "{other}");
        // A file for another processor is not taken for what its name says.
        let mut head = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 22, 0];
        head.resize(64, 0);
        head[5] = 2;
        (head[18], head[19]) = (0, 22);
        std::fs::write(dir.path().join("rplay-agent-s390x"), &head).unwrap();
        assert!(payload.program(false, "s390x", "h").is_ok());
    }
}
