//! Volume groups, logical and physical volumes, where LVM is installed and this is root.

use crate::module::Host;
use crate::modules::program;
use crate::value::{Key, Map, Value};

/// `lvm`: sizes in GiB as text; `N/A` without LVM.
pub fn facts(host: &dyn Host) -> Value {
    if host.euid() != 0 || host.which("vgs").is_none() {
        return Value::str("N/A");
    }
    let rows = |program: &str, columns: &str| -> Vec<Vec<String>> {
        let argv = [program, "--noheadings", "--nosuffix", "--units", "g", "--separator", ",", "-o", columns];
        let output = program::read(host, &argv).map(|output| output.stdout_text()).unwrap_or_default();
        output.lines().map(|line| line.trim().split(',').map(str::to_owned).collect()).collect()
    };
    let table = |rows: Vec<Vec<String>>, names: &[&str]| {
        let entry = |row: &Vec<String>| {
            let values =
                names.iter().zip(row.iter().skip(1)).map(|(name, value)| (Key::from(*name), Value::str(value)));
            (Key::from(row[0].as_str()), Value::map(values.collect::<Map>()))
        };
        Value::map(rows.iter().filter(|row| row.len() > names.len()).map(entry).collect())
    };
    Value::from([
        (
            "vgs",
            table(
                rows("vgs", "vg_name,vg_size,vg_free,lv_count,pv_count"),
                &["size_g", "free_g", "num_lvs", "num_pvs"],
            ),
        ),
        ("lvs", table(rows("lvs", "lv_name,lv_size,vg_name"), &["size_g", "vg"])),
        ("pvs", table(rows("pvs", "pv_name,pv_size,pv_free,vg_name"), &["size_g", "free_g", "vg"])),
    ])
}
