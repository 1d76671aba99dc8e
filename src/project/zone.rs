//! The controller's time zone.

use std::ffi::CStr;

/// The local zone's offset from UTC in seconds and its name, at an instant in seconds since 1970.
pub fn local_zone(seconds: i64) -> (i32, String) {
    let time: libc::time_t = seconds;
    // SAFETY: `tm` is a plain struct that localtime_r fills in; both pointers are valid for the call.
    let filled = unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&raw const time, &raw mut tm).is_null() { None } else { Some(tm) }
    };
    let Some(tm) = filled else { return (0, "UTC".into()) };
    if tm.tm_zone.is_null() {
        return (tm.tm_gmtoff as i32, "UTC".into());
    }
    // SAFETY: tm_zone points to a static string of the C library.
    let name = unsafe { CStr::from_ptr(tm.tm_zone) }.to_string_lossy().into_owned();
    (tm.tm_gmtoff as i32, name)
}
