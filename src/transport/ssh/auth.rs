//! Logging in: the agent's keys, key files, a password, questions and answers.

use super::super::{Secret, Target, TransportError};
use super::config::Settings;
use crate::value::base64;
use ssh2::{ErrorCode, KeyboardInteractivePrompt, Prompt, Session};
use std::path::{Path, PathBuf};

/// The key files that ssh tries when none are named.
const DEFAULT_KEYS: &[&str] = &["id_ed25519", "id_ecdsa", "id_rsa"];

/// What a login works with.
pub(super) struct Login<'a> {
    pub(super) session: &'a Session,
    pub(super) target: &'a Target,
    pub(super) settings: &'a Settings,
    pub(super) user: &'a str,
    /// For messages.
    pub(super) host: &'a str,
    /// Named key files with `~` and tokens expanded.
    pub(super) identities: Vec<PathBuf>,
    /// The user's home.
    pub(super) home: &'a Path,
    /// The agent's socket; None when there is none or it is not wanted.
    pub(super) agent: Option<PathBuf>,
}

/// Why a login ended without success.
enum Stop {
    /// Nothing was accepted.
    Refused,
    /// The stream broke or time is over.
    Broken(ssh2::Error),
}

impl Login<'_> {
    /// Tries everything that both sides have, keys first, in ssh's order.
    pub(super) fn run(&self) -> Result<(), TransportError> {
        let mut tried = Vec::new();
        let mut takes = String::new();
        match self.attempt(&mut tried, &mut takes) {
            Ok(()) => Ok(()),
            Err(Stop::Refused) => Err(TransportError::AuthRefused {
                host: self.host.to_owned(),
                user: self.user.to_owned(),
                tried: if tried.is_empty() {
                    "nothing (no key, no agent, no password)".into()
                } else {
                    tried.join(", ")
                },
                takes: if takes.is_empty() { "nothing".into() } else { takes.replace(',', ", ") },
            }),
            Err(Stop::Broken(error)) => Err(TransportError::Handshake {
                address: self.host.to_owned(),
                reason: match tried.last() {
                    Some(last) => format!("{} after {last}", error.message().to_ascii_lowercase()),
                    None => error.message().to_ascii_lowercase(),
                },
            }),
        }
    }

    fn attempt(&self, tried: &mut Vec<String>, takes: &mut String) -> Result<(), Stop> {
        let session = self.session;
        match session.auth_methods(self.user) {
            Ok(methods) => *takes = methods.to_owned(),
            // «none» was accepted, or the stream broke.
            Err(_) if session.authenticated() => return Ok(()),
            Err(error) => return Err(Stop::Broken(error)),
        }
        let offered = |method: &str| takes.split(',').any(|offer| offer == method);
        let preferred = self.settings.words("preferredauthentications").map(|words| words.join(","));
        let allowed = |method: &str| preferred.as_ref().is_none_or(|list| list.split(',').any(|word| word == method));
        if offered("publickey") && allowed("publickey") && !self.settings.is_off("pubkeyauthentication") {
            self.keys(tried)?;
        }
        let Some(password) = &self.target.password else { return self.outcome() };
        if !session.authenticated()
            && offered("password")
            && allowed("password")
            && !self.settings.is_off("passwordauthentication")
        {
            let result = session.userauth_password(self.user, password.expose());
            self.note(tried, "the password", result)?;
        }
        if !session.authenticated()
            && offered("keyboard-interactive")
            && allowed("keyboard-interactive")
            && !self.settings.is_off("kbdinteractiveauthentication")
            && !tried.iter().any(|what| what.starts_with("the password (wrong"))
        {
            let mut answers = Answers { password, given: false };
            let result = session.userauth_keyboard_interactive(self.user, &mut answers);
            self.note(tried, "the password in answer to questions", result)?;
        }
        self.outcome()
    }

    fn outcome(&self) -> Result<(), Stop> {
        match self.session.authenticated() {
            true => Ok(()),
            false => Err(Stop::Refused),
        }
    }

    /// Remembers an attempt; a broken stream ends the login.
    fn note(&self, tried: &mut Vec<String>, what: &str, result: Result<(), ssh2::Error>) -> Result<bool, Stop> {
        let Err(error) = result else { return Ok(true) };
        let reason = match error.code() {
            ErrorCode::Session(-18 | -19 | -48) => "refused".to_owned(),
            ErrorCode::Session(-15) => "expired: it must be changed first".to_owned(),
            // Timed out, disconnected, or the socket failed.
            ErrorCode::Session(-9 | -13 | -43 | -7 | -30) => {
                tried.push(what.to_owned());
                return Err(Stop::Broken(error));
            }
            _ => error.message().to_ascii_lowercase(),
        };
        let reason = if what == "the password" && reason == "refused" { "wrong".to_owned() } else { reason };
        tried.push(format!("{what} ({reason})"));
        Ok(false)
    }

    /// The agent's copies of the named keys, the named files, the agent's other keys, the usual files.
    fn keys(&self, tried: &mut Vec<String>) -> Result<(), Stop> {
        let only = self.settings.is_on("identitiesonly");
        let mut agent = self.agent.as_ref().and_then(|path| connect_agent(self.session, path));
        let held = agent.as_mut().and_then(|agent| agent.identities().ok()).unwrap_or_default();
        let named: Vec<Vec<u8>> = self.identities.iter().filter_map(|file| public_half(file)).collect();
        if let Some(agent) = &agent {
            for identity in held.iter().filter(|identity| named.iter().any(|key| key == identity.blob())) {
                let what = format!("the agent's key {}", identity.comment());
                if self.note(tried, &what, agent.userauth(self.user, identity))? {
                    return Ok(());
                }
            }
        }
        for file in &self.identities {
            if self.file(file, true, tried)? {
                return Ok(());
            }
        }
        if let Some(agent) = agent.as_ref().filter(|_| !only) {
            for identity in held.iter().filter(|identity| !named.iter().any(|key| key == identity.blob())) {
                let what = format!("the agent's key {}", identity.comment());
                if self.note(tried, &what, agent.userauth(self.user, identity))? {
                    return Ok(());
                }
            }
        }
        if self.identities.is_empty() {
            for name in DEFAULT_KEYS {
                if self.file(&self.home.join(".ssh").join(name), false, tried)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Tries one key file. One that nobody named may be missing.
    fn file(&self, file: &Path, named: bool, tried: &mut Vec<String>) -> Result<bool, Stop> {
        let shown = file.display();
        let text = match std::fs::read(file) {
            Ok(text) => Secret::new(String::from_utf8_lossy(&text).into_owned()),
            Err(error) => {
                if named || error.kind() != std::io::ErrorKind::NotFound {
                    tried.push(format!("the key {shown} ({})", super::reason(&error)));
                }
                return Ok(false);
            }
        };
        let passphrase = self.target.private_key_passphrase.as_ref();
        if is_encrypted(text.expose()) && passphrase.is_none() {
            tried.push(format!("the key {shown} (it needs a passphrase)"));
            return Ok(false);
        }
        if text.expose().contains("-----BEGIN") {
            let result = self.session.userauth_pubkey_file(self.user, None, file, passphrase.map(Secret::expose));
            let unreadable = matches!(&result, Err(error) if matches!(error.code(), ErrorCode::Session(-16)));
            if unreadable {
                let why = if passphrase.is_some() { "wrong passphrase or unknown format" } else { "unknown format" };
                tried.push(format!("the key {shown} ({why})"));
                return Ok(false);
            }
            return self.note(tried, &format!("the key {shown}"), result);
        }
        tried.push(format!("the key {shown} (it is not a private key)"));
        Ok(false)
    }
}

fn connect_agent(session: &Session, socket: &Path) -> Option<ssh2::Agent> {
    let mut agent = session.agent().ok()?;
    agent.set_identity_path(socket).ok()?;
    agent.connect().ok()?;
    agent.list_identities().ok()?;
    Some(agent)
}

/// The public key beside a private key's file.
fn public_half(file: &Path) -> Option<Vec<u8>> {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    let text = std::fs::read_to_string(name).ok()?;
    base64::decode(text.split_whitespace().nth(1)?)
}

/// Whether a private key needs a passphrase: PEM headers say so, OpenSSH's format names a cipher.
fn is_encrypted(text: &str) -> bool {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return true;
    }
    let body = text
        .split_once("-----BEGIN OPENSSH PRIVATE KEY-----")
        .and_then(|(_, rest)| rest.split_once("-----END"))
        .and_then(|(body, _)| base64::decode(body));
    let Some(body) = body else { return false };
    let Some(rest) = body.strip_prefix(b"openssh-key-v1\0") else { return false };
    let length = rest.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize);
    rest.get(4..4 + length).is_some_and(|cipher| cipher != b"none")
}

struct Answers<'a> {
    password: &'a Secret,
    given: bool,
}

impl KeyboardInteractivePrompt for Answers<'_> {
    fn prompt<'p>(&mut self, _user: &str, _instructions: &str, prompts: &[Prompt<'p>]) -> Vec<String> {
        let answer = |prompt: &Prompt| match !prompt.echo && !self.given {
            true => self.password.expose().to_owned(),
            // Asked a second time, the password was wrong: an empty answer ends it.
            false => String::new(),
        };
        let answers = prompts.iter().map(answer).collect();
        self.given |= prompts.iter().any(|prompt| !prompt.echo);
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_keys_are_known_by_their_text() {
        let key = |cipher: &str| {
            let mut body = b"openssh-key-v1\0\0\0\0".to_vec();
            body.push(u8::try_from(cipher.len()).unwrap_or(0));
            body.extend(cipher.bytes());
            let body = base64::encode(&body);
            format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
        };
        assert!(is_encrypted(&key("aes256-ctr")) && !is_encrypted(&key("none")));
        assert!(is_encrypted("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"));
        assert!(!is_encrypted("-----BEGIN PRIVATE KEY-----\nabc\n"));
    }
}
