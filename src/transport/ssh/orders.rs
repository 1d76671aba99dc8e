//! What other threads want of a session's driver: channels, and the end.

use super::stream::{Stream, Wake};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a session that nobody broke is over.
pub(super) const CLOSED: &str = "the connection was closed";

/// What a channel is for.
pub(super) enum Purpose {
    /// Runs a command.
    Exec(String),
    /// Speaks with a port that the host can reach.
    Forward(String, u16),
}

/// A channel that somebody wants.
pub(super) struct Order {
    pub(super) purpose: Purpose,
    pub(super) stream: Arc<Stream>,
}

#[derive(Default)]
struct Orders {
    queue: VecDeque<Order>,
    /// Why there will be no more channels.
    closed: Option<String>,
}

/// The driver as other threads see it.
pub(super) struct Handle {
    orders: Mutex<Orders>,
    wake: Arc<Wake>,
    alive: AtomicBool,
}

impl Handle {
    pub(super) fn new(wake: Arc<Wake>) -> Handle {
        Handle { orders: Mutex::default(), wake, alive: AtomicBool::new(true) }
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Orders a channel; the stream tells what becomes of it.
    pub(super) fn order(&self, purpose: Purpose, keep_stderr: bool) -> Arc<Stream> {
        let stream = Arc::new(Stream::new(self.wake.clone(), keep_stderr));
        let mut orders = self.lock();
        match &orders.closed {
            Some(reason) => stream.finish(Some(reason.clone())),
            None => orders.queue.push_back(Order { purpose, stream: stream.clone() }),
        }
        drop(orders);
        self.wake.wake();
        stream
    }

    /// Whether the session stands.
    pub(super) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::SeqCst)
    }

    /// Ends the session.
    pub(super) fn close(&self) {
        self.lock().closed.get_or_insert_with(|| CLOSED.to_owned());
        self.alive.store(false, Ordering::SeqCst);
        self.wake.wake();
    }

    /// The driver's wake-up.
    pub(super) fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Whether somebody ended the session.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed.is_some()
    }

    /// The next order.
    pub(super) fn next(&self) -> Option<Order> {
        self.lock().queue.pop_front()
    }

    /// Puts orders back before all others.
    pub(super) fn give_back(&self, waiting: &mut VecDeque<Order>) {
        let mut orders = self.lock();
        while let Some(order) = waiting.pop_back() {
            orders.queue.push_front(order);
        }
    }

    /// Takes no more orders, for this reason, and returns those that nobody will look at.
    pub(super) fn end(&self, reason: &str) -> VecDeque<Order> {
        self.alive.store(false, Ordering::SeqCst);
        let mut orders = self.lock();
        orders.closed = Some(reason.to_owned());
        std::mem::take(&mut orders.queue)
    }
}
