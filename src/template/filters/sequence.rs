//! Filters on lists and other sequences.

use super::Filter;
use crate::template::error::{ErrorKind, Result, TemplateError};
use crate::template::methods::list::sort as sort_by;
use crate::template::runtime::{Args, Context, Object, type_name};
use crate::value::{Key, Value};

pub const FILTERS: &[(&str, Filter)] = &[
    ("list", |context, value, _| Ok(Object::list(context.iterate(&value)?))),
    ("length", length),
    ("count", length),
    ("first", first),
    ("last", last),
    ("reverse", reverse),
    ("join", join),
    ("batch", batch),
    ("slice", slice),
    ("sort", sort),
    ("min", |context, value, args| extreme(context, &value, args, true)),
    ("max", |context, value, args| extreme(context, &value, args, false)),
    ("sum", sum),
    ("groupby", groupby),
    ("dictsort", dictsort),
    ("items", items),
    ("flatten", flatten),
    ("zip", zip),
    ("zip_longest", zip_longest),
    ("product", product),
    ("permutations", |context, value, args| arrange(context, &value, args, true)),
    ("combinations", |context, value, args| arrange(context, &value, args, false)),
];

/// A way from an item to one of its parts: `a.b.0`.
pub struct Getter {
    parts: Vec<Object>,
    default: Option<Object>,
    fold_case: bool,
}

impl Getter {
    /// A getter for an attribute; without one it gives the item itself.
    pub fn new(attribute: Option<&Object>, fold_case: bool) -> Getter {
        let parts = match attribute {
            None => Vec::new(),
            Some(attribute) if attribute.is_none() => Vec::new(),
            Some(attribute) => match attribute.as_str() {
                Some(path) => path
                    .split('.')
                    .map(|part| match part.parse() {
                        Ok(number) if part.bytes().all(|byte| byte.is_ascii_digit()) => Object::int(number),
                        _ => Object::str(part),
                    })
                    .collect(),
                None => vec![attribute.clone()],
            },
        };
        Getter { parts, default: None, fold_case }
    }

    /// What stands for a part that is not there.
    pub fn with_default(mut self, default: Option<Object>) -> Getter {
        self.default = default.filter(|default| !default.is_none());
        self
    }

    /// The part of an item.
    pub fn get(&self, context: &Context<'_>, item: &Object) -> Result<Object> {
        let mut object = item.clone();
        for part in &self.parts {
            object = context.item(&object, part)?;
            if let (Object::Undefined(_), Some(default)) = (&object, &self.default) {
                object = default.clone();
            }
        }
        match (self.fold_case, object.as_str()) {
            (true, Some(text)) => Ok(Object::str(text.to_lowercase())),
            _ => Ok(object),
        }
    }
}

fn length(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    match context.length(&value) {
        Some(length) => Ok(Object::int(length as i64)),
        None => Err(TemplateError::runtime(format!("object of type '{}' has no len()", type_name(&value)))),
    }
}

fn empty(context: &Context<'_>, message: &str) -> Object {
    context.undefined("", message.to_owned())
}

fn first(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    if let Some(item) = context.at(&value, 0).filter(|_| !value.is_mapping()) {
        return Ok(item);
    }
    let items = context.iterate(&value)?;
    Ok(items.into_iter().next().unwrap_or_else(|| empty(context, "No first item, sequence was empty.")))
}

fn last(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    if let Some(item) = context.at(&value, -1).filter(|_| !value.is_mapping()) {
        return Ok(item);
    }
    let items = context.iterate(&value)?;
    Ok(items.into_iter().next_back().unwrap_or_else(|| empty(context, "No last item, sequence was empty.")))
}

fn reverse(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    if let Some(text) = value.as_str() {
        return Ok(Object::str(text.chars().rev().collect::<String>()));
    }
    let mut items = context.iterate(&value)?;
    items.reverse();
    Ok(Object::list(items))
}

fn join(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [separator, attribute] = args.bind(["d", "attribute"])?;
    let separator = match separator {
        Some(separator) => context.text(&separator)?,
        None => String::new(),
    };
    let getter = Getter::new(attribute.as_ref(), false);
    let mut out = String::new();
    for (index, item) in context.iterate(&value)?.iter().enumerate() {
        if index > 0 {
            out.push_str(&separator);
        }
        out.push_str(&context.text(&getter.get(context, item)?)?);
    }
    Ok(Object::str(out))
}

fn positive(context: &Context<'_>, number: &Option<Object>) -> Result<usize> {
    let number = context.int_or(number, 0)?;
    usize::try_from(number)
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| TemplateError::runtime("integer division or modulo by zero"))
}

fn batch(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [count, fill] = args.bind_required(["linecount", "fill_with"], 1)?;
    let count = positive(context, &count)?;
    let items = context.iterate(&value)?;
    let mut out = Vec::new();
    for chunk in items.chunks(count) {
        let mut line = chunk.to_vec();
        if let Some(fill) = fill.as_ref().filter(|fill| !fill.is_none()) {
            line.resize(count, fill.clone());
        }
        out.push(Object::list(line));
    }
    Ok(Object::list(out))
}

fn slice(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [slices, fill] = args.bind_required(["slices", "fill_with"], 1)?;
    let slices = positive(context, &slices)?;
    let items = context.iterate(&value)?;
    let (each, extra) = (items.len() / slices, items.len() % slices);
    let mut rest = items.into_iter();
    let mut out = Vec::new();
    for number in 0..slices {
        let mut part: Vec<Object> = rest.by_ref().take(each + usize::from(number < extra)).collect();
        if let Some(fill) = fill.as_ref().filter(|fill| !fill.is_none())
            && number >= extra
        {
            part.push(fill.clone());
        }
        out.push(Object::list(part));
    }
    Ok(Object::list(out))
}

fn sort(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [reverse, case_sensitive, attribute] = args.bind(["reverse", "case_sensitive", "attribute"])?;
    let fold_case = !context.truth_or(&case_sensitive, false)?;
    let getters: Vec<Getter> = match attribute.as_ref().and_then(Object::as_str) {
        Some(list) => list.split(',').map(|path| Getter::new(Some(&Object::str(path)), fold_case)).collect(),
        None => vec![Getter::new(attribute.as_ref(), fold_case)],
    };
    let mut items = context.iterate(&value)?;
    let key = |item: &Object| {
        let parts = getters.iter().map(|getter| getter.get(context, item)).collect::<Result<Vec<_>>>()?;
        Ok(Object::list(parts))
    };
    if context.truth_or(&reverse, false)? {
        // Equal items keep their order, as in Python.
        items.reverse();
        sort_by(context, &mut items, key)?;
        items.reverse();
    } else {
        sort_by(context, &mut items, key)?;
    }
    Ok(Object::list(items))
}

fn extreme(context: &Context<'_>, value: &Object, args: Args, least: bool) -> Result<Object> {
    let [case_sensitive, attribute] = args.bind(["case_sensitive", "attribute"])?;
    let getter = Getter::new(attribute.as_ref(), !context.truth_or(&case_sensitive, false)?);
    let mut best: Option<(Object, Object)> = None;
    for item in context.iterate(value)? {
        let key = getter.get(context, &item)?;
        if let Object::Undefined(error) = &key {
            return Err(error.raised());
        }
        let better = match &best {
            None => true,
            Some((known, _)) => {
                let ordering = context.sort_order(&key, known)?;
                if least { ordering.is_lt() } else { ordering.is_gt() }
            }
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or_else(|| empty(context, "No aggregated item, sequence was empty."), |(_, item)| item))
}

fn sum(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [attribute, start] = args.bind(["attribute", "start"])?;
    let getter = Getter::new(attribute.as_ref(), false);
    let mut total = start.unwrap_or_else(|| Object::int(0));
    for item in context.iterate(&value)? {
        let part = getter.get(context, &item)?;
        total = context.binary(crate::template::syntax::BinaryOp::Add, &total, &part)?;
    }
    Ok(total)
}

fn groupby(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [attribute, default, case_sensitive] = args.bind_required(["attribute", "default", "case_sensitive"], 1)?;
    let fold_case = !context.truth_or(&case_sensitive, false)?;
    let getter = Getter::new(attribute.as_ref(), fold_case).with_default(default.clone());
    let shown = Getter::new(attribute.as_ref(), false).with_default(default);
    let mut items = context.iterate(&value)?;
    sort_by(context, &mut items, |item| getter.get(context, item))?;
    let mut groups: Vec<(Object, Object, Vec<Object>)> = Vec::new();
    for item in items {
        let key = getter.get(context, &item)?;
        match groups.last_mut() {
            Some((known, _, group)) if context.equal(known, &key)? => group.push(item),
            _ => groups.push((key, shown.get(context, &item)?, vec![item])),
        }
    }
    Ok(Object::list(groups.into_iter().map(|(_, key, group)| Object::tuple(vec![key, Object::list(group)])).collect()))
}

fn dictsort(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [case_sensitive, by, reverse] = args.bind(["case_sensitive", "by", "reverse"])?;
    let fold_case = !context.truth_or(&case_sensitive, false)?;
    let position = match context.text_or(&by, "key")?.as_str() {
        "key" => 0,
        "value" => 1,
        _ => return Err(TemplateError::runtime("You can only sort by either \"key\" or \"value\"")),
    };
    let getter = Getter::new(Some(&Object::int(position)), fold_case);
    let pairs = context.entries(&value)?.into_iter();
    let mut pairs: Vec<Object> = pairs.map(|(key, value)| Object::tuple(vec![key.to_value().into(), value])).collect();
    let backwards = context.truth_or(&reverse, false)?;
    if backwards {
        pairs.reverse();
    }
    sort_by(context, &mut pairs, |pair| getter.get(context, pair))?;
    if backwards {
        pairs.reverse();
    }
    Ok(Object::list(pairs))
}

fn items(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    if !value.is_mapping() {
        return Err(TemplateError::runtime("Can only get item pairs from a mapping."));
    }
    let pairs = context.entries(&value)?.into_iter();
    Ok(Object::list(pairs.map(|(key, value)| Object::tuple(vec![key.to_value().into(), value])).collect()))
}

fn flatten(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [levels, skip_nulls] = args.bind(["levels", "skip_nulls"])?;
    let levels =
        levels.filter(|levels| !levels.is_none()).map(|levels| context.int_or(&Some(levels), 0)).transpose()?;
    let skip_nulls = context.truth_or(&skip_nulls, true)?;
    let mut out = Vec::new();
    flatten_into(context, &value, levels, skip_nulls, &mut out)?;
    Ok(Object::list(out))
}

/// Puts the items of nested lists into one, down to so many levels.
pub fn flatten_into(
    context: &Context<'_>,
    value: &Object,
    levels: Option<i64>,
    skip_nulls: bool,
    out: &mut Vec<Object>,
) -> Result<()> {
    for item in context.iterate(value)? {
        if skip_nulls && (item.is_none() || matches!(item.as_str(), Some("None" | "null"))) {
            continue;
        }
        match levels {
            _ if !item.is_list() => out.push(item),
            None => context.nested(|| flatten_into(context, &item, None, skip_nulls, out))?,
            Some(levels) if levels >= 1 => {
                context.nested(|| flatten_into(context, &item, Some(levels - 1), skip_nulls, out))?;
            }
            Some(_) => out.push(item),
        }
    }
    Ok(())
}

fn columns(context: &Context<'_>, value: &Object, args: &Args) -> Result<Vec<Vec<Object>>> {
    let mut columns = vec![context.iterate(value)?];
    for other in &args.positional {
        columns.push(context.iterate(other)?);
    }
    Ok(columns)
}

fn zip(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    let strict = args.take("strict");
    let columns = columns(context, &value, &args)?;
    Args { positional: Vec::new(), named: args.named }.none()?;
    let shortest = columns.iter().map(Vec::len).min().unwrap_or(0);
    if context.truth_or(&strict, false)? && columns.iter().any(|column| column.len() != shortest) {
        return Err(TemplateError::runtime("zip() arguments have different lengths"));
    }
    let row = |at: usize| Object::tuple(columns.iter().map(|column| column[at].clone()).collect());
    Ok(Object::list((0..shortest).map(row).collect()))
}

fn zip_longest(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    let fill = args.take("fillvalue").unwrap_or(Object::NONE);
    let columns = columns(context, &value, &args)?;
    let longest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let row = |at: usize| Object::tuple(columns.iter().map(|column| column.get(at).unwrap_or(&fill).clone()).collect());
    Ok(Object::list((0..longest).map(row).collect()))
}

/// More results than this are refused.
const MANY: usize = 5_000_000;

fn too_many() -> Box<TemplateError> {
    TemplateError::new(ErrorKind::Runtime, "too many combinations")
}

fn product(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    let repeat = context.int_or(&args.take("repeat"), 1)?.clamp(0, 100) as usize;
    let once = columns(context, &value, &args)?;
    let columns: Vec<&Vec<Object>> = (0..repeat).flat_map(|_| once.iter()).collect();
    let mut rows: Vec<Vec<Object>> = vec![Vec::new()];
    for column in columns {
        if rows.len().saturating_mul(column.len()) > MANY {
            return Err(too_many());
        }
        rows = rows
            .iter()
            .flat_map(|row| {
                column.iter().map(|item| {
                    let mut row = row.clone();
                    row.push(item.clone());
                    row
                })
            })
            .collect();
    }
    Ok(Object::list(rows.into_iter().map(Object::tuple).collect()))
}

/// `permutations` and `combinations`, in the order of the positions.
fn arrange(context: &Context<'_>, value: &Object, args: Args, ordered: bool) -> Result<Object> {
    let items = context.iterate(value)?;
    let length = match ordered {
        true => {
            let [length] = args.bind(["r"])?;
            context.int_or(&length, items.len() as i64)?
        }
        false => {
            let [length] = args.bind_required(["r"], 1)?;
            context.int_or(&length, 0)?
        }
    };
    let length = usize::try_from(length).map_err(|_| TemplateError::runtime("r must be non-negative"))?;
    let mut out = Vec::new();
    let mut picked = Vec::new();
    if length <= items.len() {
        pick(&items, length, ordered, &mut picked, &mut out)?;
    }
    Ok(Object::list(out))
}

fn pick(items: &[Object], length: usize, ordered: bool, picked: &mut Vec<usize>, out: &mut Vec<Object>) -> Result<()> {
    if picked.len() == length {
        if out.len() >= MANY {
            return Err(too_many());
        }
        out.push(Object::tuple(picked.iter().map(|index| items[*index].clone()).collect()));
        return Ok(());
    }
    let start = if ordered { 0 } else { picked.last().map_or(0, |last| last + 1) };
    for index in start..items.len() {
        if !picked.contains(&index) {
            picked.push(index);
            pick(items, length, ordered, picked, out)?;
            picked.pop();
        }
    }
    Ok(())
}

/// Whether two objects are one key of a set.
pub fn same(context: &Context<'_>, left: &Object, right: &Object) -> Result<bool> {
    match (left, right) {
        (Object::Value(Value::Str(a)), Object::Value(Value::Str(b))) => Ok(a == b),
        _ => context.equal(left, right),
    }
}

/// A key for quick membership tests; None for what cannot be one.
pub fn set_key(object: &Object) -> Option<Key> {
    match object {
        Object::Value(Value::Bool(truth)) => Some(Key::Int(i64::from(*truth))),
        Object::Value(Value::Float(number)) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Some(Key::Int(*number as i64))
        }
        Object::Value(value) => Key::from_value(value),
        _ => None,
    }
}
