//! The events of a YAML text, from libyaml: the one place that talks to it.
//!
//! libyaml and not a YAML 1.2 parser, since the two disagree on texts that real projects hold, such
//! as a quoted string whose next line is not indented, or a closing bracket in column one.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::Arc;
use unsafe_libyaml_norway as unsafe_yaml;

/// A place in the text; line and column are 0-based and count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub line: usize,
    pub column: usize,
}

/// What libyaml says is wrong, in its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// What is wrong.
    pub problem: String,
    /// Where.
    pub mark: Mark,
    /// What was being read, such as `while parsing a block mapping`, and where that began.
    pub context: Option<(String, Mark)>,
}

/// An anchor and a tag, both optional. The tag is resolved: `tag:yaml.org,2002:str`, `!vault`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub anchor: Option<String>,
    pub tag: Option<String>,
}

/// What follows next in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    DocumentStart,
    DocumentEnd,
    StreamEnd,
    Alias(String),
    Scalar {
        properties: Properties,
        text: Arc<str>,
        /// Written without quotes and not as a block.
        plain: bool,
        /// Its type is told by its text, and not by a tag or by quotes.
        implicit: bool,
    },
    ListStart(Properties),
    ListEnd,
    MapStart(Properties),
    MapEnd,
}

/// libyaml's parser over one text.
pub(super) struct Events<'text> {
    parser: Box<MaybeUninit<unsafe_yaml::yaml_parser_t>>,
    text: &'text str,
}

impl<'text> Events<'text> {
    /// The events of `text`; None only when there is no memory.
    pub fn new(text: &'text str) -> Option<Events<'text>> {
        let mut parser = Box::new(MaybeUninit::<unsafe_yaml::yaml_parser_t>::uninit());
        // SAFETY: `parser` is initialised first and boxed, so that it never moves (libyaml keeps a
        // pointer to it); `text` outlives it.
        unsafe {
            if unsafe_yaml::yaml_parser_initialize(parser.as_mut_ptr()).fail {
                return None;
            }
            unsafe_yaml::yaml_parser_set_encoding(parser.as_mut_ptr(), unsafe_yaml::YAML_UTF8_ENCODING);
            unsafe_yaml::yaml_parser_set_input_string(parser.as_mut_ptr(), text.as_ptr(), text.len() as u64);
        }
        Some(Events { parser, text })
    }

    /// The next event with its start and its end. Not to be called after an error or `StreamEnd`.
    pub fn next(&mut self) -> Result<(Event, Mark, Mark), SyntaxError> {
        loop {
            let mut raw = MaybeUninit::<unsafe_yaml::yaml_event_t>::uninit();
            // SAFETY: the parser is initialised; a successful call initialises the event, which is
            // deleted after everything was copied out of it.
            let (event, start, end) = unsafe {
                if unsafe_yaml::yaml_parser_parse(self.parser.as_mut_ptr(), raw.as_mut_ptr()).fail {
                    return Err(self.error());
                }
                let event = &*raw.as_ptr();
                let copied = (copy_event(event), mark(event.start_mark), mark(event.end_mark));
                unsafe_yaml::yaml_event_delete(raw.as_mut_ptr());
                copied
            };
            if let Some(event) = event {
                return Ok((event, start, end));
            }
        }
    }

    fn error(&self) -> SyntaxError {
        // SAFETY: the parser is initialised, and its messages are static C strings or null.
        unsafe {
            let parser = &*self.parser.as_ptr();
            let problem = text_at(parser.problem.cast()).unwrap_or_else(|| "cannot be read".into());
            if matches!(parser.error, unsafe_yaml::YAML_READER_ERROR) {
                let mark = self.mark_of_byte(parser.problem_offset as usize);
                let problem = format!("{problem} (character U+{:04X})", parser.problem_value);
                return SyntaxError { problem, mark, context: None };
            }
            let context = text_at(parser.context.cast()).map(|context| (context, mark(parser.context_mark)));
            SyntaxError { problem, mark: mark(parser.problem_mark), context }
        }
    }

    fn mark_of_byte(&self, offset: usize) -> Mark {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let before = String::from_utf8_lossy(before);
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count());
        Mark { line, column }
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        // SAFETY: the parser was initialised by `new` and is deleted once.
        unsafe { unsafe_yaml::yaml_parser_delete(self.parser.as_mut_ptr()) }
    }
}

fn mark(mark: unsafe_yaml::yaml_mark_t) -> Mark {
    Mark { line: mark.line as usize, column: mark.column as usize }
}

/// The text of a C string, which libyaml has checked to be UTF-8.
///
/// # Safety
/// `start` is null or points to a C string.
unsafe fn text_at(start: *const u8) -> Option<String> {
    // SAFETY: as the caller promises.
    (!start.is_null()).then(|| unsafe { CStr::from_ptr(start.cast()) }.to_string_lossy().into_owned())
}

/// The event as ours; None for one that means nothing here.
///
/// # Safety
/// `event` is one that libyaml has filled, and not deleted yet.
unsafe fn copy_event(event: &unsafe_yaml::yaml_event_t) -> Option<Event> {
    // SAFETY: the type tells which member of the union is set.
    unsafe {
        let data = &event.data;
        Some(match event.type_ {
            unsafe_yaml::YAML_DOCUMENT_START_EVENT => Event::DocumentStart,
            unsafe_yaml::YAML_DOCUMENT_END_EVENT => Event::DocumentEnd,
            unsafe_yaml::YAML_STREAM_END_EVENT => Event::StreamEnd,
            unsafe_yaml::YAML_ALIAS_EVENT => Event::Alias(text_at(data.alias.anchor).unwrap_or_default()),
            unsafe_yaml::YAML_SCALAR_EVENT => {
                let scalar = &data.scalar;
                let bytes = match scalar.value.is_null() {
                    true => &[],
                    false => std::slice::from_raw_parts(scalar.value, scalar.length as usize),
                };
                Event::Scalar {
                    properties: Properties { anchor: text_at(scalar.anchor), tag: text_at(scalar.tag) },
                    text: Arc::from(String::from_utf8_lossy(bytes)),
                    plain: matches!(scalar.style, unsafe_yaml::YAML_PLAIN_SCALAR_STYLE),
                    implicit: scalar.plain_implicit,
                }
            }
            unsafe_yaml::YAML_SEQUENCE_START_EVENT => {
                let list = &data.sequence_start;
                Event::ListStart(Properties { anchor: text_at(list.anchor), tag: text_at(list.tag) })
            }
            unsafe_yaml::YAML_SEQUENCE_END_EVENT => Event::ListEnd,
            unsafe_yaml::YAML_MAPPING_START_EVENT => {
                let map = &data.mapping_start;
                Event::MapStart(Properties { anchor: text_at(map.anchor), tag: text_at(map.tag) })
            }
            unsafe_yaml::YAML_MAPPING_END_EVENT => Event::MapEnd,
            _ => return None,
        })
    }
}
