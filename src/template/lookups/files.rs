//! Lookups that read or find files on the controller.

use super::{Call, Lookup};
use crate::template::error::{ErrorKind, Result, TemplateError};
use crate::template::filters::normalize_path;
use crate::template::options::{self, Syntax};
use crate::template::runtime::{Context, FileState, Object, restore_newlines, type_name};
use crate::template::scope::{Overlay, Scope};
use crate::value::{Key, Map, Value};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

pub const LOOKUPS: &[(&str, Lookup)] = &[
    ("file", file),
    ("unvault", unvault),
    ("fileglob", fileglob),
    ("first_found", first_found),
    ("template", template),
];

/// The text of a file that is found as `kind` files are.
pub fn read(context: &Context<'_>, kind: &str, name: &str) -> Result<(PathBuf, String)> {
    let (path, content) =
        context.controller().read_file(kind, name, &context.search_path()).map_err(TemplateError::runtime)?;
    match String::from_utf8(content) {
        Ok(text) => Ok((path, text)),
        Err(_) => Err(TemplateError::runtime(format!("file {} is not UTF-8", path.display()))),
    }
}

fn file(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let [rstrip, lstrip] = call.options.bind(["rstrip", "lstrip"])?;
    let (rstrip, lstrip) = (context.truth_or(&rstrip, true)?, context.truth_or(&lstrip, false)?);
    let mut out = Vec::new();
    for term in &call.terms {
        let name = context.text(term)?;
        let (_, text) = read(context, "files", &name).map_err(|mut error| {
            error.message = format!("Unable to access the file {}: {}", Value::str(&name).repr(), error.message);
            error
        })?;
        let text = if lstrip { text.trim_start() } else { &text };
        out.push(Object::str(if rstrip { text.trim_end() } else { text }));
    }
    Ok(out)
}

fn unvault(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    call.options.none()?;
    let texts = call.terms.iter().map(|term| read(context, "files", &context.text(term)?));
    texts.map(|found| found.map(|(_, text)| Object::str(text))).collect()
}

fn fileglob(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    call.options.none()?;
    let search = context.search_path();
    let mut out = Vec::new();
    for term in &call.terms {
        let term = context.text(term)?;
        let (folder, pattern) = term.rsplit_once('/').unwrap_or(("", &term));
        let folders: Vec<PathBuf> = if term.contains('/') {
            let folder = if folder.is_empty() { "/" } else { folder };
            context.controller().find_file("files", folder, &search).into_iter().collect()
        } else if search.is_empty() {
            let base = context.controller().playbook_folder();
            vec![base.join("files"), base]
        } else {
            search.iter().flat_map(|folder| [folder.join("files"), folder.clone()]).collect()
        };
        for folder in folders {
            let found = context.controller().glob(&folder.join(pattern).to_string_lossy());
            if !found.is_empty() {
                out.extend(found.iter().map(|path| Object::str(path.to_string_lossy())));
                break;
            }
        }
    }
    Ok(out)
}

/// Terms and options of `first_found`, which a term that is a dict can replace.
struct Search {
    files: Vec<Object>,
    paths: Vec<Object>,
    skip: bool,
}

fn first_found(context: &Context<'_>, mut call: Call) -> Result<Vec<Object>> {
    // The kind of the task's files, which a loop is told by its caller.
    let kind = match call.options.take("_kind") {
        Some(kind) => context.text(&kind)?,
        None => "files".into(),
    };
    let [files, paths, skip] = call.options.bind(["files", "paths", "skip"])?;
    let mut search = Search {
        files: listed(context, files)?,
        paths: listed(context, paths)?,
        skip: context.truth_or(&skip, false)?,
    };
    let terms = if call.terms.is_empty() { std::mem::take(&mut search.files) } else { call.terms };
    let mut names = Vec::new();
    collect(context, &terms, call.with, &mut search, &mut names)?;
    let folders = context.search_path();
    for name in &names {
        if let Some(path) = context.controller().find_file(&kind, name, &folders) {
            return Ok(vec![Object::str(normalize_path(&path.to_string_lossy()))]);
        }
    }
    match search.skip {
        true => Ok(Vec::new()),
        false => Err(TemplateError::runtime("No file was found when using first_found.")),
    }
}

fn listed(context: &Context<'_>, object: Option<Object>) -> Result<Vec<Object>> {
    match object {
        None => Ok(Vec::new()),
        Some(object) if object.is_none() => Ok(Vec::new()),
        Some(object) if object.is_list() => context.iterate(&object),
        Some(object) => Ok(vec![object]),
    }
}

/// Gathers the names to try. In a loop undefined terms count for nothing.
fn collect(
    context: &Context<'_>,
    terms: &[Object],
    with: bool,
    search: &mut Search,
    names: &mut Vec<String>,
) -> Result<()> {
    for term in terms {
        if let Object::Undefined(error) = term {
            if with && error.is_undefined() {
                continue;
            }
            return Err(error.raised());
        }
        if term.is_list() {
            let inner = context.iterate(term)?;
            context.nested(|| collect(context, &inner, with, search, names))?;
            continue;
        }
        let files = if term.is_mapping() {
            let entry = |name: &str| context.entry(term, &Key::from(name));
            search.paths = listed(context, entry("paths"))?;
            search.skip = context.truth_or(&entry("skip"), false)?;
            listed(context, entry("files"))?
        } else if term.as_str().is_some() {
            vec![term.clone()]
        } else {
            return Err(TemplateError::runtime(format!(
                "Invalid term supplied. A string, dict or list is required, not '{}').",
                type_name(term)
            )));
        };
        let files = split_texts(context, &files, with, &[',', ';'])?;
        let paths = split_texts(context, &search.paths, with, &[',', ':', ';'])?;
        if paths.is_empty() {
            names.extend(files);
        } else {
            for path in &paths {
                names.extend(files.iter().map(|file| Path::new(path).join(file).to_string_lossy().into_owned()));
            }
        }
    }
    Ok(())
}

fn split_texts(context: &Context<'_>, items: &[Object], with: bool, separators: &[char]) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for item in items {
        match item {
            Object::Undefined(error) if with && error.is_undefined() => {}
            item => out.extend(context.text(item)?.split(separators).map(str::to_owned)),
        }
    }
    Ok(out)
}

fn template(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let names = [
        "template_vars",
        "variable_start_string",
        "variable_end_string",
        "comment_start_string",
        "comment_end_string",
        "trim_blocks",
        "lstrip_blocks",
        "convert_data",
        "jinja2_native",
    ];
    let [vars, variable_start, variable_end, comment_start, comment_end, trim, lstrip, _convert, _native] =
        call.options.bind(names)?;
    let usual = Syntax::default();
    let syntax = Syntax {
        variable_start: context.text_or(&variable_start, &usual.variable_start)?,
        variable_end: context.text_or(&variable_end, &usual.variable_end)?,
        comment_start: context.text_or(&comment_start, &usual.comment_start)?,
        comment_end: context.text_or(&comment_end, &usual.comment_end)?,
        trim_blocks: context.truth_or(&trim, true)?,
        lstrip_blocks: context.truth_or(&lstrip, false)?,
        ..usual
    };
    let extra = match vars {
        Some(vars) if !vars.is_none() => context.plain(&vars)?,
        _ => Value::map(Map::new()),
    };
    let mut out = Vec::new();
    for term in &call.terms {
        let name = context.text(term)?;
        let (path, source) = read(context, "templates", &name)?;
        let mut over = Map::new();
        if context.scope.get("ansible_managed").is_none() {
            over.insert("ansible_managed".into(), Value::str("Ansible managed"));
        }
        over.insert("template_path".into(), Value::str(&name));
        over.insert("template_fullpath".into(), Value::str(path.to_string_lossy()));
        over.extend(extra.as_map().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
        let scope: Arc<dyn Scope> = Arc::new(Overlay { over, under: context.scope.clone() });
        out.push(render(context, &path, &source, syntax.clone(), scope)?);
    }
    Ok(out)
}

/// Renders a file where the lookup stands. An error is raised only when the result is used.
fn render(context: &Context<'_>, path: &Path, source: &str, syntax: Syntax, scope: Arc<dyn Scope>) -> Result<Object> {
    let in_file = |mut error: Box<TemplateError>| {
        if matches!(error.kind, ErrorKind::Syntax { .. }) {
            error.message = format!("{}: {}", path.display(), error.message);
        }
        error
    };
    let (body, syntax) = options::split_header(source, &syntax).map_err(in_file)?;
    let compiled = context.engine().compile_file(body, &syntax).map_err(in_file)?;
    let mut inner = context.in_scope(scope);
    let search = path.parent().map(Path::to_path_buf).into_iter();
    let search = search.chain(context.search_path().into_iter().flat_map(|folder| [folder.join("templates"), folder]));
    inner.file = Some(Rc::new(FileState { syntax, search: search.collect() }));
    let object = inner.run(&compiled, "")?;
    Ok(restore_newlines(object, source, "\n"))
}
