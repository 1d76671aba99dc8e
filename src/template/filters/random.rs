//! `random` and `shuffle`, stable when they are given a seed.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::python::Random;
use crate::template::runtime::{Args, Context, Object};

pub const FILTERS: &[(&str, Filter)] = &[("random", random), ("shuffle", shuffle)];

/// A seeded source, or the controller's.
pub enum Source<'c, 's> {
    Seeded(Box<Random>),
    Controller(&'c Context<'s>),
}

impl<'c, 's> Source<'c, 's> {
    /// A source for an optional seed.
    pub fn new(context: &'c Context<'s>, seed: Option<&Object>) -> Result<Source<'c, 's>> {
        Ok(match seed.filter(|seed| !seed.is_none()) {
            None => Source::Controller(context),
            Some(seed) => Source::Seeded(Box::new(match seed.as_int() {
                Some(number) => Random::from_number(number),
                None => Random::from_text(&context.text(seed)?),
            })),
        })
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> Result<u64> {
        match self {
            Source::Seeded(random) => Ok(random.below(limit)),
            Source::Controller(context) => {
                let mut bytes = [0; 16];
                context.controller().random(&mut bytes).map_err(TemplateError::runtime)?;
                Ok((u128::from_le_bytes(bytes) % u128::from(limit.max(1))) as u64)
            }
        }
    }
}

fn random(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [start, step, seed] = args.bind(["start", "step", "seed"])?;
    let mut source = Source::new(context, seed.as_ref())?;
    if let Some(end) = value.as_int() {
        let start = context.int_or(&start, 0)?;
        let step = match context.int_or(&step, 1)? {
            0 => 1,
            step => step,
        };
        let count = context.length(&Object::Range(start, end, step)).unwrap_or(0);
        if count == 0 {
            return Err(TemplateError::runtime(format!("empty range in randrange({start}, {end}, {step})")));
        }
        return Ok(Object::int(start + step * source.below(count as u64)? as i64));
    }
    if !context.is_iterable(&value) {
        return Err(TemplateError::runtime("random can only be used on sequences and integers"));
    }
    if [&start, &step].into_iter().flatten().any(|object| context.truth(object).unwrap_or(true)) {
        return Err(TemplateError::runtime("start and step can only be used with integer values"));
    }
    let length = context.length(&value).unwrap_or(0);
    if length == 0 {
        return Err(TemplateError::runtime("Cannot choose from an empty sequence"));
    }
    let index = source.below(length as u64)? as i64;
    match context.at(&value, index) {
        Some(item) => Ok(item),
        None => Ok(context.iterate(&value)?.swap_remove(index as usize)),
    }
}

fn shuffle(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [seed] = args.bind(["seed"])?;
    if !context.is_iterable(&value) {
        return Ok(value);
    }
    let seed = seed.filter(|seed| context.truth(seed).unwrap_or(false));
    let mut source = Source::new(context, seed.as_ref())?;
    let mut items = context.iterate(&value)?;
    for last in (1..items.len()).rev() {
        let other = source.below(last as u64 + 1)? as usize;
        items.swap(last, other);
    }
    Ok(Object::list(items))
}
