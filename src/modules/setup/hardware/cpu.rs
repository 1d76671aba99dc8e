//! Processors, from /proc/cpuinfo.

use crate::module::Host;
use crate::modules::setup::{files, kernel};
use crate::value::{Map, Value};
use indexmap::IndexMap;

/// Names, counts and flags of the processors.
pub fn facts(host: &dyn Host) -> Map {
    let text = files::text(host, "/proc/cpuinfo").unwrap_or_default();
    let machine = kernel::uname().machine;
    let mut facts = counts(&text, &machine);
    facts.insert("processor_nproc".into(), Value::from(kernel::usable_processors()));
    facts
}

fn counts(text: &str, machine: &str) -> Map {
    let mut named = Vec::new();
    let mut processors = 0_i64;
    // By physical id: cores of a socket; by core id: threads of a socket.
    let mut sockets: IndexMap<String, i64> = IndexMap::new();
    let mut siblings: IndexMap<String, i64> = IndexMap::new();
    let (mut socket, mut core) = (String::new(), String::new());
    let mut flags: Option<Vec<Value>> = None;
    for line in text.lines() {
        let (name, value) = line.split_once(':').map_or((line.trim(), ""), |(name, value)| (name.trim(), value.trim()));
        match name {
            "processor" => {
                processors += 1;
                named.push(Value::str(value));
            }
            "model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" => named.push(Value::str(value)),
            "physical id" => {
                socket = value.to_owned();
                sockets.entry(socket.clone()).or_insert(1);
            }
            "core id" => {
                core = value.to_owned();
                siblings.entry(core.clone()).or_insert(1);
            }
            "cpu cores" => {
                sockets.insert(socket.clone(), value.parse().unwrap_or(1));
            }
            "siblings" => {
                siblings.insert(core.clone(), value.parse().unwrap_or(1));
            }
            "flags" | "Features" if flags.is_none() => flags = Some(value.split_whitespace().map(Value::str).collect()),
            _ => {}
        }
    }
    let is_x86 = machine.starts_with('x') || machine.starts_with('i');
    if !is_x86 {
        sockets.clear();
        siblings.clear();
    }
    let count = if sockets.is_empty() { processors } else { sockets.len() as i64 };
    let cores = sockets.values().next().copied().unwrap_or(1).max(1);
    let threads = siblings.values().next().copied().unwrap_or(1) / cores;
    let mut facts = Map::from([
        ("processor".into(), Value::list(named)),
        ("processor_count".into(), Value::from(count)),
        ("processor_cores".into(), Value::from(cores)),
        ("processor_threads_per_core".into(), Value::from(threads)),
        ("processor_vcpus".into(), Value::from(threads * count * cores)),
    ]);
    if let Some(flags) = flags {
        facts.insert("flags".into(), Value::list(flags));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sockets_with_threads() {
        let processor = |id, socket, core| {
            format!(
                "processor\t: {id}\nvendor_id\t: V\nmodel name\t: M\nphysical id\t: {socket}\nsiblings\t: 4\ncore id\t\t: {core}\ncpu cores\t: 2\nflags\t: fpu sse\n\n"
            )
        };
        let text: String = (0..8).map(|id| processor(id, id / 4, id % 2)).collect();
        let facts = counts(&text, "x86_64");
        let number = |name: &str| facts.get(name).and_then(Value::as_int);
        assert_eq!(number("processor_count"), Some(2));
        assert_eq!(number("processor_cores"), Some(2));
        assert_eq!(number("processor_threads_per_core"), Some(2));
        assert_eq!(number("processor_vcpus"), Some(8));
        assert_eq!(facts.get("flags"), Some(&Value::from(vec!["fpu", "sse"])));
        assert_eq!(facts.get("processor").and_then(Value::as_list).map(<[Value]>::len), Some(24));
    }
}
