//! Statements: what stands between `{%` and `%}`.

use super::ast::{Block, Expr, For, If, MacroText, Place, Signature, Stmt, Target, With};
use super::expression::describe;
use super::lexer::Token;
use super::{CHAIN, DEPTH};
use crate::template::error::{Result, TemplateError};
use crate::template::stack::Stack;
use std::sync::Arc;

/// Reads tokens.
pub struct Parser {
    tokens: Vec<(Token, Place)>,
    pos: usize,
    depth: usize,
    stack: Stack,
}

impl Parser {
    /// The tokens must end with [`Token::End`].
    pub fn new(tokens: Vec<(Token, Place)>) -> Parser {
        Parser { tokens, pos: 0, depth: 0, stack: Stack::here() }
    }

    pub(super) fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens.get(self.pos + ahead).map_or(&Token::End, |(token, _)| token)
    }

    pub(super) fn place(&self) -> Place {
        self.tokens.get(self.pos).or(self.tokens.last()).map_or(Place::default(), |(_, place)| *place)
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        if self.pos + 1 < self.tokens.len() {
            self.pos += 1;
        }
        token
    }

    pub(super) fn fail<T>(&self, message: impl std::fmt::Display) -> Result<T> {
        let place = self.place();
        Err(TemplateError::syntax(place.line, place.column, message))
    }

    pub(super) fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH || !self.stack.has_room() { self.fail("nested too deeply") } else { Ok(()) }
    }

    /// Refuses chains of operators that would make a very deep tree.
    pub(super) fn chain(&self, links: &mut usize) -> Result<()> {
        *links += 1;
        if *links > CHAIN { self.fail("too many operators in one expression") } else { Ok(()) }
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn is_name_at(&self, ahead: usize, name: &str) -> bool {
        matches!(self.peek_at(ahead), Token::Name(found) if &**found == name)
    }

    pub(super) fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name_at(0, name);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn skip_op(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Token::Op(found) if *found == op);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn expect_op(&mut self, op: &str) -> Result<()> {
        if self.skip_op(op) {
            return Ok(());
        }
        self.fail(format!("expected '{op}', got {}", describe(self.peek())))
    }

    pub(super) fn expect_name(&mut self) -> Result<Arc<str>> {
        match self.peek().clone() {
            Token::Name(name) => {
                self.next();
                Ok(name)
            }
            other => self.fail(format!("expected a name, got {}", describe(&other))),
        }
    }

    fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.skip_name(word) {
            return Ok(());
        }
        self.fail(format!("expected '{word}', got {}", describe(self.peek())))
    }

    /// A whole template.
    pub fn template(mut self) -> Result<Vec<Stmt>> {
        let (body, _) = self.body(&[], None)?;
        Ok(body)
    }

    /// Statements up to one of the tags `ends`, whose name is eaten and given back.
    fn body(&mut self, ends: &[&str], open: Option<(&str, Place)>) -> Result<(Vec<Stmt>, Arc<str>)> {
        self.enter()?;
        let mut out = Vec::new();
        loop {
            match self.next() {
                Token::Data(data) => out.push(Stmt::Data(data)),
                Token::VariableBegin => {
                    let value = self.tuple(true, &[], false)?;
                    if !matches!(self.peek(), Token::VariableEnd) {
                        let found = describe(self.peek());
                        return self.fail(format!("expected token 'end of print statement', got {found}"));
                    }
                    self.next();
                    out.push(Stmt::Output(value));
                }
                Token::BlockBegin => {
                    let place = self.place();
                    let Token::Name(tag) = self.peek().clone() else { return self.fail("tag name expected") };
                    self.next();
                    if ends.contains(&&*tag) {
                        self.leave();
                        return Ok((out, tag));
                    }
                    out.push(self.statement(&tag, place, ends, open.map(|(tag, _)| tag))?);
                }
                _ => {
                    return match open {
                        None => {
                            self.leave();
                            Ok((out, Arc::from("")))
                        }
                        Some((tag, place)) => Err(TemplateError::syntax(
                            place.line,
                            place.column,
                            format!(
                                "Unexpected end of template. Jinja was looking for the following tags: {}. The innermost block that needs to be closed is '{tag}'.",
                                words(ends)
                            ),
                        )),
                    };
                }
            }
        }
    }

    fn block_end(&mut self) -> Result<()> {
        match self.peek() {
            Token::BlockEnd => {
                self.next();
                Ok(())
            }
            other => self.fail(format!("expected token 'end of statement block', got {}", describe(other))),
        }
    }

    /// The body of `tag` up to its one end tag.
    fn simple_body(&mut self, tag: &str, place: Place, end: &str) -> Result<Vec<Stmt>> {
        self.block_end()?;
        Ok(self.body(&[end], Some((tag, place)))?.0)
    }

    fn statement(&mut self, tag: &str, place: Place, ends: &[&str], open: Option<&str>) -> Result<Stmt> {
        let statement = match tag {
            "if" => return self.if_statement(place),
            "for" => return self.for_statement(place),
            "set" => return self.set_statement(place),
            "with" => {
                let mut targets = Vec::new();
                while !matches!(self.peek(), Token::BlockEnd) {
                    if !targets.is_empty() {
                        self.expect_op(",")?;
                    }
                    let target = self.target(&[], false)?;
                    self.expect_op("=")?;
                    targets.push((target, self.expression()?));
                }
                let body = self.simple_body(tag, place, "endwith")?;
                Stmt::With(Arc::new(With { names: targets, body }))
            }
            "autoescape" => {
                self.expression()?;
                Stmt::Scope(Arc::new(self.simple_body(tag, place, "endautoescape")?))
            }
            "macro" => {
                let name = self.expect_name()?;
                let signature = self.signature()?;
                let body = self.simple_body(tag, place, "endmacro")?;
                Stmt::Macro(Arc::new(macro_text(name, signature, body)))
            }
            "call" => {
                let signature =
                    if matches!(self.peek(), Token::Op("(")) { self.signature()? } else { Signature::default() };
                let call = self.expression()?;
                if !matches!(call, Expr::Call(..)) {
                    return self.fail("expected call");
                }
                let body = self.simple_body(tag, place, "endcall")?;
                Stmt::CallBlock(Arc::new(macro_text(Arc::from("caller"), signature, body)), call)
            }
            "filter" => {
                let mut filter = self.filter(None)?;
                while self.skip_op("|") {
                    filter = self.filter(Some(filter))?;
                }
                Stmt::FilterBlock(filter, Arc::new(self.simple_body(tag, place, "endfilter")?))
            }
            "block" => return self.block_statement(place),
            "extends" => Stmt::Extends(self.expression()?),
            "include" => {
                let name = self.expression()?;
                let ignore_missing = self.is_name_at(0, "ignore") && self.is_name_at(1, "missing");
                if ignore_missing {
                    self.next();
                    self.next();
                }
                Stmt::Include { name, ignore_missing, context: self.context(true) }
            }
            "import" => {
                let name = self.expression()?;
                self.expect_word("as")?;
                let alias = self.expect_name()?;
                Stmt::Import { name, alias, context: self.context(false) }
            }
            "from" => return self.import_from(),
            "do" => Stmt::Do(self.tuple(true, &[], false)?),
            "break" => Stmt::Break,
            "continue" => Stmt::Continue,
            _ => {
                let expected = match open {
                    Some(open) => format!(
                        " Jinja was looking for the following tags: {}. The innermost block that needs to be closed is '{open}'.",
                        words(ends)
                    ),
                    None => String::new(),
                };
                return Err(TemplateError::syntax(
                    place.line,
                    place.column,
                    format!("Encountered unknown tag '{tag}'.{expected}"),
                ));
            }
        };
        // Statements with a body have left the tokens at the end tag's own end.
        self.block_end()?;
        Ok(statement)
    }

    fn if_statement(&mut self, place: Place) -> Result<Stmt> {
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            let condition = self.tuple(false, &[], false)?;
            self.block_end()?;
            let (body, end) = self.body(&["elif", "else", "endif"], Some(("if", place)))?;
            branches.push((condition, body));
            match &*end {
                "elif" => continue,
                "else" => otherwise = self.simple_body("if", place, "endif")?,
                _ => {}
            }
            break;
        }
        self.block_end()?;
        Ok(Stmt::If(Arc::new(If { branches, otherwise })))
    }

    fn for_statement(&mut self, place: Place) -> Result<Stmt> {
        let target = self.target(&["in"], false)?;
        self.expect_word("in")?;
        let iter = self.tuple(false, &["recursive"], false)?;
        let filter = if self.skip_name("if") { Some(self.expression()?) } else { None };
        let recursive = self.skip_name("recursive");
        self.block_end()?;
        let (body, end) = self.body(&["endfor", "else"], Some(("for", place)))?;
        let otherwise = if &*end == "else" { self.simple_body("for", place, "endfor")? } else { Vec::new() };
        self.block_end()?;
        Ok(Stmt::For(Arc::new(For { target, iter, filter, body, otherwise, recursive })))
    }

    fn set_statement(&mut self, place: Place) -> Result<Stmt> {
        let target = self.target(&[], true)?;
        if self.skip_op("=") {
            let value = self.tuple(true, &[], false)?;
            self.block_end()?;
            return Ok(Stmt::Set(target, value));
        }
        let mut filter = None;
        while self.skip_op("|") {
            filter = Some(self.filter(filter)?);
        }
        let body = self.simple_body("set", place, "endset")?;
        self.block_end()?;
        Ok(Stmt::SetBlock(target, filter, Arc::new(body)))
    }

    fn block_statement(&mut self, place: Place) -> Result<Stmt> {
        let name = self.expect_name()?;
        let scoped = self.skip_name("scoped");
        let required = self.skip_name("required");
        let body = self.simple_body("block", place, "endblock")?;
        if required && !body.iter().all(|stmt| matches!(stmt, Stmt::Data(data) if data.trim().is_empty())) {
            return self.fail("required blocks can only contain comments or whitespace");
        }
        self.skip_name(&name);
        self.block_end()?;
        Ok(Stmt::Block(Arc::new(Block { name, body, scoped, required })))
    }

    fn import_from(&mut self) -> Result<Stmt> {
        let name = self.expression()?;
        self.expect_word("import")?;
        let mut names: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        let mut context = None;
        loop {
            if !names.is_empty() {
                self.expect_op(",")?;
            }
            context = context.or(self.explicit_context());
            if context.is_some() {
                break;
            }
            let imported = self.expect_name()?;
            if imported.starts_with('_') {
                return self.fail("names starting with an underline can not be imported");
            }
            let alias = if self.skip_name("as") { self.expect_name()? } else { imported.clone() };
            names.push((imported, alias));
            context = self.explicit_context();
            if context.is_some() || !matches!(self.peek(), Token::Op(",")) {
                break;
            }
        }
        self.block_end()?;
        Ok(Stmt::FromImport { name, names, context: context.unwrap_or(false) })
    }

    /// `with context` or `without context`.
    fn explicit_context(&mut self) -> Option<bool> {
        if !self.is_name_at(1, "context") {
            return None;
        }
        let with = if self.is_name_at(0, "with") {
            true
        } else if self.is_name_at(0, "without") {
            false
        } else {
            return None;
        };
        self.next();
        self.next();
        Some(with)
    }

    fn context(&mut self, default: bool) -> bool {
        self.explicit_context().unwrap_or(default)
    }

    fn signature(&mut self) -> Result<Signature> {
        let mut signature = Signature::default();
        self.expect_op("(")?;
        while !self.skip_op(")") {
            if !signature.names.is_empty() {
                self.expect_op(",")?;
            }
            signature.names.push(self.expect_name()?);
            if self.skip_op("=") {
                signature.defaults.push(self.expression()?);
            } else if !signature.defaults.is_empty() {
                return self.fail("non-default argument follows default argument");
            }
        }
        Ok(signature)
    }

    /// What is assigned to: names, nested with commas and parentheses.
    fn target(&mut self, ends: &[&str], namespace: bool) -> Result<Target> {
        self.enter()?;
        let mut items = Vec::new();
        let mut is_tuple = false;
        loop {
            if is_tuple {
                self.expect_op(",")?;
            }
            let item = match self.peek().clone() {
                Token::Name(name) if ends.contains(&&*name) => break,
                Token::Name(name) => {
                    if matches!(&*name, "true" | "True" | "false" | "False" | "none" | "None") {
                        return self.fail(format!("can't assign to '{name}'"));
                    }
                    self.next();
                    if namespace && self.skip_op(".") {
                        Target::Namespace(name, self.expect_name()?)
                    } else {
                        Target::Name(name)
                    }
                }
                Token::Op("(") => {
                    self.next();
                    let inner = self.target(&[], namespace)?;
                    self.expect_op(")")?;
                    inner
                }
                Token::Op("=" | ")") | Token::BlockEnd if is_tuple => break,
                other => return self.fail(format!("can't assign to {}", describe(&other))),
            };
            items.push(item);
            if !matches!(self.peek(), Token::Op(",")) {
                break;
            }
            is_tuple = true;
        }
        self.leave();
        match items.pop() {
            Some(only) if !is_tuple => Ok(only),
            Some(last) => {
                items.push(last);
                Ok(Target::Tuple(items))
            }
            None => self.fail("expected a name to assign to"),
        }
    }
}

fn words(ends: &[&str]) -> String {
    ends.iter().map(|end| format!("'{end}'")).collect::<Vec<_>>().join(" or ")
}

/// Finds out which of the three special names the body reads.
fn macro_text(name: Arc<str>, signature: Signature, body: Vec<Stmt>) -> MacroText {
    let (mut varargs, mut kwargs, mut caller) = (false, false, false);
    crate::template::names::visit_names(&body, &mut |name| match name {
        "varargs" => varargs = true,
        "kwargs" => kwargs = true,
        "caller" => caller = true,
        _ => {}
    });
    MacroText { name, signature, body, varargs, kwargs, caller }
}
