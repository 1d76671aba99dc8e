//! `serial`: a play's hosts in batches.

use crate::value::Value;

/// Sizes from `serial` for `count` hosts: numbers or percentages, the last one repeating.
///
/// # Errors
/// What is neither a number nor a percentage.
pub(super) fn batches<T: Clone>(serial: &[Value], hosts: &[T]) -> Result<Vec<Vec<T>>, String> {
    let sizes = serial.iter().map(|size| batch_size(size, hosts.len())).collect::<Result<Vec<usize>, String>>()?;
    let Some(last) = sizes.last().copied() else { return Ok(vec![hosts.to_vec()]) };
    let mut sizes = sizes.into_iter();
    let mut rest = hosts;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let size = match sizes.next().unwrap_or(last) {
            0 => rest.len(),
            size => size.min(rest.len()),
        };
        let (batch, after) = rest.split_at(size);
        found.push(batch.to_vec());
        rest = after;
    }
    Ok(found)
}

/// 0 stands for all; a percentage gives at least one host.
fn batch_size(size: &Value, count: usize) -> Result<usize, String> {
    let text = size.to_string();
    let wrong = || format!("`serial` takes numbers and percentages, not {text:?}");
    match text.trim().strip_suffix('%') {
        Some(percent) => {
            let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
            Ok(((count as f64 * percent / 100.0) as usize).max(1))
        }
        None => match text.trim().parse::<i64>() {
            Ok(number) => Ok(usize::try_from(number).unwrap_or(0)),
            Err(_) => Err(wrong()),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_each_other_and_the_last_repeats() {
        let hosts: Vec<u32> = (0..10).collect();
        let sizes =
            |serial: Vec<Value>| -> Vec<usize> { batches(&serial, &hosts).unwrap().iter().map(Vec::len).collect() };
        assert_eq!(sizes(vec![Value::Int(1), Value::Int(3)]), [1, 3, 3, 3]);
        assert_eq!(sizes(vec![Value::str("25%")]), [2, 2, 2, 2, 2]);
        assert_eq!(sizes(vec![Value::Int(0)]), [10]);
        assert_eq!(sizes(vec![]), [10]);
        assert!(batches(&[Value::str("x")], &hosts).is_err());
    }
}
