//! Instants as text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An instant as `2026-01-31T12:34:56.123456Z`.
pub fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let micros = since.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Year, month and day of a number of days since 1970-01-01, by the Gregorian calendar. Years are
/// counted from March, so that the leap day is a year's last.
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// A length of time for a person: `0:07`, `12:34`, `1:02:03`.
pub fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_dates() {
        let at = |seconds: u64| utc(UNIX_EPOCH + Duration::from_micros(seconds * 1_000_000 + 5));
        assert_eq!(at(0), "1970-01-01T00:00:00.000005Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00.000005Z");
        assert_eq!(at(1_767_225_599), "2025-12-31T23:59:59.000005Z");
    }

    #[test]
    fn writes_lengths() {
        assert_eq!(length(Duration::from_secs(7)), "0:07");
        assert_eq!(length(Duration::from_secs(3723)), "1:02:03");
    }
}
