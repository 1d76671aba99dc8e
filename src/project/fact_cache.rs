//! Facts kept between runs: a file of JSON for each host, as `fact_caching = jsonfile` asks for.

use super::search::expand_home;
use super::{Config, Setting};
use crate::value::{Map, Value};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FactCacheError {
    /// Another plug-in than those that rplay has.
    #[error("fact_caching = {0} is not supported: memory and jsonfile are")]
    Unknown(String),
    /// jsonfile needs a folder.
    #[error("fact_caching = jsonfile needs a folder in fact_caching_connection")]
    NoFolder,
    /// The timeout is no number.
    #[error("fact_caching_timeout takes a number of seconds, not `{0}`")]
    Timeout(String),
    /// A file cannot be written or removed.
    #[error("the fact cache {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A folder of facts.
#[derive(Debug, Clone)]
pub struct FactCache {
    folder: PathBuf,
    prefix: String,
    /// None: facts never grow old.
    timeout: Option<Duration>,
}

impl FactCache {
    /// The cache that the configuration asks for; None when facts live as long as the run.
    ///
    /// # Errors
    /// When it asks for what rplay does not have.
    pub fn from_config(config: &Config) -> Result<Option<FactCache>, FactCacheError> {
        let plugin = config.get(Setting::FactCaching).unwrap_or("memory");
        match plugin.strip_prefix("ansible.builtin.").unwrap_or(plugin) {
            "memory" => return Ok(None),
            "jsonfile" => {}
            _ => return Err(FactCacheError::Unknown(plugin.to_owned())),
        }
        let folder = config.get(Setting::FactCachingConnection).filter(|folder| !folder.trim().is_empty());
        let seconds = match config.get(Setting::FactCachingTimeout) {
            Some(text) => text.trim().parse().map_err(|_| FactCacheError::Timeout(text.to_owned()))?,
            None => 86_400,
        };
        Ok(Some(FactCache {
            folder: expand_home(folder.ok_or(FactCacheError::NoFolder)?.trim()),
            prefix: config.get(Setting::FactCachingPrefix).unwrap_or("ansible_facts").to_owned(),
            timeout: (seconds > 0).then(|| Duration::from_secs(seconds)),
        }))
    }

    fn path(&self, host: &str) -> PathBuf {
        self.folder.join(format!("{}{}", self.prefix, host.replace('/', "_")))
    }

    /// A host's facts; None when there are none, they are too old, or the file is broken.
    pub fn load(&self, host: &str) -> Option<Map> {
        let path = self.path(host);
        if self.is_old(&path) {
            return None;
        }
        match serde_json::from_slice(&std::fs::read(&path).ok()?) {
            Ok(Value::Map(facts)) => Some(facts.as_ref().clone()),
            _ => {
                tracing::warn!(path = %path.display(), "a file of the fact cache is no JSON of facts");
                None
            }
        }
    }

    fn is_old(&self, path: &Path) -> bool {
        let Some(timeout) = self.timeout else { return false };
        let written = std::fs::metadata(path).and_then(|info| info.modified());
        written.is_ok_and(|written| SystemTime::now().duration_since(written).is_ok_and(|age| age > timeout))
    }

    /// Keeps a host's facts in place of those before. Only the user who runs rplay can read them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, host: &str, facts: &Map) -> Result<(), FactCacheError> {
        let path = self.path(host);
        let write = || {
            std::fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            serde_json::to_writer_pretty(&mut file, &Value::map(facts.clone()))?;
            file.write_all(b"\n")?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|source| FactCacheError::Io { path: path.clone(), source })
    }

    /// Forgets a host.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget(&self, host: &str) -> Result<(), FactCacheError> {
        let path = self.path(host);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(FactCacheError::Io { path, source }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cache(folder: &Path, timeout: &str) -> Result<Option<FactCache>, FactCacheError> {
        let text = format!(
            "[defaults]\nfact_caching = jsonfile\nfact_caching_connection = {}\nfact_caching_timeout = {timeout}\n",
            folder.display()
        );
        FactCache::from_config(&Config::from_text(&text))
    }

    #[test]
    fn facts_survive_until_they_are_forgotten_or_old() {
        let folder = tempfile::tempdir().unwrap();
        let facts = Map::from([("ansible_x".into(), Value::from(vec![1, 2]))]);
        let kept = cache(folder.path(), "0").unwrap().unwrap();
        assert_eq!(kept.load("web/1"), None);
        kept.save("web/1", &facts).unwrap();
        assert_eq!(kept.load("web/1"), Some(facts.clone()));
        let brief = cache(folder.path(), "60").unwrap().unwrap();
        let file = std::fs::File::open(brief.path("web/1")).unwrap();
        assert_eq!(brief.load("web/1"), Some(facts));
        file.set_modified(SystemTime::now() - Duration::from_secs(90)).unwrap();
        assert_eq!(brief.load("web/1"), None);
        kept.forget("web/1").unwrap();
        kept.forget("web/1").unwrap();
        assert_eq!(kept.load("web/1"), None);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let of = |text: &str| FactCache::from_config(&Config::from_text(text));
        assert!(of("").unwrap().is_none());
        assert!(of("[defaults]\nfact_caching = redis\n").is_err());
        assert!(of("[defaults]\nfact_caching = jsonfile\n").is_err());
        assert!(cache(Path::new("/x"), "soon").is_err());
    }
}
