//! `datetime.datetime` and `datetime.timedelta`.

use super::calendar::{civil_from_days, days_from_civil, days_in_month};
use crate::template::error::{Result, TemplateError};
use std::fmt;

/// A date and a time of day, naive or with an offset from UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateTime {
    /// Seconds from 1970-01-01 00:00:00 of the same (local) clock.
    pub seconds: i64,
    /// Microseconds of the second.
    pub micros: u32,
    /// The offset from UTC in seconds; None for a naive one.
    pub offset: Option<i32>,
    /// The zone's name, for `%Z`.
    pub zone: Option<String>,
}

/// The fields of a date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    pub year: i64,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
}

impl DateTime {
    /// A naive one, from seconds of a clock that starts at 1970-01-01.
    pub fn naive(seconds: i64, micros: u32) -> DateTime {
        DateTime { seconds, micros, offset: None, zone: None }
    }

    /// A naive one from its fields, if they are a date.
    pub fn from_fields(fields: Fields, micros: u32) -> Option<DateTime> {
        let Fields { year, month, day, hour, minute, second } = fields;
        let valid = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && day >= 1
            && day <= days_in_month(year, month)
            && hour < 24
            && minute < 60
            && second < 60;
        let clock = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        valid.then(|| DateTime::naive(days_from_civil(year, month, day) * 86_400 + clock, micros))
    }

    pub fn fields(&self) -> Fields {
        let (year, month, day) = civil_from_days(self.seconds.div_euclid(86_400));
        let clock = self.seconds.rem_euclid(86_400) as u32;
        Fields { year, month, day, hour: clock / 3600, minute: clock / 60 % 60, second: clock % 60 }
    }

    /// 0 for Monday.
    pub fn weekday(&self) -> u32 {
        (self.seconds.div_euclid(86_400) + 3).rem_euclid(7) as u32
    }

    /// 1 for the first of January.
    pub fn day_of_year(&self) -> u32 {
        let days = self.seconds.div_euclid(86_400);
        (days - days_from_civil(self.fields().year, 1, 1)) as u32 + 1
    }

    /// The ISO year and week.
    pub fn iso_week(&self) -> (i64, u32) {
        let days = self.seconds.div_euclid(86_400);
        let thursday = days - i64::from(self.weekday()) + 3;
        let (year, ..) = civil_from_days(thursday);
        (year, ((thursday - days_from_civil(year, 1, 1)) / 7 + 1) as u32)
    }

    /// Python's number attributes.
    pub fn attribute(&self, name: &str) -> Option<i64> {
        let fields = self.fields();
        Some(match name {
            "year" => fields.year,
            "month" => i64::from(fields.month),
            "day" => i64::from(fields.day),
            "hour" => i64::from(fields.hour),
            "minute" => i64::from(fields.minute),
            "second" => i64::from(fields.second),
            "microsecond" => i64::from(self.micros),
            _ => return None,
        })
    }

    /// `isoformat()` with this between date and time.
    pub fn iso_format(&self, separator: &str) -> String {
        let Fields { year, month, day, hour, minute, second } = self.fields();
        let mut out = format!("{year:04}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}");
        if self.micros > 0 {
            out.push_str(&format!(".{:06}", self.micros));
        }
        if let Some(offset) = self.offset {
            let (sign, offset) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
            out.push_str(&format!("{sign}{:02}:{:02}", offset / 3600, offset / 60 % 60));
        }
        out
    }

    pub fn repr(&self) -> String {
        let Fields { year, month, day, hour, minute, second } = self.fields();
        let mut out = format!("datetime.datetime({year}, {month}, {day}, {hour}, {minute}");
        if second > 0 || self.micros > 0 {
            out.push_str(&format!(", {second}"));
        }
        if self.micros > 0 {
            out.push_str(&format!(", {}", self.micros));
        }
        out.push(')');
        out
    }

    /// The time since another.
    pub fn since(&self, other: &DateTime) -> Result<TimeDelta> {
        if self.offset.is_some() != other.offset.is_some() {
            return Err(TemplateError::runtime("can't subtract offset-naive and offset-aware datetimes"));
        }
        Ok(TimeDelta(self.absolute() - other.absolute()))
    }

    /// Microseconds since 1970 in UTC, or of the naive clock.
    fn absolute(&self) -> i128 {
        (i128::from(self.seconds) - i128::from(self.offset.unwrap_or(0))) * 1_000_000 + i128::from(self.micros)
    }

    /// So much later.
    pub fn plus(&self, delta: TimeDelta) -> Result<DateTime> {
        let micros = i128::from(self.seconds) * 1_000_000 + i128::from(self.micros) + delta.0;
        let seconds = i64::try_from(micros.div_euclid(1_000_000)).unwrap_or(i64::MAX);
        let in_range = (-62_135_596_800..253_402_300_800).contains(&seconds);
        if !in_range {
            return Err(TemplateError::runtime("date value out of range"));
        }
        Ok(DateTime { seconds, micros: micros.rem_euclid(1_000_000) as u32, ..self.clone() })
    }
}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &DateTime) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &DateTime) -> std::cmp::Ordering {
        self.absolute().cmp(&other.absolute())
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso_format(" "))
    }
}

/// A time between two instants, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeDelta(pub i128);

impl TimeDelta {
    const DAY: i128 = 86_400_000_000;

    fn days(self) -> i128 {
        self.0.div_euclid(Self::DAY)
    }

    /// Python's number attributes: days may be negative, the rest is not.
    pub fn attribute(self, name: &str) -> Option<i64> {
        let number = match name {
            "days" => self.days(),
            "seconds" => self.0.rem_euclid(Self::DAY) / 1_000_000,
            "microseconds" => self.0.rem_euclid(1_000_000),
            _ => return None,
        };
        i64::try_from(number).ok()
    }

    pub fn total_seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub fn negated(self) -> TimeDelta {
        TimeDelta(-self.0)
    }

    pub fn plus(self, other: TimeDelta) -> TimeDelta {
        TimeDelta(self.0 + other.0)
    }

    pub fn repr(self) -> String {
        let mut parts = Vec::new();
        for name in ["days", "seconds", "microseconds"] {
            if let Some(number) = self.attribute(name).filter(|number| *number != 0) {
                parts.push(format!("{name}={number}"));
            }
        }
        if parts.is_empty() {
            "datetime.timedelta(0)".into()
        } else {
            format!("datetime.timedelta({})", parts.join(", "))
        }
    }
}

impl fmt::Display for TimeDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.days(), self.0.rem_euclid(Self::DAY));
        if days != 0 {
            let plural = if days == 1 || days == -1 { "" } else { "s" };
            write!(f, "{days} day{plural}, ")?;
        }
        let seconds = rest / 1_000_000;
        write!(f, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match rest % 1_000_000 {
            0 => Ok(()),
            micros => write!(f, ".{micros:06}"),
        }
    }
}
