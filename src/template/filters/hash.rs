//! Hashes, base64 and UUIDs.

use super::Filter;
use super::random::Source;
use crate::template::error::{Result, TemplateError};
use crate::template::python::crypt;
use crate::template::runtime::{Args, Context, Object};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use std::rc::Rc;

pub const FILTERS: &[(&str, Filter)] = &[
    ("hash", hash),
    ("md5", |context, value, _| digest("md5", &bytes(context, &value)?).map(Object::str)),
    ("sha1", |context, value, _| digest("sha1", &bytes(context, &value)?).map(Object::str)),
    ("checksum", |context, value, _| digest("sha1", &bytes(context, &value)?).map(Object::str)),
    ("password_hash", password_hash),
    ("b64encode", b64encode),
    ("b64decode", b64decode),
    ("to_uuid", to_uuid),
];

fn bytes(context: &Context<'_>, value: &Object) -> Result<Vec<u8>> {
    match value {
        Object::Bytes(bytes) => Ok(bytes.to_vec()),
        other => Ok(context.text(other)?.into_bytes()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A digest by its Python name, in hexadecimal.
fn digest(name: &str, data: &[u8]) -> Result<String> {
    Ok(match name.to_ascii_lowercase().replace('-', "").as_str() {
        "md5" => hex(&Md5::digest(data)),
        "sha1" => hex(&Sha1::digest(data)),
        "sha224" => hex(&Sha224::digest(data)),
        "sha256" => hex(&Sha256::digest(data)),
        "sha384" => hex(&Sha384::digest(data)),
        "sha512" => hex(&Sha512::digest(data)),
        _ => return Err(TemplateError::runtime(format!("unsupported hash type {name}"))),
    })
}

fn hash(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [kind] = args.bind(["hashtype"])?;
    digest(&context.text_or(&kind, "sha1")?, &bytes(context, &value)?).map(Object::str)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding.
pub fn base64_encode(data: &[u8]) -> String {
    let mut out = String::new();
    for chunk in data.chunks(3) {
        let group =
            chunk.iter().enumerate().fold(0u32, |group, (index, byte)| group | u32::from(*byte) << (16 - 8 * index));
        for index in 0..4 {
            match index <= chunk.len() {
                true => out.push(ALPHABET[(group >> (18 - 6 * index) & 63) as usize] as char),
                false => out.push('='),
            }
        }
    }
    out
}

/// Reads base64 as Python does: characters outside the alphabet are skipped, padding is needed.
fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut group, mut count, mut padding) = (0u32, 0, 0);
    for byte in text.bytes() {
        if byte == b'=' {
            padding += 1;
            continue;
        }
        let Some(digit) = ALPHABET.iter().position(|known| *known == byte) else { continue };
        if padding > 0 && count == 0 {
            break;
        }
        group = group << 6 | digit as u32;
        count += 1;
        if count == 4 {
            out.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, count) = (0, 0);
        }
    }
    match (count, padding) {
        (0, _) => {}
        (2, 2..) => out.push((group >> 4) as u8),
        (3, 1..) => out.extend_from_slice(&[(group >> 10) as u8, (group >> 2) as u8]),
        _ => return None,
    }
    Some(out)
}

/// Text in another encoding.
fn encode(text: &str, encoding: &str) -> Result<Vec<u8>> {
    let lower = encoding.to_ascii_lowercase().replace(['_', ' '], "-");
    Ok(match lower.as_str() {
        "utf-8" | "utf8" => text.as_bytes().to_vec(),
        "utf-16-le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16-be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "utf-16" => [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
        "ascii" | "us-ascii" if text.is_ascii() => text.as_bytes().to_vec(),
        "latin-1" | "iso-8859-1" | "latin1" if text.chars().all(|c| (c as u32) < 256) => {
            text.chars().map(|c| c as u8).collect()
        }
        _ => return Err(TemplateError::runtime(format!("'{encoding}' codec can't encode the text"))),
    })
}

fn decode(data: Vec<u8>, encoding: &str) -> Result<String> {
    let lower = encoding.to_ascii_lowercase().replace(['_', ' '], "-");
    let units =
        |read: fn([u8; 2]) -> u16| -> Vec<u16> { data.as_chunks::<2>().0.iter().map(|pair| read(*pair)).collect() };
    let text = match lower.as_str() {
        "utf-8" | "utf8" | "ascii" | "us-ascii" => String::from_utf8(data).ok(),
        "utf-16-le" => String::from_utf16(&units(u16::from_le_bytes)).ok(),
        "utf-16-be" => String::from_utf16(&units(u16::from_be_bytes)).ok(),
        "utf-16" => {
            let units = match data.starts_with(&[0xfe, 0xff]) {
                true => units(u16::from_be_bytes),
                false => units(u16::from_le_bytes),
            };
            String::from_utf16(units.strip_prefix(&[0xfeff]).unwrap_or(&units)).ok()
        }
        "latin-1" | "iso-8859-1" | "latin1" => Some(data.iter().map(|byte| *byte as char).collect()),
        _ => None,
    };
    text.ok_or_else(|| TemplateError::runtime(format!("'{encoding}' codec can't decode the bytes")))
}

fn b64encode(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [encoding, urlsafe] = args.bind(["encoding", "urlsafe"])?;
    let data = match &value {
        Object::Bytes(bytes) => bytes.to_vec(),
        other => encode(&context.text(other)?, &context.text_or(&encoding, "utf-8")?)?,
    };
    let text = base64_encode(&data);
    Ok(Object::str(match context.truth_or(&urlsafe, false)? {
        true => text.replace('+', "-").replace('/', "_"),
        false => text,
    }))
}

fn b64decode(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [encoding, urlsafe] = args.bind(["encoding", "urlsafe"])?;
    let mut text = context.text(&value)?;
    if context.truth_or(&urlsafe, false)? {
        text = text.replace('-', "+").replace('_', "/");
    }
    let data = base64_decode(&text).ok_or_else(|| TemplateError::runtime("Incorrect padding"))?;
    let encoding = context.text_or(&encoding, "utf-8")?;
    match decode(data.clone(), &encoding) {
        Ok(text) => Ok(Object::str(text)),
        // What is no text stays as bytes that can be encoded again.
        Err(_) if encoding == "utf-8" => Ok(Object::Bytes(Rc::new(data))),
        Err(error) => Err(error),
    }
}

fn to_uuid(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [namespace] = args.bind(["namespace"])?;
    let namespace = context.text_or(&namespace, "361E6D51-FAEC-444A-9079-341386DA8E2E")?;
    let digits: String =
        namespace.trim_start_matches("urn:uuid:").chars().filter(|c| !matches!(c, '-' | '{' | '}')).collect();
    let number = (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok()).flatten();
    let number = number.ok_or_else(|| {
        TemplateError::runtime(format!(
            "Invalid value '{namespace}' for 'namespace': badly formed hexadecimal UUID string"
        ))
    })?;
    let mut data = number.to_be_bytes().to_vec();
    data.extend(bytes(context, &value)?);
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&Sha1::digest(&data)[..16]);
    // Version 5, variant of RFC 4122.
    uuid[6] = uuid[6] & 0x0f | 0x50;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    let text = hex(&uuid);
    Ok(Object::str(format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])))
}

fn password_hash(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [kind, salt, salt_size, rounds, ident] = args.bind(["hashtype", "salt", "salt_size", "rounds", "ident"])?;
    let kind = context.text_or(&kind, "sha512")?;
    let _ = ident;
    let salt = context.text_or(&salt, "")?;
    let salt_size = match salt_size.filter(|size| !size.is_none()) {
        None => 0,
        Some(size) => size.as_int().ok_or_else(|| TemplateError::runtime("salt_size must be an integer"))?,
    };
    let rounds = context.int_or(&rounds, 0)?;
    hash_password(context, &context.text(&value)?, &kind, &salt, salt_size, rounds).map(Object::str)
}

/// Hashes a password as the crypt library does; without a salt with a random one.
pub fn hash_password(
    context: &Context<'_>,
    password: &str,
    kind: &str,
    salt: &str,
    salt_size: i64,
    rounds: i64,
) -> Result<String> {
    let kind = match kind {
        "sha512" | "sha512_crypt" => crypt::Kind::Sha512,
        "sha256" | "sha256_crypt" => crypt::Kind::Sha256,
        "md5" | "md5_crypt" => crypt::Kind::Md5,
        "blowfish" | "bcrypt" => {
            return Err(TemplateError::runtime("password_hash does not support bcrypt; use sha512, sha256 or md5"));
        }
        other => {
            return Err(TemplateError::runtime(format!(
                "{other} is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512"
            )));
        }
    };
    let longest = kind.longest_salt();
    let salt = match salt {
        "" => {
            let size = if salt_size > 0 { (salt_size as usize).min(longest) } else { longest };
            random_salt(context, size)?
        }
        given => given.to_owned(),
    };
    if salt.len() > longest {
        return Err(TemplateError::runtime(format!(
            "Could not hash the secret. salt too large (at most {longest} chars)"
        )));
    }
    if !salt.bytes().all(|byte| crypt::ALPHABET.contains(&byte)) {
        return Err(TemplateError::runtime("Could not hash the secret. invalid characters in salt"));
    }
    let rounds = if rounds > 0 { u32::try_from(rounds).unwrap_or(u32::MAX) } else { kind.usual_rounds() };
    crypt::hash(kind, password.as_bytes(), salt.as_bytes(), rounds).map_err(TemplateError::runtime)
}

/// A salt of the crypt alphabet.
pub fn random_salt(context: &Context<'_>, size: usize) -> Result<String> {
    let mut source = Source::new(context, None)?;
    let mut salt = String::new();
    for _ in 0..size {
        salt.push(crypt::ALPHABET[source.below(64)? as usize] as char);
    }
    Ok(salt)
}
