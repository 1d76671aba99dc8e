//! `vars_prompt`: asks before a play begins.

use super::{Project, RunError, Settings};
use crate::playbook::{Play, VarsPrompt};
use crate::value::{Key, Map, Value};

/// The answers. A variable that `--extra-vars` gives is not asked for.
pub(super) fn ask(play: &Play, project: &Project, settings: &Settings) -> Result<Map, RunError> {
    let mut answers = Map::new();
    for prompt in &play.vars_prompt {
        if settings.extra_vars.contains_key(prompt.name.as_str()) {
            continue;
        }
        if prompt.encrypt.is_some() || prompt.salt.is_some() || prompt.salt_size.is_some() {
            return Err(RunError::Play(format!(
                "vars_prompt `{}`: `encrypt` is not supported yet; use the password_hash filter",
                prompt.name
            )));
        }
        let answer = ask_one(prompt, project)?;
        answers.insert(Key::from(prompt.name.as_str()), answer);
    }
    Ok(answers)
}

fn ask_one(prompt: &VarsPrompt, project: &Project) -> Result<Value, RunError> {
    let question = prompt.prompt.clone().unwrap_or_else(|| prompt.name.clone());
    let shown = match &prompt.default {
        Some(default) if !prompt.private => format!("{question} [{default}]: "),
        _ => format!("{question}: "),
    };
    loop {
        let Some(answer) = project.interaction.prompt(&shown, prompt.private) else {
            // Nobody is there to answer: as Ansible, the default or nothing.
            return Ok(prompt.default.clone().unwrap_or(Value::Null));
        };
        if prompt.confirm {
            let again = project.interaction.prompt(&format!("confirm {shown}"), prompt.private);
            if again.as_deref() != Some(answer.as_str()) {
                continue;
            }
        }
        return Ok(match (&prompt.default, answer.is_empty()) {
            (Some(default), true) => default.clone(),
            _ if prompt.is_unsafe => Value::str(answer),
            _ => Value::authored(answer, None),
        });
    }
}
