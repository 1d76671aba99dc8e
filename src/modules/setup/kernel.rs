//! What only the kernel can say: its name, addresses of interfaces, sizes of file systems, ids of this process.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The answer of uname(2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uname {
    /// `Linux`.
    pub system: String,
    /// The host's name.
    pub node: String,
    /// Such as `6.1.0-18-amd64`.
    pub release: String,
    /// The kernel's build.
    pub version: String,
    /// Such as `x86_64`.
    pub machine: String,
}

/// Asks the kernel for its names.
pub fn uname() -> Uname {
    let mut buffer = MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: uname fills the buffer in; all zeros are a valid value of it, so it is initialised either way.
    let names = unsafe {
        libc::uname(buffer.as_mut_ptr());
        buffer.assume_init()
    };
    Uname {
        system: text(&names.sysname),
        node: text(&names.nodename),
        release: text(&names.release),
        version: text(&names.version),
        machine: text(&names.machine),
    }
}

fn text(field: &[libc::c_char]) -> String {
    let bytes: Vec<u8> = field.iter().take_while(|byte| **byte != 0).map(|byte| *byte as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Real and effective ids of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// Real user.
    pub uid: u32,
    /// Effective user.
    pub euid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective group.
    pub egid: u32,
}

/// The ids of this process.
pub fn ids() -> Ids {
    // SAFETY: these calls take nothing and cannot fail.
    unsafe { Ids { uid: libc::getuid(), euid: libc::geteuid(), gid: libc::getgid(), egid: libc::getegid() } }
}

/// How many processors this process may use.
pub fn usable_processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Sizes of a file system, as statvfs(3) gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// Preferred block size.
    pub block_size: u64,
    /// The unit of the block counts.
    pub fragment_size: u64,
    /// All blocks.
    pub blocks: u64,
    /// Blocks that are free for users.
    pub available: u64,
    /// All inodes.
    pub inodes: u64,
    /// Free inodes.
    pub inodes_available: u64,
}

/// The file system that holds a path. Waits for ever on a network file system whose server is gone.
pub fn file_system(path: &Path) -> Option<FileSystem> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut buffer = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends with 0 and the buffer is large enough; all zeros are a valid value of it.
    let (status, found) = unsafe { (libc::statvfs(path.as_ptr(), buffer.as_mut_ptr()), buffer.assume_init()) };
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)] // the widths differ between machines
    (status == 0).then_some(FileSystem {
        block_size: found.f_bsize as u64,
        fragment_size: found.f_frsize as u64,
        blocks: found.f_blocks as u64,
        available: found.f_bavail as u64,
        inodes: found.f_files as u64,
        inodes_available: found.f_favail as u64,
    })
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The interface or, for IPv4, the address's label (`eth0:1`).
    pub label: String,
    /// The address.
    pub address: IpAddr,
    /// Bits of the network.
    pub prefix: u32,
    /// The broadcast address, when one is set.
    pub broadcast: Option<Ipv4Addr>,
}

/// The addresses of all interfaces, in the kernel's order.
pub fn addresses() -> Vec<Address> {
    let mut first: *mut libc::ifaddrs = std::ptr::null_mut();
    let mut found = Vec::new();
    // SAFETY: getifaddrs makes a list that lives until freeifaddrs; each node's pointers are null or valid till then.
    unsafe {
        if libc::getifaddrs(&mut first) != 0 {
            return found;
        }
        let mut node = first;
        while let Some(entry) = node.as_ref() {
            node = entry.ifa_next;
            let Some(address) = ip(entry.ifa_addr) else { continue };
            let prefix = match ip(entry.ifa_netmask) {
                Some(IpAddr::V4(mask)) => u32::from(mask).count_ones(),
                Some(IpAddr::V6(mask)) => u128::from(mask).count_ones(),
                None => 0,
            };
            let has_broadcast = entry.ifa_flags & (libc::IFF_BROADCAST as libc::c_uint) != 0;
            let broadcast = match ip(entry.ifa_ifu).filter(|_| has_broadcast) {
                // The C library gives the own address where no broadcast address is set.
                Some(IpAddr::V4(broadcast)) if IpAddr::V4(broadcast) != address => Some(broadcast),
                _ => None,
            };
            let label = CStr::from_ptr(entry.ifa_name).to_string_lossy().into_owned();
            found.push(Address { label, address, prefix, broadcast });
        }
        libc::freeifaddrs(first);
    }
    found
}

/// # Safety
/// `address` is null or points to a socket address of its family's size.
unsafe fn ip(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: as the caller promises.
    unsafe {
        match i32::from(address.as_ref()?.sa_family) {
            libc::AF_INET => {
                let inet = &*address.cast::<libc::sockaddr_in>();
                Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(inet.sin_addr.s_addr))))
            }
            libc::AF_INET6 => {
                let inet = &*address.cast::<libc::sockaddr_in6>();
                Some(IpAddr::V6(Ipv6Addr::from(inet.sin6_addr.s6_addr)))
            }
            _ => None,
        }
    }
}

/// The own address that packets to `target` would carry. Nothing is sent.
pub fn source_address(target: IpAddr) -> Option<IpAddr> {
    let any: SocketAddr = match target {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect((target, 53)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_answers() {
        assert_eq!(uname().system, "Linux");
        let root = file_system(Path::new("/")).unwrap();
        assert!(root.blocks >= root.available);
        assert!(file_system(Path::new("/no/such/path")).is_none());
        let loopback = addresses().into_iter().find(|address| address.address == IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(loopback.is_none_or(|address| address.prefix == 8));
    }
}
