//! The order in which a play takes its hosts.

use super::{HostId, Inventory};

/// The keyword `order` of a play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As the inventory has them.
    #[default]
    Inventory,
    /// The other way round.
    ReverseInventory,
    /// By name.
    Sorted,
    /// By name, the other way round.
    ReverseSorted,
    /// By chance.
    Shuffle,
}

impl Order {
    /// The words of the keyword, in the order of the variants.
    pub const NAMES: [&str; 5] = ["inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"];

    /// The order with this name.
    pub fn parse(name: &str) -> Option<Order> {
        Some(match name {
            "inventory" => Order::Inventory,
            "reverse_inventory" => Order::ReverseInventory,
            "sorted" => Order::Sorted,
            "reverse_sorted" => Order::ReverseSorted,
            "shuffle" => Order::Shuffle,
            _ => return None,
        })
    }
}

impl Inventory {
    /// Brings selected hosts into an order. The same `seed` shuffles the same way.
    pub fn arrange(&self, hosts: &mut [HostId], order: Order, seed: u64) {
        match order {
            Order::Inventory => {}
            Order::ReverseInventory => hosts.reverse(),
            Order::Sorted => hosts.sort_by(|a, b| self.host(*a).name.cmp(&self.host(*b).name)),
            Order::ReverseSorted => hosts.sort_by(|a, b| self.host(*b).name.cmp(&self.host(*a).name)),
            Order::Shuffle => shuffle(hosts, seed),
        }
    }
}

/// Fisher and Yates' shuffle with the numbers of splitmix64.
fn shuffle(hosts: &mut [HostId], seed: u64) {
    let mut state = seed;
    for last in (1..hosts.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        hosts.swap(last, (mixed % (last as u64 + 1)) as usize);
    }
}
