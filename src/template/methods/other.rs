//! Methods of numbers, bytes, times, `loop` and cyclers.

use crate::template::error::{Result, TemplateError};
use crate::template::python::{DateTime, strftime};
use crate::template::runtime::{Args, Context, Object, type_name};
use crate::value::Value;
use std::rc::Rc;

pub const TIME: &[&str] = &[
    "strftime",
    "isoformat",
    "date",
    "timestamp",
    "weekday",
    "isoweekday",
    "toordinal",
    "replace",
    "ctime",
    "utctimetuple",
];

pub fn call(context: &Context<'_>, object: &Object, name: &str, args: Args) -> Result<Object> {
    let operand = |args: Args| -> Result<i64> {
        let [other] = args.bind_required(["other"], 1)?;
        let other = other.and_then(|other| other.as_int());
        other.ok_or_else(|| TemplateError::runtime(format!("int.{name}() needs a whole number")))
    };
    match (object, name) {
        (Object::Value(Value::Int(_) | Value::Bool(_)), _) => {
            let number = object.as_int().unwrap_or(0);
            let shift = |by: i64| u32::try_from(by).map_err(|_| TemplateError::runtime("negative shift count"));
            Ok(Object::int(match name {
                "bit_length" => {
                    args.none()?;
                    i64::from(64 - number.unsigned_abs().leading_zeros())
                }
                "__and__" => number & operand(args)?,
                "__or__" => number | operand(args)?,
                "__xor__" => number ^ operand(args)?,
                "__lshift__" => number.checked_shl(shift(operand(args)?)?).unwrap_or(0),
                "__rshift__" => number.checked_shr(shift(operand(args)?)?).unwrap_or(0),
                _ => number,
            }))
        }
        (Object::Value(Value::Float(number)), "is_integer") => {
            args.none()?;
            Ok(Object::bool(number.fract() == 0.0))
        }
        (Object::Value(_), _) => Ok(object.clone()),
        (Object::Bytes(bytes), "decode") => match String::from_utf8(bytes.to_vec()) {
            Ok(text) => Ok(Object::str(text)),
            Err(_) => Err(TemplateError::runtime("'utf-8' codec can't decode the bytes")),
        },
        (Object::Bytes(bytes), _) => {
            args.none()?;
            Ok(Object::str(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
        }
        (Object::Time(time), _) => time_method(context, time, name, args),
        (Object::Delta(delta), _) => {
            args.none()?;
            Ok(Object::float(delta.total_seconds()))
        }
        (Object::Loop(state), "cycle") => state.cycle(&args),
        (Object::Loop(state), _) => state.changed(context, args),
        (Object::Cycler(state), "next") => {
            args.none()?;
            let (items, position) = &**state;
            let item = items[position.get()].clone();
            position.set((position.get() + 1) % items.len());
            Ok(item)
        }
        (Object::Cycler(state), _) => {
            args.none()?;
            state.1.set(0);
            Ok(Object::NONE)
        }
        _ => Err(TemplateError::runtime(format!("'{}' object has no attribute '{name}'", type_name(object)))),
    }
}

/// The second since 1970 in UTC that a time means; a naive one is a local one.
pub fn epoch(context: &Context<'_>, time: &DateTime) -> i64 {
    match time.offset {
        Some(offset) => time.seconds - i64::from(offset),
        None => {
            let guess = time.seconds - i64::from(context.controller().zone_at(time.seconds).0);
            time.seconds - i64::from(context.controller().zone_at(guess).0)
        }
    }
}

fn time_method(context: &Context<'_>, time: &DateTime, name: &str, args: Args) -> Result<Object> {
    Ok(match name {
        "strftime" => {
            let [format] = args.bind_required(["format"], 1)?;
            let format = context.text(&format.unwrap_or(Object::NONE))?;
            Object::str(strftime(time, &format, epoch(context, time)))
        }
        "isoformat" => {
            let [separator] = args.bind(["sep"])?;
            let separator = match separator {
                Some(separator) => context.text(&separator)?,
                None => "T".into(),
            };
            Object::str(time.iso_format(&separator))
        }
        "ctime" => Object::str(strftime(time, "%a %b %e %H:%M:%S %Y", 0)),
        "date" => {
            args.none()?;
            let midnight = time.seconds.div_euclid(86_400) * 86_400;
            Object::str(strftime(&DateTime::naive(midnight, 0), "%Y-%m-%d", 0))
        }
        "timestamp" => {
            args.none()?;
            Object::float(epoch(context, time) as f64 + f64::from(time.micros) / 1e6)
        }
        "weekday" => Object::int(i64::from(time.weekday())),
        "isoweekday" => Object::int(i64::from(time.weekday()) + 1),
        "toordinal" => Object::int(time.seconds.div_euclid(86_400) + 719_163),
        "replace" => {
            let names = ["year", "month", "day", "hour", "minute", "second", "microsecond"];
            let [year, month, day, hour, minute, second, micros] = args.bind(names)?;
            let mut fields = time.fields();
            let whole = |object: Option<Object>, old: i64| object.and_then(|object| object.as_int()).unwrap_or(old);
            fields.year = whole(year, fields.year);
            fields.month = whole(month, i64::from(fields.month)) as u32;
            fields.day = whole(day, i64::from(fields.day)) as u32;
            fields.hour = whole(hour, i64::from(fields.hour)) as u32;
            fields.minute = whole(minute, i64::from(fields.minute)) as u32;
            fields.second = whole(second, i64::from(fields.second)) as u32;
            let micros = whole(micros, i64::from(time.micros)) as u32;
            let new = DateTime::from_fields(fields, micros)
                .ok_or_else(|| TemplateError::runtime("day is out of range for month"))?;
            Object::Time(Rc::new(DateTime { offset: time.offset, zone: time.zone.clone(), ..new }))
        }
        other => return Err(TemplateError::runtime(format!("datetime.{other}() is not supported"))),
    })
}
