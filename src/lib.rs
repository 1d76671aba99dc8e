//! rplay runs Ansible playbooks as a graph of tasks across hosts. ARCHITECTURE.md has the map.

pub mod source;
pub mod value;
