//! Tests of paths on the controller.

use super::Test;
use crate::template::controller::PathFacts;
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object, type_name};
use std::path::PathBuf;

pub const TESTS: &[(&str, Test)] = &[
    ("abs", |_, value, args| path(value, args).map(|path| path.is_absolute())),
    ("is_abs", |_, value, args| path(value, args).map(|path| path.is_absolute())),
    ("exists", |context, value, args| facts(context, value, args, |facts| facts.exists)),
    ("link_exists", |context, value, args| facts(context, value, args, |_| true)),
    ("directory", |context, value, args| facts(context, value, args, |facts| facts.directory)),
    ("is_dir", |context, value, args| facts(context, value, args, |facts| facts.directory)),
    ("file", |context, value, args| facts(context, value, args, |facts| facts.file)),
    ("is_file", |context, value, args| facts(context, value, args, |facts| facts.file)),
    ("link", |context, value, args| facts(context, value, args, |facts| facts.link)),
    ("is_link", |context, value, args| facts(context, value, args, |facts| facts.link)),
    ("mount", |context, value, args| facts(context, value, args, |facts| facts.mount)),
    ("is_mount", |context, value, args| facts(context, value, args, |facts| facts.mount)),
    ("same_file", same_file),
    ("is_same_file", same_file),
    ("vaulted_file", |context, value, args| {
        let path = path(value, args)?;
        let (_, content) = context
            .controller()
            .read_raw(&path)
            .map_err(|error| TemplateError::runtime(format!("Cannot test if the file is a vault: {error}")))?;
        Ok(content.starts_with(b"$ANSIBLE_VAULT"))
    }),
    ("vault_encrypted", |_, value, args| {
        args.none()?;
        match value {
            Object::Undefined(error) => Err(error.raised()),
            other => Ok(other.as_str().is_some_and(|text| text.starts_with("$ANSIBLE_VAULT;"))),
        }
    }),
];

fn path(value: &Object, args: Args) -> Result<PathBuf> {
    args.none()?;
    match value.as_str() {
        Some(text) => Ok(PathBuf::from(text)),
        None => {
            Err(TemplateError::runtime(format!("expected str, bytes or os.PathLike object, not {}", type_name(value))))
        }
    }
}

fn facts(context: &Context<'_>, value: &Object, args: Args, test: fn(&PathFacts) -> bool) -> Result<bool> {
    let path = path(value, args)?;
    Ok(context.controller().path_facts(&path).is_some_and(|facts| test(&facts)))
}

fn same_file(context: &Context<'_>, value: &Object, args: Args) -> Result<bool> {
    let [other] = args.bind_required(["other"], 1)?;
    let identity = |value: &Object| {
        let path = path(value, Args::default())?;
        let facts = context.controller().path_facts(&path).filter(|facts| facts.exists);
        let facts = facts.ok_or_else(|| {
            TemplateError::runtime(format!("[Errno 2] No such file or directory: '{}'", path.display()))
        })?;
        Ok::<_, Box<TemplateError>>(facts.identity)
    };
    Ok(identity(value)? == identity(&other.unwrap_or(Object::NONE))?)
}
