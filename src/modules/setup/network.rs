//! Interfaces and addresses, from /sys/class/net, /proc/net and the kernel's address list.

use super::files;
use super::kernel::{self, Address};
use crate::module::Host;
use crate::value::{Key, Map, Value};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All facts of the network.
pub fn facts(host: &dyn Host) -> Map {
    let addresses = kernel::addresses();
    let names = files::names(host, "/sys/class/net");
    let names: Vec<String> = match names.is_empty() {
        // Without /sys only what has an address is known.
        true => addresses.iter().map(|address| device(&address.label).to_owned()).collect(),
        false => names.into_iter().filter(|name| name != "bonding_masters").collect(),
    };
    let mut facts = Map::new();
    let mut by_name = Map::new();
    for name in &names {
        by_name.insert(Key::from(name.as_str()), Value::map(interface(host, name, &addresses)));
    }
    let all = |v6: bool| {
        let shown =
            addresses.iter().map(|address| address.address).filter(|ip| ip.is_ipv6() == v6 && !ip.is_loopback());
        Value::list(shown.map(|ip| Value::from(ip.to_string())).collect())
    };
    facts.insert("interfaces".into(), Value::list(names.iter().map(Value::str).collect()));
    facts.insert("all_ipv4_addresses".into(), all(false));
    facts.insert("all_ipv6_addresses".into(), all(true));
    facts.insert("default_ipv4".into(), Value::map(default_v4(host, &addresses, &by_name)));
    facts.insert("default_ipv6".into(), Value::map(default_v6(host, &addresses, &by_name)));
    facts.insert("locally_reachable_ips".into(), reachable(host, &addresses));
    for (name, value) in by_name {
        let name = name.to_string().replace(['-', ':', '.'], "_");
        facts.insert(Key::from(name), value);
    }
    facts
}

fn device(label: &str) -> &str {
    label.split(':').next().unwrap_or(label)
}

/// The facts of one interface.
fn interface(host: &dyn Host, name: &str, addresses: &[Address]) -> Map {
    let folder = format!("/sys/class/net/{name}");
    let word = |file: &str| files::word(host, format!("{folder}/{file}"));
    let number = |file: &str| word(file).and_then(|text| text.parse::<i64>().ok());
    let mut facts = Map::from([("device".into(), Value::str(name))]);
    if let Some(mac) = word("address").filter(|mac| mac != "00:00:00:00:00:00") {
        facts.insert("macaddress".into(), Value::from(mac));
    }
    facts.extend(number("mtu").map(|mtu| (Key::from("mtu"), Value::from(mtu))));
    if let Some(state) = word("operstate") {
        facts.insert("active".into(), Value::Bool(state != "down"));
    }
    facts.extend(
        files::link_name(host, format!("{folder}/device/driver/module"))
            .map(|name| (Key::from("module"), Value::from(name))),
    );
    let mut kind = match number("type") {
        Some(1) => Some("ether"),
        Some(32) => Some("infiniband"),
        Some(512) => Some("ppp"),
        Some(772) => Some("loopback"),
        Some(65534) => Some("tunnel"),
        _ => None,
    };
    if files::exists(host, format!("{folder}/bridge")) {
        kind = Some("bridge");
        facts.insert("interfaces".into(), Value::from(files::names(host, format!("{folder}/brif"))));
        facts.extend(word("bridge/bridge_id").map(|id| (Key::from("id"), Value::from(id))));
        facts.extend(word("bridge/stp_state").map(|stp| (Key::from("stp"), Value::Bool(stp == "1"))));
    }
    if files::exists(host, format!("{folder}/bonding")) {
        kind = Some("bonding");
        bonding(&mut facts, &word);
    }
    if files::exists(host, format!("{folder}/bonding_slave")) {
        facts.insert("perm_macaddress".into(), Value::from(word("bonding_slave/perm_hwaddr")));
    }
    facts.extend(kind.map(|kind| (Key::from("type"), Value::str(kind))));
    if files::exists(host, format!("{folder}/device")) {
        facts
            .extend(files::link_name(host, format!("{folder}/device")).map(|id| (Key::from("pciid"), Value::from(id))));
    }
    facts.extend(number("speed").map(|speed| (Key::from("speed"), Value::from(speed))));
    let flags = word("flags").and_then(|text| i64::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    facts.insert("promisc".into(), Value::Bool(flags.is_some_and(|flags| flags & 0x100 != 0)));
    add_addresses(&mut facts, name, addresses);
    facts
}

fn bonding(facts: &mut Map, word: &dyn Fn(&str) -> Option<String>) {
    let text = |file: &str| word(file).unwrap_or_default();
    let slaves: Vec<Value> = text("bonding/slaves").split_whitespace().map(Value::str).collect();
    facts.insert("slaves".into(), Value::list(slaves));
    facts.insert("mode".into(), Value::str(text("bonding/mode").split_whitespace().next().unwrap_or_default()));
    facts.insert("miimon".into(), Value::str(text("bonding/miimon").split_whitespace().next().unwrap_or_default()));
    facts.insert(
        "lacp_rate".into(),
        Value::str(text("bonding/lacp_rate").split_whitespace().next().unwrap_or_default()),
    );
    facts.extend(word("bonding/primary").map(|primary| (Key::from("primary"), Value::from(primary))));
    facts.insert("all_slaves_active".into(), Value::Bool(text("bonding/all_slaves_active") == "1"));
}

/// Adds `ipv4`, `ipv4_secondaries` and `ipv6`.
fn add_addresses(facts: &mut Map, name: &str, addresses: &[Address]) {
    let own = || addresses.iter().filter(|address| device(&address.label) == name);
    let mut v4 = own().filter_map(v4_facts);
    if let Some(first) = v4.next() {
        facts.insert("ipv4".into(), Value::map(first));
        let others: Vec<Value> = v4.map(Value::map).collect();
        if !others.is_empty() {
            facts.insert("ipv4_secondaries".into(), Value::list(others));
        }
    }
    let v6: Vec<Value> = own().filter_map(v6_facts).map(Value::map).collect();
    if !v6.is_empty() {
        facts.insert("ipv6".into(), Value::list(v6));
    }
}

fn v4_facts(address: &Address) -> Option<Map> {
    let IpAddr::V4(ip) = address.address else { return None };
    let mask = u32::MAX.checked_shl(32 - address.prefix).unwrap_or(0);
    let broadcast = address.broadcast.map(|ip| ip.to_string()).unwrap_or_default();
    Some(Map::from([
        ("address".into(), Value::from(ip.to_string())),
        ("broadcast".into(), Value::from(broadcast)),
        ("netmask".into(), Value::from(Ipv4Addr::from(mask).to_string())),
        ("network".into(), Value::from(Ipv4Addr::from(u32::from(ip) & mask).to_string())),
        ("prefix".into(), Value::from(address.prefix.to_string())),
    ]))
}

fn v6_facts(address: &Address) -> Option<Map> {
    let IpAddr::V6(ip) = address.address else { return None };
    Some(Map::from([
        ("address".into(), Value::from(ip.to_string())),
        ("prefix".into(), Value::from(address.prefix.to_string())),
        ("scope".into(), Value::str(scope(ip))),
    ]))
}

fn scope(ip: Ipv6Addr) -> &'static str {
    match ip {
        Ipv6Addr::LOCALHOST => "host",
        ip if ip.segments()[0] & 0xffc0 == 0xfe80 => "link",
        ip if ip.segments()[0] & 0xffc0 == 0xfec0 => "site",
        _ => "global",
    }
}

/// The default route's interface and own address. Any address of the Internet does as a target.
fn default_v4(host: &dyn Host, addresses: &[Address], interfaces: &Map) -> Map {
    let source = kernel::source_address(IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)));
    let Some(own) = source.and_then(|source| addresses.iter().find(|address| address.address == source)) else {
        return Map::new();
    };
    let name = device(&own.label);
    let mut facts = v4_facts(own).unwrap_or_default();
    let routes = files::text(host, "/proc/net/route").unwrap_or_default();
    if let Some(gateway) = gateway_v4(&routes, name) {
        facts.insert("gateway".into(), Value::from(gateway.to_string()));
    }
    facts.insert("interface".into(), Value::str(name));
    facts.insert("alias".into(), Value::str(&own.label));
    add_link(&mut facts, interfaces, name);
    facts
}

fn default_v6(host: &dyn Host, addresses: &[Address], interfaces: &Map) -> Map {
    let target = Ipv6Addr::new(0x2404, 0x6800, 0x400a, 0x800, 0, 0, 0, 0x1012);
    let source = kernel::source_address(IpAddr::V6(target));
    let Some(own) = source.and_then(|source| addresses.iter().find(|address| address.address == source)) else {
        return Map::new();
    };
    let mut facts = v6_facts(own).unwrap_or_default();
    let routes = files::text(host, "/proc/net/ipv6_route").unwrap_or_default();
    if let Some(gateway) = gateway_v6(&routes, &own.label) {
        facts.insert("gateway".into(), Value::from(gateway.to_string()));
    }
    facts.insert("interface".into(), Value::str(&own.label));
    add_link(&mut facts, interfaces, &own.label);
    facts
}

fn add_link(facts: &mut Map, interfaces: &Map, name: &str) {
    for key in ["macaddress", "mtu", "type"] {
        facts
            .extend(interfaces.get(name).and_then(|facts| facts.get(key)).map(|value| (Key::from(key), value.clone())));
    }
}

/// The gateway of the default route of an interface in /proc/net/route (numbers in the machine's byte order).
fn gateway_v4(routes: &str, name: &str) -> Option<Ipv4Addr> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok();
        let metric: u32 = fields.get(6)?.parse().ok()?;
        (fields[0] == name && number(1)? == 0 && number(7)? == 0).then_some((metric, number(2)?))
    };
    let (_, gateway) = routes.lines().skip(1).filter_map(route).min()?;
    (gateway != 0).then(|| Ipv4Addr::from(gateway.to_ne_bytes()))
}

/// The gateway of the default route of an interface in /proc/net/ipv6_route.
fn gateway_v6(routes: &str, name: &str) -> Option<Ipv6Addr> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let metric = u32::from_str_radix(fields.get(5)?, 16).ok()?;
        let gateway = u128::from_str_radix(fields.get(4)?, 16).ok()?;
        (fields.last() == Some(&name) && fields[1] == "00" && gateway != 0).then_some((metric, gateway))
    };
    routes.lines().filter_map(route).min().map(|(_, gateway)| Ipv6Addr::from(gateway))
}

/// Addresses and networks that this host takes for itself.
fn reachable(host: &dyn Host, addresses: &[Address]) -> Value {
    let trie = files::text(host, "/proc/net/fib_trie").unwrap_or_default();
    let v4 = local_v4(&trie);
    let v6: Vec<String> =
        addresses.iter().map(|address| address.address).filter(IpAddr::is_ipv6).map(|ip| ip.to_string()).collect();
    Value::from([("ipv4", Value::from(v4)), ("ipv6", Value::from(v6))])
}

/// The entries of type local in /proc/net/fib_trie, sorted.
fn local_v4(trie: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut address: Option<Ipv4Addr> = None;
    for line in trie.lines() {
        if let Some(ip) = line.trim().strip_prefix("|-- ") {
            address = ip.parse().ok();
        } else if let (Some(ip), Some((bits, _))) = (address, line.trim().split_once(" host LOCAL")) {
            let prefix: u32 = bits.trim_start_matches('/').parse().unwrap_or(32);
            if !found.contains(&(ip, prefix)) {
                found.push((ip, prefix));
            }
        }
    }
    // A network comes before the addresses in it.
    let text = |(ip, prefix): (Ipv4Addr, u32)| if prefix == 32 { ip.to_string() } else { format!("{ip}/{prefix}") };
    found.sort();
    found.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways() {
        let routes = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
                      eth0 00000000 0100590A 0003 0 0 100 00000000 0 0 0\n\
                      eth0 0000590A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n";
        assert_eq!(gateway_v4(routes, "eth0"), Some(Ipv4Addr::new(10, 89, 0, 1)));
        assert_eq!(gateway_v4(routes, "eth1"), None);
        let routes = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                      fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n";
        assert_eq!(gateway_v6(routes, "eth0").map(|ip| ip.to_string()).as_deref(), Some("fd00::1"));
    }

    #[test]
    fn local_addresses() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.0\n        /8 host LOCAL\n     |-- 127.0.0.1\n        \
                    /32 host LOCAL\n     |-- 10.89.0.101\n        /32 host LOCAL\nLocal:\n     |-- 127.0.0.1\n        /32 host LOCAL\n";
        assert_eq!(local_v4(trie), ["10.89.0.101", "127.0.0.0/8", "127.0.0.1"]);
    }
}
