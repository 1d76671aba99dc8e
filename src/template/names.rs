//! Which variables a template reads.

use super::runtime::Compiled;
use super::syntax::{Arguments, Expr, MacroText, Stmt, Target};
use crate::value::{Value, is_template};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The variables that a text reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamesRead {
    /// It cannot be known: `vars`, `hostvars`, a lookup by a computed name, an include.
    All,
    /// These, and what they in turn are made of.
    Names(BTreeSet<Arc<str>>),
}

impl NamesRead {
    /// No variables.
    pub fn none() -> NamesRead {
        NamesRead::Names(BTreeSet::new())
    }

    /// Both.
    pub fn union(self, other: NamesRead) -> NamesRead {
        match (self, other) {
            (NamesRead::Names(mut left), NamesRead::Names(right)) => {
                left.extend(right);
                NamesRead::Names(left)
            }
            _ => NamesRead::All,
        }
    }

    /// Whether the variable may be read.
    pub fn may_read(&self, name: &str) -> bool {
        match self {
            NamesRead::All => true,
            NamesRead::Names(names) => names.contains(name),
        }
    }
}

/// The variables that a text reads.
pub(super) fn read(compiled: &Compiled) -> NamesRead {
    let mut reader = Reader::default();
    match compiled {
        Compiled::Single(expr) => reader.expr(expr),
        Compiled::Body(body) => reader.body(body),
    }
    if reader.all { NamesRead::All } else { NamesRead::Names(reader.names) }
}

/// Calls `visit` with every name that is read anywhere in the statements, bound or not.
pub(super) fn visit_names(body: &[Stmt], visit: &mut dyn FnMut(&str)) {
    for_each_expr(body, &mut |expr| {
        if let Expr::Name(name) = expr {
            visit(name);
        }
    });
}

/// Calls `visit` with every expression in the statements, outer ones first.
pub(super) fn for_each_expr<'a>(body: &'a [Stmt], visit: &mut dyn FnMut(&'a Expr)) {
    for statement in body {
        match statement {
            Stmt::Output(expr) | Stmt::Set(_, expr) | Stmt::Extends(expr) | Stmt::Do(expr) => walk(expr, visit),
            Stmt::Include { name, .. } | Stmt::Import { name, .. } | Stmt::FromImport { name, .. } => {
                walk(name, visit);
            }
            Stmt::If(parts) => {
                for (condition, body) in &parts.branches {
                    walk(condition, visit);
                    for_each_expr(body, visit);
                }
                for_each_expr(&parts.otherwise, visit);
            }
            Stmt::For(text) => {
                walk(&text.iter, visit);
                if let Some(filter) = &text.filter {
                    walk(filter, visit);
                }
                for_each_expr(&text.body, visit);
                for_each_expr(&text.otherwise, visit);
            }
            Stmt::SetBlock(_, filter, body) => {
                if let Some(filter) = filter {
                    walk(filter, visit);
                }
                for_each_expr(body, visit);
            }
            Stmt::With(parts) => {
                parts.names.iter().for_each(|(_, expr)| walk(expr, visit));
                for_each_expr(&parts.body, visit);
            }
            Stmt::Macro(text) => walk_macro(text, visit),
            Stmt::CallBlock(text, call) => {
                walk(call, visit);
                walk_macro(text, visit);
            }
            Stmt::FilterBlock(filter, body) => {
                walk(filter, visit);
                for_each_expr(body, visit);
            }
            Stmt::Block(block) => for_each_expr(&block.body, visit),
            Stmt::Scope(body) => for_each_expr(body, visit),
            Stmt::Data(_) | Stmt::Break | Stmt::Continue => {}
        }
    }
}

fn walk_macro<'a>(text: &'a MacroText, visit: &mut dyn FnMut(&'a Expr)) {
    text.signature.defaults.iter().for_each(|expr| walk(expr, visit));
    for_each_expr(&text.body, visit);
}

/// Calls `visit` with the expression and all in it.
pub(super) fn walk<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    visit(expr);
    children(expr, &mut |child| walk(child, visit));
}

fn children<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    let arguments = |arguments: &'a Arguments, visit: &mut dyn FnMut(&'a Expr)| {
        arguments.positional.iter().for_each(&mut *visit);
        arguments.named.iter().for_each(|(_, expr)| visit(expr));
        arguments.star.iter().chain(&arguments.double_star).for_each(|expr| visit(expr));
    };
    match expr {
        Expr::Const(_) | Expr::Name(_) => {}
        Expr::List(items) | Expr::Tuple(items) | Expr::Concat(items) => items.iter().for_each(visit),
        Expr::Dict(entries) => {
            for (key, value) in entries {
                visit(key);
                visit(value);
            }
        }
        Expr::Attribute(inner, _) | Expr::Negative(inner) | Expr::Positive(inner) | Expr::Not(inner) => visit(inner),
        Expr::Item(left, right) | Expr::And(left, right) | Expr::Or(left, right) | Expr::Binary(_, left, right) => {
            visit(left);
            visit(right);
        }
        Expr::Slice(of, parts) => {
            visit(of);
            parts.iter().flatten().for_each(|part| visit(part));
        }
        Expr::Call(callee, args) => {
            visit(callee);
            arguments(args, visit);
        }
        Expr::Filter(value, _, args, _) => {
            if let Some(value) = value {
                visit(value);
            }
            arguments(args, visit);
        }
        Expr::Test(value, _, args, _) => {
            visit(value);
            arguments(args, visit);
        }
        Expr::Compare(first, rest) => {
            visit(first);
            rest.iter().for_each(|(_, expr)| visit(expr));
        }
        Expr::If(parts, _) => {
            visit(&parts.0);
            visit(&parts.1);
            if let Some(otherwise) = &parts.2 {
                visit(otherwise);
            }
        }
    }
}

/// Collects names, knowing which the template itself binds.
#[derive(Default)]
struct Reader {
    names: BTreeSet<Arc<str>>,
    bound: Vec<Arc<str>>,
    all: bool,
}

impl Reader {
    fn scoped(&mut self, read: impl FnOnce(&mut Reader)) {
        let before = self.bound.len();
        read(self);
        self.bound.truncate(before);
    }

    fn bind(&mut self, target: &Target) {
        match target {
            Target::Name(name) => self.bound.push(name.clone()),
            Target::Tuple(targets) => targets.iter().for_each(|target| self.bind(target)),
            Target::Namespace(..) => {}
        }
    }

    fn body(&mut self, body: &[Stmt]) {
        for statement in body {
            match statement {
                Stmt::Data(_) | Stmt::Break | Stmt::Continue => {}
                Stmt::Output(expr) | Stmt::Do(expr) => self.expr(expr),
                Stmt::Set(target, expr) => {
                    self.expr(expr);
                    self.bind(target);
                }
                Stmt::If(parts) => {
                    // A name that only one branch binds may still be the scope's afterwards.
                    for (condition, body) in &parts.branches {
                        self.expr(condition);
                        self.scoped(|reader| reader.body(body));
                    }
                    self.scoped(|reader| reader.body(&parts.otherwise));
                }
                Stmt::For(text) => {
                    self.expr(&text.iter);
                    self.scoped(|reader| {
                        reader.bind(&text.target);
                        if let Some(filter) = &text.filter {
                            reader.expr(filter);
                        }
                        reader.bound.push(Arc::from("loop"));
                        reader.body(&text.body);
                    });
                    self.scoped(|reader| reader.body(&text.otherwise));
                }
                Stmt::SetBlock(target, filter, body) => {
                    self.scoped(|reader| reader.body(body));
                    if let Some(filter) = filter {
                        self.expr(filter);
                    }
                    self.bind(target);
                }
                Stmt::With(parts) => {
                    parts.names.iter().for_each(|(_, expr)| self.expr(expr));
                    self.scoped(|reader| {
                        parts.names.iter().for_each(|(target, _)| reader.bind(target));
                        reader.body(&parts.body);
                    });
                }
                Stmt::Macro(text) => {
                    self.macro_text(text);
                    self.bound.push(text.name.clone());
                }
                Stmt::CallBlock(text, call) => {
                    self.expr(call);
                    self.macro_text(text);
                }
                Stmt::FilterBlock(filter, body) => {
                    self.expr(filter);
                    self.scoped(|reader| reader.body(body));
                }
                Stmt::Block(block) => self.scoped(|reader| {
                    reader.bound.push(Arc::from("super"));
                    reader.body(&block.body);
                }),
                Stmt::Scope(body) => self.scoped(|reader| reader.body(body)),
                // The other file may read anything.
                Stmt::Extends(_) | Stmt::Include { .. } | Stmt::Import { .. } | Stmt::FromImport { .. } => {
                    self.all = true;
                }
            }
        }
    }

    fn macro_text(&mut self, text: &MacroText) {
        self.scoped(|reader| {
            text.signature.defaults.iter().for_each(|expr| reader.expr(expr));
            reader.bound.extend(text.signature.names.iter().cloned());
            reader.bound.extend(["varargs", "kwargs", "caller"].map(Arc::from));
            reader.body(&text.body);
        });
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Name(name) if self.bound.contains(name) => {}
            Expr::Name(name) if matches!(&**name, "vars" | "hostvars") => self.all = true,
            Expr::Name(name) if super::functions::name(name).is_some() || &**name == "omit" => {}
            Expr::Name(name) => {
                self.names.insert(name.clone());
            }
            Expr::Const(Value::Str(text)) if is_template(text) => self.embedded(text),
            Expr::Call(callee, arguments) => {
                if let Expr::Name(name) = &**callee
                    && matches!(&**name, "lookup" | "query" | "q")
                {
                    self.lookup(arguments);
                }
                children(expr, &mut |child| self.expr(child));
            }
            other => children(other, &mut |child| self.expr(child)),
        }
    }

    /// A template in a string constant may be rendered.
    fn embedded(&mut self, text: &str) {
        let syntax = super::options::Syntax::default();
        match super::syntax::parse_template(text, &syntax) {
            Ok(body) => self.body(&body),
            Err(_) => self.all = true,
        }
    }

    /// Some lookups read variables by name.
    fn lookup(&mut self, arguments: &Arguments) {
        let mut terms = arguments.positional.iter();
        let Some(Expr::Const(Value::Str(name))) = terms.next() else {
            self.all = true;
            return;
        };
        match super::lookups::short_name(name) {
            "vars" => {
                for term in terms {
                    match term {
                        Expr::Const(Value::Str(name)) => {
                            self.names.insert(name.clone());
                        }
                        _ => self.all = true,
                    }
                }
            }
            "template" | "varnames" => self.all = true,
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::template::{Engine, NoController};

    fn names(text: &str) -> Vec<String> {
        match Engine::new(Arc::new(NoController)).names_read(text) {
            NamesRead::All => vec!["*".into()],
            NamesRead::Names(names) => names.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn names_of_the_scope_only() {
        assert_eq!(names("{{ a.b + c[d] | default(e) }}"), ["a", "c", "d", "e"]);
        assert_eq!(names("{% for x in xs %}{{ x }}{{ loop.index }}{% endfor %}{{ x }}"), ["x", "xs"]);
        assert_eq!(names("{% for x in xs %}{{ x }}{% endfor %}"), ["xs"]);
        assert_eq!(names("{% set a = b %}{{ a }}"), ["b"]);
        assert_eq!(names("{{ lookup('vars', 'z') }} {{ lookup('env', 'HOME') }}"), ["z"]);
        assert_eq!(names("{{ lookup('vars', z) }}"), ["*"]);
        assert_eq!(names("{{ lookup('file', '{{ path }}/x') }}"), ["path"]);
        assert_eq!(names("{{ hostvars['a'].b }}"), ["*"]);
    }
}
