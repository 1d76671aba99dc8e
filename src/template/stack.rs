//! How deep is too deep: counted in bytes of the stack, so that no template can exhaust it.

/// How much of the stack one call into the engine may take. Threads have at least twice as much.
const LIMIT: usize = 1 << 20;

/// Where the stack was when the engine was called.
#[derive(Debug, Clone, Copy)]
pub struct Stack(usize);

impl Stack {
    /// Starts counting here.
    pub fn here() -> Stack {
        Stack(address())
    }

    /// Whether there is room for more.
    pub fn has_room(self) -> bool {
        self.0.abs_diff(address()) < LIMIT
    }
}

/// Near enough to the top of the stack.
#[inline(never)]
fn address() -> usize {
    let mark = 0u8;
    std::hint::black_box(&raw const mark) as usize
}
