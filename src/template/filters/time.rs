//! Filters on dates and times.

use super::Filter;
use super::convert::parse_float;
use crate::template::error::{Result, TemplateError};
use crate::template::python::{DateTime, strftime as write, strptime};
use crate::template::runtime::{Args, Context, Object};
use std::rc::Rc;

pub const FILTERS: &[(&str, Filter)] = &[("to_datetime", to_datetime), ("strftime", strftime)];

fn to_datetime(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [format] = args.bind(["format"])?;
    let format = context.text_or(&format, "%Y-%m-%d %H:%M:%S")?;
    let Some(text) = value.as_str() else {
        let name = crate::template::runtime::type_name(&value);
        return Err(TemplateError::runtime(format!("strptime() argument 1 must be str, not {name}")));
    };
    Ok(Object::Time(Rc::new(strptime(text, &format)?)))
}

fn strftime(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [second, utc] = args.bind(["second", "utc"])?;
    let format = context.text(&value)?;
    let seconds = match second.filter(|second| !second.is_none()) {
        None => context.controller().now().seconds,
        Some(second) => {
            let number = match second.as_str() {
                Some(text) => parse_float(text),
                None => second.as_float(),
            };
            match number {
                Some(number) => number.floor() as i64,
                None => {
                    return Err(TemplateError::runtime(format!(
                        "Invalid value for epoch value ({})",
                        context.text(&second)?
                    )));
                }
            }
        }
    };
    let (offset, zone) = match context.truth_or(&utc, false)? {
        true => (0, "UTC".to_owned()),
        false => context.controller().zone_at(seconds),
    };
    let mut time = DateTime::naive(seconds + i64::from(offset), 0);
    time.offset = Some(offset);
    time.zone = Some(zone);
    Ok(Object::str(write(&time, &format, seconds)))
}
