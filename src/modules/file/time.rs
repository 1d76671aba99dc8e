//! Local time as text, by the C library's rules and the host's time zone.

use std::ffi::{CStr, CString};
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the epoch.
pub fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A time in the local zone, written by a format of strftime(3).
pub fn written(time: SystemTime, format: &CStr) -> String {
    let whole = seconds(time) as libc::time_t;
    // SAFETY: all zero is a valid tm.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    let mut text = [0u8; 128];
    // SAFETY: both pointers are valid for the calls, and the length is the buffer's.
    let length = unsafe {
        libc::localtime_r(&raw const whole, &raw mut parts);
        libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &raw const parts)
    };
    String::from_utf8_lossy(&text[..length]).into_owned()
}

/// A local time, read by a format of strptime(3), in seconds since the epoch. None when it does not fit.
pub fn read(text: &str, format: &str) -> Option<f64> {
    let (text, format) = (CString::new(text).ok()?, CString::new(format).ok()?);
    // SAFETY: all zero is a valid tm.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // Python starts from the first of January 1900.
    (parts.tm_mday, parts.tm_isdst) = (1, -1);
    // SAFETY: both texts are C strings, `parts` is valid; the result points into `text` or is null.
    let rest = unsafe { libc::strptime(text.as_ptr(), format.as_ptr(), &raw mut parts) };
    // SAFETY: a result that is not null points at the end of `text` or before it.
    if rest.is_null() || unsafe { *rest } != 0 {
        return None;
    }
    // SAFETY: `parts` is valid.
    let time = unsafe { libc::mktime(&raw mut parts) };
    (time != -1).then_some(time as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn text_and_time_agree() {
        let time = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        let text = written(time, c"%Y%m%d%H%M.%S");
        assert_eq!(read(&text, "%Y%m%d%H%M.%S"), Some(1_600_000_000.0));
        assert_eq!(read("2020", "%Y%m"), None);
        assert_eq!(read("2020x", "%Y"), None);
    }
}
