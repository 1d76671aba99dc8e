//! `for`, and what `loop` knows.

use super::arguments::Args;
use super::blocks::TemplateState;
use super::context::Context;
use super::environment::Env;
use super::object::Object;
use super::statements::Flow;
use crate::template::error::{Result, TemplateError};
use crate::template::syntax::For;
use crate::value::Value;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// `loop`.
pub struct LoopState {
    pub items: Vec<Object>,
    pub index: Cell<usize>,
    depth: usize,
    /// What `loop.changed` saw last.
    changed: RefCell<Option<Object>>,
    /// The loop's text and the names around it, for `loop(...)`.
    recursion: Option<(Arc<For>, Rc<Env>)>,
}

impl LoopState {
    pub(super) fn attribute(&self, context: &Context<'_>, name: &str) -> Result<Option<Object>> {
        let (index, length) = (self.index.get(), self.items.len());
        let number = |number: usize| Some(Object::int(number as i64));
        Ok(match name {
            "index" => number(index + 1),
            "index0" => number(index),
            "revindex" => number(length - index),
            "revindex0" => number(length - index - 1),
            "first" => Some(Object::bool(index == 0)),
            "last" => Some(Object::bool(index + 1 == length)),
            "length" => number(length),
            "depth" => number(self.depth + 1),
            "depth0" => number(self.depth),
            "previtem" => Some(match index.checked_sub(1).and_then(|at| self.items.get(at)) {
                Some(item) => item.clone(),
                None => context.undefined("previtem", "there is no previous item".into()),
            }),
            "nextitem" => Some(match self.items.get(index + 1) {
                Some(item) => item.clone(),
                None => context.undefined("nextitem", "there is no next item".into()),
            }),
            _ => None,
        })
    }

    /// `loop.cycle(...)`.
    pub fn cycle(&self, args: &Args) -> Result<Object> {
        if args.positional.is_empty() {
            return Err(TemplateError::runtime("no items for cycling given"));
        }
        Ok(args.positional[self.index.get() % args.positional.len()].clone())
    }

    /// `loop.changed(...)`: whether the arguments differ from those of the last call.
    pub fn changed(&self, context: &Context<'_>, args: Args) -> Result<Object> {
        let now = Object::tuple(args.positional);
        let mut last = self.changed.borrow_mut();
        let same = match &*last {
            Some(last) => context.equal(last, &now)?,
            None => false,
        };
        if !same {
            *last = Some(now);
        }
        Ok(Object::bool(!same))
    }
}

impl Context<'_> {
    pub(super) fn run_for(
        &self,
        text: &Arc<For>,
        env: &Rc<Env>,
        out: &mut Vec<Object>,
        state: &Rc<TemplateState>,
    ) -> Result<()> {
        let items = self.iterate(&self.evaluate(&text.iter, env)?)?;
        self.run_loop(text, items, 0, env, out, state)
    }

    fn run_loop(
        &self,
        text: &Arc<For>,
        mut items: Vec<Object>,
        depth: usize,
        env: &Rc<Env>,
        out: &mut Vec<Object>,
        state: &Rc<TemplateState>,
    ) -> Result<()> {
        if let Some(filter) = &text.filter {
            let mut kept = Vec::new();
            for item in items {
                let inner = env.child();
                self.assign(&text.target, item.clone(), &inner)?;
                if self.truth(&self.evaluate(filter, &inner)?)? {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            self.run_body(&text.otherwise, &env.child(), out, state)?;
            return Ok(());
        }
        let recursion = text.recursive.then(|| (text.clone(), env.clone()));
        let state_of_loop =
            Rc::new(LoopState { items, index: Cell::new(0), depth, changed: RefCell::default(), recursion });
        let name: Arc<str> = Arc::from("loop");
        let mut inner = env.child();
        for index in 0..state_of_loop.items.len() {
            // A macro or include may hold on to the last round's names.
            if Rc::strong_count(&inner) > 1 {
                inner = env.child();
            } else {
                inner.clear();
            }
            state_of_loop.index.set(index);
            inner.set(name.clone(), Object::Loop(state_of_loop.clone()));
            self.assign(&text.target, state_of_loop.items[index].clone(), &inner)?;
            if let Flow::Break = self.run_body(&text.body, &inner, out, state)? {
                break;
            }
        }
        Ok(())
    }

    /// `loop(items)` in a recursive loop.
    pub(super) fn recurse(&self, state: &LoopState, args: Args) -> Result<Object> {
        let Some((text, env)) = &state.recursion else {
            return Err(TemplateError::runtime("The loop must have the 'recursive' marker to be called recursively."));
        };
        let [items] = args.bind_required(["iterable"], 1)?;
        let items = self.iterate(&items.unwrap_or(Object::NONE))?;
        self.nested(|| {
            let mut out = Vec::new();
            let template = Rc::new(TemplateState::new(env.clone()));
            self.run_loop(text, items, state.depth + 1, env, &mut out, &template)?;
            match self.concat(out)? {
                Object::Value(Value::Null) => Ok(Object::NONE),
                object => Ok(object),
            }
        })
    }
}
