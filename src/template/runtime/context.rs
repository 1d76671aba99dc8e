//! What a running template knows: its engine, its scope, and which templates are being rendered.

use super::environment::Env;
use super::object::{Object, blank_message};
use crate::source::Span;
use crate::template::controller::Controller;
use crate::template::engine::Engine;
use crate::template::error::{ErrorKind, Result, TemplateError};
use crate::template::options::Syntax;
use crate::template::scope::{Lazy, LazyMap, Scope};
use crate::template::stack::Stack;
use crate::template::syntax::{Expr, Stmt};
use crate::value::{Map, TemplateText, Value, VaultText};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// Templates that reach each other more deeply than this are refused.
const DEPTH: usize = 64;

/// Macros, loops and includes that call each other more deeply than this are refused.
const CALLS: usize = 400;

/// A text that has been read.
#[derive(Debug)]
pub enum Compiled {
    /// `{{ x }}` and nothing else.
    Single(Expr),
    /// Anything else.
    Body(Vec<Stmt>),
}

impl Compiled {
    pub(in crate::template) fn new(mut body: Vec<Stmt>) -> Compiled {
        match body.pop() {
            Some(Stmt::Output(expr)) if body.is_empty() => Compiled::Single(expr),
            Some(last) => {
                body.push(last);
                Compiled::Body(body)
            }
            None => Compiled::Body(body),
        }
    }
}

/// A template that is being rendered.
struct Visit {
    text: *const TemplateText,
    scope: *const (),
    name: Option<Arc<str>>,
}

/// One call into the engine, however many templates it renders.
pub struct Session<'e> {
    pub engine: &'e Engine,
    visits: RefCell<Vec<Visit>>,
    /// How deeply macros, loops and includes are nested.
    depth: Cell<usize>,
    stack: Stack,
    /// Decrypted texts by their address, with their envelopes: some filters give those back.
    vaulted: RefCell<HashMap<*const u8, (Arc<str>, Arc<VaultText>)>>,
    /// Names that hold macros which hold them.
    tied: RefCell<Vec<Rc<Env>>>,
}

impl<'e> Session<'e> {
    pub fn new(engine: &'e Engine) -> Session<'e> {
        Session {
            engine,
            visits: RefCell::default(),
            depth: Cell::new(0),
            stack: Stack::here(),
            vaulted: RefCell::default(),
            tied: RefCell::default(),
        }
    }

    /// Forgets these names when the session ends, so that nothing keeps itself alive.
    pub(super) fn untie_later(&self, env: Rc<Env>) {
        self.tied.borrow_mut().push(env);
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        for env in self.tied.take() {
            env.clear();
        }
    }
}

/// What `include` and `import` need of the template file that they stand in.
#[derive(Default)]
pub struct FileState {
    pub syntax: Syntax,
    pub search: Vec<PathBuf>,
}

/// What a running template knows. Filters, tests and lookups get it.
pub struct Context<'s> {
    pub session: &'s Session<'s>,
    pub scope: Arc<dyn Scope>,
    /// The place of the template that runs.
    pub span: Option<Span>,
    /// Whether string constants that look like templates are rendered, as in conditions.
    pub embedded: Cell<bool>,
    pub file: Option<Rc<FileState>>,
    /// `template` or `expression`, for messages.
    pub what: &'static str,
    /// The loop that `loop` belongs to, for lookups that want it; and the variable being read.
    pub(super) reading: RefCell<Option<Arc<str>>>,
}

impl<'s> Context<'s> {
    pub fn new(session: &'s Session<'s>, scope: Arc<dyn Scope>, span: Option<Span>) -> Context<'s> {
        Context {
            session,
            scope,
            span,
            embedded: Cell::new(false),
            file: None,
            what: "template",
            reading: RefCell::default(),
        }
    }

    pub fn engine(&self) -> &Engine {
        self.session.engine
    }

    pub fn controller(&self) -> &dyn Controller {
        self.session.engine.controller()
    }

    /// The same, in another scope.
    pub fn in_scope(&self, scope: Arc<dyn Scope>) -> Context<'s> {
        Context::new(self.session, scope, self.span)
    }

    /// Counts a nested call; refuses endless recursion.
    pub fn nested<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let depth = self.session.depth.get() + 1;
        if depth > CALLS {
            return Err(too_deep());
        }
        self.check_stack()?;
        self.session.depth.set(depth);
        let result = run();
        self.session.depth.set(depth - 1);
        result
    }

    /// Refuses what would exhaust the stack.
    pub fn check_stack(&self) -> Result<()> {
        if self.session.stack.has_room() { Ok(()) } else { Err(too_deep()) }
    }

    /// An undefined object.
    pub fn undefined(&self, name: &str, message: String) -> Object {
        let kind = ErrorKind::Undefined { name: name.to_owned() };
        Object::failed(TemplateError::new(kind, message).at(self.span))
    }

    /// Renders a template of a scope. An error is raised only when the result is used.
    pub fn render_text(&self, text: &Arc<TemplateText>, scope: &Arc<dyn Scope>) -> Object {
        match self.try_render_text(text, scope) {
            Ok(object) => object,
            Err(error) => Object::failed(error.at(text.span)),
        }
    }

    fn try_render_text(&self, text: &Arc<TemplateText>, scope: &Arc<dyn Scope>) -> Result<Object> {
        let identity = (Arc::as_ptr(text), Arc::as_ptr(scope).cast::<()>());
        {
            let mut visits = self.session.visits.borrow_mut();
            if let Some(first) = visits.iter().position(|visit| (visit.text, visit.scope) == identity) {
                return Err(cycle(&visits[first..]));
            }
            if visits.len() >= DEPTH {
                return Err(cycle(&visits[..]));
            }
            self.check_stack()?;
            let name = self.reading.borrow_mut().take();
            visits.push(Visit { text: identity.0, scope: identity.1, name });
        }
        let inner = Context::new(self.session, scope.clone(), text.span);
        let result = self.session.engine.compile(text).and_then(|compiled| inner.run(&compiled, &text.text));
        self.session.visits.borrow_mut().pop();
        result
    }

    /// Runs a template that has been read; trailing newlines of a text result are those of `source`.
    pub fn run(&self, compiled: &Compiled, source: &str) -> Result<Object> {
        let result = match compiled {
            Compiled::Single(expr) => self.evaluate(expr, &Env::root()),
            Compiled::Body(body) => self.run_template(body, &Env::root()),
        };
        match result {
            Ok(Object::Undefined(error)) if error.kind == ErrorKind::Runtime => {
                Ok(Object::failed(error.raised().while_rendering(self.what)))
            }
            Ok(object) => Ok(restore_newlines(object, source, "\n")),
            Err(error) => Err(error.while_rendering(self.what)),
        }
    }

    /// Decrypts.
    pub fn decrypt(&self, vault: &Arc<VaultText>) -> Object {
        match self.controller().decrypt(&vault.envelope) {
            Ok(text) => {
                let text: Arc<str> = Arc::from(text);
                let entry = (text.clone(), vault.clone());
                self.session.vaulted.borrow_mut().insert(text.as_ptr(), entry);
                Object::Value(Value::Str(text))
            }
            Err(message) => Object::failed(
                TemplateError::new(ErrorKind::Vault, format!("Attempt to use undecryptable variable: {message}"))
                    .at(vault.span.or(self.span)),
            ),
        }
    }

    /// The envelope that a text was decrypted from in this session.
    pub fn envelope(&self, text: &Arc<str>) -> Option<Arc<VaultText>> {
        self.session.vaulted.borrow().get(&text.as_ptr()).map(|(_, vault)| vault.clone())
    }

    /// A value of a scope: text is rendered now, the parts of containers when they are reached.
    pub fn lift(&self, value: &Value, scope: &Arc<dyn Scope>) -> Object {
        match value {
            Value::Template(text) if text.verbatim => Object::Value(Value::Str(text.text.clone())),
            Value::Template(text) => self.render_text(text, scope),
            Value::Vault(vault) => self.decrypt(vault),
            Value::List(_) | Value::Map(_) => Object::Lazy(value.clone(), scope.clone()),
            plain => Object::Value(plain.clone()),
        }
    }

    /// An entry of a map that is found on demand.
    pub fn lift_lazy(&self, lazy: Lazy, scope: &Arc<dyn Scope>) -> Object {
        match lazy {
            Lazy::Value(value, own) => self.lift(&value, own.as_ref().unwrap_or(scope)),
            Lazy::Map(map) => Object::Map(map, scope.clone()),
        }
    }

    /// The variable of that name, without the names that the template binds.
    pub fn variable(&self, name: &Arc<str>) -> Option<Object> {
        if let Some(map) = self.scope.object(name) {
            return Some(Object::Map(map, self.scope.clone()));
        }
        let value = self.scope.get(name)?;
        if matches!(value, Value::Template(_)) {
            *self.reading.borrow_mut() = Some(name.clone());
        }
        Some(self.lift(&value, &self.scope))
    }

    /// The object as data: everything rendered, undefined parts raised, omitted entries left out.
    pub fn plain(&self, object: &Object) -> Result<Value> {
        match object {
            Object::Value(value) => Ok(value.clone()),
            Object::Lazy(value, scope) => self.plain_value(value, scope),
            Object::List(items) => {
                let items = items.borrow().clone();
                self.plain_items(&items)
            }
            Object::Tuple(items) => self.plain_items(items),
            Object::Dict(entries) | Object::Namespace(entries) => {
                let entries = entries.borrow().clone();
                let mut out = Map::with_capacity(entries.len());
                for (key, object) in entries {
                    if !matches!(object, Object::Omit) {
                        out.insert(key, self.plain(&object)?);
                    }
                }
                Ok(Value::map(out))
            }
            Object::Map(map, scope) => self.plain_map(map, scope),
            Object::Undefined(error) => Err(error.raised()),
            Object::Blank(line) => {
                let kind = ErrorKind::Undefined { name: String::new() };
                Err(TemplateError::new(kind, blank_message(*line)).at(self.span))
            }
            Object::Omit => Err(TemplateError::new(ErrorKind::Omitted, "a required value was omitted").at(self.span)),
            Object::Range(..) => {
                Err(TemplateError::runtime("Type 'range' is unsupported for variable storage.")
                    .while_rendering(self.what))
            }
            other => Ok(Value::from(self.text(other)?)),
        }
    }

    fn plain_items(&self, items: &[Object]) -> Result<Value> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            if !matches!(item, Object::Omit) {
                out.push(self.plain(item)?);
            }
        }
        Ok(Value::list(out))
    }

    fn plain_map(&self, map: &Arc<dyn LazyMap>, scope: &Arc<dyn Scope>) -> Result<Value> {
        let mut out = Map::new();
        for key in map.keys() {
            if let Some(lazy) = map.get(&key) {
                let object = self.lift_lazy(lazy, scope);
                if !matches!(object, Object::Omit) {
                    out.insert(key.into(), self.plain(&object)?);
                }
            }
        }
        Ok(Value::map(out))
    }

    /// A value of a scope as data.
    pub fn plain_value(&self, value: &Value, scope: &Arc<dyn Scope>) -> Result<Value> {
        if value.is_plain() {
            return Ok(value.clone());
        }
        match value {
            Value::List(items) => {
                let mut out = Vec::with_capacity(items.len());
                for item in items.iter() {
                    if let Some(item) = self.plain_part(item, scope)? {
                        out.push(item);
                    }
                }
                Ok(Value::list(out))
            }
            Value::Map(map) => {
                let mut out = Map::with_capacity(map.len());
                for (key, item) in map.iter() {
                    if let Some(item) = self.plain_part(item, scope)? {
                        out.insert(key.clone(), item);
                    }
                }
                Ok(Value::map(out))
            }
            other => self.plain(&self.lift(other, scope)),
        }
    }

    /// One part of a container; None when it is omitted.
    fn plain_part(&self, part: &Value, scope: &Arc<dyn Scope>) -> Result<Option<Value>> {
        match part {
            Value::Template(text) if text.verbatim => Ok(Some(Value::Str(text.text.clone()))),
            Value::Template(text) => match self.render_text(text, scope) {
                Object::Omit => Ok(None),
                object => self.plain(&object).map(Some),
            },
            other => self.plain_value(other, scope).map(Some),
        }
    }
}

fn too_deep() -> Box<TemplateError> {
    TemplateError::new(ErrorKind::Cycle, "Recursive loop detected in template: nested too deeply")
}

fn cycle(visits: &[Visit]) -> Box<TemplateError> {
    let names: Vec<&str> = visits.iter().filter_map(|visit| visit.name.as_deref()).collect();
    let mut message = "Recursive loop detected in template".to_owned();
    if let Some(first) = names.first() {
        message.push_str(&format!(": {} -> {first}", names.join(" -> ")));
    }
    TemplateError::new(ErrorKind::Cycle, message)
}

/// Gives a text result as many newlines at its end as its template has.
pub fn restore_newlines(object: Object, source: &str, newline: &str) -> Object {
    if !source.ends_with('\n') {
        return object;
    }
    let Some(text) = object.as_str() else { return object };
    let count = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let missing = count(source).saturating_sub(count(text));
    if missing == 0 {
        return object;
    }
    Object::str(format!("{text}{}", newline.repeat(missing)))
}
