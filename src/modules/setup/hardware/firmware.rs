//! What the firmware says of the machine, from /sys/devices/virtual/dmi/id.

use crate::module::Host;
use crate::modules::setup::files;
use crate::value::{Map, Value};

/// Facts and their files.
const FILES: &[(&str, &str)] = &[
    ("bios_date", "bios_date"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

/// Kinds of cases by number, from the SMBIOS specification, 7.4.1.
const FORMS: &[&str] = &[
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosing",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

/// The facts; `NA` for what the firmware does not say or this user may not read.
pub fn facts(host: &dyn Host) -> Map {
    let folder = "/sys/devices/virtual/dmi/id";
    let there = files::exists(host, folder);
    let read = |file: &str| files::word(host, format!("{folder}/{file}")).filter(|_| there);
    let mut facts: Map = FILES
        .iter()
        .map(|(name, file)| ((*name).into(), Value::from(read(file).unwrap_or_else(|| "NA".into()))))
        .collect();
    let form = read("chassis_type").and_then(|text| text.parse::<usize>().ok()).and_then(|number| FORMS.get(number));
    facts.insert("form_factor".into(), Value::str(form.copied().unwrap_or("NA")));
    facts
}
