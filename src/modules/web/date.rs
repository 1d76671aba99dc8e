//! Dates as HTTP writes them.

use crate::modules::clock::Moment;
use std::time::{Duration, UNIX_EPOCH};

/// `Wed, 21 Oct 2020 07:28:00 GMT`, of seconds since the epoch.
pub fn http_date(seconds: f64) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let moment = Moment::utc(UNIX_EPOCH + since);
    let day = DAYS.get(moment.weekday as usize).copied().unwrap_or_default();
    let month = MONTHS.get((moment.month as usize).wrapping_sub(1)).copied().unwrap_or_default();
    format!(
        "{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
        moment.day, moment.year, moment.hour, moment.minute, moment.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_in_gmt_and_english() {
        assert_eq!(http_date(1_603_265_280.0), "Wed, 21 Oct 2020 07:28:00 GMT");
    }
}
