//! The order in which sources of variables win, as one table.

/// Where a variable comes from; a later one wins over an earlier one.
///
/// The order is that of Ansible's documentation, «Understanding variable precedence».
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precedence {
    /// What a connection would use when nothing says otherwise (`ansible_host`).
    Connection,
    /// `defaults/` of roles.
    RoleDefaults,
    /// Group variables in the inventory's files, `all` first.
    InventoryGroupVars,
    /// `group_vars/all` beside the inventory.
    InventoryGroupVarsAll,
    /// `group_vars/all` beside the playbook.
    PlaybookGroupVarsAll,
    /// Other `group_vars/` beside the inventory.
    InventoryGroupVarsFiles,
    /// Other `group_vars/` beside the playbook.
    PlaybookGroupVarsFiles,
    /// Host variables in the inventory's files.
    InventoryHostVars,
    /// `host_vars/` beside the inventory.
    InventoryHostVarsFiles,
    /// `host_vars/` beside the playbook.
    PlaybookHostVarsFiles,
    /// What `setup` and other modules found out, and cached `set_fact`s.
    Facts,
    /// `vars` of the play.
    PlayVars,
    /// `vars_prompt` of the play.
    PlayVarsPrompt,
    /// `vars_files` of the play.
    PlayVarsFiles,
    /// `vars/` of roles.
    RoleVars,
    /// `vars` of blocks and of the task.
    TaskVars,
    /// `include_vars`.
    IncludeVars,
    /// `set_fact`.
    SetFacts,
    /// `register`. Ansible keeps both in one place: a name is in one of these two only.
    Registered,
    /// Parameters of roles and of include_role.
    RoleParams,
    /// Parameters of include_tasks.
    IncludeParams,
    /// The loop's item, index and `ansible_loop`.
    LoopVars,
    /// `--extra-vars`.
    ExtraVars,
    /// Names that the engine itself defines.
    Magic,
}
