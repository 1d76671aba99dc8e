//! The source map: every text that was read, and spans that point into it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Names one text in a [`SourceMap`]. Ids are given in the order of adding and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A place in a text. Lines and columns are 1-based and count characters; 0 means unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// The line of the first character.
    pub line: u32,
    /// The column of the first character.
    pub column: u32,
    /// How many characters are meant, on the first line; 0 when only the start is known.
    pub length: u32,
}

impl Span {
    /// A span that names a position only.
    pub fn at(file: FileId, line: u32, column: u32) -> Span {
        Span { file, line, column, length: 0 }
    }
}

/// One text and the path that a person knows it by.
#[derive(Debug)]
pub struct SourceFile {
    /// The path as it was asked for, or a name in angle brackets such as `<extra vars>`.
    pub path: PathBuf,
    /// The whole text, decoded.
    pub text: Arc<str>,
}

impl SourceFile {
    /// Line `line` (1-based) without its end.
    pub fn line(&self, line: u32) -> Option<&str> {
        self.text.lines().nth((line as usize).checked_sub(1)?)
    }
}

/// All texts of a run. Cheap to clone: clones share one list, which only grows.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    files: Arc<Mutex<Vec<Arc<SourceFile>>>>,
}

impl SourceMap {
    /// Adds a text and gives its id.
    pub fn add(&self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> FileId {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let id = FileId(files.len() as u32);
        files.push(Arc::new(SourceFile { path: path.into(), text: text.into() }));
        id
    }

    /// The text of `id`, if this map gave it.
    pub fn get(&self, id: FileId) -> Option<Arc<SourceFile>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(id.0 as usize).cloned()
    }

    /// The path of `id`; an empty path for an id of another map.
    pub fn path(&self, id: FileId) -> PathBuf {
        self.get(id).map(|file| file.path.clone()).unwrap_or_default()
    }

    /// `path:line:column`, as editors and terminals understand it.
    pub fn describe(&self, span: Span) -> String {
        let path = self.path(span.file);
        let path = Path::new(&path).display();
        match (span.line, span.column) {
            (0, _) => path.to_string(),
            (line, 0) => format!("{path}:{line}"),
            (line, column) => format!("{path}:{line}:{column}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn describes_places_with_what_is_known() {
        let map = SourceMap::default();
        let id = map.add("site.yml", "a\nb\n");
        assert_eq!(map.describe(Span::at(id, 2, 1)), "site.yml:2:1");
        assert_eq!(map.describe(Span::at(id, 0, 0)), "site.yml");
        assert_eq!(map.get(id).unwrap().line(2), Some("b"));
    }
}
