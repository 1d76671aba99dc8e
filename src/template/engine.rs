//! The engine: what everyone else calls.

use super::controller::Controller;
use super::error::{ErrorKind, Result, TemplateError};
use super::names::{self, NamesRead};
use super::options::{self, FileOptions, Syntax};
use super::runtime::{Args, Compiled, Context, FileState, Object, Session, restore_newlines, type_name};
use super::scope::Scope;
use super::syntax;
use super::{check, filters, lookups, tests};
use crate::source::Span;
use crate::value::{Map, TemplateText, Value};
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::{Arc, PoisonError, RwLock};

/// When a cache holds this many texts it starts anew.
const CACHED: usize = 20_000;

/// Texts that have been read.
struct Cache<K>(RwLock<HashMap<K, Arc<Compiled>>>);

impl<K: Hash + Eq> Cache<K> {
    fn new() -> Cache<K> {
        Cache(RwLock::new(HashMap::new()))
    }

    fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<Compiled>>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: K, compiled: &Arc<Compiled>) {
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= CACHED {
            map.clear();
        }
        map.insert(key, compiled.clone());
    }
}

struct Inner {
    controller: Arc<dyn Controller>,
    templates: Cache<Arc<str>>,
    expressions: Cache<Arc<str>>,
    files: Cache<(Arc<str>, Syntax)>,
}

/// Renders templates and evaluates expressions. Cheap to clone; clones share what has been read.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

impl Engine {
    /// An engine without anything read yet.
    pub fn new(controller: Arc<dyn Controller>) -> Engine {
        Engine(Arc::new(Inner { controller, templates: Cache::new(), expressions: Cache::new(), files: Cache::new() }))
    }

    /// The controller's side.
    pub(super) fn controller(&self) -> &dyn Controller {
        &*self.0.controller
    }

    pub(super) fn warn(&self, message: &str) {
        self.0.controller.warn(message);
    }

    /// Renders a playbook's text. A text that is one expression keeps the expression's type; the
    /// result is data and never rendered again.
    ///
    /// # Errors
    /// Whatever the template does wrong; [`ErrorKind::Omitted`] when the result is `omit`.
    pub fn render(&self, text: &TemplateText, scope: &Arc<dyn Scope>) -> Result<Value> {
        self.resolve(
            &Value::Template(Arc::new(TemplateText { text: text.text.clone(), span: text.span, verbatim: false })),
            scope,
        )
    }

    /// Renders and decrypts everything in a value. Entries and items that are `omit` are left out.
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub fn resolve(&self, value: &Value, scope: &Arc<dyn Scope>) -> Result<Value> {
        self.resolve_top(value, scope)?.ok_or_else(|| {
            let span = match value {
                Value::Template(text) => text.span,
                _ => None,
            };
            TemplateError::new(ErrorKind::Omitted, "a required value was omitted").at(span)
        })
    }

    /// Like [`Engine::resolve`]; None when the whole value is `omit`.
    ///
    /// # Errors
    /// As [`Engine::render`], without [`ErrorKind::Omitted`].
    pub fn resolve_top(&self, value: &Value, scope: &Arc<dyn Scope>) -> Result<Option<Value>> {
        if value.is_plain() && !has_template_key(value) {
            return Ok(Some(value.clone()));
        }
        let session = Session::new(self);
        let span = match value {
            Value::Template(text) => text.span,
            Value::Vault(vault) => vault.span,
            _ => None,
        };
        let context = Context::new(&session, scope.clone(), span);
        let value = render_keys(&context, value)?;
        match context.lift(&value, scope) {
            Object::Omit => Ok(None),
            object => context.plain(&object).map(Some).map_err(|error| error.at(span)),
        }
    }

    /// Evaluates a bare expression, as a loop's or `until`'s.
    ///
    /// # Errors
    /// Whatever the expression does wrong.
    pub fn expression(&self, text: &str, span: Option<Span>, scope: &Arc<dyn Scope>) -> Result<Value> {
        let session = Session::new(self);
        let mut context = Context::new(&session, scope.clone(), span);
        context.what = "expression";
        let object = self.compile_expression(text).and_then(|compiled| context.run(&compiled, ""));
        object.and_then(|object| context.plain(&object)).map_err(|error| error.at(span))
    }

    /// Evaluates one entry of `when`, `failed_when` and the like.
    ///
    /// # Errors
    /// [`ErrorKind::Condition`] for what is no condition, and whatever the expression does wrong.
    pub fn condition(&self, value: &Value, scope: &Arc<dyn Scope>) -> Result<bool> {
        let (text, span) = match value {
            Value::Bool(truth) => return Ok(*truth),
            Value::Str(text) => (text.clone(), None),
            Value::Template(template) if template.verbatim => return Err(untrusted().at(template.span)),
            Value::Template(template) => (template.text.clone(), template.span),
            Value::Null => return Err(condition_error("Empty conditional expressions are not allowed.")),
            _ => return Err(condition_error("Conditional expressions must be strings.")),
        };
        self.condition_text(&text, span, scope).map_err(|error| error.at(span))
    }

    /// Marks what must not become a condition in data that a template made: all text that the
    /// scope does not know as the authors' own.
    pub fn distrust(value: &Value, scope: &Arc<dyn Scope>) -> Value {
        match value {
            Value::Str(text) if !scope.trusts(text) => Value::verbatim(text.clone(), None),
            Value::List(items) => Value::list(items.iter().map(|item| Engine::distrust(item, scope)).collect()),
            Value::Map(map) => {
                Value::map(map.iter().map(|(key, value)| (key.clone(), Engine::distrust(value, scope))).collect())
            }
            other => other.clone(),
        }
    }

    /// Like [`Engine::condition`], for text with a place.
    ///
    /// # Errors
    /// As [`Engine::condition`].
    pub fn condition_at(&self, text: &str, span: Option<Span>, scope: &Arc<dyn Scope>) -> Result<bool> {
        self.condition_text(text, span, scope).map_err(|error| error.at(span))
    }

    fn condition_text(&self, text: &str, span: Option<Span>, scope: &Arc<dyn Scope>) -> Result<bool> {
        let session = Session::new(self);
        let mut context = Context::new(&session, scope.clone(), span);
        context.what = "expression";
        let value = self.condition_value(text, &context).map_err(|mut error| {
            if error.is_undefined() {
                error.message = format!("Error while evaluating conditional: {}", error.message);
            }
            error
        })?;
        match value {
            Value::Bool(truth) => Ok(truth),
            other => {
                let truthy = other.truthy();
                let truth = if truthy { "True" } else { "False" };
                let name = type_name(&Object::Value(other));
                let message = format!("Conditional result ({truth}) was derived from value of type '{name}'.");
                if self.allows_broken_conditions() {
                    self.warn(&format!("{message} It is taken as a truth value, as allow_broken_conditionals asks."));
                    return Ok(truthy);
                }
                Err(condition_error(&format!("{message} Conditionals must have a boolean result.")))
            }
        }
    }

    /// Whether ansible.cfg asks for what older versions took as conditions.
    fn allows_broken_conditions(&self) -> bool {
        self.0.controller.setting("ALLOW_BROKEN_CONDITIONALS") == Some(Value::Bool(true))
    }

    fn condition_value(&self, text: &str, context: &Context<'_>) -> Result<Value> {
        let text = text.trim();
        if text.is_empty() {
            return Err(condition_error("Empty conditional expressions are not allowed."));
        }
        let starts = ["{{", "{%", "{#"].iter().any(|marker| text.starts_with(marker));
        let ends = ["}}", "%}", "#}"].iter().any(|marker| text.ends_with(marker));
        let mut expression = Arc::<str>::from(text);
        let indirect = starts && ends;
        if indirect {
            // A template may stand for the text of an expression, or give the truth itself.
            let template = Arc::new(TemplateText { text: expression.clone(), span: context.span, verbatim: false });
            match context.plain(&context.render_text(&template, &context.scope))? {
                Value::Str(text) if !context.scope.trusts(&text) => return Err(untrusted()),
                Value::Str(text) => expression = Arc::from(text.trim()),
                Value::Null => return Err(condition_error("Empty conditional expressions are not allowed.")),
                other => {
                    self.warn("Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}.");
                    return Ok(other);
                }
            }
            if expression.is_empty() {
                return Err(condition_error("Empty conditional expressions are not allowed."));
            }
        }
        let compiled = self.compile_expression(&expression)?;
        if indirect && check::calls_lookup(&compiled) {
            // Text that a template gave may come from a host: it must not reach the controller.
            return Err(untrusted());
        }
        context.embedded.set(!indirect);
        let object = context.run(&compiled, "")?;
        context.plain(&object)
    }

    /// Renders a template file's text, as the template module does. A `#jinja2:` header counts.
    ///
    /// # Errors
    /// Whatever the template does wrong; syntax errors name the file.
    pub fn render_file(
        &self,
        name: &str,
        source: &str,
        options: &FileOptions,
        scope: &Arc<dyn Scope>,
    ) -> Result<String> {
        let session = Session::new(self);
        let mut context = Context::new(&session, scope.clone(), None);
        let name_file = |error: Box<TemplateError>| in_file(error, name);
        let (body, syntax) = options::split_header(source, &options.syntax).map_err(name_file)?;
        let compiled = self.compile_file(body, &syntax).map_err(name_file)?;
        context.file = Some(Rc::new(FileState { syntax: syntax.clone(), search: options.search.clone() }));
        let object = context.run(&compiled, "")?;
        let object = restore_newlines(object, source, &options.syntax.newline_sequence);
        match context.plain(&object)? {
            Value::Null => Ok(String::new()),
            value => Ok(value.to_string()),
        }
    }

    /// Finds syntax errors and unknown filters, tests and lookups in a playbook's text.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self, text: &TemplateText) -> Result<()> {
        let compiled = self.compile(text).map_err(|error| error.at(text.span))?;
        check::check(&compiled).map_err(|error| error.at(text.span))
    }

    /// Finds syntax errors and unknown filters, tests and lookups in a bare expression.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check_expression(&self, text: &str, span: Option<Span>) -> Result<()> {
        let compiled = self.compile_expression(text).map_err(|error| error.at(span))?;
        check::check(&compiled).map_err(|error| error.at(span))
    }

    /// Finds syntax errors and unknown filters, tests and lookups in a template file.
    ///
    /// # Errors
    /// The first mistake; its message names the file.
    pub fn check_file(&self, name: &str, source: &str, options: &FileOptions) -> Result<()> {
        let name_file = |error: Box<TemplateError>| in_file(error, name);
        let (body, syntax) = options::split_header(source, &options.syntax).map_err(name_file)?;
        let compiled = self.compile_file(body, &syntax).map_err(name_file)?;
        check::check(&compiled).map_err(name_file)
    }

    /// The variables that a playbook's text reads. A text with a mistake reads none.
    pub fn names_read(&self, text: &str) -> NamesRead {
        let template = TemplateText { text: Arc::from(text), span: None, verbatim: false };
        self.compile(&template).map_or_else(|_| NamesRead::none(), |compiled| names::read(&compiled))
    }

    /// The variables that a bare expression reads.
    pub fn names_read_by_expression(&self, text: &str) -> NamesRead {
        self.compile_expression(text).map_or_else(|_| NamesRead::none(), |compiled| names::read(&compiled))
    }

    /// Calls a lookup and gives all its results, as `query` and `with_<name>` do.
    ///
    /// # Errors
    /// Whatever the lookup refuses.
    pub fn lookup(&self, name: &str, terms: Vec<Value>, kwargs: Map, scope: &Arc<dyn Scope>) -> Result<Value> {
        let session = Session::new(self);
        let context = Context::new(&session, scope.clone(), None);
        let mut args = Args::positional(terms.iter().map(|term| context.lift(term, scope)).collect());
        for (key, value) in &kwargs {
            args.named.push((Arc::from(key.to_string()), context.lift(value, scope)));
        }
        args.named.push((Arc::from("wantlist"), Object::bool(true)));
        let object = lookups::run(&context, name, args, true)?;
        context.plain(&object)
    }

    /// The items of a `with_<name>` loop over terms as they are written: unrendered ones are rendered
    /// one by one, so that `first_found` can pass over undefined ones. `kind` is the subfolder that
    /// the loop's task takes its files from: `files`, `templates` or `vars`.
    ///
    /// # Errors
    /// Whatever the lookup refuses.
    pub fn with_lookup(&self, name: &str, terms: &Value, kind: &str, scope: &Arc<dyn Scope>) -> Result<Vec<Value>> {
        let session = Session::new(self);
        let context = Context::new(&session, scope.clone(), None);
        let object = context.lift(terms, scope);
        let terms = match object.is_list() {
            true => context.iterate(&object)?,
            false => vec![object],
        };
        let mut args = Args::positional(terms);
        args.named.push((Arc::from("wantlist"), Object::bool(true)));
        if lookups::short_name(name) == "first_found" {
            args.named.push((Arc::from("_kind"), Object::str(kind)));
        }
        match context.plain(&lookups::run(&context, name, args, true)?)? {
            Value::List(items) => Ok(items.to_vec()),
            other => Ok(vec![other]),
        }
    }

    /// Whether there is a lookup of that name.
    pub fn has_lookup(&self, name: &str) -> bool {
        lookups::exists(name)
    }

    /// Whether there is a filter of that name.
    pub fn has_filter(&self, name: &str) -> bool {
        filters::exists(name)
    }

    /// Whether there is a test of that name.
    pub fn has_test(&self, name: &str) -> bool {
        tests::exists(name)
    }

    /// Reads a playbook's text, or finds it read.
    pub(super) fn compile(&self, text: &TemplateText) -> Result<Arc<Compiled>> {
        if let Some(compiled) = self.0.templates.get(&*text.text) {
            return Ok(compiled);
        }
        let playbook = Syntax { literal_backslashes: true, ..Syntax::default() };
        let (body, syntax) = options::split_header(&text.text, &playbook)?;
        let compiled = Arc::new(Compiled::new(syntax::parse_template(body, &syntax)?));
        self.0.templates.put(text.text.clone(), &compiled);
        Ok(compiled)
    }

    fn compile_expression(&self, text: &str) -> Result<Arc<Compiled>> {
        if let Some(compiled) = self.0.expressions.get(text) {
            return Ok(compiled);
        }
        let compiled = Arc::new(Compiled::Single(syntax::parse_expression(text).map_err(|mut error| {
            error.message = error.message.replacen("in template", "in expression", 1);
            if options::has_marker(text) {
                error.message.push_str(". Template delimiters are not supported in expressions.");
            }
            error
        })?));
        self.0.expressions.put(Arc::from(text), &compiled);
        Ok(compiled)
    }

    /// Reads a template file's text without its header, or finds it read.
    pub(super) fn compile_file(&self, source: &str, syntax: &Syntax) -> Result<Arc<Compiled>> {
        let key = (Arc::from(source), syntax.clone());
        if let Some(compiled) = self.0.files.get(&key) {
            return Ok(compiled);
        }
        let compiled = Arc::new(Compiled::new(syntax::parse_template(source, syntax)?));
        self.0.files.put(key, &compiled);
        Ok(compiled)
    }
}

fn untrusted() -> Box<TemplateError> {
    condition_error("Encountered untrusted template or expression.")
}

fn condition_error(message: &str) -> Box<TemplateError> {
    TemplateError::new(ErrorKind::Condition, message)
}

fn in_file(mut error: Box<TemplateError>, name: &str) -> Box<TemplateError> {
    error.message = format!("{name}: {}", error.message);
    error
}

fn has_template_key(value: &Value) -> bool {
    match value {
        Value::Map(map) => map
            .iter()
            .any(|(key, value)| key.as_str().is_some_and(crate::value::is_template) || has_template_key(value)),
        Value::List(items) => items.iter().any(has_template_key),
        _ => false,
    }
}

/// Renders the keys of maps that an author wrote as templates.
fn render_keys(context: &Context<'_>, value: &Value) -> Result<Value> {
    if !has_template_key(value) {
        return Ok(value.clone());
    }
    match value {
        Value::Map(map) => {
            let mut out = Map::with_capacity(map.len());
            for (key, value) in map.iter() {
                let value = render_keys(context, value)?;
                match key.as_str().filter(|text| crate::value::is_template(text)) {
                    Some(text) => {
                        let template = Value::authored(text, context.span);
                        let object = context.lift(&template, &context.scope);
                        if matches!(object, Object::Omit) {
                            continue;
                        }
                        out.insert(context.key(&object)?, value);
                    }
                    None => {
                        out.insert(key.clone(), value);
                    }
                }
            }
            Ok(Value::map(out))
        }
        Value::List(items) => {
            items.iter().map(|item| render_keys(context, item)).collect::<Result<Vec<_>>>().map(Value::list)
        }
        other => Ok(other.clone()),
    }
}
