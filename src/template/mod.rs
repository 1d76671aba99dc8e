//! Templates: Jinja's language over lazy variables, as ansible-core 2.19 has it.
//!
//! Text is read once and kept; `{{ x }}` alone keeps x's type; anything else prints as Python does.
//! Variables are rendered when they are reached, each in its own scope. Something undefined, or an
//! error in a filter, test, lookup or call, becomes an error only when its result is used, so that
//! `default` can replace it.

mod check;
mod controller;
mod engine;
mod error;
mod filters;
mod functions;
mod jmespath;
mod lookups;
mod methods;
mod names;
mod options;
mod python;
mod runtime;
mod scope;
mod stack;
mod syntax;
mod tests;

pub use controller::{Answer, Controller, Instant, NoController, Output, PathFacts, Request};
pub use engine::Engine;
pub use error::{ErrorKind, Result, TemplateError};
pub use names::NamesRead;
pub use options::{FileOptions, Syntax};
pub use scope::{Lazy, LazyMap, Overlay, Scope, Variables};
