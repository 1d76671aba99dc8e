//! Lookups that run commands or fetch URLs.

use super::{Call, Lookup};
use crate::template::controller::Request;
use crate::template::error::{Result, TemplateError};
use crate::template::methods::text::lines as split_lines;
use crate::template::runtime::{Context, Object};

pub const LOOKUPS: &[(&str, Lookup)] = &[("pipe", pipe), ("lines", lines), ("url", url)];

fn run(context: &Context<'_>, lookup: &str, command: &str) -> Result<String> {
    let output = context.controller().run(command, &context.search_path()).map_err(TemplateError::runtime)?;
    if output.status != 0 {
        return Err(TemplateError::runtime(format!("lookup_plugin.{lookup}({command}) returned {}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| TemplateError::runtime("the command's output is not UTF-8"))
}

fn pipe(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    call.options.none()?;
    let texts = call.terms.iter().map(|term| run(context, "pipe", &context.text(term)?));
    texts.map(|text| text.map(|text| Object::str(text.trim_end()))).collect()
}

fn lines(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    call.options.none()?;
    let mut out = Vec::new();
    for term in &call.terms {
        let text = run(context, "lines", &context.text(term)?)?;
        out.extend(text.lines().map(Object::str));
    }
    Ok(out)
}

fn url(context: &Context<'_>, mut call: Call) -> Result<Vec<Object>> {
    let split = call.options.take("split_lines");
    let split = context.truth_or(&split, true)?;
    let username = call.options.take("username");
    let password = call.options.take("password");
    let login = match username.filter(|username| !username.is_none()) {
        Some(username) => Some((context.text(&username)?, context.text_or(&password, "")?)),
        None => None,
    };
    let headers = match call.options.take("headers") {
        Some(headers) if headers.is_mapping() => context
            .entries(&headers)?
            .into_iter()
            .map(|(name, value)| Ok((name.to_string(), context.text(&value)?)))
            .collect::<Result<_>>()?,
        _ => Vec::new(),
    };
    let validate = call.options.take("validate_certs");
    let timeout = call.options.take("timeout").and_then(|timeout| timeout.as_float());
    for known in ["use_proxy", "force", "http_agent", "force_basic_auth", "follow_redirects", "use_netrc"] {
        call.options.take(known);
    }
    call.options.none()?;
    let mut request = Request {
        method: "GET".into(),
        headers,
        login,
        validate_certs: context.truth_or(&validate, true)?,
        timeout: timeout.unwrap_or(10.0),
        ..Request::default()
    };
    let mut out = Vec::new();
    for term in &call.terms {
        request.url = context.text(term)?;
        let shown = without_password(&request.url);
        let answer = context
            .controller()
            .http(&request)
            .map_err(|error| TemplateError::runtime(format!("Failed lookup url for {shown}: {error}")))?;
        if !(200..300).contains(&answer.status) {
            return Err(TemplateError::runtime(format!(
                "Received HTTP error for {shown}: HTTP Error {}",
                answer.status
            )));
        }
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        match split {
            true => out.extend(split_lines(&text, false).into_iter().map(Object::str)),
            false => out.push(Object::str(text)),
        }
    }
    Ok(out)
}

/// The address for messages: a password in it is nobody's business.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rsplit_once('@').and_then(|(login, host)| Some((login.split_once(':')?.0, host))) {
        Some((user, host)) => format!("{scheme}://{user}:********@{host}{}", &rest[end..]),
        None => url.to_owned(),
    }
}
