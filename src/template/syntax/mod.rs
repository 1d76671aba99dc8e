//! Jinja's syntax: text to tokens to a tree. Nothing is looked up and nothing runs here.

mod ast;
mod expression;
mod lexer;
mod statement;
mod strings;

pub use ast::*;
pub use strings::unescape;

use super::error::Result;
use super::options::Syntax;
use lexer::Lexer;
use statement::Parser;

/// Deeper nesting than this is refused, so that no text can exhaust the stack.
const DEPTH: usize = 120;

/// More operators or filters in a row than this are refused.
const CHAIN: usize = 1000;

/// Reads a template. A `#jinja2:` header must have been split off.
pub fn parse_template(text: &str, syntax: &Syntax) -> Result<Vec<Stmt>> {
    let tokens = Lexer::new(text, syntax).template()?;
    Parser::new(tokens).template()
}

/// Reads a bare expression, as in `when`. Backslashes in its strings are escapes.
pub fn parse_expression(text: &str) -> Result<Expr> {
    let syntax = Syntax::default();
    let tokens = Lexer::new(text, &syntax).expression()?;
    Parser::new(tokens).whole_expression()
}
