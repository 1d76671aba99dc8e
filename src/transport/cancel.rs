//! Cancellation: a flag that many threads share, that can be waited for and that runs callbacks.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

type Callback = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    cancelled: bool,
    next: u64,
    callbacks: BTreeMap<u64, Callback>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    // Keeps the registration in the parent for as long as anyone holds this token.
    parent: Mutex<Option<CancelGuard>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells running work to end. Clones are the same token. Once cancelled it stays so.
#[derive(Clone, Default)]
pub struct CancelToken {
    shared: Arc<Shared>,
}

/// Takes its callback back when dropped.
#[must_use = "the callback is taken back when the guard is dropped"]
pub struct CancelGuard {
    shared: Weak<Shared>,
    number: u64,
}

impl CancelToken {
    /// A token that nobody has cancelled.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// A token that is cancelled with this one, and can be cancelled alone.
    pub fn child(&self) -> CancelToken {
        let child = CancelToken::new();
        let weak = Arc::downgrade(&child.shared);
        let guard = self.on_cancel(move || {
            if let Some(shared) = weak.upgrade() {
                CancelToken { shared }.cancel();
            }
        });
        *child.shared.parent.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        child
    }

    /// Cancels: wakes every waiter and runs every callback, on this thread.
    pub fn cancel(&self) {
        let callbacks = {
            let mut state = self.shared.lock();
            state.cancelled = true;
            std::mem::take(&mut state.callbacks)
        };
        self.shared.changed.notify_all();
        callbacks.into_values().for_each(|callback| callback());
    }

    /// Whether it is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.shared.lock().cancelled
    }

    /// Waits until it is cancelled or the time is over. True when cancelled.
    pub fn wait(&self, time: Duration) -> bool {
        let Some(end) = Instant::now().checked_add(time) else {
            return self.wait(Duration::from_secs(u64::from(u32::MAX)));
        };
        let mut state = self.shared.lock();
        while !state.cancelled {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.cancelled
    }

    /// Runs `callback` when it is cancelled, at once if it is already. The callback must be short:
    /// it kills a process group, writes to a pipe, or shuts a socket down.
    pub fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) -> CancelGuard {
        let mut state = self.shared.lock();
        if state.cancelled {
            drop(state);
            callback();
            return CancelGuard { shared: Weak::new(), number: 0 };
        }
        state.next += 1;
        let number = state.next;
        state.callbacks.insert(number, Box::new(callback));
        CancelGuard { shared: Arc::downgrade(&self.shared), number }
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            let taken = shared.lock().callbacks.remove(&self.number);
            drop(taken);
        }
    }
}

impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CancelToken({})", self.is_cancelled())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn callbacks_run_once_and_can_be_taken_back() {
        let token = CancelToken::new();
        let count = Arc::new(AtomicU32::new(0));
        let add = |n: u32| {
            let count = count.clone();
            move || {
                count.fetch_add(n, Ordering::SeqCst);
            }
        };
        let kept = token.on_cancel(add(1));
        drop(token.on_cancel(add(10)));
        token.cancel();
        token.cancel();
        drop(token.on_cancel(add(100)));
        drop(kept);
        assert_eq!(count.load(Ordering::SeqCst), 101);
        assert!(token.wait(Duration::from_secs(1000)));
    }

    #[test]
    fn a_child_follows_its_parent_only() {
        let parent = CancelToken::new();
        let (alone, other) = (parent.child(), parent.child());
        alone.cancel();
        assert!(!parent.is_cancelled() && !other.is_cancelled());
        parent.cancel();
        assert!(other.is_cancelled());
    }
}
