//! `+ - * / // % **` and the signs.

use super::context::Context;
use super::object::Object;
use super::print::type_name;
use crate::template::error::{Result, TemplateError};
use crate::template::python;
use crate::template::syntax::BinaryOp;
use crate::value::Value;
use std::rc::Rc;

/// Repeating text or a list must not eat the memory.
const LONGEST: usize = 256 << 20;

enum Numbers {
    Ints(i64, i64),
    Floats(f64, f64),
}

fn numbers(left: &Object, right: &Object) -> Option<Numbers> {
    match (left.as_int(), right.as_int()) {
        (Some(a), Some(b)) => Some(Numbers::Ints(a, b)),
        _ => Some(Numbers::Floats(left.as_float()?, right.as_float()?)),
    }
}

impl Context<'_> {
    pub fn binary(&self, op: BinaryOp, left: &Object, right: &Object) -> Result<Object> {
        for side in [left, right] {
            if let Object::Undefined(error) = side
                && !(op == BinaryOp::Mod && left.as_str().is_some())
            {
                return Err(error.raised());
            }
        }
        if let Some(numbers) = numbers(left, right) {
            return arithmetic(op, numbers);
        }
        let combined = match op {
            BinaryOp::Add => self.add(left, right)?,
            BinaryOp::Sub => match (left, right) {
                (Object::Time(a), Object::Time(b)) => Some(Object::Delta(a.since(b)?)),
                (Object::Time(a), Object::Delta(b)) => Some(Object::Time(Rc::new(a.plus(b.negated())?))),
                (Object::Delta(a), Object::Delta(b)) => Some(Object::Delta(a.plus(b.negated()))),
                _ => None,
            },
            BinaryOp::Mul => match (left.as_int(), right.as_int()) {
                (Some(count), _) => self.repeat(right, count)?,
                (_, Some(count)) => self.repeat(left, count)?,
                _ => None,
            },
            BinaryOp::Mod => match left.as_str() {
                Some(format) => Some(Object::str(python::percent_format(self, format, right)?)),
                None => None,
            },
            _ => None,
        };
        combined.ok_or_else(|| refused(op, left, right))
    }

    fn add(&self, left: &Object, right: &Object) -> Result<Option<Object>> {
        Ok(match (left, right) {
            (Object::Value(Value::Str(a)), Object::Value(Value::Str(b))) => Some(Object::str(format!("{a}{b}"))),
            (Object::Value(Value::List(a)), Object::Value(Value::List(b))) => {
                Some(Object::Value(Value::list(a.iter().chain(b.iter()).cloned().collect())))
            }
            (Object::Tuple(a), Object::Tuple(b)) => Some(Object::tuple(a.iter().chain(b.iter()).cloned().collect())),
            (Object::Tuple(_), _) | (_, Object::Tuple(_)) => None,
            (Object::Time(a), Object::Delta(b)) | (Object::Delta(b), Object::Time(a)) => {
                Some(Object::Time(Rc::new(a.plus(*b)?)))
            }
            (Object::Delta(a), Object::Delta(b)) => Some(Object::Delta(a.plus(*b))),
            (Object::Bytes(a), Object::Bytes(b)) => Some(Object::Bytes(Rc::new([&a[..], &b[..]].concat()))),
            _ if left.is_list() && right.is_list() => {
                let mut items = self.iterate(left)?;
                items.extend(self.iterate(right)?);
                Some(Object::list(items))
            }
            _ => None,
        })
    }

    fn repeat(&self, object: &Object, count: i64) -> Result<Option<Object>> {
        let count = usize::try_from(count).unwrap_or(0);
        let length = match object {
            Object::Value(Value::Str(text)) => text.len(),
            _ => self.length(object).unwrap_or(0),
        };
        if length.saturating_mul(count) > LONGEST {
            return Err(TemplateError::runtime("repeated value is too long"));
        }
        Ok(match object {
            Object::Value(Value::Str(text)) => Some(Object::str(text.repeat(count))),
            Object::Tuple(items) => Some(Object::tuple(repeated(items, count))),
            other if other.is_list() => Some(Object::list(repeated(&self.iterate(other)?, count))),
            _ => None,
        })
    }

    pub(super) fn negative(&self, object: &Object) -> Result<Object> {
        match object {
            Object::Undefined(error) => Err(error.raised()),
            Object::Value(Value::Float(number)) => Ok(Object::float(-number)),
            Object::Delta(delta) => Ok(Object::Delta(delta.negated())),
            other => match other.as_int() {
                Some(number) => Ok(number.checked_neg().map_or(Object::float(-(number as f64)), Object::int)),
                None => Err(bad_operand('-', other)),
            },
        }
    }

    pub(super) fn positive(&self, object: &Object) -> Result<Object> {
        match object {
            Object::Undefined(error) => Err(error.raised()),
            Object::Value(Value::Float(_)) => Ok(object.clone()),
            other => other.as_int().map(Object::int).ok_or_else(|| bad_operand('+', other)),
        }
    }
}

fn repeated(items: &[Object], count: usize) -> Vec<Object> {
    (0..count).flat_map(|_| items.iter().cloned()).collect()
}

fn bad_operand(sign: char, object: &Object) -> Box<TemplateError> {
    TemplateError::runtime(format!("bad operand type for unary {sign}: '{}'", type_name(object)))
}

fn refused(op: BinaryOp, left: &Object, right: &Object) -> Box<TemplateError> {
    let (left_name, right_name) = (type_name(left), type_name(right));
    let message = match op {
        BinaryOp::Add if left.as_str().is_some() => {
            format!("can only concatenate str (not \"{right_name}\") to str")
        }
        BinaryOp::Add if left.is_list() => {
            format!("can only concatenate {left_name} (not \"{right_name}\") to {left_name}")
        }
        BinaryOp::Mul if left.as_str().is_some() || left.is_list() => {
            format!("can't multiply sequence by non-int of type '{right_name}'")
        }
        _ => {
            let sign = match op {
                BinaryOp::Add => "+",
                BinaryOp::Sub => "-",
                BinaryOp::Mul => "*",
                BinaryOp::Div => "/",
                BinaryOp::FloorDiv => "//",
                BinaryOp::Mod => "%",
                BinaryOp::Pow => "** or pow()",
            };
            format!("unsupported operand type(s) for {sign}: '{left_name}' and '{right_name}'")
        }
    };
    TemplateError::runtime(message)
}

/// Whole numbers that outgrow 64 bits go on as floats.
fn arithmetic(op: BinaryOp, numbers: Numbers) -> Result<Object> {
    let zero = |message: &str| Err(TemplateError::runtime(message));
    Ok(match (op, numbers) {
        (BinaryOp::Add, Numbers::Ints(a, b)) => whole(a.checked_add(b), a as f64 + b as f64),
        (BinaryOp::Sub, Numbers::Ints(a, b)) => whole(a.checked_sub(b), a as f64 - b as f64),
        (BinaryOp::Mul, Numbers::Ints(a, b)) => whole(a.checked_mul(b), a as f64 * b as f64),
        (BinaryOp::Div, Numbers::Ints(_, 0)) => return zero("division by zero"),
        (BinaryOp::Div, Numbers::Ints(a, b)) => Object::float(a as f64 / b as f64),
        (BinaryOp::FloorDiv, Numbers::Ints(_, 0)) => return zero("integer division or modulo by zero"),
        (BinaryOp::Mod, Numbers::Ints(_, 0)) => return zero("integer modulo by zero"),
        (BinaryOp::FloorDiv, Numbers::Ints(a, b)) => {
            let quotient = a.wrapping_div(b);
            Object::int(if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
        }
        (BinaryOp::Mod, Numbers::Ints(a, b)) => {
            let rest = a.wrapping_rem(b);
            Object::int(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
        }
        (BinaryOp::Pow, Numbers::Ints(a, b)) => match u32::try_from(b) {
            Ok(exponent) => whole(a.checked_pow(exponent), (a as f64).powf(b as f64)),
            Err(_) if a == 0 => return zero("0.0 cannot be raised to a negative power"),
            Err(_) => Object::float((a as f64).powf(b as f64)),
        },
        (BinaryOp::Add, Numbers::Floats(a, b)) => Object::float(a + b),
        (BinaryOp::Sub, Numbers::Floats(a, b)) => Object::float(a - b),
        (BinaryOp::Mul, Numbers::Floats(a, b)) => Object::float(a * b),
        (BinaryOp::Div, Numbers::Floats(_, 0.0)) => return zero("float division by zero"),
        (BinaryOp::Div, Numbers::Floats(a, b)) => Object::float(a / b),
        (BinaryOp::FloorDiv, Numbers::Floats(_, 0.0)) => return zero("float floor division by zero"),
        (BinaryOp::Mod, Numbers::Floats(_, 0.0)) => return zero("float modulo"),
        (BinaryOp::FloorDiv, Numbers::Floats(a, b)) => Object::float((a / b).floor()),
        (BinaryOp::Mod, Numbers::Floats(a, b)) => {
            let rest = a % b;
            Object::float(if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest })
        }
        (BinaryOp::Pow, Numbers::Floats(a, b)) => Object::float(a.powf(b)),
    })
}

fn whole(number: Option<i64>, float: f64) -> Object {
    number.map_or(Object::float(float), Object::int)
}
