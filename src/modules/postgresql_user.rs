//! `postgresql_user`: roles of a PostgreSQL server.

use super::postgresql::connect::random_hex;
use super::postgresql::quote::{first_dangerous, identifier, literal};
use super::postgresql::wire::{PgError, Session};
use super::postgresql::{login_args, scram};
use crate::arg_choices;
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, RunsOn};
use crate::value::{Map, Value};

arg_choices! {
    /// Whether the role should be there.
    pub enum Presence { Present = "present", Absent = "absent" }
}

login_args! {
    /// Arguments of `postgresql_user`.
    pub struct Args {
        /// The role.
        [aliases("user")] name: String,
        /// Whether it should be there.
        state: Presence = Presence::Present,
        /// Its password, as it is or in the server's stored form (md5… or SCRAM-SHA-256$…). Empty
        /// for none. It is hashed before it is sent, so it shows in no log of the server.
        [secret] password: Option<String>,
        /// Whether the password is stored hashed. False works with servers before version 10 only.
        encrypted: bool = true,
        /// Leave the password of a role that exists alone.
        no_password_changes: bool = false,
        /// Attributes separated by commas, such as CREATEDB,NOSUPERUSER.
        role_attr_flags: String = "",
        /// How many connections the role may have; -1 for any number.
        conn_limit: Option<i64>,
        /// When the password ends to be valid, as SQL writes times; `infinity` for never.
        expires: Option<String>,
        /// A comment; empty to remove it.
        comment: Option<String>,
        /// Settings of the role's sessions.
        configuration: Map = Map::new(),
        /// Whether the settings' values are quoted; false for lists such as search_path.
        quote_configuration_values: bool = true,
        /// Remove settings that `configuration` does not have.
        reset_unspecified_configuration: bool = false,
        /// Whether it is a failure when the role cannot be removed.
        [aliases("fail_on_role")] fail_on_user: bool = true,
        /// The database to connect to.
        [aliases("db")] login_db: String = "",
    }
}

/// Attributes, and their columns of pg_roles.
const FLAGS: [(&str, &str); 7] = [
    ("SUPERUSER", "rolsuper"),
    ("CREATEROLE", "rolcreaterole"),
    ("CREATEDB", "rolcreatedb"),
    ("INHERIT", "rolinherit"),
    ("LOGIN", "rolcanlogin"),
    ("REPLICATION", "rolreplication"),
    ("BYPASSRLS", "rolbypassrls"),
];

/// What the server says of the role.
#[derive(Debug, Clone, Default)]
pub struct Role {
    /// The attributes of [`FLAGS`].
    flags: [bool; 7],
    conn_limit: i64,
    /// Whether `expires` is what is set already.
    expires_fits: bool,
    /// The stored password; None when it may not be read, Some(None) when there is none.
    stored: Option<Option<String>>,
    comment: String,
    /// `name=value` pairs, split.
    settings: Vec<(String, String)>,
}

/// The server before the change.
#[derive(Debug, Clone, Default)]
pub struct State {
    version: u32,
    /// How the server hashes passwords: `scram-sha-256`, `md5`, or `on` and `off` before version 10.
    password_encryption: String,
    salt: Vec<u8>,
    role: Option<Role>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What is sent; may hold a hashed password.
    sql: String,
    /// What is shown.
    shown: String,
}

impl Statement {
    fn plain(sql: String) -> Statement {
        Statement { shown: sql.clone(), sql }
    }
}

/// The `postgresql_user` module.
pub struct PostgresqlUser;

impl Module for PostgresqlUser {
    type Args = Args;
    type State = State;
    type Change = Statement;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "community.postgresql.postgresql_user",
        aliases: &["postgresql_user"],
        summary: "Makes, changes and removes roles of a PostgreSQL server",
        notes: "Speaks to the server itself: neither Python nor a client library is needed on the host. Log in as the \
                server's superuser, as a rule with become_user: postgres.",
        runs_on: RunsOn::Agent,
        returns: &[
            ReturnSpec { name: "user", doc: "The role." },
            ReturnSpec { name: "queries", doc: "The statements, without passwords." },
            ReturnSpec { name: "user_removed", doc: "Whether it was removed." },
        ],
        examples: &[Example {
            title: "A role that logs in with a password",
            yaml: "community.postgresql.postgresql_user:\n  name: airflow\n  password: \"{{ vault_airflow_db_password }}\"\nbecome: true\nbecome_user: postgres",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<State, Failure> {
        check(args)?;
        let mut session = args.login(&args.login_db).connect(host)?;
        let random = random_hex(host, 8).map_err(|error| Failure::new(format!("no random numbers: {error}")))?;
        let role = role(&mut session, args).map_err(|error| failure(args, &error))?;
        let encryption = session.value("SHOW password_encryption").map_err(|error| failure(args, &error))?;
        Ok(State {
            version: session.version(),
            password_encryption: encryption.unwrap_or_default(),
            salt: random.into_bytes(),
            role,
        })
    }

    fn plan(&self, args: &Args, state: &State) -> Result<Plan<Statement>, Failure> {
        let mut plan = Plan::nothing().with("user", args.name.as_str());
        let name = identifier(&args.name);
        if args.state == Presence::Absent {
            if state.role.is_some() {
                plan = plan.with("user_removed", true);
                plan.changes.push(Statement::plain(format!("DROP USER {name}")));
            }
        } else {
            if !args.encrypted && args.password.is_some() && state.version >= 100_000 {
                return Err(Failure::new(
                    "UNENCRYPTED PASSWORD is no longer supported\nHINT:  Remove UNENCRYPTED to store the password in \
                     encrypted form instead.",
                ));
            }
            plan.changes.extend(match &state.role {
                None => Some(create(args, state)?),
                Some(role) => alter(args, state, role)?,
            });
            let nothing = Role::default();
            let role = state.role.as_ref().unwrap_or(&nothing);
            if let Some(comment) = args.comment.as_ref().filter(|comment| **comment != role.comment) {
                plan.changes.push(Statement::plain(format!("COMMENT ON ROLE {name} IS {}", literal(comment).trim())));
            }
            plan.changes.extend(settings(args, role)?);
        }
        // As in Ansible, a removal is listed only once it was tried.
        let shown = if args.state == Presence::Absent { Value::list(Vec::new()) } else { shown(&plan.changes) };
        Ok(plan.with("queries", shown))
    }

    fn apply(&self, args: &Args, plan: &Plan<Statement>, host: &dyn Host) -> Result<Outcome, Failure> {
        let mut session = args.login(&args.login_db).connect(host)?;
        // One text is one transaction: all of it happens or nothing.
        let sql = plan.changes.iter().map(|statement| statement.sql.as_str()).collect::<Vec<_>>().join(";\n");
        match session.query(&sql) {
            Ok(_) => Ok(Outcome::new().with("queries", shown(&plan.changes))),
            Err(_) if args.state == Presence::Absent && !args.fail_on_user => {
                let mut outcome = Outcome::new().with("user_removed", false).with("queries", shown(&plan.changes));
                outcome.reported_change = Some(false);
                Ok(outcome)
            }
            Err(error) if args.state == Presence::Absent => {
                Err(Failure::new(format!("Unable to remove user: {error}")).with("user_removed", false))
            }
            Err(error) => Err(failure(args, &error)),
        }
    }
}

fn shown(statements: &[Statement]) -> Value {
    Value::list(statements.iter().map(|statement| Value::str(&statement.shown)).collect())
}

/// A server may repeat parts of a statement in its complaint.
fn failure(args: &Args, error: &PgError) -> Failure {
    let mut text = error.to_string();
    for secret in args.password.iter().chain([&args.login_password]).filter(|secret| secret.len() > 2) {
        text = text.replace(secret.as_str(), "********");
    }
    Failure::new(text)
}

fn check(args: &Args) -> Result<(), Failure> {
    if args.name == "PUBLIC" && args.password.is_some() {
        return Err(Failure::new("cannot change the password for PUBLIC user"));
    }
    if args.name == "PUBLIC" {
        return Err(Failure::new("Can't find user PUBLIC in 'pg_roles'"));
    }
    if !args.trust_input {
        let given = [Some(&args.name), args.expires.as_ref(), Some(&args.role_attr_flags), args.comment.as_ref()];
        let given = given.into_iter().chain([args.session_role.as_ref()]).flatten().map(String::as_str);
        if let Some(value) = first_dangerous(given) {
            return Err(Failure::new(format!("Passed input '{value}' is potentially dangerous")));
        }
        if first_dangerous(args.password.as_deref()).is_some() {
            return Err(Failure::new("Passed input '********' is potentially dangerous"));
        }
    }
    flags(args).map(|_| ())
}

/// The attributes that are asked for: their place in [`FLAGS`] and whether they should be set.
fn flags(args: &Args) -> Result<Vec<(usize, bool)>, Failure> {
    let words: Vec<String> = args
        .role_attr_flags
        .split(',')
        .map(|word| word.trim().to_ascii_uppercase())
        .filter(|word| !word.is_empty())
        .collect();
    let known = |word: &str| FLAGS.iter().position(|(name, _)| *name == word);
    let mut found: Vec<(usize, bool)> = Vec::new();
    let mut unknown = Vec::new();
    for word in &words {
        match known(word).map(|at| (at, true)).or_else(|| Some((known(word.strip_prefix("NO")?)?, false))) {
            Some((at, wanted)) if found.contains(&(at, !wanted)) => {
                return Err(Failure::new(format!("role_attr_flags holds both {} and NO{}", FLAGS[at].0, FLAGS[at].0)));
            }
            Some(flag) if found.contains(&flag) => {}
            Some(flag) => found.push(flag),
            None => unknown.push(word.as_str()),
        }
    }
    match unknown.is_empty() {
        true => Ok(found),
        false => Err(Failure::new(format!("Invalid role_attr_flags specified: {}", unknown.join(" ")))),
    }
}

fn flag_text(flags: &[(usize, bool)]) -> String {
    let word = |(at, wanted): &(usize, bool)| format!("{}{}", if *wanted { "" } else { "NO" }, FLAGS[*at].0);
    flags.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn role(session: &mut Session, args: &Args) -> Result<Option<Role>, PgError> {
    let columns = FLAGS.map(|(_, column)| column).join(", ");
    let expires = match &args.expires {
        Some(expires) => format!("rolvaliduntil = {}::timestamptz", literal(expires)),
        None => "true".into(),
    };
    let sql = format!(
        "SELECT {columns}, rolconnlimit, {expires}, coalesce(shobj_description(oid, 'pg_authid'), '') \
         FROM pg_catalog.pg_roles WHERE rolname = {}",
        literal(&args.name)
    );
    let Some(row) = session.query(&sql)?.into_iter().next() else { return Ok(None) };
    let text = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    let sql = format!(
        "SELECT unnest(setconfig) FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole \
         WHERE s.setdatabase = 0 AND r.rolname = {}",
        literal(&args.name)
    );
    let settings = session.query(&sql)?.into_iter().flatten().flatten();
    let settings = settings
        .filter_map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    let stored = match args.password.is_some() && !args.no_password_changes {
        true => {
            let sql = format!("SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = {}", literal(&args.name));
            match session.value(&sql) {
                Ok(stored) => Some(stored),
                // Hosted servers let nobody look.
                Err(error) if error.code() == "42501" => None,
                Err(error) => return Err(error),
            }
        }
        false => None,
    };
    Ok(Some(Role {
        flags: std::array::from_fn(|at| text(at) == "t"),
        conn_limit: text(FLAGS.len()).parse().unwrap_or(-1),
        expires_fits: text(FLAGS.len() + 1) == "t",
        comment: text(FLAGS.len() + 2),
        stored,
        settings,
    }))
}

/// The password clause: as it is sent, and as it is shown.
fn password_clause(args: &Args, state: &State, password: &str) -> (String, String) {
    if password.is_empty() {
        return ("WITH PASSWORD NULL".into(), "WITH PASSWORD NULL".into());
    }
    let word = if args.encrypted { "ENCRYPTED" } else { "UNENCRYPTED" };
    let stored = match state.password_encryption.as_str() {
        _ if scram::is_stored(password) || !args.encrypted => password.to_owned(),
        "scram-sha-256" => scram::verifier(password, &state.salt),
        _ => scram::md5_password(&args.name, password),
    };
    (format!("WITH {word} PASSWORD {}", literal(&stored)), format!("WITH {word} PASSWORD %(password)s"))
}

/// `CREATE USER` or `ALTER USER` with its clauses, spaced as Ansible shows them.
fn statement(
    verb: &str,
    args: &Args,
    password: Option<(String, String)>,
    expires: Option<&str>,
    limit: Option<i64>,
    flags: &[(usize, bool)],
) -> Statement {
    let head = format!("{verb} USER {}", identifier(&args.name));
    let (mut sql, mut shown) = (vec![head.clone()], vec![head]);
    let mut add = |sent: String, seen: String| {
        sql.push(sent);
        shown.push(seen);
    };
    let alters = verb == "ALTER";
    let has_password = password.is_some();
    if let Some((sent, seen)) = password {
        add(sent, seen);
    }
    let flags = flag_text(flags);
    if alters && (has_password || !flags.is_empty()) {
        let flags = if has_password { flags.clone() } else { format!("WITH {flags}") };
        add(flags.clone(), flags);
    }
    if let Some(expires) = expires {
        add(format!("VALID UNTIL {}", literal(expires).trim()), "VALID UNTIL %(expires)s".into());
    }
    if let Some(limit) = limit {
        let clause = format!("CONNECTION LIMIT {limit}");
        add(clause.clone(), clause);
    }
    if !alters {
        add(flags.clone(), flags);
    }
    Statement { sql: sql.join(" "), shown: shown.join(" ") }
}

fn create(args: &Args, state: &State) -> Result<Statement, Failure> {
    let password = args.password.as_deref().filter(|password| !password.is_empty());
    let password = password.map(|password| password_clause(args, state, password));
    Ok(statement("CREATE", args, password, args.expires.as_deref(), args.conn_limit, &flags(args)?))
}

fn alter(args: &Args, state: &State, role: &Role) -> Result<Option<Statement>, Failure> {
    // As in Ansible, one that differs brings all that are asked for into the statement.
    let mut flags = flags(args)?;
    if flags.iter().all(|(at, wanted)| role.flags[*at] == *wanted) {
        flags.clear();
    }
    let fits = |password: &str| match &role.stored {
        None => false,
        Some(None) => password.is_empty(),
        Some(Some(stored)) => !password.is_empty() && scram::matches(&args.name, password, stored),
    };
    let password = args.password.as_deref().filter(|password| !args.no_password_changes && !fits(password));
    let expires = args.expires.as_deref().filter(|_| !role.expires_fits);
    let limit = args.conn_limit.filter(|limit| *limit != role.conn_limit);
    if password.is_none() && expires.is_none() && limit.is_none() && flags.is_empty() {
        return Ok(None);
    }
    let password = password.map(|password| password_clause(args, state, password));
    Ok(Some(statement("ALTER", args, password, expires, limit, &flags)))
}

/// Settings to set and to reset.
fn settings(args: &Args, role: &Role) -> Result<Vec<Statement>, Failure> {
    let name = identifier(&args.name);
    let mut statements = Vec::new();
    for (key, value) in &args.configuration {
        let (key, value) = (key.to_string(), value.to_string());
        if key.contains(['\'', '"']) {
            return Err(Failure::new("The key of a configuration may not contain single or double quotes"));
        }
        if !args.trust_input && first_dangerous([value.as_str()]).is_some() {
            return Err(Failure::new(format!("Passed input '{value}' is potentially dangerous")));
        }
        let present = role.settings.iter().find(|(known, _)| *known == key);
        if present.is_none_or(|(_, present)| *present != value) {
            let value = if args.quote_configuration_values { literal(&value).trim().to_owned() } else { value };
            statements.push(Statement::plain(format!("ALTER ROLE {name} SET {} TO {value};", identifier(&key))));
        }
    }
    if args.reset_unspecified_configuration {
        for (key, _) in role.settings.iter().filter(|(key, _)| !args.configuration.contains_key(key.as_str())) {
            statements.push(Statement::plain(format!("ALTER ROLE {name} RESET {};", identifier(key))));
        }
    }
    Ok(statements)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::parse_args;

    fn args(entries: &[(&str, Value)]) -> Args {
        let mut map: Map = entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        map.insert("name".into(), "u1".into());
        parse_args(&[], &map).unwrap()
    }

    fn state(role: Option<Role>) -> State {
        let password_encryption = "scram-sha-256".into();
        State { version: 150_000, password_encryption, salt: b"0123456789abcdef".to_vec(), role }
    }

    fn shown(args: &Args, state: &State) -> Vec<String> {
        PostgresqlUser.plan(args, state).unwrap().changes.into_iter().map(|statement| statement.shown).collect()
    }

    #[test]
    fn makes_a_role_without_sending_its_password() {
        let args = args(&[("password", "hunter2".into()), ("role_attr_flags", "createdb,NOSUPERUSER".into())]);
        let plan = PostgresqlUser.plan(&args, &state(None)).unwrap();
        let statement = &plan.changes[0];
        assert_eq!(statement.shown, "CREATE USER \"u1\" WITH ENCRYPTED PASSWORD %(password)s CREATEDB NOSUPERUSER");
        assert!(statement.sql.contains("SCRAM-SHA-256$4096:") && !statement.sql.contains("hunter2"));
        assert!(!Value::from(plan.returns).to_string().contains("SCRAM"));
    }

    #[test]
    fn changes_only_what_differs() {
        let stored = Some(Some(scram::verifier("pw", b"0123456789abcdef")));
        let role =
            Role { stored, conn_limit: 5, flags: [false, false, true, true, true, false, false], ..Role::default() };
        let there = state(Some(role));
        assert_eq!(shown(&args(&[("password", "pw".into()), ("conn_limit", 5.into())]), &there), [""; 0]);
        assert_eq!(
            shown(&args(&[("password", "new".into()), ("role_attr_flags", "CREATEDB,NOLOGIN".into())]), &there),
            ["ALTER USER \"u1\" WITH ENCRYPTED PASSWORD %(password)s CREATEDB NOLOGIN"]
        );
        assert_eq!(shown(&args(&[("conn_limit", 6.into())]), &there), ["ALTER USER \"u1\" CONNECTION LIMIT 6"]);
        assert_eq!(shown(&args(&[("password", "new".into()), ("no_password_changes", true.into())]), &there), [""; 0]);
    }

    #[test]
    fn sets_and_resets_settings() {
        let settings = vec![("work_mem".to_owned(), "16MB".to_owned()), ("a".to_owned(), "b".to_owned())];
        let there = state(Some(Role { settings, ..Role::default() }));
        let configuration = Value::from([("work_mem", "17MB")]);
        let args = args(&[("configuration", configuration), ("reset_unspecified_configuration", true.into())]);
        assert_eq!(
            shown(&args, &there),
            ["ALTER ROLE \"u1\" SET \"work_mem\" TO '17MB';", "ALTER ROLE \"u1\" RESET \"a\";"]
        );
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        assert!(flags(&args(&[("role_attr_flags", "FOO".into())])).is_err());
        assert!(flags(&args(&[("role_attr_flags", "LOGIN,NOLOGIN".into())])).is_err());
        assert!(check(&args(&[("trust_input", false.into()), ("password", "a; b".into())])).is_err());
    }
}
