//! A package file: fetched when it is an address, and compared with what is installed.

use super::installed::Installed;
use super::{Args, version};
use crate::module::{Failure, Host, HttpRequest, WriteOptions};
use crate::modules::{expand, program};
use std::cmp::Ordering;
use std::path::PathBuf;
use std::time::Duration;

/// The file, and whether it would change anything.
pub fn wanted(args: &Args, deb: &str, installed: &Installed, host: &dyn Host) -> Result<Option<PathBuf>, Failure> {
    let path = match deb.contains("://") {
        true => fetch(deb, host)?,
        false => expand::path(host, deb),
    };
    let text = path.to_string_lossy();
    let output =
        program::succeed(host, &program::plain(&["dpkg-deb", "-f", &text, "Package", "Version", "Architecture"]))
            .map_err(|failure| Failure { msg: format!("Unable to install package: {}", failure.msg), ..failure })?;
    let fields = output.stdout_text();
    let field =
        |name: &str| fields.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default();
    let architecture = Some(field("Architecture")).filter(|name| *name != "all");
    let (name, offered) = (field("Package"), field("Version"));
    let entry = installed.get(name, architecture).or_else(|| installed.get(name, None));
    let changes = match entry.map(|entry| version::compare(offered, &entry.version)) {
        None | Some(Ordering::Greater) => true,
        Some(Ordering::Equal) => false,
        Some(Ordering::Less) => args.allow_downgrade || args.force,
    };
    Ok(changes.then_some(path))
}

fn fetch(url: &str, host: &dyn Host) -> Result<PathBuf, Failure> {
    let request = HttpRequest {
        method: "GET".into(),
        url: url.to_owned(),
        timeout: Some(Duration::from_secs(600)),
        max_redirects: 10,
        validate_certs: true,
        use_proxy: true,
        ..HttpRequest::default()
    };
    let failed = |error: std::io::Error| Failure::new(format!("Failure downloading {url}, {error}"));
    let mut response = host.http(&request).map_err(failed)?;
    if response.status != 200 {
        return Err(Failure::new(format!(
            "Failure downloading {url}, HTTP status {} {}",
            response.status, response.reason
        )));
    }
    let path = host.temp_dir().map_err(failed)?.join("package.deb");
    host.write(&path, &mut response.body, &WriteOptions::default()).map_err(failed)?;
    Ok(path)
}
