//! Processors, memory, firmware, devices and mounts.

mod cpu;
mod devices;
mod firmware;
mod lvm;
mod memory;
mod mounts;

use super::files;
use crate::module::Host;
use crate::value::{Map, Value};
use std::time::Duration;

/// All facts of the hardware. `patience` is for network file systems that do not answer.
pub fn facts(host: &dyn Host, patience: Duration) -> Map {
    let mut facts = cpu::facts(host);
    facts.extend(memory::facts(host));
    facts.extend(firmware::facts(host));
    facts.extend(devices::facts(host));
    facts.insert("mounts".into(), mounts::facts(host, patience));
    facts.insert("lvm".into(), lvm::facts(host));
    if let Some(uptime) =
        files::word(host, "/proc/uptime").and_then(|text| text.split(['.', ' ']).next()?.parse::<i64>().ok())
    {
        facts.insert("uptime_seconds".into(), Value::from(uptime));
    }
    facts
}

/// Load averages.
pub fn load(host: &dyn Host) -> Map {
    let text = files::text(host, "/proc/loadavg").unwrap_or_default();
    let numbers = text.split(' ').map_while(|word| word.parse::<f64>().ok());
    ["1m", "5m", "15m"].iter().zip(numbers).map(|(name, load)| ((*name).into(), Value::Float(load))).collect()
}
