//! Templates that stand on other templates: `extends`, `block`, `include` and `import`.

use super::context::{Compiled, Context};
use super::environment::Env;
use super::object::{Callable, Entries, Object};
use crate::template::error::{Result, TemplateError};
use crate::template::scope::{Scope, Variables};
use crate::template::syntax::{Block, Stmt};
use crate::value::{Key, Value};
use indexmap::IndexMap;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// What one template file and those that it extends share while they run.
pub struct TemplateState {
    /// The template's outermost names.
    root: Rc<Env>,
    /// The blocks by name, the most derived first.
    blocks: RefCell<IndexMap<Arc<str>, Vec<Arc<Block>>>>,
    /// The template that this one extends.
    parent: RefCell<Option<Arc<Compiled>>>,
    /// Whether output counts for nothing, as it does after `extends`.
    pub(super) muted: Cell<bool>,
}

impl TemplateState {
    pub(super) fn new(root: Rc<Env>) -> TemplateState {
        TemplateState { root, blocks: RefCell::default(), parent: RefCell::default(), muted: Cell::new(false) }
    }

    fn add_blocks(&self, body: &[Stmt]) {
        for statement in body {
            match statement {
                Stmt::Block(block) => {
                    self.blocks.borrow_mut().entry(block.name.clone()).or_default().push(block.clone());
                    self.add_blocks(&block.body);
                }
                Stmt::If(parts) => {
                    parts.branches.iter().for_each(|(_, body)| self.add_blocks(body));
                    self.add_blocks(&parts.otherwise);
                }
                Stmt::For(text) => {
                    self.add_blocks(&text.body);
                    self.add_blocks(&text.otherwise);
                }
                Stmt::With(parts) => self.add_blocks(&parts.body),
                Stmt::SetBlock(_, _, body) | Stmt::FilterBlock(_, body) | Stmt::Scope(body) => self.add_blocks(body),
                Stmt::CallBlock(text, _) => self.add_blocks(&text.body),
                _ => {}
            }
        }
    }
}

/// `super()` of a block, or `self.name()`.
pub struct Super {
    state: Rc<TemplateState>,
    name: Arc<str>,
    index: usize,
    env: Rc<Env>,
}

/// An imported template.
pub struct Module {
    exports: Entries,
    /// What the template put out.
    pub(super) body: Vec<Object>,
}

impl Module {
    /// A name that the template bound; those with a leading underscore are its own.
    pub fn get(&self, name: &str) -> Option<Object> {
        self.exports.get(name).cloned()
    }
}

impl Context<'_> {
    /// Runs a whole template.
    pub(super) fn run_template(&self, body: &[Stmt], env: &Rc<Env>) -> Result<Object> {
        let mut out = Vec::new();
        self.run_parts(body, env, &mut out)?;
        self.concat(out)
    }

    fn run_parts(&self, body: &[Stmt], env: &Rc<Env>, out: &mut Vec<Object>) -> Result<()> {
        let state = Rc::new(TemplateState::new(env.clone()));
        state.add_blocks(body);
        self.bind_self(&state);
        self.run_body(body, env, out, &state)?;
        loop {
            let Some(parent) = state.parent.take() else { return Ok(()) };
            state.muted.set(false);
            if let Compiled::Body(body) = &*parent {
                self.run_body(body, env, out, &state)?;
            } else if let Compiled::Single(expr) = &*parent {
                out.push(self.evaluate(expr, env)?);
            }
        }
    }

    /// Makes `self.name()` mean the blocks.
    fn bind_self(&self, state: &Rc<TemplateState>) {
        let names: Vec<Arc<str>> = state.blocks.borrow().keys().cloned().collect();
        if names.is_empty() {
            return;
        }
        let env = &state.root;
        let blocks = names.into_iter().map(|name| {
            let block = Super { state: state.clone(), name: name.clone(), index: 0, env: env.clone() };
            (Key::Str(name), Object::Callable(Rc::new(Callable::Super(block))))
        });
        env.set(Arc::from("self"), Object::dict(blocks.collect()));
        self.session.untie_later(env.clone());
    }

    pub(super) fn extend(&self, name: &Object, state: &Rc<TemplateState>) -> Result<()> {
        if state.muted.get() {
            return Err(TemplateError::runtime("extended multiple times"));
        }
        let parent = self.load(name)?;
        if let Compiled::Body(body) = &*parent {
            state.add_blocks(body);
        }
        self.bind_self(state);
        *state.parent.borrow_mut() = Some(parent);
        state.muted.set(true);
        Ok(())
    }

    /// Runs a block: the most derived one, or what `super()` means in it.
    pub(super) fn run_block(
        &self,
        name: &Arc<str>,
        index: usize,
        env: &Rc<Env>,
        out: &mut Vec<Object>,
        state: &Rc<TemplateState>,
    ) -> Result<()> {
        let Some(block) = state.blocks.borrow().get(name).and_then(|blocks| blocks.get(index)).cloned() else {
            return Err(TemplateError::runtime(format!("there is no parent block called {}.", Object::quoted(name))));
        };
        if block.required {
            return Err(TemplateError::runtime(format!("Required block {} not found", Object::quoted(name))));
        }
        let inner = if block.scoped { env.child() } else { state.root.child() };
        let above = Super { state: state.clone(), name: name.clone(), index: index + 1, env: inner.clone() };
        inner.set(Arc::from("super"), Object::Callable(Rc::new(Callable::Super(above))));
        self.session.untie_later(inner.clone());
        let muted = state.muted.replace(false);
        let result = self.nested(|| self.run_body(&block.body, &inner, out, state));
        state.muted.set(muted);
        result.map(|_| ())
    }

    pub(super) fn call_super(&self, block: &Super) -> Result<Object> {
        let mut out = Vec::new();
        self.run_block(&block.name, block.index, &block.env, &mut out, &block.state)?;
        self.concat(out)
    }

    /// Reads a template by name.
    fn load(&self, name: &Object) -> Result<Arc<Compiled>> {
        let Some(text) = name.as_str() else {
            if let Object::Undefined(error) = name {
                return Err(error.raised());
            }
            return Err(TemplateError::runtime("a template's name must be a string"));
        };
        let mut search = self.file.as_ref().map(|file| file.search.clone()).unwrap_or_default();
        search.extend(self.search_path());
        let (path, content) =
            self.controller().read_file("templates", text, &search).map_err(TemplateError::runtime)?;
        let source = String::from_utf8(content)
            .map_err(|_| TemplateError::runtime(format!("template file {} is not UTF-8", path.display())))?;
        let syntax = self.file.as_ref().map(|file| file.syntax.clone()).unwrap_or_default();
        self.engine().compile_file(&source, &syntax).map_err(|mut error| {
            error.message = format!("{}: {}", path.display(), error.message);
            error
        })
    }

    /// The folders of `ansible_search_path`.
    pub fn search_path(&self) -> Vec<PathBuf> {
        let Some(object) = self.variable(&Arc::from("ansible_search_path")) else { return Vec::new() };
        let Ok(Value::List(items)) = self.plain(&object) else { return Vec::new() };
        items.iter().filter_map(|item| item.as_str().map(PathBuf::from)).collect()
    }

    pub(super) fn include(
        &self,
        names: &Object,
        ignore_missing: bool,
        context: bool,
        env: &Rc<Env>,
        out: &mut Vec<Object>,
    ) -> Result<()> {
        let names = if names.as_str().is_some() { vec![names.clone()] } else { self.iterate(names)? };
        let mut found = None;
        let mut refused = TemplateError::runtime("none of the templates given were found");
        for name in &names {
            match self.load(name) {
                Ok(compiled) => {
                    found = Some(compiled);
                    break;
                }
                Err(error) if matches!(error.kind, crate::template::ErrorKind::Syntax { .. }) => return Err(error),
                Err(error) => refused = error,
            }
        }
        let Some(compiled) = found else {
            return if ignore_missing { Ok(()) } else { Err(refused) };
        };
        self.nested(|| match context {
            true => self.run_included(&compiled, &env.child(), out),
            false => self.without_variables().run_included(&compiled, &Env::root(), out),
        })
    }

    fn run_included(&self, compiled: &Compiled, env: &Rc<Env>, out: &mut Vec<Object>) -> Result<()> {
        match compiled {
            Compiled::Single(expr) => out.push(self.evaluate(expr, env)?),
            Compiled::Body(body) => self.run_parts(body, env, out)?,
        }
        Ok(())
    }

    fn without_variables(&self) -> Context<'_> {
        let scope: Arc<dyn Scope> = Arc::new(Variables::default());
        let mut inner = Context::new(self.session, scope, self.span);
        inner.file = self.file.clone();
        inner
    }

    pub(super) fn import(&self, name: &Object, context: bool, env: &Rc<Env>) -> Result<Module> {
        let compiled = self.load(name)?;
        self.nested(|| {
            let mut out = Vec::new();
            let root = if context { env.child() } else { Env::root() };
            if context {
                self.run_included(&compiled, &root, &mut out)?;
            } else {
                self.without_variables().run_included(&compiled, &root, &mut out)?;
            }
            let own = root.own().into_iter().filter(|(name, _)| !name.starts_with('_') && &**name != "self");
            Ok(Module { exports: own.map(|(name, object)| (Key::Str(name), object)).collect(), body: out })
        })
    }
}
