//! `vault` and `unvault`.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object, type_name};

pub const FILTERS: &[(&str, Filter)] = &[("vault", vault), ("unvault", unvault)];

fn secret(object: Option<Object>, what: &str) -> Result<String> {
    let object = object.unwrap_or(Object::NONE);
    match object.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(TemplateError::runtime(format!("{what}, instead we got {}.", type_name(&object)))),
    }
}

fn vault(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let names = ["secret", "salt", "vault_id", "wrap_object", "vaultid"];
    let [password, salt, vault_id, _wrap, vaultid] = args.bind_required(names, 1)?;
    let password = secret(password, "Secret passed is required to be a string")?;
    let text = secret(Some(value), "Can only vault strings")?;
    let salt = salt.filter(|salt| !salt.is_none()).map(|salt| context.text(&salt)).transpose()?;
    let vault_id = context.text_or(&vault_id.or(vaultid), "filter_default")?;
    let id = Some(vault_id.as_str()).filter(|id| *id != "filter_default");
    let envelope = context.controller().encrypt(&text, &password, salt.as_deref(), id);
    envelope.map(Object::str).map_err(|error| TemplateError::runtime(format!("Unable to encrypt: {error}")))
}

fn unvault(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    if let Some(undefined) = args.undefined() {
        return Ok(undefined);
    }
    if let Object::Undefined(_) = value {
        return Ok(value);
    }
    let [password, vault_id, vaultid] = args.bind_required(["secret", "vault_id", "vaultid"], 1)?;
    let password = secret(password, "Secret passed is required to be as string")?;
    let envelope = secret(Some(value), "Vault should be in the form of a string")?;
    if !envelope.starts_with("$ANSIBLE_VAULT;") {
        return Ok(Object::str(envelope));
    }
    let vault_id = context.text_or(&vault_id.or(vaultid), "filter_default")?;
    let text = context.controller().decrypt_with(&envelope, &password, Some(&vault_id));
    text.map(Object::str).map_err(|error| TemplateError::runtime(format!("Unable to decrypt: {error}")))
}
