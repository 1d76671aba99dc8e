//! The PostgreSQL protocol, version 3: startup, authentication, simple queries.
//! <https://www.postgresql.org/docs/current/protocol.html>

use super::scram::{Client, md5_password};
use crate::modules::web::checksum::hex;
use md5::{Digest, Md5};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};

/// A connection's bytes.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// Messages longer than this are not believed.
const LONGEST: usize = 256 << 20;

/// What the server complains of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    /// FATAL, ERROR, …
    pub severity: String,
    /// The SQLSTATE, such as 42P01.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, "\nDETAIL:  {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nHINT:  {hint}")?;
        }
        Ok(())
    }
}

/// Why a server cannot be talked to, or refuses.
#[derive(Debug, thiserror::Error)]
pub enum PgError {
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server refused.
    #[error("{0}")]
    Server(ServerError),
    /// The server said something that makes no sense, or that is not supported here.
    #[error("{0}")]
    Protocol(String),
}

impl PgError {
    /// The SQLSTATE, when the server refused.
    pub fn code(&self) -> &str {
        match self {
            PgError::Server(error) => &error.code,
            _ => "",
        }
    }
}

/// One row: the columns' text, None for NULL.
pub type Row = Vec<Option<String>>;

/// A session that is logged in.
pub struct Session {
    stream: Box<dyn Stream>,
    parameters: BTreeMap<String, String>,
}

/// Who logs in.
#[derive(Debug, Clone, Default)]
pub struct Startup {
    /// The role.
    pub user: String,
    /// The database.
    pub database: String,
    /// Its password; None when there is none to offer.
    pub password: Option<String>,
    /// Settings as PGOPTIONS has them: `-c name=value`.
    pub options: Option<String>,
    /// Fresh random letters.
    pub nonce: String,
}

impl Session {
    /// Logs in.
    pub fn start(stream: Box<dyn Stream>, startup: &Startup) -> Result<Session, PgError> {
        let mut session = Session { stream, parameters: BTreeMap::new() };
        let mut body = 196_608u32.to_be_bytes().to_vec();
        let options = startup.options.as_deref().map(|options| ("options", options));
        let settings = [
            ("user", startup.user.as_str()),
            ("database", startup.database.as_str()),
            ("application_name", "rplay"),
            ("client_encoding", "UTF8"),
        ];
        for (name, value) in settings.into_iter().chain(options) {
            for text in [name, value] {
                body.extend_from_slice(text.as_bytes());
                body.push(0);
            }
        }
        body.push(0);
        session.send(None, &body)?;
        session.authenticate(startup)?;
        loop {
            let (kind, body) = session.receive()?;
            match kind {
                b'Z' => return Ok(session),
                b'S' => session.parameter(&body),
                b'E' => return Err(PgError::Server(server_error(&body))),
                _ => {}
            }
        }
    }

    fn authenticate(&mut self, startup: &Startup) -> Result<(), PgError> {
        let password =
            || startup.password.clone().ok_or_else(|| PgError::Protocol("fe_sendauth: no password supplied".into()));
        let mut scram: Option<Client> = None;
        loop {
            let (kind, body) = self.receive()?;
            match kind {
                b'R' => {}
                b'E' => return Err(PgError::Server(server_error(&body))),
                b'N' => continue,
                other => return Err(unexpected(other)),
            }
            let (method, rest) = body.split_at_checked(4).ok_or_else(|| unexpected(b'R'))?;
            match u32::from_be_bytes([method[0], method[1], method[2], method[3]]) {
                0 => return Ok(()),
                3 => self.send_text(b'p', &password()?)?,
                5 => {
                    let inner = md5_password(&startup.user, &password()?);
                    let mut salted = inner.trim_start_matches("md5").as_bytes().to_vec();
                    salted.extend_from_slice(rest);
                    self.send_text(b'p', &format!("md5{}", hex(&Md5::digest(&salted))))?;
                }
                10 => {
                    let known = rest.split(|byte| *byte == 0).any(|name| name == b"SCRAM-SHA-256");
                    if !known {
                        return Err(PgError::Protocol("none of the server's SASL mechanisms is supported".into()));
                    }
                    let client = Client::new(&password()?, &startup.nonce);
                    let first = client.first();
                    let mut message = b"SCRAM-SHA-256\0".to_vec();
                    message.extend_from_slice(&(first.len() as u32).to_be_bytes());
                    message.extend_from_slice(first.as_bytes());
                    self.send(Some(b'p'), &message)?;
                    scram = Some(client);
                }
                11 => {
                    let client = scram.as_mut().ok_or_else(|| unexpected(b'R'))?;
                    let last = client.last(&String::from_utf8_lossy(rest));
                    let last = last.map_err(|reason| PgError::Protocol(reason.into()))?;
                    self.send(Some(b'p'), last.as_bytes())?;
                }
                12 => {
                    if !scram.as_ref().is_some_and(|client| client.verify(&String::from_utf8_lossy(rest))) {
                        return Err(PgError::Protocol("the server does not know the password".into()));
                    }
                }
                method => {
                    let name = match method {
                        2 => "Kerberos".into(),
                        7..=9 => "GSSAPI or SSPI".into(),
                        other => format!("method {other}"),
                    };
                    return Err(PgError::Protocol(format!(
                        "the server asks for authentication by {name}, which is not supported"
                    )));
                }
            }
        }
    }

    /// Runs statements; the rows of the last one that gives any. Everything up to the first failure
    /// of one text is one transaction.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Row>, PgError> {
        self.send_text(b'Q', sql)?;
        let (mut rows, mut failure) = (Vec::new(), None);
        loop {
            let (kind, body) = self.receive()?;
            match kind {
                b'Z' => break,
                b'T' => rows = Vec::new(),
                b'D' => rows.push(row(&body).ok_or_else(|| unexpected(b'D'))?),
                b'E' => failure = failure.or(Some(server_error(&body))),
                b'S' => self.parameter(&body),
                // A COPY from us: there is nothing to copy.
                b'G' => self.send_text(b'f', "not supported")?,
                _ => {}
            }
        }
        failure.map_or(Ok(rows), |failure| Err(PgError::Server(failure)))
    }

    /// The only column of the first row; None when there is no row or it is NULL.
    pub fn value(&mut self, sql: &str) -> Result<Option<String>, PgError> {
        Ok(self.query(sql)?.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    /// The server's version: 150004 for 15.4, 90624 for 9.6.24.
    pub fn version(&self) -> u32 {
        let text = self.parameters.get("server_version").map(String::as_str).unwrap_or_default();
        let digits =
            |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0);
        let parts: Vec<u32> = text.split('.').map(digits).collect();
        let part = |at: usize| parts.get(at).copied().unwrap_or(0);
        match part(0) {
            major if major >= 10 => major * 10_000 + part(1),
            major => major * 10_000 + part(1) * 100 + part(2),
        }
    }

    fn parameter(&mut self, body: &[u8]) {
        let mut texts = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        if let (Some(name), Some(value)) = (texts.next(), texts.next()) {
            self.parameters.insert(name, value);
        }
    }

    fn send_text(&mut self, kind: u8, text: &str) -> Result<(), PgError> {
        if text.contains('\0') {
            return Err(PgError::Protocol("a text for the server holds a null character".into()));
        }
        let mut body = text.as_bytes().to_vec();
        body.push(0);
        self.send(Some(kind), &body)
    }

    fn send(&mut self, kind: Option<u8>, body: &[u8]) -> Result<(), PgError> {
        let mut message: Vec<u8> = kind.into_iter().collect();
        let length =
            u32::try_from(body.len() + 4).map_err(|_| PgError::Protocol("the statement is too long".into()))?;
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(body);
        self.stream.write_all(&message)?;
        Ok(self.stream.flush()?)
    }

    fn receive(&mut self) -> Result<(u8, Vec<u8>), PgError> {
        let mut head = [0; 5];
        self.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if !(4..=LONGEST).contains(&length) {
            return Err(unexpected(head[0]));
        }
        let mut body = vec![0; length - 4];
        self.read_exact(&mut body)?;
        Ok((head[0], body))
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), PgError> {
        self.stream.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => PgError::Protocol("server closed the connection unexpectedly".into()),
            io::ErrorKind::WouldBlock => PgError::Io(io::ErrorKind::TimedOut.into()),
            _ => PgError::Io(error),
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The server notices the end of the stream as well.
        let _ = self.send(Some(b'X'), &[]);
    }
}

fn unexpected(kind: u8) -> PgError {
    PgError::Protocol(format!("the server sent an unexpected message ({})", char::from(kind).escape_default()))
}

fn row(body: &[u8]) -> Option<Row> {
    let (count, mut rest) = body.split_at_checked(2)?;
    let count = u16::from_be_bytes([count[0], count[1]]);
    let mut columns = Row::with_capacity(usize::from(count));
    for _ in 0..count {
        let (length, after) = rest.split_at_checked(4)?;
        let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        rest = after;
        match usize::try_from(length) {
            Err(_) => columns.push(None),
            Ok(length) => {
                let (text, after) = rest.split_at_checked(length)?;
                columns.push(Some(String::from_utf8_lossy(text).into_owned()));
                rest = after;
            }
        }
    }
    Some(columns)
}

fn server_error(body: &[u8]) -> ServerError {
    let mut error = ServerError::default();
    for field in body.split(|byte| *byte == 0).filter(|field| !field.is_empty()) {
        let text = String::from_utf8_lossy(&field[1..]).into_owned();
        match field[0] {
            b'S' => error.severity = text,
            b'C' => error.code = text,
            b'M' => error.message = text,
            b'D' => error.detail = Some(text),
            b'H' => error.hint = Some(text),
            _ => {}
        }
    }
    error
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A server that has said all it will say.
    struct Script(io::Cursor<Vec<u8>>, Arc<Mutex<Vec<u8>>>);
    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
    }

    fn start(script: &[Vec<u8>], password: Option<&str>) -> (Result<Session, PgError>, Arc<Mutex<Vec<u8>>>) {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let stream = Script(io::Cursor::new(script.concat()), sent.clone());
        let startup = Startup { user: "u".into(), password: password.map(str::to_owned), ..Startup::default() };
        (Session::start(Box::new(stream), &startup), sent)
    }

    #[test]
    fn logs_in_and_reads_rows() {
        let script = [
            message(b'R', &[0, 0, 0, 5, 1, 2, 3, 4]),
            message(b'R', &[0, 0, 0, 0]),
            message(b'S', b"server_version\x0015.14 (Debian)\0"),
            message(b'Z', b"I"),
            message(b'T', b""),
            message(b'D', &[0, 2, 0, 0, 0, 1, b'x', 255, 255, 255, 255]),
            message(b'C', b"SELECT 1\0"),
            message(b'Z', b"I"),
        ];
        let (session, sent) = start(&script, Some("secret"));
        let mut session = session.unwrap();
        assert_eq!(session.version(), 150_014);
        assert_eq!(session.query("select").unwrap(), [[Some("x".to_owned()), None]]);
        let sent = String::from_utf8_lossy(&sent.lock().unwrap()).into_owned();
        assert!(sent.contains("md5") && !sent.contains("secret"), "{sent}");
    }

    #[test]
    fn tells_the_servers_words() {
        let error = message(b'E', b"SFATAL\0C28P01\0Mpassword authentication failed\0Hcheck it\0\0");
        let (session, _) = start(&[error], None);
        let error = session.err().unwrap();
        assert_eq!(error.code(), "28P01");
        assert_eq!(error.to_string(), "password authentication failed\nHINT:  check it");
        let (session, _) = start(&[message(b'R', &[0, 0, 0, 3])], None);
        assert_eq!(session.err().unwrap().to_string(), "fe_sendauth: no password supplied");
    }

    #[test]
    fn a_broken_server_is_an_error() {
        let (session, _) = start(&[vec![b'R', 255, 255, 255, 255]], None);
        assert!(matches!(session.err().unwrap(), PgError::Protocol(_)));
        let (session, _) = start(&[vec![b'R', 0]], None);
        assert!(session.err().unwrap().to_string().contains("closed the connection"));
    }
}
