//! A query as a tree.

use crate::value::Value;

/// A node of a query.
#[derive(Debug, Clone)]
pub enum Node {
    Current,
    Field(String),
    Index(i64),
    Slice(Option<i64>, Option<i64>, i64),
    Literal(Value),
    /// Left, then right on its result.
    Chain(Box<Node>, Box<Node>),
    /// Right on every item of the list that left gives.
    Project(Box<Node>, Box<Node>),
    /// Right on every value of the map that left gives.
    ProjectValues(Box<Node>, Box<Node>),
    /// The list that left gives, one level flatter.
    Flatten(Box<Node>),
    /// Right on the items of left for which the condition holds.
    Filter(Box<Node>, Box<Node>, Box<Node>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    Or(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Compare(&'static str, Box<Node>, Box<Node>),
    Call(String, Vec<Node>),
    /// `&expression`, for functions such as `sort_by`.
    Reference(Box<Node>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Quoted(String),
    Number(i64),
    Literal(Value),
    Op(&'static str),
    End,
}

const OPERATORS: [&str; 26] = [
    "[?", "[]", "||", "&&", "==", "!=", "<=", ">=", "|", "&", "<", ">", "!", ".", "*", "@", "[", "]", "{", "}", "(",
    ")", ",", ":", "-", "+",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let number = first.is_ascii_digit() || (first == '-' && rest[1..].starts_with(|c: char| c.is_ascii_digit()));
        if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            out.push(Token::Name(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if number {
            let end = rest[1..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |end| end + 1);
            out.push(Token::Number(rest[..end].parse().map_err(|_| format!("bad number in {text:?}"))?));
            rest = &rest[end..];
        } else if matches!(first, '"' | '\'' | '`') {
            let (inner, after) = delimited(rest, first).ok_or_else(|| format!("unclosed {first} in {text:?}"))?;
            out.push(match first {
                '"' => Token::Quoted(
                    serde_json::from_str(&format!("\"{inner}\""))
                        .map_err(|error| format!("bad identifier: {error}"))?,
                ),
                '\'' => Token::Literal(Value::str(inner.replace("\\'", "'"))),
                _ => {
                    let inner = inner.replace("\\`", "`");
                    let inner = inner.trim();
                    // A bare word between backticks is text, as in older JMESPath.
                    Token::Literal(serde_json::from_str(inner).unwrap_or_else(|_| Value::str(inner)))
                }
            });
            rest = after;
        } else {
            let op = OPERATORS.iter().find(|op| rest.starts_with(**op));
            let op = op.ok_or_else(|| format!("unexpected {first:?} in {text:?}"))?;
            out.push(Token::Op(op));
            rest = &rest[op.len()..];
        }
        rest = rest.trim_start();
    }
    out.push(Token::End);
    Ok(out)
}

/// What stands between two delimiters, and what comes after.
fn delimited(text: &str, quote: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return Some((&text[1..index], &text[index + 1..]));
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// Reads a query.
pub fn parse(text: &str) -> Result<Node, String> {
    let mut parser = Parser { tokens: tokens(text)?, pos: 0, depth: 0 };
    let node = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(node),
        other => Err(format!("unexpected {other:?} in query {text:?}")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    pos: usize,
    depth: usize,
}

/// How tightly an operator binds its left side.
fn power(op: &str) -> u8 {
    match op {
        "|" => 1,
        "||" => 2,
        "&&" => 3,
        "==" | "!=" | "<" | "<=" | ">" | ">=" => 5,
        "[]" => 9,
        "[?" => 21,
        "." => 40,
        "[" => 55,
        "(" => 60,
        _ => 0,
    }
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.pos).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.pos += 1;
        token
    }

    fn skip(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Token::Op(found) if *found == op);
        self.pos += usize::from(found);
        found
    }

    fn expect(&mut self, op: &str) -> Result<(), String> {
        if self.skip(op) { Ok(()) } else { Err(format!("expected {op:?}, got {:?}", self.peek())) }
    }

    fn expression(&mut self, binding: u8) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > 100 {
            return Err("query is nested too deeply".into());
        }
        let mut left = self.prefix()?;
        while let Token::Op(op) = self.peek() {
            let op = *op;
            if power(op) <= binding {
                break;
            }
            left = self.infix(left, op)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn prefix(&mut self) -> Result<Node, String> {
        Ok(match self.next() {
            Token::Name(name) if self.skip("(") => Node::Call(name, self.arguments()?),
            Token::Name(name) | Token::Quoted(name) => Node::Field(name),
            Token::Literal(value) => Node::Literal(value),
            Token::Op("@") => Node::Current,
            Token::Op("!") => Node::Not(Box::new(self.expression(45)?)),
            Token::Op("&") => Node::Reference(Box::new(self.expression(0)?)),
            Token::Op("(") => {
                let inner = self.expression(0)?;
                self.expect(")")?;
                inner
            }
            Token::Op("*") => {
                let right = self.projected(20)?;
                Node::ProjectValues(Box::new(Node::Current), Box::new(right))
            }
            Token::Op("[]") => self.flatten(Node::Current)?,
            Token::Op("[?") => self.filter(Node::Current)?,
            Token::Op("[") => match self.peek() {
                Token::Number(_) | Token::Op(":" | "*") => self.bracket(Node::Current)?,
                _ => self.multi_list()?,
            },
            Token::Op("{") => self.multi_map()?,
            other => return Err(format!("unexpected {other:?} in query")),
        })
    }

    fn infix(&mut self, left: Node, op: &'static str) -> Result<Node, String> {
        self.pos += 1;
        let left_box = Box::new(left);
        Ok(match op {
            "|" => Node::Chain(left_box, Box::new(self.expression(1)?)),
            "||" => Node::Or(left_box, Box::new(self.expression(2)?)),
            "&&" => Node::And(left_box, Box::new(self.expression(3)?)),
            "==" | "!=" | "<" | "<=" | ">" | ">=" => Node::Compare(op, left_box, Box::new(self.expression(5)?)),
            "." if self.skip("*") => {
                let right = self.projected(20)?;
                Node::ProjectValues(left_box, Box::new(right))
            }
            "." => Node::Chain(left_box, Box::new(self.after_dot(40)?)),
            "[]" => self.flatten(*left_box)?,
            "[?" => self.filter(*left_box)?,
            "[" => self.bracket(*left_box)?,
            other => return Err(format!("unexpected {other:?} in query")),
        })
    }

    fn after_dot(&mut self, binding: u8) -> Result<Node, String> {
        match self.peek() {
            Token::Op("[") => {
                self.pos += 1;
                self.multi_list()
            }
            Token::Op("{") => {
                self.pos += 1;
                self.multi_map()
            }
            Token::Name(_) | Token::Quoted(_) => self.expression(binding),
            other => Err(format!("unexpected {other:?} after a dot")),
        }
    }

    /// What is applied to every item of a projection.
    fn projected(&mut self, binding: u8) -> Result<Node, String> {
        match self.peek() {
            Token::Op("[" | "[?") => self.suffix(binding),
            Token::Op(".") => {
                self.pos += 1;
                if self.skip("*") {
                    let right = self.projected(20)?;
                    return Ok(Node::ProjectValues(Box::new(Node::Current), Box::new(right)));
                }
                self.after_dot(binding)
            }
            _ => Ok(Node::Current),
        }
    }

    fn suffix(&mut self, binding: u8) -> Result<Node, String> {
        let mut left = Node::Current;
        while let Token::Op(op) = self.peek() {
            let op = *op;
            if power(op) <= binding {
                break;
            }
            left = self.infix(left, op)?;
        }
        Ok(left)
    }

    fn flatten(&mut self, left: Node) -> Result<Node, String> {
        let right = self.projected(9)?;
        Ok(Node::Project(Box::new(Node::Flatten(Box::new(left))), Box::new(right)))
    }

    fn filter(&mut self, left: Node) -> Result<Node, String> {
        let condition = self.expression(0)?;
        self.expect("]")?;
        let right = if self.skip_flatten_ahead() { Node::Current } else { self.projected(21)? };
        Ok(Node::Filter(Box::new(left), Box::new(condition), Box::new(right)))
    }

    /// Whether a flatten follows, which ends a projection.
    fn skip_flatten_ahead(&self) -> bool {
        matches!(self.peek(), Token::Op("[]"))
    }

    /// `[0]`, `[1:2]` or `[*]`, after the bracket.
    fn bracket(&mut self, left: Node) -> Result<Node, String> {
        if self.skip("*") {
            self.expect("]")?;
            let right = self.projected(20)?;
            return Ok(Node::Project(Box::new(left), Box::new(right)));
        }
        let mut parts = [None; 3];
        let mut index = 0;
        loop {
            match self.next() {
                Token::Number(number) => parts[index] = Some(number),
                Token::Op(":") if index < 2 => index += 1,
                Token::Op("]") => break,
                other => return Err(format!("unexpected {other:?} in brackets")),
            }
        }
        if index == 0 {
            let number = parts[0].ok_or("expected an index")?;
            return Ok(Node::Chain(Box::new(left), Box::new(Node::Index(number))));
        }
        let step = parts[2].unwrap_or(1);
        if step == 0 {
            return Err("a slice's step cannot be 0".into());
        }
        let slice = Node::Chain(Box::new(left), Box::new(Node::Slice(parts[0], parts[1], step)));
        let right = self.projected(20)?;
        Ok(Node::Project(Box::new(slice), Box::new(right)))
    }

    fn multi_list(&mut self) -> Result<Node, String> {
        let mut items = Vec::new();
        loop {
            items.push(self.expression(0)?);
            if !self.skip(",") {
                self.expect("]")?;
                return Ok(Node::List(items));
            }
        }
    }

    fn multi_map(&mut self) -> Result<Node, String> {
        let mut entries = Vec::new();
        loop {
            let name = match self.next() {
                Token::Name(name) | Token::Quoted(name) => name,
                other => return Err(format!("expected a key, got {other:?}")),
            };
            self.expect(":")?;
            entries.push((name, self.expression(0)?));
            if !self.skip(",") {
                self.expect("}")?;
                return Ok(Node::Map(entries));
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Node>, String> {
        let mut items = Vec::new();
        if self.skip(")") {
            return Ok(items);
        }
        loop {
            items.push(self.expression(0)?);
            if !self.skip(",") {
                self.expect(")")?;
                return Ok(items);
            }
        }
    }
}
