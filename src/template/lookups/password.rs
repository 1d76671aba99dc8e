//! `password`: a random password that is kept in a file on the controller.

use super::{Call, Lookup, keyvalue};
use crate::template::error::{Result, TemplateError};
use crate::template::filters::{Source, expand_user, hash_password, random_salt};
use crate::template::runtime::{Args, Context, Object};
use std::path::Path;

pub const LOOKUPS: &[(&str, Lookup)] = &[("password", password)];

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";

/// The characters that a name of Python's `string` module stands for; anything else is itself.
fn characters(spec: &str) -> &str {
    match spec {
        "ascii_letters" => LETTERS,
        "ascii_lowercase" => &LETTERS[..26],
        "ascii_uppercase" => &LETTERS[26..],
        "digits" => DIGITS,
        "hexdigits" => "0123456789abcdefABCDEF",
        "octdigits" => "01234567",
        "punctuation" => "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
        "whitespace" => " \t\n\r\x0b\x0c",
        "printable" => {
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\r\x0b\x0c"
        }
        other => other,
    }
}

/// `a,digits` is two specs; `,,` is a comma.
fn split_specs(text: &str) -> Vec<String> {
    let mut specs = Vec::new();
    if text.contains(",,") {
        specs.push(",".to_owned());
    }
    specs.extend(text.replace(",,", ",").split(',').filter(|spec| !spec.is_empty()).map(str::to_owned));
    specs
}

fn password(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let mut out = Vec::new();
    for term in &call.terms {
        let term = context.text(term)?;
        let (path, pairs) = match term.split_once(' ') {
            Some((path, rest)) => {
                let (raw, pairs) = keyvalue::parse(rest);
                let path = if raw.is_empty() { path.to_owned() } else { format!("{path} {raw}") };
                if !term.starts_with(&path) {
                    return Err(TemplateError::runtime(
                        "Unrecognized value after key=value parameters given to password lookup",
                    ));
                }
                (path, pairs)
            }
            None => (term.clone(), Vec::new()),
        };
        let mut options = call.options.clone();
        for (name, value) in pairs {
            options.take(&name);
            options.named.push((name.into(), Object::str(value)));
        }
        out.push(Object::str(one(context, &path, options)?));
    }
    Ok(out)
}

fn one(context: &Context<'_>, path: &str, options: Args) -> Result<String> {
    let [length, chars, encrypt, seed, ident] = options.bind(["length", "chars", "encrypt", "seed", "ident"])?;
    let length = match length.as_ref().and_then(Object::as_str) {
        Some(text) => text.parse().map_err(|_| TemplateError::runtime("length must be a number"))?,
        None => context.int_or(&length, 20)?,
    };
    let _ = ident;
    let specs = match chars {
        Some(chars) if chars.is_list() => {
            context.iterate(&chars)?.iter().map(|spec| context.text(spec)).collect::<Result<Vec<_>>>()?
        }
        Some(chars) if !chars.is_none() => split_specs(&context.text(&chars)?),
        _ => ["ascii_letters", "digits", ".,:-_"].map(str::to_owned).to_vec(),
    };
    let alphabet: Vec<char> =
        specs.iter().flat_map(|spec| characters(spec).chars()).filter(|c| !matches!(c, '"' | '\'')).collect();
    if alphabet.is_empty() {
        return Err(TemplateError::runtime("there are no characters to make a password of"));
    }
    let path = expand_user(context, path);
    let full = context.controller().playbook_folder().join(&path);
    let kept = full != Path::new("/dev/null");
    let stored = match kept && context.controller().path_facts(&full).is_some_and(|facts| facts.exists) {
        true => {
            let (_, content) = context.controller().read_raw(&full).map_err(TemplateError::runtime)?;
            let text =
                String::from_utf8(content).map_err(|_| TemplateError::runtime("the password file is not UTF-8"))?;
            Some(text.trim_end().to_owned())
        }
        false => None,
    };
    let (plain, mut salt, mut changed) = match stored {
        Some(text) => {
            let (plain, rest) = text.rsplit_once(" salt=").map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
            let salt = rest.map(|rest| rest.rsplit_once(" ident=").map_or(rest, |(salt, _)| salt).to_owned());
            (plain.to_owned(), salt, false)
        }
        None => {
            let mut source = Source::new(context, seed.as_ref())?;
            let mut plain = String::new();
            for _ in 0..length.clamp(0, 1 << 20) {
                plain.push(alphabet[source.below(alphabet.len() as u64)? as usize]);
            }
            (plain, None, true)
        }
    };
    let encrypt = context.text_or(&encrypt, "")?;
    if !encrypt.is_empty() && salt.is_none() {
        salt = Some(random_salt(context, if encrypt.starts_with("md5") { 8 } else { 16 })?);
        changed = true;
    }
    if changed && kept {
        let content = match &salt {
            Some(salt) => format!("{plain} salt={salt}\n"),
            None => format!("{plain}\n"),
        };
        context.controller().write_file(&full, content.as_bytes()).map_err(TemplateError::runtime)?;
    }
    match encrypt.as_str() {
        "" => Ok(plain),
        kind => hash_password(context, &plain, kind, salt.as_deref().unwrap_or(""), 0, 0),
    }
}
