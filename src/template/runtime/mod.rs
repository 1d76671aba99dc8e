//! Running a template's tree: Python's objects and operators, Jinja's statements.

mod arguments;
mod attributes;
mod blocks;
mod calls;
mod compare;
mod context;
mod environment;
mod evaluate;
mod iterate;
mod loops;
mod object;
mod operators;
mod print;
mod statements;

pub use arguments::Args;
pub use context::{Compiled, Context, FileState, Session, restore_newlines};
pub use object::{Callable, Entries, Object};
pub use print::type_name;
