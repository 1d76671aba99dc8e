//! The tree of a template.

use crate::value::Value;
use std::sync::Arc;

/// A place in a template's text: line and column, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// An operator on two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

/// The arguments of a call, filter or test.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    pub positional: Vec<Expr>,
    pub named: Vec<(Arc<str>, Expr)>,
    pub star: Option<Box<Expr>>,
    pub double_star: Option<Box<Expr>>,
}

/// An expression.
#[derive(Debug, Clone)]
pub enum Expr {
    Const(Value),
    Name(Arc<str>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Attribute(Box<Expr>, Arc<str>),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Call(Box<Expr>, Box<Arguments>),
    /// Without a value in a filter block: what the block holds.
    Filter(Option<Box<Expr>>, Arc<str>, Box<Arguments>, Place),
    Test(Box<Expr>, Arc<str>, Box<Arguments>, Place),
    Negative(Box<Expr>),
    Positive(Box<Expr>),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    Concat(Vec<Expr>),
    /// Value, condition, alternative.
    If(Box<(Expr, Expr, Option<Expr>)>, Place),
}

/// What is assigned to.
#[derive(Debug, Clone)]
pub enum Target {
    Name(Arc<str>),
    Tuple(Vec<Target>),
    Namespace(Arc<str>, Arc<str>),
}

/// What a macro, or a call block, takes: names, the last of them with defaults.
#[derive(Debug, Clone, Default)]
pub struct Signature {
    pub names: Vec<Arc<str>>,
    pub defaults: Vec<Expr>,
}

/// A macro's text.
#[derive(Debug)]
pub struct MacroText {
    pub name: Arc<str>,
    pub signature: Signature,
    pub body: Vec<Stmt>,
    /// Whether the body reads `varargs`, `kwargs` and `caller`: those who do not refuse such arguments.
    pub varargs: bool,
    pub kwargs: bool,
    pub caller: bool,
}

/// A loop.
#[derive(Debug)]
pub struct For {
    pub target: Target,
    pub iter: Expr,
    pub filter: Option<Expr>,
    pub body: Vec<Stmt>,
    pub otherwise: Vec<Stmt>,
    pub recursive: bool,
}

/// A block that a derived template can replace.
#[derive(Debug)]
pub struct Block {
    pub name: Arc<str>,
    pub body: Vec<Stmt>,
    pub scoped: bool,
    pub required: bool,
}

/// A choice: the first branch whose condition holds.
#[derive(Debug)]
pub struct If {
    pub branches: Vec<(Expr, Vec<Stmt>)>,
    pub otherwise: Vec<Stmt>,
}

/// A block with names of its own.
#[derive(Debug)]
pub struct With {
    pub names: Vec<(Target, Expr)>,
    pub body: Vec<Stmt>,
}

/// A statement.
#[derive(Debug, Clone)]
pub enum Stmt {
    Data(Arc<str>),
    Output(Expr),
    If(Arc<If>),
    For(Arc<For>),
    Set(Target, Expr),
    SetBlock(Target, Option<Expr>, Arc<Vec<Stmt>>),
    With(Arc<With>),
    Macro(Arc<MacroText>),
    CallBlock(Arc<MacroText>, Expr),
    FilterBlock(Expr, Arc<Vec<Stmt>>),
    Block(Arc<Block>),
    Extends(Expr),
    Include { name: Expr, ignore_missing: bool, context: bool },
    Import { name: Expr, alias: Arc<str>, context: bool },
    FromImport { name: Expr, names: Vec<(Arc<str>, Arc<str>)>, context: bool },
    Do(Expr),
    Scope(Arc<Vec<Stmt>>),
    Break,
    Continue,
}
