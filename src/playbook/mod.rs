//! The playbook language as types, and the readers that make them from YAML.

mod action;
mod attributes;
mod block;
mod key_value;
mod keyword;
mod node_id;
mod play;
mod reader;
mod role;
mod tags;
mod task;

pub use action::{Action, IncludeRole, IncludeTasks, Meta};
pub use attributes::{Attribute, Attributes};
pub use block::{Block, BlockKind, Fork, Item, Need, NeedHosts, Strand};
pub use key_value::{parse_key_values, split_words};
pub use keyword::{Inherit, Keyword, Level, Takes};
pub use node_id::NodeId;
pub use play::{HostsPattern, Play, PlaybookEntry, VarsPrompt};
pub use reader::{Context, ModuleCatalog, ModuleInfo, Reader, is_variable_name};
pub use role::{Role, RoleEntry};
pub use tags::TagFilter;
pub use task::{Looping, Task};
