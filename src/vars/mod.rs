//! Variables: where they come from, and which of several wins.

mod precedence;
mod scope;

pub use precedence::Precedence;
pub use scope::{Layers, TaskScope};
