//! A task's door for tests of actions: variables in a map, and a record of what the action did.

use crate::module::{BlobRef, Effect, Failure, Output, Run, RunFlags, TaskDoor};
use crate::template::{Engine, NoController, Scope, Variables};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A door whose every answer is set by the test.
pub struct Door {
    /// The task's variables.
    pub scope: Arc<dyn Scope>,
    /// The engine.
    pub engine: Engine,
    /// `-v` count.
    pub verbosity: u8,
    /// The folder that relative names are looked for in.
    pub folder: PathBuf,
    /// What a person types; None without a terminal.
    pub typed: Option<String>,
    /// What the action changed in the run.
    pub effects: Mutex<Vec<Effect>>,
    /// What it said.
    pub warnings: Mutex<Vec<String>>,
    /// How long it slept.
    pub slept: Mutex<Duration>,
}

impl Door {
    /// A door with variables.
    pub fn with(vars: &[(&str, Value)]) -> Door {
        let vars: Map = vars.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        Door {
            scope: Arc::new(Variables(vars)),
            engine: Engine::new(Arc::new(NoController)),
            verbosity: 0,
            folder: PathBuf::from("/"),
            typed: None,
            effects: Mutex::default(),
            warnings: Mutex::default(),
            slept: Mutex::default(),
        }
    }

    /// The effects so far.
    pub fn effects(&self) -> Vec<Effect> {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn not_here<T>() -> Result<T, Failure> {
    Err(Failure::new("not in this test"))
}

impl TaskDoor for Door {
    fn host(&self) -> &str {
        "h1"
    }
    fn scope(&self) -> &Arc<dyn Scope> {
        &self.scope
    }
    fn engine(&self) -> &Engine {
        &self.engine
    }
    fn flags(&self) -> RunFlags {
        RunFlags::default()
    }
    fn verbosity(&self) -> u8 {
        self.verbosity
    }
    fn task_file(&self) -> PathBuf {
        self.folder.join("site.yml")
    }
    fn find_file(&self, kind: &str, name: &str) -> Result<PathBuf, Failure> {
        let places = [self.folder.join(kind).join(name), self.folder.join(name)];
        places.into_iter().find(|path| path.exists()).ok_or_else(|| Failure::new(format!("could not find {name}")))
    }
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        std::fs::read(path).map_err(|error| Failure::new(error.to_string()))
    }
    fn load_vars(&self, path: &Path) -> Result<Map, Failure> {
        match serde_norway::from_slice::<Option<Value>>(&self.read_file(path)?) {
            Ok(Some(Value::Map(map))) => Ok(map.as_ref().clone()),
            Ok(None) => Ok(Map::new()),
            Ok(Some(_)) => Err(Failure::new(format!("{} must be stored as a dictionary/hash", path.display()))),
            Err(error) => Err(Failure::new(error.to_string())),
        }
    }
    fn offer(&self, _content: Vec<u8>) -> Result<BlobRef, Failure> {
        not_here()
    }
    fn offer_file(&self, _path: &Path) -> Result<BlobRef, Failure> {
        not_here()
    }
    fn remote(&self, _module: &str, _args: &Map, _flags: RunFlags) -> Result<Run, Failure> {
        not_here()
    }
    fn raw(&self, _command: &str, _executable: Option<&str>) -> Result<Output, Failure> {
        not_here()
    }
    fn reset_connection(&self) -> Result<(), Failure> {
        not_here()
    }
    fn try_connect(&self) -> Result<(), Failure> {
        not_here()
    }
    fn prompt(&self, _text: &str, _secret: bool) -> Option<String> {
        self.typed.clone()
    }
    fn sleep(&self, time: Duration) -> Result<(), Failure> {
        *self.slept.lock().unwrap_or_else(PoisonError::into_inner) += time;
        Ok(())
    }
    fn effect(&self, effect: Effect) {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner).push(effect);
    }
    fn warn(&self, message: &str) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
    }
    fn local(&self, _module: &str, _args: &Map, _flags: RunFlags) -> Result<Run, Failure> {
        not_here()
    }
}
