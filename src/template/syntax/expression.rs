//! Expressions, with Jinja's precedence.

use super::ast::{Arguments, BinaryOp, CompareOp, Expr, Place};
use super::lexer::Token;
use super::statement::Parser;
use crate::template::error::Result;
use crate::value::Value;
use std::sync::Arc;

impl Parser {
    /// A whole text that is one expression.
    pub fn whole_expression(mut self) -> Result<Expr> {
        let expr = self.expression()?;
        match self.peek() {
            Token::End => Ok(expr),
            other => {
                let message = format!("expected the end of the expression, got {}", describe(other));
                self.fail(message)
            }
        }
    }

    /// Any expression, with inline if.
    pub fn expression(&mut self) -> Result<Expr> {
        self.enter()?;
        let mut value = self.or()?;
        let mut links = 0;
        loop {
            self.chain(&mut links)?;
            let place = self.place();
            if !self.skip_name("if") {
                break;
            }
            let condition = self.or()?;
            let otherwise = if self.skip_name("else") { Some(self.expression()?) } else { None };
            value = Expr::If(Box::new((value, condition, otherwise)), place);
        }
        self.leave();
        Ok(value)
    }

    fn or(&mut self) -> Result<Expr> {
        let mut left = self.and()?;
        let mut links = 0;
        while self.skip_name("or") {
            self.chain(&mut links)?;
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr> {
        let mut left = self.not()?;
        let mut links = 0;
        while self.skip_name("and") {
            self.chain(&mut links)?;
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr> {
        if self.skip_name("not") {
            self.enter()?;
            let inner = self.not()?;
            self.leave();
            return Ok(Expr::Not(Box::new(inner)));
        }
        self.compare()
    }

    fn compare(&mut self) -> Result<Expr> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        loop {
            let op = match self.peek() {
                Token::Op("==") => CompareOp::Eq,
                Token::Op("!=") => CompareOp::Ne,
                Token::Op("<") => CompareOp::Lt,
                Token::Op("<=") => CompareOp::Le,
                Token::Op(">") => CompareOp::Gt,
                Token::Op(">=") => CompareOp::Ge,
                Token::Name(name) if &**name == "in" => CompareOp::In,
                Token::Name(name) if &**name == "not" && self.is_name_at(1, "in") => {
                    self.next();
                    CompareOp::NotIn
                }
                _ => break,
            };
            self.next();
            rest.push((op, self.sum()?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }

    fn sum(&mut self) -> Result<Expr> {
        let mut left = self.concat()?;
        let mut links = 0;
        loop {
            self.chain(&mut links)?;
            let op = match self.peek() {
                Token::Op("+") => BinaryOp::Add,
                Token::Op("-") => BinaryOp::Sub,
                _ => return Ok(left),
            };
            self.next();
            left = Expr::Binary(op, Box::new(left), Box::new(self.concat()?));
        }
    }

    fn concat(&mut self) -> Result<Expr> {
        let first = self.product()?;
        if !matches!(self.peek(), Token::Op("~")) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.skip_op("~") {
            parts.push(self.product()?);
        }
        Ok(Expr::Concat(parts))
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.power()?;
        let mut links = 0;
        loop {
            self.chain(&mut links)?;
            let op = match self.peek() {
                Token::Op("*") => BinaryOp::Mul,
                Token::Op("/") => BinaryOp::Div,
                Token::Op("//") => BinaryOp::FloorDiv,
                Token::Op("%") => BinaryOp::Mod,
                _ => return Ok(left),
            };
            self.next();
            left = Expr::Binary(op, Box::new(left), Box::new(self.power()?));
        }
    }

    fn power(&mut self) -> Result<Expr> {
        let mut left = self.unary(true)?;
        let mut links = 0;
        while self.skip_op("**") {
            self.chain(&mut links)?;
            left = Expr::Binary(BinaryOp::Pow, Box::new(left), Box::new(self.unary(true)?));
        }
        Ok(left)
    }

    /// A sign binds tighter than a filter: `-x|abs` is `(-x)|abs`.
    fn unary(&mut self, with_filter: bool) -> Result<Expr> {
        let expr = if self.skip_op("-") {
            self.enter()?;
            let inner = self.unary(false)?;
            self.leave();
            Expr::Negative(Box::new(inner))
        } else if self.skip_op("+") {
            self.enter()?;
            let inner = self.unary(false)?;
            self.leave();
            Expr::Positive(Box::new(inner))
        } else {
            self.primary()?
        };
        let expr = self.postfix(expr)?;
        if with_filter { self.filters_and_tests(expr) } else { Ok(expr) }
    }

    pub(super) fn primary(&mut self) -> Result<Expr> {
        let expr = match self.peek().clone() {
            Token::Name(name) => {
                self.next();
                match &*name {
                    "true" | "True" => Expr::Const(Value::Bool(true)),
                    "false" | "False" => Expr::Const(Value::Bool(false)),
                    "none" | "None" => Expr::Const(Value::Null),
                    _ => Expr::Name(name),
                }
            }
            Token::Str(first) => {
                self.next();
                let mut text = first;
                while let Token::Str(more) = self.peek() {
                    text = Arc::from(format!("{text}{more}"));
                    self.next();
                }
                Expr::Const(Value::Str(text))
            }
            Token::Const(value) => {
                self.next();
                Expr::Const(value)
            }
            Token::Op("(") => {
                self.next();
                self.enter()?;
                let inner = self.tuple(true, &[], true)?;
                self.leave();
                self.expect_op(")")?;
                inner
            }
            Token::Op("[") => {
                self.next();
                Expr::List(self.items("]")?)
            }
            Token::Op("{") => self.dict()?,
            other => {
                let message = format!("unexpected {}", describe(&other));
                return self.fail(message);
            }
        };
        Ok(expr)
    }

    fn items(&mut self, end: &'static str) -> Result<Vec<Expr>> {
        self.enter()?;
        let mut items = Vec::new();
        while !self.skip_op(end) {
            if !items.is_empty() {
                self.expect_op(",")?;
                if self.skip_op(end) {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        self.leave();
        Ok(items)
    }

    fn dict(&mut self) -> Result<Expr> {
        self.expect_op("{")?;
        self.enter()?;
        let mut entries = Vec::new();
        while !self.skip_op("}") {
            if !entries.is_empty() {
                self.expect_op(",")?;
                if self.skip_op("}") {
                    break;
                }
            }
            let key = self.expression()?;
            self.expect_op(":")?;
            entries.push((key, self.expression()?));
        }
        self.leave();
        Ok(Expr::Dict(entries))
    }

    /// One expression, or several with commas as a tuple. It ends where the tag or parenthesis
    /// does, or at one of `ends`.
    pub(super) fn tuple(&mut self, conditional: bool, ends: &[&str], parenthesised: bool) -> Result<Expr> {
        let mut items = Vec::new();
        let mut is_tuple = false;
        loop {
            if is_tuple {
                self.expect_op(",")?;
            }
            let ended = match self.peek() {
                Token::VariableEnd | Token::BlockEnd | Token::Op(")") | Token::End => true,
                Token::Name(name) => ends.contains(&&**name),
                _ => false,
            };
            if ended {
                break;
            }
            items.push(if conditional { self.expression()? } else { self.or()? });
            if !matches!(self.peek(), Token::Op(",")) {
                break;
            }
            is_tuple = true;
        }
        match items.pop() {
            Some(only) if !is_tuple => Ok(only),
            Some(last) => {
                items.push(last);
                Ok(Expr::Tuple(items))
            }
            None if parenthesised => Ok(Expr::Tuple(items)),
            None => {
                let message = format!("Expected an expression, got {}", describe(self.peek()));
                self.fail(message)
            }
        }
    }

    pub(super) fn postfix(&mut self, mut expr: Expr) -> Result<Expr> {
        let mut links = 0;
        loop {
            self.chain(&mut links)?;
            expr = match self.peek() {
                Token::Op(".") | Token::Op("[") => self.subscript(expr)?,
                Token::Op("(") => self.call(expr)?,
                _ => return Ok(expr),
            };
        }
    }

    pub(super) fn filters_and_tests(&mut self, mut expr: Expr) -> Result<Expr> {
        let mut links = 0;
        loop {
            self.chain(&mut links)?;
            expr = match self.peek() {
                Token::Op("|") => {
                    self.next();
                    self.filter(Some(expr))?
                }
                Token::Name(name) if &**name == "is" => self.test(expr)?,
                Token::Op("(") => self.call(expr)?,
                _ => return Ok(expr),
            };
        }
    }

    fn call(&mut self, callee: Expr) -> Result<Expr> {
        Ok(Expr::Call(Box::new(callee), Box::new(self.arguments()?)))
    }

    fn subscript(&mut self, expr: Expr) -> Result<Expr> {
        if self.skip_op(".") {
            return match self.next() {
                Token::Name(name) => Ok(Expr::Attribute(Box::new(expr), name)),
                Token::Const(value @ Value::Int(_)) => Ok(Expr::Item(Box::new(expr), Box::new(Expr::Const(value)))),
                other => {
                    let message = format!("expected name or number, got {}", describe(&other));
                    self.fail(message)
                }
            };
        }
        self.expect_op("[")?;
        self.enter()?;
        let mut items = Vec::new();
        let mut slice = None;
        while !self.skip_op("]") {
            if !items.is_empty() || slice.is_some() {
                self.expect_op(",")?;
            }
            if slice.is_some() {
                return self.fail("a slice must be the only subscript");
            }
            match self.subscripted()? {
                Ok(item) => items.push(item),
                Err(parts) => slice = Some(parts),
            }
        }
        self.leave();
        match (slice, items.len()) {
            (Some(parts), 0) => Ok(Expr::Slice(Box::new(expr), parts)),
            (Some(_), _) => self.fail("a slice must be the only subscript"),
            (None, 0) => self.fail("expected subscript expression"),
            (None, 1) => Ok(Expr::Item(Box::new(expr), Box::new(items.swap_remove(0)))),
            (None, _) => Ok(Expr::Item(Box::new(expr), Box::new(Expr::Tuple(items)))),
        }
    }

    /// An index, or the three parts of a slice.
    #[allow(clippy::type_complexity)]
    fn subscripted(&mut self) -> Result<std::result::Result<Expr, [Option<Box<Expr>>; 3]>> {
        let mut parts = [None, None, None];
        if !matches!(self.peek(), Token::Op(":")) {
            let index = self.expression()?;
            if !matches!(self.peek(), Token::Op(":")) {
                return Ok(Ok(index));
            }
            parts[0] = Some(Box::new(index));
        }
        self.next();
        for (number, part) in parts.iter_mut().enumerate().skip(1) {
            if number == 2 && !self.skip_op(":") {
                break;
            }
            if !matches!(self.peek(), Token::Op(":" | "]" | ",")) {
                *part = Some(Box::new(self.expression()?));
            }
        }
        Ok(Err(parts))
    }

    /// The filter after a `|`.
    pub(super) fn filter(&mut self, value: Option<Expr>) -> Result<Expr> {
        let place = self.place();
        let name = self.dotted_name()?;
        let arguments = if matches!(self.peek(), Token::Op("(")) { self.arguments()? } else { Arguments::default() };
        Ok(Expr::Filter(value.map(Box::new), name, Box::new(arguments), place))
    }

    fn dotted_name(&mut self) -> Result<Arc<str>> {
        let mut name = self.expect_name()?;
        while self.skip_op(".") {
            name = Arc::from(format!("{name}.{}", self.expect_name()?));
        }
        Ok(name)
    }

    fn test(&mut self, value: Expr) -> Result<Expr> {
        self.next();
        let negated = self.skip_name("not");
        let place: Place = self.place();
        let name = self.dotted_name()?;
        let mut arguments = Arguments::default();
        match self.peek().clone() {
            Token::Op("(") => arguments = self.arguments()?,
            Token::Name(word) if matches!(&*word, "else" | "or" | "and") => {}
            Token::Name(word) if &*word == "is" => return self.fail("you cannot chain multiple tests with is"),
            Token::Name(_) | Token::Str(_) | Token::Const(_) | Token::Op("[" | "{") => {
                let argument = self.primary()?;
                arguments.positional.push(self.postfix(argument)?);
            }
            _ => {}
        }
        let test = Expr::Test(Box::new(value), name, Box::new(arguments), place);
        Ok(if negated { Expr::Not(Box::new(test)) } else { test })
    }

    fn arguments(&mut self) -> Result<Arguments> {
        const REFUSED: &str = "invalid syntax for function call expression";
        self.expect_op("(")?;
        self.enter()?;
        let mut arguments = Arguments::default();
        let mut first = true;
        while !self.skip_op(")") {
            if !first {
                self.expect_op(",")?;
                if self.skip_op(")") {
                    break;
                }
            }
            first = false;
            let dynamic = arguments.star.is_some() || arguments.double_star.is_some();
            if self.skip_op("*") {
                if dynamic {
                    return self.fail(REFUSED);
                }
                arguments.star = Some(Box::new(self.expression()?));
            } else if self.skip_op("**") {
                if arguments.double_star.is_some() {
                    return self.fail(REFUSED);
                }
                arguments.double_star = Some(Box::new(self.expression()?));
            } else if let (Token::Name(name), Token::Op("=")) = (self.peek().clone(), self.peek_at(1)) {
                if arguments.double_star.is_some() {
                    return self.fail(REFUSED);
                }
                self.next();
                self.next();
                arguments.named.push((name, self.expression()?));
            } else {
                if dynamic || !arguments.named.is_empty() {
                    return self.fail(REFUSED);
                }
                arguments.positional.push(self.expression()?);
            }
        }
        self.leave();
        Ok(arguments)
    }
}

/// A token in a message.
pub(super) fn describe(token: &Token) -> String {
    match token {
        Token::Data(_) => "'template data / text'".into(),
        Token::VariableBegin => "'begin of print statement'".into(),
        Token::VariableEnd => "'end of print statement'".into(),
        Token::BlockBegin => "'begin of statement block'".into(),
        Token::BlockEnd => "'end of statement block'".into(),
        Token::Name(name) => format!("'{name}'"),
        Token::Const(value) => format!("'{value}'"),
        Token::Str(text) => Value::Str(text.clone()).repr(),
        Token::Op(op) => format!("'{op}'"),
        Token::End => "'end of template'".into(),
    }
}
