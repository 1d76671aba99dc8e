//! Which host is meant, and how it is reached.

use super::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// The way to a host: the value of `connection`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// This machine.
    Local,
    /// SSH, spoken by rplay itself.
    Ssh,
    /// The `ssh` program.
    OpenSsh,
    /// A running container of systemd-nspawn on this machine, entered by nsenter.
    Nspawn,
    /// A directory on this machine.
    Chroot,
    /// A running container of Docker.
    Docker,
    /// A running container of Podman.
    Podman,
    /// A running pod.
    Kubectl,
}

impl Kind {
    /// The kind of that name, short or fully qualified; None for one that rplay does not have.
    pub fn parse(name: &str) -> Option<Kind> {
        Some(match name {
            "local" | "ansible.builtin.local" => Kind::Local,
            "ssh"
            | "ansible.builtin.ssh"
            | "smart"
            | "paramiko"
            | "paramiko_ssh"
            | "ansible.builtin.paramiko_ssh"
            | "ansible.netcommon.libssh" => Kind::Ssh,
            "openssh" => Kind::OpenSsh,
            "nspawn" | "community.general.nspawn" => Kind::Nspawn,
            "chroot" | "community.general.chroot" => Kind::Chroot,
            "docker" | "community.docker.docker" | "community.general.docker" => Kind::Docker,
            "podman" | "containers.podman.podman" => Kind::Podman,
            "kubectl" | "kubernetes.core.kubectl" | "community.kubernetes.kubectl" => Kind::Kubectl,
            _ => return None,
        })
    }

    /// Its name as a playbook writes it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Local => "local",
            Kind::Ssh => "ssh",
            Kind::OpenSsh => "openssh",
            Kind::Nspawn => "nspawn",
            Kind::Chroot => "chroot",
            Kind::Docker => "docker",
            Kind::Podman => "podman",
            Kind::Kubectl => "kubectl",
        }
    }

    /// Every name that [`Kind::parse`] knows in its short form.
    pub const NAMES: &'static [&'static str] =
        &["local", "ssh", "openssh", "nspawn", "chroot", "docker", "podman", "kubectl"];
}

/// A host and the way to it. Build it with struct update syntax from [`Target::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The way.
    pub kind: Kind,
    /// The address (`ansible_host`): a host name, an IP address, a container's or pod's name, a directory.
    pub host: String,
    /// The port (`ansible_port`).
    pub port: Option<u16>,
    /// The user to log in as (`ansible_user`).
    pub user: Option<String>,
    /// The password (`ansible_password`).
    pub password: Option<Secret>,
    /// The private key's file (`ansible_private_key_file`).
    pub private_key: Option<PathBuf>,
    /// What unlocks the private key.
    pub private_key_passphrase: Option<Secret>,
    /// Whether the host's key is checked (`ansible_host_key_checking`). When it is, ssh's
    /// StrictHostKeyChecking decides about unknown keys.
    pub host_key_checking: bool,
    /// Files of known keys in place of ssh's; empty for ssh's.
    pub known_hosts: Vec<PathBuf>,
    /// `ssh_args`, split into words.
    pub ssh_args: Vec<String>,
    /// `ansible_ssh_common_args`, split into words.
    pub ssh_common_args: Vec<String>,
    /// `ansible_ssh_extra_args`, split into words.
    pub ssh_extra_args: Vec<String>,
    /// The program of a child-process kind (`ssh`, `docker`, `kubectl`, …), when not the usual one.
    pub executable: Option<String>,
    /// Further arguments of that program, before its subcommand (`ansible_docker_extra_args`, …).
    pub executable_args: Vec<String>,
    /// kubectl: the pod's namespace.
    pub namespace: Option<String>,
    /// kubectl: the pod's container.
    pub container: Option<String>,
    /// How long it may take to connect and log in (`timeout`).
    pub connect_timeout: Duration,
    /// How often each side shows that it lives.
    pub heartbeat: Duration,
    /// After how much silence the host counts as lost. A multiple of `heartbeat`.
    pub silence: Duration,
    /// Directories for temporary files on the host, best first (`remote_tmp`). `~` is the home there.
    pub remote_tmp: Vec<String>,
}

impl Target {
    /// A target with ordinary settings.
    pub fn new(kind: Kind, host: impl Into<String>) -> Target {
        Target {
            kind,
            host: host.into(),
            port: None,
            user: None,
            password: None,
            private_key: None,
            private_key_passphrase: None,
            host_key_checking: true,
            known_hosts: Vec::new(),
            ssh_args: Vec::new(),
            ssh_common_args: Vec::new(),
            ssh_extra_args: Vec::new(),
            executable: None,
            executable_args: Vec::new(),
            namespace: None,
            container: None,
            connect_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(5),
            silence: Duration::from_secs(30),
            remote_tmp: vec!["~/.ansible/tmp".into(), "/var/tmp".into(), "/tmp".into()],
        }
    }

    /// All of ssh's arguments in the order in which ssh would see them.
    pub(crate) fn all_ssh_args(&self) -> impl Iterator<Item = &String> {
        self.ssh_args.iter().chain(&self.ssh_common_args).chain(&self.ssh_extra_args)
    }
}
