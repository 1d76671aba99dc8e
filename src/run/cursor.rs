//! Where one host stands in one strand: a stack of lists with blocks' bodies, rescues and always parts.

use crate::playbook::{Block, BlockKind, Fork, Item, Task};
use std::sync::Arc;

/// Which part of a block a frame walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A strand's own list, or what an include brought in.
    List,
    /// The handlers; a handler that was not notified is passed over.
    Handlers,
    Body,
    Rescue,
    /// With whether the block has failed.
    Always(bool),
}

impl Part {
    /// Parts of a block come in this order in the file.
    fn rank(self) -> u32 {
        match self {
            Part::List | Part::Handlers | Part::Body => 0,
            Part::Rescue => 1,
            Part::Always(_) => 2,
        }
    }
}

#[derive(Debug, Clone)]
struct Frame {
    items: Arc<[Item]>,
    index: usize,
    part: Part,
    block: Option<Arc<Block>>,
}

/// What a cursor points at.
#[derive(Debug, Clone)]
pub(super) enum Leaf {
    Task(Arc<Task>),
    Fork(Arc<Fork>),
}

/// What passing over the tree showed.
#[derive(Debug, Clone)]
pub(super) enum Passed {
    /// A block, role or file is done.
    Block(Arc<Block>),
}

/// How a failure was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failing {
    /// A rescue will take care of it.
    Rescued,
    /// `always` parts remain, then the host has failed.
    AlwaysLeft,
    /// The host has failed.
    Dead,
}

/// Decides about items that a cursor comes to.
pub(super) trait Gate {
    /// Whether a handler runs on this host.
    fn notified(&self, handler: &Task) -> bool;
    /// Whether a role has run on this host already and must not again.
    fn role_done(&self, block: &Block) -> bool;
}

/// Where one host stands.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    frames: Vec<Frame>,
    leaf: Option<Leaf>,
    key: Vec<u32>,
    /// The host has failed here, and no rescue took care of it.
    pub failed: bool,
}

impl Cursor {
    pub fn new(items: Arc<[Item]>) -> Cursor {
        let frame = Frame { items, index: 0, part: Part::List, block: None };
        Cursor { frames: vec![frame], leaf: None, key: Vec::new(), failed: false }
    }

    pub fn leaf(&self) -> Option<&Leaf> {
        self.leaf.as_ref()
    }

    /// Comparable between hosts of one strand: smaller comes first in the file.
    pub fn key(&self) -> &[u32] {
        &self.key
    }

    pub fn is_done(&self) -> bool {
        self.leaf.is_none() && self.frames.is_empty()
    }

    /// Whether the leaf is inside handlers that are being flushed.
    pub fn in_handlers(&self) -> bool {
        self.frames.iter().any(|frame| frame.part == Part::Handlers)
    }

    /// Finds the next leaf from here; blocks that are done on the way are given to `passed`.
    pub fn settle(&mut self, gate: &dyn Gate, passed: &mut Vec<Passed>) {
        if self.leaf.is_some() {
            return;
        }
        while let Some(frame) = self.frames.last_mut() {
            let Some(item) = frame.items.get(frame.index).cloned() else {
                self.leave(passed);
                continue;
            };
            match item {
                Item::Gap => frame.index += 1,
                Item::Task(task) if frame.part == Part::Handlers && !gate.notified(&task) => frame.index += 1,
                Item::Task(task) => {
                    self.leaf = Some(Leaf::Task(task));
                    break;
                }
                Item::Fork(fork) => {
                    self.leaf = Some(Leaf::Fork(fork));
                    break;
                }
                Item::Block(block) => {
                    frame.index += 1;
                    if gate.role_done(&block) {
                        passed.push(Passed::Block(block));
                        continue;
                    }
                    let items = block.body.clone();
                    self.frames.push(Frame { items, index: 0, part: Part::Body, block: Some(block) });
                }
            }
        }
        self.key.clear();
        let top = self.frames.len().saturating_sub(1);
        for (depth, frame) in self.frames.iter().enumerate() {
            // Below the top, the index is behind the block that the frame above walks.
            let index = if depth == top { frame.index } else { frame.index.saturating_sub(1) };
            self.key.push((frame.part.rank() << 24) | index as u32);
        }
    }

    /// The end of a frame's list.
    fn leave(&mut self, passed: &mut Vec<Passed>) {
        let Some(frame) = self.frames.pop() else { return };
        let Some(block) = frame.block else { return };
        match frame.part {
            Part::Body | Part::Rescue if !block.always.is_empty() => {
                let items = block.always.clone();
                self.frames.push(Frame { items, index: 0, part: Part::Always(false), block: Some(block) });
            }
            Part::Always(true) => {
                self.unwind();
            }
            _ => passed.push(Passed::Block(block)),
        }
    }

    /// Goes on behind the leaf.
    pub fn advance(&mut self) {
        self.leaf = None;
        if let Some(frame) = self.frames.last_mut() {
            frame.index += 1;
        }
    }

    /// Goes on behind the leaf with what an include brought in.
    pub fn include(&mut self, items: Arc<[Item]>) {
        self.advance_into(Frame { items, index: 0, part: Part::List, block: None });
    }

    /// Goes on behind the leaf with the notified handlers.
    pub fn flush(&mut self, handlers: Arc<[Item]>) {
        self.advance_into(Frame { items: handlers, index: 0, part: Part::Handlers, block: None });
    }

    /// The frame stands before what follows the leaf, and sorts there: index counts are those of the leaf's place.
    fn advance_into(&mut self, frame: Frame) {
        self.advance();
        self.frames.push(frame);
    }

    /// The leaf failed: to the nearest rescue, or through `always` parts to the end.
    pub fn fail(&mut self) -> Failing {
        self.leaf = None;
        self.unwind()
    }

    fn unwind(&mut self) -> Failing {
        while let Some(frame) = self.frames.pop() {
            let Some(block) = frame.block else { continue };
            match frame.part {
                Part::Body if !block.rescue.is_empty() => {
                    let items = block.rescue.clone();
                    self.frames.push(Frame { items, index: 0, part: Part::Rescue, block: Some(block) });
                    self.failed = false;
                    return Failing::Rescued;
                }
                Part::Body | Part::Rescue if !block.always.is_empty() => {
                    let items = block.always.clone();
                    self.frames.push(Frame { items, index: 0, part: Part::Always(true), block: Some(block) });
                    self.failed = true;
                    return Failing::AlwaysLeft;
                }
                _ => {}
            }
        }
        self.failed = true;
        Failing::Dead
    }

    /// Whether a rescue somewhere around the leaf would take care of a failure.
    pub fn has_rescue(&self) -> bool {
        self.frames
            .iter()
            .any(|frame| frame.part == Part::Body && frame.block.as_ref().is_some_and(|block| !block.rescue.is_empty()))
    }

    /// Forgets that the host has failed (`meta: clear_host_errors`): what comes next runs.
    pub fn forgive(&mut self) {
        self.failed = false;
        for frame in &mut self.frames {
            if frame.part == Part::Always(true) {
                frame.part = Part::Always(false);
            }
        }
    }

    /// Ends here, without rescue and without `always`.
    pub fn end(&mut self) {
        self.leaf = None;
        self.frames.clear();
    }

    /// Leaves the innermost role (`meta: end_role`).
    pub fn end_role(&mut self, passed: &mut Vec<Passed>) {
        self.leaf = None;
        while let Some(frame) = self.frames.pop() {
            if let Some(block) = frame.block.filter(|block| matches!(block.kind, BlockKind::Role(_))) {
                passed.push(Passed::Block(block));
                return;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;
    use crate::playbook::{Action, Attributes, Meta, NodeId};

    struct Open;
    impl Gate for Open {
        fn notified(&self, _: &Task) -> bool {
            true
        }
        fn role_done(&self, _: &Block) -> bool {
            false
        }
    }

    fn task(name: &str) -> Item {
        Item::Task(Arc::new(Task {
            id: NodeId::fresh(),
            name: Some(crate::value::Value::str(name)),
            label: None,
            span: None,
            attributes: Arc::new(Attributes::default()),
            around: Arc::default(),
            action: Action::Meta(Meta::Noop),
            looping: None,
            vars: Vec::new(),
            own_vars: Arc::default(),
            include_vars: Vec::new(),
            role: None,
            file: Arc::default(),
            handler: false,
            implicit: false,
            needs: None,
        }))
    }

    fn block(body: Vec<Item>, rescue: Vec<Item>, always: Vec<Item>) -> Item {
        Item::Block(Arc::new(Block {
            id: NodeId::fresh(),
            kind: BlockKind::Block,
            name: None,
            label: None,
            span: None,
            attributes: Arc::new(Attributes::default()),
            body: body.into(),
            rescue: rescue.into(),
            always: always.into(),
            needs: None,
            vars: Arc::default(),
        }))
    }

    /// Walks with the tasks named in `failing` failing; gives the names and whether the host failed.
    fn walk(items: Vec<Item>, failing: &[&str]) -> (Vec<String>, bool) {
        let mut cursor = Cursor::new(items.into());
        let mut names = Vec::new();
        loop {
            cursor.settle(&Open, &mut Vec::new());
            let Some(Leaf::Task(task)) = cursor.leaf().cloned() else { return (names, cursor.failed) };
            let name = task.display_name();
            match failing.contains(&name.as_str()) {
                true => {
                    cursor.fail();
                }
                false => cursor.advance(),
            }
            names.push(name);
            assert!(names.len() < 50, "the cursor does not end");
        }
    }

    #[test]
    fn rescue_and_always() {
        let tree = || vec![block(vec![task("a"), task("b")], vec![task("r")], vec![task("z")]), task("after")];
        assert_eq!(walk(tree(), &[]), (vec!["a".into(), "b".into(), "z".into(), "after".into()], false));
        assert_eq!(walk(tree(), &["a"]), (vec!["a".into(), "r".into(), "z".into(), "after".into()], false));
        assert_eq!(walk(tree(), &["a", "r"]), (vec!["a".into(), "r".into(), "z".into()], true));
    }

    #[test]
    fn what_is_inside_a_block_comes_before_what_follows_it() {
        let tree: Arc<[Item]> = vec![block(vec![task("a")], vec![task("r")], vec![]), task("after")].into();
        let key = |fail: bool, steps: usize| {
            let mut cursor = Cursor::new(tree.clone());
            cursor.settle(&Open, &mut Vec::new());
            for _ in 0..steps {
                if fail {
                    cursor.fail();
                } else {
                    cursor.advance();
                }
                cursor.settle(&Open, &mut Vec::new());
            }
            cursor.key().to_vec()
        };
        assert!(key(false, 0) < key(true, 1), "a body comes before its rescue");
        assert!(key(true, 1) < key(false, 1), "a rescue comes before what follows the block");
    }

    #[test]
    fn an_outer_rescue_takes_an_inner_failure() {
        let inner = block(vec![task("a")], vec![], vec![task("z")]);
        let tree = vec![block(vec![inner, task("no")], vec![task("r")], vec![]), task("after")];
        let (names, _) = walk(tree, &["a"]);
        assert_eq!(names, ["a", "z", "r", "after"]);
    }
}
