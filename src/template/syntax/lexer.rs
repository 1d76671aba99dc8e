//! Text to tokens, with Jinja's whitespace rules.

use super::ast::Place;
use super::strings::unescape;
use crate::template::error::{Result, TemplateError};
use crate::template::options::Syntax;
use crate::value::Value;
use std::sync::Arc;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Data(Arc<str>),
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name(Arc<str>),
    Const(Value),
    Str(Arc<str>),
    /// One of [`OPERATORS`].
    Op(&'static str),
    End,
}

/// Longer ones first, so that the first match is the right one.
const OPERATORS: [&str; 28] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".",
    ":", "|", ",", ";", "!", "&",
];

/// What starts a tag.
#[derive(Clone, Copy, PartialEq)]
enum Tag {
    Comment,
    Block,
    Variable,
}

/// Splits one text into tokens.
pub struct Lexer<'a> {
    text: String,
    pos: usize,
    syntax: &'a Syntax,
    tokens: Vec<(Token, Place)>,
    /// Where `place` stopped counting.
    counted: (usize, u32, usize),
}

impl<'a> Lexer<'a> {
    pub fn new(text: &str, syntax: &'a Syntax) -> Lexer<'a> {
        let text = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() };
        Lexer { text, pos: 0, syntax, tokens: Vec::new(), counted: (0, 1, 0) }
    }

    /// The tokens of a template.
    pub fn template(mut self) -> Result<Vec<(Token, Place)>> {
        if !self.syntax.keep_trailing_newline && self.text.ends_with('\n') {
            self.text.pop();
        }
        let mut line_starting = true;
        while self.pos < self.text.len() {
            let Some((start, tag)) = self.next_tag() else {
                let rest = self.text[self.pos..].to_owned();
                self.push_data(&rest);
                self.pos = self.text.len();
                break;
            };
            let marker = match tag {
                Tag::Comment => self.syntax.comment_start.len(),
                Tag::Block => self.syntax.block_start.len(),
                Tag::Variable => self.syntax.variable_start.len(),
            };
            let data = self.text[self.pos..start].to_owned();
            let after = start + marker;
            let sign = self.sign(after);
            let inside = after + usize::from(sign.is_some());
            let stripped = self.strip(&data, sign, tag == Tag::Variable, line_starting);
            self.push_data(&data[..stripped]);
            self.pos = inside;
            match tag {
                Tag::Comment => self.comment(start)?,
                Tag::Variable => {
                    self.push(Token::VariableBegin, start);
                    self.inner(Tag::Variable, start)?;
                }
                Tag::Block => match self.raw_begin(inside) {
                    Some(body) => {
                        self.pos = body;
                        self.raw(start)?;
                    }
                    None => {
                        self.push(Token::BlockBegin, start);
                        self.inner(Tag::Block, start)?;
                    }
                },
            }
            line_starting = self.text[..self.pos].ends_with('\n');
        }
        let end = self.text.len();
        self.push(Token::End, end);
        Ok(self.tokens)
    }

    /// The tokens of a bare expression.
    pub fn expression(mut self) -> Result<Vec<(Token, Place)>> {
        let mut open = Vec::new();
        while self.skip_blanks() {
            self.token(&mut open, false)?;
        }
        let end = self.text.len();
        self.push(Token::End, end);
        Ok(self.tokens)
    }

    fn place(&mut self, pos: usize) -> Place {
        let (mut from, mut line, mut line_start) = self.counted;
        if pos < from {
            (from, line, line_start) = (0, 1, 0);
        }
        for (offset, _) in self.text[from..pos].match_indices('\n') {
            line += 1;
            line_start = from + offset + 1;
        }
        self.counted = (pos, line, line_start);
        Place { line, column: self.text[line_start..pos].chars().count() as u32 + 1 }
    }

    fn push(&mut self, token: Token, pos: usize) {
        let place = self.place(pos);
        self.tokens.push((token, place));
    }

    fn fail<T>(&mut self, pos: usize, message: impl std::fmt::Display) -> Result<T> {
        let place = self.place(pos);
        Err(TemplateError::syntax(place.line, place.column, message))
    }

    fn push_data(&mut self, data: &str) {
        if !data.is_empty() {
            let data = match &*self.syntax.newline_sequence {
                "\n" => Arc::from(data),
                other => Arc::from(data.replace('\n', other)),
            };
            self.push(Token::Data(data), self.pos);
        }
    }

    /// The nearest marker; of several at one place the longest.
    fn next_tag(&self) -> Option<(usize, Tag)> {
        let rest = &self.text[self.pos..];
        [
            (&self.syntax.comment_start, Tag::Comment),
            (&self.syntax.block_start, Tag::Block),
            (&self.syntax.variable_start, Tag::Variable),
        ]
        .into_iter()
        .filter_map(|(marker, tag)| Some((rest.find(marker.as_str())?, marker.len(), tag)))
        .min_by_key(|(start, length, _)| (*start, usize::MAX - length))
        .map(|(start, _, tag)| (self.pos + start, tag))
    }

    fn sign(&self, pos: usize) -> Option<char> {
        self.text[pos..].chars().next().filter(|c| matches!(c, '-' | '+'))
    }

    /// How much of the text before a tag stays.
    fn strip(&self, data: &str, sign: Option<char>, variable: bool, line_starting: bool) -> usize {
        match sign {
            Some('-') => data.trim_end().len(),
            Some(_) => data.len(),
            None if self.syntax.lstrip_blocks && !variable => {
                let line = data.rfind('\n').map_or(0, |newline| newline + 1);
                let blank = data[line..].chars().all(char::is_whitespace);
                if (line > 0 || line_starting) && blank { line } else { data.len() }
            }
            None => data.len(),
        }
    }

    /// The position after a tag's end marker at `pos`, if one is there: `+%}`, `-%}` with the blanks
    /// after it, or `%}` with the newline that trim_blocks drops.
    fn tag_end(&self, pos: usize, marker: &str, plus: bool, trim: bool) -> Option<usize> {
        let rest = &self.text[pos..];
        if let Some(after) = rest.strip_prefix('-').and_then(|rest| rest.strip_prefix(marker)) {
            return Some(self.text.len() - after.trim_start().len());
        }
        if plus && let Some(after) = rest.strip_prefix('+').and_then(|rest| rest.strip_prefix(marker)) {
            return Some(self.text.len() - after.len());
        }
        let after = rest.strip_prefix(marker)?;
        let after = if trim { after.strip_prefix('\n').unwrap_or(after) } else { after };
        Some(self.text.len() - after.len())
    }

    fn comment(&mut self, start: usize) -> Result<()> {
        let trim = self.syntax.trim_blocks;
        let marker = self.syntax.comment_end.as_str();
        let mut from = self.pos;
        let Some(found) = self.text[from..].find(marker) else {
            return self.fail(start, "missing end of comment tag");
        };
        // A sign right before the marker belongs to it.
        from += found;
        let signed = from.checked_sub(1).filter(|before| *before >= self.pos && self.sign(*before).is_some());
        let end = self.tag_end(signed.unwrap_or(from), marker, true, trim);
        self.pos = end.unwrap_or(from + marker.len());
        Ok(())
    }

    /// If the tag that starts before `pos` is `raw`: where its content starts.
    fn raw_begin(&self, pos: usize) -> Option<usize> {
        let rest = self.text[pos..].trim_start().strip_prefix("raw")?.trim_start();
        self.tag_end(self.text.len() - rest.len(), &self.syntax.block_end, false, false)
    }

    fn raw(&mut self, start: usize) -> Result<()> {
        let body = self.pos;
        let mut from = body;
        let marker = self.syntax.block_start.clone();
        while let Some(found) = self.text[from..].find(&marker) {
            let tag = from + found;
            let after = tag + marker.len();
            let sign = self.sign(after);
            let name = self.text[after + usize::from(sign.is_some())..].trim_start();
            if let Some(rest) = name.strip_prefix("endraw") {
                let end = self.text.len() - rest.trim_start().len();
                if let Some(end) = self.tag_end(end, &self.syntax.block_end, true, self.syntax.trim_blocks) {
                    let data = self.text[body..tag].to_owned();
                    let line_starting = self.text[..body].ends_with('\n');
                    let stripped = self.strip(&data, sign, false, line_starting);
                    self.push_data(&data[..stripped]);
                    self.pos = end;
                    return Ok(());
                }
            }
            from = after;
        }
        self.fail(start, "missing end of raw directive")
    }

    /// Tokens up to the tag's end.
    fn inner(&mut self, tag: Tag, start: usize) -> Result<()> {
        let block = tag == Tag::Block;
        let marker = if block { self.syntax.block_end.clone() } else { self.syntax.variable_end.clone() };
        let literal = self.syntax.literal_backslashes && !block;
        let mut open = Vec::new();
        loop {
            if open.is_empty()
                && let Some(end) = self.tag_end(self.pos, &marker, block, block && self.syntax.trim_blocks)
            {
                self.push(if block { Token::BlockEnd } else { Token::VariableEnd }, self.pos);
                self.pos = end;
                return Ok(());
            }
            let before = self.pos;
            if !self.skip_blanks() {
                let wanted = if block { "end of statement block" } else { "end of print statement" };
                return self.fail(start, format!("unexpected end of template, expected '{wanted}'."));
            }
            if before == self.pos {
                self.token(&mut open, literal)?;
            }
        }
    }

    /// Skips blanks; false at the end of the text.
    fn skip_blanks(&mut self) -> bool {
        let rest = self.text[self.pos..].trim_start();
        self.pos = self.text.len() - rest.len();
        !rest.is_empty()
    }

    fn token(&mut self, open: &mut Vec<&'static str>, literal: bool) -> Result<()> {
        let start = self.pos;
        let Some(first) = self.text[start..].chars().next() else { return Ok(()) };
        if first.is_ascii_digit() || first == '.' {
            // `a.0.b` is two items, not a number: a number does not follow a dot.
            let after_dot = self.text[..start].ends_with('.');
            if let Some((value, length)) = number(&self.text[start..], after_dot) {
                self.pos += length;
                self.push(Token::Const(value), start);
                return Ok(());
            }
        }
        if first.is_alphanumeric() || first == '_' {
            let rest = &self.text[start..];
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let name = Arc::from(&rest[..length]);
            self.pos += length;
            self.push(Token::Name(name), start);
            return Ok(());
        }
        if matches!(first, '\'' | '"') {
            return self.string(start, first, literal);
        }
        let Some(op) = OPERATORS.iter().find(|op| self.text[start..].starts_with(**op)).copied() else {
            return self.fail(start, format!("unexpected char {:?}", first));
        };
        match op {
            "(" => open.push(")"),
            "[" => open.push("]"),
            "{" => open.push("}"),
            ")" | "]" | "}" => match open.pop() {
                Some(expected) if expected == op => {}
                Some(expected) => return self.fail(start, format!("unexpected '{op}', expected '{expected}'")),
                None => return self.fail(start, format!("unexpected '{op}'")),
            },
            "!" | "&" => return self.fail(start, format!("unexpected char '{op}'")),
            _ => {}
        }
        self.pos += op.len();
        self.push(Token::Op(op), start);
        Ok(())
    }

    fn string(&mut self, start: usize, quote: char, literal: bool) -> Result<()> {
        let mut escaped = false;
        let end = self.text[start + 1..].find(|c| {
            let end = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            end
        });
        let Some(end) = end.map(|end| start + 1 + end) else {
            return self.fail(start, format!("unexpected char {quote:?}"));
        };
        let inner = &self.text[start + 1..end];
        let text = if literal { Ok(inner.to_owned()) } else { unescape(inner) };
        let newline = &self.syntax.newline_sequence;
        match text {
            Ok(text) => {
                let text = if newline == "\n" { text } else { text.replace('\n', newline) };
                self.pos = end + 1;
                self.push(Token::Str(Arc::from(text)), start);
                Ok(())
            }
            Err(message) => self.fail(start, message),
        }
    }
}

/// A number at the start of the text, and its length.
fn number(text: &str, after_dot: bool) -> Option<(Value, usize)> {
    let digits = |text: &str, radix: u32| {
        let mut end = 0;
        for (index, c) in text.char_indices() {
            if c.is_digit(radix) {
                end = index + 1;
            } else if c != '_' || index != end || index == 0 {
                break;
            }
        }
        end
    };
    let whole = digits(text, 10);
    if !after_dot {
        let mut end = whole;
        let mut float = false;
        if text[end..].starts_with('.') && whole > 0 {
            let fraction = digits(&text[end + 1..], 10);
            if fraction > 0 {
                end += 1 + fraction;
                float = true;
            }
        }
        if whole > 0 && text[end..].starts_with(['e', 'E']) {
            let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
            let exponent = digits(&text[end + 1 + sign..], 10);
            if exponent > 0 {
                end += 1 + sign + exponent;
                float = true;
            }
        }
        if float {
            return text[..end].replace('_', "").parse().ok().map(|number| (Value::Float(number), end));
        }
    }
    if whole == 0 {
        return None;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            let rest = text[2..].strip_prefix('_').unwrap_or(&text[2..]);
            let skipped = text.len() - rest.len();
            let length = digits(rest, radix);
            if length > 0 {
                let number = i64::from_str_radix(&rest[..length].replace('_', ""), radix).ok()?;
                return Some((Value::Int(number), skipped + length));
            }
        }
    }
    let plain = text[..whole].replace('_', "");
    let value = plain.parse().map(Value::Int).or_else(|_| plain.parse().map(Value::Float)).ok()?;
    Some((value, whole))
}
