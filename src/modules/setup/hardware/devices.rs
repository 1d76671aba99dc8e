//! Block devices, from /sys/block and /dev/disk.

use crate::module::Host;
use crate::modules::setup::files;
use crate::value::{Key, Map, Value};
use std::collections::BTreeMap;

/// Names by device: `sda1` has these ids, labels and so on.
type Links = BTreeMap<String, Vec<String>>;

/// `devices` and `device_links`.
pub fn facts(host: &dyn Host) -> Map {
    let kinds = [("ids", "by-id"), ("uuids", "by-uuid"), ("labels", "by-label")];
    let mut links: Vec<(&str, Links)> = kinds.iter().map(|(kind, folder)| (*kind, disk_links(host, folder))).collect();
    links.push(("masters", masters(host)));
    let devices: Map = files::names(host, "/sys/block")
        .into_iter()
        .map(|name| (Key::from(name.as_str()), disk(host, &name, &links)))
        .collect();
    let shown: Map = links.iter().map(|(kind, links)| (Key::from(*kind), to_value(links))).collect();
    Map::from([("devices".into(), Value::map(devices)), ("device_links".into(), Value::map(shown))])
}

/// The UUIDs of file systems, by device name.
pub fn uuids(host: &dyn Host) -> Links {
    disk_links(host, "by-uuid")
}

fn disk_links(host: &dyn Host, folder: &str) -> Links {
    let folder = format!("/dev/disk/{folder}");
    let mut links = Links::new();
    for name in files::names(host, &folder) {
        if let Some(device) = files::link_name(host, format!("{folder}/{name}")) {
            links.entry(device).or_default().push(name);
        }
    }
    links
}

/// Devices that are built from a device.
fn masters(host: &dyn Host) -> Links {
    let mut links = Links::new();
    for name in files::names(host, "/sys/block") {
        for part in files::names(host, format!("/sys/block/{name}/slaves")) {
            links.entry(part).or_default().push(name.clone());
        }
    }
    links
}

fn to_value(links: &Links) -> Value {
    Value::map(links.iter().map(|(device, names)| (Key::from(device.as_str()), Value::from(names.clone()))).collect())
}

fn links_of(links: &[(&str, Links)], name: &str) -> Value {
    let of = |links: &Links| Value::from(links.get(name).cloned().unwrap_or_default());
    Value::map(links.iter().map(|(kind, links)| (Key::from(*kind), of(links))).collect())
}

fn disk(host: &dyn Host, name: &str, links: &[(&str, Links)]) -> Value {
    let folder = format!("/sys/block/{name}");
    let word = |file: &str| files::word(host, format!("{folder}/{file}"));
    let sector_size = word("queue/logical_block_size").or_else(|| word("queue/hw_sector_size")).unwrap_or("512".into());
    let scheduler = word("queue/scheduler").unwrap_or_default();
    let mode = scheduler.split_once('[').and_then(|(_, rest)| rest.split(']').next()).unwrap_or_default();
    let names = files::names(host, &folder);
    let is_part = |part: &&String| part.starts_with(name) && files::exists(host, format!("{folder}/{part}/start"));
    let parts: Map = names
        .iter()
        .filter(is_part)
        .map(|part| (Key::from(part.as_str()), partition(host, &folder, part, links)))
        .collect();
    let mut facts = Map::from([
        ("virtual".into(), Value::Int(1)),
        ("links".into(), links_of(links, name)),
        ("vendor".into(), Value::from(word("device/vendor"))),
        ("model".into(), Value::from(word("device/model"))),
        ("sas_address".into(), Value::from(word("device/sas_address"))),
        ("sas_device_handle".into(), Value::from(word("device/sas_device_handle"))),
        ("removable".into(), Value::from(word("removable"))),
        ("support_discard".into(), Value::from(word("queue/discard_granularity"))),
        ("partitions".into(), Value::map(parts)),
        ("rotational".into(), Value::from(word("queue/rotational"))),
        ("scheduler_mode".into(), Value::str(mode)),
        ("sectors".into(), Value::from(sectors(word("size")))),
        ("sectorsize".into(), Value::from(sector_size)),
        ("size".into(), Value::from(human(sectors(word("size"))))),
        ("host".into(), Value::str("")),
        ("holders".into(), holders(host, &folder)),
    ]);
    // Ansible has the serial number from sg_inq, where that is installed.
    let serial = host.which("sg_inq").and_then(|_| word("device/serial").or_else(|| word("serial")));
    facts.extend(serial.map(|serial| (Key::from("serial"), Value::from(serial))));
    Value::map(facts)
}

fn partition(host: &dyn Host, folder: &str, name: &str, links: &[(&str, Links)]) -> Value {
    let folder = format!("{folder}/{name}");
    let word = |file: &str| files::word(host, format!("{folder}/{file}"));
    let uuid = links.iter().find(|(kind, _)| *kind == "uuids").and_then(|(_, links)| links.get(name)?.first().cloned());
    Value::from([
        ("links", links_of(links, name)),
        ("start", Value::from(word("start"))),
        ("sectors", Value::from(sectors(word("size")))),
        ("sectorsize", Value::Int(512)),
        ("size", Value::from(human(sectors(word("size"))))),
        ("uuid", Value::from(uuid)),
        ("holders", holders(host, &folder)),
    ])
}

/// Sectors of 512 bytes; the kernel counts in these whatever the device's own size is.
fn sectors(text: Option<String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What is built on a device; a mapped device by its mapped name.
fn holders(host: &dyn Host, folder: &str) -> Value {
    let name =
        |holder: &String| files::word(host, format!("/sys/block/{holder}/dm/name")).unwrap_or_else(|| holder.clone());
    Value::from(files::names(host, format!("{folder}/holders")).iter().map(name).collect::<Vec<_>>())
}

/// A size as Ansible writes it.
fn human(sectors: u64) -> String {
    let bytes = sectors as f64 * 512.0;
    let units = ["ZB", "EB", "PB", "TB", "GB", "MB", "KB"];
    for (power, unit) in (1..=7).rev().zip(units) {
        let limit = 1024_f64.powi(power);
        if bytes >= limit {
            return format!("{:.2} {unit}", bytes / limit);
        }
    }
    format!("{bytes:.2} Bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(human(536_870_912), "256.00 GB");
        assert_eq!(human(0), "0.00 Bytes");
        assert_eq!(human(3), "1.50 KB");
    }
}
