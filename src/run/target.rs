//! How a task reaches its host, and as whom it acts there: from variables, keywords and options.

use super::Settings;
use super::keywords::{Keywords, template_failure};
use crate::agent::{Become, BecomeMethod};
use crate::module::Failure;
use crate::playbook::Keyword;
use crate::project::{Setting, expand_home_path};
use crate::source::nearest;
use crate::template::{Engine, Scope};
use crate::transport::{Kind, Secret, Target, shell_words};
use crate::value::{Value, parse_bool};
use std::sync::Arc;
use std::time::Duration;

/// What a target is made from.
pub(super) struct TargetSource<'a> {
    pub settings: &'a Settings,
    pub engine: &'a Engine,
    /// The task's keywords, in the task's scope.
    pub keywords: &'a Keywords<'a>,
    /// Where connection variables come from: the task's host, or the one that it is delegated to.
    pub vars: &'a Arc<dyn Scope>,
    /// The inventory's name of that host.
    pub name: &'a str,
    /// Whether the host is not the task's own.
    pub delegated: bool,
    /// The inventory knows nothing of the host (implicit localhost).
    pub implicit: bool,
}

impl TargetSource<'_> {
    fn variable(&self, names: &[&str]) -> Result<Option<Value>, Failure> {
        for name in names {
            if let Some(value) = self.vars.get(name) {
                let value = self.engine.resolve_top(&value, self.vars).map_err(template_failure)?;
                if let Some(value) = value.filter(|value| !value.is_null()) {
                    return Ok(Some(value));
                }
            }
        }
        Ok(None)
    }

    fn text(&self, names: &[&str]) -> Result<Option<String>, Failure> {
        Ok(self.variable(names)?.map(|value| value.to_string()))
    }

    /// Keyword, unless the task is delegated: then the other host's own settings count.
    fn keyword(&self, keyword: Keyword) -> Result<Option<String>, Failure> {
        self.keywords.text(keyword)
    }

    /// The target.
    pub fn target(&self) -> Result<Target, Failure> {
        let kind = self.kind()?;
        let host = self.text(&["ansible_host", "ansible_ssh_host"])?.unwrap_or_else(|| self.name.to_owned());
        let mut target = Target::new(kind, host);
        if kind == Kind::Local {
            return Ok(target);
        }
        target.port = self.port()?;
        target.user = self.user()?;
        target.password = self
            .text(&["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])?
            .map(Secret::new)
            .or_else(|| self.settings.passwords.connection.clone());
        target.private_key = self
            .text(&["ansible_private_key_file", "ansible_ssh_private_key_file"])?
            .map(|path| expand_home_path(&path))
            .or_else(|| self.settings.private_key.clone())
            .or_else(|| self.settings.config.paths(Setting::PrivateKeyFile, '\n').into_iter().next());
        target.private_key_passphrase =
            self.text(&["ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase"])?.map(Secret::new);
        let checking = self.variable(&["ansible_host_key_checking", "ansible_ssh_host_key_checking"])?;
        target.host_key_checking = checking
            .and_then(|value| parse_bool(&value))
            .or_else(|| self.settings.config.flag(Setting::HostKeyChecking))
            .unwrap_or(true);
        self.ssh_arguments(&mut target)?;
        let timeout = self.variable(&["ansible_ssh_timeout", "ansible_connection_timeout", "ansible_timeout"])?;
        let timeout = timeout
            .and_then(|value| value.as_int().or_else(|| value.to_string().parse().ok()))
            .or_else(|| self.settings.timeout.and_then(|seconds| i64::try_from(seconds).ok()))
            .or_else(|| self.settings.config.number(Setting::Timeout));
        target.connect_timeout = Duration::from_secs(timeout.and_then(|t| u64::try_from(t).ok()).unwrap_or(10).max(1));
        if let Some(tmp) = self.text(&["ansible_remote_tmp"])? {
            target.remote_tmp.insert(0, tmp);
        }
        target.namespace = self.text(&["ansible_kubectl_namespace"])?;
        target.container = self.text(&["ansible_kubectl_container"])?;
        Ok(target)
    }

    fn ssh_arguments(&self, target: &mut Target) -> Result<(), Failure> {
        let config = &self.settings.config;
        let words = |text: Option<String>| -> Result<Vec<String>, Failure> {
            match text {
                Some(text) => shell_words(&text)
                    .ok_or_else(|| Failure::new(format!("ssh arguments with unbalanced quotes: {text}"))),
                None => Ok(Vec::new()),
            }
        };
        let setting = |setting| config.get(setting).map(str::to_owned);
        target.ssh_args = words(self.text(&["ansible_ssh_args"])?.or_else(|| setting(Setting::SshArgs)))?;
        target.ssh_common_args = words(
            self.text(&["ansible_ssh_common_args"])?
                .or_else(|| self.settings.ssh_common_args.clone())
                .or_else(|| setting(Setting::SshCommonArgs)),
        )?;
        target.ssh_extra_args = words(
            self.text(&["ansible_ssh_extra_args"])?
                .or_else(|| self.settings.ssh_extra_args.clone())
                .or_else(|| setting(Setting::SshExtraArgs)),
        )?;
        Ok(())
    }

    fn kind(&self) -> Result<Kind, Failure> {
        let name = match self.text(&["ansible_connection"])? {
            Some(name) => Some(name),
            None if self.implicit => Some("local".to_owned()),
            None if self.delegated && self.keywords.attributes.get(Keyword::Connection).is_none() => None,
            None => self.keyword(Keyword::Connection)?,
        };
        let name = name
            .or_else(|| self.settings.connection.clone())
            .or_else(|| self.settings.config.get(Setting::Transport).map(str::to_owned))
            .unwrap_or_else(|| "ssh".to_owned());
        Kind::parse(&name).ok_or_else(|| {
            let near = nearest(&name, Kind::NAMES.iter().copied());
            let help = near.map(|near| format!(", did you mean '{near}'?")).unwrap_or_default();
            Failure::new(format!(
                "the connection plugin '{name}' was not found{help} (rplay has {})",
                Kind::NAMES.join(", ")
            ))
        })
    }

    fn port(&self) -> Result<Option<u16>, Failure> {
        let value = match self.variable(&["ansible_port", "ansible_ssh_port"])? {
            Some(value) => Some(value),
            None => self.keywords.value(Keyword::Port)?,
        };
        let config = || self.settings.config.number(Setting::RemotePort);
        match value {
            None => Ok(config()),
            Some(value) => match value.to_string().trim().parse() {
                Ok(port) => Ok(Some(port)),
                Err(_) => {
                    Err(Failure::new(format!("the port of {} is not a port number: {}", self.name, value.repr())))
                }
            },
        }
    }

    fn user(&self) -> Result<Option<String>, Failure> {
        let user = match self.text(&["ansible_user", "ansible_ssh_user"])? {
            Some(user) => Some(user),
            None => self.keyword(Keyword::RemoteUser)?,
        };
        let config = self.settings.config.get(Setting::RemoteUser).map(str::to_owned);
        Ok(user.or_else(|| self.settings.remote_user.clone()).or(config))
    }

    /// The user to become; None to stay.
    pub fn become_as(&self) -> Result<Option<Become>, Failure> {
        let config = &self.settings.config;
        let wanted = match self.variable(&["ansible_become"])? {
            Some(value) => parse_bool(&value),
            None => self.keywords.flag(Keyword::Become)?,
        };
        let wanted = wanted.unwrap_or(self.settings.become_ || config.flag(Setting::Become).unwrap_or(false));
        if !wanted {
            return Ok(None);
        }
        let choose = |vars: &[&str], keyword: Keyword, option: Option<&String>, setting: Setting| {
            let found = match self.text(vars)? {
                Some(text) => Some(text),
                None => self.keyword(keyword)?,
            };
            Ok::<_, Failure>(found.or_else(|| option.cloned()).or_else(|| config.get(setting).map(str::to_owned)))
        };
        let method = choose(
            &["ansible_become_method"],
            Keyword::BecomeMethod,
            self.settings.become_method.as_ref(),
            Setting::BecomeMethod,
        )?
        .unwrap_or_else(|| "sudo".into());
        let Some(method) = BecomeMethod::parse(&method) else {
            return Err(Failure::new(format!(
                "the become method '{method}' is not supported (rplay has sudo, su, doas)"
            )));
        };
        let user = choose(
            &["ansible_become_user"],
            Keyword::BecomeUser,
            self.settings.become_user.as_ref(),
            Setting::BecomeUser,
        )?;
        let password = self.text(&[
            "ansible_become_password",
            "ansible_become_pass",
            &format!("ansible_{}_password", method.name()),
            &format!("ansible_{}_pass", method.name()),
        ])?;
        Ok(Some(Become {
            method,
            user: user.unwrap_or_else(|| "root".into()),
            password: password.map(Secret::new).or_else(|| self.settings.passwords.become_password.clone()),
            exe: choose(&["ansible_become_exe"], Keyword::BecomeExe, None, Setting::BecomeExe)?,
            flags: choose(&["ansible_become_flags"], Keyword::BecomeFlags, None, Setting::BecomeFlags)?,
        }))
    }
}
