//! `strftime` and `strptime` in the C locale.

use super::datetime::{DateTime, Fields};
use crate::template::error::{Result, TemplateError};

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Writes a date and time as the format says. `epoch` is the instant's second since 1970 in UTC, for `%s`.
pub fn strftime(time: &DateTime, format: &str, epoch: i64) -> String {
    let fields = time.fields();
    let Fields { year, month, day, hour, minute, second } = fields;
    let weekday = time.weekday();
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut code = match chars.next() {
            Some(code) => code,
            None => {
                out.push('%');
                break;
            }
        };
        let colon = code == ':';
        if colon {
            code = match chars.next() {
                Some('z') => 'z',
                Some(other) => {
                    out.push_str("%:");
                    out.push(other);
                    continue;
                }
                None => break,
            };
        }
        // glibc's flags: no padding, padding with blanks, upper case.
        let mut flag = None;
        if matches!(code, '-' | '_' | '0' | '^') {
            flag = Some(code);
            code = match chars.next() {
                Some(code) => code,
                None => break,
            };
        }
        let text = match code {
            'a' => DAYS[weekday as usize][..3].to_owned(),
            'A' => DAYS[weekday as usize].to_owned(),
            'b' | 'h' => MONTHS[month as usize - 1][..3].to_owned(),
            'B' => MONTHS[month as usize - 1].to_owned(),
            'c' => strftime(time, "%a %b %e %H:%M:%S %Y", epoch),
            'C' => format!("{:02}", year / 100),
            'd' => format!("{day:02}"),
            'D' | 'x' => strftime(time, "%m/%d/%y", epoch),
            'e' => format!("{day:2}"),
            'f' => format!("{:06}", time.micros),
            'F' => strftime(time, "%Y-%m-%d", epoch),
            'g' => format!("{:02}", time.iso_week().0 % 100),
            'G' => time.iso_week().0.to_string(),
            'H' => format!("{hour:02}"),
            'I' => format!("{twelve:02}"),
            'j' => format!("{:03}", time.day_of_year()),
            'k' => format!("{hour:2}"),
            'l' => format!("{twelve:2}"),
            'm' => format!("{month:02}"),
            'M' => format!("{minute:02}"),
            'n' => "\n".into(),
            'p' => if hour < 12 { "AM" } else { "PM" }.into(),
            'P' => if hour < 12 { "am" } else { "pm" }.into(),
            'r' => strftime(time, "%I:%M:%S %p", epoch),
            'R' => format!("{hour:02}:{minute:02}"),
            's' => epoch.to_string(),
            'S' => format!("{second:02}"),
            't' => "\t".into(),
            'T' | 'X' => format!("{hour:02}:{minute:02}:{second:02}"),
            'u' => (weekday + 1).to_string(),
            'U' => format!("{:02}", (time.day_of_year() + 6 - (weekday + 1) % 7) / 7),
            'V' => format!("{:02}", time.iso_week().1),
            'w' => ((weekday + 1) % 7).to_string(),
            'W' => format!("{:02}", (time.day_of_year() + 6 - weekday) / 7),
            'y' => format!("{:02}", year % 100),
            'Y' => year.to_string(),
            'z' => time.offset.map(|offset| offset_text(offset, if colon { ":" } else { "" })).unwrap_or_default(),
            'Z' => time.zone.clone().unwrap_or_default(),
            '%' => "%".into(),
            other => format!("%{other}"),
        };
        match flag {
            Some('-') => {
                let bare = text.trim_start_matches(['0', ' ']);
                out.push_str(if bare.is_empty() { "0" } else { bare });
            }
            Some('_') => {
                let bare = text.trim_start_matches('0');
                out.push_str(&" ".repeat(text.len() - bare.len()));
                out.push_str(bare);
            }
            Some('^') => out.push_str(&text.to_uppercase()),
            _ => out.push_str(&text),
        }
    }
    out
}

fn offset_text(offset: i32, separator: &str) -> String {
    let (sign, offset) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
    format!("{sign}{:02}{separator}{:02}", offset / 3600, offset / 60 % 60)
}

/// Reads a date and time as the format says.
///
/// # Errors
/// With Python's words when the text does not match.
pub fn parse(text: &str, format: &str) -> Result<DateTime> {
    let mut reader = Reader { rest: text, ..Reader::default() };
    match reader.read(format) {
        Some(()) if reader.rest.is_empty() => {}
        Some(()) => {
            return Err(TemplateError::runtime(format!("unconverted data remains: {}", reader.rest)));
        }
        None => {
            let (text, format) = (crate::value::Value::str(text).repr(), crate::value::Value::str(format).repr());
            return Err(TemplateError::runtime(format!("time data {text} does not match format {format}")));
        }
    }
    reader.finish().ok_or_else(|| TemplateError::runtime("day is out of range for month"))
}

struct Reader<'a> {
    rest: &'a str,
    fields: Fields,
    micros: u32,
    afternoon: Option<bool>,
    day_of_year: Option<u32>,
    offset: Option<i32>,
}

impl Default for Reader<'_> {
    fn default() -> Self {
        let fields = Fields { year: 1900, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
        Reader { rest: "", fields, micros: 0, afternoon: None, day_of_year: None, offset: None }
    }
}

impl Reader<'_> {
    fn read(&mut self, format: &str) -> Option<()> {
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c.is_whitespace() {
                let trimmed = self.rest.trim_start();
                if trimmed.len() == self.rest.len() {
                    return None;
                }
                self.rest = trimmed;
                continue;
            }
            if c != '%' {
                self.rest = self.rest.strip_prefix(c)?;
                continue;
            }
            let code = chars.next()?;
            match code {
                'Y' => self.fields.year = i64::from(self.number(4, 4)?),
                'y' => {
                    let year = i64::from(self.number(2, 2)?);
                    self.fields.year = if year < 69 { 2000 + year } else { 1900 + year };
                }
                'm' => self.fields.month = self.number(1, 2)?,
                'd' | 'e' => self.fields.day = self.number(1, 2)?,
                'H' | 'I' => self.fields.hour = self.number(1, 2)?,
                'M' => self.fields.minute = self.number(1, 2)?,
                'S' => self.fields.second = self.number(1, 2)?,
                'j' => self.day_of_year = Some(self.number(1, 3)?),
                'f' => {
                    let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                    let digits = digits.min(6);
                    let number = self.number(1, 6)?;
                    self.micros = number * 10u32.pow(6 - digits as u32);
                }
                'p' => self.afternoon = Some(self.word(&["am", "pm"])? == 1),
                'b' | 'h' => {
                    let short: Vec<&str> = MONTHS.iter().map(|name| &name[..3]).collect();
                    self.fields.month = self.word(&short)? as u32 + 1;
                }
                'B' => self.fields.month = self.word(&MONTHS)? as u32 + 1,
                'a' => {
                    let short: Vec<&str> = DAYS.iter().map(|name| &name[..3]).collect();
                    self.word(&short)?;
                }
                'A' => {
                    self.word(&DAYS)?;
                }
                'z' => self.offset = Some(self.read_offset()?),
                'Z' => {
                    let upper = self.rest.to_ascii_uppercase();
                    let length = if upper.starts_with("UTC") || upper.starts_with("GMT") { 3 } else { 0 };
                    self.rest = &self.rest[length..];
                }
                'T' | 'X' => self.read("%H:%M:%S")?,
                'D' | 'x' => self.read("%m/%d/%y")?,
                'F' => self.read("%Y-%m-%d")?,
                'R' => self.read("%H:%M")?,
                'c' => self.read("%a %b %d %H:%M:%S %Y")?,
                '%' => self.rest = self.rest.strip_prefix('%')?,
                _ => return None,
            }
        }
        Some(())
    }

    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let digits = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if digits < least {
            return None;
        }
        let number = self.rest[..digits].parse().ok()?;
        self.rest = &self.rest[digits..];
        Some(number)
    }

    fn word(&mut self, words: &[&str]) -> Option<usize> {
        let index = words
            .iter()
            .position(|word| self.rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))?;
        self.rest = &self.rest[words[index].len()..];
        Some(index)
    }

    fn read_offset(&mut self) -> Option<i32> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Some(0);
        }
        let sign = if self.rest.starts_with('-') { -1 } else { 1 };
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        let hours = self.number(2, 2)? as i32;
        self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
        let minutes = self.number(2, 2)? as i32;
        Some(sign * (hours * 3600 + minutes * 60))
    }

    fn finish(mut self) -> Option<DateTime> {
        match self.afternoon {
            Some(true) if self.fields.hour < 12 => self.fields.hour += 12,
            Some(false) if self.fields.hour == 12 => self.fields.hour = 0,
            _ => {}
        }
        let mut time = DateTime::from_fields(self.fields, self.micros)?;
        if let Some(day) = self.day_of_year {
            let first = DateTime::from_fields(Fields { month: 1, day: 1, ..self.fields }, self.micros)?;
            time.seconds = first.seconds + i64::from(day.checked_sub(1)?) * 86_400;
        }
        time.offset = self.offset;
        Some(time)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let time = parse("2016-08-14 20:00:12", "%Y-%m-%d %H:%M:%S").unwrap();
        assert_eq!(time.to_string(), "2016-08-14 20:00:12");
        assert_eq!(strftime(&time, "%a %d %b %Y week %V day %j %I%p", 0), "Sun 14 Aug 2016 week 32 day 227 08PM");
        assert!(parse("2016-13-14", "%Y-%m-%d").is_err());
    }
}
