//! /usr/sbin/policy-rc.d, which tells maintainer scripts whether they may start services.

use crate::module::{Failure, Host, WriteOptions};
use crate::modules::program;
use std::path::Path;

const PATH: &str = "/usr/sbin/policy-rc.d";

/// The file with an answer in it; what was there before comes back when this is dropped.
pub struct Policy<'a> {
    host: &'a dyn Host,
    active: bool,
    before: Option<(Vec<u8>, u32)>,
}

impl<'a> Policy<'a> {
    /// Puts the answer in place; nothing without one.
    pub fn set(answer: Option<i64>, host: &'a dyn Host) -> Result<Policy<'a>, Failure> {
        let Some(answer) = answer else { return Ok(Policy { host, active: false, before: None }) };
        let path = Path::new(PATH);
        let failed = |error| program::file_failure("write", path, &error);
        let before = match host.stat(path).map_err(failed)? {
            Some(info) => Some((host.read(path).map_err(failed)?, info.mode)),
            None => None,
        };
        write(host, format!("#!/bin/sh\nexit {answer}\n").as_bytes(), 0o755).map_err(failed)?;
        Ok(Policy { host, active: true, before })
    }
}

impl Drop for Policy<'_> {
    fn drop(&mut self) {
        if self.active {
            // There is nobody to tell when this fails; the next run with the argument sets the file again.
            let _ = match &self.before {
                Some((content, mode)) => write(self.host, content, *mode),
                None => self.host.remove_file(Path::new(PATH)),
            };
        }
    }
}

fn write(host: &dyn Host, content: &[u8], mode: u32) -> std::io::Result<()> {
    let options = WriteOptions { mode: Some(mode), ..WriteOptions::default() };
    host.write(Path::new(PATH), &mut &content[..], &options)
}
