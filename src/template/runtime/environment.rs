//! The names that a template itself binds.

use super::object::Object;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// One block's names, over those around it.
#[derive(Default)]
pub struct Env {
    names: RefCell<Vec<(Arc<str>, Object)>>,
    parent: Option<Rc<Env>>,
}

impl Env {
    /// No names.
    pub fn root() -> Rc<Env> {
        Rc::new(Env::default())
    }

    /// A block inside this one.
    pub fn child(self: &Rc<Env>) -> Rc<Env> {
        Rc::new(Env { names: RefCell::default(), parent: Some(self.clone()) })
    }

    /// The innermost object of that name.
    pub fn get(&self, name: &str) -> Option<Object> {
        let mut env = self;
        loop {
            if let Some((_, object)) = env.names.borrow().iter().rev().find(|(known, _)| &**known == name) {
                return Some(object.clone());
            }
            env = env.parent.as_deref()?;
        }
    }

    /// Binds a name in this block.
    pub fn set(&self, name: Arc<str>, object: Object) {
        let mut names = self.names.borrow_mut();
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = object,
            None => names.push((name, object)),
        }
    }

    /// Binds a name again where it is bound; false if it is not.
    pub fn rebind(&self, name: &str, object: Object) -> bool {
        let mut env = self;
        loop {
            if let Some(entry) = env.names.borrow_mut().iter_mut().find(|(known, _)| &**known == name) {
                entry.1 = object;
                return true;
            }
            match env.parent.as_deref() {
                Some(parent) => env = parent,
                None => return false,
            }
        }
    }

    /// This block's own names.
    pub fn own(&self) -> Vec<(Arc<str>, Object)> {
        self.names.borrow().clone()
    }

    /// Forgets this block's own names.
    pub fn clear(&self) {
        self.names.borrow_mut().clear();
    }
}
