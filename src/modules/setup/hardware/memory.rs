//! Memory and swap in MiB, from /proc/meminfo.

use crate::module::Host;
use crate::modules::setup::files;
use crate::value::{Map, Value};

/// `memtotal_mb` and friends, and `memory_mb`.
pub fn facts(host: &dyn Host) -> Map {
    let text = files::text(host, "/proc/meminfo").unwrap_or_default();
    let mb = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<i64>().ok()).map(|kib| kib / 1024)
    };
    let (Some(total), Some(free)) = (mb("MemTotal"), mb("MemFree")) else { return Map::new() };
    let cache = mb("Cached").unwrap_or(0) + mb("Buffers").unwrap_or(0);
    let (swap, swap_free) = (mb("SwapTotal").unwrap_or(0), mb("SwapFree").unwrap_or(0));
    let real = Value::from([("total", total), ("used", total - free), ("free", free)]);
    let nocache = Value::from([("free", free + cache), ("used", total - free - cache)]);
    let swaps =
        [("total", swap), ("free", swap_free), ("used", swap - swap_free), ("cached", mb("SwapCached").unwrap_or(0))];
    Map::from([
        ("memtotal_mb".into(), Value::from(total)),
        ("memfree_mb".into(), Value::from(free)),
        ("swaptotal_mb".into(), Value::from(swap)),
        ("swapfree_mb".into(), Value::from(swap_free)),
        ("memory_mb".into(), Value::from([("real", real), ("nocache", nocache), ("swap", Value::from(swaps))])),
    ])
}
