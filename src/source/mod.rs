//! Where text came from: files, positions in them, and what is wrong with them.

mod diagnostic;
mod map;
mod suggest;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use map::{FileId, SourceFile, SourceMap, Span};
pub use suggest::nearest;
