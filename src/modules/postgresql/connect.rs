//! Reaching a PostgreSQL server: Unix sockets, addresses, encryption, where passwords come from.

use super::SslMode;
use super::quote::literal;
use super::tls::{Identity, wrap};
use super::wire::{PgError, Session, Startup, Stream};
use crate::module::{Command, Failure, Host};
use crate::modules::expand;
use crate::modules::file::errno::reason;
use crate::modules::web::checksum::hex;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where distributions put the socket.
const SOCKETS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];
/// For making a connection and for the login.
const CONNECT: Duration = Duration::from_secs(30);
/// For one statement: databases are copied and dropped in one.
const STATEMENT: Duration = Duration::from_secs(3600);

/// How a server is reached.
#[derive(Clone)]
pub struct Login {
    /// The role.
    pub user: String,
    /// Its password; empty for none.
    pub password: String,
    /// A name or address; empty for a Unix socket. An absolute path is a socket's directory.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The directory of the socket; empty for the usual ones.
    pub unix_socket: String,
    /// The database; empty for the one named as the role.
    pub database: String,
    /// Whether the connection is encrypted.
    pub ssl_mode: SslMode,
    /// A PEM file of authorities.
    pub ca_cert: Option<String>,
    /// PEM files of the client's certificate and key.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// A role to switch to.
    pub session_role: Option<String>,
}

impl Login {
    /// The directory of the socket that is used, if one is.
    pub fn socket_directory(&self, host: &dyn Host) -> Option<PathBuf> {
        match (self.host.as_str(), self.unix_socket.as_str()) {
            (path, _) if path.starts_with('/') => Some(PathBuf::from(path)),
            ("" | "localhost", directory) if !directory.is_empty() => Some(expand::path(host, directory)),
            ("", _) => {
                let socket = |directory: &&&str| {
                    let path = Path::new(directory).join(format!(".s.PGSQL.{}", self.port));
                    matches!(host.stat(&path), Ok(Some(_)))
                };
                Some(PathBuf::from(SOCKETS.iter().find(socket).unwrap_or(&SOCKETS[0])))
            }
            _ => None,
        }
    }

    /// The password: the given one, PGPASSWORD, or the one in `~/.pgpass`.
    pub fn password(&self, host: &dyn Host) -> Option<String> {
        let filled = |text: &String| !text.is_empty();
        let given = Some(self.password.clone()).filter(filled);
        given.or_else(|| host.env("PGPASSWORD").filter(filled)).or_else(|| {
            let file = host.env("PGPASSFILE").or_else(|| host.env("HOME").map(|home| home + "/.pgpass"))?;
            let text = host.read(Path::new(&file)).ok()?;
            let server = if self.host.is_empty() { "localhost" } else { &self.host };
            let port = self.port.to_string();
            passfile(&String::from_utf8_lossy(&text), [server, &port, self.database(), &self.user])
        })
    }

    /// The database that is connected to.
    pub fn database(&self) -> &str {
        if self.database.is_empty() { &self.user } else { &self.database }
    }

    /// Connects and logs in.
    pub fn connect(&self, host: &dyn Host) -> Result<Session, Failure> {
        let failed = |place: &str, error: PgError| {
            let error = match error {
                PgError::Server(error) => format!("{}:  {error}", error.severity),
                PgError::Io(error) => without_server(&error),
                other => other.to_string(),
            };
            Failure::new(format!("unable to connect to database: connection to server {place} failed: {error}"))
        };
        let startup = Startup {
            user: self.user.clone(),
            database: self.database().to_owned(),
            password: self.password(host),
            options: host.env("PGOPTIONS"),
            nonce: random_hex(host, 18).map_err(|error| Failure::new(format!("no random numbers: {error}")))?,
        };
        let session = match self.socket_directory(host) {
            Some(directory) => {
                let path = directory.join(format!(".s.PGSQL.{}", self.port));
                let stream = UnixStream::connect(&path).and_then(|stream| {
                    stream.set_read_timeout(Some(STATEMENT))?;
                    stream.set_write_timeout(Some(CONNECT))?;
                    Ok(stream)
                });
                let session = stream.map_err(PgError::Io).and_then(|stream| Session::start(Box::new(stream), &startup));
                session.map_err(|error| failed(&format!("on socket \"{}\"", path.display()), error))
            }
            None => {
                let place = format!("at \"{}\", port {}", self.host, self.port);
                let addresses = addresses(host, &self.host).map_err(|error| failed(&place, error.into()))?;
                self.over_tcp(host, &addresses, &startup).map_err(|error| failed(&place, error))
            }
        };
        let mut session = session?;
        if let Some(role) = &self.session_role {
            let sql = format!("SET ROLE {}", literal(role));
            session.query(&sql).map_err(|error| Failure::new(format!("Could not switch role: {error}")))?;
        }
        Ok(session)
    }

    /// Tries the encryptions that the mode allows, in its order.
    fn over_tcp(&self, host: &dyn Host, addresses: &[IpAddr], startup: &Startup) -> Result<Session, PgError> {
        let tries: &[bool] = match self.ssl_mode {
            SslMode::Disable => &[false],
            SslMode::Allow => &[false, true],
            SslMode::Prefer => &[true, false],
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[true],
        };
        let identity = self.identity(host)?;
        let mut first = None;
        for encrypted in tries {
            let attempt = self
                .stream(addresses, *encrypted, &identity)
                .map_err(PgError::Io)
                .and_then(|stream| Session::start(stream, startup));
            match attempt {
                Ok(session) => return Ok(session),
                // Another encryption does not help against a wrong password.
                Err(error) if error.code() == "28P01" || error.code() == "3D000" => return Err(error),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| PgError::Protocol("there is no way to connect".into())))
    }

    fn identity(&self, host: &dyn Host) -> io::Result<Identity> {
        let read = |path: &Path| {
            host.read(path)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {}", path.display(), reason(&error))))
        };
        let given = self.ca_cert.as_deref().map(|file| expand::path(host, file));
        let usual = || host.env("HOME").map(|home| PathBuf::from(home).join(".postgresql/root.crt"));
        let checks = matches!(self.ssl_mode, SslMode::VerifyCa | SslMode::VerifyFull);
        let roots = match given.or_else(usual).filter(|file| checks || host.stat(file).is_ok_and(|info| info.is_some()))
        {
            Some(file) => Some(read(&file)?),
            None => None,
        };
        let client = match &self.client_cert {
            Some((certificate, key)) => Some((read(certificate)?, read(key)?)),
            None => None,
        };
        Ok(Identity { roots, client })
    }

    fn stream(&self, addresses: &[IpAddr], encrypted: bool, identity: &Identity) -> io::Result<Box<dyn Stream>> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match TcpStream::connect_timeout(&SocketAddr::new(*address, self.port), CONNECT) {
                Ok(stream) => return self.prepare(stream, encrypted, identity),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn prepare(&self, mut stream: TcpStream, encrypted: bool, identity: &Identity) -> io::Result<Box<dyn Stream>> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(STATEMENT))?;
        stream.set_write_timeout(Some(CONNECT))?;
        if !encrypted {
            return Ok(Box::new(stream));
        }
        // SSLRequest: length 8, code 80877103. One byte comes back.
        stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47])?;
        let mut answer = [0];
        stream.read_exact(&mut answer)?;
        match (answer[0], self.ssl_mode) {
            (b'S', mode) => Ok(Box::new(wrap(stream, &self.host, mode, identity)?)),
            (b'N', SslMode::Prefer) => Ok(Box::new(stream)),
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "server does not support SSL, but SSL was required")),
        }
    }
}

/// A system error as libpq tells it.
fn without_server(error: &io::Error) -> String {
    let text = reason(error);
    let text = text.split_once("] ").map_or(text.as_str(), |(_, text)| text);
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("{text}\n\tIs the server running on that host and accepting TCP/IP connections?")
        }
        io::ErrorKind::NotFound if error.raw_os_error().is_some() => {
            format!("{text}\n\tIs the server running locally and accepting connections on that socket?")
        }
        _ => text.to_owned(),
    }
}

/// Random bytes as hexadecimal digits.
pub fn random_hex(host: &dyn Host, count: usize) -> io::Result<String> {
    let mut bytes = vec![0; count];
    host.open(Path::new("/dev/urandom"))?.read_exact(&mut bytes)?;
    Ok(hex(&bytes))
}

/// The addresses of a name. The agent is linked statically, so names are looked up by `getent`.
fn addresses(host: &dyn Host, name: &str) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = name.trim_matches(['[', ']']).parse() {
        return Ok(vec![address]);
    }
    let output = host.run(&Command::new(["getent", "ahosts", name]))?;
    let mut found: Vec<IpAddr> = Vec::new();
    for address in output.stdout_text().lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    match found.is_empty() {
        true => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("could not translate host name \"{name}\" to address: Name or service not known"),
        )),
        false => Ok(found),
    }
}

/// The password of the first line of a password file that fits host, port, database and role.
fn passfile(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = vec![String::new()];
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => fields.last_mut()?.extend(chars.next()),
                ':' if fields.len() < 5 => fields.push(String::new()),
                c => fields.last_mut()?.push(c),
            }
        }
        let fits = |(field, wanted): (&String, &str)| field == "*" || field == wanted;
        (fields.len() == 5 && fields.iter().zip(wanted).all(fits)).then(|| fields.pop())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_files() {
        let text = "# mine\nh:5432:*:u:one\n*:*:d\\:b:*:t\\:wo:x\n";
        assert_eq!(passfile(text, ["h", "5432", "x", "u"]).as_deref(), Some("one"));
        assert_eq!(passfile(text, ["g", "1", "d:b", "v"]).as_deref(), Some("t:wo:x"));
        assert_eq!(passfile(text, ["g", "1", "e", "v"]), None);
    }
}
