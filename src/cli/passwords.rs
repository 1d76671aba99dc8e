//! Passwords of connections and of becoming another user: asked for, or from files and programs.

use super::arguments::PlayArguments;
use super::error::CliError;
use super::terminal::ask;
use crate::project::{Config, Setting, expand_home_path};
use crate::run::Passwords;
use crate::transport::Secret;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The text of a password file, or what an executable one prints, without white space at its ends.
pub fn from_file(name: &str, arguments: &[&str]) -> Result<String, CliError> {
    let path = expand_home_path(name);
    let read_error = |source| CliError::Read { path: path.clone(), source };
    if name == "-" {
        return std::io::read_to_string(std::io::stdin()).map(|text| text.trim().to_owned()).map_err(read_error);
    }
    let executable = std::fs::metadata(&path).map_err(read_error)?.permissions().mode() & 0o111 != 0;
    if executable && path.is_file() {
        return run(&path, arguments);
    }
    Ok(std::fs::read_to_string(&path).map_err(read_error)?.trim().to_owned())
}

fn run(path: &Path, arguments: &[&str]) -> Result<String, CliError> {
    let refuse = |reason: String| CliError::Script { path: path.to_path_buf(), reason };
    let program = crate::project::absolute(path);
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| refuse(format!("cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(refuse(format!("ended with {}", output.status)));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| refuse("printed what is not UTF-8 text".into()))?;
    match text.trim() {
        "" => Err(refuse("printed nothing".into())),
        text => Ok(text.to_owned()),
    }
}

/// The passwords that the options and settings ask for.
pub fn gather(arguments: &PlayArguments, config: &Config) -> Result<Passwords, CliError> {
    let prompt = |question: &str| ask(question, true).map_err(CliError::Prompt);
    let file = |option: &Option<String>, setting| option.clone().or_else(|| config.get(setting).map(str::to_owned));
    let connection = &arguments.connection;
    let ask_connection = connection.ask_pass || config.flag(Setting::AskPass) == Some(true);
    let connection = match file(&connection.connection_password_file, Setting::PasswordFile) {
        _ if ask_connection => Some(prompt("SSH password: ")?),
        Some(path) => Some(from_file(&path, &[])?),
        None => None,
    };
    let escalation = &arguments.escalation;
    let ask_become = escalation.ask_become_pass || config.flag(Setting::BecomeAskPass) == Some(true);
    let become_password = match file(&escalation.become_password_file, Setting::BecomePasswordFile) {
        _ if ask_become => {
            let hint = if ask_connection { "[defaults to SSH password]" } else { "" };
            let answer = prompt(&format!("BECOME password{hint}: "))?;
            match (answer.is_empty(), &connection) {
                (true, Some(connection)) => Some(connection.clone()),
                _ => Some(answer),
            }
        }
        Some(path) => Some(from_file(&path, &[])?),
        None => None,
    };
    Ok(Passwords { connection: connection.map(Secret::new), become_password: become_password.map(Secret::new) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_and_programs() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let text = |name: &str| path(name).to_string_lossy().into_owned();
        std::fs::write(path("plain"), "secret \n").unwrap();
        assert_eq!(from_file(&text("plain"), &[]).unwrap(), "secret");
        for (name, script) in
            [("good", "#!/bin/sh\necho \"got $1\"\n"), ("bad", "#!/bin/sh\nexit 3\n"), ("mute", "#!/bin/sh\n")]
        {
            std::fs::write(path(name), script).unwrap();
            std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert_eq!(from_file(&text("good"), &["x"]).unwrap(), "got x");
        assert!(from_file(&text("bad"), &[]).unwrap_err().to_string().ends_with("ended with exit status: 3"));
        assert!(from_file(&text("mute"), &[]).unwrap_err().to_string().ends_with("printed nothing"));
        assert!(from_file(&text("none"), &[]).is_err());
    }
}
