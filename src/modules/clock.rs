//! Instants as calendar dates, in the host's time zone and in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A date and time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Such as 2024.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
    /// Microseconds.
    pub micros: u32,
    /// 0 is Sunday.
    pub weekday: u32,
    /// 0 is the first of January.
    pub yearday: u32,
    /// Seconds east of Greenwich.
    pub offset: i64,
    /// Whether it is summer time.
    pub summer: bool,
}

impl Moment {
    /// In UTC.
    pub fn utc(time: SystemTime) -> Moment {
        let since = since_epoch(time);
        Moment::at(since.as_secs() as i64, since.subsec_micros(), 0, false)
    }

    /// In the time zone of this process.
    pub fn local(time: SystemTime) -> Moment {
        let since = since_epoch(time);
        let seconds = since.as_secs() as libc::time_t;
        // SAFETY: tm is plain data that localtime_r fills in; both pointers are to live locals.
        let (offset, summer) = unsafe {
            let mut tm: libc::tm = std::mem::zeroed();
            match libc::localtime_r(&seconds, &mut tm).is_null() {
                true => (0, false),
                false => (tm.tm_gmtoff, tm.tm_isdst > 0),
            }
        };
        Moment::at(seconds, since.subsec_micros(), offset, summer)
    }

    fn at(seconds: i64, micros: u32, offset: i64, summer: bool) -> Moment {
        let local = seconds + offset;
        let (days, time) = (local.div_euclid(86_400), local.rem_euclid(86_400) as u32);
        let (year, month, day) = civil(days);
        Moment {
            year,
            month,
            day,
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60,
            micros,
            weekday: (days + 4).rem_euclid(7) as u32,
            yearday: (days - days_of(year, 1, 1)) as u32,
            offset,
            summer,
        }
    }

    /// `YYYY-MM-DD HH:MM:SS.ffffff`.
    pub fn stamp(&self) -> String {
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}",
            self.year, self.month, self.day, self.hour, self.minute, self.second, self.micros
        )
    }
}

/// The time zone's name at an instant, and its name in the other half of the year (the same without summer time).
pub fn zone_names(time: SystemTime) -> (String, String) {
    let now = since_epoch(time).as_secs() as libc::time_t;
    let here = zone_at(now);
    let summer = |seconds: libc::time_t| zone_at(seconds).1;
    // Some instant of the next twelve months lies in summer time if the zone has one.
    let other = (0..12).map(|month| now + month * 30 * 86_400).find(|seconds| summer(*seconds));
    let dst = other.map_or_else(|| here.0.clone(), |seconds| zone_at(seconds).0);
    (here.0, dst)
}

fn zone_at(seconds: libc::time_t) -> (String, bool) {
    // SAFETY: tm is plain data that localtime_r fills in; tm_zone is null or a string that the C library keeps.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&seconds, &mut tm).is_null() || tm.tm_zone.is_null() {
            return ("UTC".into(), false);
        }
        (std::ffi::CStr::from_ptr(tm.tm_zone).to_string_lossy().into_owned(), tm.tm_isdst > 0)
    }
}

/// A span as Python prints a timedelta: `0:00:01.000002`, `1 day, 0:00:00`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let days = match seconds / 86_400 {
        0 => String::new(),
        1 => "1 day, ".into(),
        days => format!("{days} days, "),
    };
    let micros = match span.subsec_micros() {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    format!("{days}{}:{:02}:{:02}{micros}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
pub fn days_of(year: i64, month: u32, day: u32) -> i64 {
    // Years start in March, so that the leap day is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of days since 1970-01-01.
fn civil(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = (if shifted < 10 { shifted + 3 } else { shifted - 9 }) as u32;
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_instants() {
        let moment = Moment::utc(UNIX_EPOCH + Duration::new(1_709_210_096, 5_000));
        assert_eq!(moment.stamp(), "2024-02-29 12:34:56.000005");
        assert_eq!((moment.weekday, moment.yearday), (4, 59));
        assert_eq!(days_of(2024, 2, 29), 1_709_210_096 / 86_400);
        assert_eq!(days_of(1970, 1, 1), 0);
    }

    #[test]
    fn spans_are_pythons() {
        assert_eq!(span(Duration::from_micros(1234)), "0:00:00.001234");
        assert_eq!(span(Duration::from_secs(90_061)), "1 day, 1:01:01");
    }
}
