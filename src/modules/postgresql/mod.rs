//! What the PostgreSQL modules share: a client of the wire protocol, logins, quoting.

pub mod connect;
pub mod quote;
pub mod scram;
pub mod tls;
pub mod wire;

crate::arg_choices! {
    /// Whether a connection is encrypted, by libpq's words.
    pub enum SslMode {
        Allow = "allow",
        Disable = "disable",
        Prefer = "prefer",
        Require = "require",
        VerifyCa = "verify-ca",
        VerifyFull = "verify-full",
    }
}

/// Declares a module's arguments as [`module_args!`](crate::module_args) does, and adds those that
/// say how the server is reached. The struct gets a method `login`.
macro_rules! login_args {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($fields:tt)* }) => {
        $crate::module_args! {
            $(#[$meta])*
            $vis struct $name {
                $($fields)*
                /// The role that logs in.
                [aliases("login")] login_user: String = "postgres",
                /// Its password; PGPASSWORD and ~/.pgpass are looked at when it is left out.
                [secret] login_password: String = "",
                /// The server's name or address; a Unix socket when it is left out.
                [aliases("host")] login_host: String = "",
                /// The server's port.
                [aliases("port")] login_port: u16 = 5432u16,
                /// The directory of the Unix socket.
                [aliases("unix_socket")] login_unix_socket: String = "",
                /// Whether the connection is encrypted. `require` and above fail without encryption,
                /// `verify-ca` also checks who signed the server's certificate, `verify-full` its name too.
                ssl_mode: $crate::modules::postgresql::SslMode = $crate::modules::postgresql::SslMode::Prefer,
                /// A PEM file of authorities that the server's certificate is checked against.
                [aliases("ssl_rootcert")] ca_cert: Option<String>,
                /// A PEM file with the client's certificate.
                ssl_cert: Option<std::path::PathBuf>,
                /// A PEM file with the client's key.
                ssl_key: Option<std::path::PathBuf>,
                /// A role to switch to after logging in.
                session_role: Option<String>,
                /// When false, refuse values that look like an attempt to smuggle SQL in.
                trust_input: bool = true,
            }
        }

        impl $name {
            /// How the server is reached; `database` is the one to connect to.
            pub fn login(&self, database: &str) -> $crate::modules::postgresql::connect::Login {
                $crate::modules::postgresql::connect::Login {
                    user: self.login_user.clone(),
                    password: self.login_password.clone(),
                    host: self.login_host.clone(),
                    port: self.login_port,
                    unix_socket: self.login_unix_socket.clone(),
                    database: database.to_owned(),
                    ssl_mode: self.ssl_mode,
                    ca_cert: self.ca_cert.clone(),
                    client_cert: self.ssl_cert.clone().zip(self.ssl_key.clone()),
                    session_role: self.session_role.clone(),
                }
            }
        }
    };
}
pub(crate) use login_args;
